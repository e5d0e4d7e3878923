//! What a worker does.

use super::line::{Gone, Line};
use super::partner::{self, Account, Talk};
use crate::stress::burst::How;
use crate::stress::desk::{Desk, add};
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crate::stress::sync::drill::{Drill, Fallen};
use crate::stress::sync::floor::Floor;
use crate::stress::sync::site::Site;
use crossproc::process::{self, Child};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Of one who is to be killed.
const LONGEST_LIFE: Duration = Duration::from_millis(20);
/// Turns of one who is not.
const TURNS: u64 = 500;

/// What the workers are told.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Terms {
    kill: bool,
}

/// With a partner, if there is one at the moment.
pub(crate) struct Talking<L: Line>(Option<Partner<L>>);

struct Partner<L: Line> {
    child: Child<Account>,
    is_doomed: bool,
    /// Until there is nothing more to say.
    sender: Option<L::Sender>,
    said: u64,
    receiver: L::Receiver,
    heard: u64,
}

fn engage<L: Line>(site: &mut Site<'_, Talking<L>>) -> Partner<L> {
    let (here, there) = L::create().unwrap_or_else(|error| panic!("{error}"));
    let is_doomed = site.handle.kill && site.random.one_in(2);
    let talk = Talk::<L> {
        end: there,
        seed: site.random.next(),
        lives: is_doomed.then(|| site.random.shorter_than(LONGEST_LIFE)),
    };
    let child = process::spawn(partner::talk::<L>, talk);
    let (sender, receiver) = L::split(here);
    Partner {
        child: child.unwrap_or_else(|error| panic!("{error}")),
        is_doomed,
        sender: Some(sender),
        said: 0,
        receiver,
        heard: 0,
    }
}

impl<L: Line> Partner<L> {
    /// Says or hears something; how much.
    fn turn(&mut self, site: &mut Site<'_, Talking<L>>, how: How) -> Result<u64, Gone> {
        let random = &mut site.random;
        if random.one_in(2) {
            let more = L::hear(&mut self.receiver, how, self.heard, random)?;
            self.heard += more;
            return Ok(more);
        }
        let wrong = site.fault(Sabotage::Tear);
        let sender = self.sender.as_mut().expect("until it says good-bye");
        let more = L::say(sender, how, self.said, wrong, &mut site.random)?;
        self.said += more;
        Ok(more)
    }

    /// What was still to be heard; how it ends.
    fn hear_out(&mut self, site: &mut Site<'_, Talking<L>>) -> Gone {
        loop {
            match L::hear(&mut self.receiver, How::Block, self.heard, &mut site.random) {
                Ok(more) => self.heard += more,
                Err(gone) => return gone,
            }
        }
    }

    /// It is dead. That has been told on one line, and has to be told on both.
    fn bury(mut self, site: &mut Site<'_, Talking<L>>) {
        assert!(self.is_doomed, "nobody has killed it");
        match self.hear_out(site) {
            Gone::Died => {}
            Gone::Torn => return self.give_up(&site.desk),
            Gone::Closed => panic!("closed, by one who was killed"),
        }
        if let Some(sender) = &mut self.sender {
            let said = L::say(sender, How::Block, self.said, false, &mut site.random);
            assert_eq!(said, Err(Gone::Died), "nothing is said to the dead");
        }
        assert!(self.child.join().is_err(), "it was killed");
    }

    /// What came was not what was to come: there is no going on.
    fn give_up(self, desk: &Desk<'_>) {
        add(desk.torn, 1);
        // Either fails only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.join();
    }

    /// Says good-bye, and compares what each has said with what the other has heard.
    fn part(mut self, site: &mut Site<'_, Talking<L>>) {
        let lost = u64::from(site.fault(Sabotage::Lose));
        let duplicated = u64::from(site.fault(Sabotage::Duplicate));
        self.sender.take();
        match self.hear_out(site) {
            Gone::Closed => {}
            Gone::Died => return self.bury(site),
            Gone::Torn => return self.give_up(&site.desk),
        }
        let Account { said, heard, torn } = match self.child.join() {
            Ok(account) => account,
            Err(_) if self.is_doomed => return,
            Err(error) => panic!("{error}"),
        };
        if torn {
            return add(site.desk.torn, 1);
        }
        for (said, heard) in [(self.said + lost, heard + duplicated), (said, self.heard)] {
            add(site.desk.lost, said.saturating_sub(heard));
            add(site.desk.duplicated, heard.saturating_sub(said));
        }
    }
}

impl<L: Line> Drill for Talking<L> {
    type Handle = Terms;
    const APART: bool = true;

    fn create(_: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Terms> {
        let kill = conditions.kill;
        Ok(Terms { kill })
    }

    /// Nobody takes anything over.
    fn repairs(_: &Terms) -> u64 {
        0
    }

    fn board(_: usize) -> usize {
        0
    }

    fn begin(_: &mut Site<'_, Self>) -> Self {
        Talking(None)
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, how: How) -> bool {
        let Some(mut partner) = self.0.take() else {
            self.0 = Some(engage(site));
            return true;
        };
        site.enter(1);
        let moved = match partner.turn(site, how) {
            Ok(moved) => {
                if !partner.is_doomed && site.random.one_in(TURNS) {
                    partner.part(site);
                } else {
                    self.0 = Some(partner);
                }
                moved > 0
            }
            Err(Gone::Died) => {
                partner.bury(site);
                true
            }
            Err(Gone::Torn) => {
                partner.give_up(&site.desk);
                true
            }
            // It has heard something wrong, and says so.
            Err(Gone::Closed) => {
                partner.part(site);
                true
            }
        };
        site.leave();
        moved
    }

    fn end(self, site: &mut Site<'_, Self>) {
        if let Some(partner) = self.0 {
            partner.part(site);
        }
    }

    fn inspect(site: &mut Site<'_, Self>) {
        let mut partner = engage(site);
        for _ in 0..100 {
            if partner.turn(site, How::Block).is_err() {
                break;
            }
        }
        partner.part(site);
    }

    fn audit(_: &Floor, _: &[Fallen], _: &mut Outcome) {}
}
