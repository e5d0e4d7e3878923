//! What the model checker says about queues of messages: memory is one's at a time and comes back, no message is lost, delivered twice, or torn,
//! and nobody sleeps on, whoever dies where.
//!
//! The operations are the real ones ([`super::delivery`]), on words of the model checker and with a word of the bitmap for three blocks. Each block holds a value of
//! two relaxed words. Actors are processes of one thread; number 0 may be doomed, as in [`crate::sync::model`]. Who sleeps is woken by a ring or by the death: a lost
//! wake-up is a deadlock.
//!
//! With `SEEDED_BUG=messages` a sweeper looks at the announcements once only, and an adopter not at all. With `=wakeups` a sweep is not done again when a word has
//! changed meanwhile, news of a hole are spread before the head has passed it, and holes count as messages to whoever waits for none to be left.

mod memory;
mod site;
mod transfer;
