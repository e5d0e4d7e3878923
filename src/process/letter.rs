//! The letter: all that a parent and its child tell each other.
//!
//! A file in memory, written by the parent before the child exists and answered by the child before
//! it ends:
//!
//! | bytes | what | written by |
//! |---|---|---|
//! | 0..8 | 1 once the arguments are unpacked | child |
//! | 8..16 | where the answer begins; 0: there is none | child, after the answer itself |
//! | 16.. | [`Envelope`], arguments | parent |
//! | then | [`Answer`], result | child |
//!
//! Each word is written whole by one system call, which a SIGKILL does not interrupt half-way. The
//! parent reads the answer when the child has ended, and takes nothing in it on trust.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::settings::{Setting, Settings};
use crate::platform::image::Fingerprint;
use crate::platform::spawn::is_own_and_nameless;
use crate::platform::{shm, spawn};

pub(super) struct Letter(File);

/// What the child must know before it reads its arguments.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    /// Also on the child's command line: they belong together.
    pub(super) nonce: u64,
    pub(super) parent: u32,
    pub(super) image: Fingerprint,
    pub(super) order: Order,
    /// How many descriptors are in the arguments' parcel. Their numbers come after the letter's own.
    pub(super) fds: usize,
    pub(super) settings: Settings,
}

/// What the child is to do.
#[derive(Serialize, Deserialize)]
pub(super) enum Order {
    /// To read its arguments and call a function.
    Call {
        /// Of the code that does it, in the program's image.
        entry: u64,
    },
    /// To become the program that the letter tells of.
    Exec,
}

/// How the child fared. After `Returned` follows the result.
#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Returned,
    Panicked {
        message: String,
        location: Option<String>,
    },
    SettingRefused {
        setting: Setting,
        reason: String,
    },
    /// The other program could not be executed: the system's error number.
    ProgramRefused {
        error: i32,
    },
    ArgumentsUnreadable {
        reason: String,
    },
    ResultUnsendable {
        reason: String,
    },
}

const UNPACKED: u64 = 0;
const ANSWER_AT: u64 = 8;
const ENVELOPE: u64 = 16;

/// Bytes that are copied in less time than a system call takes.
const SHORT: usize = 4096;

impl Letter {
    pub(super) fn write(envelope: &Envelope, arguments: &[u8]) -> io::Result<Letter> {
        let lowest = spawn::end_of(1 + envelope.fds);
        let file = File::from(spawn::above(shm::create_anonymous()?, lowest)?);
        let letter = Letter(file);
        letter.append(ENVELOPE, &encode(envelope)?, arguments)?;
        Ok(letter)
    }

    /// The letter this process was started with, its envelope and its arguments.
    ///
    /// The letter says which code to jump to. A command line might be made up by somebody else, so
    /// it counts only if it is a nameless file of this process's own user.
    pub(super) fn receive(fd: OwnedFd) -> io::Result<(Letter, Envelope, Vec<u8>)> {
        let letter = Letter(File::from(fd));
        if !is_own_and_nameless(&letter.0)? {
            return Err(malformed());
        }
        let (envelope, arguments) = decode(&letter.read_from(ENVELOPE)?)?;
        Ok((letter, envelope, arguments))
    }

    pub(super) fn mark_unpacked(&self) -> io::Result<()> {
        self.0.write_all_at(&1u64.to_ne_bytes(), UNPACKED)
    }

    pub(super) fn is_unpacked(&self) -> io::Result<bool> {
        Ok(self.word(UNPACKED)? == 1)
    }

    /// A later answer replaces an earlier one.
    pub(super) fn answer(&self, answer: &Answer, result: &[u8]) -> io::Result<()> {
        let at = self.0.metadata()?.len();
        self.append(at, &encode(answer)?, result)?;
        // The commit.
        self.0.write_all_at(&at.to_ne_bytes(), ANSWER_AT)
    }

    /// Writes one after the other, from `at` on.
    fn append(&self, at: u64, head: &[u8], body: &[u8]) -> io::Result<()> {
        let middle = at + head.len() as u64;
        shm::check_file_size(middle + body.len() as u64)?;
        if body.len() <= SHORT {
            return self.0.write_all_at(&[head, body].concat(), at);
        }
        self.0.write_all_at(head, at)?;
        self.0.write_all_at(body, middle)
    }

    /// The answer, and the bytes of the result.
    pub(super) fn read_answer(&self) -> io::Result<Option<(Answer, Vec<u8>)>> {
        match self.word(ANSWER_AT)? {
            0 => Ok(None),
            at => decode(&self.read_from(at)?).map(Some),
        }
    }

    fn word(&self, at: u64) -> io::Result<u64> {
        let mut word = [0; 8];
        self.0.read_exact_at(&mut word, at)?;
        Ok(u64::from_ne_bytes(word))
    }

    /// Everything from `at` to the end.
    fn read_from(&self, at: u64) -> io::Result<Vec<u8>> {
        let len = self.0.metadata()?.len().checked_sub(at);
        let len = len.and_then(|len| usize::try_from(len).ok());
        let len = len.ok_or_else(malformed)?;
        let mut bytes = Vec::new();
        // It is as long as the other process makes it, which may be longer than there is memory.
        bytes
            .try_reserve_exact(len)
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        bytes.resize(len, 0);
        self.0.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }
}

impl AsFd for Letter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn encode(value: &impl Serialize) -> io::Result<Vec<u8>> {
    postcard::to_allocvec(value).map_err(io::Error::other)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<(T, Vec<u8>)> {
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|_| malformed())?;
    Ok((value, rest.to_vec()))
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a letter of this crate's")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        let envelope = Envelope {
            nonce: 7,
            parent: 1,
            image: Fingerprint::of_program().unwrap(),
            order: Order::Call { entry: 0x1000 },
            fds: 2,
            settings: Settings::default(),
        };
        Letter::write(&envelope, b"arguments").unwrap()
    }

    #[test]
    fn a_letter_is_read_as_written() {
        let sent = letter();
        let fd = sent.as_fd().try_clone_to_owned().unwrap();
        let (received, envelope, arguments) = Letter::receive(fd).unwrap();
        assert_eq!(envelope.nonce, 7);
        assert!(matches!(envelope.order, Order::Call { entry: 0x1000 }));
        assert_eq!(envelope.fds, 2);
        assert_eq!(arguments, b"arguments");

        assert!(!sent.is_unpacked().unwrap());
        received.mark_unpacked().unwrap();
        assert!(sent.is_unpacked().unwrap());

        assert!(sent.read_answer().unwrap().is_none());
        let reason = "too long".to_string();
        received
            .answer(&Answer::ResultUnsendable { reason }, b"")
            .unwrap();
        received.answer(&Answer::Returned, b"result").unwrap();
        let (answer, result) = sent.read_answer().unwrap().unwrap();
        assert!(matches!(answer, Answer::Returned));
        assert_eq!(result, b"result");
    }

    #[test]
    fn wherever_the_answer_is_said_to_be_reading_it_is_safe() {
        let letter = letter();
        letter.answer(&Answer::Returned, &[0xff; 32]).unwrap();
        let end = letter.0.metadata().unwrap().len();
        for at in (1..end + 64).chain([u64::MAX, u64::MAX - 7, 1 << 63]) {
            letter.0.write_all_at(&at.to_ne_bytes(), ANSWER_AT).unwrap();
            let _ = letter.read_answer();
        }
        letter
            .0
            .write_all_at(&end.to_ne_bytes(), ANSWER_AT)
            .unwrap();
        assert!(letter.read_answer().is_err());
    }

    #[test]
    fn an_answer_longer_than_memory_is_refused() {
        let letter = letter();
        letter.answer(&Answer::Returned, b"result").unwrap();
        letter.0.set_len(1 << 60).unwrap();
        let refused = letter.read_answer().map(|_| ()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::OutOfMemory);
    }

    #[test]
    fn a_file_with_a_name_is_no_letter() {
        let named = File::open("/proc/self/exe").unwrap();
        assert!(Letter::receive(named.into()).is_err());
    }
}
