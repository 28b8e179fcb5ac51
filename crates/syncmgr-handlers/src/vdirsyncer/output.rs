//! Understands what vdirsyncer says: items as they are copied, and its typed errors.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::escape::escape;
use syncmgr_model::record::Tally;

/// Most conflicts of one run that are remembered.
const CONFLICTS_MAX: usize = 10_000;
/// Most things that went wrong which are told one by one.
const FAULTS_MAX: usize = 50;

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The storage that is the left side of each pair.
    pub(super) left: BTreeSet<String>,
    /// The collection or item that is worked on; harmless text.
    pub(super) current: String,
    /// Items copied, replaced or deleted.
    pub(super) n_done: u64,
    /// What was done on the left.
    pub(super) at_left: Tally,
    /// What was done on the right.
    pub(super) at_right: Tally,
    /// The collections that were looked at, and what was found there.
    pub(super) collections: BTreeMap<String, Collection>,
    /// What went wrong beside single collections.
    pub(super) faults: Vec<Fault>,
    /// The item whose two contents are being compared.
    deciding: Option<String>,
    /// An error of several lines that is not complete yet.
    open: Option<(String, Vec<String>)>,
}

/// What was found in a collection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Collection {
    /// The items that both sides changed, by their UID.
    pub(super) conflicts: Vec<String>,
    /// Why it was not synced to its end.
    pub(super) faults: Vec<Fault>,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// This storage is suddenly empty.
    Emptied(String),
    /// A storage has several items with one UID.
    SameUid {
        /// The storage.
        storage: String,
        /// The names of the items there.
        names: Vec<String>,
    },
    /// A change that would have to go to a storage that is only read, in this collection.
    ReadOnly(String),
    /// `vdirsyncer discover` has to be run first.
    Discover(String),
    /// A server cannot be reached.
    Unreachable(String),
    /// A server does not let us in.
    SignIn(String),
    /// The certificate of a server is not trusted.
    Certificate(String),
    /// The configuration is wrong.
    Config(String),
    /// An item changed on the server while it was written.
    Changed(String),
    /// Anything else.
    Other(String),
}

/// What a line was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Where the work stands.
    Progress,
    /// Anything else.
    Else,
}

impl Reading {
    /// Takes a line.
    pub(super) fn line(&mut self, line: &str) -> Said {
        let text = line
            .strip_prefix("error: ")
            .or_else(|| line.strip_prefix("critical: "));
        if let Some(text) = text {
            self.error(text);
            return Said::Else;
        }
        self.finish();
        let is_progress = self.progress(line.strip_prefix("info: ").unwrap_or(line));
        if is_progress {
            Said::Progress
        } else {
            Said::Else
        }
    }

    fn progress(&mut self, line: &str) -> bool {
        let shown = |text: &str| escape(text.as_bytes());
        if let Some(uid) = line.strip_prefix("Doing conflict resolution for item ") {
            self.deciding = Some(uid.trim_end_matches("...").to_owned());
            return true;
        }
        // What went wrong with an item is said at once after it was begun.
        if !line.starts_with("...same content") {
            self.deciding = None;
        }
        if let Some(name) = line.strip_prefix("Syncing ") {
            self.current = shown(name);
            self.collections.entry(name.to_owned()).or_default();
            return true;
        }
        let put = |rest: &str| {
            rest.rsplit_once(" to ")
                .map(|(item, at)| (item.to_owned(), at.to_owned()))
        };
        let from = |rest: &str| {
            rest.rsplit_once(" from ")
                .map(|(item, at)| (item.to_owned(), at.to_owned()))
        };
        let step = if let Some(rest) = line.strip_prefix("Copying (uploading) item ") {
            put(rest).map(|it| (it, 0))
        } else if let Some(rest) = line.strip_prefix("Copying (updating) item ") {
            put(rest).map(|it| (it, 1))
        } else if let Some(rest) = line.strip_prefix("Deleting item ") {
            from(rest).map(|it| (it, 2))
        } else {
            None
        };
        let Some(((item, at), kind)) = step else {
            return false;
        };
        self.current = shown(&item);
        self.n_done += 1;
        let storage = at.split('/').next().unwrap_or(&at);
        let side = match self.left.contains(storage) {
            true => &mut self.at_left,
            false => &mut self.at_right,
        };
        match kind {
            0 => side.n_copied += 1,
            1 => side.n_updated += 1,
            _ => side.n_deleted += 1,
        }
        true
    }

    fn error(&mut self, text: &str) {
        if let Some((_, names)) = &mut self.open {
            // The names of the items stand one on a line, as Python writes texts.
            if let Some(name) = text.strip_prefix('\'').and_then(|it| it.strip_suffix('\'')) {
                names.push(escape(name.as_bytes()));
            }
            if text.starts_with('\'') || !is_beginning(text) {
                return;
            }
            self.finish();
        }
        if text.contains("contains multiple items with the same UID") {
            self.open = Some((text.to_owned(), Vec::new()));
            return;
        }
        if text.contains("One item changed on both sides") || text.contains(": Command '[") {
            let name = collection_of(text).map(str::to_owned);
            if let (Some(name), Some(uid)) = (name, self.deciding.take()) {
                let collection = self.collections.entry(name).or_default();
                if collection.conflicts.len() < CONFLICTS_MAX {
                    collection.conflicts.push(uid);
                }
            }
            return;
        }
        if let Some(fault) = fault(text) {
            self.add(text, fault);
        }
    }

    /// Takes the lines of an error that has no end of its own as complete.
    pub(super) fn finish(&mut self) {
        let Some((text, names)) = self.open.take() else {
            return;
        };
        let storage = quoted(&text).unwrap_or_default().to_owned();
        self.add(&text, Fault::SameUid { storage, names });
    }

    fn add(&mut self, text: &str, fault: Fault) {
        let faults = match collection_of(text) {
            Some(name) => &mut self.collections.entry(name.to_owned()).or_default().faults,
            None => &mut self.faults,
        };
        if faults.len() < FAULTS_MAX && !faults.contains(&fault) {
            faults.push(fault);
        }
    }

    /// Returns everything that went wrong.
    pub(super) fn all_faults(&self) -> impl Iterator<Item = &Fault> {
        let of_collections = self.collections.values().flat_map(|it| &it.faults);
        self.faults.iter().chain(of_collections)
    }
}

/// Says whether a line begins an error of a collection, and is not the rest of another one.
fn is_beginning(text: &str) -> bool {
    collection_of(text).is_some()
}

/// Returns the collection an error is about: `PAIR/COLLECTION: …`, or after `occurred for`.
fn collection_of(text: &str) -> Option<&str> {
    let rest = text
        .strip_prefix("Unknown error occurred for ")
        .unwrap_or(text);
    let (name, _) = rest.split_once(": ")?;
    let is_pair =
        |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let pair = name.split('/').next()?;
    (is_pair(pair) && !name.contains(' ')).then_some(name)
}

/// Returns what stands between the first two `"`.
fn quoted(text: &str) -> Option<&str> {
    text.split('"').nth(1)
}

fn fault(text: &str) -> Option<Fault> {
    let shown = escape(text.trim().as_bytes());
    let has = |part: &str| text.contains(part);
    Some(if has("was completely emptied") {
        Fault::Emptied(quoted(text)?.to_owned())
    } else if has("which is read-only") {
        // Which storage that is, vdirsyncer 0.19 says wrongly.
        Fault::ReadOnly(escape(collection_of(text)?.as_bytes()))
    } else if has("please run `vdirsyncer discover") || has("Please run `vdirsyncer discover") {
        let (_, rest) = text.split_once("vdirsyncer discover ")?;
        Fault::Discover(rest.split('`').next()?.to_owned())
    } else if has("certificate verify failed") || has("SSLCertVerificationError") {
        Fault::Certificate(shown)
    } else if has("401, message") || has("403, message") || has("Unauthorized") {
        Fault::SignIn(shown)
    } else if has("Cannot connect to host")
        || has("Server disconnected")
        || has("Timeout")
        || has("Connection reset")
        || has("502, message")
        || has("503, message")
        || has("504, message")
    {
        Fault::Unreachable(shown)
    } else if has("412, message") || has("Precondition") {
        Fault::Changed(shown)
    } else if has("Error during reading config")
        || has("does not exist. Please check your configuration")
        || has("not found. These are the configured")
        || text.starts_with("Pair ")
    {
        Fault::Config(shown)
    } else if text.starts_with("See also ")
        || text.starts_with("Item ID")
        || text.starts_with("Item href")
        || text.starts_with("Use `-vdebug`")
    {
        return None;
    } else if has("Unknown error occurred") || collection_of(text).is_some() {
        Fault::Other(shown)
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Reading {
        let mut reading = Reading::default();
        reading.left.insert("local".to_owned());
        for line in text.lines() {
            reading.line(line);
        }
        reading.finish();
        reading
    }

    #[test]
    fn steps_are_counted_by_side() {
        let reading = read(
            "Syncing cal/work\nCopying (uploading) item u to remote/work\nCopying (updating) item v to local/work\nDeleting item w from local/work\n",
        );
        assert_eq!(reading.n_done, 3);
        assert_eq!(reading.at_right.n_copied, 1);
        assert_eq!(
            (reading.at_left.n_updated, reading.at_left.n_deleted),
            (1, 1)
        );
    }

    #[test]
    fn conflicts_are_named_by_their_item() {
        let reading = read("Syncing cal/work
Doing conflict resolution for item u 1...
error: cal/work: One item changed on both sides. Resolve this
error: Item ID: u 1
Doing conflict resolution for item u2...
...same content on both sides.
Doing conflict resolution for item u3...
error: Unknown error occurred for cal/work: Command '['python3', 'a', 'b']' returned non-zero exit status 3.
error: Use `-vdebug` to see the full traceback.
");
        let collection = &reading.collections["cal/work"];
        assert_eq!(collection.conflicts, ["u 1", "u3"]);
        assert_eq!(collection.faults, []);
    }

    #[test]
    fn errors_have_types() {
        let check = |line: &str, expected: Fault| {
            let reading = read(line);
            assert_eq!(
                reading.all_faults().collect::<Vec<_>>(),
                [&expected],
                "{line}"
            );
        };
        check(
            "error: cal/work: Storage \"local/work\" was completely emptied. If you want",
            Fault::Emptied("local/work".to_owned()),
        );
        check(
            "error: cal: Attempted change on None, which is read-only. Set",
            Fault::ReadOnly("cal".to_owned()),
        );
        check(
            "critical: Please run `vdirsyncer discover cal`  before synchronization.",
            Fault::Discover("cal".to_owned()),
        );
        check(
            "critical: Detected change in config file, please run `vdirsyncer discover cal`.",
            Fault::Discover("cal".to_owned()),
        );
        let same = |make: fn(String) -> Fault, text: &str| {
            check(&format!("error: {text}"), make(text.to_owned()));
        };
        same(
            Fault::SignIn,
            "Unknown error occurred for cal/work: 401, message='Unauthorized', url=URL('http://x/')",
        );
        same(
            Fault::Unreachable,
            "Unknown error occurred for cal/work: Cannot connect to host 127.0.0.1:1 ssl:default [Connect call failed]",
        );
        same(
            Fault::Certificate,
            "Unknown error occurred for a/b: Cannot connect to host x:1 ssl:True [SSLCertVerificationError: (1, 'certificate verify failed')]",
        );
        same(Fault::Config, "Error during reading config /x: y");
        same(Fault::Other, "Unknown error occurred for a/b: something");
    }

    #[test]
    fn items_of_one_uid_are_named() {
        let reading = read("Syncing cal/work
error: cal/work: Storage \"local/work\" contains multiple items with the same UID or even content. Vdirsyncer will now abort
error:\x20
error:     vdirsyncer repair local/work
error:\x20
error: But make sure to have a backup of your data in some form. The offending hrefs are:
error:\x20
error: 'a.ics'
error: 'b.ics'
");
        let expected = Fault::SameUid {
            storage: "local/work".to_owned(),
            names: vec!["a.ics".to_owned(), "b.ics".to_owned()],
        };
        assert_eq!(reading.collections["cal/work"].faults, [expected]);
    }
}
