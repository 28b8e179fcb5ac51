//! Webhooks and ntfy, against a listener that shows what came in.

use syncmgr_alerts::deliver;
use syncmgr_alerts::error::DeliveryError;
use syncmgr_model::alarm::AlarmKind;
use syncmgr_model::catalogue::Retry;

use crate::support::{Web, channel, message, message_about, secret_file};

#[test]
fn a_webhook_gets_the_json_with_its_headers_and_token() {
    let dir = tempfile::tempdir().unwrap();
    let web = Web::answering(&["200 OK"]);
    let hook = channel(&[
        ("kind", "webhook"),
        ("url", &format!("http://127.0.0.1:{}/in?a=1", web.port)),
        ("headers", "[X-Room: cellar]"),
        ("token_file", &secret_file(dir.path(), "token", "s3cret\n")),
    ]);
    deliver(&hook, &message()).unwrap();
    let request = web.request();
    assert_eq!(request.line, "POST /in?a=1 HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("x-room"), Some("cellar"));
    assert_eq!(request.header("authorization"), Some("Bearer s3cret"));
    assert_eq!(request.body, message().to_json());
}

#[test]
fn the_address_of_a_webhook_may_be_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let web = Web::answering(&["404 Not Found"]);
    let url = format!("http://127.0.0.1:{}/T0/s3cret", web.port);
    let hook = channel(&[
        ("kind", "webhook"),
        ("url_file", &secret_file(dir.path(), "url", &url)),
    ]);
    let err = deliver(&hook, &message()).unwrap_err();
    assert_eq!(web.request().line, "POST /T0/s3cret HTTP/1.1");
    let trouble = err.trouble("chat");
    for text in [
        format!("{hook:?}"),
        format!("{err:?}"),
        format!("{trouble:?}"),
    ] {
        assert!(!text.contains("s3cret"), "{text}");
    }
    assert_eq!(trouble.param("cause"), "refused");
}

#[test]
fn ntfy_gets_topic_title_and_text_as_json() {
    let dir = tempfile::tempdir().unwrap();
    let web = Web::answering(&["200 OK", "200 OK"]);
    let url = format!("http://127.0.0.1:{}/my-topic", web.port);
    let token = secret_file(dir.path(), "token", "tk_1");
    let push = channel(&[("kind", "ntfy"), ("url", &url), ("token_file", &token)]);
    deliver(
        &push,
        &message_about("dócs\r\nPriority: 5", AlarmKind::Held),
    )
    .unwrap();
    let request = web.request();
    assert_eq!(request.line, "POST / HTTP/1.1");
    assert_eq!(request.header("authorization"), Some("Bearer tk_1"));
    assert_eq!(request.header("priority"), None);
    assert_eq!(request.body["topic"], "my-topic");
    assert_eq!(
        request.body["title"],
        "dócs\\r\\nPriority: 5: waiting for your OK"
    );
    assert_eq!(request.body["priority"], 4);
    assert_eq!(request.body["tags"][1], "held");
    let loud = channel(&[("kind", "ntfy"), ("url", &url), ("priority", "#1")]);
    deliver(&loud, &message()).unwrap();
    assert_eq!(web.request().body["priority"], 1);
}

#[test]
fn a_redirect_is_not_followed_with_the_token() {
    let dir = tempfile::tempdir().unwrap();
    let web = Web::answering(&["302 Found\r\nlocation: http://127.0.0.1:1/elsewhere"]);
    let hook = channel(&[
        ("kind", "webhook"),
        ("url", &format!("http://127.0.0.1:{}/", web.port)),
        ("token_file", &secret_file(dir.path(), "token", "s3cret")),
    ]);
    let err = deliver(&hook, &message()).unwrap_err();
    assert!(err.to_string().ends_with("302 Found"), "{err}");
    assert_eq!(err.retry(), Retry::Never);
    assert!(web.request().line.starts_with("POST"));
    assert!(web.is_done());
}

#[test]
fn a_token_does_not_leave_the_machine_unencrypted() {
    let dir = tempfile::tempdir().unwrap();
    let hook = channel(&[
        ("kind", "ntfy"),
        ("url", "http://192.0.2.1/topic"),
        ("token_file", &secret_file(dir.path(), "token", "s3cret")),
    ]);
    let err = deliver(&hook, &message()).unwrap_err();
    assert_eq!(
        err.to_string(),
        "http://192.0.2.1: a token goes only over https"
    );
}

#[test]
fn a_token_others_can_read_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let token = secret_file(dir.path(), "token", "s3cret");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let hook = channel(&[
        ("kind", "webhook"),
        ("url", "http://127.0.0.1:1/"),
        ("token_file", &token),
    ]);
    let err = deliver(&hook, &message()).unwrap_err();
    assert!(matches!(err, DeliveryError::File { .. }), "{err}");
}

#[test]
fn a_server_that_is_not_there_may_come_back() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = format!("http://127.0.0.1:{port}/");
    let hook = channel(&[("kind", "webhook"), ("url", &url)]);
    let err = deliver(&hook, &message()).unwrap_err();
    assert!(matches!(err, DeliveryError::Unreachable { .. }), "{err}");
    assert_eq!(err.retry(), Retry::Later);
}
