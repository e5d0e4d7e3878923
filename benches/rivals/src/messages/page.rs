#![allow(unsafe_code)] // a mapping
//! A few words that two processes share, and the system call to sleep on one of them: as little as it takes to wake somebody.

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use rustix::thread::futex;

use super::descriptor::Inherited;

const LEN: usize = 4096;

/// The words. Each on a cache line of its own.
#[repr(C)]
struct Words {
    bell: AtomicU32,
    _padding: [u64; 15],
    stamp: AtomicU64,
}

/// They stay mapped until the process ends; there are only as many as samples.
#[derive(Clone, Copy)]
pub struct Page(&'static Words);

impl Page {
    pub fn new() -> io::Result<(Page, OwnedFd, Inherited)> {
        let memory = memfd_create("page", MemfdFlags::CLOEXEC)?;
        ftruncate(&memory, LEN as u64)?;
        let inherited = Inherited::from_here(&memory)?;
        Ok((Page::map(&memory)?, memory, inherited))
    }

    pub fn map(memory: &impl AsFd) -> io::Result<Page> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, at an address where nothing is.
        let start = unsafe { mmap(ptr::null_mut(), LEN, access, MapFlags::SHARED, memory, 0)? };
        // SAFETY: the mapping is page-aligned, larger than the words, zero at first, and stays.
        Ok(Page(unsafe { &*start.cast::<Words>() }))
    }

    pub fn set_stamp(self, stamp: u64) {
        self.0.stamp.store(stamp, Ordering::Release);
    }

    pub fn stamp(self) -> u64 {
        self.0.stamp.load(Ordering::Acquire)
    }

    /// Wakes one who sleeps.
    pub fn ring(self) -> io::Result<()> {
        self.0.bell.fetch_add(1, Ordering::Release);
        futex::wake(&self.0.bell, futex::Flags::empty(), 1)?;
        Ok(())
    }

    /// Sleeps until the bell has been rung `times` times.
    pub fn sleep(self, times: u32) {
        loop {
            let rung = self.0.bell.load(Ordering::Acquire);
            if rung == times {
                return;
            }
            // Interrupted, or rung meanwhile: the word says which.
            let _ = futex::wait(&self.0.bell, futex::Flags::empty(), rung, None);
        }
    }
}
