//! Puts watches on a directory and everything beneath it.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

use super::dirs::{Dirs, Watch};
use super::queue::{NotWatched, Queue};

/// What a walk needs to know.
pub(crate) struct Ground<'a> {
    pub(crate) queue: &'a Queue,
    pub(crate) ignored_prefix: &'a [u8],
    /// Directories that may be watched altogether.
    pub(crate) watches_max: u64,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// The directories that are watched now, by their absolute paths.
    pub(crate) dirs: Vec<PathBuf>,
    /// How many directories could not be watched.
    pub(crate) n_left_out: u64,
    /// The top itself is there.
    pub(crate) is_there: bool,
}

/// Where the top of a walk belongs.
#[derive(Clone, Copy)]
pub(crate) enum Top<'a> {
    /// It is this root.
    Root(usize),
    /// It has this name in a watched directory.
    In(Watch, &'a [u8]),
}

impl Ground<'_> {
    /// Watches `top` and all directories in it. Each is watched before it is listed, so that what
    /// appears in it meanwhile is either listed or reported.
    ///
    /// # Errors
    /// When the system refuses for another reason than its limit.
    pub(crate) fn walk(&self, dirs: &mut Dirs, top: Top<'_>, path: &Path) -> io::Result<Walked> {
        let mut walked = Walked::default();
        let mut first = None;
        if let Some(watch) = self.add(dirs, path, &mut walked)? {
            match top {
                Top::Root(root) => dirs.put_root(watch, root),
                Top::In(parent, name) => dirs.put(watch, parent, name),
            }
            first = Some(watch);
        }
        let mut waiting = vec![(first, path.to_owned())];
        while let Some((parent, dir)) = waiting.pop() {
            let Some(names) = self.subdirs(&dir) else {
                continue;
            };
            walked.is_there = true;
            for name in names {
                let path = dir.join(OsStr::from_bytes(&name));
                let watch = match parent {
                    Some(_) => self.add(dirs, &path, &mut walked)?,
                    None => {
                        walked.n_left_out += 1;
                        None
                    }
                };
                if let (Some(watch), Some(parent)) = (watch, parent) {
                    dirs.put(watch, parent, &name);
                }
                waiting.push((watch, path));
            }
            if parent.is_some() {
                walked.dirs.push(dir);
            }
        }
        Ok(walked)
    }

    fn add(&self, dirs: &Dirs, path: &Path, walked: &mut Walked) -> io::Result<Option<Watch>> {
        if dirs.len() as u64 >= self.watches_max {
            walked.n_left_out += 1;
            return Ok(None);
        }
        match self.queue.watch(path) {
            Ok(watch) => Ok(Some(watch)),
            Err(NotWatched::Full) => {
                walked.n_left_out += 1;
                Ok(None)
            }
            Err(NotWatched::NotThere) => Ok(None),
            Err(NotWatched::Failed(error)) => Err(error),
        }
    }

    /// Lists the names of the directories in a directory, without following links; `None` when it
    /// cannot be listed.
    fn subdirs(&self, dir: &Path) -> Option<Vec<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::open(dir, flags, Mode::empty()).ok()?;
        let listing = Dir::read_from(&fd).ok()?;
        let mut names = Vec::new();
        for entry in listing {
            let entry = entry.ok()?;
            let name = entry.file_name().to_bytes();
            let is_ignored =
                !self.ignored_prefix.is_empty() && name.starts_with(self.ignored_prefix);
            if matches!(name, b"." | b"..") || is_ignored {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    match rustix::fs::statat(&fd, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                        Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                        Err(_) => continue,
                    }
                }
                known => known,
            };
            if kind == FileType::Directory {
                names.push(name.to_vec());
            }
        }
        Some(names)
    }
}
