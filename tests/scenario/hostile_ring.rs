//! A ring whose words are overwritten while it is used: every operation returns, whatever it finds.

use std::thread;
use std::time::Duration;

use crossproc::Element;
use crossproc::spsc::{Consumer, Producer, Ring};

use super::input::Input;
use super::segment_file::SegmentFile;

const STEPS: u32 = 200;
/// What blocks is given this long: a ring that seems full or empty for ever is no fault.
const PATIENCE: Duration = Duration::from_micros(100);

/// Does what `bytes` say with a ring of this name.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.below(4) {
        0 => session(name, &mut input, |byte| byte % 2 == 0),
        1 => session(name, &mut input, |byte| [byte; 3]),
        2 => session(name, &mut input, |byte| [u64::from(byte); 20]),
        _ => session(name, &mut input, u64::from),
    }
}

struct Session<T: Element> {
    ring: Ring<T>,
    producer: Option<Producer<T>>,
    consumer: Option<Consumer<T>>,
    value: fn(u8) -> T,
}

fn session<T: Element>(name: &str, input: &mut Input<'_>, value: fn(u8) -> T) {
    let capacity = usize::from(1 + input.below(30));
    let options = Ring::<T>::options().capacity(capacity).participants(6);
    let ring = options.create(name).expect("a new ring");
    let file = SegmentFile::of(name);
    let mut session = Session {
        producer: ring.producer().ok(),
        consumer: ring.consumer().ok(),
        ring,
        value,
    };
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        match input.below(16) {
            0..6 => file.scribble(input),
            6 => {
                // Another handle of this process has records of its own.
                if let Ok(another) = Ring::open(name) {
                    session.ring = another;
                }
            }
            7 => {
                let (choice, argument) = (input.byte(), input.byte());
                let session = &mut session;
                thread::scope(|scope| {
                    scope.spawn(|| session.operate(choice, argument));
                });
            }
            8 => {
                let operations: [u8; 12] = std::array::from_fn(|_| input.byte());
                file.scribble_while(input, || {
                    for pair in operations.chunks(2) {
                        session.operate(pair[0], pair[1]);
                    }
                });
            }
            _ => session.operate(input.byte(), input.byte()),
        }
    }
}

impl<T: Element> Session<T> {
    /// Performs one operation. That it returns is all that is asked of it.
    fn operate(&mut self, choice: u8, argument: u8) {
        match choice % 5 {
            0 | 1 => match &mut self.producer {
                Some(producer) => send(producer, self.value, choice / 5, argument),
                None => self.producer = self.ring.producer().ok(),
            },
            2 | 3 => match &mut self.consumer {
                Some(consumer) => receive(consumer, self.value, choice / 5, argument),
                None => self.consumer = self.ring.consumer().ok(),
            },
            _ => match argument % 6 {
                0 => self.producer = None,
                1 => self.consumer = None,
                2 => drop(self.ring.producer()),
                3 => drop(self.ring.consumer()),
                4 => drop(format!("{:?}", self.ring)),
                _ => drop((self.ring.len(), self.ring.repairs())),
            },
        }
    }
}

fn send<T: Element>(producer: &mut Producer<T>, value: fn(u8) -> T, choice: u8, argument: u8) {
    match choice % 6 {
        0..3 => drop(producer.try_send(value(argument))),
        3 => drop(producer.try_send_slice(&vec![value(argument); argument.into()])),
        4 => drop(producer.send_timeout(value(argument), PATIENCE)),
        _ => drop((producer.is_closed(), format!("{producer:?}"))),
    }
}

fn receive<T: Element>(consumer: &mut Consumer<T>, value: fn(u8) -> T, choice: u8, argument: u8) {
    match choice % 6 {
        0..3 => drop(consumer.try_recv()),
        3 => drop(consumer.try_recv_slice(&mut vec![value(0); argument.into()])),
        4 => drop(consumer.recv_timeout(PATIENCE)),
        _ => drop((
            consumer.try_iter().take(20).count(),
            format!("{consumer:?}"),
        )),
    }
}
