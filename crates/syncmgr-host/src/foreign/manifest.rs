//! What is known of a handler in a process of its own: a file for each in the settings folder,
//! written only by a person who installs it.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use syncmgr_model::format::parse_bytes;
use syncmgr_model::id::HandlerId;
use syncmgr_model::item::SettingSpec;
use syncmgr_model::legacy::Guid;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_protocol::form::Form;
use toml_edit::{Array, DocumentMut, Item, Value, value};

use super::launch::Limits;

/// The folder of these files, below that of the settings.
pub const FOLDER: &str = "handlers";

/// Most bytes of a file: a form has at most 64 KiB.
const FILE_MAX: u64 = 256 * 1024;

/// Most handlers that are looked at.
pub const HANDLERS_MAX: usize = 256;

/// The form of these files.
const VERSION: i64 = 1;

/// What is known of a handler.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Its id.
    pub id: HandlerId,
    /// What it is called.
    pub name: String,
    /// Its version, as it says.
    pub version: Option<String>,
    /// The program, absolute, and its arguments.
    pub command: Vec<String>,
    /// It is kept to what it may reach, where the system can do that.
    pub is_sandboxed: bool,
    /// What it may read and change beside the folders of its saved syncs.
    pub allow: Vec<PathBuf>,
    /// What it may read and run beside the system.
    pub allow_read: Vec<PathBuf>,
    /// It may talk to services of the same person, also to us: that is to do anything.
    pub has_sockets: bool,
    /// What it may use.
    pub limits: Limits,
    /// It is of the older family.
    pub is_legacy: bool,
    /// The form of its items, a JSON Schema; empty when it finds its items itself.
    pub form: String,
}

/// A manifest that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {detail}", place.display())]
pub struct ManifestError {
    /// The file or folder.
    pub place: PathBuf,
    /// What is wrong with it.
    pub detail: String,
}

impl From<&ManifestError> for Trouble {
    fn from(error: &ManifestError) -> Self {
        use std::os::unix::ffi::OsStrExt as _;
        let name = error.place.file_name().unwrap_or(error.place.as_os_str());
        let shown = syncmgr_model::escape::escape(name.as_bytes());
        Self::new(Code::SettingUnusable)
            .with("key", format!("{FOLDER}/{shown}"))
            .with("detail", &error.detail)
    }
}

impl Manifest {
    /// Returns the settings of its items.
    ///
    /// # Errors
    /// What is wrong with the form.
    pub fn settings(&self) -> Result<&'static [SettingSpec], String> {
        if self.form.is_empty() {
            return Ok(&[]);
        }
        let form: Result<Form, _> = serde_json::from_str(&self.form);
        let form = form.map_err(|error| format!("the form is none: {error}"))?;
        form.specs().map_err(|wrong| wrong.to_string())
    }

    /// Returns the class of a handler of the older family.
    #[must_use]
    pub fn class(&self) -> Option<Guid> {
        let guid: Guid = self.id.as_str().parse().ok()?;
        (self.is_legacy && guid.handler_id() == self.id).then_some(guid)
    }

    /// Returns its file in the settings folder.
    #[must_use]
    pub fn path(config_dir: &Path, id: &HandlerId) -> PathBuf {
        config_dir.join(FOLDER).join(format!("{id}.toml"))
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn write(&self, config_dir: &Path) -> Result<(), ManifestError> {
        let folder = config_dir.join(FOLDER);
        let path = Self::path(config_dir, &self.id);
        let staged = folder.join(format!(".{}.new", self.id));
        let write = || {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)?;
            let mut file = File::options()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&staged)?;
            file.write_all(self.text().as_bytes())?;
            file.sync_all()?;
            fs::rename(&staged, &path)?;
            File::open(&folder)?.sync_all()
        };
        write().map_err(|error| fault(&path, error))
    }

    /// Removes its file.
    ///
    /// # Errors
    /// Why it cannot be removed.
    pub fn remove(config_dir: &Path, id: &HandlerId) -> Result<(), ManifestError> {
        let path = Self::path(config_dir, id);
        fs::remove_file(&path).map_err(|error| fault(&path, error))
    }

    fn text(&self) -> String {
        let list = |items: &[String]| Item::Value(Value::Array(items.iter().collect::<Array>()));
        let paths = |paths: &[PathBuf]| {
            let texts: Vec<_> = paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            list(&texts)
        };
        let mut doc = DocumentMut::new();
        doc["version"] = value(VERSION);
        doc["id"] = value(self.id.as_str());
        doc["name"] = value(&self.name);
        if let Some(version) = &self.version {
            doc["handler-version"] = value(version);
        }
        doc["command"] = list(&self.command);
        doc["sandbox"] = value(self.is_sandboxed);
        doc["allow"] = paths(&self.allow);
        doc["allow-read"] = paths(&self.allow_read);
        doc["allow-sockets"] = value(self.has_sockets);
        doc["memory"] = value(self.limits.memory_bytes.to_string());
        doc["processes"] = value(i64::try_from(self.limits.n_processes).unwrap_or(i64::MAX));
        doc["legacy"] = value(self.is_legacy);
        doc["form"] = value(&self.form);
        format!(
            "# Written by `syncmgr handler install`. Take the handler away with\n# `syncmgr handler remove {}`.\n{doc}",
            self.id
        )
    }

    fn parse(text: &str) -> Result<Self, String> {
        let doc: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
        let get = |key: &str| doc.get(key).ok_or_else(|| format!("`{key}` is missing"));
        let wrong = |key: &str| format!("`{key}` has a value that does not fit");
        let text = |key: &str| {
            let found = get(key)?.as_str().ok_or_else(|| wrong(key))?;
            Ok::<_, String>(found.to_owned())
        };
        let list = |key: &str| match doc.get(key) {
            None => Ok(Vec::new()),
            Some(found) => {
                let texts = found.as_array().ok_or_else(|| wrong(key))?.iter();
                let texts = texts.map(|text| text.as_str().map(str::to_owned));
                texts.collect::<Option<Vec<_>>>().ok_or_else(|| wrong(key))
            }
        };
        let flag = |key: &str| match doc.get(key) {
            None => Ok(false),
            Some(found) => found.as_bool().ok_or_else(|| wrong(key)),
        };
        if get("version")?.as_integer() != Some(VERSION) {
            return Err("it was written by another version of syncmgr".to_owned());
        }
        const KEYS: &[&str] = &[
            "version",
            "id",
            "name",
            "handler-version",
            "command",
            "sandbox",
            "allow",
            "allow-read",
            "allow-sockets",
            "memory",
            "processes",
            "legacy",
            "form",
        ];
        if let Some((odd, _)) = doc.iter().find(|(key, _)| !KEYS.contains(key)) {
            return Err(format!("`{}` is no key of it", odd.escape_default()));
        }
        let usual = Limits::default();
        let memory = match doc.get("memory") {
            None => Some(usual.memory_bytes),
            Some(found) => found.as_str().and_then(parse_bytes),
        };
        let processes = match doc.get("processes") {
            None => Some(usual.n_processes),
            Some(found) => found.as_integer().and_then(|n| u64::try_from(n).ok()),
        };
        let whole = Self {
            id: HandlerId::new(text("id")?).map_err(|error| error.to_string())?,
            name: text("name")?,
            version: doc
                .get("handler-version")
                .and_then(Item::as_str)
                .map(str::to_owned),
            command: list("command")?,
            // A line that was lost must not take the walls away.
            is_sandboxed: match doc.get("sandbox") {
                None => true,
                Some(_) => flag("sandbox")?,
            },
            allow: list("allow")?.into_iter().map(PathBuf::from).collect(),
            allow_read: list("allow-read")?.into_iter().map(PathBuf::from).collect(),
            has_sockets: flag("allow-sockets")?,
            limits: Limits {
                memory_bytes: memory.ok_or_else(|| wrong("memory"))?,
                n_processes: processes.ok_or_else(|| wrong("processes"))?,
            },
            is_legacy: flag("legacy")?,
            form: match doc.get("form") {
                None => String::new(),
                Some(_) => text("form")?,
            },
        };
        whole.check()?;
        Ok(whole)
    }

    /// Says what is wrong with it, if anything is.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        let program = self.command.first().map(Path::new);
        if !program.is_some_and(Path::is_absolute) {
            return Err("`command` does not begin with the whole path of a program".to_owned());
        }
        if let Some(path) = self
            .allow
            .iter()
            .chain(&self.allow_read)
            .find(|it| !it.is_absolute())
        {
            return Err(format!("`{}` is no whole path", path.display()));
        }
        if self.is_legacy && self.class().is_none() {
            return Err("a handler of the older family has a GUID as its id".to_owned());
        }
        self.settings().map(drop)
    }
}

/// Reads all manifests; those that cannot be used are told apart.
#[must_use]
pub fn load(config_dir: &Path) -> (Vec<Manifest>, Vec<ManifestError>) {
    let folder = config_dir.join(FOLDER);
    let listed = match fs::read_dir(&folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Default::default(),
        Err(error) => return (Vec::new(), vec![fault(&folder, error)]),
    };
    if let Err(detail) = is_ours(&folder) {
        return (Vec::new(), vec![fault(&folder, detail)]);
    }
    let mut paths: Vec<PathBuf> = listed
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .filter(|path| {
            !path
                .file_name()
                .is_some_and(|it| it.as_encoded_bytes().starts_with(b"."))
        })
        .collect();
    paths.sort();
    let mut errors = Vec::new();
    if paths.len() > HANDLERS_MAX {
        errors.push(fault(
            &folder,
            format!("only the first {HANDLERS_MAX} are used"),
        ));
        paths.truncate(HANDLERS_MAX);
    }
    let mut manifests = Vec::new();
    for path in paths {
        match read(&path) {
            Ok(manifest) => manifests.push(manifest),
            Err(detail) => errors.push(fault(&path, detail)),
        }
    }
    (manifests, errors)
}

fn read(path: &Path) -> Result<Manifest, String> {
    is_ours(path)?;
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(FILE_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    if text.len() as u64 > FILE_MAX {
        return Err(format!("it is longer than {FILE_MAX} bytes"));
    }
    let manifest = Manifest::parse(&text)?;
    if path.file_stem().and_then(|stem| stem.to_str()) != Some(manifest.id.as_str()) {
        return Err(format!(
            "it is about `{}`, and named otherwise",
            manifest.id
        ));
    }
    Ok(manifest)
}

/// Refuses what others could have written: whoever can write it could run programs as us.
fn is_ours(path: &Path) -> Result<(), String> {
    let found = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if found.file_type().is_symlink() {
        return Err("it is a link".to_owned());
    }
    if found.uid() != rustix::process::getuid().as_raw() {
        return Err("it belongs to somebody else".to_owned());
    }
    if found.mode() & 0o022 != 0 {
        return Err("others can write it; take that away with `chmod go-w`".to_owned());
    }
    Ok(())
}

fn fault(place: &Path, detail: impl std::fmt::Display) -> ManifestError {
    ManifestError {
        place: place.to_owned(),
        detail: detail.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn notes() -> Manifest {
        Manifest {
            id: HandlerId::new("notes").unwrap(),
            name: "My \"notes\"".to_owned(),
            version: Some("1.2".to_owned()),
            command: vec!["/usr/bin/python3".to_owned(), "/a b/n.py".to_owned()],
            is_sandboxed: true,
            allow: vec!["/home/anna/Notes".into()],
            allow_read: Vec::new(),
            has_sockets: false,
            limits: Limits::default(),
            is_legacy: false,
            form:
                r#"{"type":"object","properties":{"folder":{"type":"string","format":"folder"}}}"#
                    .to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(dir.path()).0, []);
        notes().write(dir.path()).unwrap();
        let (read, errors) = load(dir.path());
        assert_eq!(read, [notes()]);
        assert!(errors.is_empty());
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(dir.path().join(FOLDER)), 0o700);
        assert_eq!(mode(Manifest::path(dir.path(), &notes().id)), 0o600);
        Manifest::remove(dir.path(), &notes().id).unwrap();
        assert_eq!(load(dir.path()).0, []);
    }

    #[test]
    fn what_others_can_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        notes().write(dir.path()).unwrap();
        let path = Manifest::path(dir.path(), &notes().id);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
        let (read, errors) = load(dir.path());
        assert_eq!(read, []);
        assert!(errors[0].detail.contains("others can write it"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let folder = dir.path().join(FOLDER);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(load(dir.path()).0, []);
    }

    #[track_caller]
    fn check_refused(from: &str, to: &str, expected: &str) {
        let text = notes().text();
        assert!(text.contains(from), "{text}");
        let error = Manifest::parse(&text.replace(from, to)).unwrap_err();
        assert_eq!(error, expected);
    }

    #[test]
    fn mistakes_are_said() {
        check_refused(
            "version = 1\n",
            "version = 2\n",
            "it was written by another version of syncmgr",
        );
        check_refused(
            "\"notes\"\n",
            "\"No\"\n",
            "`No` is not an id: 1 to 63 lower-case letters, digits, `-`, `_` or `.`, beginning with a letter or digit",
        );
        check_refused(
            "/usr/bin/python3",
            "python3",
            "`command` does not begin with the whole path of a program",
        );
        check_refused(
            "sandbox = true",
            "sandbox = 1",
            "`sandbox` has a value that does not fit",
        );
        check_refused(
            "allow-sockets = false",
            "allow-sockets = 0",
            "`allow-sockets` has a value that does not fit",
        );
        check_refused("processes", "procesess", "`procesess` is no key of it");
        check_refused(
            "legacy = false",
            "legacy = true",
            "a handler of the older family has a GUID as its id",
        );
    }

    #[test]
    fn a_lost_line_takes_no_walls_away() {
        let text = notes().text().replace("sandbox = true\n", "");
        let text = text.replace("allow-sockets = false\n", "");
        let read = Manifest::parse(&text).unwrap();
        assert!(read.is_sandboxed && !read.has_sockets);
    }
}
