//! The saved syncs: `config.toml`, one `[sync.NAME]` table each. People edit this file too, so
//! comments and order survive, and a key that means nothing is an error with its line, not a wish
//! silently ignored.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{Item, SettingKind, SettingSpec, Settings, Value, bad_name};
use toml_edit::{Document, DocumentMut, Item as Toml, Table, TableLike};

/// Largest file read; a person's file is a few kilobytes (S10).
const SIZE_MAX: u64 = 1 << 20;

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
    /// A name that cannot be used.
    BadName {
        /// As given.
        name: String,
        /// Why.
        why: &'static str,
    },
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
            Self::BadName { name, why } => {
                write!(f, "`{}` cannot be a name: {why}", name.escape_debug())
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// Tells which settings a handler understands; `None` for a handler that is not installed.
pub type Specs<'a> = dyn Fn(&HandlerId) -> Option<&'static [SettingSpec]> + 'a;

/// The configuration file, read once. Every change is made on the file as it is
/// then, and replaces it as a whole.
#[derive(Debug)]
pub struct Config {
    path: PathBuf,
    text: String,
}

impl Config {
    /// Reads the file; a missing one is empty.
    ///
    /// # Errors
    /// [`ConfigError::Io`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Ok(Self {
            text: read(path)?,
            path: path.to_owned(),
        })
    }

    /// Returns the saved syncs in the order of the file.
    ///
    /// # Errors
    /// [`ConfigError::Text`] names the line and the key of the first mistake.
    pub fn items(&self, specs: &Specs<'_>) -> Result<Vec<Item>, ConfigError> {
        if self.text.is_empty() {
            return Ok(Vec::new());
        }
        let wrong = |at: Option<usize>, what: String| ConfigError::Text {
            path: self.path.clone(),
            line: at.map_or(0, |at| 1 + self.text[..at].matches('\n').count()),
            what,
        };
        let document = Document::parse(self.text.as_str())
            .map_err(|e| wrong(e.span().map(|s| s.start), e.message().to_owned()))?;
        let mut items = Vec::new();
        for (key, value) in document.as_table() {
            let at = span(document.as_table(), key);
            if key != "sync" {
                return Err(wrong(at, format!("unknown key `{}`", key.escape_debug())));
            }
            let Some(table) = value.as_table_like() else {
                return Err(wrong(at, "`sync` must be a table, as [sync.NAME]".into()));
            };
            for (name, value) in table.iter() {
                let at = span(table, name);
                let Some(entry) = value.as_table_like() else {
                    return Err(wrong(at, format!("`sync.{name}` must be a table")));
                };
                items.push(item(name, entry, specs).map_err(|(key, what)| {
                    wrong(key.and_then(|k| span(entry, &k)).or(at), what)
                })?);
            }
        }
        Ok(items)
    }

    /// Adds a sync at the end of the file.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn add(&mut self, item: &Item) -> Result<(), ConfigError> {
        let name = item.name.clone().unwrap_or_default();
        check_name(&name)?;
        self.edit(|syncs| {
            if syncs.contains_key(&name) {
                return Err(ConfigError::Exists(name.clone()));
            }
            let mut table = Table::new();
            table.insert("id", toml_edit::value(item.id.as_str()));
            if item.handler.as_str() != "files" {
                table.insert("handler", toml_edit::value(item.handler.as_str()));
            }
            put(&mut table, item);
            syncs.insert(&name, Toml::Table(table));
            Ok(())
        })
    }

    /// Replaces the settings of a sync; keys that are gone are removed, comments stay.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn replace(&mut self, item: &Item) -> Result<(), ConfigError> {
        let name = item.name.clone().unwrap_or_default();
        self.edit(|syncs| {
            let Some(table) = syncs.get_mut(&name).and_then(Toml::as_table_like_mut) else {
                return Err(ConfigError::Missing(name.clone()));
            };
            let gone: Vec<String> = table
                .iter()
                .map(|(key, _)| key.to_owned())
                .filter(|key| {
                    !matches!(key.as_str(), "id" | "handler" | "enabled")
                        && !item.settings.0.contains_key(key)
                })
                .collect();
            for key in gone {
                table.remove(&key);
            }
            put(table, item);
            Ok(())
        })
    }

    /// Gives a sync another name.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn rename(&mut self, old: &str, new: &str) -> Result<(), ConfigError> {
        check_name(new)?;
        self.edit(|syncs| {
            if syncs.contains_key(new) {
                return Err(ConfigError::Exists(new.to_owned()));
            }
            let table = syncs
                .remove(old)
                .ok_or_else(|| ConfigError::Missing(old.to_owned()))?;
            syncs.insert(new, table);
            Ok(())
        })
    }

    /// Removes a sync from the file.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is then as it was.
    pub fn remove(&mut self, name: &str) -> Result<(), ConfigError> {
        self.edit(|syncs| {
            syncs
                .remove(name)
                .map(drop)
                .ok_or_else(|| ConfigError::Missing(name.to_owned()))
        })
    }

    /// Changes the file as it is on disk now, under a lock, and replaces it as a whole.
    fn edit(
        &mut self,
        change: impl FnOnce(&mut Table) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        let failed = |step, source| ConfigError::Io {
            path: self.path.clone(),
            step,
            source,
        };
        let dir = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(dir).map_err(|e| failed("create the folder of", e))?;
        let lock = private(&dir.join(".config.lock"), false).map_err(|e| failed("lock", e))?;
        lock.lock().map_err(|e| failed("lock", e))?;
        let text = read(&self.path)?;
        let mut document: DocumentMut =
            text.parse()
                .map_err(|e: toml_edit::TomlError| ConfigError::Text {
                    path: self.path.clone(),
                    line: e
                        .span()
                        .map_or(0, |s| 1 + text[..s.start].matches('\n').count()),
                    what: e.message().to_owned(),
                })?;
        let syncs = document
            .entry("sync")
            .or_insert_with(|| {
                let mut table = Table::new();
                table.set_implicit(true);
                Toml::Table(table)
            })
            .as_table_mut()
            .ok_or_else(|| ConfigError::Text {
                path: self.path.clone(),
                line: 0,
                what: "`sync` must be a table, as [sync.NAME]".into(),
            })?;
        change(syncs)?;
        let text = document.to_string();
        write(&self.path, &text).map_err(|e| failed("write", e))?;
        self.text = text;
        Ok(())
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

fn span(table: &dyn TableLike, key: &str) -> Option<usize> {
    let (key, item) = table.get_key_value(key)?;
    key.span().or_else(|| item.span()).map(|span| span.start)
}

fn put(table: &mut dyn TableLike, item: &Item) {
    if !item.is_enabled {
        table.insert("enabled", toml_edit::value(false));
    }
    for (key, value) in &item.settings.0 {
        let new = match value {
            Value::Text(text) => toml_edit::Value::from(text.as_str()),
            Value::Number(number) => {
                toml_edit::Value::from(i64::try_from(*number).unwrap_or(i64::MAX))
            }
            Value::List(list) => toml_edit::Value::Array(list.iter().collect()),
        };
        // In place where the key is there already, so that its comment stays.
        match table.get_mut(key).and_then(Toml::as_value_mut) {
            Some(old) => {
                let decor = old.decor().clone();
                *old = new;
                *old.decor_mut() = decor;
            }
            None => drop(table.insert(key, Toml::Value(new))),
        }
    }
}

type Wrong = (Option<String>, String);

fn item(name: &str, table: &dyn TableLike, specs: &Specs<'_>) -> Result<Item, Wrong> {
    if let Some(why) = bad_name(name) {
        return Err((
            None,
            format!("`{}` cannot be a name: {why}", name.escape_debug()),
        ));
    }
    let text = |key: &str| -> Result<Option<&str>, Wrong> {
        match table.get(key) {
            None => Ok(None),
            Some(value) => value
                .as_str()
                .map(Some)
                .ok_or_else(|| (Some(key.into()), format!("`{key}` must be a text"))),
        }
    };
    let id = text("id")?.ok_or_else(|| (None, format!("`sync.{name}` has no `id`")))?;
    let id = ItemId::new(id).map_err(|e| (Some("id".into()), e.to_string()))?;
    let handler = HandlerId::new(text("handler")?.unwrap_or("files"))
        .map_err(|e| (Some("handler".into()), e.to_string()))?;
    let is_enabled = match table.get("enabled") {
        None => true,
        Some(value) => value.as_bool().ok_or_else(|| {
            (
                Some("enabled".into()),
                "`enabled` must be true or false".into(),
            )
        })?,
    };
    let known = specs(&handler).ok_or_else(|| {
        (
            Some("handler".into()),
            format!("the handler `{handler}` is not installed"),
        )
    })?;
    let mut settings = Settings::default();
    for (key, value) in table.iter() {
        if matches!(key, "id" | "handler" | "enabled") {
            continue;
        }
        let spec = known.iter().find(|spec| spec.key == key).ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|spec| spec.key).collect();
            (
                Some(key.to_owned()),
                format!(
                    "unknown key `{}`; known: id, handler, enabled, {}",
                    key.escape_debug(),
                    names.join(", ")
                ),
            )
        })?;
        settings.set(
            key,
            setting(spec, value).ok_or_else(|| {
                (
                    Some(key.to_owned()),
                    format!("`{key}` must be {}", kind_words(spec.kind)),
                )
            })?,
        );
    }
    if let Some(spec) = known
        .iter()
        .find(|spec| spec.is_required && !settings.0.contains_key(spec.key))
    {
        return Err((None, format!("`sync.{name}` has no `{}`", spec.key)));
    }
    Ok(Item {
        id,
        handler,
        name: Some(name.to_owned()),
        settings,
        is_enabled,
    })
}

fn setting(spec: &SettingSpec, value: &Toml) -> Option<Value> {
    match spec.kind {
        SettingKind::Text | SettingKind::Folder => Some(Value::Text(value.as_str()?.to_owned())),
        SettingKind::Word(words) => {
            let word = value.as_str()?;
            words.contains(&word).then(|| Value::Text(word.to_owned()))
        }
        SettingKind::Number => Some(Value::Number(u64::try_from(value.as_integer()?).ok()?)),
        SettingKind::Bytes => match value.as_integer() {
            Some(number) => Some(Value::Text(u64::try_from(number).ok()?.to_string())),
            None => {
                let text = value.as_str()?;
                syncmgr_model::format::parse_bytes(text).map(|_| Value::Text(text.to_owned()))
            }
        },
        SettingKind::List => Some(Value::List(
            value
                .as_array()?
                .iter()
                .map(|entry| entry.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
        )),
    }
}

/// Says in words what a setting takes.
#[must_use]
pub fn kind_words(kind: SettingKind) -> String {
    match kind {
        SettingKind::Text => "a text".to_owned(),
        SettingKind::Folder => "the path of a folder".to_owned(),
        SettingKind::Word(words) => format!("one of {}", words.join(", ")),
        SettingKind::Number => "a whole number".to_owned(),
        SettingKind::Bytes => "a number of bytes, as \"10M\"".to_owned(),
        SettingKind::List => "a list of texts".to_owned(),
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Io {
        path: path.to_owned(),
        step: "read",
        source,
    };
    match std::fs::metadata(path) {
        Ok(meta) if meta.len() > SIZE_MAX => {
            return Err(failed(io::Error::other("it is larger than 1 MiB")));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(failed(error)),
    }
    std::fs::read_to_string(path).map_err(failed)
}

fn private(path: &Path, is_new: bool) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(is_new)
        .mode(0o600)
        .open(path)
}

/// Replaces the file as a whole: a reader, or a power cut, finds the old or the new one. A file
/// behind a link (dot files kept elsewhere) is replaced where it lies.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut staged = real.clone().into_os_string();
    staged.push(".new");
    let mut file = private(Path::new(&staged), true)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&staged, &real)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: &[SettingSpec] = &[
        SettingSpec {
            key: "left",
            kind: SettingKind::Folder,
            is_required: true,
            help: "",
        },
        SettingSpec {
            key: "mode",
            kind: SettingKind::Word(&["two-way", "mirror"]),
            is_required: false,
            help: "",
        },
        SettingSpec {
            key: "exclude",
            kind: SettingKind::List,
            is_required: false,
            help: "",
        },
    ];

    const TEXT: &str = r#"# my syncs

[sync.photos] # the big one
id = "files-1"
left = "~/Photos" # here
# why: raw files are huge
exclude = ["*.raw"]
"#;

    fn config(text: &str) -> (tempfile::TempDir, Config) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let config = Config::load(&path).unwrap();
        (dir, config)
    }

    fn specs(_: &HandlerId) -> Option<&'static [SettingSpec]> {
        Some(SPECS)
    }

    #[test]
    fn comments_survive_a_change() {
        let (dir, mut config) = config(TEXT);
        let mut item = config.items(&specs).unwrap().remove(0);
        item.settings.set("left", Value::Text("/new".into()));
        item.settings.set("mode", Value::Text("mirror".into()));
        config.replace(&item).unwrap();
        let text = std::fs::read_to_string(dir.path().join("config.toml")).unwrap();
        let expected = TEXT.replace("\"~/Photos\"", "\"/new\"") + "mode = \"mirror\"\n";
        assert_eq!(text, expected);
        assert_eq!(config.items(&specs).unwrap(), [item]);
    }

    #[test]
    fn a_sync_can_be_added_renamed_and_removed() {
        let (dir, mut config) = config(TEXT);
        let mut item = config.items(&specs).unwrap().remove(0);
        item.name = Some("copy".into());
        config.add(&item).unwrap();
        assert!(matches!(config.add(&item), Err(ConfigError::Exists(_))));
        config.rename("copy", "other").unwrap();
        let names: Vec<_> = config.items(&specs).unwrap();
        assert_eq!(names[1].name.as_deref(), Some("other"));
        config.remove("other").unwrap();
        let text = std::fs::read_to_string(dir.path().join("config.toml")).unwrap();
        assert_eq!(text, TEXT);
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let (_dir, config) = config(text);
        let error = config.items(&specs).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }

    #[test]
    fn mistakes_name_line_and_key() {
        check(
            "[sync.a]\nid = \"x\"\nleft = \"/a\"\nmdoe = \"mirror\"\n",
            "config.toml:4: unknown key `mdoe`; known: id, handler, enabled, left, mode, exclude",
        );
        check(
            "[sync.a]\nid = \"x\"\nleft = 1\n",
            ":3: `left` must be the path of a folder",
        );
        check(
            "[sync.a]\nid = \"x\"\nleft = \"/a\"\nmode = \"up\"",
            ":4: `mode` must be one of two-way, mirror",
        );
        check("\n[sync.a]\nid = \"x\"\n", ":2: `sync.a` has no `left`");
        check("[snyc.a]\n", ":1: unknown key `snyc`");
    }
}
