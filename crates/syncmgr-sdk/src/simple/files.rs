//! Copying files so that a kill at any moment leaves whole files only, and nothing that is lost.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Most names that are tried for something that is kept.
const NAMES_MAX: u32 = 10_000;

/// Copies a file to a place where nothing is yet: it appears there whole, or not at all. Returns the
/// bytes.
///
/// # Errors
/// When something is there already, or it cannot be read or written.
pub fn copy_new(from: &Path, to: &Path) -> io::Result<u64> {
    let (part, bytes) = part_of(from, to)?;
    // A link is made only where nothing is; a rename would replace what came in between.
    let linked = fs::hard_link(&part, to);
    let placed = match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if to.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => return fs::rename(&part, to).map(|()| bytes),
        Ok(()) => Ok(bytes),
    };
    fs::remove_file(&part)?;
    sync_folder(to)?;
    placed
}

/// Replaces a file by a copy of another one. What it replaces is first kept in the folder `kept`,
/// under its name with a number. Returns the bytes.
///
/// # Errors
/// When something cannot be read or written; what was there stays then.
pub fn replace(from: &Path, to: &Path, kept: &Path) -> io::Result<u64> {
    fs::create_dir_all(kept)?;
    keep(to, kept)?;
    let (part, bytes) = part_of(from, to)?;
    fs::rename(&part, to)?;
    sync_folder(to)?;
    Ok(bytes)
}

fn keep(file: &Path, kept: &Path) -> io::Result<()> {
    let name = file.file_name().unwrap_or_default();
    for n in 1..NAMES_MAX {
        let mut numbered = name.to_owned();
        numbered.push(format!(".{n}"));
        match copy_new(file, &kept.join(numbered)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Nothing is there that could be replaced, or it cannot be seen.
                return if file.symlink_metadata().is_err() {
                    Ok(())
                } else {
                    Err(error)
                };
            }
            copied => return copied.map(drop),
        }
    }
    Err(io::Error::other("too many kept files have this name"))
}

/// Copies a file to a name of its own beside the place it is for, down to the disk.
fn part_of(from: &Path, to: &Path) -> io::Result<(PathBuf, u64)> {
    let mut source = File::open(from)?;
    let mut name = std::ffi::OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    let part = to.with_file_name(name);
    let made = OpenOptions::new().write(true).create_new(true).open(&part);
    let mut target = match made {
        // One of an earlier process with this number, which was killed.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(&part)?;
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&part)?
        }
        made => made?,
    };
    let copied = io::copy(&mut source, &mut target)
        .and_then(|bytes| {
            target
                .set_permissions(source.metadata()?.permissions())
                .map(|()| bytes)
        })
        .and_then(|bytes| target.sync_all().map(|()| bytes));
    match copied {
        Ok(bytes) => Ok((part, bytes)),
        Err(error) => {
            fs::remove_file(&part)?;
            Err(error)
        }
    }
}

fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_never_copied_over() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&a, "new").unwrap();
        assert_eq!(copy_new(&a, &b).unwrap(), 3);
        fs::write(&b, "theirs").unwrap();
        let refused = copy_new(&a, &b).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&b).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_replaced_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b, kept) = (
            dir.path().join("a"),
            dir.path().join("b"),
            dir.path().join("kept"),
        );
        fs::write(&a, "new").unwrap();
        for old in ["one", "two"] {
            fs::write(&b, old).unwrap();
            replace(&a, &b, &kept).unwrap();
            assert_eq!(fs::read(&b).unwrap(), b"new");
        }
        assert_eq!(fs::read(kept.join("b.1")).unwrap(), b"one");
        assert_eq!(fs::read(kept.join("b.2")).unwrap(), b"two");
        assert_eq!(fs::read_dir(&kept).unwrap().count(), 2);
    }
}
