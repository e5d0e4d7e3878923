//! Whether a process sleeps where others can wake it.
//!
//! Include it where it is needed: `#[path = "../support/asleep.rs"] mod asleep;`.

use std::ffi::{c_int, c_long};
use std::fs;

/// Whether the main thread of process `pid` sleeps in a futex that other processes can wake.
///
/// Exact: a wake-up changes the sleeper's state before the waker goes on, so a process seen asleep
/// after a wake-up that was meant for it did not get it.
pub(crate) fn is_asleep(pid: u32) -> bool {
    // Of a process just woken the kernel still tells the system call it slept in, so it takes one
    // and the same sleep around that.
    let before = sleep(pid);
    before.is_some() && is_in_shared_futex(pid) && sleep(pid) == before
}

/// Which of its sleeps it is in.
fn sleep(pid: u32) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name));
    let sleeps = field("State:")?.trim_start().starts_with('S');
    let count = field("voluntary_ctxt_switches:")?;
    sleeps.then(|| count.to_owned())
}

fn is_in_shared_futex(pid: u32) -> bool {
    // "running", or the number of the system call and its arguments.
    let Ok(doing) = fs::read_to_string(format!("/proc/{pid}/syscall")) else {
        return false;
    };
    let mut fields = doing.split_ascii_whitespace();
    let call: Option<c_long> = fields.next().and_then(|number| number.parse().ok());
    match call {
        Some(libc::SYS_futex_waitv) => true,
        Some(libc::SYS_futex) => {
            let operation = fields.nth(1).and_then(|field| field.strip_prefix("0x"));
            let operation = operation.and_then(|digits| c_int::from_str_radix(digits, 16).ok());
            operation.is_some_and(|operation| operation & libc::FUTEX_PRIVATE_FLAG == 0)
        }
        _ => false,
    }
}
