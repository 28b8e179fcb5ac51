//! Keeps what a decision replaces: a copy below the state of the item, before anything is replaced.
//! Copies stay until a person removes them: decisions are few, and each was about content that
//! somebody wrote.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};

use syncmgr_model::trouble::{Code, Trouble};

/// Most files of a folder that are kept: a folder with more is decided with the tool itself.
const FILES_MAX: usize = 10_000;

/// Returns where the copies of a run lie.
#[must_use]
pub fn kept_dir(state: &Path, run: &str) -> PathBuf {
    state.join("kept").join(run)
}

/// Copies what is at `from` to the place of `path` below `into`, and waits until it is on disk.
/// Nothing there is nothing to keep. What is kept under that name already stays.
///
/// # Errors
/// `not-possible` when it cannot be copied; the original is as it was.
pub fn keep_copy(into: &Path, path: &[u8], from: &Path) -> Result<Option<PathBuf>, Trouble> {
    let failed = |e: io::Error| {
        Trouble::new(Code::NotPossible).with(
            "detail",
            format!("what would be replaced cannot be kept ({e}), so nothing was replaced"),
        )
    };
    let meta = match fs::symlink_metadata(from) {
        Ok(meta) => meta,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let wanted = place(into, path);
    let make = || -> io::Result<PathBuf> {
        if let Some(parent) = wanted.parent() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)?;
        }
        let to = free_name(&wanted);
        if meta.is_dir() {
            let mut n_files = 0;
            copy_folder(from, &to, &mut n_files)?;
        } else {
            copy_entry(from, &to, &meta)?;
        }
        if let Some(parent) = to.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(to)
    };
    make().map(Some).map_err(failed)
}

/// Returns the place of a relative path below a folder; `..` and `/` lead nowhere else.
fn place(into: &Path, path: &[u8]) -> PathBuf {
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            None
        }
    });
    parts.fold(into.to_owned(), |place, name| place.join(name))
}

/// Returns a name at which nothing is.
fn free_name(wanted: &Path) -> PathBuf {
    let mut to = wanted.to_owned();
    let mut n = 1_u32;
    while fs::symlink_metadata(&to).is_ok() {
        n += 1;
        let mut name = wanted.as_os_str().to_owned();
        name.push(format!(".{n}"));
        to = PathBuf::from(name);
    }
    to
}

fn copy_entry(from: &Path, to: &Path, meta: &fs::Metadata) -> io::Result<()> {
    if meta.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    if !meta.is_file() {
        return Err(io::Error::other(
            "it is neither a file, a folder nor a link",
        ));
    }
    let mut source = File::open(from)?;
    let mut target = File::options().write(true).create_new(true).open(to)?;
    io::copy(&mut source, &mut target)?;
    target.set_permissions(meta.permissions())?;
    target.set_modified(meta.modified()?)?;
    target.sync_all()
}

fn copy_folder(from: &Path, to: &Path, n_files: &mut usize) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        *n_files += 1;
        if *n_files > FILES_MAX {
            return Err(io::Error::other("the folder has too many files"));
        }
        let (meta, to) = (entry.metadata()?, to.join(entry.file_name()));
        if meta.is_dir() {
            copy_folder(&entry.path(), &to, n_files)?;
        } else {
            copy_entry(&entry.path(), &to, &meta)?;
        }
    }
    Ok(())
}

/// Puts bytes in the place of a file: beside it first, then renamed over it.
///
/// # Errors
/// As the system says; the file is then as it was.
pub fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".syncmgr-new");
    let new = file.with_file_name(name);
    let write = || -> io::Result<()> {
        let mut out = File::options().write(true).create_new(true).open(&new)?;
        io::Write::write_all(&mut out, bytes)?;
        if let Ok(meta) = fs::metadata(file) {
            out.set_permissions(meta.permissions())?;
        }
        out.sync_all()?;
        fs::rename(&new, file)
    };
    let written = write();
    if written
        .as_ref()
        .is_err_and(|e| e.kind() != io::ErrorKind::AlreadyExists)
    {
        // The half-written one is ours.
        fs::remove_file(&new).ok();
    }
    written
}

/// Returns a name beside a file that says whose copy it is: `report (nas 2026-12-01).txt`; one at
/// which nothing is.
#[must_use]
pub fn beside(file: &Path, whose: &str) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default();
    let ending = file.extension();
    let mut n = 1_u32;
    loop {
        let mut name = stem.to_owned();
        match n {
            1 => name.push(format!(" ({whose})")),
            n => name.push(format!(" ({whose} {n})")),
        }
        if let Some(ending) = ending {
            name.push(".");
            name.push(ending);
        }
        let path = file.with_file_name(name);
        if fs::symlink_metadata(&path).is_err() {
            return path;
        }
        n += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_and_leads_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.txt");
        fs::write(&file, "one").unwrap();
        let kept = dir.path().join("kept");
        let first = keep_copy(&kept, b"../x/a.txt", &file).unwrap().unwrap();
        assert_eq!(first, kept.join("x/a.txt"));
        fs::write(&file, "two").unwrap();
        let second = keep_copy(&kept, b"x/a.txt", &file).unwrap().unwrap();
        assert_eq!(fs::read_to_string(first).unwrap(), "one");
        assert_eq!(fs::read_to_string(second).unwrap(), "two");
        assert_eq!(keep_copy(&kept, b"y", &dir.path().join("none")), Ok(None));
    }

    #[test]
    fn a_copy_beside_a_file_takes_no_name_that_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.tar.gz");
        let first = beside(&file, "nas");
        assert_eq!(first, dir.path().join("a.tar (nas).gz"));
        fs::write(&first, "").unwrap();
        assert_eq!(beside(&file, "nas"), dir.path().join("a.tar (nas 2).gz"));
    }

    #[test]
    fn a_replaced_file_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        fs::write(&file, "old").unwrap();
        replace(&file, b"new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
