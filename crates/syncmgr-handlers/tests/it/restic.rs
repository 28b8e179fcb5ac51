//! restic with a repository on this machine, and behind a real server.

use std::process::Command;

use syncmgr_model::item::{Item, Value};
use syncmgr_model::preview::Action;
use syncmgr_model::trouble::Code;

use crate::harness::{Machine, have, item, list};
use crate::server::{Server, free_port};

const PASSWORD: &str = "hunter22";

fn backup(settings: &[(&str, &str)]) -> Item {
    let mut all = vec![("repository", "~/Repo"), ("password", PASSWORD)];
    all.retain(|(key, _)| settings.iter().all(|(other, _)| other != key));
    all.extend(settings.iter().filter(|(_, value)| !value.is_empty()));
    let mut it = item("restic", "docs", &all);
    list(&mut it, "folders", &["~/Documents"]);
    it
}

/// Calls restic as its owner would.
fn by_hand(machine: &Machine, repository: &str, words: &[&str]) -> String {
    let file = machine.write("password", PASSWORD);
    let out = Command::new(have("restic").unwrap())
        .args(["--repo", repository, "--password-file"])
        .arg(file)
        .args(words)
        .env("HOME", machine.home())
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    String::from_utf8(out.stdout).unwrap()
}

fn repository() -> Option<Machine> {
    have("restic")?;
    let machine = Machine::new();
    let repo = machine.home().join("Repo");
    by_hand(&machine, repo.to_str().unwrap(), &["init"]);
    machine.write("Documents/sub/a.txt", "a");
    machine.write("Documents/b.txt", "bb");
    Some(machine)
}

fn comment(machine: &Machine, it: &Item) -> String {
    machine.shown(it).item_info().unwrap().comment().unwrap()
}

#[test]
fn a_backup_is_made_counted_and_can_be_read_back() {
    let Some(machine) = repository() else { return };
    let it = backup(&[]);
    assert_eq!(comment(&machine, &it), "~/Documents -> ~/Repo");
    let preview = machine.preview(&it).told.preview.unwrap();
    let named = |name: &str| {
        preview
            .changes
            .iter()
            .any(|it| it.action == Action::Copy && it.path.ends_with(name.as_bytes()))
    };
    assert!(
        named("Documents/sub/a.txt") && named("Documents/b.txt"),
        "{preview:?}"
    );
    let repo = machine.home().join("Repo").display().to_string();
    assert!(!by_hand(&machine, &repo, &["snapshots"]).contains("Documents"));

    let done = machine.sync(&it).succeeded().done.right;
    assert_eq!((done.n_copied, done.n_updated), (2, 0));
    assert_eq!(comment(&machine, &it), "~/Documents -> ~/Repo (1 snapshot)");
    machine.write("Documents/b.txt", "another");
    assert_eq!(machine.sync(&it).succeeded().done.right.n_updated, 1);
    assert_eq!(
        comment(&machine, &it),
        "~/Documents -> ~/Repo (2 snapshots)"
    );
    let to = machine.dir("Restored");
    by_hand(
        &machine,
        &repo,
        &["restore", "latest", "--target", to.to_str().unwrap()],
    );
    let file = to.join(
        machine
            .home()
            .join("Documents/b.txt")
            .strip_prefix("/")
            .unwrap(),
    );
    assert_eq!(std::fs::read_to_string(file).unwrap(), "another");
}

#[test]
fn snapshots_are_forgotten_only_when_chosen() {
    let Some(machine) = repository() else { return };
    let mut it = backup(&[]);
    for n in 0..3 {
        machine.write("Documents/b.txt", format!("{n}"));
        machine.sync(&it).succeeded();
    }
    assert_eq!(
        comment(&machine, &it),
        "~/Documents -> ~/Repo (3 snapshots)"
    );
    it.settings.set("keep_last", Value::Number(2));
    it.settings.set("prune", Value::Text("yes".to_owned()));
    // Snapshots of other folders stay, whatever is kept of these.
    let other = machine.dir("Other");
    let repo = machine.home().join("Repo").display().to_string();
    by_hand(&machine, &repo, &["backup", other.to_str().unwrap()]);
    machine.sync(&it).succeeded();
    assert_eq!(
        comment(&machine, &it),
        "~/Documents -> ~/Repo (3 snapshots)"
    );
    assert!(by_hand(&machine, &repo, &["snapshots"]).contains("Other"));
}

#[test]
fn nobody_can_read_the_password_while_it_works() {
    let Some(mut machine) = repository() else {
        return;
    };
    // Stands in for restic and notes what everybody can see of it, then becomes it.
    let restic = have("restic").unwrap();
    let script = format!(
        "#!/bin/sh\n{{ tr '\\0' ' ' </proc/$$/cmdline; env; stat -c '%a %n' \"$RESTIC_PASSWORD_FILE\" \"$RESTIC_REPOSITORY_FILE\"; }} >>\"$HOME/seen\"\nexec {} \"$@\"\n",
        restic.display()
    );
    let wrapper = machine.write("wrapper", script);
    std::fs::set_permissions(
        &wrapper,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let it = backup(&[("program", "~/wrapper")]);
    machine.sync(&it).succeeded();
    let seen = machine.read("seen");
    assert!(!seen.contains(PASSWORD), "{seen}");
    let private = seen.lines().filter(|line| line.starts_with("600 ")).count();
    assert!(
        private >= 2 && seen.lines().all(|line| !line.starts_with("644 ")),
        "{seen}"
    );
    let left: Vec<_> = std::fs::read_dir(machine.state(&it))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("password") || name.starts_with("repository"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    machine.set_env("RESTIC_PASSWORD", "of somebody else");
    machine.sync(&backup(&[])).succeeded();
}

#[test]
fn passwords_that_are_missing_or_wrong() {
    let Some(machine) = repository() else { return };
    let ran = machine.sync(&backup(&[("password", "")]));
    assert_eq!(
        ran.failed_with(Code::SecretMissing).param("key"),
        "password"
    );
    let ran = machine.sync(&backup(&[("password", "guessed-wrong")]));
    let trouble = ran.failed_with(Code::ToolFailed);
    assert!(
        trouble.param("detail").contains("does not open ~/Repo"),
        "{trouble:?}"
    );
    assert!(
        trouble
            .param("advice")
            .contains("syncmgr secret set docs password")
    );
    machine.write("pw", PASSWORD);
    let it = backup(&[("password", ""), ("password_file", "~/pw")]);
    machine.sync(&it).succeeded();
    let it = backup(&[("password", ""), ("password_file", "~/nothing")]);
    machine.sync(&it).failed_with(Code::NotFound);
}

#[test]
fn repositories_and_folders_that_are_not_there() {
    let Some(machine) = repository() else { return };
    let ran = machine.sync(&backup(&[("repository", "~/Gone")]));
    assert_eq!(
        ran.failed_with(Code::FolderMissing).param("folder"),
        "~/Gone"
    );
    machine.dir("Empty");
    let ran = machine.sync(&backup(&[("repository", "~/Empty")]));
    let trouble = ran.failed_with(Code::ToolFailed);
    assert!(
        trouble.param("advice").contains("restic init"),
        "{trouble:?}"
    );
    let address = format!("rest:http://me:{PASSWORD}@127.0.0.1:{}/", free_port());
    let ran = machine.sync(&backup(&[("repository", &address)]));
    let trouble = ran.failed_with(Code::Disconnected);
    assert!(!format!("{trouble:?}").contains(PASSWORD), "{trouble:?}");
    let mut it = backup(&[]);
    list(&mut it, "folders", &["~/Documents", "~/Unmounted"]);
    assert_eq!(
        machine
            .sync(&it)
            .failed_with(Code::FolderMissing)
            .param("folder"),
        "~/Unmounted"
    );
}

#[test]
fn a_real_server_with_progress_and_a_stop() {
    let Some(machine) = repository() else { return };
    let Some(rclone) = have("rclone") else { return };
    let served = machine.dir("Served").display().to_string();
    let server = Server::start(
        &rclone,
        |port| {
            [
                "serve",
                "restic",
                &served,
                &format!("--addr=127.0.0.1:{port}"),
            ]
            .map(str::to_owned)
            .to_vec()
        },
        &[("RCLONE_CONFIG", "/dev/null")],
    );
    let address = format!("rest:http://127.0.0.1:{}/", server.port);
    by_hand(&machine, &address, &["init"]);
    // Far more than restic keeps in memory for a slow line, so that the line sets the pace.
    let mut seed = 1u32;
    for n in 0..40 {
        let bytes: Vec<u8> = (0..2_000_000)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        machine.write(&format!("Documents/{n}.bin"), bytes);
    }
    let it = backup(&[("repository", &address), ("bandwidth", "8000000")]);
    let ran = machine.sync_and_stop(&it, |at| at.bytes_done > 60_000_000);
    ran.was_stopped();
    ran.progress_grew();
    let ran = machine.sync(&backup(&[("repository", &address)]));
    ran.succeeded();
    by_hand(&machine, &address, &["check"]);
    drop(server);
    machine.sync(&it).failed_with(Code::Disconnected);
}

#[test]
fn a_check_sees_damage() {
    let Some(machine) = repository() else { return };
    machine.sync(&backup(&[])).succeeded();
    let mut it = backup(&[("mode", "check"), ("check_data", "100%")]);
    it.settings.0.remove("folders");
    machine.sync(&it).succeeded();
    assert_eq!(comment(&machine, &it), "check of ~/Repo (1 snapshot)");
    let data = machine.home().join("Repo/data");
    let pack = machine.files("Repo/data").remove(0);
    let pack = data.join(pack);
    let len = std::fs::metadata(&pack).unwrap().len();
    std::fs::set_permissions(&pack, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(&pack, vec![0; usize::try_from(len).unwrap()]).unwrap();
    let ran = machine.sync(&it);
    let trouble = ran.failed_with(Code::RepairNeeded);
    assert!(
        trouble.param("detail").contains("errors in ~/Repo"),
        "{trouble:?}"
    );
}

#[test]
fn a_lock_of_another_run_is_named() {
    let Some(machine) = repository() else { return };
    machine.sync(&backup(&[])).succeeded();
    let repo = machine.home().join("Repo");
    // Holds an exclusive lock until it is ended: a check that is stopped in the middle.
    let mut it = backup(&[("mode", "check")]);
    it.settings.0.remove("folders");
    let mut other = Command::new(have("restic").unwrap())
        .args([
            "--repo",
            repo.to_str().unwrap(),
            "--password-command",
            "echo hunter22",
            "check",
            "--read-data",
        ])
        .env("HOME", machine.home())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let locks = repo.join("locks");
    let pid = rustix::process::Pid::from_child(&other);
    // Under its last name, which has no `-tmp-` in it.
    let is_locked = || {
        let mut entries = std::fs::read_dir(&locks).unwrap();
        entries.any(|entry| entry.unwrap().file_name().len() == 64)
    };
    while !is_locked() {
        assert_eq!(
            other.try_wait().unwrap(),
            None,
            "it ended before it could be stopped"
        );
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let ran = machine.sync(&it);
    let busy = ran.failed_with(Code::Busy);
    assert_eq!(busy.param("pid"), other.id().to_string());
    other.kill().unwrap();
    other.wait().unwrap();
    let ran = machine.sync(&it);
    let trouble = ran.failed_with(Code::RepairNeeded);
    assert!(
        trouble.param("advice").contains("restic unlock"),
        "{trouble:?}"
    );
    by_hand(&machine, repo.to_str().unwrap(), &["unlock"]);
    machine.sync(&it).succeeded();
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let machine = Machine::new();
    let handler = machine.handler("restic", &[]);
    let check = |it: &Item, key: &str| {
        let trouble = handler.check(it).unwrap_err();
        assert_eq!(
            (trouble.code, trouble.param("key")),
            (Code::SettingUnusable, key)
        );
    };
    check(&backup(&[("repository", "relative")]), "repository");
    check(&backup(&[("check_data", "all of it")]), "check_data");
    let mut it = backup(&[]);
    list(&mut it, "folders", &[]);
    check(&it, "folders");
    list(&mut it, "folders", &["~/Documents"]);
    list(&mut it, "options", &["--password-command=x"]);
    check(&it, "options");
}
