//! Collections that one side suddenly has nothing of: what a run would delete on the other side.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use syncmgr_model::escape::escape;
use syncmgr_model::event::EventLevel;
use syncmgr_model::preview::{Action, PlannedChange, Preview};
use syncmgr_model::side::Side;
use syncmgr_model::trouble::{Code, Trouble};

use crate::tool::{Context, recall, remember};

/// The file of the holds in the state of an item.
const FILE: &str = "held.json";

/// A collection that waits for a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Held {
    /// `PAIR/COLLECTION`.
    pub(super) collection: String,
    /// The empty side is the left one.
    is_left_empty: bool,
    empty: String,
    kept: String,
    folder: PathBuf,
    entries: Vec<Entry>,
}

/// An entry that would be deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    name: String,
    bytes: u64,
    hash: String,
}

impl Held {
    /// Describes it by the copies of what would be deleted.
    pub(super) fn new(
        collection: &str,
        empty_side: Side,
        [empty, kept]: [String; 2],
        folder: &Path,
        files: &[PathBuf],
    ) -> Self {
        let entry = |file: &PathBuf| {
            let content = fs::read(file).unwrap_or_default();
            Entry {
                name: escape(file.file_name().unwrap_or_default().as_encoded_bytes()),
                bytes: content.len() as u64,
                hash: blake3::hash(&content).to_hex().to_string(),
            }
        };
        Self {
            collection: collection.to_owned(),
            is_left_empty: empty_side == Side::Left,
            empty,
            kept,
            folder: folder.to_owned(),
            entries: files.iter().map(entry).collect(),
        }
    }

    /// Returns what a person is told.
    pub(super) fn trouble(&self) -> Trouble {
        let mut trouble = Trouble::new(Code::SideEmptied)
            .with("empty", format!("{} at {}", self.collection, self.empty))
            .with("kept", &self.kept)
            .with("n_files", self.entries.len());
        let names = self.entries.iter().map(|it| it.name.clone());
        trouble.paths = names.take(syncmgr_model::trouble::PATHS_MAX).collect();
        trouble
    }

    /// Returns what a person is told once it was let go.
    pub(super) fn let_go(&self, ctx: &Context) -> Trouble {
        Trouble::new(Code::HandlerSays)
            .at_level(EventLevel::Information)
            .with(
                "name",
                format!(
                    "{} was emptied on both sides, as you allowed",
                    self.collection
                ),
            )
            .with(
                "description",
                format!("What was deleted is kept in {}.", ctx.shown(&self.folder)),
            )
    }
}

/// Remembers what waits.
pub(super) fn save(dir: &Path, held: &[Held]) -> Result<(), Trouble> {
    // Copies of earlier looks that nothing waits for any more, and that no release needs.
    let before: Vec<Held> = recall(dir, FILE).unwrap_or_default();
    remember(dir, FILE, &held)?;
    if !held.is_empty() {
        for old in before {
            if held.iter().all(|it| it.folder != old.folder) {
                drop(fs::remove_dir_all(&old.folder));
            }
        }
    }
    Ok(())
}

/// Returns what waits.
pub(super) fn load(dir: &Path) -> Vec<Held> {
    recall(dir, FILE).unwrap_or_default()
}

/// Names everything that waits by its content; `None` when nothing does.
pub(super) fn id_of_all(held: &[Held]) -> Option<String> {
    if held.is_empty() {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    for one in held {
        hasher.update(one.collection.as_bytes());
        hasher.update(&[0, u8::from(one.is_left_empty)]);
        for entry in &one.entries {
            hasher.update(entry.hash.as_bytes());
        }
    }
    Some(hasher.finalize().to_hex()[..16].to_owned())
}

/// Shows what would be deleted.
pub(super) fn preview(held: &[Held]) -> Preview {
    let changes = held.iter().flat_map(|one| {
        one.entries.iter().map(|entry| PlannedChange {
            path: format!("{}/{}", one.collection, entry.name).into_bytes(),
            side: if one.is_left_empty {
                Side::Right
            } else {
                Side::Left
            },
            action: Action::Delete,
            from: None,
            bytes: entry.bytes,
            reason: "deleted".into(),
            is_held: true,
        })
    });
    let id = id_of_all(held);
    Preview {
        id: id.clone().unwrap_or_default(),
        changes: changes.collect(),
        troubles: held.iter().map(Held::trouble).collect(),
        held_id: id,
        ..Preview::default()
    }
}
