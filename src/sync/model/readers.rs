//! Readers beside the lock: none while somebody writes, and none of the dead in a writer's way.
//!
//! How they wait is put together here as in the handle.

use super::super::claim::{Claim, Holder};
use super::super::lock::{Refused, unlock};
use super::super::readers::{
    Readers, clear_dead_writer, end_read, is_drained, is_reader, try_read,
};
use super::lock::Lock;
use super::scene::{Actor, Counted, NOBODY_DIES, Tally, play};
use crate::atomic::{AtomicU32, AtomicU64};
use crate::owner::Owner;

#[derive(Default)]
struct Sharing {
    words: [AtomicU64; 4],
    may_read: AtomicU32,
    drained: AtomicU32,
    reading: Tally,
    writing: Tally,
}

type RwLock = Lock<Sharing>;

impl Readers for Actor<RwLock> {
    fn count(&self) -> u32 {
        self.actors()
    }

    fn word(&self, index: u32) -> &AtomicU64 {
        &self.access().more.words[index as usize]
    }

    fn is_live(&self, owner: Owner) -> bool {
        Actor::is_live(self, owner)
    }
}

impl Actor<RwLock> {
    fn ring_drained(&self) {
        self.bell(&self.aside().more.drained).ring_all();
    }

    fn try_read(&self) -> Result<(u16, Counted<'_>), Refused> {
        let lock = self.access();
        match try_read(self, &lock.claim, self.index, self.me()) {
            Ok(tag) => {
                let reading = Counted::new(&lock.more.reading);
                assert_eq!(lock.more.writing.get(), 0, "a reader beside a writer");
                lock.check_tag(tag);
                Ok((tag, reading))
            }
            Err(refused) => {
                self.ring_drained();
                Err(refused)
            }
        }
    }

    fn read_blocking(&self) -> (u16, Counted<'_>) {
        let attempt = || {
            let lock = self.access();
            if clear_dead_writer(self, &lock.claim) {
                lock.bereave(0);
                self.bell(&lock.bell).ring_next();
                self.bell(&lock.more.may_read).ring_all();
            }
            let claim = Claim::load(&self.access().claim);
            if matches!(claim.holder(), Holder::Someone(_)) {
                return None;
            }
            match self.try_read() {
                Ok(reading) => Some(reading),
                Err(Refused::Busy) => None,
                Err(refused) => panic!("a sound lock refused: {refused:?}"),
            }
        };
        self.block_until(|lock| &lock.more.may_read, attempt)
    }

    fn end_read(&self, reading: Counted<'_>) {
        drop(reading);
        if end_read(self, self.index, self.me()) {
            self.ring_drained();
        }
    }

    fn read_once(&self) {
        let (tag, reading) = self.try_read().unwrap_or_else(|_| self.read_blocking());
        self.read(tag);
        self.end_read(reading);
    }

    /// A second guard, whoever waits to write.
    fn read_twice(&self) {
        let (tag, reading) = self.try_read().unwrap_or_else(|_| self.read_blocking());
        let (_, again) = self.try_read().expect("a reader already");
        self.end_read(again);
        assert!(is_reader(self, self.index, self.me()));
        self.read(tag);
        self.end_read(reading);
    }

    fn write_once(&self) {
        let tag = self.lock().expect("nobody closes it");
        self.block_until(|lock| &lock.more.drained, || is_drained(self).then_some(()));
        let sharing = &self.aside().more;
        let writing = Counted::new(&sharing.writing);
        let inside = (sharing.reading.get(), sharing.writing.get());
        assert_eq!(inside, (0, 1), "a writer beside others");
        let tag = self.change(tag);
        drop(writing);
        self.commit_and_unlock(tag);
        self.bell(&sharing.may_read).ring_all();
    }

    /// Does not wait for readers.
    fn write_impatiently(&self) {
        let tag = self.lock().expect("nobody closes it");
        let lock = self.access();
        lock.disown();
        unlock(&lock.claim, tag);
        self.bell(&lock.bell).ring_next();
        self.bell(&lock.more.may_read).ring_all();
    }
}

/// Number 0 writes, and dies if anybody does; the others read.
fn a_writer_and_readers(writer: &Actor<RwLock>) {
    match writer.index {
        0 => writer.write_once(),
        _ => writer.read_once(),
    }
}

/// Number 0 reads, and dies if anybody does.
fn a_reader_and_writers(reader: &Actor<RwLock>) {
    match reader.index {
        0 => reader.read_twice(),
        _ => reader.write_once(),
    }
}

fn a_writer_that_gives_up(writer: &Actor<RwLock>) {
    match writer.index {
        0 => writer.write_impatiently(),
        _ => writer.read_once(),
    }
}

fn free(last: &Actor<RwLock>) {
    last.read_once();
    last.write_once();
    last.read_once();
}

#[test]
fn a_writer_and_a_reader() {
    play(3, 2, NOBODY_DIES, Lock::new, a_writer_and_readers, free);
    play(3, 2, NOBODY_DIES, Lock::new, a_reader_and_writers, free);
    play(3, 2, NOBODY_DIES, Lock::new, a_writer_that_gives_up, free);
}

#[test]
fn a_writer_and_two_readers() {
    play(2, 3, NOBODY_DIES, Lock::new, a_writer_and_readers, free);
}

#[test]
fn two_writers_and_a_reader() {
    play(2, 3, NOBODY_DIES, Lock::new, a_reader_and_writers, free);
}

#[test]
fn a_writer_dies() {
    play(3, 2, 0..=25, Lock::new, a_writer_and_readers, free);
    play(1, 3, 0..=25, Lock::new, a_writer_and_readers, free);
}

#[test]
fn a_reader_dies() {
    play(2, 2, 0..=20, Lock::new, a_reader_and_writers, free);
}
