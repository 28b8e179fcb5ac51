//! Which directories contain a path: those above it by name, and those above every other place
//! where the same directory can be seen through a bind mount.
//!
//! Walking down from any of them may meet the directory, so this is what "above" has to mean for
//! overlaps and for locks.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A directory by what it is: device and inode.
pub(crate) type DirId = (u64, u64);

/// Returns device and inode of what a path leads to; `None` when that cannot be told.
pub(crate) fn dir_id(path: &Path) -> Option<DirId> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.dev(), meta.ino()))
}

/// Returns every directory that contains `path`, itself excluded, nearest first for each of the
/// places it can be seen at. `path` must be absolute and without links.
pub(crate) fn above(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = path.ancestors().skip(1).map(Path::to_path_buf).collect();
    let mounts = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    for alias in aliases(path, &read_mounts(&mounts)) {
        // Another mount may hide it by now.
        if dir_id(&alias).is_some_and(|id| Some(id) == dir_id(path)) {
            found.extend(alias.ancestors().skip(1).map(Path::to_path_buf));
        }
    }
    found
}

/// One line of `/proc/self/mountinfo`.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    /// Major and minor number, as text.
    device: Vec<u8>,
    /// Which directory of the file system is mounted.
    root: PathBuf,
    /// Where.
    at: PathBuf,
}

fn read_mounts(text: &[u8]) -> Vec<Mount> {
    text.split(|&b| b == b'\n').filter_map(read_mount).collect()
}

fn read_mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&b| b == b' ').skip(2);
    Some(Mount {
        device: fields.next()?.to_vec(),
        root: unescape(fields.next()?),
        at: unescape(fields.next()?),
    })
}

/// Space, tab, line end and backslash are written as three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let code = (first == b'\\')
            .then(|| tail.get(..3))
            .flatten()
            .and_then(octal);
        out.push(code.unwrap_or(first));
        rest = if code.is_some() { &tail[3..] } else { tail };
    }
    PathBuf::from(OsString::from_vec(out))
}

fn octal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

/// Returns the other places where mounts show the directory `path`.
fn aliases(path: &Path, mounts: &[Mount]) -> Vec<PathBuf> {
    // Of several mounts on one point the last hides the others.
    let holding = mounts
        .iter()
        .filter(|mount| path.starts_with(&mount.at))
        .max_by_key(|mount| mount.at.as_os_str().as_bytes().len());
    let Some(holding) = holding else {
        return Vec::new();
    };
    let Ok(below) = path.strip_prefix(&holding.at) else {
        return Vec::new();
    };
    let inner = holding.root.join(below);
    mounts
        .iter()
        .filter(|mount| mount.device == holding.device)
        .filter_map(|mount| Some(mount.at.join(inner.strip_prefix(&mount.root).ok()?)))
        .map(|alias| alias.components().collect())
        .filter(|alias: &PathBuf| alias != path)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &[u8] = b"\
21 1 8:1 / / rw - ext4 /dev/a rw
22 21 0:5 / /proc rw - proc proc rw
23 21 8:1 /home/ann/in\\040box /srv/in rw - ext4 /dev/a rw
24 21 8:2 / /mnt rw - ext4 /dev/b rw
";

    #[test]
    fn a_bind_mount_is_another_place_of_the_same_directory() {
        let mounts = read_mounts(MOUNTS);
        let check = |path: &str, expected: &[&str]| {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(aliases(Path::new(path), &mounts), expected, "{path}");
        };
        check("/srv/in", &["/home/ann/in box"]);
        check("/srv/in/x", &["/home/ann/in box/x"]);
        check("/home/ann/in box/x", &["/srv/in/x"]);
        check("/home/ann", &[]);
        check("/mnt/x", &[]);
    }

    #[test]
    fn everything_above_a_path_contains_it() {
        let found = above(Path::new("/a/b"));
        assert_eq!(found[..2], [PathBuf::from("/a"), PathBuf::from("/")]);
    }
}
