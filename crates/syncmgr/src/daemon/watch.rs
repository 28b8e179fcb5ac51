//! Watches the folders of syncs that run on changes, and says what changed to the center.
//!
//! Every sync has a watch of its own, so that those whose folders overlap share nothing and one that
//! is set up anew disturbs no other.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::sync::mpsc::Sender;

use syncmgr_center::command::Command;
use syncmgr_center::port::Watches;
use syncmgr_center::state::Seen;
use syncmgr_model::escape::escape;
use syncmgr_model::id::ItemKey;
use syncmgr_watch::{Cause, Change, Settings, Watcher};

use super::log::Log;

/// The watches of this machine.
#[derive(Debug)]
pub(crate) struct FolderWatches {
    kept: BTreeMap<ItemKey, Kept>,
    log: Log,
}

/// The watches of one sync; they end when this is dropped.
#[derive(Debug)]
struct Kept {
    folders: Vec<Vec<u8>>,
    /// One, or one for each folder where they lie within each other.
    _watchers: Vec<Watcher>,
}

impl FolderWatches {
    /// Watches nothing yet.
    pub(crate) fn new(log: Log) -> Self {
        Self {
            kept: BTreeMap::new(),
            log,
        }
    }
}

impl Watches for FolderWatches {
    fn watch(&mut self, items: &[(ItemKey, Vec<Vec<u8>>)], to: &Sender<Command>) {
        let wanted: BTreeMap<_, _> = items.iter().map(|(key, folders)| (key, folders)).collect();
        self.kept
            .retain(|key, kept| wanted.get(key).is_some_and(|it| **it == kept.folders));
        for (key, folders) in items {
            if self.kept.contains_key(key) {
                continue;
            }
            let watchers = begin(key, folders, to, &self.log);
            let kept = Kept {
                folders: folders.clone(),
                _watchers: watchers,
            };
            self.kept.insert(key.clone(), kept);
        }
    }
}

/// Begins to watch the folders of a sync. Those that cannot be watched are said to the center, which
/// then relies on nothing.
fn begin(key: &ItemKey, folders: &[Vec<u8>], to: &Sender<Command>, log: &Log) -> Vec<Watcher> {
    let roots: Vec<PathBuf> = folders.iter().map(|bytes| real(bytes)).collect();
    let nested = roots.iter().enumerate().any(|(n, one)| {
        let mut others = roots.iter().enumerate().filter(|(m, _)| *m != n);
        others.any(|(_, other)| one.starts_with(other))
    });
    let groups: Vec<Vec<usize>> = if nested {
        (0..roots.len()).map(|n| vec![n]).collect()
    } else {
        vec![(0..roots.len()).collect()]
    };
    let mut watchers = Vec::new();
    for group in groups {
        let of_group: Vec<_> = group.iter().map(|&n| roots[n].clone()).collect();
        let (to_center, own, numbers) = (to.clone(), key.clone(), group.clone());
        let report = move |change: Change| {
            let (root, seen) = seen(change);
            if let Some(&folder) = numbers.get(root) {
                drop(to_center.send(Command::Seen(own.clone(), folder, seen)));
            }
        };
        match Watcher::start(of_group, &Settings::default(), Box::new(report)) {
            Ok(watcher) => watchers.push(watcher),
            Err(error) => {
                log.line(format!(
                    "{}: changes are not seen: {error}",
                    escape(key.to_string().as_bytes())
                ));
                for folder in group {
                    let seen = Seen::Incomplete(error.to_string());
                    drop(to.send(Command::Seen(key.clone(), folder, seen)));
                }
            }
        }
    }
    watchers
}

/// Returns a folder without symbolic links, as far as it is there.
fn real(bytes: &[u8]) -> PathBuf {
    let path = PathBuf::from(OsStr::from_bytes(bytes));
    std::fs::canonicalize(&path).unwrap_or(path)
}

/// Turns a report of the watch into the words of the center.
fn seen(change: Change) -> (usize, Seen) {
    match change {
        Change::Dirty { root, dirs } => {
            let dirs: BTreeSet<_> = dirs
                .into_iter()
                .map(|dir| dir.into_os_string().into_vec())
                .collect();
            (root, Seen::Dirs(dirs))
        }
        Change::Lost { root, cause } => match &cause {
            Cause::TooFewWatches { .. } | Cause::Failed(_) => {
                (root, Seen::Incomplete(cause.to_string()))
            }
            Cause::Overflow
            | Cause::TooMany
            | Cause::RootGone
            | Cause::RootReturned
            | Cause::MountChanged => (root, Seen::Lost),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_watches_are_said_with_the_numbers_and_the_fix() {
        let cause = Cause::TooFewWatches {
            needed: 61_000,
            allowed: Some(8192),
        };
        let (_, seen) = seen(Change::Lost { root: 1, cause });
        let Seen::Incomplete(words) = seen else {
            panic!("{seen:?}")
        };
        assert!(words.contains("61000") && words.contains("8192"), "{words}");
        assert!(words.contains("fs.inotify.max_user_watches="), "{words}");
    }
}
