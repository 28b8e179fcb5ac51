//! Picks conflicts by what they are about: `path~*.log and kind=both-changed`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use syncmgr_model::conflict::Address;

/// Which conflicts are meant: conditions joined by `and`, all of which have to hold. An empty text
/// means every conflict.
///
/// - `path~PATTERN`: what it is about fits a pattern as in `exclude`;
/// - `kind=WORD`: its kind, a stable word of its handler;
/// - `item=ID` and `handler=ID`: whose it is.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    paths: Vec<Gitignore>,
    kinds: Vec<String>,
    items: Vec<String>,
    handlers: Vec<String>,
}

/// A condition that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read `{}`: conditions are path~PATTERN, kind=WORD, item=ID and handler=ID, joined by `and`", .0.escape_debug())]
pub struct Unfit(pub String);

impl Filter {
    /// Reads the conditions.
    ///
    /// # Errors
    /// [`Unfit`] with the first that means nothing.
    pub fn parse(text: &str) -> Result<Self, Unfit> {
        let mut filter = Self::default();
        for part in text.split(" and ").map(str::trim).filter(|p| !p.is_empty()) {
            let bad = || Unfit(part.to_owned());
            if let Some(pattern) = part.strip_prefix("path~") {
                let paths = pattern_of(pattern).ok_or_else(bad)?;
                filter.paths.push(paths);
                continue;
            }
            let (key, word) = part.split_once('=').ok_or_else(bad)?;
            let words = match key {
                "kind" => &mut filter.kinds,
                "item" => &mut filter.items,
                "handler" => &mut filter.handlers,
                _ => return Err(bad()),
            };
            if word.is_empty() {
                return Err(bad());
            }
            words.push(word.to_owned());
        }
        Ok(filter)
    }

    /// Says whether a conflict fits. `path` is what it is about: the path below the folders, or the
    /// name of a conflict that is not about files.
    #[must_use]
    pub fn fits(&self, address: &Address, kind: &str, path: &[u8]) -> bool {
        let all = |words: &[String], word: &str| words.iter().all(|wanted| wanted == word);
        let item = address.item.as_ref().map_or("", |item| item.as_str());
        let path = Path::new(OsStr::from_bytes(path));
        all(&self.kinds, kind)
            && all(&self.items, item)
            && all(&self.handlers, address.handler.as_str())
            && self
                .paths
                .iter()
                .all(|paths| paths.matched(path, false).is_ignore())
    }
}

fn pattern_of(pattern: &str) -> Option<Gitignore> {
    let mut builder = GitignoreBuilder::new("/");
    builder.add_line(None, pattern).ok()?;
    let paths = builder.build().ok()?;
    // A comment, a blank or an exception picks nothing by itself.
    (paths.num_ignores() > 0).then_some(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(filter: &str, path: &str, expected: bool) {
        let address = Address::parse("conflict://files/pair/1a2b").unwrap();
        let filter = Filter::parse(filter).unwrap();
        let fits = filter.fits(&address, "both-changed", path.as_bytes());
        assert_eq!(fits, expected, "{path}");
    }

    #[test]
    fn conditions_pick_together() {
        check("", "a", true);
        check("path~*.log", "x/a.log", true);
        check("path~*.log", "x/a.txt", false);
        check("path~/docs/*.txt", "docs/a.txt", true);
        check("path~*.log and kind=both-changed", "a.log", true);
        check("path~*.log and kind=both-new", "a.log", false);
        check("item=pair and handler=files", "a", true);
        check("item=other", "a", false);
        check("handler=phone", "a", false);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for bad in ["size>3", "size=3", "kind=", "path~", "path~!a", "kind"] {
            assert_eq!(Filter::parse(bad).unwrap_err(), Unfit(bad.to_owned()));
        }
    }
}
