//! Shows the folders of this machine to somebody who chooses one. Reads names and facts, opens no
//! file, follows no link in a listing, and writes nothing.

use std::collections::BinaryHeap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use syncmgr_api::wire::folder::{Folder, FolderFacts, Folders, Place};
use syncmgr_handlers::files::place::{read, shown, written};
use syncmgr_model::escape::escape;
use syncmgr_model::format::without_os_numbers;
use syncmgr_model::trouble::{Code, Trouble};

use super::ground::{self, Mount};

/// Most folders told: more than a person looks through.
const FOLDERS_MAX: usize = 1000;
/// Most mounts offered as places to begin.
const PLACES_MAX: usize = 50;

/// Shows a folder; the home folder when none is named.
///
/// # Errors
/// `setting-unusable` for what is no absolute path; `folder-unusable` for one that may not be read.
pub(crate) fn look(path: Option<&str>, home: Option<&Path>) -> Result<Folders, Trouble> {
    let asked = match path {
        Some(text) => read(text, home),
        None => home.unwrap_or(Path::new("/")).to_owned(),
    };
    if !asked.is_absolute() {
        return Err(Trouble::new(Code::SettingUnusable)
            .with("key", "path")
            .with("detail", "it is no absolute path"));
    }
    let mounts = ground::mounts();
    // What is not there has no links to see through.
    let real = std::fs::canonicalize(&asked).unwrap_or(asked);
    let mut facts = facts(&real, &mounts);
    let mut found = Listed::default();
    if facts.exists {
        found = list(&real).map_err(|error| {
            Trouble::new(Code::FolderUnusable)
                .with("folder", shown(&real, home))
                .with(
                    "detail",
                    escape(without_os_numbers(&error.to_string()).as_bytes()),
                )
        })?;
        facts.empty = found.n_folders == 0 && found.n_files == 0;
        facts.files = found.n_files;
    }
    Ok(Folders {
        more: found.n_folders > found.folders.len() as u64,
        folders: found.folders(&real),
        shown: shown(&real, home),
        parent: real.parent().map(written),
        places: places(home, &mounts),
        path: written(&real),
        facts,
    })
}

/// What is in a folder: hidden ones, then the others, are the last in this order.
#[derive(Debug, Default)]
struct Listed {
    /// The first ones in the order that is told; the last of them on top.
    folders: BinaryHeap<(bool, Vec<u8>)>,
    n_folders: u64,
    n_files: u64,
}

impl Listed {
    fn take(&mut self, name: OsString) {
        self.n_folders += 1;
        let name = name.into_vec();
        self.folders.push((name.starts_with(b"."), name));
        if self.folders.len() > FOLDERS_MAX {
            drop(self.folders.pop());
        }
    }

    fn folders(self, within: &Path) -> Vec<Folder> {
        let mut sorted = self.folders.into_vec();
        sorted.sort_by_cached_key(|(is_hidden, name)| {
            let name = String::from_utf8_lossy(name);
            (*is_hidden, name.to_lowercase(), name.into_owned())
        });
        let folder = |(_, name): (bool, Vec<u8>)| Folder {
            name: escape(&name),
            path: written(&within.join(OsString::from_vec(name))),
        };
        sorted.into_iter().map(folder).collect()
    }
}

fn list(folder: &Path) -> std::io::Result<Listed> {
    let mut found = Listed::default();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // The type of the name itself: a link is a link, wherever it leads.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.take(entry.file_name()),
            Ok(_) | Err(_) => found.n_files += 1,
        }
    }
    Ok(found)
}

fn facts(folder: &Path, mounts: &[Mount]) -> FolderFacts {
    let mount = ground::mount_of(mounts, folder);
    let is_dir = std::fs::symlink_metadata(folder).is_ok_and(|facts| facts.is_dir());
    let space = rustix::fs::statvfs(folder).ok().filter(|_| is_dir);
    let bytes = |blocks: u64| space.as_ref().map(|it| blocks.saturating_mul(it.f_frsize));
    FolderFacts {
        exists: is_dir,
        writable: is_dir && rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        free: bytes(space.as_ref().map_or(0, |it| it.f_bavail)),
        total: bytes(space.as_ref().map_or(0, |it| it.f_blocks)),
        removable: mount.is_some_and(Mount::is_removable),
        network: mount.is_some_and(Mount::is_remote),
        folds_case: mount.is_some_and(Mount::folds_case),
        empty: false,
        files: 0,
    }
}

fn places(home: Option<&Path>, mounts: &[Mount]) -> Vec<Place> {
    let place = |name: &[u8], path: &Path, kind: &str| Place {
        name: escape(name),
        path: written(path),
        kind: kind.to_owned(),
    };
    let mut all = Vec::new();
    all.extend(home.map(|home| {
        let name = home.file_name().unwrap_or(home.as_os_str());
        place(name.as_bytes(), home, "home")
    }));
    all.push(place(b"/", Path::new("/"), "root"));
    let mut mounts: Vec<_> = mounts.iter().filter(|mount| mount.is_place()).collect();
    mounts.sort_by(|a, b| a.at.cmp(&b.at));
    mounts.dedup_by(|a, b| a.at == b.at);
    all.extend(mounts.into_iter().take(PLACES_MAX).map(|mount| {
        let kind = if mount.is_remote() {
            "network"
        } else if mount.is_removable() {
            "removable"
        } else {
            "disk"
        };
        let name = mount.at.file_name().unwrap_or(mount.at.as_os_str());
        place(name.as_bytes(), &mount.at, kind)
    }));
    all
}

/// Says what to know of the ground that folders stand on before they are synced.
pub(crate) fn remarks(folders: &[PathBuf], home: Option<&Path>) -> Vec<Trouble> {
    let mounts = ground::mounts();
    let mut all = Vec::new();
    for folder in folders {
        let real = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.clone());
        let Some(mount) = ground::mount_of(&mounts, &real) else {
            continue;
        };
        let says = [
            (mount.is_removable(), Code::FolderRemovable),
            (mount.is_remote(), Code::FolderRemote),
            (mount.folds_case(), Code::FolderFoldsCase),
        ];
        for (_, code) in says.into_iter().filter(|(is_so, _)| *is_so) {
            all.push(Trouble::new(code).with("folder", shown(folder, home)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn folders_are_listed_by_name_and_links_and_files_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in ["b", "A", ".hidden", "c\nd"] {
            std::fs::create_dir(root.join(name)).unwrap();
        }
        std::fs::create_dir(root.join(OsString::from_vec(b"\xff".to_vec()))).unwrap();
        std::fs::write(root.join("file"), "").unwrap();
        symlink("/", root.join("link")).unwrap();
        let found = look(Some(&written(&root)), None).unwrap();
        let names: Vec<_> = found.folders.iter().map(|it| &*it.name).collect();
        assert_eq!(names, ["A", "b", "c\\nd", "\\xff", ".hidden"]);
        assert_eq!(found.facts.files, 2);
        assert!(found.facts.exists && found.facts.writable && !found.facts.empty);
        assert!(found.facts.free.is_some());
        for folder in &found.folders {
            let inside = look(Some(&folder.path), None).unwrap();
            assert!(inside.facts.exists && inside.facts.empty, "{folder:?}");
            assert_eq!(inside.parent, Some(written(&root)));
        }
        let gone = look(Some(&written(&root.join("gone"))), None).unwrap();
        assert!(!gone.facts.exists && gone.folders.is_empty());
        assert_eq!(look(Some("b"), None).unwrap_err().param("key"), "path");
    }

    #[test]
    fn only_the_first_of_very_many_are_told() {
        let mut found = Listed::default();
        for n in (0..3000).rev() {
            found.take(OsString::from(format!("{n:04}")));
        }
        found.take(OsString::from(".git"));
        let names: Vec<_> = found
            .folders(Path::new("/"))
            .into_iter()
            .map(|it| it.name)
            .collect();
        assert_eq!(names.len(), FOLDERS_MAX);
        assert_eq!((&*names[0], &*names[999]), ("0000", "0999"));
    }
}
