//! What a queue does, step by step, beside what a `VecDeque` does.

use std::collections::VecDeque;
use std::time::Duration;

use crossproc::{
    Queue, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};

use super::input::Input;
use super::numbered::Numbered;

const STEPS: u32 = 400;

/// Does what `bytes` say with a queue of this name.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.below(4) {
        0 => session::<u8>(name, &mut input),
        1 => session::<[u8; 3]>(name, &mut input),
        2 => session::<[u64; 9]>(name, &mut input),
        _ => session::<u64>(name, &mut input),
    }
}

struct Model<T> {
    values: VecDeque<T>,
    capacity: usize,
    closed: bool,
}

impl<T: Copy> Model<T> {
    fn try_send(&mut self, value: T) -> Result<(), TrySendError<T>> {
        if self.closed {
            return Err(TrySendError::Closed(value));
        }
        if self.values.len() == self.capacity {
            return Err(TrySendError::Full(value));
        }
        self.values.push_back(value);
        Ok(())
    }

    fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.values.pop_front().ok_or(if self.closed {
            TryRecvError::Closed
        } else {
            TryRecvError::Empty
        })
    }

    /// What blocks in the model would block for ever in the test.
    fn send(&mut self, value: T) -> Option<Result<(), SendError<T>>> {
        match self.try_send(value) {
            Ok(()) => Some(Ok(())),
            Err(TrySendError::Closed(value)) => Some(Err(SendError::Closed(value))),
            Err(_) => None,
        }
    }

    fn recv(&mut self) -> Option<Result<T, RecvError>> {
        match self.try_recv() {
            Ok(value) => Some(Ok(value)),
            Err(TryRecvError::Closed) => Some(Err(RecvError::Closed)),
            Err(_) => None,
        }
    }
}

fn session<T: Numbered>(name: &str, input: &mut Input<'_>) {
    let capacity = usize::from(1 + input.below(20));
    let first = Queue::<T>::create(name, capacity).expect("a new queue");
    let second = Queue::open(name).expect("the same queue");
    first.unlink().expect("its name");
    let clone = second.clone();
    let mut model = Model {
        values: VecDeque::new(),
        capacity,
        closed: false,
    };
    for n in 0..STEPS {
        if input.is_empty() {
            break;
        }
        let queue = [&first, &second, &clone][usize::from(input.below(3))];
        let value = T::nth(n);
        match input.below(32) {
            0..10 => assert_eq!(queue.try_send(value), model.try_send(value), "step {n}"),
            10..20 => assert_eq!(queue.try_recv(), model.try_recv(), "step {n}"),
            20..22 => {
                if let Some(expected) = model.send(value) {
                    assert_eq!(queue.send(value), expected, "step {n}");
                }
            }
            22..24 => {
                if let Some(expected) = model.recv() {
                    assert_eq!(queue.recv(), expected, "step {n}");
                }
            }
            24 | 25 => {
                let expected = model
                    .send(value)
                    .map_or(Err(SendTimeoutError::Timeout(value)), |outcome| {
                        outcome.map_err(|error| SendTimeoutError::Closed(error.into_inner()))
                    });
                let sent = queue.send_timeout(value, Duration::ZERO);
                assert_eq!(sent, expected, "step {n}");
            }
            26 | 27 => {
                let expected = model
                    .recv()
                    .map_or(Err(RecvTimeoutError::Timeout), |outcome| {
                        outcome.map_err(|_| RecvTimeoutError::Closed)
                    });
                let received = queue.recv_timeout(Duration::ZERO);
                assert_eq!(received, expected, "step {n}");
            }
            28 => {
                let most = usize::from(input.below(30));
                let received: Vec<T> = queue.try_iter().take(most).collect();
                let expected: Vec<T> = (0..most).map_while(|_| model.try_recv().ok()).collect();
                assert_eq!(received, expected, "step {n}");
            }
            29 if input.byte() > 200 => {
                queue.close();
                model.closed = true;
            }
            _ => {}
        }
        let len = model.values.len();
        assert_eq!(queue.len(), len, "step {n}");
        assert_eq!(queue.is_empty(), len == 0, "step {n}");
        assert_eq!(queue.is_full(), len == capacity, "step {n}");
        assert_eq!(queue.is_closed(), model.closed, "step {n}");
    }
    first.close();
    assert_eq!(clone.iter().collect::<Vec<T>>(), Vec::from(model.values));
    assert_eq!(second.repairs(), 0);
}
