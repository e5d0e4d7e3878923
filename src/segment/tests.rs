//! What the public interface does not reach: descriptors that arrive from elsewhere, and the limits of sizes.

use std::os::fd::OwnedFd;

use super::header::{HEADER_LEN, Header, IN_MEMORY};
use super::shape::{
    BodyLen, ElementLayout, Expected, Geometry, Kind, Shape, Size, round_participants,
};
use super::{Home, Segment, unlink};
use crate::error::Error;
use crate::platform::{page_size, shm};

fn element() -> ElementLayout {
    ElementLayout {
        size: 8,
        align: 8,
        name: "u64".to_owned(),
    }
}

fn body_len(size: Size) -> Option<u64> {
    let Size {
        capacity,
        element_size,
        ..
    } = size;
    capacity.checked_mul(element_size.into())
}

fn shape() -> Shape {
    Shape {
        kind: Kind::Queue,
        element: element(),
        capacity: 4,
        participants: 6,
        body_len: 32,
        committed: None,
        initial: Box::default(),
    }
}

fn expected() -> Expected {
    Expected {
        kind: Kind::Queue,
        element: element(),
        capacity: None,
        participants: None,
        body_len: BodyLen::Computed(body_len),
    }
}

fn arrived(segment: &Segment) -> OwnedFd {
    segment.fd().try_clone_to_owned().unwrap()
}

#[test]
fn both_ends_of_a_descriptor_are_one_segment() {
    let sent = Segment::anonymous(&shape()).unwrap();
    let received = Segment::from_fd(arrived(&sent), Home::Anonymous, &expected()).unwrap();
    assert_eq!(received.name(), None);
    assert_eq!(received.header.id, sent.header.id);
    assert_ne!(received.base(), sent.base());
    assert_eq!(received.geometry.total, page_size() as u64 * 4);
    assert_eq!(received.capacity(), 4);
    assert_eq!(received.participants(), 6);
    assert_eq!(received.participants_offset(), page_size());
    assert_eq!(received.body_offset(), page_size() * 3);
    assert_eq!(received.geometry.body_len, 32);
}

#[test]
fn a_named_segment_keeps_its_name_when_it_travels() {
    let name = format!("segment-travels-{}", std::process::id());
    let sent = Segment::create(&name, &shape(), 0o600).unwrap();
    let received =
        Segment::from_fd(arrived(&sent), Home::named(&name).unwrap(), &expected()).unwrap();
    assert_eq!(received.name(), Some(&*name));
    received.unlink().unwrap();
    assert!(matches!(unlink(&name), Err(Error::NotFound { .. })));
}

#[test]
fn the_length_of_an_anonymous_segment_is_sealed() {
    let segment = Segment::anonymous(&shape()).unwrap();
    let file = std::fs::File::from(arrived(&segment));
    assert!(file.set_len(0).is_err());
    assert!(file.set_len(1 << 20).is_err());

    let (header, geometry) = Header::new(&shape(), IN_MEMORY).unwrap();
    let unsealed = shm::create_anonymous().unwrap();
    shm::allocate(&unsealed, 0, geometry.total).unwrap();
    shm::write_at(&unsealed, &header.encode(), 0).unwrap();
    let refused = Segment::from_fd(unsealed, Home::Anonymous, &expected());
    assert!(matches!(refused, Err(Error::Unsupported { .. })));
}

#[test]
fn descriptors_of_other_things_are_refused() {
    let (reader, writer) = std::io::pipe().unwrap();
    for pipe in [OwnedFd::from(reader), OwnedFd::from(writer)] {
        let refused = Segment::from_fd(
            pipe.try_clone().unwrap(),
            Home::named("orders").unwrap(),
            &expected(),
        );
        assert!(matches!(refused, Err(Error::NotASegment { .. })));
        let refused = Segment::from_fd(pipe, Home::Anonymous, &expected());
        assert!(matches!(refused, Err(Error::Unsupported { .. })));
    }
    let ring = Expected {
        kind: Kind::Ring,
        ..expected()
    };
    let segment = Segment::anonymous(&shape()).unwrap();
    let refused = Segment::from_fd(arrived(&segment), Home::Anonymous, &ring)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("`(anonymous)` does not fit: kind is queue"),
        "{refused}"
    );
}

#[test]
fn decoding_undoes_encoding() {
    let (header, _) = Header::new(&shape(), IN_MEMORY).unwrap();
    let bytes = header.encode();
    assert_eq!(Header::decode(&bytes).encode(), bytes);
    // Every byte outside the gaps belongs to a field.
    let full = Header::decode(&[0xff; HEADER_LEN]).encode();
    let gaps: Vec<_> = (0..HEADER_LEN)
        .filter(|&offset| full[offset] == 0)
        .collect();
    assert_eq!(gaps, (112..128).collect::<Vec<_>>());
}

#[test]
fn long_element_names_are_cut_between_characters() {
    let layout = |name: String| ElementLayout { name, ..element() };
    assert_eq!(layout("n".repeat(128)).stored_name(128).len(), 128);
    assert_eq!(layout("n".repeat(129)).stored_name(128).len(), 128);
    assert_eq!(layout("é".repeat(64) + "n").stored_name(128).len(), 128);
    assert_eq!(
        layout("n".to_owned() + &"é".repeat(64))
            .stored_name(128)
            .len(),
        127
    );

    let long = || layout("é".repeat(100));
    let segment = Segment::anonymous(&Shape {
        element: long(),
        ..shape()
    })
    .unwrap();
    let expected = Expected {
        element: long(),
        ..expected()
    };
    Segment::from_fd(arrived(&segment), Home::Anonymous, &expected).unwrap();
}

#[test]
fn lengths_stay_within_the_address_space() {
    let page = page_size() as u64;
    assert_eq!(Geometry::new(3, 0).unwrap().total, 2 * page);
    assert_eq!(Geometry::new(3, 1).unwrap().total, 3 * page);
    assert_eq!(Geometry::new(3, page).unwrap().total, 3 * page);
    let limit = isize::MAX as u64 + 1 - page;
    assert_eq!(Geometry::new(3, limit - 2 * page).unwrap().total, limit);
    for body_len in [
        limit - 2 * page + 1,
        i64::MAX as u64,
        u64::MAX - page,
        u64::MAX,
    ] {
        assert_eq!(Geometry::new(3, body_len), None);
    }

    for (asked, rounded) in [(1, 3), (3, 3), (4, 6), (16_382, 16_383), (16_383, 16_383)] {
        assert_eq!(round_participants(asked).unwrap(), rounded);
    }
}
