//! Mails, against a real SMTP server.

use syncmgr_alerts::deliver;
use syncmgr_alerts::error::DeliveryError;
use syncmgr_model::alarm::AlarmKind;
use syncmgr_model::catalogue::{Retry, notice};

use crate::support::{
    Papers, Server, channel, has_mail_server, message, message_about, secret_file,
};

const FROM: (&str, &str) = ("from", "syncmgr on desk <desk@example.org>");
const TO: (&str, &str) = ("to", "[anna@example.org|Ben <ben@example.org>]");
const EMAIL: (&str, &str) = ("kind", "email");

fn header<'a>(mail: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    let data = mail["data"].as_str().unwrap();
    let head = data.split("\r\n\r\n").next().unwrap();
    head.split("\r\n")
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn a_mail_arrives_with_subject_and_text() {
    if !has_mail_server() {
        return;
    }
    let server = Server::start("mail_server.py", &["plain"]);
    let port = format!("#{}", server.port);
    let mail = [
        EMAIL,
        ("server", "localhost"),
        ("port", &port),
        ("tls", "none"),
        FROM,
        TO,
    ];
    deliver(&channel(&mail), &message()).unwrap();
    let got = server.got();
    assert_eq!(got["from"], "desk@example.org");
    assert_eq!(
        got["to"],
        serde_json::json!(["anna@example.org", "ben@example.org"])
    );
    assert_eq!(header(&got, "Subject"), Some("docs: waiting for your OK"));
    assert_eq!(header(&got, "Auto-Submitted"), Some("auto-generated"));
    assert!(header(&got, "Date").is_some() && header(&got, "Message-ID").is_some());
    let data = got["data"].as_str().unwrap();
    assert!(data.contains("Changes wait for your OK."), "{data}");
}

#[test]
fn a_name_cannot_add_a_header_or_a_recipient() {
    if !has_mail_server() {
        return;
    }
    let server = Server::start("mail_server.py", &["plain"]);
    let port = format!("#{}", server.port);
    let mail = [
        EMAIL,
        ("server", "localhost"),
        ("port", &port),
        ("tls", "none"),
        FROM,
        TO,
    ];
    let evil = "é\r\nBcc: eve@example.org\r\n\r\n.\r\nRCPT TO:<eve@example.org>";
    deliver(&channel(&mail), &message_about(evil, AlarmKind::Failed)).unwrap();
    let got = server.got();
    assert_eq!(got["to"].as_array().map(Vec::len), Some(2));
    assert_eq!(header(&got, "Bcc"), None);
}

#[test]
fn starttls_with_a_password_arrives_when_the_authority_is_named() {
    if !has_mail_server() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let papers = Papers::make(dir.path());
    for mode in ["starttls", "tls"] {
        let args = [mode, &papers.certificate, &papers.key, "anna", "s3cret"];
        let server = Server::start("mail_server.py", &args);
        let port = format!("#{}", server.port);
        let password = secret_file(dir.path(), "password", "s3cret\n");
        let common = [
            EMAIL,
            ("server", "localhost"),
            ("port", &port),
            ("tls", mode),
            FROM,
            TO,
        ];
        let login = [("user", "anna"), ("password_file", &*password)];
        let trust = [("ca_file", &*papers.authority)];

        let strange = channel(&[&common[..], &login].concat());
        let err = deliver(&strange, &message()).unwrap_err();
        assert_eq!(
            err.to_string(),
            format!(
                "the certificate of localhost:{} is not trusted (nobody we know has signed it)",
                server.port
            )
        );
        assert_eq!(err.retry(), Retry::Never);
        let words = notice(&err.trouble("mail"));
        assert!(words.actions[0].contains("`ca_file`"), "{words:?}");

        let known = channel(&[&common[..], &login, &trust].concat());
        deliver(&known, &message()).unwrap();
        let got = server.got();
        assert_eq!(got["is_signed_in"], true);
        assert_eq!(got["is_encrypted"], true);

        secret_file(dir.path(), "password", "wrong1\n");
        let err = deliver(&known, &message()).unwrap_err();
        assert!(matches!(err, DeliveryError::SignIn { .. }), "{err}");
        assert!(!err.to_string().contains("wrong1"), "{err}");
    }
}

#[test]
fn a_server_without_starttls_gets_nothing() {
    if !has_mail_server() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start("mail_server.py", &["plain"]);
    let port = format!("#{}", server.port);
    let password = secret_file(dir.path(), "password", "s3cret");
    let mail = [
        EMAIL,
        ("server", "localhost"),
        ("port", &port),
        FROM,
        TO,
        ("user", "anna"),
        ("password_file", &password),
    ];
    let err = deliver(&channel(&mail), &message()).unwrap_err();
    assert!(
        err.to_string()
            .ends_with("the server does not offer STARTTLS"),
        "{err}"
    );
}

#[test]
fn a_password_does_not_leave_the_machine_unencrypted() {
    let dir = tempfile::tempdir().unwrap();
    let password = secret_file(dir.path(), "password", "s3cret");
    let mail = [
        EMAIL,
        ("server", "192.0.2.1"),
        ("tls", "none"),
        FROM,
        TO,
        ("user", "anna"),
        ("password_file", &password),
    ];
    let err = deliver(&channel(&mail), &message()).unwrap_err();
    assert!(matches!(err, DeliveryError::Unencrypted { .. }), "{err}");
}

#[test]
fn a_server_that_is_busy_is_asked_again_later() {
    if !has_mail_server() {
        return;
    }
    let server = Server::start("mail_server.py", &["refuse"]);
    let port = format!("#{}", server.port);
    let mail = [
        EMAIL,
        ("server", "localhost"),
        ("port", &port),
        ("tls", "none"),
        FROM,
        TO,
    ];
    let err = deliver(&channel(&mail), &message()).unwrap_err();
    assert_eq!(
        err.to_string(),
        format!(
            "localhost:{} did not take the notice: 451 come back later",
            server.port
        )
    );
    assert_eq!(err.retry(), Retry::Later);
}
