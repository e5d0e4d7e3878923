//! Creating, opening, attaching, leaving, removing: many system calls, and names that must never be
//! left half made.

use std::{fs, mem, process, thread};

use crossproc::{Error, Mutex, Options, Primitive, Queue, Result};

use crate::channel::{Answer, EMPTY, SENT, answer_try_recv};
use crate::message::{message, number};
use crate::scenario::{Density, Row, Scenario, Verdict};
use crate::support::unique_name;
use crate::survivor::Survivor;

type Channel = Queue<[u64; 4]>;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let rows = vec![
        Row::new("create", "new name", || Create::<Channel>::new(Options::create)),
        Row::new("open_or_create", "new name", || Create::<Channel>::new(Options::open_or_create)),
        Row::new("create", "new name, a value", || Create::<Lock>::new(Options::create)),
        Row::new("open_or_create", "new name, a value", || Create::<Lock>::new(Options::open_or_create)),
        Row::new("create", "anonymous", Anonymous::default),
        Row::new("open", "existing name", || Open::new(Options::open)),
        Row::new("open_or_create", "existing name", || Open::new(Options::open_or_create)),
        Row::new("attach", "first use by a process", || Attach::new(false)),
        Row::new("attach", "first use by a thread", || Attach::new(true)),
        Row::new("detach", "last handle of a process", Detach::default),
        Row::new("unlink", "in use", Unlink::default),
    ];
    rows.into_iter().map(|row| row.density(Density::SYSTEM_CALLS)).collect()
}

type Opening<H = Channel> = fn(&Options<H>, &str) -> Result<H>;

/// What can have a name.
trait Named: Primitive + 'static {
    fn options() -> Options<Self>;
    /// Uses it as one that has just been created, and removes it.
    fn exercise_and_remove(self);
}

impl Named for Channel {
    fn options() -> Options<Self> {
        options()
    }

    fn exercise_and_remove(self) {
        exercise_and_remove(self);
    }
}

type Lock = Mutex<[u64; 2]>;

impl Named for Lock {
    fn options() -> Options<Self> {
        Mutex::options().value(message(1)).participants(6)
    }

    fn exercise_and_remove(self) {
        for value in 1..4 {
            let mut guard = self.lock().expect("nobody died with it");
            assert_eq!(number(*guard), value, "it begins with its first value");
            *guard = message(value + 1);
        }
        self.unlink().expect("its name is there");
        assert_no_files();
    }
}

/// Places for the survivor, the victim, and the background thread of each; two are left over. What
/// the dead did not give back would be missed at the third point.
fn options() -> Options<Channel> {
    Queue::options().capacity(4).participants(6)
}

fn unused_name() -> String {
    let name = unique_name("step-kill");
    assert!(matches!(Channel::open(&name), Err(Error::NotFound { .. })));
    name
}

/// Nothing of this process lies in /dev/shm under a name it does not know.
fn assert_no_files() {
    let own = format!("-{}-", process::id());
    let files = fs::read_dir("/dev/shm")
        .expect("/dev/shm is mounted")
        .flatten();
    for file in files.map(|entry| entry.file_name()) {
        assert!(
            !file.to_string_lossy().contains(&own),
            "left behind: {file:?}"
        );
    }
}

/// Uses a queue, and removes it.
fn exercise_and_remove(queue: Channel) {
    let mut survivor = Survivor::over(queue);
    survivor.exercise();
    survivor.channel.unlink().expect("its name is there");
    assert_no_files();
}

/// Afterwards the name is there and complete, or not there.
struct Create<H> {
    create: Opening<H>,
    name: String,
}

impl<H> Create<H> {
    fn new(create: Opening<H>) -> Self {
        Create {
            create,
            name: String::new(),
        }
    }
}

impl<H: Named> Scenario for Create<H> {
    fn renew(&mut self) {
        self.name = unused_name();
    }

    fn act(&mut self) -> Answer {
        mem::forget((self.create)(&H::options(), &self.name).expect("created"));
        SENT
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let committed = match H::options().open(&self.name) {
            Ok(handle) => {
                handle.exercise_and_remove();
                1
            }
            Err(Error::NotFound { .. }) => {
                let handle = H::options().create(&self.name);
                handle.expect("the name is free").exercise_and_remove();
                0
            }
            Err(error) => panic!("{error}"),
        };
        assert!(committed == 1 || returned.is_none());
        Verdict {
            committed,
            ..Verdict::default()
        }
    }
}

#[derive(Default)]
struct Anonymous;

impl Scenario for Anonymous {
    fn act(&mut self) -> Answer {
        mem::forget(options().anonymous().expect("created"));
        SENT
    }

    fn verdict(&mut self, _returned: Option<Answer>) -> Verdict {
        Survivor::over(options().anonymous().expect("created")).exercise();
        assert_no_files();
        Verdict::default()
    }
}

/// Those who use the queue already are not disturbed, and those who come after find room.
struct Open {
    open: Opening,
    name: String,
    survivor: Survivor<Channel>,
}

impl Open {
    fn new(open: Opening) -> Self {
        let name = unused_name();
        let survivor = Survivor::over(options().create(&name).expect("created"));
        Open {
            open,
            name,
            survivor,
        }
    }
}

impl Scenario for Open {
    fn act(&mut self) -> Answer {
        mem::forget((self.open)(&options(), &self.name).expect("opened"));
        SENT
    }

    fn verdict(&mut self, _returned: Option<Answer>) -> Verdict {
        self.survivor.exercise();
        Survivor::over(Channel::open(&self.name).expect("opened")).exercise();
        Verdict::default()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.survivor.channel.unlink();
    }
}

/// A forked child, or a thread, takes a place among the participants.
struct Attach {
    /// Another thread of the victim has one already.
    another: bool,
    survivor: Survivor<Channel>,
}

impl Attach {
    fn new(another: bool) -> Self {
        let survivor = Survivor::over(options().anonymous().expect("created"));
        Attach { another, survivor }
    }
}

impl Scenario for Attach {
    fn warm_up(&mut self) {
        if self.another {
            let queue = &self.survivor.channel;
            let received = thread::scope(|scope| scope.spawn(|| queue.try_recv()).join());
            assert_eq!(received.map(answer_try_recv).ok(), Some(EMPTY));
        }
    }

    fn act(&mut self) -> Answer {
        answer_try_recv(self.survivor.channel.try_recv())
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        assert!(returned.is_none_or(|answer| answer == EMPTY));
        self.survivor.exercise();
        Verdict::default()
    }
}

/// Whoever comes after finds the queue as it was left, and room.
#[derive(Default)]
struct Detach {
    name: String,
    victim: Option<Channel>,
}

impl Scenario for Detach {
    fn renew(&mut self) {
        self.name = unused_name();
        let queue = options().create(&self.name).expect("created");
        assert!(queue.try_send([7; 4]).is_ok());
    }

    fn warm_up(&mut self) {
        let queue = self
            .victim
            .insert(Channel::open(&self.name).expect("opened"));
        assert!(queue.try_send([8; 4]).is_ok());
    }

    fn act(&mut self) -> Answer {
        self.victim = None;
        SENT
    }

    fn verdict(&mut self, _returned: Option<Answer>) -> Verdict {
        let queue = Channel::open(&self.name).expect("opened");
        assert_eq!(queue.try_iter().collect::<Vec<_>>(), [[7; 4], [8; 4]]);
        exercise_and_remove(queue);
        Verdict::default()
    }
}

/// The name is gone or complete; those who use the queue go on.
#[derive(Default)]
struct Unlink {
    name: String,
    survivor: Option<Survivor<Channel>>,
}

impl Scenario for Unlink {
    fn renew(&mut self) {
        self.name = unused_name();
        let queue = options().create(&self.name).expect("created");
        self.survivor = Some(Survivor::over(queue));
    }

    fn act(&mut self) -> Answer {
        crossproc::unlink(&self.name).expect("removed");
        SENT
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let committed = match Channel::open(&self.name) {
            Ok(queue) => {
                exercise_and_remove(queue);
                0
            }
            Err(Error::NotFound { .. }) => 1,
            Err(error) => panic!("{error}"),
        };
        assert!(committed == 1 || returned.is_none());
        assert_no_files();
        self.survivor.take().expect("renewed").exercise();
        Verdict {
            committed,
            ..Verdict::default()
        }
    }
}
