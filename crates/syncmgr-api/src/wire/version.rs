//! A kept version: what a run replaced or deleted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncmgr_model::conflict::Kind;
use syncmgr_model::escape::{escape, unescape};
use syncmgr_model::id::SessionId;
use syncmgr_model::record;
use syncmgr_model::request::VersionRef;
use syncmgr_model::side::Side;
use utoipa::ToSchema;

use super::{Unreadable, time, word};

/// A kept version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "VersionJson"))]
pub struct Version {
    /// The run that replaced or deleted it.
    pub run: String,
    /// When.
    pub replaced: String,
    /// On which side it was.
    pub side: String,
    /// The path below the folders.
    pub path: String,
    /// What it is: `file`, `folder`, `link` or `special file`.
    pub kind: String,
    /// Bytes.
    pub size: u64,
    /// When it had been modified.
    pub modified: String,
    /// It was deleted, not replaced.
    pub deleted: bool,
    /// Where its bytes lie.
    pub kept_at: String,
}

impl From<&record::Version> for Version {
    fn from(v: &record::Version) -> Self {
        Self {
            run: v.run.to_string(),
            replaced: v.replaced_at.rfc3339(),
            side: v.side.as_str().to_owned(),
            path: escape(&v.path),
            kind: v.kind.as_str().to_owned(),
            size: v.size,
            modified: v.modified.rfc3339(),
            deleted: v.was_deleted,
            kept_at: escape(&v.kept_at),
        }
    }
}

impl TryFrom<&Version> for record::Version {
    type Error = Unreadable;

    fn try_from(v: &Version) -> Result<Self, Unreadable> {
        Ok(Self {
            run: word("the id of a run", &v.run, |id| SessionId::new(id).ok())?,
            replaced_at: time(&v.replaced)?,
            side: word("a side", &v.side, Side::parse)?,
            path: unescape(&v.path),
            kind: word("a kind of thing", &v.kind, Kind::parse)?,
            size: v.size,
            modified: time(&v.modified)?,
            was_deleted: v.deleted,
            kept_at: unescape(&v.kept_at),
        })
    }
}

/// What kept versions take.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Storage {
    /// How many there are.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// By the day on which they were replaced or deleted, the newest first.
    pub days: Vec<StorageDay>,
}

/// What the versions of a day take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageDay {
    /// The day, in UTC, as `2026-11-20`.
    pub day: String,
    /// How many there are.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Storage {
    /// Adds up versions.
    #[must_use]
    pub fn of(versions: &[record::Version]) -> Self {
        let mut all = Self::default();
        let mut days = BTreeMap::new();
        for version in versions {
            all.files += 1;
            all.bytes = all.bytes.saturating_add(version.size);
            let day: String = version.replaced_at.rfc3339().chars().take(10).collect();
            let (files, bytes): &mut (u64, u64) = days.entry(day).or_default();
            *files += 1;
            *bytes = bytes.saturating_add(version.size);
        }
        let day = |(day, (files, bytes))| StorageDay { day, files, bytes };
        all.days = days.into_iter().rev().map(day).collect();
        all
    }
}

/// Brings a version back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// The sync.
    #[schema(min_length = 1, max_length = 63)]
    pub item: String,
    /// The run that replaced or deleted it.
    #[schema(min_length = 1, max_length = 63)]
    pub run: String,
    /// `left` or `right`.
    #[schema(pattern = "^(left|right)$")]
    pub side: String,
    /// The path below the folders, escaped as everywhere.
    #[schema(min_length = 1)]
    pub path: String,
    /// Only say what would be done.
    #[serde(default)]
    pub preview: bool,
}

impl TryFrom<&Restore> for VersionRef {
    type Error = Unreadable;

    fn try_from(r: &Restore) -> Result<Self, Unreadable> {
        Ok(Self {
            run: word("the id of a run", &r.run, |id| SessionId::new(id).ok())?,
            side: word("a side", &r.side, Side::parse)?,
            path: unescape(&r.path),
        })
    }
}
