//! Requests over TLS, against a server whose authority nobody knows.

use syncmgr_alerts::deliver;
use syncmgr_alerts::error::DeliveryError;

use crate::support::{Papers, Server, channel, message};

#[test]
fn a_webhook_trusts_only_known_authorities_or_the_named_one() {
    let dir = tempfile::tempdir().unwrap();
    let papers = Papers::make(dir.path());
    let server = Server::start("web_server.py", &[&papers.certificate, &papers.key]);
    let url = format!("https://localhost:{}/x", server.port);
    let strange = channel(&[("kind", "webhook"), ("url", &url)]);
    let err = deliver(&strange, &message()).unwrap_err();
    assert!(matches!(err, DeliveryError::Untrusted { .. }), "{err}");
    let known = channel(&[
        ("kind", "webhook"),
        ("url", &url),
        ("ca_file", &papers.authority),
    ]);
    deliver(&known, &message()).unwrap();
    assert_eq!(server.got(), message().to_json());
    let address = format!("https://127.0.0.1:{}/x", server.port);
    let other = channel(&[
        ("kind", "webhook"),
        ("url", &address),
        ("ca_file", &papers.authority),
    ]);
    let err = deliver(&other, &message()).unwrap_err();
    assert!(
        err.to_string().contains("it is for another server"),
        "{err}"
    );
}
