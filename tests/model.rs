//! Queues and rings do what a `VecDeque` does, lists what a `Vec` does, and dicts what a `HashMap` does: random sequences of operations in one thread,
//! compared at every step.
//! Between threads and processes the other tests take over.

mod support;

#[path = "scenario/cases.rs"]
mod cases;
#[path = "scenario/input.rs"]
mod input;
#[path = "scenario/model_dict.rs"]
mod model_dict;
#[path = "scenario/model_list.rs"]
mod model_list;
#[path = "scenario/model_queue.rs"]
mod model_queue;
#[path = "scenario/model_ring.rs"]
mod model_ring;
#[path = "scenario/numbered.rs"]
mod numbered;

#[test]
fn queues() {
    cases::check("model-queue", 1000, model_queue::run);
}

#[test]
fn dicts() {
    cases::check("model-dict", 1000, model_dict::run);
}

#[test]
fn rings() {
    cases::check("model-ring", 1000, model_ring::run);
}

#[test]
fn lists() {
    cases::check("model-list", 1000, model_list::run);
}
