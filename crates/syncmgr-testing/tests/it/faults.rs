//! Calls fail when and as planned, and a crash stops everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use syncmgr_engine::path::RelPath;
use syncmgr_engine::replica::{Capabilities, FaultKind, Listing, Observe, Replica};
use syncmgr_testing::memory::{Calls, Crash, Faults, Machine, MemoryReplica};
use syncmgr_testing::tree;

use crate::replica::{path, stage};

#[test]
fn a_failed_call_changes_nothing() {
    let replica = tree::replica("a=1");
    replica.set_faults(Faults::at(0, Calls::Mutating, FaultKind::ReadOnly));
    let failed = replica.move_new(&path("a"), &path("b")).unwrap_err();
    assert_eq!((failed.kind, failed.step), (FaultKind::ReadOnly, "move"));
    assert_eq!(tree::of(&replica).to_string(), "a=1");
    replica.move_new(&path("a"), &path("b")).unwrap();
}

#[test]
fn what_is_unreadable_stops_the_engine_but_not_its_neighbours() {
    let replica = tree::replica("a=1 d/! d/x=2 f!");
    let kind = |at: &str| replica.stat(&path(at)).map_err(|fault| fault.kind);
    assert!(kind("d").unwrap().is_some(), "the directory itself is seen");
    assert_eq!(kind("d/x"), Err(FaultKind::Denied));
    let denied = replica.open_dir(&path("d")).err().unwrap();
    assert_eq!(denied.kind, FaultKind::Denied);
    let root = replica.open_dir(&RelPath::root()).unwrap();
    assert_eq!(root.open(b"f").err().unwrap().kind, FaultKind::Denied);
    assert!(root.open(b"a").is_ok());
    assert_eq!(replica.read("d/x").unwrap(), b"2", "a test sees all");
}

#[test]
fn a_listing_of_a_directory_that_became_unreadable_fails_as_a_whole() {
    let replica = tree::replica("d/ d/x=2");
    let dir = replica.open_dir(&path("d")).unwrap();
    assert!(replica.set_readable("d", false));
    let denied = dir
        .list(&mut Listing::default(), &mut Vec::new())
        .unwrap_err();
    assert_eq!(denied.kind, FaultKind::Denied);
}

#[test]
fn a_full_store_refuses_bytes_and_keeps_what_it_has() {
    let replica = tree::replica("a=123456");
    replica.set_faults(Faults {
        capacity: Some(8),
        ..Faults::none()
    });
    replica.make_dir(&path(".syncmgr"), 0o700).unwrap();
    assert_eq!(replica.free_bytes(), Some(2));
    let mut staged = replica.create(&path(".syncmgr/s")).unwrap();
    staged.write(b"12").unwrap();
    assert_eq!(staged.write(b"3").unwrap_err().kind, FaultKind::NoSpace);
    assert_eq!(staged.skip(1).unwrap_err().kind, FaultKind::NoSpace);
    drop(staged);
    assert_eq!(replica.read("a").unwrap(), b"123456");
    replica.remove_file(&path(".syncmgr/s")).unwrap();
    assert_eq!(replica.free_bytes(), Some(2));
}

#[test]
fn after_a_crash_nothing_works_on_any_replica_until_the_reboot() {
    let machine = Machine::new();
    let left = MemoryReplica::on(&machine, "left", Capabilities::posix());
    let right = MemoryReplica::on(&machine, "right", Capabilities::posix());
    let n_crashes = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&n_crashes);
    machine.on_crash(Some(Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    })));
    machine.crash(Some(Crash {
        after: 2,
        is_late: false,
    }));
    left.make_dir(&path("a"), 0o755).unwrap();
    right.make_dir(&path("a"), 0o755).unwrap();
    assert_eq!(
        n_crashes.load(Ordering::SeqCst),
        1,
        "right after the second"
    );
    assert_eq!(
        left.make_dir(&path("b"), 0o755).unwrap_err().detail,
        "crashed"
    );
    assert_eq!(right.stat(&path("a")).unwrap_err().kind, FaultKind::Io);
    assert_eq!(n_crashes.load(Ordering::SeqCst), 1, "a machine dies once");
    machine.reboot();
    left.make_dir(&path("b"), 0o755).unwrap();
    assert_eq!(tree::of(&left).to_string(), "a/ b/");
}

#[test]
fn a_late_crash_waits_for_the_next_call() {
    let replica = tree::replica("a=1");
    replica.machine().crash(Some(Crash {
        after: 1,
        is_late: true,
    }));
    stage_dir(&replica);
    assert!(!replica.machine().is_crashed());
    assert!(replica.stat(&path("a")).is_err());
    assert!(replica.machine().is_crashed());
}

fn stage_dir(replica: &MemoryReplica) {
    replica.make_dir(&path(".syncmgr"), 0o700).unwrap();
}

#[test]
fn a_refused_call_does_not_count_as_a_mutation() {
    let replica = tree::replica("a=1");
    stage(&replica, ".syncmgr/s", b"x");
    let n = replica.machine().n_mutations();
    replica.remove_dir(&path("none")).unwrap_err();
    replica.stat(&path("a")).unwrap();
    assert_eq!(replica.machine().n_mutations(), n);
}
