//! Queues and rings beside a `VecDeque`.
#![no_main]

#[path = "../../tests/scenario/input.rs"]
mod input;
#[path = "../../tests/scenario/model_queue.rs"]
mod model_queue;
#[path = "../../tests/scenario/model_ring.rs"]
mod model_ring;
#[path = "../../tests/scenario/numbered.rs"]
mod numbered;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let name = format!("fuzz-{}", std::process::id());
    match bytes.split_first() {
        Some((choice, rest)) if choice % 2 == 0 => model_queue::run(&name, rest),
        Some((_, rest)) => model_ring::run(&name, rest),
        None => {}
    }
});
