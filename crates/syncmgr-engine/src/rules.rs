//! What a person chose for one sync: the mode, what to do with conflicts, and what to leave out.

use std::ffi::OsStr;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::entry::Side;
use crate::path::RelPath;

/// How the two sides relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Changes travel both ways.
    #[default]
    TwoWay,
    /// The other side is made equal to this one, deletions included.
    Mirror(Side),
    /// Changes and new files travel both ways; nothing is ever deleted, and what is missing on one
    /// side is copied back to it.
    AddOnly,
}

/// What happens to a file that changed on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ConflictRule {
    /// It waits for a person, and both sides stay as they are.
    #[default]
    Ask,
    /// The version modified later wins; a change beats a deletion. The other is kept as a version.
    Newest,
    /// This side wins, also when it deleted the file. The other is kept as a version.
    Prefer(Side),
    /// Both are kept: the older one gets a name that says where and when it comes from.
    Both,
    /// Text that changed in different places is merged; everything else waits for a person.
    Merge,
}

/// An exclusion pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the exclusion `{pattern}`: {detail}")]
pub struct BadPattern {
    /// The line as given.
    pub pattern: String,
    /// What is wrong with it.
    pub detail: String,
}

/// Patterns in gitignore syntax; the last one that matches decides, `!` takes back.
#[derive(Debug, Clone)]
pub struct Excludes {
    matcher: Gitignore,
    is_empty: bool,
    /// The patterns as given, one a line.
    text: String,
}

impl Default for Excludes {
    fn default() -> Self {
        Self {
            matcher: Gitignore::empty(),
            is_empty: true,
            text: String::new(),
        }
    }
}

impl Excludes {
    /// Compiles patterns, one gitignore line each.
    ///
    /// # Errors
    /// [`BadPattern`] names the first line that is not gitignore syntax.
    pub fn new<S: AsRef<str>>(lines: &[S]) -> Result<Self, BadPattern> {
        let mut builder = GitignoreBuilder::new("/");
        let bad = |pattern: &str, error: ignore::Error| BadPattern {
            pattern: pattern.to_owned(),
            detail: error.to_string(),
        };
        for line in lines {
            builder
                .add_line(None, line.as_ref())
                .map_err(|e| bad(line.as_ref(), e))?;
        }
        let matcher = builder.build().map_err(|e| bad("", e))?;
        Ok(Self {
            is_empty: matcher.is_empty(),
            matcher,
            text: lines
                .iter()
                .map(AsRef::as_ref)
                .collect::<Vec<_>>()
                .join("\n"),
        })
    }

    /// Returns the patterns as given, one a line; equal texts exclude the same.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Says whether there is no pattern at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Returns the pattern that excludes this path itself, not looking at the directories above it
    /// (a walk that meets them first does not come here).
    #[must_use]
    pub fn excluding(&self, path: &RelPath, is_dir: bool) -> Option<&str> {
        if self.is_empty {
            return None;
        }
        match self.matcher.matched(as_path(path), is_dir) {
            Match::Ignore(glob) => Some(glob.original()),
            Match::None | Match::Whitelist(_) => None,
        }
    }

    /// Returns the pattern that excludes this path or a directory above it, with that directory.
    #[must_use]
    pub fn excluding_anywhere(&self, path: &RelPath, is_dir: bool) -> Option<(RelPath, &str)> {
        let mut above: Vec<_> = path.ancestors().filter(|dir| !dir.is_root()).collect();
        above.reverse();
        for dir in above {
            if let Some(pattern) = self.excluding(&dir, true) {
                return Some((dir, pattern));
            }
        }
        self.excluding(path, is_dir)
            .map(|pattern| (path.clone(), pattern))
    }
}

#[cfg(unix)]
fn as_path(path: &RelPath) -> &Path {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(OsStr::from_bytes(path.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn gitignore_syntax_is_understood() {
        let rules = Excludes::new(&["*.tmp", "/build/", "!keep.tmp", "# note", ""]).unwrap();
        assert_eq!(rules.excluding(&path("a/b.tmp"), false), Some("*.tmp"));
        assert_eq!(rules.excluding(&path("keep.tmp"), false), None);
        assert_eq!(rules.excluding(&path("build"), true), Some("/build/"));
        assert_eq!(rules.excluding(&path("build"), false), None);
        assert_eq!(rules.excluding(&path("a/build"), true), None);
    }

    #[test]
    fn a_file_is_excluded_with_the_folder_above_it() {
        let rules = Excludes::new(&["target/"]).unwrap();
        let found = rules.excluding_anywhere(&path("x/target/a/b"), false);
        assert_eq!(found, Some((path("x/target"), "target/")));
    }

    #[test]
    fn a_bad_pattern_is_named() {
        let bad = Excludes::new(&["ok", "a[z-b]"]).unwrap_err();
        assert_eq!(bad.pattern, "a[z-b]");
    }
}
