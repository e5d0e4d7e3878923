//! What every handle on a segment does the same way: travelling to a child process.

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

use crate::group::Members;
use crate::manager::{Manager, nested};
use crate::place::{Part, Place};
use crate::segment::{Home, Options, Primitive};
use crate::travel;

/// A segment on its way: the descriptor goes beside the bytes, under this number.
#[derive(Serialize, Deserialize)]
struct Ticket<X> {
    descriptor: u32,
    home: Home,
    part: Part,
    /// What else the handle needs to be made again.
    extra: X,
}

pub(crate) fn serialize<S: Serializer>(
    place: &Place,
    extra: impl Serialize,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let segment = place.attachment.segment();
    let descriptor = travel::send_fd(segment.fd())
        .map_err(ser::Error::custom)?
        .ok_or_else(|| {
            ser::Error::custom("handles travel only in the arguments of process::spawn")
        })?;
    Ticket {
        descriptor,
        home: segment.home().clone(),
        part: place.which_part(),
        extra,
    }
    .serialize(serializer)
}

pub(crate) fn deserialize<'de, H: Primitive, X: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(H, X), D::Error> {
    let Ticket {
        descriptor,
        home,
        part,
        extra,
    } = Ticket::deserialize(deserializer)?;
    let descriptor = travel::take_fd(descriptor).ok_or_else(|| {
        travel::refuse("handles arrive only in the arguments of a spawned process")
    })?;
    let handle = match part {
        Part::Whole => Options::<H>::from_fd(descriptor, home),
        Part::Object(number) => {
            Manager::from_fd(descriptor, home).and_then(|manager| manager.object(number))
        }
        Part::OfGroup(part) => Members::from_fd(descriptor, home)
            .and_then(|group| group.part(part, &Options::<H>::new())),
    };
    let handle = handle.map_err(travel::refuse)?;
    Ok((handle, extra))
}

/// The same for a handle that is nothing but its place. Inside of what is stored in a manager, an object of that manager is its number.
pub(crate) fn serialize_whole<S: Serializer>(
    place: &Place,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match nested::number(place).map_err(ser::Error::custom)? {
        Some(number) => number.serialize(serializer),
        None => serialize(place, (), serializer),
    }
}

pub(crate) fn deserialize_whole<'de, H: Primitive, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<H, D::Error> {
    match nested::manager() {
        Some(manager) => {
            let number = u32::deserialize(deserializer)?;
            manager.object(number).map_err(travel::refuse)
        }
        None => deserialize(deserializer).map(|(handle, ())| handle),
    }
}

/// What all handles have in common, for a struct that keeps its [`Place`] in the field named. What it takes to create one, if it takes anything, has the name of
/// the option that it is; what is documented here of `new` is added to what can be said of all.
macro_rules! handle {
    (
        impl $(<$($T:ident: $bound:path),+>)? $name:ident $(<$($U:ident),+>)?, $noun:literal, $($place:ident).+;
        $(#[$new:meta])*
        fn new($($option:ident: $type:ty)?);
        $(#[$repairs:meta])*
        fn repairs();
    ) => {
        impl $(<$($T: $bound),+>)? $name $(<$($U),+>)? {
            #[doc = concat!("Creates an anonymous ", $noun, ".")]
            ///
            /// It reaches other processes in the arguments of [`process::spawn`](crate::process::spawn), and goes with its last user,
            /// however that ends.
            $(#[$new])*
            ///
            /// # Errors
            ///
            /// See [`Options::anonymous`](crate::Options::anonymous).
            pub fn new($($option: $type)?) -> crate::Result<Self> {
                Self::options()$(.$option($option))?.anonymous()
            }

            #[doc = concat!("Creates a named ", $noun, ".")]
            ///
            /// # Errors
            ///
            /// See [`Options::create`](crate::Options::create).
            pub fn create(name: &str $(, $option: $type)?) -> crate::Result<Self> {
                Self::options()$(.$option($option))?.create(name)
            }

            /// Opens the one of this name.
            ///
            /// # Errors
            ///
            /// See [`Options::open`](crate::Options::open).
            pub fn open(name: &str) -> crate::Result<Self> {
                Self::options().open(name)
            }

            /// Opens the one of this name, or creates it where there is none.
            ///
            /// # Errors
            ///
            /// See [`Options::open_or_create`](crate::Options::open_or_create).
            pub fn open_or_create(name: &str $(, $option: $type)?) -> crate::Result<Self> {
                Self::options()$(.$option($option))?.open_or_create(name)
            }

            /// For everything else that can be chosen.
            pub fn options() -> crate::Options<Self> {
                crate::Options::new()
            }

            /// Its name, unless it is anonymous.
            pub fn name(&self) -> Option<&str> {
                self.$($place).+.name()
            }

            /// Removes its name. Those who use it go on; its memory goes with the last of them.
            ///
            /// # Errors
            ///
            /// [`Error::NotOurs`](crate::Error::NotOurs) if the name is gone or refers to something else by now,
            /// [`Error::Anonymous`](crate::Error::Anonymous).
            pub fn unlink(&self) -> crate::Result<()> {
                self.$($place).+.attachment.segment().unlink()
            }

            $(#[$repairs])*
            pub fn repairs(&self) -> u64 {
                self.$($place).+.repairs()
            }
        }

        crate::handle::travels! { impl $(<$($T: $bound),+>)? $name $(<$($U),+>)?, $($place).+ }
    };
}
pub(crate) use handle;

/// Cloning, and travelling to a child process, for a struct that keeps its [`Place`] in the field named.
macro_rules! travels {
    (impl $(<$($T:ident: $bound:path),+>)? $name:ident $(<$($U:ident),+>)?, $($place:ident).+) => {
        impl $(<$($T: $bound),+>)? Clone for $name $(<$($U),+>)? {
            fn clone(&self) -> Self {
                <Self as crate::segment::Primitive>::attach(self.$($place).+.clone())
                    .expect("the place has been found sound")
            }
        }

        /// Only in the arguments of [`process::spawn`](crate::process::spawn), where the child gets a handle on the same one; and, if it is an object of a
        /// [`Manager`](crate::Manager), in what is stored in that manager.
        impl $(<$($T: $bound),+>)? serde::Serialize for $name $(<$($U),+>)? {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                crate::handle::serialize_whole(&self.$($place).+, serializer)
            }
        }

        impl<'de $(, $($T: $bound),+)?> serde::Deserialize<'de> for $name $(<$($U),+>)? {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::handle::deserialize_whole(deserializer)
            }
        }
    };
}
pub(crate) use travels;

/// `Debug` for handles whose state is of no use to look at: by the next look it has changed.
macro_rules! debug_by_name {
    (impl $(<$T:ident: $bound:path>)? $name:ident $(<$U:ident>)?) => {
        impl $(<$T: $bound>)? std::fmt::Debug for $name $(<$U>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field("name", &self.name()).finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use debug_by_name;
