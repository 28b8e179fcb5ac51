//! Files and links: every change on one side against every change on the other.

use expect_test::expect;

use super::*;

fn full() -> Setting {
    Setting {
        is_full: true,
        ..Setting::default()
    }
}

#[test]
fn what_nobody_changed_is_left_alone() {
    check(TWO_WAY, "", "", "", expect![""]);
    check(TWO_WAY, "a=1", "a=1", "a=1", expect![""]);
    check(TWO_WAY, "a=1 d/b=2 l->a e/", "a=1 d/b=2 l->a e/", "a=1 d/b=2 l->a e/", expect![""]);
}

#[test]
fn a_new_file_goes_to_the_other_side() {
    check(TWO_WAY, "k=0", "k=0 a=1", "k=0", expect!["right copy a new-on-left"]);
    check(TWO_WAY, "k=0", "k=0", "k=0 a=1", expect!["left copy a new-on-right"]);
    check(TWO_WAY, "", "a=1", "", expect!["right copy a new-on-left"]);
    check(TWO_WAY, "", "", "a=1", expect!["left copy a new-on-right"]);
    check(TWO_WAY, "k=0", "k=0 a=", "k=0", expect!["right copy a new-on-left"]);
    check(TWO_WAY, "k=0", "k=0 a=1", "k=0 b=2", expect!["right copy a new-on-left; left copy b new-on-right"]);
}

#[test]
fn an_edit_goes_to_the_other_side() {
    check(TWO_WAY, "a=1", "a=2", "a=1", expect!["right copy-over a changed-on-left"]);
    check(TWO_WAY, "a=1", "a=1", "a=22", expect!["left copy-over a changed-on-right"]);
    check(TWO_WAY, "a=1 b=1", "a=2 b=1", "a=1 b=2", expect!["right copy-over a changed-on-left; left copy-over b changed-on-right"]);
    check(TWO_WAY, "a=1", "a=", "a=1", expect!["right copy-over a changed-on-left"]);
}

#[test]
fn a_deletion_goes_to_the_other_side() {
    check(TWO_WAY, "a=1 k=0", "k=0", "a=1 k=0", expect!["right delete a deleted-on-left"]);
    check(TWO_WAY, "a=1 k=0", "a=1 k=0", "k=0", expect!["left delete a deleted-on-right"]);
    check(TWO_WAY, "a=1", "", "a=1", expect!["right delete a deleted-on-left"]);
    check(TWO_WAY, "l->x k=0", "k=0", "l->x k=0", expect!["right delete l deleted-on-left"]);
}

#[test]
fn equal_changes_are_no_conflict() {
    check(TWO_WAY, "a=1", "a=2", "a=2", expect!["left set mtime=1000010800 a attributes"]);
    check(TWO_WAY, "k=0", "k=0 a=1", "k=0 a=1", expect!["right set mtime=1000007200 a attributes"]);
    check(TWO_WAY, "a=1 k=0", "k=0", "k=0", expect![""]);
    check(TWO_WAY, "l->x", "l->y", "l->y", expect![""]);
    check(TWO_WAY, "k=0", "k=0 l->x", "k=0 l->x", expect![""]);
    check(TWO_WAY, "a=1", "l->x a->y", "l->x a->y", expect![""]);
    check(TWO_WAY, "", "a=1 b=2", "a=1 b=2", expect!["right set mtime=1000003600 a attributes; right set mtime=1000003600 b attributes"]);
}

#[test]
fn different_changes_are_a_conflict() {
    check(TWO_WAY, "a=1", "a=2", "a=3", expect!["conflict a both-changed"]);
    check(TWO_WAY, "a=1", "a=22", "a=3", expect!["conflict a both-changed"]);
    check(TWO_WAY, "k=0", "k=0 a=1", "k=0 a=2", expect!["conflict a both-new"]);
    check(TWO_WAY, "", "a=1", "a=2", expect!["conflict a both-new"]);
    check(TWO_WAY, "l->x", "l->y", "l->z", expect!["conflict l both-changed"]);
    check(TWO_WAY, "k=0", "k=0 l->x", "k=0 l->y", expect!["conflict l both-new"]);
}

#[test]
fn an_edit_against_a_deletion_is_a_conflict() {
    check(TWO_WAY, "a=1 k=0", "a=2 k=0", "k=0", expect!["conflict a changed-and-deleted"]);
    check(TWO_WAY, "a=1 k=0", "k=0", "a=2 k=0", expect!["conflict a changed-and-deleted"]);
    check(TWO_WAY, "l->x k=0", "l->y k=0", "k=0", expect!["conflict l changed-and-deleted"]);
}

#[test]
fn a_touch_or_chmod_does_not_save_a_file_from_deletion() {
    check(TWO_WAY, "a=1@5 k=0", "a=1@9 k=0", "k=0", expect!["left delete a deleted-on-right"]);
    check(TWO_WAY, "a=1 k=0", "k=0", "a=1%600 k=0", expect!["right delete a deleted-on-left"]);
}

#[test]
fn a_conflict_does_not_hold_up_the_rest() {
    check(TWO_WAY, "a=1 b=1 c=1", "a=2 b=2 c=1", "a=3 b=1", expect!["right copy-over b changed-on-left; left delete c deleted-on-right; conflict a both-changed"]);
    check(TWO_WAY, "a=1 k=0", "a=2 k=0 n=1", "k=0 m=2", expect!["left copy m new-on-right; right copy n new-on-left; conflict a changed-and-deleted"]);
}

#[test]
fn links_are_data() {
    check(TWO_WAY, "k=0", "k=0 l->k", "k=0", expect!["right link l new-on-left"]);
    check(TWO_WAY, "k=0", "k=0 l->/etc/passwd", "k=0", expect!["right link l new-on-left"]);
    check(TWO_WAY, "k=0", "k=0 l->..", "k=0", expect!["right link l new-on-left"]);
    check(TWO_WAY, "l->x", "l->y", "l->x", expect!["right link-over l changed-on-left"]);
    check(TWO_WAY, "l->x k=0", "k=0", "l->x k=0", expect!["right delete l deleted-on-left"]);
}

#[test]
fn a_change_of_kind_goes_to_the_other_side() {
    check(TWO_WAY, "a=1", "a->x", "a=1", expect!["right link-over a kind-changed-on-left"]);
    check(TWO_WAY, "l->x", "l->x", "l=1", expect!["left copy-over l kind-changed-on-right"]);
    check(TWO_WAY, "a=1", "a/", "a=1", expect!["right mkdir-over a kind-changed-on-left"]);
    check(TWO_WAY, "a=1", "a/b=2", "a=1", expect!["right mkdir-over a kind-changed-on-left; right copy a/b new-on-left"]);
    check(TWO_WAY, "a=1", "a=1", "a/b/c=2", expect!["left mkdir-over a kind-changed-on-right; left mkdir a/b new-on-right; left copy a/b/c new-on-right"]);
    check(TWO_WAY, "l->x", "l/y=1", "l->x", expect!["right mkdir-over l kind-changed-on-left; right copy l/y new-on-left"]);
    check(TWO_WAY, "d/", "d=1", "d/", expect!["right copy-over-dir d kind-changed-on-left"]);
    check(TWO_WAY, "d/x=1", "d=1", "d/x=1", expect!["right copy-over-dir d kind-changed-on-left; right delete d/x deleted-on-left"]);
    check(TWO_WAY, "d/x=1 d/e/y=2", "d/x=1 d/e/y=2", "d->k", expect!["left link-over-dir d kind-changed-on-right; left delete d/e deleted-on-right; left delete d/e/y deleted-on-right; left delete d/x deleted-on-right"]);
}

#[test]
fn a_change_of_kind_against_another_change_is_a_conflict() {
    check(TWO_WAY, "a=1", "a->x", "a=2", expect!["conflict a kinds-differ"]);
    check(TWO_WAY, "a=1", "a/b=1", "a=2", expect!["conflict a kinds-differ with 1 within"]);
    check(TWO_WAY, "a=1", "a->x", "a/", expect!["conflict a kinds-differ"]);
    check(TWO_WAY, "a=1 k=0", "a->x k=0", "k=0", expect!["conflict a changed-and-deleted"]);
    check(TWO_WAY, "a=1 k=0", "a/b=1 k=0", "k=0", expect!["conflict a changed-and-deleted with 1 within"]);
    check(TWO_WAY, "d/x=1", "d=1", "d/x=2", expect!["conflict d kinds-differ with 1 within"]);
    check(TWO_WAY, "d/x=1", "d->x", "d/x=1 d/y=1", expect!["conflict d kinds-differ with 2 within"]);
    check(TWO_WAY, "d/x=1", "d=1", "d/", expect!["right copy-over-dir d kind-changed-on-left"]);
    check(TWO_WAY, "d/x=1 k=0", "d=1 k=0", "k=0", expect!["conflict d changed-and-deleted"]);
}

#[test]
fn new_things_of_different_kinds_are_a_conflict() {
    check(TWO_WAY, "k=0", "k=0 a=1", "k=0 a->x", expect!["conflict a kinds-differ"]);
    check(TWO_WAY, "k=0", "k=0 a=1", "k=0 a/", expect!["conflict a kinds-differ"]);
    check(TWO_WAY, "k=0", "k=0 a/b=1", "k=0 a->x", expect!["conflict a kinds-differ with 1 within"]);
    check(TWO_WAY, "", "a=1", "a/b=1", expect!["conflict a kinds-differ with 1 within"]);
}

#[test]
fn names_are_bytes() {
    check(TWO_WAY, "k=0", "k=0 \\xff=1", "k=0", expect![r"right copy \xff new-on-left"]);
    check(TWO_WAY, "k=0", "k=0 a\\x20b=1 \\n=2", "k=0", expect![r"right copy \n new-on-left; right copy a b new-on-left"]);
    check(TWO_WAY, "k=0", "k=0 \\x2dx=1 *=2 ?=3", "k=0", expect!["right copy * new-on-left; right copy -x new-on-left; right copy ? new-on-left"]);
}

#[test]
fn a_full_check_finds_what_times_hide() {
    check(full(), "a=1@5", "a=1@5", "a=1@5", expect![""]);
    check(full(), "a=1@5", "a=2@5", "a=1@5", expect!["right copy-over a changed-on-left"]);
}
