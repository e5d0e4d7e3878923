//! A queue whose words are overwritten while it is used: every operation returns, whatever it finds.

use std::thread;
use std::time::Duration;

use crossproc::{Element, Queue};

use super::input::Input;
use super::segment_file::SegmentFile;

const STEPS: u32 = 200;
/// What blocks is given this long: a queue that seems full or empty for ever is no fault.
const PATIENCE: Duration = Duration::from_micros(100);

/// Does what `bytes` say with a queue of this name.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.below(4) {
        0 => session(name, &mut input, |byte| byte % 2 == 0),
        1 => session(name, &mut input, |byte| [byte; 3]),
        2 => session(name, &mut input, |byte| [u64::from(byte); 20]),
        _ => session(name, &mut input, u64::from),
    }
}

fn session<T: Element + Sync>(name: &str, input: &mut Input<'_>, value: fn(u8) -> T) {
    let capacity = usize::from(1 + input.below(9));
    let options = Queue::<T>::options().capacity(capacity).participants(6);
    let mut queue = options.create(name).expect("a new queue");
    let file = SegmentFile::of(name);
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        match input.below(16) {
            0..6 => file.scribble(input),
            6 => {
                // Another handle of this process has records of its own.
                if let Ok(another) = Queue::open(name) {
                    queue = another;
                }
            }
            7 => {
                let (choice, argument) = (input.byte(), value(input.byte()));
                thread::scope(|scope| {
                    scope.spawn(|| operate(&queue, choice, argument));
                });
            }
            8 => {
                let operations: [u8; 12] = std::array::from_fn(|_| input.byte());
                file.scribble_while(input, || {
                    for pair in operations.chunks(2) {
                        operate(&queue, pair[0], value(pair[1]));
                    }
                });
            }
            _ => operate(&queue, input.byte(), value(input.byte())),
        }
    }
}

/// Performs one operation. That it returns is all that is asked of it.
fn operate<T: Element>(queue: &Queue<T>, choice: u8, value: T) {
    match choice % 12 {
        0..3 => drop(queue.try_send(value)),
        3..6 => drop(queue.try_recv()),
        6 => drop(queue.send_timeout(value, PATIENCE)),
        7 => drop(queue.recv_timeout(PATIENCE)),
        8 => drop(queue.try_iter().take(20).count()),
        9 => drop((queue.len(), queue.is_full(), queue.repairs())),
        10 => drop(format!("{queue:?}")),
        _ if choice >= 128 => queue.close(),
        _ => drop(queue.is_closed()),
    }
}
