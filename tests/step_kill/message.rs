//! Numbered messages that show when they were torn.

/// A different constant for each word, so that no word of a message can pass for another.
const SALT: u64 = 0x9e37_79b9_7f4a_7c15;

/// Message `number`: every word of it follows from the number.
pub(crate) fn message<const N: usize>(number: u64) -> [u64; N] {
    std::array::from_fn(|word| number ^ SALT.wrapping_mul(word as u64))
}

/// The number of an intact message.
pub(crate) fn number<const N: usize>(received: [u64; N]) -> u64 {
    assert_eq!(received, message(received[0]), "a torn message");
    received[0]
}

/// Checks that `found` is `certain`, in order, and possibly `uncertain` somewhere between; says how
/// often (0 or 1) the latter is there.
pub(crate) fn count_uncertain(found: &[u64], certain: &[u64], uncertain: u64) -> u64 {
    let others: Vec<u64> = found.iter().copied().filter(|n| *n != uncertain).collect();
    assert_eq!(
        others, certain,
        "found {found:?}, where {uncertain} may or may not be"
    );
    let count = found.len() - others.len();
    assert!(
        count <= 1,
        "{uncertain} was delivered {count} times: {found:?}"
    );
    count as u64
}

/// Checks that `found` is `sent`, in order, but for at most one that somebody may have taken with it
/// into death; says which.
pub(crate) fn find_missing(found: &[u64], sent: &[u64]) -> Option<u64> {
    let mut missing = sent.iter().copied().filter(|n| !found.contains(n));
    let taken = missing.next();
    assert_eq!(missing.next(), None, "sent {sent:?}, found only {found:?}");
    let expected: Vec<u64> = sent.iter().copied().filter(|n| Some(*n) != taken).collect();
    assert_eq!(
        found, expected,
        "of {sent:?}, out of order or more than once"
    );
    taken
}
