//! Conflicts of wrapped tools, as the contract knows them: two contents of one path. A decision is
//! work of a session, so that it shows progress and enters history.

use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use syncmgr_model::conflict::{
    Conflict, ConflictId, ConflictKind, Content, ContentKind, Facts, KEY_DESCRIPTION, KEY_FOUND,
    KEY_HANDLER, KEY_ITEM, KEY_NAME, Kind, Property,
};
use syncmgr_model::escape::escape;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::record::Contents;
use syncmgr_model::request::Choice;
use syncmgr_model::resolution::{Abilities, Decision, KeptItem, Substitute};
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{ConflictFilter, ConflictStore, ConflictView, ResolutionHandler};

use super::{Context, Tool};

/// One of the two contents of a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Where it is, in a word: `~/Photos`, `nas`, `this computer`. Harmless text.
    pub place: String,
    /// Where it is, in full; harmless text.
    pub full: String,
    /// What is there.
    pub facts: Facts,
    /// The local file that holds it, when there is one.
    pub file: Option<PathBuf>,
}

impl Version {
    /// Describes a local file as it is now.
    #[must_use]
    pub fn of_file(place: &str, full: String, file: PathBuf) -> Self {
        Self {
            place: place.to_owned(),
            full,
            facts: facts_of(&file),
            file: Some(file),
        }
    }
}

/// Returns what is at a path now.
#[must_use]
pub fn facts_of(file: &std::path::Path) -> Facts {
    match std::fs::symlink_metadata(file) {
        Ok(meta) => Facts::Present {
            kind: match meta.file_type() {
                kind if kind.is_file() => Kind::File,
                kind if kind.is_dir() => Kind::Folder,
                kind if kind.is_symlink() => Kind::Link,
                _ => Kind::Special,
            },
            size: meta.len(),
            modified: meta.modified().map_or(Timestamp(0), as_timestamp),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Facts::Missing,
        Err(_) => Facts::Unknown,
    }
}

/// Turns a time of the system into one of the model.
#[must_use]
pub fn as_timestamp(time: std::time::SystemTime) -> Timestamp {
    let ms =
        |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(after) => Timestamp(ms(after)),
        Err(before) => Timestamp(ms(before.duration()).saturating_neg()),
    }
}

/// A conflict of an item: two contents of one path, the left and the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolConflict {
    /// Names it within its item, see [`conflict_id`].
    pub id: String,
    /// The path below the folders of the item, bytes.
    pub path: Vec<u8>,
    /// How it came about.
    pub kind: ConflictKind,
    /// A sentence about it, for a conflict that is not about one file; `None`: the kind says it.
    pub description: Option<String>,
    /// When it was found, when known.
    pub since: Option<Timestamp>,
    /// The two contents.
    pub sides: PerSide<Version>,
}

/// Returns an id for a conflict from what names it: its path, or its path and the name of a copy.
#[must_use]
pub fn conflict_id(name: &[u8]) -> String {
    blake3::hash(name).to_hex()[..16].to_owned()
}

impl ToolConflict {
    fn plain(&self) -> Conflict {
        Conflict {
            id: self.id.clone(),
            path: self.path.clone(),
            kind: self.kind,
            sides: PerSide::from_fn(|side| self.sides[side].facts),
            n_within: 0,
            since: self.since,
        }
    }
}

/// The conflicts of some items: all that an instance knows, or one.
pub(super) struct ToolConflicts {
    pub(super) tool: Arc<dyn Tool>,
    pub(super) handler: HandlerId,
    pub(super) ctx: Arc<Context>,
    pub(super) items: Arc<[Item]>,
}

impl ToolConflicts {
    fn of_item(&self, item: &Item) -> Result<Vec<Arc<dyn ConflictView>>, Trouble> {
        let conflicts = self.tool.conflicts(&self.ctx, item)?;
        let view = |conflict| {
            let view = View {
                item: item.id.clone(),
                handler: self.handler.to_string(),
                abilities: self.tool.abilities(),
                kind: self.tool.conflict_word(&conflict),
                conflict,
            };
            Arc::new(view) as Arc<dyn ConflictView>
        };
        Ok(conflicts.into_iter().map(view).collect())
    }

    fn find(&self, item: &Item, id: &str) -> Result<ToolConflict, Trouble> {
        let all = self.tool.conflicts(&self.ctx, item)?;
        let found = all.into_iter().find(|conflict| conflict.id == id);
        found.ok_or_else(|| not_found(id.as_bytes()))
    }
}

impl ConflictStore for ToolConflicts {
    fn enumerate(&self, filter: &ConflictFilter) -> Result<Vec<Arc<dyn ConflictView>>, Trouble> {
        let mut all = Vec::new();
        for item in &*self.items {
            if filter.fits(&self.handler, Some(&item.id)) {
                all.extend(self.of_item(item)?);
            }
        }
        Ok(all)
    }

    /// An id is that of one item, which goes with it as `extra` where several items are meant.
    fn bind(&self, id: &ConflictId) -> Result<Arc<dyn ConflictView>, Trouble> {
        let is_its = |item: &&Item| {
            let extra = id.extra.as_deref();
            extra.is_none_or(|extra| extra == item.id.as_str().as_bytes())
        };
        for item in self.items.iter().filter(is_its) {
            let mut views = self.of_item(item)?.into_iter();
            if let Some(found) = views.find(|view| view.id().id == id.id) {
                return Ok(found);
            }
        }
        Err(not_found(&id.id))
    }

    fn list(&self, item: &Item) -> Result<Vec<Conflict>, Trouble> {
        let all = self.tool.conflicts(&self.ctx, item)?;
        Ok(all.iter().map(ToolConflict::plain).collect())
    }

    fn contents(&self, item: &Item, id: &str, limit: usize) -> Result<Contents, Trouble> {
        let conflict = self.find(item, id)?;
        let read = |side: Side| read(conflict.sides[side].file.as_ref(), limit);
        Ok(Contents {
            base: None,
            left: read(Side::Left)?,
            right: read(Side::Right)?,
        })
    }
}

/// Reads a regular file of at most `limit` bytes; `None` where there is no text to show.
fn read(file: Option<&PathBuf>, limit: usize) -> Result<Option<Vec<u8>>, Trouble> {
    let Some(file) = file else {
        return Ok(None);
    };
    let unreadable = |e: std::io::Error| {
        Trouble::new(Code::NotPossible).with("detail", format!("the content cannot be read ({e})"))
    };
    match std::fs::symlink_metadata(file) {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => return Ok(None),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unreadable(e)),
    }
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|file| file.take(limit as u64 + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

fn not_found(id: &[u8]) -> Trouble {
    Trouble::new(Code::NotFound)
        .with("what", "conflict")
        .with("name", escape(id))
}

struct View {
    item: ItemId,
    handler: String,
    abilities: Abilities,
    kind: &'static str,
    conflict: ToolConflict,
}

impl View {
    fn content(&self, side: Side) -> Content {
        let Version {
            place,
            full,
            facts,
            file,
        } = &self.conflict.sides[side];
        let name = self.conflict.path.rsplit(|byte| *byte == b'/').next();
        let (kind, size, modified) = match *facts {
            Facts::Missing => (ContentKind::Deleted, None, None),
            Facts::Unknown => (ContentKind::Updated, None, None),
            Facts::Present { size, modified, .. } => {
                (ContentKind::Updated, Some(size), Some(modified))
            }
        };
        Content {
            display_name: escape(name.unwrap_or_default()),
            original_name: None,
            alternate_name: None,
            short_location: place.clone(),
            full_location: full.clone(),
            kind,
            size,
            modified,
            path: file
                .as_ref()
                .map(|file| file.as_os_str().as_bytes().to_vec()),
        }
    }
}

impl ConflictView for View {
    fn id(&self) -> ConflictId {
        ConflictId {
            id: self.conflict.id.clone().into_bytes(),
            extra: Some(self.item.as_str().as_bytes().to_vec()),
        }
    }

    fn item(&self) -> Option<ItemId> {
        Some(self.item.clone())
    }

    fn kind(&self) -> String {
        self.kind.to_owned()
    }

    fn property(&self, key: &str) -> Property {
        let conflict = &self.conflict;
        match key {
            KEY_NAME => Property::Text(escape(&conflict.path)),
            KEY_DESCRIPTION => Property::Text(match &conflict.description {
                Some(text) => text.clone(),
                None => conflict.kind.words().to_owned(),
            }),
            KEY_HANDLER => Property::Text(self.handler.clone()),
            KEY_ITEM => Property::Text(self.item.to_string()),
            KEY_FOUND => conflict.since.map_or(Property::Empty, Property::Time),
            _ => Property::Empty,
        }
    }

    fn contents(&self) -> Result<Vec<Content>, Trouble> {
        Ok(Side::BOTH.map(|side| self.content(side)).to_vec())
    }

    fn resolution(&self) -> &dyn ResolutionHandler {
        self
    }
}

impl ResolutionHandler for View {
    fn abilities(&self) -> Result<Abilities, Trouble> {
        Ok(self.abilities)
    }

    fn as_work(&self, decision: &Decision) -> Result<Option<Choice>, Trouble> {
        Ok(Some(match decision {
            Decision::KeepItems(items) => keep(items)?,
            Decision::KeepRecent => Choice::KeepNewest,
            Decision::KeepOther(Substitute::Bytes(bytes)) => Choice::Merged(bytes.clone()),
            Decision::KeepOther(Substitute::Merge) => Choice::MergeText,
            Decision::RemoveFromSyncSet => {
                return Err(not_possible(
                    "leave the path out in the settings of the sync instead",
                ));
            }
        }))
    }
}

fn keep(items: &[KeptItem]) -> Result<Choice, Trouble> {
    if items.iter().any(|item| item.name.is_some()) {
        return Err(not_possible(
            "the name of the second content cannot be chosen",
        ));
    }
    match items {
        [KeptItem { index: 0, .. }] => Ok(Choice::Keep(Side::Left)),
        [KeptItem { index: 1, .. }] => Ok(Choice::Keep(Side::Right)),
        [_, _] => Ok(Choice::KeepBoth),
        _ => Err(not_possible("there are two contents to choose from")),
    }
}

fn not_possible(detail: &str) -> Trouble {
    Trouble::new(Code::NotPossible).with("detail", detail)
}
