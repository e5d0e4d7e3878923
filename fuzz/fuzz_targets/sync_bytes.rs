//! Locks, semaphores, events and the like whose words are overwritten while they are used.
#![no_main]

#[path = "../../tests/scenario/hostile_sync.rs"]
mod hostile_sync;
#[path = "../../tests/scenario/input.rs"]
mod input;
#[path = "../../tests/scenario/segment_file.rs"]
mod segment_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile_sync::run(&format!("fuzz-{}", std::process::id()), bytes);
});
