//! What is shown of a sync: its name, what it syncs, where. Syncs of two folders are shown by these;
//! others in the words of their handler.

use std::path::{Path, PathBuf};

use syncmgr_handlers::files::{self, place};
use syncmgr_model::item::Item;
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::trouble::{Code, Trouble};

use super::{App, key};
use crate::error::CliError;
use crate::ui::safe;

/// What is shown of a sync beside its settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Face {
    /// What it is called; empty: not known. Harmless text.
    pub(crate) title: String,
    /// What it is, in a line of its handler; empty: that says nothing. Harmless text.
    pub(crate) summary: String,
    /// The folders it works on, absolute.
    pub(crate) paths: Vec<PathBuf>,
}

impl App {
    /// Says whether an item has a left and a right folder.
    #[must_use]
    pub(crate) fn is_sided(item: &Item) -> bool {
        item.handler.as_str() == files::ID
    }

    /// Returns the folders of an item with two sides, absolute.
    ///
    /// # Errors
    /// When it has none, or its settings cannot be used.
    pub(crate) fn folders(&self, item: &Item) -> Result<PerSide<PathBuf>, CliError> {
        if !Self::is_sided(item) {
            let detail = "this sync has no left and right folder";
            return Err(Trouble::new(Code::NotPossible)
                .with("detail", detail)
                .into());
        }
        let chosen = self.files.chosen(item)?;
        Ok(PerSide {
            left: chosen.left,
            right: chosen.right,
        })
    }

    /// Returns what the folders of an item are called; `None` for one without two sides.
    #[must_use]
    pub(crate) fn sides(&self, item: &Item) -> Option<PerSide<String>> {
        if !Self::is_sided(item) {
            return None;
        }
        Some(match self.folders(item) {
            Ok(folders) => PerSide::from_fn(|side| self.shown(&folders[side])),
            Err(_) => side_words(),
        })
    }

    /// Returns what the sides of an item are called when people see them.
    #[must_use]
    pub(crate) fn places(&self, item: &Item) -> PerSide<String> {
        self.sides(item).unwrap_or_else(side_words)
    }

    /// Returns a path as people see it.
    #[must_use]
    pub(crate) fn shown(&self, path: &Path) -> String {
        place::shown(path, self.dirs.home.as_deref())
    }

    /// Returns what is shown of an item: what the center knows of it, otherwise what its handler
    /// says.
    #[must_use]
    pub(crate) fn face(&self, item: &Item) -> Face {
        if let Ok(folders) = self.folders(item) {
            return Face {
                title: safe(item.name.as_deref().unwrap_or_default()),
                summary: String::new(),
                paths: vec![folders.left, folders.right],
            };
        }
        if let Some(face) = self.faces.get(&key(item)) {
            return face.clone();
        }
        let look = self.host.look(item);
        Face {
            title: safe(&look.title),
            summary: safe(&look.summary),
            paths: look.paths,
        }
    }

    /// Forgets what was known of an item, which has other settings now.
    pub(crate) fn forget_face(&mut self, item: &Item) {
        self.faces.remove(&key(item));
    }

    /// Writes in one line what an item syncs.
    #[must_use]
    pub(crate) fn line(&self, item: &Item) -> String {
        if let Some(places) = self.sides(item) {
            let arrow = self.ui.out.both_ways();
            return format!("{} {arrow} {}", places.left, places.right);
        }
        let face = self.face(item);
        if !face.summary.is_empty() {
            return face.summary;
        }
        let paths: Vec<_> = face.paths.iter().map(|path| self.shown(path)).collect();
        if paths.is_empty() {
            format!("handler {}", item.handler)
        } else {
            paths.join(", ")
        }
    }

    /// Returns what an item is called in a list: its name, or what its handler calls it.
    #[must_use]
    pub(crate) fn label(&self, item: &Item) -> Option<String> {
        if let Some(name) = &item.name {
            return Some(safe(name));
        }
        Some(self.face(item).title).filter(|title| !title.is_empty())
    }
}

/// What sides without names are called.
fn side_words() -> PerSide<String> {
    PerSide::from_fn(|side: Side| side.as_str().to_owned())
}
