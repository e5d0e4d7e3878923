//! Any bytes as the file of a segment.
#![no_main]

#[path = "../../tests/scenario/input.rs"]
mod input;
#[path = "../../tests/scenario/opening.rs"]
mod opening;
#[path = "../../tests/scenario/segment_file.rs"]
mod segment_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    opening::run(&format!("fuzz-{}", std::process::id()), bytes);
});
