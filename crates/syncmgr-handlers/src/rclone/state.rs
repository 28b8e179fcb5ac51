//! What bisync remembers of a pair: listings and a lock in its work folder. It is read here to see
//! what state a pair is in; only a lock of a process that has ended is set aside.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::chosen::{Chosen, Place};
use super::remotes::Remotes;
use crate::tool::Context;

/// Largest lock file that is read.
const LOCK_MAX: u64 = 64 << 10;

/// A pair, as bisync names its files.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    dir: PathBuf,
    name: String,
}

/// The lock of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lock {
    /// There is none.
    Free,
    /// A process works.
    Held(u32),
    /// Its process has ended.
    Stale(u32),
    /// It cannot be read.
    Garbled,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct LockFile {
    #[serde(rename = "PID")]
    pid: String,
}

impl Memory {
    /// Returns where the memory of a pair lies, or would.
    pub(super) fn of(ctx: &Context, chosen: &Chosen) -> Option<Self> {
        let dir = match &chosen.workdir {
            Some(dir) => dir.clone(),
            None => default_dir(ctx)?,
        };
        let remotes = Remotes::load(ctx, chosen.config.as_deref());
        let canonical = |place| canonical(&remotes, place);
        let name = format!("{}..{}", canonical(&chosen.from), canonical(&chosen.to));
        Some(Self { dir, name })
    }

    /// Returns the work folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    fn file(&self, end: &str) -> PathBuf {
        self.dir.join(format!("{}.{end}", self.name))
    }

    /// Says whether both listings of the last run are there.
    pub(super) fn is_complete(&self) -> bool {
        ["path1.lst", "path2.lst"]
            .iter()
            .all(|end| self.file(end).is_file())
    }

    /// Says whether an earlier run broke off so that bisync gave its listings up.
    pub(super) fn is_broken_off(&self) -> bool {
        ["path1.lst-err", "path2.lst-err"]
            .iter()
            .any(|end| self.file(end).is_file())
    }

    /// Looks at the lock. `ended` is a process of ours that is known to have ended.
    pub(super) fn lock(&self, ended: Option<u32>) -> Lock {
        let file = self.file("lck");
        let Ok(meta) = fs::metadata(&file) else {
            return Lock::Free;
        };
        if meta.len() > LOCK_MAX {
            return Lock::Garbled;
        }
        let Ok(text) = fs::read(&file) else {
            return Lock::Garbled;
        };
        let lock: Option<LockFile> = serde_json::from_slice(&text).ok();
        match lock.and_then(|lock| lock.pid.parse::<u32>().ok()) {
            None => Lock::Garbled,
            Some(pid) if Some(pid) == ended || !is_rclone(pid) => Lock::Stale(pid),
            Some(pid) => Lock::Held(pid),
        }
    }

    /// Names the lock as it is now, for a person who lets it go.
    pub(super) fn lock_id(&self) -> String {
        let text = fs::read(self.file("lck")).unwrap_or_default();
        blake3::hash(&text).to_hex()[..8].to_owned()
    }

    /// Sets the lock of a process that has ended, or one that cannot be read, aside.
    pub(super) fn set_lock_aside(&self) -> std::io::Result<()> {
        fs::rename(self.file("lck"), self.file("lck-set-aside"))
    }

    /// Returns the names in the last listing of path1 for which `wanted` is true.
    pub(super) fn listed(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let Ok(file) = fs::File::open(self.file("path1.lst")) else {
            return Vec::new();
        };
        // A line: flags, size, hash, id, time, then the name in quotes as Go writes them.
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        lines
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let at = line.find('"')?;
                let name = unquote(&line[at..])?;
                wanted(&name).then_some(name)
            })
            .collect()
    }
}

/// Reads a text as Go quotes it; its escapes are those of JSON, and `\x` and `\a` for bytes that no
/// ordinary name has.
fn unquote(text: &str) -> Option<String> {
    serde_json::from_str(text.trim()).ok()
}

/// Returns the work folder of bisync when nobody chose another one.
pub(super) fn default_dir(ctx: &Context) -> Option<PathBuf> {
    Some(ctx.cache_dir()?.join("rclone/bisync"))
}

fn canonical(remotes: &Remotes, place: &Place) -> String {
    match place {
        Place::Local(path) => canonical_name(&path.to_string_lossy()),
        // bisync names what an alias stands for.
        Place::Remote(text) => canonical_name(&remotes.resolve(text)),
    }
}

/// Makes a file name of a path, as bisync does it.
pub(super) fn canonical_name(path: &str) -> String {
    path.trim_matches(['/', '\\'])
        .chars()
        .map(|c| {
            if c.is_ascii_whitespace() || "\\/:?*".contains(c) {
                '_'
            } else {
                c
            }
        })
        .collect()
}

/// Says whether a process is there and is rclone; its number may belong to another one by now.
fn is_rclone(pid: u32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => name.trim() == "rclone",
        // Where it cannot be told, it is taken for alive.
        Err(_) => !Path::new("/proc/self").exists(),
    }
}
