//! A pipe whose words and bytes are overwritten while it is used: every operation returns, whatever it finds.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::time::Duration;

use crossproc::pipe::{self, ByteReceiver, ByteSender, End};
use crossproc::testing::{self, Package};

use super::input::Input;
use super::segment_file::{BODY, PAGE, SegmentFile, any_word};

const STEPS: u32 = 150;
/// What blocks is given this long: a pipe that seems full or empty for ever is no fault.
const PATIENCE: Duration = Duration::from_micros(100);

type Side = End<Vec<u8>, Vec<u8>>;

/// Does what `bytes` say with a pipe, which has no name.
pub(crate) fn run(_: &str, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let options = pipe::options().capacity(1).participants(6);
    if input.below(2) == 0 {
        let package = testing::pack(options.duplex::<Vec<u8>, Vec<u8>>().expect("a pipe"));
        let file = file_of(&package);
        let (mut here, mut there): (Side, Side) = package.unpack();
        let mut numbers = 0;
        steps(&mut input, &file, |choice, argument| {
            numbers += 1;
            let end = if choice % 2 == 0 {
                &mut here
            } else {
                &mut there
            };
            operate(end, choice / 2, argument, numbers);
        });
    } else {
        let package = testing::pack(options.bytes().expect("a pipe"));
        let file = file_of(&package);
        let (mut sender, mut receiver): (ByteSender, ByteReceiver) = package.unpack();
        sender.set_write_timeout(Some(PATIENCE));
        receiver.set_read_timeout(Some(PATIENCE));
        steps(&mut input, &file, |choice, argument| match choice % 2 {
            0 => write(&mut sender, choice / 2, argument),
            _ => read(&mut receiver, choice / 2, argument),
        });
    }
}

/// What is packed leads to its file; it is unpacked in the same process.
fn file_of(package: &Package) -> SegmentFile {
    let descriptor = package.descriptors()[0].as_raw_fd();
    SegmentFile::at(format!("/proc/self/fd/{descriptor}").into())
}

fn steps(input: &mut Input<'_>, file: &SegmentFile, mut operate: impl FnMut(u8, u8)) {
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        match input.below(9) {
            0..3 => file.scribble(input),
            // Where headers of messages are.
            3 => {
                let word = 8 * u64::from(input.below(64));
                file.write(BODY + PAGE + word, &any_word(input).to_ne_bytes());
            }
            4 => {
                let operations: [u8; 12] = std::array::from_fn(|_| input.byte());
                file.scribble_while(input, || {
                    for pair in operations.chunks(2) {
                        operate(pair[0], pair[1]);
                    }
                });
            }
            _ => operate(input.byte(), input.byte()),
        }
    }
}

/// Up to twice the ring. Nobody receives what is sent at the same time, so a message that is larger waits for ever once it is begun.
fn operate(end: &mut Side, choice: u8, argument: u8, number: u64) {
    let len = usize::from(argument) * 16;
    let value = || vec![number as u8; len];
    let room = end.capacity() - 16;
    match choice % 12 {
        0 => drop(end.try_send(&value())),
        1 => drop(end.try_send_bytes(&value())),
        2 if len <= room => drop(end.send_bytes_timeout(&value(), PATIENCE)),
        3 if len <= room => {
            if let Ok(mut room) = end.try_reserve(len) {
                room.bytes().write(0, &value());
                room.commit(len / 2);
            }
        }
        4 => drop(end.try_recv()),
        5 => drop(end.recv_timeout(PATIENCE)),
        6 => drop(end.try_recv_into(&mut Vec::new())),
        7 => {
            if let Ok(message) = end.try_look() {
                // A message is no longer than what has come of it.
                assert!(message.bytes().to_vec().len() <= 1 << 24);
            }
        }
        8 => drop(end.look_timeout(PATIENCE).map(|message| message.consume())),
        9 => drop(end.poll(PATIENCE)),
        10 => drop(end.try_iter().take(20).count()),
        _ => drop((end.is_closed(), format!("{end:?}"))),
    }
}

fn write(sender: &mut ByteSender, choice: u8, argument: u8) {
    let bytes = vec![argument; usize::from(argument) * 20];
    match choice % 4 {
        0 => drop(sender.write(&bytes)),
        1 => drop(sender.try_write(&bytes)),
        2 => {
            let len = bytes.len().min(sender.capacity());
            if let Ok(room) = sender.try_reserve(len) {
                room.commit(len / 2);
            }
        }
        _ => drop((sender.is_closed(), format!("{sender:?}"))),
    }
}

fn read(receiver: &mut ByteReceiver, choice: u8, argument: u8) {
    let mut bytes = vec![0; usize::from(argument) * 20];
    match choice % 4 {
        0 => drop(receiver.read(&mut bytes)),
        1 => drop(receiver.try_read(&mut bytes)),
        2 => {
            let seen = receiver.try_look().map(|bytes| bytes.to_vec().len());
            receiver.consume(seen.map_or(0, |seen| seen.min(argument.into())));
        }
        _ => drop((receiver.poll(PATIENCE), format!("{receiver:?}"))),
    }
}
