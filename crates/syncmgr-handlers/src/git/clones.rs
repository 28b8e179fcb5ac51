//! Finds clones below a folder.

use std::fs;
use std::path::{Path, PathBuf};

/// Most clones of one item: nobody has more by hand, and each is asked about over the network.
pub(super) const CLONES_MAX: usize = 2000;
/// Most folders that are looked into.
const FOLDERS_MAX: usize = 100_000;

/// Says whether a folder is a clone with files.
pub(super) fn is_clone(dir: &Path) -> bool {
    // A file, for a work tree beside its repository.
    fs::symlink_metadata(dir.join(".git")).is_ok_and(|meta| meta.is_dir() || meta.is_file())
}

/// Returns the clones below a folder, itself included, sorted. Neither what is inside of a clone
/// nor hidden folders nor links are looked into.
pub(super) fn find(folder: &Path, depth: u64) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut dirs = vec![(folder.to_owned(), 0)];
    let mut n_folders = 0;
    while let Some((dir, at)) = dirs.pop() {
        n_folders += 1;
        if n_folders > FOLDERS_MAX || found.len() >= CLONES_MAX {
            break;
        }
        if is_clone(&dir) {
            found.push(dir);
            continue;
        }
        if at >= depth {
            continue;
        }
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(e) if at == 0 => return Err(e),
            // One that may not be read has nothing that can be synced.
            Err(_) => continue,
        };
        for entry in entries.flatten() {
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !is_hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                dirs.push((entry.path(), at + 1));
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_are_found_to_a_depth_and_not_inside_of_each_other() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "a/.git",
            "a/vendor/x/.git",
            "b/c/.git",
            "b/d/e/.git",
            ".hidden/f/.git",
            "g",
        ] {
            fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("g/.git"), "gitdir: ../a/.git/worktrees/g").unwrap();
        let names = |depth| -> Vec<String> {
            let found = find(dir.path(), depth).unwrap().into_iter();
            found
                .map(|it| it.strip_prefix(dir.path()).unwrap().display().to_string())
                .collect()
        };
        assert_eq!(names(1), ["a", "g"]);
        assert_eq!(names(3), ["a", "b/c", "b/d/e", "g"]);
        assert!(find(&dir.path().join("none"), 1).is_err());
    }
}
