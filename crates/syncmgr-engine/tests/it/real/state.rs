//! The memory of the agreed state lost, damaged, or put back from a backup: the next run adds and
//! asks, and deletes nothing (I11).

use std::fs;
use std::path::{Path, PathBuf};

use super::again::is_done;
use super::desk::{Desk, tree};

fn in_sync() -> Desk {
    let mut desk = Desk::new();
    for n in 0..30 {
        desk.write(format!("left/d{}/f{n}", n % 3), format!("{n}"));
    }
    desk.converge();
    desk
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let all = tree(dir).into_keys().map(|path| dir.join(path));
    all.filter(|path| path.is_file()).collect()
}

/// Damages the state, deletes on one side, changes on the other, and expects that everything that
/// was there is still there.
#[track_caller]
fn check(damage: impl FnOnce(&Desk)) {
    let mut desk = in_sync();
    damage(&desk);
    desk.write("left/d0/f0", "changed");
    desk.write("right/new", "new");
    let before = ["left", "right"].map(|side| tree(&desk.path(side)));
    for _ in 0..2 {
        if let Ok(mut pair) = desk.open() {
            // An error is an answer as well.
            drop(desk.run(&mut pair));
        }
        for (side, before) in ["left", "right"].iter().zip(&before) {
            let after = tree(&desk.path(side));
            for path in before.keys() {
                assert!(after.contains_key(path), "{side}: {}", path.display());
            }
        }
    }
    assert_eq!(desk.read("left/d0/f0").as_deref(), Some("changed"));
    assert_eq!(desk.read("left/new").as_deref(), Some("new"));
}

#[test]
fn a_lost_state_deletes_nothing() {
    check(|desk| fs::remove_dir_all(desk.path("state")).unwrap());
    check(|desk| {
        for file in files(&desk.path("state")) {
            fs::remove_file(file).unwrap();
        }
    });
}

#[test]
fn a_state_cut_short_anywhere_deletes_nothing() {
    for part in [0, 1, 2, 3, 5, 7] {
        check(|desk| {
            for path in files(&desk.path("state")) {
                let file = fs::File::options().write(true).open(path).unwrap();
                let size = file.metadata().unwrap().len();
                file.set_len(size * part / 8).unwrap();
            }
        });
    }
}

#[test]
fn a_garbled_state_deletes_nothing() {
    for seed in 1..12_usize {
        check(|desk| {
            for path in files(&desk.path("state")) {
                let mut bytes = fs::read(&path).unwrap();
                let n = bytes.len().max(1);
                for at in 0..bytes.len().min(40) {
                    let place = (at * 7919 * seed + seed * 104_729) % n;
                    bytes[place] ^= 0xa5;
                }
                fs::write(path, bytes).unwrap();
            }
        });
    }
}

#[test]
fn an_older_state_put_back_reverts_and_deletes_nothing() {
    let mut desk = in_sync();
    let (state, backup) = (desk.path("state"), desk.path("backup"));
    assert!(is_done(
        "cp",
        &["-a", state.to_str().unwrap(), backup.to_str().unwrap()]
    ));
    // What the old state does not know: a change, a new file, a deletion, a file made again.
    desk.write("left/d0/f0", "changed");
    desk.write("right/new", "new");
    fs::remove_file(desk.path("left/d1/f1")).unwrap();
    fs::remove_file(desk.path("left/d2/f2")).unwrap();
    desk.converge();
    desk.write("right/d2/f2", "made again");
    desk.converge();
    fs::remove_dir_all(&state).unwrap();
    fs::rename(&backup, &state).unwrap();
    let before = tree(&desk.path("left"));
    desk.converge();
    assert_eq!(tree(&desk.path("left")), before);
    assert_eq!(desk.read("right/d0/f0").as_deref(), Some("changed"));
    assert_eq!(desk.read("right/d2/f2").as_deref(), Some("made again"));
}

#[test]
fn an_older_state_and_new_changes_lose_no_version() {
    let mut desk = in_sync();
    let (state, backup) = (desk.path("state"), desk.path("backup"));
    assert!(is_done(
        "cp",
        &["-a", state.to_str().unwrap(), backup.to_str().unwrap()]
    ));
    desk.write("left/d0/f0", "first change");
    desk.converge();
    fs::remove_dir_all(&state).unwrap();
    fs::rename(&backup, &state).unwrap();
    desk.write("right/d0/f0", "second change");
    desk.sync();
    // The state cannot know which came first: it may ask, but both are there.
    let mut found = [desk.kept("left"), desk.kept("right")].concat();
    found.extend(desk.read("left/d0/f0"));
    found.extend(desk.read("right/d0/f0"));
    for text in ["first change", "second change"] {
        assert!(found.iter().any(|kept| kept == text), "{text}: {found:?}");
    }
}

#[test]
fn the_state_of_another_pair_deletes_nothing() {
    check(|desk| {
        let mut other = Desk::new();
        for n in 0..30 {
            other.write(format!("left/d{}/f{n}", n % 3), format!("{n}"));
            other.write(format!("left/d{}/more{n}", n % 3), format!("{n}"));
        }
        other.converge();
        fs::remove_dir_all(desk.path("state")).unwrap();
        let (from, to) = (other.path("state"), desk.path("state"));
        assert!(is_done(
            "cp",
            &["-a", from.to_str().unwrap(), to.to_str().unwrap()]
        ));
    });
}
