//! The namespace.

use crossproc::{Manager, Namespace};

use crate::change::{Change, Changing, Subject};
use crate::scenario::{Density, Row};

const SAMPLED: Density = Density {
    skip: 0,
    stride: 47,
    every: 5_000,
    reach: 5_000,
};

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let row = |operation, state: &'static str, begin, change| {
        // Where a name's slot is differs from one namespace to the next.
        Row::new(operation, state, move || Changing::new(Change { begin, change, before: None })).density(SAMPLED).unsteady()
    };
    vec![
        row("namespace set", "the first", |_, _| {}, set),
        row("namespace set", "another", two, set),
        row("namespace set", "the table is full", six, set),
        row("namespace set", "of another type", two, set_other),
        row("namespace remove", "one of two", two, remove),
        row("namespace update", "one of two", two, update),
        row("namespace clear", "two are there", two, clear),
    ]
}

fn two(_: &Manager, namespace: &Namespace) {
    with(namespace, 2);
}

fn six(_: &Manager, namespace: &Namespace) {
    with(namespace, 6);
}

fn with(namespace: &Namespace, len: u64) {
    for n in 0..len {
        namespace.set(NAMES[n as usize], &n).expect("there is room");
    }
}

const NAMES: [&str; 7] = ["count", "depth", "limit", "a", "b", "c", "title"];

fn set(namespace: &Namespace) {
    namespace.set("title", &7u64).expect("there is room");
}

fn set_other(namespace: &Namespace) {
    namespace
        .set("depth", &"deep".to_owned())
        .expect("there is room");
}

fn remove(namespace: &Namespace) {
    assert!(namespace.remove("depth").expect("it is sound"));
}

fn update(namespace: &Namespace) {
    let add = |depth: Option<u64>| depth.map(|depth| depth + 10);
    namespace.update("depth", add).expect("it is a number");
}

fn clear(namespace: &Namespace) {
    namespace.clear().expect("it is empty");
}

impl Subject for Namespace {
    /// Of each name, if there is an attribute: the number, or else the text.
    type Content = Vec<Option<Result<u64, String>>>;

    fn open(manager: &Manager) -> Self {
        manager.namespace("namespace").expect("a namespace")
    }

    fn peek(&self) -> Self::Content {
        let get = |name: &&str| match self.get::<u64>(name) {
            Ok(number) => number.map(Ok),
            Err(_) => self.get(name).expect("it is a text").map(Err),
        };
        NAMES.iter().map(get).collect()
    }

    fn look(&self) -> Self::Content {
        let names = self.names().expect("it is sound");
        let all = self.peek();
        let is_there = |name: &&str| names.contains(&(*name).to_owned());
        assert!(
            NAMES
                .iter()
                .map(is_there)
                .eq(all.iter().map(Option::is_some))
        );
        assert_eq!(self.len(), names.len());
        all
    }

    fn exercise(&self) {
        for n in 0..40u64 {
            self.set(&format!("number {n}"), &n).expect("there is room");
        }
        for n in 0..40u64 {
            assert!(self.remove(&format!("number {n}")).expect("it is sound"));
        }
    }

    fn clear(&self) {
        clear(self);
    }

    fn repairs(&self) -> u64 {
        Namespace::repairs(self)
    }
}
