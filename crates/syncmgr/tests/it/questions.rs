//! Questions about single files and runs: `why`, `versions`, `conflicts`, `undo` of a decision.

use std::fs;

use crate::harness::World;

#[track_caller]
fn check_why(world: &World, path: &str, state: &str, words: &str) {
    let text = world.run(&format!("why {path}"), 0);
    assert!(text.contains(words), "{path}: {text}");
    let json = world.json(&format!("why {path}"), 0);
    assert_eq!(json["state"], state, "{path}");
}

#[test]
fn why_knows_every_reason() {
    let world = World::new();
    for name in ["same", "edited", "gone", "both"] {
        world.put(&format!("A/{name}"), "1");
    }
    world.put("A/keep/x.tmp", "1");
    world.run("add s ~/A ~/B --exclude *.tmp", 0);
    world.run("sync s", 0);
    world.put("A/edited", "22");
    fs::remove_file(world.path("B/gone")).unwrap();
    world.put("A/both", "22");
    world.put("B/both", "333");
    world.put("B/new", "1");
    let made = std::process::Command::new("mkfifo")
        .arg(world.path("A/pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    check_why(&world, "~/A/same", "in-sync", "it is equal on both sides");
    check_why(&world, "s:same", "in-sync", "it is equal on both sides");
    check_why(&world, "~/B/edited", "pending", "update in ~/B");
    check_why(&world, "~/A/gone", "pending", "delete in ~/A");
    check_why(&world, "~/B/new", "pending", "copy in ~/A");
    check_why(&world, "~/A/both", "conflict", "both changed");
    check_why(&world, "~/A/keep/x.tmp", "excluded", "`*.tmp`");
    check_why(&world, "~/A/pipe", "problem", "pipe");
    check_why(&world, "~/A/.syncmgr/x", "own", "never synced");
    check_why(&world, "~/A/nothing", "nowhere", "on neither side");
}

#[test]
fn one_decision_leaves_the_other_conflict() {
    let world = World::new();
    for name in ["one.log", "two.txt"] {
        world.put(&format!("A/{name}"), "left");
        world.put(&format!("B/{name}"), "right!");
    }
    world.run("sync ~/A ~/B", 11);
    let filter = [
        "resolve",
        "--all",
        "--where",
        "path~*.log and kind=both-new",
    ];
    let decide = |rest: &[&str], code| {
        let output = world.command("").args(filter).args(rest).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let preview = decide(&["--keep", "right", "--dry-run"], 0);
    assert!(preview.contains("one.log") && !preview.contains("two.txt"));
    assert_eq!(world.text("A/one.log"), "left");
    decide(&["--keep", "right"], 11);
    assert_eq!(world.text("A/one.log"), "right!");
    assert_eq!(world.text("A/two.txt"), "left");
    assert_eq!(world.json("status", 0)["status"], "conflicts");
    let skipped = world.json("resolve --all --keep skip", 11);
    assert_eq!(skipped["chosen"], 1);
    let done = world.json("resolve --all --keep both", 0);
    assert_eq!(done["runs"][0]["in_sync"], true);
    let names = |side: &str| {
        let mut names: Vec<_> = fs::read_dir(world.path(side))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("two"))
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("A"), names("B"));
    assert_eq!(names("A").len(), 2, "{:?}", names("A"));
    assert_eq!(world.json("status", 0)["status"], "ok");
}

#[test]
fn newest_with_equal_times_says_so() {
    let world = World::new();
    world.put("A/a", "left");
    world.put("B/a", "right");
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    for name in ["A/a", "B/a"] {
        let file = fs::File::options()
            .write(true)
            .open(world.path(name))
            .unwrap();
        file.set_modified(time).unwrap();
    }
    world.run("sync ~/A ~/B", 11);
    let text = world.run("resolve --all --keep newest", 11);
    assert!(text.contains("same time"), "{text}");
    assert_eq!(world.text("A/a"), "left");
}

#[test]
fn a_rule_decides_and_keeps_the_other_version() {
    for (rule, expected) in [("left", "left"), ("right", "right")] {
        let world = World::new();
        world.put("A/a", "left");
        world.put("B/a", "right");
        world.run(&format!("sync ~/A ~/B --rule {rule}"), 0);
        assert_eq!(world.text("A/a"), expected);
        assert_eq!(world.text("B/a"), expected);
        let versions = world.json("versions list ~/A/a", 0);
        assert_eq!(versions["versions"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn the_rule_merge_never_writes_marks() {
    let world = World::new();
    world.put("A/far", "one\ntwo\nthree\n");
    world.put("A/near", "one\n");
    world.run("sync ~/A ~/B", 0);
    world.put("A/far", "ONE\ntwo\nthree\n");
    world.put("B/far", "one\ntwo\nTHREE!\n");
    world.put("A/near", "two\n");
    world.put("B/near", "three\n");
    world.run("sync ~/A ~/B --rule merge", 11);
    for side in ["A", "B"] {
        assert_eq!(world.text(&format!("{side}/far")), "ONE\ntwo\nTHREE!\n");
        assert!(!world.text(&format!("{side}/near")).contains("<<<<"));
    }
    assert_eq!(world.text("A/near"), "two\n");
}

#[test]
fn versions_of_a_deleted_file_come_back() {
    let world = World::new();
    world.put("A/dir/a", "text\n");
    world.put("A/b", "b");
    world.run("sync ~/A ~/B", 0);
    fs::remove_file(world.path("B/dir/a")).unwrap();
    world.run("sync ~/A ~/B", 0);
    assert!(!world.has("A/dir/a"));
    let listed = world.json("versions list ~/A", 0);
    assert_eq!(listed["versions"][0]["deleted"], true);
    let preview = world.json("versions restore ~/A/dir/a --dry-run", 0);
    assert!(!preview["changes"].as_array().unwrap().is_empty());
    assert!(!world.has("A/dir/a"));
    let run = world.json("versions restore ~/B/dir/a", 0);
    assert_eq!(run["result"]["kind"], "restore");
    assert_eq!(world.text("A/dir/a"), "text\n");
    assert_eq!(world.text("B/dir/a"), "text\n");
}

#[test]
fn the_order_of_the_folders_does_not_matter() {
    let world = World::new();
    world.put("A/a", "1");
    world.run("add s ~/A ~/B --mode mirror", 0);
    world.run("sync s", 0);
    world.put("B/a", "22");
    world.run("sync ~/B ~/A", 0);
    assert_eq!(
        world.text("B/a"),
        "1",
        "the saved mirror still goes from A to B"
    );
    assert_eq!(world.json("list", 0)["items"].as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_decided_in_one_go_stays_and_the_rest_is_decided() {
    let world = World::new();
    world.put("A/text", "one\ntwo\nthree\n");
    world.put("A/same-place", "one\n");
    world.run("sync ~/A ~/B", 0);
    world.put("A/text", "ONE\ntwo\nthree\n");
    world.put("B/text", "one\ntwo\nTHREE!\n");
    world.put("A/same-place", "two\n");
    world.put("B/same-place", "three\n");
    world.run("sync ~/A ~/B", 11);
    world.run("resolve --all --keep merge", 11);
    assert_eq!(world.text("B/text"), "ONE\ntwo\nTHREE!\n");
    assert_eq!(world.text("B/same-place"), "three\n");
    let conflicts = world.json("conflicts", 0);
    assert_eq!(conflicts["conflicts"][0]["path"], "same-place");
    assert_eq!(conflicts["conflicts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_decision_hides_nothing_that_waits() {
    let world = World::new();
    for n in 0..40 {
        world.put(&format!("A/{n}"), "x");
    }
    world.put("A/note", "1");
    world.run("sync ~/A ~/B", 0);
    for n in 0..30 {
        fs::remove_file(world.path(&format!("B/{n}"))).unwrap();
    }
    world.put("A/note", "22");
    world.put("B/note", "333");
    world.run("sync ~/A ~/B", 13);
    world.run("resolve --all --keep left", 13);
    assert_eq!(world.json("status", 0)["status"], "held");
}

#[test]
fn a_decision_taken_back_is_a_conflict_again() {
    let world = World::new();
    world.put("A/note", "1");
    world.run("sync ~/A ~/B", 0);
    world.put("A/note", "22");
    world.put("B/note", "333");
    world.run("sync ~/A ~/B", 11);
    let done = world.json("resolve --all --keep left", 0);
    let run = done["runs"][0]["result"]["run"].as_str().unwrap();
    let undone = world.json(&format!("undo {run}"), 11);
    assert_eq!(undone["in_sync"], false);
    assert_eq!(world.text("B/note"), "333");
    world.run("sync ~/A ~/B", 11);
    assert_eq!(world.text("A/note"), "22");
    assert_eq!(world.text("B/note"), "333");
}

#[test]
fn an_undo_leaves_what_changed_since() {
    let world = World::new();
    world.put("A/a", "1");
    world.put("A/b", "1");
    world.run("sync ~/A ~/B", 0);
    world.put("A/a", "22");
    world.put("A/b", "22");
    let run = world.json("sync ~/A ~/B", 0);
    let run = run["result"]["run"].as_str().unwrap();
    world.put("B/a", "by hand");
    let text = world.run(&format!("undo {run}"), 12);
    assert!(text.contains("[changed-since]"), "{text}");
    assert_eq!(world.text("B/a"), "by hand");
    assert_eq!(world.text("A/b"), "1");
    assert_eq!(world.text("B/b"), "1");
}
