//! What the model checker says about the algorithms of this module, whoever dies where.
//!
//! They are the real ones, on words of the model checker. Who is inside, who holds what, is counted beside the model, at
//! once with the access that decides it, and must never be too many. What is guarded is two relaxed words, so that
//! a torn or a stale value is seen. Who waits sleeps: a lost wake-up is a deadlock.
//!
//! Of the actors number 0 may be doomed: it dies at its k-th access to the memory, for every k. The kernel then wakes all who
//! sleep; the others must get on, and learn of it where they are told.
//!
//! With `SEEDED_BUG=publish` values must be torn or stale; with `SEEDED_BUG=readers` or `=barrier` a full barrier is missing,
//! and must be missed.

mod lock;
mod permits;
mod readers;
pub(crate) mod scene;
mod seats;
