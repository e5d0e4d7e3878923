//! What is the same for queues of bytes and of objects, whatever they carry.

macro_rules! common {
    (impl $(<$T:ident: $bound:path>)? $name:ident $(<$U:ident>)?) => {
        impl $(<$T: $bound>)? $name $(<$U>)? {
            /// Blocks until nothing is left to do: everything that was sent has been received, and everything on lease acknowledged.
            ///
            /// # Errors
            ///
            /// [`Fault`](crate::Fault).
            pub fn wait_idle(&self) -> std::result::Result<(), crate::Fault> {
                match self.messages.wait_idle(crate::wait::Patience::Forever) {
                    Err(crate::WaitTimeoutError::Timeout) => {
                        unreachable!("without a deadline it waits")
                    }
                    Err(crate::WaitTimeoutError::Fault(fault)) => Err(fault),
                    Ok(()) => Ok(()),
                }
            }

            /// The same, up to `timeout`.
            ///
            /// # Errors
            ///
            /// [`Timeout`](crate::WaitTimeoutError::Timeout), [`Fault`](crate::WaitTimeoutError::Fault).
            pub fn wait_idle_timeout(
                &self,
                timeout: std::time::Duration,
            ) -> std::result::Result<(), crate::WaitTimeoutError> {
                let patience = crate::wait::Patience::timeout(timeout);
                self.messages.wait_idle(patience)
            }

            /// The same, until `deadline`.
            ///
            /// # Errors
            ///
            /// [`Timeout`](crate::WaitTimeoutError::Timeout), [`Fault`](crate::WaitTimeoutError::Fault).
            pub fn wait_idle_deadline(
                &self,
                deadline: std::time::Instant,
            ) -> std::result::Result<(), crate::WaitTimeoutError> {
                let patience = crate::wait::Patience::Until(deadline);
                self.messages.wait_idle(patience)
            }

            /// Closes the queue for everyone: nothing more can be sent, what was sent can still be received, what is on lease may
            /// still come back, and then receivers get `Closed`. Wakes everyone who waits.
            pub fn close(&self) {
                self.messages.close();
            }

            /// Whether it was closed.
            pub fn is_closed(&self) -> bool {
                self.messages.is_closed()
            }

            /// Messages in the queue: sent and not yet received, those being sent at this moment included, and without what is to be
            /// delivered again.
            pub fn len(&self) -> usize {
                self.messages.len()
            }

            /// Whether [`len`](Self::len) is 0.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// How many bytes it has for messages, whole blocks.
            pub fn memory(&self) -> usize {
                self.messages.memory()
            }

            /// How many bytes the longest message has for which there is room at this moment, without what may yet be taken back from
            /// the dead.
            pub fn available(&self) -> usize {
                self.messages.available()
            }

            /// Where the bell is that is rung when there may be something to receive.
            pub(crate) fn bell(&self) -> (&crate::place::Place, usize) {
                (&self.messages.words.place, super::memory::NOT_EMPTY)
            }

            /// Whether a receive would not have to wait.
            pub(crate) fn is_ready(&self) -> bool {
                self.messages.is_ready()
            }
        }

        impl $(<$T: $bound>)? std::fmt::Debug for $name $(<$U>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("name", &self.name())
                    .field("len", &self.len())
                    .field("memory", &self.memory())
                    .field("closed", &self.is_closed())
                    .finish()
            }
        }
    };
}
pub(super) use common;
