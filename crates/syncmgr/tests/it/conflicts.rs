//! Conflicts: listed, compared, decided, taken back; versions of what was replaced.

use crate::harness::World;

fn world_with_conflict() -> (World, String) {
    let world = World::new();
    world.put("A/notes.txt", "one\ntwo\nthree\n");
    world.run("sync ~/A ~/B", 0);
    world.put("A/notes.txt", "ONE\ntwo\nthree\n");
    world.put("B/notes.txt", "one\ntwo\nTHREE is longer\n");
    world.run("sync ~/A ~/B", 11);
    let conflicts = world.json("conflicts", 0);
    let id = conflicts["conflicts"][0]["id"].as_str().unwrap().to_owned();
    (world, id)
}

#[test]
fn a_conflict_is_shown_with_both_versions_and_the_base() {
    let (world, id) = world_with_conflict();
    assert!(world.run("conflicts", 0).contains("both changed"));
    assert!(
        world
            .run(&format!("conflicts show {id}"), 0)
            .contains("larger")
    );
    let diff = world.run(&format!("conflicts diff {id}"), 0);
    for line in ["-one", "+ONE", "-three", "+THREE is longer"] {
        assert!(diff.contains(line), "{diff}");
    }
    let status = world.run("", 0);
    assert!(status.starts_with("1 sync needs you"), "{status}");
    world.run("conflicts show 00000000", 21);
}

#[test]
fn a_decision_is_carried_out_and_taken_back() {
    let (world, id) = world_with_conflict();
    world.run("resolve --keep left", 2);
    world.run(&format!("resolve {id} --keep left --dry-run"), 0);
    assert_eq!(world.text("B/notes.txt"), "one\ntwo\nTHREE is longer\n");
    world.run(&format!("resolve --keep left {id}"), 0);
    assert_eq!(world.text("B/notes.txt"), "ONE\ntwo\nthree\n");
    let run = world.json("history", 0)["runs"][0]["run"].clone();
    // The conflict is there again, at once.
    world.run(&format!("undo {}", run.as_str().unwrap()), 11);
    assert_eq!(world.text("B/notes.txt"), "one\ntwo\nTHREE is longer\n");
    assert!(world.run("conflicts", 0).contains("notes.txt"));
}

#[test]
fn a_merged_file_goes_to_both_sides() {
    let (world, id) = world_with_conflict();
    world.put("merged.txt", "mine\n");
    world.run(&format!("resolve {id} --keep merged merged.txt"), 0);
    assert_eq!(world.text("A/notes.txt"), "mine\n");
    assert_eq!(world.text("B/notes.txt"), "mine\n");
}

#[test]
fn texts_that_changed_in_different_places_are_merged() {
    let (world, _) = world_with_conflict();
    world.run(
        "conflicts resolve --all --where kind=both-new --keep merge",
        0,
    );
    world.run("conflicts resolve --all --keep merge", 0);
    assert_eq!(world.text("A/notes.txt"), "ONE\ntwo\nTHREE is longer\n");
}

#[test]
fn a_replaced_file_can_be_listed_compared_and_restored() {
    let world = World::new();
    world.put("A/a.txt", "old\n");
    world.run("sync ~/A ~/B", 0);
    world.put("A/a.txt", "new text\n");
    world.run("sync ~/A ~/B", 0);
    assert!(world.run("versions list ~/B/a.txt", 0).contains("replaced"));
    let diff = world.run("versions diff ~/B/a.txt", 0);
    assert!(
        diff.contains("-old") && diff.contains("+new text"),
        "{diff}"
    );
    world.run("versions restore ~/B/a.txt", 0);
    assert_eq!(world.text("A/a.txt"), "old\n");
    assert_eq!(world.text("B/a.txt"), "old\n");
}

#[test]
fn why_answers_for_every_state() {
    let (world, _) = world_with_conflict();
    let check = |path: &str, expected: &str| {
        let text = world.run(&format!("why {path}"), 0);
        assert!(text.contains(expected), "{path}: {text}");
    };
    check("~/A/notes.txt", "waits for your decision");
    check("~/B/nothing", "on neither side");
    world.put("A/new", "x");
    check("~/A/new", "the next run would: copy in ~/B");
    world.run("why ~/elsewhere", 21);
}

/// The daemon decides at the same desk, with what a person saw held against what there is.
#[test]
fn the_daemon_decides_real_files() {
    let world = World::with_daemon();
    world.put("A/notes.txt", "one\ntwo\n");
    world.put("A/other.txt", "one\n");
    world.run("add docs ~/A ~/B", 0);
    world.run("sync docs", 0);
    for name in ["notes.txt", "other.txt"] {
        world.put(&format!("A/{name}"), "ONE\n");
        world.put(&format!("B/{name}"), "something longer\n");
    }
    world.run("sync docs", 11);
    let listed = world.json("conflicts", 0);
    let first = &listed["all"][0];
    assert_eq!(first["name"], "notes.txt");
    assert_eq!(first["keep"][0], "left");
    let id = first["id"].as_str().unwrap().to_owned();
    let diff = world.json(&format!("conflicts diff {id}"), 0);
    assert_eq!(diff["contents"][1]["data"], "something longer\n");
    assert_eq!(diff["base"]["data"], "one\ntwo\n");
    let refused = world.run(&format!("resolve {id} --keep 3"), 2);
    assert!(refused.contains("it offers left, right"), "{refused}");
    world.run(&format!("resolve {id} --keep remove"), 2);
    let dry = world.run("resolve --all --where sync=docs --keep left --dry-run", 0);
    assert!(dry.contains("Would decide 2 conflicts"), "{dry}");
    assert_eq!(world.text("B/notes.txt"), "something longer\n");
    // A place names a content as well.
    let place = world.path("B");
    world.run(
        &format!("resolve {id} --keep {}", place.to_str().unwrap()),
        11,
    );
    assert_eq!(world.text("A/notes.txt"), "something longer\n");
    // One that changed since it was listed by the last run is not decided.
    world.put("B/other.txt", "changed meanwhile\n");
    world.run("resolve --all --where handler=files --keep left", 25);
    assert_eq!(world.text("B/other.txt"), "changed meanwhile\n");
    world.run("resolve --all --where handler=other --keep left", 0);
    world.run("conflicts --where path~*.log", 0);
    world.run("conflicts --where colour=red", 2);
}
