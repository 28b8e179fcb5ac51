//! A run that is stopped or killed: whole files only, and the next run carries on.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::harness::World;

const N_FILES: usize = 300;

fn world_with_files() -> World {
    filled(World::new())
}

fn filled(world: World) -> World {
    for n in 0..N_FILES {
        world.put(&format!("A/{n}"), &format!("{n} ").repeat(10_000));
    }
    world
}

/// Starts a slow run and returns when it has said that it is done with checking: from then on it
/// copies for several seconds.
fn start(world: &World) -> Child {
    start_with(world, "5M")
}

fn start_with(world: &World, bandwidth: &str) -> Child {
    let mut child = world
        .command(&format!("sync ~/A ~/B --bandwidth {bandwidth}"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let talk = child.stderr.as_mut().unwrap();
    BufReader::new(talk).read_line(&mut line).unwrap();
    assert!(line.starts_with("Checking"), "{line}");
    child
}

/// Sends a signal to a slow run and returns its end.
fn stop(world: &World, signal: &str) -> ExitStatus {
    let mut child = start(world);
    send(&child, signal);
    child.wait().unwrap()
}

fn check_carries_on(world: &World) {
    for n in 0..N_FILES {
        let (from, to) = (format!("A/{n}"), format!("B/{n}"));
        if world.has(&to) {
            assert_eq!(world.text(&to), world.text(&from), "a whole file");
        }
    }
    world.run("sync ~/A ~/B", 0);
    assert_eq!(world.text("B/299"), world.text("A/299"));
}

#[test]
fn ctrl_c_stops_with_whole_files() {
    let world = world_with_files();
    assert_eq!(stop(&world, "-INT").code(), Some(130));
    let last = world.json("history", 0)["runs"][0].clone();
    assert_eq!(last["status"], "canceled");
    assert_eq!(last["summary"]["failures"], 0, "stopping is no failure");
    check_carries_on(&world);
}

#[test]
fn a_termination_stops_with_whole_files() {
    let world = world_with_files();
    assert_eq!(stop(&world, "-TERM").code(), Some(130));
    check_carries_on(&world);
}

#[test]
fn a_killed_run_is_interrupted_and_needs_no_repair() {
    let world = filled(World::without_daemon());
    assert_eq!(stop(&world, "-KILL").code(), None);
    let history = world.json("history", 0);
    assert_eq!(history["runs"][0]["status"], "failed");
    let run = history["runs"][0]["run"].as_str().unwrap();
    let listed = world.run("history", 0);
    assert!(
        listed.contains("failed: The run was interrupted"),
        "{listed}"
    );
    let shown = world.run(&format!("history show {run}"), 0);
    assert!(shown.contains("[interrupted]"), "{shown}");
    check_carries_on(&world);
}

#[test]
fn two_runs_never_work_on_the_same_folders() {
    let world = filled(World::without_daemon());
    std::fs::create_dir(world.path("C")).unwrap();
    let mut child = start(&world);
    let text = world.run("sync ~/A ~/B", 26);
    assert!(text.contains("[busy]"), "{text}");
    world.run("sync ~/A ~/C", 26);
    // Questions are answered while the run works.
    world.run("conflicts", 0);
    world.run("why ~/A/0", 0);
    world.run("preview ~/A ~/B", 0);
    assert_eq!(world.json("status", 0)["counts"]["syncing"], 1);
    child.kill().unwrap();
    child.wait().unwrap();
    check_carries_on(&world);
}

#[test]
fn a_killed_daemon_interrupts_its_run_and_the_next_one_carries_on() {
    let mut world = filled(World::with_daemon());
    let mut child = start(&world);
    world.kill_daemon();
    assert_eq!(child.wait().unwrap().code(), Some(20), "nobody answers");
    world.start_daemon();
    assert_eq!(world.json("history", 0)["runs"][0]["status"], "failed");
    check_carries_on(&world);
}

#[test]
fn a_command_that_is_killed_leaves_its_run_to_the_daemon() {
    let world = filled(World::with_daemon());
    let mut child = start(&world);
    child.kill().unwrap();
    child.wait().unwrap();
    let asked = world.json("sync ~/A ~/B --no-wait", 0);
    assert!(asked["accepted"][0]["run"].is_string());
    let stopped = world.json("stop", 0);
    assert_eq!(stopped["ended"], true);
    assert!(world.json("stop", 0)["runs"].as_array().unwrap().is_empty());
    check_carries_on(&world);
}

#[test]
fn waiting_has_an_end_and_the_run_goes_on() {
    let world = filled(World::with_daemon());
    let text = world.run("sync ~/A ~/B --bandwidth 2M --timeout 300ms", 23);
    assert!(text.contains("the run goes on in the daemon"), "{text}");
    let watched = world.json("status", 0);
    assert_eq!(watched["counts"]["syncing"], 1, "{watched}");
    let text = world.run("stop", 0);
    assert!(text.contains("Stopped 1 run."), "{text}");
    check_carries_on(&world);
    // Without a daemon nobody could go on with it.
    let world = filled(World::without_daemon());
    world.run("sync ~/A ~/B --bandwidth 2M --timeout 300ms", 23);
    world.run("sync ~/A ~/B --no-wait", 20);
    check_carries_on(&world);
}

/// One file that takes half a minute: stopping it cannot be waiting for it.
fn world_with_a_big_file() -> World {
    let world = World::new();
    world.put("A/big", &"0123456789abcde\n".repeat(2 << 20));
    world.put("B/old", "1");
    world
}

fn send(child: &Child, signal: &str) {
    let sent = std::process::Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the promise is about seconds of a person's time"
)]
fn a_big_file_does_not_delay_a_stop() {
    for signals in [&["-INT"][..], &["-TERM"], &["-INT", "-INT"]] {
        let world = world_with_a_big_file();
        let mut child = start_with(&world, "1M");
        let asked = Instant::now();
        for signal in signals {
            send(&child, signal);
        }
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signals:?}");
        assert!(asked.elapsed() < Duration::from_secs(2), "{signals:?}");
        assert!(!world.has("B/big"), "only whole files");
        world.run("sync ~/A ~/B", 0);
        assert_eq!(world.text("B/big").len(), 32 << 20);
        assert_eq!(world.json("status", 0)["status"], "ok");
    }
}

#[test]
fn a_stopped_run_keeps_what_it_copied() {
    let world = World::new();
    for n in 0..100 {
        world.put(&format!("A/new/folder/{n}"), &"x".repeat(50_000));
    }
    let mut child = start_with(&world, "1M");
    // In the order of names, the last one of the first second.
    while !world.has("B/new/folder/0") {
        assert_eq!(child.try_wait().unwrap(), None, "it ended too early");
        std::thread::yield_now();
    }
    send(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let run = world.json("sync ~/A ~/B", 0);
    let copied = run["result"]["summary"]["done"]["right"]["copied"].as_u64();
    assert!(copied.is_some_and(|n| n < 100), "{copied:?}");
    assert_eq!(world.text("B/new/folder/99"), world.text("A/new/folder/99"));
}

#[test]
fn a_machine_that_slept_during_a_run_finds_what_changed_meanwhile() {
    let world = world_with_files();
    world.put("A/late/edited", "old");
    let mut child = start(&world);
    send(&child, "-STOP");
    // While it sleeps, a person goes on: on the side files come from, and where they go.
    world.put("A/late/edited", "new");
    world.put("A/298", "rewritten");
    std::fs::remove_file(world.path("A/297")).unwrap();
    world.put("B/299", "somebody else's");
    send(&child, "-CONT");
    let code = child.wait().unwrap().code();
    assert!(matches!(code, Some(11 | 12)), "{code:?}");
    assert_eq!(world.text("B/299"), "somebody else's");
    let old = format!("{} ", 298).repeat(10_000);
    for (name, now) in [("B/late/edited", "new"), ("B/298", "rewritten")] {
        if world.has(name) {
            let text = world.text(name);
            assert!(
                text == now || text == "old" || text == old,
                "{name} is mixed"
            );
        }
    }
    world.run("sync ~/A ~/B", 11);
    assert_eq!(world.text("B/late/edited"), "new");
    assert_eq!(world.text("B/298"), "rewritten");
    assert!(!world.has("B/297") || world.has("A/297"));
    assert_eq!(world.text("B/299"), "somebody else's");
    assert_ne!(world.text("A/299"), "somebody else's");
}
