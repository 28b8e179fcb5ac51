//! The conflicts of vdirsyncer: what a run found, with the two contents that it found.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use syncmgr_model::conflict::{ConflictKind, Facts, Kind};
use syncmgr_model::escape::escape;
use syncmgr_model::side::PerSide;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;

use super::output::Reading;
use crate::tool::{ToolConflict, Version, conflict_id, recall, remember};

/// The file of the conflicts in the state of an item.
const FILE: &str = "conflicts.json";

/// Largest content that is looked into for its time of change.
const LOOK_BYTES_MAX: u64 = 1 << 20;

/// The conflicts of an item, by `PAIR/COLLECTION`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Conflicts {
    collections: BTreeMap<String, Vec<Known>>,
}

/// A conflict that was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    uid: String,
    since_ms: i64,
}

/// Where a conflict is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// `PAIR/COLLECTION`, or the pair where a storage is one collection.
    pub(super) collection: String,
    /// The UID of the item.
    pub(super) uid: String,
}

impl Conflicts {
    /// Reads what is remembered.
    pub(super) fn load(dir: &Path) -> Self {
        recall(dir, FILE).unwrap_or_default()
    }

    /// Takes over what a run found. A collection that was not synced to its end keeps the
    /// conflicts it had: nothing is known of them.
    pub(super) fn learn(
        &mut self,
        dir: &Path,
        reading: &Reading,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        for (name, found) in &reading.collections {
            let before = self.collections.remove(name).unwrap_or_default();
            if !found.faults.is_empty() && found.conflicts.is_empty() {
                self.collections.insert(name.clone(), before);
                continue;
            }
            let known = |uid: &String| {
                let old = before.iter().find(|it| it.uid == *uid);
                Known {
                    uid: uid.clone(),
                    since_ms: old.map_or(now.0, |it| it.since_ms),
                }
            };
            let all: Vec<_> = found.conflicts.iter().map(known).collect();
            if !all.is_empty() {
                self.collections.insert(name.clone(), all);
            }
        }
        self.forget_contents(dir);
        remember(dir, FILE, self)
    }

    /// Takes one away that was decided.
    pub(super) fn decided(&mut self, dir: &Path, spot: &Spot) -> Result<(), Trouble> {
        if let Some(all) = self.collections.get_mut(&spot.collection) {
            all.retain(|it| it.uid != spot.uid);
        }
        self.forget_contents(dir);
        remember(dir, FILE, self)
    }

    /// Removes the copies of contents that no conflict has any more. They are copies of what lies
    /// on both sides; what a decision replaced is kept elsewhere.
    fn forget_contents(&self, dir: &Path) {
        let known: Vec<_> = self.spots().map(|spot| folder_of(&spot.uid)).collect();
        for entry in fs::read_dir(dir.join("conflicts"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name();
            if !known.iter().any(|it| it.starts_with(&name)) {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
    }

    /// Returns where there are conflicts.
    pub(super) fn spots(&self) -> impl Iterator<Item = Spot> {
        self.collections.iter().flat_map(|(collection, all)| {
            all.iter().map(|known| Spot {
                collection: collection.clone(),
                uid: known.uid.clone(),
            })
        })
    }

    /// Returns the spot of a conflict.
    pub(super) fn spot(&self, id: &str) -> Option<Spot> {
        self.spots().find(|spot| spot.id() == id)
    }

    /// Returns them as the contract knows them. `place` says what the sides of a pair are called.
    pub(super) fn list(
        &self,
        dir: &Path,
        place: impl Fn(&str) -> [String; 2],
    ) -> Vec<ToolConflict> {
        let mut all = Vec::new();
        for (collection, known) in &self.collections {
            let [left, right] = place(collection.split('/').next().unwrap_or(collection));
            for one in known {
                let spot = Spot {
                    collection: collection.clone(),
                    uid: one.uid.clone(),
                };
                let side = |place: &str, side: &str| version(dir, &spot, place, side);
                all.push(ToolConflict {
                    id: spot.id(),
                    path: format!("{collection}/{}", one.uid).into_bytes(),
                    kind: ConflictKind::BothChanged,
                    description: None,
                    since: Some(Timestamp(one.since_ms)),
                    sides: PerSide {
                        left: side(&left, "a"),
                        right: side(&right, "b"),
                    },
                });
            }
        }
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all
    }
}

impl Spot {
    /// Returns the id of the conflict.
    pub(super) fn id(&self) -> String {
        conflict_id(format!("{}/{}", self.collection, self.uid).as_bytes())
    }
}

/// Longest name of a folder that is made of a UID.
const NAME_MAX: usize = 200;

/// Returns the folder with the contents of an item, relative; the script makes the same.
pub(super) fn folder_of(uid: &str) -> PathBuf {
    let bytes = uid.bytes().map(|byte| format!("{byte:02x}"));
    let code = format!("u{}", bytes.collect::<Vec<_>>().concat());
    let parts = code.as_bytes().chunks(NAME_MAX);
    parts
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect()
}

fn version(dir: &Path, spot: &Spot, place: &str, side: &str) -> Version {
    let file = dir.join("conflicts").join(folder_of(&spot.uid)).join(side);
    let facts = match fs::metadata(&file) {
        Ok(meta) => Facts::Present {
            kind: Kind::File,
            size: meta.len(),
            modified: changed(&file, meta.len()).unwrap_or(Timestamp(0)),
        },
        Err(_) => Facts::Unknown,
    };
    Version {
        place: place.to_owned(),
        full: escape(format!("{place}, {}/{}", spot.collection, spot.uid).as_bytes()),
        facts,
        file: file.is_file().then_some(file),
    }
}

/// Reads when an item was changed last, as it says itself.
pub(super) fn changed(file: &Path, size: u64) -> Option<Timestamp> {
    if size > LOOK_BYTES_MAX {
        return None;
    }
    let bytes = fs::read(file).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    ["LAST-MODIFIED", "REV", "DTSTAMP"]
        .into_iter()
        .find_map(|key| text.lines().find_map(|line| moment(line, key)))
}

/// Reads `KEY:20260101T120000Z`.
fn moment(line: &str, key: &str) -> Option<Timestamp> {
    let rest = line.trim().strip_prefix(key)?;
    let (_, value) = rest.split_once(':')?;
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let part = |at: std::ops::Range<usize>| digits.get(at);
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0..4)?,
        part(4..6)?,
        part(6..8)?,
        part(8..10)?,
        part(10..12)?,
        part(12..14)?
    );
    Timestamp::parse_rfc3339(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_failed_says_nothing_about_conflicts() {
        let dir = tempfile::tempdir().unwrap();
        let mut conflicts = Conflicts::default();
        let mut reading = Reading::default();
        for line in [
            "Syncing cal/work",
            "Doing conflict resolution for item u...",
            "error: cal/work: One item changed on both sides.",
        ] {
            reading.line(line);
        }
        conflicts.learn(dir.path(), &reading, Timestamp(5)).unwrap();
        assert_eq!(conflicts.spots().count(), 1);
        let mut reading = Reading::default();
        reading.line("Syncing cal/work");
        reading.line("error: Unknown error occurred for cal/work: Cannot connect to host x");
        conflicts.learn(dir.path(), &reading, Timestamp(9)).unwrap();
        let mut conflicts = Conflicts::load(dir.path());
        assert_eq!(conflicts.spots().count(), 1);
        let mut reading = Reading::default();
        reading.line("Syncing cal/work");
        conflicts.learn(dir.path(), &reading, Timestamp(9)).unwrap();
        assert_eq!(conflicts.spots().count(), 0);
    }

    #[test]
    fn the_time_of_change_is_read_from_the_item() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        fs::write(
            &file,
            "BEGIN:VEVENT\r\nDTSTAMP:20200101T000000Z\r\nLAST-MODIFIED:20210203T040506Z\r\n",
        )
        .unwrap();
        assert_eq!(
            changed(&file, 10).map(Timestamp::rfc3339).as_deref(),
            Some("2021-02-03T04:05:06Z")
        );
    }
}
