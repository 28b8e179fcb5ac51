//! What the machine can do at best: the bare system calls of a workload on two threads, with
//! nothing decided and nothing remembered.

use std::fs::{self, File, FileTimes};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, StatxFlags, openat, statx};

/// What one `getdents` call may bring.
const LISTING_BYTES: usize = 32 * 1024;

/// Lists and stats both trees, one thread each.
///
/// # Errors
/// Something cannot be read.
pub(crate) fn walk_both(left: &Path, right: &Path) -> Result<u64> {
    both(|| walk(left, false), || walk(right, false))
}

/// Lists, stats and hashes both trees, one thread each.
///
/// # Errors
/// Something cannot be read.
pub(crate) fn hash_both(left: &Path, right: &Path) -> Result<u64> {
    both(|| walk(left, true), || walk(right, true))
}

fn both(
    one: impl FnOnce() -> Result<u64> + Send,
    other: impl FnOnce() -> Result<u64> + Send,
) -> Result<u64> {
    std::thread::scope(|scope| {
        let other = scope.spawn(other);
        let one = one()?;
        Ok(one + other.join().expect("a walker does not panic")?)
    })
}

fn walk(root: &Path, hashes: bool) -> Result<u64> {
    let dir = openat(rustix::fs::CWD, root, directory(), Mode::empty())
        .with_context(|| format!("cannot open {}", root.display()))?;
    walk_dir(&dir, hashes)
}

fn directory() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn walk_dir(dir: &OwnedFd, hashes: bool) -> Result<u64> {
    let mut below = Vec::new();
    let mut n = 0;
    let mut buffer = vec![MaybeUninit::<u8>::uninit(); LISTING_BYTES];
    let mut list = RawDir::new(dir, &mut buffer);
    while let Some(entry) = list.next() {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        n += 1;
        statx(
            dir,
            name,
            AtFlags::SYMLINK_NOFOLLOW,
            StatxFlags::BASIC_STATS,
        )?;
        if entry.file_type() == FileType::Directory {
            below.push(name.to_owned());
        } else if hashes {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = File::from(openat(dir, name, flags, Mode::empty())?);
            blake3::Hasher::new().update_reader(file)?.finalize();
        }
    }
    for name in below {
        let child = openat(dir.as_fd(), &name, directory(), Mode::empty())?;
        n += walk_dir(&child, hashes)?;
    }
    Ok(n)
}

/// Copies a tree with two threads: temporary file, time, rename. Not made durable.
///
/// # Errors
/// The disk is full, or the like.
pub(crate) fn copy_small(left: &Path, into: &Path) -> Result<u64> {
    let mut dirs = Vec::new();
    find_dirs(left, Path::new(""), &mut dirs)?;
    for dir in &dirs {
        fs::create_dir_all(into.join(dir))?;
    }
    let (even, odd): (Vec<_>, Vec<_>) = dirs.iter().enumerate().partition(|(at, _)| at % 2 == 0);
    let copy = |part: Vec<(usize, &PathBuf)>| {
        part.into_iter().try_fold(0, |n, (_, dir)| {
            Ok(n + copy_dir(&left.join(dir), &into.join(dir))?)
        })
    };
    both(|| copy(even), || copy(odd))
}

fn find_dirs(root: &Path, dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    found.push(dir.to_owned());
    for entry in fs::read_dir(root.join(dir))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            find_dirs(root, &dir.join(entry.file_name()), found)?;
        }
    }
    Ok(())
}

fn copy_dir(from: &Path, into: &Path) -> Result<u64> {
    let mut n = 0;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if !metadata.is_file() {
            continue;
        }
        let temporary = into.join("~copy");
        fs::write(&temporary, fs::read(entry.path())?)?;
        let times = FileTimes::new().set_modified(metadata.modified()?);
        File::options()
            .write(true)
            .open(&temporary)?
            .set_times(times)?;
        fs::rename(&temporary, into.join(entry.file_name()))?;
        n += 1;
    }
    Ok(n)
}

/// Copies one file inside the kernel and waits until it is on the disk.
///
/// # Errors
/// The disk is full, or the like.
pub(crate) fn copy_large(from: &Path, into: &Path) -> Result<u64> {
    let n = fs::copy(from, into)?;
    File::open(into)?.sync_all()?;
    Ok(n)
}
