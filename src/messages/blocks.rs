//! Memory for messages: blocks, of which a chunk is a run.
//!
//! A bitmap says which blocks are taken, 32 of them to a word; its upper half counts the word's changes, so that no two states of it are the
//! same word. At a chunk's first block a word says whose it is, and how long ([`super::chunk`]). Two words cannot be changed at once, so whoever is about to make them
//! disagree announces it, as a sender does its ticket ([`crate::queue`]): a bit that is set, belongs to no chunk, and is announced by
//! nobody alive, was the dead's.
//!
//! | allocating `start..start + blocks` | if the actor dies after it |
//! |---|---|
//! | announce the run | nothing happened; a dead participant's announcement counts for nothing |
//! | set its bits, a word at a time | bits without a chunk: whoever needs memory clears them |
//! | chunk `held(me, blocks)`: **the commit** | a chunk of the dead: whoever needs memory frees it |
//! | withdraw the announcement | the same |
//!
//! | freeing | if the actor dies after it |
//! |---|---|
//! | announce the run | nothing happened: the chunk is the dead's |
//! | chunk `vacant`: **the commit** | bits without a chunk: whoever needs memory clears them |
//! | clear its bits | free |
//! | withdraw the announcement, ring | free; who sleeps for memory learns of the death, and looks |
//!
//! # Sweeping
//!
//! For each word with bits: *load it → look at all announcements → at all chunks → at all announcements again → compare-and-swap the word
//! to clear what none of these account for*. Let this clear a bit that somebody alive has taken. The chunk was vacant when it was
//! looked at, so one who is alive was between its two changes at that moment, and its announcement stood. If it was not seen
//! before, it was made after the first look; if it was not seen afterwards, it was withdrawn before the second. Then the whole of
//! the change, and a change of the word with it, lies between the looks, and the compare-and-swap fails.
//!
//! One that fails leaves bits that could be had, so all of it is done again: who sleeps for memory is not woken by an allocation. Of as many failures
//! as a word has blocks one at least was no allocation. Whatever else changes a word rings afterwards, or its actor dies: then the sleeper looks again.
//!
//! A large run spans several words, and is taken word by word; one that meets another on the way gives back what it has. The idea of
//! bitmaps that are changed with nothing but idempotent steps, so that there is nothing to log, is that of Wrenger et al., "LLFree" (USENIX ATC 2023).

use super::chunk::{Chunk, State};
use crate::atomic::{AtomicU64, Ordering, about_to_change, seeded};
use crate::owner::Owner;

/// Blocks in one word of the bitmap. The model checker cannot have so many.
pub(super) const PER_WORD: u32 = if cfg!(loom) { 3 } else { 32 };
/// As many blocks as there can be.
pub(super) const MOST: u32 = if cfg!(loom) { 6 } else { 4096 };
const MOST_WORDS: usize = (MOST / PER_WORD) as usize;

/// The words of one pool, as one participant sees them.
pub(super) trait Pool {
    /// At most [`MOST`].
    fn blocks(&self) -> u32;
    /// The bitmap, by word.
    fn map(&self, word: u32) -> &AtomicU64;
    fn chunk(&self, block: u32) -> &AtomicU64;
    /// Where the caller announces runs.
    fn announcement(&self) -> &AtomicU64;
    /// Which pool of the segment it is: announcements of others do not matter.
    fn part(&self) -> u64;
    /// Calls `look` with what each live participant announces.
    fn announcements(&self, look: impl FnMut(u64));
    /// An announcement is withdrawn, or memory is free: whoever sleeps for memory must hear of it.
    fn freed(&self);
    fn is_live(&self, process: Owner) -> bool;
}

/// Blocks `start..start + len`, inside the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(super) start: u32,
    pub(super) len: u32,
}

impl Run {
    /// The run of the chunk that begins at `start`, if its word makes sense.
    #[inline]
    pub(super) fn of(pool: &impl Pool, start: u32, chunk: Chunk) -> Option<Run> {
        let len = chunk.blocks();
        let fits = len > 0 && start < pool.blocks() && len <= pool.blocks() - start;
        fits.then_some(Run { start, len })
    }

    fn announced(self, part: u64) -> u64 {
        1 << 63 | part << 32 | u64::from(self.len) << 16 | u64::from(self.start)
    }

    fn from_announcement(announced: u64, part: u64) -> Option<Run> {
        let run = Run {
            start: (announced & 0xffff) as u32,
            len: (announced >> 16 & 0xffff) as u32,
        };
        (run.len > 0 && announced == run.announced(part)).then_some(run)
    }

    /// Which words it touches, and which of their bits.
    fn words(self) -> impl Iterator<Item = (u32, u32)> {
        let end = self.start + self.len;
        let first = self.start / PER_WORD;
        (first..end.div_ceil(PER_WORD)).map(move |word| {
            let base = word * PER_WORD;
            let from = self.start.max(base) - base;
            let to = end.min(base + PER_WORD) - base;
            (word, ones(to - from) << from)
        })
    }
}

/// So many bits, from 1 to 32.
fn ones(count: u32) -> u32 {
    u32::MAX >> (u32::BITS - count)
}

fn bits(word: u64) -> u32 {
    word as u32
}

/// The next state of a word, with other bits.
fn changed(word: u64, bits: u32) -> u64 {
    ((word >> 32).wrapping_add(1) << 32) | u64::from(bits)
}

/// Bits that stand for blocks there are.
fn existing(pool: &impl Pool, word: u32) -> u32 {
    match pool.blocks().saturating_sub(word * PER_WORD) {
        0 => 0,
        left => ones(left.min(PER_WORD)),
    }
}

fn words(pool: &impl Pool) -> u32 {
    pool.blocks().div_ceil(PER_WORD)
}

/// Takes a run of `len` blocks for process `me`, looking first at word `from` of the bitmap, so that not all look at the same.
#[inline]
pub(super) fn allocate(pool: &impl Pool, me: Owner, len: u32, from: u32) -> Option<Run> {
    let words = words(pool);
    let from = from % words;
    about_to_change(pool.map(from));
    let mut all = (from..words).chain(0..from);
    let run = if len <= PER_WORD {
        all.find_map(|word| take_within(pool, word, len))?
    } else {
        all.find_map(|word| take_across(pool, word, len))?
    };
    Chunk::held(me, len).store(pool.chunk(run.start));
    withdraw(pool);
    Some(run)
}

fn announce(pool: &impl Pool, run: Run) {
    // Release: pairs with the Acquire of a sweeper's look.
    pool.announcement()
        .store(run.announced(pool.part()), Ordering::Release);
}

fn withdraw(pool: &impl Pool) {
    // Release: who sees it withdrawn sees what was done meanwhile.
    pool.announcement().store(0, Ordering::Release);
}

/// Changes the bits of one word; `None` if they are no longer what `change` takes.
fn change(
    pool: &impl Pool,
    word: u32,
    seen: u64,
    change: impl Fn(u32) -> Option<u32>,
) -> Option<()> {
    let mut now = seen;
    loop {
        // Release: pairs with the Acquire of a sweeper's load: it sees the announcement. Acquire: what was freed is free.
        match pool.map(word).compare_exchange(
            now,
            changed(now, change(bits(now))?),
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            Ok(_) => return Some(()),
            Err(other) => now = other,
        }
    }
}

fn set(pool: &impl Pool, word: u32, mask: u32) -> Option<()> {
    let now = pool.map(word).load(Ordering::Acquire);
    change(pool, word, now, |bits| {
        (bits & mask == 0).then_some(bits | mask)
    })
}

fn clear(pool: &impl Pool, run: Run) {
    for (word, _) in run.words() {
        about_to_change(pool.map(word));
    }
    for (word, mask) in run.words() {
        let word = pool.map(word);
        if mask == ones(PER_WORD) {
            // Nobody else changes a word all of which is the caller's. Release: as in `change`.
            word.store(changed(word.load(Ordering::Relaxed), 0), Ordering::Release);
        } else {
            // The bits are set, so nothing is borrowed from the others. As in `change`, without having to look first.
            let change = (1u64 << 32) - u64::from(mask);
            word.fetch_add(change, Ordering::AcqRel);
        }
    }
}

/// The lowest place of `len` free bits in a row.
fn find(free: u32, len: u32) -> Option<u32> {
    let (mut starts, mut left, mut step) = (free, len - 1, 1);
    while left > 0 && starts != 0 {
        let shift = step.min(left);
        starts &= starts >> shift;
        left -= shift;
        step *= 2;
    }
    (starts != 0).then(|| starts.trailing_zeros())
}

/// Takes up to 32 blocks in one word.
#[inline]
fn take_within(pool: &impl Pool, word: u32, len: u32) -> Option<Run> {
    let mut now = pool.map(word).load(Ordering::Acquire);
    loop {
        let at = find(!bits(now) & existing(pool, word), len)?;
        let run = Run {
            start: word * PER_WORD + at,
            len,
        };
        let mask = ones(len) << at;
        announce(pool, run);
        let taken = pool.map(word).compare_exchange(
            now,
            changed(now, bits(now) | mask),
            // As in `change`.
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        match taken {
            Ok(_) => return Some(run),
            Err(other) => now = other,
        }
        withdraw(pool);
        pool.freed();
    }
}

/// Takes more than that from the start of a word on.
fn take_across(pool: &impl Pool, word: u32, len: u32) -> Option<Run> {
    let run = Run {
        start: word * PER_WORD,
        len,
    };
    if len > pool.blocks().saturating_sub(run.start) {
        return None;
    }
    for (word, _) in run.words() {
        about_to_change(pool.map(word));
    }
    let is_free = |(word, mask)| bits(pool.map(word).load(Ordering::Acquire)) & mask == 0;
    if !run.words().all(is_free) {
        return None;
    }
    announce(pool, run);
    for (at, mask) in run.words() {
        if set(pool, at, mask).is_none() {
            let taken = at * PER_WORD - run.start;
            if taken > 0 {
                clear(pool, Run { len: taken, ..run });
            }
            withdraw(pool);
            pool.freed();
            return None;
        }
    }
    Some(run)
}

/// Frees the chunk at `run`, whose word is `chunk`; false if it was not any more.
#[inline]
pub(super) fn free(pool: &impl Pool, run: Run, chunk: Chunk) -> bool {
    announce(pool, run);
    let was_it = chunk.replace(pool.chunk(run.start), Chunk::VACANT);
    if was_it {
        clear(pool, run);
    }
    withdraw(pool);
    pool.freed();
    was_it
}

/// How many blocks the longest run has that could be allocated at this moment.
pub(super) fn longest_free(pool: &impl Pool) -> u32 {
    let free = |word| !bits(pool.map(word).load(Ordering::Relaxed)) & existing(pool, word);
    let (mut longest, mut whole) = (0, 0);
    for word in 0..words(pool) {
        let free = free(word);
        let within = (1..=PER_WORD).take_while(|len| find(free, *len).is_some());
        // What spans words begins with one, and goes on in whole ones but the last.
        let across = whole * PER_WORD + free.trailing_ones();
        longest = longest.max(within.count() as u32).max(across);
        whole = if free == ones(PER_WORD) { whole + 1 } else { 0 };
    }
    longest
}

/// What a sweep came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Swept {
    /// How many runs came back.
    pub(super) freed: u32,
    /// Whether nothing was left undecided: until somebody dies, there is nothing more to be had.
    pub(super) complete: bool,
}

/// Takes back what the dead held of the memory: see the [module](self).
#[cold]
pub(super) fn sweep(pool: &impl Pool) -> Swept {
    let mut swept = Swept {
        freed: 0,
        complete: true,
    };
    for _ in 0..=PER_WORD {
        swept.complete = true;
        if !sweep_once(pool, &mut swept) || seeded("wakeups") {
            break;
        }
    }
    if swept.freed > 0 {
        pool.freed();
    }
    swept
}

/// Whether a word changed meanwhile that has something to be had.
fn sweep_once(pool: &impl Pool, swept: &mut Swept) -> bool {
    let mut overtaken = false;
    let words = words(pool);
    let mut seen = [0; MOST_WORDS];
    for word in 0..words {
        seen[word as usize] = pool.map(word).load(Ordering::Acquire);
    }
    let mut announced = [0; MOST_WORDS];
    let look = |announced: &mut [u32; MOST_WORDS]| {
        pool.announcements(|announcement| {
            if let Some(run) = Run::from_announcement(announcement, pool.part()) {
                cover(announced, run);
            }
        });
    };
    if !seeded("messages") {
        look(&mut announced);
    }
    let mut used = [0; MOST_WORDS];
    chunks(pool, |run, chunk| {
        cover(&mut used, run);
        if let State::Held(owner) = chunk.state()
            && !pool.is_live(owner)
            && free(pool, run, chunk)
        {
            swept.freed += 1;
        }
    });
    look(&mut announced);
    for word in 0..words {
        let at = word as usize;
        let unused = bits(seen[at]) & existing(pool, word) & !used[at];
        swept.complete &= unused & announced[at] == 0;
        let lost = unused & !announced[at];
        if lost == 0 {
            continue;
        }
        // AcqRel: as in `change`.
        let cleared = pool.map(word).compare_exchange(
            seen[at],
            changed(seen[at], bits(seen[at]) & !lost),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        match cleared {
            Ok(_) => swept.freed += 1,
            Err(_) => overtaken = true,
        }
    }
    swept.complete &= !overtaken;
    overtaken
}

fn cover(words: &mut [u32; MOST_WORDS], run: Run) {
    for (word, mask) in run.words() {
        if let Some(word) = words.get_mut(word as usize) {
            *word |= mask;
        }
    }
}

/// Calls `look` with each chunk that is not vacant. Where no bit is set there is none: bits are set before, and cleared after.
pub(super) fn chunks(pool: &impl Pool, mut look: impl FnMut(Run, Chunk)) {
    let mut next = 0;
    for word in 0..words(pool) {
        let base = word * PER_WORD;
        let mut taken = bits(pool.map(word).load(Ordering::Acquire)) & existing(pool, word);
        while taken != 0 {
            let start = base + taken.trailing_zeros();
            taken &= taken - 1;
            if start < next {
                continue; // Inside the chunk before.
            }
            let chunk = Chunk::load(pool.chunk(start));
            if chunk == Chunk::VACANT {
                continue;
            }
            // A word that makes no sense is nobody's, and its block is not to be had.
            let run = Run::of(pool, start, chunk).unwrap_or(Run { start, len: 1 });
            next = start + run.len;
            look(run, chunk);
        }
    }
}
