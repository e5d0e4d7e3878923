//! What a process can set for itself.

use std::ffi::CString;
use std::io;

use rustix::process::{Resource, Rlimit, nice, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity, set_name};

/// The name of the calling thread; that of the main thread is the process's. The kernel keeps its first 15 bytes.
pub(crate) fn set_thread_name(name: &str) -> io::Result<()> {
    Ok(set_name(&CString::new(name)?)?)
}

/// Binds the calling thread, and those that it will start, to these processors and no others.
///
/// The kernel leaves out processors that there are not, or that the process may not use, as long as one is left. Here they are an error.
pub(crate) fn set_affinity(processors: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for processor in processors {
        if *processor >= CpuSet::MAX_CPU {
            return Err(no_processor(*processor));
        }
        set.set(*processor);
    }
    sched_setaffinity(None, &set)?;
    let found = sched_getaffinity(None)?;
    match processors.iter().find(|one| !found.is_set(**one)) {
        Some(processor) => Err(no_processor(*processor)),
        None => Ok(()),
    }
}

fn no_processor(number: usize) -> io::Error {
    let reason = format!("this process has no processor {number}");
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

/// Adds to the niceness.
pub(crate) fn add_niceness(increment: i32) -> io::Result<()> {
    nice(increment)?;
    Ok(())
}

/// `None` is no limit.
pub(crate) fn set_limit(
    resource: Resource,
    soft: Option<u64>,
    hard: Option<u64>,
) -> io::Result<()> {
    let limit = Rlimit {
        current: soft,
        maximum: hard,
    };
    Ok(setrlimit(resource, limit)?)
}
