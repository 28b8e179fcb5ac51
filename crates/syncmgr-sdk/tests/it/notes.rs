//! The sample: two folders of notes.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::peer::Peer;

struct Folders {
    peer: Peer,
    here: PathBuf,
    there: PathBuf,
}

impl Folders {
    fn new() -> Self {
        let peer = Peer::ready("notes");
        let (here, there) = (peer.dir.path().join("here"), peer.dir.path().join("there"));
        fs::create_dir(&here).unwrap();
        fs::create_dir(&there).unwrap();
        Self { peer, here, there }
    }

    fn item(&self) -> Value {
        json!({
            "id": "notes",
            "name": "Notes",
            "settings": {"here": self.here, "there": self.there},
            "is_enabled": true,
        })
    }

    fn sync(&mut self, intent: &str) -> Result<Value, Value> {
        let params = json!({
            "session_id": "s",
            "items": [self.item()],
            "work": {"kind": "sync"},
            "intent": intent,
        });
        self.peer.seen.clear();
        self.peer.ask("session/start", &params)
    }
}

#[test]
fn notes_are_copied_to_where_they_are_missing() {
    let mut folders = Folders::new();
    fs::write(folders.here.join("a.md"), "a").unwrap();
    fs::write(folders.there.join("b.md"), "bb").unwrap();
    fs::write(folders.there.join("no note"), "").unwrap();

    assert_eq!(folders.sync("preview"), Ok(json!({})));
    let preview = &folders.peer.all("session/preview")[0]["preview"];
    assert_eq!(preview["changes"][0]["path"], "a.md");
    assert_eq!(preview["changes"][0]["side"], "right");
    assert_eq!(preview["changes"][1]["side"], "left");
    assert!(!folders.there.join("a.md").exists());

    assert_eq!(folders.sync("apply"), Ok(json!({})));
    assert_eq!(fs::read(folders.there.join("a.md")).unwrap(), b"a");
    assert_eq!(fs::read(folders.here.join("b.md")).unwrap(), b"bb");
    let summary = &folders.peer.all("session/summary")[0]["summary"];
    assert_eq!(summary["right"], json!({"n_copied": 1, "bytes": 1}));
    assert_eq!(summary["left"], json!({"n_copied": 1, "bytes": 2}));
    assert_eq!(folders.peer.statuses("notes").last().unwrap(), "succeeded");
    assert_eq!(fs::read_dir(&folders.here).unwrap().count(), 2);
}

#[test]
fn notes_that_differ_wait_for_a_person_and_what_loses_is_kept() {
    let mut folders = Folders::new();
    fs::write(folders.here.join("a.md"), "mine").unwrap();
    fs::write(folders.there.join("a.md"), "theirs").unwrap();
    let saved = json!({"saved": [folders.item()]});
    folders.peer.ask("items/list", &saved).unwrap();

    assert_eq!(folders.sync("apply"), Ok(json!({})));
    let summary = &folders.peer.all("session/summary")[0]["summary"];
    assert_eq!(summary["n_conflicts"], 1);
    assert_eq!(fs::read(folders.here.join("a.md")).unwrap(), b"mine");

    let listed = folders.peer.ask("conflicts/list", &json!({})).unwrap();
    let conflict = &listed["conflicts"][0];
    assert_eq!(conflict["name"], "a.md");
    assert_eq!(conflict["item"], "notes");
    assert_eq!(conflict["contents"][1]["size"], 6);
    assert_eq!(
        conflict["contents"][1]["path"],
        json!(folders.there.join("a.md"))
    );
    let resolve = |decision: Value| json!({"id": conflict["id"], "decision": decision});

    let refused = folders.peer.ask(
        "conflicts/resolve",
        &resolve(json!({"kind": "keep-recent"})),
    );
    assert_eq!(refused.unwrap_err()["code"], -32020);
    let keep = json!({"kind": "keep", "items": [{"index": 1}]});
    let done = folders.peer.ask("conflicts/resolve", &resolve(keep));
    assert_eq!(done, Ok(json!({"feedback": "continue"})));
    assert_eq!(fs::read(folders.here.join("a.md")).unwrap(), b"theirs");
    let kept = folders.peer.dir.path().join("replaced/a.md.1");
    assert_eq!(fs::read(kept).unwrap(), b"mine");
    let listed = folders.peer.ask("conflicts/list", &json!({})).unwrap();
    assert_eq!(listed, json!({"conflicts": []}));
}

#[test]
fn a_folder_that_is_gone_fails_and_deletes_nothing() {
    let mut folders = Folders::new();
    fs::write(folders.here.join("a.md"), "a").unwrap();
    fs::remove_dir(&folders.there).unwrap();
    assert_eq!(folders.sync("apply"), Ok(json!({})));
    assert_eq!(folders.peer.statuses("notes"), ["failed"]);
    assert_eq!(folders.peer.all("session/event").len(), 1);
    assert!(folders.here.join("a.md").exists());
}

#[test]
fn a_long_copy_is_stopped_between_two_notes() {
    let mut folders = Folders::new();
    for n in 0..3_000 {
        fs::write(folders.here.join(format!("{n}.md")), "x").unwrap();
    }
    let params = json!({
        "session_id": "s",
        "items": [folders.item()],
        "work": {"kind": "sync"},
        "intent": "apply",
    });
    let id = folders.peer.begin("session/start", &params);
    folders.peer.until("session/progress");
    folders
        .peer
        .tell("session/cancel", &json!({"session_id": "s"}));
    assert_eq!(folders.peer.answer(id), Ok(json!({})));
    assert_eq!(folders.peer.statuses("notes").last().unwrap(), "canceled");
    let copied = fs::read_dir(&folders.there).unwrap().count();
    assert!(copied > 0 && copied < 3_000, "{copied}");
    for entry in fs::read_dir(&folders.there).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.starts_with('.'), "{name}");
    }
}
