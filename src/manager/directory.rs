//! Which object has which name.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::handle::Manager;
use super::pin::{self, Pin};
use crate::atomic::{AtomicU64, Ordering, fence};
use crate::dict::shards::{SHARDS, Shards};
use crate::dict::table::Spot;
use crate::error::{Error, Fault, Result, UpdateError};
use crate::heap::{
    Copied, DIRECTORY, Heap, HeapError, LAST_OBJECT, MOST_ANNOUNCED, Memory, PAGE, clear_out,
    take_body,
};
use crate::place::{Part, Place};
use crate::segment::directory::{self, Entry};
use crate::segment::{Expected, Kind, Shape};

/// Where in a shard of the directory it is written down that an object was removed which somebody had open.
const CONDEMNED: u64 = 24;

/// A record's value: the entry, the object's number, and the number for announcements.
const RECORD: usize = directory::ENTRY + 8;

const NO_RECORD: Fault = Fault::Corrupted("an object's record in a manager's directory is none");
const ZEROES: [u8; PAGE as usize] = [0; PAGE as usize];

/// What the directory says of an object.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    entry: [u8; directory::ENTRY],
    pub(crate) number: u32,
    /// Zero for an object that announces nothing.
    pub(crate) announced: u8,
}

impl Record {
    fn from_bytes(bytes: &[u8]) -> Result<Record, Fault> {
        let bytes: &[u8; RECORD] = bytes.try_into().map_err(|_| NO_RECORD)?;
        let (entry, rest) = bytes.split_first_chunk().ok_or(NO_RECORD)?;
        let (number, rest) = rest.split_first_chunk().ok_or(NO_RECORD)?;
        Ok(Record {
            entry: *entry,
            number: u32::from_le_bytes(*number),
            announced: rest[0],
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let rest = [self.announced, 0, 0, 0];
        [&self.entry[..], &self.number.to_le_bytes(), &rest].concat()
    }

    pub(crate) fn entry(&self) -> Entry<'_> {
        Entry::of(&self.entry).expect("it is one")
    }

    /// Where the object is, if it is what its opener takes it for.
    pub(crate) fn check(
        &self,
        heap: &Heap,
        name: &str,
        expected: &Expected,
    ) -> Result<directory::Part> {
        let segment = heap.place.attachment.segment();
        let label = format!(
            "{}, object `{name}`",
            segment.name().unwrap_or("(anonymous)")
        );
        let part = self
            .entry()
            .check(&label, segment.participants(), expected)?;
        let (first, end) = (heap.geometry().page(0), heap.geometry().end);
        let inside = part.offset.is_multiple_of(PAGE)
            && part.offset >= first
            && part.offset <= end
            && part.len <= end - part.offset;
        inside.then_some(part).ok_or(NO_RECORD.into())
    }
}

/// The heap that an object is in, its number, and where it begins.
pub(crate) fn home(place: &Place) -> Result<(Heap, u32, u64)> {
    let Part::Object(number) = place.which_part() else {
        return Err(Fault::Corrupted("what lives in a manager is not in one").into());
    };
    let whole = Place::whole(place.attachment.clone());
    Ok((pin::heap(whole), number, place.offset() as u64))
}

/// Runs `change`, and once more if it found no memory and there may be some now.
pub(crate) fn with_room(
    place: &Place,
    change: impl Fn() -> Result<(), UpdateError>,
) -> Result<(), UpdateError> {
    match change() {
        Err(UpdateError::MaximumReached) => {
            let whole = Place::whole(place.attachment.clone());
            Directory::of(pin::heap(whole)).reap_all()?;
            change()
        }
        outcome => outcome,
    }
}

/// The directory of a manager.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    shards: Shards,
}

impl Directory {
    pub(super) fn of(heap: Heap) -> Directory {
        Directory {
            shards: Shards::new(heap, DIRECTORY, 0, SHARDS).with_heir(reap),
        }
    }

    fn heap(&self) -> &Heap {
        &self.shards.heap
    }

    /// What object has this name.
    pub(super) fn look(&self, name: &str) -> Result<Option<Record>, Fault> {
        let mut copied = Copied::new();
        match self.shards.get(name.as_bytes(), &mut copied)? {
            true => Record::from_bytes(copied.value()).map(Some),
            false => Ok(None),
        }
    }

    /// Names and records, sorted by name.
    pub(super) fn all(&self) -> Result<Vec<(String, Record)>, Fault> {
        let mut all = Vec::new();
        for shard in 0..self.shards.count() {
            all.extend(in_shard(&self.shards, shard)?);
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(all)
    }

    /// What object has this number.
    pub(super) fn look_for(&self, number: u32) -> Result<Option<(String, Record)>, Fault> {
        let mut all = in_shard(&self.shards, shard_of(number))?.into_iter();
        Ok(all.find(|(_, record)| record.number == number))
    }

    /// Creates an object of this shape, unless the name is taken. `pin` pins it before anyone can find it, and remove it.
    pub(super) fn create(
        &self,
        name: &str,
        shape: &Shape,
        pin: impl Fn(Record) -> Result<Arc<Pin>>,
    ) -> Result<Option<Arc<Pin>>> {
        match self.try_create(name, shape, &pin) {
            Err(Error::MaximumReached) => {
                self.reap_all()?;
                self.try_create(name, shape, &pin)
            }
            outcome => outcome,
        }
    }

    fn try_create(
        &self,
        name: &str,
        shape: &Shape,
        pin: impl Fn(Record) -> Result<Arc<Pin>>,
    ) -> Result<Option<Arc<Pin>>> {
        let hash = self.heap().hash(name.as_bytes());
        let shard = self.shards.shard_of(hash);
        let locked = self.shards.lock(shard)?;
        let spot = locked.find(hash, name.as_bytes(), &mut Copied::new())?;
        if spot != Spot::Absent {
            return Ok(None);
        }
        let made = self.make(shard, shape).and_then(|record| {
            let bytes = record.bytes();
            let pin = pin(record)?;
            locked.put(spot, hash, name.as_bytes(), &bytes)?;
            Ok(Some(pin))
        });
        if made.is_err() {
            // Whatever it has come to have belongs to no object.
            reap(&self.shards, shard)?;
        }
        made
    }

    /// Makes an object that nobody finds yet. The caller has the lock of the shard.
    fn make(&self, shard: u32, shape: &Shape) -> Result<Record> {
        let heap = self.heap();
        // Relaxed: it only has to be another each time.
        let last = heap.long(LAST_OBJECT).fetch_add(1, Ordering::Relaxed);
        let number = u32::try_from(last.wrapping_add(1))
            .ok()
            .and_then(|number| number.checked_mul(SHARDS))
            .ok_or(HeapError::Corrupted("no numbers for objects are left"))?
            + shard;
        let announced = match shape.kind {
            Kind::Queue | Kind::MessageQueue | Kind::ObjectQueue => self.announced(number)?,
            _ => 0,
        };
        let at = take_body(heap, number, shape.body_len)?;
        let mut zeroed = 0;
        while zeroed < shape.body_len {
            let len = (shape.body_len - zeroed).min(ZEROES.len() as u64);
            heap.write(at + zeroed, &ZEROES[..len as usize]);
            zeroed += len;
        }
        heap.write(at, &shape.initial);
        Ok(Record {
            entry: directory::entry(shape, at),
            number,
            announced,
        })
    }

    /// Takes a number for announcements, under which nobody announces anything: what was said of a ticket of the queue that had it before would be
    /// believed of the same ticket of this one.
    fn announced(&self, object: u32) -> Result<u8> {
        let records = self.heap().place.attachment.records();
        (1..=MOST_ANNOUNCED)
            .find(|number| {
                let word = self.heap().long(self.heap().geometry().announced(*number));
                // AcqRel: pairs with the Release of who gave it back.
                let taken =
                    word.compare_exchange(0, object.into(), Ordering::AcqRel, Ordering::Relaxed);
                // Not to be asked sooner: as long as somebody has the number it can be announced at any time.
                let is_free = taken.is_ok() && !records.announces(*number);
                if taken.is_ok() && !is_free {
                    word.store(0, Ordering::Release);
                }
                is_free
            })
            .ok_or(Error::TooManyQueues {
                queues: MOST_ANNOUNCED.into(),
            })
    }

    /// Removes the object of this name; false if there is none.
    pub(super) fn remove(&self, name: &str) -> Result<bool> {
        let hash = self.heap().hash(name.as_bytes());
        let shard = self.shards.shard_of(hash);
        let locked = self.shards.lock(shard)?;
        let spot = locked.find(hash, name.as_bytes(), &mut Copied::new())?;
        let Spot::Found { slot, link } = spot else {
            return Ok(false);
        };
        locked.remove(slot, link)?;
        reap(&self.shards, shard)?;
        locked.trim()?;
        Ok(true)
    }

    /// For who finds no memory: something may have been removed that was open then, and is not any more; or whoever was making it died.
    fn reap_all(&self) -> Result<(), UpdateError> {
        (0..self.shards.count()).try_for_each(|shard| self.reap_if_condemned(shard))
    }

    /// If something was removed from this shard while somebody had it open, or somebody died here, gives back what nobody has open any more.
    pub(super) fn reap_if_condemned(&self, shard: u32) -> Result<(), UpdateError> {
        let is_condemned = condemned(&self.shards, shard).load(Ordering::Relaxed) != 0;
        if is_condemned || self.shards.is_orphaned(shard) {
            let _locked = self.shards.lock(shard)?;
            reap(&self.shards, shard)?;
        }
        Ok(())
    }
}

/// Names and records in a shard of a directory.
fn in_shard(shards: &Shards, shard: u32) -> Result<Vec<(String, Record)>, Fault> {
    let named = |(name, record): (Vec<u8>, Vec<u8>)| {
        let name = String::from_utf8(name).map_err(|_| NO_RECORD)?;
        Ok((name, Record::from_bytes(&record)?))
    };
    shards.snapshot(shard)?.into_iter().map(named).collect()
}

fn condemned(shards: &Shards, shard: u32) -> &AtomicU64 {
    shards.own_word(shard, CONDEMNED)
}

/// Gives back what belongs to objects of this shard that are not in the directory, and that no live process has open: what was removed, and what a dead
/// process was about to make. The caller has the shard's lock.
fn reap(shards: &Shards, shard: u32) -> Result<(), HeapError> {
    let heap = &shards.heap;
    let there: HashSet<u32> = match in_shard(shards, shard) {
        Ok(all) => all.iter().map(|(_, record)| record.number).collect(),
        Err(Fault::Corrupted(what)) => return Err(HeapError::Corrupted(what)),
        Err(_) => return Err(HeapError::Corrupted("a manager's directory cannot be read")),
    };
    // Before the look at the pins: whoever drops one meanwhile either is not seen with it, or sees that it has to come here next.
    condemned(shards, shard).store(1, Ordering::Relaxed);
    // Pairs with the one of who sets a pin, or drops it: either the pin is seen here, or there that the object is gone, or condemned.
    fence(Ordering::SeqCst);
    let pinned = pin::pinned(heap);
    let mut is_condemned = false;
    let mut known: HashMap<u32, bool> = HashMap::new();
    let mut is_gone = |number: u32| {
        *known.entry(number).or_insert_with(|| {
            let removed = number >= SHARDS && shard_of(number) == shard && !there.contains(&number);
            is_condemned |= removed && pinned.contains(&number);
            removed && !pinned.contains(&number)
        })
    };
    clear_out(heap, &mut is_gone)?;
    for number in 1..=MOST_ANNOUNCED {
        let word = heap.long(heap.geometry().announced(number));
        let object = word.load(Ordering::Relaxed);
        if object != 0 && u32::try_from(object).is_ok_and(&mut is_gone) {
            // Release: pairs with the AcqRel of who takes it next.
            word.store(0, Ordering::Release);
        }
    }
    if !is_condemned {
        condemned(shards, shard).store(0, Ordering::Relaxed);
    }
    Ok(())
}

/// The directory's shard that an object's name belongs to.
pub(super) fn shard_of(number: u32) -> u32 {
    number % SHARDS
}

impl Manager {
    /// The directory's shard of an object that was just closed: gives its memory back if it was removed meanwhile.
    pub(super) fn closed(&self, name: &str, number: u32) {
        let is_there = self
            .directory
            .look(name)
            .is_ok_and(|found| found.is_some_and(|record| record.number == number));
        if !is_there {
            // If it cannot be done now, the next to create or remove something does it.
            let _ = self.directory.reap_if_condemned(shard_of(number));
        }
    }
}
