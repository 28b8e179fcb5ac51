//! Bodies that are too long, too deep, or wrong; routes that are not there or break (S10).

use crate::harness::{Front, broken};

#[test]
fn s10_a_long_body_is_refused_and_a_just_fitting_one_taken() {
    let front = Front::with(broken());
    let echo = "POST /api/v1/sessions/on/echo";
    let text = |n: usize| format!("\"{}\"", "a".repeat(n - 2));
    let long = front.owner(echo, &[], &text(1024 * 1024 + 1));
    assert_eq!((long.status, &*long.code()), (413, "too-large"));
    assert_eq!(front.owner(echo, &[], &text(1024 * 1024)).status, 200);
}

#[test]
fn s10_a_deep_body_is_refused() {
    let front = Front::with(broken());
    let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
    let echo = "POST /api/v1/sessions/on/echo";
    let refused = front.owner(echo, &[], &deep(65));
    assert_eq!((refused.status, &*refused.code()), (400, "too-deep"));
    assert_eq!(front.owner(echo, &[], &deep(64)).status, 200);
    let bomb = front.owner("POST /api/v1/tokens", &[], &deep(400_000));
    assert_eq!(bomb.status, 400);
}

#[test]
fn s10_a_wrong_field_is_named() {
    let front = Front::start();
    let body = r#"{"name":"a","scopes":["read","fly"]}"#;
    let reply = front.owner("POST /api/v1/tokens", &[], body);
    assert_eq!((reply.status, &*reply.code()), (400, "request-unusable"));
    assert!(reply.body.contains(r#""field":"scopes[1]""#), "{reply:?}");
    let body = r#"{"name":"a","scopes":["read"],"also":1}"#;
    let reply = front.owner("POST /api/v1/tokens", &[], body);
    assert!(
        reply.body.contains(r#""field":"also","code":"unknown""#),
        "{reply:?}"
    );
}

#[test]
fn every_refusal_is_a_problem_document() {
    let front = Front::with(broken());
    let check = |first: &str, status: u16, code: &str| {
        let reply = front.owner(first, &[], "{}");
        assert_eq!((reply.status, &*reply.code()), (status, code), "{first}");
    };
    check("GET /api/nowhere", 404, "not-found");
    check("PUT /api/v1/tokens", 405, "method-not-allowed");
    check("GET /api/v1/sessions/on/purpose", 500, "internal");
    check("DELETE /api/v1/tokens/%ff", 400, "request-unusable");
    check("POST /api/v1/tokens", 400, "request-unusable");
    // The daemon is still there.
    assert_eq!(front.owner("GET /healthz", &[], "").status, 200);
}
