//! Queues for messages of any size, and of objects.

mod support;

use std::collections::HashMap;
use std::io::Write;
use std::thread;
use std::time::Duration;

use crossproc::{
    Error, Fault, LoanError, MessageQueue, ObjectQueue, RecvError, RecvTimeoutError, SendError,
    TryLoanError, TryRecvError, WaitTimeoutError, process,
};
use serde::{Deserialize, Serialize};
use support::{Leaks, unique_name, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

fn body(seed: usize, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (at * 31 + seed * 7 + at / 251) as u8)
        .collect()
}

#[test]
fn messages_of_all_sizes_arrive_whole_and_in_order() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = MessageQueue::new(1 << 20).unwrap();
    let sizes = [
        0, 1, 7, 63, 64, 65, 255, 256, 257, 4096, 8191, 8192, 8193, 100_000,
    ];
    for (seed, len) in sizes.into_iter().enumerate() {
        queue.send(&body(seed, len)).unwrap();
    }
    assert_eq!(queue.len(), sizes.len());
    for (seed, len) in sizes.into_iter().enumerate() {
        let message = queue.recv().unwrap();
        assert_eq!(message.len(), len);
        assert!(message.to_vec() == body(seed, len), "{len} bytes");
        if len > 1 {
            let mut two = [0; 2];
            message.read(len - 2, &mut two);
            assert_eq!(two, body(seed, len)[len - 2..]);
        }
    }
    assert_eq!(queue.try_recv().unwrap_err(), TryRecvError::Empty);
}

#[test]
fn loans_are_filled_in_place_shortened_and_given_back() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = MessageQueue::new(4096).unwrap();
    assert_eq!(queue.memory(), 4096);
    let mut loan = queue.loan(100).unwrap();
    let text = "ab";
    write!(loan, "{}-{text}", 12).unwrap();
    loan.truncate(5);
    assert_eq!((loan.len(), loan.is_empty()), (5, false));
    assert_eq!(
        loan.write_all(b"x").unwrap_err().kind(),
        std::io::ErrorKind::WriteZero
    );
    loan.send().unwrap();
    assert_eq!(queue.recv().unwrap().to_vec(), b"12-ab");

    // All of the memory, again and again: nothing is lost of it.
    for _ in 0..100 {
        assert_eq!(queue.available(), 4096);
        let all = queue.try_loan(4096).unwrap();
        assert_eq!(queue.available(), 0);
        assert_eq!(queue.try_loan(0).unwrap_err(), TryLoanError::Full);
        drop(all);
        let halves = [queue.try_loan(2048).unwrap(), queue.try_loan(2048).unwrap()];
        assert_eq!(queue.try_loan(1).unwrap_err(), TryLoanError::Full);
        let [one, other] = halves;
        one.send().unwrap();
        drop(other);
        let small: Vec<_> = (0..32).map(|_| queue.try_loan(64).unwrap()).collect();
        assert_eq!(queue.try_loan(1).unwrap_err(), TryLoanError::Full);
        drop(small);
        assert_eq!(queue.available(), 2048);
        drop(queue.recv().unwrap());
    }
    assert_eq!(queue.loan(4097).unwrap_err(), LoanError::Oversized);
    assert_eq!(queue.send(&[0; 4097]).unwrap_err(), LoanError::Oversized);
}

#[test]
fn a_message_keeps_its_memory_and_no_other() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = MessageQueue::new(1 << 16).unwrap();
    queue.send(b"kept").unwrap();
    let kept = queue.recv().unwrap();
    for round in 0..10_000 {
        let message = body(round, round % 500);
        queue.send(&message).unwrap();
        assert!(queue.recv().unwrap().to_vec() == message);
    }
    assert_eq!(kept.to_vec(), b"kept");
}

#[test]
fn closing_ends_receiving_when_nothing_is_left() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = MessageQueue::new(1 << 16).unwrap();
    let loan = queue.loan(3).unwrap();
    queue.send(b"last").unwrap();
    queue.close();
    assert!(queue.is_closed());
    let SendError::Closed(loan) = loan.send().unwrap_err() else {
        panic!("sent to a closed queue");
    };
    drop(loan);
    assert_eq!(queue.send(b"late").unwrap_err(), LoanError::Closed);
    let lease = queue.lease().unwrap();
    drop(lease);
    let lease = queue.lease().unwrap();
    assert!(lease.is_redelivered());
    // What this process has on lease itself it does not wait for.
    assert_eq!(queue.recv().unwrap_err(), RecvError::Closed);
    lease.ack();
    assert_eq!(queue.lease().unwrap_err(), RecvError::Closed);
}

#[test]
fn what_is_not_acknowledged_comes_back_and_says_so() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = MessageQueue::new(1 << 16).unwrap();
    queue.send(b"job").unwrap();
    for times in 0..5 {
        assert_eq!(
            queue.wait_idle_timeout(Duration::from_millis(1)),
            Err(WaitTimeoutError::Timeout)
        );
        let lease = queue.try_lease().unwrap();
        assert_eq!(lease.to_vec(), b"job");
        assert_eq!(
            (lease.deliveries(), lease.is_redelivered()),
            (times, times > 0)
        );
        assert_eq!(queue.try_lease().unwrap_err(), TryRecvError::Empty);
    }
    queue.try_lease().unwrap().ack();
    queue.wait_idle().unwrap();
    assert_eq!(
        queue.lease_timeout(Duration::from_millis(1)).unwrap_err(),
        RecvTimeoutError::Timeout
    );
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Job {
    Nothing,
    Text(String),
    Table {
        rows: Vec<Vec<u32>>,
        index: HashMap<String, u64>,
    },
}

fn jobs() -> Vec<Job> {
    let index = [("a".to_owned(), 1), ("b".to_owned(), u64::MAX)];
    vec![
        Job::Nothing,
        Job::Text("täglich".repeat(100)),
        Job::Table {
            rows: vec![vec![], vec![1, 2, 3], (0..1000).collect()],
            index: index.into(),
        },
    ]
}

#[test]
fn objects_of_any_type_cross_to_a_child_and_back() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    fn echo((there, back): (ObjectQueue<Job>, ObjectQueue<(usize, Job)>)) -> usize {
        let count = there
            .iter()
            .enumerate()
            .map(|numbered| back.send(&numbered).unwrap());
        count.count()
    }
    let there = ObjectQueue::new(1 << 16).unwrap();
    let back = ObjectQueue::new(1 << 16).unwrap();
    let child = process::spawn(echo, (there.clone(), back.clone())).unwrap();
    for job in &jobs() {
        there.send(job).unwrap();
    }
    for (number, job) in jobs().into_iter().enumerate() {
        assert_eq!(back.recv().unwrap(), (number, job));
    }
    there.close();
    assert_eq!(child.join().unwrap(), 3);
}

#[test]
fn what_is_no_object_is_refused_and_hurts_nobody_else() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    struct Impossible;
    impl Serialize for Impossible {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("never"))
        }
    }
    impl<'de> Deserialize<'de> for Impossible {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Err(serde::de::Error::custom("never"))
        }
    }
    let queue = ObjectQueue::<Impossible>::new(1 << 12).unwrap();
    assert_eq!(
        queue.send(&Impossible).unwrap_err(),
        LoanError::Fault(Fault::Encode)
    );
    assert!(queue.is_empty());

    let name = unique_name("objects");
    let texts = ObjectQueue::<String>::create(&name, 1 << 12).unwrap();
    let Err(Error::Mismatch {
        field: "element", ..
    }) = ObjectQueue::<u64>::open(&name)
    else {
        panic!("opened as a queue of something else");
    };
    let Err(Error::Mismatch { field: "kind", .. }) = MessageQueue::open(&name) else {
        panic!("opened as a queue of bytes");
    };
    assert_eq!(
        ObjectQueue::<String>::open(&name).unwrap().memory(),
        texts.memory()
    );
    texts.unlink().unwrap();
}

#[test]
fn full_memory_blocks_until_there_is_room_for_it() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = MessageQueue::new(1 << 14).unwrap();
    let sender = {
        let queue = queue.clone();
        thread::spawn(move || {
            for seed in 0..2000 {
                queue.send(&body(seed, seed * 37 % 16_000)).unwrap();
            }
            queue.close();
        })
    };
    let mut seed = 0;
    while let Ok(message) = queue.recv() {
        assert!(message.to_vec() == body(seed, seed * 37 % 16_000), "{seed}");
        seed += 1;
    }
    assert_eq!(seed, 2000);
    sender.join().unwrap();
}

#[test]
fn many_senders_and_receivers_share_the_memory() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    const EACH: usize = 20_000;
    let queue = MessageQueue::new(1 << 16).unwrap();
    let send = |from: usize| {
        let queue = queue.clone();
        thread::spawn(move || {
            for number in 0..EACH {
                let len = 16 + number * 131 % 3000;
                let mut loan = queue.loan(len).unwrap();
                loan.write(0, &(from as u64).to_le_bytes());
                loan.write(8, &(number as u64).to_le_bytes());
                loan.write(16, &body(number, len - 16));
                loan.send().unwrap();
            }
        })
    };
    let receive = || {
        let queue = queue.clone();
        thread::spawn(move || {
            let mut last = [None; 3];
            let mut count = 0;
            while let Ok(message) = queue.recv() {
                let bytes = message.to_vec();
                let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
                let (from, number) = (word(0) as usize, word(8) as usize);
                assert!(last[from] < Some(number), "out of order");
                last[from] = Some(number);
                assert!(bytes[16..] == body(number, bytes.len() - 16), "torn");
                count += 1;
            }
            count
        })
    };
    let senders: Vec<_> = (0..3).map(send).collect();
    let receivers = [receive(), receive()];
    senders
        .into_iter()
        .for_each(|sender| sender.join().unwrap());
    queue.close();
    let counts = receivers.map(|receiver| receiver.join().unwrap());
    assert_eq!(counts.iter().sum::<usize>(), 3 * EACH);
    assert_eq!(queue.repairs(), 0);
}

#[test]
fn a_named_queue_is_the_same_for_everyone_or_says_what_differs() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let name = unique_name("messages");
    let queue = MessageQueue::create(&name, 4096).unwrap();
    let refused = |opened: crossproc::Result<MessageQueue>| match opened {
        Err(Error::Mismatch {
            field,
            found,
            expected,
            ..
        }) => (field, found, expected),
        other => panic!("{other:?}"),
    };
    let options = MessageQueue::options();
    let four_k = ("capacity", "4096".to_owned(), "8192".to_owned());
    assert_eq!(refused(options.clone().memory(8192).open(&name)), four_k);
    let options = options.memory(8192);
    assert_eq!(refused(options.open_or_create(&name)), four_k);
    assert!(matches!(
        MessageQueue::create(&name, 4096),
        Err(Error::AlreadyExists { .. })
    ));
    let echo = |name: String| {
        let queue = MessageQueue::open(&name).unwrap();
        let lease = queue.lease().unwrap();
        assert_eq!(lease.to_vec(), b"by name");
        lease.ack();
    };
    queue.send(b"by name").unwrap();
    process::spawn(echo, name.clone()).unwrap().join().unwrap();
    queue.wait_idle().unwrap();
    queue.unlink().unwrap();
    assert!(matches!(
        MessageQueue::open(&name),
        Err(Error::NotFound { .. })
    ));
}
