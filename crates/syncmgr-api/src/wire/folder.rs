//! Folders: those of this machine, as somebody who chooses one sees them, and those of a sync, with
//! how everything in them stands.

use serde::{Deserialize, Serialize};
use syncmgr_model::escape::escape;
use syncmgr_model::folder;
use utoipa::ToSchema;

/// A folder and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Folders {
    /// The folder, absolute and without links, escaped as everywhere.
    pub path: String,
    /// The same as people see it, with `~` for the home folder.
    pub shown: String,
    /// The folder it is in; null: it is in none.
    pub parent: Option<String>,
    /// The folders in it, by name, hidden ones last; links are left out. At most 1,000.
    pub folders: Vec<Folder>,
    /// There are more folders than are told.
    pub more: bool,
    /// Where to begin: the home folder, the root, and what is mounted.
    pub places: Vec<Place>,
    /// What the folder is like.
    pub facts: FolderFacts,
}

/// A folder in another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Folder {
    /// Its name.
    pub name: String,
    /// Where it is, absolute.
    pub path: String,
}

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Place {
    /// What it is called.
    pub name: String,
    /// Where it is, absolute.
    pub path: String,
    /// `home`, `root`, `disk`, `removable` or `network`.
    pub kind: String,
}

/// What a folder is like.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct FolderFacts {
    /// It is there, and is a folder.
    pub exists: bool,
    /// It may be written.
    pub writable: bool,
    /// Bytes that are free there; null: that is not known.
    pub free: Option<u64>,
    /// Bytes there are in all; null: that is not known.
    pub total: Option<u64>,
    /// It is on a disk that can be unplugged.
    pub removable: bool,
    /// It is on another machine.
    pub network: bool,
    /// It does not tell large letters from small ones in names.
    pub folds_case: bool,
    /// Nothing is in it.
    pub empty: bool,
    /// How much is directly in it that is no folder.
    pub files: u64,
}

/// One folder of a sync, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncFolder {
    /// The folder, below the folders of the sync; empty: those themselves.
    pub folder: String,
    /// What is in it, folders first, by name.
    pub items: Vec<SyncFile>,
    /// Leads to the next part; null at the end.
    pub next_cursor: Option<String>,
}

/// A name in a folder of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncFile {
    /// Its name.
    pub name: String,
    /// The path below the folders of the sync.
    pub path: String,
    /// What it is: `file`, `folder`, `link` or `special file`; on the left where the sides differ.
    pub kind: String,
    /// How it stands: `same`, `only-left`, `only-right`, `changed-left`, `changed-right`,
    /// `changed-both`, `conflict`, `excluded`, `own` or `unsynced`. By sizes and times: no content
    /// was read.
    pub state: String,
    /// What the left side has; null: nothing.
    pub left: Option<SyncFileSide>,
    /// What the right side has; null: nothing.
    pub right: Option<SyncFileSide>,
    /// The pattern that covers it, or why it cannot be looked at.
    pub reason: Option<String>,
}

/// What a side has under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncFileSide {
    /// Bytes; 0 for everything but files.
    pub size: u64,
    /// When it was modified.
    pub modified: String,
}

impl SyncFile {
    /// Writes a name in a folder.
    #[must_use]
    pub fn of(within: &[u8], child: &folder::Child) -> Self {
        let parts: Vec<&[u8]> = [within, &child.name]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let side = |held: &folder::Held| SyncFileSide {
            size: held.size,
            modified: held.modified.rfc3339(),
        };
        Self {
            name: escape(&child.name),
            path: escape(&parts.join(&b'/')),
            kind: child.kind.as_str().to_owned(),
            state: child.standing.as_str().to_owned(),
            left: child.sides.left.as_ref().map(side),
            right: child.sides.right.as_ref().map(side),
            reason: child.reason.clone(),
        }
    }
}

/// Asks what exclusions would cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Patterns {
    /// The exclusions, beside those that the sync has.
    #[schema(max_items = 100)]
    pub patterns: Vec<String>,
}

/// What exclusions would newly cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Matches {
    /// How many files and links.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The first paths, at most 20; folders that are covered as a whole among them.
    pub sample: Vec<String>,
    /// The sync is very large and was not looked through to its end: there may be more.
    pub more: bool,
}

impl From<&folder::Covered> for Matches {
    fn from(covered: &folder::Covered) -> Self {
        Self {
            files: covered.n_files,
            bytes: covered.bytes,
            sample: covered.sample.iter().map(|path| escape(path)).collect(),
            more: !covered.is_whole,
        }
    }
}
