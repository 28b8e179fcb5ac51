//! Brings trees and memories into the state from which a workload starts. Nothing here is timed.

use std::fs::{self, File, FileTimes};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::tools::{Setting, Tool};
use super::workload::{self, Work};
use super::{data, verify};
use crate::measure;

/// Bytes of a small file; W1 and W7 use larger ones.
const SMALL: usize = 1024;
/// Bytes of a file in W1 and W7.
const MEDIUM: usize = 4096;
/// Bytes of a file in the directory that W6 renames: 20,000 of them are 100 MB.
const MOVED: usize = 5_000;
/// The large file of W4 and W5.
const LARGE: &str = "large.bin";

/// Shares of W3 in 200 files: two are changed on each side, one deleted, one added.
const SHARE: u64 = 200;
/// Residues of [`SHARE`] that one round of W3 uses up (two changed and one deleted on each side).
const PER_ROUND: u64 = 6;

/// A workload on a disk, for one tool after another.
#[derive(Debug)]
pub(crate) struct Stage {
    work: Work,
    scale: f64,
    dir: PathBuf,
}

impl Stage {
    pub(crate) fn new(work: Work, scale: f64, dir: &Path) -> Self {
        Self {
            work,
            scale,
            dir: dir.to_owned(),
        }
    }

    /// The folders and the memory of a tool.
    pub(crate) fn setting(&self, tool: Tool) -> Setting {
        let trees = if self.work.shares_trees() {
            self.dir.join(self.work.tree())
        } else {
            self.dir.join(self.work.tree()).join(tool.id())
        };
        Setting {
            left: trees.join("left"),
            right: trees.join("right"),
            state: self.dir.join("state").join(self.work.id()).join(tool.id()),
        }
    }

    /// Makes the trees of a tool if they are not there yet.
    ///
    /// # Errors
    /// The disk is full, or the like.
    pub(crate) fn build(&self, tool: Tool) -> Result<()> {
        let setting = self.setting(tool);
        let trees = setting.left.parent().expect("a side lies in a directory");
        let size = format!("complete-{}", self.scale);
        if trees.join(&size).exists() {
            return Ok(());
        }
        remove(trees)?;
        self.grow(&setting)?;
        File::create(trees.join(&size))?;
        remove(&setting.state)?;
        fs::create_dir_all(&setting.state)?;
        Ok(())
    }

    fn grow(&self, setting: &Setting) -> Result<()> {
        let both = [setting.left.as_path(), setting.right.as_path()];
        let n = self.work.n_files(self.scale);
        match self.work {
            Work::W0 | Work::W1e | Work::W2 | Work::W2M | Work::W3 => data::grow(&both, n, SMALL),
            Work::W1 => data::grow(&both[..1], n, MEDIUM),
            Work::W4 => {
                fs::create_dir_all(&setting.left)?;
                data::write_large(
                    &[setting.left.join(LARGE)],
                    workload::large_bytes(self.scale),
                )
            }
            Work::W5 => {
                data::grow(&both, n, SMALL)?;
                let files = both.map(|side| side.join(LARGE));
                data::write_large(&files, workload::large_bytes(self.scale))
            }
            Work::W6 => {
                let moved = both.map(|side| side.join("moved-a"));
                data::grow(&[&moved[0], &moved[1]], workload::moved(self.scale), MOVED)?;
                data::grow(&both, n, SMALL)
            }
            Work::W7 => data::grow(&both, n, MEDIUM),
        }
    }

    /// Prepares run number `round` of a tool; returns the commands that are to be timed.
    ///
    /// # Errors
    /// The disk is full, the tool cannot make its first run, or the like.
    pub(crate) fn prepare(&self, tool: Tool, round: u64) -> Result<Vec<measure::Words>> {
        let setting = self.setting(tool);
        let mut is_first = false;
        match self.work {
            Work::W0 | Work::W2 | Work::W2M => {
                show_own(&setting, tool == Tool::Syncmgr)?;
                self.agree_once(tool, &setting)?;
            }
            Work::W1 | Work::W4 => {
                forget(&setting)?;
                remove(&setting.right)?;
                fs::create_dir_all(&setting.right)?;
                is_first = true;
            }
            Work::W1e => {
                forget(&setting)?;
                is_first = true;
            }
            Work::W3 => {
                self.agree_once(tool, &setting)?;
                self.change_trees(&setting, round)?;
            }
            Work::W5 => {
                self.agree_anew(tool, &setting)?;
                let generation = round_of(tool, round);
                // rsync and unison see no change within one second, and a small dose is faster.
                let time = Some(data::first_time(generation));
                data::change_middle(&setting.left.join(LARGE), 1 << 20, generation, time)?;
            }
            Work::W6 => {
                self.agree_anew(tool, &setting)?;
                toggle(&setting.left)?;
            }
            Work::W7 => {
                remove(setting.left.parent().expect("a side lies in a directory"))?;
                self.build(tool)?;
                self.agree_anew(tool, &setting)?;
                self.dispute(&setting)?;
            }
        }
        settle(&self.dir)?;
        Ok(tool.commands(self.work, &setting, is_first))
    }

    /// Lets the tool learn, unless it did before, that both sides are equal.
    fn agree_once(&self, tool: Tool, setting: &Setting) -> Result<()> {
        let mark = setting.state.join("agreed");
        if mark.exists() {
            return Ok(());
        }
        self.agree_anew(tool, setting)?;
        File::create(mark)?;
        Ok(())
    }

    fn agree_anew(&self, tool: Tool, setting: &Setting) -> Result<()> {
        forget(setting)?;
        if !tool.has_memory() {
            return Ok(());
        }
        let commands = tool.commands(self.work, setting, true);
        let log = setting.state.join("log");
        measure::measure(&commands, &tool.env(setting), &log, &[0])
            .map(drop)
            .with_context(|| format!("the first run of {}", tool.id()))
    }

    /// W3: every round uses files that no earlier round touched.
    fn change_trees(&self, setting: &Setting, round: u64) -> Result<()> {
        let n = self.work.n_files(self.scale);
        let first = round * PER_ROUND % (SHARE - PER_ROUND);
        for (at, side) in [&setting.left, &setting.right].into_iter().enumerate() {
            let from = first + at as u64 * 3;
            for block in 0..n.div_ceil(SHARE) {
                let ids = [0, 1, 2].map(|step| block * SHARE + from + step);
                for id in ids[..2].iter().copied().filter(|&id| id < n) {
                    let bytes = data::content(id, round + 1, SMALL + 16);
                    data::write(&side.join(data::place(id)), &bytes, None)?;
                }
                if ids[2] < n {
                    remove(&side.join(data::place(ids[2])))?;
                    let name = format!("new-{at}-{round}-{block}.dat");
                    let beside = side.join(data::place(ids[0])).with_file_name(name);
                    data::write(&beside, &data::content(block, round + 100, SMALL), None)?;
                }
            }
        }
        Ok(())
    }

    /// W7: the same files get different news on both sides.
    fn dispute(&self, setting: &Setting) -> Result<()> {
        for (generation, side) in [(1, &setting.left), (2, &setting.right)] {
            for id in self.disputed() {
                let bytes = data::content(id, generation, MEDIUM + generation as usize);
                data::write(&side.join(data::place(id)), &bytes, None)?;
            }
        }
        Ok(())
    }

    fn disputed(&self) -> impl Iterator<Item = u64> {
        let n = workload::disputed(self.scale);
        let step = (self.work.n_files(self.scale) / n).max(1);
        (0..n).map(move |at| at * step)
    }

    /// W7: how many of the versions written on both sides are nowhere any more.
    ///
    /// # Errors
    /// Something cannot be read.
    pub(crate) fn count_lost(&self, setting: &Setting) -> Result<usize> {
        let kept = verify::contents(&[&setting.left, &setting.right, &setting.state])?;
        let is_lost = |&(id, generation): &(u64, u64)| {
            let bytes = data::content(id, generation, MEDIUM + generation as usize);
            !kept.contains(blake3::hash(&bytes).as_bytes())
        };
        let written = self.disputed().flat_map(|id| [(id, 1), (id, 2)]);
        Ok(written.filter(is_lost).count())
    }
}

/// Trees shared by tools see every tool's rounds, so the generation must differ between tools.
fn round_of(tool: Tool, round: u64) -> u64 {
    round * 16 + tool as u64 + 1
}

fn toggle(side: &Path) -> Result<()> {
    let (a, b) = (side.join("moved-a"), side.join("moved-b"));
    if a.exists() {
        fs::rename(a, b)?;
    } else {
        fs::rename(b, a)?;
    }
    Ok(())
}

/// Makes a tool meet the pair for the first time.
fn forget(setting: &Setting) -> Result<()> {
    remove(&setting.state)?;
    fs::create_dir_all(&setting.state)?;
    for side in [&setting.left, &setting.right] {
        remove(&aside(side))?;
        for own in own_entries(side)? {
            remove(&own)?;
        }
    }
    Ok(())
}

/// Puts what syncmgr keeps in a folder out of sight of the other tools, and back: they would copy
/// it, and pay for it.
fn show_own(setting: &Setting, is_shown: bool) -> Result<()> {
    for side in [&setting.left, &setting.right] {
        let time = fs::metadata(side)?.modified()?;
        let (from, into) = if is_shown {
            (aside(side), side.clone())
        } else {
            (side.clone(), aside(side))
        };
        fs::create_dir_all(aside(side))?;
        for own in own_entries(&from)? {
            let name = own.file_name().expect("an entry has a name");
            fs::rename(&own, into.join(name))?;
        }
        File::open(side)?.set_times(FileTimes::new().set_modified(time))?;
    }
    Ok(())
}

fn aside(side: &Path) -> PathBuf {
    side.with_extension("own")
}

fn own_entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !dir.exists() {
        return Ok(found);
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if verify::is_own(entry.file_name().as_bytes()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Removes a file or a tree; what is not there is fine.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    let removed = if metadata.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.with_context(|| format!("cannot remove {}", path.display()))
}

/// Waits until what the preparation wrote is on the disk, so that nobody pays for it in a timed
/// run: least of all the one tool that makes its own work durable.
fn settle(dir: &Path) -> Result<()> {
    rustix::fs::syncfs(File::open(dir)?).context("cannot write back")
}
