//! The directories that a look at a part of the trees has to list, and the ways to them. Pure.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::path::{RelPath, is_own_name};

/// The directories to list.
#[derive(Debug, Default)]
pub(crate) struct Focus {
    dirs: BTreeSet<RelPath>,
    /// Those of them in which everything beneath is to be listed, too.
    trees: BTreeSet<RelPath>,
}

impl Focus {
    /// Takes the directories to list, and those to list with everything beneath; those of our own
    /// are left out.
    pub(crate) fn new<'d>(
        dirs: impl IntoIterator<Item = &'d RelPath>,
        trees: impl IntoIterator<Item = &'d RelPath>,
    ) -> Self {
        let is_foreign = |dir: &&RelPath| !dir.components().any(is_own_name);
        let trees: BTreeSet<_> = trees.into_iter().filter(is_foreign).cloned().collect();
        let mut all = trees.clone();
        all.extend(dirs.into_iter().filter(is_foreign).cloned());
        Self { dirs: all, trees }
    }

    /// Says whether everything beneath a directory is to be listed.
    pub(crate) fn is_tree(&self, dir: &RelPath) -> bool {
        self.trees.contains(dir)
    }

    /// Returns how many directories are to be listed.
    pub(crate) fn len(&self) -> usize {
        self.dirs.len()
    }

    /// Says whether a directory is to be listed.
    pub(crate) fn lists(&self, dir: &RelPath) -> bool {
        self.dirs.contains(dir)
    }

    fn within(&self, dir: &RelPath) -> impl Iterator<Item = &RelPath> {
        let behind = (Bound::Excluded(dir.clone()), Bound::Unbounded);
        let is_within = {
            let dir = dir.clone();
            move |path: &&RelPath| path.is_within(&dir)
        };
        // What is in a directory follows it in the order of paths.
        self.dirs.range(behind).take_while(is_within)
    }

    /// Says whether a directory is to be listed or leads to one that is.
    pub(crate) fn leads_into(&self, dir: &RelPath) -> bool {
        self.lists(dir) || self.within(dir).next().is_some()
    }

    /// Returns the names in a directory that lead to one that is to be listed, each once, sorted.
    pub(crate) fn names_in(&self, dir: &RelPath) -> Vec<Box<[u8]>> {
        let mut names: Vec<Box<[u8]>> = Vec::new();
        for path in self.within(dir) {
            let Some(rest) = path.strip(dir) else {
                continue;
            };
            let Some(name) = rest.components().next() else {
                continue;
            };
            if names.last().is_none_or(|last| **last != *name) {
                names.push(name.into());
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn ways_lead_to_what_is_to_be_listed() {
        let dirs = ["a/b/c", "a/b.d", ".syncmgr/versions"].map(path);
        let focus = Focus::new(&dirs, &[path("x")]);
        assert_eq!(
            focus.names_in(&RelPath::root()),
            [&b"a"[..], b"x"].map(Box::from)
        );
        assert_eq!(
            focus.names_in(&path("a")),
            [&b"b"[..], b"b.d"].map(Box::from)
        );
        assert!(focus.leads_into(&path("a/b")));
        assert!(!focus.lists(&path("a/b")));
        assert!(!focus.leads_into(&path("a/b/c/d")));
        assert!(!focus.leads_into(&path("ab")));
        assert!(focus.leads_into(&path("x")) && focus.is_tree(&path("x")));
    }
}
