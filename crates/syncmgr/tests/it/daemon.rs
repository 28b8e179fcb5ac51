//! The daemon, with real processes, sockets and signals.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::process::{Child, ChildStderr, Stdio};

use crate::harness::World;

/// Below the home of a world.
const CONFIG: &str = ".config/syncmgr/config.toml";
const SOCKET: &str = ".local/state/syncmgr/run/syncmgr.sock";

/// A daemon that runs; killed when it is dropped.
struct Daemon {
    child: Child,
    lines: BufReader<ChildStderr>,
}

impl Daemon {
    /// Starts a daemon and waits until it answers.
    #[track_caller]
    fn run(world: &World) -> Self {
        let mut daemon = Self::begin(world);
        daemon.wait_for("runs as process");
        daemon
    }

    fn begin(world: &World) -> Self {
        let mut child = world
            .command("daemon run")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Self { child, lines }
    }

    /// Reads the log up to the line with these words and returns that line.
    #[track_caller]
    fn wait_for(&mut self, words: &str) -> String {
        let mut before = String::new();
        loop {
            let line = self.line();
            let Some(line) = line else {
                panic!("the daemon ended without `{words}`:\n{before}");
            };
            if line.contains(words) {
                return line;
            }
            before += &line;
        }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let n = self.lines.read_line(&mut line).unwrap();
        (n > 0).then_some(line)
    }

    /// Kills it, as a crash would, and returns what it still said.
    fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.line()).collect()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Writes the settings: a sync of A and B that runs on changes at once, and what a test adds.
fn settings(world: &World, more: &str) {
    let text = format!(
        "[daemon]\nlisten = \"off\"\n\n\
         [sync.p]\nid = \"files-1\"\nleft = \"~/A\"\nright = \"~/B\"\n\
         change-quiet = \"50ms\"\nchange-gap = \"1ms\"\nretry = \"1s\"\n{more}"
    );
    world.put(CONFIG, &text);
}

const LIVE: &str = "\n[schedule.live]\non = [\"change\"]\n";

/// Returns the runs that history knows, newest first: id, and whether it came to an end.
fn history(world: &World) -> Vec<(String, bool)> {
    let runs = world.json("history --limit 1000", 0);
    let runs = runs["runs"].as_array().unwrap();
    let one = |run: &serde_json::Value| {
        let id = run["run"].as_str().unwrap().to_owned();
        (id, !run["ended"].is_null())
    };
    runs.iter().map(one).collect()
}

#[test]
fn it_starts_once_says_where_and_stops() {
    let world = World::without_daemon();
    settings(&world, "");
    assert_eq!(world.json("daemon status", 20)["is_running"], false);
    world.run("daemon stop", 0);
    let started = world.json("daemon start", 0);
    let told = world.json("daemon status", 0);
    assert_eq!(told["pid"], started["pid"]);
    assert_eq!(told["summary"], "1 not synced yet");
    assert_eq!(told["address"], serde_json::Value::Null);
    let again = world.json("daemon start", 0);
    assert_eq!(again["pid"], started["pid"]);
    let second = world.run("daemon run", 27);
    assert!(second.contains("the daemon runs already"), "{second}");
    let logged = world.run("daemon logs", 0);
    assert!(logged.contains("runs as process"), "{logged}");
    world.run("daemon restart", 0);
    assert_ne!(world.json("daemon status", 0)["pid"], started["pid"]);
    world.run("daemon stop", 0);
    world.run("daemon status", 20);
    assert!(!world.has(SOCKET));
}

#[test]
fn what_a_killed_daemon_left_is_in_nobodys_way() {
    let world = World::without_daemon();
    settings(&world, "");
    Daemon::run(&world).kill();
    assert!(world.has(SOCKET));
    world.run("daemon status", 20);
    let daemon = Daemon::run(&world);
    world.run("daemon status", 0);
    drop(daemon);
    // Something else that answers there is left alone.
    fs::remove_file(world.path(SOCKET)).unwrap();
    let _other = UnixListener::bind(world.path(SOCKET)).unwrap();
    let refused = world.run("daemon run", 12);
    assert!(refused.contains("listens on"), "{refused}");
}

#[test]
fn a_place_that_cannot_be_listened_on_is_said() {
    let world = World::without_daemon();
    settings(&world, "");
    let long = world.path(&"x".repeat(100));
    let output = world
        .command("daemon run")
        .env("SYNCMGR_RUNTIME_DIR", &long)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(12), "{text}");
    assert!(
        text.contains("bytes long") && text.contains("SYNCMGR_RUNTIME_DIR"),
        "{text}"
    );

    // A port that somebody else has is no reason not to sync.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let text = world.text(CONFIG).replace("\"off\"", &port.to_string());
    world.put(CONFIG, &text);
    let mut daemon = Daemon::begin(&world);
    daemon.wait_for("browsers cannot reach it");
    daemon.wait_for("runs as process");
    let told = world.json("daemon status", 0);
    assert_eq!(told["address"], serde_json::Value::Null);
}

#[test]
fn a_change_arrives_by_itself() {
    let world = World::without_daemon();
    world.put("A/old", "1");
    settings(&world, LIVE);
    let mut daemon = Daemon::run(&world);
    // What changed before it watched is found too.
    daemon.wait_for(" ended");
    assert_eq!(world.text("B/old"), "1");
    world.put("B/sub/new", "2");
    while !world.has("A/sub/new") {
        daemon.wait_for(" ended");
    }
    assert_eq!(world.text("A/sub/new"), "2");
}

#[test]
fn settings_are_taken_over_while_it_runs_and_mistakes_change_nothing() {
    let world = World::without_daemon();
    world.put("A/a", "1");
    settings(&world, "");
    let mut daemon = Daemon::run(&world);
    let good = world.text(CONFIG);
    world.put(
        CONFIG,
        &format!("{good}\n[schedule.live]\non = [\"chnge\"]\n"),
    );
    daemon.wait_for("stay in force");
    world.put(CONFIG, &format!("{good}{LIVE}"));
    daemon.wait_for("took over the settings");
    daemon.wait_for(" ended");
    assert_eq!(world.text("B/a"), "1");
}

#[test]
fn a_log_on_is_told_once() {
    let world = World::without_daemon();
    world.put("A/a", "1");
    settings(&world, "\n[schedule.morning]\non = [\"log-on\"]\n");
    let mut daemon = Daemon::run(&world);
    daemon.wait_for(" ended");
    drop(daemon);
    let mut daemon = Daemon::run(&world);
    // The settings are read after everything that a start does.
    world.put(CONFIG, &format!("{}\n# changed\n", world.text(CONFIG)));
    daemon.wait_for("took over the settings");
    drop(daemon);
    assert_eq!(history(&world).len(), 1);
}

#[test]
fn a_kill_loses_nothing_that_was_reported_and_repeats_nothing() {
    let world = World::without_daemon();
    // A conflict that has to outlast all of it.
    world.put("A/both", "left");
    world.put("B/both", "right");
    settings(&world, LIVE);
    let mut told = BTreeSet::new();
    let mut note = |text: &str| {
        for line in text.lines() {
            let words: Vec<_> = line.split(' ').collect();
            if let ["run", id, "ended"] = words.as_slice() {
                assert!(told.insert((*id).to_owned()), "{id} was reported twice");
            }
        }
    };
    for round in 0..8 {
        let mut daemon = Daemon::run(&world);
        for n in 0..20 {
            world.put(&format!("A/{round}/{n}"), &"x".repeat(10_000 * n));
        }
        // Other moments in every round: at the beginning of a run, within it, after some runs.
        for n in 0..round {
            // Something more to do, so that there is something more to hear.
            world.put(&format!("A/{round}-{n}"), "x");
            if let Some(line) = daemon.line() {
                note(&line);
            }
        }
        note(&daemon.kill());
    }
    // Every schedule is there: it goes on by itself, and all arrives.
    let mut daemon = Daemon::run(&world);
    while !(0..8).all(|round| (0..20).all(|n| world.has(&format!("B/{round}/{n}")))) {
        let line = daemon.wait_for(" ended");
        note(&line);
    }
    note(&daemon.kill());
    world.run("daemon status", 20);
    for n in 0..20 {
        let path = format!("7/{n}");
        assert_eq!(
            world.text(&format!("A/{path}")),
            world.text(&format!("B/{path}"))
        );
    }
    let runs = history(&world);
    let ids: BTreeSet<_> = runs.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(ids.len(), runs.len(), "a run stands there twice");
    for id in &told {
        assert!(
            runs.contains(&(id.clone(), true)),
            "{id} was reported and is lost"
        );
    }
    let conflicts = world.json("conflicts", 0);
    assert_eq!(conflicts["conflicts"].as_array().unwrap().len(), 1);
}

/// Asks over the port, and returns the whole answer.
fn ask(port: u16, first: &str, line: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    let text = format!(
        "{first} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\n{line}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_browser_is_still_signed_in_after_a_restart() {
    let world = World::without_daemon();
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    world.put(CONFIG, &format!("[daemon]\nlisten = {port}\n"));
    let daemon = Daemon::run(&world);
    let mut client = syncmgr_api::Client::connect(&world.path(SOCKET)).unwrap();
    let code = client.sign_in_code().unwrap().code;
    let body = format!("{{\"code\":\"{code}\"}}");
    let opened = ask(port, "POST /api/v1/sign-in", "X-A: 1", &body);
    let cookie = opened
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .and_then(|cookie| cookie.split(';').next())
        .unwrap();
    let csrf = opened.split("\"csrf\":\"").nth(1).unwrap();
    let csrf = csrf.split('"').next().unwrap();
    daemon.kill();

    let _daemon = Daemon::run(&world);
    let line = format!("Cookie: {cookie}\r\nX-CSRF-Token: {csrf}");
    let read = ask(port, "GET /api/v1/status", &line, "");
    assert!(read.starts_with("HTTP/1.1 200"), "{read}");
    let write = ask(port, "POST /api/v1/events/seen", &line, "{}");
    assert!(write.starts_with("HTTP/1.1 204"), "{write}");
    let stranger = ask(port, "GET /api/v1/status", "X-A: 1", "");
    assert!(stranger.starts_with("HTTP/1.1 401"), "{stranger}");
    let kept = world.text(".local/state/syncmgr/sign-ins.json");
    let secret = cookie.split('=').nth(1).unwrap();
    assert!(!kept.contains(secret) && !kept.contains(csrf));
}

/// An editor that writes into the file cuts it short first. Meanwhile, and while it is empty or has
/// a mistake, no sync is gone, and nothing of what is remembered of one.
#[test]
fn a_file_that_is_cut_short_takes_no_sync_away() {
    let world = World::without_daemon();
    world.put("A/a", "1");
    settings(&world, "");
    let mut daemon = Daemon::run(&world);
    world.run("sync p", 0);
    world.run("pause p", 0);
    let whole = world.text(CONFIG);
    let runs = history(&world);
    let is_there = || {
        let listed = world.json("status", 0);
        let item = &listed["items"][0];
        assert_eq!(
            (&item["name"], &item["status"]),
            (&"p".into(), &"paused".into()),
            "{listed}"
        );
    };
    let mut half = whole.clone();
    half.truncate(whole.find("left").unwrap() + 6);
    for text in ["", "\n", &half] {
        world.put(CONFIG, text);
        for _ in 0..10 {
            is_there();
        }
        world.put(CONFIG, &whole);
        is_there();
    }
    // One that stays so is no wish to remove everything either.
    for text in ["", &half] {
        world.put(CONFIG, text);
        daemon.wait_for("from before stay in force");
        is_there();
    }
    drop(daemon);
    world.put(CONFIG, "");
    let mut daemon = Daemon::run(&world);
    world.put(CONFIG, &whole);
    daemon.wait_for("took over the settings");
    is_there();
    assert_eq!(history(&world), runs);
    world.run("resume p", 0);
    // Both sides are known: a file that is gone on one is deleted on the other, not copied back.
    fs::remove_file(world.path("B/a")).unwrap();
    world.run("sync p", 0);
    assert!(!world.has("A/a"));
    // What is really taken out is gone.
    world.put(CONFIG, "[daemon]\nlisten = \"off\"\n");
    daemon.wait_for("took over the settings");
    assert_eq!(
        world.json("status", 0)["items"][0]["name"],
        serde_json::Value::Null
    );
}
