//! The tree in memory keeps the contract of the engine's port.

use std::sync::{Arc, Mutex};

use syncmgr_engine::entry::{FileTime, Kind};
use syncmgr_engine::path::RelPath;
use syncmgr_engine::replica::{Capabilities, FaultKind, Listing, Observe, Replica};
use syncmgr_testing::memory::{Machine, MemoryReplica};
use syncmgr_testing::tree;

pub(crate) fn path(text: &str) -> RelPath {
    RelPath::new(text.as_bytes()).unwrap()
}

/// Stages a file as the engine does.
pub(crate) fn stage(replica: &MemoryReplica, at: &str, bytes: &[u8]) {
    if replica.stat(&path(".syncmgr")).unwrap().is_none() {
        replica.make_dir(&path(".syncmgr"), 0o700).unwrap();
    }
    let mut staged = replica.create(&path(at)).unwrap();
    staged.write(bytes).unwrap();
    staged.finish(0o644, FileTime::new(7, 5)).unwrap();
}

fn list(replica: &MemoryReplica, dir: &str) -> (Vec<String>, usize) {
    let mut listing = Listing::default();
    let mut own = Vec::new();
    let dir = replica.open_dir(&path(dir)).unwrap();
    dir.list(&mut listing, &mut own).unwrap();
    let names = listing
        .iter()
        .map(|(name, _)| String::from_utf8_lossy(name).into_owned());
    (names.collect(), own.len())
}

#[test]
fn a_staged_file_appears_whole_with_its_attributes() {
    let replica = tree::replica("b/");
    stage(&replica, ".syncmgr/s", b"new");
    assert_eq!(tree::of(&replica).to_string(), "b/");
    let from = path(".syncmgr/s");
    replica.move_new(&from, &path("b/a")).unwrap();
    assert_eq!(tree::of(&replica).to_string(), "b/ b/a=new");
    let entry = replica.stat(&path("b/a")).unwrap().unwrap();
    assert_eq!(entry.mtime, FileTime::new(7, 5));
    assert!(replica.violations().is_empty());
}

#[test]
fn own_names_are_listed_apart() {
    let replica = tree::replica("c=1 a=1 b/");
    stage(&replica, ".syncmgr/s", b"x");
    assert_eq!(
        list(&replica, ""),
        (vec!["a".into(), "b".into(), "c".into()], 1)
    );
    assert_eq!(list(&replica, ".syncmgr"), (vec!["s".into()], 0));
    assert_eq!(replica.all().len(), 5);
}

#[test]
fn a_taken_name_is_never_taken_over() {
    let replica = tree::replica("a=1 b=2 d/ d/x=3");
    let refuse = |from: &str, to: &str| replica.move_new(&path(from), &path(to)).unwrap_err().kind;
    assert_eq!(refuse("a", "b"), FaultKind::Exists);
    assert_eq!(refuse("a", "d"), FaultKind::Exists);
    assert_eq!(refuse("z", "y"), FaultKind::NotFound);
    assert_eq!(refuse("a", "z/y"), FaultKind::NotFound);
    assert_eq!(refuse("a", "b/y"), FaultKind::WrongKind);
    assert_eq!(refuse("d", "d/e"), FaultKind::BadName);
    let taken = replica.make_dir(&path("a"), 0o755).unwrap_err();
    assert_eq!(taken.kind, FaultKind::Exists);
    assert_eq!(tree::of(&replica).to_string(), "a=1 b=2 d/ d/x=3");
}

#[test]
fn exchange_keeps_both_and_their_ids() {
    let replica = tree::replica("a=1 d/ d/x=3");
    let id = |at: &str| replica.stat(&path(at)).unwrap().unwrap().id;
    let (a, d) = (id("a"), id("d"));
    replica.exchange(&path("a"), &path("d")).unwrap();
    assert_eq!(tree::of(&replica).to_string(), "a/ a/x=3 d=1");
    assert_eq!((id("a"), id("d")), (d, a));
    let inside = replica.exchange(&path("a"), &path("a/x")).unwrap_err();
    assert_eq!(inside.kind, FaultKind::BadName);
}

#[test]
fn only_empty_directories_are_removed() {
    let replica = tree::replica("d/ d/x=3 e/");
    let full = replica.remove_dir(&path("d")).unwrap_err();
    assert_eq!(full.kind, FaultKind::NotEmpty);
    replica.remove_dir(&path("e")).unwrap();
    assert_eq!(tree::of(&replica).to_string(), "d/ d/x=3");
}

#[test]
fn links_are_data_and_never_followed() {
    let replica = tree::replica("d/ d/x=3 l->d");
    assert_eq!(replica.stat(&path("l/x")).unwrap(), None);
    let through = replica.open_dir(&path("l")).err().unwrap();
    assert_eq!(through.kind, FaultKind::WrongKind);
    let root = replica.open_dir(&RelPath::root()).unwrap();
    assert_eq!(&*root.read_link(b"l").unwrap(), b"d");
    assert_eq!(root.open(b"l").err().unwrap().kind, FaultKind::WrongKind);
    assert_eq!(root.read_link(b"d").unwrap_err().kind, FaultKind::WrongKind);
}

#[test]
fn an_open_directory_keeps_its_identity_and_fails_when_removed() {
    let replica = tree::replica("d/ d/x=3");
    let dir = replica.open_dir(&path("d")).unwrap();
    let mut listing = Listing::default();
    assert!(replica.rename("d", "e"));
    dir.list(&mut listing, &mut Vec::new()).unwrap();
    assert_eq!(listing.len(), 1);
    assert!(replica.remove("e"));
    let gone = dir.list(&mut listing, &mut Vec::new()).unwrap_err();
    assert_eq!(gone.kind, FaultKind::NotFound);
}

#[test]
fn a_rename_keeps_the_id_and_changes_only_the_change_time() {
    let replica = tree::replica("a=1");
    let before = replica.node("a").unwrap().entry;
    replica.advance_clock(1_000_000_000);
    assert!(replica.rename("a", "b"));
    let after = replica.node("b").unwrap().entry;
    assert!(before.is_same_file(&after));
    assert!(before.ctime < after.ctime);
}

#[test]
fn writing_in_place_keeps_the_id_and_replacing_does_not() {
    let replica = tree::replica("a=1");
    let id = || replica.node("a").unwrap().entry.id;
    let first = id();
    assert!(replica.write("a", "2"));
    assert_eq!(id(), first);
    assert!(replica.replace("a", "3"));
    assert_ne!(id(), first);
    assert!(!replica.write("a/b", "4"), "a file is no directory");
    assert_eq!(replica.read("a").unwrap(), b"3");
}

#[test]
fn a_person_can_write_between_two_reads() {
    let replica = tree::replica("a=abcdef");
    replica.set_read_chunk(2);
    let root = replica.open_dir(&RelPath::root()).unwrap();
    let mut file = root.open(b"a").unwrap();
    let mut buffer = [0; 16];
    assert_eq!(file.read(&mut buffer).unwrap(), 2);
    assert!(replica.write("a", "ABCDEF"));
    assert_eq!(file.read(&mut buffer[2..]).unwrap(), 2);
    assert_eq!(&buffer[..4], b"abCD");
}

#[test]
fn changes_within_a_granule_share_a_time() {
    let replica = tree::replica("a=1 b=1");
    replica.set_tick(1);
    let times = || ["a", "b"].map(|at| replica.node(at).unwrap().entry.ctime);
    assert!(replica.write("a", "2") && replica.write("b", "2"));
    assert_eq!(times()[0], times()[1]);
    replica.set_granule(1);
    assert!(replica.write("a", "3") && replica.write("b", "3"));
    assert!(times()[0] < times()[1]);
    replica.set_clock(FileTime::new(-5, 0));
    assert!(replica.write("b", "4"));
    assert!(times()[0] > times()[1], "the clock lies");
}

#[test]
fn a_folding_store_finds_names_by_their_fold_and_keeps_them_as_given() {
    let replica = MemoryReplica::new(Capabilities {
        folds_case: true,
        folds_unicode: true,
        ..Capabilities::posix()
    });
    tree::parse("Readme=1 Caf\u{e9}=2").unwrap().build(&replica);
    assert!(replica.stat(&path("README")).unwrap().is_some());
    assert!(replica.stat(&path("cafe\u{301}")).unwrap().is_some());
    let collides = replica.make_dir(&path("README"), 0o755).unwrap_err();
    assert_eq!(collides.kind, FaultKind::Exists);
    assert!(
        replica.rename("Readme", "README"),
        "only the spelling changes"
    );
    assert_eq!(list(&replica, "").0, ["Caf\u{e9}", "README"]);
}

#[test]
fn a_poor_store_does_what_it_can() {
    let replica = MemoryReplica::new(Capabilities {
        symlinks: false,
        modes: false,
        exchange: false,
        mtime_step_ns: 2_000_000_000,
        name_max: 8,
        ..Capabilities::posix()
    });
    tree::parse("a=1%600 d/%700 e/").unwrap().build(&replica);
    let mode = |at: &str| replica.stat(&path(at)).unwrap().unwrap().mode;
    assert_eq!((mode("a"), mode("d")), (0o644, 0o755));
    let odd = FileTime::new(11, 9);
    replica
        .set_meta(&path("a"), Some(0o600), Some(odd))
        .unwrap();
    let entry = replica.stat(&path("a")).unwrap().unwrap();
    assert_eq!((entry.mtime, entry.mode), (FileTime::new(10, 0), 0o644));
    let link = replica.make_link(&path("l"), b"a", odd).unwrap_err();
    assert_eq!(link.kind, FaultKind::Unsupported);
    let exchange = replica.exchange(&path("d"), &path("e")).unwrap_err();
    assert_eq!(exchange.kind, FaultKind::Unsupported);
    let long = replica.make_dir(&path("123456789"), 0o755).unwrap_err();
    assert_eq!(long.kind, FaultKind::BadName);
}

#[test]
fn without_an_atomic_step_a_name_taken_in_between_is_lost() {
    let replica = MemoryReplica::new(Capabilities {
        atomic_no_replace: false,
        ..Capabilities::posix()
    });
    tree::parse("a=1").unwrap().build(&replica);
    replica.set_hook(Some(Arc::new(|replica, step| {
        if step.verb == "move" {
            replica.write("b", "2");
        }
    })));
    replica.move_new(&path("a"), &path("b")).unwrap();
    assert_eq!(tree::of(&replica).to_string(), "b=1");
}

#[test]
fn what_the_contract_forbids_is_noted() {
    let replica = tree::replica("a=1");
    replica.remove_file(&path("a")).unwrap();
    drop(replica.create(&path("b")).unwrap());
    assert_eq!(replica.violations(), ["unlink a", "create b"]);
}

#[test]
fn the_hook_sees_every_call_and_may_edit() {
    let replica = tree::replica("a=1");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    replica.set_hook(Some(Arc::new(move |replica, step| {
        replica.write("b", step.number.to_string());
        log.lock().unwrap().push((step.verb, step.is_mutating));
    })));
    assert_eq!(list(&replica, "").0, ["a", "b"]);
    replica.remove_dir(&path("none")).unwrap_err();
    let seen = seen.lock().unwrap();
    assert_eq!(*seen, [("open", false), ("list", false), ("rmdir", true)]);
    assert_eq!(replica.step_count(), 3);
}

#[test]
fn equal_doings_leave_equal_traces() {
    let run = |name: &str| {
        let machine = Machine::new();
        let replica = MemoryReplica::on(&machine, "left", Capabilities::posix());
        stage(&replica, ".syncmgr/s", b"x");
        replica.move_new(&path(".syncmgr/s"), &path(name)).unwrap();
        (machine.trace_hash(), machine.trace_tail(1))
    };
    assert_eq!(run("a"), run("a"));
    assert_ne!(run("a").0, run("b").0);
    assert_eq!(run("a").1, ["left: move .syncmgr/s -> a"]);
}

#[test]
fn kinds_and_mounts_are_reported() {
    let replica = tree::replica("a=1 d/ l->a p|");
    assert!(replica.set_mount("d", true));
    let entry = |at: &str| replica.stat(&path(at)).unwrap().unwrap();
    let kinds = ["a", "d", "l", "p"].map(|at| entry(at).kind);
    assert_eq!(kinds, [Kind::File, Kind::Dir, Kind::Symlink, Kind::Special]);
    assert!(entry("d").is_mount && !entry("a").is_mount);
}
