//! Spinning before sleeping: as long as it tends to pay, and no longer.

use std::cell::Cell;
use std::sync::OnceLock;

use crate::atomic::spin_loop;
use crate::platform::processors;

/// Rounds of one `pause` and one look each. A sleep and its wake cost about 20 µs, so spinning
/// longer than that never pays (competitive spinning: Karlin et al., 1991).
const MOST: u32 = 1000;
/// As short as what it costs to announce a sleep.
const LEAST: u32 = 64;

/// How many rounds a thread spins, learnt from how its last waits went.
#[derive(Debug)]
pub(crate) struct SpinBudget(Cell<u32>);

impl SpinBudget {
    pub(crate) const fn new() -> SpinBudget {
        SpinBudget(Cell::new(MOST / 4))
    }

    /// Looks until `look` finds something or the budget is used up.
    pub(crate) fn spin<R>(&self, mut look: impl FnMut() -> Option<R>) -> Option<R> {
        if single_processor() {
            return None;
        }
        for _ in 0..self.0.get() {
            if let Some(found) = look() {
                self.paid();
                return Some(found);
            }
            spin_loop();
        }
        None
    }

    /// The wait was over within the budget, or hardly later: spin somewhat longer next time.
    pub(crate) fn paid(&self) {
        let budget = self.0.get();
        self.0.set((budget + budget / 8).min(MOST));
    }

    /// It took a sleep all the same: spin less next time.
    pub(crate) fn did_not_pay(&self) {
        let budget = self.0.get();
        self.0.set((budget - budget / 8).max(LEAST));
    }
}

/// Nobody can change anything while this thread occupies the only processor.
fn single_processor() -> bool {
    static ONLY_ONE: OnceLock<bool> = OnceLock::new();
    *ONLY_ONE.get_or_init(processors::only_one)
}
