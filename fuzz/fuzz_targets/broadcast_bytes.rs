//! Rings from which everyone receives, and latest values, whose words are overwritten while they are used.
#![no_main]

#[path = "../../tests/scenario/hostile_broadcast.rs"]
mod hostile_broadcast;
#[path = "../../tests/scenario/input.rs"]
mod input;
#[path = "../../tests/scenario/segment_file.rs"]
mod segment_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile_broadcast::run(&format!("fuzz-{}", std::process::id()), bytes);
});
