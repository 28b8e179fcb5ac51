//! What happens to a tree between the look and the deed, and while a run works.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags};
use syncmgr_engine::plan::ProblemKind;

use super::again::{in_namespace, is_done};
use super::desk::{Desk, tree};

#[test]
fn an_edit_between_look_and_deed_stays_on_either_side() {
    let mut desk = Desk::new();
    for name in ["edited", "deleted", "copied", "replaced", "gone"] {
        desk.write(format!("left/{name}"), "agreed");
    }
    desk.converge();
    desk.write("left/edited", "left 1");
    fs::remove_file(desk.path("left/deleted")).unwrap();
    desk.write("left/copied", "left 1");
    desk.write("left/new", "left 1");
    desk.write("left/gone", "left 1");
    let plan = desk.plan();
    desk.write("right/edited", "right!");
    desk.write("right/deleted", "right!");
    desk.write("right/new", "right!");
    // The source: as long as before, and with its time put back.
    let time = fs::metadata(desk.path("left/copied"))
        .unwrap()
        .modified()
        .unwrap();
    desk.write("left/copied", "left 2");
    let file = fs::File::options()
        .write(true)
        .open(desk.path("left/copied"))
        .unwrap();
    file.set_modified(time).unwrap();
    fs::remove_file(desk.path("left/gone")).unwrap();
    let mut pair = desk.open().unwrap();
    let report = desk.carry_out(&mut pair, &plan).unwrap();
    drop(pair);
    let moved = |p: &&syncmgr_engine::plan::Problem| p.kind == ProblemKind::ChangedMeanwhile;
    let names: Vec<_> = report
        .problems
        .iter()
        .filter(moved)
        .map(|p| p.path.to_string())
        .collect();
    assert_eq!(
        names,
        ["copied", "deleted", "edited", "gone", "new"],
        "{report:?}"
    );
    for name in ["edited", "deleted", "new"] {
        assert_eq!(
            desk.read(format!("right/{name}")).as_deref(),
            Some("right!")
        );
    }
    for name in ["copied", "gone"] {
        assert_eq!(
            desk.read(format!("right/{name}")).as_deref(),
            Some("agreed")
        );
    }
    let report = desk.sync();
    let names: Vec<_> = report
        .conflicts
        .iter()
        .map(|c| c.path.to_string())
        .collect();
    assert_eq!(names, ["deleted", "edited", "new"], "{report:?}");
    assert_eq!(desk.read("right/copied").as_deref(), Some("left 2"));
    assert!(!desk.path("right/gone").exists());
}

#[test]
fn a_tree_renamed_between_look_and_deed_is_found_by_the_next_run() {
    let mut desk = Desk::new();
    for n in 0..40 {
        desk.write(format!("left/d/e/f{n}"), format!("{n}"));
    }
    desk.converge();
    for n in 0..20 {
        desk.write(format!("left/d/e/f{n}"), format!("changed {n}"));
        desk.write(format!("left/d/g/new{n}"), format!("new {n}"));
    }
    let plan = desk.plan();
    fs::rename(desk.path("left/d"), desk.path("left/moved")).unwrap();
    fs::rename(desk.path("right/d/e"), desk.path("right/elsewhere")).unwrap();
    let mut pair = desk.open().unwrap();
    let report = desk.carry_out(&mut pair, &plan).unwrap();
    drop(pair);
    assert!(!report.is_in_sync());
    for _ in 0..3 {
        desk.sync();
    }
    // One moved the whole, the other a part of it: what is where is theirs to say, but all is
    // there, on both sides.
    for side in ["left", "right"] {
        let mut found: Vec<_> = desk.kept(side);
        let root = desk.path(side);
        let files = tree(&root).into_keys().map(|path| root.join(path));
        found.extend(
            files
                .filter(|p| p.is_file())
                .map(|p| fs::read_to_string(p).unwrap()),
        );
        for n in 0..40 {
            let text = if n < 20 {
                format!("changed {n}")
            } else {
                format!("{n}")
            };
            assert!(found.contains(&text), "{side} has no `{text}`");
        }
    }
}

/// Runs `run` while `disturb` goes on in another thread.
fn while_disturbed(disturb: impl Fn() + Send, mut run: impl FnMut()) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let is_over = &is_over;
        scope.spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                disturb();
            }
        });
        run();
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn folders_swapped_for_links_during_runs_lead_nowhere() {
    let mut desk = Desk::new();
    for n in 0..20 {
        desk.write(format!("outside/f{n}"), format!("not ours {n}"));
        desk.write(format!("outside/sub/f{n}"), format!("not ours {n}"));
        desk.write(format!("left/d/f{n}"), format!("{n}"));
        desk.write(format!("left/d/sub/f{n}"), format!("{n}"));
    }
    desk.converge();
    let outside = desk.path("outside");
    let before = tree(&outside);
    let links = ["left", "right"].map(|side| {
        let link = desk.path(format!("link-{side}"));
        symlink(&outside, &link).unwrap();
        (link, desk.path(side).join("d"))
    });
    let swap = || {
        for (link, dir) in &links {
            let _ = rustix::fs::renameat_with(CWD, link, CWD, dir, RenameFlags::EXCHANGE);
            std::thread::yield_now();
        }
    };
    while_disturbed(swap, || {
        for round in 0..120 {
            for n in 0..20 {
                // Through whatever is there at the moment: only where it is the folder.
                let dir = desk.path("left/d");
                if fs::symlink_metadata(&dir).is_ok_and(|m| m.is_dir()) && round % 2 == 0 {
                    let aside = desk.path("aside");
                    fs::write(&aside, format!("{round} {n}")).unwrap();
                    let to = rustix::fs::open(
                        &dir,
                        rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::NOFOLLOW,
                        rustix::fs::Mode::empty(),
                    );
                    if let Ok(to) = to {
                        let _ = rustix::fs::renameat(CWD, &aside, &to, format!("f{n}"));
                    }
                }
            }
            drop(desk.try_sync());
        }
    });
    assert_eq!(tree(&outside), before);
    assert!(!outside.join(".syncmgr").exists());
}

#[test]
fn a_file_system_that_vanished_inside_a_folder_deletes_nothing() {
    let name = "real::during::a_file_system_that_vanished_inside_a_folder_deletes_nothing";
    let script = "mkdir -p left/sub right; mount -t tmpfs -o mode=755 none left/sub";
    let Some(dir) = in_namespace(name, script) else {
        return;
    };
    let mut desk = Desk::at(&dir);
    for n in 0..8 {
        desk.write(format!("left/sub/f{n}"), format!("{n}"));
        desk.write(format!("left/f{n}"), format!("{n}"));
    }
    desk.converge();
    let before = tree(&dir.join("right/sub"));
    assert_eq!(before.len(), 8);
    let sub = dir.join("left/sub");
    assert!(is_done("umount", &[sub.to_str().unwrap()]));
    desk.write("left/f0", "changed");
    let report = desk.sync();
    assert!(!report.is_in_sync(), "{report:?}");
    assert_eq!(tree(&dir.join("right/sub")), before);
    assert_eq!(desk.read("right/f0").as_deref(), Some("changed"));
    assert!(
        tree(&sub).is_empty(),
        "nothing is put where the disk belongs"
    );
}
