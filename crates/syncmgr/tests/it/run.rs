//! `run`: any command as a run, with nothing changed for it and whoever started it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::harness::World;

const SPOOL: &str = ".local/state/syncmgr/spool";
const CONFIG: &str = ".config/syncmgr/config.toml";

/// Runs `syncmgr run` with these options and a shell script as its command.
fn shell(world: &World, options: &str, script: &str) -> std::process::Command {
    let mut command = world.command(&format!("run {options} -- /bin/sh -c"));
    command.arg(script).env("PATH", "/usr/bin:/bin");
    command
}

fn output(world: &World, options: &str, script: &str) -> Output {
    shell(world, options, script).output().unwrap()
}

/// Returns the runs of history, newest first: status and name of the sync.
fn history(world: &World) -> Vec<(String, String)> {
    let runs = world.json("history", 0);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |run: &Value| (text(&run["status"]), text(&run["items"][0]["item"]));
    runs["runs"].as_array().unwrap().iter().map(one).collect()
}

fn statuses(world: &World) -> Vec<String> {
    history(world)
        .into_iter()
        .map(|(status, _)| status)
        .collect()
}

fn n_spooled(world: &World) -> usize {
    fs::read_dir(world.path(SPOOL)).map_or(0, Iterator::count)
}

/// Waits until something is so; a test that waits for what never comes fails.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..400 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("never: {what}");
}

fn worlds() -> [World; 2] {
    [World::without_daemon(), World::with_daemon()]
}

#[test]
fn output_and_exit_code_pass_through_byte_for_byte() {
    for world in worlds() {
        for options in ["", "--progress usual"] {
            let script = r"cat; printf 'a\000\377b\r\n50%%'; printf 'e\001' >&2; exit 7";
            let mut child = shell(&world, options, script)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(b"in\n").unwrap();
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.stdout, b"in\na\x00\xffb\r\n50%");
            assert_eq!(output.stderr, b"e\x01");
            assert_eq!(output.status.code(), Some(7));
        }
        assert_eq!(statuses(&world), ["failed", "failed"]);
        assert_eq!(n_spooled(&world), 0);
    }
}

#[test]
fn ends_are_told_as_a_shell_tells_them() {
    let world = World::without_daemon();
    let check = |words: &str, code| {
        let output = world.output(words);
        assert_eq!(output.status.code(), Some(code), "{words}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(check("run /bin/true", 0), "");
    assert_eq!(check("run -- /bin/false", 1), "");
    assert_eq!(
        check("run -- /nowhere/x", 127),
        "syncmgr: /nowhere/x: not found\n"
    );
    assert_eq!(check("run /etc", 126), "syncmgr: /etc: permission denied\n");
    let killed = output(&world, "", "kill -9 $$");
    assert_eq!(killed.status.code(), Some(128 + 9));
    // A script without a first line is run as every shell does it.
    world.put("script", "echo \"script $1\"\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(world.path("script"), mode).unwrap();
    let script = world.output("run -- ~/script --quiet");
    assert_eq!(script.stdout, b"script --quiet\n");
}

#[test]
fn exit_codes_mean_what_was_said() {
    let world = World::without_daemon();
    let map = "--item m --exit-codes 2=warning,3=ok,4=disconnected,5=held";
    for code in [0, 2, 3, 4, 5, 6] {
        let output = output(&world, map, &format!("exit {code}"));
        assert_eq!(output.status.code(), Some(code));
    }
    let expected = [
        "failed",
        "succeeded",
        "disconnected",
        "succeeded",
        "succeeded",
        "succeeded",
    ];
    assert_eq!(statuses(&world), expected);
    let results = world.run("results", 0);
    assert!(results.contains("ended with code 6"), "{results}");
}

/// Whatever of syncmgr is broken, the command runs and its exit code is ours.
#[test]
fn nothing_of_syncmgr_keeps_a_command_from_running() {
    let check = |world: &World, what: &str| {
        for quiet in ["", "--quiet"] {
            let output = output(world, quiet, "echo done; exit 5");
            assert_eq!(output.status.code(), Some(5), "{what}: {output:?}");
            assert_eq!(output.stdout, b"done\n", "{what}");
            let said = String::from_utf8(output.stderr).unwrap();
            let n_max = usize::from(quiet.is_empty());
            assert!(said.lines().count() <= n_max, "{what}: {said}");
        }
    };
    let world = World::without_daemon();
    world.put(CONFIG, "[sync\nbroken");
    check(&world, "a broken file of settings");
    assert_eq!(world.text(CONFIG), "[sync\nbroken");

    let world = World::without_daemon();
    world.put(".local/state/syncmgr", "a file in the way");
    check(&world, "no state folder");

    let world = World::without_daemon();
    world.put(".local/state/syncmgr/history.db", "no database at all");
    check(&world, "a damaged history");

    // A daemon that hangs.
    let world = World::with_daemon();
    let lock = world.text(".local/state/syncmgr/daemon.lock");
    let pid = lock.lines().next().unwrap().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    check(&world, "a daemon that hangs");
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    until("taken in", || {
        n_spooled(&world) == 0 || world.output("list").stdout.is_empty()
    });
    assert_eq!(statuses(&world), ["failed", "failed"]);

    // Options that cannot be used are said, and are no reason not to run.
    let world = World::without_daemon();
    let output = output(&world, "--progress ( --exit-codes x --max-age y", "exit 4");
    assert_eq!(output.status.code(), Some(4));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.lines().count() == 1 && said.contains("--progress"),
        "{said}"
    );
}

#[test]
fn a_command_is_one_sync_under_one_name_and_shows_no_secret() {
    for world in worlds() {
        for _ in 0..2 {
            world.output("run -- /bin/echo --password=hunter2 hunter2 /path");
        }
        world.output("run -- /bin/echo other");
        world.output("run --item nightly --max-age 2d -- /bin/true");
        let text = world.text(CONFIG);
        assert_eq!(text.matches("[sync.").count(), 3, "{text}");
        assert!(
            text.contains("command = \"/bin/echo --password=… /path\""),
            "{text}"
        );
        assert!(text.contains("max-age = \"2d\""), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        let ids: Vec<_> = history(&world).into_iter().map(|(_, id)| id).collect();
        assert_eq!(ids[2], ids[3]);
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);
        // Nothing starts it from here.
        let started = world.output("sync nightly");
        assert_ne!(started.status.code(), Some(0));
        // It is renamed, and stays what it is.
        world.run("rename echo talk", 0);
        world.output("run -- /bin/echo --password=hunter2 hunter2 /path");
        assert_eq!(history(&world)[0].1, ids[2]);
    }
}

/// Without a daemon a command that runs has a file; killed, it is reported by whoever comes next.
#[test]
fn a_name_that_no_sync_can_have_is_said_and_the_command_runs() {
    let world = World::without_daemon();
    for name in ["bad/with", "no:such"] {
        let ran = output(&world, &format!("--item {name}"), "echo out; exit 3");
        assert_eq!(ran.status.code(), Some(3));
        assert_eq!(ran.stdout, b"out\n");
        let said = String::from_utf8(ran.stderr).unwrap();
        let expected = format!("--item `{name}` cannot be the name of a sync: it has");
        assert!(said.contains(&expected), "{said}");
    }
    let config = fs::read_to_string(world.path(CONFIG)).unwrap();
    // Both belong to the sync of the command.
    assert_eq!(config.matches("[sync.").count(), 1, "{config}");
    assert!(config.contains("[sync.sh]"), "{config}");
}

#[test]
fn a_run_that_was_killed_is_reported_as_interrupted() {
    for daemon_comes in [false, true] {
        let mut world = World::without_daemon();
        let mut child = shell(&world, "--item long", "echo on; exec sleep 60")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut on = [0; 3];
        child.stdout.as_mut().unwrap().read_exact(&mut on).unwrap();
        assert_eq!(n_spooled(&world), 1);
        if daemon_comes {
            world.start_daemon();
        }
        // It runs still, so nobody takes its file.
        assert_eq!(statuses(&world), [""; 0]);
        assert_eq!(n_spooled(&world), 1);
        kill_both(child);
        until("taken in", || statuses(&world) == ["failed"]);
        let results = world.run("results", 0);
        assert!(results.contains("[interrupted]"), "{results}");
        assert_eq!(n_spooled(&world), 0);
    }
}

/// Kills syncmgr, then the command it started.
fn kill_both(mut child: Child) {
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let command = fs::read_to_string(children).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    for pid in command.split_whitespace() {
        let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
}

/// The daemon is killed, or comes, while a command runs: there is one run, and it ended well.
#[test]
fn a_daemon_that_comes_or_goes_in_the_middle_loses_and_doubles_nothing() {
    let mut world = World::with_daemon();
    let wait = "until [ -e go ]; do sleep 0.02; done";
    let mut child = shell(&world, "--item x", wait).spawn().unwrap();
    until("it shows", || {
        world.json("status", 0)["counts"]["syncing"] == 1
    });
    world.kill_daemon();
    until("it writes a file", || n_spooled(&world) == 1);
    world.put("go", "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(statuses(&world), ["succeeded"]);
    assert!(!world.run("results", 0).contains("interrupted"));

    fs::remove_file(world.path("go")).unwrap();
    let mut child = shell(&world, "--item x", wait).spawn().unwrap();
    until("it writes a file", || n_spooled(&world) == 1);
    world.start_daemon();
    world.put("go", "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    until("taken in", || n_spooled(&world) == 0);
    assert_eq!(statuses(&world), ["succeeded", "succeeded"]);
}

#[test]
fn a_run_is_stopped_from_outside_and_so_is_all_that_it_started() {
    let world = World::with_daemon();
    let script = "trap 'echo bye; exit 9' TERM; sleep 60 & wait";
    let mut child = shell(&world, "--item x", script)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    until("it shows", || {
        world.json("status", 0)["counts"]["syncing"] == 1
    });
    world.run("stop x", 0);
    let mut said = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(9));
    assert_eq!(said, "bye\n");
    assert_eq!(statuses(&world), ["canceled"]);
}

#[test]
fn signals_reach_the_command_and_its_children() {
    let world = World::without_daemon();
    for (signal, name, code) in [
        (rustix::process::Signal::TERM, "TERM", 3),
        (rustix::process::Signal::INT, "INT", 3),
        (rustix::process::Signal::HUP, "HUP", 3),
    ] {
        let script = format!("trap 'kill $!; exit 3' {name}; sleep 60 & echo on; wait");
        let mut child = with_usual_signals(&shell(&world, "", &script))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut on = [0; 3];
        child.stdout.as_mut().unwrap().read_exact(&mut on).unwrap();
        let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        // Ends only when the child of the command has ended too: it holds the pipe.
        let mut rest = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut rest)
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{name}");
    }
}

/// Whoever runs the tests may ignore signals, as a shell does for what runs in its background.
fn with_usual_signals(command: &std::process::Command) -> std::process::Command {
    let mut env = std::process::Command::new("/usr/bin/env");
    env.arg("--default-signal=INT,QUIT,HUP,TERM")
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        );
    if let Some(dir) = command.get_current_dir() {
        env.current_dir(dir);
    }
    env
}

/// On a terminal the command has the terminal, and Ctrl-C comes from there.
#[test]
fn a_terminal_stays_a_terminal() {
    let world = World::without_daemon();
    let Some(mut python) = python() else {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "python3 is needed"
        );
        return;
    };
    let script = r#"
import os, pty, signal, sys
pid, fd = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(sys.argv[1], sys.argv[1:])
out = b""
sent = False
while True:
    try:
        data = os.read(fd, 1000)
    except OSError:
        break
    if not data:
        break
    out += data
    if b"ready" in out and not sent:
        sent = True
        os.write(fd, b"\x03")
_, status = os.waitpid(pid, 0)
sys.stdout.write(out.decode().replace("\r\n", "\n") + "exit %d\n" % os.waitstatus_to_exitcode(status))
"#;
    let run = shell(
        &world,
        "",
        "[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo tty; trap 'echo int; exit 4' INT; echo ready; sleep 20 & wait; wait",
    );
    let output = python
        .arg("-c")
        .arg(script)
        .arg(run.get_program())
        .args(run.get_args())
        .env("HOME", world.path(""))
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        text.replace("^C", ""),
        "tty\nready\nint\nexit 4\n",
        "{:?}",
        output.stderr
    );
}

fn python() -> Option<std::process::Command> {
    let there = std::process::Command::new("python3")
        .arg("--version")
        .output();
    there.is_ok().then(|| std::process::Command::new("python3"))
}

/// What whoever started us wanted to be ignored is ignored by the command too, as with `nohup`.
#[test]
fn ignored_signals_stay_ignored() {
    let world = World::without_daemon();
    let inner = shell(&world, "", "kill -HUP $$; echo alive");
    let mut outer = std::process::Command::new("/bin/sh");
    let output = outer
        .arg("-c")
        .arg("trap '' HUP; exec \"$@\"")
        .arg("sh")
        .arg(inner.get_program())
        .args(inner.get_args())
        .env_clear()
        .env("HOME", world.path(""))
        .arg0("sh")
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"alive\n", "{output:?}");
    assert_eq!(output.status.signal(), None);
}

#[test]
fn progress_is_read_along() {
    let world = World::with_daemon();
    let script = "echo 'at 3/4 now'; until [ -e go ]; do sleep 0.02; done";
    let mut child = shell(&world, "--item x --progress usual", script)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("progress shows", || {
        let output = world.output("status --json");
        String::from_utf8_lossy(&output.stdout).contains("\"total\":4")
            || {
                let shown = world.output("show x --json");
                String::from_utf8_lossy(&shown.stdout).contains("\"total\":4")
            }
            || {
                let watched = world.output("list");
                String::from_utf8_lossy(&watched.stdout).contains("75")
            }
    });
    world.put("go", "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// The last success of a command is too old: that is said without any schedule.
#[test]
fn a_command_that_did_not_run_for_too_long_is_overdue() {
    for world in worlds() {
        world.output("run --item x --max-age 1s -- /bin/true");
        until("overdue", || {
            world.json("status", 0)["counts"]["overdue"] == 1
        });
        world.output("run --item x --max-age 1h -- /bin/true");
        until("fine again", || {
            world.json("status", 0)["counts"]["ok"] == 1
        });
    }
}
