//! Tests that need other rights, limits or mounts run themselves again as another process that has
//! them. Where that is not possible they say so, and fail on a CI machine.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Set inside; its value is the folder to work in.
const INNER: &str = "SYNCMGR_TEST_INNER";
/// The user that has no rights anywhere.
const NOBODY: u32 = 65534;

/// Says that a test could not run on this machine because something is not installed or not
/// allowed; a CI machine has no excuse.
pub(super) fn cannot_run(test: &str, why: &str) {
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!is_ci, "{test} could not run: {why}");
    not_here(test, why);
}

/// Says that a test cannot run with this kernel, which no set-up changes.
pub(super) fn not_here(test: &str, why: &str) {
    println!("not run: {test}: {why}");
}

fn inner() -> Option<PathBuf> {
    std::env::var_os(INNER).map(PathBuf::from)
}

/// Runs `script` and then the test `name` again in a mount namespace of its own. Inside, returns
/// the folder that the script worked in; outside `None`, when all is over.
pub(super) fn in_namespace(name: &str, script: &str) -> Option<PathBuf> {
    if let Some(dir) = inner() {
        return Some(dir);
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().canonicalize().unwrap();
    let run = format!(
        "set -e; cd \"${INNER}\"; {script}; touch ready; exec \"$0\" --exact {name} --nocapture"
    );
    let out = Command::new("unshare")
        .args(["-m", "sh", "-c", &run])
        .arg(std::env::current_exe().unwrap())
        .env(INNER, &dir)
        .output();
    match out {
        Ok(out) if out.status.success() => check(&out),
        Ok(out) if dir.join("ready").exists() => panic!("{}", words(&out)),
        Ok(out) => cannot_run(name, String::from_utf8_lossy(&out.stderr).trim()),
        Err(error) => cannot_run(name, &format!("unshare: {error}")),
    }
    None
}

/// Runs the test `name` again in a process of its own, started by `words` (such as `prlimit`);
/// inside, returns a folder to work in.
pub(super) fn under(name: &str, words_before: &[&str]) -> Option<PathBuf> {
    if let Some(dir) = inner() {
        return Some(dir);
    }
    let temp = tempfile::tempdir().unwrap();
    let mut command = Command::new(words_before[0]);
    command
        .args(&words_before[1..])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INNER, temp.path().canonicalize().unwrap());
    match command.output() {
        Ok(out) => check(&out),
        Err(error) => cannot_run(name, &format!("{}: {error}", words_before[0])),
    }
    None
}

/// Runs the test `name` again as somebody to whom rights mean something; returns a folder to work
/// in there, also when this process is no root in the first place.
pub(super) fn as_nobody(name: &str) -> Option<PathBuf> {
    if let Some(dir) = inner() {
        return Some(dir);
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().canonicalize().unwrap();
    if !rustix::process::geteuid().is_root() {
        // Stays until the end of this process, which is soon.
        return Some(temp.keep());
    }
    let exe = std::env::current_exe().unwrap();
    rustix::fs::chown(
        &dir,
        Some(rustix::fs::Uid::from_raw(NOBODY)),
        Some(rustix::fs::Gid::from_raw(NOBODY)),
    )
    .unwrap();
    let out = run_as_nobody(&exe, name, &dir).or_else(|_| {
        // The program may lie where only root gets.
        let reachable = tempfile::Builder::new().prefix("it-").tempdir()?;
        open_up(reachable.path(), 0o755)?;
        let copy = reachable.path().join("it");
        std::fs::copy(&exe, &copy)?;
        run_as_nobody(&copy, name, &dir)
    });
    match out {
        Ok(out) => check(&out),
        Err(error) => cannot_run(name, &format!("not possible as another user: {error}")),
    }
    None
}

fn open_up(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

fn run_as_nobody(exe: &Path, name: &str, dir: &Path) -> std::io::Result<Output> {
    Command::new(exe)
        .args(["--exact", name, "--nocapture"])
        .env(INNER, dir)
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
}

/// The test inside has passed, and there was one: a name that no test has would pass as well.
#[track_caller]
fn check(out: &Output) {
    let has_run = String::from_utf8_lossy(&out.stdout).contains("1 passed");
    assert!(out.status.success() && has_run, "{}", words(out));
}

fn words(out: &Output) -> String {
    format!(
        "{}\n{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    )
}

/// Runs a program and says whether it did what it should.
pub(super) fn is_done(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .output()
        .is_ok_and(|out| out.status.success())
}
