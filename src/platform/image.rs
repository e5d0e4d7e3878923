#![allow(unsafe_code)] // reads the loaded program's own headers and read-only bytes
//! The program's image in memory: where its code lies, and what its constants say.

use std::ffi::c_void;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::slice;

use serde::{Deserialize, Serialize};

/// The main program as loaded into this process, without its shared libraries.
pub(crate) struct Image {
    base: usize,
    segments: Vec<LoadedSegment>,
}

struct LoadedSegment {
    start: usize,
    len: usize,
    flags: u32,
}

impl Image {
    pub(crate) fn of_program() -> Image {
        unsafe extern "C" fn first(
            info: *mut libc::dl_phdr_info,
            _size: libc::size_t,
            image: *mut c_void,
        ) -> libc::c_int {
            // SAFETY: the loader passes a valid record.
            let info = unsafe { &*info };
            // SAFETY: this is the `Image` handed in below, which nothing else uses meanwhile.
            let image = unsafe { &mut *image.cast::<Image>() };
            let headers: &[_] = if info.dlpi_phnum == 0 {
                &[]
            } else {
                // SAFETY: the record describes an array of that many headers, mapped for ever.
                unsafe { slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) }
            };
            image.base = info.dlpi_addr as usize;
            image.segments = headers
                .iter()
                .filter(|header| header.p_type == libc::PT_LOAD)
                .map(|header| LoadedSegment {
                    start: image.base.wrapping_add(header.p_vaddr as usize),
                    len: header.p_memsz as usize,
                    flags: header.p_flags,
                })
                .collect();
            1 // Stop: the first record is the main program's.
        }
        let mut image = Image {
            base: 0,
            segments: Vec::new(),
        };
        // SAFETY: the callback matches its declaration and gets a pointer to a live `Image`.
        unsafe { libc::dl_iterate_phdr(Some(first), (&raw mut image).cast()) };
        image
    }

    /// Where in the image the function at `address` lies, whatever address it was loaded to.
    /// `None` if it is not part of the main program.
    pub(crate) fn offset_of_code(&self, address: usize) -> Option<u64> {
        self.is_code(address)
            .then(|| address.wrapping_sub(self.base) as u64)
    }

    /// The inverse of [`offset_of_code`](Self::offset_of_code).
    pub(crate) fn code_at(&self, offset: u64) -> Option<*const ()> {
        let address = self.base.wrapping_add(usize::try_from(offset).ok()?);
        self.is_code(address)
            .then(|| std::ptr::with_exposed_provenance(address))
    }

    fn is_code(&self, address: usize) -> bool {
        self.segments.iter().any(|segment| {
            segment.flags & libc::PF_X != 0 && address.wrapping_sub(segment.start) < segment.len
        })
    }

    /// Whether the program's constants contain these bytes.
    pub(crate) fn constants_contain(&self, needle: &[u8]) -> bool {
        // Linkers that know no segment for constants alone put them beside the code.
        let has_constants = self.segments.iter().any(|s| s.flags == libc::PF_R);
        let kind = if has_constants {
            libc::PF_R
        } else {
            libc::PF_R | libc::PF_X
        };
        self.segments
            .iter()
            .filter(|segment| segment.flags == kind)
            .any(|segment| {
                // SAFETY: both ranges are mapped, readable and never written.
                let found = unsafe {
                    libc::memmem(
                        std::ptr::with_exposed_provenance(segment.start),
                        segment.len,
                        needle.as_ptr().cast(),
                        needle.len(),
                    )
                };
                !found.is_null()
            })
    }
}

/// Tells one executable file, and one version of it, from all others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Fingerprint {
    /// Of the file this process was loaded from, replaced by another or not.
    pub(crate) fn of_program() -> io::Result<Fingerprint> {
        let file = fs::metadata("/proc/self/exe")?;
        Ok(Fingerprint {
            device: file.dev(),
            inode: file.ino(),
            length: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
        })
    }
}
