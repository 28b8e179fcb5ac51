//! The resources, over a real center.

use serde_json::{Value, json};
use syncmgr_api::Client;
use syncmgr_api::stream::Message;

use crate::harness::Front;

pub(crate) fn add(front: &Front, name: &str, more: &str) -> String {
    let body = format!(r#"{{"name":"{name}","settings":{{"left":"/a","right":"/b"{more}}}}}"#);
    let made = front.owner("POST /api/v1/items", &[], &body);
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        made.header("location"),
        Some(&*format!("/api/v1/items/{id}"))
    );
    id
}

pub(crate) fn get(front: &Front, path: &str) -> Value {
    front.owner(&format!("GET /api/v1{path}"), &[], "").json()
}

/// Starts a run and waits for its end.
pub(crate) fn run(front: &Front, id: &str, mode: &str) -> String {
    let body = json!({"items": [id], "mode": mode}).to_string();
    let taken = front.owner("POST /api/v1/sessions", &[], &body);
    assert_eq!(taken.status, 202, "{taken:?}");
    let run = taken.json()["runs"][0]["run"].as_str().unwrap().to_owned();
    let location = format!("/api/v1/sessions/{run}");
    assert_eq!(taken.header("location"), Some(&*location));
    while !get(front, &format!("/sessions/{run}"))["open"].is_null() {
        std::thread::yield_now();
    }
    run
}

/// Waits for a preview.
fn previewed(front: &Front, session: &str) -> Value {
    let path = format!("GET /api/v1/sessions/{session}/preview");
    let mut reply = front.owner(&path, &[], "");
    while reply.status != 200 {
        std::thread::yield_now();
        reply = front.owner(&path, &[], "");
    }
    reply.json()["items"][0].clone()
}

#[test]
fn a_sync_is_made_changed_and_removed() {
    let front = Front::start();
    let id = add(&front, "photos", "");
    let path = format!("/api/v1/items/{id}");
    let read = front.owner(&format!("GET {path}"), &[], "");
    let tag = format!("If-Match: {}", read.header("etag").unwrap());
    assert_eq!(read.json()["status"], "never");
    assert_eq!(read.json()["folders"]["left"], "/a");

    let change = format!("PATCH {path}");
    let body = r#"{"settings":{"right":"/c"}}"#;
    let changed = front.owner(&change, &[&tag], body);
    assert_eq!(changed.json()["settings"]["right"], "/c");
    let lost = front.owner(&change, &[&tag], body);
    assert_eq!((lost.status, &*lost.code()), (412, "changed-meanwhile"));
    let wrong = front.owner(&change, &[], r#"{"settings":{"colour":"red"}}"#);
    assert_eq!((wrong.status, &*wrong.code()), (400, "setting-unusable"));
    assert!(
        wrong.body.contains(r#""field":"settings.colour""#),
        "{wrong:?}"
    );
    let off = front.owner(&change, &[], r#"{"enabled":false}"#);
    assert_eq!(off.json()["status"], "off");
    assert_eq!(
        front.owner(&change, &[], r#"{"enabled":true}"#).json()["status"],
        "never"
    );

    let pause = front.owner(&format!("POST {path}/pause"), &[], "{}");
    assert_eq!(pause.json()["paused_until"], "forever");
    let resume = front.owner(&format!("POST {path}/resume"), &[], "{}");
    assert_eq!(resume.json()["paused_until"], Value::Null);

    assert_eq!(front.owner(&format!("DELETE {path}"), &[], "").status, 204);
    let gone = front.owner(&format!("GET {path}"), &[], "");
    assert_eq!((gone.status, &*gone.code()), (404, "not-found"));
}

#[test]
fn a_list_is_read_in_parts() {
    let front = Front::start();
    let mut made: Vec<_> = (0..5).map(|n| add(&front, &format!("s{n}"), "")).collect();
    made.sort();
    let mut seen = Vec::new();
    let mut path = "/items?limit=2".to_owned();
    loop {
        let page = get(&front, &path);
        let ids = page["items"].as_array().unwrap().iter();
        seen.extend(ids.map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/items?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
    for bad in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "cursor=00",
        "colour=red",
        "status=odd",
    ] {
        let reply = front.owner(&format!("GET /api/v1/items?{bad}"), &[], "");
        assert_eq!(
            (reply.status, &*reply.code()),
            (400, "request-unusable"),
            "{bad}"
        );
    }
}

#[test]
fn a_run_is_asked_for_watched_and_looked_back_at() {
    let front = Front::start();
    let id = add(&front, "photos", "");
    let client = Client::connect(&front.socket()).unwrap();
    let mut events = client.events(None).unwrap();
    while front.hub.n_listening() == 0 {
        std::thread::yield_now();
    }
    let run = run(&front, &id, "sync");
    let mut names = Vec::new();
    loop {
        let message = events
            .next_within(std::time::Duration::from_secs(60))
            .unwrap()
            .unwrap();
        let is_end = matches!(&message, Message::SessionEnded { run: ended } if *ended == run);
        names.push(message.name());
        if is_end {
            break;
        }
    }
    assert!(
        names.contains(&"session") && names.contains(&"event"),
        "{names:?}"
    );

    let list = get(&front, &format!("/sessions?item={id}"));
    assert_eq!(list["items"][0]["run"], *run);
    assert_eq!(list["items"][0]["status"], "succeeded");
    let report = get(&front, &format!("/sessions/{run}/report"));
    assert_eq!(report["notices"][0]["code"], "unsyncable");
    // Its handler knows no steps of this run, as of one that broke off at once.
    assert_eq!(report["items"], json!([{"item": id, "steps": []}]));
    let results = get(&front, &format!("/events?item={id}&level=warning"));
    assert_eq!(results["items"][0]["run"], *run);
    assert_eq!(get(&front, "/events?level=error")["items"], json!([]));
    let status = get(&front, "/status");
    assert_eq!(status["status"], "conflicts");
    assert_eq!(status["counts"]["conflicts"], 1);
    assert_eq!(
        front.owner("POST /api/v1/events/seen", &[], "{}").status,
        204
    );
}

#[test]
fn a_preview_enters_no_history() {
    let front = Front::start();
    let id = add(&front, "photos", "");
    let session = run(&front, &id, "preview");
    assert_eq!(previewed(&front, &session)["item"], *id);
    assert_eq!(get(&front, "/sessions")["items"], json!([]));
}

#[test]
fn a_run_is_stopped() {
    let front = Front::start();
    let id = add(&front, "photos", r#","stays":"yes""#);
    let body = json!({"items": [id]}).to_string();
    let taken = front.owner("POST /api/v1/sessions", &[], &body).json();
    let run = taken["runs"][0]["run"].as_str().unwrap();
    let open = get(&front, "/sessions/open");
    assert_eq!(open["items"][0]["run"], *run);
    let stop = front.owner(&format!("POST /api/v1/sessions/{run}/cancel"), &[], "{}");
    assert_eq!(stop.status, 202, "{stop:?}");
    while get(&front, &format!("/sessions/{run}"))["record"]["status"] != "canceled" {
        std::thread::yield_now();
    }
    let ended = get(&front, &format!("/sessions/{run}"));
    assert_eq!(ended["outcome"], "stopped");
    let late = front.owner(&format!("POST /api/v1/sessions/{run}/cancel"), &[], "{}");
    assert_eq!(late.status, 404);
}

/// Asks for decisions.
fn decide(front: &Front, body: &Value) -> crate::harness::Reply {
    front.owner("POST /api/v1/conflicts/resolve", &[], &body.to_string())
}

#[test]
fn conflicts_of_everybody_are_listed_by_address() {
    let front = Front::start();
    let id = add(&front, "photos", "");
    let list = get(&front, "/conflicts");
    // spec 161: one list, each under an address that leads back to it.
    let all = list["items"].as_array().unwrap();
    let [card, file] = &all[..] else {
        panic!("{list}");
    };
    assert_eq!(card["address"], "conflict://files/-/a%20card");
    assert_eq!((&card["item"], &card["file"]), (&Value::Null, &Value::Null));
    let address = format!("conflict://files/{id}/c1");
    assert_eq!(file["address"], *address);
    assert_eq!(get(&front, &format!("/conflict?address={address}")), *file);
    assert_eq!(get(&front, &format!("/conflicts/{id}/c1")), *file);
    // S6: names are text, whatever they hold, and can be turned back into their bytes.
    let name = r"<img src=x onerror=alert(1)>\u{1b}[31m\xff";
    assert_eq!(file["file"]["path"], name);
    let contents = get(&front, &format!("/conflict/contents?address={address}"));
    assert_eq!(contents["right"], json!({"encoding": "hex", "data": "ff"}));
    assert_eq!(
        get(&front, &format!("/conflicts/{id}/c1/contents")),
        contents
    );
    // As a file it has no type that a browser shows, and its name stays within the header.
    let raw = |rest: &str| {
        let path = format!("GET /api/v1/conflict/raw?address={address}&version={rest}");
        front.owner(&path, &[], "")
    };
    let file = raw("1");
    assert_eq!(file.status, 200, "{file:?}");
    let kind = file.header("content-type");
    assert_eq!(kind, Some("application/octet-stream"));
    let disposition = file.header("content-disposition").unwrap();
    assert!(
        disposition.starts_with("attachment; filename*=UTF-8''"),
        "{disposition}"
    );
    assert!(!disposition.contains('<'), "{disposition}");
    assert_eq!(raw("7").status, 404);

    let n = |query: &str| {
        let list = get(&front, &format!("/conflicts?{query}"));
        list["items"].as_array().unwrap().len()
    };
    assert_eq!(n("where=kind%3Dcontact"), 1);
    assert_eq!(n("where=path~*.log"), 0);
    assert_eq!(n(&format!("item={id}")), 1);
    assert_eq!(n("limit=1"), 1);
    assert_eq!(n("where=text~PHOTOS"), 1);
    assert_eq!(n("where=since=2026-01-01T00:00:00Z"), 0);
    for bad in [
        "/conflicts?order=size",
        "/conflicts?where=size%3D1",
        "/conflict?address=conflict://files",
    ] {
        let reply = front.owner(&format!("GET /api/v1{bad}"), &[], "");
        assert!((400..=404).contains(&reply.status), "{reply:?}");
    }
}

#[test]
fn conflicts_are_listed_in_any_order_part_by_part() {
    let front = Front::start();
    for name in ["b", "a", "c"] {
        add(&front, name, "");
    }
    let all = |order: &str, n: usize| {
        let (mut names, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/conflicts?limit={n}&order={order}{cursor}");
            let list = get(&front, &path);
            assert_eq!(list["total"], 4, "{path}");
            for one in list["items"].as_array().unwrap() {
                names.push(one["address"].as_str().unwrap().to_owned());
            }
            match list["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return names,
            }
        }
    };
    for order in ["address", "path", "sync", "kind", "found"] {
        let forward = all(order, 4);
        assert_eq!(forward.len(), 4, "{order}");
        assert_eq!(all(order, 1), forward, "{order}");
        let backward: Vec<_> = forward.into_iter().rev().collect();
        assert_eq!(all(&format!("-{order}"), 3), backward, "{order}");
    }
    let ids = ["a", "b", "c"].map(|name| {
        let items = get(&front, "/items");
        let mut items = items["items"].as_array().unwrap().iter();
        let item = items.find(|item| item["name"] == name).unwrap();
        item["id"].as_str().unwrap().to_owned()
    });
    let by_sync = all("sync", 2);
    for (address, id) in by_sync[1..].iter().zip(&ids) {
        assert!(address.contains(id), "{by_sync:?} {ids:?}");
    }
}

#[test]
fn a_conflict_is_decided_only_as_it_was_seen() {
    let front = Front::start();
    let id = add(&front, "photos", "");
    run(&front, &id, "sync");
    let address = format!("conflict://files/{id}/c1");
    let seen = get(&front, &format!("/conflict?address={address}"))["seen"].clone();
    let one = |seen: &Value, keep: &str, is_preview: bool| {
        let one = json!({"conflict": address, "seen": seen, "decision": {"keep": keep}});
        decide(&front, &json!({"decisions": [one], "preview": is_preview}))
    };
    let preview = one(&seen, "left", true);
    assert_eq!(preview.status, 202, "{preview:?}");
    let taken = one(&seen, "left", false);
    assert_eq!(taken.json()["outcomes"][0]["outcome"], "done");
    assert_eq!(taken.json()["runs"].as_array().unwrap().len(), 1);
    let refused = one(&json!("other"), "left", false);
    assert_eq!((refused.status, &*refused.code()), (409, "state-changed"));
    assert_eq!(one(&seen, "content", false).status, 400);
    assert_eq!(decide(&front, &json!({})).status, 400);
}

/// spec 152: what applies to all applies to those of the same kind and handler.
#[test]
fn one_decision_applies_to_all_of_its_kind() {
    let front = Front::start();
    for name in ["one", "two"] {
        add(&front, name, "");
    }
    let list = get(&front, "/conflicts?where=kind%3Dboth-changed");
    let all = list["items"].as_array().unwrap();
    let bare =
        |conflict: &Value| json!({"conflict": conflict["address"], "seen": conflict["seen"]});
    let mut first = bare(&all[0]);
    first["decision"] = json!({"keep": "newest"});
    let alone = decide(&front, &json!({"decisions": [first, bare(&all[1])]}));
    assert_eq!(alone.status, 400, "{alone:?}");
    assert!(alone.body.contains("decisions[1].decision"), "{alone:?}");
    first["for_all"] = json!(true);
    let taken = decide(&front, &json!({"decisions": [bare(&all[1]), first]}));
    assert_eq!(
        taken.json()["runs"].as_array().unwrap().len(),
        2,
        "{taken:?}"
    );
}

#[test]
fn all_that_fit_are_decided_as_a_preview_showed_them() {
    let front = Front::start();
    add(&front, "photos", "");
    let body = |seen: Value, is_preview: bool| {
        let matching =
            json!({"filter": "kind=both-changed", "decision": {"keep": "both"}, "seen": seen});
        json!({"matching": matching, "preview": is_preview})
    };
    assert_eq!(decide(&front, &body(Value::Null, false)).status, 400);
    let preview = decide(&front, &body(Value::Null, true)).json();
    assert_eq!(preview["outcomes"].as_array().unwrap().len(), 1);
    add(&front, "more", "");
    let late = decide(&front, &body(preview["seen"].clone(), false));
    assert_eq!((late.status, &*late.code()), (409, "state-changed"));
    let preview = decide(&front, &body(Value::Null, true)).json();
    let taken = decide(&front, &body(preview["seen"].clone(), false));
    assert_eq!(
        taken.json()["outcomes"].as_array().unwrap().len(),
        2,
        "{taken:?}"
    );
}

#[test]
fn a_run_begins_only_if_its_plan_is_the_one_that_was_seen() {
    let front = Front::start();
    let id = add(&front, "photos", "");
    let made = run(&front, &id, "preview");
    let seen = previewed(&front, &made)["preview"]["plan"].clone();
    let start = |body: Value| front.owner("POST /api/v1/sessions", &[], &body.to_string());
    let n_runs = || get(&front, "/sessions")["items"].as_array().unwrap().len();
    let other = start(json!({"items": [id], "plan": "of another day"}));
    assert_eq!((other.status, &*other.code()), (409, "state-changed"));
    let problem: Value = serde_json::from_str(&other.body).unwrap();
    let now = problem["params"]["run"].as_str().unwrap();
    let now = get(&front, &format!("/sessions/{now}/preview"));
    assert_eq!(now["items"][0]["preview"]["plan"], seen);
    assert_eq!(n_runs(), 0);
    for wrong in [
        json!({"items": [id], "plan": seen, "mode": "preview"}),
        json!({"items": [id, id], "plan": seen}),
    ] {
        assert_eq!(start(wrong).status, 400);
    }
    // With settings of this run too.
    let item = json!({"id": "other", "handler": "files", "settings": {}});
    let with = |mode: &str, plan: &Value| {
        let body = json!({"item": item, "mode": mode, "work": {"kind": "sync"}, "plan": plan});
        front.owner("POST /api/v1/runs", &[], &body.to_string())
    };
    let other = with("sync", &json!("of another day"));
    assert_eq!((other.status, &*other.code()), (409, "state-changed"));
    assert_eq!(with("preview", &seen).status, 400);
    assert_eq!(n_runs(), 0);
    assert_eq!(start(json!({"items": [id], "plan": seen})).status, 202);
    assert_eq!(n_runs(), 1);
}

#[test]
fn a_decision_that_no_run_carries_out_says_why_and_names_no_run() {
    let front = Front::start();
    add(&front, "photos", "");
    let list = get(&front, "/conflicts?where=kind%3Dboth-changed");
    let one = &list["items"][0];
    let body = json!({"decisions": [{"conflict": one["address"], "seen": one["seen"],
        "decision": {"keep": "both"}}]});
    let off = r#"{"enabled":false}"#;
    front.owner("PATCH /api/v1/handlers/files", &[], off);
    let refused = decide(&front, &body);
    assert_eq!(
        (refused.status, &*refused.code()),
        (409, "turned-off"),
        "{refused:?}"
    );
}

#[test]
fn previews_of_many_syncs_at_once_are_all_kept() {
    let front = Front::start();
    let names: Vec<_> = (0..20).map(|n| format!("sync-{n}")).collect();
    for name in &names {
        add(&front, name, "");
    }
    let matching = json!({"filter": "kind=both-changed", "decision": {"keep": "both"}});
    let body = json!({"matching": matching, "preview": true});
    let preview = decide(&front, &body).json();
    let runs = preview["runs"].as_array().unwrap().clone();
    assert_eq!(runs.len(), names.len(), "{preview}");
    for run in runs {
        let path = format!("/api/v1/sessions/{}/preview", run["run"].as_str().unwrap());
        let made = loop {
            let reply = front.owner(&format!("GET {path}"), &[], "");
            if reply.status != 409 {
                break reply;
            }
            std::thread::yield_now();
        };
        assert_eq!(made.status, 200, "{made:?}");
    }
}

/// spec 128, 131: what a handler keeps is listed among the others, counts, and goes when it says so.
#[test]
fn results_of_a_handler_of_its_own_are_listed_and_removed() {
    let front = Front::start();
    let id = add(&front, "photos", "");
    let list = || get(&front, "/events");
    while list()["items"].as_array().unwrap().is_empty() {
        std::thread::yield_now();
    }
    let own = list()["items"][0].clone();
    assert_eq!((&own["own"], &own["current"]), (&json!(true), &json!(true)));
    assert_eq!(get(&front, "/status")["unseen"], 1);
    assert_eq!(get(&front, "/handlers/files")["unseen"], 1);
    let path = format!("/api/v1/events/{}", own["id"]);
    let gone = front.owner(&format!("DELETE {path}?handler=files"), &[], "");
    assert_eq!(gone.status, 204, "{gone:?}");
    while !list()["items"].as_array().unwrap().is_empty() {
        std::thread::yield_now();
    }
    run(&front, &id, "sync");
    let kept = list()["items"][0].clone();
    assert_eq!(kept["own"], false);
    let path = format!("/api/v1/events/{}", kept["id"]);
    assert_eq!(front.owner(&format!("DELETE {path}"), &[], "").status, 204);
    assert_eq!(front.owner(&format!("DELETE {path}"), &[], "").status, 404);
}

#[test]
fn the_content_of_a_version_is_read() {
    let front = Front::start();
    let id = add(&front, "photos", "");
    let path = |side: &str| {
        let run = "20261120-120000000-0000";
        format!("/versions/contents?item={id}&run={run}&side={side}&path=a.txt")
    };
    let contents = get(&front, &path("left"));
    assert_eq!(contents["base"]["data"], "old");
    let none = front.owner(&format!("GET /api/v1{}", path("right")), &[], "");
    assert_eq!(none.status, 404);
}

#[test]
fn handlers_schedules_and_settings_are_kept() {
    let front = Front::start();
    assert_eq!(get(&front, "/handlers")["items"][0]["id"], "files");
    let off = front.owner("PATCH /api/v1/handlers/files", &[], r#"{"enabled":false}"#);
    assert_eq!(off.json()["enabled"], false);
    let update = front.owner("POST /api/v1/handlers/files/update", &[], "{}");
    assert_eq!(update.status, 202);

    let rules = r#"{"triggers":["daily 18:00"],"windows":["mon-fri 08:00-18:00"]}"#;
    let put = front.owner("PUT /api/v1/schedules/evening", &[], rules);
    let tag = format!("If-Match: {}", put.header("etag").unwrap());
    assert_eq!(put.json()["rules"]["triggers"][0], "daily 18:00");
    let bad = front.owner(
        "PUT /api/v1/schedules/evening",
        &[],
        r#"{"triggers":["at tea"]}"#,
    );
    assert!(
        bad.status == 400 && bad.body.contains("triggers[0]"),
        "{bad:?}"
    );
    let next = get(&front, "/schedules/evening/next?limit=2");
    assert_eq!(next["at"].as_array().unwrap().len(), 2);
    assert_eq!(
        front
            .owner("DELETE /api/v1/schedules/evening", &[&tag], "")
            .status,
        204
    );

    let set = front.owner(
        "PATCH /api/v1/settings",
        &[],
        r#"{"settings":{"metrics":"on"}}"#,
    );
    assert_eq!(set.json()["settings"]["metrics"], "on");
    assert_eq!(get(&front, "/settings")["settings"]["metrics"], "on");
}

#[test]
fn a_schedule_is_checked_before_it_is_saved() {
    let front = Front::start();
    let check = |rules: &str| front.owner("POST /api/v1/schedules/check", &[], rules);
    let checked = check(r#"{"triggers":["daily 18:00"]}"#);
    assert_eq!(checked.status, 200, "{checked:?}");
    assert_eq!(checked.json()["sentence"], "Runs every day at 18:00");
    assert_eq!(checked.json()["next"].as_array().unwrap().len(), 5);
    let fields = |rules: &str| {
        let refused = check(rules);
        assert_eq!(refused.status, 400, "{refused:?}");
        let problem: Value = serde_json::from_str(&refused.body).unwrap();
        let errors = problem["errors"].as_array().unwrap();
        let field = |error: &Value| error["field"].as_str().unwrap().to_owned();
        errors.iter().map(field).collect::<Vec<_>>()
    };
    // All that cannot be read at once, and what only the calendar knows under the same name.
    let rules = r#"{"triggers":["daily 18:00","at tea"],"windows":["never"],"idle":"long"}"#;
    assert_eq!(fields(rules), ["triggers[1]", "windows[0]", "idle"]);
    assert_eq!(fields("{}"), ["triggers"]);
    let all = get(&front, "/schedules");
    assert_eq!(
        all["items"].as_array().unwrap().len(),
        0,
        "nothing is saved"
    );
}

#[test]
fn the_client_speaks_every_kind_of_call() {
    use syncmgr_api::wire::{ItemChange, Pause, RunNew, ScheduleRules, Seen};
    let front = Front::start();
    let mut client = Client::connect(&front.socket()).unwrap();
    let id = add(&front, "photos", "");
    let new: RunNew = serde_json::from_value(json!({"items": [id]})).unwrap();
    let taken = client.start(&new).unwrap();
    let run = &taken.runs[0].run;
    while client.run(run).unwrap().open.is_some() {
        std::thread::yield_now();
    }
    let records = client.runs(Some(&id), 10).unwrap();
    let record = syncmgr_model::record::SessionRecord::try_from(&records[0]).unwrap();
    assert_eq!(record.id.as_str(), run);
    assert_eq!(client.report(run).unwrap().notices.len(), 1);
    let results = client.results(&[("item", &id)]).unwrap();
    let event = syncmgr_model::event::Event::try_from(&results[0]).unwrap();
    assert_eq!(event.trouble.code.as_str(), "unsyncable");
    client.seen(&Seen::default()).unwrap();

    let listed = client.listed_conflicts(&[("handler", "files")]).unwrap();
    assert_eq!(listed.len(), 2);
    let conflict = &client.conflicts(None).unwrap()[0];
    let path = syncmgr_model::conflict::Conflict::try_from(conflict)
        .unwrap()
        .path;
    assert!(path.ends_with(b"\x1b[31m\xff"), "the bytes come back");
    let why = client.why(&id, "a b&c=\\xff").unwrap();
    assert_eq!(why, syncmgr_api::wire::Explanation::InSync);

    let item = client.item(&id).unwrap();
    let off = ItemChange {
        enabled: Some(false),
        ..ItemChange::default()
    };
    let off = client.change_item(&id, &off, item.etag.as_deref()).unwrap();
    assert_eq!(off.state.status, "off");
    client.pause(&id, &Pause::default()).unwrap();
    let rules: ScheduleRules = serde_json::from_str(r#"{"triggers":["daily 18:00"]}"#).unwrap();
    client.put_schedule("at tea", &rules).unwrap_err();
    client.put_schedule("tea", &rules).unwrap();
    assert_eq!(client.next_runs("tea", 3).unwrap().at.len(), 3);
    client.remove_schedule("tea").unwrap();
    client.remove_item(&id).unwrap();
    assert!(client.items().unwrap().is_empty());
    assert_eq!(client.sign_in_code().unwrap().code.len(), 64);
}

#[test]
fn what_was_found_is_listed_and_added() {
    let front = Front::start();
    let found = get(&front, "/found");
    assert_eq!(found["items"][0]["name"], "found");
    assert_eq!(found["items"][0]["when"], "Runs every day at 18:00");
    assert_eq!(found["items"][1]["can_be_added"], false);
    assert_eq!(found["silent"][0]["source"], "crontab");
    let add = |body: &str| front.owner("POST /api/v1/found", &[], body);
    let added = add(r#"{"names":["found"]}"#);
    assert_eq!(added.status, 201, "{added:?}");
    let id = added.json()["added"][0].as_str().unwrap().to_owned();
    assert_eq!(get(&front, &format!("/items/{id}"))["name"], "found");
    let gone = add(r#"{"names":["line"],"schedules":false}"#);
    assert_eq!((gone.status, &*gone.code()), (404, "not-found"));
    for wrong in [r#"{"names":[]}"#, r#"{"names":["found"],"more":1}"#, "{}"] {
        assert_eq!(add(wrong).status, 400, "{wrong}");
    }
}
