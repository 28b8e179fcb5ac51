//! Files and folders that may not be read or written: an error of that path, never a deletion.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::again::{as_nobody, cannot_run, in_namespace, is_done, under};
use super::desk::{Desk, tree};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn paths(report: &syncmgr_engine::pair::Report) -> Vec<String> {
    report.problems.iter().map(|p| p.path.to_string()).collect()
}

#[test]
fn a_file_and_a_folder_without_rights_are_left_alone_and_the_rest_goes_on() {
    let name =
        "real::denied::a_file_and_a_folder_without_rights_are_left_alone_and_the_rest_goes_on";
    let Some(dir) = as_nobody(name) else {
        return;
    };
    let mut desk = Desk::at(&dir);
    desk.write("left/file", "1");
    desk.write("left/dir/inner", "2");
    desk.write("left/other", "3");
    desk.converge();
    desk.write("left/file", "changed");
    set_mode(&dir.join("left/file"), 0o000);
    set_mode(&dir.join("left/dir"), 0o000);
    desk.write("left/other", "changed too");
    desk.write("right/dir/inner", "from the right");
    let report = desk.sync();
    assert!(!report.is_in_sync(), "{report:?}");
    assert_eq!(desk.read("right/file").as_deref(), Some("1"));
    // Its permissions are a change like any other and may have arrived.
    set_mode(&dir.join("right/dir"), 0o755);
    assert_eq!(
        desk.read("right/dir/inner").as_deref(),
        Some("from the right")
    );
    assert_eq!(desk.read("right/other").as_deref(), Some("changed too"));
    let named = paths(&report);
    assert!(named.iter().any(|p| p.starts_with("dir")), "{named:?}");
    assert!(named.contains(&"file".to_owned()), "{named:?}");
    set_mode(&dir.join("left/file"), 0o600);
    set_mode(&dir.join("left/dir"), 0o755);
    desk.converge();
    assert_eq!(
        desk.read("left/dir/inner").as_deref(),
        Some("from the right")
    );
}

#[test]
fn a_folder_that_may_not_be_written_refuses_and_keeps_what_it_has() {
    let name = "real::denied::a_folder_that_may_not_be_written_refuses_and_keeps_what_it_has";
    let Some(dir) = as_nobody(name) else {
        return;
    };
    let mut desk = Desk::at(&dir);
    for n in 0..5 {
        desk.write(format!("left/d/f{n}"), "1");
    }
    desk.write("left/other", "1");
    desk.converge();
    set_mode(&dir.join("right/d"), 0o500);
    desk.write("left/d/f0", "changed");
    fs::remove_file(dir.join("left/d/f1")).unwrap();
    desk.write("left/d/new", "new");
    desk.write("left/other", "changed");
    let report = desk.sync();
    assert!(!report.is_in_sync(), "{report:?}");
    assert_eq!(desk.read("left/d/f0").as_deref(), Some("changed"));
    assert_eq!(desk.read("left/d/new").as_deref(), Some("new"));
    assert_eq!(desk.read("right/d/f0").as_deref(), Some("1"));
    assert_eq!(desk.read("right/other").as_deref(), Some("changed"));
    set_mode(&dir.join("right/d"), 0o755);
    let report = desk.sync();
    assert!(report.is_in_sync(), "{report:?}");
    assert!(!dir.join("right/d/f1").exists());
    assert_eq!(desk.read("right/d/f0").as_deref(), Some("changed"));
}

#[test]
fn a_root_that_may_not_be_listed_deletes_nothing() {
    let name = "real::denied::a_root_that_may_not_be_listed_deletes_nothing";
    let Some(dir) = as_nobody(name) else {
        return;
    };
    let mut desk = Desk::at(&dir);
    for n in 0..30 {
        desk.write(format!("left/f{n}"), "1");
    }
    desk.converge();
    let before = tree(&dir.join("right"));
    for mode in [0o000, 0o100, 0o300, 0o400] {
        set_mode(&dir.join("left"), mode);
        let is_refused = match desk.open() {
            Err(_) => true,
            Ok(mut pair) => !desk.run(&mut pair).is_ok_and(|report| report.is_in_sync()),
        };
        assert!(is_refused, "{mode:o}");
        assert_eq!(tree(&dir.join("right")), before, "{mode:o}");
    }
    set_mode(&dir.join("left"), 0o755);
    desk.converge();
}

#[test]
fn too_few_open_files_delete_nothing() {
    let name = "real::denied::too_few_open_files_delete_nothing";
    let Some(dir) = under(name, &["env"]) else {
        return;
    };
    let mut desk = Desk::at(&dir);
    for n in 0..200 {
        desk.write(format!("left/a{}/b{}/f{n}", n % 20, n % 3), format!("{n}"));
    }
    desk.converge();
    desk.write("left/a1/new", "new");
    fs::remove_file(dir.join("left/a2/b2/f2")).unwrap();
    let count = || {
        let n = |side: &str| tree(&dir.join(side)).len();
        (n("left"), n("right"))
    };
    let before = count();
    let none = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let mut n_short = 0;
    // How many are open already differs; all that can go wrong does in this range.
    for limit in 8..30 {
        let few = rustix::process::Rlimit {
            current: Some(limit),
            ..none
        };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, few).unwrap();
        let is_done = match desk.open() {
            Err(_) => false,
            Ok(mut pair) => desk.run(&mut pair).is_ok_and(|report| report.is_in_sync()),
        };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, none).unwrap();
        if is_done {
            break;
        }
        n_short += 1;
        let now = count();
        assert!(now.0 >= before.0, "{limit}: {now:?} {before:?}");
        assert!(now.1 + 1 >= before.1, "{limit}: {now:?} {before:?}");
    }
    assert!(n_short > 0, "there were enough");
    let report = desk.sync();
    assert!(report.is_in_sync(), "{report:?}");
    super::desk::assert_same(&dir.join("left"), &dir.join("right"));
    assert!(!dir.join("right/a2/b2/f2").exists() && dir.join("right/a1/new").exists());
}

#[test]
fn a_read_only_side_keeps_everything_and_is_caught_up_on() {
    let name = "real::denied::a_read_only_side_keeps_everything_and_is_caught_up_on";
    let script = "mkdir left right; mount -t tmpfs none right";
    let Some(dir) = in_namespace(name, script) else {
        return;
    };
    let mut desk = Desk::at(&dir);
    for n in 0..5 {
        desk.write(format!("left/f{n}"), "1");
    }
    desk.converge();
    let right = dir.join("right");
    let right = right.to_str().unwrap();
    assert!(is_done("mount", &["-o", "remount,ro", right]));
    desk.write("left/f0", "changed");
    fs::remove_file(dir.join("left/f1")).unwrap();
    desk.write("left/new", "new");
    let (left, before) = (tree(&dir.join("left")), tree(&dir.join("right")));
    let is_told = desk.try_sync().map_or(true, |report| !report.is_in_sync());
    assert!(is_told);
    assert_eq!(tree(&dir.join("left")), left);
    assert_eq!(tree(&dir.join("right")), before);
    assert!(is_done("mount", &["-o", "remount,rw", right]));
    desk.converge();
    assert_eq!(desk.read("right/f0").as_deref(), Some("changed"));
}

#[test]
fn an_immutable_file_stays_and_the_rest_goes_on() {
    let name = "real::denied::an_immutable_file_stays_and_the_rest_goes_on";
    let mut desk = Desk::new();
    for n in 0..5 {
        desk.write(format!("left/f{n}"), "1");
    }
    desk.converge();
    let (fixed, doomed) = (desk.path("right/f0"), desk.path("right/f1"));
    let targets = [fixed.to_str().unwrap(), doomed.to_str().unwrap()];
    if !is_done("chattr", &["+i", targets[0], targets[1]]) {
        cannot_run(
            name,
            "chattr +i needs root and a file system that can do it",
        );
        return;
    }
    desk.write("left/f0", "changed");
    fs::remove_file(desk.path("left/f1")).unwrap();
    desk.write("left/f2", "changed");
    let report = desk.sync();
    let kept = (desk.read("right/f0"), desk.read("right/f1"));
    assert!(is_done("chattr", &["-i", targets[0], targets[1]]));
    assert_eq!(kept, (Some("1".to_owned()), Some("1".to_owned())));
    assert_eq!(paths(&report), ["f0", "f1"], "{report:?}");
    assert_eq!(desk.read("left/f0").as_deref(), Some("changed"));
    assert_eq!(desk.read("right/f2").as_deref(), Some("changed"));
    desk.converge();
}
