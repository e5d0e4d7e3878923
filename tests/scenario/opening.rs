//! Any bytes as the file of a segment: opening them says what is wrong, or gives a handle whose operations return.

use std::fs::{self, File};
use std::iter;
use std::time::Duration;

use crossproc::spsc::Ring;
use crossproc::{Element, Manager, Queue};

use super::input::Input;
use super::segment_file::{SegmentFile, any_word};

/// What is opened for use stays below this: its file has no pages where nobody wrote, and the machine has to have them.
const LONGEST: u64 = 1 << 22;
const PATIENCE: Duration = Duration::from_micros(100);

/// Makes the file of this name from `bytes` and opens it in every way.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    // A real segment to begin with: few random bytes would pass the first comparison.
    let created = match input.below(5) {
        0 => {
            let rest = iter::from_fn(|| (!input.is_empty()).then(|| input.byte()));
            let rest: Vec<u8> = rest.collect();
            fs::write(format!("/dev/shm/crossproc.{name}"), rest).map_err(drop)
        }
        1 => create::<u64>(name).map_err(drop),
        2 => create::<bool>(name).map_err(drop),
        3 => Manager::options()
            .memory((1 + u64::from(input.byte())) << 10)
            .participants(6)
            .create(name)
            .map_err(drop)
            .map(drop),
        _ => Ring::<u64>::options()
            .capacity(1 + usize::from(input.byte()))
            .participants(6)
            .create(name)
            .map_err(drop)
            .map(drop),
    };
    created.expect("a new file");
    let file = SegmentFile::of(name);
    while !input.is_empty() {
        match input.below(8) {
            0..5 => change_header(&file, &mut input),
            5 | 6 => file.scribble(&mut input),
            _ => set_len(name, any_word(&mut input) % LONGEST),
        }
    }
    if bytes.len() % 4 == 3 {
        file.scribble_while(&mut Input::new(bytes), || use_it(name));
    } else {
        use_it(name);
        // Its locks are waited for without end, and would be overwritten in the other case.
        use_manager(name);
    }
    let _ = crossproc::unlink(name);
}

fn use_it(name: &str) {
    use_queue::<u64>(name, 1);
    use_queue::<bool>(name, true);
    use_queue::<[u64; 2]>(name, [1; 2]);
    use_ring::<u64>(name, 1);
    use_ring::<u32>(name, 1);
    let _ = Queue::<u64>::open_or_create(name, 4);
}

fn use_manager(name: &str) {
    let Ok(manager) = Manager::open(name) else {
        return;
    };
    let _ = format!("{:?} {:?}", manager.memory(), manager.objects());
    if let Ok(dict) = manager.dict::<u64, String>("dict") {
        let _ = dict.insert(&1, &"one".to_owned());
        let _ = (dict.get(&1), dict.get(&2), dict.iter().count());
        let _ = dict.clear();
    }
    if let Ok(list) = manager.list::<u64>("list") {
        let _ = (list.push(&1), list.pop());
    }
    let _ = manager.remove_object("dict");
}

fn create<T: Element>(name: &str) -> crossproc::Result<()> {
    Queue::<T>::options()
        .capacity(4)
        .participants(6)
        .create(name)
        .map(drop)
}

/// Overwrites one of the header's fields, or part of one.
fn change_header(file: &SegmentFile, input: &mut Input<'_>) {
    let offset = 4 * u64::from(input.below(64));
    let bytes = any_word(input).to_le_bytes();
    let len = 1 + usize::from(input.below(8));
    file.write(offset, &bytes[..len]);
}

fn set_len(name: &str, len: u64) {
    let file = File::options()
        .write(true)
        .open(format!("/dev/shm/crossproc.{name}"));
    let file = file.expect("the file is still there");
    file.set_len(len).expect("room for the file");
}

fn use_queue<T: Element>(name: &str, value: T) {
    let Ok(queue) = Queue::<T>::open(name) else {
        return;
    };
    let _ = queue.try_recv();
    let _ = queue.try_send(value);
    let _ = queue.send_timeout(value, PATIENCE);
    let _ = queue.try_iter().take(20).count();
    let _ = queue.recv_timeout(PATIENCE);
    let _ = format!("{queue:?}");
    queue.close();
}

fn use_ring<T: Element>(name: &str, value: T) {
    let Ok(ring) = Ring::<T>::open(name) else {
        return;
    };
    let _ = format!("{ring:?}");
    if let Ok(mut producer) = ring.producer() {
        let _ = producer.try_send(value);
        let _ = producer.send_timeout(value, PATIENCE);
        let _ = producer.try_send_slice(&[value; 9]);
    }
    if let Ok(mut consumer) = ring.consumer() {
        let _ = consumer.try_recv();
        let _ = consumer.try_recv_slice(&mut [value; 9]);
        let _ = consumer.recv_timeout(PATIENCE);
    }
}
