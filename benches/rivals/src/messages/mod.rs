//! The second family: bytes and messages of any size, between two processes.

mod descriptor;
mod iceoryx;
mod loans;
mod page;
mod streams;
mod wakes;

use std::time::Duration;

use crate::contest::Family;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

pub fn family() -> Family {
    let mut contests = Vec::new();
    contests.extend([64, 4 * KIB, 64 * KIB, MIB, 16 * MIB].map(streams::contest));
    let sizes = [8, 64, 4 * KIB, MIB, 4 * MIB];
    contests.extend(sizes.map(loans::untouched));
    contests.extend(sizes.map(loans::touched));
    contests.push(wakes::contest());
    Family {
        contests,
        room: "pipes of 512 KiB, the system's of 1 MiB, sockets as they are, queues of 64 MiB",
        wanted: 21,
        limit: Duration::from_secs(100),
    }
}

/// A number of bytes, for people.
fn bytes(count: usize) -> String {
    match count {
        ..KIB => format!("{count} B"),
        KIB..MIB => format!("{} KiB", count / KIB),
        _ => format!("{} MiB", count / MIB),
    }
}
