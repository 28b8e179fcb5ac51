//! Finds what rclone is set up for: remotes in its configuration, and pairs that bisync has synced.
//! Reads files only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syncmgr_model::escape::escape;
use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Found, Settings, Value};
use syncmgr_model::trouble::{Code, Trouble};

use super::state::{canonical_name, default_dir};
use crate::tool::Context;

/// Largest configuration that is read.
const CONFIG_MAX: u64 = 4 << 20;

/// Most folders that are looked into to find which one a listing is about.
const LOOKS_MAX: usize = 20_000;

/// What an encrypted configuration begins with.
const ENCRYPTED: &str = "RCLONE_ENCRYPT_V";

pub(super) fn discover(ctx: &Context) -> Result<Vec<Found>, Trouble> {
    let mut found = Vec::new();
    let Some(file) = config_file(ctx) else {
        return Ok(found);
    };
    let config = read_config(ctx, &file)?;
    let remotes = match &config {
        Some(Config::Plain(remotes)) => remotes.as_slice(),
        Some(Config::Encrypted) | None => &[],
    };
    let is_encrypted = matches!(config, Some(Config::Encrypted));
    let names: BTreeSet<&str> = remotes.iter().map(|remote| remote.name.as_str()).collect();
    found.extend(pairs(ctx, &names, is_encrypted));
    for remote in remotes {
        found.push(of_remote(ctx, &file, remote));
    }
    Ok(found)
}

/// Returns the configuration file of rclone, in the order in which it looks itself.
pub(super) fn config_file(ctx: &Context) -> Option<PathBuf> {
    let first = ctx.config_dir().map(|dir| dir.join("rclone/rclone.conf"));
    let second = ctx.home().map(|home| home.join(".rclone.conf"));
    [first.clone(), second]
        .into_iter()
        .flatten()
        .find(|file| file.is_file())
        .or(first)
}

/// A remote of a configuration.
pub(super) struct Remote {
    pub(super) name: String,
    /// What stands in its section. Some of it may be secret.
    pub(super) settings: BTreeMap<String, String>,
}

/// A configuration of rclone.
pub(super) enum Config {
    Plain(Vec<Remote>),
    Encrypted,
}

pub(super) fn read_config(ctx: &Context, file: &Path) -> Result<Option<Config>, Trouble> {
    let unreadable = |detail: String| {
        Trouble::new(Code::ToolFailed)
            .with("tool", "rclone")
            .with(
                "detail",
                format!("{} cannot be read ({detail})", ctx.shown(file)),
            )
            .with("advice", "check the file and its permissions")
    };
    let meta = match fs::metadata(file) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unreadable(e.to_string())),
    };
    if meta.len() > CONFIG_MAX {
        return Err(unreadable("it is too large".to_owned()));
    }
    let text = fs::read(file).map_err(|e| unreadable(e.to_string()))?;
    let text = String::from_utf8_lossy(&text);
    if text.contains(ENCRYPTED) {
        return Ok(Some(Config::Encrypted));
    }
    let mut remotes: Vec<Remote> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            remotes.push(Remote {
                name: name.to_owned(),
                settings: BTreeMap::new(),
            });
        } else if let (Some((key, value)), Some(last)) = (line.split_once('='), remotes.last_mut())
        {
            let value = value.trim().to_owned();
            last.settings.insert(key.trim().to_owned(), value);
        }
    }
    Ok(Some(Config::Plain(remotes)))
}

/// A remote is no sync yet: what it would be is a person's to say. A copy of it is the harmless
/// beginning.
fn of_remote(ctx: &Context, file: &Path, remote: &Remote) -> Found {
    let mut settings = Settings::default();
    settings.set("mode", Value::Text("copy".to_owned()));
    settings.set("source", Value::Text(format!("{}:", remote.name)));
    settings.set("target", Value::Text(format!("~/{}", remote.name)));
    let shown = escape(remote.name.as_bytes());
    Found {
        handler: handler(),
        name: as_name(&remote.name),
        settings,
        summary: format!("{shown}: -> ~/{shown}"),
        origin: ctx.shown(file),
        schedule: None,
        remarks: vec![
            format!(
                "A remote of the kind {}; which of its folders is synced, and with what, is yours to choose.",
                escape(
                    remote
                        .settings
                        .get("type")
                        .map_or("", String::as_str)
                        .as_bytes()
                )
            ),
            format!("The folder ~/{shown} has to be there before the first run."),
        ],
    }
}

/// Says whether something that was found is a remote with which nobody has synced anything yet.
pub(crate) fn is_plain_remote(found: &Found) -> bool {
    let source = found.settings.text("source").unwrap_or_default();
    let is_copy = found.settings.text("mode") == Some("copy");
    let is_whole = source.find(':') == source.len().checked_sub(1);
    found.handler == handler() && is_copy && is_whole && !source.is_empty()
}

fn handler() -> HandlerId {
    HandlerId::new("rclone").expect("the id of this handler is valid")
}

/// Makes a name for a sync.
fn as_name(text: &str) -> String {
    let name: String = text
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let name = name.trim_matches('-').to_lowercase();
    if name.is_empty() {
        "rclone".to_owned()
    } else {
        name.chars().take(40).collect()
    }
}

/// Finds pairs by the listings that bisync left.
fn pairs(ctx: &Context, remotes: &BTreeSet<&str>, is_encrypted: bool) -> Vec<Found> {
    let Some(dir) = default_dir(ctx) else {
        return Vec::new();
    };
    let Ok(entries) = fs::read_dir(&dir) else {
        return Vec::new();
    };
    let mut names: BTreeSet<String> = BTreeSet::new();
    for entry in entries.flatten() {
        let Ok(file) = entry.file_name().into_string() else {
            continue;
        };
        for end in [".path1.lst", ".path1.lst-err"] {
            if let Some(name) = file.strip_suffix(end) {
                names.insert(name.to_owned());
            }
        }
    }
    let mut found = Vec::new();
    for name in names {
        let Some((left, right)) = name.split_once("..") else {
            continue;
        };
        let left = side(remotes, left);
        let right = side(remotes, right);
        let mut settings = Settings::default();
        settings.set("mode", Value::Text("bisync".to_owned()));
        settings.set("left", Value::Text(left.text.clone()));
        settings.set("right", Value::Text(right.text.clone()));
        let mut remarks: Vec<String> = [&left, &right]
            .into_iter()
            .filter_map(|side| side.remark.clone())
            .collect();
        if is_encrypted {
            remarks.push(
                "The configuration of rclone is encrypted: set `config_password` with `syncmgr secret set`."
                    .to_owned(),
            );
        }
        if !dir.join(format!("{name}.path1.lst")).is_file() {
            remarks.push(
                "Its last run broke off; the first run here shows how it is repaired.".to_owned(),
            );
        }
        remarks.push(
            "Take its line out of your crontab or timer, so that it does not run twice.".to_owned(),
        );
        let shown = |side: &Guess| match ctx.home() {
            Some(_) if side.text.starts_with('/') => ctx.shown(Path::new(&side.text)),
            _ => escape(side.text.as_bytes()),
        };
        found.push(Found {
            handler: handler(),
            name: as_name(
                right
                    .text
                    .trim_matches('/')
                    .rsplit(['/', ':'])
                    .find(|it| !it.is_empty())
                    .unwrap_or("bisync"),
            ),
            settings,
            summary: format!("{} <-> {}", shown(&left), shown(&right)),
            origin: ctx.shown(&dir.join(&name)),
            schedule: None,
            remarks,
        });
    }
    found
}

/// One side of a pair, found again from the name of its listing.
struct Guess {
    text: String,
    remark: Option<String>,
}

/// In the name of a listing, `/`, `:` and spaces are all `_`. A local folder is found by looking
/// which one is there; a remote by its name.
fn side(remotes: &BTreeSet<&str>, name: &str) -> Guess {
    let remote = remotes
        .iter()
        .filter_map(|remote| {
            let rest = name.strip_prefix(&canonical_name(remote))?;
            rest.strip_prefix('_').map(|rest| (*remote, rest))
        })
        .max_by_key(|(remote, _)| remote.len());
    if let Some((remote, rest)) = remote {
        let text = format!("{remote}:{rest}");
        let remark = rest.contains('_').then(|| {
            format!(
                "`{}` may be spelled differently: bisync writes `_` for `/` and spaces.",
                escape(text.as_bytes())
            )
        });
        return Guess { text, remark };
    }
    let mut n_looks = 0;
    if let Some(path) = folder(Path::new("/"), name, &mut n_looks)
        && let Some(text) = path.to_str()
    {
        return Guess {
            text: text.to_owned(),
            remark: None,
        };
    }
    let text = format!("/{}", name.replace('_', "/"));
    let remark = format!(
        "No folder or remote was found for `{}`; write what it stands for.",
        escape(name.as_bytes())
    );
    Guess {
        text,
        remark: Some(remark),
    }
}

/// Finds the folder whose path becomes this name.
fn folder(dir: &Path, name: &str, n_looks: &mut usize) -> Option<PathBuf> {
    *n_looks += 1;
    if *n_looks > LOOKS_MAX {
        return None;
    }
    for entry in fs::read_dir(dir).ok()?.flatten() {
        let file = entry.file_name();
        let Some(rest) = file
            .to_str()
            .and_then(|it| name.strip_prefix(&canonical_name(it)))
        else {
            continue;
        };
        let path = entry.path();
        if rest.is_empty() && path.is_dir() {
            return Some(path);
        }
        if let Some(rest) = rest.strip_prefix('_')
            && path.is_dir()
            && let Some(found) = folder(&path, rest, n_looks)
        {
            return Some(found);
        }
    }
    None
}
