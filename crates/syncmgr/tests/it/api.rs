//! The API of a real daemon, where files matter.

use serde_json::{Value, json};
use syncmgr_api::Client;

use crate::harness::World;

/// Below the home of a world.
const SOCKET: &str = ".local/state/syncmgr/run/syncmgr.sock";

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
