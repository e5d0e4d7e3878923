//! The file of a segment at a path as the machine leaves it whose power is cut: whoever was alive has left no mark.
//!
//! Include it where it is needed: `#[path = "../support/image.rs"] mod image;`.

use std::fs;
use std::path::Path;

/// Where the boot id is in a header.
const BOOT_ID: std::ops::Range<usize> = 64..80;

pub(crate) struct Image(Vec<u8>);

impl Image {
    /// Of the segment that is at this path now.
    pub(crate) fn of(path: &Path) -> Image {
        Image(fs::read(path).unwrap())
    }

    /// The same as if it was from another run of the machine.
    pub(crate) fn of_another_run(mut self) -> Image {
        for byte in &mut self.0[BOOT_ID] {
            *byte ^= 0x5a;
        }
        self
    }

    pub(crate) fn boot_id(&self) -> &[u8] {
        &self.0[BOOT_ID]
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Puts it in a file of its own, whatever is at the path.
    pub(crate) fn put(&self, path: &Path) {
        let _ = fs::remove_file(path);
        fs::write(path, &self.0).unwrap();
    }
}
