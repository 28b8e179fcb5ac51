//! A power cut keeps what was made durable, and of the rest only what could have reached a disk.

use std::collections::BTreeSet;

use syncmgr_engine::replica::Replica;
use syncmgr_testing::tree;

use crate::replica::{path, stage};

/// What a test does before the power goes, and everything it found afterwards over many seeds.
fn outcomes(
    text: &str,
    doings: impl Fn(&syncmgr_testing::memory::MemoryReplica),
) -> BTreeSet<String> {
    let outcome = |seed| {
        let replica = tree::replica(text);
        replica.settle();
        doings(&replica);
        replica.power_cut(seed);
        assert!(replica.is_settled());
        tree::of(&replica).to_string().replace("\\u{0}", "0")
    };
    (0..200).map(outcome).collect()
}

#[test]
fn what_is_durable_stays() {
    let found = outcomes("a=1", |replica| {
        stage(replica, ".syncmgr/s", b"22");
        replica.move_new(&path(".syncmgr/s"), &path("b")).unwrap();
        replica.make_durable().unwrap();
    });
    assert_eq!(found, BTreeSet::from(["a=1 b=22".to_owned()]));
}

#[test]
fn names_come_back_in_order_and_bytes_in_any_state() {
    let found = outcomes("a=1", |replica| {
        stage(replica, ".syncmgr/s", b"22");
        replica.move_new(&path(".syncmgr/s"), &path("b")).unwrap();
        replica.rename("b", "c");
    });
    for possible in [
        "a=1", "a=1 b=22", "a=1 b=2", "a=1 b=", "a=1 b=00", "a=1 c=22",
    ] {
        assert!(found.contains(possible), "{possible} of {found:?}");
    }
    assert!(
        !found
            .iter()
            .any(|tree| tree.contains("b=") && tree.contains("c="))
    );
}

#[test]
fn the_same_seed_leaves_the_same_tree() {
    let cut = |seed| {
        let replica = tree::replica("");
        replica.power_cut(seed);
        replica.settle();
        assert!(replica.write("a", "123") && replica.write("b", "456"));
        replica.power_cut(seed);
        tree::of(&replica).to_string()
    };
    assert_eq!(cut(5), cut(5));
}

#[test]
fn a_person_can_go_on_after_the_cut() {
    let replica = tree::replica("");
    assert!(replica.write("a", "1"));
    replica.power_cut(0);
    assert!(replica.write("a", "2"));
    replica.settle();
    replica.power_cut(1);
    assert_eq!(tree::of(&replica).to_string(), "a=2");
}
