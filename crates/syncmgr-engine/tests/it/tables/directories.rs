//! Directories: made and removed with what is in them, or left alone as a whole.

use expect_test::expect;

use syncmgr_engine::pair::Why;
use syncmgr_engine::path::RelPath;
use syncmgr_engine::plan::ConflictKind;

use super::*;

#[test]
fn a_new_directory_comes_with_its_content() {
    check(TWO_WAY, "k=0", "k=0 d/", "k=0", expect!["right mkdir d new-on-left"]);
    check(TWO_WAY, "k=0", "k=0 d/x=1 d/e/y=2", "k=0", expect!["right mkdir d new-on-left; right mkdir d/e new-on-left; right copy d/e/y new-on-left; right copy d/x new-on-left"]);
    check(TWO_WAY, "k=0", "k=0 d/x=1", "k=0 d/y=2", expect!["right copy d/x new-on-left; left copy d/y new-on-right"]);
    check(TWO_WAY, "k=0", "k=0 d/", "k=0 d/", expect![""]);
    check(TWO_WAY, "k=0", "k=0 d/", "k=0 d/y=2", expect!["left copy d/y new-on-right"]);
}

#[test]
fn a_deleted_directory_goes_with_its_content() {
    check(TWO_WAY, "d/ k=0", "k=0", "d/ k=0", expect!["right delete d deleted-on-left"]);
    check(TWO_WAY, "d/x=1 k=0", "k=0", "d/x=1 k=0", expect!["right delete d deleted-on-left; right delete d/x deleted-on-left"]);
    check(TWO_WAY, "d/x=1 d/e/y=2 k=0", "d/x=1 d/e/y=2 k=0", "k=0", expect!["left delete d deleted-on-right; left delete d/e deleted-on-right; left delete d/e/y deleted-on-right; left delete d/x deleted-on-right"]);
    check(TWO_WAY, "d/x=1 d/e/y=2 k=0", "d/ k=0", "d/x=1 d/e/y=2 k=0", expect!["right delete d/e deleted-on-left; right delete d/e/y deleted-on-left; right delete d/x deleted-on-left"]);
    check(TWO_WAY, "d/x=1 k=0", "k=0", "k=0", expect![""]);
}

#[test]
fn emptying_a_directory_keeps_it() {
    check(TWO_WAY, "d/x=1 k=0", "d/ k=0", "d/x=1 k=0", expect!["right delete d/x deleted-on-left"]);
    check(TWO_WAY, "d/x=1 d/y=2 k=0", "d/x=1 k=0", "d/y=2 k=0", expect!["left delete d/x deleted-on-right; right delete d/y deleted-on-left"]);
}

#[test]
fn a_deleted_directory_with_a_change_inside_is_one_conflict() {
    check(TWO_WAY, "d/x=1 k=0", "k=0", "d/x=2 k=0", expect!["conflict d changed-and-deleted with 1 within"]);
    check(TWO_WAY, "d/x=1 k=0", "d/x=1 d/n=1 k=0", "k=0", expect!["conflict d changed-and-deleted with 2 within"]);
    check(TWO_WAY, "d/x=1 d/y=1 k=0", "k=0", "d/x=2 d/y=1 k=0", expect!["conflict d changed-and-deleted with 2 within"]);
    check(TWO_WAY, "d/ k=0", "k=0", "d/n=1 k=0", expect!["conflict d changed-and-deleted with 1 within"]);
    check(TWO_WAY, "d/e/x=1 k=0", "k=0", "d/e/x=2 k=0", expect!["conflict d changed-and-deleted with 2 within"]);
    check(TWO_WAY, "d/e/x=1 d/y=1 k=0", "d/y=1 k=0", "d/e/x=2 d/y=1 k=0", expect!["conflict d/e changed-and-deleted with 1 within"]);
    check(TWO_WAY, "d/x=1 k=0", "k=0", "d/x->y k=0", expect!["conflict d changed-and-deleted with 1 within"]);
}

#[test]
fn deletions_inside_a_deleted_directory_are_no_change() {
    check(TWO_WAY, "d/x=1 d/y=2 k=0", "k=0", "d/y=2 k=0", expect!["right delete d deleted-on-left; right delete d/y deleted-on-left"]);
    check(TWO_WAY, "d/x=1 d/e/y=2 k=0", "k=0", "d/x=1 k=0", expect!["right delete d deleted-on-left; right delete d/x deleted-on-left"]);
}

#[test]
fn attributes_inside_a_deleted_directory_do_not_save_it() {
    check(TWO_WAY, "d/x=1@5 k=0", "k=0", "d/x=1@9 k=0", expect!["right delete d deleted-on-left; right delete d/x deleted-on-left"]);
    check(TWO_WAY, "d/x=1 k=0", "k=0", "d/%700 d/x=1 k=0", expect!["right delete d deleted-on-left; right delete d/x deleted-on-left"]);
    check(TWO_WAY, "d/x=1 k=0", "d/x=1%600 k=0", "k=0", expect!["left delete d deleted-on-right; left delete d/x deleted-on-right"]);
}

#[test]
fn changes_beside_a_conflict_go_on() {
    check(TWO_WAY, "d/x=1 d/y=1 e/z=1", "e/z=2", "d/x=2 d/y=1 e/z=1", expect!["right copy-over e/z changed-on-left; conflict d changed-and-deleted with 2 within"]);
    check(TWO_WAY, "d/e/x=1 d/y=1 k=0", "d/y=2 k=0", "d/e/x=2 d/y=1 k=0", expect!["right copy-over d/y changed-on-left; conflict d/e changed-and-deleted with 1 within"]);
}

#[test]
fn a_directory_replaced_by_a_file_with_a_change_inside_is_a_conflict() {
    check(TWO_WAY, "d/x=1 k=0", "d=1 k=0", "d/x=2 k=0", expect!["conflict d kinds-differ with 1 within"]);
    check(TWO_WAY, "d/e/x=1 k=0", "d/e->y k=0", "d/e/x=1 d/e/n=1 k=0", expect!["conflict d/e kinds-differ with 2 within"]);
}

#[test]
fn a_file_replaced_by_a_directory_with_content() {
    check(TWO_WAY, "a=1 k=0", "a/x=1 a/y/z=2 k=0", "a=1 k=0", expect!["right mkdir-over a kind-changed-on-left; right copy a/x new-on-left; right mkdir a/y new-on-left; right copy a/y/z new-on-left"]);
    check(TWO_WAY, "a=1 k=0", "k=0 a/x=1", "a=1@9 k=0", expect!["right mkdir-over a kind-changed-on-left; right copy a/x new-on-left"]);
}

#[test]
fn files_and_directories_swap_kinds() {
    check(TWO_WAY, "a=1 b/x=2", "a/x=2 b=1", "a=1 b/x=2", expect!["right mkdir-over a kind-changed-on-left; right copy a/x new-on-left; right copy-over-dir b kind-changed-on-left; right delete b/x deleted-on-left"]);
}

#[test]
fn why_of_a_file_in_a_deleted_directory_is_the_conflict_of_the_directory() {
    let mut pair = Setting::from(TWO_WAY).agree_on("d/x=1 k=0");
    pair.sides.left.write("d/n", "2");
    pair.sides.right.remove("d");
    pair.wait();
    let path = RelPath::new(b"d/x").unwrap();
    let why = pair.pair.why(&path, &pair.options).unwrap();
    assert_eq!(why, Why::Conflict(ConflictKind::ChangedAndDeleted));
    let plan = pair.plan();
    assert_eq!(pair.apply(&plan).conflicts.len(), 1);
}
