//! What a segment holds, as its file shows it while it is used: for those who pin its format. Included by path.

use std::fs::File;
use std::os::unix::fs::FileExt;

pub(crate) struct Body {
    file: File,
    /// Where in the file offsets count from.
    pub(crate) start: u64,
}

impl Body {
    /// That of the segment of this name, which goes by it no longer; compares what the header says.
    #[track_caller]
    pub(crate) fn of(name: &str, kind: u32, capacity: u64, len: u64) -> Body {
        let path = format!("/dev/shm/crossproc.{name}");
        let mut body = Body {
            file: File::open(path).unwrap(),
            start: 0,
        };
        crossproc::unlink(name).unwrap();
        assert_eq!(body.u32(12), kind, "kind");
        assert_eq!(body.u64(24), capacity, "capacity");
        assert_eq!(body.u64(104), len, "length of the body");
        body.start = body.u64(96);
        body
    }

    pub(crate) fn bytes<const N: usize>(&self, offset: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.file
            .read_exact_at(&mut bytes, self.start + offset)
            .unwrap();
        bytes
    }

    pub(crate) fn u64(&self, offset: u64) -> u64 {
        u64::from_le_bytes(self.bytes(offset))
    }

    pub(crate) fn u32(&self, offset: u64) -> u32 {
        u32::from_le_bytes(self.bytes(offset))
    }
}
