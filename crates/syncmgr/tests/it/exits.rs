//! The exit codes, each by a command line that ends with it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::harness::World;

fn chmod(world: &World, name: &str, mode: u32) {
    let permissions = fs::Permissions::from_mode(mode);
    fs::set_permissions(world.path(name), permissions).unwrap();
}

#[test]
fn wrong_usage_is_2() {
    let world = World::new();
    for words in [
        "snyc ~/A ~/B",
        "sync",
        "sync ~/A ~/B ~/A",
        "sync ~/A ~/B --mode sideways",
        "sync ~/A ~/B --bandwidth fast",
        "add bad/name ~/A ~/B",
        "resolve --all",
        "resolve --all --keep what",
        "resolve --keep left",
        "demo --json",
    ] {
        world.run(words, 2);
        let error = world.json(words.trim_end_matches(" --json"), 2);
        assert_eq!(error["error"]["exit"], 2, "{words}");
    }
}

#[test]
fn what_is_not_there_is_21() {
    let world = World::new();
    world.run("sync ~/A ~/B", 0);
    for words in [
        "sync nope",
        "show nope",
        "set nope mode=mirror",
        "rename nope other",
        "remove nope",
        "conflicts nope",
        "conflicts show 0123abcd",
        "resolve 0123abcd --keep left",
        "history nope",
        "history show nope",
        "undo nope",
        "why /etc/passwd",
        "versions restore ~/A/nope",
    ] {
        let text = world.run(words, 21);
        assert!(text.contains("hint: "), "{words}: {text}");
        world.json(words, 21);
    }
}

#[test]
fn a_refused_command_leaves_no_trace() {
    let world = World::new();
    world.run("sync ~/A ~/A", 2);
    let items = |world: &World| world.json("list", 0)["items"].as_array().unwrap().len();
    assert_eq!(items(&world), 0);
    world.run("sync ~/A ~/B", 0);
    world.run("sync ~/A ~/B --allow-deletions 0123456789", 25);
    let runs = world.json("history", 0);
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
    assert_eq!(world.json("status", 0)["status"], "ok");
}

/// As root nothing is unreadable, so the program runs as another user; without that power the
/// test's own user is as good.
#[test]
fn an_unreadable_file_is_12_and_deletes_nothing() {
    let world = World::without_daemon();
    world.put("A/secret", "s");
    world.put("A/plain", "p");
    world.run("sync ~/A ~/B", 0);
    world.put("A/plain", "changed");
    fs::create_dir(world.path("A/closed")).unwrap();
    world.put("A/closed/x", "x");
    chmod(&world, "A/closed", 0o000);
    let is_root = fs::read_dir(world.path("A/closed")).is_ok();
    let output = if is_root {
        let all = Command::new("chown")
            .args(["-R", "65534"])
            .arg(world.path(""))
            .status()
            .unwrap();
        assert!(all.success());
        let plain = world.command("sync ~/A ~/B");
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--clear-groups"])
            .arg(plain.get_program())
            .args(plain.get_args())
            .env_clear()
            .envs(plain.get_envs().filter_map(|(k, v)| Some((k, v?))));
        command.output().unwrap()
    } else {
        world.output("sync ~/A ~/B")
    };
    chmod(&world, "A/closed", 0o700);
    assert_eq!(output.status.code(), Some(12), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("[permission-denied]"), "{text}");
    assert!(text.contains("    closed"), "{text}");
    assert_eq!(world.text("B/plain"), "changed", "the rest is in sync");
}
