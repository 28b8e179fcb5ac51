//! What a person chose for a run of rsync.

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
        "source",
        SettingKind::Text,
        "what is copied: a folder, HOST:FOLDER or rsync://HOST/MODULE",
    ),
    required(
        "target",
        SettingKind::Text,
        "where it is copied to: a folder, HOST:FOLDER or rsync://HOST/MODULE",
    ),
    optional(
        "delete",
        YES_NO,
        "also delete in the target what is not in the source (no)",
    ),
    optional(
        "max_delete",
        SettingKind::Number,
        "most files deleted without asking (100)",
    ),
    optional(
        "keep_days",
        SettingKind::Number,
        "days that replaced and deleted files stay in .syncmgr-kept of a local target (30)",
    ),
    optional(
        "exclude",
        SettingKind::List,
        "what to leave out, patterns of rsync",
    ),
    optional(
        "bandwidth",
        SettingKind::Bytes,
        "most bytes sent per second (no limit)",
    ),
    optional(
        "ssh",
        SettingKind::Text,
        "how to connect to a host (ssh -o BatchMode=yes -o ConnectTimeout=15)",
    ),
    optional(
        "options",
        SettingKind::List,
        "further options of rsync, one text each",
    ),
    PROGRAM,
    ENV,
];

/// Most files deleted without asking, unless a person says otherwise: what one tidies up by hand is
/// below it, a folder that vanished is not.
const MAX_DELETE: u64 = 100;

/// Days that replaced and deleted files are kept.
const KEEP_DAYS: u64 = 30;

/// Never asks anything: nobody sits there to answer.
const SSH: &str = "ssh -o BatchMode=yes -o ConnectTimeout=15";

/// Options that would undo what this handler promises, or that it sets itself.
const REFUSED: &[&str] = &[
    "--delete",
    "--del",
    "--remove-s",
    "--inplace",
    "--append",
    "--force",
    "--ignore-errors",
    "--max-delete",
    "--backup",
    "--suffix",
    "--dry-run",
    "--info",
    "--debug",
    "--out-format",
    "--log-f",
    "--stats",
    "--progress",
    "--outbuf",
    "--rsh",
    "--daemon",
    "--server",
    "--no-motd",
    "--quiet",
    "--write-batch",
    "--read-batch",
    "--only-write-batch",
    "--partial",
    "--prune",
];

/// Short options with the same effect.
const REFUSED_SHORT: &[char] = &['n', 'q', 'b', 'P', 'e', 'v', 'i'];

/// One end of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A folder of this machine, absolute.
    Local(PathBuf),
    /// Elsewhere, as rsync writes it.
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
            return Ok(Self::Local(path));
        }
        match text.split_once(':') {
            Some((host, _)) if !host.is_empty() && !host.contains('/') => {
                Ok(Self::Remote(text.to_owned()))
            }
            _ => Err(unusable(
                key,
                text,
                "it is neither a whole path nor HOST:FOLDER",
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
    pub(super) fn local(&self) -> Option<&PathBuf> {
        match self {
            Self::Local(path) => Some(path),
            Self::Remote(_) => None,
        }
    }

    /// Returns it as an argument: what is in the folder, not the folder itself.
    pub(super) fn argument(&self) -> std::ffi::OsString {
        let mut text = match self {
            Self::Local(path) => path.clone().into_os_string(),
            Self::Remote(text) => text.into(),
        };
        if !text.as_encoded_bytes().ends_with(b"/") && !text.as_encoded_bytes().ends_with(b":") {
            text.push("/");
        }
        text
    }
}

/// The settings, read.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) source: Place,
    pub(super) target: Place,
    pub(super) deletes: bool,
    pub(super) max_delete: u64,
    pub(super) keep_days: u64,
    pub(super) exclude: Vec<String>,
    pub(super) bandwidth: Option<u64>,
    ssh: Option<String>,
    pub(super) options: Vec<String>,
}

impl Chosen {
    pub(super) fn read(ctx: &Context, item: &Item) -> Result<Self, Trouble> {
        let settings = &item.settings;
        let source = Place::read(ctx, item, "source")?;
        let target = Place::read(ctx, item, "target")?;
        if let (Place::Remote(_), Place::Remote(text)) = (&source, &target) {
            let why = "rsync copies from or to this machine, not between two others";
            return Err(unusable("target", text, why));
        }
        if let (Some(from), Some(to)) = (source.local(), target.local()) {
            if from == to {
                return Err(unusable("target", &ctx.shown(to), "it is the source"));
            }
            if from.starts_with(to) || to.starts_with(from) {
                let why = "one of source and target is inside the other";
                return Err(unusable("target", &ctx.shown(to), why));
            }
        }
        let options = settings.list("options").to_vec();
        for option in &options {
            allowed(option).map_err(|why| unusable("options", option, why))?;
        }
        Ok(Self {
            source,
            target,
            deletes: is_yes(item, "delete"),
            max_delete: settings.number("max_delete").unwrap_or(MAX_DELETE),
            keep_days: settings.number("keep_days").unwrap_or(KEEP_DAYS),
            exclude: settings.list("exclude").to_vec(),
            bandwidth: bytes(item, "bandwidth")?.filter(|&n| n > 0),
            ssh: settings.text("ssh").map(str::to_owned),
            options,
        })
    }
}

impl Chosen {
    /// Returns how a host is connected to, when one is. A server of its own kind is connected to
    /// directly, unless a person said otherwise.
    pub(super) fn shell(&self) -> Option<&str> {
        let is_host = [&self.source, &self.target]
            .into_iter()
            .any(|place| match place {
                Place::Local(_) => false,
                Place::Remote(text) => !text.starts_with("rsync://") && !text.contains("::"),
            });
        self.ssh.as_deref().or_else(|| is_host.then_some(SSH))
    }
}

/// Says why an option cannot be taken over, if it cannot.
fn allowed(option: &str) -> Result<(), &'static str> {
    if let Some(long) = option.strip_prefix("--") {
        // rsync takes the beginning of a name for the whole one.
        let name = option.split('=').next().unwrap_or(option);
        let is_refused = |refused: &str| name.starts_with(refused) || refused.starts_with(name);
        if long.is_empty() || REFUSED.iter().any(|it| is_refused(it)) {
            return Err("syncmgr sets this itself, or it could lose files");
        }
        return Ok(());
    }
    match option.strip_prefix('-') {
        Some(letters) if !letters.is_empty() => {
            let letters = letters.split('=').next().unwrap_or(letters);
            if letters.chars().any(|c| REFUSED_SHORT.contains(&c)) {
                Err("syncmgr sets one of these itself, or it could lose files")
            } else {
                Ok(())
            }
        }
        _ => Err("it is no option: each begins with `-`, and has its value after a `=`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_could_lose_files_are_refused() {
        for bad in [
            "--delete-after",
            "--del",
            "--delet",
            "--remove-source-files",
            "--inplace",
            "--dry-run",
            "-n",
            "-avn",
            "-P",
            "--backup-dir=/x",
            "--",
            "/etc",
            "host:/x",
            "-",
            "",
        ] {
            assert!(allowed(bad).is_err(), "{bad}");
        }
        for good in [
            "-H",
            "-AX",
            "--compress",
            "--chmod=D755",
            "--exclude-from=/x",
            "--modify-window=1",
        ] {
            assert_eq!(allowed(good), Ok(()), "{good}");
        }
    }
}
