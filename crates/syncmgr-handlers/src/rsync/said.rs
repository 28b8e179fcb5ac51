//! Understands what rsync prints: progress, what it did to each file, and what went wrong with which.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use syncmgr_model::escape::escape;
use syncmgr_model::preview::{Action, PlannedChange};
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_model::record::Tally;
use syncmgr_model::side::Side;
use syncmgr_sdk::ItemProgress;

use crate::tool::diagnose::{self, Cause};

/// How a line about a file is asked for: what happens, its size, its name.
pub(super) const OUT_FORMAT: &str = "--out-format=%i %l %n";

static PROGRESS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^\s*(?P<bytes>[\d,]+)\s+(?P<percent>\d+)%\s+\S+\s+\S+(?:\s+\(xfr#\d+, (?P<scan>ir|to)-chk=(?P<left>\d+)/(?P<total>\d+)\))?\s*$",
    )
});

static CHANGE: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"^(?P<what>\*deleting  |[<>ch.][fdLDS][^ ]{9}) (?P<size>\d+) (?P<name>.*)$")
});

static FILE_FAILED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"^rsync: (?:\[\w+\] )?[^"]*"(?P<path>[^"]+)"(?: \(in [^)]*\))?(?: failed)?:? (?P<why>.+?)(?: \(\d+\))?$"#,
    )
});

static IN_THE_WAY: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^could not make way for [\w ]+: (?P<path>.+)$"));

static VANISHED: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"^file has vanished: "(?P<path>[^"]+)""#));

fn regex(text: &str) -> Regex {
    Regex::new(text).expect("the patterns are constants, and a test uses each")
}

/// A line of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    bytes: u64,
    percent: u64,
    /// Files done and in all, once everything was found.
    files: Option<(u64, u64)>,
}

impl Progress {
    /// Reads a line.
    pub(super) fn read(line: &str) -> Option<Self> {
        let found = PROGRESS.captures(line)?;
        let number = |name| found.name(name)?.as_str().replace(',', "").parse().ok();
        let is_known = found.name("scan").is_some_and(|it| it.as_str() == "to");
        let files = || Some((number("left")?, number("total")?)).filter(|_| is_known);
        Some(Self {
            bytes: number("bytes")?,
            percent: number("percent")?,
            files: files().map(|(left, total): (u64, u64)| (total.saturating_sub(left), total)),
        })
    }

    /// Returns it as a report.
    pub(super) fn report<'a>(
        &self,
        current: Option<&'a [u8]>,
    ) -> (ProgressStatus, ItemProgress<'a>) {
        let (n_done, n_total) = self
            .files
            .map_or((0, None), |(done, all)| (done, Some(all)));
        let bytes_total = match (self.files, self.percent) {
            (None, _) => None,
            (Some(_), 0) => Some(self.bytes),
            (Some(_), percent) => Some(self.bytes.saturating_mul(100) / percent),
        };
        let status = match bytes_total {
            Some(_) => ProgressStatus::Updating,
            None => ProgressStatus::UpdatingIndeterminate,
        };
        let progress = ItemProgress {
            phase: Phase::Copying,
            n_done,
            n_total,
            bytes_done: self.bytes,
            bytes_total,
            current,
            ..ItemProgress::default()
        };
        (status, progress)
    }
}

/// Reads a line about a file as a change of the target; `None` when it is none.
pub(super) fn change(line: &[u8]) -> Option<PlannedChange> {
    // Names are bytes, and only those in them may be no UTF-8: the pattern sees one character each.
    let text: String = line.iter().map(|&byte| char::from(byte)).collect();
    let found = CHANGE.captures(&text)?;
    let group = |name: &str| found.name(name).map_or("", |it| it.as_str());
    let bytes: Vec<u8> = group("name")
        .chars()
        .filter_map(|c| u8::try_from(c).ok())
        .collect();
    let mut path = unescape(&bytes);
    let is_folder = path.last() == Some(&b'/');
    if is_folder {
        path.pop();
    }
    let what = group("what").as_bytes();
    let is_new = what.get(2) == Some(&b'+');
    let action = match (what.first()?, what.get(1)?) {
        (b'*', _) if is_folder => Action::RemoveFolder,
        (b'*', _) => Action::Delete,
        (_, b'd') if is_new => Action::MakeFolder,
        (b'.', _) | (_, b'd') => Action::SetAttributes,
        _ if is_new => Action::Copy,
        _ => Action::Update,
    };
    // The folder itself.
    if path == b"." || path.is_empty() {
        return None;
    }
    let bytes = match action {
        Action::Copy | Action::Update if what.get(1) == Some(&b'f') => {
            group("size").parse().ok()?
        }
        _ => 0,
    };
    Some(PlannedChange {
        path,
        side: Side::Right,
        action,
        from: None,
        bytes,
        reason: match action {
            Action::Delete | Action::RemoveFolder => "deleted",
            Action::Copy | Action::MakeFolder => "new",
            Action::Update | Action::SetAttributes | Action::Rename => "changed",
        }
        .into(),
        is_held: false,
    })
}

/// Turns `\#012` into the byte it stands for.
fn unescape(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut at = 0;
    while let Some(&byte) = name.get(at) {
        let octal = || {
            let digits = name.get(at + 2..at + 5)?;
            let text = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(text, 8).ok()
        };
        match (byte == b'\\' && name.get(at + 1) == Some(&b'#'))
            .then(octal)
            .flatten()
        {
            Some(escaped) => {
                out.push(escaped);
                at += 5;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// Counts a change that was made.
pub(super) fn count(tally: &mut Tally, change: &PlannedChange) {
    tally.bytes += change.bytes;
    let n = match change.action {
        Action::Delete => &mut tally.n_deleted,
        Action::RemoveFolder => &mut tally.n_folders_removed,
        Action::Rename => &mut tally.n_renamed,
        Action::MakeFolder => &mut tally.n_folders_made,
        Action::Copy => &mut tally.n_copied,
        Action::Update => &mut tally.n_updated,
        Action::SetAttributes => &mut tally.n_attributes,
    };
    *n += 1;
}

/// Files that were left alone, by what was in the way.
#[derive(Debug, Clone, Default)]
pub(super) struct LeftAlone {
    /// By cause; without one, the words of the system.
    pub(super) failed: BTreeMap<(Option<CauseKey>, String), Vec<String>>,
    /// They were there at the beginning and are not any more.
    pub(super) vanished: Vec<String>,
}

/// A cause that can be sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CauseKey {
    /// No space.
    NoSpace,
    /// Not allowed.
    Denied,
    /// No changes there.
    ReadOnly,
}

impl LeftAlone {
    /// Takes a line of the errors; says whether it was about a file.
    pub(super) fn take(&mut self, line: &str) -> bool {
        let path = |found: &Captures<'_>| {
            let text = found.name("path").map_or("", |it| it.as_str());
            escape(&unescape(text.as_bytes()))
        };
        if let Some(found) = VANISHED.captures(line) {
            self.vanished.push(path(&found));
            return true;
        }
        if let Some(found) = IN_THE_WAY.captures(line) {
            let key = (None, "something of another kind is in the way".to_owned());
            self.failed.entry(key).or_default().push(path(&found));
            return true;
        }
        let Some(found) = FILE_FAILED.captures(line) else {
            return false;
        };
        let why = found.name("why").map_or("", |it| it.as_str());
        let key = match diagnose::cause(why) {
            Some(Cause::NoSpace) => (Some(CauseKey::NoSpace), String::new()),
            Some(Cause::Denied) => (Some(CauseKey::Denied), String::new()),
            Some(Cause::ReadOnly) => (Some(CauseKey::ReadOnly), String::new()),
            Some(Cause::Unreachable | Cause::SignIn | Cause::HostKey) | None => {
                (None, escape(why.as_bytes()))
            }
        };
        self.failed.entry(key).or_default().push(path(&found));
        true
    }

    /// Returns how many files were left alone, vanished ones aside.
    pub(super) fn n_failed(&self) -> u64 {
        self.failed.values().map(|paths| paths.len() as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_progress() {
        let read = |line| Progress::read(line);
        let is = |bytes, percent, files| {
            Some(Progress {
                bytes,
                percent,
                files,
            })
        };
        assert_eq!(
            read("     22,642,691  71%   20.07MB/s    0:00:00  "),
            is(22_642_691, 71, None)
        );
        assert_eq!(
            read("     31,457,283  99%   21.31MB/s    0:00:01 (xfr#2, to-chk=4/7)"),
            is(31_457_283, 99, Some((3, 7)))
        );
        assert_eq!(
            read("  5  50%    4.88kB/s    0:00:00 (xfr#3, ir-chk=1000/1232)"),
            is(5, 50, None)
        );
        assert_eq!(read("Number of files: 6"), None);
    }

    #[test]
    fn lines_about_files() {
        let check = |line: &[u8], action, path: &[u8], bytes| {
            let change = change(line).unwrap();
            assert_eq!(
                (change.action, change.path.as_slice(), change.bytes),
                (action, path, bytes)
            );
        };
        check(b">f+++++++++ 3 a.txt", Action::Copy, b"a.txt", 3);
        check(b"<f.st...... 3 a.txt", Action::Update, b"a.txt", 3);
        check(b"cL+++++++++ 5 link", Action::Copy, b"link", 0);
        check(b"cd+++++++++ 4096 sub/", Action::MakeFolder, b"sub", 0);
        check(b".d..t...... 4096 sub/", Action::SetAttributes, b"sub", 0);
        check(b".f...p..... 3 a b", Action::SetAttributes, b"a b", 0);
        check(
            b"*deleting   0 gonedir/",
            Action::RemoveFolder,
            b"gonedir",
            0,
        );
        check(b"*deleting   0 gone.txt", Action::Delete, b"gone.txt", 0);
        check(b">f+++++++++ 1 nl\\#012x", Action::Copy, b"nl\nx", 1);
        check(
            b">f+++++++++ 1 \xff\xc3\xa4",
            Action::Copy,
            b"\xff\xc3\xa4",
            1,
        );
        for line in [
            &b".d..t...... 4096 ./"[..],
            b"sent 184 bytes",
            b"Number of files: 6",
            b"",
        ] {
            assert_eq!(change(line), None);
        }
    }

    #[test]
    fn files_that_were_left_alone_are_grouped_by_cause() {
        let mut left = LeftAlone::default();
        for line in [
            r#"rsync: [sender] send_files failed to open "/x/a": Permission denied (13)"#,
            r#"rsync: [sender] opendir "/x/b" failed: Permission denied (13)"#,
            r#"rsync: [receiver] mkstemp "/y/.a.Ab1" (in mod) failed: No space left on device (28)"#,
            r#"rsync: [generator] recv_generator: mkdir "/y/z" failed: Not a directory (20)"#,
            r#"file has vanished: "/x/gone""#,
            "could not make way for new regular file: a thing",
        ] {
            assert!(left.take(line), "{line}");
        }
        assert!(!left.take("cannot delete non-empty directory: a thing"));
        assert!(!left.take("rsync error: some files/attrs were not transferred"));
        let failed: Vec<_> = left
            .failed
            .iter()
            .map(|((key, why), paths)| (*key, why.as_str(), paths.join(" ")))
            .collect();
        assert_eq!(
            failed,
            [
                (None, "Not a directory", "/y/z".to_owned()),
                (
                    None,
                    "something of another kind is in the way",
                    "a thing".to_owned()
                ),
                (Some(CauseKey::NoSpace), "", "/y/.a.Ab1".to_owned()),
                (Some(CauseKey::Denied), "", "/x/a /x/b".to_owned()),
            ]
        );
        assert_eq!((left.n_failed(), left.vanished.len()), (5, 1));
    }
}
