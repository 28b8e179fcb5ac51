//! The API of a real daemon, where files matter.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};
use syncmgr_api::Client;

use crate::harness::{World, gate, gated};

/// Below the home of a world.
const SOCKET: &str = ".local/state/syncmgr/run/syncmgr.sock";
const CONFIG: &str = ".config/syncmgr/config.toml";

fn client(world: &World) -> Client {
    Client::connect(&world.path(SOCKET)).unwrap()
}

fn get(world: &World, path: &str, query: &[(&str, &str)]) -> Value {
    let path = format!("/api/v1{path}");
    client(world).get::<Value>(&path, query).unwrap().body
}

fn post(world: &World, path: &str, body: &Value) -> Value {
    let path = format!("/api/v1{path}");
    client(world).post::<Value>(&path, body).unwrap().body
}

/// Returns an answer that is no JSON, with its head.
fn text(world: &World, path: &str) -> String {
    let mut stream = UnixStream::connect(world.path(SOCKET)).unwrap();
    let ask = format!("GET /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Returns the codes and the keys that are said of a draft.
fn said(world: &World, draft: &Value) -> Vec<(String, String)> {
    let said = post(world, "/items/check", draft);
    let notices = said["notices"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    notices
        .map(|it| (text(&it["code"]), text(&it["params"]["key"])))
        .collect()
}

#[test]
fn a_draft_is_told_what_is_wrong_with_it_and_nothing_is_saved() {
    let world = World::with_daemon();
    world.put("A/inner/a", "1");
    std::fs::create_dir(world.path("C")).unwrap();
    world.run("add photos ~/A ~/B", 0);
    let id = get(&world, "/items", &[])["items"][0]["id"].clone();
    let draft = |left: &str, right: &str| json!({"settings": {"left": left, "right": right}});
    let check = |draft: &Value, expected: &[(&str, &str)]| {
        let said = said(&world, draft);
        let said: Vec<_> = said.iter().map(|(code, key)| (&**code, &**key)).collect();
        assert_eq!(said, expected, "{draft}");
    };
    check(&draft("~/none", "~/C"), &[("folder-missing", "left")]);
    check(&draft("~/C", "~/C"), &[("same-folder", "")]);
    check(
        &draft("~/A/inner", "~/A"),
        &[("nested-folders", ""), ("folders-shared", "")],
    );
    check(&draft("~/C", "~/A/inner"), &[("folders-shared", "")]);
    check(&draft("~/B", "~/A"), &[("setting-unusable", "left")]);
    check(&draft("~/C", ""), &[("setting-unusable", "right")]);
    let mut named = draft("~/A", "~/B");
    named["name"] = json!("photos");
    check(
        &named,
        &[("setting-unusable", "name"), ("setting-unusable", "left")],
    );
    // It is the saved one, and is not beside itself.
    named["item"] = id;
    check(&named, &[]);
    named["settings"]["mode"] = json!("sideways");
    check(&named, &[("setting-unusable", "mode")]);
    let other = json!({"handler": "nobody"});
    check(&other, &[("handler-unknown", "")]);
    assert_eq!(get(&world, "/items", &[])["total"], 1);
}

#[test]
fn folders_are_looked_through_and_settings_explain_themselves() {
    let world = World::with_daemon();
    world.put("A/b/file", "1");
    world.put("A/.hidden/file", "1");
    let home = get(&world, "/folders", &[]);
    assert_eq!(home["shown"], "~");
    assert_eq!(home["places"][0]["kind"], "home");
    let a = get(&world, "/folders", &[("path", "~/A")]);
    let names: Vec<_> = a["folders"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 2);
    assert_eq!(
        (&names[0]["name"], &names[1]["name"]),
        (&json!("b"), &json!(".hidden"))
    );
    assert_eq!(a["facts"]["exists"], true);
    assert_eq!(a["parent"], home["path"]);
    let deeper = names[0]["path"].as_str().unwrap();
    assert_eq!(
        get(&world, "/folders", &[("path", deeper)])["facts"]["files"],
        1
    );

    let keys = get(&world, "/settings", &[])["keys"].clone();
    let key = |name: &str| {
        let all = keys.as_array().unwrap().iter();
        all.clone().find(|it| it["key"] == name).unwrap().clone()
    };
    assert_eq!(key("grace")["kind"], "duration");
    assert_eq!(key("grace")["default"], "10s");
    assert_eq!(key("metrics")["words"], json!(["true", "false"]));
    assert_eq!(key("max-running")["kind"], "number");
    assert_eq!(key("listen")["value"], "off");
}

#[test]
fn what_versions_take_is_added_up() {
    let world = World::with_daemon();
    world.put("A/a", "one");
    world.run("add photos ~/A ~/B", 0);
    world.run("sync photos", 0);
    world.put("A/a", "longer");
    world.run("sync photos", 0);
    let items = get(&world, "/items", &[("recent", "5")]);
    let outcomes = items["items"][0]["recent"].as_array().unwrap();
    assert_eq!(outcomes.len(), 2);
    assert_eq!(outcomes[0]["outcome"], "ok");
    let id = items["items"][0]["id"].as_str().unwrap();
    let storage = get(&world, &format!("/items/{id}/storage"), &[]);
    assert_eq!(
        (&storage["files"], &storage["bytes"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(storage["days"][0]["files"], 1);
    let activity = get(&world, "/activity", &[]);
    assert_eq!(activity["runs"]["ok"], 2);
    assert_eq!(activity["files"], json!({"left": 0, "right": 2}));
}

#[test]
fn one_folder_of_a_sync_is_told_name_by_name() {
    let world = World::with_daemon();
    for name in ["same", "left", "right", "both", "gone", "sub/deep"] {
        world.put(&format!("A/{name}"), "1");
    }
    world.run("add photos ~/A ~/B --exclude *.tmp", 0);
    world.run("sync photos", 0);
    world.put("A/left", "22");
    world.put("B/right", "22");
    world.put("A/both", "22");
    world.put("B/both", "333");
    world.put("A/new", "1");
    world.put("A/x.tmp", "1");
    std::fs::remove_file(world.path("A/gone")).unwrap();
    std::os::unix::fs::symlink("/", world.path("A/link")).unwrap();
    let id = get(&world, "/items", &[])["items"][0]["id"].clone();
    let path = format!("/items/{}/files", id.as_str().unwrap());
    let states = |query: &[(&str, &str)]| {
        let page = get(&world, &path, query);
        let items = page["items"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let rows = items.map(|it| (text(&it["path"]), text(&it["state"])));
        let rows: Vec<_> = rows.filter(|(_, state)| state != "own").collect();
        (rows, page["next_cursor"].clone())
    };
    let (rows, _) = states(&[]);
    let rows: Vec<_> = rows
        .iter()
        .map(|(path, state)| (&**path, &**state))
        .collect();
    let expected = [
        ("sub", "same"),
        ("both", "changed-both"),
        ("gone", "only-right"),
        ("left", "changed-left"),
        ("link", "only-left"),
        ("new", "only-left"),
        ("right", "changed-right"),
        ("same", "same"),
        ("x.tmp", "excluded"),
    ];
    assert_eq!(rows, expected);
    let (deep, _) = states(&[("folder", "sub")]);
    assert_eq!(deep, [("sub/deep".to_owned(), "same".to_owned())]);
    let (first, cursor) = states(&[("limit", "3")]);
    let (rest, _) = states(&[("cursor", cursor.as_str().unwrap())]);
    assert_eq!(first.len() + rest.len(), expected.len());

    world.run("sync photos", 11);
    let (rows, _) = states(&[]);
    assert!(
        rows.contains(&("both".to_owned(), "conflict".to_owned())),
        "{rows:?}"
    );

    for bad in ["..", "/etc", "none", "link"] {
        let asked = client(&world).get::<Value>(&format!("/api/v1{path}"), &[("folder", bad)]);
        assert!(asked.is_err(), "{bad}");
    }
}

#[test]
fn what_exclusions_would_cover_is_counted_and_nothing_is_changed() {
    let world = World::with_daemon();
    world.put("A/cache/a", "333");
    world.put("A/cache/deep/b", "4444");
    world.put("A/c.tmp", "55555");
    world.put("A/d.log", "1");
    world.put("B/e.log", "22");
    world.run("add photos ~/A ~/B --exclude *.tmp", 0);
    let id = get(&world, "/items", &[])["items"][0]["id"].clone();
    let path = format!("/items/{}/matches", id.as_str().unwrap());
    let matches = |patterns: &[&str]| post(&world, &path, &json!({"patterns": patterns}));
    let cache = matches(&["cache/"]);
    assert_eq!((&cache["files"], &cache["bytes"]), (&json!(2), &json!(7)));
    assert_eq!(cache["sample"], json!(["cache"]));
    let logs = matches(&["*.log", "!d.log", "*.tmp"]);
    assert_eq!(
        logs["sample"],
        json!(["e.log"]),
        "what is covered already does not count"
    );
    assert_eq!((&logs["files"], &logs["more"]), (&json!(1), &json!(false)));
    assert_eq!(matches(&[])["files"], 0);
    let bad =
        client(&world).post::<Value>(&format!("/api/v1{path}"), &json!({"patterns": ["[z-a]"]}));
    assert!(bad.is_err());
    assert_eq!(get(&world, "/status", &[])["status"], "never");
}

#[test]
fn what_doctor_says_is_there_for_programs_too_and_a_report_holds_no_secret() {
    let world = World::with_daemon();
    world.put("A/a", "a text of somebody");
    world.run("add photos ~/A ~/B", 0);
    world.run("sync photos", 0);
    std::fs::remove_dir_all(world.path("B")).unwrap();
    let checks = get(&world, "/doctor", &[]);
    let checks = checks["items"].as_array().unwrap();
    let wrong: Vec<_> = checks.iter().filter(|it| it["ok"] == false).collect();
    assert_eq!(wrong.len(), 1, "{checks:?}");
    assert!(
        wrong[0]["detail"]
            .as_str()
            .unwrap()
            .starts_with("~/B (photos)")
    );
    assert!(
        wrong[0]["fix"]
            .as_str()
            .unwrap()
            .contains("mount or create it")
    );
    let daemon = checks.iter().find(|it| it["name"] == "daemon").unwrap();
    assert!(
        daemon["detail"]
            .as_str()
            .unwrap()
            .starts_with("runs (process ")
    );
    world.run("sync photos", 12);
    let report = world.run("doctor --report", 0);
    for part in [
        "## Checks",
        "## Syncs",
        "## Results",
        "## Log",
        "[folder-missing]",
    ] {
        assert!(report.contains(part), "{part} in {report}");
    }
    assert!(!report.contains("a text of somebody"));
    let told = text(&world, "/doctor/report");
    assert!(
        told.contains("attachment; filename=\"syncmgr-report.txt\""),
        "{told}"
    );
    assert!(told.contains(report.lines().next().unwrap()), "{told}");
}

#[test]
fn the_ways_to_be_told_are_listed_and_tried() {
    let world = World::with_daemon();
    let alerts = "[alert.well]\nkind = \"command\"\ncommand = [\"true\"]\n\n\
                  [alert.badly]\nkind = \"command\"\ncommand = [\"false\"]\n";
    world.put(CONFIG, alerts);
    let listed = get(&world, "/alerts", &[]);
    let names: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, [&json!("well"), &json!("badly")]);
    assert_eq!(
        post(&world, "/alerts/well/test", &json!({})),
        json!({"arrived": true, "notice": null})
    );
    let badly = post(&world, "/alerts/badly/test", &json!({}));
    assert_eq!(
        (&badly["arrived"], &badly["notice"]["code"]),
        (&json!(false), &json!("alert-failed"))
    );
    let error = client(&world)
        .post::<Value>("/api/v1/alerts/nobody/test", &json!({}))
        .unwrap_err();
    assert!(error.to_string().contains("nobody"), "{error}");
}

#[test]
fn quiet_hours_are_set_and_all_settings_are_exported() {
    let world = World::with_daemon();
    world.put("A/a", "1");
    world.run("add photos ~/A ~/B", 0);
    let key = |name: &str| {
        let settings = get(&world, "/settings", &[]);
        let keys = settings["keys"].as_array().unwrap();
        let found = keys.iter().find(|key| key["key"] == name);
        found.unwrap().clone()
    };
    assert_eq!(key("alerts.quiet")["value"], Value::Null);
    let windows = json!(["22:00-07:00", "sat,sun 00:00-24:00"]);
    let change = |value: &Value| {
        let body = json!({"settings": {"alerts.quiet": value}});
        client(&world).write::<Value>(
            &syncmgr_api::client::Method::PATCH,
            "/api/v1/settings",
            &body,
            syncmgr_api::client::With::default(),
        )
    };
    change(&windows).unwrap();
    assert_eq!(
        key("alerts.quiet")["value"],
        "22:00-07:00; sat,sun 00:00-24:00"
    );
    assert!(change(&json!(["at night"])).is_err());
    let file = text(&world, "/settings/file");
    assert!(
        file.contains("content-disposition: attachment; filename=\"syncmgr-config.toml\""),
        "{file}"
    );
    let body = file.split_once("\r\n\r\n").unwrap().1;
    assert!(
        body.contains("photos") && body.contains("22:00-07:00"),
        "{body}"
    );
    assert_eq!(body, world.text(CONFIG));
    change(&Value::Null).unwrap();
    assert_eq!(key("alerts.quiet")["value"], Value::Null);
}

/// I14: a decision is carried out on what was seen when it was taken, however long its run waited.
#[test]
fn a_decision_that_waited_is_not_carried_out_on_something_else() {
    let world = World::with_daemon();
    gated(&world);
    world.run("sync docs", 0);
    world.put("A/a", "left");
    world.put("B/a", "right, longer");
    world.run("sync docs", 11);
    world.run("sync slow --no-wait", 0);
    let gate = gate(&world);
    let queued = world.json("sync docs --no-wait", 0);
    assert_eq!(queued["accepted"][0]["taken"], "queued");
    let conflict = get(&world, "/conflicts", &[])["items"][0].clone();
    let decision = json!({"conflict": conflict["address"], "seen": conflict["seen"],
        "decision": {"keep": "left"}});
    let answer = post(
        &world,
        "/conflicts/resolve",
        &json!({"decisions": [decision]}),
    );
    let run = answer["runs"][0]["run"].as_str().unwrap().to_owned();
    // The run before it finds this, and it becomes the conflict that waits.
    world.put("A/a", "an hour of work that nobody compared");
    drop(gate);
    let run = format!("/sessions/{run}");
    let ended = loop {
        let session = get(&world, &run, &[]);
        if !session["outcome"].is_null() {
            break session;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!(ended["outcome"], "failed", "{ended}");
    assert_eq!(world.text("B/a"), "right, longer");
    assert!(world.run("results", 0).contains("state-changed"));
    // The conflict is the one of now, and can be decided.
    world.run("conflicts resolve --all --keep left", 0);
    assert_eq!(world.text("B/a"), "an hour of work that nobody compared");
}

/// Who cannot be asked for conflicts is named where it was asked, and nowhere else.
#[test]
fn only_who_was_asked_for_conflicts_is_named_as_silent() {
    let world = World::with_daemon();
    for [name, left, right] in [["one", "A", "B"], ["other", "C", "D"]] {
        world.put(&format!("{left}/a"), "1");
        std::fs::create_dir_all(world.path(right)).unwrap();
        world.run(&format!("add {name} ~/{left} ~/{right}"), 0);
        world.run(&format!("sync {name}"), 0);
    }
    let id = |name: &str| world.json(&format!("show {name}"), 0)["sync"]["id"].clone();
    let (one, other) = (id("one"), id("other"));
    let (one, other) = (one.as_str().unwrap(), other.as_str().unwrap());
    std::fs::remove_dir_all(world.path("C")).unwrap();
    let silent = |query: &[(&str, &str)]| {
        let list = get(&world, "/conflicts", query);
        let silent = list["silent"].as_array().unwrap().iter();
        silent.map(|it| it["item"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(silent(&[]), [json!(other)]);
    assert_eq!(silent(&[("item", one)]), [] as [Value; 0]);
}
