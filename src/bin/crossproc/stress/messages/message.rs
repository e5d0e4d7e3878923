//! Messages that say which they are and betray any damage.

use crate::stress::random::mix;

/// A message of `N` words. The lowest bits of the first are its key; every other bit follows
/// from the key, so two messages mixed into one do not pass for either.
pub(crate) type Message<const N: usize> = [u64; N];

const SEQUENCE_BITS: u32 = 20;
const ACCOUNT_BITS: u32 = 13;
const KEY_BITS: u32 = SEQUENCE_BITS + ACCOUNT_BITS;
const SALT: u64 = 0x5bd1_e995_9d1c_a3e7;

/// Messages in one account: one life of a producer, or a part of it.
pub(crate) const ROOM: usize = 1 << SEQUENCE_BITS;
/// Accounts in one round.
pub(crate) const ACCOUNTS: usize = 1 << ACCOUNT_BITS;

/// A message's account and its place in it. A producer's keys only ever grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(u64);

impl Key {
    pub(crate) fn new(account: usize, sequence: usize) -> Self {
        debug_assert!(account < ACCOUNTS && sequence <= ROOM);
        Self(((account as u64) << SEQUENCE_BITS) + sequence as u64)
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    pub(crate) fn account(self) -> usize {
        (self.0 >> SEQUENCE_BITS) as usize
    }

    pub(crate) fn sequence(self) -> usize {
        self.0 as usize % ROOM
    }
}

pub(crate) fn seal<const N: usize>(key: Key) -> Message<N> {
    // Salted: zeroed memory must not pass for the first message.
    let hash = mix(key.0 ^ SALT);
    std::array::from_fn(|i| match i {
        0 => key.0 | hash << KEY_BITS,
        _ => hash.rotate_left(i as u32) ^ key.0,
    })
}

/// The key of an undamaged message.
pub(crate) fn open<const N: usize>(message: &Message<N>) -> Option<Key> {
    let key = Key(message[0] & ((1 << KEY_BITS) - 1));
    (seal::<N>(key) == *message).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_message_opens() {
        let key = Key::new(ACCOUNTS - 1, ROOM - 1);
        assert_eq!(open(&seal::<1>(key)), Some(key));
        assert_eq!(open(&seal::<25>(key)), Some(key));
        assert_eq!((key.account(), key.sequence()), (ACCOUNTS - 1, ROOM - 1));
    }

    #[test]
    fn two_messages_mixed_do_not_open() {
        let (old, new) = (seal::<6>(Key::new(3, 7)), seal::<6>(Key::new(3, 8)));
        for cut in 1..6 {
            let mut torn = new;
            torn[cut..].copy_from_slice(&old[cut..]);
            assert_eq!(open(&torn), None);
        }
        assert_eq!(open(&[0; 6]), None, "zeroed memory is not a message");
    }
}
