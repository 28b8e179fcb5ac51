//! W2w and W10: runs that a watch has told where to look. Both are measured in this process, from
//! the close of the last changed file until the other side has it and the memory is written.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use syncmgr_engine::cancel::Cancel;
use syncmgr_engine::clock::SystemClock;
use syncmgr_engine::entry::Sides;
use syncmgr_engine::journal::{RunId, RunKind};
use syncmgr_engine::monitor::Silent;
use syncmgr_engine::pair::{Dirty, Options, Pair};
use syncmgr_engine::path::RelPath;
use syncmgr_watch::{Change, Settings, Watcher};

use super::prepare::{self, Stage};
use super::tools::Tool;
use super::workload::Work;
use super::{data, verify};
use crate::clock::Stopwatch;

/// Files that W2w changes before each run.
const CHANGED: u64 = 10;
/// Changes of one file for W10.
const SINGLES: u64 = 30;
/// Longer than any report of the watch takes.
const LONG: Duration = Duration::from_secs(30);
/// Nothing more comes from the watch when nothing has come for this long.
const CALM: Duration = Duration::from_millis(300);
/// Bytes of a changed file.
const SIZE: usize = 1024;

struct Desk {
    left: PathBuf,
    right: PathBuf,
    state: PathBuf,
    reports: Receiver<Change>,
    /// Held for its effect.
    _watcher: Watcher,
    n_files: u64,
    n_runs: u64,
    generation: u64,
}

/// Measures both workloads and says what came out, as text.
///
/// # Errors
/// A run did not do its work, or the watch was broken.
pub(super) fn bench(scale: f64, n_rounds: u64, dir: &Path) -> Result<String> {
    let stage = Stage::new(Work::W2M, scale, dir);
    stage.build(Tool::Syncmgr)?;
    let setting = stage.setting(Tool::Syncmgr);
    let state = dir.join("state").join("W2w");
    prepare::remove(&state)?;
    let (sender, reports) = channel();
    let roots = vec![setting.left.canonicalize()?, setting.right.canonicalize()?];
    let watch = Stopwatch::start();
    let watcher = Watcher::start(
        roots,
        &Settings::default(),
        Box::new(move |change| drop(sender.send(change))),
    )?;
    let watch_secs = watch.secs();
    let n_watched: u64 = watcher.coverage().iter().map(|c| c.n_watched).sum();
    let mut desk = Desk {
        left: setting.left.clone(),
        right: setting.right.clone(),
        state,
        reports,
        _watcher: watcher,
        n_files: Work::W2M.n_files(scale),
        n_runs: 0,
        generation: 0,
    };
    let mut text = String::new();
    writeln!(text, "W2w  {} files, {CHANGED} changed", desk.n_files)?;
    writeln!(
        text,
        "  watching {n_watched} directories began in {watch_secs:.2} s"
    )?;
    // The first contact, and twice more until nothing is left unsettled.
    for _ in 0..3 {
        desk.run(&Dirty::All)?;
    }
    let mut full = Vec::new();
    for _ in 0..n_rounds.min(3) {
        full.push(desk.run(&Dirty::All)?.secs);
    }
    let mut runs = Vec::new();
    let mut whole = Vec::new();
    for _ in 0..n_rounds {
        let (run, latency) = desk.change_and_run(CHANGED)?;
        runs.push(run);
        whole.push(latency);
    }
    let ms = |secs: &mut Vec<f64>, share| at(secs, share) * 1000.0;
    writeln!(
        text,
        "  the run: {:.1} ms median, {:.1} ms worst (target 50); with the watch's quiet time {:.0} ms; a full run: {:.0} ms",
        ms(&mut runs, 0.5),
        ms(&mut runs, 1.0),
        ms(&mut whole, 0.5),
        ms(&mut full, 0.5),
    )?;
    let mut singles = Vec::new();
    for _ in 0..SINGLES {
        singles.push(desk.change_and_run(1)?.1);
    }
    writeln!(
        text,
        "W10  close of a file until it is whole on the other side, {SINGLES} changes\n  {:.0} ms median, {:.0} ms worst (targets 100, 300)",
        ms(&mut singles, 0.5),
        ms(&mut singles, 1.0),
    )?;
    verify::equal(&setting.left, &setting.right, 1)?;
    Ok(text)
}

/// Returns the value at a share of the sorted list.
fn at(secs: &mut [f64], share: f64) -> f64 {
    secs.sort_by(f64::total_cmp);
    let last = secs.len().saturating_sub(1);
    secs.get((last as f64 * share) as usize)
        .copied()
        .unwrap_or(0.0)
}

/// One run.
struct Ran {
    secs: f64,
    is_targeted: bool,
    n_updated: u64,
}

impl Desk {
    fn id(&self) -> Result<RunId> {
        RunId::new(&format!("bench-{:06}", self.n_runs)).context("no run id")
    }

    /// Runs as a process would that is started for it: opens the pair, looks, works, closes.
    fn run(&mut self, dirty: &Dirty) -> Result<Ran> {
        self.n_runs += 1;
        let id = self.id()?;
        let options = Options::default();
        let cancel = Cancel::new();
        let watch = Stopwatch::start();
        let mut pair = Pair::open(&self.left, &self.right, &self.state, Arc::new(SystemClock))?;
        let plan = pair.plan_changed(dirty, &options, &Silent, &cancel)?;
        let report = pair.apply(&plan, &id, RunKind::Sync, &options, &Silent, &cancel)?;
        drop(pair);
        let secs = watch.secs();
        if !report.is_in_sync() {
            bail!("the run left something: {:?}", report.problems.first());
        }
        Ok(Ran {
            secs,
            is_targeted: plan.is_targeted,
            n_updated: report.tally.right.n_updated,
        })
    }

    /// Changes files on the left and runs as soon as the watch reports all of them. Returns the
    /// seconds of the run, and those from the last close until its end.
    fn change_and_run(&mut self, n: u64) -> Result<(f64, f64)> {
        let mut dirs = self.calm()?;
        self.generation += 1;
        let step = (self.n_files / n).max(1);
        let mut wanted = BTreeSet::new();
        for i in 0..n {
            let id = (i * step + self.generation * 7) % self.n_files;
            let path = data::place(id);
            fs::write(
                self.left.join(&path),
                data::content(id, self.generation, SIZE),
            )?;
            wanted.insert(path.parent().unwrap_or(Path::new("")).to_path_buf());
        }
        let watch = Stopwatch::start();
        while !wanted.is_subset(&dirs.left) {
            self.take(self.reports.recv_timeout(LONG)?, &mut dirs)?;
        }
        let since = self.id()?;
        let dirty = Dirty::Dirs {
            since,
            dirs: Sides::new(relative(&dirs.left)?, relative(&dirs.right)?),
        };
        let ran = self.run(&dirty)?;
        let whole = watch.secs();
        if !ran.is_targeted || ran.n_updated != n {
            bail!(
                "{} of {n} files, targeted: {}",
                ran.n_updated,
                ran.is_targeted
            );
        }
        Ok((ran.secs, whole))
    }

    /// Waits until the watch has reported what the run before wrote.
    fn calm(&self) -> Result<Sides<BTreeSet<PathBuf>>> {
        let mut dirs = Sides::default();
        while let Ok(change) = self.reports.recv_timeout(CALM) {
            self.take(change, &mut dirs)?;
        }
        Ok(dirs)
    }

    fn take(&self, change: Change, dirs: &mut Sides<BTreeSet<PathBuf>>) -> Result<()> {
        match change {
            Change::Dirty { root: 0, dirs: new } => dirs.left.extend(new),
            Change::Dirty { dirs: new, .. } => dirs.right.extend(new),
            Change::Lost { root, cause } => bail!("the watch of root {root} was lost: {cause}"),
        }
        Ok(())
    }
}

fn relative(dirs: &BTreeSet<PathBuf>) -> Result<BTreeSet<RelPath>> {
    let dirs = dirs
        .iter()
        .map(|dir| RelPath::new(dir.as_os_str().as_bytes()));
    Ok(dirs.collect::<Result<_, _>>()?)
}
