//! The watch on real file systems. No test sleeps: each waits for the report it expects.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use syncmgr_watch::{Cause, Change, Settings, Watcher};

/// Longer than any report takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(20);

struct Scene {
    dir: tempfile::TempDir,
    watcher: Watcher,
    reports: Receiver<Change>,
}

impl Scene {
    fn of(names: &[&str], settings: &Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let roots = names.iter().map(|name| dir.path().join(name)).collect();
        Self::on(dir, roots, settings)
    }

    fn on(dir: tempfile::TempDir, roots: Vec<PathBuf>, settings: &Settings) -> Self {
        for root in &roots {
            fs::create_dir_all(root).unwrap();
        }
        let (sender, reports) = channel();
        let watcher = Watcher::start(roots, settings, Box::new(move |c| sender.send(c).unwrap()));
        Self {
            dir,
            watcher: watcher.unwrap(),
            reports,
        }
    }

    fn one() -> Self {
        Self::of(&["r"], &Settings::default())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Collects changed directories of root 0 until all that are wanted have come; returns all.
    fn dirty(&self, wanted: &[&str]) -> BTreeSet<PathBuf> {
        let wanted: BTreeSet<PathBuf> = wanted.iter().map(PathBuf::from).collect();
        let mut seen = BTreeSet::new();
        while !wanted.is_subset(&seen) {
            match self.reports.recv_timeout(LONG).unwrap() {
                Change::Dirty { dirs, .. } => seen.extend(dirs),
                lost @ Change::Lost { .. } => panic!("{lost:?}"),
            }
        }
        seen
    }

    /// Waits until a root is lost, and returns why.
    fn lost(&self) -> (usize, Cause) {
        loop {
            if let Change::Lost { root, cause } = self.reports.recv_timeout(LONG).unwrap() {
                return (root, cause);
            }
        }
    }
}

fn set(paths: &[&str]) -> BTreeSet<PathBuf> {
    paths.iter().map(PathBuf::from).collect()
}

#[test]
fn every_kind_of_change_is_seen_in_its_directory() {
    let scene = Scene::one();
    fs::create_dir(scene.at("r/d")).unwrap();
    scene.dirty(&["", "d"]);
    let file = scene.at("r/d/f");
    fs::write(&file, "1").unwrap();
    assert_eq!(scene.dirty(&["d"]), set(&["d"]));
    fs::write(&file, "2").unwrap();
    assert_eq!(scene.dirty(&["d"]), set(&["d"]));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&file, mode).unwrap();
    assert_eq!(scene.dirty(&["d"]), set(&["d"]));
    fs::rename(&file, scene.at("r/g")).unwrap();
    assert_eq!(scene.dirty(&["", "d"]), set(&["", "d"]));
    fs::remove_file(scene.at("r/g")).unwrap();
    assert_eq!(scene.dirty(&[""]), set(&[""]));
    fs::remove_dir(scene.at("r/d")).unwrap();
    assert_eq!(scene.dirty(&[""]), set(&[""]));
}

#[test]
fn reading_is_no_change_and_our_own_data_is_not_reported() {
    let scene = Scene::of(&["r"], &Settings::default());
    fs::create_dir_all(scene.at("r/.syncmgr/versions")).unwrap();
    fs::write(scene.at("r/.syncmgr/versions/x"), "1").unwrap();
    fs::write(scene.at("r/.syncmgr-lock"), "1").unwrap();
    fs::create_dir(scene.at("r/d")).unwrap();
    let seen = scene.dirty(&["", "d"]);
    assert_eq!(seen, set(&["", "d"]));
    fs::write(scene.at("r/.syncmgr/versions/x"), "2").unwrap();
    fs::read_dir(scene.at("r/d")).unwrap().count();
    fs::read(scene.at("r/.syncmgr/versions/x")).unwrap();
    fs::rename(scene.at("r/.syncmgr/versions/x"), scene.at("r/d/x")).unwrap();
    assert_eq!(scene.dirty(&["d"]), set(&["d"]));
}

#[test]
fn directories_made_and_filled_in_one_go_are_all_seen() {
    let scene = Scene::one();
    let mut wanted = Vec::new();
    for n in 0..50 {
        let dir = format!("{n}/a/b/c");
        fs::create_dir_all(scene.at("r").join(&dir)).unwrap();
        fs::write(scene.at("r").join(&dir).join("f"), "x").unwrap();
        wanted.push(dir);
    }
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    scene.dirty(&wanted);
    // And they are watched from now on.
    fs::write(scene.at("r/17/a/b/c/g"), "x").unwrap();
    assert_eq!(scene.dirty(&["17/a/b/c"]), set(&["17/a/b/c"]));
    assert_eq!(scene.watcher.coverage()[0].n_watched, 201);
}

#[test]
fn a_moved_directory_is_followed() {
    let scene = Scene::of(&["r", "s"], &Settings::default());
    fs::create_dir_all(scene.at("r/a/x")).unwrap();
    fs::create_dir_all(scene.at("r/b")).unwrap();
    scene.dirty(&["", "a", "a/x", "b"]);
    fs::rename(scene.at("r/a"), scene.at("r/b/c")).unwrap();
    scene.dirty(&["", "b", "b/c", "b/c/x"]);
    fs::write(scene.at("r/b/c/x/f"), "1").unwrap();
    assert_eq!(scene.dirty(&["b/c/x"]), set(&["b/c/x"]));
    // Out of the root: what happens there concerns nobody.
    fs::rename(scene.at("r/b/c"), scene.at("out")).unwrap();
    scene.dirty(&["b"]);
    fs::write(scene.at("out/x/f"), "2").unwrap();
    fs::write(scene.at("r/g"), "2").unwrap();
    assert_eq!(scene.dirty(&[""]), set(&[""]));
    assert_eq!(scene.watcher.coverage()[0].n_watched, 2);
}

#[test]
fn a_root_that_goes_and_comes_back_is_lost_twice_and_watched_again() {
    let scene = Scene::one();
    fs::write(scene.at("r/f"), "1").unwrap();
    scene.dirty(&[""]);
    fs::remove_dir_all(scene.at("r")).unwrap();
    assert_eq!(scene.lost(), (0, Cause::RootGone));
    assert!(!scene.watcher.coverage()[0].is_whole());
    fs::create_dir(scene.at("r")).unwrap();
    assert_eq!(scene.lost(), (0, Cause::RootReturned));
    fs::create_dir(scene.at("r/d")).unwrap();
    scene.dirty(&["", "d"]);
}

#[test]
fn a_root_is_lost_when_a_folder_above_it_is_moved_or_another_takes_its_place() {
    let scene = Scene::of(&["up/r"], &Settings::default());
    fs::rename(scene.at("up"), scene.at("off")).unwrap();
    assert_eq!(scene.lost(), (0, Cause::RootGone));
    fs::create_dir_all(scene.at("up/r")).unwrap();
    assert_eq!(scene.lost(), (0, Cause::RootReturned));
    fs::create_dir(scene.at("new")).unwrap();
    fs::rename(scene.at("up/r"), scene.at("old")).unwrap();
    fs::rename(scene.at("new"), scene.at("up/r")).unwrap();
    let mut cause = scene.lost().1;
    if cause == Cause::RootGone {
        cause = scene.lost().1;
    }
    assert_eq!(cause, Cause::RootReturned);
    fs::write(scene.at("up/r/f"), "1").unwrap();
    assert_eq!(scene.dirty(&[""]), set(&[""]));
}

#[test]
fn too_few_watches_are_said_with_numbers_and_never_taken_for_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..10 {
        fs::create_dir_all(dir.path().join(format!("r/{n}/x"))).unwrap();
    }
    let settings = Settings {
        watches_max: Some(7),
        ..Settings::default()
    };
    let root = dir.path().join("r");
    let scene = Scene::on(dir, vec![root], &settings);
    let (_, cause) = scene.lost();
    assert!(
        matches!(cause, Cause::TooFewWatches { needed: 21, .. }),
        "{cause:?}"
    );
    let coverage = &scene.watcher.coverage()[0];
    assert_eq!((coverage.n_watched, coverage.n_left_out), (7, 14));
    assert!(!coverage.is_whole());
    fs::write(scene.at("r/f"), "1").unwrap();
    assert!(matches!(
        scene.lost(),
        (0, Cause::TooFewWatches { needed: 21, .. })
    ));
}

#[test]
fn an_overflow_is_noticed_and_what_was_missed_is_watched_again() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("r");
    fs::create_dir(&root).unwrap();
    let (sender, reports) = channel();
    let (go, gate) = channel::<()>();
    let on_change = move |change| {
        sender.send(change).unwrap();
        // The watch does not read while its report is being passed on.
        gate.recv().unwrap();
    };
    let settings = Settings::default();
    let watcher = Watcher::start(vec![root.clone()], &settings, Box::new(on_change)).unwrap();
    fs::write(root.join("f"), "1").unwrap();
    reports.recv_timeout(LONG).unwrap();
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    for _ in 0..limit / 3 + 100 {
        fs::write(root.join("f"), "2").unwrap();
        fs::remove_file(root.join("f")).unwrap();
    }
    fs::create_dir_all(root.join("unseen/deep")).unwrap();
    go.send(()).unwrap();
    let lost = |cause| Change::Lost { root: 0, cause };
    assert_eq!(reports.recv_timeout(LONG).unwrap(), lost(Cause::Overflow));
    go.send(()).unwrap();
    fs::write(root.join("unseen/deep/g"), "1").unwrap();
    let dirs = set(&["unseen/deep"]);
    assert_eq!(
        reports.recv_timeout(LONG).unwrap(),
        Change::Dirty { root: 0, dirs }
    );
    go.send(()).unwrap();
    drop(watcher);
}

#[test]
fn a_watch_that_has_nothing_to_say_ends_at_once() {
    let scene = Scene::one();
    drop(scene.watcher);
    assert!(scene.reports.recv_timeout(LONG).is_err());
}

/// Runs the test `name` again in a mount namespace of its own, where that is allowed (usually as
/// root only). Returns whether this is the inner run.
fn is_in_namespace(name: &str) -> bool {
    const INNER: &str = "SYNCMGR_TEST_MOUNTS";
    if std::env::var_os(INNER).is_some() {
        return true;
    }
    let temp = tempfile::tempdir().unwrap();
    let ready = temp.path().join("ready");
    let script = "set -e; mkdir try; mount -t tmpfs none try; umount try; touch ready; \
                  exec \"$0\" --exact \"$1\"";
    let out = std::process::Command::new("unshare")
        .args(["-m", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(INNER, "1")
        .current_dir(temp.path())
        .output();
    if let Ok(out) = out {
        let said = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success() || !ready.exists(), "{said}");
    }
    false
}

fn mount(words: &[&str], at: &std::path::Path) {
    let mut command = std::process::Command::new(words[0]);
    assert!(
        command
            .args(&words[1..])
            .arg(at)
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn what_is_mounted_or_unmounted_puts_the_root_in_doubt() {
    if !is_in_namespace("what_is_mounted_or_unmounted_puts_the_root_in_doubt") {
        return;
    }
    let scene = Scene::one();
    fs::create_dir_all(scene.at("r/usb")).unwrap();
    scene.dirty(&["", "usb"]);
    for at in ["r/usb", "r"] {
        mount(&["mount", "-t", "tmpfs", "none"], &scene.at(at));
        assert_eq!(scene.lost(), (0, Cause::MountChanged), "mounted at {at}");
        fs::write(scene.at(at).join("f"), "1").unwrap();
        let inner = at.strip_prefix("r/").unwrap_or("");
        assert_eq!(scene.dirty(&[inner]), set(&[inner]));
        mount(&["umount"], &scene.at(at));
        assert_eq!(scene.lost(), (0, Cause::MountChanged), "unmounted at {at}");
    }
    fs::write(scene.at("r/usb/f"), "1").unwrap();
    scene.dirty(&["usb"]);
}
