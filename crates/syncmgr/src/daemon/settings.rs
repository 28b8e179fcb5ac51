//! Reads the settings and has the center take them over; at the start, on SIGHUP, after a change by
//! the API, and when the file changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use syncmgr_center::center::Handle;
use syncmgr_center::command::{Answer, Control};
use syncmgr_center::port::Store;
use syncmgr_center::state::State;
use syncmgr_host::InProcess;
use syncmgr_model::id::ItemKey;
use syncmgr_model::item::Item;
use syncmgr_model::schedule::{RunPolicy, Schedule};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_store::config::{Checks, Config, ConfigError, Daemon};
use syncmgr_watch::{WatchError, Watcher};

use super::alerts::{Alerts, Rules};
use super::desk::of_config;
use crate::app::Outside;
use crate::checks;
use crate::clock::MachineClock;

/// Where the settings are and who understands them.
#[derive(Clone)]
pub(crate) struct Source {
    /// The file.
    pub(crate) path: PathBuf,
    /// The handlers.
    pub(crate) host: InProcess,
    /// Those among them that a person installed.
    pub(crate) outside: Arc<Outside>,
    /// What `~` stands for.
    pub(crate) home: Option<PathBuf>,
    /// The time, for times that never come.
    pub(crate) clock: Arc<MachineClock>,
    /// Held from reading the file until everybody has taken it over: otherwise what was read
    /// first could be taken over last.
    pub(crate) applying: Arc<Mutex<()>>,
}

/// Everything the file says.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// The saved syncs.
    pub(crate) items: Vec<Item>,
    /// The schedules.
    pub(crate) schedules: Vec<Schedule>,
    /// What holds for the runs of syncs, by name.
    pub(crate) policies: BTreeMap<String, RunPolicy>,
    /// Who is told of what.
    pub(crate) rules: Rules,
    /// How the daemon runs; taken over at its start only.
    pub(crate) daemon: Daemon,
}

impl Source {
    /// Reads the file; a mistake anywhere in it makes all of it count for nothing.
    ///
    /// # Errors
    /// What is wrong with it, with the line.
    pub(crate) fn load(&self) -> Result<Loaded, ConfigError> {
        let config = Config::load(&self.path)?;
        self.with_checks(|checks| config.check(checks))?;
        let handlers = |id: &_| self.host.factory(id).ok().map(|it| it.settings());
        let schedules = config.schedules()?;
        Ok(Loaded {
            items: config.items(&handlers)?,
            schedules,
            policies: config.policies()?.into_iter().collect(),
            rules: checks::rules(&config, self.home.as_deref())
                .map_err(|misused| config.refuse(&misused))?,
            daemon: config.daemon(&|name| std::env::var(name).ok())?,
        })
    }

    /// Has something done with all checks of the file.
    pub(crate) fn with_checks<T>(&self, work: impl FnOnce(&Checks<'_>) -> T) -> T {
        let handlers = |id: &_| self.host.factory(id).ok().map(|it| it.settings());
        checks::with(&handlers, self.home.as_deref(), work)
    }

    /// Says whether the file cannot be used as it is now, or lacks a sync that is saved: so is one
    /// that an editor has cut short and is about to write.
    pub(crate) fn may_be_half(&self, center: &Handle) -> bool {
        let Ok(loaded) = self.load() else {
            return true;
        };
        let is_there = |key: &ItemKey| {
            let mut items = loaded.items.iter();
            items.any(|item| item.handler == key.handler && item.id == key.item)
        };
        !saved(center).iter().all(is_there)
    }

    /// As [`Self::apply`], for a file of which nobody said that it was changed on purpose: one with
    /// nothing in it says as little as one that vanished.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn apply_seen(&self, center: &Handle, alerts: &Alerts) -> Result<(), Trouble> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        if text.trim().is_empty() && self.path.exists() && !saved(center).is_empty() {
            return Err(Trouble::new(Code::SettingUnusable)
                .with("key", "config.toml")
                .with("detail", "the file is empty"));
        }
        self.apply(center, alerts)
    }

    /// Reads the file and has everybody take it over; with a mistake in it everything stays as it
    /// was.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn apply(&self, center: &Handle, alerts: &Alerts) -> Result<(), Trouble> {
        let _alone = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        self.outside.refresh(&self.host, Some(center));
        let loaded = self.load().map_err(|error| of_config(&error))?;
        if loaded.items.is_empty() && !self.path.exists() && !saved(center).is_empty() {
            // A file that vanished says nothing, least of all that every sync was removed.
            return Err(Trouble::new(Code::SettingUnusable)
                .with("key", "config.toml")
                .with("detail", "the file is gone"));
        }
        tell(center, Control::Configure(loaded.items))?;
        tell(
            center,
            Control::SetSchedules(loaded.schedules, loaded.policies),
        )?;
        alerts.set(loaded.rules);
        Ok(())
    }
}

/// Returns the saved syncs that the center knows.
fn saved(center: &Handle) -> Vec<ItemKey> {
    let look = |state: &State, _: &mut dyn Store, now| {
        let is_saved = |key: &&ItemKey| state.item(key, now).is_some_and(|view| view.is_saved);
        state.item_keys().filter(is_saved).cloned().collect()
    };
    center.read(look).unwrap_or_default()
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

/// Remembers the text of the file and which handlers are installed, to tell whether that changed.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    config: Option<Arc<[u8]>>,
    handlers: Vec<(PathBuf, Option<SystemTime>, u64)>,
}

impl Seen {
    /// Says whether anything is other than the last time: the file, or what is in the folder.
    pub(crate) fn is_new(&mut self, path: &Path, folder: &Path) -> bool {
        let now = Self {
            config: std::fs::read(path).ok().map(Arc::from),
            handlers: listed(folder),
        };
        let is_new = now.config != self.config || now.handlers != self.handlers;
        *self = now;
        is_new
    }
}

/// Lists the files of a folder with what tells one state of a file from another.
fn listed(folder: &Path) -> Vec<(PathBuf, Option<SystemTime>, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<_> = entries
        .filter_map(|entry| {
            let found = entry.metadata().ok()?;
            Some((entry.path(), found.modified().ok(), found.ino()))
        })
        .collect();
    all.sort();
    all
}
