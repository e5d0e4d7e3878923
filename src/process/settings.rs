//! What a child applies to itself before it reads its arguments.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use super::resource::Resource;
use crate::platform::own;

/// Travels in the letter.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) affinity: Option<Vec<usize>>,
    pub(super) nice: Option<i32>,
    pub(super) limits: Vec<Limit>,
    pub(super) outlives_parent: bool,
}

/// `None` is no limit.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Limit {
    pub(super) resource: Resource,
    pub(super) soft: Option<u64>,
    pub(super) hard: Option<u64>,
}

/// Something a child was to apply to itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Setting {
    /// [`Builder::affinity`](crate::process::Builder::affinity).
    Affinity,
    /// [`Builder::nice`](crate::process::Builder::nice).
    Nice,
    /// [`Builder::limit`](crate::process::Builder::limit).
    Limit(Resource),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Affinity => f.write_str("affinity"),
            Setting::Nice => f.write_str("niceness"),
            Setting::Limit(resource) => write!(f, "limit of {resource:?}"),
        }
    }
}

impl Settings {
    /// In the child, which has one thread as yet. The first that is refused ends it.
    pub(super) fn apply(&self) -> Result<(), (Setting, io::Error)> {
        // Only for people to read.
        let _ = own::set_thread_name(&self.name);
        if let Some(processors) = &self.affinity {
            own::set_affinity(processors).map_err(|error| (Setting::Affinity, error))?;
        }
        if let Some(increment) = self.nice {
            own::add_niceness(increment).map_err(|error| (Setting::Nice, error))?;
        }
        for Limit {
            resource,
            soft,
            hard,
        } in self.limits.iter().copied()
        {
            own::set_limit(resource.into(), soft, hard)
                .map_err(|error| (Setting::Limit(resource), error))?;
        }
        Ok(())
    }
}
