//! What cannot work with queues for messages and objects is refused, each with its own error, and what was whole is delivered all the same.

mod support;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crossproc::{
    Error, Fault, LoanError, LoanTimeoutError, MessageQueue, ObjectQueue, RecvError, SendError,
    TryLoanError, TryRecvError,
};
use serde::{Deserialize, Serialize};
use support::{Leaks, unique_name, watchdog};

const LIMIT: Duration = Duration::from_secs(60);
const BLOCKS: u64 = 8;
/// Places in the body of a queue with so many blocks of 64 bytes: see `docs/format.md`.
const CHUNKS: u64 = 1408;
const SLOTS: u64 = CHUNKS + 16 * BLOCKS;

/// A queue with messages of one byte, 0, 1 and 2, and its file to be scribbled on.
fn queue_of_three() -> (MessageQueue, Scribbler) {
    let name = unique_name("bad_messages");
    let queue = MessageQueue::create(&name, 64 * BLOCKS as usize).unwrap();
    let path = format!("/dev/shm/crossproc.{name}");
    let file = File::options().read(true).write(true).open(path).unwrap();
    queue.unlink().unwrap();
    let mut scribbler = Scribbler { file, body: 0 };
    scribbler.body = scribbler.word(96);
    (0..3).for_each(|byte| queue.send(&[byte]).unwrap());
    (queue, scribbler)
}

struct Scribbler {
    file: File,
    body: u64,
}

impl Scribbler {
    fn word(&self, offset: u64) -> u64 {
        let mut word = [0; 8];
        self.file
            .read_exact_at(&mut word, self.body + offset)
            .unwrap();
        u64::from_le_bytes(word)
    }

    fn write(&self, offset: u64, word: u64) {
        let at = self.body + offset;
        self.file.write_all_at(&word.to_le_bytes(), at).unwrap();
    }

    /// The first block of the message with this ticket.
    fn block_of(&self, ticket: u64) -> u64 {
        self.word(SLOTS + 16 * ticket + 8)
    }
}

fn corrupted<T>(result: Result<T, TryRecvError>) -> &'static str {
    match result {
        Err(TryRecvError::Fault(Fault::Corrupted(what))) => what,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("received"),
    }
}

/// All that can be received, in the order of what is in it.
fn rest(queue: &MessageQueue) -> Vec<u8> {
    let messages = std::iter::from_fn(|| queue.try_recv().ok());
    let mut rest: Vec<u8> = messages.flat_map(|message| message.to_vec()).collect();
    rest.sort_unstable();
    rest
}

/// A place that names no block, another's block, or one where nothing begins: an error, and all three messages.
#[test]
fn a_place_that_names_another_chunk() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let names: [fn(&Scribbler) -> u64; 4] = [
        |_| u64::MAX,
        |_| BLOCKS,
        |scribbler| scribbler.block_of(1),
        |scribbler| {
            (0..BLOCKS)
                .find(|block| scribbler.word(CHUNKS + 16 * block) == 0)
                .unwrap()
        },
    ];
    for name in names {
        let (queue, scribbler) = queue_of_three();
        scribbler.write(SLOTS + 8, name(&scribbler));
        let what = corrupted(queue.try_recv());
        assert!(what.contains("names no chunk"), "{what}");
        assert_eq!(rest(&queue), [0, 1, 2]);
    }
}

/// The message is lost, the others are not.
#[test]
fn a_chunk_that_is_not_what_was_sent() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    for word in [0, 3, u64::MAX, 1 << 16 | 7 << 2 | 2, 0x7fff << 16 | 2] {
        let (queue, scribbler) = queue_of_three();
        scribbler.write(CHUNKS + 16 * scribbler.block_of(1), word);
        assert_eq!(queue.recv().unwrap().to_vec(), [0]);
        let what = corrupted(queue.try_lease());
        assert!(what.contains("names no chunk"), "{word:x}: {what}");
        assert_eq!(queue.recv().unwrap().to_vec(), [2]);
    }
}

#[test]
fn a_message_longer_than_its_chunk() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    for len in [65, (1 << 48) - 1] {
        let (queue, scribbler) = queue_of_three();
        scribbler.write(CHUNKS + 16 * scribbler.block_of(0) + 8, len);
        let what = corrupted(queue.try_recv());
        assert!(what.contains("longer than its chunk"), "{what}");
        assert_eq!(rest(&queue), [1, 2]);
        assert_eq!(queue.available(), queue.memory(), "its memory is back");
    }
}

#[test]
fn positions_that_cannot_be() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (queue, scribbler) = queue_of_three();
    scribbler.write(0, 1000);
    scribbler.write(128, 900);
    assert_eq!(
        rest(&queue),
        [0, 1, 2],
        "the head seems to have passed them"
    );
    let what = corrupted(queue.try_recv());
    assert!(what.contains("positions contradict each other"), "{what}");
    let loan = queue.loan(1).unwrap();
    assert!(matches!(
        loan.send(),
        Err(SendError::Fault(_, Fault::Corrupted(_)))
    ));
    assert!(matches!(queue.wait_idle(), Err(Fault::Corrupted(_))));
}

#[test]
fn what_is_too_long_or_has_no_length() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = MessageQueue::new(128).unwrap();
    for len in [129, usize::MAX] {
        assert_eq!(queue.loan(len).unwrap_err(), LoanError::Oversized);
        assert_eq!(queue.try_loan(len).unwrap_err(), TryLoanError::Oversized);
    }
    assert_eq!(queue.send(&[0; 129]).unwrap_err(), LoanError::Oversized);
    queue.send(&[]).unwrap();
    queue.send(&[]).unwrap();
    // Each has a block all the same.
    assert_eq!(queue.try_send(&[]).unwrap_err(), TryLoanError::Full);
    let soon = Duration::from_millis(1);
    assert_eq!(
        queue.send_timeout(&[], soon).unwrap_err(),
        LoanTimeoutError::Timeout
    );
    assert!(queue.recv().unwrap().is_empty());
    assert_eq!(queue.recv().unwrap().to_vec(), []);
}

#[test]
fn after_closing() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = MessageQueue::new(1024).unwrap();
    queue.send(b"before").unwrap();
    let loan = queue.loan(5).unwrap();
    queue.close();
    assert!(matches!(loan.send(), Err(SendError::Closed(loan)) if loan.len() == 5));
    assert_eq!(queue.try_loan(5).unwrap_err(), TryLoanError::Closed);
    assert_eq!(queue.send(b"after").unwrap_err(), LoanError::Closed);
    assert_eq!(queue.recv().unwrap().to_vec(), b"before");
    assert_eq!(queue.recv().unwrap_err(), RecvError::Closed);
    assert_eq!(queue.try_lease().unwrap_err(), TryRecvError::Closed);
    queue.wait_idle().unwrap();
}

#[test]
fn sizes_that_cannot_be() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let message =
        |result: crossproc::Result<MessageQueue>| result.map(drop).unwrap_err().to_string();
    assert!(message(MessageQueue::new(0)).contains("a queue's memory cannot be 0"));
    let options = MessageQueue::options();
    assert!(message(options.anonymous()).contains("give the number of bytes"));
    for memory in [usize::MAX, (1 << 47) + 1] {
        let error = MessageQueue::new(memory).map(drop).unwrap_err();
        assert!(!matches!(error, Error::OutOfMemory { .. }), "{error}");
        assert!(error.to_string().contains(&memory.to_string()), "{error}");
    }
    // Refused without trying: trying would end processes.
    let error = MessageQueue::new(1 << 46).map(drop).unwrap_err();
    assert!(matches!(error, Error::OutOfMemory { .. }), "{error}");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Colour {
    Red,
    Green,
}

/// One that does not decode is gone; those around it are whole. It is neither redelivered nor waited for.
#[test]
fn what_is_no_object_of_the_type() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let name = unique_name("bad_messages");
    let queue = ObjectQueue::<Colour>::create(&name, 64 * BLOCKS as usize).unwrap();
    let path = format!("/dev/shm/crossproc.{name}");
    let file = File::options().read(true).write(true).open(path).unwrap();
    queue.unlink().unwrap();
    let mut scribbler = Scribbler { file, body: 0 };
    scribbler.body = scribbler.word(96);
    let data = (SLOTS + 16 * 2 * BLOCKS).next_multiple_of(128);
    for lease in [false, true] {
        let ticket = scribbler.word(0);
        for colour in [Colour::Red, Colour::Green, Colour::Red] {
            queue.send(&colour).unwrap();
        }
        let block = scribbler.block_of((ticket + 1) % (2 * BLOCKS));
        scribbler.write(data + 64 * block, 9);
        let receive = || match lease {
            false => queue.try_recv(),
            true => queue.try_lease().map(|lease| lease.ack()),
        };
        assert_eq!(receive(), Ok(Colour::Red));
        assert_eq!(receive(), Err(TryRecvError::Fault(Fault::Decode)));
        assert_eq!(receive(), Ok(Colour::Red));
        assert_eq!(receive(), Err(TryRecvError::Empty));
        queue.wait_idle().unwrap();
        assert!(queue.available() > 0);
    }
}

/// Whose decoding panics.
#[derive(Debug)]
struct Panicking;

impl Serialize for Panicking {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Panicking {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("while decoding")
    }
}

#[test]
fn a_job_whose_decoding_panics_comes_back() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = ObjectQueue::<Panicking>::new(1024).unwrap();
    queue.send(&Panicking).unwrap();
    for _ in 0..3 {
        let outcome = catch_unwind(AssertUnwindSafe(|| queue.try_lease().map(drop)));
        assert!(outcome.is_err(), "{outcome:?}");
    }
    // Received for good it is gone.
    assert!(catch_unwind(AssertUnwindSafe(|| queue.try_recv().map(drop))).is_err());
    assert_eq!(queue.try_recv().unwrap_err(), TryRecvError::Empty);
    queue.wait_idle().unwrap();
}
