//! What the public interface does not reach of segments at a path.

use std::fs;
use std::path::PathBuf;

use super::Segment;
use super::header::{BOOT_ID, HEADER_LEN, Header};
use super::shape::{ElementLayout, Kind, Shape};
use crate::atomic::Ordering;
use crate::error::Error;
use crate::platform::{page_size, shm};

/// A directory where the tests were built; removed when dropped.
struct Directory(PathBuf);

impl Directory {
    fn new(tag: &str) -> Directory {
        let program = std::env::current_exe().unwrap();
        let path = program.with_file_name(format!("{tag}-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn shape() -> Shape {
    Shape {
        kind: Kind::Manager,
        element: ElementLayout::of::<()>(),
        capacity: 1,
        participants: 3,
        body_len: 1 << 40,
        committed: Some(page_size() as u64),
        initial: Box::default(),
    }
}

/// Bytes that were changed through the segment's mapping and are not on the disk.
fn dirty(segment: &Segment) -> u64 {
    // By its first name the file is not found there: it had none.
    let inode = format!(" {} ", shm::status(segment.fd()).unwrap().identity.1);
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let of_file = maps.split_once(&inode).expect("mapped").1;
    let fields = of_file.lines().filter_map(|line| {
        line.strip_prefix("Shared_Dirty:")
            .or(line.strip_prefix("Private_Dirty:"))
    });
    let bytes = fields
        .take(2)
        .map(|field| field.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024);
    bytes.sum()
}

#[test]
fn syncing_leaves_nothing_to_be_written() {
    let directory = Directory::new("syncing");
    let path = directory.0.join("segment");
    let segment = Segment::create_at(&path, &shape(), 0o600).unwrap();
    segment.sync().unwrap();
    segment.boot_id()[0].fetch_xor(1, Ordering::Relaxed);
    if !shm::is_in_memory(segment.fd()) {
        assert_eq!(dirty(&segment), page_size() as u64);
        segment.sync().unwrap();
        assert_eq!(dirty(&segment), 0);
    }
    // What is in memory is as safe as it can be.
    Segment::anonymous(&shape()).unwrap().sync().unwrap();

    fs::remove_file(&path).unwrap();
    fs::remove_dir(&directory.0).unwrap();
    let refused = segment.sync();
    assert!(
        matches!(&refused, Err(Error::File { path: at, .. }) if *at == path),
        "{refused:?}"
    );
}

#[test]
fn a_hole_in_a_file_on_a_disk_is_filled() {
    let directory = Directory::new("filling");
    let path = directory.0.join("segment");
    let segment = Segment::create_at(&path, &shape(), 0o600).unwrap();
    let blocks = || {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(&path).unwrap().blocks() * 512
    };
    let before = blocks();
    assert!(before < 64 << 10, "{before}");
    segment.commit(1 << 30, 1 << 20).unwrap();
    assert!(blocks() >= before + (1 << 20));
    assert_eq!(fs::metadata(&path).unwrap().len(), segment.geometry.total);
}

#[test]
fn the_boot_id_is_where_the_header_has_it() {
    let directory = Directory::new("header");
    let path = directory.0.join("segment");
    let segment = Segment::create_at(&path, &shape(), 0o600).unwrap();
    let mut bytes = [0; HEADER_LEN];
    shm::read_start(segment.fd(), &mut bytes).unwrap();
    let header = Header::decode(&bytes);
    assert_eq!((header.flags, header.boot_id), (1, shm::boot_id().unwrap()));
    let halves = segment
        .boot_id()
        .map(|half| half.load(Ordering::Relaxed).to_ne_bytes());
    assert_eq!(halves.as_flattened(), &bytes[BOOT_ID..BOOT_ID + 16]);
}
