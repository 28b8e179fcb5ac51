//! Renames and moves: repeated on the other side where it can follow, and otherwise a deletion and
//! a new file.

use expect_test::expect;

use super::*;

#[test]
fn a_renamed_file_is_renamed() {
    check(TWO_WAY, "a=1 k=0", "a~b b=1 k=0", "a=1 k=0", expect!["right rename a -> b changed-on-left"]);
    check(TWO_WAY, "a=1 k=0", "a=1 k=0", "a~b b=1 k=0", expect!["left rename a -> b changed-on-right"]);
    check(TWO_WAY, "l->x k=0", "l~m m->x k=0", "l->x k=0", expect!["right rename l -> m changed-on-left"]);
    check(TWO_WAY, "a=1", "a~b b=1", "a=1", expect!["right rename a -> b changed-on-left"]);
}

#[test]
fn a_moved_file_is_moved() {
    check(TWO_WAY, "a=1 d/", "a~d/a d/a=1", "a=1 d/", expect!["right rename a -> d/a changed-on-left"]);
    check(TWO_WAY, "d/a=1 k=0", "d/a~a a=1 d/ k=0", "d/a=1 k=0", expect!["right rename d/a -> a changed-on-left"]);
    check(TWO_WAY, "a=1 k=0", "a~n/a n/a=1 k=0", "a=1 k=0", expect!["right rename a -> n/a changed-on-left; right mkdir n new-on-left"]);
    check(TWO_WAY, "a=1 k=0", "a=1 k=0", "a~n/m/b n/m/b=1 k=0", expect!["left rename a -> n/m/b changed-on-right; left mkdir n new-on-right; left mkdir n/m new-on-right"]);
}

#[test]
fn a_renamed_directory_is_renamed_as_one() {
    check(TWO_WAY, "d/x=1 d/e/y=2", "d~f f/x=1 f/e/y=2", "d/x=1 d/e/y=2", expect!["right rename d -> f changed-on-left"]);
    check(TWO_WAY, "d/ k=0", "d~f f/ k=0", "d/ k=0", expect!["right rename d -> f changed-on-left"]);
    check(TWO_WAY, "d/x=1 e/", "d~e/d e/d/x=1", "d/x=1 e/", expect!["right rename d -> e/d changed-on-left"]);
    check(TWO_WAY, "d/x=1 k=0", "d/x=1 k=0", "d~n/m n/m/x=1 k=0", expect!["left rename d -> n/m changed-on-right; left mkdir n new-on-right"]);
}

#[test]
fn edits_inside_a_renamed_directory_follow() {
    check(TWO_WAY, "d/x=1 d/y=1", "d~e e/x=2 e/y=1", "d/x=1 d/y=1", expect!["right rename d -> e changed-on-left; right copy-over e/x changed-on-left"]);
    check(TWO_WAY, "d/x=1 d/y=1", "d~e e/x=1 e/y=1", "d/x=2 d/y=1", expect!["right rename d -> e changed-on-left; left copy-over e/x changed-on-right"]);
    check(TWO_WAY, "d/x=1 d/y=1", "d~e e/x=2 e/y=1", "d/x=1 d/y=2", expect!["right rename d -> e changed-on-left; right copy-over e/x changed-on-left; left copy-over e/y changed-on-right"]);
    check(TWO_WAY, "d/x=1", "d~e e/x=1 e/n=1", "d/x=1", expect!["right rename d -> e changed-on-left; right copy e/n new-on-left"]);
    check(TWO_WAY, "d/x=1", "d~e e/x=1", "d/x=1 d/n=1", expect!["right rename d -> e changed-on-left; left copy e/n new-on-right"]);
    check(TWO_WAY, "d/x=1 d/y=1", "d~e e/x=1", "d/x=1 d/y=1", expect!["right rename d -> e changed-on-left; right delete e/y deleted-on-left"]);
    check(TWO_WAY, "d/x=1 d/y=1", "d~e e/x=1 e/y=1", "d/y=1", expect!["right rename d -> e changed-on-left; left delete e/x deleted-on-right"]);
    check(TWO_WAY, "d/x=1", "d~e e/x=2", "d/x=3", expect!["right rename d -> e changed-on-left; conflict e/x both-changed"]);
}

#[test]
fn renames_inside_a_renamed_directory_follow() {
    check(TWO_WAY, "d/x=1 k=0", "d~e e/x~e/y e/y=1 k=0", "d/x=1 k=0", expect!["right rename d -> e changed-on-left; right rename e/x -> e/y changed-on-left"]);
    check(TWO_WAY, "d/x=1 k=0", "d~e e/x~x e/ x=1 k=0", "d/x=1 k=0", expect!["right rename d -> e changed-on-left; right rename e/x -> x changed-on-left"]);
    check(TWO_WAY, "d/x/y=1", "d~e e/x~e/z e/z/y=1", "d/x/y=1", expect!["right rename d -> e changed-on-left; right rename e/x -> e/z changed-on-left"]);
    check(TWO_WAY, "d/x=1 k=0", "d/x~d/y d/y=1 k=0", "d~e e/x=1 k=0", expect!["left rename d -> e changed-on-right; right rename e/x -> e/y changed-on-left"]);
}

#[test]
fn a_rename_and_an_edit_meet() {
    check(TWO_WAY, "a=1 k=0", "a~b b=2 k=0", "a=1 k=0", expect!["right rename a -> b changed-on-left; right copy-over b changed-on-left"]);
    check(TWO_WAY, "a=1 k=0", "a~b b=1 k=0", "a=2 k=0", expect!["right rename a -> b changed-on-left; left copy-over b changed-on-right"]);
    check(TWO_WAY, "a=1 k=0", "a~b b=2 k=0", "a=3 k=0", expect!["right rename a -> b changed-on-left; conflict b both-changed"]);
    check(TWO_WAY, "a=1 k=0", "a~b b=1%600 k=0", "a=1 k=0", expect!["right rename a -> b changed-on-left; right set mode=600 b attributes"]);
    check(TWO_WAY, "a=1 k=0", "a~b b=1 k=0", "a=1@9 k=0", expect!["right rename a -> b changed-on-left; left set mtime=9 b attributes"]);
}

#[test]
fn a_rename_and_a_deletion_meet() {
    check(TWO_WAY, "a=1 k=0", "a~b b=1 k=0", "k=0", expect!["right copy b new-on-left"]);
    check(TWO_WAY, "d/x=1 k=0", "d~e e/x=1 k=0", "k=0", expect!["right mkdir e new-on-left; right copy e/x new-on-left"]);
    check(TWO_WAY, "d/x=1 k=0", "d~e e/x=1 k=0", "d/ k=0", expect!["right rename d -> e changed-on-left; left delete e/x deleted-on-right"]);
}

#[test]
fn both_sides_rename() {
    check(TWO_WAY, "a=1 k=0", "a~b b=1 k=0", "a~b b=1 k=0", expect![""]);
    check(TWO_WAY, "a=1 k=0", "a~b b=1 k=0", "a~c c=1 k=0", expect!["right copy b new-on-left; left copy c new-on-right"]);
    check(TWO_WAY, "d/x=1 k=0", "d~e e/x=1 k=0", "d~e e/x=1 k=0", expect![""]);
    check(TWO_WAY, "d/x=1 k=0", "d~e e/x=1 k=0", "d~f f/x=1 k=0", expect!["right mkdir e new-on-left; right copy e/x new-on-left; left mkdir f new-on-right; left copy f/x new-on-right"]);
    check(TWO_WAY, "a=1 b=2", "a~c b=2 c=1", "b~d a=1 d=2", expect!["right rename a -> c changed-on-left; left rename b -> d changed-on-right"]);
}

#[test]
fn a_new_name_that_is_taken_is_not_followed() {
    check(TWO_WAY, "a=1 k=0", "a~b b=1 k=0", "a=1 b=2 k=0", expect!["right delete a deleted-on-left; conflict b both-new"]);
    check(TWO_WAY, "a=1 b=2", "a~b b=1", "a=1 b=2", expect!["right delete a deleted-on-left; right copy-over b changed-on-left"]);
    check(TWO_WAY, "a=1 k=0", "a~n/b n/b=1 k=0", "a=1 n=2 k=0", expect!["right delete a deleted-on-left; conflict n kinds-differ with 1 within"]);
    check(TWO_WAY, "d/x=1 k=0", "d~e e/x=1 k=0", "d/x=1 e/y=2 k=0", expect!["right rename d/x -> e/x changed-on-left; right delete d deleted-on-left; left copy e/y new-on-right"]);
}

#[test]
fn a_move_into_a_directory_the_other_side_deleted() {
    check(TWO_WAY, "a=1 d/ k=0", "a~d/a d/a=1 k=0", "a=1 k=0", expect!["right delete a deleted-on-left; conflict d changed-and-deleted with 1 within"]);
    check(TWO_WAY, "a=1 d/x=1 k=0", "a~d/a d/a=1 d/x=1 k=0", "a=1 k=0", expect!["right delete a deleted-on-left; conflict d changed-and-deleted with 2 within"]);
}

#[test]
fn an_old_name_that_is_used_again() {
    check(TWO_WAY, "a=1 k=0", "a~b a=2 b=1 k=0", "a=1 k=0", expect!["right copy-over a changed-on-left; right copy b new-on-left"]);
    check(TWO_WAY, "d/x=1 k=0", "d~e d/y=2 e/x=1 k=0", "d/x=1 k=0", expect!["right rename d/x -> e/x changed-on-left; right copy d/y new-on-left; right mkdir e new-on-left"]);
    check(TWO_WAY, "a=1 k=0", "a~b a/x=2 b=1 k=0", "a=1 k=0", expect!["right mkdir-over a kind-changed-on-left; right copy a/x new-on-left; right copy b new-on-left"]);
}

#[test]
fn names_are_swapped() {
    check(TWO_WAY, "a=1 b=2", "a~t b~a t~b a=2 b=1", "a=1 b=2", expect!["right copy-over a changed-on-left; right copy-over b changed-on-left"]);
    check(TWO_WAY, "d/x=1 e/y=2", "d~t e~d t~e d/y=2 e/x=1", "d/x=1 e/y=2", expect!["right rename d/x -> e/x changed-on-left; right rename e/y -> d/y changed-on-left"]);
    check(TWO_WAY, "a=1 b=2 c=3", "a~t c~a b~c t~b a=3 b=1 c=2", "a=1 b=2 c=3", expect!["right copy-over a changed-on-left; right copy-over b changed-on-left; right copy-over c changed-on-left"]);
    check(TWO_WAY, "a/b/x=1", "a/b~t a~t/b t~a a/b/ a/x=1", "a/b/x=1", expect!["right rename a/b/x -> a/x changed-on-left"]);
}

#[test]
fn a_chain_of_renames() {
    check(TWO_WAY, "a=1 b=2", "b~c a~b b=1 c=2", "a=1 b=2", expect!["right delete a deleted-on-left; right copy-over b changed-on-left; right copy c new-on-left"]);
    check(TWO_WAY, "d/x=1 e/y=2", "e~f d~e e/x=1 f/y=2", "d/x=1 e/y=2", expect!["right rename d/x -> e/x changed-on-left; right rename e/y -> f/y changed-on-left; right delete d deleted-on-left; right mkdir f new-on-left"]);
}

#[test]
fn a_directory_moves_out_of_a_deleted_one() {
    check(TWO_WAY, "d/e/x=1 k=0", "d/e~e e/x=1 k=0", "d/e/x=1 k=0", expect!["right rename d/e -> e changed-on-left; right delete d deleted-on-left"]);
    check(TWO_WAY, "d/x=1 d/y=2 k=0", "d/x~x k=0 x=1", "d/x=1 d/y=2 k=0", expect!["right rename d/x -> x changed-on-left; right delete d deleted-on-left; right delete d/y deleted-on-left"]);
    check(TWO_WAY, "d/e/x=1 d/y=2 k=0", "d/e~e e/x=1 k=0", "d/e/x=1 d/y=3 k=0", expect!["right rename d/e -> e changed-on-left; conflict d changed-and-deleted with 1 within"]);
}

#[test]
fn moves_cross() {
    check(TWO_WAY, "a/ b/", "a~b/a b/a/", "b~a/b a/b/", expect!["conflict a changed-and-deleted with 1 within; conflict b changed-and-deleted with 1 within"]);
    check(TWO_WAY, "a/x=1 b/y=2", "a~b/a b/a/x=1 b/y=2", "b~a/b a/b/y=2 a/x=1", expect!["conflict a changed-and-deleted with 3 within; conflict b changed-and-deleted with 3 within"]);
    check(TWO_WAY, "a=1 d/", "a~d/a d/a=1", "d~e a=1 e/", expect!["left rename d -> e changed-on-right; right rename a -> e/a changed-on-left"]);
    check(TWO_WAY, "d/x=1 e/", "d/x~e/x d/ e/x=1", "d~f f/x=1 e/", expect!["left rename d -> f changed-on-right; right rename f/x -> e/x changed-on-left"]);
}

#[test]
fn a_mirror_follows_its_own_side_only() {
    check(TO_RIGHT, "a=1 k=0", "a~b b=1 k=0", "a=1 k=0", expect!["right rename a -> b changed-on-left"]);
    check(TO_RIGHT, "a=1 k=0", "a=1 k=0", "a~b b=1 k=0", expect!["right copy a mirror-of-left; right delete b mirror-of-left"]);
    check(TO_LEFT, "d/x=1 k=0", "d/x=1 k=0", "d~e e/x=1 k=0", expect!["left rename d -> e changed-on-right"]);
}

#[test]
fn add_only_copies_under_the_new_name() {
    check(ADD_ONLY, "a=1 k=0", "a~b b=1 k=0", "a=1 k=0", expect!["left copy a never-deletes; right copy b new-on-left"]);
}
