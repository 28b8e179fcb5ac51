//! Conflicts that a handler in a process of its own keeps: decided on what was seen, and on nothing
//! else.

use std::fs;

use serde_json::Value;

use crate::installing::{Home, has};

const NAMES: [&str; 3] = ["one.txt", "two.txt", "three.txt"];

/// A sync of the handler `tells`, with its conflict between three files.
pub(crate) fn home() -> Home {
    let home = Home::new();
    let words = [
        "handler",
        "install",
        "--yes",
        "--",
        "python3",
        "-B",
        "scripts/tells.py",
    ];
    has(
        &home.type_in("", &words),
        0,
        &["Installed the handler tells."],
    );
    fs::create_dir(home.path("cards")).unwrap();
    for name in NAMES {
        fs::write(home.path("cards").join(name), name).unwrap();
    }
    let folder = format!("folder={}", home.path("cards").display());
    has(
        &home.run(&["add", "cards", "--handler", "tells", &folder]),
        0,
        &[],
    );
    home
}

#[track_caller]
fn listed(home: &Home) -> Value {
    let said = home.run(&["conflicts", "--json"]);
    assert_eq!(said.code, 0, "{}", said.text);
    let value: Value = serde_json::from_str(said.text.lines().next().unwrap()).unwrap();
    assert_eq!(value["all"].as_array().unwrap().len(), 1, "{value}");
    value["all"][0].clone()
}

fn id(home: &Home) -> String {
    listed(home)["id"].as_str().unwrap().to_owned()
}

/// The handler tells of the same contents all the time; their files are what changes.
fn a_stale_decision_is_refused(mut home: Home, has_daemon: bool) {
    if has_daemon {
        home.start_daemon();
    }
    let seen = id(&home);
    assert!(seen.starts_with("card-7@"), "{seen}");
    fs::write(home.path("cards/one.txt"), "something that nobody saw").unwrap();
    let stale = home.run(&["resolve", &seen, "--keep", "2"]);
    let now = id(&home);
    has(
        &stale,
        25,
        &["state-changed", &format!("it is `{now}` now")],
    );
    // What names no state, decides nothing.
    let short = home.run(&["resolve", "card-7", "--keep", "2"]);
    has(&short, 2, &[&now]);
    let address = listed(&home)["address"].clone();
    let address = address.as_str().unwrap();
    has(&home.run(&["resolve", address, "--keep", "2"]), 2, &[]);
    // A rehearsal says what would be kept and what would be replaced.
    let dry = home.run(&["resolve", &now, "--keep", "2", "--dry-run"]);
    has(
        &dry,
        0,
        &["keep     2     two.txt", "replace  1     one.txt"],
    );
    for name in NAMES {
        assert!(home.path("cards").join(name).exists(), "{name}");
    }
    has(&home.run(&["resolve", &now, "--keep", "2"]), 0, &[]);
    assert!(!home.path("cards/one.txt").exists());
    assert_eq!(
        fs::read_to_string(home.path("cards/two.txt")).unwrap(),
        "two.txt"
    );
}

#[test]
fn a_stale_decision_is_refused_here() {
    a_stale_decision_is_refused(home(), false);
}

#[test]
fn a_stale_decision_is_refused_by_the_daemon() {
    a_stale_decision_is_refused(home(), true);
}
