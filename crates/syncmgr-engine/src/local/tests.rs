//! The local replica on real directories.

use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::entry::{FileTime, Kind};
use crate::replica::{Content, Listing, Replica, Staged};
use crate::root::{self, Marker, MarkerState};

struct Place {
    dir: TempDir,
    replica: LocalReplica,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let replica = LocalReplica::open(dir.path()).unwrap();
        Self { dir, replica }
    }

    /// With syncmgr's own folder in it.
    fn with_own() -> Self {
        let place = Self::new();
        root::ensure_own_dir(&place.replica).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn names(&self, dir: &str) -> Vec<Vec<u8>> {
        let mut listing = Listing::default();
        let opened = self.replica.open_dir(&path(dir)).unwrap();
        opened.list(&mut listing, &mut Vec::new()).unwrap();
        listing.iter().map(|(name, _)| name.to_vec()).collect()
    }

    fn open(&self, dir: &str, name: &[u8]) -> Result<Box<dyn Content>, Fault> {
        self.replica.open_dir(&path(dir)).unwrap().open(name)
    }

    fn stage(&self, name: &str) -> Box<dyn Staged> {
        self.replica.create(&path(name)).unwrap()
    }
}

fn path(text: &str) -> RelPath {
    RelPath::new(text.as_bytes()).unwrap()
}

#[track_caller]
fn kind<T>(result: Result<T, Fault>) -> FaultKind {
    match result {
        Ok(_) => panic!("it should have failed"),
        Err(fault) => fault.kind,
    }
}

#[test]
fn opening_a_root_tells_missing_from_wrong() {
    let place = Place::new();
    fs::write(place.at("file"), "").unwrap();
    symlink("nowhere", place.at("dangling")).unwrap();
    symlink(".", place.at("link")).unwrap();
    let open = |name: &str| LocalReplica::open(&place.at(name));
    assert_eq!(kind(open("none")), FaultKind::NotFound);
    assert_eq!(kind(open("dangling")), FaultKind::NotFound);
    assert_eq!(kind(open("file")), FaultKind::WrongKind);
    assert_eq!(open("link").unwrap().path(), place.replica.path());
}

#[test]
fn odd_names_are_listed_sorted_and_opened() {
    let place = Place::new();
    let long = [b'x'; 255];
    let mut names: Vec<&[u8]> = vec![b"-rf", b"\xff\xfe", b"a\nb", b" ", &long, "é".as_bytes()];
    for name in &names {
        fs::write(
            place.dir.path().join(std::ffi::OsStr::from_bytes(name)),
            name,
        )
        .unwrap();
    }
    fs::write(place.at(".syncmgr-x"), "").unwrap();
    names.sort_unstable();
    assert_eq!(place.names(""), names);
    for name in names {
        let mut content = place.open("", name).unwrap();
        let mut buffer = [0; 300];
        let n = content.read(&mut buffer).unwrap();
        assert_eq!(&buffer[..n], name);
    }
    let mut own = Vec::new();
    let root = place.replica.open_dir(&RelPath::root()).unwrap();
    root.list(&mut Listing::default(), &mut own).unwrap();
    assert_eq!(own, [b".syncmgr-x".as_slice().into()]);
}

#[test]
fn names_that_are_paths_are_refused() {
    let place = Place::new();
    for name in [&b".."[..], b".", b"", b"a/b", b"/etc/passwd", b"a\0b"] {
        assert_eq!(kind(place.open("", name)), FaultKind::BadName);
    }
}

#[test]
fn every_way_of_looking_says_the_same() {
    let place = Place::new();
    fs::write(place.at("f"), "123").unwrap();
    fs::create_dir(place.at("d")).unwrap();
    symlink("f", place.at("l")).unwrap();
    let root = place.replica.open_dir(&RelPath::root()).unwrap();
    let mut listing = Listing::default();
    root.list(&mut listing, &mut Vec::new()).unwrap();
    for (name, entry) in listing.iter() {
        let name = std::str::from_utf8(name).unwrap();
        assert_eq!(
            place.replica.stat(&path(name)).unwrap().as_ref(),
            Some(entry)
        );
    }
    let seen = |name: &str| place.replica.stat(&path(name)).unwrap().unwrap();
    assert_eq!(place.open("", b"f").unwrap().stat().unwrap(), seen("f"));
    assert_eq!((seen("f").kind, seen("f").size), (Kind::File, 3));
    assert_eq!((seen("l").kind, seen("l").size), (Kind::Symlink, 0));
    let dir = place.replica.open_dir(&path("d")).unwrap();
    assert_eq!(dir.stat_self().unwrap(), seen("d"));
    assert_eq!(root.stat_self().unwrap(), seen(""));
    assert_eq!(&*root.read_link(b"l").unwrap(), b"f");
    assert_eq!(kind(root.read_link(b"f")), FaultKind::WrongKind);
}

#[test]
fn ids_stay_through_renames_and_differ_between_files() {
    let place = Place::new();
    fs::write(place.at("a"), "").unwrap();
    fs::write(place.at("b"), "").unwrap();
    let id = |name: &str| place.replica.stat(&path(name)).unwrap().unwrap().id;
    let (a, b) = (id("a"), id("b"));
    assert_ne!(a, b);
    fs::rename(place.at("a"), place.at("c")).unwrap();
    assert_eq!(id("c"), a);
}

#[test]
fn times_before_1970_and_far_ahead_are_kept() {
    let place = Place::with_own();
    for time in [
        FileTime::new(-5, 7),
        FileTime::new(4_000_000_000, 999_999_999),
    ] {
        let name = path(".syncmgr/f");
        let entry = place.stage(".syncmgr/f").finish(0o640, time).unwrap();
        assert_eq!((entry.mtime, entry.mode), (time, 0o640));
        assert_eq!(place.replica.stat(&name).unwrap(), Some(entry));
        place.replica.remove_file(&name).unwrap();
    }
}

#[test]
fn absent_is_told_from_wrong_kind() {
    let place = Place::new();
    fs::write(place.at("f"), "").unwrap();
    fs::create_dir(place.at("d")).unwrap();
    symlink("d", place.at("l")).unwrap();
    let stat = |p: &str| place.replica.stat(&path(p)).unwrap();
    assert_eq!(stat("none"), None);
    assert_eq!(stat("none/x"), None);
    assert_eq!(stat("f/x"), None);
    assert_eq!(stat("l/x"), None);
    let open = |p: &str| kind(place.replica.open_dir(&path(p)));
    assert_eq!(open("none"), FaultKind::NotFound);
    assert_eq!(open("f/x"), FaultKind::NotFound);
    assert_eq!(open("f"), FaultKind::WrongKind);
    assert_eq!(open("l"), FaultKind::WrongKind);
    assert_eq!(open("l/x"), FaultKind::WrongKind);
}

#[test]
fn a_fifo_is_special_and_does_not_hang() {
    let place = Place::new();
    let dir = fs::File::open(place.dir.path()).unwrap();
    rustix::fs::mkfifoat(&dir, "pipe", Mode::RUSR | Mode::WUSR).unwrap();
    let entry = place.replica.stat(&path("pipe")).unwrap().unwrap();
    assert_eq!(entry.kind, Kind::Special);
    assert_eq!(place.names(""), [b"pipe".to_vec()]);
    assert_eq!(kind(place.open("", b"pipe")), FaultKind::WrongKind);
    let _socket = std::os::unix::net::UnixListener::bind(place.at("socket")).unwrap();
    assert_eq!(kind(place.open("", b"socket")), FaultKind::WrongKind);
    fs::create_dir(place.at("d")).unwrap();
    assert_eq!(kind(place.open("", b"d")), FaultKind::WrongKind);
    symlink("pipe", place.at("l")).unwrap();
    assert_eq!(kind(place.open("", b"l")), FaultKind::WrongKind);
}

#[test]
fn paths_longer_than_the_kernel_takes_work() {
    let place = Place::with_own();
    let part = "d".repeat(200);
    let mut deep = RelPath::root();
    for _ in 0..70 {
        deep = deep.join(part.as_bytes());
        place.replica.make_dir(&deep, 0o755).unwrap();
    }
    assert!(deep.as_bytes().len() > 3 * 4096);
    let staged = path(".syncmgr/new");
    let mut file = place.stage(".syncmgr/new");
    file.write(b"deep").unwrap();
    file.finish(0o644, FileTime::new(1, 2)).unwrap();
    let name = deep.join(b"f");
    place.replica.move_new(&staged, &name).unwrap();
    assert_eq!(place.replica.stat(&name).unwrap().unwrap().size, 4);
    let dir = place.replica.open_dir(&deep).unwrap();
    let mut listing = Listing::default();
    dir.list(&mut listing, &mut Vec::new()).unwrap();
    assert_eq!(listing.len(), 1);
    assert!(dir.open(b"f").is_ok());
    place.replica.move_new(&name, &staged).unwrap();
    place.replica.remove_file(&staged).unwrap();
    // What removes the temporary folder may not take such paths.
    for _ in 0..70 {
        place.replica.remove_dir(&deep).unwrap();
        deep = deep.parent().unwrap();
    }
}

#[test]
fn a_link_put_in_the_way_is_never_gone_through() {
    let place = Place::with_own();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("f"), "theirs").unwrap();
    fs::create_dir(outside.path().join("empty")).unwrap();
    let before = fs::metadata(outside.path().join("f")).unwrap();
    fs::create_dir(place.at("d")).unwrap();
    place
        .stage(".syncmgr/s")
        .finish(0o644, FileTime::new(1, 0))
        .unwrap();
    // The folder of the plan is swapped for a link out of the root.
    fs::remove_dir(place.at("d")).unwrap();
    symlink(outside.path(), place.at("d")).unwrap();
    let replica = &place.replica;
    let (staged, file) = (path(".syncmgr/s"), path("d/f"));
    assert_eq!(
        kind(replica.move_new(&staged, &path("d/new"))),
        FaultKind::WrongKind
    );
    assert_eq!(kind(replica.exchange(&staged, &file)), FaultKind::WrongKind);
    assert_eq!(
        kind(replica.make_dir(&path("d/new"), 0o755)),
        FaultKind::WrongKind
    );
    assert_eq!(
        kind(replica.remove_dir(&path("d/empty"))),
        FaultKind::WrongKind
    );
    let time = FileTime::new(9, 9);
    assert_eq!(
        kind(replica.set_meta(&file, Some(0o777), Some(time))),
        FaultKind::WrongKind
    );
    let link = replica.make_link(&path("d/l"), b"x", FileTime::new(1, 0));
    assert_eq!(kind(link), FaultKind::WrongKind);
    assert_eq!(
        kind(replica.move_new(&file, &path("mine"))),
        FaultKind::WrongKind
    );
    // The link itself can be handled; what it points to stays as it is.
    replica
        .set_meta(&path("d"), Some(0o777), Some(time))
        .unwrap();
    assert_eq!(replica.stat(&path("d")).unwrap().unwrap().mtime, time);
    let after = fs::metadata(outside.path().join("f")).unwrap();
    assert_eq!(
        (before.mode(), before.mtime()),
        (after.mode(), after.mtime())
    );
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 2);
}

#[test]
fn nothing_is_created_or_removed_outside_of_the_own_folder() {
    let place = Place::with_own();
    fs::write(place.at("f"), "").unwrap();
    fs::write(place.at(".syncmgr-x"), "").unwrap();
    for name in [
        "f",
        "new",
        ".syncmgr",
        ".syncmgr-x",
        ".syncmgr-x/f",
        "d/.syncmgr/f",
    ] {
        assert_eq!(
            kind(place.replica.create(&path(name))),
            FaultKind::Unsupported
        );
        assert_eq!(
            kind(place.replica.remove_file(&path(name))),
            FaultKind::Unsupported
        );
    }
    assert!(place.at("f").exists());
}

#[test]
fn a_taken_name_is_never_replaced() {
    let place = Place::new();
    fs::write(place.at("a"), "a").unwrap();
    fs::write(place.at("b"), "b").unwrap();
    fs::create_dir(place.at("d")).unwrap();
    fs::create_dir(place.at("empty")).unwrap();
    let replica = &place.replica;
    let moved = |from: &str, to: &str| kind(replica.move_new(&path(from), &path(to)));
    assert_eq!(moved("a", "b"), FaultKind::Exists);
    assert_eq!(moved("d", "empty"), FaultKind::Exists);
    assert_eq!(moved("none", "x"), FaultKind::NotFound);
    // The ways that old file systems need refuse as well.
    let root = replica.root();
    let in_steps =
        |from: &'static [u8], to: &'static [u8]| replica.move_in_steps((root, from), (root, to));
    assert_eq!(in_steps(b"a", b"b"), Err(Errno::EXIST));
    assert_eq!(in_steps(b"d", b"empty"), Err(Errno::EXIST));
    in_steps(b"a", b"c").unwrap();
    in_steps(b"d", b"e").unwrap();
    assert_eq!(
        place.names(""),
        [b"b".to_vec(), b"c".into(), b"e".into(), b"empty".into()]
    );
    assert_eq!(fs::read(place.at("c")).unwrap(), b"a");
}

#[test]
fn exchange_swaps_names_whatever_they_stand_for() {
    let place = Place::new();
    fs::write(place.at("f"), "f").unwrap();
    fs::create_dir(place.at("d")).unwrap();
    fs::write(place.at("d/x"), "").unwrap();
    place.replica.exchange(&path("f"), &path("d")).unwrap();
    assert!(place.at("f/x").exists());
    assert_eq!(fs::read(place.at("d")).unwrap(), b"f");
    let missing = place.replica.exchange(&path("f"), &path("none"));
    assert_eq!(kind(missing), FaultKind::NotFound);
}

#[test]
fn a_folder_with_something_in_it_is_not_removed() {
    let place = Place::new();
    fs::create_dir(place.at("d")).unwrap();
    fs::write(place.at("d/x"), "").unwrap();
    assert_eq!(
        kind(place.replica.remove_dir(&path("d"))),
        FaultKind::NotEmpty
    );
    assert_eq!(
        kind(place.replica.remove_dir(&path("d/x"))),
        FaultKind::WrongKind
    );
    fs::remove_file(place.at("d/x")).unwrap();
    place.replica.remove_dir(&path("d")).unwrap();
    assert_eq!(
        kind(place.replica.remove_dir(&path("d"))),
        FaultKind::NotFound
    );
}

#[test]
fn modes_are_exact_and_never_grant_more() {
    let place = Place::new();
    for mode in [0o777, 0o700, 0o755, 0o500, 0o000] {
        place.replica.make_dir(&path("d"), mode).unwrap();
        assert_eq!(place.replica.stat(&path("d")).unwrap().unwrap().mode, mode);
        place.replica.remove_dir(&path("d")).unwrap();
    }
    fs::write(place.at("f"), "").unwrap();
    fs::set_permissions(place.at("f"), fs::Permissions::from_mode(0o4755)).unwrap();
    place
        .replica
        .set_meta(&path("f"), Some(0o775), None)
        .unwrap();
    assert_eq!(fs::metadata(place.at("f")).unwrap().mode() & 0o7777, 0o775);
    fs::create_dir(place.at("shared")).unwrap();
    fs::set_permissions(place.at("shared"), fs::Permissions::from_mode(0o3755)).unwrap();
    place
        .replica
        .set_meta(&path("shared"), Some(0o775), None)
        .unwrap();
    assert_eq!(
        fs::metadata(place.at("shared")).unwrap().mode() & 0o7777,
        0o3775
    );
}

#[test]
fn attributes_of_an_unreadable_file_can_be_set() {
    let place = Place::new();
    fs::write(place.at("f"), "").unwrap();
    fs::set_permissions(place.at("f"), fs::Permissions::from_mode(0o000)).unwrap();
    let time = FileTime::new(123, 456);
    place
        .replica
        .set_meta(&path("f"), None, Some(time))
        .unwrap();
    place
        .replica
        .set_meta(&path("f"), Some(0o640), None)
        .unwrap();
    let entry = place.replica.stat(&path("f")).unwrap().unwrap();
    assert_eq!((entry.mode, entry.mtime), (0o640, time));
}

#[test]
fn a_link_is_made_with_text_and_time() {
    let place = Place::new();
    let time = FileTime::new(5, 6);
    place
        .replica
        .make_link(&path("l"), b"../\xff", time)
        .unwrap();
    assert_eq!(
        fs::read_link(place.at("l")).unwrap().as_os_str().as_bytes(),
        b"../\xff"
    );
    assert_eq!(place.replica.stat(&path("l")).unwrap().unwrap().mtime, time);
    let again = place.replica.make_link(&path("l"), b"x", time);
    assert_eq!(kind(again), FaultKind::Exists);
}

fn sparse(at: &std::path::Path) -> u64 {
    let file = fs::File::create(at).unwrap();
    let len = (8 << 20) + 5;
    file.set_len(len).unwrap();
    file.write_all_at(b"one", 3 << 20).unwrap();
    file.write_all_at(b"two", 6 << 20).unwrap();
    len
}

#[test]
fn a_copy_inside_the_kernel_keeps_holes_and_content() {
    let place = Place::with_own();
    let len = sparse(&place.at("f"));
    let mut content = place.open("", b"f").unwrap();
    let mut staged = place.stage(".syncmgr/f");
    let mut seen = 0;
    let mut moved = |n| {
        seen += n;
        true
    };
    if !staged.copy_from(content.as_ref(), &mut moved).unwrap() {
        return; // Not on this file system.
    }
    assert_eq!(seen, len);
    assert_eq!(staged.finish(0o644, FileTime::new(1, 0)).unwrap().size, len);
    assert_eq!(
        fs::read(place.at("f")).unwrap(),
        fs::read(place.at(".syncmgr/f")).unwrap()
    );
    let blocks = |name: &str| fs::metadata(place.at(name)).unwrap().blocks();
    assert!(blocks(".syncmgr/f") <= blocks("f") + 16);
    // Reading goes on from the start, wherever the kernel looked for holes.
    let mut buffer = vec![1; (3 << 20) + 3];
    let mut n = 0;
    while n < buffer.len() {
        n += content.read(&mut buffer[n..]).unwrap();
    }
    assert_eq!(&buffer[3 << 20..], b"one");
}

#[test]
fn holes_that_are_skipped_stay_holes() {
    let place = Place::with_own();
    let mut staged = place.stage(".syncmgr/f");
    staged.skip(4 << 20).unwrap();
    staged.write(b"middle").unwrap();
    staged.skip(1 << 20).unwrap();
    let entry = staged.finish(0o600, FileTime::new(1, 0)).unwrap();
    assert_eq!(entry.size, (5 << 20) + 6);
    let bytes = fs::read(place.at(".syncmgr/f")).unwrap();
    assert_eq!(&bytes[4 << 20..(4 << 20) + 6], b"middle");
    assert_eq!(bytes.iter().filter(|&&b| b != 0).count(), 6);
    assert!(fs::metadata(place.at(".syncmgr/f")).unwrap().blocks() < 64);
}

#[test]
fn a_copy_can_be_stopped() {
    let place = Place::with_own();
    fs::write(place.at("f"), vec![7; 100_000]).unwrap();
    let content = place.open("", b"f").unwrap();
    let stopped = place
        .stage(".syncmgr/f")
        .copy_from(content.as_ref(), &mut |_| false);
    assert!(matches!(
        stopped,
        Ok(false)
            | Err(Fault {
                kind: FaultKind::Cancelled,
                ..
            })
    ));
}

#[test]
fn what_can_be_done_is_found_out_and_nothing_is_left() {
    let place = Place::with_own();
    // What an interrupted experiment left.
    fs::create_dir(place.at(".syncmgr/probe-1-2")).unwrap();
    fs::write(place.at(".syncmgr/probe-1-2/a"), "").unwrap();
    let found = place.replica.probe().unwrap();
    assert!(place.names(".syncmgr").is_empty());
    assert!(found.symlinks && found.modes && !found.folds_case && !found.folds_unicode);
    assert_eq!(found.mtime_step_ns, 1);
    assert_eq!(found.name_max, 255);
    let replica = LocalReplica::open(place.dir.path())
        .unwrap()
        .with_capabilities(found.clone());
    assert_eq!(replica.capabilities(), &found);
    assert!(replica.free_bytes().is_some_and(|free| free > 0));
    replica.make_durable().unwrap();
}

#[test]
fn a_marker_is_written_replaced_and_read() {
    let place = Place::new();
    let replica = &place.replica;
    assert_eq!(root::examine_marker(replica).unwrap(), MarkerState::Missing);
    let id = replica.stat(&RelPath::root()).unwrap().unwrap().id;
    for digit in ["a", "b"] {
        let marker = Marker::new(&digit.repeat(32), id).unwrap();
        root::write_marker(replica, &marker).unwrap();
        assert_eq!(root::read_marker(replica).unwrap(), Some(marker));
        assert_eq!(place.names(".syncmgr"), [&b".gitignore"[..], b"root"]);
    }
    let own = replica.stat(&root::own_dir()).unwrap().unwrap();
    assert_eq!(own.mode, 0o700);
    fs::write(place.at(".syncmgr/root"), "version=1\n").unwrap();
    assert_eq!(root::examine_marker(replica).unwrap(), MarkerState::Damaged);
    fs::write(place.at(".syncmgr/root"), vec![b'x'; 100_000]).unwrap();
    assert_eq!(root::examine_marker(replica).unwrap(), MarkerState::Damaged);
    assert_eq!(root::read_marker(replica).unwrap(), None);
}

#[test]
fn a_planted_own_folder_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    let marker = Marker::new(&"a".repeat(32), crate::entry::FileId(1)).unwrap();
    let planted = |plant: &dyn Fn(&Place)| {
        let place = Place::new();
        plant(&place);
        assert_eq!(
            kind(root::read_marker(&place.replica)),
            FaultKind::WrongKind
        );
        assert_eq!(
            kind(root::write_marker(&place.replica, &marker)),
            FaultKind::WrongKind
        );
        assert_eq!(kind(place.replica.probe()), FaultKind::WrongKind);
        assert!(fs::read_dir(outside.path()).unwrap().next().is_none());
    };
    planted(&|place| symlink(outside.path(), place.at(".syncmgr")).unwrap());
    planted(&|place| symlink("nowhere", place.at(".syncmgr")).unwrap());
    planted(&|place| fs::write(place.at(".syncmgr"), "").unwrap());
    // A link in the place of the marker is not read through either.
    let place = Place::with_own();
    fs::write(outside.path().join("root"), marker.to_text()).unwrap();
    symlink(outside.path().join("root"), place.at(".syncmgr/root")).unwrap();
    assert_eq!(
        kind(root::read_marker(&place.replica)),
        FaultKind::WrongKind
    );
}

#[test]
fn a_folder_that_loses_its_name_while_open_is_not_empty() {
    let place = Place::new();
    fs::create_dir(place.at("d")).unwrap();
    let dir = place.replica.open_dir(&path("d")).unwrap();
    fs::remove_dir(place.at("d")).unwrap();
    let listed = dir.list(&mut Listing::default(), &mut Vec::new());
    assert_eq!(kind(listed), FaultKind::NotFound);
}

#[test]
fn writers_are_led_by_the_path_not_by_where_a_folder_went() {
    let place = Place::new();
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(place.at("d")).unwrap();
    place.replica.make_dir(&path("d/a"), 0o755).unwrap();
    fs::rename(place.at("d"), outside.path().join("d")).unwrap();
    assert_eq!(
        kind(place.replica.make_dir(&path("d/b"), 0o755)),
        FaultKind::NotFound
    );
    assert!(!outside.path().join("d/b").exists());
}

/// Does `work` again and again on a thread of its own while `check` runs.
fn meanwhile(work: impl Fn() + Sync, check: impl FnOnce()) {
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                work();
            }
        });
        // Also when the check panics, or the thread would never end.
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
        is_done.store(true, std::sync::atomic::Ordering::Relaxed);
        if let Err(panic) = checked {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn a_listing_never_misses_a_file_that_is_replaced_meanwhile() {
    let place = Place::new();
    for i in 0..50 {
        fs::write(place.at(&format!("f{i}")), "").unwrap();
    }
    let replace = || {
        for name in ["f7", "f33", "f49"] {
            fs::write(place.at("new"), "x").unwrap();
            fs::rename(place.at("new"), place.at(name)).unwrap();
        }
    };
    meanwhile(replace, || {
        let dir = place.replica.open_dir(&RelPath::root()).unwrap();
        for _ in 0..300 {
            let mut listing = Listing::default();
            match dir.list(&mut listing, &mut Vec::new()) {
                Ok(()) => {
                    let n = listing
                        .iter()
                        .filter(|(name, _)| name.starts_with(b"f"))
                        .count();
                    assert_eq!(n, 50);
                }
                Err(fault) => assert_eq!(fault.kind, FaultKind::Busy),
            }
        }
    });
}

#[test]
fn a_folder_swapped_for_a_link_again_and_again_leads_nothing_out() {
    let place = Place::with_own();
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(place.at("d")).unwrap();
    symlink(outside.path(), place.at("l")).unwrap();
    let root = fs::File::open(place.dir.path()).unwrap();
    let root = root.as_fd();
    let swap = || unix::rename_exchange((root, b"d"), (root, b"l")).unwrap();
    meanwhile(swap, || {
        for i in 0..2_000 {
            let staged = path(".syncmgr/s");
            place
                .stage(".syncmgr/s")
                .finish(0o644, FileTime::new(1, 0))
                .unwrap();
            let moved = place.replica.move_new(&staged, &path(&format!("d/{i}")));
            let made = place.replica.make_dir(&path(&format!("d/dir{i}")), 0o755);
            if let Err(fault) = made {
                assert_eq!(fault.kind, FaultKind::WrongKind);
            }
            if moved.is_err() {
                place.replica.remove_file(&staged).unwrap();
            }
        }
    });
    assert!(fs::read_dir(outside.path()).unwrap().next().is_none());
}
