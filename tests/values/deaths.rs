//! Who is killed is in nobody's way.

use std::thread;
use std::time::Duration;

use crossproc::Value;

use super::children::{Word, succeeds, until};
use super::forked::fork;
use super::plain::Shared;

/// So many words that most kills hit a writer while it writes them.
type Large = [u64; 500];

fn number(value: Large) -> u64 {
    assert!(value.iter().all(|word| *word == value[0]), "half written");
    value[0]
}

#[test]
fn writers_killed_while_they_write() {
    guarded!();
    const KILLS: u64 = 100;
    let value = Value::new([0u64; 500]).unwrap();
    let said = Shared::<Word>::new();
    let mut last = 0;
    for kill in 0..KILLS {
        let mut writer = fork(|| {
            let mut n = last;
            loop {
                n += 1;
                value.set([n; 500]).unwrap();
                said.set(n);
            }
        });
        until(|| said.get() >= last + 3 && value.get().is_ok());
        thread::sleep(Duration::from_micros(kill * 7 % 50));
        writer.kill();
        let (now, told) = (number(value.get().unwrap()), said.get());
        assert!(now == told || now == told + 1, "{told} was lost: {now}");
        // The next writer waits for nobody.
        last = now + 1;
        assert_eq!(value.replace([last; 500]).map(number), Ok(now));
        said.set(last);
    }
    println!("{} of {KILLS} died with the lock", value.repairs());
}

/// Some count, some are killed while they count: what was said to be counted is.
#[test]
fn updates_by_those_who_live_are_not_lost() {
    guarded!();
    const EACH: u64 = 3000;
    let value = Value::new([0u64; 500]).unwrap();
    let said = Shared::<Word>::new();
    let count = || {
        value
            .update(|old| old.map(|n| n + 1))
            .expect("a place, and a value")
    };
    let mut living = fork(|| {
        (0..EACH).for_each(|_| {
            count();
        })
    });
    let mut dead = 0;
    let mut counted = 0;
    while living.try_wait().is_none() {
        let mut doomed = fork(|| {
            for n in 1.. {
                count();
                said.set(n);
            }
        });
        thread::sleep(Duration::from_micros(500));
        doomed.kill();
        dead += 1;
        counted += said.get();
        said.set(0);
    }
    succeeds(&mut living);
    let total = number(value.get().unwrap());
    let expected = EACH + counted..=EACH + counted + dead;
    assert!(expected.contains(&total), "{total} of {expected:?}");
}
