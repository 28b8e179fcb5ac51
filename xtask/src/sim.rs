//! `sim [--center] --seeds N [--from S]`: the whole engine on replicas in memory, with faults and
//! crashes; with `--center` the center instead, with handlers and people that do as chance says.
//!
//! The simulator sits behind a cargo feature, because it pulls in the engine and its database;
//! without it, `tidy` and `setup` build in seconds. So this verb builds itself once more, in
//! release mode and with the feature, and lets that program run.

use anyhow::Result;

use crate::args::Args;

/// Enough for a coffee break; CI takes fewer.
const SEEDS: u64 = 10_000;

pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let mut args = Args::new(words);
    let seeds = args.option("--seeds")?.unwrap_or(SEEDS);
    let from = args.option("--from")?.unwrap_or(0);
    let is_center = args.switch("--center");
    args.finish()?;
    simulate(is_center, from, seeds)
}

#[cfg(feature = "sim")]
fn simulate(is_center: bool, first_seed: u64, n: u64) -> Result<()> {
    let watch = crate::clock::Stopwatch::start();
    if is_center {
        match syncmgr_testing::sim_center::run_many(first_seed, n) {
            Ok(stats) => println!("{stats}"),
            Err(failure) => anyhow::bail!("{failure}"),
        }
    } else {
        match syncmgr_testing::sim::run_many(first_seed, n) {
            Ok(stats) => println!("{stats}"),
            Err(failure) => anyhow::bail!("{failure}"),
        }
    }
    let rate = n as f64 / watch.secs().max(1e-9);
    println!("{n} seeds from {first_seed}, {rate:.0} seeds/s");
    Ok(())
}

#[cfg(not(feature = "sim"))]
fn simulate(is_center: bool, first_seed: u64, n: u64) -> Result<()> {
    let mut cargo = crate::shell::cargo();
    cargo.args(["run", "--quiet", "--release", "--package", "xtask"]);
    cargo.args(["--features", "sim", "--", "sim"]);
    cargo.args(is_center.then_some("--center"));
    cargo.args(["--seeds", &n.to_string(), "--from", &first_seed.to_string()]);
    crate::shell::run(&mut cargo)
}
