//! Pins: which processes have which objects open.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use super::directory::Record;
use super::handle::Manager;
use crate::atomic::{Ordering, fence};
use crate::error::{Error, Result};
use crate::heap::{Heap, Memory};
use crate::owner::Owner;
use crate::place::Place;
use crate::platform::per_process::PerProcess;
use crate::sync::claim::{Claim, Holder};

/// Pins for each participant there is room for.
const PINS_EACH: u32 = 16;

/// How many pins a manager for so many participants has.
pub(super) fn pins(participants: u32) -> u32 {
    participants * PINS_EACH
}

/// The heap of the manager whose segment's body this is.
pub(crate) fn heap(whole: Place) -> Heap {
    let participants = whole.attachment.segment().participants();
    Heap::of(whole, pins(participants))
}

/// An object that this process has open. All of its handles in the process share one.
pub(crate) struct Pin {
    manager: Manager,
    pub(super) name: Box<str>,
    pub(super) record: Record,
    /// Which pin it is, and what is in it.
    pin: u32,
    held: Claim,
    owner: Owner,
}

/// By the segment's attachment and the object's number.
type Open = HashMap<(usize, u32), Weak<Pin>>;

/// Those of this process. A forked child starts with none.
fn open() -> MutexGuard<'static, Open> {
    static OPEN: PerProcess<Mutex<Open>> = PerProcess::new();
    let open = OPEN.get_or_init(Mutex::default).lock();
    open.unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn key(manager: &Manager, number: u32) -> (usize, u32) {
    let attachment = &manager.heap().place.attachment;
    (Arc::as_ptr(attachment).addr(), number)
}

impl Pin {
    /// The pin of an object that this process has open already.
    pub(super) fn known(manager: &Manager, number: u32) -> Option<Arc<Pin>> {
        open().get(&key(manager, number)).and_then(Weak::upgrade)
    }

    /// Pins an object that was in the directory a moment ago; `None` if it is not there any more.
    pub(super) fn set(manager: &Manager, name: &str, record: Record) -> Result<Option<Arc<Pin>>> {
        let number = record.number;
        if let Some(pin) = Pin::known(manager, number) {
            return Ok(Some(pin));
        }
        let pin = Pin::claim(manager, name, record)?;
        // Pairs with the one of who removes an object: either the pin is seen there, or here that the object is gone.
        fence(Ordering::SeqCst);
        let found = manager.directory.look(name)?;
        if found.is_none_or(|record| record.number != number) {
            return Ok(None);
        }
        Ok(Some(pin.share()))
    }

    /// Pins an object that nobody else can find yet.
    pub(super) fn of_new(manager: &Manager, name: &str, record: Record) -> Result<Arc<Pin>> {
        Pin::claim(manager, name, record).map(Pin::share)
    }

    /// From here on it is the one of this process, unless there is one already.
    fn share(self) -> Arc<Pin> {
        let pin = Arc::new(self);
        let key = key(&pin.manager, pin.record.number);
        let mut open = open();
        if let Some(first) = open.get(&key).and_then(Weak::upgrade) {
            // Not under the lock: dropping the other one may take it.
            drop(open);
            return first;
        }
        open.retain(|_, pin| pin.strong_count() > 0);
        open.insert(key, Arc::downgrade(&pin));
        pin
    }

    fn claim(manager: &Manager, name: &str, record: Record) -> Result<Pin> {
        let heap = manager.heap();
        let attachment = &heap.place.attachment;
        let owner = attachment.process()?;
        let pins = heap.geometry().pins;
        let first = owner.index().unwrap_or(0).wrapping_mul(PINS_EACH);
        for next in 0..pins {
            let pin = first.wrapping_add(next) % pins;
            let word = heap.long(heap.geometry().pin(pin));
            let now = Claim::load(word);
            let is_free = match now.holder() {
                Holder::Vacant => true,
                Holder::Someone(other) => other != owner && !attachment.is_process_live(other),
                Holder::Closed | Holder::Garbage => false,
            };
            if !is_free {
                continue;
            }
            if let Ok(held) = now.replace(word, Claim::held(owner, 0)) {
                let number = heap.long(heap.geometry().pin(pin) + 8);
                // SeqCst: see `set`.
                number.store(record.number.into(), Ordering::SeqCst);
                return Ok(Pin {
                    manager: manager.clone(),
                    name: name.into(),
                    record,
                    pin,
                    held,
                    owner,
                });
            }
        }
        Err(Error::TooManyOpen { pins })
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let heap = self.manager.heap();
        // A copy made by fork must not open what its parent has pinned.
        if heap.place.attachment.known_process() != Some(self.owner) {
            return;
        }
        let word = heap.long(heap.geometry().pin(self.pin));
        let vacant = Claim::vacant(0);
        if self.held.replace(word, vacant).is_ok() {
            // Pairs with the one of who gives back what was removed: see `reap`.
            fence(Ordering::SeqCst);
            self.manager.closed(&self.name, self.record.number);
        }
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pin")
            .field("object", &self.name)
            .finish_non_exhaustive()
    }
}

/// The objects that live processes have open.
pub(super) fn pinned(heap: &Heap) -> HashSet<u32> {
    let attachment = &heap.place.attachment;
    let mut pinned = HashSet::new();
    for pin in 0..heap.geometry().pins {
        let at = heap.geometry().pin(pin);
        if let Holder::Someone(owner) = Claim::load(heap.long(at)).holder()
            && attachment.is_process_live(owner)
            && let Ok(number) = u32::try_from(heap.long(at + 8).load(Ordering::SeqCst))
        {
            pinned.insert(number);
        }
    }
    pinned
}
