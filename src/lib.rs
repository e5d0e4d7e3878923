//! Crash-tolerant, lock-free queues and rings in shared memory, between processes.

#[cfg(all(not(loom), not(target_os = "linux")))]
compile_error!("crossproc needs Linux");

mod atomic;
pub mod queue;
pub mod spsc;
mod sync;

#[cfg(not(loom))]
mod element;
#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
mod handle;
#[cfg(not(loom))]
mod keeper;
#[cfg(not(loom))]
mod liveness;
#[cfg(not(loom))]
mod platform;
#[cfg(not(loom))]
pub mod process;
#[cfg(not(loom))]
mod refusal;
#[cfg(not(loom))]
mod segment;
#[cfg(not(loom))]
#[doc(hidden)]
pub mod testing;
#[cfg(not(loom))]
mod travel;

#[cfg(not(loom))]
pub use bytemuck;
#[cfg(not(loom))]
pub use element::Element;
#[cfg(not(loom))]
pub use error::{
    Error, Fault, RecvError, RecvTimeoutError, Result, SendError, SendTimeoutError, TryRecvError,
    TrySendError,
};
#[cfg(not(loom))]
pub use process::init;
#[cfg(not(loom))]
pub use queue::Queue;
#[cfg(not(loom))]
pub use segment::{Options, Primitive, unlink};
