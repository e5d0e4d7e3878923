//! Managers, and the dicts in them.
//!
//! What is seen of a dict is compared with a map to which the same was done. What a manager has in use is compared with what it had
//! when nobody was disturbed: memory that the dead lose is missed at the latest when it adds up, for all victims of a row use the same manager.

mod dict;
mod objects;

use crate::scenario::Row;

pub(crate) fn rows() -> Vec<Row> {
    let rows = [dict::rows(), objects::rows()];
    rows.into_iter().flatten().collect()
}

/// For the survivor, the victim, one that was killed before, and the keeper thread of each; and as many of the dead.
const PARTICIPANTS: u32 = 12;
