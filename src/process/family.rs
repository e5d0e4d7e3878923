//! Who belongs to whom: this process, the one it is a child of, and its own children.

use std::process;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::child::{Child, ChildProcess};
use super::status::ExitStatus;
use super::stdio::Streams;
use crate::platform::per_process::PerProcess;

/// What is known of a process of this crate. See [`current`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    id: u32,
    origin: Option<Origin>,
}

/// Where a child comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) name: String,
    pub(super) parent: u32,
}

/// Set in a child, with its own id: a fork of it is no child of this crate.
static ORIGIN: OnceLock<(u32, Origin)> = OnceLock::new();

pub(super) fn begin(origin: Origin) {
    // Called once, where the child begins.
    let _ = ORIGIN.set((process::id(), origin));
}

/// The calling process.
pub fn current() -> Current {
    let id = process::id();
    let origin = ORIGIN.get().filter(|(child, _)| *child == id);
    let origin = origin.map(|(_, origin)| origin.clone());
    Current { id, origin }
}

/// The id of the process that spawned this one, which may have ended by now if this one was to outlive it. `None` if this is no child of this crate.
pub fn parent_id() -> Option<u32> {
    current().parent_id()
}

impl Current {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The name it was given when it was spawned. `None` if it is no child of this crate.
    pub fn name(&self) -> Option<&str> {
        self.origin.as_ref().map(|origin| &*origin.name)
    }

    /// As [`parent_id`].
    pub fn parent_id(&self) -> Option<u32> {
        self.origin.as_ref().map(|origin| origin.parent)
    }

    /// Whether [`spawn`](crate::process::spawn) started it, in this program's function or another's.
    pub fn is_child(&self) -> bool {
        self.origin.is_some()
    }
}

/// The children of this process that have not ended, dropped handles or not, in the order in which they were spawned. Joining one of these
/// gives how it ended; whoever has the handle that `spawn` returned gets the result.
///
/// A process forked from this one has none of them.
pub fn active_children() -> Vec<Child<ExitStatus>> {
    let children = active().clone();
    let children = children.into_iter();
    let children = children.map(|child| Child::ending(child, Streams::default()));
    // One that has ended may not have been taken out yet.
    children.filter(Child::is_alive).collect()
}

static ACTIVE: PerProcess<Mutex<Vec<Arc<ChildProcess>>>> = PerProcess::new();

fn active() -> MutexGuard<'static, Vec<Arc<ChildProcess>>> {
    let active = ACTIVE.get_or_init(Mutex::default);
    // Nothing that could panic half-way runs under the lock.
    active.lock().unwrap_or_else(PoisonError::into_inner)
}

/// On the keeper.
pub(super) fn add(child: &Arc<ChildProcess>) {
    active().push(child.clone());
}

/// On the keeper.
pub(super) fn remove(child: &Arc<ChildProcess>) {
    active().retain(|other| !Arc::ptr_eq(other, child));
}
