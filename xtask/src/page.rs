//! `page`: the checks of the page in `web/`: types and words, its rules, and the page itself in a
//! real browser before a real daemon with real folders.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::args::Args;
use crate::shell;

/// What every change has to pass; the whole takes three times as long.
const DOSE: [&str; 4] = [
    "tests/rules.e2e.ts",
    "tests/live.e2e.ts",
    "tests/plan.e2e.ts",
    "tests/setup.e2e.ts",
];
/// Where the pictures of the README are, from the root.
const PICTURES: &str = "docs/pictures";

pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let mut words = words.into_iter();
    let what = words.next().unwrap_or_default();
    let mut args = Args::new(words.collect());
    match &*what {
        "check" => {
            args.finish()?;
            install()?;
            npm(&["run", "--silent", "check"])?;
            npm(&["run", "--silent", "unit"])
        }
        "test" => {
            let only: Option<String> = args.option("--only")?;
            let is_small = args.switch("--smoke");
            args.finish()?;
            install()?;
            build()?;
            let mut command = script("e2e");
            if is_small {
                command.arg("--").args(DOSE);
            }
            if let Some(only) = only {
                command.args(["--", "--testNamePattern", &only]);
            }
            shell::run(&mut command)
        }
        "shots" => {
            let is_readme = args.switch("--readme");
            let dir: Option<PathBuf> = args.option("--dir")?;
            args.finish()?;
            install()?;
            build()?;
            let dir = dir.unwrap_or_else(|| {
                if is_readme {
                    shell::root().join(PICTURES)
                } else {
                    web().join("shots")
                }
            });
            let dir = std::path::absolute(dir).context("that folder cannot be used")?;
            let mut command = script("shots");
            command.env("SHOTS", &dir);
            if is_readme {
                command.env("SHOTS_FOR", "readme");
            }
            shell::run(&mut command)?;
            println!("the pictures are in {}", dir.display());
            Ok(())
        }
        other => bail!("`page {other}` is unknown: check, test or shots"),
    }
}

fn web() -> PathBuf {
    shell::root().join("web")
}

/// Installs the packages of the page, when they are not those of the lock file.
pub(crate) fn install() -> Result<()> {
    let is_same = |path: PathBuf| fs::read(path).ok();
    let lock = is_same(web().join("package-lock.json"));
    let mark = web().join("node_modules/.of-lock");
    if lock.is_some() && is_same(mark.clone()) == lock {
        return Ok(());
    }
    println!("installing the packages of the page into web/node_modules");
    let mut ci = npm_command();
    ci.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    shell::capture(&mut ci).context("cannot install them (is this machine online?)")?;
    fs::write(mark, lock.unwrap_or_default()).context("web/node_modules cannot be written")
}

/// Builds the program as people get it, with the page in it.
fn build() -> Result<()> {
    let mut build = shell::cargo();
    build
        .args(["build", "--release", "--quiet", "-p", "syncmgr"])
        .env("SYNCMGR_WEB", "require");
    shell::run(&mut build)
}

fn script(name: &str) -> Command {
    let mut command = npm_command();
    command
        .args(["run", "--silent", name])
        .env("SYNCMGR", shell::product());
    command
}

fn npm(words: &[&str]) -> Result<()> {
    shell::run(npm_command().args(words))
}

fn npm_command() -> Command {
    let mut command = Command::new("npm");
    command.current_dir(web());
    command
}
