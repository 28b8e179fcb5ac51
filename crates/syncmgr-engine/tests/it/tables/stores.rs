//! Sides that fold names, keep no modes or links, have coarse times or no ids.

use expect_test::expect;

use super::*;

/// The right side can do less than the left one.
fn right(change: impl FnOnce(&mut Capabilities)) -> Setting {
    let mut capabilities = Capabilities::posix();
    change(&mut capabilities);
    Setting {
        capabilities: Sides::new(None, Some(capabilities)),
        ..Setting::default()
    }
}

fn folding_case() -> Setting {
    right(|can| can.folds_case = true)
}

fn folding_unicode() -> Setting {
    right(|can| can.folds_unicode = true)
}

fn without_modes() -> Setting {
    right(|can| can.modes = false)
}

fn without_links() -> Setting {
    right(|can| can.symlinks = false)
}

fn coarse() -> Setting {
    right(|can| can.mtime_step_ns = 2_000_000_000)
}

fn without_ids() -> Setting {
    right(|can| can.stable_ids = false)
}

#[test]
fn names_that_differ_only_in_case_are_never_one() {
    check(folding_case(), "k=0", "k=0 a=1 A=2", "k=0", expect!["problem right A names-collide a; problem right a names-collide A"]);
    check(folding_case(), "a=1 k=0", "a=1 A=2 k=0", "a=1 k=0", expect!["problem right A names-collide A"]);
    check(folding_case(), "k=0", "k=0 a=1", "k=0 A=2", expect!["left copy A new-on-right; problem right a names-collide a"]);
    check(folding_case(), "k=0", "k=0 d/x=1 D/y=2", "k=0", expect!["problem right D names-collide d; problem right d names-collide D"]);
    check(folding_case(), "k=0", "k=0 d/x=1", "k=0 D/y=2", expect!["left mkdir D new-on-right; left copy D/y new-on-right; problem right d names-collide d"]);
    check(folding_case(), "a=1 k=0", "a=1 k=0", "a~A A=1 k=0", expect!["left rename a -> A changed-on-right"]);
    check(folding_case(), "a=1 k=0", "a~A A=1 k=0", "a=1 k=0", expect!["right rename a -> A changed-on-left"]);
    check(folding_case(), "d/x=1 k=0", "d~D D/x=1 k=0", "d/x=1 k=0", expect!["right rename d -> D changed-on-left"]);
    check(folding_case(), "a=1 k=0", "A=2 k=0", "a=1 k=0", expect!["right delete a deleted-on-left; problem right A names-collide A; then right copy A new-on-left"]);
}

#[test]
fn names_that_differ_only_in_unicode_form_are_never_one() {
    check(folding_unicode(), "k=0", "k=0 ä=1 ä=2", "k=0", expect!["problem right ä names-collide ä; problem right ä names-collide ä"]);
    check(folding_unicode(), "k=0", "k=0 ä=1", "k=0 ä=2", expect!["left copy ä new-on-right; problem right ä names-collide ä"]);
    check(folding_unicode(), "ä=1 k=0", "ä~ä ä=1 k=0", "ä=1 k=0", expect!["right rename ä -> ä changed-on-left"]);
}

#[test]
fn a_side_without_modes_has_no_say_in_them() {
    check(without_modes(), "a=1%600 k=0", "a=2%600 k=0", "a=1%600 k=0", expect!["right copy-over a changed-on-left"]);
    check(without_modes(), "a=1%600 k=0", "a=1%755 k=0", "a=1%600 k=0", expect![""]);
    check(without_modes(), "k=0", "k=0 a=1%755", "k=0", expect!["right copy a new-on-left"]);
    check(without_modes(), "a=1 k=0", "a=1 k=0", "a=2 k=0", expect!["left copy-over a changed-on-right"]);
}

#[test]
fn a_side_without_links_says_so() {
    check(without_links(), "k=0", "k=0 l->k", "k=0", expect!["problem right l not-storable"]);
    check(without_links(), "a=1 k=0", "a->k k=0", "a=1 k=0", expect!["problem right a not-storable"]);
    check(without_links(), "k=0", "k=0 d/l->k d/x=1", "k=0", expect!["right mkdir d new-on-left; right copy d/x new-on-left; problem right d/l not-storable"]);
}

#[test]
fn coarse_times_are_no_change() {
    check(coarse(), "a=1@5", "a=1@5", "a=1@5", expect![""]);
    check(coarse(), "k=0", "k=0 a=1@5", "k=0", expect!["right copy a new-on-left"]);
    check(coarse(), "k=0", "k=0 a=1@5", "k=0 a=1@4", expect![""]);
    check(coarse(), "a=1@5 k=0", "a=1@6 k=0", "a=1@4 k=0", expect!["right set mtime=6 a attributes"]);
    check(coarse(), "a=1@4 k=0", "a=1@9 k=0", "a=1@4 k=0", expect!["right set mtime=9 a attributes"]);
    check(coarse(), "a=1 k=0", "a=2 k=0", "a=1 k=0", expect!["right copy-over a changed-on-left"]);
}

#[test]
fn without_ids_a_rename_is_a_deletion_and_a_copy() {
    check(without_ids(), "a=1 k=0", "a~b b=1 k=0", "a=1 k=0", expect!["right rename a -> b changed-on-left"]);
    check(without_ids(), "a=1 k=0", "a=1 k=0", "a~b b=1 k=0", expect!["left delete a deleted-on-right; left copy b new-on-right"]);
}
