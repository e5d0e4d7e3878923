//! Plain values in serialised form.

use std::fmt::Debug;

use bytemuck::{CheckedBitPattern, NoUninit};
use crossproc::{Element, ObjectQueue, Plain, process};
use serde::{Deserialize, Serialize};

/// None of serde's traits.
#[derive(Clone, Copy, Debug, PartialEq, NoUninit, CheckedBitPattern)]
#[repr(C)]
struct Point {
    x: f64,
    y: f64,
    up: u8,
    pad: [u8; 7],
}

const HERE: Point = Point {
    x: 1.5,
    y: -0.0,
    up: 1,
    pad: [0; 7],
};

fn through_json<T: Element + PartialEq + Debug>(value: T) {
    let text = serde_json::to_string(&Plain(value)).unwrap();
    let back: Plain<T> = serde_json::from_str(&text).unwrap();
    assert_eq!(back, Plain(value));
}

#[test]
fn formats_without_bytes_have_lists() {
    guarded!();
    assert_eq!(serde_json::to_string(&Plain(258u16)).unwrap(), "[2,1]");
    through_json(7u8);
    through_json(u128::MAX);
    through_json('ß');
    through_json(HERE);
    through_json(());
    through_json([1u16; 500]);
}

#[test]
fn what_is_no_value_is_refused() {
    guarded!();
    let read = |text| serde_json::from_str::<Plain<char>>(text).map_err(|e| e.to_string());
    assert_eq!(read("[97,0,0,0]"), Ok(Plain('a')));
    for (text, says) in [
        (
            "[97,0,0,0,0]",
            "invalid length 5, expected 4 bytes that are a valid value",
        ),
        (
            "[97]",
            "invalid length 1, expected 4 bytes that are a valid value",
        ),
        ("[0,0,17,0]", "not 4 bytes that are a valid value"),
        ("[97,300]", "invalid value: integer `300`, expected u8"),
        (
            "7",
            "invalid type: integer `7`, expected 4 bytes that are a valid value",
        ),
    ] {
        let refused = read(text).unwrap_err();
        assert!(refused.starts_with(says), "{text}: {refused}");
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Named {
    name: String,
    at: Plain<Point>,
}

#[test]
fn they_go_where_objects_go() {
    guarded!();
    let queue = ObjectQueue::<Named>::new(1 << 14).unwrap();
    let sent = |name: &str| Named {
        name: name.into(),
        at: HERE.into(),
    };
    queue.send(&sent("one")).unwrap();
    let child = process::spawn(
        |(queue, point): (ObjectQueue<Named>, Plain<Point>)| {
            let Named { name, at } = queue.recv().unwrap();
            assert_eq!(at, point);
            queue
                .send(&Named {
                    name: name + "!",
                    at,
                })
                .unwrap();
            Plain([at.x; 3])
        },
        (queue.clone(), Plain(HERE)),
    );
    assert_eq!(*child.unwrap().join().unwrap(), [1.5; 3]);
    assert_eq!(queue.recv(), Ok(sent("one!")));
}
