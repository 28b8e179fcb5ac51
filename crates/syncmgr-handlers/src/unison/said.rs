//! Understands what Unison prints: the list of changes on standard output, what it does on standard
//! error. Both are for people, so whatever is not understood is left alone and counted as unknown.

use serde::{Deserialize, Serialize};
use syncmgr_model::conflict::{ConflictKind, Facts, Kind};
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::time::Timestamp;

/// Where the path begins in a line of the list.
const PATH_AT: usize = 26;
/// Most lines one name may take: each newline in it makes one more.
const NAME_LINES_MAX: usize = 16;
/// Most changes that are kept: a longer list is not read by anybody.
const ITEMS_MAX: usize = 1_000_000;

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To this side.
    To(Side),
    /// Nowhere: both sides changed.
    Conflict,
    /// Merged by a program of the person.
    Merge,
    /// Nowhere: it cannot be synced.
    Error,
}

/// What one side has, as Unison says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Seen {
    /// Nothing was said.
    Unknown,
    /// Nothing is there.
    Missing,
    /// A file.
    File { size: u64, modified_ms: i64 },
    /// A folder.
    Folder { size: u64, modified_ms: i64 },
    /// A link.
    Link,
}

impl Seen {
    pub(super) fn facts(self) -> Facts {
        let present = |kind, size, modified_ms| Facts::Present {
            kind,
            size,
            modified: Timestamp(modified_ms),
        };
        match self {
            Self::Unknown => Facts::Unknown,
            Self::Missing => Facts::Missing,
            Self::File { size, modified_ms } => present(Kind::File, size, modified_ms),
            Self::Folder { size, modified_ms } => present(Kind::Folder, size, modified_ms),
            Self::Link => present(Kind::Link, 0, 0),
        }
    }

    pub(super) fn size(self) -> u64 {
        match self {
            Self::File { size, .. } | Self::Folder { size, .. } => size,
            Self::Unknown | Self::Missing | Self::Link => 0,
        }
    }
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) path: Vec<u8>,
    pub(super) way: Way,
    /// What happened on each side: `changed`, `new file`, `deleted`, `props`, or nothing.
    pub(super) words: PerSide<String>,
    pub(super) seen: PerSide<Seen>,
    /// Its name was read to its end.
    pub(super) is_whole: bool,
}

impl Change {
    /// Says how two contents came to disagree.
    pub(super) fn conflict_kind(&self) -> ConflictKind {
        let has = |word: &str| Side::BOTH.map(|side| self.words[side].starts_with(word));
        let is_folder = Side::BOTH.map(|side| matches!(self.seen[side], Seen::Folder { .. }));
        if has("deleted").contains(&true) {
            ConflictKind::ChangedAndDeleted
        } else if is_folder[0] != is_folder[1] {
            ConflictKind::KindsDiffer
        } else if has("new") == [true, true] || has("file") == [true, true] {
            ConflictKind::BothNew
        } else {
            ConflictKind::BothChanged
        }
    }

    pub(super) fn is_props(&self) -> bool {
        Side::BOTH
            .iter()
            .all(|side| self.words[*side].is_empty() || self.words[*side] == "props")
    }
}

/// The list of changes, read line by line.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) changes: Vec<Change>,
    /// Lines a name has so far, when its end was not seen.
    n_lines: usize,
    /// Which side the next line of facts is about.
    next: usize,
}

impl List {
    /// Takes a line of standard output; returns whether it was understood.
    pub(super) fn take(&mut self, line: &[u8]) -> bool {
        if let Some(change) = start(line) {
            self.n_lines = 1;
            self.next = 0;
            if self.changes.len() < ITEMS_MAX {
                self.changes.push(change);
            }
            return true;
        }
        let Some(open) = self.changes.last_mut() else {
            return false;
        };
        if !open.is_whole && self.n_lines < NAME_LINES_MAX {
            self.n_lines += 1;
            let (name, is_whole) = ended(line);
            open.path.push(b'\n');
            open.path.extend_from_slice(name);
            open.is_whole = is_whole;
            return true;
        }
        let (true, Some(side)) = (open.is_whole, Side::BOTH.get(self.next)) else {
            return false;
        };
        let Some(seen) = facts(&String::from_utf8_lossy(line)) else {
            return false;
        };
        open.seen[*side] = seen;
        self.next += 1;
        true
    }
}

/// Reads the beginning of a change: `changed  <-?-> deleted    notes/a.txt  `. The list of a preview
/// is indented, and the first line of it follows a question.
fn start(line: &[u8]) -> Option<Change> {
    let line = after_question(line);
    let read = |line: &[u8]| -> Option<Change> {
        let word = |from: usize, to: usize| -> Option<String> {
            let text = std::str::from_utf8(line.get(from..to)?).ok()?;
            Some(text.trim().to_owned())
        };
        let arrow = word(9, 14)?;
        let way = match arrow.as_str() {
            "---->" | "====>" => Way::To(Side::Right),
            "<----" | "<====" => Way::To(Side::Left),
            "<-?->" | "<=?=>" => Way::Conflict,
            "<-M->" | "<=M=>" => Way::Merge,
            "error" => Way::Error,
            _ => return None,
        };
        let path = line.get(PATH_AT..).filter(|path| !path.is_empty())?;
        let is_gap = |from: usize, to: usize| line[from..to].iter().all(|byte| *byte == b' ');
        if !is_gap(8, 9) || !is_gap(14, 15) || !is_gap(23, PATH_AT) {
            return None;
        }
        let (path, is_whole) = ended(path);
        Some(Change {
            path: path.to_vec(),
            way,
            words: PerSide {
                left: word(0, 8)?,
                right: word(15, 23)?,
            },
            seen: PerSide {
                left: Seen::Unknown,
                right: Seen::Unknown,
            },
            is_whole,
        })
    };
    read(line).or_else(|| read(line.strip_prefix(b"  ")?))
}

/// Takes the question and its suggestion away that stand before the first line of a preview.
fn after_question(line: &[u8]) -> &[u8] {
    for question in [&b" []   "[..], b" [f]   "] {
        let found = line.windows(question.len()).position(|at| at == question);
        if let Some(at) = found.filter(|at| *at > PATH_AT) {
            return &line[at + question.len()..];
        }
    }
    line
}

/// Two spaces follow a name.
fn ended(name: &[u8]) -> (&[u8], bool) {
    match name.strip_suffix(b"  ") {
        Some(name) => (name, true),
        None => (name, false),
    }
}

/// Reads `nas   : changed file       modified on 2026-12-01 at  1:12:15  size 5   rw-r--r--`.
fn facts(line: &str) -> Option<Seen> {
    let (_, rest) = line.split_once(" : ")?;
    let (what, rest) = rest.split_once("modified on ").unwrap_or((rest, ""));
    let what = what.trim();
    if what == "absent" || what == "deleted" {
        return Some(Seen::Missing);
    }
    let modified_ms = modified(rest)?;
    let (_, size) = rest.split_once("  size ")?;
    let size = size.split(' ').next()?.parse().ok()?;
    match what.split(' ').next_back()? {
        "dir" => Some(Seen::Folder { size, modified_ms }),
        "symlink" | "link" => Some(Seen::Link),
        "file" | "props" => Some(Seen::File { size, modified_ms }),
        _ => Some(Seen::Unknown),
    }
}

/// Reads `2026-12-01 at  1:12:15`, which is UTC because Unison is told so.
fn modified(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(" at ")?;
    let mut date = date.split('-').map(|part| part.trim().parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let time = time.trim_start().split(' ').next()?;
    let mut time = time.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds * 1000)
}

/// Days since 1970, by the calendar that counts years from March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// What a line of standard error says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// It begins with a path.
    Begins(&'a [u8]),
    /// It is done with a path.
    Done(&'a [u8]),
    /// It looks at both sides.
    Looking,
    /// It decides.
    Reconciling,
    /// It works.
    Propagating,
    /// It writes down what it knows.
    Saving,
    /// What failed: path and reason.
    Failed(String, String),
    /// Anything else.
    Other,
}

/// Reads a line of standard error.
pub(super) fn said(line: &[u8]) -> Said<'_> {
    let after = |prefix: &str| line.strip_prefix(prefix.as_bytes());
    if let Some(rest) = after("[BGN] ") {
        return Said::Begins(rest);
    }
    if let Some(rest) = after("[END] ") {
        return Said::Done(rest);
    }
    if let Some(rest) = after("  failed: ") {
        let text = String::from_utf8_lossy(rest);
        let (path, why) = text.rsplit_once(" (").unwrap_or((&text, ""));
        return Said::Failed(path.to_owned(), why.trim_end_matches(')').to_owned());
    }
    match line {
        b"Looking for changes" => Said::Looking,
        b"Reconciling changes" => Said::Reconciling,
        b"Propagating updates" => Said::Propagating,
        b"Saving synchronizer state" => Said::Saving,
        _ => Said::Other,
    }
}

/// Reads ` 49%  00:00 ETA`.
pub(super) fn percent(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?.trim();
    let (number, rest) = text.split_once('%')?;
    rest.contains("ETA").then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(lines: &[&str]) -> Vec<Change> {
        let mut list = List::default();
        for line in lines {
            list.take(line.as_bytes());
        }
        list.changes
    }

    #[test]
    fn changes_are_read_with_what_each_side_has() {
        let found = list(&[
            "changed  <-?-> changed    f1  ",
            "a            : changed file       modified on 2026-12-01 at  1:12:15  size 5         rw-r--r--",
            "b            : changed file       modified on 1970-01-02 at 10:00:00  size 7         rw-r--r--",
            "changed  <-?-> deleted    f2  ",
            "a            : changed file       modified on 2026-12-01 at  1:12:15  size 4         rw-r--r--",
            "b            : deleted",
            "         <---- changed    dir/x  ",
            "new dir  ---->            new dir  ",
            "new file ---->            we ird",
            "n\tx  ",
            "         error            fifo  ",
            "path /tmp/tb/a/fifo has unknown file type",
            " 50%  00:00 ETA",
        ]);
        let brief: Vec<_> = found
            .iter()
            .map(|it| (String::from_utf8_lossy(&it.path).into_owned(), it.way))
            .collect();
        let named = |path: &str, way| (path.to_owned(), way);
        assert_eq!(
            brief,
            [
                named("f1", Way::Conflict),
                named("f2", Way::Conflict),
                named("dir/x", Way::To(Side::Left)),
                named("new dir", Way::To(Side::Right)),
                named("we ird\nn\tx", Way::To(Side::Right)),
                named("fifo", Way::Error),
            ]
        );
        assert_eq!(
            found[0].seen.left,
            Seen::File {
                size: 5,
                modified_ms: 1_796_087_535_000
            }
        );
        assert_eq!(
            found[0].seen.right,
            Seen::File {
                size: 7,
                modified_ms: (24 + 10) * 3_600_000
            }
        );
        assert_eq!(found[0].conflict_kind(), ConflictKind::BothChanged);
        assert_eq!(found[1].seen.right, Seen::Missing);
        assert_eq!(found[1].conflict_kind(), ConflictKind::ChangedAndDeleted);
        assert_eq!(found[2].seen.left, Seen::Unknown);
    }

    #[test]
    fn the_list_of_a_preview_follows_a_question() {
        let found = list(&[
            "changed  <-?-> changed    g h  []   changed  <-?-> changed    g h  ",
            "a            : changed file       modified on 2026-12-01 at  1:48:32  size 3         rw-r--r--",
            "b            : absent",
            "  new file ---->            [x]*  ",
            "           <---- deleted    f  ",
            "changed  <-?-> changed    g h  [] ",
        ]);
        let paths: Vec<_> = found
            .iter()
            .map(|it| String::from_utf8_lossy(&it.path).into_owned())
            .collect();
        assert_eq!(paths[..3], ["g h", "[x]*", "f"]);
    }

    #[test]
    fn progress_and_failures() {
        assert_eq!(percent(b" 49%  00:00 ETA"), Some(49));
        assert_eq!(percent(b"49% off"), None);
        assert_eq!(
            said(b"  failed: a (b)/c (Permission denied)"),
            Said::Failed("a (b)/c".to_owned(), "Permission denied".to_owned())
        );
        assert_eq!(said(b"[END] Copying x"), Said::Done(b"Copying x"));
        assert_eq!(said(b"Saving synchronizer state"), Said::Saving);
    }
}
