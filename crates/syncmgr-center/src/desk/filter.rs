//! Picks conflicts by what they are about: `path~*.log and kind=both-changed`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use syncmgr_model::conflict::Address;
use syncmgr_model::time::Timestamp;

/// Which conflicts are meant: conditions joined by `and`, all of which have to hold. An empty text
/// means every conflict.
///
/// - `path~PATTERN`: what it is about fits a pattern as in `exclude`;
/// - `kind=WORD`: its kind, a stable word of its handler;
/// - `item=ID` and `handler=ID`: whose it is;
/// - `text~WORDS`: its path or the name of its sync has these words, in any case;
/// - `since=TIME` and `until=TIME` (RFC 3339): found then or later, or earlier.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    paths: Vec<Gitignore>,
    /// In lower case.
    texts: Vec<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    kinds: Vec<String>,
    items: Vec<String>,
    handlers: Vec<String>,
}

/// A condition that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read `{}`: conditions are path~PATTERN, text~WORDS, kind=WORD, item=ID, handler=ID, since=TIME and until=TIME, joined by `and`", .0.escape_debug())]
pub struct Unfit(pub String);

/// What is known of a conflict that may be meant.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Which one.
    pub address: &'a Address,
    /// Its kind, a stable word of its handler.
    pub kind: &'a str,
    /// The path below the folders, or the name of a conflict that is not about files.
    pub path: &'a [u8],
    /// The name of its sync; empty where it has none.
    pub sync: &'a str,
    /// When it was found, when known.
    pub found: Option<Timestamp>,
}

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
            if let Some(words) = part.strip_prefix("text~") {
                if words.is_empty() {
                    return Err(bad());
                }
                filter.texts.push(words.to_lowercase());
                continue;
            }
            let (key, word) = part.split_once('=').ok_or_else(bad)?;
            if matches!(key, "since" | "until") {
                let time = Timestamp::parse_rfc3339(word).ok_or_else(bad)?;
                if key == "since" {
                    filter.since = filter.since.max(Some(time));
                } else {
                    filter.until = Some(filter.until.map_or(time, |it| it.min(time)));
                }
                continue;
            }
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

    /// Says whether a conflict fits. One of which nobody knows when it was found fits no time.
    #[must_use]
    pub fn fits(&self, about: &About<'_>) -> bool {
        let all = |words: &[String], word: &str| words.iter().all(|wanted| wanted == word);
        let item = about.address.item.as_ref().map_or("", |item| item.as_str());
        let path = Path::new(OsStr::from_bytes(about.path));
        all(&self.kinds, about.kind)
            && all(&self.items, item)
            && all(&self.handlers, about.address.handler.as_str())
            && self
                .since
                .is_none_or(|since| about.found.is_some_and(|it| it >= since))
            && self
                .until
                .is_none_or(|until| about.found.is_some_and(|it| it <= until))
            && self.has_texts(about)
            && self
                .paths
                .iter()
                .all(|paths| paths.matched(path, false).is_ignore())
    }
}

impl Filter {
    fn has_texts(&self, about: &About<'_>) -> bool {
        if self.texts.is_empty() {
            return true;
        }
        let path = String::from_utf8_lossy(about.path).to_lowercase();
        let sync = about.sync.to_lowercase();
        let has = |words: &String| path.contains(words) || sync.contains(words);
        self.texts.iter().all(has)
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
        let about = About {
            address: &address,
            kind: "both-changed",
            path: path.as_bytes(),
            sync: "Holiday Pictures",
            found: Timestamp::parse_rfc3339("2026-11-20T12:00:00Z"),
        };
        assert_eq!(filter.fits(&about), expected, "{path}");
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
        check("text~A.LOG", "x/a.log", true);
        check("text~pictures and text~day", "x/a.log", true);
        check("text~b.log", "x/a.log", false);
        check(
            "since=2026-11-20T12:00:00Z and until=2026-11-20T12:00:00Z",
            "a",
            true,
        );
        check("since=2026-11-20T12:00:01Z", "a", false);
        check(
            "until=2026-11-20T11:59:59Z and until=2026-12-20T00:00:00Z",
            "a",
            false,
        );
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for bad in [
            "size>3",
            "size=3",
            "kind=",
            "path~",
            "path~!a",
            "kind",
            "text~",
            "since=today",
        ] {
            assert_eq!(Filter::parse(bad).unwrap_err(), Unfit(bad.to_owned()));
        }
    }
}
