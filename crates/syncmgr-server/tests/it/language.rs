//! In which language answers come.

use serde_json::{Value, json};

use crate::harness::{Front, Reply};

const GERMAN: &str = "Accept-Language: de-AT,de;q=0.9,en;q=0.5";

fn make(front: &Front, name: &str) -> String {
    let body = json!({"name": name, "settings": {"left": "/a", "right": "/b"}}).to_string();
    let made = front.owner("POST /api/v1/items", &[], &body);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// Asks the same in English and in German, and looks that the answers say in what they are.
#[track_caller]
fn both(front: &Front, first: &str, body: &str) -> [Reply; 2] {
    let english = front.owner(first, &[], body);
    let german = front.owner(first, &[GERMAN], body);
    for (reply, tag) in [(&english, "en"), (&german, "de")] {
        assert_eq!(reply.header("content-language"), Some(tag), "{reply:?}");
        assert_eq!(reply.header("vary"), Some("Accept-Language"), "{reply:?}");
    }
    assert_eq!(english.status, german.status);
    [english, german]
}

#[track_caller]
fn value(reply: &Reply) -> Value {
    serde_json::from_str(&reply.body).unwrap()
}

#[test]
fn a_status_comes_in_the_language_of_who_asks() {
    let front = Front::start();
    let id = make(&front, "fotos");
    let path = format!("/api/v1/items/{id}");
    let [english, german] = both(&front, &format!("GET {path}"), "");
    assert_eq!(value(&english)["words"], "not synced yet");
    assert_eq!(value(&german)["words"], "noch nie abgeglichen");
    // What programs go by is the same.
    assert_eq!(value(&german)["status"], "never");

    front.owner(&format!("POST {path}/pause"), &[GERMAN], "{}");
    let [english, german] = both(&front, &format!("GET {path}"), "");
    let (english, german) = (value(&english), value(&german));
    assert_eq!(
        english["reason"]["what"],
        "It is paused until you resume it."
    );
    assert_eq!(
        german["reason"]["what"],
        "Angehalten, bis du den Abgleich fortsetzt."
    );
    assert_eq!(
        german["reason"]["actions"],
        json!(["setze ihn mit `syncmgr resume` fort"])
    );
    for same in ["code", "params", "level"] {
        assert_eq!(english["reason"][same], german["reason"][same]);
    }
    let [english, german] = both(&front, "GET /api/v1/status", "");
    assert_eq!(value(&english)["summary"], "1 paused");
    assert_eq!(value(&german)["summary"], "1 pausiert");
}

#[test]
fn a_list_of_the_center_and_a_schedule_are_told_in_german() {
    let front = Front::start();
    make(&front, "fotos");
    let [english, german] = both(&front, "GET /api/v1/items", "");
    assert_eq!(value(&english)["items"][0]["words"], "not synced yet");
    assert_eq!(value(&german)["items"][0]["words"], "noch nie abgeglichen");

    let rules = json!({"triggers": ["daily 18:00"], "windows": []}).to_string();
    let put = front.owner("PUT /api/v1/schedules/abend", &[GERMAN], &rules);
    assert_eq!(put.json()["sentence"], "Läuft jeden Tag um 18:00");
    let [english, german] = both(&front, "GET /api/v1/schedules/abend", "");
    assert_eq!(value(&english)["sentence"], "Runs every day at 18:00");
    assert_eq!(value(&german)["sentence"], "Läuft jeden Tag um 18:00");
    assert_eq!(value(&english)["rules"], value(&german)["rules"]);
}

#[test]
fn a_refusal_comes_in_the_language_of_who_asks() {
    let front = Front::start();
    let [english, german] = both(&front, "GET /api/v1/items/nothing", "");
    assert_eq!(english.code(), german.code());
    assert_eq!(value(&english)["title"], "There is no sync nothing.");
    assert_eq!(
        value(&german)["title"],
        "Es gibt den Abgleich nothing nicht."
    );
    assert_eq!(value(&german)["detail"], "Es wurde nichts geändert.");

    // Of the gate, of a field, and of an address that nobody answers.
    let [_, german] = both(&front, "POST /api/v1/sessions", r#"{"items":[]}"#);
    assert_eq!(
        value(&german)["title"],
        "Die Anfrage ist nicht zu gebrauchen."
    );
    assert_eq!(
        value(&german)["errors"][0]["detail"],
        "mindestens ein Abgleich"
    );
    let [_, german] = both(&front, "GET /api/v1/no/such/thing", "");
    assert_eq!(
        value(&german)["title"],
        "Unter dieser Adresse gibt es nichts."
    );
    let host = format!("Host: 127.0.0.1:{}", front.port);
    let stranger = front.ask("GET /api/v1/items", &[&host, GERMAN], "");
    assert_eq!(stranger.status, 401);
    assert_eq!(
        value(&stranger)["title"],
        "Der Dienst weiß nicht, wer fragt."
    );
}

#[test]
fn only_the_first_wish_counts() {
    let front = Front::start();
    for (wish, title) in [
        ("Accept-Language: fr,de;q=0.9", "There is no sync x."),
        ("Accept-Language: en,de", "There is no sync x."),
        ("Accept-Language: de;q=0.8,en;q=0.9", "There is no sync x."),
        ("Accept-Language: DE", "Es gibt den Abgleich x nicht."),
    ] {
        let reply = front.owner("GET /api/v1/items/x", &[wish], "");
        assert_eq!(value(&reply)["title"], title, "{wish}");
    }
}

#[test]
fn an_answer_that_was_kept_says_in_which_language_it_is() {
    let front = Front::start();
    let key = "Idempotency-Key: one";
    let ask = |lines: &[&str]| front.owner("POST /api/v1/sessions", lines, r#"{"items":["x"]}"#);
    let first = ask(&[key, GERMAN]);
    assert_eq!(value(&first)["title"], "Es gibt den Abgleich x nicht.");
    let again = ask(&[key]);
    assert_eq!(value(&again)["title"], "Es gibt den Abgleich x nicht.");
    assert_eq!(again.header("content-language"), Some("de"));
}

#[test]
fn requests_side_by_side_keep_their_languages() {
    let front = Front::start();
    let front = &front;
    std::thread::scope(|scope| {
        for n in 0..8 {
            scope.spawn(move || {
                for _ in 0..10 {
                    let (lines, title): (&[&str], _) = if n % 2 == 0 {
                        (&[GERMAN], "Es gibt den Abgleich x nicht.")
                    } else {
                        (&[], "There is no sync x.")
                    };
                    let reply = front.owner("GET /api/v1/items/x", lines, "");
                    assert_eq!(value(&reply)["title"], title);
                }
            });
        }
    });
}
