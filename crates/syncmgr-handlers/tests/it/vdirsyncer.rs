//! Calendars, with a real vdirsyncer and a real Radicale.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use syncmgr_model::event::EventLevel;
use syncmgr_model::item::Item;
use syncmgr_model::request::Choice;
use syncmgr_model::side::Side;
use syncmgr_model::trouble::Code;
use syncmgr_sdk::ConflictFilter;
use tempfile::TempDir;

use crate::harness::{Machine, Ran, have, item};
use crate::server::{Server, free_port};

/// `anna:geheim`
const WHO: &str = "Authorization: Basic YW5uYTpnZWhlaW0=\r\n";

struct Radicale {
    server: Server,
    _dir: TempDir,
}

impl Radicale {
    fn start() -> Option<Self> {
        let program = have("radicale")?;
        have("vdirsyncer")?;
        let dir = TempDir::new().unwrap();
        let at = dir.path().to_owned();
        fs::write(at.join("users"), "anna:geheim\n").unwrap();
        let arguments = |port| {
            let text = format!(
                "[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {at}/users\nhtpasswd_encryption = plain\ndelay = 0\n[storage]\nfilesystem_folder = {at}/data\n",
                at = at.display()
            );
            fs::write(at.join("config"), text).unwrap();
            vec![
                "--config".to_owned(),
                at.join("config").display().to_string(),
            ]
        };
        let server = Server::start(&program, arguments, &[]);
        Some(Self { server, _dir: dir })
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port)).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\n{WHO}Content-Type: text/calendar\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn put(&self, uid: &str, summary: &str) {
        let answer = self.ask(
            "PUT",
            &format!("/anna/work/{uid}.ics"),
            &event(uid, summary),
        );
        assert!(
            answer.contains(" 201 ") || answer.contains(" 204 "),
            "{answer}"
        );
    }

    fn get(&self, uid: &str) -> Option<String> {
        let answer = self.ask("GET", &format!("/anna/work/{uid}.ics"), "");
        summary_of(&answer)
    }
}

fn event(uid: &str, summary: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20200101T000000Z\r\nDTSTART:20200101T000000Z\r\nSUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn summary_of(text: &str) -> Option<String> {
    let found = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("SUMMARY:"));
    found.map(str::to_owned)
}

/// A person whose calendar lies on a server.
struct Diary {
    machine: Machine,
    server: Radicale,
    item: Item,
}

impl Diary {
    fn new() -> Option<Self> {
        let diary = Self::undiscovered()?;
        diary.discover();
        Some(diary)
    }

    fn undiscovered() -> Option<Self> {
        let server = Radicale::start()?;
        server.ask("MKCALENDAR", "/anna/work/", "");
        let diary = Self {
            machine: Machine::new(),
            server,
            item: item("vdirsyncer", "cal", &[("pair", "cal")]),
        };
        diary.machine.dir("cal/work");
        diary.config(|text| text);
        Some(diary)
    }

    fn config(&self, change: impl FnOnce(String) -> String) {
        let text = format!(
            "[general]
status_path = \"~/.local/share/vdirsyncer/status/\"

[pair cal]
a = \"here\"
b = \"there\"
collections = [\"from a\", \"from b\"]

[storage here]
type = \"filesystem\"
path = \"~/cal/\"
fileext = \".ics\"

[storage there]
type = \"caldav\"
url = \"http://127.0.0.1:{}/\"
username = \"anna\"
password = \"geheim\"
",
            self.server.server.port
        );
        self.machine
            .write(".config/vdirsyncer/config", change(text));
    }

    /// As a person does it in a terminal.
    fn discover(&self) {
        let done = Command::new(have("vdirsyncer").unwrap())
            .args(["discover", "cal"])
            .env("HOME", self.machine.home())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    fn write(&self, uid: &str, summary: &str) {
        self.machine
            .write(&format!("cal/work/{uid}.ics"), event(uid, summary));
    }

    fn local(&self, uid: &str) -> Option<String> {
        let file = self.machine.home().join(format!("cal/work/{uid}.ics"));
        summary_of(&fs::read_to_string(file).ok()?)
    }

    fn sync(&self) -> Ran {
        self.machine.sync(&self.item)
    }

    /// Makes a conflict of every one of these.
    fn quarrel(&self, uids: &[&str]) {
        for uid in uids {
            self.write(uid, "base");
        }
        self.sync().succeeded();
        for uid in uids {
            self.write(uid, &format!("{uid} here"));
            self.server.put(uid, &format!("{uid} there"));
        }
        assert_eq!(self.sync().succeeded().n_conflicts, uids.len() as u64);
    }

    /// Returns the ids of the conflicts, by their names.
    fn conflicts(&self) -> Vec<(String, String)> {
        let handler = self
            .machine
            .handler("vdirsyncer", std::slice::from_ref(&self.item));
        let store = handler.conflicts().unwrap();
        let views = store.enumerate(&ConflictFilter::default()).unwrap();
        let list = store.list(&self.item).unwrap();
        assert_eq!(views.len(), list.len());
        list.iter()
            .map(|it| (String::from_utf8(it.path.clone()).unwrap(), it.id.clone()))
            .collect()
    }

    fn id_of(&self, uid: &str) -> String {
        let name = format!("cal/work/{uid}");
        let found = self.conflicts().into_iter().find(|(it, _)| *it == name);
        found.expect("there is such a conflict").1
    }

    /// Everything that syncmgr keeps of the item, as text.
    fn kept(&self) -> String {
        let mut all = String::new();
        let mut dirs = vec![self.machine.state(&self.item)];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    dirs.push(path);
                } else {
                    all.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap()));
                }
            }
        }
        all
    }
}

#[test]
fn entries_go_both_ways_and_are_counted() {
    let Some(diary) = Diary::new() else { return };
    for n in 0..20 {
        diary.write(&format!("u{n}"), "here");
    }
    diary.server.put("far", "there");
    let ran = diary.sync();
    let summary = ran.succeeded();
    assert_eq!(summary.done.right.n_copied, 20);
    assert_eq!(summary.done.left.n_copied, 1);
    ran.progress_grew();
    assert_eq!(diary.local("far").as_deref(), Some("there"));
    assert_eq!(diary.server.get("u7").as_deref(), Some("here"));
    fs::remove_file(diary.machine.home().join("cal/work/u7.ics")).unwrap();
    diary.server.put("u8", "new");
    let summary = diary.sync().succeeded();
    assert_eq!(
        (summary.done.right.n_deleted, summary.done.left.n_updated),
        (1, 1)
    );
    assert_eq!(diary.server.get("u7"), None);
    // What signs in is written down in no second place.
    assert!(!diary.kept().contains("geheim"));
}

#[test]
fn a_conflict_is_decided_alone_and_the_loser_is_kept() {
    let Some(diary) = Diary::new() else { return };
    diary.quarrel(&["u1", "u2", "u3"]);
    let handler = diary
        .machine
        .handler("vdirsyncer", std::slice::from_ref(&diary.item));
    let contents = handler
        .conflicts()
        .unwrap()
        .contents(&diary.item, &diary.id_of("u1"), 10_000)
        .unwrap();
    let text =
        |bytes: Option<Vec<u8>>| summary_of(&String::from_utf8(bytes.unwrap()).unwrap()).unwrap();
    assert_eq!(
        [text(contents.left), text(contents.right)],
        ["u1 here", "u1 there"]
    );

    diary
        .machine
        .resolve(
            &diary.item,
            &[(&diary.id_of("u1"), Choice::Keep(Side::Left))],
        )
        .succeeded();
    assert_eq!(diary.server.get("u1").as_deref(), Some("u1 here"));
    assert!(diary.kept().contains("SUMMARY:u1 there"));
    // The others are as they were, on both sides.
    assert_eq!(diary.conflicts().len(), 2);
    for uid in ["u2", "u3"] {
        assert_eq!(diary.local(uid), Some(format!("{uid} here")));
        assert_eq!(diary.server.get(uid), Some(format!("{uid} there")));
    }
    diary
        .machine
        .resolve(
            &diary.item,
            &[(&diary.id_of("u2"), Choice::Keep(Side::Right))],
        )
        .succeeded();
    assert_eq!(diary.local("u2").as_deref(), Some("u2 there"));
    assert!(diary.kept().contains("SUMMARY:u2 here"));

    let wrong = diary.machine.resolve(
        &diary.item,
        &[(
            &diary.id_of("u3"),
            Choice::Merged(event("x", "both").into_bytes()),
        )],
    );
    wrong.failed_with(Code::NotPossible);
    let merged = event("u3", "both").into_bytes();
    diary
        .machine
        .resolve(&diary.item, &[(&diary.id_of("u3"), Choice::Merged(merged))])
        .succeeded();
    assert_eq!(diary.local("u3").as_deref(), Some("both"));
    assert_eq!(diary.server.get("u3").as_deref(), Some("both"));
    assert_eq!(diary.conflicts(), []);
    assert_eq!(diary.sync().succeeded().done, Default::default());
}

#[test]
fn a_decision_about_something_else_than_was_shown_is_refused() {
    let Some(diary) = Diary::new() else { return };
    diary.quarrel(&["u1"]);
    diary.write("u1", "later");
    let id = diary.id_of("u1");
    let ran = diary
        .machine
        .resolve(&diary.item, &[(&id, Choice::Keep(Side::Right))]);
    ran.failed_with(Code::StateChanged);
    assert_eq!(diary.local("u1").as_deref(), Some("later"));
    assert_eq!(diary.server.get("u1").as_deref(), Some("u1 there"));
    // Now the new content is shown, under an id of its own.
    diary
        .machine
        .resolve(&diary.item, &[(&id, Choice::Keep(Side::Left))])
        .failed_with(Code::StateChanged);
    let now = diary.id_of("u1");
    diary
        .machine
        .resolve(&diary.item, &[(&now, Choice::Keep(Side::Left))])
        .succeeded();
    assert_eq!(diary.server.get("u1").as_deref(), Some("later"));
}

#[test]
fn a_storage_that_is_suddenly_empty_waits_for_a_person() {
    let Some(diary) = Diary::new() else { return };
    for uid in ["u1", "u2"] {
        diary.write(uid, uid);
    }
    diary.sync().succeeded();
    for uid in ["u1", "u2"] {
        fs::remove_file(diary.machine.home().join(format!("cal/work/{uid}.ics"))).unwrap();
    }
    let ran = diary.sync();
    assert_eq!(ran.succeeded().n_held, 1);
    assert_eq!(ran.said(Code::SideEmptied).param("n_files"), "2");
    assert_eq!(diary.server.get("u1").as_deref(), Some("u1"));

    let preview = diary.machine.preview(&diary.item).told.preview.unwrap();
    assert_eq!(preview.changes.len(), 2);
    assert!(
        preview
            .changes
            .iter()
            .all(|it| it.is_held && it.side == Side::Right)
    );
    let id = preview.held_id.unwrap();
    diary
        .machine
        .release(&diary.item, "0123456789abcdef")
        .failed_with(Code::PlanChanged);
    // Something else is there now: it was not what the person saw.
    diary.server.put("u3", "new");
    diary
        .machine
        .release(&diary.item, &id)
        .failed_with(Code::PlanChanged);
    assert_eq!(diary.server.get("u3").as_deref(), Some("new"));

    let id = diary
        .machine
        .preview(&diary.item)
        .told
        .preview
        .unwrap()
        .held_id
        .unwrap();
    let ran = diary.machine.release(&diary.item, &id);
    let summary = ran.succeeded();
    assert_eq!(diary.server.get("u1"), None, "{:?}", ran.told);
    assert_eq!(summary.n_held, 0);
    // What was deleted is kept.
    for uid in ["u1", "u2"] {
        assert!(diary.kept().contains(&format!("SUMMARY:{uid}")));
    }
}

#[test]
fn a_stopped_run_loses_no_entry() {
    let Some(diary) = Diary::new() else { return };
    for n in 0..120 {
        diary.write(&format!("u{n}"), "here");
    }
    diary
        .machine
        .sync_and_stop(&diary.item, |at| at.n_done > 3)
        .was_stopped();
    assert_eq!(diary.machine.files("cal/work").len(), 120);
    diary.sync().succeeded();
    assert_eq!(diary.server.get("u119").as_deref(), Some("here"));
    assert_eq!(diary.machine.files("cal/work").len(), 120);
}

#[test]
fn what_goes_wrong_has_a_name() {
    let Some(diary) = Diary::undiscovered() else {
        return;
    };
    let ran = diary.sync();
    let trouble = ran.failed_with(Code::RepairNeeded);
    assert!(
        trouble.param("advice").contains("vdirsyncer discover cal"),
        "{trouble:?}"
    );
    diary.discover();
    diary.sync().succeeded();

    diary.config(|text| text.replace("geheim", "wrong"));
    let ran = diary.sync();
    ran.failed_with(Code::RepairNeeded);

    diary.config(|text| text);
    let users = diary.server._dir.path().join("users");
    fs::write(&users, "anna:other\n").unwrap();
    let ran = diary.sync();
    let trouble = ran.failed_with(Code::SignInNeeded);
    assert!(
        trouble.param("place").starts_with("anna@127.0.0.1"),
        "{trouble:?}"
    );
    fs::write(&users, "anna:geheim\n").unwrap();

    let same = event("same", "a");
    diary.machine.write("cal/work/one.ics", &same);
    diary
        .machine
        .write("cal/work/two.ics", same.replace("SUMMARY:a", "SUMMARY:b"));
    let ran = diary.sync();
    let trouble = ran.failed_with(Code::RepairNeeded);
    assert!(
        trouble.param("detail").contains("one.ics") && trouble.param("detail").contains("two.ics"),
        "{trouble:?}"
    );
    for name in ["one", "two"] {
        fs::remove_file(diary.machine.home().join(format!("cal/work/{name}.ics"))).unwrap();
    }

    diary.config(|text| text + "password = geheim\n");
    let ran = diary.sync();
    let trouble = ran.failed_with(Code::SettingUnusable);
    assert!(!format!("{trouble:?}").contains("geheim"), "{trouble:?}");
}

#[test]
fn a_server_that_is_gone_is_no_failure() {
    let Some(diary) = Diary::new() else { return };
    diary.quarrel(&["u1"]);
    let mut diary = diary;
    drop(std::mem::replace(
        &mut diary.server,
        Radicale::start().unwrap(),
    ));
    diary.sync().failed_with(Code::Disconnected);
    // Nothing is known about the conflict, so it stays.
    assert_eq!(diary.conflicts().len(), 1);
    assert_ne!(diary.server.server.port, free_port());
}

#[test]
fn changes_of_a_storage_that_is_only_read_are_a_warning() {
    let Some(diary) = Diary::undiscovered() else {
        return;
    };
    diary.config(|text| {
        text.replace("collections =", "partial_sync = \"error\"\ncollections =")
            + "read_only = true\n"
    });
    diary.discover();
    diary.server.put("u1", "there");
    diary.sync().succeeded();
    diary.write("u2", "here");
    let ran = diary.sync();
    assert_eq!(ran.succeeded().n_warnings, 1, "{:?}", ran.told);
    assert_eq!(ran.said(Code::RepairNeeded).level, EventLevel::Warning);
    assert_eq!(diary.local("u2").as_deref(), Some("here"));
}

#[test]
fn pairs_are_found_with_how_they_decide() {
    let Some(diary) = Diary::new() else { return };
    diary.config(|text| {
        text.replace(
            "collections =",
            "conflict_resolution = \"b wins\"\ncollections =",
        )
    });
    let found = diary.machine.handler("vdirsyncer", &[]).discover().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "cal");
    assert!(
        found[0].summary.starts_with("~/cal/ <-> anna@127.0.0.1"),
        "{found:?}"
    );
    assert!(found[0].remarks[0].contains("wins"), "{found:?}");
    let shown = diary.machine.shown(&diary.item);
    assert_eq!(shown.paths(), [diary.machine.home().join("cal")]);
}
