//! Folders of this machine, as somebody who chooses one sees them.

use serde::{Deserialize, Serialize};
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
