//! `--json`: one documented object from every command. The harness holds each against its schema.

use std::fs;
use std::os::unix::ffi::OsStringExt as _;

use crate::harness::World;

#[test]
fn every_command_answers_in_json() {
    let world = World::new();
    world.put("A/a", "one\n");
    world.put("A/b", "1");
    world.json("", 0);
    world.json("preview ~/A ~/B", 0);
    world.json("sync ~/A ~/B", 0);
    world.json("add s ~/A ~/B", 0);
    world.json("show s", 0);
    world.json("set s exclude=*.tmp,*.bak keep_days=9", 0);
    world.json("rename s t", 0);
    world.put("A/a", "left\n");
    world.put("B/a", "right!\n");
    world.put("A/b", "22");
    world.json("sync t -n", 0);
    let run = world.json("sync t", 11);
    let run = run["result"]["run"].as_str().unwrap();
    world.json("status", 0);
    world.json("list", 0);
    let conflicts = world.json("conflicts", 0);
    let id = conflicts["conflicts"][0]["id"].as_str().unwrap();
    world.json(&format!("conflicts show {id}"), 0);
    let diff = world.json(&format!("conflicts diff {id}"), 0);
    assert_eq!(diff["left"]["data"], "left\n");
    assert_eq!(diff["base"]["data"], "one\n");
    world.json(&format!("resolve {id} --keep left --dry-run"), 0);
    world.json(&format!("resolve {id} --keep left"), 0);
    world.json("resolve --all --keep left", 0);
    world.json("history", 0);
    world.json("history t --limit 1", 0);
    let shown = world.json(&format!("history show {run}"), 0);
    assert_eq!(shown["steps"].as_array().unwrap().len(), 1);
    world.json(&format!("undo {run} -n"), 0);
    world.json(&format!("undo {run}"), 0);
    world.json("versions list ~/B", 0);
    world.json("versions diff ~/B/b", 0);
    world.json("versions restore ~/B/b -n", 0);
    world.json("versions restore ~/B/b", 0);
    world.json("why ~/A/a", 0);
    world.json("doctor", 0);
    world.json("doctor --report", 0);
    world.json("version", 0);
    world.json("man", 0);
    world.json("completions zsh", 0);
    world.json("remove t", 0);
}

#[test]
fn names_and_contents_that_are_not_text_keep_their_bytes() {
    let world = World::new();
    let name = std::ffi::OsString::from_vec(b"bad\xff\\\n".to_vec());
    for (side, bytes) in [("A", b"\xff1"), ("B", b"\xfe2")] {
        fs::write(world.path(side).join(&name), bytes).unwrap();
    }
    world.json("sync ~/A ~/B", 11);
    let conflicts = world.json("conflicts", 0);
    let conflict = &conflicts["conflicts"][0];
    assert_eq!(conflict["path"], r"bad\xff\\\n");
    let id = conflict["id"].as_str().unwrap();
    let diff = world.json(&format!("conflicts diff {id}"), 0);
    assert_eq!(diff["left"]["encoding"], "hex");
    assert_eq!(diff["left"]["data"], "ff31");
}
