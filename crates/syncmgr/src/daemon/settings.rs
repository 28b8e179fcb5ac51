//! Reads the settings and has the center take them over; at the start, on SIGHUP, after a change by
//! the API, and when the file changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use syncmgr_center::center::Handle;
use syncmgr_center::command::{Answer, Control};
use syncmgr_host::InProcess;
use syncmgr_model::item::Item;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_store::config::{Config, ConfigError};
use syncmgr_watch::{Watcher, WatchError};

use super::desk::of_config;

/// Where the settings are and who understands them.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The file.
    pub(crate) path: PathBuf,
    /// The handlers.
    pub(crate) host: InProcess,
}

/// Everything the file says.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The saved syncs.
    pub(crate) items: Vec<Item>,
}

impl Source {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it, with the line.
    pub(crate) fn load(&self) -> Result<Loaded, ConfigError> {
        let config = Config::load(&self.path)?;
        let items =
            config.items(&|handler| self.host.factory(handler).ok().map(|it| it.settings()))?;
        Ok(Loaded { items })
    }

    /// Reads the file and has the center take it over; with a mistake in it everything stays as it
    /// was.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn apply(&self, center: &Handle) -> Result<(), Trouble> {
        let loaded = self.load().map_err(|error| of_config(&error))?;
        tell(center, Control::Configure(loaded.items))
    }
}

fn tell(center: &Handle, control: Control) -> Result<(), Trouble> {
    match center.control(control) {
        Ok(Answer::Refused(refusal)) => Err(refusal.trouble),
        Ok(_) => Ok(()),
        Err(gone) => Err(Trouble::new(Code::NotPossible).with("detail", gone)),
    }
}

/// Calls `on_change`, on a thread of its own, soon after something in the folder of the file
/// changed. Editors replace files instead of writing into them, so the folder is what is watched;
/// whether it was this file is not told. Ends when the watcher is dropped.
///
/// # Errors
/// The folder cannot be watched; then a SIGHUP is needed after a change.
pub(crate) fn watch_file(
    path: &Path,
    on_change: impl Fn() + Send + 'static,
) -> Result<Watcher, WatchError> {
    let folder = path.parent().unwrap_or(path);
    let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    Watcher::start(
        vec![folder],
        &syncmgr_watch::Settings::default(),
        Box::new(move |_| on_change()),
    )
}

/// Remembers the text of the file, to tell whether it changed.
#[derive(Debug, Default)]
pub(crate) struct Seen(Option<Arc<[u8]>>);

impl Seen {
    /// Says whether the file is another than the last time.
    pub(crate) fn is_new(&mut self, path: &Path) -> bool {
        let now: Option<Arc<[u8]>> = std::fs::read(path).ok().map(Arc::from);
        let is_new = now != self.0;
        self.0 = now;
        is_new
    }
}
