//! What a list does, step by step, beside what a `Vec` does.

use crossproc::{List, Manager, UpdateAtError};

use super::input::Input;

const STEPS: u32 = 400;

/// Does what `bytes` say with a list in a manager of this name.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let manager = Manager::options()
        .memory(64 << 20)
        .create(name)
        .expect("a new manager");
    let first = manager.list::<Vec<u8>>("list").expect("a new list");
    let second = Manager::open(name).expect("the same manager");
    let second = second.list("list").expect("the same list");
    manager.unlink().expect("its name");
    let before = manager.memory().expect("it is sound").used;
    let mut model: Vec<Vec<u8>> = Vec::new();
    for n in 0..STEPS {
        if input.is_empty() {
            break;
        }
        let list = [&first, &second][usize::from(input.below(2))];
        step(list, &mut model, &mut input, n);
        compare(list, &model, &mut input, n);
    }
    second.clear().expect("it can be emptied");
    let after = manager.memory().expect("it is sound").used;
    assert_eq!(after, before, "an empty list takes no memory");
}

/// Most are short, some take a page or more.
fn value(input: &mut Input<'_>, n: u32) -> Vec<u8> {
    let len = match input.byte() {
        short @ 0..240 => usize::from(short) / 3,
        long => usize::from(long - 239) * 600,
    };
    vec![n as u8; len]
}

/// An index, sometimes beyond the end.
fn index(input: &mut Input<'_>, model: &[Vec<u8>]) -> usize {
    usize::from(input.byte()) % (model.len() + 2)
}

fn step(list: &List<Vec<u8>>, model: &mut Vec<Vec<u8>>, input: &mut Input<'_>, n: u32) {
    match input.below(24) {
        0..5 => {
            let value = value(input, n);
            assert_eq!(list.push(&value), Ok(()), "step {n}");
            model.push(value);
        }
        5..8 => assert_eq!(list.pop(), Ok(model.pop()), "step {n}"),
        8..10 => {
            let (index, value) = (index(input, model), value(input, n));
            let expected = match model.get_mut(index) {
                Some(old) => Ok(std::mem::replace(old, value.clone())),
                None => Err(out_of_bounds(index, model)),
            };
            assert_eq!(list.set(index, &value), expected, "step {n}");
        }
        10..13 => {
            let (index, value) = (index(input, model), value(input, n));
            let expected = match index <= model.len() {
                true => {
                    model.insert(index, value.clone());
                    Ok(())
                }
                false => Err(out_of_bounds(index, model)),
            };
            assert_eq!(list.insert(index, &value), expected, "step {n}");
        }
        13..15 => {
            let index = index(input, model);
            let expected = match index < model.len() {
                true => Ok(model.remove(index)),
                false => Err(out_of_bounds(index, model)),
            };
            assert_eq!(list.remove(index), expected, "step {n}");
        }
        15..17 => {
            let index = index(input, model);
            let longer = |mut value: Vec<u8>| {
                value.push(n as u8);
                value
            };
            let expected = match model.get_mut(index) {
                Some(value) => {
                    *value = longer(std::mem::take(value));
                    Ok(value.clone())
                }
                None => Err(out_of_bounds(index, model)),
            };
            assert_eq!(list.update(index, longer), expected, "step {n}");
        }
        17 | 18 => {
            let values: Vec<Vec<u8>> = (0..input.below(40)).map(|_| value(input, n)).collect();
            assert_eq!(list.extend(&values), Ok(()), "step {n}");
            model.extend(values);
        }
        19 => {
            let len = index(input, model);
            assert_eq!(list.truncate(len), Ok(()), "step {n}");
            model.truncate(len);
        }
        20 | 21 => {
            let (a, b) = (index(input, model), index(input, model));
            let expected = match a.max(b) < model.len() {
                true => {
                    model.swap(a, b);
                    Ok(())
                }
                false => Err(out_of_bounds(a.max(b), model)),
            };
            assert_eq!(list.swap(a, b), expected, "step {n}");
        }
        22 => {
            // Many are equal, and keep their order.
            let key = |value: &Vec<u8>| value.len() / 8;
            assert_eq!(list.sort_by_key(key), Ok(()), "step {n}");
            model.sort_by_key(key);
        }
        _ if input.byte() > 200 => {
            assert_eq!(list.clear(), Ok(()), "step {n}");
            model.clear();
        }
        _ => {}
    }
}

fn out_of_bounds(index: usize, model: &[Vec<u8>]) -> UpdateAtError {
    let len = model.len();
    UpdateAtError::OutOfBounds { index, len }
}

fn compare(list: &List<Vec<u8>>, model: &[Vec<u8>], input: &mut Input<'_>, n: u32) {
    assert_eq!(list.len(), Ok(model.len()), "step {n}");
    assert_eq!(list.is_empty(), Ok(model.is_empty()), "step {n}");
    assert_eq!(list.first(), Ok(model.first().cloned()), "step {n}");
    assert_eq!(list.last(), Ok(model.last().cloned()), "step {n}");
    let (from, to) = (index(input, model), index(input, model));
    assert_eq!(list.get(from), Ok(model.get(from).cloned()), "step {n}");
    let range = from.min(model.len())..to.min(model.len());
    let expected = model.get(range).unwrap_or_default();
    assert_eq!(list.slice(from..to).as_deref(), Ok(expected), "step {n}");
    if n.is_multiple_of(8) {
        assert_eq!(list.to_vec().as_deref(), Ok(model), "step {n}");
        let all: Result<Vec<_>, _> = list.iter().collect();
        assert_eq!(all.as_deref(), Ok(model), "step {n}");
    }
}
