//! Syncs that work on the same folder: found here, and said wherever a sync is made or shown. That
//! they never run at once is the center's and the host's care.

use std::path::{Path, PathBuf};

use syncmgr_handlers::files;
use syncmgr_model::escape::escape;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::trouble::{Code, Trouble};

/// A sync and where it works.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    /// Whose it is.
    pub(crate) handler: HandlerId,
    /// Its id.
    pub(crate) id: ItemId,
    /// What people call it.
    pub(crate) title: String,
    /// The folders, absolute, without links.
    paths: Vec<PathBuf>,
}

impl Placed {
    /// Places a sync; its folders are looked at.
    pub(crate) fn new(item: &Item, title: String, paths: &[PathBuf]) -> Self {
        Self {
            handler: item.handler.clone(),
            id: item.id.clone(),
            title,
            paths: real_all(paths),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.handler == other.handler && self.id == other.id
    }
}

/// Two syncs on one folder, or on one within the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shared {
    /// One of them.
    pub(crate) name: String,
    /// The other one.
    pub(crate) other: String,
    /// The folder both reach; the inner one.
    pub(crate) folder: PathBuf,
}

impl Shared {
    /// Returns it as a message; `shown` writes a folder.
    #[must_use]
    pub(crate) fn trouble(&self, shown: impl Fn(&Path) -> String) -> Trouble {
        Trouble::new(Code::FoldersShared)
            .with("name", escape(self.name.as_bytes()))
            .with("other", escape(self.other.as_bytes()))
            .with("folder", shown(&self.folder))
    }
}

/// Returns with which of the others a sync shares a folder.
#[must_use]
pub(crate) fn of(one: &Placed, others: &[Placed]) -> Vec<Shared> {
    let others = others.iter().filter(|other| !other.is_same(one));
    others
        .filter_map(|other| {
            Some(Shared {
                name: one.title.clone(),
                other: other.title.clone(),
                folder: common(&one.paths, &other.paths)?,
            })
        })
        .collect()
}

/// Returns every two syncs that share a folder, each pair once.
#[must_use]
pub(crate) fn all(placed: &[Placed]) -> Vec<Shared> {
    let rest = |at: usize| placed.get(at + 1..).unwrap_or_default();
    let one = |(at, one): (usize, &Placed)| of(one, rest(at));
    placed.iter().enumerate().flat_map(one).collect()
}

/// Returns the inner of two folders that overlap.
fn common(mine: &[PathBuf], theirs: &[PathBuf]) -> Option<PathBuf> {
    let both = mine.iter().flat_map(|a| theirs.iter().map(move |b| (a, b)));
    both.filter_map(|(a, b)| {
        let inner = if a.starts_with(b) {
            Some(a)
        } else {
            b.starts_with(a).then_some(b)
        };
        inner.cloned()
    })
    .next()
}

/// A link to a folder is that folder. One that is away is taken as it is written.
fn real_all(paths: &[PathBuf]) -> Vec<PathBuf> {
    let real = |path: &PathBuf| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    paths.iter().map(real).collect()
}

/// Refuses a second two-way sync of the very same two folders: each would take what the other did
/// for changes that a person made.
///
/// # Errors
/// `setting-unusable`.
pub(crate) fn refuse_twins(
    item: &Item,
    saved: &[Item],
    paths: &dyn Fn(&Item) -> Vec<PathBuf>,
) -> Result<(), Trouble> {
    let mine = pair(item, paths);
    let is_twin = |other: &&Item| {
        let is_other = other.handler != item.handler || other.id != item.id;
        is_other && mine.is_some() && pair(other, paths) == mine
    };
    let Some(twin) = saved.iter().find(is_twin) else {
        return Ok(());
    };
    let detail = format!(
        "`{}` syncs these two folders both ways already; two syncs that both do would undo each other's work",
        escape(twin.label().as_bytes())
    );
    Err(Trouble::new(Code::SettingUnusable)
        .with("key", "left")
        .with("detail", detail))
}

/// Returns the two folders of a two-way sync of ours, in an order of their own.
fn pair(item: &Item, paths: &dyn Fn(&Item) -> Vec<PathBuf>) -> Option<Vec<PathBuf>> {
    let is_two_way = matches!(item.settings.text("mode"), None | Some("two-way"));
    if item.handler.as_str() != files::ID || !is_two_way {
        return None;
    }
    let mut both = real_all(&paths(item));
    both.sort();
    (both.len() == 2).then_some(both)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(id: &str, paths: &[&str]) -> Placed {
        Placed {
            handler: HandlerId::new("h").unwrap(),
            id: ItemId::new(id).unwrap(),
            title: id.to_owned(),
            paths: real_all(&paths.iter().map(PathBuf::from).collect::<Vec<_>>()),
        }
    }

    #[test]
    fn folders_within_each_other_are_shared() {
        let photos = placed("photos", &["/nowhere/photos", "/nas/photos"]);
        let check = |path: &str, expected: Option<&str>| {
            let shared = of(&photos, &[placed("other", &[path]), photos.clone()]);
            let folder = shared.first().map(|shared| shared.folder.clone());
            assert_eq!(folder.as_deref(), expected.map(Path::new), "{path}");
        };
        check("/nowhere/photos", Some("/nowhere/photos"));
        check("/nowhere", Some("/nowhere/photos"));
        check("/nas/photos/2019", Some("/nas/photos/2019"));
        check("/nowhere/photos2", None);
        check("/elsewhere", None);
    }

    #[test]
    fn a_link_to_a_folder_is_that_folder() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let at = |id: &str, path: &Path| Placed {
            paths: real_all(&[path.to_owned()]),
            ..placed(id, &[])
        };
        let pairs = all(&[at("a", &real), at("b", &link), at("c", dir.path())]);
        let names: Vec<_> = pairs.iter().map(|it| (&*it.name, &*it.other)).collect();
        assert_eq!(names, [("a", "b"), ("a", "c"), ("b", "c")]);
    }
}
