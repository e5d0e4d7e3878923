//! Values that are read and written in place: one, of one word or of several; and many in a row, with a lock beside them.

mod array;
mod lock;
mod value;

use crate::scenario::Row;

pub(crate) fn rows() -> Vec<Row> {
    [value::rows(), array::rows(), lock::rows()]
        .into_iter()
        .flatten()
        .collect()
}
