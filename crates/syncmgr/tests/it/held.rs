//! What waits for an OK: an emptied side, a replaced folder, many rewrites, a first mirror.

use std::fs;

use crate::harness::World;

const N: usize = 40;

fn world_in_sync() -> World {
    let world = World::new();
    for n in 0..N {
        world.put(&format!("A/{n}"), &format!("file {n}"));
    }
    world.run("sync ~/A ~/B", 0);
    world
}

/// Expects a hold with a code, then that the allowance on the screen lets it go.
#[track_caller]
fn check_held(world: &World, words: &str, code: &str) {
    let text = world.run(words, 13);
    assert!(text.contains(&format!("[{code}]")), "{text}");
    assert!(text.contains("--allow-deletions PLAN"), "{text}");
    assert_eq!(world.json("status", 0)["status"], "held");
    let preview = world.json(&words.replace("sync", "preview"), 0);
    let plan = preview["held_plan"].as_str().unwrap();
    world.run(&format!("{words} --allow-deletions {plan}"), 0);
    assert_eq!(world.json("status", 0)["status"], "ok");
}

#[test]
fn an_emptied_side_empties_nothing() {
    let world = world_in_sync();
    for n in 0..N {
        fs::remove_file(world.path(&format!("B/{n}"))).unwrap();
    }
    check_held(&world, "sync ~/A ~/B", "side-emptied");
    assert!(!world.has("A/0"));
}

#[test]
fn another_folder_in_its_place_deletes_nothing() {
    let world = world_in_sync();
    fs::rename(world.path("B"), world.path("old")).unwrap();
    fs::create_dir(world.path("B")).unwrap();
    world.put("B/0", "file 0");
    let text = world.run("sync ~/A ~/B", 13);
    let expected = "~/B is not the folder it was at the last run. [folder-replaced]";
    assert!(text.contains(expected), "{text}");
    assert!(world.has("A/1"), "nothing was deleted because of it");
    // The right folder comes back, and nothing waits any more.
    fs::remove_dir_all(world.path("B")).unwrap();
    fs::rename(world.path("old"), world.path("B")).unwrap();
    world.run("sync ~/A ~/B", 0);
    assert_eq!(world.text("A/7"), "file 7");
}

#[test]
fn many_rewrites_wait() {
    let world = world_in_sync();
    for n in 0..30 {
        world.put(&format!("B/{n}"), "encrypted, give me money");
    }
    world.put("B/new", "n");
    let text = world.run("sync ~/A ~/B", 13);
    assert!(text.contains("30 of 40 files"), "{text}");
    assert!(world.has("A/new"), "the rest is done");
    assert_eq!(world.text("A/0"), "file 0");
    check_held(&world, "sync ~/A ~/B", "too-many-changes");
    assert_eq!(world.text("A/0"), "encrypted, give me money");
}

#[test]
fn a_first_mirror_asks_before_it_deletes() {
    let world = World::new();
    world.put("A/a", "1");
    world.put("B/only", "2");
    check_held(&world, "sync ~/A ~/B --mode mirror", "first-mirror");
    assert!(!world.has("B/only") && !world.has("A/only"));
}

#[test]
fn an_exclusion_deletes_nothing() {
    let world = world_in_sync();
    world.run("sync ~/A ~/B --exclude *", 0);
    assert!(world.has("A/0") && world.has("B/0"));
    fs::remove_file(world.path("B/0")).unwrap();
    world.run("sync ~/A ~/B --exclude /0", 0);
    assert!(world.has("A/0"), "what is left out is not looked at");
    world.run("sync ~/A ~/B", 0);
    assert!(
        world.has("A/0") && world.has("B/0"),
        "met again like something new"
    );
}
