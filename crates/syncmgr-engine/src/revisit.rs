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

/// The directories that the next look has to visit again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revisit {
    /// The directories; meaningless when `is_all`.
    dirs: BTreeSet<RelPath>,
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
        if self.is_all || self.dirs.contains(dir) {
            return;
        }
        self.dirs.insert(dir.clone());
        if self.dirs.len() > DIRS_MAX {
            self.dirs.clear();
            self.is_all = true;
        }
    }

    /// Adds what another part of the same look noted.
    pub(crate) fn append(&mut self, other: &Self) {
        self.is_all |= other.is_all;
        if self.is_all {
            self.dirs.clear();
        }
        for dir in &other.dirs {
            self.note(dir);
        }
    }

    /// Returns the directories; `None` means all of them.
    #[must_use]
    pub fn dirs(&self) -> Option<&BTreeSet<RelPath>> {
        (!self.is_all).then_some(&self.dirs)
    }

    /// Writes it as text.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("{FORM}\n{}\n{}", self.asked, self.is_all);
        for dir in &self.dirs {
            text.push('\n');
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
        let asked = lines.next()?.to_owned();
        let is_all = lines.next()?.parse().ok()?;
        let dirs = lines.map(|line| RelPath::new(&undisplay(line)).ok());
        Some(Self {
            asked,
            is_all,
            dirs: dirs.collect::<Option<_>>()?,
            after: None,
        })
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
        assert_eq!(Revisit::from_text(&revisit.to_text()), Some(revisit));
        assert_eq!(Revisit::from_text(""), None);
        assert_eq!(Revisit::from_text("revisit 1\nx"), None);
        assert_eq!(Revisit::from_text("revisit 1\nx\nfalse\n../a"), None);
    }

    #[test]
    fn too_many_are_all() {
        let mut revisit = Revisit::default();
        for n in 0..=DIRS_MAX {
            revisit.note(&path(n.to_string().as_bytes()));
        }
        assert_eq!(revisit.dirs(), None);
        let mut sum = Revisit::default();
        sum.note(&path(b"a"));
        sum.append(&revisit);
        assert_eq!(sum.dirs(), None);
    }
}
