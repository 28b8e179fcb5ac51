//! What is not a run: pausing, turning off, schedules, results, settings, handlers; the same with and
//! without a daemon.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::harness::World;

/// Two worlds of which one has a daemon: every word has to be the same.
fn both() -> [World; 2] {
    [World::without_daemon(), World::with_daemon()]
}

fn saved(world: &World) {
    world.put("A/a", "1");
    world.run("add photos ~/A ~/B", 0);
    world.run("sync photos", 0);
}

#[test]
fn a_sync_is_paused_resumed_turned_off_and_on() {
    for world in both() {
        saved(&world);
        let text = world.run("pause photos --for 2h", 0);
        assert!(text.starts_with("Paused photos until "), "{text}");
        let paused = world.json("status", 0);
        assert_eq!(paused["status"], "ok", "nothing needs anybody: {paused}");
        assert_eq!(paused["items"][0]["status"], "paused");
        assert!(paused["items"][0]["paused_until"].is_string());
        world.run("sync photos", 0);
        let text = world.run("resume", 0);
        assert!(text.starts_with("Resumed all syncs."), "{text}");
        assert_eq!(world.json("status", 0)["items"][0]["status"], "ok");
        world.json("pause", 0);
        assert_eq!(
            world.json("status", 0)["items"][0]["paused_until"],
            "forever"
        );
        world.json("resume photos", 0);
        world.run("pause --until 25:61", 2);
        world.run("pause --for soon", 2);
        world.run("pause nothing", 21);

        let text = world.run("off photos", 0);
        assert!(text.contains("Turned photos off"), "{text}");
        assert_eq!(world.json("status", 0)["items"][0]["status"], "off");
        assert_eq!(world.json("show photos", 0)["sync"]["enabled"], false);
        assert!(
            world.json("sync --all", 0)["runs"]
                .as_array()
                .unwrap()
                .is_empty()
        );
        assert_eq!(world.json("on photos", 0)["sync"]["enabled"], true);
        assert_eq!(world.json("status", 0)["items"][0]["status"], "ok");
    }
}

/// spec 199: a sync can be hidden from lists; it syncs as before and can be shown again.
#[test]
fn a_hidden_sync_is_left_out_of_lists_and_syncs_as_before() {
    for mut world in [World::without_daemon(), World::with_daemon()] {
        world.put("A/a", "text");
        world.run("add photos ~/A ~/B", 0);
        std::fs::create_dir(world.path("C")).unwrap();
        std::fs::create_dir(world.path("D")).unwrap();
        world.run("add music ~/C ~/D", 0);
        let text = world.run("hide photos", 0);
        assert!(text.contains("it syncs as before"), "{text}");
        let text = world.run("list", 0);
        assert!(text.contains("music") && !text.contains("photos"), "{text}");
        assert!(text.contains("1 sync is hidden"), "{text}");
        let hidden = world.json("list --hidden", 0);
        assert_eq!(hidden["items"].as_array().unwrap().len(), 1, "{hidden}");
        assert_eq!(hidden["items"][0]["name"], "photos");
        world.run("sync --all", 0);
        assert_eq!(world.text("B/a"), "text");
        if world.has_its_daemon() {
            // It is remembered.
            world.kill_daemon();
            world.start_daemon();
        }
        assert_eq!(world.json("list", 0)["items"][0]["name"], "music");
        world.run("unhide photos", 0);
        assert_eq!(world.json("list", 0)["items"].as_array().unwrap().len(), 2);
        assert!(world.run("list --hidden", 0).contains("No sync fits"));
        world.run("hide nothing", 21);
    }
}

#[test]
fn several_syncs_run_with_one_command() {
    for world in both() {
        for name in ["C", "D"] {
            std::fs::create_dir(world.path(name)).unwrap();
        }
        world.put("A/a", "1");
        world.put("C/c", "1");
        world.run("add one ~/A ~/B", 0);
        world.run("add two ~/C ~/D", 0);
        assert_eq!(
            world.json("sync one two", 0)["runs"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        assert!(world.has("B/a") && world.has("D/c"));
        assert_eq!(
            world.json("preview --all", 0)["previews"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        // One that fails does not keep the others from running, and decides how it ends.
        std::fs::remove_dir_all(world.path("A")).unwrap();
        world.put("C/c", "22");
        let runs = world.json("sync --all", 12);
        assert_eq!(runs["runs"].as_array().unwrap().len(), 2, "{runs}");
        assert_eq!(world.text("D/c"), "22");
        let again = world.json("sync --retry-failed", 12);
        assert_eq!(again["runs"].as_array().unwrap().len(), 1, "{again}");
        assert!(world.has("B/a"));
        world.run("sync one nothing", 2);
    }
}

#[test]
fn names_that_are_folders_too_are_never_guessed() {
    let world = World::new();
    world.put("A/a", "1");
    for name in ["one", "two", "C"] {
        std::fs::create_dir(world.path(name)).unwrap();
    }
    world.run("add one ~/A ~/B", 0);
    world.run("add two ~/A ~/C", 0);
    let text = world.run("sync one two", 2);
    assert!(text.contains("folders here too"), "{text}");
    world.run("sync ./one ./two", 0);
    assert!(!world.has("B/a"));
}

#[test]
fn results_are_listed_filtered_and_marked_as_seen() {
    for world in both() {
        saved(&world);
        assert!(world.run("results", 0).starts_with("No results."));
        std::fs::remove_dir_all(world.path("A")).unwrap();
        world.run("sync photos", 12);
        let text = world.run("results photos", 0);
        assert!(text.contains("error       photos: "), "{text}");
        assert!(text.contains("[folder-missing]"), "{text}");
        let results = world.json("results --level error --since 1h", 0);
        let results = results["results"].as_array().unwrap();
        assert_eq!(results[0]["notice"]["code"], "folder-missing");
        assert!(world.json("status", 0)["items"][0]["unseen"].as_u64() > Some(0));
        world.json("results --seen", 0);
        assert_eq!(world.json("status", 0)["items"][0]["unseen"], 0);
        assert_eq!(
            world.json("results", 0)["results"]
                .as_array()
                .unwrap()
                .len(),
            results.len(),
            "seen is not gone"
        );
        world.run("results --since yesterday-ish", 2);
        let mut child = world
            .command("results --follow --json")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(line.contains("folder-missing"), "{line}");
    }
}

#[test]
fn schedules_are_set_shown_and_cleared() {
    for world in both() {
        saved(&world);
        let mut command = world.command("schedule set photos");
        command.args(["daily 18:00", "on change", "--jitter", "5m"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let shown = world.json("schedule show photos", 0);
        assert_eq!(shown["schedules"][0]["triggers"][0], "daily 18:00");
        assert_eq!(shown["schedules"][0]["next"].as_array().unwrap().len(), 3);
        let next = world.json("schedule next --days 3", 0);
        assert_eq!(next["runs"][0]["sync"], "photos");
        assert!(
            world
                .text(".config/syncmgr/config.toml")
                .contains("[schedule.photos]")
        );
        let text = world.run("schedule show", 0);
        assert!(text.contains("photos  "), "{text}");
        let bad = world
            .command("schedule set photos")
            .arg("at lunch")
            .output()
            .unwrap();
        assert_eq!(bad.status.code(), Some(2));
        let text = world.run("schedule clear photos", 0);
        assert!(text.contains("only when you start it"), "{text}");
        world.json("schedule show photos", 0);
        assert!(
            world.json("schedule next", 0)["runs"]
                .as_array()
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn a_daemon_says_when_a_sync_runs_next() {
    let world = World::with_daemon();
    saved(&world);
    let mut command = world.command("schedule set photos");
    assert!(
        command
            .arg("daily 18:00")
            .output()
            .unwrap()
            .status
            .success()
    );
    let status = world.json("status", 0);
    assert!(status["items"][0]["next_run"].is_string(), "{status}");
    let text = world.run("status", 0);
    assert!(text.contains("Next: photos "), "{text}");
}

#[test]
fn settings_are_read_set_and_explained() {
    for world in both() {
        saved(&world);
        let path = world.run("config path", 0);
        assert!(path.starts_with("~/.config/syncmgr/config.toml"), "{path}");
        world.json("config set sync.photos.keep_days 9", 0);
        assert!(
            world
                .run("config get sync.photos.keep_days", 0)
                .starts_with("9\n")
        );
        let text = world.run("config explain sync.photos.keep_days", 0);
        assert!(text.contains("line "), "{text}");
        world.json("config explain sync.photos.keep_days", 0);
        world.run("config get no.such.key", 21);
        world.run("config set sync.photos.mode sideways", 2);
        // What can be read and cannot be used is refused as well, before it is in the file.
        let text = world.run("config set alerts.after soon", 2);
        assert!(text.contains("`after` of [alerts]"), "{text}");
        world.run("config check", 0);
        let text = world.text(".config/syncmgr/config.toml");
        assert_eq!(world.json("config export", 0)["value"], *text);
        world.put("mine.toml", &text.replace("photos", "pictures"));
        world.run("config import ~/mine.toml", 0);
        world.run("sync pictures", 0);
        world.put("empty.toml", "");
        let text = world.run("config import ~/empty.toml", 24);
        assert!(text.contains("pictures"), "{text}");
        world.put("bad.toml", "[sync.x]\nmdoe = 1\n");
        world.run("config import ~/bad.toml", 2);
        world.run("sync pictures", 0);
        world.run("config import ~/empty.toml --yes", 0);
        world.run("sync pictures", 21);
    }
}

#[test]
fn handlers_are_listed_and_turned_off() {
    for world in both() {
        saved(&world);
        assert!(world.run("handler", 0).contains("files  ready"));
        assert!(world.run("handler show files", 0).contains("exclude"));
        assert_eq!(
            world.json("handler off files", 0)["handlers"][0]["enabled"],
            false
        );
        assert_eq!(world.json("status", 0)["items"][0]["status"], "off");
        world.json("handler on files", 0);
        assert_eq!(world.json("status", 0)["items"][0]["status"], "ok");
        world.run("handler show none", 21);
    }
}

#[test]
fn watching_shows_every_change_as_a_line() {
    for world in both() {
        saved(&world);
        for (words, expected) in [
            ("watch", "photos: up to date"),
            ("status --watch", "photos: up to date"),
            ("watch photos --json", "\"status\":\"ok\""),
        ] {
            let mut child = world.command(words).stdout(Stdio::piped()).spawn().unwrap();
            let mut line = String::new();
            let out = child.stdout.as_mut().unwrap();
            BufReader::new(out).read_line(&mut line).unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(line.contains(expected), "{line}");
            assert!(!line.contains('\x1b'), "{line}");
        }
    }
}

#[test]
fn the_page_comes_from_the_daemon() {
    let world = World::without_daemon();
    let text = world.run("open", 20);
    assert!(text.contains("syncmgr daemon start"), "{text}");
    let world = World::with_daemon();
    let text = world.run("open", 20);
    assert!(text.contains("listens on no port"), "{text}");
    world.run("open //elsewhere.example", 2);
}

#[test]
fn an_alert_is_tried() {
    let world = World::new();
    world.run("alert test", 21);
    world.put(
        ".config/syncmgr/config.toml",
        "[alert.note]\nkind = \"command\"\ncommand = [\"/bin/true\"]\n\n[alert.bad]\nkind = \"command\"\ncommand = [\"/bin/false\"]\n",
    );
    let text = world.run("alert test note", 0);
    assert!(text.contains("note: it arrived"), "{text}");
    let all = world.json("alert test", 12);
    assert_eq!(all["alerts"].as_array().unwrap().len(), 2);
    world.run("alert test none", 21);
}

#[test]
fn a_daemon_that_does_not_answer_is_said() {
    let mut world = World::with_daemon();
    saved(&world);
    std::fs::remove_file(world.path(".local/state/syncmgr/run/syncmgr.sock")).unwrap();
    let text = world.run("status", 20);
    assert!(
        text.contains("the daemon runs, and cannot be asked"),
        "{text}"
    );
    world.run("sync photos", 20);
    world.json("sync photos", 20);
    world.kill_daemon();
    world.run("sync photos", 0);
}

#[test]
fn a_mistake_in_the_command_line_names_the_argument_in_json() {
    let world = World::new();
    let output = world.output("add --json");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let message = value["error"]["message"].as_str().unwrap();
    assert!(message.contains("<NAME>"), "{message}");
}

/// What only those who work with the settings can tell is found with its line.
#[test]
fn a_check_of_the_settings_finds_what_cannot_be_used() {
    let world = World::without_daemon();
    for (text, line, what) in [
        ("[alerts]\nrepeat = \"1m\"\n", 2, "`repeat` of [alerts]"),
        (
            "[alert.phone]\nkind = \"ntfy\"\nurl = \"phone\"\n",
            3,
            "`url` of [alert.phone]",
        ),
        (
            "[schedule.never]\ntriggers = [\"cron 0 0 31 2 *\"]\n",
            2,
            "`triggers` of [schedule.never]",
        ),
    ] {
        world.put(".config/syncmgr/config.toml", text);
        let said = world.run("config check", 2);
        assert!(said.contains(&format!("config.toml:{line}: ")), "{said}");
        assert!(said.contains(what), "{said}");
    }
}
