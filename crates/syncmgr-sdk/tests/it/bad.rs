//! Panics of the handler, and input that is none.

use serde_json::json;

use crate::peer::{Peer, start};

#[test]
fn a_panic_in_a_session_is_an_error_and_nothing_else_ends() {
    let mut peer = Peer::ready("trial");
    let error = peer.ask("session/start", &start("s", &[("a", "panic", 0)]));
    let error = error.unwrap_err();
    assert_eq!(error["code"], -32603);
    let text = error["message"].as_str().unwrap();
    assert!(text.contains("broken on purpose"), "{text}");
    let again = peer.ask("session/start", &start("s", &[("a", "flood", 1)]));
    assert_eq!(again, Ok(json!({})));
}

#[test]
fn a_panic_in_a_question_is_an_error_and_the_next_is_answered() {
    let mut peer = Peer::ready("trial");
    let item = json!({"id": "a", "name": "panics", "settings": {}, "is_enabled": true});
    let error = peer.ask("items/list", &json!({"saved": [item]}));
    assert_eq!(error.unwrap_err()["code"], -32603);
    assert_eq!(
        peer.ask("items/list", &json!({"saved": []})),
        Ok(json!({"items": []}))
    );
}

#[test]
fn a_trouble_is_an_error_with_its_code_and_params() {
    let mut peer = Peer::ready("trial");
    let error = peer.ask("session/start", &start("s", &[("a", "error", 0)]));
    let error = error.unwrap_err();
    assert_eq!(error["code"], -32020);
    assert_eq!(error["data"]["code"], "disk-full");
    assert_eq!(error["data"]["params"]["folder"], "/x");
}

#[track_caller]
fn check(line: &str, code: i64, words: &str) {
    let mut peer = Peer::ready("trial");
    peer.raw(line.as_bytes());
    let message = peer.message();
    assert_eq!(message["error"]["code"], json!(code), "{message}");
    let text = message["error"]["message"].as_str().unwrap();
    assert!(text.contains(words), "{text}");
    // It goes on as if nothing had been.
    assert_eq!(peer.ask("ping", &json!({})), Ok(json!({})));
}

#[test]
fn a_line_that_is_no_message_is_answered_and_passed_over() {
    check("no json\n", -32700, "no message");
    check("\n", -32700, "no message");
    check("[1]\n", -32600, "no message");
    check("{\"jsonrpc\":\"2.0\"}\n", -32600, "no `method`");
    check(
        "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}\n",
        -32600,
        "jsonrpc",
    );
    let deep = format!("{}{}\n", "[".repeat(200), "]".repeat(200));
    check(&deep, -32700, "64 levels");
    let ask = |id: &str, rest: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{rest}}}\n");
    check(&ask("1.5", "\"method\":\"ping\""), -32600, "`id`");
    check(
        &ask("9007199254740992", "\"method\":\"ping\""),
        -32600,
        "`id`",
    );
    check(&ask("9", "\"method\":\"dance\""), -32601, "dance");
}

#[test]
fn params_that_do_not_fit_name_the_member() {
    let ask = |params: &str| {
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"session/start\",\"params\":{params}}}\n"
        )
    };
    check(&ask("{\"session_id\":7}"), -32602, "session_id");
    let start = |id: &str, intent: &str| {
        ask(&format!(
            "{{\"session_id\":\"s\",\"items\":[{{\"id\":\"{id}\"}}],\"work\":{{\"kind\":\"sync\"}},\"intent\":\"{intent}\"}}"
        ))
    };
    check(&start("../x", "apply"), -32602, "items[0].id");
    check(&start("a", "maybe"), -32602, "intent");
}

#[test]
fn a_message_that_is_too_long_is_the_end() {
    let mut peer = Peer::ready("trial");
    let line = vec![b' '; 1024 * 1024 + 1];
    peer.raw(&line);
    assert_eq!(peer.exit().code(), Some(1));
}
