//! What kind of ground a folder stands on: which disk, on which machine. Only looks; what cannot be
//! told counts as an ordinary disk of this machine.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// File systems of other machines, as the table of mounts calls them.
const REMOTE: [&str; 17] = [
    "9p",
    "afs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "fuse.davfs2",
    "fuse.glusterfs",
    "fuse.gvfsd-fuse",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "lustre",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];
/// File systems that do not tell large letters from small ones.
const FOLDING: [&str; 9] = [
    "cifs", "exfat", "fat", "msdos", "ntfs", "ntfs3", "smb3", "smbfs", "vfat",
];
/// File systems that are no place to keep files, beside everything without a device.
const NO_PLACE: [&str; 2] = ["squashfs", "iso9660"];
/// Mounts below these belong to the system.
const OF_THE_SYSTEM: [&str; 7] = ["/boot", "/dev", "/etc", "/proc", "/snap", "/sys", "/usr"];

/// What is mounted somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where.
    pub(crate) at: PathBuf,
    /// Its device, as `8:1`.
    device: String,
    /// Its type, as `ext4`.
    kind: String,
    /// What is mounted, as `/dev/sda1` or `nas:/photos`.
    source: String,
}

impl Mount {
    /// Says whether it is on another machine.
    pub(crate) fn is_remote(&self) -> bool {
        REMOTE.contains(&&*self.kind)
    }

    /// Says whether it takes `A` and `a` for one name.
    pub(crate) fn folds_case(&self) -> bool {
        FOLDING.contains(&&*self.kind)
    }

    /// Says whether its disk can be unplugged.
    pub(crate) fn is_removable(&self) -> bool {
        let Ok(disk) = std::fs::canonicalize(Path::new("/sys/dev/block").join(&self.device)) else {
            return false;
        };
        let says = |dir: &Path| {
            let text = std::fs::read_to_string(dir.join("removable"));
            text.is_ok_and(|text| text.trim() == "1")
        };
        let is_usb = disk.iter().any(|part| {
            let part = part.as_encoded_bytes();
            part.starts_with(b"usb") || part.starts_with(b"mmc_host")
        });
        // A part of a disk lies in the directory of the disk.
        is_usb || says(&disk) || disk.parent().is_some_and(says)
    }

    /// Says whether people keep files there.
    pub(crate) fn is_place(&self) -> bool {
        let is_of_system = || OF_THE_SYSTEM.iter().any(|dir| self.at.starts_with(dir));
        let is_disk = self.source.starts_with("/dev/") && !NO_PLACE.contains(&&*self.kind);
        (is_disk || self.is_remote()) && self.at != Path::new("/") && !is_of_system()
    }
}

/// Reads what is mounted; nothing where the system has no such table.
pub(crate) fn mounts() -> Vec<Mount> {
    parse(&std::fs::read("/proc/self/mountinfo").unwrap_or_default())
}

/// Returns the mount that a path without links is on.
pub(crate) fn mount_of<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let around = mounts.iter().filter(|mount| path.starts_with(&mount.at));
    // The last one of a place covers those before.
    around.max_by_key(|mount| mount.at.as_os_str().len())
}

fn parse(table: &[u8]) -> Vec<Mount> {
    table.split(|&b| b == b'\n').filter_map(read_line).collect()
}

fn read_line(line: &[u8]) -> Option<Mount> {
    let fields: Vec<&[u8]> = line.split(|&b| b == b' ').collect();
    let [_id, _parent, device, _root, at, ..] = fields[..] else {
        return None;
    };
    // A varying number of fields ends with a dash.
    let dash = fields.iter().position(|field| *field == b"-")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Mount {
        at: PathBuf::from(OsString::from_vec(unescape(at))),
        device: text(device),
        kind: text(fields.get(dash + 1)?),
        source: text(fields.get(dash + 2)?),
    })
}

/// Space, tab, line end and backslash are written as three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
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
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:5 / /proc rw - proc proc rw
23 21 8:17 / /media/ann/my\\040disk rw shared:2 master:3 - vfat /dev/sdb1 rw
24 21 0:44 / /mnt/nas rw - nfs4 nas:/photos rw
25 21 0:45 / /run/user/1000 rw - tmpfs tmpfs rw
26 21 7:1 / /snap/x ro - squashfs /dev/loop1 ro
27 21
";

    #[test]
    fn a_folder_is_on_the_innermost_mount() {
        let mounts = parse(TABLE);
        let check = |path: &str, kind: &str, is_remote: bool, folds_case: bool| {
            let mount = mount_of(&mounts, Path::new(path)).unwrap();
            assert_eq!(mount.kind, kind, "{path}");
            assert_eq!(mount.is_remote(), is_remote, "{path}");
            assert_eq!(mount.folds_case(), folds_case, "{path}");
        };
        check("/home/ann", "ext4", false, false);
        check("/media/ann/my disk/a", "vfat", false, true);
        check("/media/ann/my disk2", "ext4", false, false);
        check("/mnt/nas/2019", "nfs4", true, false);
    }

    #[test]
    fn places_are_where_people_keep_files() {
        let mounts = parse(TABLE);
        let places = mounts.iter().filter(|mount| mount.is_place());
        let at: Vec<_> = places.map(|mount| mount.at.to_str().unwrap()).collect();
        assert_eq!(at, ["/media/ann/my disk", "/mnt/nas"]);
    }
}
