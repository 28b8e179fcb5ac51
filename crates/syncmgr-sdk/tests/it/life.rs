//! From `initialize` to the end of the process.

use serde_json::json;

use crate::peer::{Peer, initialize, start};

#[test]
fn a_whole_life_ends_with_code_0() {
    let mut peer = Peer::start("trial");
    let hello = peer.ask("initialize", &initialize()).unwrap();
    assert_eq!(hello["protocol_version"], "1");
    assert_eq!(hello["handler"]["id"], "trial");
    assert_eq!(hello["handler"]["version"], "1.0");
    assert_eq!(hello["capabilities"]["concurrent_sessions"], true);
    assert_eq!(hello["capabilities"]["operations"], json!(["browse"]));
    assert_eq!(
        hello["settings"]["properties"]["does"]["type"],
        json!("string")
    );
    peer.tell("initialized", &json!({}));
    assert_eq!(peer.ask("ping", &json!({})), Ok(json!({})));
    assert_eq!(peer.ask("shutdown", &json!({})), Ok(json!({})));
    peer.tell("exit", &json!({}));
    assert_eq!(peer.exit().code(), Some(0));
}

#[test]
fn a_closed_input_is_the_end() {
    let mut peer = Peer::ready("trial");
    peer.begin("session/start", &start("s", &[("a", "wait", 0)]));
    peer.until("session/progress");
    peer.close();
    assert_eq!(peer.exit().code(), Some(0));
}

#[test]
fn an_older_host_learns_which_versions_are_spoken() {
    let mut peer = Peer::start("trial");
    let mut params = initialize();
    params["protocol_versions"] = json!(["0", "7"]);
    let error = peer.ask("initialize", &params).unwrap_err();
    assert_eq!(error["code"], -32010);
    assert_eq!(error["data"]["supported"], json!(["1"]));
    // It may try again.
    peer.ask("initialize", &initialize()).unwrap();
}

#[test]
fn nothing_is_done_before_it_is_initialized() {
    let mut peer = Peer::start("trial");
    let error = peer.ask("items/list", &json!({"saved": []})).unwrap_err();
    assert_eq!(error["code"], -32015);
    peer.ask("initialize", &initialize()).unwrap();
    peer.tell("initialized", &json!({}));
    let error = peer.ask("initialize", &initialize()).unwrap_err();
    assert_eq!(error["code"], -32015);
}

#[test]
fn questions_are_answered_from_what_was_saved() {
    let mut peer = Peer::ready("trial");
    let item = json!({"id": "a", "name": "A", "settings": {"does": "say"}, "is_enabled": true});
    let listed = peer.ask("items/list", &json!({"saved": [item]})).unwrap();
    assert_eq!(listed["items"][0]["id"], "a");
    assert_eq!(listed["items"][0]["capabilities"], json!(["can-delete"]));
    let one = peer.ask("items/get", &json!({"id": "a"})).unwrap();
    assert_eq!(one["name"], "A");
    let error = peer.ask("items/get", &json!({"id": "b"})).unwrap_err();
    assert_eq!(error["code"], -32012);
    assert_eq!(peer.ask("items/delete", &json!({"id": "a"})), Ok(json!({})));
    assert_eq!(
        peer.ask("items/discover", &json!({})),
        Ok(json!({"found": []}))
    );
    let mut bad = item.clone();
    bad["settings"]["does"] = json!("nothing");
    assert_eq!(
        peer.ask("items/validate", &json!({"item": item})),
        Ok(json!({}))
    );
    let error = peer
        .ask("items/validate", &json!({"item": bad}))
        .unwrap_err();
    assert_eq!(error["code"], -32020);
    assert_eq!(error["data"]["code"], "not-possible");
    assert_eq!(error["data"]["params"]["detail"], "too idle");
}

#[test]
fn events_of_its_own_are_listed_and_removed() {
    let mut peer = Peer::ready("trial");
    let listed = peer.ask("events/list", &json!({})).unwrap();
    assert_eq!(listed["events"][0]["id"], 7);
    assert_eq!(listed["events"][0]["trouble"]["name"], "kept");
    assert_eq!(
        peer.ask("events/remove", &json!({"ids": [7]})),
        Ok(json!({}))
    );
    let error = peer.ask("events/remove", &json!({"ids": [8]})).unwrap_err();
    assert_eq!(error["code"], -32012);
}

#[test]
fn an_operation_is_answered_when_the_person_is_done() {
    let mut peer = Peer::ready("trial");
    let browse = json!({"operation": "browse", "window": {"display": ":1"}});
    let answer = peer.ask("operation/run", &browse).unwrap();
    assert_eq!(answer, json!({"answer": true}));
    let error = peer.ask("operation/run", &json!({"operation": "show-schedule"}));
    assert_eq!(error.unwrap_err()["code"], -32011);
}
