//! Refuses two folders that are one, or of which one lies inside the other, before anything is
//! written. Names, links and bind mounts are seen through; writes nothing.

use std::io;
use std::path::{Path, PathBuf};

use crate::ancestry::{DirId, above, dir_id};
use crate::entry::Side;

/// How two folders overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Overlap {
    /// Both are the same folder.
    #[error("both are the same folder")]
    Same,
    /// One lies inside the other.
    #[error("the {} folder is inside the other", inner.as_str())]
    Nested {
        /// The one that is inside.
        inner: Side,
    },
}

/// Checks that two folders have nothing in common: by their paths without links, and by what the
/// directories above them are (device and inode), which tells aliases apart from names.
/// A folder that does not exist yet is judged by where it would be.
///
/// # Errors
/// The [`Overlap`].
pub fn check(left: &Path, right: &Path) -> Result<(), Overlap> {
    let (left, right) = (Place::of(left), Place::of(right));
    if left.path == right.path || (left.id.is_some() && left.id == right.id) {
        return Err(Overlap::Same);
    }
    if left.is_inside(&right) {
        return Err(Overlap::Nested { inner: Side::Left });
    }
    if right.is_inside(&left) {
        return Err(Overlap::Nested { inner: Side::Right });
    }
    Ok(())
}

struct Place {
    path: PathBuf,
    id: Option<DirId>,
    above: Vec<DirId>,
}

impl Place {
    fn of(path: &Path) -> Self {
        let (existing, missing) = resolve(path);
        let mut containing = above(&existing);
        let full = existing.join(&missing);
        let is_there = missing.as_os_str().is_empty();
        if !is_there {
            containing.push(existing);
        }
        Self {
            id: if is_there { dir_id(&full) } else { None },
            above: containing.iter().filter_map(|dir| dir_id(dir)).collect(),
            path: full,
        }
    }

    fn is_inside(&self, other: &Self) -> bool {
        self.path.starts_with(&other.path) || other.id.is_some_and(|id| self.above.contains(&id))
    }
}

/// Splits a path into the part that is there, without links, and the rest.
fn resolve(path: &Path) -> (PathBuf, PathBuf) {
    let path = std::path::absolute(path).unwrap_or_else(|_: io::Error| path.to_path_buf());
    let mut existing = path.as_path();
    loop {
        if let Ok(found) = std::fs::canonicalize(existing) {
            let missing = path.strip_prefix(existing).unwrap_or(Path::new(""));
            return (found, missing.to_path_buf());
        }
        match existing.parent() {
            Some(parent) => existing = parent,
            None => return (path.clone(), PathBuf::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn folders_apart_are_fine() {
        let temp = tempfile::tempdir().unwrap();
        for name in ["a", "ab"] {
            std::fs::create_dir(temp.path().join(name)).unwrap();
        }
        assert_eq!(
            check(&temp.path().join("a"), &temp.path().join("ab")),
            Ok(())
        );
        assert_eq!(
            check(&temp.path().join("a"), &temp.path().join("new")),
            Ok(())
        );
    }

    #[test]
    fn one_folder_by_two_names_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let a = temp.path().join("a");
        std::fs::create_dir_all(a.join("b")).unwrap();
        symlink("a", temp.path().join("link")).unwrap();
        assert_eq!(check(&a, &a.join("b/..")), Err(Overlap::Same));
        assert_eq!(check(&a, &temp.path().join("link")), Err(Overlap::Same));
    }

    #[test]
    fn a_folder_in_the_other_is_refused_through_links_and_before_it_exists() {
        let temp = tempfile::tempdir().unwrap();
        let a = temp.path().join("a");
        std::fs::create_dir_all(a.join("b/c")).unwrap();
        symlink("a/b", temp.path().join("link")).unwrap();
        let inner = |inner| Err(Overlap::Nested { inner });
        assert_eq!(check(&a, &temp.path().join("link/c")), inner(Side::Right));
        assert_eq!(check(&temp.path().join("link"), &a), inner(Side::Left));
        assert_eq!(check(&a, &a.join("new/deep")), inner(Side::Right));
        assert_eq!(check(&temp.path().join("link/new"), &a), inner(Side::Left));
        assert_eq!(check(Path::new("/"), &a), inner(Side::Right));
    }
}
