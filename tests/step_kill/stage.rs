//! The processes beside the victim, and what they do to a primitive.

use crate::channel::Answer;
use crate::peer::{Peer, settle};

/// One thing that a process does to a primitive; each [`Actor`] has its own. It fits into a cell of
/// shared memory.
pub(crate) type Deed = u64;

/// Takes part in the segment, and changes nothing: what every process does first.
pub(crate) const ENTER: Deed = 0;

/// What came of a deed, where that is not a number.
pub(crate) const DONE: Answer = 0;
pub(crate) const WOULD_BLOCK: Answer = u64::MAX;

/// The one who examines what the victim has left behind.
pub(crate) const JUDGE: usize = 0;

/// A primitive in the hands of one process.
pub(crate) trait Actor: 'static {
    /// Handles, which each process clones.
    type Shared: Clone + 'static;

    /// In a process that ends without dropping it: [`ENTER`].
    fn enter(shared: &'static Self::Shared) -> Self;
    fn perform(&mut self, deed: Deed) -> Answer;
    /// What gives back what such a deed takes.
    fn undo(deed: Deed) -> Option<Deed>;
    fn repairs(shared: &Self::Shared) -> u64;
}

/// The primitive in the hands of the calling process, which is a forked one.
pub(crate) fn enter<A: Actor>(shared: &A::Shared) -> A {
    A::enter(Box::leak(Box::new(shared.clone())))
}

/// Something that happens beside the victim.
#[derive(Clone, Copy)]
pub(crate) enum Cue {
    /// This one does that at once.
    Does(usize, Deed),
    /// The same, but it cannot yet, and falls asleep over it.
    Sleeps(usize, Deed),
    /// Either.
    Tries(usize, Deed),
    /// It begins, and nobody waits to see what becomes of it.
    Begins(usize, Deed),
    /// It is killed; another takes its number.
    Dies(usize),
}

impl Cue {
    /// Who is concerned.
    pub(crate) fn who(self) -> usize {
        match self {
            Cue::Does(who, _) | Cue::Sleeps(who, _) | Cue::Tries(who, _) => who,
            Cue::Begins(who, _) | Cue::Dies(who) => who,
        }
    }

    /// What is to be done.
    pub(crate) fn deed(self) -> Option<Deed> {
        match self {
            Cue::Does(_, deed) | Cue::Sleeps(_, deed) | Cue::Tries(_, deed) => Some(deed),
            Cue::Begins(_, deed) => Some(deed),
            Cue::Dies(_) => None,
        }
    }
}

/// What a process was last told to do.
#[derive(Default)]
struct Doing {
    deed: Deed,
    /// Nobody has heard yet what came of it.
    open: bool,
    entered: bool,
    /// By what it has got what it has.
    has: Vec<Deed>,
}

/// A primitive, and processes that use it.
pub(crate) struct Stage<A: Actor> {
    pub(crate) shared: A::Shared,
    peers: Vec<Peer>,
    doings: Vec<Doing>,
    /// What came of everything that anyone but the judge did since the last victim.
    pub(crate) heard: Vec<(Deed, Answer)>,
    repairs: u64,
    /// How many waited when the victim had done all it was to do, if it lived to do so.
    left: Option<usize>,
    /// By what deeds others had got what they had then.
    pub(crate) had: Vec<Deed>,
    /// For the judge, to be kept from one victim to the next.
    pub(crate) known: u64,
}

impl<A: Actor> Stage<A> {
    pub(crate) fn new(shared: A::Shared, processes: usize) -> Self {
        let peers = (0..processes).map(|_| fork::<A>(&shared)).collect();
        Stage {
            shared,
            peers,
            doings: (0..processes).map(|_| Doing::default()).collect(),
            heard: Vec::new(),
            repairs: 0,
            left: None,
            had: Vec::new(),
            known: 0,
        }
    }

    /// Before the next victim: everybody takes part, so that nobody is woken later because somebody joins.
    pub(crate) fn begin(&mut self) {
        for who in 0..self.peers.len() {
            if !self.doings[who].entered {
                self.does(who, ENTER);
            }
        }
        self.heard.clear();
        self.left = None;
        self.had.clear();
        self.repairs = A::repairs(&self.shared);
    }

    /// How often survivors have put something right since.
    pub(crate) fn repairs(&self) -> u64 {
        A::repairs(&self.shared) - self.repairs
    }

    pub(crate) fn has_repaired(&self) -> bool {
        self.repairs() > 0
    }

    pub(crate) fn cue(&mut self, cue: Cue) {
        match cue {
            Cue::Does(who, deed) => drop(self.does(who, deed)),
            Cue::Tries(who, deed) => drop(self.tries(who, deed)),
            Cue::Begins(who, deed) => self.assign(who, deed),
            Cue::Sleeps(who, deed) => {
                let answer = self.tries(who, deed);
                assert_eq!(answer, None, "it has nothing to wait for");
            }
            Cue::Dies(who) => {
                self.peers[who] = fork::<A>(&self.shared);
                self.doings[who] = Doing::default();
                settle(&mut self.peers);
            }
        }
    }

    fn assign(&mut self, who: usize, deed: Deed) {
        let doing = &mut self.doings[who];
        assert!(!doing.open, "one deed at a time");
        doing.deed = deed;
        doing.open = true;
        doing.entered = true;
        self.peers[who].assign(deed);
    }

    /// What comes of it; `None` if the process falls asleep over it.
    pub(crate) fn tries(&mut self, who: usize, deed: Deed) -> Option<Answer> {
        self.assign(who, deed);
        self.hear(who)
    }

    /// What comes of it, at once.
    pub(crate) fn does(&mut self, who: usize, deed: Deed) -> Answer {
        let answer = self.tries(who, deed);
        answer.unwrap_or_else(|| panic!("process {who} waits for ever to do {deed}"))
    }

    /// The same, by the judge.
    pub(crate) fn ask(&mut self, deed: Deed) -> Answer {
        self.does(JUDGE, deed)
    }

    fn hear(&mut self, who: usize) -> Option<Answer> {
        let answer = self.peers[who].answer()?;
        let doing = &mut self.doings[who];
        if doing.open {
            doing.open = false;
            if doing.has.last().copied().and_then(A::undo) == Some(doing.deed) {
                doing.has.pop();
            } else if answer != WOULD_BLOCK && A::undo(doing.deed).is_some() {
                doing.has.push(doing.deed);
            }
            if who != JUDGE {
                self.heard.push((doing.deed, answer));
            }
        }
        Some(answer)
    }

    /// Everyone but the judge who has got what it wanted gives it back, until nothing moves any more.
    /// Whether nobody waits.
    pub(crate) fn serve(&mut self) -> bool {
        loop {
            settle(&mut self.peers);
            let mut moved = false;
            for who in JUDGE + 1..self.peers.len() {
                if self.hear(who).is_some()
                    && let Some(deed) = self.doings[who].has.last().copied().and_then(A::undo)
                {
                    self.does(who, deed);
                    moved = true;
                }
            }
            if !moved {
                return self.waiting() == 0;
            }
        }
    }

    /// The victim has done all it was to do, and lives.
    pub(crate) fn complete(&mut self) {
        let has = self.doings.iter().flat_map(|doing| &doing.has);
        self.had = has.copied().collect();
        self.serve();
        self.left = Some(self.waiting());
    }

    /// [`serve`](Self::serve) where the victim had nothing, in the end, that its death gives to others.
    pub(crate) fn serve_no_heirs(&mut self) -> bool {
        let served = self.serve();
        let left = self.left.unwrap_or(self.waiting());
        assert_eq!(
            left,
            self.waiting(),
            "somebody was left sleeping until the victim died"
        );
        served
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.doings.iter().filter(|doing| doing.open).count()
    }

    /// Whether somebody waits to do this.
    pub(crate) fn waits(&self, deed: Deed) -> bool {
        self.doings
            .iter()
            .any(|doing| doing.open && doing.deed == deed)
    }

    /// What came of deeds of this kind.
    pub(crate) fn answers(&self, deed: Deed) -> impl Iterator<Item = Answer> {
        let heard = self.heard.iter().filter(move |(done, _)| *done == deed);
        heard.map(|(_, answer)| *answer)
    }
}

/// A process that does as it is told.
fn fork<A: Actor>(shared: &A::Shared) -> Peer {
    let mut actor = None;
    Peer::fork(move |deed| {
        let actor = actor.get_or_insert_with(|| enter::<A>(shared));
        if deed == ENTER {
            DONE
        } else {
            actor.perform(deed)
        }
    })
}
