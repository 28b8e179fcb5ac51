//! Builds the page in `web/` with npm, so that the program carries it.
//!
//! Works on a copy in `OUT_DIR`: a build writes nothing among the sources. Without npm the program
//! is built all the same and serves one plain page; `SYNCMGR_WEB=require` makes that an error,
//! `SYNCMGR_WEB=skip` does not even try.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

/// What the page is made of; changes of anything else (tests, pictures) build nothing anew.
const SOURCES: [&str; 6] = [
    "index.html",
    "package.json",
    "package-lock.json",
    "svelte.config.js",
    "vite.config.ts",
    "src",
];

fn main() -> ExitCode {
    println!("cargo::rerun-if-env-changed=SYNCMGR_WEB");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let dist = out.join("dist");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", web.join(source).display());
    }
    let wish = env::var("SYNCMGR_WEB").unwrap_or_default();
    let built = if wish == "skip" {
        Err("SYNCMGR_WEB=skip".to_owned())
    } else {
        build(&web, &out.join("web"), &dist)
    };
    let Err(why) = built else {
        return ExitCode::SUCCESS;
    };
    if wish == "require" {
        println!("cargo::error=the page cannot be built: {why}");
        return ExitCode::FAILURE;
    }
    if wish != "skip" {
        println!("cargo::warning=the page cannot be built, a plain one takes its place: {why}");
    }
    drop(fs::remove_dir_all(&dist));
    match fs::create_dir_all(&dist) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={}: {error}", dist.display());
            ExitCode::FAILURE
        }
    }
}

fn build(web: &Path, work: &Path, dist: &Path) -> Result<(), String> {
    let failed = |error: io::Error| error.to_string();
    let lock = web.join("package-lock.json");
    // Packages stay as long as the lock file does: they are most of the time.
    let is_installed = fs::read(work.join("package-lock.json")).ok() == fs::read(&lock).ok()
        && work.join("node_modules/.package-lock.json").is_file();
    if !is_installed {
        drop(fs::remove_dir_all(work));
    }
    fs::create_dir_all(work).map_err(failed)?;
    drop(fs::remove_dir_all(work.join("src")));
    for source in SOURCES {
        copy(&web.join(source), &work.join(source))
            .map_err(|error| format!("{source}: {error}"))?;
    }
    if !is_installed {
        run(Command::new("npm")
            .args([
                "ci",
                "--omit=dev",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ])
            .current_dir(work))?;
    }
    run(Command::new("npm")
        .args(["run", "--silent", "build", "--", "--logLevel", "warn"])
        .env("SYNCMGR_WEB_OUT", dist)
        .current_dir(work))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let first = lines
        .iter()
        .take(5)
        .copied()
        .collect::<Vec<_>>()
        .join(" | ");
    Err(format!("{program} ended with {}: {first}", output.status))
}
