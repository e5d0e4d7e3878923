//! How a child is to start: names, surroundings, limits.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::fs::OpenOptions;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::resource::Resource;
use super::settings::{Limit, Settings};
use super::stdio::Stdio;
use crate::error::{Error, Result};
use crate::platform::signals::SignalMask;

/// How a child process is to start. See [`builder`], and [`Command`](crate::process::Command) for other programs.
///
/// ```
/// use crossproc::process::{self, Resource, Stdio};
/// use std::io::Read;
///
/// fn greet(whom: String) {
///     println!("Hello, {whom}.");
/// }
///
/// # fn main() -> crossproc::Result<()> {
/// # crossproc::init();
/// let mut child = process::builder()
///     .name("greeter")
///     .env("LANG", "C")
///     .current_dir("/")
///     .stdout(Stdio::piped())
///     .nice(5)
///     .limit(Resource::OpenFiles, 64, 64)
///     .spawn(greet, "world".to_owned())?;
/// let mut greeting = String::new();
/// child.stdout.take().unwrap().read_to_string(&mut greeting).unwrap();
/// assert_eq!(greeting, "Hello, world.\n");
/// child.join()?;
/// # Ok(())
/// # }
/// ```
///
/// What is not set is as the spawning process has it. Its signals are not: see [`inherit_signals`](Builder::inherit_signals).
#[derive(Debug, Default)]
#[must_use = "nothing starts before it is spawned"]
pub struct Builder<What = Function> {
    pub(super) what: What,
    pub(super) settings: Settings,
    pub(super) surroundings: Surroundings,
}

/// What a [`Builder`] starts: a function of this program.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Function {}

/// How a child process is to start that runs a function of this program, to be said step by step.
/// [`spawn`](crate::process::spawn) is that without any step.
pub fn builder() -> Builder {
    Builder::default()
}

impl<What> Builder<What> {
    /// What the child is called in [`active_children`](crate::process::active_children), in [`current`](crate::process::current), and, where it
    /// runs a function, by `ps` and `top`, which show the first 15 bytes. By default that is the
    /// name of the function or program.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// Sets an environment variable for the child.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.surroundings.variables.insert(name, Some(value));
        self
    }

    /// Keeps an environment variable from the child.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        let name = name.as_ref().to_owned();
        self.surroundings.variables.insert(name, None);
        self
    }

    /// Lets the child have no environment variables but those that are set from here on.
    pub fn env_clear(mut self) -> Self {
        self.surroundings.is_clear = true;
        self.surroundings.variables.clear();
        self
    }

    /// The child's working directory. If there is none of that name, `spawn` says so.
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.surroundings.directory = Some(directory.into());
        self
    }

    /// The child's standard input.
    pub fn stdin(mut self, stream: impl Into<Stdio>) -> Self {
        self.surroundings.streams[0] = stream.into();
        self
    }

    /// The child's standard output.
    pub fn stdout(mut self, stream: impl Into<Stdio>) -> Self {
        self.surroundings.streams[1] = stream.into();
        self
    }

    /// The child's standard error.
    pub fn stderr(mut self, stream: impl Into<Stdio>) -> Self {
        self.surroundings.streams[2] = stream.into();
        self
    }

    /// Binds the child to these processors, by number. One that there is not, or that this process may not use, is a
    /// [`JoinError::Setting`](crate::process::JoinError::Setting).
    pub fn affinity(mut self, processors: impl IntoIterator<Item = usize>) -> Self {
        self.settings.affinity = Some(processors.into_iter().collect());
        self
    }

    /// Adds to the child's niceness, as `nice(1)` does: with 19 it takes what time nobody else wants. Less than nothing takes the right to it, or is
    /// a [`JoinError::Setting`](crate::process::JoinError::Setting).
    pub fn nice(mut self, increment: i32) -> Self {
        self.settings.nice = Some(increment);
        self
    }

    /// Limits what the child may use; `None` is no limit. The soft limit is in force; the child can raise it up to the hard one. A
    /// hard limit above this process's takes the right to it, or is a [`JoinError::Setting`](crate::process::JoinError::Setting).
    pub fn limit(
        mut self,
        resource: Resource,
        soft: impl Into<Option<u64>>,
        hard: impl Into<Option<u64>>,
    ) -> Self {
        let (soft, hard) = (soft.into(), hard.into());
        self.settings.limits.push(Limit {
            resource,
            soft,
            hard,
        });
        self
    }

    /// Lets the child go on when this process ends, rather than be killed. It stays in this process's group and session: a terminal's
    /// Ctrl-C reaches both.
    pub fn outlive_parent(mut self) -> Self {
        self.settings.outlives_parent = true;
        self
    }

    /// Lets the child block the signals that the spawning thread blocks, and ignore those that this process ignores.
    ///
    /// Otherwise it blocks none, and ignores none but SIGPIPE, as every Rust program; other programs do not ignore that either. Handlers
    /// are never inherited.
    pub fn inherit_signals(mut self) -> Self {
        self.surroundings.inherits_signals = true;
        self
    }
}

/// What a child is surrounded by when it begins.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    is_clear: bool,
    /// `None` is removed.
    variables: BTreeMap<OsString, Option<OsString>>,
    directory: Option<PathBuf>,
    pub(super) streams: [Stdio; 3],
    inherits_signals: bool,
}

impl Surroundings {
    pub(super) fn environment(&self) -> Result<Vec<CString>> {
        for name in self.variables.keys() {
            let is_name = !name.is_empty() && !name.as_bytes().contains(&b'=');
            if !is_name {
                return Err(Error::InvalidSetting {
                    setting: "environment variable",
                    value: name.to_string_lossy().into(),
                    reason: "its name is empty, or has a = in it",
                });
            }
        }
        let own = (!self.is_clear).then(env::vars_os).into_iter().flatten();
        let own = own.filter(|(name, _)| !self.variables.contains_key(name));
        let set = self.variables.iter();
        let set = set.filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        let settings = own.chain(set).map(|(name, value)| {
            let mut setting = name;
            setting.push("=");
            setting.push(value);
            c_string("environment variable", setting)
        });
        settings.collect()
    }

    /// Opened here, so that it is this process that learns what is wrong with it.
    pub(super) fn directory(&self) -> Result<Option<OwnedFd>> {
        let Some(path) = &self.directory else {
            return Ok(None);
        };
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let directory = opened.map_err(|source| Error::File {
            operation: "start a child process in the directory",
            path: path.clone(),
            source,
        })?;
        Ok(Some(directory.into()))
    }

    /// What the child blocks, and what it is not to ignore.
    pub(super) fn signals(&self) -> (SignalMask, SignalMask) {
        match self.inherits_signals {
            true => (SignalMask::current(), SignalMask::none()),
            false => (SignalMask::none(), SignalMask::all_but_pipe()),
        }
    }
}

pub(super) fn c_string(setting: &'static str, string: OsString) -> Result<CString> {
    CString::new(string.into_vec()).map_err(|error| Error::InvalidSetting {
        setting,
        value: String::from_utf8_lossy(&error.into_vec()).into(),
        reason: "it has a zero byte in it",
    })
}
