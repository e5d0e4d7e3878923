//! One way to send or receive, with its four verbs: never blocking, blocking, blocking up to, blocking until.

/// For one that takes `(&mut self, arguments…, Patience)` and gives a [`Refused`](super::inlet::Refused) as its error. `within` is the
/// method, or the path to it on something that the handle has.
macro_rules! sending {
    (
        $(#[$doc:meta])*
        $self:ident.$($within:ident).+($($argument:ident: $type:ty),*) -> $result:ty;
        $try:ident, $blocking:ident, $timeout:ident, $deadline:ident;
        $(#[$note:meta])*
    ) => {
        $(#[$doc])*
        ///
        /// Never blocks.
        $(#[$note])*
        ///
        /// # Errors
        ///
        /// [`Full`](TrySendError::Full), [`Closed`](TrySendError::Closed) if the other side was closed,
        /// [`PeerDied`](TrySendError::PeerDied) if its process was killed, or [`Fault`](TrySendError::Fault).
        pub fn $try(&mut $self $(, $argument: $type)*) -> std::result::Result<$result, $crate::TrySendError<()>> {
            $self.$($within).+($($argument,)* $crate::wait::Patience::None)
        }

        $(#[$doc])*
        ///
        /// Blocks while there is no room.
        ///
        /// # Errors
        ///
        /// [`Closed`](SendError::Closed), [`PeerDied`](SendError::PeerDied) or [`Fault`](SendError::Fault), as when it does not block, also if
        /// it happens meanwhile.
        pub fn $blocking(&mut $self $(, $argument: $type)*) -> std::result::Result<$result, $crate::SendError<()>> {
            $self.$($within).+($($argument,)* $crate::wait::Patience::Forever)
                .map_err(|refused| refused.of_send(()))
        }

        $(#[$doc])*
        ///
        /// Blocks while there is no room, up to `timeout`.
        ///
        /// # Errors
        ///
        /// [`Timeout`](SendTimeoutError::Timeout), and those of blocking for ever.
        pub fn $timeout(
            &mut $self,
            $($argument: $type,)*
            timeout: std::time::Duration,
        ) -> std::result::Result<$result, $crate::SendTimeoutError<()>> {
            $self.$($within).+($($argument,)* $crate::wait::Patience::timeout(timeout))
                .map_err(|refused| refused.of_send_timeout(()))
        }

        $(#[$doc])*
        ///
        /// Blocks while there is no room, until `deadline`.
        ///
        /// # Errors
        ///
        /// [`Timeout`](SendTimeoutError::Timeout), and those of blocking for ever.
        pub fn $deadline(
            &mut $self,
            $($argument: $type,)*
            deadline: std::time::Instant,
        ) -> std::result::Result<$result, $crate::SendTimeoutError<()>> {
            $self.$($within).+($($argument,)* $crate::wait::Patience::Until(deadline))
                .map_err(|refused| refused.of_send_timeout(()))
        }
    };
}
pub(super) use sending;

/// The same of one that gives a [`TryRecvError`](crate::TryRecvError).
macro_rules! receiving {
    (
        $(#[$doc:meta])*
        $self:ident.$($within:ident).+($($argument:ident: $type:ty),*) -> $result:ty;
        $try:ident, $blocking:ident, $timeout:ident, $deadline:ident;
    ) => {
        $(#[$doc])*
        ///
        /// Never blocks.
        ///
        /// # Errors
        ///
        /// [`Empty`](TryRecvError::Empty); [`Closed`](TryRecvError::Closed) if nothing is left and the other side was closed;
        /// [`PeerDied`](TryRecvError::PeerDied) if nothing is left and its process was killed; or [`Fault`](TryRecvError::Fault).
        pub fn $try(&mut $self $(, $argument: $type)*) -> std::result::Result<$result, $crate::TryRecvError> {
            $self.$($within).+($($argument,)* $crate::wait::Patience::None)
        }

        $(#[$doc])*
        ///
        /// Blocks while there is nothing.
        ///
        /// # Errors
        ///
        /// [`Closed`](RecvError::Closed), [`PeerDied`](RecvError::PeerDied) or [`Fault`](RecvError::Fault), as when it does not block, also if
        /// it happens meanwhile.
        pub fn $blocking(&mut $self $(, $argument: $type)*) -> std::result::Result<$result, $crate::RecvError> {
            $self.$($within).+($($argument,)* $crate::wait::Patience::Forever)
                .map_err($crate::TryRecvError::of_recv)
        }

        $(#[$doc])*
        ///
        /// Blocks while there is nothing, up to `timeout`.
        ///
        /// # Errors
        ///
        /// [`Timeout`](RecvTimeoutError::Timeout), and those of blocking for ever.
        pub fn $timeout(
            &mut $self,
            $($argument: $type,)*
            timeout: std::time::Duration,
        ) -> std::result::Result<$result, $crate::RecvTimeoutError> {
            $self.$($within).+($($argument,)* $crate::wait::Patience::timeout(timeout))
                .map_err($crate::TryRecvError::of_recv_timeout)
        }

        $(#[$doc])*
        ///
        /// Blocks while there is nothing, until `deadline`.
        ///
        /// # Errors
        ///
        /// [`Timeout`](RecvTimeoutError::Timeout), and those of blocking for ever.
        pub fn $deadline(
            &mut $self,
            $($argument: $type,)*
            deadline: std::time::Instant,
        ) -> std::result::Result<$result, $crate::RecvTimeoutError> {
            $self.$($within).+($($argument,)* $crate::wait::Patience::Until(deadline))
                .map_err($crate::TryRecvError::of_recv_timeout)
        }
    };
}
pub(super) use receiving;
