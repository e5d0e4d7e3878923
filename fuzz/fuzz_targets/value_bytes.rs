//! Values and arrays whose words are overwritten while they are used.
#![no_main]

#[path = "../../tests/scenario/hostile_sync.rs"]
#[allow(
    dead_code,
    reason = "what locks and the like do is tried by another target"
)]
mod hostile_sync;
#[path = "../../tests/scenario/hostile_values.rs"]
mod hostile_values;
#[path = "../../tests/scenario/input.rs"]
mod input;
#[path = "../../tests/scenario/segment_file.rs"]
mod segment_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile_values::run(&format!("fuzz-{}", std::process::id()), bytes);
});
