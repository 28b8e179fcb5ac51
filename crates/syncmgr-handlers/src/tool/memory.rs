//! What a tool remembers of an item between runs, as JSON in its state folder. Each file belongs
//! to one tool, and says its version itself where the form may change.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use syncmgr_model::trouble::{Code, Trouble};

/// Largest file that is read back: a list of conflicts far longer than anybody decides.
const SIZE_MAX: u64 = 64 << 20;

/// Writes a value, whole or not at all.
///
/// # Errors
/// `state-unusable`.
pub fn remember(dir: &Path, name: &str, value: &impl Serialize) -> Result<(), Trouble> {
    let unusable = |e: std::io::Error| Trouble::new(Code::StateUnusable).with("detail", e);
    let text = serde_json::to_vec(value).map_err(|e| unusable(e.into()))?;
    let new = dir.join(format!("{name}.new"));
    let write = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&new, dir.join(name))
    };
    write().map_err(unusable)
}

/// Reads a value back; `None` when nothing, or nothing that can be understood, is there.
#[must_use]
pub fn recall<T: DeserializeOwned>(dir: &Path, name: &str) -> Option<T> {
    let path = dir.join(name);
    let size = fs::metadata(&path).ok()?.len();
    if size > SIZE_MAX {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
