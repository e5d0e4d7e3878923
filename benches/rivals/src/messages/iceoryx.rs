#![allow(unsafe_code)] // payloads that are not initialised by anybody
//! iceoryx2, with services of this program's own that leave nothing behind.

use std::fs;
use std::io;
use std::process;
use std::thread::sleep;
use std::time::{Duration, Instant};

use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::port::update_connections::UpdateConnections;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe;
use serde::{Deserialize, Serialize};

use super::loans::Link;
use crate::contest::Result;

/// Samples that may be under way to a subscriber.
const BUFFER: usize = 2;
/// How long the other side may take to begin.
const LIMIT: Duration = Duration::from_secs(20);

type Service = ipc::Service;
type Factory = publish_subscribe::PortFactory<Service, [u8], ()>;

/// Where iceoryx2 keeps its files: a place of this process and its children.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Home {
    process: u32,
}

impl Home {
    fn directory(self) -> String {
        format!("/tmp/rivals.{}/", self.process)
    }

    fn prefix(self) -> String {
        format!("rivals.{}.", self.process)
    }

    fn node(self) -> Result<Node<Service>> {
        set_log_level(LogLevel::Error);
        let mut config = Config::default();
        config
            .global
            .set_root_path(&Path::new(self.directory().as_bytes())?);
        config.global.prefix = FileName::new(self.prefix().as_bytes())?;
        let node = NodeBuilder::new()
            .config(&config)
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create()?;
        Ok(node)
    }

    /// Removes what is left when nobody is there any more.
    fn remove(self) -> io::Result<()> {
        let prefix = self.prefix();
        for entry in fs::read_dir("/dev/shm")? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                fs::remove_file(entry.path())?;
            }
        }
        fs::remove_dir_all(self.directory())
    }
}

/// A home that is there for as long as this is.
pub struct World {
    pub home: Home,
}

impl World {
    pub fn new() -> World {
        let process = process::id();
        World {
            home: Home { process },
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Err(error) = self.home.remove()
            && error.kind() != io::ErrorKind::NotFound
        {
            eprintln!("iceoryx2's files stay behind: {error}");
        }
    }
}

/// Which of the two processes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    First,
    Second,
}

/// A publisher one way and a subscriber the other way, lossless.
pub struct Ports {
    to: Factory,
    from: Factory,
    publisher: Publisher<Service, [u8], ()>,
    subscriber: Subscriber<Service, [u8], ()>,
    _node: Node<Service>,
}

impl Ports {
    /// For messages of up to `size` bytes.
    pub fn new(home: Home, side: Side, size: usize) -> Result<Ports> {
        let node = home.node()?;
        let [there, back] = ["there", "back"].map(|name| service(&node, name));
        let (to, from) = match side {
            Side::First => (there?, back?),
            Side::Second => (back?, there?),
        };
        let publisher = to
            .publisher_builder()
            .initial_max_slice_len(size)
            .max_loaned_samples(1)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()?;
        let subscriber = from.subscriber_builder().create()?;
        Ok(Ports {
            to,
            from,
            publisher,
            subscriber,
            _node: node,
        })
    }

    /// Waits until the other side has its ports too, and connects to them.
    pub fn connected(&self) -> Result<()> {
        await_true(|| {
            self.to.dynamic_config().number_of_subscribers() == 1
                && self.from.dynamic_config().number_of_publishers() == 1
        })?;
        self.publisher.update_connections()?;
        self.subscriber.update_connections()?;
        Ok(())
    }
}

fn service(node: &Node<Service>, name: &str) -> Result<Factory> {
    let service = node
        .service_builder(&name.try_into()?)
        .publish_subscribe::<[u8]>()
        .payload_alignment(Alignment::new(64).ok_or("64 is a power of two")?)
        .max_publishers(1)
        .max_subscribers(1)
        .history_size(0)
        .subscriber_max_buffer_size(BUFFER)
        .subscriber_max_borrowed_samples(1)
        .enable_safe_overflow(false)
        .open_or_create()?;
    Ok(service)
}

fn await_true(condition: impl Fn() -> bool) -> Result<()> {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > LIMIT {
            return Err("the other side's ports do not appear".into());
        }
        sleep(Duration::from_micros(100));
    }
    Ok(())
}

impl Link for Ports {
    fn send(&mut self, len: usize, fill: Option<u8>) {
        let sample = self.publisher.loan_slice_uninit(len).expect("a loan");
        // SAFETY: shared memory holds some bytes or others from the beginning.
        let mut sample = unsafe { sample.assume_init() };
        if let Some(fill) = fill {
            sample.payload_mut().fill(fill);
        }
        assert_eq!(sample.send().expect("sent"), 1, "subscribers that get it");
    }

    fn try_receive<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let sample = self.subscriber.receive().expect("received");
        sample.map(|sample| look(sample.payload()))
    }
}

/// One who is woken.
pub struct Sleeper {
    listener: Listener<Service>,
    _node: Node<Service>,
}

impl Sleeper {
    pub fn new(home: Home) -> Result<Sleeper> {
        let node = home.node()?;
        let events = node.service_builder(&"wake".try_into()?).event();
        let listener = events.open_or_create()?.listener_builder().create()?;
        Ok(Sleeper {
            listener,
            _node: node,
        })
    }

    pub fn sleep(&self) -> Result<()> {
        let mut woken = false;
        while !woken {
            self.listener.blocking_wait(|_| woken = true)?;
        }
        Ok(())
    }
}

/// One who wakes.
pub struct Waker {
    notifier: Notifier<Service>,
    _node: Node<Service>,
}

impl Waker {
    /// Waits for the sleeper to be there.
    pub fn new(home: Home) -> Result<Waker> {
        let node = home.node()?;
        let events = node.service_builder(&"wake".try_into()?).event();
        let service = events.open_or_create()?;
        let notifier = service.notifier_builder().create()?;
        await_true(|| service.dynamic_config().number_of_listeners() == 1)?;
        Ok(Waker {
            notifier,
            _node: node,
        })
    }

    pub fn wake(&self) -> Result<()> {
        match self.notifier.notify()? {
            1 => Ok(()),
            _ => Err("nobody to notify".into()),
        }
    }
}
