//! How readers keep a writer waiting, apart from the memory it runs on.
//!
//! Beside the writer's lock ([`super::lock`]) each participant has a word of its own, on a line of its own, that says how many
//! read guards its thread has:
//!
//! | bits | meaning |
//! |---|---|
//! | 0..32 | how many |
//! | 32..64 | the generation of the participant's life: what an earlier one left behind counts for nothing |
//!
//! A reader announces itself, then looks at the writer's claim; a writer takes the claim, then looks at the announcements.
//! Both do it in the one order of sequentially consistent operations, so of a reader and a writer who come at the same time at
//! least one sees the other (Dekker). The reader gives way: it withdraws and waits. The writer has the claim, so no new reader
//! gets in, and waits for those who are there. Readers never write a word that others write, so they do not slow each other down
//! (as in the big-reader lock; Hsieh and Weihl, "Scalable reader-writer locks for parallel systems", 1991).
//!
//! | step | if the actor dies after it |
//! |---|---|
//! | reader: announce `1` | its life has ended, so its announcement counts for nothing |
//! | reader: find no writer: **it reads** | the same; the writer that waits for it learns of the death, and looks |
//! | reader: withdraw, ring | the same |
//! | writer: take the claim | the claim names a dead owner: the next writer takes it over, and a reader clears it |
//! | writer: find no reader alive: **it writes** | the same |
//! | reader: clear a dead writer's claim | it is vacant, with the tag `ORPHANED` |

use super::claim::{Claim, Holder};
use super::lock::{ORPHANED, Refused};
use crate::atomic::{AtomicU64, Ordering, fence, seeded};
use crate::owner::Owner;

/// The words of all participants.
pub(super) trait Readers {
    /// How many there are, of which some may never have been used.
    fn count(&self) -> u32;
    fn word(&self, index: u32) -> &AtomicU64;
    fn is_live(&self, owner: Owner) -> bool;
}

/// How many read guards the thread has that `word` belongs to, if it is `me`.
fn depth(word: u64, me: Owner) -> u32 {
    if (word >> 32) as u32 == me.generation() {
        word as u32
    } else {
        0
    }
}

fn announcement(me: Owner, depth: u32) -> u64 {
    u64::from(me.generation()) << 32 | u64::from(depth)
}

/// Makes `me` a reader if there is no live writer; the tag of the lock.
#[inline]
pub(super) fn try_read(
    readers: &impl Readers,
    claim: &AtomicU64,
    index: u32,
    me: Owner,
) -> Result<u16, Refused> {
    let mine = readers.word(index);
    let depth = depth(mine.load(Ordering::Relaxed), me);
    if depth > 0 {
        // A reader already, so there is no writer, whoever may be waiting to be one.
        let more = depth.checked_add(1).ok_or(Refused::Corrupted)?;
        mine.store(announcement(me, more), Ordering::Relaxed);
        return Ok(Claim::load(claim).tag());
    }
    mine.swap(announcement(me, 1), Ordering::SeqCst);
    full_barrier();
    let now = Claim(claim.load(Ordering::SeqCst));
    match now.holder() {
        Holder::Vacant => Ok(now.tag()),
        holder => {
            // Release: pairs with the writer's look, as for any reader that ends.
            mine.store(announcement(me, 0), Ordering::Release);
            Err(match holder {
                Holder::Someone(owner) if owner == me => Refused::Mine,
                Holder::Someone(_) => Refused::Busy,
                _ => Refused::Corrupted,
            })
        }
    }
}

/// Lets a lock whose writer has died be free, and says so in its tag; whether the caller did.
#[cold]
pub(super) fn clear_dead_writer(readers: &impl Readers, claim: &AtomicU64) -> bool {
    let now = Claim::load(claim);
    match now.holder() {
        Holder::Someone(owner) if !readers.is_live(owner) => now
            .replace(claim, Claim::vacant(now.tag() | ORPHANED))
            .is_ok(),
        _ => false,
    }
}

/// Ends one of `me`'s read guards; whether it was the last. To be followed by the bell.
#[inline]
pub(super) fn end_read(readers: &impl Readers, index: u32, me: Owner) -> bool {
    let mine = readers.word(index);
    let less = depth(mine.load(Ordering::Relaxed), me).saturating_sub(1);
    // Release: pairs with the SeqCst load in `is_drained`, so that a writer writes after we have read.
    mine.store(announcement(me, less), Ordering::Release);
    less == 0
}

/// Whether `me` is a reader.
pub(super) fn is_reader(readers: &impl Readers, index: u32, me: Owner) -> bool {
    depth(readers.word(index).load(Ordering::Relaxed), me) > 0
}

/// For the holder of the claim: whether no live reader is left.
pub(super) fn is_drained(readers: &impl Readers) -> bool {
    full_barrier();
    (0..readers.count()).all(|index| {
        let word = readers.word(index).load(Ordering::SeqCst);
        let reads = word as u32 > 0;
        !reads || !readers.is_live(Owner::new(index, (word >> 32) as u32))
    })
}

/// What the operations around it do already. The model checker takes SeqCst accesses for less than they are.
#[inline]
fn full_barrier() {
    if cfg!(loom) && !seeded("readers") {
        fence(Ordering::SeqCst);
    }
}
