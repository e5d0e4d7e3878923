//! Many tasks of one function.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use crossproc::Pool;
use crossproc::pool::{JobError, Progress};

fn square(n: u64) -> u64 {
    n * n
}

#[test]
fn results_come_in_order() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let expected: Vec<u64> = (0..100_000).map(square).collect();
    assert_eq!(pool.map(square, 0..100_000).unwrap(), expected);
    let by_one = pool.tasks().chunk_size(1).map(square, 0..5_000).unwrap();
    assert_eq!(by_one, expected[..5_000]);
    let by_many = pool.tasks().chunk_size(777).map(square, 0..5_000).unwrap();
    assert_eq!(by_many, expected[..5_000]);
    assert_eq!(pool.map(square, 0..0).unwrap(), []);
    assert_eq!(
        pool.map(|word: String| word.len(), ["a".to_owned()])
            .unwrap(),
        [1]
    );
}

#[test]
fn results_come_as_they_are_done() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let mut results: Vec<u64> = pool
        .map_unordered(square, 0..10_000)
        .map(Result::unwrap)
        .collect();
    results.sort_unstable();
    assert_eq!(results, (0..10_000).map(square).collect::<Vec<_>>());
    // The first one is slower than all the others together.
    let slow_first = |n: u64| {
        if n == 0 {
            thread::sleep(Duration::from_millis(200));
        }
        n
    };
    let mut unordered = pool.tasks().chunk_size(1).map_unordered(slow_first, 0..10);
    assert_ne!(unordered.next().unwrap().unwrap(), 0);
    assert_eq!(unordered.count(), 9);
}

#[test]
fn functions_of_several_arguments_are_given_tuples() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let sums = pool.starmap(
        |a: u32, b: u32, c: String| a + b + c.len() as u32,
        [(1, 2, "abc".to_owned())],
    );
    assert_eq!(sums.unwrap(), [6]);
}

#[test]
fn inputs_are_taken_as_they_are_needed() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let mut taken = 0;
    let endless = std::iter::from_fn(|| {
        taken += 1;
        Some(taken)
    });
    let first: Vec<u64> = pool
        .tasks()
        .chunk_size(1)
        .map_ordered(square, endless)
        .take(10)
        .map(Result::unwrap)
        .collect();
    assert_eq!(first, (1..=10).map(square).collect::<Vec<_>>());
    assert!(taken < 1100, "{taken} inputs were taken for 10 results");
}

#[test]
fn a_task_that_panics_is_one_error() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let odd_only = |n: u32| {
        assert!(n % 2 == 1, "{n} is even");
        n
    };
    let results: Vec<_> = pool.map_ordered(odd_only, 0..100).collect();
    for (n, result) in results.into_iter().enumerate() {
        match result {
            Ok(result) => assert_eq!((result as usize, n % 2), (n, 1)),
            Err(error) => {
                assert_eq!((error.index, n % 2), (n, 0));
                let JobError::Panicked { message, location } = error.error else {
                    panic!("{error}");
                };
                assert_eq!(message, format!("{n} is even"));
                assert!(location.unwrap().contains("maps.rs"));
            }
        }
    }
    let error = pool.map(odd_only, [1, 3, 5, 6, 7]).unwrap_err();
    assert_eq!(error.index, 3);
    assert_eq!(pool.deaths(), 0);
    assert_eq!(pool.map(odd_only, [1]).unwrap(), [1]);
}

#[test]
fn progress_is_told_until_all_is_done() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let mut told: Vec<Progress> = Vec::new();
    pool.tasks()
        .chunk_size(10)
        .progress(|progress| told.push(progress))
        .map(square, 0..1000)
        .unwrap();
    // What comes at the same time may be told at once.
    assert!(told.array_windows().all(|[one, next]| one.done < next.done));
    assert!(told.iter().all(|progress| progress.total == Some(1000)));
    assert_eq!(told.last().unwrap().done, 1000);
    assert!((1..=100).contains(&told.len()));
}

#[test]
fn large_ones_travel_too() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let reverse = |mut bytes: Vec<u8>| {
        bytes.reverse();
        bytes
    };
    let inputs: Vec<Vec<u8>> = (0..8u8).map(|n| vec![n; 3 << 20]).collect();
    let results = pool.map(reverse, inputs.clone()).unwrap();
    assert!(results == inputs);
}

#[test]
fn a_map_that_is_dropped_stops() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    for _ in 0..20 {
        let mut results = pool.map_unordered(square, 0..);
        assert!(results.next().unwrap().is_ok());
    }
    // Nothing of it is in the way of others.
    assert_eq!(pool.map(square, 0..100).unwrap().len(), 100);
}

#[test]
fn several_threads_map_at_once() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    thread::scope(|scope| {
        for thread in 0..4u64 {
            let pool = &pool;
            scope.spawn(move || {
                let numbers = thread * 1000..(thread + 1) * 1000;
                let results = pool.tasks().chunk_size(3).map(square, numbers.clone());
                assert_eq!(results.unwrap(), numbers.map(square).collect::<Vec<_>>());
            });
        }
    });
}

#[test]
fn every_worker_works() {
    guarded!();
    let pool = Pool::new(3).unwrap();
    let who = |_: u32| {
        thread::sleep(Duration::from_millis(20));
        std::process::id()
    };
    let workers: HashSet<u32> = pool
        .tasks()
        .chunk_size(1)
        .map(who, 0..30)
        .unwrap()
        .into_iter()
        .collect();
    assert_eq!(workers, pool.worker_ids().into_iter().collect());
    assert_eq!(workers.len(), 3);
}
