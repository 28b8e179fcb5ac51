//! Runs commands one after the other and reports time and memory of all their processes.
//!
//! The kernel adds up the resources of children that were waited for, so every measurement needs
//! a small process of its own: this verb, started by `bench`. It also keeps the floor of the
//! memory figure low, because a child counts the memory of the process it was forked from.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::clock::Stopwatch;
use crate::shell;

/// Separates commands on the command line.
const NEXT: &str = ";;";

/// What a command, or several in a row, used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) wall_secs: f64,
    /// User and system time of all processes.
    pub(crate) cpu_secs: f64,
    /// Peak memory of the largest process.
    pub(crate) peak_mib: f64,
    /// Exit code of the last command.
    pub(crate) code: i32,
}

/// One command, with its words.
pub(crate) type Words = Vec<String>;

/// Measures commands in a process of their own.
///
/// # Errors
/// A command cannot be started or ends with a code that is not in `expected`; what it said is in
/// the message.
pub(crate) fn measure(
    commands: &[Words],
    env: &[(String, PathBuf)],
    log: &Path,
    expected: &[i32],
) -> Result<Usage> {
    // Not by its name: that may be another program by now, when somebody builds meanwhile.
    let mut helper = Command::new("/proc/self/exe");
    helper.arg("measure").arg(log).arg("--");
    helper.args(commands.join(&NEXT.to_owned()));
    helper.envs(env.iter().map(|(name, value)| (name, value)));
    let text = shell::capture(&mut helper)?;
    let usage = read(&text).with_context(|| format!("cannot read the measurement `{text}`"))?;
    if !expected.contains(&usage.code) {
        let said = std::fs::read_to_string(log).unwrap_or_default();
        let shown: String = said.chars().take(2_000).collect();
        let typed: Vec<_> = commands.iter().map(|words| words.join(" ")).collect();
        bail!(
            "`{}` ended with {}\n{shown}",
            typed.join(" && "),
            usage.code
        );
    }
    Ok(usage)
}

fn read(text: &str) -> Option<Usage> {
    let mut words = text.split_whitespace();
    Some(Usage {
        wall_secs: words.next()?.parse().ok()?,
        cpu_secs: words.next()?.parse().ok()?,
        peak_mib: words.next()?.parse().ok()?,
        code: words.next()?.parse().ok()?,
    })
}

/// The verb itself: `measure LOG -- PROGRAM ARGS [;; PROGRAM ARGS]`.
pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let [log, separator, commands @ ..] = words.as_slice() else {
        bail!("usage: measure LOG -- PROGRAM [ARGS]");
    };
    if separator != "--" {
        bail!("usage: measure LOG -- PROGRAM [ARGS]");
    }
    let log = File::create(log).with_context(|| format!("cannot create {log}"))?;
    let watch = Stopwatch::start();
    let mut code = 0;
    for command in commands.split(|word| word == NEXT) {
        code = run_one(command, &log)?;
        if code != 0 {
            break;
        }
    }
    let wall = watch.secs();
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).context("cannot read the usage")?;
    let cpu_us = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    // Linux reports the peak in KiB.
    println!(
        "{wall} {} {} {code}",
        cpu_us as f64 / 1e6,
        used.max_rss() as f64 / 1024.0
    );
    Ok(())
}

fn run_one(command: &[String], log: &File) -> Result<i32> {
    let [program, args @ ..] = command else {
        bail!("an empty command");
    };
    let status = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?)
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    // A signal has no code; 128 plus its number is what shells say, and no tool uses -1.
    Ok(status.code().unwrap_or(-1))
}
