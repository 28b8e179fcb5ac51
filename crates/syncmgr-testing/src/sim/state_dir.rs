//! The directory of the agreed state, and images of it: what a dying process leaves is what it
//! had written at that moment, not what it went on to write in the simulation.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::rng::Rng;

/// A state directory of one simulation, in memory where the system has such a place.
#[derive(Debug)]
pub(super) struct StateDir {
    dir: TempDir,
}

impl StateDir {
    pub(super) fn new() -> io::Result<Self> {
        let shm = Path::new("/dev/shm");
        let dir = if shm.is_dir() {
            TempDir::with_prefix_in("syncmgr-sim-", shm)?
        } else {
            TempDir::with_prefix("syncmgr-sim-")?
        };
        fs::create_dir(dir.path().join("state"))?;
        Ok(Self { dir })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Where an image of this name is kept.
    pub(super) fn image(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Puts an image in the place of the state, if there is one.
    pub(super) fn restore(&self, name: &str) -> io::Result<()> {
        let image = self.image(name);
        if image.is_dir() {
            copy(&image, &self.path())?;
        }
        Ok(())
    }

    /// Loses the state.
    pub(super) fn lose(&self) -> io::Result<()> {
        fs::remove_dir_all(self.path())?;
        fs::create_dir(self.path())
    }

    /// Cuts the largest file short or overwrites a stretch of it.
    pub(super) fn damage(&self, rng: &mut Rng) -> io::Result<()> {
        let mut largest: Option<(u64, PathBuf)> = None;
        for item in fs::read_dir(self.path())? {
            let item = item?;
            let meta = item.metadata()?;
            if meta.is_file() && largest.as_ref().is_none_or(|(len, _)| meta.len() > *len) {
                largest = Some((meta.len(), item.path()));
            }
        }
        let Some((_, path)) = largest else {
            return Ok(());
        };
        let mut bytes = fs::read(&path)?;
        if rng.chance(1, 2) {
            bytes.truncate(rng.index(bytes.len()));
        } else {
            let at = rng.index(bytes.len());
            let end = bytes.len().min(at + 600);
            for byte in &mut bytes[at..end] {
                *byte = rng.next_u64().to_le_bytes()[0];
            }
        }
        fs::write(path, bytes)
    }
}

/// Makes `to` an exact copy of `from`; the files lie directly in it.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if to.is_dir() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir(to)?;
    for item in fs::read_dir(from)? {
        let item = item?;
        let target = to.join(item.file_name());
        if item.file_type()?.is_dir() {
            copy(&item.path(), &target)?;
        } else {
            fs::copy(item.path(), target)?;
        }
    }
    Ok(())
}
