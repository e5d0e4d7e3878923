//! A pipe whose words and bytes are overwritten while it is used.
#![no_main]

#[path = "../../tests/scenario/hostile_pipe.rs"]
mod hostile_pipe;
#[path = "../../tests/scenario/input.rs"]
mod input;
#[path = "../../tests/scenario/segment_file.rs"]
mod segment_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile_pipe::run(&format!("fuzz-{}", std::process::id()), bytes);
});
