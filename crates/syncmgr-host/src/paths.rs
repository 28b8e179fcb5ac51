//! What a handler says of an item that the center may not know: what it is, and the folders it works
//! on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use syncmgr_model::item::Item;

use crate::in_process::{InProcess, Inner};

/// What a handler says of an item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    /// What it is called.
    pub title: String,
    /// What it is, in one line; empty: nothing was said.
    pub summary: String,
    /// The folders it works on, absolute; empty: it was not said.
    pub paths: Vec<PathBuf>,
}

impl InProcess {
    /// Asks the handler of an item for what is shown of it, also of one that nobody saved; nothing
    /// when its handler is not there, or does not say.
    #[must_use]
    pub fn look(&self, item: &Item) -> Look {
        self.inner().look(item)
    }

    /// Returns the folders an item works on, as [`Self::look`].
    #[must_use]
    pub fn paths(&self, item: &Item) -> Vec<PathBuf> {
        self.look(item).paths
    }
}

impl Inner {
    pub(crate) fn look(&self, item: &Item) -> Look {
        let ask = || {
            let handler = self.find(&item.handler)?.create(std::slice::from_ref(item));
            let item = handler.ok()?.item(&item.id).ok()?;
            let mut paths = item.paths();
            paths.retain(|path| path.is_absolute());
            let comment = item.item_info().and_then(|info| info.comment());
            Some(Look {
                title: item.name().unwrap_or_default(),
                summary: comment.unwrap_or_default(),
                paths,
            })
        };
        // One that breaks down says nothing.
        let look = catch_unwind(AssertUnwindSafe(ask)).unwrap_or_default();
        look.unwrap_or_default()
    }
}
