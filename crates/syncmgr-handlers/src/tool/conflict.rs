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
    /// Names it within its item whatever its state is, see [`conflict_id`]; [`Seen::id`] is what
    /// others see.
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

/// A conflict with what both sides had when it was looked at: what a decision is about.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The conflict.
    pub conflict: &'a ToolConflict,
    states: PerSide<blake3::Hash>,
}

impl Seen<'_> {
    /// Names the conflict in this state, so that a decision on this id is about nothing that comes
    /// later. It begins with the same letters in every state.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for side in Side::BOTH {
            hasher.update(self.states[side].as_bytes());
        }
        let state = hasher.finalize().to_hex();
        format!("{}{}", self.conflict.stem(), &state[..STATE_LEN])
    }

    /// Checks that both sides still have what was decided on: to be asked right before something is
    /// replaced, and after what takes its time.
    ///
    /// # Errors
    /// `state-changed`.
    pub fn is_still_so(&self) -> Result<(), Trouble> {
        Side::BOTH
            .into_iter()
            .try_for_each(|side| self.is_still_so_at(side))
    }

    /// As [`Self::is_still_so`], for one side.
    ///
    /// # Errors
    /// `state-changed`.
    pub fn is_still_so_at(&self, side: Side) -> Result<(), Trouble> {
        if self.conflict.sides[side].state() == self.states[side] {
            return Ok(());
        }
        Err(self.changed())
    }

    /// Returns what a person is told when a decision was about something else.
    #[must_use]
    pub fn changed(&self) -> Trouble {
        Trouble::new(Code::StateChanged).with("path", escape(&self.conflict.path))
    }
}

impl Version {
    /// Names what is there: in the file now, or else as it was last heard of.
    fn state(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        match &self.file {
            Some(file) => syncmgr_sdk::read_state(file, &mut |part| {
                hasher.update(part);
            }),
            None => {
                hasher.update(format!("{} {:?}", self.full, self.facts).as_bytes());
            }
        }
        hasher.finalize()
    }
}

/// Letters of an id that name the conflict.
const STEM_LEN: usize = 8;

/// Letters of an id that name its state.
const STATE_LEN: usize = 8;

/// Returns an id for a conflict from what names it: its path, or its path and the name of a copy.
#[must_use]
pub fn conflict_id(name: &[u8]) -> String {
    blake3::hash(name).to_hex()[..16].to_owned()
}

impl ToolConflict {
    /// Takes in what both sides have now.
    #[must_use]
    pub fn look(&self) -> Seen<'_> {
        Seen {
            conflict: self,
            states: PerSide::from_fn(|side| self.sides[side].state()),
        }
    }

    /// Says whether an id named this conflict, in whatever state it was then.
    pub(super) fn was_named(&self, id: &str) -> bool {
        id.len() == self.stem().len() + STATE_LEN && id.starts_with(self.stem())
    }

    /// Returns the part of its ids that stays when what it is about changes.
    fn stem(&self) -> &str {
        self.id.get(..STEM_LEN).unwrap_or(&self.id)
    }

    fn plain(&self) -> Conflict {
        Conflict {
            id: self.look().id(),
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
        let conflicts = self.tool.conflicts(&self.ctx, item)?.into_iter();
        Ok(conflicts
            .map(|conflict| self.view(item, conflict))
            .collect())
    }

    fn view(&self, item: &Item, conflict: ToolConflict) -> Arc<dyn ConflictView> {
        Arc::new(View {
            item: item.id.clone(),
            handler: self.handler.to_string(),
            abilities: self.tool.abilities(),
            kind: self.tool.conflict_word(&conflict),
            id: conflict.look().id(),
            conflict,
        })
    }

    fn find(&self, item: &Item, id: &str) -> Result<ToolConflict, Trouble> {
        let all = self.tool.conflicts(&self.ctx, item)?;
        named(&all, id).map(|seen| seen.conflict.clone())
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
        let text = std::str::from_utf8(&id.id).map_err(|_| not_found(&id.id))?;
        let mut error = not_found(&id.id);
        for item in self.items.iter().filter(is_its) {
            match self.find(item, text) {
                Ok(conflict) => return Ok(self.view(item, conflict)),
                Err(trouble) if trouble.code == Code::NotFound => {}
                Err(trouble) => error = trouble,
            }
        }
        Err(error)
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

/// Finds the conflict that an id names, in the state that the id names.
///
/// # Errors
/// `state-changed` when it has another state now; `not-found`.
pub(super) fn named<'a>(all: &'a [ToolConflict], id: &str) -> Result<Seen<'a>, Trouble> {
    let mut fault = not_found(id.as_bytes());
    for conflict in all.iter().filter(|it| it.was_named(id)) {
        let seen = conflict.look();
        if seen.id() == id {
            return Ok(seen);
        }
        fault = seen.changed();
    }
    Err(fault)
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
    /// Names the state in which it was listed.
    id: String,
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
            id: self.id.clone().into_bytes(),
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

    /// Where none can be kept there is nothing to choose from; what disagrees is in the description.
    fn contents(&self) -> Result<Vec<Content>, Trouble> {
        if !self.abilities.contains(Abilities::KEEP_SINGLE) {
            return Ok(Vec::new());
        }
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
