//! File systems that take `a` and `A` for one name, and keep coarse times: an ext4 that folds case
//! where the kernel can, and exFAT through FUSE, which needs no kernel module.

use std::fs;
use std::path::{Path, PathBuf};

use syncmgr_engine::plan::ProblemKind;

use super::again::{in_namespace, is_done, not_here};
use super::desk::{Desk, tree};

/// Two files on the left that are one name on the right: told, both kept. A rename that changes
/// nothing but case: a rename.
fn check_names(dir: &Path) {
    fs::write(dir.join("right/probe"), "").unwrap();
    assert!(
        dir.join("right/PROBE").exists(),
        "this one does not fold case"
    );
    fs::remove_file(dir.join("right/probe")).unwrap();
    let mut desk = Desk::at(dir);
    desk.write("left/Readme", "upper");
    desk.write("left/other", "1");
    let report = desk.sync();
    assert!(report.is_in_sync(), "{report:?}");
    fs::rename(desk.path("left/Readme"), desk.path("left/README")).unwrap();
    let report = desk.sync();
    assert!(report.is_in_sync(), "{report:?}");
    let names: Vec<_> = tree(&dir.join("right")).into_keys().collect();
    assert_eq!(names, [Path::new("README"), Path::new("other")]);
    desk.write("left/readme", "lower");
    desk.write("left/other", "22");
    for _ in 0..2 {
        let report = desk.sync();
        let collides =
            |p: &syncmgr_engine::plan::Problem| matches!(p.kind, ProblemKind::NamesCollide { .. });
        assert!(report.problems.iter().any(collides), "{report:?}");
        assert!(!report.is_in_sync());
        assert_eq!(desk.read("left/README").as_deref(), Some("upper"));
        assert_eq!(desk.read("left/readme").as_deref(), Some("lower"));
        assert_eq!(desk.read("right/readme").as_deref(), Some("upper"));
        assert_eq!(desk.read("right/other").as_deref(), Some("22"));
    }
    fs::remove_file(desk.path("left/README")).unwrap();
    // Through FUSE the kernel believes for about a second that the old name is still there.
    let is_done = (0..500).any(|_| desk.sync().is_in_sync());
    assert!(is_done);
    let texts = [desk.read("right/readme"), desk.read("left/readme")];
    assert_eq!(texts, [Some("lower".to_owned()), Some("lower".to_owned())]);
}

#[test]
fn two_names_that_are_one_on_a_folding_ext4_are_told_and_both_kept() {
    let name = "real::folding::two_names_that_are_one_on_a_folding_ext4_are_told_and_both_kept";
    if !Path::new("/sys/fs/ext4/features/casefold").exists() {
        not_here(name, "this kernel's ext4 does not fold case");
        return;
    }
    let script = "mkdir left disk; truncate -s 32M image; \
                  mkfs.ext4 -q -O casefold -E encoding=utf8 image; mount -o loop image disk; \
                  mkdir disk/right; chattr +F disk/right; ln -s disk/right right";
    if let Some(dir) = in_namespace(name, script) {
        check_names(&dir);
    }
}

const EXFAT: &str = "mkdir left right; truncate -s 32M image; mkfs.exfat image >mkfs.log; \
                     loop=$(losetup --find --show image); \
                     mount.exfat-fuse $loop right >mount.log; losetup --detach $loop";

/// An exFAT as the right side. The process that serves it would outlive the test with its mount.
struct Exfat(PathBuf);

impl Exfat {
    fn mounted(name: &str) -> Option<Self> {
        if !Path::new("/dev/fuse").exists() {
            not_here(name, "there is no /dev/fuse");
            return None;
        }
        in_namespace(name, EXFAT).map(Self)
    }
}

impl Drop for Exfat {
    fn drop(&mut self) {
        is_done("umount", &["-l", self.0.join("right").to_str().unwrap()]);
    }
}

#[test]
fn two_names_that_are_one_on_exfat_are_told_and_both_kept() {
    let name = "real::folding::two_names_that_are_one_on_exfat_are_told_and_both_kept";
    if let Some(exfat) = Exfat::mounted(name) {
        check_names(&exfat.0);
    }
}

#[test]
fn coarse_times_and_missing_permissions_cause_no_loop() {
    let name = "real::folding::coarse_times_and_missing_permissions_cause_no_loop";
    let Some(exfat) = Exfat::mounted(name) else {
        return;
    };
    let mut desk = Desk::at(&exfat.0);
    for n in 0..20 {
        desk.write(format!("left/d/f{n}"), format!("{n}"));
        desk.write(format!("right/e/f{n}"), format!("{n}"));
    }
    for round in 0..4 {
        let report = desk.sync();
        assert!(report.is_in_sync(), "{report:?}");
        let plan = desk.plan();
        assert!(plan.changes_nothing(), "round {round}: {plan:?}");
        desk.write("left/d/f1", format!("left {round}"));
        desk.write("right/e/f1", format!("right {round}"));
    }
    let report = desk.sync();
    assert!(report.is_in_sync(), "{report:?}");
    assert_eq!(desk.read("right/d/f1").as_deref(), Some("left 3"));
    assert_eq!(desk.read("left/e/f1").as_deref(), Some("right 3"));
}
