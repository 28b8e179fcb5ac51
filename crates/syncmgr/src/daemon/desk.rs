//! Answers what the API asks beside the center: questions to handlers, and the settings in the file
//! that people edit.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use syncmgr_alerts::settings as alert_settings;
use syncmgr_api::wire::doctor::{Alert, Check};
use syncmgr_api::wire::handler::HandlerProcess;
use syncmgr_api::wire::{Folders, SettingKey};
use syncmgr_calendar::{Between, Calendar};
use syncmgr_center::center::Handle;
use syncmgr_center::command::Control;
use syncmgr_center::desk::Decided;
use syncmgr_center::port::{Clock as _, Handlers as _};
use syncmgr_handlers::files::{FilesHandler, identity, place};
use syncmgr_host::InProcess;
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::catalogue::phrase;
use syncmgr_model::conflict::Address;
use syncmgr_model::event::EventLevel::{Information, Warning};
use syncmgr_model::folder::{Child, Covered};
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::item::{Item, SettingKind, SettingSpec, Settings, Value, bad_name};
use syncmgr_model::outside::Subject;
use syncmgr_model::record::{Contents, Explanation, Step, Version};
use syncmgr_model::schedule::Schedule;
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::Handler;
use syncmgr_server::desk::{
    Chosen, Compared, Desk, Draft, Found, ItemEdit, NewItem, Offered, Offers, Places, Runs, Silent,
};
use syncmgr_store::config::spec::{DAEMON, KeySpec};
use syncmgr_store::config::{Config, ConfigError};
use syncmgr_vault::{Secret, Vault};

use super::aside::Aside;
use super::browse;
use super::settings::Source;
use crate::app::key;
use crate::commands::alert;
use crate::overlap::Placed;
use crate::{conflicts, found, overlap};

/// Before the settings of all ways out, which have a table of their own in the file.
const NOTICES: &str = "alerts.";

/// Tells the center what the settings are now; returns what is wrong with them.
pub(crate) type Reload = Box<dyn Fn() -> Result<(), Trouble> + Send + Sync>;

/// The desk of this program.
pub(crate) struct ProgramDesk {
    source: Source,
    files: Arc<FilesHandler>,
    reload: Reload,
    vault: Vault,
    /// For what asks about all of the installation.
    aside: Arc<Aside>,
    /// Changes of the file by the API come one after the other.
    editing: Mutex<()>,
}

impl std::fmt::Debug for ProgramDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProgramDesk").finish_non_exhaustive()
    }
}

impl ProgramDesk {
    /// Builds the desk. `reload` is called after each change of the file.
    pub(crate) fn new(
        source: Source,
        files: Arc<FilesHandler>,
        vault: Vault,
        aside: Arc<Aside>,
        reload: Reload,
    ) -> Self {
        Self {
            source,
            files,
            reload,
            vault,
            aside,
            editing: Mutex::default(),
        }
    }

    fn config(&self) -> Result<Config, Trouble> {
        Config::load(&self.source.path).map_err(|error| of_config(&error))
    }

    fn saved(&self) -> Result<Vec<Item>, Trouble> {
        self.config()?
            .items(&|handler| {
                self.source
                    .host
                    .factory(handler)
                    .ok()
                    .map(|it| it.settings())
            })
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
        conflicts::ask(&self.source.host, item, question)
    }

    /// Changes the file and has the center take the change over.
    fn change(
        &self,
        edit: impl FnOnce(&mut Config) -> Result<(), ConfigError>,
    ) -> Result<(), Trouble> {
        let _alone = self.editing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut config = self.config()?;
        edit(&mut config).map_err(|error| of_config(&error))?;
        (self.reload)()
    }

    /// What can be set for all ways out together.
    fn notice_keys(&self) -> Result<Vec<SettingKey>, Trouble> {
        let specs = alert_settings::general::SPECS;
        let rules = self.config()?.alert_rules(specs);
        let rules = rules.map_err(|error| of_config(&error))?;
        let one = |spec: &SettingSpec| SettingKey {
            key: format!("{NOTICES}{}", spec.key),
            value: rules.0.get(spec.key).map(|value| match value {
                Value::List(list) => list.join("; "),
                Value::Text(_) | Value::Number(_) => written(value),
            }),
            default: None,
            kind: match spec.kind {
                SettingKind::Number => "number",
                SettingKind::List => "list",
                _ => "text",
            }
            .to_owned(),
            words: Vec::new(),
            takes: String::new(),
            help: phrase(spec.help).into_owned(),
        };
        Ok(specs.iter().map(one).collect())
    }

    /// Refuses secrets among settings: those stand in a file that people show to others.
    fn no_secrets(&self, item: &Item) -> Result<(), Trouble> {
        let specs = self.settings_of(&item.handler);
        let secret = specs
            .iter()
            .find(|it| it.kind == SettingKind::Secret && item.settings.0.contains_key(it.key));
        match secret {
            Some(spec) => Err(unusable(spec.key, "it is a secret, and set apart")),
            None => Ok(()),
        }
    }

    /// Looks for what could be added as a sync.
    fn look(&self) -> Result<found::Looked, Trouble> {
        let (host, home) = (&self.source.host, self.source.home.clone());
        let saved = self.saved()?;
        let there = found::There {
            saved: &saved,
            known: &saved,
        };
        Ok(found::look(host, home, there, self.source.clock.now()))
    }

    /// Checks an item: by its handler, and beside the others.
    fn check(&self, item: &Item) -> Result<(), Trouble> {
        self.no_secrets(item)?;
        self.source.host.check(item)?;
        overlap::refuse_twins(item, &self.saved()?, &|item| self.source.host.paths(item))
    }

    /// Returns what there is to say of the folders of an item whose settings are good: what they are
    /// like, and who else works in them.
    fn beside(&self, item: &Item, others: &[Item]) -> Vec<Trouble> {
        let (host, home) = (&self.source.host, self.source.home.as_deref());
        let paths = |item: &Item| host.paths(item);
        let place = |item: &Item| Placed::new(item, item.label().to_owned(), &paths(item));
        let mut all = Vec::new();
        if item.handler.as_str() == syncmgr_handlers::files::ID {
            all.extend(self.files.beforehand(item));
        }
        let twins = overlap::refuse_twins(item, others, &paths);
        let is_twin = twins.is_err();
        all.extend(twins.err());
        if !is_twin {
            let others: Vec<_> = others.iter().map(place).collect();
            let shared = overlap::of(&place(item), &others);
            all.extend(
                shared
                    .iter()
                    .map(|it| it.trouble(|at| place::shown(at, home)).at_level(Warning)),
            );
        }
        all.extend(
            browse::remarks(&paths(item), home)
                .into_iter()
                .map(|remark| remark.at_level(Information)),
        );
        all
    }

    /// Returns the identity of a new item: what its handler makes of its settings.
    fn identify(&self, new: &NewItem) -> Result<ItemId, Trouble> {
        if new.handler.as_str() != syncmgr_handlers::files::ID {
            return new_id();
        }
        let folder = |key: &str| {
            let text = new.settings.text(key).unwrap_or_default();
            let path = place::read(text, self.source.home.as_deref());
            real(&path).ok_or_else(|| unusable(key, "there is no such folder"))
        };
        Ok(identity::of_folders(&folder("left")?, &folder("right")?))
    }
}

/// Makes an id for an item whose settings are not its identity.
///
/// # Errors
/// The system has no chance to give.
pub(crate) fn new_id() -> Result<ItemId, Trouble> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| unusable("id", &error.to_string()))?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    ItemId::new(&text).map_err(|error| unusable("id", &error.to_string()))
}

fn real(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path)
        .ok()
        .filter(|path| path.is_dir())
}

/// All times from now on.
fn from(now: Timestamp) -> Between {
    Between {
        after: now,
        until: Timestamp(i64::MAX),
    }
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
        ConfigError::NoSuch { what, name } => not_found(what, name),
        ConfigError::Changed(_) => Trouble::new(Code::StateChanged).with("detail", error),
        ConfigError::Exists(_) | ConfigError::BadName { .. } => {
            unusable("name", &error.to_string())
        }
        ConfigError::Text { .. } | ConfigError::Io { .. } => {
            unusable("config.toml", &error.to_string())
        }
    }
}

impl Desk for ProgramDesk {
    fn folders(&self, item: &Item) -> PerSide<String> {
        let is_sided = item.handler.as_str() == syncmgr_handlers::files::ID;
        match self.files.chosen(item) {
            Ok(chosen) if is_sided => PerSide {
                left: place::shown(&chosen.left, self.source.home.as_deref()),
                right: place::shown(&chosen.right, self.source.home.as_deref()),
            },
            Ok(_) | Err(_) => PerSide::from_fn(|_: Side| String::new()),
        }
    }

    fn settings_of(&self, handler: &HandlerId) -> Vec<SettingSpec> {
        let factory = self.source.host.factory(handler);
        factory.map(|it| it.settings().to_vec()).unwrap_or_default()
    }

    fn can_undo(&self, handler: &HandlerId) -> bool {
        let factory = self.source.host.factory(handler);
        factory.is_ok_and(|factory| factory.can_undo())
    }

    fn process_of(&self, handler: &HandlerId) -> Option<HandlerProcess> {
        self.source.outside.process(handler)
    }

    fn restart(&self, handler: &HandlerId) -> Result<(), Trouble> {
        if self.source.outside.restart(handler)? {
            (self.reload)()?;
        }
        Ok(())
    }

    fn log_of(&self, handler: &HandlerId, most: u64) -> Result<Vec<String>, Trouble> {
        let log = self.source.outside.foreign.logs(handler, most)?;
        let lines = log.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !line.is_empty());
        Ok(lines.map(syncmgr_model::escape::escape).collect())
    }

    fn place(&self, path: &[u8]) -> String {
        let path = Path::new(OsStr::from_bytes(path));
        place::shown(path, self.source.home.as_deref())
    }

    fn find_conflicts(&self, places: &Places) -> (Vec<Found>, Vec<Silent>) {
        conflicts::find_all(&self.source.host, places)
    }

    fn complete(&self, places: &Places, found: &mut [Found]) {
        conflicts::complete(&self.source.host, places, found);
    }

    fn find_conflict(&self, places: &Places, address: &Address) -> Result<Found, Trouble> {
        conflicts::find_one(&self.source.host, places, address)
    }

    fn decide(
        &self,
        places: &Places,
        chosen: &[Chosen],
        is_preview: bool,
        runs: &mut Runs<'_>,
    ) -> Result<Vec<Decided>, Trouble> {
        conflicts::decide(&self.source.host, places, chosen, is_preview, runs)
    }

    fn compare(
        &self,
        places: &Places,
        address: &Address,
        limit: usize,
    ) -> Result<Compared, Trouble> {
        conflicts::compare(&self.source.host, places, address, limit)
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
        self.ask(item, |it| {
            it.explain().map(|explain| explain.why(item, path))
        })
    }

    fn folder(&self, item: &Item, path: &[u8]) -> Result<Vec<Child>, Trouble> {
        self.ask(item, |it| {
            it.explain().map(|looks| looks.folder(item, path))
        })
    }

    fn covered(&self, item: &Item, patterns: &[String]) -> Result<Covered, Trouble> {
        self.ask(item, |it| {
            it.explain().map(|looks| looks.covered(item, patterns))
        })
    }

    fn subject(&self, subject: &Subject) -> Result<Item, Trouble> {
        let _alone = self.editing.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self
            .source
            .with_checks(|checks| crate::run::subject::find(&self.source.path, checks, subject));
        if found.is_changed {
            (self.reload)()?;
        }
        Ok(found.item)
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
        self.check(&item)?;
        self.change(|config| config.add(&item))?;
        Ok(item)
    }

    fn check(&self, draft: &Draft) -> Result<Vec<Trouble>, Trouble> {
        let saved = self.saved()?;
        let others = || saved.iter().filter(|it| Some(&it.id) != draft.of.as_ref());
        let item = Item {
            id: draft.of.clone().map_or_else(new_id, Ok)?,
            handler: draft.handler.clone(),
            name: draft.name.clone(),
            settings: draft.settings.clone(),
            is_enabled: true,
        };
        let mut all = Vec::new();
        if let Some(name) = &draft.name {
            let is_taken = others().any(|other| other.name.as_ref() == Some(name));
            let taken = is_taken.then_some("a saved sync has this name already");
            all.extend(bad_name(name).or(taken).map(|why| unusable("name", why)));
        }
        all.extend(self.no_secrets(&item).err());
        let handler = self.source.host.handler(&item.handler);
        let is_usable = match handler.and_then(|handler| handler.check(&item)) {
            Ok(()) => true,
            Err(trouble) => {
                all.push(trouble);
                false
            }
        };
        if is_usable {
            all.extend(self.beside(&item, &others().cloned().collect::<Vec<_>>()));
        }
        Ok(all)
    }

    fn browse(&self, path: Option<&str>) -> Result<Folders, Trouble> {
        browse::look(path, self.source.home.as_deref())
    }

    fn offers(&self) -> Result<Offers, Trouble> {
        let looked = self.look()?;
        let offers = looked.offers.into_iter().map(|offer| Offered {
            when: found::when(&offer.found),
            can_be_added: offer.can_be_added,
            is_usual: offer.is_usual,
            found: offer.found,
        });
        Ok(Offers {
            offers: offers.collect(),
            silent: looked.silent,
        })
    }

    fn import(&self, names: &[String], with_schedules: bool) -> Result<Vec<Item>, Trouble> {
        let looked = self.look()?;
        let chosen = names.iter().map(|name| found::choose(&looked.offers, name));
        let chosen = chosen.collect::<Result<Vec<_>, _>>()?;
        let mut items = Vec::new();
        let _alone = self.editing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut config = self.config()?;
        for one in chosen {
            items.push(found::add(&mut config, one, with_schedules)?);
        }
        (self.reload)()?;
        Ok(items)
    }

    fn edit(&self, id: &ItemId, edit: ItemEdit) -> Result<Item, Trouble> {
        let mut item = self.saved_item(id)?;
        let old = item.name.clone().unwrap_or_default();
        // The settings of a handler that is not installed cannot be checked, and stay untouched.
        let is_about_settings = !edit.settings.is_empty();
        for (key, value) in edit.settings {
            match value {
                Some(value) => item.settings.set(&key, value),
                None => drop(item.settings.0.remove(&key)),
            }
        }
        item.is_enabled = edit.is_enabled.unwrap_or(item.is_enabled);
        if is_about_settings {
            self.check(&item)?;
        }
        self.change(|config| {
            if is_about_settings {
                config.replace(&item)?;
            } else if edit.is_enabled.is_some() {
                config.enable(&old, item.is_enabled)?;
            }
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
        let name = item.name.clone().unwrap_or_default();
        self.change(|config| config.remove(&name))?;
        let left = self.vault.remove_all(&key(&item));
        left.map(drop).map_err(|error| (&error).into())
    }

    fn secrets_of(&self, item: &Item) -> Result<Vec<String>, Trouble> {
        let place = key(item);
        let entries = self.vault.list().map_err(|error| Trouble::from(&error))?;
        let its = entries.into_iter().filter(|entry| entry.item == place);
        Ok(its.map(|entry| entry.key).collect())
    }

    fn set_secret(&self, item: &Item, key: &str, value: &str) -> Result<(), Trouble> {
        let specs = self.settings_of(&item.handler);
        let is_secret = |spec: &SettingSpec| spec.key == key && spec.kind == SettingKind::Secret;
        if !specs.iter().any(is_secret) {
            return Err(not_found("secret", key));
        }
        let set = self
            .vault
            .set(&self::key(item), key, &Secret::new(value), None);
        set.map(drop).map_err(|error| (&error).into())
    }

    fn remove_secret(&self, item: &Item, key: &str) -> Result<bool, Trouble> {
        let removed = self.vault.remove(&self::key(item), key);
        removed.map_err(|error| (&error).into())
    }

    fn doctor(&self) -> Result<Vec<Check>, Trouble> {
        #[derive(Deserialize)]
        struct Told {
            checks: Vec<Check>,
        }
        let told = self.aside.ask(&["doctor", "--json"])?;
        let told: Told = serde_json::from_slice(&told).map_err(|error| {
            Trouble::new(Code::NotPossible).with("detail", format!("what it says is odd: {error}"))
        })?;
        Ok(told.checks)
    }

    fn report(&self) -> Result<String, Trouble> {
        let text = self.aside.ask(&["doctor", "--report"])?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn alerts(&self) -> Result<Vec<Alert>, Trouble> {
        let alerts = self.config()?.alerts(&alert_settings::specs);
        let alerts = alerts.map_err(|error| of_config(&error))?;
        let shown = alerts.into_iter().map(|alert| Alert {
            name: alert.name,
            kind: alert.kind,
        });
        Ok(shown.collect())
    }

    fn test_alert(&self, name: &str) -> Result<Option<Trouble>, Trouble> {
        let alerts = self.config()?.alerts(&alert_settings::specs);
        let mut alerts = alerts.map_err(|error| of_config(&error))?.into_iter();
        let alert = alerts.find(|alert| alert.name == name);
        let alert = alert.ok_or_else(|| not_found("alert", name))?;
        let now = self.source.clock.now();
        alert::test(&alert, self.source.home.as_deref(), now)
    }

    fn schedules(&self) -> Result<Vec<Schedule>, Trouble> {
        self.config()?
            .schedules()
            .map_err(|error| of_config(&error))
    }

    fn put_schedule(&self, schedule: Schedule) -> Result<(), Trouble> {
        self.check_schedule(&schedule, self.source.clock.now(), 0)?;
        self.change(|config| config.put_schedule(&schedule))
    }

    fn check_schedule(
        &self,
        schedule: &Schedule,
        now: Timestamp,
        n_most: usize,
    ) -> Result<Vec<Timestamp>, Trouble> {
        let calendar = Calendar::of_this_machine();
        let mut all = self.schedules()?;
        all.retain(|other| other.name != schedule.name);
        all.push(schedule.clone());
        calendar
            .validate(schedule, now)
            .and_then(|()| calendar.validate_together(&all))
            .map_err(|error| unusable(&error.key, &error.what))?;
        Ok(calendar.planned(schedule, from(now), now, n_most))
    }

    fn remove_schedule(&self, name: &str) -> Result<bool, Trouble> {
        if self.schedules()?.iter().all(|other| other.name != name) {
            return Ok(false);
        }
        self.change(|config| config.remove_schedule(name))?;
        Ok(true)
    }

    fn next_runs(
        &self,
        name: &str,
        now: Timestamp,
        n_most: usize,
    ) -> Result<Vec<Timestamp>, Trouble> {
        let schedules = self.schedules()?;
        let schedule = schedules.iter().find(|it| it.name == name);
        let schedule = schedule.ok_or_else(|| not_found("schedule", name))?;
        Ok(Calendar::of_this_machine().planned(schedule, from(now), now, n_most))
    }

    fn planned(
        &self,
        after: Timestamp,
        until: Timestamp,
        n_most: usize,
    ) -> Result<Vec<(Timestamp, Arc<Schedule>)>, Trouble> {
        let (calendar, now) = (Calendar::of_this_machine(), self.source.clock.now());
        let mut all = Vec::new();
        for schedule in self.schedules()?.into_iter().filter(|it| it.is_enabled) {
            let times = calendar.planned(&schedule, Between { after, until }, now, n_most);
            let schedule = Arc::new(schedule);
            all.extend(times.into_iter().map(|at| (at, Arc::clone(&schedule))));
        }
        all.sort_by(|(at, one), (other_at, other)| (at, &one.name).cmp(&(other_at, &other.name)));
        all.truncate(n_most);
        Ok(all)
    }

    fn settings(&self) -> Result<Settings, Trouble> {
        let config = self.config()?;
        let env = |name: &str| std::env::var(name).ok();
        let mut settings = Settings::default();
        for spec in DAEMON {
            let explained = config
                .explain(&format!("daemon.{}", spec.key), &env)
                .map_err(|error| of_config(&error))?;
            if let Some(value) = explained.value {
                settings.set(spec.key, Value::Text(value));
            }
        }
        Ok(settings)
    }

    fn setting_keys(&self) -> Result<Vec<SettingKey>, Trouble> {
        let settings = self.settings()?;
        let plain = |text: &str| text.trim_matches('"').to_owned();
        let one = |spec: &KeySpec| {
            let (kind, words) = spec.kind();
            SettingKey {
                key: spec.key.to_owned(),
                value: settings.text(spec.key).map(plain),
                default: (!spec.default.is_empty()).then(|| plain(spec.default)),
                kind: kind.to_owned(),
                words: words.iter().map(|word| (*word).to_owned()).collect(),
                takes: phrase(spec.value).into_owned(),
                help: phrase(spec.help).into_owned(),
            }
        };
        let mut keys: Vec<_> = DAEMON.iter().map(one).collect();
        keys.extend(self.notice_keys()?);
        Ok(keys)
    }

    fn change_settings(
        &self,
        changes: BTreeMap<String, Option<Value>>,
    ) -> Result<Settings, Trouble> {
        self.source.with_checks(|checks| {
            self.change(|config| {
                for (key, value) in &changes {
                    let place = if key.starts_with(NOTICES) {
                        key.clone()
                    } else {
                        format!("daemon.{key}")
                    };
                    match value {
                        Some(value) => config.set(&place, &written(value), checks)?,
                        None => config.unset(&place, checks)?,
                    }
                }
                Ok(())
            })
        })?;
        self.settings()
    }

    fn settings_file(&self) -> Result<String, Trouble> {
        Ok(self.config()?.text().to_owned())
    }

    fn reload(&self) -> Result<(), Trouble> {
        (self.reload)()
    }
}

/// Has the center count the conflicts that stores of handlers hold from before, once it knows which
/// handlers keep any. Those of files are known from their last run. On a thread of its own: a
/// handler may take its time.
pub(crate) fn count_conflicts(host: &InProcess, center: &Handle) {
    let mut others = host.installed();
    others.retain(|id| id.as_str() != syncmgr_handlers::files::ID);
    let center = center.clone();
    let count = move || {
        for id in others {
            let flags = ControlFlags::NO_UI;
            let read = Control::UpdateHandler(id.clone(), flags | ControlFlags::WAIT);
            drop(center.control(read));
            drop(center.control(Control::UpdateConflicts(id, None, flags)));
        }
    };
    // Without a thread they are counted when their handlers say so.
    drop(
        std::thread::Builder::new()
            .name("count".to_owned())
            .spawn(count),
    );
}

/// Writes a value as it stands in the file.
fn written(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::List(list) => {
            let quoted: Vec<_> = list.iter().map(|text| format!("{text:?}")).collect();
            format!("[{}]", quoted.join(", "))
        }
    }
}
