//! Pipes in asynchronous programs.

use std::future::Future;

use serde::de::DeserializeOwned;

use super::{End, Receiver};
use crate::any;

any::receiving! {
    impl [T: DeserializeOwned] Receiver<T>;
    /// Receives a value. What has come of a long one stays with the receiver, should the future be dropped.
    fn recv_async(self: &mut Self) -> T => try_recv, recv;
    /// Receives until the other side is closed, or dead, and nothing is left.
    fn stream();
}

any::receiving! {
    impl [A, B: DeserializeOwned] End<A, B>;
    /// Receives a value. What has come of a long one stays with this end, should the future be dropped.
    fn recv_async(self: &mut Self) -> B => try_recv, recv;
    /// Receives until the other side is closed, or dead, and nothing is left.
    fn stream();
}
