//! Test data from a seed: the same numbers give the same names, bytes and times everywhere.

use std::fs::{self, File, FileTimes};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};

/// Printed with every result, so that a run can be repeated.
pub(crate) const SEED: u64 = 0x5eed_2026;

/// Files in one directory; trees of people rarely have more.
const FILES_PER_DIR: u64 = 100;

/// Everything generated is older than this, so that no tool meets a file "of this second".
const EPOCH_SECS: u64 = 1_700_000_000;

/// Threads that write; more only fight for the journal of the file system.
const WRITERS: u64 = 2;

/// A source of numbers (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            part.copy_from_slice(&word[..part.len()]);
        }
    }

    /// A number below `end`, which must not be 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// The bytes a file gets for an id and a generation (0 is the first).
pub(crate) fn content(id: u64, generation: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    let seed = SEED ^ id.wrapping_mul(0x1_0001) ^ generation.wrapping_mul(0xd1b5_4a32_d192_ed03);
    Rng::new(seed).fill(&mut bytes);
    bytes
}

/// Where file number `id` of a tree lies.
pub(crate) fn place(id: u64) -> PathBuf {
    let dir = id / FILES_PER_DIR;
    PathBuf::from(format!(
        "d{:03}/e{:02}/file-{id:07}.dat",
        dir / 50,
        dir % 50
    ))
}

/// A time that no other number below ten million shares, to the second. Quarters of a second are
/// exact in floating point, in which unison keeps times; anything finer it would round, and in
/// trees that all tools share the next one would meet a difference.
pub(crate) fn first_time(id: u64) -> SystemTime {
    let quarter_ns = (id % 4) as u32 * 250_000_000;
    SystemTime::UNIX_EPOCH + Duration::new(EPOCH_SECS + id % 10_000_000, quarter_ns)
}

/// Writes files `0..n` of `size` bytes below each of `roots`, equal in everything.
///
/// # Errors
/// The disk is full, or the like.
pub(crate) fn grow(roots: &[&Path], n: u64, size: usize) -> Result<()> {
    for root in roots {
        fs::create_dir_all(root)?;
    }
    let dirs = n.div_ceil(FILES_PER_DIR);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn(move || -> Result<()> {
                    for dir in (writer..dirs).step_by(WRITERS as usize) {
                        grow_dir(roots, dir, n, size)?;
                    }
                    Ok(())
                })
            })
            .collect();
        writers
            .into_iter()
            .try_for_each(|writer| writer.join().expect("a writer does not panic"))
    })
}

fn grow_dir(roots: &[&Path], dir: u64, n: u64, size: usize) -> Result<()> {
    let ids = dir * FILES_PER_DIR..((dir + 1) * FILES_PER_DIR).min(n);
    for root in roots {
        let first = root.join(place(ids.start));
        fs::create_dir_all(first.parent().expect("a file lies in a directory"))?;
    }
    for id in ids {
        let bytes = content(id, 0, size);
        for root in roots {
            write(&root.join(place(id)), &bytes, Some(first_time(id)))?;
        }
    }
    Ok(())
}

/// Writes one file; without a time it carries that of the moment.
///
/// # Errors
/// With the path.
pub(crate) fn write(path: &Path, bytes: &[u8], time: Option<SystemTime>) -> Result<()> {
    let attempt = || -> std::io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        match time {
            Some(time) => file.set_times(FileTimes::new().set_modified(time)),
            None => Ok(()),
        }
    };
    attempt().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes one large file of `size` bytes, equal on each of `paths`.
///
/// # Errors
/// With the path.
pub(crate) fn write_large(paths: &[PathBuf], size: u64) -> Result<()> {
    let mut files = Vec::new();
    for path in paths {
        let file =
            File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        files.push(file);
    }
    let mut rng = Rng::new(SEED ^ size);
    let mut chunk = vec![0; 1 << 20];
    let mut left = size;
    while left > 0 {
        let n = left.min(chunk.len() as u64) as usize;
        rng.fill(&mut chunk[..n]);
        for file in &mut files {
            file.write_all(&chunk[..n])?;
        }
        left -= n as u64;
    }
    for file in &files {
        file.set_times(FileTimes::new().set_modified(first_time(0)))?;
    }
    Ok(())
}

/// Overwrites `n` bytes in the middle of a file, as a database would; without a time it carries
/// that of the moment.
///
/// # Errors
/// With the path.
pub(crate) fn change_middle(
    path: &Path,
    n: usize,
    round: u64,
    time: Option<SystemTime>,
) -> Result<()> {
    let attempt = || -> std::io::Result<()> {
        let mut file = File::options().write(true).open(path)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(n as u64) / 2))?;
        file.write_all(&content(u64::MAX, round, n.min(size as usize)))?;
        match time {
            Some(time) => file.set_times(FileTimes::new().set_modified(time)),
            None => Ok(()),
        }
    };
    attempt().with_context(|| format!("cannot change {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_id_gives_the_same_bytes_and_another_gives_others() {
        assert_eq!(content(7, 0, 33), content(7, 0, 33));
        assert_ne!(content(7, 0, 33), content(8, 0, 33));
        assert_ne!(content(7, 0, 33), content(7, 1, 33));
    }

    #[test]
    fn no_two_files_share_a_place() {
        let places: std::collections::BTreeSet<_> = (0..10_000).map(place).collect();
        assert_eq!(places.len(), 10_000);
    }
}
