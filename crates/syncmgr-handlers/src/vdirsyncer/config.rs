//! Reads the configuration of vdirsyncer: its pairs and the storages they connect. A copy with
//! another way to decide conflicts can be made; passwords are passed along in it and looked at
//! nowhere.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What is known of a configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Config {
    text: String,
    /// The pairs, in the order of the file.
    pub(super) pairs: Vec<Pair>,
    storages: BTreeMap<String, Section>,
    general: Section,
}

/// A pair: two storages whose collections are kept equal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair {
    /// Its name: letters, digits and `_`.
    pub(super) name: String,
    /// The name of one storage.
    pub(super) a: String,
    /// The name of the other one.
    pub(super) b: String,
    /// What happens to conflicts.
    pub(super) rule: Rule,
    section: Section,
}

/// What happens to conflicts of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    /// They wait for a person.
    Ask,
    /// The item of this storage replaces the other one.
    Wins(String),
    /// A command of the person decides.
    Command,
}

/// One section with its options.
#[derive(Debug, Clone, PartialEq, Default)]
struct Section {
    /// Where it begins and ends in the text.
    at: Range<usize>,
    /// Its options: where each stands, and its value.
    options: BTreeMap<String, (Range<usize>, Value)>,
}

impl Section {
    fn text(&self, key: &str) -> Option<&str> {
        self.options.get(key)?.1.as_str()
    }
}

/// A configuration that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {detail}")]
pub(super) struct Unreadable {
    line: usize,
    detail: String,
}

impl Config {
    /// Reads the text of a configuration.
    ///
    /// # Errors
    /// A value is no JSON, which vdirsyncer would not read either.
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        let mut config = Self {
            text: text.to_owned(),
            ..Self::default()
        };
        for (title, section) in sections(text)? {
            match title.split_once(' ') {
                Some(("pair", name)) => config.pairs.extend(pair(name.trim(), section)),
                Some(("storage", name)) => {
                    config.storages.insert(name.trim().to_owned(), section);
                }
                None if title == "general" => config.general = section,
                Some(_) | None => {}
            }
        }
        Ok(config)
    }

    /// Finds a pair.
    pub(super) fn pair(&self, name: &str) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.name == name)
    }

    /// Returns the folder or file of a storage that lies on this machine.
    pub(super) fn local(&self, storage: &str, home: Option<&Path>) -> Option<PathBuf> {
        let section = self.storages.get(storage)?;
        matches!(section.text("type")?, "filesystem" | "singlefile")
            .then(|| expand(section.text("path")?, home))
            .flatten()
    }

    /// Returns how the files of a storage end, when it is a folder.
    pub(super) fn extension(&self, storage: &str) -> Option<&str> {
        self.storages.get(storage)?.text("fileext")
    }

    /// Returns what a storage is called when people see it: a path, or an address without what
    /// signs in.
    pub(super) fn place(&self, storage: &str) -> String {
        let Some(section) = self.storages.get(storage) else {
            return storage.to_owned();
        };
        let url = section.text("url").map(|url| {
            let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
            let host = rest.split(['/', '?']).next().unwrap_or(rest);
            host.rsplit('@').next().unwrap_or(host).to_owned()
        });
        let user = section.text("username");
        match (section.text("path"), url, user, section.text("type")) {
            (Some(path), ..) => path.to_owned(),
            (None, Some(host), Some(user), _) => format!("{user}@{host}"),
            (None, Some(host), None, _) => host,
            (None, None, _, Some(kind)) if kind.starts_with("google") => "Google".to_owned(),
            (None, None, _, _) => storage.to_owned(),
        }
    }

    /// Returns the folder in which vdirsyncer remembers what both sides last agreed on.
    pub(super) fn status_path(&self, file: &Path, home: Option<&Path>) -> Option<PathBuf> {
        let path = expand_home(self.general.text("status_path")?, home);
        Some(file.parent()?.join(path))
    }

    /// Returns the text with other answers to conflicts of these pairs; the status stays the one
    /// it is, also when the text is read from elsewhere than `file`.
    pub(super) fn with_resolution(
        &self,
        pairs: &[&str],
        resolution: &Value,
        file: &Path,
        home: Option<&Path>,
    ) -> Option<String> {
        let status = self.status_path(file, home)?;
        let status = Value::from(status.to_str()?);
        let mut edits = vec![self.edit(&self.general, "status_path", &status)];
        for pair in self
            .pairs
            .iter()
            .filter(|it| pairs.contains(&it.name.as_str()))
        {
            edits.push(self.edit(&pair.section, "conflict_resolution", resolution));
        }
        edits.sort_by_key(|(at, _)| at.start);
        let mut out = String::new();
        let mut from = 0;
        for (at, text) in edits {
            out.push_str(&self.text[from..at.start]);
            out.push_str(&text);
            from = at.end;
        }
        out.push_str(&self.text[from..]);
        Some(out)
    }

    /// Returns a configuration of one pair that copies a collection of a storage into an empty
    /// folder, and can write nowhere else.
    pub(super) fn copying(&self, from: &Copying<'_>) -> Option<String> {
        let section = self.storages.get(from.storage)?;
        let mut body = self.text[section.at.clone()].trim_end().to_owned();
        if let Some((at, _)) = section.options.get("read_only") {
            let start = at.start - section.at.start;
            body.replace_range(start..at.end - section.at.start, "");
        }
        let json = |text: &str| Value::from(text).to_string();
        let collections = match from.collection {
            Some(name) => format!("[[{COPY:?}, {}, {COPY:?}]]", json(name)),
            None => "null".to_owned(),
        };
        Some(format!(
            "[general]\nstatus_path = {}\n\n[pair kept]\na = {}\nb = \"kept_copy\"\ncollections = {collections}\n\n{body}\nread_only = true\n\n[storage kept_copy]\ntype = \"filesystem\"\npath = {}\nfileext = {}\n",
            json(from.status.to_str()?),
            json(from.storage),
            json(from.folder.to_str()?),
            json(from.extension),
        ))
    }

    fn edit(&self, section: &Section, key: &str, value: &Value) -> (Range<usize>, String) {
        match section.options.get(key) {
            Some((at, _)) => (at.clone(), format!("{key} = {value}\n")),
            None => {
                let body = &self.text[section.at.clone()];
                let end = section.at.start + body.trim_end().len();
                (end..end, format!("\n{key} = {value}\n"))
            }
        }
    }
}

/// What the collection of a copy is called.
pub(super) const COPY: &str = "copy";

/// What [`Config::copying`] copies, and where to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Copying<'a> {
    /// The storage that is read.
    pub(super) storage: &'a str,
    /// What the storage calls the collection; none where a storage is one.
    pub(super) collection: Option<&'a str>,
    /// The folder for the copy.
    pub(super) folder: &'a Path,
    /// The folder for what is remembered meanwhile.
    pub(super) status: &'a Path,
    /// How the files of the copy end.
    pub(super) extension: &'a str,
}

fn pair(name: &str, section: Section) -> Option<Pair> {
    let rule = match section.options.get("conflict_resolution").map(|(_, it)| it) {
        None | Some(Value::Null) => Rule::Ask,
        Some(Value::String(text)) => match text.as_str() {
            "a wins" => Rule::Wins(section.text("a")?.to_owned()),
            _ => Rule::Wins(section.text("b")?.to_owned()),
        },
        Some(_) => Rule::Command,
    };
    Some(Pair {
        name: name.to_owned(),
        a: section.text("a")?.to_owned(),
        b: section.text("b")?.to_owned(),
        rule,
        section,
    })
}

/// Takes the text apart as Python's `RawConfigParser` does: a line that is indented continues the
/// value before it.
fn sections(text: &str) -> Result<Vec<(String, Section)>, Unreadable> {
    let mut out: Vec<(String, Section)> = Vec::new();
    // The option that is being read: its key, where it stands, its value so far, its line.
    let mut open: Option<(String, Range<usize>, String, usize)> = None;
    let mut start = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let at = start..start + line.len();
        start = at.end;
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if let Some((_, range, value, _)) = &mut open
            && line.starts_with(char::is_whitespace)
        {
            value.push('\n');
            value.push_str(bare);
            range.end = at.end;
            continue;
        }
        close(&mut out, open.take())?;
        if let Some(title) = bare.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            if let Some((_, last)) = out.last_mut() {
                last.at.end = at.start;
            }
            let section = Section {
                at: at.start..text.len(),
                ..Section::default()
            };
            out.push((title.to_owned(), section));
        } else if let Some((key, value)) = bare.split_once(['=', ':']) {
            let key = key.trim().to_ascii_lowercase();
            open = Some((key, at, value.trim().to_owned(), number + 1));
        }
    }
    close(&mut out, open)?;
    Ok(out)
}

fn close(
    out: &mut [(String, Section)],
    open: Option<(String, Range<usize>, String, usize)>,
) -> Result<(), Unreadable> {
    let (Some((key, at, value, line)), Some((_, section))) = (open, out.last_mut()) else {
        return Ok(());
    };
    let value = serde_json::from_str(&value).map_err(|_| Unreadable {
        line,
        // The value may be a password, so it is not repeated.
        detail: format!("the value of `{key}` is no JSON"),
    })?;
    section.options.insert(key, (at, value));
    Ok(())
}

fn expand(text: &str, home: Option<&Path>) -> Option<PathBuf> {
    let path = expand_home(text, home);
    path.is_absolute().then_some(path)
}

fn expand_home(text: &str, home: Option<&Path>) -> PathBuf {
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        (_, _) => PathBuf::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# mine
[general]
status_path = "~/.vdirsyncer/status/"

[pair cal]
a = "local"
b = "remote"
collections = ["from a",
  "from b"]
conflict_resolution = null
metadata = ["color"]

[storage local]
type = "filesystem"
path = "~/cal/"
fileext = ".ics"

[storage remote]
type = "caldav"
url = "https://x:y@dav.example.org:8080/dav"
username = "anna"
password.fetch = ["command", "pass", "show"]

[pair book]
a: "local"
b: "remote"
collections = null
conflict_resolution = "b wins"
"#;

    const FILE: &str = "/home/anna/.config/vdirsyncer/config";

    fn home() -> Option<&'static Path> {
        Some(Path::new("/home/anna"))
    }

    #[test]
    fn pairs_know_their_storages() {
        let config = Config::read(TEXT).unwrap();
        let cal = config.pair("cal").unwrap();
        assert_eq!(cal.rule, Rule::Ask);
        assert_eq!(
            config.local(&cal.a, home()),
            Some(PathBuf::from("/home/anna/cal/"))
        );
        assert_eq!(config.local(&cal.b, home()), None);
        assert_eq!(config.place("remote"), "anna@dav.example.org:8080");
        let book = config.pair("book").unwrap();
        assert_eq!(book.rule, Rule::Wins("remote".to_owned()));
    }

    #[test]
    fn another_answer_changes_nothing_else() {
        let config = Config::read(TEXT).unwrap();
        let answer = Value::from(vec!["command", "x"]);
        let text = config
            .with_resolution(&["cal"], &answer, Path::new(FILE), home())
            .unwrap();
        let expected = TEXT
            .replace(
                "conflict_resolution = null",
                r#"conflict_resolution = ["command","x"]"#,
            )
            .replace("~/.vdirsyncer", "/home/anna/.vdirsyncer");
        assert_eq!(text, expected);
        let without = TEXT.replace("conflict_resolution = null\n", "");
        let added = Config::read(&without).unwrap();
        let added = added
            .with_resolution(&["cal"], &answer, Path::new(FILE), home())
            .unwrap();
        let added = Config::read(&added).unwrap();
        assert_eq!(added.pair("cal").unwrap().rule, Rule::Command);
        assert_eq!(
            added.pair("book").unwrap().rule,
            Rule::Wins("remote".to_owned())
        );
    }

    #[test]
    fn a_copy_can_only_read() {
        let config = Config::read(TEXT).unwrap();
        let copying = Copying {
            storage: "remote",
            collection: Some("work"),
            folder: Path::new("/s/kept"),
            status: Path::new("/s/status"),
            extension: ".ics",
        };
        let text = config.copying(&copying).unwrap();
        let read = Config::read(&text).unwrap();
        assert_eq!(read.pairs.len(), 1);
        let remote = &read.storages["remote"];
        assert_eq!(remote.options["read_only"].1, Value::from(true));
        assert_eq!(remote.text("username"), Some("anna"));
        assert_eq!(
            read.local("kept_copy", None),
            Some(PathBuf::from("/s/kept"))
        );
    }

    #[test]
    fn a_mistake_is_named_without_the_value() {
        let fault = Config::read("[storage a]\npassword = geheim\n").unwrap_err();
        assert_eq!(
            fault.to_string(),
            "line 2: the value of `password` is no JSON"
        );
    }
}
