//! rclone between folders, and with real servers: WebDAV, SFTP and S3.

use std::path::Path;

use syncmgr_model::item::{Item, Value};
use syncmgr_model::preview::Action;
use syncmgr_model::request::Choice;
use syncmgr_model::side::Side;
use syncmgr_model::trouble::Code;

use crate::harness::{Machine, have, item, list};
use crate::server::{Server, free_port};

fn one_way(mode: &str, settings: &[(&str, &str)]) -> Item {
    let mut all = vec![
        ("mode", mode),
        ("source", "~/Photos"),
        ("target", "~/Backup"),
    ];
    all.retain(|(key, _)| settings.iter().all(|(other, _)| other != key));
    all.extend(settings);
    item("rclone", "photos", &all)
}

fn both_ways(settings: &[(&str, &str)]) -> Item {
    let mut all = vec![
        ("mode", "bisync"),
        ("left", "~/Photos"),
        ("right", "~/Backup"),
    ];
    all.retain(|(key, _)| settings.iter().all(|(other, _)| other != key));
    all.extend(settings);
    item("rclone", "photos", &all)
}

fn folders() -> Option<Machine> {
    have("rclone")?;
    let machine = Machine::new();
    machine.dir("Photos");
    machine.dir("Backup");
    Some(machine)
}

/// The files of a folder, without what is kept.
fn files(machine: &Machine, dir: &str) -> Vec<String> {
    let mut files = machine.files(dir);
    files.retain(|file| !file.starts_with(".syncmgr-kept"));
    files
}

/// A pair that bisync knows, with ten files.
fn known_pair(machine: &Machine) -> Item {
    for n in 0..10 {
        machine.write(&format!("Photos/f{n}"), format!("{n}"));
    }
    let it = both_ways(&[]);
    allow(machine, &it);
    it
}

/// Lets what a preview shows go.
fn allow(machine: &Machine, it: &Item) {
    let preview = machine.preview(it).told.preview.unwrap();
    machine
        .release(it, preview.held_id.as_deref().unwrap())
        .succeeded();
}

#[test]
fn a_copy_deletes_nothing_and_keeps_what_it_replaces() {
    let Some(machine) = folders() else { return };
    machine.write("Photos/new.jpg", "new");
    machine.write("Photos/sub/changed.jpg", "changed now");
    machine.write("Backup/sub/changed.jpg", "before");
    machine.write("Backup/stays.txt", "stays");
    let it = one_way("copy", &[]);
    let preview = machine.preview(&it).told.preview.unwrap();
    let changes: Vec<_> = preview
        .changes
        .iter()
        .map(|it| {
            (
                it.action,
                String::from_utf8_lossy(&it.path).into_owned(),
                it.bytes,
            )
        })
        .collect();
    assert_eq!(
        changes,
        [
            (Action::Copy, "new.jpg".to_owned(), 3),
            (Action::SetAttributes, "sub".to_owned(), 0),
            (Action::Update, "sub/changed.jpg".to_owned(), 11)
        ]
    );
    assert_eq!(files(&machine, "Backup"), ["stays.txt", "sub/changed.jpg"]);

    let done = machine.sync(&it).succeeded().done.right;
    assert_eq!((done.n_copied, done.n_updated, done.n_deleted), (1, 1, 0));
    assert_eq!(done.bytes, 14);
    assert_eq!(
        machine.read("Backup/.syncmgr-kept/20261130-120000000-0001/sub/changed.jpg"),
        "before"
    );
    assert_eq!(
        files(&machine, "Backup"),
        ["new.jpg", "stays.txt", "sub/changed.jpg"]
    );
}

#[test]
fn a_sync_deletes_what_is_gone_and_keeps_it() {
    let Some(machine) = folders() else { return };
    machine.write("Photos/a.jpg", "a");
    machine.write("Backup/old/gone.jpg", "gone");
    let it = one_way("sync", &[]);
    let done = machine.sync(&it).succeeded().done.right;
    assert_eq!((done.n_copied, done.n_deleted), (1, 1));
    let kept = "Backup/.syncmgr-kept/20261130-120000000-0001/old/gone.jpg";
    assert_eq!(machine.read(kept), "gone");
    machine.sync(&it).succeeded();
    assert_eq!(machine.read(kept), "gone");
    assert_eq!(files(&machine, "Backup"), ["a.jpg"]);
}

#[test]
fn too_many_deletions_wait_while_the_rest_is_copied() {
    let Some(machine) = folders() else { return };
    machine.write("Photos/new.jpg", "new");
    for n in 0..5 {
        machine.write(&format!("Backup/{n}.jpg"), "x");
    }
    let mut it = one_way("sync", &[]);
    it.settings.set("max_delete", Value::Number(4));
    let ran = machine.sync(&it);
    assert_eq!(ran.succeeded().n_held, 5);
    let held = ran.said(Code::TooManyDeletions).clone();
    assert_eq!(files(&machine, "Backup").len(), 6);
    let preview = machine.preview(&it).told.preview.unwrap();
    assert_eq!(preview.held_id.as_deref(), Some(held.param("plan")));
    machine
        .release(&it, "00000000")
        .failed_with(Code::PlanChanged);
    let summary = machine.release(&it, held.param("plan")).succeeded();
    assert_eq!(summary.done.right.n_deleted, 5);
    assert_eq!(files(&machine, "Backup"), ["new.jpg"]);
}

#[test]
fn an_empty_source_deletes_nothing_unasked() {
    let Some(machine) = folders() else { return };
    machine.write("Backup/a.jpg", "a");
    let ran = machine.sync(&one_way("sync", &[]));
    assert_eq!(ran.succeeded().n_held, 1);
    ran.said(Code::TooManyDeletions);
    assert_eq!(files(&machine, "Backup"), ["a.jpg"]);
}

#[test]
fn progress_is_seen_and_a_stop_leaves_whole_files_only() {
    let Some(machine) = folders() else { return };
    for n in 0..6 {
        machine.write(&format!("Photos/{n}.bin"), vec![n; 4_000_000]);
    }
    let mut it = one_way("copy", &[("bandwidth", "6000000")]);
    list(&mut it, "options", &["--transfers=1"]);
    let ran = machine.sync_and_stop(&it, |at| at.bytes_done > 9_000_000);
    ran.was_stopped();
    ran.progress_grew();
    let copied = files(&machine, "Backup");
    assert!(copied.len() < 6, "{copied:?}");
    for name in copied.iter().filter(|name| name.ends_with(".bin")) {
        let bytes = std::fs::read(machine.home().join("Backup").join(name)).unwrap();
        assert_eq!(bytes.len(), 4_000_000, "{name}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_a_disk_that_is_not_mounted() {
    let Some(machine) = folders() else { return };
    for (it, key) in [
        (one_way("sync", &[("source", "~/Gone")]), "source"),
        (one_way("sync", &[("target", "~/Gone")]), "target"),
        (both_ways(&[("right", "~/Gone")]), "right"),
    ] {
        let ran = machine.sync(&it);
        assert_eq!(
            ran.failed_with(Code::FolderMissing).param("folder"),
            "~/Gone",
            "{key}"
        );
    }
}

#[test]
fn files_that_cannot_be_copied_are_named() {
    let Some(machine) = folders() else { return };
    machine.write("Photos/thing", "a file");
    machine.write("Photos/fine.jpg", "fine");
    machine.write("Backup/thing/inside", "in the way");
    let ran = machine.sync(&one_way("copy", &[]));
    assert_eq!(ran.succeeded().n_failures, 1);
    assert_eq!(ran.said(Code::ReadWriteFailed).paths, ["thing"]);
    assert_eq!(machine.read("Backup/fine.jpg"), "fine");
    assert_eq!(machine.read("Backup/thing/inside"), "in the way");
}

/// Writes a configuration with one remote.
fn remote(machine: &Machine, text: &str) {
    machine.write(".config/rclone/rclone.conf", format!("[nas]\n{text}"));
}

fn serve(machine: &Machine, rclone: &Path, kind: &str, more: &[&str]) -> Server {
    let dir = machine.dir("Served").display().to_string();
    let arguments = |port| {
        let mut all = vec!["serve".to_owned(), kind.to_owned(), dir];
        all.push(format!("--addr=127.0.0.1:{port}"));
        // What a test writes beneath it is seen at once.
        all.push("--dir-cache-time=1ms".to_owned());
        all.extend(more.iter().map(|&it| it.to_owned()));
        all
    };
    let home = machine.home().display().to_string();
    Server::start(
        rclone,
        arguments,
        &[("HOME", &home), ("RCLONE_CONFIG", "/dev/null")],
    )
}

fn obscured(rclone: &Path, password: &str) -> String {
    let out = std::process::Command::new(rclone)
        .args(["obscure", password])
        .output();
    String::from_utf8(out.unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
}

#[test]
fn a_webdav_server_that_asks_for_a_password_and_one_that_is_down() {
    let Some(machine) = folders() else { return };
    let Some(rclone) = have("rclone") else { return };
    let server = serve(
        &machine,
        &rclone,
        "webdav",
        &["--user=me", "--pass=hunter22"],
    );
    let config = |port: u16, password: &str| {
        let pass = obscured(&rclone, password);
        remote(
            &machine,
            &format!(
                "type = webdav\nurl = http://127.0.0.1:{port}\nvendor = other\nuser = me\npass = {pass}\n"
            ),
        );
    };
    machine.write("Photos/a.jpg", "a");
    config(server.port, "hunter22");
    let it = one_way("sync", &[("target", "nas:photos")]);
    assert_eq!(machine.sync(&it).succeeded().done.right.n_copied, 1);
    assert_eq!(machine.read("Served/photos/a.jpg"), "a");

    config(server.port, "wrong");
    machine.sync(&it).failed_with(Code::SignInNeeded);
    config(free_port(), "hunter22");
    machine.sync(&it).failed_with(Code::Disconnected);
    let it = one_way("sync", &[("target", "nowhere:photos")]);
    let ran = machine.sync(&it);
    let trouble = ran.failed_with(Code::ToolFailed);
    assert!(
        trouble.param("advice").contains("rclone config"),
        "{trouble:?}"
    );
}

#[test]
fn an_s3_server_with_replaced_files_kept() {
    let Some(machine) = folders() else { return };
    let Some(rclone) = have("rclone") else { return };
    machine.dir("Served/bucket");
    // Without keys: with them, this server turns down one request in many by itself.
    let server = serve(&machine, &rclone, "s3", &[]);
    remote(
        &machine,
        &format!(
            "type = s3\nprovider = Rclone\nendpoint = http://127.0.0.1:{}\n",
            server.port
        ),
    );
    machine.write("Photos/a.jpg", "a");
    let it = one_way("sync", &[("target", "nas:bucket")]);
    machine.sync(&it).succeeded();
    machine.write("Photos/a.jpg", "another");
    let ran = machine.sync(&it);
    assert_eq!(ran.succeeded().done.right.n_updated, 1, "{ran:?}");
    assert_eq!(machine.read("Served/bucket/a.jpg"), "another");
    let kept = "Served/bucket/.syncmgr-kept/20261130-120000000-0001/a.jpg";
    assert_eq!(machine.read(kept), "a");
}

#[test]
fn bisync_with_an_sftp_server_both_ways_and_a_conflict() {
    let Some(machine) = folders() else { return };
    let Some(rclone) = have("rclone") else { return };
    let server = serve(&machine, &rclone, "sftp", &["--user=me", "--pass=hunter22"]);
    let pass = obscured(&rclone, "hunter22");
    remote(
        &machine,
        &format!(
            "type = sftp\nhost = 127.0.0.1\nport = {}\nuser = me\npass = {pass}\nshell_type = none\n",
            server.port
        ),
    );
    for n in 0..6 {
        machine.write(&format!("Photos/f{n}"), "x");
    }
    let it = both_ways(&[("right", "nas:")]);
    allow(&machine, &it);
    assert_eq!(files(&machine, "Served").len(), 6);
    machine.write("Served/there.txt", "there");
    machine.write("Photos/f0", "here");
    machine.write("Served/f0", "and there");
    let ran = machine.sync(&it);
    ran.succeeded();
    assert_eq!(ran.told.troubles, []);
    assert_eq!(machine.read("Photos/there.txt"), "there");
    let handler = machine.handler("rclone", std::slice::from_ref(&it));
    let all = handler.conflicts().unwrap().list(&it).unwrap();
    assert_eq!(all.len(), 1);
    let ran = machine.resolve(&it, &[(&all[0].id, Choice::Keep(Side::Right))]);
    assert_eq!(ran.succeeded().n_conflicts, 0);
    assert_eq!(machine.read("Photos/f0"), "and there");
    assert_eq!(machine.read("Served/f0"), "and there");
    assert!(
        files(&machine, "Served")
            .iter()
            .all(|it| !it.contains("conflict"))
    );
}

#[test]
fn the_first_run_of_bisync_is_shown_before_it_happens_and_deletes_nothing() {
    let Some(machine) = folders() else { return };
    machine.write("Photos/here.jpg", "here");
    machine.write("Backup/there.jpg", "there");
    machine.write("Photos/both.jpg", "old");
    let old = std::fs::File::open(machine.home().join("Photos/both.jpg")).unwrap();
    old.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000))
        .unwrap();
    machine.write("Backup/both.jpg", "newer");
    let it = both_ways(&[]);
    let ran = machine.sync(&it);
    assert_eq!(ran.succeeded().n_held, 1);
    let said = ran.said(Code::RepairNeeded).clone();
    assert!(said.param("detail").contains("never synced"), "{said:?}");
    assert_eq!(machine.files("Photos"), ["both.jpg", "here.jpg"]);

    let preview = machine.preview(&it).told.preview.unwrap();
    assert!(preview.is_first);
    assert_eq!(preview.held_id.as_deref(), Some(said.param("plan")));
    let changes: Vec<_> = preview
        .changes
        .iter()
        .map(|it| {
            (
                String::from_utf8_lossy(&it.path).into_owned(),
                it.side,
                it.action,
            )
        })
        .collect();
    assert_eq!(
        changes,
        [
            ("both.jpg".to_owned(), Side::Left, Action::Update),
            ("here.jpg".to_owned(), Side::Right, Action::Copy),
            ("there.jpg".to_owned(), Side::Left, Action::Copy),
        ]
    );
    machine.write("Photos/another.jpg", "x");
    machine
        .release(&it, said.param("plan"))
        .failed_with(Code::PlanChanged);
    allow(&machine, &it);
    let all = ["another.jpg", "both.jpg", "here.jpg", "there.jpg"];
    assert_eq!(files(&machine, "Photos"), all);
    assert_eq!(files(&machine, "Backup"), all);
    assert_eq!(machine.read("Photos/both.jpg"), "newer");
    assert_eq!(
        machine.read("Photos/.syncmgr-kept/20261130-120000000-0001/both.jpg"),
        "old"
    );
    machine.sync(&it).succeeded();
}

#[test]
fn changes_go_both_ways_and_deleted_files_are_kept() {
    let Some(machine) = folders() else { return };
    let it = known_pair(&machine);
    machine.write("Photos/new left", "l");
    machine.write("Backup/new right", "r");
    std::fs::remove_file(machine.home().join("Photos/f3")).unwrap();
    let summary = machine.sync(&it).succeeded();
    assert_eq!(
        (summary.done.left.n_copied, summary.done.right.n_copied),
        (1, 1)
    );
    assert_eq!(summary.done.right.n_deleted, 1);
    assert_eq!(files(&machine, "Photos"), files(&machine, "Backup"));
    assert_eq!(
        machine.read("Backup/.syncmgr-kept/20261130-120000000-0001/f3"),
        "3"
    );
}

#[test]
fn conflicts_of_bisync_are_listed_and_decided() {
    let Some(machine) = folders() else { return };
    let it = known_pair(&machine);
    let edit = |name: &str| {
        machine.write(&format!("Photos/{name}"), format!("{name} left"));
        machine.write(&format!("Backup/{name}"), format!("{name} on the right"));
    };
    for name in ["f0", "f1", "f2", "f3"] {
        edit(name);
    }
    let f2 = std::fs::File::open(machine.home().join("Photos/f2")).unwrap();
    f2.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(2_000_000))
        .unwrap();
    let preview = machine.preview(&it).told.preview.unwrap();
    assert_eq!(preview.conflicts.len(), 4);
    let ran = machine.sync(&it);
    assert_eq!(ran.succeeded().n_conflicts, 4);
    let handler = machine.handler("rclone", std::slice::from_ref(&it));
    let store = handler.conflicts().unwrap();
    let all = store.list(&it).unwrap();
    let names: Vec<_> = all
        .iter()
        .map(|it| String::from_utf8_lossy(&it.path).into_owned())
        .collect();
    assert_eq!(names, ["f0", "f1", "f2", "f3"]);
    let contents = store.contents(&it, &all[0].id, 100).unwrap();
    assert_eq!(contents.left.as_deref(), Some(&b"f0 left"[..]));
    assert_eq!(contents.right.as_deref(), Some(&b"f0 on the right"[..]));
    assert_eq!(store.contents(&it, &all[0].id, 3).unwrap().left, None);

    let ran = machine.resolve(
        &it,
        &[
            (&all[0].id, Choice::Keep(Side::Left)),
            (&all[1].id, Choice::Keep(Side::Right)),
            (&all[2].id, Choice::KeepBoth),
            (&all[3].id, Choice::Merged(b"merged".to_vec())),
        ],
    );
    assert_eq!(ran.succeeded().n_conflicts, 0);
    for side in ["Photos", "Backup"] {
        assert_eq!(machine.read(&format!("{side}/f0")), "f0 left");
        assert_eq!(machine.read(&format!("{side}/f1")), "f1 on the right");
        assert_eq!(machine.read(&format!("{side}/f2")), "f2 on the right");
        // The older one says where and when it comes from.
        let older = format!("{side}/f2 (conflict, Photos, 1970-01-24 0333)");
        assert_eq!(machine.read(&older), "f2 left");
        assert_eq!(machine.read(&format!("{side}/f3")), "merged");
    }
    let kept = |name: &str| {
        machine.read(&format!(
            "Photos/.syncmgr-kept/20261130-120000000-0001/{name}"
        ))
    };
    assert_eq!(kept("f0.conflict2"), "f0 on the right");
    assert_eq!(kept("f1.conflict1"), "f1 left");
    assert_eq!(kept("f3.conflict1"), "f3 left");
    assert_eq!(kept("f3.conflict2"), "f3 on the right");
    assert_eq!(files(&machine, "Photos"), files(&machine, "Backup"));
    machine
        .resolve(&it, &[(&all[0].id, Choice::KeepNewest)])
        .failed_with(Code::NotFound);
}

/// What a person saw is named by the id of the conflict: another content is another id.
#[test]
fn a_decision_on_another_content_of_bisync_is_refused() {
    let Some(machine) = folders() else { return };
    let it = known_pair(&machine);
    machine.write("Photos/f0", "left");
    machine.write("Backup/f0", "on the right");
    assert_eq!(machine.sync(&it).succeeded().n_conflicts, 1);
    let list = || {
        let handler = machine.handler("rclone", std::slice::from_ref(&it));
        handler.conflicts().unwrap().list(&it).unwrap()
    };
    let seen = list()[0].id.clone();
    machine.write("Photos/f0.conflict1", "LEFT");
    for choice in [
        Choice::Keep(Side::Left),
        Choice::Keep(Side::Right),
        Choice::KeepBoth,
        Choice::Merged(b"x".to_vec()),
    ] {
        machine
            .resolve(&it, &[(&seen, choice)])
            .failed_with(Code::StateChanged);
    }
    assert_eq!(machine.read("Photos/f0.conflict1"), "LEFT");
    assert_eq!(machine.read("Photos/f0.conflict2"), "on the right");
    let now = list()[0].id.clone();
    assert_ne!(now, seen);
    machine
        .resolve(&it, &[(&now, Choice::Keep(Side::Left))])
        .succeeded();
    assert_eq!(machine.read("Backup/f0"), "LEFT");
}

#[test]
fn the_newest_of_two_contents_is_kept() {
    let Some(machine) = folders() else { return };
    let it = known_pair(&machine);
    let old = machine.write("Photos/f0", "old left");
    let file = std::fs::File::open(old).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(2_000_000))
        .unwrap();
    machine.write("Backup/f0", "new right");
    machine.sync(&it).succeeded();
    let handler = machine.handler("rclone", std::slice::from_ref(&it));
    let all = handler.conflicts().unwrap().list(&it).unwrap();
    machine
        .resolve(&it, &[(&all[0].id, Choice::KeepNewest)])
        .succeeded();
    assert_eq!(machine.read("Photos/f0"), "new right");
    assert_eq!(machine.read("Backup/f0"), "new right");
}

#[test]
fn what_bisync_refuses_waits_until_exactly_that_is_allowed() {
    let Some(machine) = folders() else { return };
    let it = known_pair(&machine);
    for n in 0..7 {
        std::fs::remove_file(machine.home().join(format!("Photos/f{n}"))).unwrap();
    }
    let ran = machine.sync(&it);
    assert_eq!(ran.succeeded().n_held, 7);
    let said = ran.said(Code::RepairNeeded).clone();
    assert!(said.param("detail").contains("7 of 10"), "{said:?}");
    assert_eq!(files(&machine, "Backup").len(), 10);
    machine
        .release(&it, "00000000")
        .failed_with(Code::PlanChanged);
    machine.release(&it, said.param("plan")).succeeded();
    assert_eq!(files(&machine, "Backup").len(), 3);
    assert_eq!(
        machine.read("Backup/.syncmgr-kept/20261130-120000000-0001/f0"),
        "0"
    );
}

#[test]
fn an_emptied_side_is_a_disk_that_is_not_mounted() {
    let Some(machine) = folders() else { return };
    let it = known_pair(&machine);
    std::fs::remove_dir_all(machine.home().join("Photos")).unwrap();
    machine.dir("Photos");
    let ran = machine.sync(&it);
    let trouble = ran.failed_with(Code::RepairNeeded);
    assert!(
        trouble.param("detail").contains("~/Photos is empty"),
        "{trouble:?}"
    );
    assert_eq!(files(&machine, "Backup").len(), 10);
}

#[test]
fn memory_that_was_lost_is_repaired_only_after_it_was_shown() {
    let Some(machine) = folders() else { return };
    let it = known_pair(&machine);
    let work = machine.home().join(".cache/rclone/bisync");
    for entry in std::fs::read_dir(&work).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap();
        if name.ends_with(".lst") {
            std::fs::rename(&path, format!("{name}-err")).unwrap();
        } else {
            std::fs::remove_file(&path).unwrap();
        }
    }
    // A deletion that bisync does not know of any more.
    std::fs::remove_file(machine.home().join("Photos/f0")).unwrap();
    let ran = machine.sync(&it);
    let said = ran.said(Code::RepairNeeded).clone();
    assert!(said.param("detail").contains("broke off"), "{said:?}");
    assert!(!machine.home().join("Photos/f0").exists());
    let preview = machine.preview(&it).told.preview.unwrap();
    assert_eq!(preview.changes.len(), 1);
    machine.release(&it, said.param("plan")).succeeded();
    // Additive until both sides agree again: nothing is lost, a deletion may come back.
    assert_eq!(machine.read("Photos/f0"), "0");
    machine.sync(&it).succeeded();
}

#[test]
fn locks_that_were_left_are_recognised() {
    let Some(machine) = folders() else { return };
    let it = known_pair(&machine);
    let work = machine.home().join(".cache/rclone/bisync");
    let listing = std::fs::read_dir(&work)
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .find(|name| name.ends_with(".path1.lst"))
        .unwrap();
    let lock = listing.replace(".path1.lst", ".lck");
    // A number that no process has: the largest one is taken by none on an ordinary machine.
    let dead = r#"{"Session":"x","PID":"4194303","TimeRenewed":"2026-11-30T01:00:00Z","TimeExpires":"2126-11-30T01:00:00Z"}"#;
    for (text, why) in [("garbage", "cannot be read"), (dead, "4194303")] {
        std::fs::write(&lock, text).unwrap();
        let ran = machine.sync(&it);
        assert_eq!(ran.succeeded().n_held, 1);
        let said = ran.said(Code::RepairNeeded).clone();
        assert!(said.param("detail").contains(why), "{said:?}");
        assert_eq!(std::fs::read_to_string(&lock).unwrap(), text);
        let preview = machine.preview(&it).told.preview.unwrap();
        assert_eq!(preview.held_id.as_deref(), Some(said.param("plan")));
        machine.release(&it, said.param("plan")).succeeded();
        assert!(std::path::Path::new(&listing).exists());
    }
}

#[test]
fn a_stopped_bisync_goes_on_at_the_next_run() {
    let Some(machine) = folders() else { return };
    known_pair(&machine);
    for n in 0..6 {
        machine.write(&format!("Photos/{n}.bin"), vec![n; 4_000_000]);
    }
    let mut it = both_ways(&[("bandwidth", "6000000")]);
    list(&mut it, "options", &["--transfers=1"]);
    machine
        .sync_and_stop(&it, |at| at.bytes_done > 5_000_000)
        .was_stopped();
    for name in files(&machine, "Backup")
        .iter()
        .filter(|name| name.ends_with(".bin"))
    {
        let bytes = std::fs::read(machine.home().join("Backup").join(name)).unwrap();
        assert_eq!(bytes.len(), 4_000_000, "{name}");
    }
    let ran = machine.sync(&both_ways(&[]));
    ran.succeeded();
    assert_eq!(ran.told.troubles, []);
    assert_eq!(files(&machine, "Photos"), files(&machine, "Backup"));
}

#[test]
fn an_encrypted_configuration_asks_for_its_password() {
    let Some(mut machine) = folders() else { return };
    let Some(rclone) = have("rclone") else { return };
    machine.write("Served/a.jpg", "a");
    let served = machine.home().join("Served");
    let config = machine.home().join(".config/rclone/rclone.conf");
    remote(
        &machine,
        &format!("type = alias\nremote = {}\n", served.display()),
    );
    let status = std::process::Command::new(&rclone)
        .args(["config", "encryption", "set", "--config"])
        .arg(&config)
        .args(["--password-command", "echo hunter22"])
        .status();
    assert!(status.unwrap().success());
    let mut it = one_way("copy", &[("source", "nas:")]);
    let ran = machine.sync(&it);
    assert_eq!(
        ran.failed_with(Code::SecretMissing).param("key"),
        "config_password"
    );
    // What keeps secrets puts it there.
    it.settings
        .set("config_password", Value::Text("hunter22".to_owned()));
    machine.sync(&it).succeeded();
    assert_eq!(machine.read("Backup/a.jpg"), "a");
    let left: Vec<_> = std::fs::read_dir(machine.state(&it))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().contains("password"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    machine.set_env("X", "y");
}

#[test]
fn what_rclone_is_set_up_for_is_found() {
    let Some(machine) = folders() else { return };
    let nothing = machine.handler("rclone", &[]).discover().unwrap();
    assert_eq!(nothing, []);
    remote(&machine, "type = webdav\npass = hunter22\n");
    known_pair(&machine);
    machine.write(
        ".cache/rclone/bisync/home_me_My_Docs..nas_my_docs.path1.lst-err",
        "",
    );
    let found = machine.handler("rclone", &[]).discover().unwrap();
    let lines: Vec<_> = found.iter().map(|it| it.summary.as_str()).collect();
    assert_eq!(
        lines,
        [
            "/home/me/My/Docs <-> nas:my_docs",
            "~/Photos <-> ~/Backup",
            "nas: -> ~/nas"
        ]
    );
    assert!(found[0].remarks.iter().any(|it| it.contains("broke off")));
    let settings = &found[1].settings;
    assert_eq!(
        settings.text("left"),
        machine.home().join("Photos").to_str()
    );
    assert_eq!(found[1].name, "backup");
    for it in &found {
        assert_eq!(syncmgr_model::item::bad_name(&it.name), None);
        assert!(!format!("{it:?}").contains("hunter22"));
    }
    // An adopted pair goes on where it was.
    let mut adopted = both_ways(&[]);
    adopted.settings = settings.clone();
    let ran = machine.sync(&adopted);
    assert_eq!(ran.succeeded().n_held, 0);
}

#[test]
fn an_alias_is_the_folder_it_stands_for() {
    let Some(machine) = folders() else { return };
    let alias = format!(
        "[nas]\ntype = alias\nremote = {}\n",
        machine.home().display()
    );
    machine.write(".config/rclone/rclone.conf", alias);
    let it = both_ways(&[("right", "nas:Backup")]);
    let reached = machine.ctx();
    let paths =
        syncmgr_handlers::tool::Tool::paths(&syncmgr_handlers::rclone::RcloneTool, &reached, &it);
    let home = machine.home();
    assert_eq!(paths, [home.join("Photos"), home.join("Backup")]);
    // What bisync remembers of the pair is found under the name it gave it.
    machine.write("Photos/a", "a");
    allow(&machine, &it);
    assert_eq!(machine.read("Backup/a"), "a");
    machine.write("Photos/b", "b");
    assert_eq!(machine.sync(&it).succeeded().n_held, 0);
    assert_eq!(machine.read("Backup/b"), "b");
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let machine = Machine::new();
    let handler = machine.handler("rclone", &[]);
    let check = |it: &Item, key: &str| {
        let trouble = handler.check(it).unwrap_err();
        assert_eq!(
            (trouble.code, trouble.param("key")),
            (Code::SettingUnusable, key)
        );
    };
    check(&one_way("move", &[]), "mode");
    check(&one_way("sync", &[("source", "relative")]), "source");
    check(&one_way("sync", &[("source", "-x:y")]), "source");
    check(&one_way("sync", &[("target", "~/Photos/in")]), "target");
    check(
        &item("rclone", "x", &[("mode", "bisync"), ("left", "~/a")]),
        "right",
    );
    let mut it = one_way("sync", &[]);
    list(&mut it, "options", &["--resync"]);
    check(&it, "options");
}
