//! Other programs as children.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::JoinError;
use super::builder::{Builder, Surroundings, c_string};
use super::child::{Child, ChildProcess};
use super::entry::Entrance;
use super::launch::launch;
use super::letter::{Answer, Order};
use super::settings::Settings;
use super::status::ExitStatus;
use crate::error::{Error, Result};
use crate::travel::{self, Parcel};

/// Another program, as a child process: with everything that a [`Builder`] can set, and with handles of this crate.
///
/// ```
/// use crossproc::process::{Command, Stdio};
/// use std::io::Read;
///
/// # fn main() -> crossproc::Result<()> {
/// let mut child = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn()?;
/// let mut heard = String::new();
/// child.stdout.take().unwrap().read_to_string(&mut heard).unwrap();
/// assert_eq!(heard, "hello\n");
/// assert!(child.join()?.success());
/// # Ok(())
/// # }
/// ```
///
/// A program that uses this crate takes the handles by their names, with [`inherited`](crate::process::inherited):
///
/// ```no_run
/// use crossproc::{Queue, process::Command};
///
/// # fn main() -> crossproc::Result<()> {
/// let orders = Queue::<u64>::new(1024)?;
/// let kitchen = Command::new("./kitchen").handle("orders", &orders).spawn()?;
/// // In the kitchen: let orders: Queue<u64> = process::inherited("orders")?;
/// # kitchen.join()?;
/// # Ok(())
/// # }
/// ```
///
/// The program is looked for in `PATH`, as the child has it, unless there is a slash in its name, and then in the child's working directory. The
/// child is this program at first, which applies the settings to itself and becomes the other one; `main` does not run for that, and needs
/// no [`init`](crate::init). It is killed when this process ends, unless it is to [outlive](Builder::outlive_parent) it, or changes
/// its user as it starts, as set-user-id programs do.
pub type Command<'a> = Builder<Program<'a>>;

/// What a [`Command`] starts.
pub struct Program<'a> {
    program: OsString,
    arguments: Vec<OsString>,
    handles: Vec<(String, Box<dyn Travels + 'a>)>,
}

/// Something that stays where it is until it has been sent.
trait Travels {
    fn pack(&self) -> Result<Vec<u8>, postcard::Error>;
}

impl<T: Serialize> Travels for T {
    fn pack(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_allocvec(self)
    }
}

impl fmt::Debug for Program<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handles: Vec<_> = self.handles.iter().map(|(name, _)| name).collect();
        f.debug_struct("Program")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .field("handles", &handles)
            .finish()
    }
}

/// What the letter says of a program.
#[derive(Serialize, Deserialize)]
pub(super) struct Errand {
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
    pub(super) handles: Vec<Handle>,
}

/// A named value, and how many of the parcel's descriptors belong to it, after those of the handles before it.
#[derive(Serialize, Deserialize)]
pub(super) struct Handle {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) fds: usize,
}

impl<'a> Builder<Program<'a>> {
    /// To start this program, without arguments as yet.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref().to_owned();
        Builder {
            what: Program {
                program,
                arguments: Vec::new(),
                handles: Vec::new(),
            },
            settings: Settings::default(),
            surroundings: Surroundings::default(),
        }
    }

    /// Adds an argument.
    pub fn arg(self, argument: impl AsRef<OsStr>) -> Self {
        self.args([argument])
    }

    /// Adds arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let arguments = arguments.into_iter().map(|one| one.as_ref().to_owned());
        self.what.arguments.extend(arguments);
        self
    }

    /// Gives the program a handle of this crate, or any value that serde knows, with handles in it or not.
    ///
    /// A reference will do for what can be cloned. What moves, such as a [`Producer`](crate::spsc::Producer), has moved once the program is there: who
    /// has kept it finds [`RoleLost`](crate::Fault::RoleLost). If the program ends without having taken it, its side is closed.
    pub fn handle(mut self, name: impl Into<String>, handle: impl Serialize + 'a) -> Self {
        self.what.handles.push((name.into(), Box::new(handle)));
        self
    }

    /// Starts the program, and returns when it is in place. Joining the child tells how it ended.
    ///
    /// # Errors
    ///
    /// [`Error::Program`] if there is no such program or it cannot be executed, [`Error::Join`] with a [`JoinError::Setting`] if a setting was refused,
    /// [`Error::InvalidSetting`] and [`Error::File`] for settings that cannot be, [`Error::Arguments`] if a handle cannot be serialised;
    /// [`Error::Os`] if the system refuses. What was to move is closed in any case.
    pub fn spawn(mut self) -> Result<Child<ExitStatus>> {
        let what = &self.what;
        c_string("program", what.program.clone())?;
        for argument in &what.arguments {
            c_string("argument", argument.clone())?;
        }
        let (handles, mut parcel) = pack(&what.handles)?;
        let errand = Errand {
            program: what.program.clone(),
            arguments: what.arguments.clone(),
            handles,
        };
        let bytes = postcard::to_allocvec(&errand).map_err(unserialisable)?;
        // Closed in the child by its becoming the other program, or by its end.
        let (mut before, until_then) = io::pipe().map_err(Error::os("open a pipe"))?;
        parcel.fds.push(until_then.into());
        if self.settings.name.is_empty() {
            let program = Path::new(&errand.program);
            let name = program.file_name().unwrap_or(&errand.program);
            self.settings.name = String::from_utf8_lossy(name.as_bytes()).into();
        }
        let (settings, surroundings) = (self.settings, self.surroundings);
        let (child, streams) = launch(
            settings,
            surroundings,
            Entrance::Exec,
            Order::Exec,
            &bytes,
            parcel,
        )?;
        let became = before.read_to_end(&mut Vec::new());
        became.map_err(Error::os("wait for a program to start"))?;
        match refusal(&child, &errand.program)? {
            None => Ok(Child::ending(child, streams)),
            Some(error) => {
                // It is about to end, and leaves nothing behind.
                child.wait(None)?;
                Err(error)
            }
        }
    }
}

fn pack(handles: &[(String, Box<dyn Travels + '_>)]) -> Result<(Vec<Handle>, Parcel)> {
    let mut all = Parcel::default();
    let mut packed: Vec<Handle> = Vec::new();
    for (name, handle) in handles {
        if packed.iter().any(|other| other.name == *name) {
            return Err(Error::InvalidSetting {
                setting: "handle",
                value: name.clone(),
                reason: "another one has the same name",
            });
        }
        let (bytes, parcel) = travel::packing(|| handle.pack());
        packed.push(Handle {
            name: name.clone(),
            bytes: bytes.map_err(unserialisable)?,
            fds: parcel.fds.len(),
        });
        all.fds.extend(parcel.fds);
        all.on_spawned.extend(parcel.on_spawned);
        all.on_lost.extend(parcel.on_lost);
    }
    Ok((packed, all))
}

fn unserialisable(error: postcard::Error) -> Error {
    let reason = error.to_string();
    Error::Arguments { reason }
}

/// Why the child has not become the program, if it has said so.
fn refusal(child: &ChildProcess, program: &OsStr) -> Result<Option<Error>> {
    let answer = child.letter().read_answer();
    let answer = answer.map_err(Error::os("hear of a program's start"))?;
    Ok(answer.map(|(answer, _)| match answer {
        Answer::ProgramRefused { error } => Error::Program {
            program: program.to_string_lossy().into(),
            source: io::Error::from_raw_os_error(error),
        },
        answer => JoinError::from_answer(answer).into(),
    }))
}
