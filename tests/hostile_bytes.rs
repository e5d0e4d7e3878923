//! Whatever bytes a segment holds, and whoever overwrites them at whatever moment: every operation returns, with a value or an
//! error, and nothing panics. `fuzz/` searches the same scenarios for longer.

mod support;

#[path = "scenario/cases.rs"]
mod cases;
#[path = "scenario/hostile_broadcast.rs"]
mod hostile_broadcast;
#[path = "scenario/hostile_manager.rs"]
mod hostile_manager;
#[path = "scenario/hostile_messages.rs"]
mod hostile_messages;
#[path = "scenario/hostile_pipe.rs"]
mod hostile_pipe;
#[path = "scenario/hostile_queue.rs"]
mod hostile_queue;
#[path = "scenario/hostile_ring.rs"]
mod hostile_ring;
#[path = "scenario/hostile_sync.rs"]
mod hostile_sync;
#[path = "scenario/hostile_values.rs"]
mod hostile_values;
#[path = "scenario/input.rs"]
mod input;
#[path = "scenario/opening.rs"]
mod opening;
#[path = "scenario/segment_file.rs"]
mod segment_file;

#[test]
fn files_are_opened() {
    cases::check("opening", 500, opening::run);
}

#[test]
fn queues_are_overwritten_between_operations() {
    cases::check("hostile-queue", 500, hostile_queue::run);
}

#[test]
fn broadcast_rings_and_latest_values_are_overwritten_between_operations() {
    cases::check("hostile-broadcast", 1000, hostile_broadcast::run);
}

#[test]
fn rings_are_overwritten_between_operations() {
    cases::check("hostile-ring", 500, hostile_ring::run);
}

#[test]
fn pipes_are_overwritten_between_operations() {
    cases::check("hostile-pipe", 500, hostile_pipe::run);
}

#[test]
fn locks_and_the_like_are_overwritten_between_operations() {
    cases::check("hostile-sync", 1000, hostile_sync::run);
}

#[test]
fn values_are_overwritten_between_operations() {
    cases::check("hostile-values", 1000, hostile_values::run);
}

#[test]
fn managers_and_what_is_in_them_are_overwritten_between_operations() {
    cases::check("hostile-manager", 1000, hostile_manager::run);
}

#[test]
fn queues_for_messages_are_overwritten_between_operations() {
    cases::check("hostile-messages", 1000, hostile_messages::run);
}
