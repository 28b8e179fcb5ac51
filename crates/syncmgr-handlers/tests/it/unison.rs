//! The handler `unison`, with the real program: two local folders, and one behind a real ssh server.

use std::fs;
use std::path::Path;

use syncmgr_model::conflict::{Conflict, Facts};
use syncmgr_model::item::Item;
use syncmgr_model::preview::Action;
use syncmgr_model::request::Choice;
use syncmgr_model::resolution::Abilities;
use syncmgr_model::side::Side;
use syncmgr_model::trouble::Code;
use syncmgr_sdk::ConflictFilter;

use crate::harness::{Machine, have, item};
use crate::sshd::Sshd;

fn machine() -> Option<(Machine, Item)> {
    have("unison")?;
    let machine = Machine::new();
    machine.dir("a");
    machine.dir("b");
    let roots = format!("root = {0}/a\nroot = {0}/b\n", machine.home().display());
    machine.write(".unison/docs.prf", roots);
    Some((machine, item("unison", "docs", &[("profile", "docs")])))
}

fn conflicts(machine: &Machine, it: &Item) -> Vec<Conflict> {
    let handler = machine.handler("unison", std::slice::from_ref(it));
    handler.conflicts().unwrap().list(it).unwrap()
}

/// Both sides change `notes/a.txt` after they agreed.
fn disagree(machine: &Machine, it: &Item) -> String {
    machine.write("a/notes/a.txt", "agreed\n");
    machine.sync(it).succeeded();
    machine.write("a/notes/a.txt", "left\n");
    machine.write("b/notes/a.txt", "right, and longer\n");
    machine.write("a/fine.txt", "fine\n");
    let earlier = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    let left = fs::File::options()
        .write(true)
        .open(machine.home().join("a/notes/a.txt"));
    left.unwrap().set_modified(earlier).unwrap();
    let summary = machine.sync(it).succeeded();
    assert_eq!(summary.n_conflicts, 1);
    assert_eq!(machine.read("b/fine.txt"), "fine\n", "the rest is synced");
    let found = conflicts(machine, it);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path, b"notes/a.txt");
    for (side, size) in [(Side::Left, 5), (Side::Right, 18)] {
        let facts = found[0].sides[side];
        assert!(
            matches!(facts, Facts::Present { size: it, .. } if it == size),
            "{facts:?}"
        );
    }
    found[0].id.clone()
}

fn kept(machine: &Machine, it: &Item) -> Vec<String> {
    fn walk(dir: &Path, texts: &mut Vec<String>) {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                walk(&entry.path(), texts);
            } else {
                texts.push(fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    let mut texts = Vec::new();
    walk(&machine.state(it).join("kept"), &mut texts);
    texts
}

#[test]
fn a_profile_is_synced_and_counted() {
    let Some((machine, it)) = machine() else {
        return;
    };
    for n in 0..40 {
        machine.write(&format!("a/new/{n}"), vec![b'x'; 100_000]);
        machine.write(&format!("b/other {n}"), "y");
    }
    let ran = machine.sync(&it);
    let summary = ran.succeeded();
    assert_eq!(summary.done.right.n_folders_made, 1);
    assert_eq!(summary.done.left.n_copied, 40);
    ran.progress_grew();
    assert_eq!(machine.files("a"), machine.files("b"));
    machine.write("a/other 1", "changed");
    fs::remove_file(machine.home().join("b/other 2")).unwrap();
    let summary = machine.sync(&it).succeeded();
    assert_eq!(summary.done.right.n_updated, 1);
    assert_eq!(summary.done.left.n_deleted, 1);
    assert_eq!(machine.sync(&it).succeeded().done, Default::default());
}

#[test]
fn a_profile_that_repeats_and_says_nothing_ends_and_is_understood() {
    let Some((machine, it)) = machine() else {
        return;
    };
    let text = machine.read(".unison/docs.prf") + "repeat = 1\nsilent = true\nauto = true\n";
    machine.write(".unison/docs.prf", &text);
    disagree(&machine, &it);
    assert_eq!(machine.read(".unison/docs.prf"), text);
}

#[test]
fn a_preview_changes_nothing() {
    let Some((machine, it)) = machine() else {
        return;
    };
    machine.write("a/new.txt", "1234");
    let ran = machine.preview(&it);
    let preview = ran.told.preview.as_ref().expect("a first preview");
    assert!(preview.is_first);
    assert_eq!(preview.changes.len(), 1);
    assert_eq!(machine.files("b"), [""; 0]);
    machine.sync(&it).succeeded();
    machine.write("a/c.txt", "left");
    machine.write("b/c.txt", "right!");
    machine.write("b/new.txt", "12345");
    machine.write("a/dir/x", "");
    let before = (machine.files("a"), machine.files("b"));
    let ran = machine.preview(&it);
    let preview = ran.told.preview.as_ref().expect("a preview");
    let brief: Vec<_> = preview
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
        brief,
        [
            ("dir".to_owned(), Side::Right, Action::MakeFolder),
            ("new.txt".to_owned(), Side::Left, Action::Update),
        ]
    );
    assert_eq!(preview.conflicts.len(), 1);
    assert_eq!((machine.files("a"), machine.files("b")), before);
    assert_eq!(machine.read("a/new.txt"), "1234");
    machine.sync(&it).succeeded();
    assert_eq!(machine.read("a/new.txt"), "12345");
    let ran = machine.preview(&it);
    assert_eq!(ran.told.preview.as_ref().unwrap().changes, []);
}

/// Decides, and says what each side and the kept folder have then.
#[track_caller]
fn decided(choice: Choice, text: &str, kept_text: &[&str]) {
    let Some((machine, it)) = machine() else {
        return;
    };
    let id = disagree(&machine, &it);
    let summary = machine.resolve(&it, &[(&id, choice)]).succeeded();
    assert_eq!(summary.n_conflicts, 0);
    assert_eq!(conflicts(&machine, &it), []);
    for side in ["a", "b"] {
        assert_eq!(machine.read(&format!("{side}/notes/a.txt")), text, "{side}");
    }
    let mut found = kept(&machine, &it);
    found.sort();
    assert_eq!(found, kept_text);
    // Nothing is left to do, and nothing comes back.
    let again = machine.sync(&it).succeeded();
    assert_eq!((again.n_conflicts, again.done), (0, Default::default()));
}

#[test]
fn one_side_is_kept_and_the_other_content_can_be_found() {
    decided(Choice::Keep(Side::Left), "left\n", &["right, and longer\n"]);
    decided(
        Choice::Keep(Side::Right),
        "right, and longer\n",
        &["left\n"],
    );
}

#[test]
fn the_newest_is_kept_and_the_other_content_can_be_found() {
    decided(Choice::KeepNewest, "right, and longer\n", &["left\n"]);
}

#[test]
fn a_merged_content_goes_to_both_sides_and_both_others_can_be_found() {
    let merged = Choice::Merged(b"both\n".to_vec());
    decided(merged, "both\n", &["left\n", "right, and longer\n"]);
}

#[test]
fn both_are_kept_under_two_names_on_both_sides() {
    let Some((machine, it)) = machine() else {
        return;
    };
    let id = disagree(&machine, &it);
    machine.resolve(&it, &[(&id, Choice::KeepBoth)]).succeeded();
    assert_eq!(conflicts(&machine, &it), []);
    for side in ["a", "b"] {
        assert_eq!(
            machine.read(&format!("{side}/notes/a.txt")),
            "right, and longer\n"
        );
        assert_eq!(
            machine.read(&format!("{side}/notes/a (from a).txt")),
            "left\n"
        );
    }
    assert_eq!(machine.sync(&it).succeeded().done, Default::default());
}

#[test]
fn a_decision_is_about_one_path_whatever_its_name() {
    let Some((machine, it)) = machine() else {
        return;
    };
    let text = machine.read(".unison/docs.prf") + "path = x\n";
    machine.write(".unison/docs.prf", &text);
    let names = ["x/a[1]*?.txt", "x/aA{b},c.txt", "x/a1", "x/a1xx.txt"];
    for side in ["a", "b"] {
        for name in names {
            machine.write(&format!("{side}/{name}"), side);
        }
    }
    let summary = machine.sync(&it).succeeded();
    assert_eq!(summary.n_conflicts, 4);
    let found = conflicts(&machine, &it);
    let at = |name: &str| found.iter().find(|it| it.path == name.as_bytes()).unwrap();
    for name in &names[..2] {
        let left = machine.resolve(&it, &[(&at(name).id, Choice::Keep(Side::Left))]);
        left.succeeded();
        assert_eq!(machine.read(&format!("b/{name}")), "a");
    }
    for name in &names[2..] {
        assert_eq!(machine.read(&format!("b/{name}")), "b", "{name}");
    }
    assert_eq!(conflicts(&machine, &it).len(), 2);
}

#[test]
fn a_text_cannot_be_merged_without_what_both_agreed_on() {
    let Some((machine, it)) = machine() else {
        return;
    };
    let id = disagree(&machine, &it);
    machine
        .resolve(&it, &[(&id, Choice::MergeText)])
        .failed_with(Code::NotPossible);
    assert_eq!(conflicts(&machine, &it).len(), 1);
    let handler = machine.handler("unison", std::slice::from_ref(&it));
    let views = handler
        .conflicts()
        .unwrap()
        .enumerate(&ConflictFilter::default())
        .unwrap();
    let abilities = views[0].resolution().abilities().unwrap();
    assert!(abilities.contains(Abilities::KEEP_OTHER | Abilities::KEEP_MULTIPLE));
}

#[test]
fn a_change_against_a_deletion_is_a_conflict_and_both_ways_can_be_chosen() {
    for (choice, is_there) in [
        (Choice::Keep(Side::Left), true),
        (Choice::Keep(Side::Right), false),
    ] {
        let Some((machine, it)) = machine() else {
            return;
        };
        machine.write("a/x", "agreed");
        machine.write("a/y", "stays");
        machine.sync(&it).succeeded();
        machine.write("a/x", "changed");
        fs::remove_file(machine.home().join("b/x")).unwrap();
        machine.sync(&it).succeeded();
        let id = conflicts(&machine, &it)[0].id.clone();
        machine.resolve(&it, &[(&id, choice)]).succeeded();
        for side in ["a", "b"] {
            assert_eq!(machine.home().join(side).join("x").exists(), is_there);
        }
        let expected: &[&str] = if is_there { &[] } else { &["changed"] };
        assert_eq!(kept(&machine, &it), expected);
    }
}

#[test]
fn a_folder_that_is_not_there_ends_the_run() {
    let Some((machine, it)) = machine() else {
        return;
    };
    machine.write("a/x", "1");
    machine.sync(&it).succeeded();
    let (b, away) = (machine.home().join("b"), machine.home().join("away"));
    fs::rename(&b, &away).unwrap();
    machine.sync(&it).failed_with(Code::FolderMissing);
    assert_eq!(machine.read("a/x"), "1");
    machine.preview(&it).failed_with(Code::FolderMissing);
    fs::rename(&away, &b).unwrap();
    machine.sync(&it).succeeded();
}

#[test]
fn a_side_that_is_suddenly_empty_waits_for_an_ok() {
    let Some((machine, it)) = machine() else {
        return;
    };
    machine.write("a/x", "1");
    machine.write("a/y/z", "1");
    machine.sync(&it).succeeded();
    fs::remove_dir_all(machine.home().join("b")).unwrap();
    machine.dir("b");
    machine.write("a/new", "1");
    let held = machine.sync(&it);
    assert_eq!(held.succeeded().n_held, 1, "{held:?}");
    let trouble = held.said(Code::SideEmptied);
    let plan = trouble.param("plan").to_owned();
    assert_eq!(
        (trouble.param("empty"), trouble.param("n_files")),
        ("~/b", "2")
    );
    assert_eq!(machine.read("a/x"), "1");
    // What waits can be looked at, under the same name.
    let preview = machine.preview(&it).told.preview.expect("a preview");
    assert_eq!(preview.held_id.as_deref(), Some(&*plan));
    assert!(preview.changes.iter().all(|it| it.is_held));
    let waits = preview.changes.iter();
    let waits: Vec<_> = waits.map(|it| (&*it.path, it.side)).collect();
    assert_eq!(
        waits,
        [
            (&b"new"[..], Side::Right),
            (b"x", Side::Left),
            (b"y", Side::Left)
        ]
    );
    machine
        .release(&it, "00000000")
        .failed_with(Code::PlanChanged);
    assert_eq!(machine.read("a/x"), "1");
    // More would go than was seen.
    machine.write("b/x", "1");
    machine.release(&it, &plan).failed_with(Code::PlanChanged);
    fs::remove_file(machine.home().join("b/x")).unwrap();
    assert_eq!(machine.read("a/y/z"), "1");
    machine.release(&it, &plan).succeeded();
    assert_eq!(machine.files("a"), ["new"]);
    assert_eq!(machine.files("b"), ["new"]);
    // Nothing waits any more, so nothing can be allowed.
    machine.release(&it, &plan).failed_with(Code::PlanChanged);
}

/// Unison stops for any empty side; where nothing would be deleted, there is nothing to wait for.
#[test]
fn an_empty_side_that_deletes_nothing_is_filled() {
    let Some((machine, it)) = machine() else {
        return;
    };
    machine.write("a/x", "1");
    machine.sync(&it).succeeded();
    for side in ["a", "b"] {
        fs::remove_file(machine.home().join(side).join("x")).unwrap();
    }
    machine.write("a/new", "1");
    assert_eq!(machine.preview(&it).told.preview.unwrap().held_id, None);
    assert_eq!(machine.sync(&it).succeeded().n_held, 0);
    assert_eq!(machine.read("b/new"), "1");
}

/// What a person saw is named by the id of the conflict: another content is another id.
#[test]
fn a_decision_on_another_content_is_refused() {
    let Some((machine, it)) = machine() else {
        return;
    };
    let id = disagree(&machine, &it);
    for (file, text) in [
        ("a/notes/a.txt", "left, and more\n"),
        ("b/notes/a.txt", "right, and LONGER\n"),
    ] {
        let before = conflicts(&machine, &it)[0].id.clone();
        machine.write(file, text);
        for choice in [
            Choice::Keep(Side::Left),
            Choice::Keep(Side::Right),
            Choice::KeepBoth,
            Choice::Merged(b"x".to_vec()),
        ] {
            let ran = machine.resolve(&it, &[(&before, choice)]);
            assert_eq!(
                ran.failed_with(Code::StateChanged).param("path"),
                "notes/a.txt"
            );
        }
        assert_eq!(machine.read(file), text);
    }
    assert_eq!(kept(&machine, &it), [""; 0]);
    let now = conflicts(&machine, &it)[0].id.clone();
    assert_ne!(now, id);
    machine
        .resolve(&it, &[(&now, Choice::Keep(Side::Right))])
        .succeeded();
    assert_eq!(machine.read("a/notes/a.txt"), "right, and LONGER\n");
    machine
        .resolve(&it, &[(&now, Choice::Keep(Side::Left))])
        .failed_with(Code::NotFound);
    // The next conflict on this path is another one.
    machine.write("a/notes/a.txt", "l");
    machine.write("b/notes/a.txt", "rr");
    machine.sync(&it).succeeded();
    let later = conflicts(&machine, &it)[0].id.clone();
    assert!(later != id && later != now);
    machine
        .resolve(&it, &[(&id, Choice::Keep(Side::Left))])
        .failed_with(Code::StateChanged);
    assert_eq!(machine.read("b/notes/a.txt"), "rr");
}

#[test]
fn a_lock_is_shown_and_never_removed() {
    let Some((machine, it)) = machine() else {
        return;
    };
    machine.write("a/x", "1");
    machine.sync(&it).succeeded();
    let names = machine.files(".unison");
    let archive = names
        .iter()
        .find_map(|name| name.strip_prefix("ar"))
        .unwrap();
    let lock = machine.write(&format!(".unison/lk{archive}"), "");
    machine.write("a/x", "2");
    let ran = machine.sync(&it);
    let trouble = ran.failed_with(Code::RepairNeeded);
    assert!(
        trouble.param("advice").contains(lock.to_str().unwrap()),
        "{trouble:?}"
    );
    assert!(lock.exists());
    assert_eq!(machine.read("b/x"), "1");
    fs::remove_file(lock).unwrap();
    machine.sync(&it).succeeded();
    assert_eq!(machine.read("b/x"), "2");
}

#[test]
fn a_memory_that_is_lost_on_one_side_needs_a_person() {
    let Some((machine, it)) = machine() else {
        return;
    };
    machine.write("a/x", "1");
    machine.sync(&it).succeeded();
    let names = machine.files(".unison");
    let archive = names.iter().find(|name| name.starts_with("ar")).unwrap();
    fs::remove_file(machine.home().join(".unison").join(archive)).unwrap();
    let ran = machine.sync(&it);
    let trouble = ran.failed_with(Code::RepairNeeded);
    assert!(trouble.param("advice").contains(" on "), "{trouble:?}");
    assert_eq!(machine.read("b/x"), "1");
}

#[test]
fn a_run_that_is_stopped_leaves_whole_files_and_no_lock() {
    let Some((machine, it)) = machine() else {
        return;
    };
    for n in 0..2000 {
        machine.write(&format!("a/d/{n:04}"), vec![b'x'; 20_000]);
        machine.write(&format!("a/{n:04}"), vec![b'x'; 20_000]);
    }
    machine
        .sync_and_stop(&it, |at| at.n_done >= 5)
        .was_stopped();
    let locks = machine.files(".unison");
    assert!(
        !locks.iter().any(|name| name.starts_with("lk")),
        "{locks:?}"
    );
    for name in machine.files("b") {
        if !name.contains(".unison.") {
            assert_eq!(machine.read(&format!("b/{name}")).len(), 20_000, "{name}");
        }
    }
    machine.sync(&it).succeeded();
    assert_eq!(machine.files("a"), machine.files("b"));
}

#[test]
fn what_a_profile_lacks_is_named() {
    let Some((machine, it)) = machine() else {
        return;
    };
    machine.write(".unison/docs.prf", "root = /nowhere\n");
    let trouble = machine.sync(&it);
    assert_eq!(
        trouble.failed_with(Code::SettingUnusable).param("key"),
        "profile"
    );
    let home = machine.home().display().to_string();
    machine.write(
        ".unison/docs.prf",
        format!("root = {home}/a\nroot = {home}/b\nbogus = 1\n"),
    );
    let ran = machine.sync(&it);
    let trouble = ran.failed_with(Code::ToolFailed);
    assert!(trouble.param("detail").contains("bogus"), "{trouble:?}");
    let other = item("unison", "none", &[("profile", "none")]);
    machine.sync(&other).failed_with(Code::SettingUnusable);
}

#[test]
fn profiles_are_found() {
    let machine = Machine::new();
    assert_eq!(machine.handler("unison", &[]).discover(), Ok(Vec::new()));
    machine.write(".unison/common.prf", "sshargs = -C\n");
    machine.write(
        ".unison/my docs.prf",
        "root = /home/x/docs\nroot = ssh://me:pw@nas//docs\ninclude common\nrepeat = 60\nprefer = newer\n",
    );
    let found = machine.handler("unison", &[]).discover().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "my-docs");
    assert_eq!(found[0].settings.text("profile"), Some("my docs"));
    assert_eq!(found[0].origin, "~/.unison/my docs.prf");
    assert_eq!(found[0].summary, "/home/x/docs <-> ssh://me:***@nas//docs");
    assert_eq!(found[0].remarks.len(), 2);
}

#[test]
fn a_folder_behind_ssh_is_synced_and_its_conflicts_are_decided() {
    let Some((machine, it)) = machine() else {
        return;
    };
    let there = machine.dir("there/.unison");
    let Some(sshd) = Sshd::start(&machine, &[("UNISON", &there)]) else {
        return;
    };
    let home = machine.home().display().to_string();
    let profile = format!(
        "root = {home}/a\nroot = ssh://127.0.0.1/{home}/b\nsshargs = -F {}\n",
        sshd.client_config().display()
    );
    machine.write(".unison/docs.prf", &profile);
    let id = disagree(&machine, &it);
    let shown = machine.shown(&it);
    assert_eq!(shown.paths(), [machine.home().join("a")]);
    machine
        .resolve(&it, &[(&id, Choice::Keep(Side::Left))])
        .succeeded();
    assert_eq!(machine.read("b/notes/a.txt"), "left\n");
    assert_eq!(
        machine.read("there/.unison/backup/notes/a.txt"),
        "right, and longer\n"
    );

    machine.write("a/notes/a.txt", "left 2\n");
    machine.write("b/notes/a.txt", "right 2\n");
    machine.sync(&it).succeeded();
    // What the other machine has is asked for before it is replaced.
    let id = conflicts(&machine, &it)[0].id.clone();
    machine.write("b/notes/a.txt", "right, changed meanwhile\n");
    machine
        .resolve(&it, &[(&id, Choice::Keep(Side::Left))])
        .failed_with(Code::StateChanged);
    assert_eq!(machine.read("b/notes/a.txt"), "right, changed meanwhile\n");
    machine.write("b/notes/a.txt", "right 2\n");
    machine.sync(&it).succeeded();
    let id = conflicts(&machine, &it)[0].id.clone();
    machine.resolve(&it, &[(&id, Choice::KeepBoth)]).succeeded();
    for side in ["a", "b"] {
        assert_eq!(machine.read(&format!("{side}/notes/a.txt")), "right 2\n");
        assert_eq!(
            machine.read(&format!("{side}/notes/a (from a).txt")),
            "left 2\n"
        );
    }

    sshd.write_config("stranger");
    machine.sync(&it).failed_with(Code::SignInNeeded);
    sshd.write_config("user");
    drop(sshd);
    let ran = machine.sync(&it);
    assert_eq!(
        ran.failed_with(Code::Disconnected).param("name"),
        "127.0.0.1"
    );
}
