//! Two folders: preview, sync, holds, undo, exit codes.

use expect_test::expect;

use crate::harness::World;

/// What was once looked at in other folders would be taken for a memory of these.
#[test]
fn a_preview_of_what_never_ran_leaves_no_state() {
    let world = World::without_daemon();
    world.put("A/a.txt", "a");
    world.put("B/b.txt", "b");
    world.run("add s ~/A ~/B", 0);
    world.run("preview s", 0);
    world.run("preview ~/A ~/B", 0);
    world.run("why ~/A/a.txt", 0);
    let state = world.path(".local/state/syncmgr/files");
    let left = std::fs::read_dir(&state).map_or(0, Iterator::count);
    assert_eq!(left, 0);
    world.run("sync s", 0);
    assert_eq!(std::fs::read_dir(&state).unwrap().count(), 1);
}

#[test]
fn a_first_sync_merges_both_and_deletes_nothing() {
    let world = World::new();
    world.put("A/a.txt", "a");
    world.put("B/sub/b.txt", "bb");
    let preview = world.run("preview ~/A ~/B", 0);
    assert!(preview.contains("Nothing has been changed."), "{preview}");
    assert!(!world.has("B/a.txt"), "a preview changes nothing");
    expect![[r#"
        Finished in TIME: 1 file (1 B) to ~/B, 1 file (2 B) to ~/A, 1 folder made in ~/A, 0 deleted.
        --
        Checking  ~/A 1 entry · ~/B 2 entries
    "#]]
    .assert_eq(&without_copying(&world.run("sync ~/A ~/B", 0)));
    assert_eq!(world.text("B/a.txt"), "a");
    assert_eq!(world.text("A/sub/b.txt"), "bb");
    expect![[r#"
        Finished in TIME: nothing to do.
        --
        Checking  ~/A 3 entries · ~/B 3 entries
    "#]]
    .assert_eq(
        &world
            .run("sync ~/B ~/A", 0)
            .replace("~/B 3 entries · ~/A", "~/A 3 entries · ~/B"),
    );
}

/// Whether a line about copying appears depends on how fast the machine is.
fn without_copying(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with("Copying"))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn many_deletions_are_held_and_allowed_for_exactly_that_plan() {
    let world = World::new();
    for n in 0..40 {
        world.put(&format!("A/{n}"), "x");
    }
    world.run("sync ~/A ~/B", 0);
    for n in 0..30 {
        std::fs::remove_file(world.path(&format!("B/{n}"))).unwrap();
    }
    let text = world.run("sync ~/A ~/B", 13);
    assert!(text.contains("[too-many-deletions]"), "{text}");
    assert!(world.has("A/0"));
    world.run("sync ~/A ~/B --allow-deletions 0123456789", 25);
    assert!(world.has("A/0"));
    let preview = world.json("preview ~/A ~/B", 0);
    let plan = preview["held_plan"].as_str().unwrap();
    world.run(&format!("sync ~/A ~/B --allow-deletions {plan}"), 0);
    assert!(!world.has("A/0"));

    let history = world.json("history", 0);
    let run = history["runs"][0]["run"].as_str().unwrap();
    world.run(&format!("undo {run} --dry-run"), 0);
    assert!(!world.has("A/0"));
    world.run(&format!("undo {run}"), 0);
    assert!(world.has("A/0") && world.has("B/29"));
}

#[test]
fn folders_that_cannot_be_a_pair_are_refused() {
    let world = World::new();
    world.put("A/sub/x", "x");
    world.run("sync ~/A ~/A", 2);
    world.run("sync ~/A ~/A/sub", 2);
    world.run("sync ~/A ~/nope", 2);
    world.run("sync ~/A", 2);
    world.run("sync nope", 21);
    assert!(!world.has("A/.syncmgr"), "nothing is written");
}

#[test]
fn a_fifo_is_a_warning() {
    let world = World::new();
    let made = std::process::Command::new("mkfifo")
        .arg(world.path("A/pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    let text = world.run("sync ~/A ~/B", 0);
    assert!(text.contains("warning: 1 file in ~/A is a pipe"), "{text}");
    world.run("sync ~/A ~/B --strict", 10);
    world.run("sync ~/A ~/B --exclude pipe --strict", 0);
}

#[test]
fn a_mirror_goes_one_way() {
    let world = World::new();
    world.put("A/a", "1");
    world.run("sync ~/A ~/B --mode mirror", 0);
    world.put("B/a", "22");
    world.run("sync ~/A ~/B --mode mirror", 0);
    assert_eq!(world.text("B/a"), "1");
}

#[test]
fn a_folder_that_went_away_fails_and_changes_nothing() {
    let world = World::new();
    world.put("A/a", "1");
    world.run("sync ~/A ~/B", 0);
    std::fs::rename(world.path("B"), world.path("gone")).unwrap();
    let text = world.run("sync ~/A ~/B", 12);
    assert!(text.contains("[folder-missing]"), "{text}");
    assert!(world.has("A/a"));
    assert!(!world.has("B"));
}

#[test]
fn a_run_is_in_history_with_its_counts() {
    let world = World::new();
    world.put("A/a", "1");
    world.run("sync ~/A ~/B", 0);
    let history = world.json("history", 0);
    assert_eq!(history["runs"][0]["status"], "succeeded");
    assert_eq!(history["runs"][0]["summary"]["done"]["right"]["copied"], 1);
}

#[test]
fn the_demonstration_goes_as_told() {
    let world = World::new();
    let text = world.run("demo ~/demo", 0);
    assert!(text.contains("That was all."), "{text}");
}
