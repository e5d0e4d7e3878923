//! Balances the ledger once its writers have ended.
//!
//! Every message must have one mark: a second one is a duplicate, none is a loss if the send
//! returned. A send that was cut short by a kill may have delivered its messages or not.
//!
//! A consumer killed in a receive, or before it had marked what came of it, leaves its tray: a
//! message without a mark that lies there was received. There is one thing no tally can see: the
//! call had taken the message, and died before the message lay in the tray. For that each such
//! kill is an [`Excuse`], for no more messages than the call asked for, and only for messages that
//! could have been next: sent after those the consumer had marked, attempted before it was reaped.
//! A loss without an excuse of its own is a loss, and those excused are shown.

use super::ledger::Ledger;
use super::message::{Key, open};
use crate::stress::outcome::Outcome;
use std::io;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

/// A consumer that was killed inside a receive.
#[derive(Debug)]
pub(crate) struct Excuse {
    /// How many messages the receive may have taken.
    seats: usize,
    /// By producer's desk: the keys it may have taken.
    window: Vec<Range<Key>>,
    /// What lay in its tray.
    tray: Vec<Key>,
}

impl Excuse {
    /// The excuse of the dead consumer of `desk`, if it has one.
    /// Of what comes `late` it may have taken any.
    pub(crate) fn find<const N: usize>(
        ledger: &Ledger,
        desk: usize,
        late: bool,
    ) -> io::Result<Option<Self>> {
        let tray = ledger.read_tray::<N>(desk)?;
        let desk = ledger.desk(desk);
        let seats = desk.taking.swap(0, Relaxed) as usize;
        let window = desk.last.iter().enumerate().map(|(producer, last)| {
            let first = if late { 0 } else { last.load(Relaxed) };
            Key::from_bits(first)..ledger.reached(producer)
        });
        Ok((seats > 0).then(|| Self {
            seats,
            window: window.collect(),
            tray: tray[..seats].iter().filter_map(open).collect(),
        }))
    }

    /// Strikes the losses that lay in the tray; how many.
    fn strike(&mut self, losses: &mut Vec<Loss>) -> usize {
        let before = losses.len();
        losses.retain(|loss| !self.tray.contains(&loss.key));
        let found = before - losses.len();
        self.seats -= found.min(self.seats);
        found
    }
}

struct Loss {
    producer: usize,
    key: Key,
}

/// Adds the ledger's balance to `outcome`. Losses count only if what was sent has been drained.
pub(crate) fn balance(
    ledger: &Ledger,
    mut excuses: Vec<Excuse>,
    drained: bool,
    outcome: &mut Outcome,
) -> io::Result<()> {
    for desk in (0..ledger.desks()).map(|i| ledger.desk(i)) {
        desk.tally(outcome);
    }
    let mut losses = Vec::new();
    for index in 0..ledger.accounts() {
        balance_account(ledger, index, &mut losses, outcome)?;
    }
    if drained {
        let found = excuses.iter_mut().map(|e| e.strike(&mut losses));
        outcome.in_hand += found.sum::<usize>() as u64;
        let excused = excused(&losses, &excuses);
        outcome.excused += excused as u64;
        outcome.lost += (losses.len() - excused) as u64;
    }
    Ok(())
}

fn balance_account(
    ledger: &Ledger,
    index: usize,
    losses: &mut Vec<Loss>,
    outcome: &mut Outcome,
) -> io::Result<()> {
    let account = ledger.account(index);
    let owner = account.owner.load(Relaxed) as usize;
    let attempted = account.attempted.load(Relaxed) as usize;
    let committed = account.committed.load(Relaxed) as usize;
    if owner == 0 {
        // Killed between taking the account and signing it: nothing was sent.
        return Ok(());
    }
    let columns = (0..ledger.columns())
        .map(|column| ledger.read_column(index, column))
        .collect::<io::Result<Vec<_>>>()?;
    for word in 0..columns[0].len() {
        let (mut once, mut twice) = (0, 0);
        for marks in columns.iter().map(|column| column[word]) {
            twice |= once & marks;
            once |= marks;
        }
        outcome.duplicated += u64::from(twice.count_ones());
        // Nobody sent these: what was received only looked like a message.
        outcome.torn += u64::from((once & !below(attempted, word)).count_ones());
        let missing = below(committed, word) & !once;
        losses.extend(
            (0..64)
                .filter(|bit| missing >> bit & 1 == 1)
                .map(|bit| Loss {
                    producer: owner - 1,
                    key: Key::new(index, word * 64 + bit),
                }),
        );
    }
    Ok(())
}

/// The bits of the given word of a bitmap that are below `end`.
fn below(end: usize, word: usize) -> u64 {
    match end.saturating_sub(word * 64) {
        n @ 0..64 => (1 << n) - 1,
        _ => u64::MAX,
    }
}

/// The most losses that can be given an excuse of their own: a maximum matching.
fn excused(losses: &[Loss], excuses: &[Excuse]) -> usize {
    let seats: Vec<&Excuse> = excuses
        .iter()
        .flat_map(|excuse| std::iter::repeat_n(excuse, excuse.seats))
        .collect();
    let mut taken_by: Vec<Option<usize>> = vec![None; losses.len()];
    (0..seats.len())
        .filter(|&seat| {
            let mut visited = vec![false; losses.len()];
            find_loss(seat, &seats, losses, &mut taken_by, &mut visited)
        })
        .count()
}

/// Gives `seat` a loss it can excuse, moving other seats to other losses where that helps.
fn find_loss(
    seat: usize,
    seats: &[&Excuse],
    losses: &[Loss],
    taken_by: &mut [Option<usize>],
    visited: &mut [bool],
) -> bool {
    for (i, loss) in losses.iter().enumerate() {
        if visited[i] || !seats[seat].window[loss.producer].contains(&loss.key) {
            continue;
        }
        visited[i] = true;
        if taken_by[i].is_none_or(|other| find_loss(other, seats, losses, taken_by, visited)) {
            taken_by[i] = Some(seat);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excuse(seats: usize, window: Range<usize>) -> Excuse {
        Excuse {
            seats,
            window: vec![Key::new(0, window.start)..Key::new(0, window.end)],
            tray: Vec::new(),
        }
    }

    fn losses(sequences: &[usize]) -> Vec<Loss> {
        let loss = |&sequence| Loss {
            producer: 0,
            key: Key::new(0, sequence),
        };
        sequences.iter().map(loss).collect()
    }

    #[test]
    fn a_loss_needs_an_excuse_of_its_own_in_its_window() {
        assert_eq!(excused(&losses(&[5]), &[excuse(1, 5..6)]), 1);
        assert_eq!(excused(&losses(&[5]), &[excuse(1, 6..9)]), 0);
        assert_eq!(excused(&losses(&[5, 6]), &[excuse(1, 0..9)]), 1);
        assert_eq!(excused(&losses(&[5, 6, 7]), &[excuse(2, 0..9)]), 2);
    }

    #[test]
    fn excuses_are_shared_out_well() {
        // The first must leave 5 to the second.
        let excuses = [excuse(1, 5..9), excuse(1, 5..6)];
        assert_eq!(excused(&losses(&[5, 8]), &excuses), 2);
    }

    #[test]
    fn what_lies_in_the_tray_is_not_lost() {
        let mut excuse = excuse(2, 0..9);
        excuse.tray = vec![Key::new(0, 4), Key::new(0, 5)];
        let mut losses = losses(&[5, 6, 7]);
        assert_eq!(excuse.strike(&mut losses), 1);
        assert_eq!(losses.len(), 2);
        assert_eq!(excused(&losses, &[excuse]), 1, "one seat is used up");
    }

    #[test]
    fn bits_below() {
        assert_eq!(below(0, 0), 0);
        assert_eq!(below(64, 0), u64::MAX);
        assert_eq!(below(65, 1), 1);
        assert_eq!(below(63, 1), 0);
    }
}
