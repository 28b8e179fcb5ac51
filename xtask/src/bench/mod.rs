//! `bench`: syncmgr and its peers on the same data, one after the other in turns.
//!
//! A turn is: prepare (not timed), measure, look at both trees with an independent hasher. The
//! tools alternate, so that a busy moment of the machine hits all of them. syncmgr makes its work
//! durable before it says so; of the others none does for local files.
//!
//! Reading order: [`workload`] (what), [`tools`] (who), [`prepare`] (from where), [`limit`] (what
//! is possible), [`verify`] (was it right), [`table`] (what came out); [`control`] is the same for
//! programs that stay and answer.

mod control;
pub(crate) mod data;
mod limit;
mod place;
mod prepare;
mod table;
mod tools;
pub(crate) mod verify;
#[cfg(feature = "watch")]
mod watched;
mod workload;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::args::Args;
use crate::clock::Stopwatch;
use crate::{measure, shell};
use data::SEED;
use place::Place;
use prepare::Stage;
use table::{Figures, Runs};
use tools::Tool;
use workload::Work;

/// Odd, so that the median is a run that happened.
const RUNS: u64 = 5;
/// The smallest dose that still goes through every part of the harness.
const SMOKE_SCALE: f64 = 0.004;

struct Wishes {
    works: Vec<Work>,
    /// Also the workloads of a watch, which no other tool has.
    is_watched: bool,
    tools: Vec<Tool>,
    runs: u64,
    scale: f64,
    is_smoke: bool,
    is_kept: bool,
    json: Option<PathBuf>,
}

pub(crate) fn run(words: Vec<String>) -> Result<()> {
    build()?;
    if cfg!(debug_assertions) {
        return run_optimised(&words);
    }
    if words.first().is_some_and(|word| word == "control") {
        return control::run(words.into_iter().skip(1).collect());
    }
    let mut args = Args::new(words);
    let dir = args.option("--dir")?;
    let dir: PathBuf = dir.unwrap_or_else(|| shell::target().join("bench"));
    let has_image = args.switch("--image");
    let wishes = wishes(args)?;
    let place = if has_image {
        Place::image(&dir)?
    } else {
        Place::directory(&dir)?
    };
    bench(&wishes, &place)
}

/// The product is measured as people get it.
fn build() -> Result<()> {
    let mut cargo = shell::cargo();
    cargo.args(["build", "--quiet", "--release", "--package", "syncmgr"]);
    cargo.args(["--package", "xtask", "--features"]);
    cargo.arg("xtask/watch,xtask/control");
    shell::run(&mut cargo)
}

/// The limits are only limits when this program is optimised too.
fn run_optimised(words: &[String]) -> Result<()> {
    let mut me = std::process::Command::new(shell::target().join("release/xtask"));
    shell::run(me.arg("bench").args(words))
}

fn wishes(mut args: Args) -> Result<Wishes> {
    let is_smoke = args.switch("--smoke");
    let only: Option<String> = args.option("--only")?;
    let is_watch = |id: &&str| matches!(id.trim(), "W2w" | "W10");
    let is_watched = only
        .as_deref()
        .is_none_or(|ids| ids.split(',').any(|id| is_watch(&id)));
    let works = match only {
        Some(ids) => {
            let ids: Vec<&str> = ids.split(',').filter(|id| !is_watch(id)).collect();
            let found = ids.iter().map(|id| one(id, "workload", Work::find));
            found.collect::<Result<_>>()?
        }
        None => workload::ALL.into(),
    };
    let tools = match args.option::<String>("--tools")? {
        Some(ids) => chosen(&ids, "tool", Tool::find)?,
        None => tools::ALL.into(),
    };
    let (runs, scale) = if is_smoke {
        (1, SMOKE_SCALE)
    } else {
        (RUNS, 1.0)
    };
    let wishes = Wishes {
        works,
        is_watched,
        tools,
        runs: args.option("--runs")?.unwrap_or(runs),
        scale: args.option("--scale")?.unwrap_or(scale),
        is_smoke,
        is_kept: args.switch("--keep"),
        json: args.option("--json")?,
    };
    args.finish()?;
    if !(0.0..=10.0).contains(&wishes.scale) || wishes.runs == 0 {
        bail!("--scale lies between 0 and 10, and --runs is at least 1");
    }
    Ok(wishes)
}

fn chosen<T>(ids: &str, what: &str, find: impl Fn(&str) -> Option<T>) -> Result<Vec<T>> {
    ids.split(',').map(|id| one(id, what, &find)).collect()
}

fn one<T>(id: &str, what: &str, find: impl Fn(&str) -> Option<T>) -> Result<T> {
    find(id.trim()).with_context(|| format!("there is no {what} `{id}`"))
}

fn bench(wishes: &Wishes, place: &Place) -> Result<()> {
    println!("data in {}", place.describe());
    println!(
        "seed {SEED:#x}, scale {}, {} runs in turns",
        wishes.scale, wishes.runs
    );
    for tool in &wishes.tools {
        let version = tool.version().unwrap_or_else(|| "not installed".to_owned());
        println!("  {:<8} {version}", tool.id());
    }
    prepare::remove(&place.dir().join("state"))?;
    let mut all = Vec::new();
    for &work in &wishes.works {
        let figures = bench_one(work, wishes, place.dir())?;
        println!("\n{}", figures.text());
        all.push(figures);
        let is_needed = work == Work::W1e && wishes.works.contains(&Work::W2);
        if !wishes.is_kept && !is_needed {
            prepare::remove(&place.dir().join(work.tree()))?;
            prepare::remove(&place.dir().join("state").join(work.id()))?;
        }
    }
    #[cfg(feature = "watch")]
    if wishes.is_watched {
        println!(
            "\n{}",
            watched::bench(wishes.scale, wishes.runs, place.dir())?
        );
        if !wishes.is_kept {
            prepare::remove(&place.dir().join(Work::W2M.tree()))?;
        }
    }
    #[cfg(not(feature = "watch"))]
    if wishes.is_watched {
        bail!("this program was built without `--features watch`");
    }
    if let Some(path) = &wishes.json {
        let values: Vec<_> = all.iter().map(Figures::json).collect();
        let text = serde_json::to_string_pretty(&values)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    complain(&all, wishes.is_smoke)
}

/// A figure is no failure; a wrong tree is. With `--smoke` that goes for the peers too, because
/// then the harness itself is what is tried.
fn complain(all: &[Figures], is_smoke: bool) -> Result<()> {
    let failed: Vec<_> = all
        .iter()
        .flat_map(|figures| figures.runs.iter().map(|runs| (figures.work, runs)))
        .filter(|(_, runs)| is_smoke || runs.tool == Tool::Syncmgr)
        .filter(|(_, runs)| runs.failure.is_some())
        .map(|(work, runs)| format!("{} on {}", runs.tool.id(), work.id()))
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    bail!("failed: {}", failed.join(", "));
}

fn bench_one(work: Work, wishes: &Wishes, dir: &Path) -> Result<Figures> {
    let wanted = work
        .tools()
        .iter()
        .filter(|tool| wishes.tools.contains(tool));
    let (installed, missing): (Vec<Tool>, Vec<Tool>) =
        wanted.partition(|tool| tool.program().is_some());
    let stage = Stage::new(work, wishes.scale, dir);
    let mut runs: Vec<_> = installed.into_iter().map(Runs::new).collect();
    let mut limits = Vec::new();
    for round in 0..wishes.runs {
        for runs in runs.iter_mut().filter(|runs| runs.failure.is_none()) {
            if let Err(error) = take_turn(&stage, work, runs, round) {
                // Trees that several tools use must not carry one tool's mistake to the next.
                prepare::remove(&dir.join(work.tree()))?;
                prepare::remove(&dir.join("state").join(work.id()))?;
                runs.failure = Some(format!("{error:#}"));
            }
        }
        limits.extend(take_limit(&stage, work, &runs, dir)?);
    }
    Ok(Figures {
        work,
        scale: wishes.scale,
        runs,
        limits,
        missing,
    })
}

fn take_turn(stage: &Stage, work: Work, runs: &mut Runs, round: u64) -> Result<()> {
    let tool = runs.tool;
    stage.build(tool)?;
    let setting = stage.setting(tool);
    let commands = stage.prepare(tool, round)?;
    // Brings both trees into the page cache, whatever the preparation pushed out.
    limit::walk_both(&setting.left, &setting.right)?;
    let log = setting.state.join("log");
    let expected = tool.expected_codes(work);
    let usage = measure::measure(&commands, &tool.env(&setting), &log, expected)?;
    if work == Work::W7 {
        runs.n_lost += stage.count_lost(&setting)?;
    } else {
        verify::equal(&setting.left, &setting.right, tool.time_step_ns())?;
    }
    // The time of a run that did not do its work means nothing, so it is kept only now.
    runs.usages.push(usage);
    Ok(())
}

/// Measures the bare system calls of a workload on the trees of the first tool that worked.
fn take_limit(stage: &Stage, work: Work, runs: &[Runs], dir: &Path) -> Result<Option<f64>> {
    let Some(runs) = runs.iter().find(|runs| runs.failure.is_none()) else {
        return Ok(None);
    };
    stage.build(runs.tool)?;
    let setting = stage.setting(runs.tool);
    let scratch = dir.join("limit");
    prepare::remove(&scratch)?;
    std::fs::create_dir_all(&scratch)?;
    rustix::fs::syncfs(std::fs::File::open(dir)?)?;
    let watch = Stopwatch::start();
    match work {
        Work::W1 => limit::copy_small(&setting.left, &scratch)?,
        Work::W1e => limit::hash_both(&setting.left, &setting.right)?,
        Work::W0 | Work::W2 | Work::W2M | Work::W3 | Work::W6 => {
            limit::walk_both(&setting.left, &setting.right)?
        }
        Work::W4 | Work::W5 => {
            let large = setting.left.join("large.bin");
            limit::copy_large(&large, &scratch.join("large.bin"))?
        }
        Work::W7 => return Ok(None),
    };
    let secs = watch.secs();
    prepare::remove(&scratch)?;
    Ok(Some(secs))
}
