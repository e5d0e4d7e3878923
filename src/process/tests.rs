//! Descriptors and callbacks that travel with arguments.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::abort;
use std::sync::mpsc::{Receiver, Sender, channel};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{JoinError, spawn};
use crate::error::Error;
use crate::travel;

/// What a handle does, and nothing else.
struct Handle {
    fd: OwnedFd,
    told: Option<Sender<&'static str>>,
}

impl Serialize for Handle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let index = travel::send_fd(self.fd.as_fd()).unwrap().unwrap();
        let told = self.told.clone().unwrap();
        travel::on_spawned(move || told.send("spawned").unwrap());
        let told = self.told.clone().unwrap();
        travel::on_lost(move || told.send("lost").unwrap());
        index.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fd = travel::take_fd(u32::deserialize(deserializer)?).unwrap();
        Ok(Handle { fd, told: None })
    }
}

fn handle(fd: impl Into<OwnedFd>) -> (Handle, Receiver<&'static str>) {
    let (told, heard) = channel();
    let (fd, told) = (fd.into(), Some(told));
    (Handle { fd, told }, heard)
}

fn null() -> File {
    File::open("/dev/null").unwrap()
}

/// All that was told, once every callback is gone, called or not.
fn all(heard: &Receiver<&'static str>) -> Vec<&'static str> {
    heard.iter().collect()
}

#[test]
fn descriptors_travel_and_are_closed_here() {
    let (mut reader, writer) = io::pipe().unwrap();
    let (first, heard_first) = handle(null());
    let (second, heard_second) = handle(writer);
    let write = |(_, second): (Handle, Handle)| File::from(second.fd).write_all(b"hello").unwrap();
    let child = spawn(write, (first, second)).unwrap();
    let mut text = String::new();
    // Ends only if nobody here still holds the writing side.
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
    assert_eq!(child.join(), Ok(()));
    assert_eq!(all(&heard_first), ["spawned"]);
    assert_eq!(all(&heard_second), ["spawned"]);
}

#[test]
fn nothing_is_lost_by_a_child_that_fails_later() {
    let (arguments, heard) = handle(null());
    let child = spawn(|_: Handle| -> () { abort() }, arguments).unwrap();
    let signal = libc::SIGABRT;
    assert_eq!(child.join(), Err(JoinError::Killed { signal }));
    assert_eq!(all(&heard), ["spawned"]);
}

/// Ends the child, or its unpacking, in the middle.
#[derive(Serialize)]
enum Mine {
    Aborts,
    Panics,
    Fails,
}

impl<'de> Deserialize<'de> for Mine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            0 => abort(),
            1 => panic!("while unpacking"),
            _ => Err(serde::de::Error::custom("will not come")),
        }
    }
}

#[test]
fn what_a_child_has_not_unpacked_is_lost_by_the_time_it_is_joined() {
    for mine in [Mine::Aborts, Mine::Panics, Mine::Fails] {
        let (handle, heard) = handle(null());
        let mut child = spawn(|_: (Handle, Mine)| (), (handle, mine)).unwrap();
        let error = child.join_timeout(std::time::Duration::MAX).unwrap_err();
        let told: Vec<_> = heard.try_iter().collect();
        assert_eq!(told, ["spawned", "lost"], "{error:?}");
        assert!(matches!(
            error,
            JoinError::NeverStarted { .. }
                | JoinError::Panicked { .. }
                | JoinError::Arguments { .. }
        ));
    }
}

#[test]
fn a_dropped_child_that_has_not_unpacked_loses_it_too() {
    let (handle, heard) = handle(null());
    drop(spawn(|_: (Handle, Mine)| (), (handle, Mine::Aborts)).unwrap());
    assert_eq!(all(&heard), ["spawned", "lost"]);
}

#[test]
fn without_a_child_nothing_is_told() {
    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("will not go"))
        }
    }
    impl<'de> Deserialize<'de> for Refuses {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Refuses)
        }
    }
    let (handle, heard) = handle(null());
    let refused = spawn(|_: (Handle, Refuses)| (), (handle, Refuses));
    assert!(matches!(refused, Err(Error::Arguments { .. })));
    assert!(all(&heard).is_empty());
}
