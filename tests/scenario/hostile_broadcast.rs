//! A ring from which everyone receives, or a latest value, whose words are overwritten while it is used: every operation returns, whatever
//! it finds.

use std::thread;
use std::time::{Duration, Instant};

use crossproc::broadcast::{Reader, Subscriber, Watcher};
use crossproc::{Broadcast, Element, Latest, Overwriting};

use super::input::Input;
use super::segment_file::SegmentFile;

const STEPS: u32 = 200;
/// What blocks is given this long: a lock that somebody alive seems to have, or a ring that seems full or empty for ever, is no fault.
const PATIENCE: Duration = Duration::from_micros(100);

/// Does what `bytes` say with a primitive of this name.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.below(4) {
        0 => session(name, &mut input, |byte| byte % 2 == 0),
        1 => session(name, &mut input, |byte| [byte; 3]),
        2 => session(name, &mut input, |byte| [u64::from(byte); 20]),
        _ => session(name, &mut input, u64::from),
    }
}

fn session<T: Element>(name: &str, input: &mut Input<'_>, value: fn(u8) -> T) {
    let capacity = usize::from(1 + input.below(30));
    match input.below(3) {
        0 => {
            let options = Broadcast::<T>::options().capacity(capacity);
            let ring = options.participants(6).create(name).expect("a new ring");
            let subscribers = Vec::new();
            play(
                name,
                input,
                Waiting {
                    ring,
                    subscribers,
                    value,
                },
            );
        }
        1 => {
            let options = Overwriting::<T>::options().capacity(capacity);
            let ring = options.participants(6).create(name).expect("a new ring");
            let reader = ring.reader();
            play(
                name,
                input,
                Hasty {
                    ring,
                    reader,
                    value,
                },
            );
        }
        _ => {
            let options = Latest::options().value(value(1));
            let latest = options.participants(6).create(name).expect("a new value");
            let watcher = latest.watch();
            play(
                name,
                input,
                Newest {
                    latest,
                    watcher,
                    value,
                },
            );
        }
    }
}

/// What can be done. That it returns is all that is asked of it.
trait Play: Send {
    fn operate(&mut self, choice: u8, argument: u8);
    /// Another handle, which has records of its own.
    fn open(&mut self, name: &str);
}

fn play(name: &str, input: &mut Input<'_>, mut primitive: impl Play) {
    let file = SegmentFile::of(name);
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        match input.below(16) {
            0..6 => file.scribble(input),
            6 => primitive.open(name),
            7 => {
                let (choice, argument) = (input.byte(), input.byte());
                let primitive = &mut primitive;
                thread::scope(|scope| {
                    scope.spawn(|| primitive.operate(choice, argument));
                });
            }
            8 => {
                let operations: [u8; 12] = std::array::from_fn(|_| input.byte());
                file.scribble_while(input, || {
                    for pair in operations.chunks(2) {
                        primitive.operate(pair[0], pair[1]);
                    }
                });
            }
            _ => primitive.operate(input.byte(), input.byte()),
        }
    }
}

struct Waiting<T: Element> {
    ring: Broadcast<T>,
    subscribers: Vec<Subscriber<T>>,
    value: fn(u8) -> T,
}

impl<T: Element> Play for Waiting<T> {
    fn operate(&mut self, choice: u8, argument: u8) {
        let value = (self.value)(argument);
        let count = self.subscribers.len().max(1);
        let one = self.subscribers.get_mut(usize::from(argument) % count);
        match (choice % 12, one) {
            (0..3, _) => drop(self.ring.try_send(value)),
            (3, _) => drop(self.ring.send_timeout(value, PATIENCE)),
            (4, _) | (_, None) => self
                .subscribers
                .extend(self.ring.subscribe_timeout(PATIENCE)),
            (5..8, Some(one)) => drop(one.try_recv()),
            (8, Some(one)) => drop(one.recv_timeout(PATIENCE)),
            (9, Some(one)) => drop(format!(
                "{} {}",
                one.position(),
                one.try_iter().take(20).count()
            )),
            (10, Some(one)) => drop(format!("{one:?}")),
            (_, Some(_)) if argument.is_multiple_of(16) => self.ring.close(),
            (_, Some(_)) => drop(self.subscribers.pop()),
        }
        drop(format!("{:?}", self.ring));
    }

    fn open(&mut self, name: &str) {
        if let Ok(another) = Broadcast::open(name) {
            self.ring = another;
        }
    }
}

struct Hasty<T: Element> {
    ring: Overwriting<T>,
    reader: Reader<T>,
    value: fn(u8) -> T,
}

impl<T: Element> Play for Hasty<T> {
    fn operate(&mut self, choice: u8, argument: u8) {
        let value = (self.value)(argument);
        match choice % 10 {
            0..3 => drop(self.ring.try_send(value)),
            3 => drop(self.ring.send_timeout(value, PATIENCE)),
            4 => self.reader = self.ring.reader(),
            5 => self.reader = self.ring.reader_from_oldest(),
            6 | 7 => drop(self.reader.try_recv()),
            8 => drop(self.reader.recv_timeout(PATIENCE)),
            _ if argument.is_multiple_of(16) => self.ring.close(),
            _ => drop(format!("{:?} {:?}", self.ring, self.reader)),
        }
    }

    fn open(&mut self, name: &str) {
        if let Ok(another) = Overwriting::open(name) {
            self.ring = another;
        }
    }
}

struct Newest<T: Element> {
    latest: Latest<T>,
    watcher: Watcher<T>,
    value: fn(u8) -> T,
}

impl<T: Element> Play for Newest<T> {
    fn operate(&mut self, choice: u8, argument: u8) {
        let value = (self.value)(argument);
        match choice % 10 {
            0 | 1 => drop(self.latest.try_set(value)),
            2 => drop(self.latest.set_timeout(value, PATIENCE)),
            3..6 => drop(self.latest.get()),
            6 => self.watcher = self.latest.watch(),
            7 => drop(self.watcher.try_changed()),
            8 => drop(self.watcher.changed_deadline(Instant::now() + PATIENCE)),
            _ if argument.is_multiple_of(16) => self.latest.close(),
            _ => drop(format!("{:?} {:?}", self.latest, self.watcher)),
        }
    }

    fn open(&mut self, name: &str) {
        if let Ok(another) = Latest::open(name) {
            self.latest = another;
        }
    }
}
