//! Mirrors and add-only.

use expect_test::expect;

use super::*;

#[test]
fn a_mirror_makes_the_other_side_equal() {
    check(TO_RIGHT, "a=1 k=0", "a=2 k=0", "a=1 k=0", expect!["right copy-over a mirror-of-left"]);
    check(TO_RIGHT, "a=1 k=0", "a=1 k=0", "a=2 k=0", expect!["right copy-over a mirror-of-left"]);
    check(TO_RIGHT, "a=1 k=0", "a=2 k=0", "a=3 k=0", expect!["right copy-over a mirror-of-left"]);
    check(TO_RIGHT, "a=1 k=0", "k=0", "a=1 k=0", expect!["right delete a mirror-of-left"]);
    check(TO_RIGHT, "a=1 k=0", "k=0", "a=2 k=0", expect!["right delete a mirror-of-left"]);
    check(TO_RIGHT, "a=1 k=0", "a=1 k=0", "k=0", expect!["right copy a mirror-of-left"]);
    check(TO_RIGHT, "k=0", "k=0 n=1", "k=0 m=1", expect!["right delete m mirror-of-left; right copy n mirror-of-left"]);
    check(TO_RIGHT, "k=0", "k=0 n=1", "k=0 n=2", expect!["right copy-over n mirror-of-left"]);
    check(TO_RIGHT, "a=1 k=0", "a->x k=0", "a=2 k=0", expect!["right link-over a mirror-of-left"]);
    check(TO_RIGHT, "d/x=1 k=0", "d=1 k=0", "d/x=2 d/n=1 k=0", expect!["right copy-over-dir d mirror-of-left; right delete d/n mirror-of-left; right delete d/x mirror-of-left"]);
    check(TO_RIGHT, "a=1 k=0", "a=1 k=0", "a/x=1 k=0", expect!["right copy-over-dir a mirror-of-left; right delete a/x mirror-of-left"]);
    check(TO_RIGHT, "d/x=1 k=0", "k=0", "d/x=2 d/e/n=1 k=0", expect!["right delete d mirror-of-left; right delete d/e mirror-of-left; right delete d/e/n mirror-of-left; right delete d/x mirror-of-left"]);
}

#[test]
fn a_mirror_sets_attributes_of_its_side() {
    check(TO_RIGHT, "a=1@5 k=0", "a=1@5 k=0", "a=1@9 k=0", expect!["right set mtime=5 a attributes"]);
    check(TO_RIGHT, "a=1 k=0", "a=1%600 k=0", "a=1%755 k=0", expect!["right set mode=600 a attributes"]);
    check(TO_RIGHT, "d/%700 k=0", "d/%700 k=0", "d/%755 k=0", expect!["right set mode=700 d attributes"]);
    check(TO_RIGHT, "a=1%600", "a=2%600", "a=1%644", expect!["right copy-over a mirror-of-left"]);
}

#[test]
fn a_mirror_to_the_left_is_the_same_turned_round() {
    check(TO_LEFT, "a=1 k=0", "a=2 k=0", "a=1 k=0", expect!["left copy-over a mirror-of-right"]);
    check(TO_LEFT, "a=1 k=0", "a=1 k=0", "k=0", expect!["left delete a mirror-of-right"]);
    check(TO_LEFT, "k=0", "k=0 n=1", "k=0 m=1", expect!["left copy m mirror-of-right; left delete n mirror-of-right"]);
    check(TO_LEFT, "d/x=1 k=0", "d/x=2 d/n=1 k=0", "d=1 k=0", expect!["left copy-over-dir d mirror-of-right; left delete d/n mirror-of-right; left delete d/x mirror-of-right"]);
}

#[test]
fn add_only_never_deletes() {
    check(ADD_ONLY, "a=1 k=0", "k=0", "a=1 k=0", expect!["left copy a never-deletes"]);
    check(ADD_ONLY, "a=1 k=0", "k=0", "a=2 k=0", expect!["left copy a never-deletes"]);
    check(ADD_ONLY, "d/x=1 k=0", "k=0", "d/x=1 k=0", expect!["left mkdir d never-deletes; left copy d/x never-deletes"]);
    check(ADD_ONLY, "d/x=1 k=0", "d/ k=0", "d/x=1 k=0", expect!["left copy d/x never-deletes"]);
    check(ADD_ONLY, "a=1 k=0", "k=0", "k=0", expect![""]);
}

#[test]
fn add_only_brings_edits_and_new_files() {
    check(ADD_ONLY, "a=1 k=0", "a=2 k=0 n=1", "a=1 k=0 m=1", expect!["right copy-over a changed-on-left; left copy m new-on-right; right copy n new-on-left"]);
    check(ADD_ONLY, "a=1 k=0", "a=2 k=0", "a=3 k=0", expect!["conflict a both-changed"]);
    check(ADD_ONLY, "k=0", "k=0 n=1", "k=0 n=2", expect!["conflict n both-new"]);
    check(ADD_ONLY, "a=1@5 k=0", "a=1@9 k=0", "a=1@5 k=0", expect!["right set mtime=9 a attributes"]);
}

#[test]
fn add_only_and_changes_of_kind() {
    check(ADD_ONLY, "a=1 k=0", "a->x k=0", "a=1 k=0", expect!["right link-over a kind-changed-on-left"]);
    check(ADD_ONLY, "a=1 k=0", "a/x=1 k=0", "a=1 k=0", expect!["right mkdir-over a kind-changed-on-left; right copy a/x new-on-left"]);
    check(ADD_ONLY, "d/x=1 k=0", "d=1 k=0", "d/x=1 k=0", expect!["conflict d kinds-differ with 1 within"]);
}
