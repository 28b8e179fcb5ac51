//! Commands: what they get, and how they end.

use std::fs;
use std::path::Path;
use std::time::Duration;

use syncmgr_alerts::channel::{Channel, Way};
use syncmgr_alerts::deliver;
use syncmgr_alerts::error::DeliveryError;
use syncmgr_alerts::message::Message;
use syncmgr_model::alarm::AlarmKind;
use syncmgr_model::catalogue::Retry;
use syncmgr_model::time::Timestamp;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::support::{PATIENCE, channel, message, message_about};

/// A channel that runs this script; the script is an argument, so a `|` in it is not for us.
fn script(text: &str, dir: &Path) -> Channel {
    let path = dir.join("hook.sh");
    fs::write(&path, text).unwrap();
    channel(&[
        ("kind", "command"),
        (
            "command",
            &format!("[sh|{}|{}]", path.display(), dir.display()),
        ),
        ("timeout", "20s"),
    ])
}

fn with_timeout(mut channel: Channel, timeout: Duration) -> Channel {
    if let Way::Command(command) = &mut channel.way {
        command.timeout = timeout;
    }
    channel
}

#[test]
fn a_command_gets_the_facts_as_variables_and_as_json() {
    let dir = tempfile::tempdir().unwrap();
    let hook = script("env > $1/env; cat > $1/json; pwd > $1/pwd", dir.path());
    deliver(&hook, &message()).unwrap();
    let read = |name| fs::read_to_string(dir.path().join(name)).unwrap();
    let env = read("env");
    for line in [
        "SYNCMGR_EVENT=held",
        "SYNCMGR_SYNC=docs",
        "SYNCMGR_STATUS=error",
        "SYNCMGR_TITLE=docs: waiting for your OK",
        "SYNCMGR_MESSAGE=Changes wait for your OK.",
        "PATH=/usr/local/bin:/usr/bin:/bin",
    ] {
        assert!(env.lines().any(|it| it == line), "{line} is not in\n{env}");
    }
    let json: serde_json::Value = serde_json::from_str(&read("json")).unwrap();
    assert_eq!(json, message().to_json());
    assert_eq!(read("pwd"), "/\n");
}

#[test]
fn a_command_gets_nothing_of_our_environment() {
    let dir = tempfile::tempdir().unwrap();
    let hook = script("env > $1/env", dir.path());
    deliver(&hook, &message()).unwrap();
    let env = fs::read_to_string(dir.path().join("env")).unwrap();
    let foreign: Vec<_> = env
        .lines()
        .filter(|line| {
            let own = ["SYNCMGR_", "PATH=", "PWD=", "OLDPWD=", "SHLVL=", "_="];
            !own.iter().any(|it| line.starts_with(it))
        })
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

#[test]
fn a_variable_is_kept_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let mut hook = script("test -n \"$CARGO_MANIFEST_DIR\"", dir.path());
    assert!(deliver(&hook, &message()).is_err());
    if let Way::Command(command) = &mut hook.way {
        command.keep_env = vec!["CARGO_MANIFEST_DIR".to_owned()];
    }
    deliver(&hook, &message()).unwrap();
}

#[test]
fn no_shell_reads_the_arguments() {
    let dir = tempfile::tempdir().unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "").unwrap();
    let evil = format!("$(rm {0}); rm {0}", victim.display());
    let hook = channel(&[
        ("kind", "command"),
        ("command", &format!("[sh|-c|exit 0|{evil}]")),
    ]);
    deliver(&hook, &message_about(&evil, AlarmKind::Held)).unwrap();
    assert!(victim.exists());
}

#[test]
fn a_command_that_fails_is_quoted_and_not_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let hook = script(
        "echo first; echo 'no such host\u{1b}[31m' >&2; exit 3",
        dir.path(),
    );
    let err = deliver(&hook, &message()).unwrap_err();
    assert_eq!(
        err.to_string(),
        "the command sh failed: exit status: 3, it said: no such host\\u{1b}[31m"
    );
    assert_eq!(err.retry(), Retry::Never);
}

#[test]
fn a_missing_command_is_named() {
    let hook = channel(&[("kind", "command"), ("command", "[no-such-program-here]")]);
    let err = deliver(&hook, &message()).unwrap_err();
    assert!(matches!(err, DeliveryError::NotStarted { .. }), "{err}");
}

#[test]
fn a_command_that_hangs_is_ended_with_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let text = "sleep 1000 & echo $! > $1/child; sleep 1000";
    let hook = with_timeout(script(text, dir.path()), Duration::from_secs(2));
    let err = deliver(&hook, &message()).unwrap_err();
    assert!(matches!(err, DeliveryError::CommandTooSlow { .. }), "{err}");
    let pid = fs::read_to_string(dir.path().join("child")).unwrap();
    assert!(is_gone(pid.trim()), "{pid} still runs");
}

#[test]
fn what_a_command_leaves_behind_does_not_hold_us_up() {
    let dir = tempfile::tempdir().unwrap();
    let hook = script("sleep 1000 & echo $! > $1/child; exit 1", dir.path());
    let err = deliver(&hook, &message()).unwrap_err();
    assert!(matches!(err, DeliveryError::CommandFailed { .. }), "{err}");
    let pid = fs::read_to_string(dir.path().join("child")).unwrap();
    assert!(is_gone(pid.trim()), "{pid} still runs");
}

#[test]
fn a_flood_of_output_is_dropped_and_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let hook = script("head -c 30000000 /dev/zero; exit 1", dir.path());
    let err = deliver(&hook, &message()).unwrap_err();
    assert!(err.to_string().len() < 3000, "{}", err.to_string().len());
}

#[test]
fn a_command_that_reads_nothing_is_fine() {
    let alarms = vec![message().alarms()[0].clone(); 50];
    let long = Message::new(alarms, "desk").unwrap();
    let hook = channel(&[("kind", "command"), ("command", "[true]")]);
    deliver(&hook, &long).unwrap();
    deliver(&hook, &Message::test("desk", Timestamp(0))).unwrap();
}

/// Waits a little for a process to end: a signal to die is sent, and followed some time later.
fn is_gone(pid: &str) -> bool {
    let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
        return true;
    };
    let limit = Timespec::try_from(PATIENCE).unwrap();
    let mut events = [PollFd::new(&process, PollFlags::IN)];
    poll(&mut events, Some(&limit)) == Ok(1)
}
