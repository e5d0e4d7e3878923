//! Messages: every one that is sent is received once, undamaged, in order.

mod audit;
mod ledger;
mod message;
mod queue;
mod saboteur;
mod shortfall;
mod sized;
mod spsc;
mod subject;
mod traffic;
mod worker;

pub(super) use message::{Key, Message, open, seal};
pub(super) use queue::Queue;
pub(super) use sized::{Jobs, Messages, Objects};
pub(super) use spsc::Spsc;
pub(super) use traffic::run;
