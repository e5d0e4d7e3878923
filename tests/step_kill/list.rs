//! The list.

use crossproc::{List, Manager};

use crate::change::{Change, Changing, FILLER, Subject};
use crate::scenario::{Density, Row};

type Values = List<String>;

/// Those that change one element.
const SHORT: Density = Density {
    skip: 0,
    stride: 41,
    every: 4_000,
    reach: 4_000,
};
/// Those that copy the table.
const LONG: Density = Density {
    skip: 0,
    stride: 151,
    every: 8_000,
    reach: 8_000,
};
/// Those that ask the system for memory.
const COMMITS: Density = Density {
    skip: 0,
    stride: 307,
    every: 8_000,
    reach: 8_000,
};
/// Whoever finds a dead owner lists all memory anew.
const RECOVERY: Density = Density {
    skip: 0,
    stride: 1_201,
    every: 20_000,
    reach: 20_000,
};

/// What somebody was doing that died, in which state of the list.
type Death = (&'static str, fn(&Manager, &Values), fn(&Values));

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    // Unsteady: a manager's seed is random, and with it in which order its pages were taken, so no two ways are equally long.
    let row = |operation, state: &'static str, density, begin, change| {
        Row::new(operation, state, move || Changing::new(Change { begin, change, before: None })).density(density).unsteady()
    };
    let mut rows = vec![
        row("list push", "the first", LONG, nothing, push),
        row("list push", "there is room", SHORT, three, push),
        row("list push", "the table is full", LONG, full_table, push),
        row("list push", "the page is full", SHORT, full_page, push),
        row("list push", "no page is left", COMMITS, all_pages, push_long),
        row("list extend", "there is room", LONG, three, extend),
        row("list extend", "the table is too small", LONG, full_table, extend),
        row("list pop", "three are there", SHORT, three, pop),
        row("list pop", "the only one", SHORT, one, pop),
        row("list truncate", "the table is too large", LONG, many, truncate),
        row("list set", "one of three", SHORT, three, set),
        row("list set", "a page for the new one", COMMITS, all_pages, set_long),
        row("list update", "one of three", LONG, three, update),
        row("list insert", "in the middle", LONG, three, insert),
        row("list insert", "the table is full", LONG, full_table, insert),
        row("list remove", "in the middle", LONG, full_table, remove),
        row("list remove", "the last", SHORT, three, remove_last),
        row("list swap", "three are there", LONG, three, swap),
        row("list sort", "six in another order", LONG, full_table, sort),
        row("list clear", "six are there", LONG, full_table, clear),
    ];
    let deaths: [Death; 4] = [
        ("extend", full_table, extend),
        ("truncate", many, truncate),
        ("insert", full_table, insert),
        ("set", full_table, set),
    ];
    for (what, begin, before) in deaths {
        for eighths in [5, 7] {
            let state = format!("one died after {eighths}/8 of {what}");
            rows.push(Row::new("list push", state, move || {
                Changing::new(Change { begin, change: push, before: Some((before, eighths)) })
            }).density(RECOVERY).unsteady());
        }
    }
    rows
}

/// Of different lengths, sorted by the first letter.
fn value(n: usize) -> String {
    let letter = char::from(b'A' + n as u8);
    letter.to_string().repeat(10 + n % 3 * 40)
}

/// A page's worth.
fn long() -> String {
    "x".repeat(3000)
}

fn with(list: &Values, len: usize) {
    list.extend((0..len).rev().map(value))
        .expect("there is room");
}

fn nothing(_: &Manager, _: &Values) {}

fn one(_: &Manager, list: &Values) {
    with(list, 1);
}

fn three(_: &Manager, list: &Values) {
    with(list, 3);
}

fn full_table(_: &Manager, list: &Values) {
    with(list, 6);
}

fn many(_: &Manager, list: &Values) {
    with(list, 20);
}

/// Of records as long as the one that is appended.
fn full_page(_: &Manager, list: &Values) {
    let page = vec![value(7); 4096 / 64];
    list.extend(&page).expect("there is room");
}

/// The next page has to be committed.
fn all_pages(manager: &Manager, list: &Values) {
    with(list, 3);
    let filler = manager.list::<u8>(FILLER).expect("a list");
    loop {
        let memory = manager.memory().expect("it is sound");
        if memory.used == memory.committed {
            break;
        }
        filler.extend([0; 256]).expect("there is room");
    }
}

fn push(list: &Values) {
    list.push(&value(7)).expect("there is room");
}

fn push_long(list: &Values) {
    list.push(&long()).expect("there is room");
}

fn extend(list: &Values) {
    let values = [value(10), value(11), value(12)];
    list.extend(&values).expect("there is room");
}

fn pop(list: &Values) {
    assert_eq!(list.pop(), Ok(Some(value(0))));
}

fn truncate(list: &Values) {
    list.truncate(2).expect("it is shorter");
}

fn set(list: &Values) {
    list.set(1, &value(20)).expect("there is one");
}

fn set_long(list: &Values) {
    list.set(1, &long()).expect("there is one");
}

fn update(list: &Values) {
    let longer = |value: String| value + "longer";
    list.update(1, longer).expect("there is one");
}

fn insert(list: &Values) {
    list.insert(1, &value(21)).expect("there are more");
}

fn remove(list: &Values) {
    list.remove(1).expect("there is one");
}

fn remove_last(list: &Values) {
    assert_eq!(list.remove(2), Ok(value(0)));
}

fn swap(list: &Values) {
    list.swap(0, 2).expect("there are three");
}

fn sort(list: &Values) {
    list.sort_by_key(|value| value.as_bytes()[0])
        .expect("they are sorted");
}

fn clear(list: &Values) {
    list.clear().expect("it is empty");
}

impl Subject for Values {
    type Content = Vec<String>;

    fn open(manager: &Manager) -> Self {
        manager.list("list").expect("a list")
    }

    fn peek(&self) -> Self::Content {
        let len = self.len().expect("it is sound");
        let get = |index| self.get(index).expect("it is sound");
        let all = (0..len).map(|index| get(index).expect("there is one"));
        let all: Vec<_> = all.collect();
        assert_eq!(get(len), None);
        assert_eq!(self.last().expect("it is sound").as_ref(), all.last());
        all
    }

    fn look(&self) -> Self::Content {
        self.to_vec().expect("it is sound")
    }

    fn exercise(&self) {
        let before = self.look();
        for n in 0..40 {
            self.push(&value(n)).expect("there is room");
            self.insert(n, &value(n + 1)).expect("there is room");
        }
        for n in (0..40).rev() {
            assert_eq!(self.pop(), Ok(Some(value(n))));
        }
        for n in 0..40 {
            assert_eq!(self.remove(0), Ok(value(n + 1)));
        }
        assert_eq!(self.look(), before);
    }

    fn clear(&self) {
        clear(self);
    }

    fn repairs(&self) -> u64 {
        List::repairs(self)
    }
}
