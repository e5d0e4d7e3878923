//! Python's `multiprocessing`, measured by a program of its own that goes on running and is asked, a line for each figure.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use crate::contest::Measured;

pub struct Python(RefCell<Running>);

struct Running {
    child: Child,
    /// `None` once it is to end.
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Python {
    /// Starts the program, a path below `src`, and waits until it is ready. `None`, having said why, if there is no Python.
    pub fn start(program: &str) -> Option<Rc<Python>> {
        match Running::start(program) {
            Ok(running) => Some(Rc::new(Python(RefCell::new(running)))),
            Err(error) => {
                eprintln!("without Python, because python3 cannot be run: {error}");
                None
            }
        }
    }

    /// What it measures when it is asked for `what`.
    ///
    /// Its sides sleep for each other, so it does not matter who else runs meanwhile.
    pub fn ask(&self, what: &str) -> io::Result<Measured> {
        let answer = self.0.borrow_mut().ask(what)?;
        let figure = answer.trim().parse().map_err(io::Error::other)?;
        Ok(Measured {
            figure,
            switches: 0,
        })
    }
}

impl Running {
    fn start(program: &str) -> io::Result<Running> {
        // A file rather than a text: children that Python spawns read it again.
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut child = Command::new("python3")
            .arg(source.join(program))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let mut running = Running { child, to, from };
        let version = running.answer()?;
        eprintln!("Python {}", version.trim());
        Ok(running)
    }

    fn ask(&mut self, what: &str) -> io::Result<String> {
        let to = self.to.as_mut().expect("it is not to end yet");
        writeln!(to, "{what}")?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.from.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It ends when nobody asks any more, and so do its own processes.
        self.to = None;
        let _ = self.child.wait();
    }
}
