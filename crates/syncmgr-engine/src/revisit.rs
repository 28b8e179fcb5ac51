//! Where a look was not the last word: directories in which something was not exactly as agreed.
//!
//! The next look has to visit them again, whether anything changes in them or not: a conflict that
//! waits, a step that failed, a file that could have changed once more without a trace. Everywhere
//! else a directory in which nothing changes stays as it is, and need not be visited.

use std::collections::BTreeSet;

use crate::journal::RunId;
use crate::path::{RelPath, display_bytes, undisplay};

/// More directories than this are not remembered one by one: the next look visits everything.
const DIRS_MAX: usize = 4096;

/// First line of the text form; another one means another meaning.
const FORM: &str = "revisit 1";

/// Begins a line that stands for everything beneath a directory.
const TREE: char = '+';

/// Begins a line that stands for a directory alone.
const DIR: char = '-';

/// The directories that the next look has to visit again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revisit {
    /// The directories; empty when `is_all`.
    dirs: BTreeSet<RelPath>,
    /// Directories that could not be entered: everything beneath is to be visited once they can.
    trees: BTreeSet<RelPath>,
    /// There are too many to tell.
    is_all: bool,
    /// What was asked for in that look: with other options other things differ.
    pub(crate) asked: String,
    /// The latest run when the look began. When another one came between a look and its run, the
    /// two do not build on each other.
    pub(crate) after: Option<RunId>,
}

impl Revisit {
    /// Notes a directory.
    pub(crate) fn note(&mut self, dir: &RelPath) {
        if !self.is_all && !self.dirs.contains(dir) {
            self.dirs.insert(dir.clone());
            self.bound();
        }
    }

    /// Notes everything beneath a directory.
    pub(crate) fn note_tree(&mut self, dir: &RelPath) {
        if !self.is_all && !self.trees.contains(dir) {
            self.trees.insert(dir.clone());
            self.bound();
        }
    }

    fn bound(&mut self) {
        self.is_all |= self.dirs.len() + self.trees.len() > DIRS_MAX;
        if self.is_all {
            self.dirs = BTreeSet::new();
            self.trees = BTreeSet::new();
        }
    }

    /// Adds what another part of the same look noted.
    pub(crate) fn append(&mut self, other: Self) {
        self.is_all |= other.is_all;
        self.dirs.extend(other.dirs);
        self.trees.extend(other.trees);
        self.bound();
    }

    /// Says whether there are too many to tell, so that everything has to be visited.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.is_all
    }

    /// Returns the directories to visit; none when everything has to be.
    #[must_use]
    pub fn dirs(&self) -> &BTreeSet<RelPath> {
        &self.dirs
    }

    /// Returns the directories to visit with everything beneath; none when everything has to be.
    #[must_use]
    pub fn trees(&self) -> &BTreeSet<RelPath> {
        &self.trees
    }

    /// Writes it as text.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("{FORM}\n{}\n{}", self.asked, self.is_all);
        let dirs = self.dirs.iter().map(|dir| (DIR, dir));
        let trees = self.trees.iter().map(|dir| (TREE, dir));
        for (sign, dir) in dirs.chain(trees) {
            text.push('\n');
            text.push(sign);
            text.push_str(&display_bytes(dir.as_bytes()));
        }
        text
    }

    /// Reads what [`Self::to_text`] wrote; `None` when anything about it is strange.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        if lines.next()? != FORM {
            return None;
        }
        let mut read = Self {
            asked: lines.next()?.to_owned(),
            is_all: lines.next()?.parse().ok()?,
            ..Self::default()
        };
        for line in lines {
            let into = match line.chars().next()? {
                DIR => &mut read.dirs,
                TREE => &mut read.trees,
                _ => return None,
            };
            into.insert(RelPath::new(&undisplay(line.get(1..)?)).ok()?);
        }
        Some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &[u8]) -> RelPath {
        RelPath::new(text).unwrap()
    }

    #[test]
    fn text_comes_back() {
        let mut revisit = Revisit {
            asked: "x".to_owned(),
            ..Revisit::default()
        };
        for dir in [&b""[..], b"a/b", b"new\nline", b"\xff\\n"] {
            revisit.note(&path(dir));
        }
        revisit.note_tree(&path(b"t\ree"));
        assert_eq!(Revisit::from_text(&revisit.to_text()), Some(revisit));
        assert_eq!(Revisit::from_text(""), None);
        assert_eq!(Revisit::from_text("revisit 1\nx"), None);
        assert_eq!(Revisit::from_text("revisit 1\nx\nfalse\n-../a"), None);
    }

    #[test]
    fn too_many_are_all() {
        let mut revisit = Revisit::default();
        for n in 0..=DIRS_MAX {
            revisit.note(&path(n.to_string().as_bytes()));
        }
        assert!(revisit.is_all());
        let mut sum = Revisit::default();
        sum.note(&path(b"a"));
        sum.append(revisit);
        assert!(sum.is_all());
        assert!(sum.dirs().is_empty());
    }
}
