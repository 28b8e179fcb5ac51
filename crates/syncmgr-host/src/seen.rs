//! Names the state of a conflict by all that is known of its contents, so that a decision is carried
//! out on what a person saw and on nothing that came later.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use syncmgr_model::conflict::Content;

/// Names the state of contents: by what the handler says of them, and by their files, which change
/// while a handler still tells what it once found. Only files in these folders are looked at: what
/// a handler says must not open any other one.
#[must_use]
pub fn state_of(contents: &[Content], folders: &[PathBuf]) -> String {
    let folders: Vec<_> = folders
        .iter()
        .filter_map(|folder| fs::canonicalize(folder).ok())
        .collect();
    let mut hasher = blake3::Hasher::new();
    for content in contents {
        hasher.update(format!("{content:?}").as_bytes());
        if let Some(file) = file_of(content, &folders) {
            syncmgr_sdk::read_state(&file, &mut |part| {
                hasher.update(part);
            });
        }
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

fn file_of(content: &Content, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = Path::new(OsStr::from_bytes(content.path.as_deref()?));
    let parent = fs::canonicalize(path.parent()?).ok()?;
    let file = parent.join(path.file_name()?);
    let is_its = |folder: &PathBuf| file.starts_with(folder);
    folders.iter().any(is_its).then_some(file)
}
