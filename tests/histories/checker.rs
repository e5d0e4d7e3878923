//! Whether there is an order that explains what was seen.

use std::collections::HashSet;

/// What was done to a key. A value of 0 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Its result is the value.
    Get,
    /// Of a value; its result is the one before.
    Insert,
    /// Its result is the value before.
    Remove,
    /// Adds one; its result is the value after.
    Update,
    /// Puts a value in place of none, or leaves it; its result is the value after.
    GetOrInsert,
    /// Of every key.
    Clear,
}

impl What {
    pub(crate) const ALL: [What; 6] = [
        What::Get,
        What::Insert,
        What::Remove,
        What::Update,
        What::GetOrInsert,
        What::Clear,
    ];
}

/// One operation, from when it began to when it returned, if it did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) what: What,
    pub(crate) key: u64,
    pub(crate) argument: u64,
    pub(crate) result: u64,
    pub(crate) began: u64,
    pub(crate) returned: Option<u64>,
}

impl Operation {
    pub(crate) fn concerns(&self, key: u64) -> bool {
        self.key == key || self.what == What::Clear
    }

    /// The value after it, and its result, where the value was `value`.
    fn of(&self, value: u64) -> (u64, u64) {
        match self.what {
            What::Get => (value, value),
            What::Insert => (self.argument, value),
            What::Remove => (0, value),
            What::Update => (value + 1, value + 1),
            What::GetOrInsert if value == 0 => (self.argument, self.argument),
            What::GetOrInsert => (value, value),
            What::Clear => (0, 0),
        }
    }
}

/// Whether some order of these operations on one key, absent at first, explains the results.
pub(crate) fn is_linearisable(operations: &[Operation]) -> bool {
    assert!(operations.len() <= 128, "a set of them is 128 bits");
    let completed = operations
        .iter()
        .enumerate()
        .filter(|(_, operation)| operation.returned.is_some())
        .fold(0u128, |set, (index, _)| set | 1 << index);
    let mut been = HashSet::new();
    let mut open = vec![(0u128, 0u64)];
    while let Some((done, value)) = open.pop() {
        if done & completed == completed {
            return true;
        }
        if !been.insert((done, value)) {
            continue;
        }
        let left = || (0..operations.len()).filter(|index| done & 1 << index == 0);
        // Nothing that begins after one of those left has returned can come before it.
        let end = left()
            .filter_map(|index| operations[index].returned)
            .min()
            .unwrap_or(u64::MAX);
        for index in left() {
            let operation = &operations[index];
            let (after, result) = operation.of(value);
            let explained = operation.returned.is_none() || operation.result == result;
            if operation.began < end && explained {
                open.push((done | 1 << index, after));
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(
        what: What,
        argument: u64,
        result: u64,
        began: u64,
        returned: Option<u64>,
    ) -> Operation {
        Operation {
            what,
            key: 0,
            argument,
            result,
            began,
            returned,
        }
    }

    #[test]
    fn what_overlaps_may_come_in_any_order() {
        let insert = operation(What::Insert, 7, 0, 0, Some(3));
        let before = operation(What::Get, 0, 0, 1, Some(2));
        let after = operation(What::Get, 0, 7, 1, Some(2));
        assert!(is_linearisable(&[insert, before]));
        assert!(is_linearisable(&[insert, after]));
    }

    #[test]
    fn a_stale_or_invented_value_is_found_out() {
        let insert = operation(What::Insert, 7, 0, 0, Some(1));
        assert!(!is_linearisable(&[
            insert,
            operation(What::Get, 0, 0, 2, Some(3))
        ]));
        assert!(!is_linearisable(&[
            insert,
            operation(What::Get, 0, 8, 2, Some(3))
        ]));
        // Once seen, it does not go back.
        let slow = operation(What::Insert, 7, 0, 0, Some(9));
        let seen = operation(What::Get, 0, 7, 1, Some(2));
        let gone = operation(What::Get, 0, 0, 3, Some(4));
        assert!(!is_linearisable(&[slow, seen, gone]));
    }

    #[test]
    fn a_lost_update_is_found_out() {
        let first = operation(What::Update, 0, 1, 0, Some(2));
        let second = operation(What::Update, 0, 1, 1, Some(3));
        assert!(!is_linearisable(&[first, second]));
    }

    #[test]
    fn what_was_not_finished_happened_once_or_never() {
        let killed = operation(What::Insert, 7, 0, 0, None);
        let with = operation(What::Get, 0, 7, 5, Some(6));
        let without = operation(What::Get, 0, 0, 7, Some(8));
        assert!(is_linearisable(&[killed, with]));
        assert!(is_linearisable(&[killed, without]));
        assert!(!is_linearisable(&[killed, with, without]));
    }
}
