//! Values of many lengths that say what they are and betray any damage.

use crate::stress::random::mix;

const SALT: u64 = 0x9ae1_6a3b_2f90_404f;
/// The longest has so many words: more than goes into a page now and then.
const LONGEST: u64 = 640;

fn len(key: u64, count: u64) -> u64 {
    let random = mix(key ^ count.rotate_left(32) ^ SALT);
    match random % 64 {
        0 => 1 + random / 64 % LONGEST,
        _ => 1 + random / 64 % 24,
    }
}

/// The words that stand for `count` under `key`.
pub(super) fn seal(key: u64, count: u64) -> Vec<u64> {
    let word = |index: u64| mix(key ^ count.rotate_left(20) ^ index.wrapping_mul(SALT));
    let rest = (1..len(key, count)).map(word);
    std::iter::once(count).chain(rest).collect()
}

/// The count that undamaged words stand for under `key`.
pub(super) fn open(key: u64, words: &[u64]) -> Option<u64> {
    let count = *words.first()?;
    (seal(key, count) == words).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_opens() {
        for count in 0..1000 {
            let words = seal(7, count);
            assert_eq!(open(7, &words), Some(count));
            assert_eq!(
                open(8, &words),
                (words.len() == 1 && len(8, count) == 1).then_some(count)
            );
            let mut torn = words.clone();
            torn[0] += 1;
            assert!(torn.len() == 1 || open(7, &torn).is_none());
        }
        assert_eq!(open(7, &[]), None);
    }
}
