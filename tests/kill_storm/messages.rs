//! Queues for messages of any size, and for objects: processes are killed while they fill memory, send, receive, and have jobs
//! on lease. A job is never lost, and never acknowledged twice; the memory of the dead comes back.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crossproc::process::spawn;
use crossproc::{MessageQueue, ObjectQueue, RecvError, testing};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::refusal::Refusal;
use crate::tally::{MESSAGES, Message, message};
use crate::{Job, NEVER, Random, Storm, Task};

/// Little, so that senders often wait.
const MEMORY: usize = 16 << 10;
/// A message of so many bytes takes all of it.
const NEARLY_ALL: usize = MEMORY - 64;
/// Others have no more than that.
const LONG: u64 = 4 << 10;

/// Cells of the tally.
const REDELIVERED: usize = 0;
const GIVEN_BACK: usize = 1;

#[test]
fn messages() {
    Storm::new("messages", Refusal::Nothing, Duration::from_secs(4)).over::<MessageQueue>(false);
}

#[test]
fn objects() {
    Storm::new("objects", Refusal::Nothing, Duration::from_secs(3)).over::<Objects>(false);
}

#[test]
fn leased_messages() {
    Storm::new("leased messages", Refusal::Nothing, Duration::from_secs(4))
        .over::<MessageQueue>(true);
}

#[test]
fn leased_objects() {
    Storm::new("leased objects", Refusal::Nothing, Duration::from_secs(3)).over::<Objects>(true);
}

#[test]
fn leased_messages_with_membarrier_refused() {
    Storm::new(
        "leased messages",
        Refusal::Membarrier,
        Duration::from_secs(2),
    )
    .over::<MessageQueue>(true);
}

#[test]
fn leased_messages_with_futex_waitv_refused() {
    Storm::new(
        "leased messages",
        Refusal::FutexWaitv,
        Duration::from_secs(2),
    )
    .over::<MessageQueue>(true);
}

type Objects = ObjectQueue<(Message, Vec<u8>)>;

/// What carries a message among so many bytes.
trait Post: Clone + Serialize + DeserializeOwned + 'static {
    fn new() -> Self;
    fn send(&self, message: Message, len: usize, random: &mut Random);
    /// `None` if it is closed.
    fn recv(&self) -> Option<Message>;
    /// Does `work`, which is told how often the message was delivered before, and acknowledges if `work` says so; `done` then. False if
    /// it is closed.
    fn job(&self, work: impl FnOnce(Message, u32) -> bool, done: impl FnOnce(Message)) -> bool;
    fn wait_idle(&self);
    fn close(&self);
    fn repairs(&self) -> u64;
}

fn unless_closed<T>(received: Result<T, RecvError>) -> Option<T> {
    match received {
        Ok(received) => Some(received),
        Err(RecvError::Closed) => None,
        Err(error) => panic!("{error}"),
    }
}

/// All of its other bytes.
fn filling(message: Message) -> u8 {
    (message[0] % 251) as u8
}

fn read(received: &crossproc::messages::Message<'_>) -> Message {
    let bytes = received.to_vec();
    let word = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    let message = [word(0), word(8)];
    let filling = filling(message);
    assert!(bytes[16..].iter().all(|byte| *byte == filling), "torn");
    message
}

impl Post for MessageQueue {
    fn new() -> Self {
        MessageQueue::new(MEMORY).expect("a queue")
    }

    fn send(&self, message: Message, len: usize, random: &mut Random) {
        let mut loan = self.loan(16 + len).expect("the queue is open");
        loan.write(0, &message[0].to_ne_bytes());
        random.rest();
        loan.write(8, &message[1].to_ne_bytes());
        loan.write(16, &vec![filling(message); len]);
        loan.send().expect("the queue is open");
    }

    fn recv(&self) -> Option<Message> {
        unless_closed(MessageQueue::recv(self)).map(|received| read(&received))
    }

    fn job(&self, work: impl FnOnce(Message, u32) -> bool, done: impl FnOnce(Message)) -> bool {
        let Some(lease) = unless_closed(self.lease()) else {
            return false;
        };
        let message = read(&lease);
        if work(message, lease.deliveries()) {
            lease.ack();
            done(message);
        }
        true
    }

    fn wait_idle(&self) {
        MessageQueue::wait_idle(self).expect("it becomes idle");
    }

    fn close(&self) {
        MessageQueue::close(self);
    }

    fn repairs(&self) -> u64 {
        MessageQueue::repairs(self)
    }
}

impl Post for Objects {
    fn new() -> Self {
        ObjectQueue::new(MEMORY).expect("a queue")
    }

    fn send(&self, message: Message, len: usize, _: &mut Random) {
        let filling = vec![filling(message); len];
        ObjectQueue::send(self, &(message, filling)).expect("the queue is open");
    }

    fn recv(&self) -> Option<Message> {
        unless_closed(ObjectQueue::recv(self)).map(|received| untorn(&received))
    }

    fn job(&self, work: impl FnOnce(Message, u32) -> bool, done: impl FnOnce(Message)) -> bool {
        let Some(lease) = unless_closed(self.lease()) else {
            return false;
        };
        let message = untorn(&lease);
        if work(message, lease.deliveries()) {
            lease.ack();
            done(message);
        }
        true
    }

    fn wait_idle(&self) {
        ObjectQueue::wait_idle(self).expect("it becomes idle");
    }

    fn close(&self) {
        ObjectQueue::close(self);
    }

    fn repairs(&self) -> u64 {
        ObjectQueue::repairs(self)
    }
}

fn untorn((message, bytes): &(Message, Vec<u8>)) -> Message {
    let filling = filling(*message);
    assert!(bytes.iter().all(|byte| *byte == filling), "torn");
    *message
}

fn send<P: Post>((queue, task): (P, Task)) {
    let (tally, mut random) = task.begin();
    let generation = tally.new_generation();
    for number in 0..MESSAGES {
        if tally.is_stopped() {
            return;
        }
        random.rest();
        let len = match random.below(64) {
            0 => NEARLY_ALL as u64,
            1..8 => random.below(LONG),
            _ => random.below(100),
        };
        queue.send(message(generation, number), len as usize, &mut random);
        tally.sent(generation, number + 1);
    }
}

fn receive<P: Post>((queue, task): (P, Task)) {
    let (tally, mut random) = task.begin();
    while let Some(received) = queue.recv() {
        tally.received(received);
        random.rest();
    }
}

fn do_jobs<P: Post>((queue, task): (P, Task)) {
    let (tally, mut random) = task.begin();
    let mut goes_on = true;
    while goes_on {
        let gives_back = random.below(32) == 0;
        let work = |received, deliveries| {
            tally.begun(received);
            if deliveries > 0 {
                tally.cell(REDELIVERED).fetch_add(1, SeqCst);
            }
            random.rest();
            if gives_back {
                tally.cell(GIVEN_BACK).fetch_add(1, SeqCst);
            }
            !gives_back
        };
        goes_on = queue.job(work, |received| {
            tally.received(received);
        });
    }
}

impl Storm {
    fn over<P: Post>(mut self, leased: bool) {
        testing::set_backstop(NEVER);
        testing::trust_membarrier(true);
        let queue = P::new();
        let jobs = [
            Job::Send,
            Job::Send,
            Job::Receive,
            Job::Receive,
            Job::Receive,
        ];
        let (workers, killed) = self.rage(&jobs, |job, task| match job {
            Job::Send => spawn(send::<P>, (queue.clone(), task)),
            Job::Receive if leased => spawn(do_jobs::<P>, (queue.clone(), task)),
            Job::Receive => spawn(receive::<P>, (queue.clone(), task)),
        });
        let mut random = Random(1);
        self.calm(workers, || {
            queue.wait_idle();
            // Of no account, and it takes all of the memory.
            queue.send(message(0, 0), NEARLY_ALL, &mut random);
            queue.wait_idle();
            queue.close();
        });
        self.judge(1, &killed, queue.repairs());
        if leased {
            self.judge_jobs(&killed);
        }
    }

    /// Nothing was lost, whoever was killed over it.
    fn judge_jobs(&self, killed: &[Job]) {
        let begun = self.tally.verify_begun();
        let redelivered = self.tally.cell(REDELIVERED).load(SeqCst);
        let given_back = self.tally.cell(GIVEN_BACK).load(SeqCst);
        println!(
            "{begun} jobs begun; {redelivered} delivered again, {given_back} of them given back"
        );
        let receivers = killed.iter().filter(|job| **job == Job::Receive).count() as u64;
        assert!(
            redelivered <= receivers + given_back,
            "{receivers} were killed"
        );
        assert!(redelivered > 0, "nobody died with anything");
    }
}
