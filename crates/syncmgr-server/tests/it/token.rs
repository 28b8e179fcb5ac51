//! Secrets: needed everywhere, limited by scope, in no address and no description (S4, S12).

use syncmgr_server::auth::Scope;

use crate::harness::{Front, broken};

#[test]
fn s4_every_address_needs_a_token() {
    let front = Front::start();
    let token = front.token(Scope::Read);
    let host = format!("Host: 127.0.0.1:{}", front.port);
    let json = "Content-Type: application/json";
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/api/v1/tokens",
        "/api/no",
    ] {
        let reply = front.ask(&format!("GET {path}"), &[&host], "");
        assert_eq!(
            (reply.status, &*reply.code()),
            (401, "sign-in-needed"),
            "{path}"
        );
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        for wrong in [
            "Bearer ",
            "Bearer read",
            "Basic YTpi",
            &*token,
            &format!("bearer {token}"),
        ] {
            let wrong = format!("Authorization: {wrong}");
            let reply = front.ask(&format!("GET {path}"), &[&host, &wrong], "");
            assert_eq!(reply.status, 401, "{wrong}");
        }
    }
    // A token in an address is none: addresses end in logs.
    for query in ["token", "access_token", "authorization"] {
        let first = format!("GET /healthz?{query}={token}");
        assert_eq!(front.ask(&first, &[&host], "").status, 401);
    }
    let code = front.ask("POST /api/v1/sign-in", &[&host, json], r#"{"code":"x"}"#);
    assert_eq!(code.status, 403);
    assert_eq!(front.ask_as(&token, "GET /readyz", &[], "").status, 200);
}

#[test]
fn s4_a_token_does_what_it_is_for() {
    let front = Front::with(broken());
    let read = front.token(Scope::Read);
    let sync = front.token(Scope::Sync);
    let echo = "POST /api/v1/sessions/on/echo";
    assert_eq!(front.ask_as(&sync, echo, &[], "{}").status, 200);
    let refused = front.ask_as(&read, echo, &[], "{}");
    assert_eq!((refused.status, &*refused.code()), (403, "not-allowed"));
    let body = r#"{"name":"more","scopes":["admin"]}"#;
    let refused = front.ask_as(&sync, "POST /api/v1/tokens", &[], body);
    assert_eq!(refused.status, 403, "nobody gives himself more than he has");
    let refused = front.ask_as(&sync, "POST /api/v1/sign-in-codes", &[], "{}");
    assert_eq!(refused.status, 403);
}

#[test]
fn s4_tokens_come_and_go() {
    let front = Front::start();
    let body = r#"{"name":"backup","scopes":["sync"]}"#;
    let made = front.owner("POST /api/v1/tokens", &[], body);
    assert_eq!(made.status, 201);
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(front.ask_as(&secret, "GET /healthz", &[], "").status, 200);
    let list = front.owner("GET /api/v1/tokens", &[], "");
    assert!(!list.body.contains(&secret));
    assert_eq!(list.json()["items"][0]["scopes"][1], "sync");
    let again = front.owner("POST /api/v1/tokens", &[], body);
    assert_eq!((again.status, &*again.code()), (409, "token-refused"));
    let gone = front.owner("DELETE /api/v1/tokens/backup", &[], "");
    assert_eq!(gone.status, 204);
    assert_eq!(front.ask_as(&secret, "GET /healthz", &[], "").status, 401);
    assert_eq!(
        front.owner("DELETE /api/v1/tokens/backup", &[], "").status,
        404
    );
}

#[test]
fn s12_no_description_holds_a_secret() {
    let front = Front::start();
    let token = front.token(Scope::Admin);
    let code = front.sign_in.code().unwrap();
    let shown = format!("{:?} {:?} {code:?}", front.tokens, front.sign_in);
    assert!(!shown.contains(&token) && !shown.contains(code.expose()));
    let refused = front.ask_as("0123456789abcdef", "GET /healthz", &[], "");
    assert!(!refused.body.contains("0123456789abcdef"));
    let secret = format!("GET /nowhere?x={token}");
    let reply = front.ask_as(&token, &secret, &[], "");
    assert!(!reply.body.contains(&token), "{reply:?}");
}
