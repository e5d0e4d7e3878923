//! File systems without unnamed files: until a segment is complete, it has a name that is in nobody's way.

use std::fs::{self, File};

use crossproc::{Queue, testing};
use rustix::fs::{FlockOperation, flock};

use super::children::succeeds;
use super::directory::Directory;
use super::forked::fork;

#[test]
fn a_provisional_name_does_not_stay() {
    guarded!();
    for directory in Directory::both() {
        let of_the_dead = directory.file(".crossproc-new-0123456789abcdef");
        fs::write(&of_the_dead, "half of it").unwrap();
        let of_the_living = directory.file(".crossproc-new-fedcba9876543210");
        let living = File::create(&of_the_living).unwrap();
        flock(&living, FlockOperation::LockExclusive).unwrap();
        fs::write(directory.file("bystander"), "left alone").unwrap();
        succeeds(&mut fork(|| {
            testing::refuse_unnamed_files(true);
            let path = directory.file("orders");
            let queue = Queue::<u64>::options()
                .capacity(4)
                .create_at(&path)
                .unwrap();
            queue.send(5).unwrap();
            // One that fails leaves nothing either.
            Queue::<u64>::options()
                .capacity(4)
                .create_at(&path)
                .unwrap_err();
        }));
        assert_eq!(
            directory.names(),
            [".crossproc-new-fedcba9876543210", "bystander", "orders"]
        );
        let queue = Queue::<u64>::options()
            .open_at(directory.file("orders"))
            .unwrap();
        assert_eq!(queue.recv().unwrap(), 5);
    }
}
