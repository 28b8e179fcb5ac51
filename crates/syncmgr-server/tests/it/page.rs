//! Pages of strangers in the owner's browser: rebinding, forged requests, framed answers.

use syncmgr_server::auth::Scope;

use crate::harness::{Front, broken};

#[test]
fn s2_a_rebound_name_reaches_nothing() {
    let front = Front::start();
    let (port, token) = (front.port, front.token(Scope::Admin));
    let bearer = format!("Authorization: Bearer {token}");
    let check = |host: &str, expected: u16| {
        let host = format!("Host: {host}");
        let reply = front.ask("GET /healthz", &[&host, &bearer], "");
        assert_eq!(reply.status, expected, "{host}");
        if expected == 421 {
            assert_eq!(reply.code(), "wrong-host");
        }
    };
    check(&format!("127.0.0.1:{port}"), 200);
    check(&format!("localhost:{port}"), 200);
    check(&format!("[::1]:{port}"), 200);
    check(&format!("localhost.:{port}"), 421);
    check(&format!("127.0.0.1.:{port}"), 421);
    check(&format!("[::ffff:127.0.0.1]:{port}"), 421);
    check(&format!("evil.example:{port}"), 421);
    check("127.0.0.1", 421);
    check("localhost:1", 421);

    let good = format!("Host: 127.0.0.1:{port}");
    let twice = front.ask("GET /healthz", &[&good, "Host: evil.example", &bearer], "");
    assert!(matches!(twice.status, 400 | 421), "{twice:?}");
    let absolute = format!("GET http://evil.example:{port}/healthz");
    assert_eq!(front.ask(&absolute, &[&good, &bearer], "").status, 421);
    assert_eq!(front.ask("GET /healthz", &[&bearer], "").status, 421);
    // Before routing: also where there is nothing.
    let nowhere = front.ask("GET /nowhere", &["Host: evil.example"], "");
    assert_eq!(nowhere.status, 421);
}

#[test]
fn s3_a_page_of_somebody_else_changes_and_reads_nothing() {
    let front = Front::with(broken());
    let token = front.token(Scope::Admin);
    let own = format!("Origin: http://127.0.0.1:{}", front.port);
    let echo = "POST /api/v1/sessions/on/echo";
    let check = |first: &str, lines: &[&str], expected: u16| {
        let reply = front.ask_as(&token, first, lines, "{}");
        assert_eq!(reply.status, expected, "{first} {lines:?} {reply:?}");
        assert!(!reply.head.contains("access-control"));
    };
    check(echo, &[], 200);
    check(echo, &[&own], 200);
    check(echo, &["Sec-Fetch-Site: same-origin"], 200);
    for foreign in [
        "Origin: http://evil.example",
        "Origin: null",
        "Origin: https://localhost:1",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        check(echo, &[foreign], 403);
        check("GET /api/v1/tokens", &[foreign], 403);
        check("GET /api/v1/stream", &[foreign], 403);
        assert_eq!(front.owner("GET /healthz", &[foreign], "").status, 403);
    }
    check("OPTIONS /api/v1/tokens", &[&own], 405);
    check("TRACE /healthz", &[], 405);
}

#[test]
fn s3_a_form_is_no_request() {
    let front = Front::with(broken());
    let host = format!("Host: 127.0.0.1:{}", front.port);
    let bearer = format!("Authorization: Bearer {}", front.token(Scope::Admin));
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let kind = format!("Content-Type: {kind}");
        let lines = [&*host, &*bearer, &*kind];
        let reply = front.ask("POST /api/v1/sessions/on/echo", &lines, "{}");
        assert_eq!((reply.status, &*reply.code()), (415, "media-type"));
    }
}

#[test]
fn s3_a_cookie_alone_writes_nothing() {
    let front = Front::with(broken());
    let host = format!("Host: 127.0.0.1:{}", front.port);
    let json = "Content-Type: application/json";
    let code = front.sign_in.code().unwrap();
    let body = format!("{{\"code\":\"{}\"}}", code.expose());
    let opened = front.ask("POST /api/v1/sign-in", &[&host, json], &body);
    let cookie = opened.header("set-cookie").unwrap().to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = format!("Cookie: a=b; {}", cookie.split(';').next().unwrap());
    let csrf = opened.json()["csrf"].as_str().unwrap().to_owned();

    let read = front.ask("GET /api/v1/tokens", &[&host, &cookie], "");
    assert_eq!(read.status, 200);
    let check = |line: &str, expected: u16| {
        let lines = [&*host, &*cookie, json, line];
        let reply = front.ask("POST /api/v1/sessions/on/echo", &lines, "{}");
        assert_eq!(reply.status, expected, "{line}");
    };
    check("X-Other: 1", 403);
    check("X-CSRF-Token: 1", 403);
    check(&format!("X-CSRF-Token: {csrf}"), 200);

    let again = front.ask("POST /api/v1/sign-in", &[&host, json], &body);
    assert_eq!((again.status, &*again.code()), (403, "code-unknown"));
    let look = front.ask("GET /api/v1/sign-in", &[&host, &cookie], "");
    assert_eq!(look.json()["csrf"], *csrf);
    let leave = [&*host, &cookie, &format!("X-CSRF-Token: {csrf}")];
    assert_eq!(front.ask("DELETE /api/v1/sign-in", &leave, "").status, 204);
    assert_eq!(front.ask("GET /api/v1/tokens", &leave, "").status, 401);
}

#[test]
fn s6_every_answer_forbids_what_pages_could_do_with_it() {
    let front = Front::with(broken());
    for first in [
        "GET /healthz",
        "GET /api/nowhere",
        "PUT /healthz",
        "GET /api/v1/sessions/on/purpose",
        "GET /api/v1/sessions/%3Cimg%20src=x%20onerror=alert(1)%3E",
    ] {
        let reply = front.owner(first, &[], "{}");
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        assert!(!reply.head.contains("text/html"), "{reply:?}");
    }
}

/// A browser's own words on a page that a person opens by a link in a mail.
const VISIT: [&str; 3] = [
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Dest: document",
];

#[test]
fn s4_the_page_is_for_everybody_and_holds_nothing() {
    let front = Front::start();
    let host = format!("Host: 127.0.0.1:{}", front.port);
    for address in ["/", "/syncs", "/syncs/i1/preview", "/conflicts?item=a"] {
        let reply = front.ask(&format!("GET {address}"), &[&host], "");
        assert_eq!(reply.status, 200, "{address}");
        let kind = reply.header("content-type");
        assert_eq!(kind, Some("text/html; charset=utf-8"), "{address}");
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'"), "{policy}");
        assert!(!reply.body.contains("<style") && !reply.body.contains(" style="));
    }
    // Anything else still needs to know who asks.
    let reply = front.ask("GET /api/v1/status", &[&host], "");
    assert_eq!(reply.status, 401);
    assert_eq!(front.ask("POST /", &[&host], "{}").status, 401);
}

#[test]
fn s6_scripts_of_the_page_are_files() {
    let front = Front::start();
    let host = format!("Host: 127.0.0.1:{}", front.port);
    let index = front.ask("GET /", &[&host], "").body;
    let sources: Vec<&str> = index
        .split("src=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(!sources.is_empty(), "{index}");
    assert_eq!(index.matches("<script").count(), sources.len(), "{index}");
    for source in sources {
        assert!(source.starts_with('/'), "{source}");
        let reply = front.ask(&format!("GET {source}"), &[&host], "");
        let kind = reply.header("content-type");
        assert_eq!(kind, Some("text/javascript; charset=utf-8"), "{source}");
    }
    let reply = front.ask("GET /assets/gone-1234.js", &[&host], "");
    assert_eq!((reply.status, &*reply.code()), (404, "not-found"));
}

#[test]
fn s3_a_link_of_a_stranger_leads_to_the_page_and_no_further() {
    let front = Front::start();
    let host = format!("Host: 127.0.0.1:{}", front.port);
    let lines = [&*host, VISIT[0], VISIT[1], VISIT[2]];
    assert_eq!(front.ask("GET /conflicts", &lines, "").status, 200);
    assert_eq!(front.ask("GET /api/v1/status", &lines, "").status, 403);
    // As a picture, a frame or a script of a stranger it is nothing.
    for dest in ["image", "iframe", "script"] {
        let dest = format!("Sec-Fetch-Dest: {dest}");
        let lines = [&*host, VISIT[0], "Sec-Fetch-Mode: no-cors", &dest];
        assert_eq!(
            front.ask("GET /conflicts", &lines, "").status,
            403,
            "{dest}"
        );
    }
    let elsewhere = ["Host: evil.example", VISIT[0], VISIT[1], VISIT[2]];
    assert_eq!(front.ask("GET /conflicts", &elsewhere, "").status, 421);
}

#[test]
fn a_page_is_not_told_to_type_a_command_and_a_program_is() {
    let front = Front::start();
    let host = format!("Host: 127.0.0.1:{}", front.port);
    let json = "Content-Type: application/json";
    let code = front.sign_in.code().unwrap();
    let body = format!("{{\"code\":\"{}\"}}", code.expose());
    let opened = front.ask("POST /api/v1/sign-in", &[&host, json], &body);
    let cookie = opened.header("set-cookie").unwrap().to_owned();
    let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());

    let body = r#"{"name":"photos","settings":{"left":"/a","right":"/b"}}"#;
    let made = front.owner("POST /api/v1/items", &[], body);
    let path = format!("/api/v1/items/{}", made.json()["id"].as_str().unwrap());
    front.owner(&format!("POST {path}/pause"), &[], "{}");
    let get = format!("GET {path}");
    let typed = front.owner(&get, &[], "").json()["reason"]["actions"].clone();
    let shown = front.ask(&get, &[&host, &cookie], "").json()["reason"]["actions"].clone();
    assert_eq!(typed, serde_json::json!(["go on with `syncmgr resume`"]));
    assert_eq!(shown, serde_json::json!(["go on"]));
}
