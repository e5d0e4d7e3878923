//! A queue whose words are overwritten while it is used.
#![no_main]

#[path = "../../tests/scenario/hostile_queue.rs"]
mod hostile_queue;
#[path = "../../tests/scenario/input.rs"]
mod input;
#[path = "../../tests/scenario/segment_file.rs"]
mod segment_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile_queue::run(&format!("fuzz-{}", std::process::id()), bytes);
});
