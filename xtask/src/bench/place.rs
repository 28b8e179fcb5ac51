//! Where the data lies: a directory, or a file system of its own in an image.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::prepare;
use crate::shell;

/// Size of the image; it is sparse, so only what is written takes space.
const IMAGE_BYTES: u64 = 64 << 30;
/// W2M and W3 together need fewer.
const IMAGE_INODES: &str = "4000000";

/// The directory of a benchmark; an image is unmounted and removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    dir: PathBuf,
    image: Option<PathBuf>,
}

impl Place {
    /// Uses a directory as it is.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn directory(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Self {
            dir: fs::canonicalize(dir)?,
            image: None,
        })
    }

    /// Makes an ext4 with a journal in a file below `dir` and mounts it.
    ///
    /// # Errors
    /// Not root, no mkfs.ext4, no loop devices, no space.
    pub(crate) fn image(dir: &Path) -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            bail!("--image mounts a file system, which only root can do");
        }
        fs::create_dir_all(dir)?;
        let (image, mount) = (dir.join("bench.ext4"), dir.join("mounted"));
        fs::create_dir_all(&mount)?;
        // An interrupted benchmark leaves its image mounted; where none is, this fails, rightly.
        drop(Command::new("umount").arg(&mount).output());
        File::create(&image)?.set_len(IMAGE_BYTES)?;
        // Tables written at once, or the kernel writes them behind our back while we measure.
        let mut mkfs = Command::new("/usr/sbin/mkfs.ext4");
        mkfs.args(["-q", "-F", "-N", IMAGE_INODES])
            .args(["-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"])
            .arg(&image);
        shell::capture(&mut mkfs)?;
        shell::capture(
            Command::new("mount")
                .args(["-o", "loop"])
                .arg(&image)
                .arg(&mount),
        )?;
        Ok(Self {
            dir: mount,
            image: Some(image),
        })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Says in words on what the data lies, with a warning where the figures would mislead.
    pub(crate) fn describe(&self) -> String {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let Some((source, kind)) = mount_of(&mounts, &self.dir) else {
            return format!("{} (unknown file system)", self.dir.display());
        };
        let mut text = format!("{} ({kind} on {source})", self.dir.display());
        if kind == "ext4" && !has_journal(source) {
            text.push_str(
                "\nwarning: this ext4 has no journal, or it cannot be seen; creating files after \
                 many deletions is up to ten times slower there, so use --image or --dir",
            );
        }
        text
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(image) = &self.image else { return };
        let unmounted = shell::capture(Command::new("umount").arg(&self.dir));
        if let Err(error) = unmounted.map(drop).and_then(|()| prepare::remove(image)) {
            eprintln!("cannot clean up after the image: {error:#}");
        }
    }
}

/// Finds the mount with the longest matching path in the text of `/proc/self/mounts`.
fn mount_of<'a>(mounts: &'a str, dir: &Path) -> Option<(&'a str, &'a str)> {
    mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (source, at, kind) = (words.next()?, words.next()?, words.next()?);
            dir.starts_with(at).then_some((at.len(), source, kind))
        })
        // A later mount on the same place hides an earlier one, and `max_by_key` keeps the last.
        .max_by_key(|(length, _, _)| *length)
        .map(|(_, source, kind)| (source, kind))
}

fn has_journal(source: &str) -> bool {
    let device = source.rsplit('/').next().unwrap_or(source);
    let prefix = format!("{device}-");
    fs::read_dir("/proc/fs/jbd2").is_ok_and(|list| {
        list.filter_map(Result::ok)
            .any(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_mount_wins() {
        let mounts = "/dev/a / ext4 rw 0 0\n/dev/b /data xfs rw 0 0\n";
        assert_eq!(
            mount_of(mounts, Path::new("/data/x")),
            Some(("/dev/b", "xfs"))
        );
        assert_eq!(
            mount_of(mounts, Path::new("/database")),
            Some(("/dev/a", "ext4"))
        );
    }
}
