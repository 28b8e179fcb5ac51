//! Conflicts of pairs as the contract knows them. A decision is work of a session, so that it shows
//! progress, can be undone and enters history.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::sync::Arc;

use syncmgr_model::conflict::{
    Conflict, ConflictId, Content, ContentKind, Facts, KEY_DESCRIPTION, KEY_FOUND, KEY_HANDLER,
    KEY_ITEM, KEY_NAME, Kind, Property,
};
use syncmgr_model::escape::escape;
use syncmgr_model::id::ItemId;
use syncmgr_model::item::Item;
use syncmgr_model::record::Contents;
use syncmgr_model::request::Choice;
use syncmgr_model::resolution::{Abilities, Decision, KeptItem, Substitute};
use syncmgr_model::side::Side;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{ConflictFilter, ConflictStore, ConflictView, ResolutionHandler};

use super::FilesHandler;
use super::place::shown;

/// The conflicts of some pairs: all that an instance knows, or one.
pub(super) struct PairConflicts {
    files: Arc<FilesHandler>,
    items: Arc<[Item]>,
}

impl PairConflicts {
    /// Holds the conflicts of these pairs.
    pub(super) fn new(files: Arc<FilesHandler>, items: Arc<[Item]>) -> Self {
        Self { files, items }
    }

    fn of_item(&self, item: &Item) -> Result<Vec<Arc<dyn ConflictView>>, Trouble> {
        let conflicts = self.files.list_conflicts(item)?;
        let home = self.files.home.as_deref();
        let chosen = self.files.chosen(item)?;
        let places = [shown(&chosen.left, home), shown(&chosen.right, home)];
        let view = |conflict| {
            let view = PairConflict {
                item: item.id.clone(),
                handler: self.files.id.to_string(),
                places: places.clone(),
                folders: [chosen.left.clone(), chosen.right.clone()],
                conflict,
            };
            Arc::new(view) as Arc<dyn ConflictView>
        };
        Ok(conflicts.into_iter().map(view).collect())
    }
}

impl ConflictStore for PairConflicts {
    fn enumerate(&self, filter: &ConflictFilter) -> Result<Vec<Arc<dyn ConflictView>>, Trouble> {
        let mut all = Vec::new();
        for item in &*self.items {
            if filter.fits(&self.files.id, Some(&item.id)) {
                all.extend(self.of_item(item)?);
            }
        }
        Ok(all)
    }

    /// An id is that of one pair; the pair is what goes with it as `extra`, and is needed only where
    /// several pairs are meant.
    fn bind(&self, id: &ConflictId) -> Result<Arc<dyn ConflictView>, Trouble> {
        let is_its = |item: &&Item| {
            let extra = id.extra.as_deref();
            extra.is_none_or(|extra| extra == item.id.as_str().as_bytes())
        };
        for item in self.items.iter().filter(is_its) {
            let found = self
                .of_item(item)?
                .into_iter()
                .find(|view| view.id() == *id);
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Err(Trouble::new(Code::NotFound)
            .with("what", "conflict")
            .with("name", escape(&id.id)))
    }

    fn list(&self, item: &Item) -> Result<Vec<Conflict>, Trouble> {
        self.files.list_conflicts(item)
    }

    fn contents(&self, item: &Item, id: &str, limit: usize) -> Result<Contents, Trouble> {
        self.files.conflict_contents(item, id, limit)
    }
}

/// A conflict of a pair: the contents are the left and the right one, in this order.
struct PairConflict {
    item: ItemId,
    handler: String,
    places: [String; 2],
    folders: [PathBuf; 2],
    conflict: Conflict,
}

impl PairConflict {
    fn file_name(&self) -> String {
        let name = self.conflict.path.rsplit(|byte| *byte == b'/').next();
        escape(name.unwrap_or_default())
    }

    fn content(&self, side: Side) -> Content {
        let facts = self.conflict.sides[side];
        let [left, right] = &self.places;
        let [left_folder, right_folder] = &self.folders;
        let (place, folder) = match side {
            Side::Left => (left, left_folder),
            Side::Right => (right, right_folder),
        };
        let is_file = matches!(
            facts,
            Facts::Present {
                kind: Kind::File,
                ..
            }
        );
        let path = is_file.then(|| {
            let below = OsStr::from_bytes(&self.conflict.path);
            folder.join(below).into_os_string().into_vec()
        });
        let (kind, size, modified) = match facts {
            Facts::Missing => (ContentKind::Deleted, None, None),
            Facts::Unknown => (ContentKind::Updated, None, None),
            Facts::Present { size, modified, .. } => {
                (ContentKind::Updated, Some(size), Some(modified))
            }
        };
        Content {
            display_name: self.file_name(),
            original_name: None,
            alternate_name: None,
            short_location: place.clone(),
            full_location: format!("{place}/{}", escape(&self.conflict.path)),
            kind,
            size,
            modified,
            path,
        }
    }
}

impl ConflictView for PairConflict {
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
        self.conflict.kind.as_str().to_owned()
    }

    fn property(&self, key: &str) -> Property {
        match key {
            KEY_NAME => Property::Text(escape(&self.conflict.path)),
            KEY_DESCRIPTION => Property::Text(self.conflict.kind.words().to_owned()),
            KEY_HANDLER => Property::Text(self.handler.clone()),
            KEY_ITEM => Property::Text(self.item.to_string()),
            KEY_FOUND => self.conflict.since.map_or(Property::Empty, Property::Time),
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

impl ResolutionHandler for PairConflict {
    fn abilities(&self) -> Result<Abilities, Trouble> {
        Ok(Abilities::KEEP_SINGLE
            | Abilities::KEEP_MULTIPLE
            | Abilities::KEEP_RECENT
            | Abilities::KEEP_OTHER)
    }

    fn can_rehearse(&self) -> bool {
        true
    }

    fn as_work(&self, decision: &Decision) -> Result<Option<Choice>, Trouble> {
        Ok(Some(match decision {
            Decision::KeepItems(items) => keep(items)?,
            Decision::KeepRecent => Choice::KeepNewest,
            Decision::KeepOther(Substitute::Bytes(bytes)) => Choice::Merged(bytes.clone()),
            Decision::KeepOther(Substitute::Merge) => Choice::MergeText,
            Decision::RemoveFromSyncSet => {
                return Err(not_possible(
                    "exclude the path in the settings of the sync instead",
                ));
            }
        }))
    }
}

/// Of both, one gets a name that says where it comes from; no other names are taken, so that a
/// name never meets one that exists.
fn keep(items: &[KeptItem]) -> Result<Choice, Trouble> {
    if items.iter().any(|item| item.name.is_some()) {
        return Err(not_possible(
            "the name of the second content is made by syncmgr",
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

#[cfg(test)]
mod tests {
    use syncmgr_model::conflict::ConflictKind;
    use syncmgr_model::side::PerSide;
    use syncmgr_model::time::Timestamp;

    use super::*;

    fn conflict() -> PairConflict {
        PairConflict {
            item: ItemId::new("pair").unwrap(),
            handler: "files".to_owned(),
            places: ["~/a".to_owned(), "/mnt/b".to_owned()],
            folders: [PathBuf::from("/home/me/a"), PathBuf::from("/mnt/b")],
            conflict: Conflict {
                id: "1a2b3c4d".to_owned(),
                path: b"docs/report.txt".to_vec(),
                kind: ConflictKind::ChangedAndDeleted,
                sides: PerSide {
                    left: Facts::Present {
                        kind: Kind::File,
                        size: 5,
                        modified: Timestamp(7),
                    },
                    right: Facts::Missing,
                },
                n_within: 0,
                since: Some(Timestamp(9)),
            },
        }
    }

    /// spec 140: properties by their keys; an unknown key is empty.
    #[test]
    fn properties() {
        let conflict = conflict();
        let text = |text: &str| Property::Text(text.to_owned());
        for (key, expected) in [
            (KEY_NAME, text("docs/report.txt")),
            (KEY_DESCRIPTION, text("changed and deleted")),
            (KEY_HANDLER, text("files")),
            (KEY_ITEM, text("pair")),
            (KEY_FOUND, Property::Time(Timestamp(9))),
            ("System.Nothing", Property::Empty),
            ("", Property::Empty),
        ] {
            assert_eq!(conflict.property(key), expected, "{key}");
        }
    }

    /// spec 141, 142: both contents, with names, places and kinds.
    #[test]
    fn contents() {
        let contents = conflict().contents().unwrap();
        let brief: Vec<_> = contents
            .iter()
            .map(|c| (c.name(), c.full_location.as_str(), c.kind, c.size))
            .collect();
        assert_eq!(
            brief,
            [
                (
                    "report.txt",
                    "~/a/docs/report.txt",
                    ContentKind::Updated,
                    Some(5)
                ),
                (
                    "report.txt",
                    "/mnt/b/docs/report.txt",
                    ContentKind::Deleted,
                    None
                ),
            ]
        );
    }

    /// spec 143–147: what each decision is as work, and what this handler does not do.
    #[test]
    fn decisions_become_work() {
        let kept = |indexes: &[usize], name: Option<&str>| {
            let item = |index: &usize| KeptItem {
                index: *index,
                name: name.map(str::to_owned),
            };
            Decision::KeepItems(indexes.iter().map(item).collect())
        };
        let other = |other| Decision::KeepOther(other);
        for (decision, expected) in [
            (kept(&[0], None), Some(Choice::Keep(Side::Left))),
            (kept(&[1], None), Some(Choice::Keep(Side::Right))),
            (kept(&[1, 0], None), Some(Choice::KeepBoth)),
            (kept(&[0, 1], Some("new.txt")), None),
            (kept(&[], None), None),
            (Decision::KeepRecent, Some(Choice::KeepNewest)),
            (other(Substitute::Merge), Some(Choice::MergeText)),
            (
                other(Substitute::Bytes(vec![1])),
                Some(Choice::Merged(vec![1])),
            ),
            (Decision::RemoveFromSyncSet, None),
        ] {
            let work = conflict().as_work(&decision);
            assert_eq!(work.ok().flatten(), expected, "{decision:?}");
        }
    }
}
