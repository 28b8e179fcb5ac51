//! Changes of the file. Each reads the file as it is then, under a lock, changes what it has to, and
//! replaces the file as a whole.

use std::sync::OnceLock;

use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Item, Settings, bad_name};
use syncmgr_model::schedule::Schedule;
use toml_edit::{DocumentMut, Item as Toml, Table, TableLike};

use super::daemon::value_of;
use super::table::is_same;
use super::{Checks, Config, ConfigError, file, key, schedule, sync};

impl Config {
    /// Adds a sync at the end of the file; one with the same id may not be there under another
    /// name.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn add(&mut self, item: &Item) -> Result<(), ConfigError> {
        let name = item.name.clone().unwrap_or_default();
        check_name(&name)?;
        self.edit(|root| {
            let mut table = Table::new();
            table.insert("id", toml_edit::value(item.id.as_str()));
            if item.handler.as_str() != sync::HANDLER {
                table.insert("handler", toml_edit::value(item.handler.as_str()));
            }
            sync::put(&mut table, item, defaults(root));
            let syncs = tables(root, "sync")?;
            if syncs.contains_key(&name) {
                return Err(Fault::Plain(ConfigError::Exists(name.clone())));
            }
            if let Some(same) = same_memory(syncs, item) {
                return Err(Fault::Plain(ConfigError::Exists(same)));
            }
            syncs.insert(&name, Toml::Table(table));
            Ok(())
        })
    }

    /// Replaces the settings of a sync; keys that are gone are removed, comments stay, and so does
    /// what is not among the settings of its handler.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn replace(&mut self, item: &Item) -> Result<(), ConfigError> {
        let name = item.name.clone().unwrap_or_default();
        self.edit(|root| {
            let defaults = root.get("defaults").cloned();
            let table = tables(root, "sync")?
                .get_mut(&name)
                .and_then(Toml::as_table_like_mut)
                .ok_or_else(|| ConfigError::Missing(name.clone()))?;
            let is_kept = |key: &str| {
                sync::is_common(key) || item.settings.0.keys().any(|known| is_same(known, key))
            };
            remove_keys(table, |key| !is_kept(key));
            let defaults = defaults.as_ref().and_then(Toml::as_table_like);
            sync::put(table, item, defaults);
            Ok(())
        })
    }

    /// Turns a sync on or off, and changes nothing else of it.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn enable(&mut self, name: &str, is_enabled: bool) -> Result<(), ConfigError> {
        self.edit(|root| {
            let table = tables(root, "sync")?
                .get_mut(name)
                .and_then(Toml::as_table_like_mut)
                .ok_or_else(|| ConfigError::Missing(name.to_owned()))?;
            if !is_enabled || table.contains_key("enabled") {
                sync::set(table, "enabled", toml_edit::Value::from(is_enabled));
            }
            Ok(())
        })
    }

    /// Gives a sync another name, in schedules too.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn rename(&mut self, old: &str, new: &str) -> Result<(), ConfigError> {
        check_name(new)?;
        self.edit(|root| {
            let syncs = tables(root, "sync")?;
            if syncs.contains_key(new) {
                return Err(Fault::Plain(ConfigError::Exists(new.to_owned())));
            }
            let table = syncs
                .remove(old)
                .ok_or_else(|| ConfigError::Missing(old.to_owned()))?;
            syncs.insert(new, table);
            rename_in_schedules(root, old, new);
            Ok(())
        })
    }

    /// Removes a sync from the file.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn remove(&mut self, name: &str) -> Result<(), ConfigError> {
        self.edit(|root| {
            tables(root, "sync")?
                .remove(name)
                .map(drop)
                .ok_or_else(|| Fault::Plain(ConfigError::Missing(name.to_owned())))
        })
    }

    /// Adds or replaces a schedule; comments stay.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn put_schedule(&mut self, schedule: &Schedule) -> Result<(), ConfigError> {
        check_name(&schedule.name)?;
        self.edit(|root| {
            schedule::put(table_of(root, "schedule", &schedule.name)?, schedule);
            Ok(())
        })
    }

    /// Removes a schedule.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn remove_schedule(&mut self, name: &str) -> Result<(), ConfigError> {
        self.remove_from("schedule", name)
    }

    /// Adds or replaces a channel on which people are told; `kind` is among the settings. They are
    /// not checked here. Comments stay.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn put_alert(&mut self, name: &str, settings: &Settings) -> Result<(), ConfigError> {
        check_name(name)?;
        self.edit(|root| {
            let table = table_of(root, "alert", name)?;
            let is_kept = |key: &str| settings.0.keys().any(|known| is_same(known, key));
            remove_keys(table, |key| !is_kept(key));
            sync::put_settings(table, settings);
            Ok(())
        })
    }

    /// Removes a channel.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn remove_alert(&mut self, name: &str) -> Result<(), ConfigError> {
        self.remove_from("alert", name)
    }

    /// Sets a value by its place, as `daemon.max-running` or `sync.photos.enabled`. The value is
    /// written as in the file; anything that is none is taken as a text. The whole file has to
    /// pass the checks afterwards.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn set(
        &mut self,
        place: &str,
        value: &str,
        checks: &Checks<'_>,
    ) -> Result<(), ConfigError> {
        let parts = key::parts(place)?;
        let unknown = || Fault::Plain(key::unknown(place));
        self.edit_checked(Some(checks), |root| match parts.as_slice() {
            [table, key] => {
                let entry = root
                    .entry(table)
                    .or_insert_with(|| Toml::Table(Table::new()));
                let table = entry.as_table_like_mut().ok_or_else(unknown)?;
                sync::set(table, key, value_of(value));
                Ok(())
            }
            [kind, name, key] => {
                let table = root
                    .get_mut(kind)
                    .and_then(Toml::as_table_like_mut)
                    .and_then(|all| all.get_mut(name)?.as_table_like_mut())
                    .ok_or_else(unknown)?;
                sync::set(table, key, value_of(value));
                Ok(())
            }
            _ => Err(unknown()),
        })
    }

    /// Removes a value, so that the default holds. The whole file has to pass the checks afterwards.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn unset(&mut self, place: &str, checks: &Checks<'_>) -> Result<(), ConfigError> {
        let parts = key::parts(place)?;
        let unknown = || Fault::Plain(key::unknown(place));
        self.edit_checked(Some(checks), |root| {
            let (key, tables) = parts.split_last().ok_or_else(unknown)?;
            let mut table: &mut dyn TableLike = root;
            for name in tables {
                let inner = table.get_mut(name).and_then(Toml::as_table_like_mut);
                table = inner.ok_or_else(unknown)?;
            }
            let n = table.len();
            remove_keys(table, |known| is_same(known, key));
            if table.len() == n {
                Err(unknown())
            } else {
                Ok(())
            }
        })
    }

    fn remove_from(&mut self, kind: &'static str, name: &str) -> Result<(), ConfigError> {
        self.edit(|root| {
            tables(root, kind)?.remove(name).map(drop).ok_or_else(|| {
                Fault::Plain(ConfigError::NoSuch {
                    what: kind,
                    name: name.to_owned(),
                })
            })
        })
    }

    fn edit(
        &mut self,
        change: impl FnOnce(&mut Table) -> Result<(), Fault>,
    ) -> Result<(), ConfigError> {
        self.edit_checked(None, change)
    }

    fn edit_checked(
        &mut self,
        checks: Option<&Checks<'_>>,
        change: impl FnOnce(&mut Table) -> Result<(), Fault>,
    ) -> Result<(), ConfigError> {
        let lock = file::lock(&self.path)?;
        let text = file::read(&self.path)?;
        if self
            .expected
            .as_ref()
            .is_some_and(|tag| *tag != file::etag(&text))
        {
            return Err(ConfigError::Changed(self.path.clone()));
        }
        let now = Self {
            path: self.path.clone(),
            text,
            expected: None,
            parsed: OnceLock::new(),
        };
        let mut document: DocumentMut = now.text.parse().map_err(|e: toml_edit::TomlError| {
            now.wrong(e.span().map(|s| s.start), e.message().to_owned())
        })?;
        write_ids(document.as_table_mut());
        change(document.as_table_mut()).map_err(|fault| match fault {
            Fault::Plain(error) => error,
            Fault::NoTable(kind) => {
                now.wrong(None, format!("`{kind}` must be a table, as [{kind}.NAME]"))
            }
        })?;
        let new = Self {
            text: document.to_string(),
            parsed: OnceLock::new(),
            ..now
        };
        if let Some(checks) = checks {
            new.check(checks)?;
        }
        file::write(&new.path, &new.text).map_err(|source| ConfigError::Io {
            path: new.path.clone(),
            step: "write",
            source,
        })?;
        drop(lock);
        self.text = new.text;
        self.parsed = new.parsed;
        if self.expected.is_some() {
            self.expected = Some(self.etag());
        }
        Ok(())
    }
}

/// Why an edit is not made.
enum Fault {
    Plain(ConfigError),
    /// What should be a table is none.
    NoTable(&'static str),
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        Self::Plain(error)
    }
}

fn check_name(name: &str) -> Result<(), ConfigError> {
    bad_name(name).map_or(Ok(()), |why| {
        Err(ConfigError::BadName {
            name: name.to_owned(),
            why,
        })
    })
}

/// Returns the name of a sync that has the id of this one.
fn same_memory(syncs: &Table, item: &Item) -> Option<String> {
    let is_same = |table: &dyn TableLike| {
        let text = |key| table.get(key).and_then(Toml::as_str);
        text("id") == Some(item.id.as_str())
            && text("handler").unwrap_or(sync::HANDLER) == item.handler.as_str()
    };
    syncs
        .iter()
        .find(|(_, table)| table.as_table_like().is_some_and(is_same))
        .map(|(name, _)| name.to_owned())
}

/// Returns the tables below a name, which are made where there are none.
fn tables<'a>(root: &'a mut Table, kind: &'static str) -> Result<&'a mut Table, Fault> {
    root.entry(kind)
        .or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Toml::Table(table)
        })
        .as_table_mut()
        .ok_or(Fault::NoTable(kind))
}

/// Returns one table, which is made where there is none.
fn table_of<'a>(
    root: &'a mut Table,
    kind: &'static str,
    name: &str,
) -> Result<&'a mut dyn TableLike, Fault> {
    tables(root, kind)?
        .entry(name)
        .or_insert_with(|| Toml::Table(Table::new()))
        .as_table_like_mut()
        .ok_or(Fault::NoTable(kind))
}

fn defaults(root: &Table) -> Option<&dyn TableLike> {
    root.get("defaults").and_then(Toml::as_table_like)
}

fn remove_keys(table: &mut dyn TableLike, is_gone: impl Fn(&str) -> bool) {
    let gone: Vec<_> = table
        .iter()
        .map(|(key, _)| key.to_owned())
        .filter(|key| is_gone(key))
        .collect();
    for key in gone {
        table.remove(&key);
    }
}

/// Writes down the ids that were made from names, before a name can change.
fn write_ids(root: &mut Table) {
    let Some(syncs) = root.get_mut("sync").and_then(Toml::as_table_like_mut) else {
        return;
    };
    for (name, table) in syncs.iter_mut() {
        let Some(table) = table.as_table_like_mut() else {
            continue;
        };
        let handler = table
            .get("handler")
            .map_or(Some(sync::HANDLER), Toml::as_str);
        if let Some(Ok(handler)) = handler.map(HandlerId::new)
            && !table.contains_key("id")
        {
            let id = sync::made_id(&handler, name.get());
            table.insert("id", toml_edit::value(id.as_str()));
        }
    }
}

fn rename_in_schedules(root: &mut Table, old: &str, new: &str) {
    let Some(schedules) = root.get_mut("schedule").and_then(Toml::as_table_like_mut) else {
        return;
    };
    for (_, schedule) in schedules.iter_mut() {
        for key in ["syncs", "after"] {
            let Some(value) = schedule
                .as_table_like_mut()
                .and_then(|table| table.get_mut(key)?.as_value_mut())
            else {
                continue;
            };
            match value {
                toml_edit::Value::Array(names) => {
                    names
                        .iter_mut()
                        .for_each(|name| rename_value(name, old, new));
                }
                other => rename_value(other, old, new),
            }
        }
    }
}

fn rename_value(value: &mut toml_edit::Value, old: &str, new: &str) {
    if value.as_str() == Some(old) {
        let decor = value.decor().clone();
        *value = toml_edit::Value::from(new);
        *value.decor_mut() = decor;
    }
}
