//! A queue for messages whose words are overwritten while it is used, and while some of its memory is held.
#![no_main]

#[path = "../../tests/scenario/hostile_messages.rs"]
mod hostile_messages;
#[path = "../../tests/scenario/input.rs"]
mod input;
#[path = "../../tests/scenario/segment_file.rs"]
mod segment_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile_messages::run(&format!("fuzz-{}", std::process::id()), bytes);
});
