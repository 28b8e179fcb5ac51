//! `kill [--rounds N] [--files N] [--seed S] [--dir DIR] [--program FILE]`: real runs of the
//! product on a real file system, ended at random moments by SIGKILL, SIGTERM and SIGINT in turn.
//!
//! After every end: under final names there are whole files only, and no others. After the next
//! plain run: both sides are equal, every undisputed change has arrived, nothing needed a repair
//! command, and every version that was ever written can still be found (I1, I4, I8, I9, I17).

use std::collections::{BTreeMap, HashSet};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::args::Args;
use crate::bench::data::{self, Rng, SEED};
use crate::bench::verify;
use crate::clock::Stopwatch;
use crate::shell;

const ROUNDS: u64 = 30;
const FILES: u64 = 5_000;
const FILE_BYTES: usize = 4096;
const LARGE: &str = "large.bin";
const LARGE_BYTES: u64 = 200 << 20;
/// One file in so many changes on each side in a round, and half as many are deleted.
const CHANGED_ONE_IN: u64 = 20;
/// A run that was asked to stop has to be gone by then.
const GONE_WITHIN: Duration = Duration::from_secs(2);

/// A hash of a content.
type Hash = [u8; 32];

pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let mut args = Args::new(words);
    let rounds = args.option("--rounds")?.unwrap_or(ROUNDS);
    let n_files = args.option("--files")?.unwrap_or(FILES);
    let seed = args.option("--seed")?.unwrap_or(SEED);
    let dir: Option<PathBuf> = args.option("--dir")?;
    let program: Option<PathBuf> = args.option("--program")?;
    args.finish()?;
    let program = match program {
        Some(program) => program,
        None => build()?,
    };
    let dir = dir.unwrap_or_else(|| shell::target().join("kill"));
    clear(&dir)?;
    println!(
        "seed {seed:#x}, {n_files} files and one of 200 MB in {}",
        dir.display()
    );
    let mut field = Field::new(program, &dir, n_files, seed)?;
    let longest = field.first_runs()?;
    let mut n_alive = 0;
    for round in 1..=rounds {
        let was_alive = field.round(round, longest).with_context(|| {
            format!("round {round} (seed {seed:#x}), trees in {}", dir.display())
        })?;
        n_alive += u64::from(was_alive);
    }
    clear(&dir)?;
    println!("{rounds} rounds, {n_alive} runs ended on the way, nothing lost, nothing torn");
    Ok(())
}

fn build() -> Result<PathBuf> {
    let mut cargo = shell::cargo();
    cargo.args(["build", "--quiet", "--release", "--package", "syncmgr"]);
    shell::run(&mut cargo)?;
    Ok(shell::product())
}

/// Two folders, and all that was ever written into them.
struct Field {
    program: PathBuf,
    left: PathBuf,
    right: PathBuf,
    state: PathBuf,
    rng: Rng,
    n_files: u64,
    /// What both sides must hold after a run that was left alone.
    expected: BTreeMap<PathBuf, Hash>,
    /// Every content that was ever written.
    written: HashSet<Hash>,
}

impl Field {
    fn new(program: PathBuf, dir: &Path, n_files: u64, seed: u64) -> Result<Self> {
        let mut field = Self {
            program,
            left: dir.join("left"),
            right: dir.join("right"),
            state: dir.join("state"),
            rng: Rng::new(seed),
            n_files,
            expected: BTreeMap::new(),
            written: HashSet::new(),
        };
        data::grow(&[&field.left], n_files, FILE_BYTES)?;
        std::fs::create_dir_all(&field.right)?;
        data::write_large(&[field.left.join(LARGE)], LARGE_BYTES)?;
        for id in 0..n_files {
            field.expect(data::place(id), &data::content(id, 0, FILE_BYTES));
        }
        field.expect_large()?;
        Ok(field)
    }

    fn expect(&mut self, path: PathBuf, bytes: &[u8]) {
        let hash = *blake3::hash(bytes).as_bytes();
        self.written.insert(hash);
        self.expected.insert(path, hash);
    }

    fn expect_large(&mut self) -> Result<()> {
        let hash = verify::hash(&self.left.join(LARGE))?;
        self.written.insert(hash);
        self.expected.insert(LARGE.into(), hash);
        Ok(())
    }

    /// Runs undisturbed twice: a first sync, and one round of changes, which says how long a run
    /// takes.
    fn first_runs(&mut self) -> Result<Duration> {
        self.plain_run()?;
        self.change(0)?;
        self.plain_run()
    }

    /// One round; says whether the run was still alive when it was hit.
    fn round(&mut self, round: u64, longest: Duration) -> Result<bool> {
        self.change(round)?;
        let signal = [Signal::KILL, Signal::TERM, Signal::INT][(round % 3) as usize];
        let mut child = self.start()?;
        let wait = self.rng.below(longest.as_micros().max(1) as u64);
        std::thread::sleep(Duration::from_micros(wait));
        let was_alive = child.try_wait()?.is_none();
        if was_alive {
            let pid = Pid::from_child(&child);
            kill_process(pid, signal).context("cannot send the signal")?;
        }
        let watch = Stopwatch::start();
        let status = child.wait()?;
        if was_alive {
            judge_end(signal, status, watch.elapsed())?;
        }
        self.look_for_torn_files()?;
        self.plain_run()?;
        Ok(was_alive)
    }

    /// Changes, adds and deletes files on both sides, never the same on both.
    fn change(&mut self, round: u64) -> Result<()> {
        let sides = [self.left.clone(), self.right.clone()];
        // A file that is written and removed before any run could see it would be missed later.
        let mut touched = HashSet::new();
        for (at, side) in sides.iter().enumerate() {
            for _ in 0..self.n_files / CHANGED_ONE_IN {
                // Even files belong to the left, odd ones to the right, so nothing is disputed.
                let id = self.rng.below(self.n_files / 2) * 2 + at as u64;
                if !touched.insert(id) {
                    continue;
                }
                let path = data::place(id);
                if self.rng.below(3) == 0 && self.expected.remove(&path).is_some() {
                    std::fs::remove_file(side.join(&path))?;
                    continue;
                }
                let bytes = data::content(id, round + 1, FILE_BYTES + (round % 7) as usize);
                data::write(&side.join(&path), &bytes, None)?;
                self.expect(path, &bytes);
            }
        }
        if round % 4 == 1 {
            data::change_middle(&self.left.join(LARGE), 1 << 20, round, None)?;
            self.expect_large()?;
        }
        Ok(())
    }

    fn start(&self) -> Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .arg("sync")
            .arg(&self.left)
            .arg(&self.right)
            .arg("--quiet");
        command.env("SYNCMGR_STATE_DIR", self.state.join("state"));
        command.env("SYNCMGR_CONFIG_DIR", self.state.join("config"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.spawn().context("cannot start syncmgr")
    }

    /// Under final names there may be any version of a file, but only whole ones.
    fn look_for_torn_files(&self) -> Result<()> {
        for side in [&self.left, &self.right] {
            for (path, hash) in verify::files(side)? {
                ensure!(
                    self.written.contains(&hash),
                    "{} holds what nobody wrote",
                    side.join(path).display()
                );
            }
        }
        Ok(())
    }

    /// Runs to the end and looks at everything; says how long the run took.
    fn plain_run(&self) -> Result<Duration> {
        let watch = Stopwatch::start();
        let status = self.start()?.wait()?;
        let took = watch.elapsed();
        ensure!(status.code() == Some(0), "a plain run ended with {status}");
        verify::equal(&self.left, &self.right, 1)?;
        let found: BTreeMap<_, _> = verify::files(&self.left)?.into_iter().collect();
        for (path, hash) in &self.expected {
            ensure!(
                found.get(path) == Some(hash),
                "{} is not what was written last",
                path.display()
            );
        }
        if let Some(path) = found.keys().find(|path| !self.expected.contains_key(*path)) {
            bail!("{} should not be there", path.display());
        }
        let kept = verify::contents(&[&self.left, &self.right])?;
        let n_lost = self.written.difference(&kept).count();
        ensure!(n_lost == 0, "{n_lost} versions cannot be found any more");
        Ok(took)
    }
}

/// A run that was asked to stop ends soon, and says how.
fn judge_end(signal: Signal, status: ExitStatus, took: Duration) -> Result<()> {
    if signal == Signal::KILL {
        return Ok(());
    }
    ensure!(took <= GONE_WITHIN, "it took {took:?} to stop");
    // It may have been hit before it could listen, or when all was done.
    let is_fine = matches!(status.code(), Some(0 | 130)) || status.signal().is_some();
    ensure!(is_fine, "after a request to stop it ended with {status}");
    Ok(())
}

fn clear(dir: &Path) -> Result<()> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    Ok(())
}
