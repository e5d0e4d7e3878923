//! Events: worker number 0 sets and resets one, and the others wait for it.
//!
//! It goes on only when every other worker has come through, so each wake-up counts. The board says in which phase the event is;
//! the phase only ever grows. A call during which it did not change must have seen what the phase says.

use super::drill::{self, Drill, Fallen, come_by};
use super::floor::Floor;
use super::settle::{given, sure};
use super::site::Site;
use crate::stress::burst::{self, How};
use crate::stress::desk::add;
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crate::stress::sheet::Pace;
use crossproc::Event;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

/// What a phase is, by its remainder. In the odd ones it may be set or not.
const RESET: u64 = 0;
const SETTING: u64 = 1;
const SET: u64 = 2;
const PHASES: u64 = 4;

/// Long enough for the others to see what is wrong.
const DISPLAY: Duration = Duration::from_millis(2);

/// The generation after that of a phase; a worker's mark is the last one it has seen set.
fn generation(phase: u64) -> u64 {
    phase / PHASES + 1
}

pub(crate) struct Signalling;

impl Signalling {
    fn signal(&self, site: &mut Site<'_, Self>) {
        let word = &site.board()[0];
        let phase = word.load(SeqCst);
        let next = |phase: u64| word.store(phase, SeqCst);
        match phase % PHASES {
            RESET => {
                // The others come, and wait.
                site.linger();
                if site.fault(Sabotage::Reorder) {
                    set(site.handle);
                    thread::sleep(DISPLAY);
                    reset(site.handle);
                }
                next(phase + 1);
                if site.fault(Sabotage::Lose) {
                    next(phase + 2);
                    thread::sleep(DISPLAY);
                }
                let was_reset = set(site.handle) && !site.fault(Sabotage::Duplicate);
                next(phase + 2);
                if !was_reset {
                    add(site.desk.duplicated, 1);
                }
            }
            SETTING => {
                set(site.handle);
                next(phase + 1);
            }
            SET => {
                let floor = site.floor;
                let seen = |desk| floor.own(desk).mark.load(SeqCst) >= generation(phase);
                burst::keep_pace(&site.desk, &mut site.random, || {
                    floor.pace() == Pace::Ending || (1..floor.workers()).all(seen)
                });
                next(phase + 1);
                let was_set = reset(site.handle);
                next(phase + 2);
                if !was_set {
                    add(site.desk.lost, 1);
                }
            }
            _ => {
                reset(site.handle);
                next(phase + 1);
            }
        }
    }

    /// Whether this generation was seen for the first time.
    fn wait(&self, site: &Site<'_, Self>, how: How) -> bool {
        let word = &site.board()[0];
        let before = word.load(SeqCst);
        let is_set = match how {
            How::Try => site.handle.is_set(),
            How::Block => given(site.handle.wait()).is_some(),
            How::Timeout(limit) => given(site.handle.wait_timeout(limit)).is_some(),
        };
        let after = word.load(SeqCst);
        if site.is_ending() {
            return false;
        }
        if before == after && before % PHASES == RESET && is_set {
            add(site.desk.reordered, 1);
        }
        if before == after && before % PHASES == SET && !is_set {
            add(site.desk.lost, 1);
        }
        let is_news = is_set && site.own.mark.load(SeqCst) < generation(before);
        if is_news {
            site.own.mark.store(generation(before), SeqCst);
        }
        is_news
    }
}

/// Whether it was not set before.
fn set(event: &Event) -> bool {
    sure(event.set())
}

/// Whether it was set before.
fn reset(event: &Event) -> bool {
    sure(event.reset())
}

impl Drill for Signalling {
    type Handle = Event;

    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Event> {
        let options = Event::options().participants(drill::participants(conditions));
        come_by!(name, options, Event)
    }

    fn repairs(event: &Event) -> u64 {
        event.repairs()
    }

    /// The phase.
    fn board(_: usize) -> usize {
        1
    }

    fn begin(_: &mut Site<'_, Self>) -> Self {
        Self
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, how: How) -> bool {
        site.enter(1);
        let moved = if site.number > 0 {
            self.wait(site, how)
        } else {
            self.signal(site);
            true
        };
        site.leave();
        moved
    }

    /// Others may wait, and nobody will come to set it.
    fn end(self, site: &mut Site<'_, Self>) {
        if site.number == 0 {
            set(site.handle);
        }
    }

    fn inspect(site: &mut Site<'_, Self>) {
        set(site.handle);
        sure(site.handle.wait());
        assert!(reset(site.handle), "it was set");
        assert!(!site.handle.is_set(), "it was reset");
        let waited = site.handle.wait_timeout(Duration::from_millis(1));
        assert_eq!(given(waited), None, "nobody sets it");
    }

    fn audit(_: &Floor, _: &[Fallen], _: &mut Outcome) {}
}
