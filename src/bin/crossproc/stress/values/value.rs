//! Two counters: one a word, one so large that most who are killed while they write it have written some of it.

use crate::stress::burst::How;
use crate::stress::desk::add;
use crate::stress::messages::{Key, Message, open, seal};
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crate::stress::sync::drill::{self, Drill, Fallen, come_by};
use crate::stress::sync::floor::Floor;
use crate::stress::sync::settle::sure;
use crate::stress::sync::site::Site;
use crossproc::Value;
use std::sync::atomic::Ordering::SeqCst;

type Large = Message<100>;

/// Of those that were counted: in the word, and in the large value.
const IN_WORD: usize = 0;
const IN_LARGE: usize = 1;

pub(crate) struct Counting {
    /// The most that was found in either.
    seen: [u64; 2],
}

impl Counting {
    /// A value that was found: values only grow.
    fn saw(&mut self, site: &mut Site<'_, Self>, which: usize, found: u64) {
        let found = match site.fault(Sabotage::Reorder) {
            true => self.seen[which].wrapping_sub(1),
            false => found,
        };
        if found < self.seen[which] || found == u64::MAX {
            add(site.desk.reordered, 1);
        }
        self.seen[which] = found.max(self.seen[which]);
    }
}

/// What it counts; nothing if it is damaged.
fn number(site: &mut Site<'_, Counting>, mut found: Large) -> Option<u64> {
    found[50] ^= u64::from(site.fault(Sabotage::Tear));
    let number = open(&found).map(Key::bits);
    if number.is_none() {
        add(site.desk.torn, 1);
    }
    number
}

/// Counts one, or as many as a fault makes of it, by the operation that adds so many.
fn count(
    drill: &mut Counting,
    site: &mut Site<'_, Counting>,
    which: usize,
    add: impl Fn(&mut Site<'_, Counting>, u64) -> Option<u64>,
) {
    let lost = site.fault(Sabotage::Lose);
    let twice = site.fault(Sabotage::Duplicate);
    site.enter(which as u64 + 1);
    let found = add(site, 1 + u64::from(twice) - u64::from(lost));
    site.count(which, 1);
    site.leave();
    if let Some(found) = found {
        drill.saw(site, which, found);
    }
}

fn add_to_word(site: &mut Site<'_, Counting>, n: u64) -> Option<u64> {
    let (word, _) = site.handle;
    Some(match site.random.below(3) {
        0 => word.fetch_add(n),
        1 => sure(word.update(|old| old + n)),
        _ => loop {
            let now = sure(word.get());
            if sure(word.compare_exchange(now, now + n)).is_ok() {
                break now;
            }
        },
    })
}

fn add_to_large(site: &mut Site<'_, Counting>, n: u64) -> Option<u64> {
    let (_, large) = site.handle;
    let next = |old: Large| Some(seal(Key::from_bits(open(&old)?.bits() + n)));
    let old = match site.random.one_in(2) {
        true => sure(large.try_update(next)).ok(),
        false => loop {
            let now = sure(large.get());
            let Some(next) = next(now) else { break None };
            if let Ok(old) = sure(large.compare_exchange(now, next)) {
                break Some(old);
            }
        },
    };
    match old {
        Some(old) => number(site, old),
        None => {
            add(site.desk.torn, 1);
            None
        }
    }
}

impl Drill for Counting {
    type Handle = (Value<u64>, Value<Large>);

    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Self::Handle> {
        let participants = drill::participants(conditions);
        let name = |which| name.map(|name| format!("{name}-{which}"));
        let word = Value::options().value(0).participants(participants);
        let large = Value::options().value(seal(Key::from_bits(0)));
        let large = large.participants(participants);
        Ok((
            come_by!(name("word").as_deref(), word, Value<u64>)?,
            come_by!(name("large").as_deref(), large, Value<Large>)?,
        ))
    }

    fn repairs((_, large): &Self::Handle) -> u64 {
        large.repairs()
    }

    /// What is found at the end.
    fn board(_: usize) -> usize {
        2
    }

    fn begin(_: &mut Site<'_, Self>) -> Self {
        Counting { seen: [0; 2] }
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, _: How) -> bool {
        let (word, large) = site.handle;
        match site.random.below(8) {
            0 => {
                let found = sure(word.get());
                self.saw(site, IN_WORD, found);
            }
            1 | 2 => {
                if let Some(found) = number(site, sure(large.get())) {
                    self.saw(site, IN_LARGE, found);
                }
            }
            3 | 4 => count(self, site, IN_WORD, add_to_word),
            _ => count(self, site, IN_LARGE, add_to_large),
        }
        true
    }

    fn inspect(site: &mut Site<'_, Self>) {
        let mut last = Self::begin(site);
        count(&mut last, site, IN_WORD, add_to_word);
        count(&mut last, site, IN_LARGE, add_to_large);
        let (word, large) = site.handle;
        site.board()[IN_WORD].store(sure(word.get()), SeqCst);
        let found = open(&sure(large.get())).map_or(u64::MAX, Key::bits);
        site.board()[IN_LARGE].store(found, SeqCst);
    }

    fn audit(floor: &Floor, fallen: &[Fallen], outcome: &mut Outcome) {
        for which in [IN_WORD, IN_LARGE] {
            let found = floor.board()[which].load(SeqCst);
            let died = fallen.iter().filter(|one| one.intent == which as u64 + 1);
            let died = died.count() as u64;
            drill::balance(found, floor.sum(which), died, outcome);
        }
    }
}
