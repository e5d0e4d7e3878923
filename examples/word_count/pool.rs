//! The parent's side: hands out blocks, merges answers, and makes good for workers that die.

use crate::blocks::Piece;
use crate::tally::Tally;
use crate::wire::{Block, Frame};
use crate::worker;
use crossproc::process::{self, Child};
use crossproc::{Queue, RecvTimeoutError, TryRecvError, TrySendError};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::error::Error;
use std::io;
use std::time::Duration;

/// Blocks and frames that a queue holds.
const CAPACITY: usize = 32;
/// Blocks handed out and not yet answered, at most.
const WINDOW: usize = 2 * CAPACITY;
/// Silence after which the parent looks for workers that have died.
const PATIENCE: Duration = Duration::from_millis(20);

pub(crate) struct Pool {
    blocks: Queue<Block>,
    frames: Queue<Frame>,
    workers: Vec<(u32, Child<()>)>,
    /// Handed out and not yet answered.
    outstanding: BTreeMap<u64, Box<Block>>,
    /// Outstanding, and waiting for room in the queue.
    unsent: VecDeque<u64>,
    /// Answers of which the last part is missing, by block and worker.
    partial: HashMap<(u64, u32), Vec<Frame>>,
    tally: Tally,
    handed_out: u64,
    kill_after: Option<u64>,
}

impl Pool {
    pub(crate) fn start(processes: usize) -> crossproc::Result<Self> {
        let blocks = Queue::new(CAPACITY)?;
        let frames = Queue::new(CAPACITY)?;
        let start = |number| {
            let args = (number, blocks.clone(), frames.clone());
            Ok((number, process::spawn(worker::work, args)?))
        };
        Ok(Self {
            workers: (0..processes as u32)
                .map(start)
                .collect::<crossproc::Result<_>>()?,
            blocks,
            frames,
            outstanding: BTreeMap::new(),
            unsent: VecDeque::new(),
            partial: HashMap::new(),
            tally: Tally::default(),
            handed_out: 0,
            kill_after: None,
        })
    }

    /// Has a worker killed once so many bytes are handed out and some are not yet answered.
    pub(crate) fn kill_one_after(&mut self, bytes: u64) {
        self.kill_after = Some(bytes);
    }

    /// Counts the words of all pieces.
    pub(crate) fn count(
        mut self,
        mut pieces: impl Iterator<Item = io::Result<Piece>>,
    ) -> Result<Tally, Box<dyn Error>> {
        let mut more = true;
        while more || !self.outstanding.is_empty() {
            while more && self.outstanding.len() < WINDOW && self.unsent.is_empty() {
                match pieces.next().transpose()? {
                    Some(piece) => self.accept(piece),
                    None => more = false,
                }
                self.send()?;
            }
            self.send()?;
            self.kill_if_told()?;
            self.receive()?;
        }
        self.finish();
        Ok(self.tally)
    }

    fn accept(&mut self, piece: Piece) {
        match piece {
            Piece::Block(block) => {
                self.handed_out += block.text().len() as u64;
                self.unsent.push_back(block.id);
                self.outstanding.insert(block.id, block);
            }
            Piece::LongWord(word) => {
                self.handed_out += word.len() as u64;
                self.tally.add(&word, 1);
            }
        }
    }

    /// Sends what there is room for. Never blocks: workers may be waiting for this process.
    fn send(&mut self) -> crossproc::Result<()> {
        while let Some(id) = self.unsent.front() {
            if let Some(block) = self.outstanding.get(id) {
                match self.blocks.try_send(**block) {
                    Err(TrySendError::Full(_)) => return Ok(()),
                    result => result?,
                }
            }
            self.unsent.pop_front();
        }
        Ok(())
    }

    /// Merges the frames there are; waits for one if there are none.
    fn receive(&mut self) -> Result<(), Box<dyn Error>> {
        if self.outstanding.is_empty() {
            return Ok(());
        }
        match self.frames.recv_timeout(PATIENCE) {
            Ok(frame) => self.merge(frame),
            Err(RecvTimeoutError::Timeout) => self.look_for_the_dead()?,
            Err(error) => return Err(error.into()),
        }
        loop {
            match self.frames.try_recv() {
                Ok(frame) => self.merge(frame),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Keeps a part of an answer; counts the answer when it is complete and the first to its block.
    fn merge(&mut self, frame: Frame) {
        let (id, last) = (frame.block, frame.is_last());
        if !self.outstanding.contains_key(&id) {
            return;
        }
        let parts = self.partial.entry((id, frame.worker)).or_default();
        assert_eq!(
            frame.part as usize,
            parts.len(),
            "a worker's parts arrive in order"
        );
        parts.push(frame);
        if !last {
            return;
        }
        for frame in &*parts {
            for (word, count) in frame.entries() {
                self.tally.add(word, count.into());
            }
        }
        self.tally.lines += parts[0].lines;
        self.outstanding.remove(&id);
        self.partial.retain(|(block, _), _| *block != id);
    }

    /// Sends everything unanswered again if a worker has died: it may have held any of it.
    fn look_for_the_dead(&mut self) -> Result<(), Box<dyn Error>> {
        let alive = self.workers.len();
        self.workers.retain_mut(|(number, child)| {
            let ended = child.try_join();
            if let Err(death) = &ended {
                eprintln!("worker {number}: {death}");
            }
            matches!(ended, Ok(None))
        });
        if self.workers.is_empty() {
            return Err("all workers have died".into());
        }
        if self.workers.len() < alive {
            eprintln!("{} blocks are sent again", self.outstanding.len());
            self.unsent = self.outstanding.keys().copied().collect();
        }
        Ok(())
    }

    fn kill_if_told(&mut self) -> crossproc::Result<()> {
        let due = self
            .kill_after
            .is_some_and(|bytes| self.handed_out >= bytes);
        if due && !self.outstanding.is_empty() {
            self.kill_after = None;
            let (number, child) = &self.workers[0];
            let outstanding = self.outstanding.len();
            eprintln!("killing worker {number} with {outstanding} blocks outstanding");
            child.kill()?;
        }
        Ok(())
    }

    /// Lets the workers end, also one that is about to send an answer nobody needs.
    fn finish(&mut self) {
        self.blocks.close();
        self.frames.close();
        for (number, child) in self.workers.drain(..) {
            if let Err(death) = child.join() {
                eprintln!("worker {number}: {death}");
            }
        }
    }
}
