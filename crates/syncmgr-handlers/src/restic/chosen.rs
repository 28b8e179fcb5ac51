//! What a person chose for restic.

use std::path::PathBuf;

use syncmgr_model::escape::escape;
use syncmgr_model::item::{Item, SettingKind, SettingSpec};
use syncmgr_model::trouble::Trouble;
use syncmgr_sdk::Mask;

use crate::tool::settings::{YES_NO, bytes, is_yes, optional, required, text, unusable};
use crate::tool::{Context, ENV, PROGRAM};

/// The settings of an item.
pub(super) const SPECS: &[SettingSpec] = &[
    required(
        "repository",
        SettingKind::Text,
        "where the backups lie: a folder, or as restic writes it (rest:, sftp:, s3: ...)",
    ),
    optional(
        "mode",
        SettingKind::Word(&["backup", "check"]),
        "make a backup, or check the repository (backup)",
    ),
    optional("folders", SettingKind::List, "what is backed up"),
    optional(
        "exclude",
        SettingKind::List,
        "what to leave out, patterns of restic",
    ),
    optional(
        "password",
        SettingKind::Secret,
        "password of the repository",
    ),
    optional(
        "password_file",
        SettingKind::Text,
        "file with the password, in place of `password`",
    ),
    optional("tags", SettingKind::List, "tags of the snapshots"),
    optional(
        "keep_last",
        SettingKind::Number,
        "after a backup, forget all but so many of these snapshots (forgets none)",
    ),
    optional(
        "keep_daily",
        SettingKind::Number,
        "keep the last snapshot of so many days (forgets none)",
    ),
    optional(
        "keep_weekly",
        SettingKind::Number,
        "keep the last snapshot of so many weeks (forgets none)",
    ),
    optional(
        "keep_monthly",
        SettingKind::Number,
        "keep the last snapshot of so many months (forgets none)",
    ),
    optional(
        "prune",
        YES_NO,
        "free the space of forgotten snapshots (no)",
    ),
    optional(
        "check_data",
        SettingKind::Text,
        "how much of the data a check reads, as 5% or 100M (none)",
    ),
    optional(
        "bandwidth",
        SettingKind::Bytes,
        "most bytes sent per second (no limit)",
    ),
    optional(
        "options",
        SettingKind::List,
        "further options of restic, one text each",
    ),
    PROGRAM,
    ENV,
];

/// Options that this handler sets itself, or that would show or lose something.
const REFUSED: &[&str] = &[
    "--repo",
    "--repository-file",
    "--password-",
    "--insecure-no-password",
    "--json",
    "--quiet",
    "--verbose",
    "--dry-run",
    "--stdin",
    "--no-lock",
    "--remove-",
    "--group-by",
    "--host",
    "--keep-",
    "--prune",
];

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Backup,
    Check,
}

/// Which snapshots stay: a flag of restic and its number.
pub(super) type Keep = (&'static str, u64);

/// The settings, read.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) mode: Mode,
    /// As restic reads it.
    pub(super) repository: String,
    /// The folder of a repository of this machine.
    pub(super) local: Option<PathBuf>,
    pub(super) folders: Vec<PathBuf>,
    pub(super) exclude: Vec<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) tags: Vec<String>,
    pub(super) keep: Vec<Keep>,
    pub(super) prunes: bool,
    pub(super) check_data: Option<String>,
    pub(super) bandwidth: Option<u64>,
    pub(super) options: Vec<String>,
}

impl Chosen {
    pub(super) fn read(ctx: &Context, item: &Item) -> Result<Self, Trouble> {
        let settings = &item.settings;
        let mode = match settings.text("mode").unwrap_or("backup") {
            "backup" => Mode::Backup,
            "check" => Mode::Check,
            other => return Err(unusable("mode", other, "it is neither backup nor check")),
        };
        let text = text(item, "repository")?;
        let path = ctx.place(text);
        let is_scheme = text.split_once(':').is_some_and(|(scheme, _)| {
            scheme.bytes().all(|b| b.is_ascii_alphanumeric()) && !scheme.is_empty()
        });
        let local = path.is_absolute().then_some(path);
        let repository = match &local {
            Some(path) => path
                .to_str()
                .ok_or_else(|| unusable("repository", text, "it is no text that restic can read"))?
                .to_owned(),
            None if is_scheme && !text.contains(['\n', '\r']) => text.to_owned(),
            None => {
                let why = "it is neither a whole path nor one as rest:http://HOST/";
                return Err(unusable("repository", text, why));
            }
        };
        let folders: Vec<PathBuf> = settings
            .list("folders")
            .iter()
            .map(|it| ctx.place(it))
            .collect();
        for (folder, text) in folders.iter().zip(settings.list("folders")) {
            if !folder.is_absolute() {
                return Err(unusable("folders", text, "it is not a whole path"));
            }
        }
        if mode == Mode::Backup && folders.is_empty() {
            return Err(unusable("folders", "", "a backup needs at least one"));
        }
        let password_file = settings
            .text("password_file")
            .map(|text| (text, ctx.place(text)));
        if let Some((text, _)) = password_file
            .as_ref()
            .filter(|(_, path)| !path.is_absolute())
        {
            return Err(unusable("password_file", text, "it is not a whole path"));
        }
        let options = settings.list("options").to_vec();
        for option in &options {
            allowed(option).map_err(|why| unusable("options", option, why))?;
        }
        let check_data = settings.text("check_data").map(str::to_owned);
        if let Some(text) = check_data.as_ref().filter(|text| !is_part(text)) {
            return Err(unusable(
                "check_data",
                text,
                "it is no part, as 5%, 1/10 or 100M",
            ));
        }
        let keep = [
            ("--keep-last", "keep_last"),
            ("--keep-daily", "keep_daily"),
            ("--keep-weekly", "keep_weekly"),
            ("--keep-monthly", "keep_monthly"),
        ];
        let keep = keep
            .into_iter()
            .filter_map(|(flag, key)| Some((flag, settings.number(key).filter(|&n| n > 0)?)))
            .collect();
        Ok(Self {
            mode,
            repository,
            local,
            folders,
            exclude: settings.list("exclude").to_vec(),
            password_file: password_file.map(|(_, path)| path),
            tags: settings.list("tags").to_vec(),
            keep,
            prunes: is_yes(item, "prune"),
            check_data,
            bandwidth: bytes(item, "bandwidth")?.filter(|&n| n > 0),
            options,
        })
    }

    /// Returns the repository for people.
    pub(super) fn shown(&self, ctx: &Context) -> String {
        match &self.local {
            Some(path) => ctx.shown(path),
            None => crate::tool::redact(&escape(self.repository.as_bytes()), &Mask::default()),
        }
    }
}

fn is_part(text: &str) -> bool {
    let is_number =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match text.split_once('/') {
        Some((part, all)) => is_number(part) && is_number(all),
        None => is_number(text.trim_end_matches(['%', 'K', 'M', 'G', 'T'])),
    }
}

/// Says why an option cannot be taken over, if it cannot.
fn allowed(option: &str) -> Result<(), &'static str> {
    let name = option.split('=').next().unwrap_or(option);
    if !name.starts_with("--") || name.len() < 3 {
        return Err("it is no long option: each begins with `--`, and has its value after a `=`");
    }
    if REFUSED.iter().any(|it| name.starts_with(it)) {
        return Err("syncmgr sets this itself, or it could lose something");
    }
    Ok(())
}
