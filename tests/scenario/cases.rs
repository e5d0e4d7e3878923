//! Runs a scenario on many inputs, the same ones each time.

use std::time::Duration;
use std::{env, panic, thread};

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

use super::support::{Leaks, unique_name, watchdog};

/// The longest input, in bytes.
const LONGEST: usize = 600;

/// Runs `scenario`, a function of a segment name and the input, on `cases` inputs. `PROPTEST_CASES` asks for another number of
/// them, `PROPTEST_RNG_SEED` for others.
///
/// A case that fails is made smaller, and printed in hexadecimal. That of one that hangs is in the watchdog's message.
pub(crate) fn check(tag: &str, cases: u32, scenario: fn(&str, &[u8])) {
    let _leaks = Leaks::start();
    let environment = Config::default();
    let config = Config {
        cases: match env::var_os("PROPTEST_CASES") {
            Some(_) => environment.cases,
            None => cases,
        },
        rng_seed: match environment.rng_seed {
            RngSeed::Random => RngSeed::Fixed(1),
            chosen => chosen,
        },
        failure_persistence: None,
        ..environment
    };
    let one = |bytes: Vec<u8>| {
        run_one(tag, &bytes, scenario);
        Ok(())
    };
    match TestRunner::new(config).run(&vec(any::<u8>(), 0..LONGEST), one) {
        Ok(()) => {}
        Err(TestError::Fail(reason, bytes)) => {
            panic!("{tag}: {reason}; smallest such input: {}", hex(&bytes))
        }
        Err(TestError::Abort(reason)) => panic!("{tag}: {reason}"),
    }
}

/// On a thread of its own, which joins the segment and leaves it, and whose name the watchdog prints.
fn run_one(tag: &str, bytes: &[u8], scenario: fn(&str, &[u8])) {
    thread::scope(|scope| {
        let case = move || {
            let _watchdog = watchdog(Duration::from_secs(60));
            scenario(&unique_name(tag), bytes);
        };
        let thread = thread::Builder::new().name(format!("{tag} {}", hex(bytes)));
        let outcome = thread.spawn_scoped(scope, case).expect("a thread").join();
        outcome.unwrap_or_else(|panicked| panic::resume_unwind(panicked));
    });
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
