//! `kill [--rounds N] [--files N] [--seed S] [--dir DIR] [--program FILE]`: real runs of the
//! product on a real file system, ended at random moments by SIGKILL, SIGTERM and SIGINT in turn.
//!
//! After every end: under final names there are whole files only. After the next plain run: it
//! ended with 0, both sides are equal, every undisputed change has arrived with its time and
//! permissions, nothing needed a repair command, no litter is left, and every version that nobody
//! had seen and replaced can still be found (I1, I2, I4, I8, I9, I17).

mod facts;
mod people;

use std::collections::{BTreeSet, HashSet};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use self::facts::{Fact, Reader, Tree, difference, words};
use self::people::People;
use crate::args::Args;
use crate::bench::data::{self, Rng, SEED};
use crate::clock::Stopwatch;
use crate::shell;

const ROUNDS: u64 = 30;
const FILES: u64 = 5_000;
const FILE_BYTES: usize = 4096;
const LARGE: &str = "large.bin";
const LARGE_BYTES: u64 = 200 << 20;
/// Each side does one thing per so many files in a round.
const WORK_ONE_IN: u64 = 50;
/// The large file changes in one round of so many.
const LARGE_ONE_IN: u64 = 8;
/// A run that was left alone is repeated in one round of so many; it must not write anything.
const IDLE_ONE_IN: u64 = 8;
/// After so many rounds somebody throws the kept versions away, or the disk would fill up.
const EMPTIED_AFTER: u64 = 40;
/// A run that was asked to stop has to be gone by then.
const GONE_WITHIN: Duration = Duration::from_secs(2);
const SIGNALS: [Signal; 3] = [Signal::KILL, Signal::TERM, Signal::INT];

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
        "{n_files} files and one of 200 MB in {}; --seed {seed} repeats what people do and when \
         they are interrupted, but how far a run has come by then is real time",
        dir.display()
    );
    let mut field = Field::new(program, &dir, n_files, seed)?;
    let mut longest = field.first_runs()?;
    let mut n_alive = 0;
    for round in 1..=rounds {
        let was_alive = field.round(round, &mut longest).with_context(|| {
            format!("round {round} (--seed {seed}), trees in {}", dir.display())
        })?;
        n_alive += u64::from(was_alive);
        if round % 25 == 0 {
            println!("{round} rounds, {n_alive} runs ended on the way");
        }
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

/// Two folders, the two people who work in them, and the program.
struct Field {
    program: PathBuf,
    sides: [PathBuf; 2],
    state: PathBuf,
    rng: Rng,
    n_files: u64,
    people: People,
    reader: Reader,
}

impl Field {
    fn new(program: PathBuf, dir: &Path, n_files: u64, seed: u64) -> Result<Self> {
        let sides = [dir.join("left"), dir.join("right")];
        data::grow(&[&sides[0]], n_files, FILE_BYTES)?;
        std::fs::create_dir_all(&sides[1])?;
        data::write_large(&[sides[0].join(LARGE)], LARGE_BYTES)?;
        let mut reader = Reader::default();
        let tree = reader.tree(&sides[0])?;
        Ok(Self {
            program,
            people: People::new(sides.clone(), tree, Path::new(LARGE), seed),
            sides,
            state: dir.join("state"),
            rng: Rng::new(!seed),
            n_files,
            reader,
        })
    }

    /// Runs undisturbed twice: a first sync, and one round of changes, which says how long a run
    /// takes.
    fn first_runs(&mut self) -> Result<Duration> {
        self.plain_run()?;
        self.work(1)?;
        self.plain_run()
    }

    /// One round; says whether a run was still alive when it was hit.
    fn round(&mut self, round: u64, longest: &mut Duration) -> Result<bool> {
        self.work(1)?;
        if round % LARGE_ONE_IN == 1 {
            self.people.change_large(&mut self.reader)?;
        }
        // Now and then the run that repairs is hit as well.
        let n_hits = 1 + usize::from(self.rng.below(3) == 0);
        let mut was_alive = false;
        for hit in 0..n_hits {
            let signal = SIGNALS[(round as usize + hit) % SIGNALS.len()];
            was_alive |= self.hit(signal, *longest)?;
            self.look_for_torn_files()?;
        }
        if self.rng.below(2) == 0 {
            self.work(10)?;
        }
        let took = self.plain_run()?;
        // Hits are spread over the time a run takes now, on a machine with other work.
        *longest = (*longest * 3 + took) / 4;
        if round.is_multiple_of(IDLE_ONE_IN) {
            self.idle_run()?;
        }
        if round.is_multiple_of(EMPTIED_AFTER) {
            self.throw_versions_away()?;
        }
        Ok(was_alive)
    }

    fn work(&mut self, part: u64) -> Result<()> {
        let n = (self.n_files / WORK_ONE_IN / part).max(1);
        self.people.work(n, &mut self.reader)
    }

    /// Starts a run and ends it at a random moment.
    fn hit(&mut self, signal: Signal, longest: Duration) -> Result<bool> {
        // It complains of being stopped, which is nothing to look at.
        let mut child = self.command().stderr(Stdio::null()).spawn()?;
        let wait = self.rng.below(longest.as_micros().max(1) as u64);
        std::thread::sleep(Duration::from_micros(wait));
        let was_alive = child.try_wait()?.is_none();
        if was_alive {
            kill_process(Pid::from_child(&child), signal).context("cannot send the signal")?;
        }
        let watch = Stopwatch::start();
        let status = child.wait()?;
        if was_alive {
            judge_end(signal, status, watch.elapsed())?;
        } else {
            ensure!(status.code() == Some(0), "a run ended with {status}");
        }
        Ok(was_alive)
    }

    fn start(&self) -> Result<Child> {
        self.command().spawn().context("cannot start syncmgr")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("sync")
            .args(&self.sides)
            .args(["--quiet", "--rule", "newest"]);
        command.env("SYNCMGR_STATE_DIR", self.state.join("state"));
        command.env("SYNCMGR_CONFIG_DIR", self.state.join("config"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Under final names there may be any version of a file, but only whole ones.
    fn look_for_torn_files(&mut self) -> Result<()> {
        for side in &self.sides {
            for (path, fact) in self.reader.tree(side)? {
                if let Fact::File { hash, .. } = fact {
                    ensure!(
                        self.people.ever.contains(&hash),
                        "{} holds what nobody wrote",
                        side.join(path).display()
                    );
                }
            }
        }
        Ok(())
    }

    /// Runs to the end and looks at everything; says how long the run took.
    fn plain_run(&mut self) -> Result<Duration> {
        let watch = Stopwatch::start();
        let status = self.start()?.wait()?;
        let took = watch.elapsed();
        ensure!(status.code() == Some(0), "a plain run ended with {status}");
        let left = self.reader.tree(&self.sides[0])?;
        let right = self.reader.tree(&self.sides[1])?;
        if let Some(words) = difference(&left, &right) {
            bail!("the sides differ in {words}");
        }
        self.look_for_changes(&left)?;
        self.look_for_litter()?;
        self.look_for_lost_versions(&left)?;
        self.people.settle(&left);
        Ok(took)
    }

    /// Everything that was done has arrived, and nothing else.
    fn look_for_changes(&self, found: &Tree) -> Result<()> {
        let people = &self.people;
        for (path, fact) in &people.expected {
            let is_right = |found: &Fact| {
                found == fact
                    || people
                        .disputed
                        .get(path)
                        .is_some_and(|others| others.contains(found))
            };
            let found = found.get(path);
            ensure!(
                found.is_some_and(is_right),
                "{} should be {} and is {}",
                path.display(),
                words(Some(fact)),
                words(found)
            );
        }
        if let Some(path) = found
            .keys()
            .find(|path| !people.expected.contains_key(*path))
        {
            bail!("{} should not be there", path.display());
        }
        Ok(())
    }

    fn look_for_litter(&mut self) -> Result<()> {
        for side in &self.sides {
            let mut found = HashSet::new();
            let stage = side.join(".syncmgr/stage");
            self.reader.contents(&stage, &mut found)?;
            ensure!(
                found.is_empty() && !stage.exists(),
                "{} was left behind",
                stage.display()
            );
        }
        Ok(())
    }

    fn look_for_lost_versions(&mut self, tree: &Tree) -> Result<()> {
        let mut kept = contents(tree);
        for side in &self.sides {
            self.reader.contents(&side.join(".syncmgr"), &mut kept)?;
        }
        let n_lost = self.people.written.difference(&kept).count();
        ensure!(n_lost == 0, "{n_lost} versions cannot be found any more");
        Ok(())
    }

    /// A run with nothing to do writes nothing, not even a time.
    fn idle_run(&self) -> Result<()> {
        let before = self.stamps()?;
        let status = self.start()?.wait()?;
        ensure!(status.code() == Some(0), "an idle run ended with {status}");
        let after = self.stamps()?;
        if let Some(line) = after.symmetric_difference(&before).next() {
            bail!("an idle run has written something: {line}");
        }
        Ok(())
    }

    /// Inode, times and size of every path of the people, times of directories included.
    fn stamps(&self) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        for side in &self.sides {
            let mut find = Command::new("find");
            find.arg(side)
                .args(["-name", ".syncmgr", "-prune", "-o"])
                .args(["-printf", "%p %i %T@ %C@ %s %m\n"]);
            found.extend(shell::capture(&mut find)?.lines().map(str::to_owned));
        }
        Ok(found)
    }

    fn throw_versions_away(&mut self) -> Result<()> {
        for side in &self.sides {
            clear(&side.join(".syncmgr/versions"))?;
        }
        let left = self.reader.tree(&self.sides[0])?;
        let kept = contents(&left);
        self.people.written.retain(|hash| kept.contains(hash));
        Ok(())
    }
}

fn contents(tree: &Tree) -> HashSet<facts::Hash> {
    let hashes = tree.values().filter_map(|fact| match fact {
        Fact::File { hash, .. } => Some(*hash),
        Fact::Link(_) | Fact::Dir(_) => None,
    });
    hashes.collect()
}

/// A run that was asked to stop ends soon, and says how.
fn judge_end(signal: Signal, status: ExitStatus, took: Duration) -> Result<()> {
    if signal == Signal::KILL {
        return Ok(());
    }
    ensure!(took <= GONE_WITHIN, "it took {took:?} to stop");
    // It may have been hit before it could listen, or when all was done.
    let is_fine =
        matches!(status.code(), Some(0 | 130)) || status.signal() == Some(signal.as_raw());
    ensure!(is_fine, "after a request to stop it ended with {status}");
    Ok(())
}

fn clear(dir: &Path) -> Result<()> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    Ok(())
}
