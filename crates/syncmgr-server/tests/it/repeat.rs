//! A request that is sent again is done once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::routing::post;
use tokio::sync::Semaphore;

use crate::harness::Front;

const COUNT: &str = "POST /api/v1/sessions/on/count";

fn counting() -> (Router, Arc<AtomicU32>) {
    let n = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&n);
    let route = post(async move || counted.fetch_add(1, Ordering::Relaxed).to_string());
    (Router::new().route("/api/v1/sessions/on/count", route), n)
}

#[test]
fn a_key_makes_a_request_happen_once() {
    let (routes, n) = counting();
    let front = Front::with(routes);
    let key = "Idempotency-Key: k1";
    let ask = |key: &str, body: &str| front.owner(COUNT, &[key], body);
    assert_eq!(ask(key, "{}").body, "0");
    assert_eq!(ask(key, "{}").body, "0");
    assert_eq!(n.load(Ordering::Relaxed), 1);
    let other = ask(key, r#"{"a":1}"#);
    assert_eq!((other.status, &*other.code()), (422, "key-used"));
    assert_eq!(ask("Idempotency-Key: k2", "{}").body, "1");
    assert_eq!(front.owner(COUNT, &[], "{}").body, "2");
    assert_eq!(front.owner(COUNT, &[], "{}").body, "3");
    let long = format!("Idempotency-Key: {}", "k".repeat(129));
    assert_eq!(ask(&long, "{}").status, 400);
    // Refusals are remembered as well, and come back whole.
    let body = r#"{"name":"a","scopes":[]}"#;
    let refused = |n: u32| {
        let key = format!("Idempotency-Key: refused{n}");
        front.owner("POST /api/v1/tokens", &[&key], body).code()
    };
    assert_eq!([refused(1), refused(1)], ["request-unusable"; 2]);
}

#[test]
fn a_key_belongs_to_its_caller() {
    let (routes, _) = counting();
    let front = Front::with(routes);
    let token = front.token(syncmgr_server::auth::Scope::Sync);
    let key = ["Idempotency-Key: k"];
    assert_eq!(front.owner(COUNT, &key, "{}").body, "0");
    assert_eq!(front.ask_as(&token, COUNT, &key, "{}").body, "1");
}

#[test]
fn what_still_runs_is_not_started_again_even_when_the_caller_left() {
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (tell, wait) = (Arc::clone(&begun), Arc::clone(&gate));
    let route = post(async move || {
        tell.add_permits(1);
        drop(wait.acquire().await);
        "done"
    });
    let front = Front::with(Router::new().route("/api/v1/sessions/on/wait", route));
    let first = "POST /api/v1/sessions/on/wait";
    let key = ["Idempotency-Key: k"];
    {
        use std::io::Write as _;
        let mut stream = front.unix();
        let text = format!(
            "{first} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             {}\r\nContent-Length: 2\r\n\r\n{{}}",
            key[0]
        );
        stream.write_all(text.as_bytes()).unwrap();
        while begun.available_permits() == 0 {
            std::thread::yield_now();
        }
        // The caller hangs up here.
    }
    let again = front.owner(first, &key, "{}");
    assert_eq!((again.status, &*again.code()), (409, "still-running"));
    gate.add_permits(10);
    let mut reply = front.owner(first, &key, "{}");
    while reply.status == 409 {
        reply = front.owner(first, &key, "{}");
    }
    assert_eq!(reply.body, "done");
    assert_eq!(begun.available_permits(), 1);
}
