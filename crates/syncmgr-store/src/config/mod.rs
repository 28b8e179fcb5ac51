//! What people set up: `config.toml`. People edit this file too, so comments and order survive, and
//! a key that means nothing is an error with its line, not a wish silently ignored.
//!
//! ```text
//! [sync.NAME]      a saved sync: `id`, `handler`, `enabled`, when it is tried again, and the
//!                  settings of its handler
//! [defaults]       the same settings, for syncs that do not say otherwise
//! [schedule.NAME]  when syncs run
//! [alerts]         what holds for all channels
//! [alert.NAME]     a channel on which people are told
//! [daemon]         the program that runs all day
//! ```
//!
//! Keys of two words are written with `-` or `_`, as one likes.
//!
//! Reading order: `table` looks at one table; `sync`, `schedule`, `alert` and `daemon` know what
//! is in theirs; `edit` changes the file; `key` answers where a single value comes from.

mod alert;
mod daemon;
mod edit;
mod file;
mod key;
mod schedule;
pub mod spec;
mod sync;
mod table;

pub use alert::{Alert, AlertSpecs};
pub use daemon::{Daemon, Env, Listen};
pub use key::{Explained, Source};
pub use spec::{KeySpec, kind_words};

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Item, SettingSpec, Settings};
use syncmgr_model::schedule::{RunPolicy, Schedule};
use toml_edit::{Document, TableLike};

use table::{Wrong, span};

/// The configuration file cannot be used.
#[derive(Debug)]
pub enum ConfigError {
    /// Reading or writing failed.
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried, a verb.
        step: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// Something in it is wrong.
    Text {
        /// The file.
        path: PathBuf,
        /// Line, from 1; 0 when it cannot be told.
        line: usize,
        /// What is wrong, naming the key.
        what: String,
    },
    /// A sync with this name is already there.
    Exists(String),
    /// There is no sync with this name.
    Missing(String),
    /// There is nothing else with this name.
    NoSuch {
        /// A noun: `schedule`, `alert`, `setting`.
        what: &'static str,
        /// As given.
        name: String,
    },
    /// A name that cannot be used.
    BadName {
        /// As given.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// The file is not the one an edit was meant for.
    Changed(PathBuf),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |path: &Path| path.to_string_lossy().escape_debug().to_string();
        match self {
            Self::Io { path, step, source } => {
                write!(f, "cannot {step} `{}`: {source}", shown(path))
            }
            Self::Text { path, line, what } => write!(f, "{}:{line}: {what}", shown(path)),
            Self::Exists(name) => write!(f, "there is a sync `{}` already", name.escape_debug()),
            Self::Missing(name) => write!(f, "there is no sync `{}`", name.escape_debug()),
            Self::NoSuch { what, name } => {
                write!(f, "there is no {what} `{}`", name.escape_debug())
            }
            Self::BadName { name, why } => {
                write!(f, "`{}` cannot be a name: {why}", name.escape_debug())
            }
            Self::Changed(path) => {
                write!(
                    f,
                    "`{}` was changed by somebody else meanwhile",
                    shown(path)
                )
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// Tells which settings a handler understands; `None` for a handler that is not installed.
pub type Specs<'a> = dyn Fn(&HandlerId) -> Option<&'static [SettingSpec]> + 'a;

/// All that is needed to check a whole file.
#[derive(Clone, Copy)]
pub struct Checks<'a> {
    /// The settings of handlers.
    pub handlers: &'a Specs<'a>,
    /// The settings of kinds of alerts.
    pub alerts: &'a AlertSpecs<'a>,
    /// The settings of all alerts together.
    pub general: &'static [SettingSpec],
    /// What only those who work with the settings can tell: that a time never comes, say. Asked
    /// last, when all of the file can be read.
    pub meaning: &'a Meaning<'a>,
}

/// Says what is wrong with a file that can be read.
pub type Meaning<'a> = dyn Fn(&Config) -> Result<(), Misused> + 'a;

/// A setting that can be read and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misused {
    /// Its table, as `alerts` or `schedule.nightly`.
    pub table: String,
    /// Its key there; where it has parts, the key they belong to.
    pub key: String,
    /// Why.
    pub what: String,
}

impl fmt::Debug for Checks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checks").finish_non_exhaustive()
    }
}

/// The tables there are.
const TABLES: &[&str] = &["sync", "defaults", "schedule", "alerts", "alert", "daemon"];

/// The configuration file, read once. Every change is made on the file as it is
/// then, and replaces it as a whole.
#[derive(Debug)]
pub struct Config {
    path: PathBuf,
    text: String,
    /// Edits are only for the file with this tag.
    expected: Option<String>,
    /// The text, taken apart by the first look at it: parsing is most of what a look costs, and a
    /// check takes many. A new text begins with an empty one.
    parsed: OnceLock<Document<String>>,
}

impl Config {
    /// Reads the file; a missing one is empty.
    ///
    /// # Errors
    /// [`ConfigError::Io`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Ok(Self {
            text: file::read(path)?,
            path: path.to_owned(),
            expected: None,
            parsed: OnceLock::new(),
        })
    }

    /// Returns the text as it was read or last written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns a tag of the text: another text has another one.
    #[must_use]
    pub fn etag(&self) -> String {
        file::etag(&self.text)
    }

    /// Lets the next edits fail with [`ConfigError::Changed`] unless the file on disk still has
    /// this tag; every edit that is made moves the expectation on.
    pub fn expect(&mut self, etag: &str) {
        self.expected = Some(etag.to_owned());
    }

    /// Returns the saved syncs in the order of the file, with the values of `[defaults]` where they
    /// say nothing themselves. One without an `id` gets one from its name, which the next edit
    /// writes down.
    ///
    /// # Errors
    /// [`ConfigError::Text`] names the line and the key of the first mistake.
    pub fn items(&self, specs: &Specs<'_>) -> Result<Vec<Item>, ConfigError> {
        self.each("sync", |root, all| {
            sync::check_defaults(root, all, specs)?;
            let mut items: Vec<Item> = Vec::with_capacity(all.len());
            let mut known = HashMap::with_capacity(all.len());
            for (name, at, table) in all.iter().copied() {
                let item = sync::item(name, table, root, specs).map_err(|wrong| wrong.or(at))?;
                let key = (item.handler.clone(), item.id.clone());
                if let Some(other) = known.insert(key, name) {
                    let what = format!(
                        "`sync.{name}` has the `id` of `sync.{other}`; leave it out to get a new one"
                    );
                    return Err(Wrong::at(span(table, "id"), what).or(at));
                }
                items.push(item);
            }
            Ok(items)
        })
    }

    /// Returns how runs of each saved sync are repeated and watched over, by name.
    ///
    /// # Errors
    /// [`ConfigError::Text`] names the line and the key of the first mistake.
    pub fn policies(&self) -> Result<Vec<(String, RunPolicy)>, ConfigError> {
        self.each("sync", |root, all| {
            all.iter()
                .map(|&(name, at, table)| {
                    let policy = sync::policy(root, table).map_err(|wrong| wrong.or(at))?;
                    Ok((name.to_owned(), policy))
                })
                .collect()
        })
    }

    /// Returns the schedules in the order of the file. Whether a cron line or a zone means anything
    /// is for the calendar to say.
    ///
    /// # Errors
    /// [`ConfigError::Text`] names the line and the key of the first mistake.
    pub fn schedules(&self) -> Result<Vec<Schedule>, ConfigError> {
        self.each("schedule", |_, all| {
            all.iter()
                .map(|&(name, at, table)| schedule::read(name, table).map_err(|wrong| wrong.or(at)))
                .collect()
        })
    }

    /// Returns the channels on which people are told, in the order of the file.
    ///
    /// # Errors
    /// [`ConfigError::Text`] names the line and the key of the first mistake.
    pub fn alerts(&self, specs: &AlertSpecs<'_>) -> Result<Vec<Alert>, ConfigError> {
        self.each("alert", |_, all| {
            all.iter()
                .map(|&(name, at, table)| {
                    alert::read(name, table, specs).map_err(|wrong| wrong.or(at))
                })
                .collect()
        })
    }

    /// Returns what holds for all channels.
    ///
    /// # Errors
    /// [`ConfigError::Text`] names the line and the key of the first mistake.
    pub fn alert_rules(&self, specs: &'static [SettingSpec]) -> Result<Settings, ConfigError> {
        self.look(|root| match table::sub(root, "alerts")? {
            Some(table) => alert::settings("alerts", table, specs),
            None => Ok(Settings::default()),
        })
    }

    /// Returns how the daemon runs; `env` looks up a variable of the environment, which goes before
    /// the file.
    ///
    /// # Errors
    /// [`ConfigError::Text`] names the line and the key of the first mistake.
    pub fn daemon(&self, env: &Env<'_>) -> Result<Daemon, ConfigError> {
        self.look(|root| daemon::read(table::sub(root, "daemon")?, env))
    }

    /// Checks all of the file.
    ///
    /// # Errors
    /// [`ConfigError::Text`] names the line and the key of the first mistake.
    pub fn check(&self, checks: &Checks<'_>) -> Result<(), ConfigError> {
        let items = self.items(checks.handlers)?;
        self.policies()?;
        self.alerts(checks.alerts)?;
        self.alert_rules(checks.general)?;
        self.daemon(&|_| None)?;
        let schedules = self.schedules()?;
        self.look(|root| schedule::check_names(root, &schedules, &items))?;
        (checks.meaning)(self).map_err(|misused| self.refuse(&misused))
    }

    /// Says where in the file a setting is that cannot be used.
    #[must_use]
    pub fn refuse(&self, misused: &Misused) -> ConfigError {
        let Misused { table, key, what } = misused;
        let at = self.document().ok().and_then(|root| {
            let (kind, name) = match table.split_once('.') {
                Some((kind, name)) => (kind, Some(name)),
                None => (table.as_str(), None),
            };
            table::place(root.as_table(), (kind, name), key)
        });
        self.wrong(at, format!("`{key}` of [{table}]: {what}"))
    }

    /// Reads the tables below one name.
    fn each<T>(
        &self,
        kind: &'static str,
        read: impl FnOnce(&dyn TableLike, &[Named<'_>]) -> Result<T, Wrong>,
    ) -> Result<T, ConfigError> {
        self.look(|root| read(root, &table::named(root, kind)?))
    }

    /// Reads the file, with a line in front of what is wrong.
    fn look<T>(
        &self,
        read: impl FnOnce(&dyn TableLike) -> Result<T, Wrong>,
    ) -> Result<T, ConfigError> {
        let root = self.document()?.as_table();
        if let Some((key, _)) = root.iter().find(|(key, _)| !TABLES.contains(key)) {
            let what = format!("unknown key `{}`", key.escape_debug());
            return Err(self.wrong(span(root, key), what));
        }
        read(root).map_err(|wrong| self.wrong(wrong.at, wrong.what))
    }

    /// Returns the text, taken apart.
    fn document(&self) -> Result<&Document<String>, ConfigError> {
        if let Some(document) = self.parsed.get() {
            return Ok(document);
        }
        let document = Document::parse(self.text.clone())
            .map_err(|e| self.wrong(e.span().map(|s| s.start), e.message().to_owned()))?;
        Ok(self.parsed.get_or_init(|| document))
    }

    fn wrong(&self, at: Option<usize>, what: String) -> ConfigError {
        ConfigError::Text {
            path: self.path.clone(),
            line: at.map_or(0, |at| line_of(&self.text, at)),
            what,
        }
    }
}

/// A table below `sync`, `schedule` or `alert`: its name, where it is, and what is in it.
type Named<'a> = (&'a str, Option<usize>, &'a dyn TableLike);

/// Returns the line, from 1, of a byte of the text.
fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

#[cfg(test)]
mod tests;
