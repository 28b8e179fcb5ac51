//! What is wrong with two folders before they are ever synced.

use std::io::ErrorKind;

use syncmgr_engine::overlap::{self, Overlap};
use syncmgr_model::format::without_os_numbers;
use syncmgr_model::item::Item;
use syncmgr_model::trouble::{Code, Trouble};

use super::place::shown;
use super::{FilesHandler, trouble};
use crate::files::settings::Chosen;

impl FilesHandler {
    /// Returns why the folders of an item cannot be synced as they are now; nothing when its
    /// settings cannot be read. Looks, and writes nothing.
    #[must_use]
    pub fn beforehand(&self, item: &Item) -> Vec<Trouble> {
        let Ok(chosen) = self.chosen(item) else {
            return Vec::new();
        };
        let mut all: Vec<_> = [("left", &chosen.left), ("right", &chosen.right)]
            .into_iter()
            .filter_map(|(side, folder)| {
                let (code, detail) = match std::fs::metadata(folder) {
                    Ok(facts) if facts.is_dir() => return None,
                    Ok(_) => (Code::FolderUnusable, "it is not a folder".to_owned()),
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        (Code::FolderMissing, error.to_string())
                    }
                    Err(error) => (Code::FolderUnusable, error.to_string()),
                };
                Some(
                    Trouble::new(code)
                        .with("folder", shown(folder, self.home.as_deref()))
                        .with("side", side)
                        .with("key", side)
                        .with("detail", without_os_numbers(&detail)),
                )
            })
            .collect();
        all.extend(self.overlapping(&chosen));
        all
    }

    fn overlapping(&self, chosen: &Chosen) -> Option<Trouble> {
        let home = self.home.as_deref();
        Some(match overlap::check(&chosen.left, &chosen.right).err()? {
            Overlap::Same => {
                Trouble::new(Code::SameFolder).with("folder", shown(&chosen.left, home))
            }
            Overlap::Nested { inner } => trouble::nested(inner, chosen, home),
        })
    }
}
