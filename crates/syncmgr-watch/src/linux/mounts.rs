//! Which file systems are mounted at, above and beneath a root.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fd::{AsFd as _, BorrowedFd};

/// The system's table of mounts, which can be waited for.
#[derive(Debug)]
pub(crate) struct Table {
    file: File,
}

/// One mount: what tells it from any other, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Number of the mount, device, and the directory of it that is mounted, as text.
    identity: Vec<u8>,
    at: PathBuf,
}

impl Table {
    pub(crate) fn open() -> io::Result<Self> {
        let file = File::open("/proc/self/mountinfo")?;
        Ok(Self { file })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Reads the whole table.
    pub(crate) fn read(&mut self) -> io::Result<Vec<Mount>> {
        let mut text = Vec::new();
        self.file.rewind()?;
        self.file.read_to_end(&mut text)?;
        Ok(text.split(|&b| b == b'\n').filter_map(read_line).collect())
    }
}

/// Picks the mounts that matter to a root.
pub(crate) fn around(mounts: &[Mount], root: &Path) -> Vec<Mount> {
    let matters = |mount: &&Mount| mount.at.starts_with(root) || root.starts_with(&mount.at);
    mounts.iter().filter(matters).cloned().collect()
}

fn read_line(line: &[u8]) -> Option<Mount> {
    let fields: Vec<&[u8]> = line.split(|&b| b == b' ').collect();
    let [id, _parent, device, root, at, ..] = fields[..] else {
        return None;
    };
    Some(Mount {
        identity: [id, device, root].join(&b' '),
        at: unescape(at),
    })
}

/// Space, tab, line end and backslash are written as three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..3).filter(|_| first == b'\\');
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        out.push(code.unwrap_or(first));
        rest = if code.is_some() { &tail[3..] } else { tail };
    }
    PathBuf::from(OsString::from_vec(out))
}

/// Says whether a directory lies on a network or user-space file system, where changes by others
/// are not reported.
pub(crate) fn is_remote(dir: &Path) -> bool {
    /// Numbers of such file systems, from `linux/magic.h` and their own sources: NFS, SMB, SMB2,
    /// CIFS, 9P, Ceph, AFS, Coda, FUSE.
    const REMOTE: [u64; 9] = [
        0x6969,
        0x517b,
        0xfe53_4d42,
        0xff53_4d42,
        0x0102_1997,
        0x00c3_6400,
        0x5346_414f,
        0x7375_7245,
        0x6573_5546,
    ];
    let Ok(stat) = rustix::fs::statfs(dir.as_os_str().as_bytes()) else {
        return false;
    };
    let kind = u64::try_from(stat.f_type).map_or(0, |kind| kind & 0xffff_ffff);
    REMOTE.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_above_at_and_beneath_a_root_matter() {
        let table = b"\
21 1 8:1 / / rw - ext4 /dev/a rw
22 21 0:5 / /proc rw - proc proc rw
23 21 8:2 / /home/ann/my\\040files/usb rw - vfat /dev/b rw
24 21 8:3 / /home/bob rw - ext4 /dev/c rw
";
        let mounts: Vec<Mount> = table.split(|&b| b == b'\n').filter_map(read_line).collect();
        let found = around(&mounts, Path::new("/home/ann/my files"));
        let at: Vec<&Path> = found.iter().map(|mount| &*mount.at).collect();
        assert_eq!(at, [Path::new("/"), Path::new("/home/ann/my files/usb")]);
    }
}
