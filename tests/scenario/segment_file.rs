//! The file of a segment, as a hostile process sees it: bytes to be overwritten at will.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::input::Input;

/// Where the records begin, and what they take, on machines with 4 KiB pages. Elsewhere the bytes hit something else.
pub(crate) const PAGE: u64 = 4096;
const RECORD: u64 = 1280;
/// As created with six participants.
pub(crate) const BODY: u64 = 3 * PAGE;
/// Of the words that all kinds have in common.
const COMMON: u64 = 1024;

/// Removes the file when dropped, if it can be removed.
pub(crate) struct SegmentFile {
    path: PathBuf,
    file: File,
}

impl SegmentFile {
    /// That of the segment with this name, which exists.
    pub(crate) fn of(name: &str) -> SegmentFile {
        SegmentFile::at(format!("/dev/shm/crossproc.{name}").into())
    }

    /// That with this path.
    pub(crate) fn at(path: PathBuf) -> SegmentFile {
        let file = File::options().read(true).write(true).open(&path);
        SegmentFile {
            file: file.expect("the segment has a file"),
            path,
        }
    }

    fn len(&self) -> u64 {
        self.file.metadata().expect("an open file").len()
    }

    pub(crate) fn write(&self, offset: u64, bytes: &[u8]) {
        // Past the end it would make the file longer.
        if offset + bytes.len() as u64 <= self.len() {
            self.file.write_all_at(bytes, offset).expect("an open file");
        }
    }

    /// Overwrites a word: which, and with what, the input says.
    pub(crate) fn scribble(&self, input: &mut Input<'_>) {
        self.scribble_at(place(input), input);
    }

    /// Overwrites this word: with what, the input says.
    pub(crate) fn scribble_at(&self, place: u64, input: &mut Input<'_>) {
        let before = self.word(place);
        let near = u64::from(input.below(12));
        let value = match input.below(8) {
            0 => near,
            1 => 0u64.wrapping_sub(near),
            2 => (1 << 63) + near,
            3 => (1 << 63) - near,
            4 => before.wrapping_add(near),
            5 => before.wrapping_sub(near),
            6 => before ^ 1 << input.below(64),
            _ => any_word(input),
        };
        match input.below(4) {
            0 => self.write(place, &(value as u32).to_le_bytes()),
            1 => self.write(place, &[value as u8]),
            _ => self.write(place, &value.to_le_bytes()),
        }
    }

    /// Overwrites words, the same few again and again, until `body` is done.
    pub(crate) fn scribble_while(&self, input: &mut Input<'_>, body: impl FnOnce()) {
        self.scribble_there_while(place, input, body);
    }

    /// The same with words at places that `place` chooses.
    pub(crate) fn scribble_there_while(
        &self,
        place: fn(&mut Input<'_>) -> u64,
        input: &mut Input<'_>,
        body: impl FnOnce(),
    ) {
        let bytes: [u8; 40] = std::array::from_fn(|_| input.byte());
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let mut input = Input::new(&bytes);
                    while !input.is_empty() {
                        let place = place(&mut input);
                        self.scribble_at(place, &mut input);
                    }
                }
            });
            let _stop = Stop(&done);
            body();
        });
    }

    pub(crate) fn word(&self, offset: u64) -> u64 {
        let mut bytes = [0; 8];
        // Past the end there is nothing to read.
        let _ = self.file.read_exact_at(&mut bytes, offset);
        u64::from_le_bytes(bytes)
    }
}

/// However what it stands beside ends.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Drop for SegmentFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The words that matter, most of the time.
pub(crate) fn place(input: &mut Input<'_>) -> u64 {
    let word = |input: &mut Input<'_>, words| 8 * u64::from(input.below(words));
    match input.below(7) {
        0 | 1 => place_of_a_position(input),
        2 => BODY + word(input, 255),
        3 => COMMON + 4 * u64::from(input.below(34)),
        4 => PAGE + RECORD * u64::from(input.below(6)) + word(input, 20),
        5 => PAGE * u64::from(input.below(2) + 2) - 8 - word(input, 6),
        _ => any_word(input) % (8 * PAGE),
    }
}

/// Positions, bells, roles and the first slots or lines of a queue or a ring; claims, bells, values and seats of the others.
fn place_of_a_position(input: &mut Input<'_>) -> u64 {
    const PLACES: [u64; 20] = [
        0, 0, 0, 8, 8, 12, 16, 24, 32, 64, 72, 128, 128, 132, 136, 144, 256, 264, 384, 392,
    ];
    BODY + PLACES[usize::from(input.below(20))]
}

pub(crate) fn any_word(input: &mut Input<'_>) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|_| input.byte()))
}

// Each program that includes this file uses what it needs of it.
const _: fn(&str) -> SegmentFile = SegmentFile::of;
const _: fn(&SegmentFile, &mut Input<'_>) = SegmentFile::scribble;
const _: fn(&SegmentFile, &mut Input<'_>, fn()) =
    |file, input, body| file.scribble_while(input, body);
