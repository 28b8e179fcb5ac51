//! What settings become channels, and what is said of the others.

use std::path::Path;

use syncmgr_model::alarm::AlarmKind;
use syncmgr_model::item::{SettingKind, Settings, Value};

use super::general::General;
use super::{KINDS, specs};
use crate::channel::{Channel, Tls, UrlFrom, Way};

/// Writes settings as `key=text`, `key=#number`, `key=[a|b]`.
fn settings(pairs: &[&str]) -> Settings {
    let mut settings = Settings::default();
    for pair in pairs {
        let (key, value) = pair.split_once('=').unwrap();
        let value = if let Some(number) = value.strip_prefix('#') {
            Value::Number(number.parse().unwrap())
        } else if let Some(list) = value.strip_prefix('[') {
            let list = list.trim_end_matches(']').split('|');
            Value::List(list.map(str::to_owned).collect())
        } else {
            Value::Text(value.to_owned())
        };
        settings.set(key, value);
    }
    settings
}

fn build(pairs: &[&str]) -> Result<Channel, String> {
    Channel::from_settings(&settings(pairs), Some(Path::new("/home/anna")))
        .map_err(|bad| format!("{}: {}", bad.key, bad.detail))
}

#[track_caller]
fn check_bad(pairs: &[&str], expected: &str) {
    assert_eq!(build(pairs), Err(expected.to_owned()));
}

#[test]
fn every_kind_has_its_settings() {
    for kind in KINDS {
        let specs = specs(kind).unwrap();
        assert!(specs.iter().any(|it| it.key == "on"));
        let kinds = specs.iter().find(|it| it.key == "kind").unwrap();
        assert_eq!(kinds.kind, SettingKind::Word(KINDS));
    }
    assert!(specs("pigeon").is_none());
}

#[test]
fn a_mail_has_sensible_defaults() {
    let channel = build(&[
        "kind=email",
        "server=mail.example.org",
        "from=syncmgr <me@example.org>",
        "to=[me@example.org]",
        "user=me",
        "password_file=~/.config/syncmgr/mail",
    ])
    .unwrap();
    assert_eq!(channel.on, AlarmKind::usual());
    let Way::Email(email) = channel.way else {
        panic!("not a mail");
    };
    assert_eq!((email.tls, email.port), (Tls::StartTls, 587));
    assert_eq!(
        email.login.unwrap().password_file,
        Path::new("/home/anna/.config/syncmgr/mail")
    );
}

#[test]
fn the_address_may_stand_in_a_file() {
    let channel = build(&["kind=webhook", "url_file=/etc/hook", "on=[held|run-failed]"]).unwrap();
    assert_eq!(channel.on, [AlarmKind::Held, AlarmKind::RunFailed]);
    let Way::Webhook(webhook) = channel.way else {
        panic!("not a webhook");
    };
    assert_eq!(webhook.url, UrlFrom::File("/etc/hook".into()));
}

#[test]
fn mistakes_are_named_by_their_key() {
    check_bad(&[], "kind: it is one of command, webhook, email, ntfy");
    check_bad(&["kind=ntfy"], "url: it is missing");
    check_bad(
        &["kind=ntfy", "url=https://ntfy.sh"],
        "url: it has to be the server and the topic, as https://ntfy.sh/TOPIC",
    );
    check_bad(
        &["kind=ntfy", "url=https://ntfy.sh/x", "priority=#6"],
        "priority: it is 1 to 5",
    );
    check_bad(
        &["kind=ntfy", "url=https://ntfy.sh/x", "token=abc"],
        "token: there is no such setting for ntfy",
    );
    check_bad(
        &["kind=webhook", "url=https://u:secret@h/x"],
        "url: it holds a name or a password; put a token into token_file",
    );
    check_bad(
        &[
            "kind=webhook",
            "url=https://h/x",
            "headers=[Authorization: Bearer abc]",
        ],
        "headers: a secret does not belong here; put the token into token_file",
    );
    check_bad(
        &["kind=webhook", "url=https://h/x", "headers=[X: a\nY: b]"],
        "headers: `X` is not a header",
    );
    check_bad(
        &["kind=command", "command=notify-send"],
        "command: it takes a list of texts",
    );
    check_bad(
        &["kind=command", "command=[./x]"],
        "command: the program has to be a name or an absolute path",
    );
    check_bad(
        &["kind=command", "command=[x]", "timeout=0s"],
        "timeout: it is 1s to 10m",
    );
    check_bad(
        &[
            "kind=email",
            "server=a b",
            "from=a@b.example",
            "to=[a@b.example]",
        ],
        "server: it is not the name of a server",
    );
    check_bad(
        &[
            "kind=email",
            "server=h",
            "from=a@b.example",
            "to=[a@b.example]",
            "user=a",
        ],
        "password_file: user asks for it",
    );
}

#[test]
fn a_line_break_does_not_pass_as_an_address() {
    let bad = build(&[
        "kind=email",
        "server=h",
        "from=a@b.example\r\nBcc: x@y.example",
        "to=[a@b.example]",
    ]);
    assert!(bad.unwrap_err().starts_with("from: "));
}

#[test]
fn what_holds_for_all_is_read_too() {
    let read = |pairs: &[&str]| {
        General::from_settings(&settings(pairs))
            .map_err(|bad| format!("{}: {}", bad.key, bad.detail))
    };
    let general = read(&[
        "quiet=[22:00-07:00|sat,sun 00:00-24:00]",
        "after_failures=#5",
        "after=2h",
        "repeat=1d",
    ]);
    let general = general.unwrap();
    assert_eq!(general.quiet.len(), 2);
    assert_eq!(
        (general.quiet[0].from_minute, general.quiet[0].to_minute),
        (22 * 60, 7 * 60)
    );
    assert_eq!(general.n_failures_min, Some(5));
    assert_eq!(general.lasting_ms, Some(2 * 60 * 60 * 1000));
    assert_eq!(general.repeat_ms, Some(24 * 60 * 60 * 1000));
    assert_eq!(read(&[]), Ok(General::default()));
    let bad = |pairs: &[&str], expected: &str| assert_eq!(read(pairs), Err(expected.to_owned()));
    bad(
        &["quiet=[at night]"],
        "quiet: it takes times, as `22:00-07:00`",
    );
    bad(&["after_failures=#0"], "after_failures: it is at least 1");
    bad(&["after=soon"], "after: it takes a duration, as `1h30m`");
    bad(&["repeat=1m"], "repeat: it is at least 1h");
    bad(&["every=1d"], "every: there is no such setting for alerts");
}
