//! A home of its own for every test, and snapshots without what changes from run to run.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use crate::schema;

/// Two folders, a home, and the program; with `SYNCMGR_TEST_DAEMON=1` also a daemon of that home,
/// so that every test shows that commands work the same with one.
pub(crate) struct World {
    dir: TempDir,
    daemon: Option<Child>,
}

/// Says whether every world has a daemon.
pub(crate) fn has_daemon() -> bool {
    std::env::var_os("SYNCMGR_TEST_DAEMON").is_some_and(|value| value == "1")
}

impl World {
    pub(crate) fn new() -> Self {
        let mut world = Self::without_daemon();
        if has_daemon() {
            world.start_daemon();
        }
        world
    }

    /// A world in which nobody runs a daemon, whatever the environment says: for tests of what only
    /// a command by itself does, or what damages the state folder.
    pub(crate) fn without_daemon() -> Self {
        let world = Self {
            dir: tempfile::tempdir().unwrap(),
            daemon: None,
        };
        for name in ["A", "B"] {
            fs::create_dir(world.path(name)).unwrap();
        }
        world
    }

    /// A world with a daemon.
    pub(crate) fn with_daemon() -> Self {
        let mut world = Self::without_daemon();
        world.start_daemon();
        world
    }

    /// Starts the daemon and returns when it answers.
    pub(crate) fn start_daemon(&mut self) {
        let mut child = self
            .command("daemon run")
            // Many of them run at once, and there is only one port of that number.
            .env("SYNCMGR_DAEMON_LISTEN", "off")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains(" runs as process ") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the daemon ended");
        }
        // Read to the end, so that it never waits for a reader.
        std::thread::spawn(move || {
            std::io::copy(&mut log, &mut std::io::sink()).unwrap();
        });
        self.daemon = Some(child);
    }

    /// Kills the daemon, as a crash would.
    pub(crate) fn kill_daemon(&mut self) {
        if let Some(mut child) = self.daemon.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Says whether this world has a daemon.
    pub(crate) fn has_its_daemon(&self) -> bool {
        self.daemon.is_some()
    }

    /// Returns a path in the home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        // Without links, as the program shows it.
        fs::canonicalize(self.dir.path()).unwrap().join(name)
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// Prepares the program with a home of its own; `~` is the home.
    pub(crate) fn command(&self, words: &str) -> Command {
        let home = self.path("");
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncmgr"));
        command
            .args(words.split_whitespace().map(|w| expand(w, &home)))
            .env_clear()
            .env("HOME", home.to_str().unwrap().trim_end_matches('/'))
            .env("TZ", "UTC")
            .current_dir(self.path(""));
        command
    }

    pub(crate) fn output(&self, words: &str) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs the program and expects an exit code; returns stdout and stderr with what changes
    /// from run to run replaced.
    #[track_caller]
    pub(crate) fn run(&self, words: &str, code: i32) -> String {
        let output = self.output(words);
        let text = format!(
            "{}--\n{}",
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap()
        );
        assert_eq!(output.status.code(), Some(code), "{words}\n{text}");
        redact(&text, &self.path(""))
    }

    /// Runs the program with `--json` and returns the object.
    #[track_caller]
    pub(crate) fn json(&self, words: &str, code: i32) -> serde_json::Value {
        let output = self.output(&format!("{words} --json"));
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        // Exactly one object: anything behind it is an error of the parser.
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        schema::check(words, &value);
        value
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill_daemon();
    }
}

fn expand(word: &str, home: &Path) -> String {
    match word.strip_prefix("~/") {
        Some(rest) => home.join(rest).to_str().unwrap().to_owned(),
        None => word.to_owned(),
    }
}

/// Replaces run ids, times, durations and hexadecimal ids.
fn redact(text: &str, home: &Path) -> String {
    let text = text.replace(home.to_str().unwrap().trim_end_matches('/'), "~");
    let mut out = String::new();
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').map(redact_word).collect();
        let mut line = words.join(" ");
        if let Some((before, after)) = line.split_once(": ")
            && before.starts_with("Finished in ")
        {
            line = format!("Finished in TIME: {after}");
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}

fn redact_word(word: &str) -> String {
    let core = word.trim_matches(['`', ':', ',', '.']);
    let is_hex = |n: usize| core.len() == n && core.bytes().all(|b| b.is_ascii_hexdigit());
    let is_run = core.len() == 23 && core.as_bytes()[8] == b'-' && core.as_bytes()[18] == b'-';
    let is_clock = core.len() == 5 && core.as_bytes()[2] == b':';
    let name = match () {
        () if is_run => "RUN",
        () if is_hex(10) => "PLAN",
        () if is_hex(8) => "ID",
        () if is_clock => "CLOCK",
        () => return word.to_owned(),
    };
    word.replace(core, name)
}

/// Adds a sync of `A` and `B`, and one on `A` that works until its gate is closed.
pub(crate) fn gated(world: &World) {
    world.put("A/a", "text");
    let gate = world.path("gate");
    mknodat(CWD, &gate, FileType::Fifo, Mode::RWXU, 0).unwrap();
    let folder = world.path("A");
    let (gate, folder) = (gate.to_str().unwrap(), folder.to_str().unwrap());
    let words = format!("add slow --handler command command=/bin/cat,{gate} folders={folder}");
    world.run(&words, 0);
    world.run("add docs ~/A ~/B", 0);
}

/// Waits until the slow sync works, and keeps it working until the gate is dropped.
pub(crate) fn gate(world: &World) -> File {
    File::options()
        .write(true)
        .open(world.path("gate"))
        .unwrap()
}
