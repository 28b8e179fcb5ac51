//! The handler `git`, with the real program, over files, over a real ssh server and over a real
//! `git daemon`.

use std::fs;
use std::path::Path;
use std::process::Command;

use syncmgr_model::item::Item;
use syncmgr_model::request::Choice;
use syncmgr_model::resolution::Abilities;
use syncmgr_model::side::Side;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::ConflictFilter;

use crate::harness::{Machine, Ran, have, item, list};
use crate::server::Server;
use crate::sshd::Sshd;

/// Runs git as a person does.
#[track_caller]
fn git(machine: &Machine, dir: &str, args: &[&str]) -> String {
    let ran = Command::new(have("git").unwrap())
        .args(["-c", "user.name=Anna", "-c", "user.email=anna@example.org"])
        .args([
            "-c",
            "init.defaultBranch=main",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(args)
        .current_dir(machine.dir(dir))
        .env("HOME", machine.home())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

#[track_caller]
fn commit(machine: &Machine, dir: &str, file: &str, text: &str) {
    machine.write(&format!("{dir}/{file}"), text);
    git(machine, dir, &["add", "--all"]);
    git(
        machine,
        dir,
        &["commit", "-qm", &format!("{text} in {file}")],
    );
}

/// A bare repository with one commit, and a clone of it in `src`.
fn clone(machine: &Machine, name: &str) {
    let bare = format!("bare/{name}.git");
    machine.dir(&bare);
    git(machine, &bare, &["init", "-q", "--bare", "."]);
    let url = format!("file://{}/{bare}", machine.home().display());
    let other = format!("other/{name}");
    machine.dir("other");
    git(machine, "other", &["clone", "-q", &url, name]);
    commit(machine, &other, "a", "first");
    git(machine, &other, &["push", "-q", "origin", "main"]);
    machine.dir("src");
    git(machine, "src", &["clone", "-q", &url, name]);
}

/// Somebody else pushes a commit.
fn elsewhere(machine: &Machine, name: &str, file: &str, text: &str) {
    let other = format!("other/{name}");
    commit(machine, &other, file, text);
    git(machine, &other, &["push", "-q", "origin", "main"]);
}

fn machine() -> Option<(Machine, Item)> {
    have("git")?;
    Some((Machine::new(), item("git", "code", &[("folder", "~/src")])))
}

#[track_caller]
fn said<'a>(ran: &'a Ran, words: &str) -> &'a Trouble {
    let found = ran
        .told
        .troubles
        .iter()
        .find(|it| it.param("name").contains(words));
    found.unwrap_or_else(|| panic!("{words}: {:?}", ran.told.troubles))
}

#[test]
fn clones_are_brought_forward_and_pushed_when_chosen() {
    let Some((machine, mut it)) = machine() else {
        return;
    };
    for name in ["one", "two", "three"] {
        clone(&machine, name);
    }
    elsewhere(&machine, "one", "a", "second");
    commit(&machine, "src/two", "b", "mine");
    let ran = machine.sync(&it);
    let summary = ran.succeeded();
    assert_eq!(
        (summary.done.left.n_updated, summary.done.right.n_updated),
        (1, 0)
    );
    assert_eq!(machine.read("src/one/a"), "second");
    assert_eq!(said(&ran, "only this machine").paths, ["two"]);
    ran.progress_grew();
    it.settings
        .set("push", syncmgr_model::item::Value::Text("yes".to_owned()));
    let preview = machine.preview(&it);
    let changes = &preview.told.preview.as_ref().unwrap().changes;
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].path.as_slice(), changes[0].side),
        (&b"two"[..], Side::Right)
    );
    assert_eq!(machine.sync(&it).succeeded().done.right.n_updated, 1);
    git(&machine, "other/two", &["pull", "-q"]);
    assert_eq!(machine.read("other/two/b"), "mine");
    assert_eq!(machine.sync(&it).succeeded().done, Default::default());
}

#[test]
fn clones_that_cannot_go_forward_are_left_alone_and_named() {
    let Some((machine, it)) = machine() else {
        return;
    };
    for name in ["dirty", "detached", "local", "gone"] {
        clone(&machine, name);
        elsewhere(&machine, name, "a", "second");
    }
    machine.write("src/dirty/a", "not committed");
    git(&machine, "src/detached", &["checkout", "-q", "--detach"]);
    git(&machine, "src/local", &["checkout", "-q", "-b", "mine"]);
    git(&machine, "src/gone", &["checkout", "-q", "-b", "topic"]);
    git(
        &machine,
        "src/gone",
        &["push", "-q", "-u", "origin", "topic"],
    );
    git(&machine, "src/gone", &["push", "-q", "origin", ":topic"]);
    git(&machine, "src", &["init", "-q", "alone"]);
    let ran = machine.sync(&it);
    assert_eq!(ran.succeeded().n_warnings, 1);
    for (words, name) in [
        ("not committed", "dirty"),
        ("without a branch", "detached"),
        ("follows none", "local"),
        ("is gone", "gone"),
        ("without a remote", "alone"),
    ] {
        assert_eq!(said(&ran, words).paths, [name]);
    }
    assert_eq!(machine.read("src/dirty/a"), "not committed");
}

#[test]
fn a_clone_that_has_parted_is_a_conflict_that_nothing_decides() {
    let Some((machine, it)) = machine() else {
        return;
    };
    clone(&machine, "one");
    elsewhere(&machine, "one", "a", "theirs");
    commit(&machine, "src/one", "b", "mine");
    let head = git(&machine, "src/one", &["rev-parse", "HEAD"]);
    assert_eq!(machine.sync(&it).succeeded().n_conflicts, 1);
    let handler = machine.handler("git", std::slice::from_ref(&it));
    let store = handler.conflicts().unwrap();
    let views = store.enumerate(&ConflictFilter::default()).unwrap();
    let card = views[0].card(&it.handler);
    assert_eq!(
        (card.kind.as_str(), card.name.as_str()),
        ("diverged", "one")
    );
    assert_eq!(
        card.description,
        "diverged: 1 commit on main here (mine in b), 1 commit on origin/main (theirs in a); \
         in ~/src/one, run `git merge` or `git rebase`, then sync again"
    );
    // Nothing is offered: no content to keep, and no other way.
    assert_eq!(views[0].contents(), Ok(Vec::new()));
    assert_eq!(views[0].resolution().abilities(), Ok(Abilities::empty()));
    let id = store.list(&it).unwrap()[0].id.clone();
    let ran = machine.resolve(&it, &[(&id, Choice::Keep(Side::Left))]);
    ran.failed_with(Code::NotPossible);
    assert_eq!(git(&machine, "src/one", &["rev-parse", "HEAD"]), head);
    // A person merges it.
    git(
        &machine,
        "src/one",
        &["merge", "-q", "--no-edit", "origin/main"],
    );
    assert_eq!(machine.sync(&it).succeeded().n_conflicts, 0);
    assert_eq!(machine.read("src/one/b"), "mine");
}

#[test]
fn programs_that_a_repository_names_do_not_run_unless_chosen() {
    let Some((machine, mut it)) = machine() else {
        return;
    };
    clone(&machine, "hooked");
    clone(&machine, "filtered");
    let proof = machine.home().join("it ran");
    let script = format!("#!/bin/sh\ntouch '{}'\n", proof.display());
    let hook = machine.write("src/hooked/.git/hooks/post-merge", script);
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    git(
        &machine,
        "src/filtered",
        &["config", "filter.x.smudge", "touch /tmp/never"],
    );
    elsewhere(&machine, "hooked", "a", "second");
    let ran = machine.sync(&it);
    assert_eq!(ran.succeeded().n_failures, 1);
    assert!(
        ran.said(Code::NotPossible)
            .param("detail")
            .contains("filter.x.smudge")
    );
    assert_eq!(machine.read("src/hooked/a"), "second");
    assert!(!proof.exists());
    it.settings
        .set("hooks", syncmgr_model::item::Value::Text("yes".to_owned()));
    elsewhere(&machine, "hooked", "a", "third");
    assert_eq!(machine.sync(&it).succeeded().n_failures, 0);
    assert!(proof.exists());
}

#[test]
fn what_is_missing_is_named() {
    let Some((machine, it)) = machine() else {
        return;
    };
    machine.sync(&it).failed_with(Code::FolderMissing);
    machine.dir("src/empty");
    machine.sync(&it).failed_with(Code::NotFound);
    clone(&machine, "one");
    clone(&machine, "two");
    fs::rename(
        machine.home().join("bare/one.git"),
        machine.home().join("bare/away"),
    )
    .unwrap();
    elsewhere(&machine, "two", "a", "second");
    let ran = machine.sync(&it);
    assert_eq!(ran.succeeded().n_failures, 1);
    assert_eq!(ran.said(Code::ToolFailed).paths, ["one"]);
    assert_eq!(machine.read("src/two/a"), "second", "the others are synced");
    machine.write("src/two/.git/index.lock", "");
    elsewhere(&machine, "two", "a", "third");
    let ran = machine.sync(&it);
    assert_eq!(ran.told.troubles.len(), 2, "{:?}", ran.told.troubles);
    ran.said(Code::RepairNeeded);
    assert!(machine.home().join("src/two/.git/index.lock").exists());
    let none = item("git", "none", &[]);
    machine.sync(&none).failed_with(Code::SettingUnusable);
}

#[test]
fn servers_that_are_away_or_do_not_let_us_in_are_named() {
    let Some((machine, mut it)) = machine() else {
        return;
    };
    let Some(sshd) = Sshd::start(&machine, &[]) else {
        return;
    };
    clone(&machine, "one");
    machine.write(
        ".gitconfig",
        format!(
            "[core]\n\tsshCommand = ssh -F {}\n",
            sshd.client_config().display()
        ),
    );
    let bare = machine.home().join("bare/one.git");
    let url = format!("ssh://127.0.0.1{}", bare.display());
    git(&machine, "src/one", &["remote", "set-url", "origin", &url]);
    elsewhere(&machine, "one", "a", "second");
    assert_eq!(machine.sync(&it).succeeded().done.left.n_updated, 1);
    assert_eq!(machine.read("src/one/a"), "second");
    sshd.write_config("stranger");
    machine.sync(&it).failed_with(Code::SignInNeeded);
    sshd.write_config("user");
    drop(sshd);
    let ran = machine.sync(&it);
    assert_eq!(
        ran.failed_with(Code::Disconnected).param("name"),
        "127.0.0.1"
    );

    // Over the protocol of its own.
    let base = machine.home().join("bare");
    let program = Path::new(&git(&machine, "src", &["--exec-path"])).join("git-daemon");
    let daemon = |port: u16| {
        let words = ["--export-all", "--listen=127.0.0.1"];
        let mut words: Vec<_> = words.iter().map(|it| (*it).to_owned()).collect();
        words.push(format!("--port={port}"));
        words.push(format!("--base-path={}", base.display()));
        words
    };
    let home = machine.home().display().to_string();
    let server = Server::start(
        &program,
        daemon,
        &[
            ("HOME", &home),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "safe.directory"),
            ("GIT_CONFIG_VALUE_0", "*"),
        ],
    );
    let url = format!("git://127.0.0.1:{}/one.git", server.port);
    git(&machine, "src/one", &["remote", "set-url", "origin", &url]);
    elsewhere(&machine, "one", "a", "third");
    let mut it2 = item("git", "single", &[]);
    list(&mut it2, "clones", &["~/src/one"]);
    it = it2;
    assert_eq!(machine.sync(&it).succeeded().done.left.n_updated, 1);
    drop(server);
    let ran = machine.sync(&it);
    assert!(
        ran.failed_with(Code::Disconnected)
            .param("name")
            .starts_with("127.0.0.1")
    );
}

#[test]
fn a_run_that_is_stopped_leaves_clones_whole() {
    let Some((machine, it)) = machine() else {
        return;
    };
    // A server that takes a connection and never says a word.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("git://{}/x.git", silent.local_addr().unwrap());
    for name in ["a", "b"] {
        clone(&machine, name);
        git(
            &machine,
            &format!("src/{name}"),
            &["remote", "set-url", "origin", &url],
        );
    }
    machine
        .sync_and_stop(&it, |at| at.n_total == Some(2))
        .was_stopped();
    for name in ["a", "b"] {
        assert_eq!(
            git(&machine, &format!("src/{name}"), &["status", "--porcelain"]),
            ""
        );
        assert!(!has_lock(
            &machine.home().join("src").join(name).join(".git")
        ));
    }
}

fn has_lock(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().flatten().any(|entry| {
        let is_lock = entry.file_name().to_string_lossy().ends_with(".lock");
        is_lock || entry.file_type().unwrap().is_dir() && has_lock(&entry.path())
    })
}

#[test]
fn folders_of_clones_are_found() {
    let Some((machine, _)) = machine() else {
        return;
    };
    machine.dir("code/empty");
    clone(&machine, "one");
    clone(&machine, "two");
    let found = machine.handler("git", &[]).discover().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].name.as_str(), found[0].summary.as_str()),
        ("git-src", "2 clones in ~/src")
    );
    assert_eq!(found[0].settings.text("folder"), Some("~/src"));
}
