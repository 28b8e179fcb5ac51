//! Which watch stands for which directory. Pure.
//!
//! A directory knows its parent and its name, so that moving a large one costs one step.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// The number by which the system names a watched directory.
pub(crate) type Watch = i32;

/// A watched directory.
#[derive(Debug, Default)]
struct Dir {
    root: usize,
    parent: Option<Watch>,
    name: Box<[u8]>,
    children: BTreeMap<Box<[u8]>, Watch>,
}

/// All watched directories.
#[derive(Debug, Default)]
pub(crate) struct Dirs {
    dirs: HashMap<Watch, Dir>,
    /// The watches of the roots, by root.
    tops: HashMap<usize, Watch>,
    /// Taken out of their place and not put anywhere else yet.
    adrift: Vec<Watch>,
    /// How many directories each root has.
    counts: HashMap<usize, u64>,
}

impl Dirs {
    /// Puts the root itself.
    pub(crate) fn put_root(&mut self, watch: Watch, root: usize) {
        self.tops.insert(root, watch);
        self.enter(watch, root);
    }

    /// Puts a directory where it was found, wherever it was before.
    pub(crate) fn put(&mut self, watch: Watch, parent: Watch, name: &[u8]) {
        let Some(root) = self.dirs.get(&parent).map(|dir| dir.root) else {
            return;
        };
        if self.tops.get(&root) == Some(&watch) {
            return; // the root seen once more through a mount beneath it
        }
        self.enter(watch, root);
        let old = self.dirs.get(&watch);
        if old.is_some_and(|dir| dir.parent == Some(parent) && *dir.name == *name) {
            return;
        }
        self.unlink(watch);
        if let Some(dir) = self.dirs.get_mut(&watch) {
            dir.parent = Some(parent);
            dir.name = name.into();
        }
        let replaced = self
            .dirs
            .get_mut(&parent)
            .and_then(|dir| dir.children.insert(name.into(), watch));
        if let Some(replaced) = replaced.filter(|replaced| *replaced != watch) {
            self.set_adrift(replaced);
        }
    }

    /// Takes a directory out of its parent's list.
    fn unlink(&mut self, watch: Watch) {
        let Some(dir) = self.dirs.get_mut(&watch) else {
            return;
        };
        let Some(parent) = dir.parent.take() else {
            return;
        };
        let name = std::mem::take(&mut dir.name);
        if let Some(parent) = self.dirs.get_mut(&parent)
            && parent.children.get(&name) == Some(&watch)
        {
            parent.children.remove(&name);
        }
    }

    fn set_adrift(&mut self, watch: Watch) {
        if let Some(dir) = self.dirs.get_mut(&watch) {
            dir.parent = None;
            self.adrift.push(watch);
        }
    }

    /// Says whether the directory of this name is watched.
    pub(crate) fn has_child(&self, parent: Watch, name: &[u8]) -> bool {
        let dir = self.dirs.get(&parent);
        dir.is_some_and(|dir| dir.children.contains_key(name))
    }

    /// Notes that a directory is not at this name any more; it may turn up elsewhere.
    pub(crate) fn detach(&mut self, parent: Watch, name: &[u8]) {
        let child = self
            .dirs
            .get_mut(&parent)
            .and_then(|dir| dir.children.remove(name));
        if let Some(child) = child {
            self.set_adrift(child);
        }
    }

    /// Forgets one directory that the system has stopped watching.
    pub(crate) fn forget(&mut self, watch: Watch) {
        self.unlink(watch);
        if let Some(dir) = self.drop_dir(watch) {
            for child in dir.children.into_values() {
                self.set_adrift(child);
            }
            if self.tops.get(&dir.root) == Some(&watch) {
                self.tops.remove(&dir.root);
            }
        }
    }

    /// Forgets all that belongs to a root and returns the watches.
    pub(crate) fn take_root(&mut self, root: usize) -> Vec<Watch> {
        self.tops.remove(&root);
        let of_root = |dir: &Dir| dir.root == root;
        let gone: Vec<Watch> = self
            .dirs
            .iter()
            .filter(|(_, dir)| of_root(dir))
            .map(|(watch, _)| *watch)
            .collect();
        self.dirs.retain(|_, dir| !of_root(dir));
        self.counts.remove(&root);
        gone
    }

    /// Forgets the directories that did not turn up elsewhere, with all beneath, and returns their
    /// watches.
    pub(crate) fn take_adrift(&mut self) -> Vec<Watch> {
        let mut gone = Vec::new();
        let mut waiting = std::mem::take(&mut self.adrift);
        waiting.retain(|watch| {
            let dir = self.dirs.get(watch);
            dir.is_some_and(|dir| dir.parent.is_none())
        });
        while let Some(watch) = waiting.pop() {
            if let Some(dir) = self.drop_dir(watch) {
                waiting.extend(dir.children.into_values());
                gone.push(watch);
            }
        }
        gone
    }

    /// Returns the root a watch is the top of.
    pub(crate) fn top_of(&self, watch: Watch) -> Option<usize> {
        let root = self.dirs.get(&watch)?.root;
        (self.tops.get(&root) == Some(&watch)).then_some(root)
    }

    /// Returns the root and the path beneath it; `None` for what is not (or no longer) in a root.
    pub(crate) fn place(&self, watch: Watch) -> Option<(usize, PathBuf)> {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut at = watch;
        let mut dir = self.dirs.get(&at)?;
        while let Some(parent) = dir.parent {
            names.push(&dir.name);
            at = parent;
            dir = self.dirs.get(&at)?;
        }
        if self.tops.get(&dir.root) != Some(&at) {
            return None;
        }
        let path = names.into_iter().rev().map(OsStr::from_bytes).collect();
        Some((dir.root, path))
    }

    /// Returns how many directories are known.
    pub(crate) fn len(&self) -> usize {
        self.dirs.len()
    }

    /// Returns how many directories of a root are known.
    pub(crate) fn n_watched(&self, root: usize) -> u64 {
        self.counts.get(&root).copied().unwrap_or(0)
    }

    fn count(&mut self, root: usize, by: i64) {
        let n = self.counts.entry(root).or_default();
        *n = n.saturating_add_signed(by);
    }

    /// Makes sure that a directory is known, as one of this root.
    fn enter(&mut self, watch: Watch, root: usize) {
        let before = self.dirs.get(&watch).map(|dir| dir.root);
        if before == Some(root) {
            return;
        }
        if let Some(before) = before {
            self.count(before, -1);
        }
        self.count(root, 1);
        let dir = self.dirs.entry(watch).or_default();
        dir.root = root;
    }

    fn drop_dir(&mut self, watch: Watch) -> Option<Dir> {
        let dir = self.dirs.remove(&watch)?;
        self.count(dir.root, -1);
        Some(dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(dirs: &Dirs, watch: Watch) -> Option<String> {
        let (_, path) = dirs.place(watch)?;
        Some(path.to_string_lossy().into_owned())
    }

    #[test]
    fn what_moves_takes_along_what_is_in_it() {
        let mut dirs = Dirs::default();
        dirs.put_root(1, 0);
        dirs.put(2, 1, b"a");
        dirs.put(3, 2, b"b");
        dirs.put(4, 1, b"c");
        assert_eq!(place(&dirs, 3).as_deref(), Some("a/b"));
        dirs.detach(1, b"a");
        assert_eq!(place(&dirs, 3), None);
        dirs.put(2, 4, b"x");
        assert_eq!(place(&dirs, 3).as_deref(), Some("c/x/b"));
        assert_eq!(dirs.take_adrift(), Vec::<Watch>::new());
        dirs.detach(4, b"x");
        assert_eq!(dirs.take_adrift(), [2, 3]);
        assert_eq!(dirs.len(), 2);
    }

    #[test]
    fn one_root_goes_and_the_other_stays() {
        let mut dirs = Dirs::default();
        dirs.put_root(1, 0);
        dirs.put_root(2, 1);
        dirs.put(3, 2, b"a");
        let mut gone = dirs.take_root(1);
        gone.sort_unstable();
        assert_eq!(gone, [2, 3]);
        assert_eq!(place(&dirs, 1).as_deref(), Some(""));
    }
}
