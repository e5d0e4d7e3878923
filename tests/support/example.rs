//! The programs in `examples/`.

use std::path::PathBuf;
use std::process::Command;

/// The example's program, which `cargo test` puts next to the directory of its tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let example = profile.join("examples").join(name);
    if !example.exists() {
        // `cargo test --test NAME` leaves examples out.
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--example", name, "--target-dir"])
            .arg(profile.parent().expect("target"))
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        // What this test was built with, so as to share it.
        for (feature, is_on) in [
            ("cli", cfg!(feature = "cli")),
            ("async", cfg!(feature = "async")),
        ] {
            if is_on {
                cargo.args(["--features", feature]);
            }
        }
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().expect("cargo starts").success());
    }
    example
}
