//! Syncs of other handlers than the one for two folders: made, shown, run, decided about; and what
//! happens when two of them work on one folder.

use std::fs;
use std::process::Stdio;

use crate::harness::{World, gate, gated};

/// Adds a sync that copies `A/a` to `B/a` by a program.
fn copying() -> World {
    let world = World::new();
    world.put("A/a", "text");
    let (a, b) = (world.path("A/a"), world.path("B/a"));
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    let folder = world.path("A");
    let folders = format!("folders={}", folder.to_str().unwrap());
    let words = format!("add copy --handler command command=/bin/cp,{a},{b} {folders}");
    world.run(&words, 0);
    world
}

#[test]
fn a_sync_of_any_handler_lives_its_life() {
    let world = copying();
    let shown = world.run("show copy", 0);
    assert!(shown.contains("/bin/cp"), "{shown}");
    assert!(shown.contains("handler   command"), "{shown}");
    assert!(world.run("list", 0).contains("not synced yet"));
    assert!(world.run("list --handler command", 0).contains("copy"));
    let listed = world.json("list --handler files", 0);
    assert!(listed["items"].as_array().unwrap().is_empty());
    let refused = world.run("preview copy", 12);
    assert!(refused.contains("cannot say beforehand"), "{refused}");
    assert!(!world.has("B/a"));
    let done = world.run("sync command/copy", 0);
    assert!(!done.contains("nothing to do"), "{done}");
    assert_eq!(world.text("B/a"), "text");
    let item = world.json("show copy", 0);
    assert_eq!(item["sync"]["handler"], "command");
    assert_eq!(item["sync"]["status"], "ok");
    assert_eq!(item["sync"]["folders"]["left"], "");
    let id = item["sync"]["id"].as_str().unwrap().to_owned();
    assert!(
        world
            .run(&format!("history {}", &id[..6]), 0)
            .contains("copy")
    );
    world.run("rename copy twin", 0);
    world.run("off twin", 0);
    world.run("sync twin", 12);
    world.run("on twin", 0);
    world.run("sync twin", 0);
    world.run("set twin mode=mirror", 2);
    world.run("set twin --mode mirror", 2);
    world.run("sync twin --mode mirror", 2);
    world.run("set twin command=/bin/false", 0);
    let failed = world.run("sync twin", 12);
    assert!(failed.contains("tool-failed"), "{failed}");
    assert!(world.run("list --state failed", 0).contains("twin"));
    assert!(world.run("results twin", 0).contains("twin"));
    let removed = world.run("remove twin", 0);
    assert!(removed.contains("are unchanged"), "{removed}");
    assert!(
        world.json("list", 0)["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(world.text("A/a"), "text");
}

#[test]
fn what_is_missing_is_said_with_what_it_is() {
    let world = World::new();
    let text = world.run("add x --handler command", 2);
    assert!(text.contains("needs `command`"), "{text}");
    assert!(text.contains("command=VALUE: the program"), "{text}");
    world.run("add x --handler command ~/A ~/B", 2);
    world.run("add x --handler command colour=red", 2);
    world.run("add x --handler nobody a=b", 21);
    world.run("add x ~/A", 2);
    world.run("add a/b ~/A ~/B", 2);
    world.run("list --state wonderful", 2);
    world.run("list --handler nobody", 21);
    world.run("add docs ~/A ~/B mode=add-only", 0);
    assert_eq!(
        world.json("show docs", 0)["sync"]["settings"]["mode"],
        "add-only"
    );
}

/// A handler that is not there breaks nothing else, and its settings stay as they are.
#[test]
fn a_sync_whose_handler_is_not_installed_breaks_nothing() {
    let world = World::new();
    world.put("A/a", "1");
    let theirs = "[sync.phone]\nhandler = \"phone-of-anna\"\nport = 22\n\
                  deep = { a = 1 } # how\nlist = [\"x\", \"y\"]\n";
    world.put(".config/syncmgr/config.toml", theirs);
    world.run("add docs ~/A ~/B", 0);
    world.run("config check", 0);
    world.run("sync docs", 0);
    let listed = world.json("status", 0);
    let phone = &listed["items"][0];
    assert_eq!(phone["name"], "phone");
    assert_eq!(phone["status"], "unknown");
    assert_eq!(phone["reason"]["code"], "handler-unknown");
    assert_eq!(listed["items"][1]["status"], "ok");
    let text = world.run("status", 0);
    assert!(text.contains("not installed"), "{text}");
    assert!(text.contains("handler install"), "{text}");
    let refused = world.run("sync phone", 21);
    assert!(refused.contains("handler-unknown"), "{refused}");
    world.run("set phone port=23", 21);
    world.run("off phone", 0);
    world.run("on phone", 0);
    world.run("rename phone handy", 0);
    let file = world.text(".config/syncmgr/config.toml");
    for line in theirs.lines().skip(1) {
        assert!(file.contains(line), "{line}: {file}");
    }
    assert!(world.run("doctor", 12).contains("is not installed"));
    world.run("conflicts", 0);
    world.run("remove handy", 0);
    let listed = world.json("list", 0);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[test]
fn syncs_on_one_folder_are_told() {
    let world = copying();
    fs::create_dir(world.path("C")).unwrap();
    let text = world.run("add docs ~/A ~/C", 0);
    assert!(
        text.contains("docs and copy work on the same folder: ~/A"),
        "{text}"
    );
    assert!(
        world
            .run("show copy", 0)
            .contains("work on the same folder")
    );
    let added = world.json("set docs keep_days=9", 0);
    assert_eq!(added["notices"][0]["code"], "folders-shared");
    let output = world.output("doctor");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("shared folder"), "{text}");
    // The very same folders both ways a second time would only do harm.
    fs::create_dir(world.path("D")).unwrap();
    world.run("add other ~/C ~/D", 0);
    let (a, c) = (world.path("A"), world.path("C"));
    let (a, c) = (a.to_str().unwrap(), c.to_str().unwrap());
    let refused = world.run(&format!("set other left={a} right={c}"), 2);
    assert!(refused.contains("docs"), "{refused}");
    world.run(&format!("set other left={a} right={c} mode=mirror"), 0);
}

#[test]
fn two_processes_never_work_on_one_folder() {
    let world = World::without_daemon();
    gated(&world);
    let mut slow = world
        .command("sync slow")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let gate = gate(&world);
    let text = world.run("sync docs", 26);
    assert!(text.contains("[busy]"), "{text}");
    assert!(text.contains(&format!("process {}", slow.id())), "{text}");
    // Nor folders that nobody saved.
    fs::create_dir(world.path("C")).unwrap();
    world.run("sync ~/A ~/C", 26);
    assert!(!world.has("B/a"));
    // What changes nothing is answered.
    world.run("preview docs", 0);
    drop(gate);
    assert!(slow.wait().unwrap().success());
    world.run("sync docs", 0);
    assert_eq!(world.text("B/a"), "text");
}

#[test]
fn the_daemon_has_one_wait_for_the_other() {
    let world = World::with_daemon();
    gated(&world);
    world.run("sync slow --no-wait", 0);
    let gate = gate(&world);
    let asked = world.json("sync docs --no-wait", 0);
    assert_eq!(asked["accepted"][0]["taken"], "queued");
    let docs = world.json("show docs", 0);
    assert_eq!(docs["sync"]["status"], "waiting");
    assert_eq!(docs["sync"]["reason"]["code"], "waits-for-folders");
    let text = world.run("status", 0);
    assert!(text.contains("waits for slow"), "{text}");
    assert!(!world.has("B/a"));
    drop(gate);
    // It joins the run that waits.
    world.run("sync docs", 0);
    assert_eq!(world.text("B/a"), "text");
}

#[test]
fn several_syncs_run_side_by_side() {
    let world = World::new();
    world.put("A/a", "text");
    gated(&world);
    fs::create_dir(world.path("C")).unwrap();
    fs::create_dir(world.path("D")).unwrap();
    world.put("C/c", "beside");
    world.run("add beside ~/C ~/D", 0);
    let mut all = world
        .command("sync slow beside --json")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let gate = gate(&world);
    // The first one still works; the other one does not wait for it.
    let mut n = 0;
    while !world.has("D/c") {
        n += 1;
        assert!(n < 500, "it waited");
        world.run("list", 0);
    }
    drop(gate);
    assert!(all.wait().unwrap().success());
}

/// What a handler cannot do is said, and not offered: taking a run back, versions, single files.
#[test]
fn what_another_handler_cannot_do_is_not_offered() {
    let world = World::without_daemon();
    world.put("A/a", "1");
    let folder = world.path("A");
    let words = format!(
        "add slow --handler command command=/bin/true folders={}",
        folder.to_str().unwrap()
    );
    world.run(&words, 0);
    world.run("sync slow", 0);
    let text = world.run("history", 0);
    assert!(!text.contains("syncmgr undo"), "{text}");
    let run = world.json("history", 0)["runs"][0]["run"].clone();
    let refused = world.run(&format!("undo {}", run.as_str().unwrap()), 2);
    assert!(refused.contains("cannot be taken back"), "{refused}");
    let why = world.run("why ~/A/a", 0);
    assert!(why.contains("in a folder of the sync slow"), "{why}");
    assert_eq!(world.json("why ~/A/a", 0)["state"], "unexplained");
    let versions = world.run("versions list ~/A/a", 0);
    assert!(versions.contains("keeps no versions"), "{versions}");
    world.run("why ~/elsewhere", 21);
}
