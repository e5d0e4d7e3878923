//! How handles travel inside the arguments of [`process::spawn`](crate::process::spawn).
//!
//! A descriptor is no serde value: to cross, it goes beside the bytes. While arguments are
//! serialised a *parcel* is open on the thread; a handle's `Serialize` puts its descriptor in and
//! writes down the index it got. The child opens the parcel around deserialisation, and the
//! handle's `Deserialize` takes the descriptor out again by that index. Anywhere else there is no
//! parcel, and the handle's `Serialize` fails.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use serde::de::{self, DeserializeOwned};

type Callback = Box<dyn FnOnce() + Send>;

/// What goes along with one child's arguments.
#[derive(Default)]
pub(crate) struct Parcel {
    /// Close-on-exec in the parent: only that child is given them.
    pub(crate) fds: Vec<OwnedFd>,
    /// To be called once the child process exists.
    pub(crate) on_spawned: Vec<Callback>,
    /// To be called if the child ends without having unpacked the parcel.
    pub(crate) on_lost: Vec<Callback>,
}

impl fmt::Debug for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parcel")
            .field("fds", &self.fds)
            .finish_non_exhaustive()
    }
}

enum Open {
    Outgoing(Parcel),
    Incoming(Vec<Option<OwnedFd>>),
}

thread_local! {
    static OPEN: RefCell<Option<Open>> = const { RefCell::new(None) };
    /// Why the handle that was last refused on this thread was.
    static REFUSAL: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Puts back what was open before, also when the closure unwinds: a `Serialize` may spawn, too.
struct Reopen(Option<Open>);

impl Drop for Reopen {
    fn drop(&mut self) {
        OPEN.set(self.0.take());
    }
}

/// Runs `f` with an empty parcel open on this thread, and returns what was put in.
pub(crate) fn packing<R>(f: impl FnOnce() -> R) -> (R, Parcel) {
    let _before = Reopen(OPEN.replace(Some(Open::Outgoing(Parcel::default()))));
    let value = f();
    match OPEN.take() {
        Some(Open::Outgoing(parcel)) => (value, parcel),
        _ => unreachable!("whatever is opened is put back"),
    }
}

/// Runs `f` with the received descriptors open on this thread; closes those it leaves.
pub(crate) fn unpacking<R>(fds: Vec<OwnedFd>, f: impl FnOnce() -> R) -> R {
    let fds = fds.into_iter().map(Some).collect();
    let _before = Reopen(OPEN.replace(Some(Open::Incoming(fds))));
    f()
}

/// Takes a value out of the bytes of its serialised form and the descriptors that came along; why not, as precisely as is known.
pub(crate) fn unpack<T: DeserializeOwned>(fds: Vec<OwnedFd>, bytes: &[u8]) -> Result<T, String> {
    REFUSAL.take();
    match unpacking(fds, || postcard::take_from_bytes(bytes)) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err("there is more than a value of that type".into()),
        Err(error) => Err(REFUSAL.take().unwrap_or_else(|| error.to_string())),
    }
}

/// For a handle that cannot be made again: an error that says so. The serialised form's own errors are without words, so that the reason is
/// kept beside.
pub(crate) fn refuse<E: de::Error>(reason: impl fmt::Display) -> E {
    REFUSAL.set(Some(reason.to_string()));
    E::custom(reason)
}

/// Puts a duplicate of `fd` into the open parcel; the index to find it by. `None` if none is open.
pub(crate) fn send_fd(fd: BorrowedFd<'_>) -> io::Result<Option<u32>> {
    outgoing(|parcel| {
        let index = parcel.fds.len();
        parcel.fds.push(fd.try_clone_to_owned()?);
        Ok(u32::try_from(index).expect("fewer descriptors than that exist"))
    })
    .transpose()
}

/// Has `f` called in the parent once the child exists, before the arguments are dropped: from then
/// on the child answers for what travelled. Without an open parcel `f` is dropped.
pub(crate) fn on_spawned(f: impl FnOnce() + Send + 'static) {
    outgoing(|parcel| parcel.on_spawned.push(Box::new(f)));
}

/// Has `f` called, on the keeper, if the child ends without having unpacked its arguments, after
/// the `on_spawned` callbacks. A child that is another program is not known to have unpacked them, so that `f` has to find that
/// out. It is dropped uncalled if the child has unpacked them or was never
/// spawned. Without an open parcel `f` is dropped.
pub(crate) fn on_lost(f: impl FnOnce() + Send + 'static) {
    outgoing(|parcel| parcel.on_lost.push(Box::new(f)));
}

/// Takes the descriptor with this index out of the parcel being unpacked. `None` if there is no
/// such parcel or descriptor, or if it has been taken.
pub(crate) fn take_fd(index: u32) -> Option<OwnedFd> {
    OPEN.with_borrow_mut(|open| match open {
        Some(Open::Incoming(fds)) => fds.get_mut(usize::try_from(index).ok()?)?.take(),
        _ => None,
    })
}

fn outgoing<R>(f: impl FnOnce(&mut Parcel) -> R) -> Option<R> {
    OPEN.with_borrow_mut(|open| match open {
        Some(Open::Outgoing(parcel)) => Some(f(parcel)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsFd;

    #[test]
    fn descriptors_are_taken_by_index_once() {
        let file = File::open("/dev/null").unwrap();
        let ((first, second), parcel) = packing(|| {
            (
                send_fd(file.as_fd()).unwrap().unwrap(),
                send_fd(file.as_fd()).unwrap().unwrap(),
            )
        });
        assert_eq!(parcel.fds.len(), 2);
        unpacking(parcel.fds, || {
            assert!(take_fd(second).is_some());
            assert!(take_fd(second).is_none());
            assert!(take_fd(first).is_some());
            assert!(take_fd(99).is_none());
        });
    }

    #[test]
    fn without_a_parcel_nothing_travels() {
        let file = File::open("/dev/null").unwrap();
        assert!(send_fd(file.as_fd()).unwrap().is_none());
        assert!(take_fd(0).is_none());
        // A parcel being unpacked takes nothing in, and one being packed gives nothing out.
        unpacking(vec![], || assert!(send_fd(file.as_fd()).unwrap().is_none()));
        let ((), parcel) = packing(|| {
            send_fd(file.as_fd()).unwrap();
            assert!(take_fd(0).is_none());
        });
        assert_eq!(parcel.fds.len(), 1);
    }

    #[test]
    fn parcels_nest_and_survive_panics() {
        let file = File::open("/dev/null").unwrap();
        let ((), outer) = packing(|| {
            send_fd(file.as_fd()).unwrap();
            let caught = std::panic::catch_unwind(|| packing(|| panic!("while packing")));
            assert!(caught.is_err());
            let ((), inner) = packing(|| on_lost(|| ()));
            assert_eq!((inner.fds.len(), inner.on_lost.len()), (0, 1));
            on_spawned(|| ());
        });
        assert_eq!(
            (outer.fds.len(), outer.on_spawned.len(), outer.on_lost.len()),
            (1, 1, 0)
        );
    }
}
