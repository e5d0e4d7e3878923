//! A manager, a dict, a list and a namespace whose words are overwritten while they are used.
#![no_main]

#[path = "../../tests/scenario/hostile_manager.rs"]
mod hostile_manager;
#[path = "../../tests/scenario/input.rs"]
mod input;
#[path = "../../tests/scenario/segment_file.rs"]
mod segment_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile_manager::run(&format!("fuzz-{}", std::process::id()), bytes);
});
