//! A child's standard streams.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::OwnedFd;

use crate::keeper;

/// What one of a child's standard streams is.
///
/// Any file, socket or end of a pipe can be one: `Stdio::from(file)`.
#[derive(Debug, Default)]
pub struct Stdio(Kind);

#[derive(Debug, Default)]
enum Kind {
    #[default]
    Inherit,
    Null,
    Piped,
    Given(OwnedFd),
}

impl Stdio {
    /// This process's own. The default.
    pub fn inherit() -> Stdio {
        Stdio(Kind::Inherit)
    }

    /// `/dev/null`: reads as empty, and takes whatever is written.
    pub fn null() -> Stdio {
        Stdio(Kind::Null)
    }

    /// A new pipe, whose other end is with the [`Child`](crate::process::Child).
    pub fn piped() -> Stdio {
        Stdio(Kind::Piped)
    }
}

impl<F: Into<OwnedFd>> From<F> for Stdio {
    fn from(file: F) -> Stdio {
        Stdio(Kind::Given(file.into()))
    }
}

/// For each of the three, what the child gets unless it inherits, and what stays here.
#[derive(Default)]
pub(super) struct Streams {
    pub(super) given: [Option<OwnedFd>; 3],
    pub(super) stdin: Option<PipeWriter>,
    pub(super) stdout: Option<PipeReader>,
    pub(super) stderr: Option<PipeReader>,
}

impl Streams {
    pub(super) fn open([stdin, stdout, stderr]: [Stdio; 3]) -> io::Result<Streams> {
        let (for_input, input) = match stdin.0 {
            Kind::Piped => io::pipe().map(|(theirs, ours)| (Some(theirs.into()), Some(ours)))?,
            other => (other.file()?, None),
        };
        let output = |stream: Stdio| match stream.0 {
            Kind::Piped => io::pipe().map(|(ours, theirs)| (Some(theirs.into()), Some(ours))),
            other => other.file().map(|file| (file, None)),
        };
        let (for_output, output_of) = output(stdout)?;
        let (for_errors, errors_of) = output(stderr)?;
        Ok(Streams {
            given: [for_input, for_output, for_errors],
            stdin: input,
            stdout: output_of,
            stderr: errors_of,
        })
    }
}

impl Kind {
    fn file(self) -> io::Result<Option<OwnedFd>> {
        match self {
            Kind::Given(file) => Ok(Some(file)),
            Kind::Null => {
                let null = File::options().read(true).write(true).open("/dev/null");
                null.map(|null| Some(null.into()))
            }
            Kind::Inherit | Kind::Piped => Ok(None),
        }
    }
}

/// Has the keeper read all that comes, and forget it.
pub(super) fn discard(stream: impl Into<OwnedFd>) {
    // Without a keeper the stream is closed; but there is one, as it has spawned the child.
    let _ = keeper::watch(stream.into(), |stream| {
        let mut stream = PipeReader::from(stream);
        // What is readable does not block. Once the last writer is gone there is nothing left to read.
        if stream.read(&mut [0; 1 << 12]).is_ok_and(|read| read > 0) {
            discard(stream);
        }
    });
}
