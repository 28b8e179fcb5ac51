//! `ci`: everything that continuous integration runs, in the order in which mistakes are cheapest
//! to find. Stops at the first failure and prints the command that repeats it.

use std::process::Command;

use anyhow::{Context as _, Result, anyhow};

use crate::clock::Stopwatch;
use crate::{setup, shell};

/// Enough for every kind of fault to be met; `sim --seeds` runs as many as anybody likes.
const SEEDS: &str = "200";
/// Three of each signal, and some runs that are hit while they repair.
const KILLS: &str = "9";

/// A step: what it is called and the command that a person can repeat.
struct Step {
    name: &'static str,
    words: &'static [&'static str],
    env: Option<(&'static str, &'static str)>,
}

impl Step {
    const fn new(name: &'static str, words: &'static [&'static str]) -> Self {
        Self {
            name,
            words,
            env: None,
        }
    }

    fn command(&self) -> Command {
        let mut cargo = shell::cargo();
        cargo.args(self.words);
        cargo.envs(self.env);
        cargo
    }

    fn text(&self) -> String {
        let env = self
            .env
            .map_or_else(String::new, |(name, value)| format!("{name}='{value}' "));
        format!("{env}cargo {}", self.words.join(" "))
    }
}

/// Before the tests.
const CHECKS: [Step; 6] = [
    Step::new("format", &["fmt", "--all", "--check"]),
    Step::new(
        "lints",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "-D",
            "warnings",
        ],
    ),
    Step::new("tidy", &["xtask", "tidy"]),
    Step::new("spec", &["xtask", "spec"]),
    Step::new("types and rules of the page", &["xtask", "page", "check"]),
    Step {
        name: "docs",
        words: &[
            "doc",
            "--workspace",
            "--no-deps",
            "--document-private-items",
            "--quiet",
        ],
        env: Some(("RUSTDOCFLAGS", "-D warnings")),
    },
];

/// The product at work, as people get it.
const TRIALS: [Step; 10] = [
    Step::new(
        "README's first command",
        &["run", "--quiet", "--release", "--", "demo"],
    ),
    Step::new("simulation", &["xtask", "sim", "--seeds", SEEDS]),
    Step::new(
        "simulation of the center",
        &["xtask", "sim", "--center", "--seeds", SEEDS],
    ),
    Step::new("kills", &["xtask", "kill", "--rounds", KILLS]),
    Step::new("API against its description", &["xtask", "api"]),
    Step::new(
        "the page in a browser, small dose",
        &["xtask", "page", "test", "--smoke"],
    ),
    Step::new("benchmark, small dose", &["xtask", "bench", "--smoke"]),
    Step::new(
        "control benchmark, small dose",
        &["xtask", "bench", "control", "--smoke"],
    ),
    Step {
        name: "commands, each with a daemon",
        words: &["test", "-p", "syncmgr", "--test", "it"],
        env: Some(("SYNCMGR_TEST_DAEMON", "1")),
    },
    Step::new("doc tests", &["test", "--workspace", "--doc"]),
];

const NEXTEST: Step = Step::new(
    "tests",
    &["nextest", "run", "--workspace", "--no-fail-fast"],
);
const TEST: Step = Step::new(
    "tests",
    &[
        "test",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--no-fail-fast",
    ],
);
const DENY: Step = Step::new(
    "licences and bans",
    &["deny", "--offline", "check", "bans", "licenses", "sources"],
);

pub(crate) fn run() -> Result<()> {
    let all = Stopwatch::start();
    let watch = Stopwatch::start();
    println!("== set-up");
    setup::run().context("repeat with: cargo xtask setup")?;
    println!("== set-up: {:.1} s", watch.secs());
    CHECKS.iter().try_for_each(take)?;
    if has("cargo-deny") {
        take(&DENY)?;
    } else {
        println!("== licences and bans: cargo-deny is not installed; `tidy` read the lock file");
    }
    TRIALS.iter().try_for_each(take)?;
    // Last, so that the summary of the tests is what a reader of the log finds at its end.
    if has("cargo-nextest") {
        take(&NEXTEST)?;
    } else {
        take(&TEST)?;
    }
    println!("== everything passed in {:.0} s", all.secs());
    Ok(())
}

fn has(program: &str) -> bool {
    shell::find(program).is_some()
}

fn take(step: &Step) -> Result<()> {
    println!("== {}: {}", step.name, step.text());
    let watch = Stopwatch::start();
    // The words of the command are in the last line already, so those of the error are left out.
    shell::run(&mut step.command())
        .map_err(|_| anyhow!("{} failed, repeat with: {}", step.name, step.text()))?;
    println!("== {}: {:.1} s", step.name, watch.secs());
    Ok(())
}
