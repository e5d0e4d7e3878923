//! A queue for messages, or for objects, whose words are overwritten while it is used, and while loans, messages and leases are held: every operation
//! returns, whatever it finds.

use std::thread;
use std::time::Duration;

use crossproc::messages::{Lease, Loan, Message};
use crossproc::{MessageQueue, ObjectQueue, SendError};

use super::input::Input;
use super::segment_file::{BODY, SegmentFile, any_word};

const STEPS: u32 = 200;
/// What blocks is given this long: a queue that seems full or empty for ever is no fault.
const PATIENCE: Duration = Duration::from_micros(100);
/// Blocks of 64 bytes.
const BLOCKS: u64 = 8;
const MEMORY: usize = 64 * BLOCKS as usize;
const TAIL: u64 = BODY;
const HEAD: u64 = BODY + 128;
const CHUNKS: u64 = BODY + 1408;
const SLOTS: u64 = CHUNKS + 16 * BLOCKS;

/// Does what `bytes` say with a queue of this name.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.below(3) {
        0 => objects(name, &mut input),
        _ => messages(name, &mut input),
    }
}

/// What this process has of the queue.
#[derive(Default)]
struct Held<'a> {
    loans: Vec<Loan<'a>>,
    messages: Vec<Message<'a>>,
    leases: Vec<Lease<'a>>,
}

fn messages(name: &str, input: &mut Input<'_>) {
    let options = MessageQueue::options().memory(MEMORY).participants(6);
    let queue = options.create(name).expect("a new queue");
    let file = SegmentFile::of(name);
    let mut held = Held::default();
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        match input.below(16) {
            0..3 => file.scribble(input),
            3..6 => scribble(&file, input),
            6 => {
                let (choice, len) = (input.byte(), input.byte());
                thread::scope(|scope| {
                    scope.spawn(|| operate(&queue, &mut Held::default(), choice, len));
                });
            }
            7 => {
                let operations: [u8; 12] = std::array::from_fn(|_| input.byte());
                file.scribble_while(input, || {
                    for pair in operations.chunks(2) {
                        operate(&queue, &mut held, pair[0], pair[1]);
                    }
                });
            }
            8 => send_a_loan(&file, &mut held),
            _ => operate(&queue, &mut held, input.byte(), input.byte()),
        }
    }
}

/// Overwrites a word of this kind of queue, with one that looks like it, or with anything.
fn scribble(file: &SegmentFile, input: &mut Input<'_>) {
    let block = u64::from(input.below(BLOCKS as u8));
    let place = match input.below(8) {
        0 => BODY + 272,
        1 => BODY + 384,
        2..5 => CHUNKS + 16 * block,
        5 => CHUNKS + 16 * block + 8,
        _ => SLOTS + 8 * u64::from(input.below(4 * BLOCKS as u8)),
    };
    let small = u64::from(input.below(12));
    let value = match input.below(8) {
        0 => small,
        // Held, leased, queued, returned: with this many blocks, by whom or under what ticket the byte says.
        1 => 1 << 32 | small << 16 | u64::from(input.below(5)) << 2 | 1,
        2 => 1 << 32 | 1 << 31 | small << 16 | u64::from(input.below(5)) << 2 | 1,
        3 => small << 16 | u64::from(input.below(40)) << 2 | 2,
        4 => small << 16 | 1 << 31 | 2,
        5 => file.word(place).wrapping_add(1 << 16),
        // What another such word holds.
        6 => file.word(CHUNKS + 16 * u64::from(input.below(BLOCKS as u8))),
        _ => any_word(input),
    };
    file.write(place, &value.to_le_bytes());
}

/// Unless the queue is full of places that no receiver comes to: then sending waits, and may.
fn send_a_loan(file: &SegmentFile, held: &mut Held<'_>) {
    let used = (file.word(TAIL) & !(1 << 63)).wrapping_sub(file.word(HEAD));
    if used == 2 * BLOCKS {
        return;
    }
    let Some(loan) = held.loans.pop() else { return };
    match loan.send() {
        Ok(()) => {}
        Err(SendError::Fault(loan, _) | SendError::Closed(loan) | SendError::PeerDied(loan)) => {
            held.loans.push(loan);
        }
    }
}

/// Performs one operation. That it returns is all that is asked of it.
fn operate<'a>(queue: &'a MessageQueue, held: &mut Held<'a>, choice: u8, len: u8) {
    let bytes = [choice; 4 * 255];
    let bytes = &bytes[..4 * usize::from(len)];
    match choice % 16 {
        0 => held.loans.extend(queue.try_loan(bytes.len())),
        1 => held.loans.extend(queue.loan_timeout(bytes.len(), PATIENCE)),
        2 | 3 => drop(queue.try_send(bytes)),
        4 => drop(queue.send_timeout(bytes, PATIENCE)),
        5 => held.messages.extend(queue.try_recv()),
        6 => held.messages.extend(queue.recv_timeout(PATIENCE)),
        7 | 8 => held.leases.extend(queue.try_lease()),
        9 => held.leases.extend(queue.lease_timeout(PATIENCE)),
        10 => {
            if let Some(mut loan) = held.loans.pop() {
                let len = loan.len();
                loan.write(0, &vec![choice; len]);
                loan.truncate(len / 2);
            }
        }
        11 => drop(held.messages.pop().map(|message| message.to_vec())),
        12 => held.leases.pop().into_iter().for_each(|lease| {
            drop(lease.to_vec());
            lease.ack();
        }),
        13 => drop(held.leases.pop()),
        14 => {
            let _ = queue.wait_idle_timeout(PATIENCE);
            drop(format!(
                "{queue:?} {} {}",
                queue.available(),
                queue.repairs()
            ));
        }
        _ if len >= 240 => queue.close(),
        _ => drop(queue.try_recv()),
    }
}

fn objects(name: &str, input: &mut Input<'_>) {
    let options = ObjectQueue::<(String, Vec<u16>)>::options();
    let options = options.memory(MEMORY).participants(6);
    let queue = options.create(name).expect("a new queue");
    let file = SegmentFile::of(name);
    let mut leases = Vec::new();
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        let data = SLOTS + 32 * BLOCKS;
        let value = (String::from("text"), vec![u16::from(input.byte()); 9]);
        match input.below(12) {
            0 => file.scribble(input),
            1 => scribble(&file, input),
            2 | 3 => file.write(data + 8 * u64::from(input.below(64)), &[input.byte(); 5]),
            4 | 5 => drop(queue.try_send(&value)),
            6 => drop(queue.send_timeout(&value, PATIENCE)),
            7 => drop(queue.try_recv()),
            8 => leases.extend(queue.try_lease()),
            9 => leases.pop().into_iter().for_each(|lease| drop(lease.ack())),
            10 => drop(leases.pop()),
            _ => drop(queue.recv_timeout(PATIENCE)),
        }
    }
}
