//! rsync between folders, and with a real server.

use std::os::unix::fs::PermissionsExt as _;

use syncmgr_model::item::{Item, Value};
use syncmgr_model::preview::Action;
use syncmgr_model::trouble::Code;

use crate::harness::{Machine, have, item, list};
use crate::server::{Server, free_port};

fn copy(settings: &[(&str, &str)]) -> Item {
    let mut all = vec![("source", "~/Photos"), ("target", "~/Backup")];
    all.retain(|(key, _)| settings.iter().all(|(other, _)| other != key));
    all.extend(settings);
    item("rsync", "photos", &all)
}

fn folders() -> Option<Machine> {
    have("rsync")?;
    let machine = Machine::new();
    machine.dir("Photos");
    machine.dir("Backup");
    Some(machine)
}

/// The files of the target, without what is kept.
fn target(machine: &Machine) -> Vec<String> {
    let mut files = machine.files("Backup");
    files.retain(|file| !file.starts_with(".syncmgr-kept"));
    files
}

#[test]
fn files_are_copied_counted_and_what_is_replaced_is_kept() {
    let Some(machine) = folders() else { return };
    machine.write("Photos/new.jpg", "new");
    machine.write("Photos/sub/changed.jpg", "changed now");
    machine.write("Photos/odd \n\u{1b}name", "x");
    machine.write("Backup/sub/changed.jpg", "before");
    machine.write("Backup/only here.txt", "stays");
    let it = copy(&[]);
    let summary = machine.sync(&it).succeeded();
    let done = summary.done.right;
    assert_eq!((done.n_copied, done.n_updated, done.n_deleted), (2, 1, 0));
    assert_eq!(done.bytes, 3 + 11 + 1);
    assert_eq!(machine.read("Backup/sub/changed.jpg"), "changed now");
    assert_eq!(
        machine.read("Backup/.syncmgr-kept/20261130-120000000-0001/sub/changed.jpg"),
        "before"
    );
    assert_eq!(
        target(&machine),
        [
            "new.jpg",
            "odd \n\u{1b}name",
            "only here.txt",
            "sub/changed.jpg"
        ]
    );
    // Nothing to do is nothing done.
    let summary = machine.sync(&it).succeeded();
    assert_eq!(summary.done.right.bytes, 0);
}

#[test]
fn a_preview_names_every_change_and_makes_none() {
    let Some(machine) = folders() else { return };
    machine.write("Photos/sub/new\n.jpg", "new");
    machine.write("Photos/changed.jpg", "changed now");
    machine.write("Backup/changed.jpg", "before");
    machine.write("Backup/gone.jpg", "gone");
    let ran = machine.preview(&copy(&[("delete", "yes")]));
    ran.succeeded();
    let preview = ran.told.preview.unwrap();
    let changes: Vec<_> = preview
        .changes
        .iter()
        .map(|it| (it.action, std::str::from_utf8(&it.path).unwrap(), it.bytes))
        .collect();
    assert_eq!(
        changes,
        [
            (Action::Update, "changed.jpg", 11),
            (Action::Delete, "gone.jpg", 0),
            (Action::MakeFolder, "sub", 0),
            (Action::Copy, "sub/new\n.jpg", 3),
        ]
    );
    assert_eq!(preview.held_id, None);
    assert_eq!(machine.files("Backup"), ["changed.jpg", "gone.jpg"]);
    assert_eq!(machine.read("Backup/changed.jpg"), "before");
}

#[test]
fn deletions_happen_only_when_chosen_and_are_kept() {
    let Some(machine) = folders() else { return };
    machine.write("Photos/a.jpg", "a");
    machine.write("Backup/old/gone.jpg", "gone");
    machine.sync(&copy(&[])).succeeded();
    assert_eq!(target(&machine), ["a.jpg", "old/gone.jpg"]);
    let summary = machine.sync(&copy(&[("delete", "yes")])).succeeded();
    let done = summary.done.right;
    assert_eq!((done.n_deleted, done.n_folders_removed), (1, 1));
    assert_eq!(target(&machine), ["a.jpg"]);
    let kept = "Backup/.syncmgr-kept/20261130-120000000-0001/old/gone.jpg";
    assert_eq!(machine.read(kept), "gone");
    // What is kept is not deleted by the next run, and not copied back by one the other way round.
    machine.sync(&copy(&[("delete", "yes")])).succeeded();
    assert_eq!(machine.read(kept), "gone");
}

#[test]
fn too_many_deletions_wait_while_the_rest_is_copied() {
    let Some(machine) = folders() else { return };
    machine.write("Photos/new.jpg", "new");
    for n in 0..5 {
        machine.write(&format!("Backup/{n}.jpg"), "x");
    }
    let mut it = copy(&[("delete", "yes")]);
    it.settings.set("max_delete", Value::Number(4));
    let ran = machine.sync(&it);
    assert_eq!(ran.succeeded().n_held, 5);
    let held = ran.said(Code::TooManyDeletions).clone();
    assert_eq!((held.number("n_deletions"), held.paths.len()), (5, 5));
    assert_eq!(held.number("n_files"), 5);
    assert_eq!(target(&machine).len(), 6);

    let preview = machine.preview(&it).told.preview.unwrap();
    assert_eq!(preview.held_id.as_deref(), Some(held.param("plan")));
    assert!(
        preview
            .changes
            .iter()
            .all(|it| it.is_held == (it.action == Action::Delete))
    );

    // What was allowed is what was shown, and nothing else.
    let changed = machine.release(&it, "00000000");
    assert_eq!(
        changed.failed_with(Code::PlanChanged).param("now"),
        held.param("plan")
    );
    machine.write("Backup/another.jpg", "x");
    machine
        .release(&it, held.param("plan"))
        .failed_with(Code::PlanChanged);
    assert_eq!(target(&machine).len(), 7);
    std::fs::remove_file(machine.home().join("Backup/another.jpg")).unwrap();
    let summary = machine.release(&it, held.param("plan")).succeeded();
    assert_eq!((summary.done.right.n_deleted, summary.n_held), (5, 0));
    assert_eq!(target(&machine), ["new.jpg"]);
}

#[test]
fn an_empty_source_deletes_nothing_unasked() {
    let Some(machine) = folders() else { return };
    machine.write("Backup/a.jpg", "a");
    let ran = machine.sync(&copy(&[("delete", "yes")]));
    assert_eq!(ran.succeeded().n_held, 1);
    ran.said(Code::TooManyDeletions);
    assert_eq!(target(&machine), ["a.jpg"]);
}

#[test]
fn a_folder_that_is_not_there_is_a_disk_that_is_not_mounted() {
    let Some(machine) = folders() else { return };
    machine.write("Photos/a.jpg", "a");
    for (key, folder) in [("source", "~/Gone"), ("target", "~/Gone")] {
        let ran = machine.sync(&copy(&[(key, folder)]));
        let trouble = ran.failed_with(Code::FolderMissing);
        assert_eq!(trouble.param("folder"), "~/Gone");
    }
    assert!(!machine.home().join("Gone").exists());
}

#[test]
fn files_that_cannot_be_read_are_named_and_nothing_is_deleted_because_of_them() {
    let Some(machine) = folders() else { return };
    if rustix::process::geteuid().is_root() {
        // Root may read everything; a folder in the way of a file fails for everybody.
        machine.write("Photos/thing", "a file");
        machine.write("Photos/fine.jpg", "fine");
        machine.write("Backup/thing/inside", "in the way");
        let ran = machine.sync(&copy(&[]));
        assert_eq!(ran.succeeded().n_failures, 1);
        let said = ran.said(Code::ReadWriteFailed);
        assert!(said.paths[0].ends_with("thing"), "{said:?}");
        assert_eq!(machine.read("Backup/thing/inside"), "in the way");
    } else {
        let secret = machine.write("Photos/secret.jpg", "secret");
        machine.write("Photos/fine.jpg", "fine");
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
        let ran = machine.sync(&copy(&[]));
        assert_eq!(ran.succeeded().n_failures, 1);
        assert!(ran.said(Code::PermissionDenied).paths[0].ends_with("secret.jpg"));
    }
    assert_eq!(machine.read("Backup/fine.jpg"), "fine");
}

#[test]
fn progress_is_seen_and_a_stop_leaves_whole_files_only() {
    let Some(machine) = folders() else { return };
    for n in 0..6 {
        machine.write(&format!("Photos/{n}.bin"), vec![n; 4_000_000]);
    }
    let it = copy(&[("bandwidth", "8000000")]);
    let ran = machine.sync_and_stop(&it, |at| at.bytes_done > 6_000_000);
    ran.was_stopped();
    ran.progress_grew();
    let copied = target(&machine);
    assert!(!copied.is_empty() && copied.len() < 6, "{copied:?}");
    for name in &copied {
        let bytes = std::fs::read(machine.home().join("Backup").join(name)).unwrap();
        assert_eq!(bytes.len(), 4_000_000, "{name}");
    }
    machine.sync(&copy(&[])).succeeded();
    assert_eq!(target(&machine).len(), 6);
}

#[test]
fn a_real_server_and_one_that_is_down() {
    let Some(machine) = folders() else { return };
    let Some(rsync) = have("rsync") else { return };
    let module = machine.dir("Module");
    machine.write("secrets", "me:hunter22\n");
    std::fs::set_permissions(
        machine.home().join("secrets"),
        std::fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    let config = format!(
        "use chroot = no\nuid = {uid}\ngid = {gid}\n[open]\npath = {path}\nread only = no\n\
         [closed]\npath = {path}\nread only = no\nauth users = me\nsecrets file = {home}/secrets\n",
        uid = rustix::process::getuid().as_raw(),
        gid = rustix::process::getgid().as_raw(),
        path = module.display(),
        home = machine.home().display(),
    );
    let config = machine.write("rsyncd.conf", config);
    let server = Server::start(
        &rsync,
        |port| {
            let config = format!("--config={}", config.display());
            let port = format!("--port={port}");
            [
                "--daemon",
                "--no-detach",
                "--address=127.0.0.1",
                &port,
                &config,
            ]
            .map(str::to_owned)
            .to_vec()
        },
        &[],
    );
    machine.write("Photos/a.jpg", "a");
    let url = |module: &str| format!("rsync://127.0.0.1:{}/{module}", server.port);
    machine.sync(&copy(&[("target", &url("open"))])).succeeded();
    assert_eq!(machine.read("Module/a.jpg"), "a");
    machine.sync(&copy(&[("source", &url("open"))])).succeeded();
    assert_eq!(machine.read("Backup/a.jpg"), "a");

    let ran = machine.sync(&copy(&[("target", &url("closed"))]));
    ran.failed_with(Code::SignInNeeded);
    let ran = machine.sync(&copy(&[("target", &url("missing"))]));
    let trouble = ran.failed_with(Code::ToolFailed);
    assert!(
        trouble.param("output").contains("Unknown module"),
        "{trouble:?}"
    );

    let nobody = format!("rsync://127.0.0.1:{}/x", free_port());
    let ran = machine.sync(&copy(&[("target", &nobody)]));
    ran.failed_with(Code::Disconnected);
    let ssh = format!("ssh -p {} -o BatchMode=yes", free_port());
    if have("ssh").is_some() {
        let ran = machine.sync(&copy(&[("target", "127.0.0.1:/x"), ("ssh", &ssh)]));
        ran.failed_with(Code::Disconnected);
    }
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let machine = Machine::new();
    let handler = machine.handler("rsync", &[]);
    let check = |settings: &[(&str, &str)], key: &str| {
        let trouble = handler.check(&copy(settings)).unwrap_err();
        assert_eq!(
            (trouble.code, trouble.param("key")),
            (Code::SettingUnusable, key)
        );
    };
    check(&[("source", "relative")], "source");
    check(&[("source", "-oProxyCommand=x:/")], "source");
    check(&[("source", "a:/x"), ("target", "b:/x")], "target");
    check(&[("target", "~/Photos")], "target");
    check(&[("target", "~/Photos/inside")], "target");
    let mut it = copy(&[]);
    list(&mut it, "options", &["--delete-after"]);
    assert_eq!(handler.check(&it).unwrap_err().param("key"), "options");
}

#[test]
fn without_the_program_nothing_is_started() {
    let mut machine = Machine::new();
    machine.set_env("PATH", "/nowhere");
    machine.dir("Photos");
    machine.dir("Backup");
    let ran = machine.sync(&copy(&[]));
    assert_eq!(ran.failed_with(Code::ToolMissing).param("package"), "rsync");
    let handler = machine.handler("rsync", &[]);
    let info = handler.handler_info().unwrap();
    assert_eq!(info.is_active(), Ok(false));
    assert!(info.comment().unwrap().contains("not installed"));
    let handler = machine.handler("rsync", &[copy(&[])]);
    assert_eq!(handler.handler_info().unwrap().is_active(), Ok(true));
}

#[test]
fn an_item_says_where_it_copies_to() {
    let machine = Machine::new();
    let shown = machine.shown(&copy(&[("target", "nas:photos")]));
    let comment = shown.item_info().unwrap().comment().unwrap();
    assert_eq!(comment, "~/Photos -> nas:photos");
    assert_eq!(shown.paths(), [machine.home().join("Photos")]);
}
