//! The directories above the roots: when one of them goes, the roots in it are not where they were,
//! and when a root is gone, its name may appear again in one of them.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::dirs::Watch;
use super::queue::{NotWatched, Queue};

/// A watched directory above roots.
#[derive(Debug)]
struct Above {
    path: PathBuf,
    roots: Vec<usize>,
}

/// All watched directories above roots.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    above: HashMap<Watch, Above>,
}

impl Guard {
    /// Watches everything above a root. With `is_gone`, also for the return of its name. What
    /// cannot be watched is passed over: its own absence shows in the directory above it.
    pub(crate) fn watch(&mut self, queue: &Queue, root: usize, path: &Path, is_gone: bool) {
        for dir in path.ancestors().skip(1) {
            match queue.watch_above(dir, is_gone) {
                Ok(watch) => {
                    let above = self.above.entry(watch).or_insert_with(|| Above {
                        path: dir.to_owned(),
                        roots: Vec::new(),
                    });
                    if !above.roots.contains(&root) {
                        above.roots.push(root);
                    }
                }
                Err(NotWatched::Full | NotWatched::NotThere | NotWatched::Failed(_)) => {}
            }
        }
    }

    /// Says whether a watch is one of these.
    pub(crate) fn has(&self, watch: Watch) -> bool {
        self.above.contains_key(&watch)
    }

    /// Returns the roots that an event above them concerns: `name` is the name that appeared, empty
    /// when the directory itself went.
    pub(crate) fn concerned(&self, watch: Watch, name: &[u8], roots: &[PathBuf]) -> Vec<usize> {
        let Some(above) = self.above.get(&watch) else {
            return Vec::new();
        };
        let named = above.path.join(OsStr::from_bytes(name));
        let is_on_way = |root: &&usize| name.is_empty() || roots[**root].starts_with(&named);
        above.roots.iter().filter(is_on_way).copied().collect()
    }

    /// Forgets a directory that the system has stopped watching.
    pub(crate) fn forget(&mut self, watch: Watch) {
        self.above.remove(&watch);
    }
}
