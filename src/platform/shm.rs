//! System calls for segments: files in /dev/shm and elsewhere, and sealed anonymous memory.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, io};

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{
    AtFlags, CWD, FallocateFlags, FileType, FlockOperation, MemfdFlags, Mode, OFlags, SealFlags,
    Stat,
};
use rustix::io::retry_on_intr;
use rustix::process::{Resource, getrlimit};
use rustix::rand::GetRandomFlags;

/// Why a system call failed.
pub(crate) use rustix::io::{Errno, Result};

/// Where named segments live.
pub(crate) const DIRECTORY: &str = "/dev/shm";

/// Neither length can change any more, nor can the seals.
const LENGTH_SEALS: SealFlags = SealFlags::SHRINK
    .union(SealFlags::GROW)
    .union(SealFlags::SEAL);

/// What the file system says about a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    pub(crate) len: u64,
    pub(crate) owner: u32,
    /// Permission bits only.
    pub(crate) mode: u32,
    pub(crate) is_regular: bool,
    /// In any directory.
    pub(crate) has_name: bool,
    /// Tells it from all other files there are.
    pub(crate) identity: (u64, u64),
}

impl Status {
    /// Whether both are one file, whatever its names.
    pub(crate) fn is_same_file(&self, other: &Status) -> bool {
        self.identity == other.identity
    }
}

impl From<Stat> for Status {
    fn from(stat: Stat) -> Status {
        Status {
            len: u64::try_from(stat.st_size).unwrap_or(0),
            owner: stat.st_uid,
            mode: stat.st_mode & 0o7777,
            is_regular: FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile,
            has_name: stat.st_nlink > 0,
            identity: (stat.st_dev, stat.st_ino),
        }
    }
}

/// Acts as if no file system had unnamed files.
pub(crate) static UNNAMED_REFUSED: AtomicBool = AtomicBool::new(false);

/// A new file in this directory that has no name yet: it vanishes with this process unless [`link`]ed.
pub(crate) fn create_unnamed(directory: &Path) -> Result<OwnedFd> {
    if UNNAMED_REFUSED.load(Ordering::Relaxed) {
        return Err(Errno::OPNOTSUPP);
    }
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    rustix::fs::open(directory, flags, Mode::empty())
}

/// A new file of this name, for its owner only; fails if the name is taken.
pub(crate) fn create_named(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)
}

/// Locks the file until its last descriptor is closed; false if another has it locked.
pub(crate) fn lock(fd: impl AsFd) -> Result<bool> {
    match rustix::fs::flock(fd, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::AGAIN) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// A new anonymous file whose length can be sealed.
pub(crate) fn create_anonymous() -> Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match rustix::fs::memfd_create("crossproc", flags | MemfdFlags::NOEXEC_SEAL) {
        // Linux before 6.3 does not know the flag that forbids running the file as a program.
        Err(Errno::INVAL) => rustix::fs::memfd_create("crossproc", flags),
        other => other,
    }
}

/// Sets the permission bits, whatever the umask.
pub(crate) fn set_mode(fd: impl AsFd, mode: u32) -> Result<()> {
    rustix::fs::fchmod(fd, Mode::from_raw_mode(mode))
}

/// Takes memory for `len` bytes of the file from `offset` on, so that no later access can fail for want of it, and makes the file as long as
/// that. What is new is zero.
///
/// Several may do so at once: one that fails, or is killed meanwhile, takes back what it has added, but no page that was there before
/// (`shmem_fallocate` in the kernel's mm/shmem.c; it holds the file's lock all the while).
pub(crate) fn allocate(fd: impl AsFd, offset: u64, len: u64) -> Result<()> {
    check_file_size(offset.saturating_add(len))?;
    retry_on_intr(|| rustix::fs::fallocate(&fd, FallocateFlags::empty(), offset, len))
}

/// Refuses to let a file grow to `len` bytes where this process must not (`RLIMIT_FSIZE`). To be asked before: the kernel does not only
/// refuse, but sends SIGXFSZ, which kills.
pub(crate) fn check_file_size(len: u64) -> Result<()> {
    match getrlimit(Resource::Fsize).current {
        Some(limit) if len > limit => Err(Errno::FBIG),
        _ => Ok(()),
    }
}

/// Gives the file its length; it is a hole as far as there was nothing before.
pub(crate) fn set_len(fd: impl AsFd, len: u64) -> Result<()> {
    check_file_size(len)?;
    retry_on_intr(|| rustix::fs::ftruncate(&fd, len))
}

/// Seals the file's length for good.
pub(crate) fn seal(fd: impl AsFd) -> Result<()> {
    rustix::fs::fcntl_add_seals(fd, LENGTH_SEALS)
}

/// Whether the file's length is sealed. False where files have no seals.
pub(crate) fn is_sealed(fd: impl AsFd) -> bool {
    rustix::fs::fcntl_get_seals(fd)
        .is_ok_and(|seals| seals.contains(SealFlags::SHRINK | SealFlags::GROW))
}

/// Gives an unnamed file its name, atomically; fails if the name is taken.
pub(crate) fn link(fd: impl AsFd, path: &Path) -> Result<()> {
    let unnamed = format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd());
    rustix::fs::linkat(CWD, &*unnamed, CWD, path, AtFlags::SYMLINK_FOLLOW)
}

/// Opens what has this name: without following a symbolic link, and without waiting on a FIFO or a device.
pub(crate) fn open(path: &Path, writable: bool) -> Result<OwnedFd> {
    let access = if writable {
        OFlags::RDWR
    } else {
        OFlags::RDONLY
    };
    let safely = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    retry_on_intr(|| rustix::fs::open(path, access | safely, Mode::empty()))
}

/// What the open file is.
pub(crate) fn status(fd: impl AsFd) -> Result<Status> {
    rustix::fs::fstat(fd).map(Status::from)
}

/// What has this name; a symbolic link is itself.
pub(crate) fn status_of(path: &Path) -> Result<Status> {
    rustix::fs::lstat(path).map(Status::from)
}

/// Removes the name.
pub(crate) fn unlink(path: &Path) -> Result<()> {
    rustix::fs::unlink(path)
}

/// Reads from the start of the file; returns how many bytes there were.
pub(crate) fn read_start(fd: impl AsFd, buffer: &mut [u8]) -> Result<usize> {
    retry_on_intr(|| rustix::io::pread(&fd, &mut *buffer, 0))
}

/// Writes all of `bytes` from `offset` on.
pub(crate) fn write_at(fd: impl AsFd, mut bytes: &[u8], mut offset: u64) -> Result<()> {
    while !bytes.is_empty() {
        match retry_on_intr(|| rustix::io::pwrite(&fd, bytes, offset))? {
            0 => return Err(Errno::IO),
            written => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
        }
    }
    Ok(())
}

/// Maps the whole file, shared, readable and writable.
pub(crate) fn map(fd: impl AsFd, len: usize) -> io::Result<MmapRaw> {
    MmapOptions::new().len(len).map_raw(fd.as_fd().as_raw_fd())
}

/// Brings the file to the disk, with all that is known of it but its names.
pub(crate) fn sync(fd: impl AsFd) -> Result<()> {
    rustix::fs::fsync(fd)
}

/// Brings the names in a directory to the disk.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path, flags, Mode::empty())?;
    match rustix::fs::fsync(directory) {
        // Some file systems have no such thing.
        Err(Errno::INVAL) => Ok(()),
        other => other,
    }
}

/// Whether what the file takes is taken of the machine's memory.
pub(crate) fn is_in_memory(fd: impl AsFd) -> bool {
    /// `TMPFS_MAGIC`, which anonymous files have too.
    const TMPFS: u32 = 0x0102_1994;
    rustix::fs::fstatfs(fd).is_ok_and(|fs| fs.f_type as u32 == TMPFS)
}

/// Bytes free in the file system that holds the file.
pub(crate) fn free_space(fd: impl AsFd) -> u64 {
    rustix::fs::fstatvfs(fd).map_or(0, |fs| fs.f_bavail.saturating_mul(fs.f_frsize))
}

/// Bytes of memory and swap that can be had without taking them from anyone.
pub(crate) fn available_memory() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let memory = kibibytes(&meminfo, "MemAvailable:")?;
    Some(
        memory
            .saturating_add(kibibytes(&meminfo, "SwapFree:")?)
            .saturating_mul(1024),
    )
}

fn kibibytes(meminfo: &str, field: &str) -> Option<u64> {
    let value = meminfo.lines().find_map(|line| line.strip_prefix(field))?;
    value.split_whitespace().next()?.parse().ok()
}

/// Identifies the machine's current run: differs after every start.
pub(crate) fn boot_id() -> io::Result<[u8; 16]> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    u128::from_str_radix(&text.trim().replace('-', ""), 16)
        .map(u128::to_be_bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "boot_id is not hexadecimal"))
}

/// A random number that is not zero.
pub(crate) fn random_id() -> Result<u64> {
    let mut bytes = [0; 8];
    retry_on_intr(|| rustix::rand::getrandom(&mut bytes, GetRandomFlags::empty()))?;
    Ok(u64::from_ne_bytes(bytes).max(1))
}

/// The user this process acts as.
pub(crate) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}
