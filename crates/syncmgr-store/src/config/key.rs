//! Single values by their place, and where each comes from.

use toml_edit::{Item as Toml, Key, TableLike};

use super::daemon::{Env, variable};
use super::spec::{DAEMON, KeySpec, SCHEDULE, SYNC, SYNC_OWN};
use super::table::{find, is_same, span};
use super::{Config, ConfigError, line_of};

/// A value, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// As it stands, or would stand, in the file; `None`: nothing is set and there is no default
    /// that could be written.
    pub value: Option<String>,
    /// Where it comes from.
    pub source: Source,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// From this line of the file, from 1.
    Line(usize),
    /// From `[defaults]`, at this line of the file.
    Defaults(usize),
    /// From this variable of the environment.
    Environment(String),
}

/// Splits a place at its dots; names with dots stand in quotes.
pub(super) fn parts(place: &str) -> Result<Vec<String>, ConfigError> {
    let keys = Key::parse(place).map_err(|_| unknown(place))?;
    Ok(keys.iter().map(|key| key.get().to_owned()).collect())
}

pub(super) fn unknown(place: &str) -> ConfigError {
    ConfigError::NoSuch {
        what: "setting",
        name: place.to_owned(),
    }
}

impl Config {
    /// Returns the value at a place, as `daemon.max-running` or `sync.photos.exclude`, and where it
    /// comes from. `env` looks up a variable of the environment.
    ///
    /// # Errors
    /// [`ConfigError::NoSuch`] when there can be no such value; [`ConfigError::Text`] when the file
    /// cannot be read.
    pub fn explain(&self, place: &str, env: &Env<'_>) -> Result<Explained, ConfigError> {
        let parts = parts(place)?;
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        let root = self.document()?.as_table();
        let found = match parts.as_slice() {
            ["daemon", key] => {
                let name = variable(key);
                if let (Some(value), Some(_)) = (env(&name), spec(DAEMON, key)) {
                    return Ok(Explained {
                        value: Some(value),
                        source: Source::Environment(name),
                    });
                }
                self.value(sub(root, "daemon"), key, Source::Line)
                    .or_else(|| default(DAEMON, key))
            }
            ["sync", name, key] => {
                let table = sub(root, "sync").and_then(|all| sub(all, name));
                let table = table.ok_or_else(|| ConfigError::Missing((*name).to_owned()))?;
                self.value(Some(table), key, Source::Line)
                    .or_else(|| {
                        let defaults = sub(root, "defaults").filter(|_| !SYNC_OWN.contains(key));
                        self.value(defaults, key, Source::Defaults)
                    })
                    .or_else(|| default(SYNC, key))
            }
            ["schedule", name, key] => {
                let table = sub(root, "schedule").and_then(|all| sub(all, name));
                let table = table.ok_or_else(|| unknown(place))?;
                self.value(Some(table), key, Source::Line)
                    .or_else(|| default(SCHEDULE, key))
            }
            ["defaults", key] => self
                .value(sub(root, "defaults"), key, Source::Line)
                .or_else(|| default(SYNC, key)),
            ["alerts", key] => self.value(sub(root, "alerts"), key, Source::Line),
            ["alert", name, key] => {
                let table = sub(root, "alert").and_then(|all| sub(all, name));
                self.value(table, key, Source::Line)
            }
            _ => None,
        };
        found.ok_or_else(|| unknown(place))
    }

    fn value(
        &self,
        table: Option<&dyn TableLike>,
        key: &str,
        source: impl Fn(usize) -> Source,
    ) -> Option<Explained> {
        let table = table?;
        let (known, value) = find(table, key)?;
        let at = span(table, known)?;
        Some(Explained {
            value: Some(value.as_value()?.clone().decorated("", "").to_string()),
            source: source(line_of(&self.text, at)),
        })
    }
}

fn sub<'a>(table: &'a dyn TableLike, name: &str) -> Option<&'a dyn TableLike> {
    table.get(name).and_then(Toml::as_table_like)
}

fn spec(specs: &'static [KeySpec], key: &str) -> Option<&'static KeySpec> {
    specs.iter().find(|spec| is_same(spec.key, key))
}

fn default(specs: &'static [KeySpec], key: &str) -> Option<Explained> {
    let spec = spec(specs, key)?;
    Some(Explained {
        value: Some(spec.default.to_owned()).filter(|text| !text.is_empty()),
        source: Source::Default,
    })
}
