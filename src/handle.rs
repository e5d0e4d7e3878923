//! What every handle on a segment does the same way: travelling to a child process.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::segment::{Options, Primitive, Segment};
use crate::travel;

/// A segment on its way: the descriptor goes beside the bytes, under this number.
#[derive(Serialize, Deserialize)]
struct Ticket<X> {
    descriptor: u32,
    name: Option<String>,
    /// What else the handle needs to be made again.
    extra: X,
}

pub(crate) fn serialize<S: Serializer>(
    segment: &Segment,
    extra: impl Serialize,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let descriptor = travel::send_fd(segment.fd())
        .map_err(ser::Error::custom)?
        .ok_or_else(|| {
            ser::Error::custom("handles travel only in the arguments of process::spawn")
        })?;
    let name = segment.name().map(str::to_owned);
    Ticket {
        descriptor,
        name,
        extra,
    }
    .serialize(serializer)
}

pub(crate) fn deserialize<'de, H: Primitive, X: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(H, X), D::Error> {
    let Ticket {
        descriptor,
        name,
        extra,
    } = Ticket::deserialize(deserializer)?;
    let descriptor = travel::take_fd(descriptor).ok_or_else(|| {
        de::Error::custom("handles arrive only in the arguments of a spawned process")
    })?;
    let handle = Options::<H>::from_fd(descriptor, name.as_deref()).map_err(de::Error::custom)?;
    Ok((handle, extra))
}
