//! Answers what the API asks beside the center: questions to handlers, and the settings in the file
//! that people edit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use syncmgr_handlers::files::{FilesHandler, identity, place};
use syncmgr_host::InProcess;
use syncmgr_model::conflict::Conflict;
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::item::{Item, SettingSpec, Settings, Value};
use syncmgr_model::record::{Contents, Explanation, Step, Version};
use syncmgr_model::schedule::Schedule;
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::Handler;
use syncmgr_server::desk::{Desk, ItemEdit, NewItem};
use syncmgr_store::config::{Config, ConfigError};

/// Tells the center what the settings are now; returns what is wrong with them.
pub(crate) type Reload = Box<dyn Fn() -> Result<(), Trouble> + Send + Sync>;

/// The desk of this program.
pub(crate) struct ProgramDesk {
    host: InProcess,
    files: Arc<FilesHandler>,
    config: PathBuf,
    home: Option<PathBuf>,
    reload: Reload,
    /// Changes of the file by the API come one after the other.
    editing: Mutex<()>,
}

impl std::fmt::Debug for ProgramDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProgramDesk").finish_non_exhaustive()
    }
}

impl ProgramDesk {
    /// Builds the desk. `config` is the file; `reload` is called after each change of it.
    pub(crate) fn new(
        host: InProcess,
        files: Arc<FilesHandler>,
        config: PathBuf,
        home: Option<PathBuf>,
        reload: Reload,
    ) -> Self {
        Self {
            host,
            files,
            config,
            home,
            reload,
            editing: Mutex::default(),
        }
    }

    fn saved(&self) -> Result<Vec<Item>, Trouble> {
        let config = Config::load(&self.config).map_err(|error| of_config(&error))?;
        config
            .items(&|handler| self.host.factory(handler).ok().map(|it| it.settings()))
            .map_err(|error| of_config(&error))
    }

    fn saved_item(&self, id: &ItemId) -> Result<Item, Trouble> {
        let found = self.saved()?.into_iter().find(|item| item.id == *id);
        found.ok_or_else(|| not_found("saved sync", id))
    }

    /// Asks a handler for one of the things that not every handler has.
    fn ask<T>(
        &self,
        item: &Item,
        question: impl FnOnce(&dyn Handler) -> Option<Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        let handler = self.host.handler(&item.handler)?;
        question(&*handler).unwrap_or_else(|| {
            let detail = "the handler of this sync does not offer it";
            Err(Trouble::new(Code::NotPossible).with("detail", detail))
        })
    }

    /// Changes the file and has the center take the change over.
    fn change(
        &self,
        edit: impl FnOnce(&mut Config) -> Result<(), ConfigError>,
    ) -> Result<(), Trouble> {
        let _alone = self.editing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut config = Config::load(&self.config).map_err(|error| of_config(&error))?;
        edit(&mut config).map_err(|error| of_config(&error))?;
        (self.reload)()
    }

    /// Returns the identity of a new item: what its handler makes of its settings.
    fn identify(&self, new: &NewItem) -> Result<ItemId, Trouble> {
        if new.handler.as_str() != syncmgr_handlers::files::ID {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).map_err(|error| unusable("id", &error.to_string()))?;
            let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            return ItemId::new(&text).map_err(|error| unusable("id", &error.to_string()));
        }
        let folder = |key: &str| {
            let text = new.settings.text(key).unwrap_or_default();
            let path = place::read(text, self.home.as_deref());
            real(&path).ok_or_else(|| unusable(key, "there is no such folder"))
        };
        Ok(identity::of_folders(&folder("left")?, &folder("right")?))
    }
}

fn real(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok().filter(|path| path.is_dir())
}

fn unusable(key: &str, detail: &str) -> Trouble {
    Trouble::new(Code::SettingUnusable)
        .with("key", key)
        .with("detail", detail)
}

fn not_found(what: &str, name: impl std::fmt::Display) -> Trouble {
    Trouble::new(Code::NotFound)
        .with("what", what)
        .with("name", name)
}

/// Turns what is wrong with the file into a message.
pub(crate) fn of_config(error: &ConfigError) -> Trouble {
    match error {
        ConfigError::Missing(name) => not_found("saved sync", name),
        ConfigError::Exists(_) | ConfigError::BadName { .. } => {
            unusable("name", &error.to_string())
        }
        ConfigError::NoSuch { what, name } => not_found(what, name),
        ConfigError::Text { .. } | ConfigError::Io { .. } | ConfigError::Changed(_) => {
            unusable("config.toml", &error.to_string())
        }
    }
}

impl Desk for ProgramDesk {
    fn folders(&self, item: &Item) -> PerSide<String> {
        match self.files.chosen(item) {
            Ok(chosen) => PerSide {
                left: place::shown(&chosen.left, self.home.as_deref()),
                right: place::shown(&chosen.right, self.home.as_deref()),
            },
            Err(_) => PerSide::from_fn(|_: Side| String::new()),
        }
    }

    fn settings_of(&self, handler: &HandlerId) -> Vec<SettingSpec> {
        let factory = self.host.factory(handler);
        factory.map(|it| it.settings().to_vec()).unwrap_or_default()
    }

    fn conflicts(&self, item: &Item) -> Result<Vec<Conflict>, Trouble> {
        self.ask(item, |it| it.conflicts().map(|store| store.list(item)))
    }

    fn contents(&self, item: &Item, conflict: &str, limit: usize) -> Result<Contents, Trouble> {
        let question = |it: &dyn Handler| {
            let store = it.conflicts()?;
            Some(store.contents(item, conflict, limit))
        };
        self.ask(item, question)
    }

    fn versions(&self, item: &Item, path: &[u8]) -> Result<Vec<Version>, Trouble> {
        self.ask(item, |it| it.versions().map(|store| store.list(item, path)))
    }

    fn version_contents(
        &self,
        item: &Item,
        version: &Version,
        limit: usize,
    ) -> Result<Contents, Trouble> {
        let question = |it: &dyn Handler| {
            let store = it.versions()?;
            Some(store.contents(item, version, limit))
        };
        self.ask(item, question)
    }

    fn steps(&self, item: &Item, run: &SessionId) -> Result<Vec<Step>, Trouble> {
        self.ask(item, |it| it.journal().map(|steps| steps.steps(item, run)))
    }

    fn why(&self, item: &Item, path: &[u8]) -> Result<Explanation, Trouble> {
        self.ask(item, |it| it.explain().map(|explain| explain.why(item, path)))
    }

    fn add(&self, new: NewItem) -> Result<Item, Trouble> {
        let item = Item {
            id: self.identify(&new)?,
            handler: new.handler,
            name: Some(new.name),
            settings: new.settings,
            is_enabled: true,
        };
        if let Some(other) = self.saved()?.iter().find(|other| other.id == item.id) {
            let detail = format!("these folders are saved already, as `{}`", other.label());
            return Err(unusable("left", &detail));
        }
        self.host.handler(&item.handler)?.check(&item)?;
        self.change(|config| config.add(&item))?;
        Ok(item)
    }

    fn edit(&self, id: &ItemId, edit: ItemEdit) -> Result<Item, Trouble> {
        let mut item = self.saved_item(id)?;
        let old = item.name.clone().unwrap_or_default();
        for (key, value) in edit.settings {
            match value {
                Some(value) => item.settings.set(&key, value),
                None => drop(item.settings.0.remove(&key)),
            }
        }
        self.host.handler(&item.handler)?.check(&item)?;
        self.change(|config| {
            config.replace(&item)?;
            match &edit.name {
                Some(name) if *name != old => config.rename(&old, name),
                Some(_) | None => Ok(()),
            }
        })?;
        Ok(Item {
            name: edit.name.or(item.name),
            ..item
        })
    }

    fn remove(&self, id: &ItemId) -> Result<(), Trouble> {
        let item = self.saved_item(id)?;
        let name = item.name.unwrap_or_default();
        self.change(|config| config.remove(&name))
    }

    fn schedules(&self) -> Result<Vec<Schedule>, Trouble> {
        Ok(Vec::new())
    }

    fn put_schedule(&self, _schedule: Schedule) -> Result<(), Trouble> {
        Err(in_the_file())
    }

    fn remove_schedule(&self, _name: &str) -> Result<bool, Trouble> {
        Ok(false)
    }

    fn next_runs(
        &self,
        name: &str,
        _now: Timestamp,
        _n_most: usize,
    ) -> Result<Vec<Timestamp>, Trouble> {
        Err(not_found("schedule", name))
    }

    fn settings(&self) -> Result<Settings, Trouble> {
        Ok(Settings::default())
    }

    fn change_settings(
        &self,
        _changes: BTreeMap<String, Option<Value>>,
    ) -> Result<Settings, Trouble> {
        Err(in_the_file())
    }

    fn reload(&self) -> Result<(), Trouble> {
        (self.reload)()
    }
}

fn in_the_file() -> Trouble {
    Trouble::new(Code::NotPossible).with("detail", "change it in config.toml")
}
