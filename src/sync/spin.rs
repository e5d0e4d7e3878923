//! Spinning before sleeping: as long as it tends to pay, and no longer.

use std::cell::Cell;
use std::num::NonZero;
use std::sync::OnceLock;

use crate::atomic::spin_loop;

/// Rounds of one `pause` and one look each. A sleep and its wake cost about 20 µs, so spinning
/// longer than that never pays (competitive spinning: Karlin et al., 1991).
const MOST: u32 = 1000;
const LEAST: u32 = 16;

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
        let budget = self.0.get();
        for _ in 0..budget {
            if let Some(found) = look() {
                self.0.set((budget + budget / 8 + 1).min(MOST));
                return Some(found);
            }
            spin_loop();
        }
        self.0.set((budget - budget / 4).max(LEAST));
        None
    }
}

/// Nobody can change anything while this thread occupies the only processor.
fn single_processor() -> bool {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZero::get)) == 1
}
