//! Dicts beside a `HashMap`.
#![no_main]

#[path = "../../tests/scenario/input.rs"]
mod input;
#[path = "../../tests/scenario/model_dict.rs"]
mod model_dict;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    model_dict::run(&format!("fuzz-{}", std::process::id()), bytes);
});
