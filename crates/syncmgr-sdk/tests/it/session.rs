//! Sessions: reports, cancelling, several at once, and what is asked on the way.

use serde_json::json;

use crate::peer::{Peer, start};

#[test]
fn a_flood_of_reports_is_merged_and_its_end_is_not_lost() {
    let mut peer = Peer::ready("trial");
    let items = [("a", "flood", 200_000), ("b", "flood", 3)];
    let answer = peer.ask("session/start", &start("s", &items));
    assert_eq!(answer, Ok(json!({})));
    let all = peer.all("session/progress");
    assert!(all.len() < 5_000, "{} reports", all.len());
    for item in ["a", "b"] {
        let statuses = peer.statuses(item);
        assert_eq!(statuses.last().unwrap(), "succeeded");
        let n_final = statuses.iter().filter(|status| *status == "succeeded");
        assert_eq!(n_final.count(), 1);
    }
}

#[test]
fn a_session_that_is_cancelled_ends_as_canceled() {
    let mut peer = Peer::ready("trial");
    let id = peer.begin("session/start", &start("s", &[("a", "wait", 0)]));
    peer.until("session/progress");
    peer.tell("session/cancel", &json!({"session_id": "s"}));
    assert_eq!(peer.answer(id), Ok(json!({})));
    assert_eq!(peer.statuses("a").last().unwrap(), "canceled");
}

#[test]
fn one_item_of_a_session_is_cancelled_and_the_others_go_on() {
    let mut peer = Peer::ready("trial");
    let items = [("a", "wait", 0), ("b", "flood", 1)];
    let id = peer.begin("session/start", &start("s", &items));
    peer.until("session/progress");
    peer.tell("session/cancel", &json!({"session_id": "s", "item": "a"}));
    assert_eq!(peer.answer(id), Ok(json!({})));
    assert_eq!(peer.statuses("a").last().unwrap(), "canceled");
    assert_eq!(peer.statuses("b").last().unwrap(), "succeeded");
}

#[test]
fn sessions_run_at_once() {
    let mut peer = Peer::ready("trial");
    let waits = peer.begin("session/start", &start("one", &[("a", "wait", 0)]));
    peer.until("session/progress");
    let other = peer.ask("session/start", &start("two", &[("b", "flood", 10)]));
    assert_eq!(other, Ok(json!({})));
    // Questions are answered meanwhile.
    peer.ask("handler/info", &json!({})).unwrap();
    let twice = peer.ask("session/start", &start("one", &[("a", "wait", 0)]));
    assert_eq!(twice.unwrap_err()["code"], -32012);
    peer.tell("session/cancel", &json!({"session_id": "one"}));
    assert_eq!(peer.answer(waits), Ok(json!({})));
}

#[test]
fn a_shutdown_ends_running_sessions_as_canceled_first() {
    let mut peer = Peer::ready("trial");
    let session = peer.begin("session/start", &start("s", &[("a", "wait", 0)]));
    peer.until("session/progress");
    let shutdown = peer.begin("shutdown", &json!({}));
    assert_eq!(peer.answer(session), Ok(json!({})));
    assert_eq!(peer.statuses("a").last().unwrap(), "canceled");
    assert_eq!(peer.answer(shutdown), Ok(json!({})));
}

#[test]
fn an_answer_that_is_not_wanted_any_more_is_not_waited_for() {
    let mut peer = Peer::ready("trial");
    let id = peer.begin("session/start", &start("s", &[("a", "wait", 0)]));
    peer.until("session/progress");
    peer.tell("$/cancel", &json!({"id": id}));
    assert_eq!(peer.answer(id).unwrap_err()["code"], -32030);
    loop {
        let report = peer.until("session/progress");
        if report["status"] == "canceled" {
            break;
        }
    }
}

#[test]
fn after_a_final_status_the_host_learns_what_broke_the_rule() {
    let mut peer = Peer::ready("trial");
    let answer = peer.ask("session/start", &start("s", &[("a", "after-final", 0)]));
    assert_eq!(answer, Ok(json!({})));
    assert_eq!(peer.statuses("a"), ["succeeded", "updating"]);
    let event = &peer.all("session/event")[0];
    assert_eq!(event["trouble"]["name"], "after: Err(AccessDenied)");
}

#[test]
fn results_come_in_their_order() {
    let mut peer = Peer::ready("trial");
    let answer = peer.ask("session/start", &start("s", &[("a", "say", 20)]));
    assert_eq!(answer, Ok(json!({})));
    let names: Vec<_> = peer
        .all("session/event")
        .iter()
        .map(|event| event["trouble"]["name"].as_str().unwrap().to_owned())
        .collect();
    let expected: Vec<_> = (0..20).map(|n| format!("event {n}")).collect();
    assert_eq!(names, expected);
}

#[test]
fn additional_items_and_proposals_are_asked_of_the_host() {
    let mut peer = Peer::ready("trial");
    let answer = peer.ask("session/start", &start("s", &[("a", "ask", 0)]));
    assert_eq!(answer, Ok(json!({})));
    assert_eq!(peer.all("session/add_item")[0]["item"], "more");
    assert_eq!(peer.all("session/add_token")[0]["token"], "t");
    assert_eq!(peer.all("item/propose")[0]["item"]["id"], "fresh");
    assert_eq!(peer.all("item/commit")[0]["item"], "fresh");
    assert_eq!(peer.all("session/manual").len(), 1);
    for item in ["a", "more"] {
        assert_eq!(peer.statuses(item), ["succeeded"]);
    }
}

#[test]
fn work_in_the_background_opens_a_session_of_its_own() {
    let mut peer = Peer::ready("trial");
    let answer = peer.ask("session/start", &start("s", &[("a", "background", 0)]));
    assert_eq!(answer, Ok(json!({})));
    let closed = peer.until("session/close");
    assert_eq!(closed["session_id"], "opened");
    assert_eq!(peer.all("session/open")[0]["items"], json!(["a"]));
    let report = &peer.all("session/progress")[0];
    assert_eq!(report["session_id"], "opened");
    assert_eq!(report["status"], "succeeded");
}

#[test]
fn a_preview_that_does_not_fit_is_shown_as_far_as_it_does() {
    let mut peer = Peer::ready("trial");
    let mut params = start("s", &[("a", "preview", 40_000)]);
    params["intent"] = json!("preview");
    assert_eq!(peer.ask("session/start", &params), Ok(json!({})));
    let preview = &peer.all("session/preview")[0]["preview"];
    let n = preview["changes"].as_array().unwrap().len();
    assert!((1_000..40_000).contains(&n), "{n}");
    let words = format!("Only {n} of 40000 changes are shown");
    let troubles = preview["troubles"].as_array().unwrap();
    assert_eq!(troubles.last().unwrap()["name"], json!(words));
}
