//! The system calls of the local replica that exist in this form on Linux only: lookup beneath a
//! descriptor, `statx`, renames with flags, permission bits without following a link.
//!
//! Everything here takes a directory descriptor and never a path from the root of the machine.

use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Statx, StatxAttributes, StatxFlags,
    StatxTimestamp,
};
use rustix::io::Errno;
use rustix::path::Arg;

use crate::entry::{Entry, FileId, FileTime, Kind};

/// Major and minor number of the device a file system is on.
pub(super) type Device = (u32, u32);

/// Longest part of a path given to one lookup: the kernel takes 4,096 bytes with the final NUL.
const PORTION_MAX: usize = 3_900;

const SEEN: StatxFlags = StatxFlags::TYPE
    .union(StatxFlags::MODE)
    .union(StatxFlags::SIZE)
    .union(StatxFlags::MTIME)
    .union(StatxFlags::CTIME)
    .union(StatxFlags::INO)
    .union(StatxFlags::BTIME);

/// What a name is looked at as, because only something beneath a root can be a mount in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The root itself, which may be a mount point without being a mount in the tree.
    Root,
    /// Something in a tree whose root is on this device.
    Beneath(Device),
}

/// What the file system says of a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// In the words of the port.
    pub(super) entry: Entry,
    /// The file system it is on.
    pub(super) device: Device,
    /// Permission bits with set-id and sticky bits.
    pub(super) raw_mode: u16,
    /// Immutable or append-only: refuses by `EPERM` what the permission bits allow.
    pub(super) is_fixed: bool,
    /// The file system keeps birth times, so ids are not reused.
    pub(super) has_birth_time: bool,
}

/// Reads the attributes of a name in a directory, not following a link.
pub(super) fn look<P: Arg>(dir: BorrowedFd<'_>, name: P, scope: Scope) -> Result<Seen, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    rustix::fs::statx(dir, name, flags, SEEN).map(|stat| seen(&stat, scope))
}

/// Reads the attributes of what is open.
pub(super) fn look_at(fd: BorrowedFd<'_>, scope: Scope) -> Result<Seen, Errno> {
    rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, SEEN).map(|stat| seen(&stat, scope))
}

fn seen(stat: &Statx, scope: Scope) -> Seen {
    let kind = match FileType::from_raw_mode(stat.stx_mode.into()) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Dir,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => Kind::Special,
    };
    let device = (stat.stx_dev_major, stat.stx_dev_minor);
    let has_birth_time = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
    let birth = has_birth_time.then(|| time(stat.stx_btime));
    let fixed = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    Seen {
        entry: Entry {
            kind,
            size: if kind == Kind::File { stat.stx_size } else { 0 },
            mode: permission_bits(stat.stx_mode),
            mtime: time(stat.stx_mtime),
            ctime: time(stat.stx_ctime),
            id: identity(stat.stx_ino, birth),
            is_mount: kind == Kind::Dir && is_mount(stat, device, scope),
        },
        device,
        raw_mode: stat.stx_mode & 0o7777,
        is_fixed: stat.stx_attributes.intersects(fixed),
        has_birth_time,
    }
}

/// A folder bound into the tree from the same device is a mount too: renames cannot cross it.
fn is_mount(stat: &Statx, device: Device, scope: Scope) -> bool {
    match scope {
        Scope::Root => false,
        Scope::Beneath(home) => {
            device != home || stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)
        }
    }
}

fn time(stamp: StatxTimestamp) -> FileTime {
    FileTime::new(stamp.tv_sec, stamp.tv_nsec)
}

/// Mixes inode number and birth time; never 0, which means "no id".
fn identity(inode: u64, birth: Option<FileTime>) -> FileId {
    let born = birth.map_or(0, |at| {
        (at.secs.cast_unsigned() << 30) ^ u64::from(at.nanos)
    });
    FileId(mix(mix(inode) ^ born).max(1))
}

/// The finaliser of `SplitMix64`: every bit of the input moves about half the bits of the output.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Opens a path beneath `root`; no component, the last included, may be a symbolic link (`ELOOP`;
/// with `O_PATH | O_NOFOLLOW` the last may). Paths of any length work: they are walked in portions
/// that the kernel takes, holding one descriptor besides the one being opened.
pub(super) fn open_beneath(
    root: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    extra: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let mut held: Option<OwnedFd> = None;
    let mut rest = path;
    while let Some((head, tail)) = split_portion(rest) {
        let at = held.as_ref().map_or(root, AsFd::as_fd);
        let way = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let next = open_portion(at, head, way, extra)?;
        held = Some(next);
        rest = tail;
    }
    open_portion(held.as_ref().map_or(root, AsFd::as_fd), rest, flags, extra)
}

/// Cuts a path that is too long for one lookup at a component.
fn split_portion(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= PORTION_MAX {
        return None;
    }
    // A component that is longer than a portion is left to the kernel, which refuses it by name.
    let cut = path[..=PORTION_MAX].iter().rposition(|&b| b == b'/')?;
    Some((&path[..cut], &path[cut + 1..]))
}

fn open_portion(
    at: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    extra: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let resolve =
        extra | ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(at, path, flags, Mode::empty(), resolve) {
        // Old kernels do not have the call; some containers answer it with EPERM.
        Err(Errno::NOSYS | Errno::PERM) => open_by_steps(at, path, flags, extra),
        other => other,
    }
}

/// Does what `openat2` does, one component at a time.
fn open_by_steps(
    start: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    extra: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let home = look_at(start, Scope::Root)?.device;
    let mut held: Option<OwnedFd> = None;
    let mut parts = path.split(|&b| b == b'/').peekable();
    while let Some(part) = parts.next() {
        let at = held.as_ref().map_or(start, AsFd::as_fd);
        let is_last = parts.peek().is_none();
        let wanted = if is_last {
            flags
        } else {
            OFlags::PATH | OFlags::DIRECTORY
        };
        let next = open_step(at, part, wanted)?;
        let is_crossing = look_at(next.as_fd(), Scope::Root)?.device != home;
        if is_crossing && extra.contains(ResolveFlags::NO_XDEV) {
            return Err(Errno::XDEV);
        }
        if is_last {
            return Ok(next);
        }
        held = Some(next);
    }
    Err(Errno::NOENT)
}

fn open_step(at: BorrowedFd<'_>, part: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(at, part, flags, Mode::empty()).map_err(|errno| {
        // A link that was to be a directory is reported as "not a directory".
        let is_link = errno == Errno::NOTDIR
            && look(at, part, Scope::Root).is_ok_and(|seen| seen.entry.kind == Kind::Symlink);
        if is_link { Errno::LOOP } else { errno }
    })
}

/// Renames to a name that must be free, in one step.
pub(super) fn rename_new(
    from: (BorrowedFd<'_>, &[u8]),
    to: (BorrowedFd<'_>, &[u8]),
) -> Result<(), Errno> {
    rustix::fs::renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE)
}

/// Exchanges two names in one step.
pub(super) fn rename_exchange(
    a: (BorrowedFd<'_>, &[u8]),
    b: (BorrowedFd<'_>, &[u8]),
) -> Result<(), Errno> {
    rustix::fs::renameat_with(a.0, a.1, b.0, b.1, RenameFlags::EXCHANGE)
}

/// Sets the permission bits of a name; a link is left alone.
///
/// Works on files that may not be opened (mode 0000), and cannot be led elsewhere by a link that
/// takes the place of the name meanwhile: the name is opened once, without following, and the bits
/// are changed through that descriptor.
pub(super) fn change_mode(dir: BorrowedFd<'_>, name: &[u8], mode: u16) -> Result<(), Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    let seen = look_at(fd.as_fd(), Scope::Root)?;
    let bits = match seen.entry.kind {
        Kind::Symlink => return Ok(()),
        Kind::Special => return Err(Errno::NXIO),
        // The set-group-id and sticky bits of a folder say how it is shared; they are nobody's
        // rights to run something, and are left as they are.
        Kind::Dir => Mode::from_raw_mode(u32::from((seen.raw_mode & 0o7000) | (mode & 0o777))),
        // On a file they would be rights: a change of the others drops them (S8).
        Kind::File => Mode::from_raw_mode(u32::from(mode & 0o777)),
    };
    // An O_PATH descriptor refuses fchmod; its entry in /proc leads to the very same inode.
    match rustix::fs::chmod(format!("/proc/self/fd/{}", fd.as_raw_fd()), bits) {
        Err(Errno::NOENT | Errno::NOTDIR) => change_mode_by_opening(dir, name, bits, &seen),
        other => other,
    }
}

/// For systems without /proc: needs the right to read.
fn change_mode_by_opening(
    dir: BorrowedFd<'_>,
    name: &[u8],
    bits: Mode,
    before: &Seen,
) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    if look_at(fd.as_fd(), Scope::Root)?.entry.id != before.entry.id {
        return Err(Errno::LOOP);
    }
    rustix::fs::fchmod(&fd, bits)
}

/// Returns the permission bits of a mode. A directory that everybody may write into, but only the
/// owner of a file may remove it from, would be wider without its sticky bit, which is never
/// granted (S8): it counts as one that only its owner may write into.
fn permission_bits(mode: u16) -> u16 {
    const STICKY: u16 = 0o1000;
    const OTHERS_WRITE: u16 = 0o022;
    if mode & STICKY == 0 {
        mode & 0o777
    } else {
        mode & 0o777 & !OTHERS_WRITE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_are_cut_at_a_component() {
        let path = [b"x".repeat(200), b"/".to_vec()].concat().repeat(30);
        let path = &path[..path.len() - 1];
        let (head, tail) = split_portion(path).unwrap();
        assert!(head.len() <= PORTION_MAX && !head.ends_with(b"/"));
        assert_eq!([head, b"/", tail].concat(), path);
        assert_eq!(split_portion(b"short"), None);
        assert_eq!(split_portion(&[b'x'; 5000]), None);
    }

    #[test]
    fn an_id_is_never_zero_and_differs_by_birth() {
        let born = |nanos| Some(FileTime::new(1, nanos));
        assert_ne!(identity(7, born(1)), identity(7, born(2)));
        assert_ne!(identity(7, None), identity(8, None));
        assert_eq!(identity(7, born(1)), identity(7, born(1)));
        assert_ne!(identity(0, None), FileId(0));
    }

    #[test]
    fn steps_without_openat2_refuse_links_as_well() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(temp.path().join("a/b")).unwrap();
        std::os::unix::fs::symlink("a", temp.path().join("link")).unwrap();
        let root = std::fs::File::open(temp.path()).unwrap();
        let open = |path: &[u8]| {
            open_by_steps(root.as_fd(), path, OFlags::DIRECTORY, ResolveFlags::empty())
        };
        assert!(open(b"a/b").is_ok());
        assert_eq!(open(b"link").unwrap_err(), Errno::LOOP);
        assert_eq!(open(b"link/b").unwrap_err(), Errno::LOOP);
        assert_eq!(open(b"a/c/d").unwrap_err(), Errno::NOENT);
    }
}
