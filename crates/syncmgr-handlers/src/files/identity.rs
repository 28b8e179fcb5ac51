//! Names two folders that were never saved, so that the next run finds what they agreed on.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use syncmgr_model::id::ItemId;

/// Returns the id of two folders, given by their canonical paths. The order does not matter: a run
/// with the folders swapped belongs to the same pair.
#[must_use]
pub fn of_folders(left: &Path, right: &Path) -> ItemId {
    let mut paths = [left.as_os_str().as_bytes(), right.as_os_str().as_bytes()];
    paths.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for path in paths {
        // The length keeps "/a" + "/bc" and "/ab" + "/c" apart.
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path);
    }
    let id = format!("files-{}", &hasher.finalize().to_hex()[..16]);
    ItemId::new(id).expect("a prefix and hexadecimal digits are an id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_folders_does_not_matter() {
        let id = |a: &str, b: &str| of_folders(Path::new(a), Path::new(b));
        assert_eq!(id("/a", "/b"), id("/b", "/a"));
        assert_ne!(id("/a", "/bc"), id("/ab", "/c"));
        assert_eq!(id("/a", "/b").as_str().len(), 22);
    }
}
