//! Programs report runs of their own (spec 107), and set secrets that nobody reads.

use serde_json::{Value, json};
use syncmgr_server::auth::Scope;

use crate::harness::Front;

const SESSIONS: &str = "/api/v1/sessions";

fn post(front: &Front, path: &str, body: &Value) -> crate::harness::Reply {
    front.owner(&format!("POST {SESSIONS}/{path}"), &[], &body.to_string())
}

fn begin(front: &Front, run: Option<&str>) -> String {
    let mut new = json!({"subject": {"item": "photos"}});
    if let Some(run) = run {
        new["run"] = json!(run);
    }
    let begun = post(front, "external", &new).json();
    assert_eq!(begun["handler"], "files");
    assert!(begun["silence_ms"].as_u64().unwrap() > 0);
    begun["run"].as_str().unwrap().to_owned()
}

fn record(front: &Front, run: &str) -> Value {
    front
        .owner(&format!("GET {SESSIONS}/{run}"), &[], "")
        .json()
}

#[test]
fn a_program_reports_a_run_from_its_beginning_to_its_end() {
    let front = Front::start();
    let run = begin(&front, None);
    let at = |what: &str| format!("external/{run}/{what}");
    let open = record(&front, &run);
    assert_eq!(open["open"]["external"], true);
    let progress = json!({"done": 3, "total": 4, "current": "a\u{1b}b"});
    assert_eq!(
        post(&front, &at("progress"), &progress).json()["stop"],
        false
    );
    let shown = record(&front, &run)["open"]["items"][0]["progress"].clone();
    assert_eq!((&shown["done"], &shown["total"]), (&json!(3), &json!(4)));
    assert!(!shown["current"].as_str().unwrap().contains('\u{1b}'));
    let event = json!({"level": "warning", "title": "odd", "description": "2 files"});
    assert_eq!(post(&front, &at("events"), &event).status, 204);
    assert_eq!(post(&front, &at("alive"), &json!({})).json()["stop"], false);
    let end = json!({"status": "succeeded"});
    let ended = post(&front, &at("end"), &end).json();
    assert_eq!(ended["record"]["status"], "succeeded");
    assert_eq!(ended["open"], Value::Null);
    // It is over: nothing more is taken.
    for what in ["progress", "alive", "end"] {
        let body = if what == "end" { &end } else { &json!({}) };
        let reply = post(&front, &at(what), body);
        assert_eq!((reply.status, &*reply.code()), (404, "not-found"), "{what}");
    }
    let results = front.owner(&format!("GET /api/v1/events?run={run}"), &[], "");
    assert_eq!(
        results.json()["items"][0]["notice"]["params"]["name"],
        "odd"
    );
}

#[test]
fn a_wish_to_stop_is_heard_by_who_waits_for_it() {
    let front = Front::start();
    let run = begin(&front, None);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let alive = json!({"wait_ms": 25000});
            post(&front, &format!("external/{run}/alive"), &alive).json()
        });
        let asked = post(&front, &format!("{run}/cancel"), &json!({}));
        assert_eq!(asked.status, 202);
        assert_eq!(waits.join().unwrap()["stop"], true);
    });
    let progress = post(&front, &format!("external/{run}/progress"), &json!({}));
    assert_eq!(progress.json()["stop"], true);
    let end = json!({"status": "canceled"});
    let ended = post(&front, &format!("external/{run}/end"), &end).json();
    assert_eq!(ended["record"]["status"], "canceled");
}

#[test]
fn a_run_of_ones_own_id_begins_and_is_told_once() {
    let front = Front::start();
    let id = "20261120-020000000-0001";
    assert_eq!(begin(&front, Some(id)), id);
    assert_eq!(begin(&front, Some(id)), id);
    let past = json!({
        "subject": {"item": "photos"}, "run": id,
        "began": "2026-11-20T02:00:00Z", "ended": "2026-11-20T02:10:00.5Z",
        "end": {"status": "failed"},
        "events": [{"level": "error", "title": "no disk"}],
    });
    assert_eq!(post(&front, "past", &past).json()["news"], true);
    assert_eq!(post(&front, "past", &past).json()["news"], false);
    let ended = record(&front, id);
    assert_eq!(ended["record"]["status"], "failed");
    assert_eq!(ended["record"]["ended"], "2026-11-20T02:10:00Z");
    let results = front.owner(&format!("GET /api/v1/events?run={id}"), &[], "");
    assert_eq!(results.json()["items"].as_array().unwrap().len(), 1);
    // It is over, so it cannot begin again.
    let again = json!({"subject": {"item": "photos"}, "run": id});
    assert_eq!(post(&front, "external", &again).status, 400);
}

#[test]
fn what_cannot_be_understood_is_named() {
    let front = Front::start();
    let run = begin(&front, None);
    let check = |path: &str, body: Value| {
        let reply = post(&front, path, &body);
        assert_eq!(reply.status, 400, "{path} {body}: {reply:?}");
        reply.code();
    };
    check("external", json!({"subject": {"item": ""}}));
    check(
        "external",
        json!({"subject": {"item": "a", "handler": "../x"}}),
    );
    check("external", json!({"subject": {"item": "a"}, "run": "../x"}));
    check(
        &format!("external/{run}/events"),
        json!({"level": "loud", "title": "a"}),
    );
    check(&format!("external/{run}/events"), json!({"level": "error"}));
    check(
        &format!("external/{run}/end"),
        json!({"status": "updating"}),
    );
    check(
        "past",
        json!({"subject": {"item": "a"}, "run": "r", "began": "yesterday",
               "ended": "2026-11-20T02:10:00Z", "end": {"status": "failed"}}),
    );
}

/// A session of the center itself is not a program's to report on.
#[test]
fn only_runs_of_programs_are_reported_on() {
    let front = Front::start();
    let reply = post(
        &front,
        "external/20261120-020000000-0001/progress",
        &json!({}),
    );
    assert_eq!(reply.status, 404);
    let read = front.token(Scope::Read);
    let body = r#"{"subject":{"item":"photos"}}"#;
    let first = format!("POST {SESSIONS}/external");
    assert_eq!(front.ask_as(&read, &first, &[], body).status, 403);
    let sync = front.token(Scope::Sync);
    assert_eq!(front.ask_as(&sync, &first, &[], body).status, 201);
}

#[test]
fn s12_a_secret_is_set_by_an_admin_and_read_by_nobody() {
    let front = Front::start();
    begin(&front, None);
    let path = "/api/v1/items/photos/secrets/password";
    let body = r#"{"value":"canary-1"}"#;
    let sync = front.token(Scope::Sync);
    let reply = front.ask_as(&sync, &format!("PUT {path}"), &[], body);
    assert_eq!(reply.status, 403);
    let admin = front.token(Scope::Admin);
    let reply = front.ask_as(&admin, &format!("PUT {path}"), &[], body);
    assert_eq!((reply.status, &*reply.body), (204, ""));
    let reply = front.ask_as(&admin, &format!("GET {path}"), &[], "");
    assert_eq!(reply.status, 405);
    let list = || {
        let reply = front.ask_as(&sync, "GET /api/v1/items/photos/secrets", &[], "");
        reply.json()["items"][0].clone()
    };
    assert_eq!(
        (&list()["key"], &list()["is_set"]),
        (&json!("password"), &json!(true))
    );
    for path in [
        "items/photos",
        "items/photos/secrets",
        "items",
        "handlers",
        "settings",
    ] {
        let reply = front.ask_as(&admin, &format!("GET /api/v1/{path}"), &[], "");
        assert!(!reply.body.contains("canary-1"), "{path}");
    }
    let reply = front.ask_as(
        &admin,
        &format!("PUT {path}"),
        &[],
        r#"{"value":"canary-1","x":1}"#,
    );
    assert_eq!(reply.status, 400);
    assert!(!reply.body.contains("canary-1"));
    for status in [204, 404] {
        let reply = front.ask_as(&admin, &format!("DELETE {path}"), &[], "{}");
        assert_eq!(reply.status, status);
    }
    assert_eq!(list()["is_set"], false);
}

/// What a run carries is kept and shown with it, so no secret may be in it.
#[test]
fn s12_a_run_with_a_secret_among_its_settings_is_refused() {
    let front = Front::start();
    let body = json!({
        "item": {"id": "photos", "handler": "files",
                 "settings": {"left": "/a", "right": "/b", "password": "canary-1"}},
        "work": {"kind": "sync"},
    });
    let reply = front.owner("POST /api/v1/runs", &[], &body.to_string());
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(!reply.body.contains("canary-1"), "{reply:?}");
    let problem: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(problem["errors"][0]["field"], "item.settings.password");
    let action = problem["actions"][0].as_str().unwrap();
    assert!(
        action.contains("PUT /api/v1/items/photos/secrets/password"),
        "{action}"
    );
}
