//! What a page shows first: the list of syncs in any order, what happened, what comes.

use serde_json::{Value, json};

use crate::harness::Front;
use crate::resources::{add, get, run};

fn titles(front: &Front, query: &str) -> Vec<String> {
    let page = get(front, &format!("/items?{query}"));
    let items = page["items"].as_array().unwrap();
    let title = |item: &Value| item["title"].as_str().unwrap().to_owned();
    items.iter().map(title).collect()
}

#[test]
fn the_list_is_filtered_and_ordered() {
    let front = Front::start();
    let (b, a) = (add(&front, "Bilder", ""), add(&front, "archive", ""));
    add(&front, "Copies", "");
    run(&front, &a, "sync");
    run(&front, &b, "sync");
    front.owner(&format!("POST /api/v1/items/{b}/pause"), &[], "{}");

    for (query, expected) in [
        ("", vec!["archive", "Bilder", "Copies"]),
        ("order=severity", vec!["archive", "Copies", "Bilder"]),
        ("order=last", vec!["Bilder", "archive", "Copies"]),
        ("status=paused,never", vec!["Bilder", "Copies"]),
        ("needs=person", vec!["archive"]),
        ("text=C", vec!["archive", "Copies"]),
        ("text=bilder&status=paused", vec!["Bilder"]),
        ("text=/A", vec!["archive", "Bilder", "Copies"]),
        ("text=%25", vec![]),
    ] {
        assert_eq!(titles(&front, query), expected, "{query}");
    }
    for bad in [
        "order=colour",
        "needs=nobody",
        "status=ok,odd",
        "recent=61",
        "recent=x",
    ] {
        let reply = front.owner(&format!("GET /api/v1/items?{bad}"), &[], "");
        let expected = (400, "request-unusable");
        assert_eq!((reply.status, &*reply.code()), expected, "{bad}");
    }
}

#[test]
fn every_order_is_read_in_parts_without_gaps_or_repetition() {
    let front = Front::start();
    let mut made: Vec<_> = (0..5).map(|n| add(&front, &format!("S{n}"), "")).collect();
    run(&front, &made[3], "sync");
    run(&front, &made[1], "sync");
    made.sort();
    for order in ["name", "severity", "last", "next"] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = get(
                &front,
                &format!("/items?order={order}&limit=2&text=s{cursor}"),
            );
            assert_eq!(page["total"], 5);
            let ids = page["items"].as_array().unwrap().iter();
            seen.extend(ids.map(|item| item["id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        seen.sort();
        assert_eq!(seen, made, "{order}");
    }
    let cursor = get(&front, "/items?limit=1")["next_cursor"].clone();
    let path = format!(
        "GET /api/v1/items?order=last&cursor={}",
        cursor.as_str().unwrap()
    );
    assert_eq!(front.owner(&path, &[], "").status, 400);
}

#[test]
fn the_last_runs_and_the_counts_of_a_day_are_told() {
    let front = Front::start();
    let id = add(&front, "photos", "");
    assert_eq!(get(&front, "/items")["items"][0].get("recent"), None);
    let first = run(&front, &id, "sync");
    let second = run(&front, &id, "sync");
    let recent = get(&front, "/items?recent=30")["items"][0]["recent"].clone();
    let runs = recent.as_array().unwrap().iter();
    let runs: Vec<_> = runs.map(|it| (&it["outcome"], &it["run"])).collect();
    let conflicts = json!("conflicts");
    assert_eq!(
        runs,
        [(&conflicts, &json!(first)), (&conflicts, &json!(second))]
    );
    let one = get(&front, "/items?recent=1")["items"][0]["recent"].clone();
    assert_eq!(one.as_array().unwrap().len(), 1);
    assert_eq!(one[0]["run"], json!(second));

    let status = get(&front, "/status");
    assert_eq!(
        (&status["conflicts"], &status["needs"]),
        (&json!(1), &json!(1))
    );
    let activity = get(&front, "/activity");
    assert_eq!(activity["since"], "2026-11-19T12:00:00Z");
    let runs = json!({"ok": 2, "failed": 0, "missed": 0, "stopped": 0});
    assert_eq!(activity["runs"], runs);
    assert_eq!(activity["files"], json!({"left": 0, "right": 0}));
    let later = get(&front, "/activity?since=2026-11-21T00:00:00Z");
    assert_eq!(later["runs"]["ok"], 0);
    for bad in ["since=x", "until=x"] {
        let reply = front.owner(&format!("GET /api/v1/activity?{bad}"), &[], "");
        assert_eq!(reply.status, 400, "{bad}");
    }
}

#[test]
fn what_is_planned_is_told_with_the_syncs_it_is_for() {
    let front = Front::start();
    let id = add(&front, "photos", "");
    for n in 0..25 {
        add(&front, &format!("s{n}"), "");
    }
    let put = |name: &str, rules: Value| {
        let put = format!("PUT /api/v1/schedules/{name}");
        assert_eq!(front.owner(&put, &[], &rules.to_string()).status, 200);
    };
    put(
        "one",
        json!({"triggers": ["daily 18:00"], "items": ["photos"]}),
    );
    put("all", json!({"triggers": ["every 1h"]}));
    put("changes", json!({"triggers": ["on change"]}));
    let agenda = get(&front, "/agenda?until=2026-11-20T14:00:00Z");
    let planned = agenda["items"].as_array().unwrap();
    let first: Vec<_> = planned.iter().map(|it| it["at"].clone()).collect();
    let hours = ["13", "13", "14", "14"].map(|hour| json!(format!("2026-11-20T{hour}:00:00Z")));
    assert_eq!(first, hours);
    let one = planned.iter().find(|it| it["schedule"] == "one").unwrap();
    assert_eq!(one["items"], json!([{"id": id, "title": "photos"}]));
    let all = planned.iter().find(|it| it["schedule"] == "all").unwrap();
    assert_eq!(all["total"], 26);
    assert_eq!(all["items"].as_array().unwrap().len(), 20);
    let next = get(&front, "/agenda?limit=3")["items"].clone();
    assert_eq!(next.as_array().unwrap().len(), 3);
    for bad in ["limit=501", "limit=0", "from=x", "colour=red"] {
        let reply = front.owner(&format!("GET /api/v1/agenda?{bad}"), &[], "");
        assert_eq!(reply.status, 400, "{bad}");
    }
}

#[test]
fn history_is_filtered_by_outcome_and_time() {
    let front = Front::start();
    let id = add(&front, "photos", "");
    let first = run(&front, &id, "sync");
    run(&front, &id, "sync");
    let all = get(&front, "/sessions");
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    assert_eq!(all["items"][1]["run"], json!(first));
    assert_eq!(all["items"][0]["outcome"], "conflicts");
    assert_eq!(all["items"][0]["title"], "photos");
    let n = |query: &str| {
        let page = get(&front, &format!("/sessions?{query}"));
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(n("outcome=ok,failed"), 0);
    assert_eq!(n(&format!("outcome=ok,conflicts&item={id}")), 2);
    assert_eq!(
        n("since=2026-11-20T12:00:00Z&until=2026-11-20T12:00:00Z"),
        2
    );
    assert_eq!(n("since=2026-11-20T12:00:01Z"), 0);
    assert_eq!(n("until=2026-11-20T11:59:59Z"), 0);
    for bad in ["outcome=odd", "outcome=", "since=now", "until=never"] {
        let reply = front.owner(&format!("GET /api/v1/sessions?{bad}"), &[], "");
        assert_eq!(reply.status, 400, "{bad}");
    }
}

#[test]
fn results_are_found_by_what_they_say() {
    let front = Front::start();
    let id = add(&front, "photos", "");
    run(&front, &id, "sync");
    let n = |query: &str| {
        let page = get(&front, &format!("/events?{query}"));
        let items = page["items"].as_array().unwrap();
        let of_sync = items.iter().filter(|it| it["item"] == json!(id));
        assert!(of_sync.clone().all(|it| it["title"] == "photos"), "{page}");
        of_sync.count()
    };
    assert_eq!(n(""), 1);
    assert_eq!(n("text=PHOTOS"), 1, "the title");
    assert_eq!(n("text=1"), 1, "a fact");
    assert_eq!(n("text=nowhere"), 0);
    let said = get(&front, &format!("/events?item={id}"))["items"][0].clone();
    let meaning = said["notice"]["meaning"].as_str().unwrap();
    let word = meaning.split(' ').next().unwrap();
    assert_eq!(n(&format!("text={word}")), 1, "its words");
    assert_eq!(n("until=2026-11-20T12:00:00Z"), 1);
    assert_eq!(n("until=2026-11-20T11:00:00Z"), 0);
    for bad in ["until=x", &format!("text={}", "a".repeat(201))] {
        let reply = front.owner(&format!("GET /api/v1/events?{bad}"), &[], "");
        assert_eq!(reply.status, 400, "{bad}");
    }
}

#[test]
fn folders_need_the_highest_right_and_a_check_only_that_of_a_sync() {
    use syncmgr_server::auth::Scope;
    let front = Front::start();
    let (reader, syncer) = (front.token(Scope::Read), front.token(Scope::Sync));
    let folders = front.ask_as(&syncer, "GET /api/v1/folders", &[], "");
    assert_eq!(folders.status, 403);
    let check = "POST /api/v1/items/check";
    assert_eq!(front.ask_as(&reader, check, &[], "{}").status, 403);
    let said = front.ask_as(&syncer, check, &[], "{}");
    assert_eq!(said.json(), json!({"notices": []}));
    for bad in [r#"{"colour":1}"#, r#"{"settings":{"left":true}}"#] {
        assert_eq!(front.owner(check, &[], bad).status, 400, "{bad}");
    }
    let gone = front.owner(check, &[], r#"{"item":"none"}"#);
    assert_eq!((gone.status, &*gone.code()), (404, "not-found"));
}
