//! Disks without room: for the content, for names, for the memory of the agreed state.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::again::{in_namespace, is_done, under};
use super::desk::{Desk, tree};

#[test]
fn a_full_disk_leaves_whole_files_and_is_caught_up_on_when_there_is_room() {
    let name = "real::full::a_full_disk_leaves_whole_files_and_is_caught_up_on_when_there_is_room";
    let script = "mkdir left right; mount -t tmpfs -o size=4m none right";
    let Some(dir) = in_namespace(name, script) else {
        return;
    };
    let mut desk = Desk::at(&dir);
    let (old, new) = (vec![b'o'; 1 << 20], vec![b'n'; 6 << 20]);
    desk.write("left/large", &old);
    desk.write("left/small", "1");
    desk.converge();
    desk.write("left/large", &new);
    desk.write("left/small", "2");
    desk.write("left/more/fresh", &new);
    desk.write("right/back", "comes back");
    let before = tree(&dir.join("left"));
    let report = desk.sync();
    assert!(!report.is_in_sync(), "{report:?}");
    let names: Vec<_> = report.problems.iter().map(|p| p.path.to_string()).collect();
    assert!(names.contains(&"large".to_owned()), "{names:?}");
    assert!(fs::read(dir.join("right/large")).unwrap() == old, "whole");
    // It may have met the disk while the large one had filled it; then it is as it was.
    let small = desk.read("right/small");
    assert!(matches!(small.as_deref(), Some("1" | "2")), "{small:?}");
    assert_eq!(desk.read("left/back").as_deref(), Some("comes back"));
    let mut after = tree(&dir.join("left"));
    after.remove(std::path::Path::new("back"));
    assert_eq!(after, before, "the source is as it was");
    let right = dir.join("right");
    let right = right.to_str().unwrap();
    assert!(is_done("mount", &["-o", "remount,size=64m", right]));
    desk.converge();
}

#[test]
fn a_disk_without_inodes_leaves_whole_files() {
    let name = "real::full::a_disk_without_inodes_leaves_whole_files";
    let script = "mkdir left right; mount -t tmpfs -o nr_inodes=40 none right";
    let Some(dir) = in_namespace(name, script) else {
        return;
    };
    let mut desk = Desk::at(&dir);
    for n in 0..100 {
        desk.write(format!("left/d{}/f{n}", n % 7), format!("content {n}"));
    }
    let before = tree(&dir.join("left"));
    let report = desk.sync();
    assert!(!report.is_in_sync(), "{report:?}");
    assert_eq!(tree(&dir.join("left")), before);
    for (path, text) in tree(&dir.join("right")) {
        let is_dir = text.starts_with("directory");
        assert!(
            is_dir || before.get(&path) == Some(&text),
            "{path:?} {text}"
        );
    }
    let right = dir.join("right");
    let right = right.to_str().unwrap();
    assert!(is_done("mount", &["-o", "remount,nr_inodes=1000", right]));
    desk.converge();
}

#[test]
fn without_room_for_the_state_nothing_is_half_done() {
    let name = "real::full::without_room_for_the_state_nothing_is_half_done";
    let script = "mkdir left right state; mount -t tmpfs -o size=2m none state";
    let Some(dir) = in_namespace(name, script) else {
        return;
    };
    let mut desk = Desk::at(&dir);
    for n in 0..50 {
        desk.write(format!("left/f{n}"), format!("content {n}"));
    }
    desk.converge();
    // `dd` ends when there is no room left.
    let filler = dir.join("state/filler");
    let of = format!("of={}", filler.display());
    assert!(!is_done("dd", &["if=/dev/zero", &of, "bs=4k"]));
    for n in 0..3000 {
        desk.write(format!("left/new/f{n}"), format!("content {n}"));
    }
    fs::remove_file(dir.join("right/f3")).unwrap();
    let is_short = match desk.open() {
        Err(_) => true,
        Ok(mut pair) => desk.run(&mut pair).is_err(),
    };
    assert!(is_short, "there was room enough");
    for n in (0..50).filter(|n| *n != 3) {
        let name = format!("right/f{n}");
        assert_eq!(desk.read(&name), Some(format!("content {n}")), "{name}");
    }
    fs::remove_file(filler).unwrap();
    desk.converge();
    assert!(!dir.join("left/f3").exists());
}

#[test]
fn a_limit_on_file_sizes_is_an_error_of_that_file_alone() {
    let name = "real::full::a_limit_on_file_sizes_is_an_error_of_that_file_alone";
    // Ignored, the signal becomes an error of the write.
    let script = "trap '' XFSZ; exec \"$0\" \"$@\"";
    let Some(dir) = under(name, &["bash", "-c", script]) else {
        return;
    };
    let mut desk = Desk::at(&dir);
    desk.write("left/large", "small yet");
    desk.converge();
    desk.write("left/large", vec![b'x'; 6 << 20]);
    desk.write("left/other", "arrives");
    let none = getrlimit(Resource::Fsize);
    let limit = Rlimit {
        current: Some(4 << 20),
        ..none
    };
    setrlimit(Resource::Fsize, limit).unwrap();
    let report = desk.sync();
    let failed: Vec<_> = report.problems.iter().map(|p| p.path.to_string()).collect();
    assert_eq!(failed, ["large"], "{report:?}");
    assert_eq!(desk.read("right/large").as_deref(), Some("small yet"));
    assert_eq!(desk.read("right/other").as_deref(), Some("arrives"));
    setrlimit(Resource::Fsize, none).unwrap();
    desk.converge();
}
