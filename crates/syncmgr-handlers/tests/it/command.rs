//! Any command: progress, exit codes, cancelling.

use std::process::Command;

use syncmgr_model::event::EventLevel;
use syncmgr_model::trouble::Code;

use crate::harness::{Machine, Ran, item, list};

/// Runs a script with the usual pattern, or settings of its own.
fn run(machine: &Machine, script: &str, settings: &[(&str, &[&str])]) -> Ran {
    let mut it = item("command", "it", &[]);
    list(&mut it, "command", &["sh", "-c", script]);
    for (key, values) in settings {
        list(&mut it, key, values);
    }
    machine.sync(&it)
}

#[test]
fn progress_of_any_command_is_seen() {
    let machine = Machine::new();
    let ran = run(
        &machine,
        "for n in 10 20 50 100; do printf \"$n%%\\r\"; done",
        &[],
    );
    ran.succeeded();
    ran.progress_grew();
    let last = ran.told.progress.last().unwrap();
    assert_eq!((last.1.n_done, last.1.n_total), (100, Some(100)));
}

#[test]
fn exit_codes_mean_what_a_person_said() {
    let machine = Machine::new();
    let exits: &[(&str, &[&str])] = &[("exits", &["24=warning", "25=held", "26=disconnected"])];
    let ran = run(&machine, "echo 'some files vanished' >&2; exit 24", exits);
    let summary = ran.succeeded();
    assert_eq!(summary.n_warnings, 1);
    let said = ran.said(Code::ToolFailed);
    assert_eq!(said.level, EventLevel::Warning);
    assert_eq!(said.param("detail"), "some files vanished");

    let ran = run(&machine, "echo 'too many deletions'; exit 25", exits);
    assert_eq!(ran.succeeded().n_held, 1);
    assert_eq!(
        ran.said(Code::RepairNeeded).param("detail"),
        "too many deletions"
    );

    run(&machine, "exit 26", exits).failed_with(Code::Disconnected);
    let ran = run(&machine, "echo one; echo two >&2; exit 7", exits);
    let trouble = ran.failed_with(Code::ToolFailed);
    assert_eq!(
        (trouble.param("exit"), trouble.param("detail")),
        ("7", "two")
    );
    assert!(trouble.param("output").contains("one"));
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let machine = Machine::new();
    let mut it = item("command", "it", &[]);
    list(&mut it, "command", &["no-such-program-here"]);
    let ran = machine.sync(&it);
    let trouble = ran.failed_with(Code::ToolMissing);
    assert_eq!(trouble.param("tool"), "no-such-program-here");
}

#[test]
fn a_server_that_does_not_answer_is_no_failure_of_the_command() {
    let machine = Machine::new();
    run(
        &machine,
        "echo 'ssh: connect to host nas port 22: Connection refused' >&2; exit 255",
        &[],
    )
    .failed_with(Code::Disconnected);
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let machine = Machine::new();
    let handler = machine.handler("command", &[]);
    let check = |key: &str, values: &[&str], text: Option<&str>| {
        let mut it = item("command", "it", &[]);
        list(&mut it, "command", &["true"]);
        match text {
            Some(text) => it
                .settings
                .set(key, syncmgr_model::item::Value::Text(text.to_owned())),
            None => list(&mut it, key, values),
        }
        let trouble = handler.check(&it).unwrap_err();
        assert_eq!(
            (trouble.code, trouble.param("key")),
            (Code::SettingUnusable, key)
        );
    };
    check("command", &[], None);
    check("command", &[""], None);
    check("exits", &["x"], None);
    check("folders", &["relative"], None);
    check("progress", &[], Some("("));
    check("dir", &[], Some("relative"));
}

#[test]
fn a_command_gets_only_the_environment_it_needs() {
    let mut machine = Machine::new();
    machine.set_env("WANTED", "yes");
    let script = "env > env.txt; pwd > pwd.txt; cat";
    let ran = run(&machine, script, &[("env", &["WANTED"])]);
    ran.succeeded();
    let mut it = item("command", "it", &[]);
    list(&mut it, "command", &["x"]);
    let state = machine.state(&it);
    let env = std::fs::read_to_string(state.join("env.txt")).unwrap();
    assert!(
        env.contains("WANTED=yes") && env.contains("LC_ALL=C.UTF-8"),
        "{env}"
    );
    assert!(!env.contains("hunter2") && !env.contains("CARGO"), "{env}");
    let pwd = std::fs::read_to_string(state.join("pwd.txt")).unwrap();
    assert_eq!(pwd.trim(), state.to_str().unwrap());
}

#[test]
fn a_stopped_command_ends_with_all_it_started() {
    let machine = Machine::new();
    let mut it = item("command", "it", &[]);
    let script = "sleep 79.25 & trap '' TERM; for n in 1 2 3; do echo $n/3; done; sleep 79.5";
    list(&mut it, "command", &["sh", "-c", script]);
    machine
        .sync_and_stop(&it, |at| at.n_done == 2)
        .was_stopped();
    let left = Command::new("pgrep").args(["-f", "^sleep 79"]).output();
    assert_eq!(String::from_utf8_lossy(&left.unwrap().stdout), "");
}

#[test]
fn two_runs_of_one_item_are_kept_apart_even_when_the_first_lost_its_parent() {
    let machine = Machine::new();
    let mut it = item("command", "it", &[]);
    list(&mut it, "command", &["sh", "-c", "true"]);
    machine.sync(&it).succeeded();
    // What a killed syncmgr leaves behind: a tool that has the lock as its standard input.
    let lock = machine.state(&it).join("lock");
    let file = std::fs::File::open(&lock).unwrap();
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let mut orphan = Command::new("sleep").arg("60").stdin(file).spawn().unwrap();
    let busy = machine.sync(&it);
    busy.failed_with(Code::Busy);
    orphan.kill().unwrap();
    orphan.wait().unwrap();
    machine.sync(&it).succeeded();
}

#[test]
fn an_item_says_what_it_runs_and_where() {
    let machine = Machine::new();
    let mut it = item("command", "it", &[]);
    list(
        &mut it,
        "command",
        &["rsync", "-a", "my photos/", "http://me:geheim@nas/x"],
    );
    list(&mut it, "folders", &["~/Photos"]);
    let shown = machine.shown(&it);
    assert_eq!(
        shown.item_info().unwrap().comment().unwrap(),
        "rsync -a 'my photos/' http://me:***@nas/x"
    );
    assert_eq!(shown.paths(), [machine.home().join("Photos")]);
}
