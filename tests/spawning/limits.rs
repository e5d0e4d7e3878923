//! The system refuses: descriptors, processes, memory, file sizes. Spawning fails with an error that says so, or the child's end does; nothing
//! hangs or stays, and once there is room again everything works.

use std::fs::{self, File};
use std::io::{self, Write};
use std::iter;

use crossproc::process::{Child, JoinError, spawn};
use crossproc::spsc::{Producer, Ring};
use crossproc::{Error, Queue};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::private_mount::{private_mount, succeeds};
use crate::{alone, descriptors};

/// As long as it lives, no more than `limit` of this; the hard limit is as before.
struct Limited {
    resource: Resource,
    before: Rlimit,
}

impl Limited {
    fn to(resource: Resource, limit: u64) -> Limited {
        let before = getrlimit(resource);
        let current = Some(limit);
        setrlimit(resource, Rlimit { current, ..before }).unwrap();
        Limited { resource, before }
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        setrlimit(self.resource, self.before).unwrap();
    }
}

fn call((calls, n): (Queue<u64>, u64)) -> u64 {
    calls.send(n).unwrap();
    n
}

fn code(error: &Error) -> Option<i32> {
    match error {
        Error::Os { source, .. } => source.raw_os_error(),
        _ => None,
    }
}

fn works(calls: &Queue<u64>) {
    assert_eq!(spawn(call, (calls.clone(), 7)).unwrap().join(), Ok(7));
    assert_eq!(calls.recv(), Ok(7));
}

/// Many descriptors, and the limit that leaves `spare` numbers.
struct Crowd {
    files: Vec<File>,
}

impl Crowd {
    fn new() -> Crowd {
        let files = iter::repeat_with(|| File::open("/dev/null").unwrap());
        Crowd {
            // Children have none of them, and so do not come near the limit.
            files: files.take(64).collect(),
        }
    }

    fn leave(&self, spare: u64) -> Limited {
        use std::os::fd::AsRawFd;
        // The lowest number free is above all of those that are taken.
        let probe = File::open("/dev/null").unwrap();
        assert!(
            self.files
                .iter()
                .all(|file| file.as_raw_fd() < probe.as_raw_fd())
        );
        Limited::to(Resource::Nofile, probe.as_raw_fd() as u64 + spare)
    }
}

#[test]
fn out_of_descriptors_a_spawn_works_or_has_called_nothing() {
    guarded!();
    alone(|()| {
        let calls = Queue::<u64>::new(16).unwrap();
        let crowd = Crowd::new();
        works(&calls);
        let settled = descriptors();
        let (mut refused, mut joined) = (0, 0);
        for n in 0..200 {
            let limited = crowd.leave(n % 10);
            let spawned = spawn(call, (calls.clone(), n));
            drop(limited);
            match spawned {
                Ok(child) => match child.join() {
                    Ok(result) => {
                        assert_eq!((result, calls.recv()), (n, Ok(n)));
                        joined += 1;
                    }
                    // It was called before it was found that it cannot be watched.
                    Err(error) => {
                        let signal = libc::SIGKILL;
                        assert_eq!(error, JoinError::Killed { signal });
                        let _ = calls.try_recv();
                    }
                },
                Err(error) => {
                    let errno = code(&error);
                    let serialised = matches!(error, Error::Arguments { .. });
                    assert!(serialised || errno == Some(libc::EMFILE), "{error:?}");
                    assert!(calls.try_recv().is_err(), "it was called nevertheless");
                    refused += 1;
                }
            }
            // The keeper closes what it has of a child a moment after the child's end is known.
            while descriptors() > settled {
                std::thread::yield_now();
            }
        }
        assert!(refused > 0 && joined > 0, "{refused}, {joined}");
        works(&calls);
    });
}

/// A role that was to travel stays: the arguments are dropped, so the role's side is closed, and may be taken again.
#[test]
fn a_role_that_could_not_travel_is_not_lost() {
    guarded!();
    alone(|()| {
        fn produce(mut producer: Producer<u64>) {
            producer.send(1).unwrap();
        }
        let crowd = Crowd::new();
        let ring = Ring::<u64>::new(4).unwrap();
        let mut consumer = ring.consumer().unwrap();
        for spare in 0..10 {
            let producer = ring.producer().unwrap();
            let limited = crowd.leave(spare);
            let spawned = spawn(produce, producer);
            drop(limited);
            match spawned {
                Ok(child) => match child.join() {
                    Ok(()) => assert_eq!(consumer.recv(), Ok(1)),
                    Err(_) => while consumer.recv().is_ok() {},
                },
                // Closed, or with a child that was killed when it had just taken it.
                Err(_) => assert!(consumer.recv().is_err()),
            }
        }
    });
}

#[test]
fn children_are_joined_after_the_limit_was_lowered_below_their_number() {
    guarded!();
    alone(|()| {
        let told = Queue::<u64>::new(1).unwrap();
        let wait = |told: Queue<u64>| told.recv().is_err();
        let children: Vec<Child<bool>> = (0..12)
            .map(|_| spawn(wait, told.clone()).unwrap())
            .collect();
        let limited = Limited::to(Resource::Nofile, 4);
        told.close();
        for child in children {
            assert_eq!(child.join(), Ok(true));
        }
        drop(limited);
        assert_eq!(spawn(|()| 3, ()).unwrap().join(), Ok(3));
    });
}

#[test]
fn arguments_and_results_beyond_the_limit_of_files_are_errors() {
    guarded!();
    alone(|()| {
        const LIMIT: usize = 64 << 10;
        let limited = Limited::to(Resource::Fsize, LIMIT as u64);
        for len in [LIMIT, 10 * LIMIT] {
            let refused = spawn(|bytes: Vec<u8>| bytes.len(), vec![1; len]).unwrap_err();
            assert_eq!(code(&refused), Some(libc::EFBIG), "{refused:?}");
            let child = spawn(|len: usize| vec![1_u8; len], len).unwrap();
            let error = child.join().unwrap_err();
            assert!(matches!(error, JoinError::Result { .. }), "{error:?}");
        }
        let half = LIMIT / 2 - 1024;
        let child = spawn(|bytes: Vec<u8>| bytes, vec![1; half]).unwrap();
        assert_eq!(child.join(), Ok(vec![1; half]));
        // Segments are files, too.
        let refused = Queue::<u64>::new(10 * LIMIT).unwrap_err();
        assert_eq!(code(&refused), Some(libc::EFBIG), "{refused:?}");
        drop(limited);

        for limit in 0..32 {
            let _limited = Limited::to(Resource::Fsize, limit);
            let refused = spawn(|()| (), ()).unwrap_err();
            assert_eq!(code(&refused), Some(libc::EFBIG), "{refused:?}");
        }
        let child = spawn(|bytes: Vec<u8>| bytes.len(), vec![1; LIMIT]).unwrap();
        assert_eq!(child.join(), Ok(LIMIT));
    });
}

/// The user `nobody`, whom limits concern, and who has no other processes here.
fn become_nobody() {
    const NOBODY: u32 = 65534;
    // SAFETY: takes no arguments.
    if unsafe { libc::geteuid() } == 0 {
        // SAFETY: take plain numbers.
        succeeds(unsafe { libc::setresgid(NOBODY, NOBODY, NOBODY) }).unwrap();
        // SAFETY: as above.
        succeeds(unsafe { libc::setresuid(NOBODY, NOBODY, NOBODY) }).unwrap();
    }
}

/// Threads of all processes of this user, which is what is limited.
fn own_tasks() -> u64 {
    use std::os::unix::fs::MetadataExt;
    // SAFETY: takes no arguments.
    let user = unsafe { libc::geteuid() };
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let own = processes.filter(|entry| entry.metadata().is_ok_and(|found| found.uid() == user));
    own.filter_map(|entry| fs::read_dir(entry.path().join("task")).ok())
        .map(|tasks| tasks.count() as u64)
        .sum()
}

#[test]
fn out_of_processes_a_spawn_says_so() {
    guarded!();
    alone(|()| {
        become_nobody();
        // Nobody's own process is not looked at: its files in /proc belong to root until it runs a program.
        let nobody = spawn(
            |()| {
                let full = || Limited::to(Resource::Nproc, own_tasks());
                let refused = |limited: Limited| {
                    let error = spawn(|()| 1, ()).unwrap_err();
                    drop(limited);
                    assert_eq!(code(&error), Some(libc::EAGAIN), "{error:?}");
                };
                let settled = descriptors();
                refused(full()); // There is no room for the keeper thread.
                assert_eq!(spawn(|()| 2, ()).unwrap().join(), Ok(2));
                for _ in 0..10 {
                    refused(full()); // There is none for a process.
                }
                assert_eq!(spawn(|()| 3, ()).unwrap().join(), Ok(3));
                // The bell of the keeper stays.
                while descriptors() > settled + 1 {
                    std::thread::yield_now();
                }
                true
            },
            (),
        );
        assert_eq!(nobody.unwrap().join(), Ok(true));
    });
}

#[test]
fn with_a_full_dev_shm_children_with_anonymous_handles_still_work() {
    guarded!();
    alone(|()| {
        if let Err(error) = private_mount(c"tmpfs", c"size=1m", c"/dev/shm") {
            let _ = writeln!(io::stderr(), "\nNOT TESTED: a full /dev/shm: {error}\n");
            return;
        }
        let mut filler = File::create("/dev/shm/filler").unwrap();
        while filler.write_all(&[1; 4096]).is_ok() {}
        let calls = Queue::<u64>::new(16).unwrap();
        works(&calls);
        let refused_in_child = spawn(
            |()| {
                let refused = Queue::<u64>::create("spawning", 4).unwrap_err();
                let full = matches!(refused, Error::SharedMemoryFull { .. });
                assert!(full, "{refused:?}");
            },
            (),
        );
        assert_eq!(refused_in_child.unwrap().join(), Ok(()));
        fs::remove_file("/dev/shm/filler").unwrap();
        drop(filler);
        let in_child = spawn(|()| Queue::<u64>::create("spawning", 4).is_ok(), ());
        assert_eq!(in_child.unwrap().join(), Ok(true));
        crossproc::unlink("spawning").unwrap();
    });
}
