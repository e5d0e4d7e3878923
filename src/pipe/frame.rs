//! What a message looks like in a stream: sixteen bytes that say how long it is, the message, and padding to a multiple of eight.
//!
//! A message that fits into the ring is written by one commit, header and all; nobody sees part of it, whoever dies. A larger one is
//! written in parts, first the header, as the reader makes room. If its writer dies meanwhile, the message vanishes: the reader drops what it has of it.
//!
//! The header repeats its contents in another form, mixed with the position in the stream: words that somebody has written over, and a reader
//! that has lost its place, are noticed.

/// Bytes of a header.
pub(super) const HEADER: usize = 16;

const PIECE: usize = 8;

/// The header of a message of `len` bytes that begins at `position`.
pub(super) fn header(len: usize, position: u64) -> [u8; HEADER] {
    let len = len as u64;
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&len.to_ne_bytes());
    header[8..].copy_from_slice(&check(len, position).to_ne_bytes());
    header
}

/// How long the message is whose header was found at `position`; `None` if it is no header.
pub(super) fn parse(header: [u8; HEADER], position: u64) -> Option<usize> {
    let [len, found] = [0, 8].map(|at| {
        let half = header[at..at + 8].try_into().expect("eight bytes");
        u64::from_ne_bytes(half)
    });
    (found == check(len, position))
        .then(|| usize::try_from(len).ok())
        .flatten()
        .filter(|len| *len <= isize::MAX as usize - HEADER - PIECE)
}

/// Never 0 where both are.
fn check(len: u64, position: u64) -> u64 {
    let mixed = len ^ position.rotate_left(32) ^ 0x5851_f42d_4c95_7f2d;
    let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 29
}

/// Bytes that follow the last of `len` bytes.
pub(super) fn padding(len: usize) -> usize {
    len.next_multiple_of(PIECE) - len
}

/// Bytes that a message of `len` bytes takes, header and padding included. No slice, and nothing that [`parse`] returns, is long
/// enough for an overflow.
pub(super) fn total(len: usize) -> usize {
    HEADER + len + padding(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_where_it_was_written() {
        for (len, position) in [(0, 0), (1, 8), (300_000, u64::MAX - 7), (1 << 40, 1 << 32)] {
            let written = header(len, position);
            assert_eq!(parse(written, position), Some(len));
            assert_eq!(parse(written, position.wrapping_add(8)), None);
            for bit in 0..128 {
                let mut scribbled = written;
                scribbled[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(parse(scribbled, position), None, "bit {bit}");
            }
        }
    }

    #[test]
    fn what_cannot_be_a_message_is_no_header() {
        assert_eq!(parse([0; HEADER], 0), None, "fresh memory");
        assert_eq!(parse(header(usize::MAX, 0), 0), None);
        assert_eq!(parse(header(isize::MAX as usize, 0), 0), None);
    }

    #[test]
    fn messages_take_whole_pieces() {
        assert_eq!([0, 1, 8, 9].map(total), [16, 24, 24, 32]);
    }
}
