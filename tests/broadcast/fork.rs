//! What becomes of handles in a forked child.

use crossproc::{Broadcast, Fault, Latest, Overwriting, RecvError, TryRecvError};

use super::children::succeeds;
use super::forked::fork;

#[test]
fn a_copy_of_a_subscriber_is_void() {
    guarded!();
    let ring = Broadcast::new(4).unwrap();
    let subscriber = ring.subscribe().unwrap();
    ring.send(1u64).unwrap();
    let mut kept = Some(subscriber);
    succeeds(&mut fork(|| {
        let mut copy = kept.take().unwrap();
        assert_eq!(copy.recv(), Err(RecvError::Fault(Fault::RoleLost)));
        // The child subscribes, and sends, under its own name.
        let mut own = ring.subscribe().unwrap();
        drop(copy);
        ring.send(2).unwrap();
        assert_eq!(own.recv(), Ok(2));
    }));
    // Dropping the copy has unsubscribed nobody.
    assert_eq!(ring.subscribers(), 1);
    let mut subscriber = kept.unwrap();
    assert_eq!((subscriber.recv(), subscriber.recv()), (Ok(1), Ok(2)));
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn readers_and_watchers_go_on_in_both() {
    guarded!();
    let (ring, latest) = (Overwriting::new(4).unwrap(), Latest::new(1u8).unwrap());
    let (mut reader, mut watcher) = (ring.reader(), latest.watch());
    ring.send(5u64).unwrap();
    latest.set(2).unwrap();
    let mut look = || {
        assert_eq!(reader.recv().unwrap().value, 5);
        assert_eq!(watcher.changed().unwrap().value, 2);
    };
    succeeds(&mut fork(&mut look));
    look();
}
