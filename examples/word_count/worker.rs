//! A worker process: counts one block after another.

use crate::tally::words;
use crate::wire::{Block, Frame};
use crossproc::Queue;
use std::collections::HashMap;

/// Entry of a worker: ends when the parent closes the queues.
pub(crate) fn work((number, blocks, frames): (u32, Queue<Block>, Queue<Frame>)) {
    for block in &blocks {
        if answer(number, &block, &frames).is_err() {
            // The parent has all the answers it needs.
            return;
        }
    }
}

fn answer(number: u32, block: &Block, frames: &Queue<Frame>) -> crossproc::Result<()> {
    let text = block.text();
    let lines = text.iter().filter(|&&byte| byte == b'\n').count();
    let mut counts: HashMap<&[u8], u32> = HashMap::with_capacity(text.len() / 16);
    words(text).for_each(|word| *counts.entry(word).or_default() += 1);

    let mut frame = Frame::new(block.id, number, lines as u64);
    for (word, count) in counts {
        if !frame.push(word, count) {
            frames.send(frame)?;
            frame.next_part();
            assert!(frame.push(word, count), "a word fits into an empty frame");
        }
    }
    frame.set_last();
    Ok(frames.send(frame)?)
}
