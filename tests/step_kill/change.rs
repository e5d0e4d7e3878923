//! An object of a manager is changed: everybody finds it as it was before, or as it is after; and no memory is lost.

#![allow(unsafe_code)] // vouches for `Zeroed`

use std::fmt::Debug;
use std::hint;
use std::sync::atomic::{AtomicBool, Ordering};

use crossproc::{List, Manager};

use crate::channel::Answer;
use crate::plain::{Shared, Zeroed};
use crate::scenario::{Scenario, Verdict};
use crate::stage::DONE;
use crate::trace::{self, Tracee};

/// An object of a manager.
pub(crate) trait Subject: 'static {
    /// All that is in it.
    type Content: Clone + Debug + PartialEq;

    fn open(manager: &Manager) -> Self;

    /// Reads it without its lock.
    fn peek(&self) -> Self::Content;

    /// The same under its lock, which puts in order what the dead have left.
    fn look(&self) -> Self::Content;

    /// Uses it in every way.
    fn exercise(&self);

    fn clear(&self);

    fn repairs(&self) -> u64;
}

/// What it does, and how many eighths of it.
type Before<S> = (fn(&S), u32);

/// What a row is about.
pub(crate) struct Change<S> {
    /// Brings it, when it is new, into the state the row is named for.
    pub(crate) begin: fn(&Manager, &S),
    pub(crate) change: fn(&S),
    /// One before the victim is killed having done so many eighths of this.
    pub(crate) before: Option<Before<S>>,
}

/// A list of bytes that is there beside the subject, empty.
pub(crate) const FILLER: &str = "filler";

/// A manager with the subject, and something to warm up with.
struct Site<S: Subject> {
    manager: Manager,
    warm: List<u8>,
    filler: List<u8>,
    subject: S,
    /// Memory in use while there is nothing in any, and when it has begun.
    empty: u64,
    begun: u64,
}

impl<S: Subject> Site<S> {
    fn new(begin: fn(&Manager, &S)) -> Self {
        let options = Manager::options().memory(2 << 20).participants(6);
        let manager = options.anonymous().expect("a manager");
        let warm = manager.list("warm").expect("a list");
        let filler = manager.list(FILLER).expect("a list");
        let subject = S::open(&manager);
        let empty = manager.memory().expect("it is sound").used;
        warm_up(&warm);
        begin(&manager, &subject);
        let begun = manager.memory().expect("it is sound").used;
        Site {
            manager,
            warm,
            filler,
            subject,
            empty,
            begun,
        }
    }

    fn used(&self) -> u64 {
        self.manager.memory().expect("it is sound").used
    }

    /// By how much more it takes now than when it had begun.
    fn growth(&self) -> u64 {
        self.used().saturating_sub(self.begun)
    }

    fn clear(&self) {
        self.subject.clear();
        self.warm.clear().expect("it is empty");
        self.filler.clear().expect("it is empty");
    }

    /// Kills one who has done so many instructions of this; or, if that is too many, says how many there are.
    fn kill_within(&self, act: fn(&S), steps: u32) -> Result<(), u32> {
        let done = Shared::<Done>::new();
        let mut actor = Tracee::fork(|| {
            warm_up(&self.warm);
            trace::stop_here();
            act(&self.subject);
            done.0.store(true, Ordering::Release);
            loop {
                hint::spin_loop();
            }
        });
        for step in 0..steps {
            if done.0.load(Ordering::Acquire) {
                return Err(step);
            }
            actor.step();
        }
        Ok(())
    }
}

#[derive(Default)]
struct Done(AtomicBool);

// SAFETY: one atomic, for which zero is a value.
unsafe impl Zeroed for Done {}

/// Has the calling process take part.
fn warm_up(warm: &List<u8>) {
    warm.push(&1).expect("there is room");
    assert_eq!(warm.pop(), Ok(Some(1)));
}

/// What it is before the change and after it, for one whom nobody disturbs, and how much more memory that takes at most.
struct Twin<S: Subject> {
    contents: [S::Content; 2],
    most: u64,
}

impl<S: Subject> Twin<S> {
    /// One to which this was done first.
    fn new(change: &Change<S>, first: fn(&S)) -> Self {
        let site = Site::new(change.begin);
        first(&site.subject);
        let (before, growth) = (site.subject.look(), site.growth());
        (change.change)(&site.subject);
        let contents = [before, site.subject.look()];
        assert_ne!(contents[0], contents[1], "the change changes nothing");
        Twin {
            contents,
            most: site.growth().max(growth),
        }
    }
}

/// A row in play.
pub(crate) struct Changing<S: Subject> {
    change: Change<S>,
    /// Of one before whom nobody died, or died having done nothing; and of one before whom somebody died having done it all.
    twins: Vec<Twin<S>>,
    /// Instructions until one before the victim is killed.
    steps: u32,
    site: Option<Site<S>>,
    /// Which of the twins is like it.
    twin: usize,
    /// What was there with the victim halfway, alive.
    halfway: Option<S::Content>,
    repairs: u64,
}

impl<S: Subject> Changing<S> {
    pub(crate) fn new(change: Change<S>) -> Self {
        let mut twins = vec![Twin::new(&change, |_| {})];
        let mut steps = 0;
        if let Some((act, eighths)) = change.before {
            twins.push(Twin::new(&change, act));
            let all = Site::new(change.begin).kill_within(act, u32::MAX);
            steps = all.expect_err("it ends") / 8 * eighths;
        }
        Changing {
            change,
            twins,
            steps,
            site: None,
            twin: 0,
            halfway: None,
            repairs: 0,
        }
    }

    fn site(&self) -> &Site<S> {
        self.site.as_ref().expect("renewed")
    }
}

impl<S: Subject> Scenario for Changing<S> {
    fn renew(&mut self) {
        let site = Site::new(self.change.begin);
        if let Some((act, _)) = self.change.before {
            assert_eq!(site.kill_within(act, self.steps), Ok(()));
        }
        let found = site.subject.peek();
        let is_like = |twin: &Twin<S>| twin.contents[0] == found;
        let twin = self.twins.iter().position(is_like);
        self.twin = twin.unwrap_or_else(|| panic!("{found:?} is neither"));
        self.repairs = site.subject.repairs();
        self.site = Some(site);
        self.halfway = None;
    }

    fn warm_up(&mut self) {
        warm_up(&self.site().warm);
    }

    fn act(&mut self) -> Answer {
        (self.change.change)(&self.site().subject);
        DONE
    }

    fn before_death(&mut self) {
        self.halfway = Some(self.site().subject.peek());
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let (site, twin) = (self.site(), &self.twins[self.twin]);
        let found = site.subject.peek();
        assert_eq!(self.halfway.as_ref(), Some(&found), "a death changed it");
        assert_eq!(
            site.subject.look(),
            found,
            "what was put in order is another"
        );
        let committed = twin.contents.iter().position(|content| *content == found);
        let committed = committed.unwrap_or_else(|| panic!("{found:?} is neither"));
        assert!(
            committed == 1 || returned.is_none(),
            "it returned too early"
        );
        let repaired = site.subject.repairs() > self.repairs;
        let most = self.twins.iter().map(|twin| twin.most).max();
        assert!(Some(site.growth()) <= most, "memory is lost");
        site.subject.exercise();
        assert_eq!(site.subject.look(), found);
        site.clear();
        assert_eq!(site.used(), site.empty, "memory is lost");
        Verdict {
            committed: committed as u64,
            repaired,
            lost_wake: false,
        }
    }
}
