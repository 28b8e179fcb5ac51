//! Roots that are missing, empty, another folder, or one and the same: refused or held, and never
//! a reason to delete (I12, I17).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use syncmgr_engine::clock::SystemClock;
use syncmgr_engine::pair::{OpenError, Pair};

use super::again::{in_namespace, is_done};
use super::desk::{Desk, assert_same, tree};

/// Two folders in sync, with files enough for a deletion to be seen and too few for the limit on
/// many deletions.
fn in_sync(mut desk: Desk) -> Desk {
    for n in 0..6 {
        desk.write(format!("left/d/f{n}"), format!("{n}"));
    }
    desk.write("right/top", "top");
    desk.converge();
    desk
}

/// Whatever a run says, it deletes nothing on the right. Says whether it counts as done, which it
/// may only with two equal sides.
#[track_caller]
fn nothing_is_deleted(desk: &mut Desk) -> bool {
    let before = tree(&desk.path("right"));
    let mut was_done = false;
    for _ in 0..3 {
        let is_done = match desk.open() {
            Err(_) => false,
            Ok(mut pair) => desk.run(&mut pair).is_ok_and(|report| report.is_in_sync()),
        };
        let after = tree(&desk.path("right"));
        for (path, text) in &before {
            assert_eq!(after.get(path), Some(text), "{}", path.display());
        }
        if is_done {
            assert_same(&desk.path("left"), &desk.path("right"));
        }
        was_done |= is_done;
    }
    was_done
}

#[track_caller]
fn assert_refused(desk: &mut Desk) {
    assert!(!nothing_is_deleted(desk), "it should not pass for done");
}

/// The folder resembles what it was, so that both are brought together by adding alone.
#[track_caller]
fn assert_only_adds(desk: &mut Desk) {
    assert!(nothing_is_deleted(desk));
    assert!(desk.path("left/d/f1").exists());
}

fn open(left: &Path, right: &Path, state: &Path) -> Result<Pair, OpenError> {
    Pair::open(left, right, state, Arc::new(SystemClock))
}

#[test]
fn a_missing_root_deletes_nothing() {
    let mut desk = in_sync(Desk::new());
    fs::rename(desk.path("left"), desk.path("away")).unwrap();
    assert_refused(&mut desk);
    assert!(!desk.path("left").exists(), "nobody makes it");
    fs::rename(desk.path("away"), desk.path("left")).unwrap();
    desk.converge();
}

#[test]
fn a_file_in_place_of_a_root_deletes_nothing() {
    let mut desk = in_sync(Desk::new());
    fs::rename(desk.path("left"), desk.path("away")).unwrap();
    fs::write(desk.path("left"), "a file").unwrap();
    assert_refused(&mut desk);
    assert_eq!(desk.read("left").as_deref(), Some("a file"));
}

#[test]
fn an_emptied_root_deletes_nothing() {
    let mut desk = in_sync(Desk::new());
    fs::remove_dir_all(desk.path("left/d")).unwrap();
    fs::remove_file(desk.path("left/top")).unwrap();
    assert_refused(&mut desk);
}

#[test]
fn an_emptied_root_without_its_marker_deletes_nothing() {
    let mut desk = in_sync(Desk::new());
    fs::remove_dir_all(desk.path("left")).unwrap();
    fs::create_dir(desk.path("left")).unwrap();
    assert_refused(&mut desk);
}

#[test]
fn another_folder_in_place_of_a_root_deletes_nothing() {
    let mut desk = in_sync(Desk::new());
    fs::rename(desk.path("left"), desk.path("away")).unwrap();
    desk.write("left/other", "another folder");
    assert_refused(&mut desk);
    assert_eq!(desk.read("left/other").as_deref(), Some("another folder"));
}

#[test]
fn a_root_without_its_marker_deletes_nothing() {
    let mut desk = in_sync(Desk::new());
    fs::remove_file(desk.path("left/.syncmgr/root")).unwrap();
    fs::remove_file(desk.path("left/d/f1")).unwrap();
    assert_only_adds(&mut desk);
}

#[test]
fn the_marker_of_the_other_folder_deletes_nothing() {
    let mut desk = in_sync(Desk::new());
    fs::copy(
        desk.path("right/.syncmgr/root"),
        desk.path("left/.syncmgr/root"),
    )
    .unwrap();
    fs::remove_file(desk.path("left/d/f1")).unwrap();
    assert_only_adds(&mut desk);
}

#[test]
fn a_copied_folder_with_everything_in_it_deletes_nothing() {
    let mut desk = in_sync(Desk::new());
    fs::rename(desk.path("left"), desk.path("away")).unwrap();
    let (from, to) = (desk.path("away"), desk.path("left"));
    assert!(is_done(
        "cp",
        &["-a", from.to_str().unwrap(), to.to_str().unwrap()]
    ));
    fs::remove_file(desk.path("left/d/f1")).unwrap();
    assert_only_adds(&mut desk);
    // The folder that was meant comes back.
    fs::remove_dir_all(desk.path("left")).unwrap();
    fs::rename(desk.path("away"), desk.path("left")).unwrap();
    desk.converge();
}

#[test]
fn a_copy_of_one_side_is_another_pair_that_loses_nothing() {
    let mut desk = in_sync(Desk::new());
    let (from, to) = (desk.path("left"), desk.path("copy"));
    assert!(is_done(
        "cp",
        &["-a", from.to_str().unwrap(), to.to_str().unwrap()]
    ));
    fs::remove_file(desk.path("copy/d/f1")).unwrap();
    let mut pair = open(&from, &to, &desk.path("state2")).unwrap();
    let report = desk.run(&mut pair).unwrap();
    drop(pair);
    assert!(report.is_in_sync(), "{report:?}");
    assert!(desk.path("copy/d/f1").exists() && desk.path("left/d/f1").exists());
    // Both have marks of their own now, and the first pair goes on.
    let mark = |name: &str| desk.read(format!("{name}/.syncmgr/root")).unwrap();
    assert_ne!(mark("left"), mark("copy"));
    let report = desk.sync();
    assert!(report.is_in_sync(), "{report:?}");
}

#[test]
fn an_empty_mount_point_in_place_of_the_disk_deletes_nothing() {
    let name = "real::roots::an_empty_mount_point_in_place_of_the_disk_deletes_nothing";
    let script = "mkdir left right; mount -t tmpfs none left";
    let Some(dir) = in_namespace(name, script) else {
        return;
    };
    let mut desk = in_sync(Desk::at(&dir));
    let left = dir.join("left");
    let left = left.to_str().unwrap();
    assert!(is_done("umount", &[left]));
    assert_refused(&mut desk);
    assert!(tree(&dir.join("left")).is_empty());
    assert!(is_done("mount", &["-t", "tmpfs", "none", left]));
    assert_refused(&mut desk);
}

#[test]
fn folders_that_are_no_pair_are_refused_before_the_first_write() {
    let desk = Desk::new();
    desk.write("left/sub/f", "1");
    symlink("left", desk.path("link")).unwrap();
    symlink("left/sub", desk.path("link-sub")).unwrap();
    let (left, state) = (desk.path("left"), desk.path("state"));
    for other in ["left", "left/.", "left/sub/..", "link", "link/."] {
        let refused = open(&left, &desk.path(other), &state);
        assert!(matches!(refused, Err(OpenError::Same)), "{other}");
    }
    for inner in ["left/sub", "link-sub", "link/sub"] {
        for is_swapped in [false, true] {
            let (a, b) = (&left, &desk.path(inner));
            let (a, b) = if is_swapped { (b, a) } else { (a, b) };
            let refused = open(a, b, &state);
            assert!(matches!(refused, Err(OpenError::Nested { .. })), "{inner}");
        }
    }
    assert!(!state.exists() && !left.join(".syncmgr").exists());
    assert_eq!(tree(&left).len(), 2);
}

#[test]
fn two_runs_never_share_a_folder() {
    let desk = in_sync(Desk::new());
    fs::create_dir(desk.path("third")).unwrap();
    let held = desk.open().unwrap();
    assert!(matches!(desk.open(), Err(OpenError::Busy { .. })));
    for (left, right) in [("left", "third"), ("third", "right"), ("left/d", "third")] {
        let (left, right) = (desk.path(left), desk.path(right));
        let refused = open(&left, &right, &desk.path("state2"));
        assert!(matches!(refused, Err(OpenError::Busy { .. })));
    }
    drop(held);
    drop(desk.open().unwrap());
}
