//! Saved syncs: add, list, show, set, rename, remove.

use crate::harness::World;

#[test]
fn a_saved_sync_lives_its_life() {
    let world = World::new();
    world.put("A/a", "1");
    world.put("A/b.tmp", "1");
    world.run("add photos ~/A ~/B --exclude *.tmp", 0);
    world.run("add photos ~/A ~/B", 2);
    world.run("sync photos", 0);
    assert!(world.has("B/a") && !world.has("B/b.tmp"));
    let why = world.run("why photos:b.tmp", 0);
    assert!(why.contains("`*.tmp`"), "{why}");
    world.run("set photos exclude= keep_days=90", 0);
    world.run("set photos mode=sideways", 2);
    world.run("sync ~/A ~/B", 0);
    assert!(
        world.has("B/b.tmp"),
        "the folders are those of the saved sync"
    );
    assert_eq!(world.json("list", 0)["items"].as_array().unwrap().len(), 1);
    world.run("rename photos pics", 0);
    let show = world.run("show pics", 0);
    assert!(show.contains("keep_days 90"), "{show}");
    let text = world.run("remove pics", 0);
    assert!(
        text.contains("Files in ~/A and ~/B are unchanged"),
        "{text}"
    );
    assert!(world.has("A/a") && world.has("B/a"));
    world.run("sync pics", 21);
}

#[test]
fn a_mistake_in_the_file_names_its_line() {
    let world = World::without_daemon();
    world.put(
        ".config/syncmgr/config.toml",
        "# mine\n[sync.a]\nid = \"x\"\nleft = \"/a\"\nright = \"/b\"\nmdoe = \"mirror\"\n",
    );
    let text = world.run("list", 2);
    assert!(text.contains("config.toml:6: unknown key `mdoe`"), "{text}");
}

/// A command that only asks is answered by the daemon, which still knows the settings from before.
#[test]
fn a_mistake_in_the_file_stops_no_question_that_the_daemon_answers() {
    let mut world = World::without_daemon();
    world.run("add docs ~/A ~/B", 0);
    world.start_daemon();
    let file = ".config/syncmgr/config.toml";
    let text = world.text(file);
    // Replaced as a whole, as editors do: a file cut short for a moment would say something else.
    world.put("new.toml", &format!("{text}\nthis is no setting\n"));
    std::fs::rename(world.path("new.toml"), world.path(file)).unwrap();
    for words in ["list", "show docs", "conflicts", "history docs"] {
        let text = world.run(words, 0);
        assert!(text.contains("The daemon goes on"), "{words}: {text}");
    }
    assert!(world.run("list", 0).contains("docs"));
    let text = world.run("set docs mode=mirror", 2);
    assert!(text.contains("config.toml"), "{text}");
    assert!(world.text(file).contains("this is no setting"));
}

#[test]
fn folders_synced_before_keep_what_they_agreed_on_when_saved() {
    let world = World::new();
    world.put("A/a", "1");
    world.put("A/b", "1");
    world.run("sync ~/A ~/B", 0);
    world.run("add docs ~/A ~/B", 0);
    std::fs::remove_file(world.path("B/a")).unwrap();
    world.run("sync docs", 0);
    assert!(!world.has("A/a"), "a deletion is known as one");
}

#[test]
fn folders_that_were_never_saved_can_be_forgotten() {
    let world = World::new();
    world.put("A/a", "1");
    world.run("sync ~/A ~/B", 0);
    let id = world.json("list", 0)["items"][0]["id"].clone();
    world.run(&format!("remove {}", id.as_str().unwrap()), 0);
    assert!(
        world.json("list", 0)["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert!(world.has("A/a") && world.has("B/a"));
}
