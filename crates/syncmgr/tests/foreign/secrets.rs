//! A handler that says its password wherever it can: nobody hears it.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::deciding;
use crate::installing::Home;

/// In address, in base64 and for JSON it looks different.
const SECRET: &str = "canary \"7f/2e\"";
/// What of these forms is looked for everywhere.
const FORMS: [&str; 4] = [
    "canary \"7f",
    "canary%20%227f",
    "canary \\\"7f",
    "Y2FuYXJ5ICI3Zi8",
];

fn set(home: &Home) {
    let command = Command::new(env!("CARGO_BIN_EXE_syncmgr"));
    let mut child = home
        .environment(command)
        .args(["secret", "set", "cards", "password"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(SECRET.as_bytes()).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// Returns the files below a folder that have the secret in one of its forms.
fn leaks(dir: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            leaks(&path, found);
        } else if kind.is_file() {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            if FORMS.iter().any(|form| text.contains(form)) {
                found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
    }
}

fn a_secret_stays_in_its_file(mut home: Home, has_daemon: bool) {
    set(&home);
    if has_daemon {
        home.start_daemon();
    }
    let mut said = Vec::new();
    for words in [
        &["sync", "cards"][..],
        &["sync", "cards", "--json"],
        &["results"],
        &["results", "--json"],
        &["history"],
        &["show", "cards"],
        &["show", "cards", "--json"],
        &["status", "--json"],
        &["handler", "show", "tells"],
        &["handler", "logs", "tells"],
        &["conflicts", "--json"],
        &["doctor"],
    ] {
        said.push(home.run(words).text);
    }
    let all = said.concat();
    assert!(all.contains("signing in with *** *** ***"), "{all}");
    assert!(all.contains("refused *** *** ***"), "{all}");
    for text in &said {
        assert!(!FORMS.iter().any(|form| text.contains(form)), "{text}");
    }
    let mut found = Vec::new();
    leaks(home.dir.path(), &mut found);
    assert_eq!(found, ["secrets.json"]);
}

#[test]
fn a_handler_cannot_tell_its_secret_here() {
    a_secret_stays_in_its_file(deciding::home(), false);
}

#[test]
fn a_handler_cannot_tell_its_secret_to_the_daemon() {
    a_secret_stays_in_its_file(deciding::home(), true);
}
