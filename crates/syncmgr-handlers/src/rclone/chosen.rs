//! What a person chose for a run of rclone.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use syncmgr_model::escape::escape;
use syncmgr_model::item::{Item, SettingKind, SettingSpec};
use syncmgr_model::trouble::Trouble;
use syncmgr_sdk::Mask;

use crate::tool::settings::{bytes, optional, required, text, unusable};
use crate::tool::{Context, ENV, PROGRAM};

/// The settings of an item.
pub(super) const SPECS: &[SettingSpec] = &[
    required(
        "mode",
        SettingKind::Word(&["copy", "sync", "bisync"]),
        "copy adds and updates, sync also deletes in the target, bisync goes both ways",
    ),
    optional(
        "source",
        SettingKind::Text,
        "of copy and sync: a folder or REMOTE:FOLDER",
    ),
    optional(
        "target",
        SettingKind::Text,
        "of copy and sync: a folder or REMOTE:FOLDER",
    ),
    optional(
        "left",
        SettingKind::Text,
        "of bisync: a folder or REMOTE:FOLDER, its path1",
    ),
    optional(
        "right",
        SettingKind::Text,
        "of bisync: a folder or REMOTE:FOLDER, its path2",
    ),
    optional(
        "max_delete",
        SettingKind::Number,
        "most deletions without asking: files of sync (100), per cent of bisync (50)",
    ),
    optional(
        "keep_days",
        SettingKind::Number,
        "days that replaced and deleted files stay in .syncmgr-kept of a local folder (30)",
    ),
    optional(
        "exclude",
        SettingKind::List,
        "what to leave out, patterns of rclone",
    ),
    optional(
        "filters",
        SettingKind::Text,
        "file with filter rules: --filters-file of bisync, otherwise --filter-from",
    ),
    optional(
        "bandwidth",
        SettingKind::Bytes,
        "most bytes per second (no limit)",
    ),
    optional(
        "config",
        SettingKind::Text,
        "configuration file of rclone (its own default)",
    ),
    optional(
        "config_password",
        SettingKind::Secret,
        "password of an encrypted configuration file",
    ),
    optional(
        "workdir",
        SettingKind::Folder,
        "where bisync keeps its listings (its own default)",
    ),
    optional(
        "options",
        SettingKind::List,
        "further options of rclone, one text each",
    ),
    PROGRAM,
    ENV,
];

/// Most files deleted without asking by a one-way sync.
const MAX_DELETE: u64 = 100;
/// Most per cent of files deleted without asking by bisync; its own default.
const MAX_DELETE_PERCENT: u64 = 50;
/// Days that replaced and deleted files are kept.
const KEEP_DAYS: u64 = 30;

/// Options that would undo what this handler promises, or that it sets itself.
const REFUSED: &[&str] = &[
    "--dry-run",
    "--interactive",
    "--inplace",
    "--delete-",
    "--max-delete",
    "--backup-dir",
    "--suffix",
    "--resync",
    "--resilient",
    "--recover",
    "--max-lock",
    "--force",
    "--conflict-",
    "--workdir",
    "--remove-empty-dirs",
    "--use-json-log",
    "--log-",
    "--stats",
    "--progress",
    "--quiet",
    "--color",
    "--syslog",
    "--rc",
    "--password-command",
    "--ask-password",
    "--ignore-errors",
    "--ignore-existing",
    "--verbose",
    "--config",
    "--error-on-no-transfer",
];

/// Which way files go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Copy,
    Sync,
    Bisync,
}

/// One end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A folder of this machine, absolute.
    Local(PathBuf),
    /// On a remote, as rclone writes it.
    Remote(String),
}

impl Place {
    fn read(ctx: &Context, item: &Item, key: &str) -> Result<Self, Trouble> {
        let text = text(item, key)?;
        if text.starts_with('-') {
            return Err(unusable(key, text, "it begins with `-`"));
        }
        let path = ctx.place(text);
        if path.is_absolute() {
            return Ok(Self::Local(tidy(&path)));
        }
        match text.split_once(':') {
            // `remote:path`, `:backend,option=value:path` and `remote,option=value:path`.
            Some((name, _)) if !name.contains('/') => Ok(Self::Remote(text.to_owned())),
            _ => Err(unusable(
                key,
                text,
                "it is neither a whole path nor REMOTE:FOLDER",
            )),
        }
    }

    /// Returns it for people.
    pub(super) fn shown(&self, ctx: &Context) -> String {
        match self {
            Self::Local(path) => ctx.shown(path),
            Self::Remote(text) => crate::tool::redact(&escape(text.as_bytes()), &Mask::default()),
        }
    }

    /// Returns the folder, if it is one of this machine.
    pub(super) fn local(&self) -> Option<&Path> {
        match self {
            Self::Local(path) => Some(path),
            Self::Remote(_) => None,
        }
    }

    /// Returns it as an argument. With the slash, it is a folder and never a file of that name.
    pub(super) fn argument(&self) -> OsString {
        match self {
            Self::Local(path) => path.clone().into_os_string(),
            Self::Remote(text) if text.ends_with(':') || text.ends_with('/') => text.into(),
            Self::Remote(text) => format!("{text}/").into(),
        }
    }

    /// Returns something beneath it as an argument.
    pub(super) fn beneath(&self, path: &str) -> OsString {
        match self {
            Self::Local(folder) => folder.join(path).into_os_string(),
            Self::Remote(text) if text.ends_with(':') || text.ends_with('/') => {
                format!("{text}{path}").into()
            }
            Self::Remote(text) => format!("{text}/{path}").into(),
        }
    }
}

/// Takes `/` at the end and doubled ones away.
fn tidy(path: &Path) -> PathBuf {
    path.components().collect()
}

/// The settings, read.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) mode: Mode,
    /// Where files come from; of bisync, its path1.
    pub(super) from: Place,
    /// Where files go to; of bisync, its path2.
    pub(super) to: Place,
    pub(super) max_delete: u64,
    pub(super) keep_days: u64,
    pub(super) exclude: Vec<String>,
    pub(super) filters: Option<PathBuf>,
    pub(super) bandwidth: Option<u64>,
    pub(super) config: Option<PathBuf>,
    pub(super) workdir: Option<PathBuf>,
    pub(super) options: Vec<String>,
}

impl Chosen {
    pub(super) fn read(ctx: &Context, item: &Item) -> Result<Self, Trouble> {
        let settings = &item.settings;
        let mode = match text(item, "mode")? {
            "copy" => Mode::Copy,
            "sync" => Mode::Sync,
            "bisync" => Mode::Bisync,
            other => {
                return Err(unusable(
                    "mode",
                    other,
                    "it is none of copy, sync and bisync",
                ));
            }
        };
        let keys = match mode {
            Mode::Copy | Mode::Sync => ["source", "target"],
            Mode::Bisync => ["left", "right"],
        };
        let from = Place::read(ctx, item, keys[0])?;
        let to = Place::read(ctx, item, keys[1])?;
        if let (Some(one), Some(other)) = (from.local(), to.local())
            && (one.starts_with(other) || other.starts_with(one))
        {
            let why = "one of the two folders is, or is inside, the other";
            return Err(unusable(keys[1], &ctx.shown(other), why));
        }
        let options = settings.list("options").to_vec();
        for option in &options {
            allowed(option).map_err(|why| unusable("options", option, why))?;
        }
        let max_delete = settings.number("max_delete");
        if let (Mode::Bisync, Some(percent @ 101..)) = (mode, max_delete) {
            let why = "it is more than 100 per cent";
            return Err(unusable("max_delete", &percent.to_string(), why));
        }
        let file = |key| -> Result<Option<PathBuf>, Trouble> {
            let Some(text) = settings.text(key) else {
                return Ok(None);
            };
            let path = ctx.place(text);
            if path.is_absolute() {
                Ok(Some(path))
            } else {
                Err(unusable(key, text, "it is not a whole path"))
            }
        };
        Ok(Self {
            mode,
            from,
            to,
            max_delete: max_delete.unwrap_or(match mode {
                Mode::Copy | Mode::Sync => MAX_DELETE,
                Mode::Bisync => MAX_DELETE_PERCENT,
            }),
            keep_days: settings.number("keep_days").unwrap_or(KEEP_DAYS),
            exclude: settings.list("exclude").to_vec(),
            filters: file("filters")?,
            bandwidth: bytes(item, "bandwidth")?.filter(|&n| n > 0),
            config: file("config")?,
            workdir: file("workdir")?,
            options,
        })
    }

    pub(super) fn both(&self) -> [&Place; 2] {
        [&self.from, &self.to]
    }
}

/// Says why an option cannot be taken over, if it cannot.
fn allowed(option: &str) -> Result<(), &'static str> {
    let name = option.split('=').next().unwrap_or(option);
    if !name.starts_with("--") || name.len() < 3 {
        return Err("it is no long option: each begins with `--`, and has its value after a `=`");
    }
    if REFUSED.iter().any(|it| name.starts_with(it)) {
        return Err("syncmgr sets this itself, or it could lose files");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_could_lose_files_are_refused() {
        for bad in [
            "--resync",
            "--inplace",
            "--force",
            "-n",
            "--dry-run",
            "--",
            "x",
            "--max-delete=1",
        ] {
            assert!(allowed(bad).is_err(), "{bad}");
        }
        for good in [
            "--transfers=8",
            "--fast-list",
            "--checksum",
            "--drive-shared-with-me",
        ] {
            assert_eq!(allowed(good), Ok(()), "{good}");
        }
    }
}
