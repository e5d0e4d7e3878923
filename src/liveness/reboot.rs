//! Segments at a path outlive the machine's run, and all who took part in it. What the kernel marks when a thread ends is marked here:
//! what those of an earlier run had comes back as from any dead, and their records are free.
//!
//! The header's boot id says of which run the lives in the records are. Whoever opens a segment and finds another run's:
//!
//! | step | if it dies after it |
//! |---|---|
//! | read all lives, and then the boot id, which is still another run's | nothing happened |
//! | life by life, from what was read: ended, and a leap of generations later | its owner is dead, as it was before; the boot id has not changed, so the next one goes on |
//! | the boot id, one half and then the other, is this run's: **the commit** is the second | as the next row; with one half only, as the last |
//! | take a record | any death |
//!
//! Several may do so at once, and nobody waits. A record is taken only by one who has seen both halves, and by that all marks (Acquire:
//! pairs with the Release of the commit). So what was read of a life before the boot id was found to be another run's is of no one who
//! lives; nor is what is read now, if it is still the same, for a new life is of another generation. The compare-and-swap
//! of one who comes late fails. The boot id is never changed to anything but this run's.
//!
//! After a power cut, pages are on the disk as they were at different times. The boot id among them is that of the run that ended, or an earlier
//! one; but somebody may be named as an owner under a generation that his record on the disk has not come to. The leap keeps those
//! who take the record now from being mistaken for him.

use super::records::Records;
use crate::atomic::Ordering;
use crate::error::{Error, Result};
use crate::platform::shm;
use crate::segment::{Home, Segment};

/// Makes a segment that was last used in another run of the machine one of this run, if it can outlive one.
pub(super) fn enter(segment: &Segment, records: &Records) -> Result<()> {
    if !matches!(segment.home(), Home::At(_)) {
        return Ok(());
    }
    let id = shm::boot_id().map_err(Error::os("read the boot id"))?;
    let (first, second) = id.split_at(8);
    let halves = [first, second].map(|half| u64::from_ne_bytes(half.try_into().expect("8 bytes")));
    // Acquire: pairs with the Release below, of whoever made it one of this run.
    let is_entered = || segment.boot_id().map(|word| word.load(Ordering::Acquire)) == halves;
    if is_entered() {
        return Ok(());
    }
    let lives: Vec<_> = (0..records.count())
        .map(|index| records.life(index))
        .collect();
    if is_entered() {
        return Ok(());
    }
    for (index, life) in (0..).zip(lives) {
        let _ = records.life_word(index).compare_exchange(
            life.0,
            life.of_an_earlier_run().0,
            Ordering::SeqCst,
            Ordering::Relaxed,
        );
    }
    for (word, half) in segment.boot_id().into_iter().zip(halves) {
        // Release: whoever sees it sees the marks.
        word.store(half, Ordering::Release);
    }
    Ok(())
}
