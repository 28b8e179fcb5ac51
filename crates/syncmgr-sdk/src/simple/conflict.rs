//! Conflicts, as the functions of the author list and decide them.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use syncmgr_model::conflict::{Content, ContentKind};
use syncmgr_model::time::Timestamp;

use super::files::replace;
use super::run::Stop;

pub use syncmgr_model::resolution::Decision;

/// A conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) description: String,
    pub(super) contents: Vec<Content>,
    files: Vec<PathBuf>,
}

impl Conflict {
    /// Begins a conflict: what names it within its item, as a path below the folders, for good.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            kind: "both-changed".to_owned(),
            description: String::new(),
            contents: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Says what it is about.
    #[must_use]
    pub fn about(mut self, description: &str) -> Self {
        description.clone_into(&mut self.description);
        self
    }

    /// Adds one of the contents: a file, and the place it is in as people call it.
    #[must_use]
    pub fn content(mut self, place: &str, file: &Path) -> Self {
        let found = std::fs::symlink_metadata(file).ok();
        let modified = found.as_ref().and_then(|found| found.modified().ok());
        let since = modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let name = file.file_name().unwrap_or(file.as_os_str());
        self.contents.push(Content {
            display_name: name.to_string_lossy().into_owned(),
            original_name: None,
            alternate_name: None,
            short_location: place.to_owned(),
            full_location: file.to_string_lossy().into_owned(),
            kind: match found {
                Some(_) => ContentKind::Updated,
                None => ContentKind::Deleted,
            },
            path: Some(file.as_os_str().as_encoded_bytes().to_vec()),
            size: found.map(|found| found.len()),
            modified: since
                .and_then(|since| i64::try_from(since.as_millis()).ok())
                .map(Timestamp),
        });
        self.files.push(file.to_owned());
        self
    }

    /// Returns what names it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the file of a content, by its index.
    #[must_use]
    pub fn file(&self, index: usize) -> Option<&Path> {
        self.files.get(index).map(PathBuf::as_path)
    }

    /// Puts the content that a decision keeps in the place of the others; what it replaces is kept
    /// in a folder.
    ///
    /// # Errors
    /// For another decision than to keep one, and when a file cannot be read or written: what was
    /// there stays then.
    pub fn keep_one(&self, decision: &Decision, kept: &Path) -> Result<(), Stop> {
        let one = match decision {
            Decision::KeepItems(items) if items.len() == 1 => items[0].index,
            Decision::KeepItems(_)
            | Decision::KeepRecent
            | Decision::KeepOther(_)
            | Decision::RemoveFromSyncSet => {
                return Err("one of the contents has to be kept".into());
            }
        };
        let from = self.file(one).ok_or("it has no such content")?;
        for (index, to) in self.files.iter().enumerate() {
            if index != one {
                replace(from, to, kept)?;
            }
        }
        Ok(())
    }
}
