//! Python's `multiprocessing`, measured by a program of its own that goes on running: `python.py`.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::contest::Measured;

const PROGRAM: &str = include_str!("python.py");

pub struct Python(RefCell<Running>);

struct Running {
    child: Child,
    /// `None` once it is to end.
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Python {
    /// Starts it, and waits until it is ready.
    pub fn start() -> io::Result<Python> {
        let mut child = Command::new("python3")
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let mut running = Running { child, to, from };
        let version = running.answer()?;
        eprintln!("Python {}", version.trim());
        Ok(Python(RefCell::new(running)))
    }

    /// A look into a dict of a manager's.
    pub fn get(&self) -> io::Result<Measured> {
        self.0.borrow_mut().ask("get")
    }

    /// An addition to a number, which two processes do at once.
    pub fn add(&self) -> io::Result<Measured> {
        self.0.borrow_mut().ask("add")
    }
}

impl Running {
    /// Its sides sleep for each other, so it does not matter who else runs meanwhile.
    fn ask(&mut self, what: &str) -> io::Result<Measured> {
        let to = self.to.as_mut().expect("it is not to end yet");
        writeln!(to, "{what}")?;
        let answer = self.answer()?;
        let figure = answer.trim().parse().map_err(io::Error::other)?;
        Ok(Measured {
            figure,
            switches: 0,
        })
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
