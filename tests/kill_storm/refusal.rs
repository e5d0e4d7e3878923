//! System calls that are refused, as container sandboxes do.
#![allow(unsafe_code)] // seccomp(2)

use std::ffi::c_ulong;
use std::io;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    Nothing,
    Membarrier,
    FutexWaitv,
}

impl Refusal {
    /// From here on the kernel refuses the call to every thread of this process.
    pub(crate) fn impose(self) {
        let (call, error) = match self {
            Refusal::Nothing => return,
            Refusal::Membarrier => (libc::SYS_membarrier, libc::EPERM),
            Refusal::FutexWaitv => (libc::SYS_futex_waitv, libc::ENOSYS),
        };
        let step = |code, jump_if_not, operand: u32| libc::sock_filter {
            code: code as u16,
            jt: 0,
            jf: jump_if_not,
            k: operand,
        };
        // A `struct seccomp_data` begins with the call's number.
        let mut filter = [
            step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
            step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, call as u32),
            step(
                libc::BPF_RET | libc::BPF_K,
                0,
                libc::SECCOMP_RET_ERRNO | error as u32,
            ),
            step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
        ];
        let program = libc::sock_fprog {
            len: filter.len() as u16,
            filter: filter.as_mut_ptr(),
        };
        let mode = c_ulong::from(libc::SECCOMP_SET_MODE_FILTER);
        // SAFETY: the program and its filter outlive the calls, which copy them.
        let refused = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                || libc::syscall(
                    libc::SYS_seccomp,
                    mode,
                    libc::SECCOMP_FILTER_FLAG_TSYNC,
                    &raw const program,
                ) != 0
        };
        assert!(!refused, "seccomp: {}", io::Error::last_os_error());
        // SAFETY: with these arguments neither call would do anything if it were let through.
        let answer = unsafe { libc::syscall(call, 0, 0, 0, 0, 0) };
        let found = io::Error::last_os_error().raw_os_error();
        assert_eq!(
            (answer, found),
            (-1, Some(error)),
            "{self:?} is refused now"
        );
    }
}
