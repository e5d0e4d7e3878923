//! What a pipe does, in one process and between processes.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use crossproc::pipe::{self, ByteReceiver, ByteSender, End, Receiver, Sender};
use crossproc::{
    Error, Fault, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError,
    TrySendError, process,
};
use serde::{Deserialize, Serialize};
use support::{Leaks, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

/// The least there is, whatever the size of a page.
fn smallest() -> pipe::Options {
    pipe::options().capacity(1)
}

/// `len` bytes that depend on `number`.
fn pattern(number: usize, len: usize) -> Vec<u8> {
    (0..len)
        .map(|index| (index * 7 + index / 251 + number) as u8)
        .collect()
}

#[test]
fn bytes_come_out_as_they_went_in_whatever_the_sizes() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut sender, mut receiver) = smallest().bytes().unwrap();
    let sent = pattern(0, 40 * sender.capacity() + 13);
    let (expected, sizes) = (sent.clone(), [1, 4096, 7, 64, 10_000, 333]);
    let writing = thread::spawn(move || {
        let mut rest = &sent[..];
        for size in sizes.iter().cycle() {
            let (now, later) = rest.split_at(rest.len().min(*size));
            sender.write_all(now).unwrap();
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
    });
    let mut received: Vec<u8> = Vec::new();
    let mut buffer = [0; 5000];
    for size in [4999, 3, 128, 1].iter().cycle() {
        match receiver.read(&mut buffer[..*size]).unwrap() {
            0 => break,
            len => received.extend(&buffer[..len]),
        }
    }
    assert!(received == expected);
    writing.join().unwrap();
}

#[test]
fn capacity_is_a_power_of_two_of_whole_pages() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (sender, receiver) = smallest().bytes().unwrap();
    assert!(sender.capacity().is_power_of_two());
    assert_eq!(sender.capacity(), receiver.capacity());
    let (sender, _receiver) = pipe::options().capacity(100_000).simplex::<u8>().unwrap();
    assert_eq!(sender.capacity(), 131_072);
    assert!(matches!(
        pipe::options().capacity(0).bytes(),
        Err(Error::InvalidSize { .. })
    ));
    assert!(matches!(
        pipe::options().capacity(usize::MAX).bytes(),
        Err(Error::TooLarge { .. })
    ));
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Request {
    Nothing,
    Named { name: String, scores: Vec<f64> },
    Many(Vec<Option<Request>>),
}

#[test]
fn values_of_any_type_come_in_order() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let named = |n: usize| Request::Named {
        name: format!("request {n}"),
        scores: vec![0.5; n],
    };
    let (mut sender, mut receiver) = smallest().simplex().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            for n in 0..3000 {
                // Some of them larger than the pipe.
                sender.send(&named(n)).unwrap();
            }
            let nested = Request::Many(vec![None, Some(named(1)), Some(Request::Nothing)]);
            sender.send(&nested).unwrap();
        });
        for n in 0..3000 {
            assert_eq!(receiver.recv(), Ok(named(n)));
        }
        let nested = Request::Many(vec![None, Some(named(1)), Some(Request::Nothing)]);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [nested]);
        assert_eq!(receiver.recv(), Err(RecvError::Closed));
    });
}

/// Around every length at which something changes: nothing, padding, exactly what fits, one more, several times the ring.
#[test]
fn messages_of_every_length_come_whole() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut sender, mut receiver) = smallest().simplex::<()>().unwrap();
    let capacity = sender.capacity();
    let edges = [
        0,
        8,
        64,
        capacity / 4,
        capacity / 2,
        capacity - 16,
        capacity,
        5 * capacity,
    ];
    let near = |edge: &usize| edge.saturating_sub(9)..edge + 10;
    let lengths: Vec<usize> = edges.iter().flat_map(near).collect();
    let sent = lengths.clone();
    let sending = thread::spawn(move || {
        for (number, len) in sent.into_iter().enumerate() {
            sender.send_bytes(&pattern(number, len)).unwrap();
        }
    });
    let mut buffer = b"what was there before".to_vec();
    for (number, len) in lengths.into_iter().enumerate() {
        let expected = pattern(number, len);
        match number % 3 {
            0 => assert!(receiver.recv_bytes().unwrap() == expected, "{len} bytes"),
            1 => {
                receiver.recv_into(&mut buffer).unwrap();
                assert!(buffer == expected, "{len} bytes");
            }
            _ => {
                let message = receiver.look().unwrap();
                assert!(message.bytes().to_vec() == expected, "{len} bytes");
            }
        }
    }
    sending.join().unwrap();
    assert_eq!(receiver.recv_bytes(), Err(RecvError::Closed));
}

#[test]
fn what_does_not_fit_now_is_not_begun() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut sender, mut receiver) = smallest().simplex::<Vec<u8>>().unwrap();
    let capacity = sender.capacity();
    let half = pattern(1, capacity / 2);
    sender.try_send_bytes(&half).unwrap();
    assert_eq!(sender.try_send_bytes(&half), Err(TrySendError::Full(())));
    assert_eq!(sender.try_send(&half), Err(TrySendError::Full(())));
    let wait = Duration::from_millis(30);
    let start = Instant::now();
    assert_eq!(
        sender.send_bytes_timeout(&half, wait),
        Err(SendTimeoutError::Timeout(()))
    );
    assert_eq!(
        sender.send_deadline(&half, start + 2 * wait),
        Err(SendTimeoutError::Timeout(()))
    );
    assert!(start.elapsed() >= 2 * wait);
    // Never, even if there is nothing else.
    assert_eq!(receiver.recv_bytes().unwrap(), half);
    let huge = pattern(2, capacity);
    assert_eq!(sender.try_send_bytes(&huge), Err(TrySendError::Full(())));
    // Of all this nothing is seen.
    assert_eq!(receiver.try_recv_bytes(), Err(TryRecvError::Empty));
    let start = Instant::now();
    assert_eq!(receiver.recv_timeout(wait), Err(RecvTimeoutError::Timeout));
    assert!(start.elapsed() >= wait);
}

/// Receives, never blocking, until it has part of a message; how many whole ones it got before. They are the [`pattern`]s of `len` bytes.
fn until_midway(receiver: &mut Receiver<Vec<u8>>, len: usize) -> usize {
    let mut whole = 0;
    loop {
        match receiver.try_recv_bytes() {
            Ok(message) => {
                assert!(message == pattern(whole, len));
                whole += 1;
            }
            Err(TryRecvError::Empty) => {
                // Only `Debug` tells.
                let state = format!("{receiver:?}");
                let received = state.split("bytes_received: ").nth(1).unwrap();
                let digits = received.chars().take_while(char::is_ascii_digit);
                let received: usize = digits.collect::<String>().parse().unwrap();
                if received > whole * (16 + len) {
                    return whole;
                }
                thread::yield_now();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_receiver_that_gives_up_goes_on_with_the_same_message_later() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (sender, mut receiver) = smallest().simplex::<Vec<u8>>().unwrap();
    let len = 64 * sender.capacity();
    let sending = thread::spawn(move || send_for_ever((sender, len)));
    let mut number = until_midway(&mut receiver, len);
    assert!(receiver.recv_bytes_timeout(LIMIT).unwrap() == pattern(number, len));
    number += 1;
    // Polling receives it too, and does not say that it is there before all of it is.
    while !receiver.poll(Duration::from_micros(1)).unwrap() {}
    assert!(receiver.try_recv_bytes().unwrap() == pattern(number, len));
    drop(receiver);
    assert_eq!(sending.join().unwrap(), SendError::Closed(()));
}

#[test]
fn what_is_no_value_of_the_type_is_an_error_of_its_own() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut sender, mut receiver) = smallest().simplex::<String>().unwrap();
    let invalid: [&[u8]; 5] = [b"", &[1, 0xff], &[9, b'x'], &[0, 0], &[0xff; 300_000]];
    for message in invalid {
        thread::scope(|scope| {
            scope.spawn(|| {
                sender.send_bytes(message).unwrap();
                sender.send(&"next".to_owned()).unwrap();
            });
            assert_eq!(receiver.recv(), Err(RecvError::Fault(Fault::Decode)));
            assert_eq!(receiver.recv().as_deref(), Ok("next"));
        });
    }

    /// A length that is not known beforehand has no place in the encoding.
    struct Endless;
    impl Serialize for Endless {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            let mut sequence = serializer.serialize_seq(None)?;
            sequence.serialize_element(&1)?;
            sequence.end()
        }
    }
    let (mut sender, mut receiver) = smallest().simplex::<Endless>().unwrap();
    let error = sender.send(&Endless).unwrap_err();
    assert_eq!(error, SendError::Fault((), Fault::Encode));
    assert!(matches!(Error::from(error), Error::Encode));
    assert_eq!(receiver.try_recv_bytes(), Err(TryRecvError::Empty));
}

#[test]
fn messages_are_written_and_looked_at_in_place() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut sender, mut receiver) = smallest().simplex::<()>().unwrap();
    let most = sender.capacity() - 16;
    // Over the end of the ring, too: it is one run of bytes.
    for (number, len) in [100, most, 3000, 3000, 0].into_iter().enumerate() {
        let content = pattern(number, len);
        let _ = sender.reserve(most).unwrap();
        let mut room = sender.reserve(most).unwrap();
        room.bytes().write(0, &content);
        room.commit(len);
        let message = receiver.look().unwrap();
        assert_eq!(message.bytes().len(), len);
        assert!(message.bytes().to_vec() == content);
        message.consume();
    }
    assert!(
        receiver
            .try_look()
            .is_err_and(|error| error == TryRecvError::Empty)
    );
    sender.send_bytes(&[1]).unwrap();
    let refused = sender.try_reserve(most).map(|_| ());
    assert_eq!(refused, Err(TrySendError::Full(())));
}

#[test]
fn bytes_are_written_and_looked_at_in_place() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut sender, mut receiver) = smallest().bytes().unwrap();
    let capacity = sender.capacity();
    for (number, len) in [capacity, capacity / 3, capacity, 1]
        .into_iter()
        .enumerate()
    {
        let content = pattern(number, len);
        let mut room = sender.reserve(capacity).unwrap();
        assert_eq!(room.bytes().len(), capacity);
        room.bytes().write(0, &content);
        room.commit(len);
        let seen = receiver.look().unwrap();
        assert!(seen.to_vec() == content);
        receiver.consume(len / 2);
        assert!(receiver.look().unwrap().to_vec() == content[len / 2..]);
        receiver.consume(len - len / 2);
    }
    let nothing = receiver.try_look().map(|_| ());
    assert_eq!(nothing, Err(TryRecvError::Empty));
    assert_eq!(sender.try_write(&vec![0; capacity + 1]), Ok(capacity));
    assert_eq!(sender.try_write(&[0]), Err(TrySendError::Full(())));
}

#[test]
#[should_panic(expected = "2 of 1 bytes")]
fn no_more_is_consumed_than_is_there() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut sender, mut receiver) = smallest().bytes().unwrap();
    sender.write_all(&[0]).unwrap();
    receiver.consume(2);
}

#[test]
fn closing_is_the_end_of_file_and_a_broken_pipe() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut sender, mut receiver) = smallest().bytes().unwrap();
    sender.write_all(b"left").unwrap();
    sender.close();
    let mut text = String::new();
    receiver.read_to_string(&mut text).unwrap();
    assert_eq!(text, "left");
    assert_eq!(receiver.read(&mut [0]).unwrap(), 0, "and again");
    assert_eq!(receiver.try_read(&mut [0]), Err(TryRecvError::Closed));

    let (mut sender, receiver) = smallest().bytes().unwrap();
    sender.write_all(b"lost").unwrap();
    assert!(!sender.is_closed());
    receiver.close();
    assert!(sender.is_closed());
    let error = sender.write(&[0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(sender.try_write(&[0]), Err(TrySendError::Closed(())));
}

#[test]
fn closing_wakes_the_one_who_waits() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (sender, mut receiver) = smallest().simplex::<u64>().unwrap();
    let waiting = thread::spawn(move || receiver.recv());
    thread::sleep(Duration::from_millis(30));
    drop(sender);
    assert_eq!(waiting.join().unwrap(), Err(RecvError::Closed));

    // In the middle of a message that does not fit.
    let (mut sender, mut receiver) = smallest().simplex::<Vec<u8>>().unwrap();
    let huge = vec![7; 3 * sender.capacity()];
    let waiting = thread::spawn(move || (sender.send(&huge), sender.send(&vec![])));
    assert_eq!(receiver.try_recv().map(|_| ()), Err(TryRecvError::Empty));
    thread::sleep(Duration::from_millis(30));
    drop(receiver);
    let (large, small) = waiting.join().unwrap();
    assert_eq!(large, Err(SendError::Closed(())));
    assert_eq!(small, Err(SendError::Closed(())), "nothing can follow");
}

#[test]
fn half_of_a_duplex_pipe_can_be_closed() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut here, mut there) = smallest().duplex::<u32, String>().unwrap();
    here.send(&1).unwrap();
    let mut answers = here.close_sending();
    assert_eq!(there.recv(), Ok(1));
    assert_eq!(there.recv(), Err(RecvError::Closed));
    assert!(!there.is_closed());
    there.send(&"still here".to_owned()).unwrap();
    assert_eq!(answers.recv().as_deref(), Ok("still here"));
    drop(answers);
    assert!(there.is_closed());
    assert_eq!(there.send(&String::new()), Err(SendError::Closed(())));
}

#[test]
fn waiting_ends_in_time() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut sender, mut receiver) = smallest().bytes().unwrap();
    let wait = Duration::from_millis(30);
    let start = Instant::now();
    assert_eq!(receiver.poll(wait), Ok(false));
    receiver.set_read_timeout(Some(wait));
    let error = receiver.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let capacity = sender.capacity();
    sender.write_all(&vec![1; capacity]).unwrap();
    sender.set_write_timeout(Some(wait));
    assert_eq!(sender.write(&[0]).unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(start.elapsed() >= 3 * wait);
    assert_eq!(receiver.poll(wait), Ok(true));
}

fn echo(mut end: End<Request, Request>) -> usize {
    let mut echoed = 0;
    while let Ok(request) = end.recv() {
        end.send(&request).unwrap();
        echoed += 1;
    }
    echoed
}

#[test]
fn an_end_moves_to_a_child_and_so_does_each_half() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (here, there) = pipe::duplex().unwrap();
    let child = process::spawn(echo, there).unwrap();
    let (mut sender, mut receiver) = here.split();
    let request = |n: usize| Request::Named {
        name: "x".repeat(n * 100),
        scores: vec![],
    };
    let sending = thread::spawn(move || {
        for n in 0..200 {
            sender.send(&request(n)).unwrap();
        }
    });
    for n in 0..200 {
        assert_eq!(receiver.recv(), Ok(request(n)));
    }
    sending.join().unwrap();
    assert_eq!(child.join().unwrap(), 200);
    assert_eq!(receiver.recv(), Err(RecvError::Closed));

    fn sum((mut numbers, mut total): (Receiver<u64>, Sender<u64>)) {
        total.send(&numbers.iter().sum()).unwrap();
    }
    let (mut numbers, first) = pipe::simplex().unwrap();
    let (second, mut total) = pipe::simplex().unwrap();
    let child = process::spawn(sum, (first, second)).unwrap();
    for n in 0..1000 {
        numbers.send(&n).unwrap();
    }
    numbers.close();
    assert_eq!(total.recv(), Ok((0..1000).sum()));
    child.join().unwrap();
}

#[test]
fn bytes_go_to_a_child_and_on_to_the_next() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    /// Reads a line of its own, and leaves the rest to a child.
    fn first(mut receiver: ByteReceiver) -> (String, String) {
        let mut line = vec![0; 6];
        receiver.read_exact(&mut line).unwrap();
        let child = process::spawn(rest, receiver).unwrap();
        (String::from_utf8(line).unwrap(), child.join().unwrap())
    }
    fn rest(mut receiver: ByteReceiver) -> String {
        let mut text = String::new();
        receiver.read_to_string(&mut text).unwrap();
        text
    }
    let (mut sender, receiver) = pipe::bytes().unwrap();
    let child = process::spawn(first, receiver).unwrap();
    sender.write_all(b"first\nand the rest").unwrap();
    sender.close();
    let (line, text) = child.join().unwrap();
    assert_eq!((&*line, &*text), ("first\n", "and the rest"));
}

/// Until it is told why it cannot.
fn send_for_ever((mut sender, len): (Sender<Vec<u8>>, usize)) -> SendError<()> {
    let mut number = 0;
    loop {
        if let Err(error) = sender.send_bytes(&pattern(number, len)) {
            return error;
        }
        number += 1;
    }
}

fn send_until_killed(args: (Sender<Vec<u8>>, usize)) {
    let error = send_for_ever(args);
    unreachable!("{error}");
}

/// Killed at any point of sending, it has sent whole messages: the receiver gets those, each once, then is told.
#[test]
fn a_child_killed_in_the_middle_of_put_leaves_whole_messages_and_the_news() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let capacity = smallest().bytes().unwrap().0.capacity();
    for (round, size) in [10, 1000, capacity - 16, capacity, 10 * capacity]
        .into_iter()
        .cycle()
        .take(40)
        .enumerate()
    {
        let (sender, mut receiver) = smallest().simplex().unwrap();
        let child = process::spawn(send_until_killed, (sender, size)).unwrap();
        let mut number = 0;
        let end = loop {
            // Before the first one it might not even have its arguments.
            if number == round + 1 {
                child.kill().unwrap();
            }
            match receiver.recv_bytes() {
                Ok(message) => assert!(message == pattern(number, size), "message {number}"),
                Err(error) => break error,
            }
            number += 1;
        };
        assert_eq!(end, RecvError::PeerDied);
        assert_eq!(receiver.try_recv_bytes(), Err(TryRecvError::PeerDied));
        assert!(child.join().is_err());
    }
}

#[test]
fn bytes_of_a_killed_writer_come_before_the_news() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    fn write_and_wait(mut sender: ByteSender) {
        sender.write_all(b"last words").unwrap();
        loop {
            thread::park();
        }
    }
    let (sender, mut receiver) = pipe::bytes().unwrap();
    let child = process::spawn(write_and_wait, sender).unwrap();
    let mut words = [0; 10];
    receiver.read_exact(&mut words[..1]).unwrap();
    child.kill().unwrap();
    receiver.read_exact(&mut words[1..]).unwrap();
    assert_eq!(&words, b"last words");
    for _ in 0..2 {
        let error = receiver.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert!(child.join().is_err());
}

#[test]
fn a_killed_receiver_is_noticed_at_once_with_room_left_and_asleep() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    fn ready_and_wait((_receiver, mut ready): (Receiver<Vec<u8>>, Sender<()>)) {
        ready.send(&()).unwrap();
        loop {
            thread::park();
        }
    }
    for size in [1, 1 << 20] {
        let (mut sender, receiver) = smallest().simplex().unwrap();
        let (ready, mut is_ready) = smallest().simplex().unwrap();
        let child = process::spawn(ready_and_wait, (receiver, ready)).unwrap();
        is_ready.recv().unwrap();
        let sending = thread::spawn(move || {
            loop {
                // The large one waits for room in the middle, the small ones until there is none, if they come as far.
                if let Err(error) = sender.send_bytes(&vec![0; size]) {
                    break (error, sender.send_bytes(&[]));
                }
            }
        });
        thread::sleep(Duration::from_millis(20));
        child.kill().unwrap();
        let (error, again) = sending.join().unwrap();
        assert_eq!(error, SendError::PeerDied(()));
        assert_eq!(again, Err(error));
        assert!(child.join().is_err());
    }
}

/// Travels, and cannot be unpacked: the child ends half-way through its arguments.
#[derive(Serialize)]
struct Fatal;

impl<'de> Deserialize<'de> for Fatal {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        std::process::abort()
    }
}

#[test]
fn an_end_that_gets_lost_on_the_way_is_closed_or_dead() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    fn before((_, _): (Fatal, End<u8, u8>)) {}
    fn after((_, _): (End<u8, u8>, Fatal)) {}

    let (mut here, there) = pipe::duplex::<u8, u8>().unwrap();
    let child = process::spawn(before, (Fatal, there)).unwrap();
    assert_eq!(here.recv(), Err(RecvError::Closed));
    // Its halves are closed one after the other.
    let error = (0..).find_map(|_| here.send(&1).err());
    assert_eq!(error, Some(SendError::Closed(())));
    assert!(child.join().is_err());

    let (mut here, there) = pipe::duplex::<u8, u8>().unwrap();
    let child = process::spawn(after, (there, Fatal)).unwrap();
    assert_eq!(here.recv(), Err(RecvError::PeerDied));
    assert_eq!(here.send(&1), Err(SendError::PeerDied(())));
    assert!(child.join().is_err());
}

/// Takes its time to be unpacked.
#[derive(Serialize)]
struct Slow;

impl<'de> Deserialize<'de> for Slow {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        thread::sleep(Duration::from_millis(100));
        <()>::deserialize(input).map(|()| Slow)
    }
}

/// An end on its way is nobody's death, though its last owner has nothing to do with the pipe any more.
#[test]
fn both_ends_can_be_given_away() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    fn count(mut sender: Sender<u64>) {
        (0..10_000).for_each(|number| sender.send(&number).unwrap());
    }
    fn sum((_, mut receiver): (Slow, Receiver<u64>)) -> u64 {
        receiver.iter().sum()
    }
    let (sender, receiver) = smallest().simplex().unwrap();
    let summing = process::spawn(sum, (Slow, receiver)).unwrap();
    let counting = process::spawn(count, sender).unwrap();
    counting.join().unwrap();
    assert_eq!(summing.join().unwrap(), (0..10_000).sum());
}

/// Keeps what it was to give away, which its `Serialize` could do all the same.
#[derive(Serialize)]
struct Kept<'a>(&'a Sender<u8>);

#[test]
fn an_end_travels_in_arguments_only_and_once() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (sender, mut receiver) = pipe::simplex::<u8>().unwrap();
    let (mut notes, _kept) = pipe::simplex::<Kept>().unwrap();
    assert_eq!(
        notes.send(&Kept(&sender)),
        Err(SendError::Fault((), Fault::Encode))
    );

    /// Sends what it was given twice.
    struct Twice(Option<Receiver<u8>>);
    impl Serialize for Twice {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            (&self.0, &self.0).serialize(serializer)
        }
    }
    impl<'de> Deserialize<'de> for Twice {
        fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
            let (first, _second) =
                <(Option<Receiver<u8>>, Option<Receiver<u8>>)>::deserialize(input)?;
            Ok(Twice(first))
        }
    }
    fn never(_: Twice) {
        unreachable!("its arguments are no good");
    }
    let mut sender = sender;
    sender.send(&1).unwrap();
    assert_eq!(receiver.recv(), Ok(1));
    let child = process::spawn(never, Twice(Some(receiver))).unwrap();
    assert!(child.join().is_err());
    assert!(sender.send(&2).is_err(), "closed, or its holder is dead");
}

#[test]
fn part_of_a_message_does_not_travel() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    fn never(_: Receiver<Vec<u8>>) {}
    let (sender, mut receiver) = smallest().simplex::<Vec<u8>>().unwrap();
    let len = 64 * sender.capacity();
    let sending = thread::spawn(move || send_for_ever((sender, len)));
    until_midway(&mut receiver, len);
    let refused = process::spawn(never, receiver);
    assert!(matches!(refused, Err(Error::Arguments { .. })));
    // The arguments are dropped in any case.
    assert_eq!(sending.join().unwrap(), SendError::Closed(()));
}
