//! What is said: who says it, and what makes a damaged one known.

pub(super) const WORDS: usize = 9;
pub(super) type Message = [u64; WORDS];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) speaker: usize,
    /// Grows from one message of a speaker to the next.
    pub(super) number: u64,
    /// How many of the speaker's messages were acknowledged before this one.
    pub(super) acknowledged: u64,
}

pub(super) fn seal(said: Said) -> Message {
    let words = [said.speaker as u64, said.number, said.acknowledged];
    std::array::from_fn(|i| match i {
        0..3 => words[i],
        _ => mix(words[i % 3].wrapping_add(mix(words[(i + 1) % 3] ^ i as u64))),
    })
}

/// `None` if the message is damaged.
pub(super) fn open(message: &Message) -> Option<Said> {
    let said = Said {
        speaker: message[0] as usize,
        number: message[1],
        acknowledged: message[2],
    };
    (seal(said) == *message).then_some(said)
}

fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word ^ word >> 29
}
