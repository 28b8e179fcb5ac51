//! Tells one state of a file from another, so that a decision is about the content that was seen.
//!
//! Must not: follow a link, or wait for anybody.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Largest file whose bytes are compared: a list of ten thousand conflicts has to stay quick. Of a
/// larger one the times count, and the system keeps the time of the last change for itself.
const WHOLE_MAX: u64 = 64 << 10;

/// Most entries of a folder that are looked at; a folder with more is not replaced by a decision.
const ENTRIES_MAX: usize = 10_000;

/// How deep folders may lie in each other.
const DEPTH_MAX: usize = 128;

/// Hands what makes the state of what is at a path to `take`, in parts: equal parts mean that
/// nothing that matters has changed. Small files count by their bytes, larger ones by size and
/// times, folders by what is in them. Nothing there, and what cannot be read, are states too.
pub fn read_state(path: &Path, take: &mut dyn FnMut(&[u8])) {
    let mut n_left = ENTRIES_MAX;
    read(path, 0, &mut n_left, take);
}

fn read(path: &Path, depth: usize, n_left: &mut usize, take: &mut dyn FnMut(&[u8])) {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return take(b"missing"),
        Err(_) => return take(b"unknown"),
    };
    let kind = meta.file_type();
    if kind.is_symlink() {
        take(b"link ");
        match fs::read_link(path) {
            Ok(target) => take(target.as_os_str().as_bytes()),
            Err(_) => take(b"unknown"),
        }
    } else if kind.is_dir() && depth < DEPTH_MAX {
        take(b"folder ");
        folder(path, depth, n_left, take);
    } else if kind.is_file() && meta.len() <= WHOLE_MAX {
        match whole(path) {
            Ok(bytes) => {
                take(format!("file {} ", bytes.len()).as_bytes());
                take(&bytes);
            }
            Err(_) => take(times(&meta).as_bytes()),
        }
    } else {
        take(times(&meta).as_bytes());
    }
}

fn folder(path: &Path, depth: usize, n_left: &mut usize, take: &mut dyn FnMut(&[u8])) {
    let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let Ok(mut entries) = entries else {
        return take(b"unknown");
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if *n_left == 0 {
            return take(b"more");
        }
        *n_left -= 1;
        let name = entry.file_name();
        take(format!("entry {} ", name.len()).as_bytes());
        take(name.as_bytes());
        read(&entry.path(), depth + 1, n_left, take);
    }
}

fn whole(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // It may have grown since; more than this is a state of its own.
    File::open(path)?
        .take(WHOLE_MAX + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn times(meta: &Metadata) -> String {
    format!(
        "{:o} {} {}.{:09} {}.{:09}",
        meta.mode(),
        meta.len(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(path: &Path) -> Vec<u8> {
        let mut all = Vec::new();
        read_state(path, &mut |part| all.extend_from_slice(part));
        all
    }

    /// What was changed without another size and with the time it had is noticed all the same.
    #[test]
    fn a_change_that_hides_is_another_state() {
        let dir = tempfile::tempdir().unwrap();
        for size in [10, 100_000] {
            let file = dir.path().join(format!("{size}"));
            fs::write(&file, vec![b'a'; size]).unwrap();
            let time = fs::metadata(&file).unwrap().modified().unwrap();
            let before = state(&file);
            assert_eq!(before, state(&file));
            // Clocks of file systems tick in milliseconds, so the first change may be too early.
            let is_other = || {
                fs::write(&file, vec![b'b'; size]).unwrap();
                let open = File::options().write(true).open(&file).unwrap();
                open.set_modified(time).unwrap();
                state(&file) != before
            };
            assert!((0..100_000).any(|_| is_other()), "{size}");
        }
    }

    #[test]
    fn a_folder_is_what_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a");
        assert_eq!(state(&folder), b"missing");
        fs::create_dir_all(folder.join("b")).unwrap();
        let empty = state(&folder);
        fs::write(folder.join("b/c"), "1").unwrap();
        let one = state(&folder);
        fs::write(folder.join("b/c"), "2").unwrap();
        assert!(empty != one && one != state(&folder));
    }
}
