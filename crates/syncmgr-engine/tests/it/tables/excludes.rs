//! What is left out is neither copied nor deleted, and changing what is left out deletes nothing.

use expect_test::expect;

use super::*;

const LINES: &[&str] = &["*.tmp", "o/"];

fn excluding(mode: Mode) -> Setting {
    Setting {
        mode,
        excludes: LINES,
        ..Setting::default()
    }
}

fn preferring_left() -> Setting {
    Setting {
        rule: ConflictRule::Prefer(Side::Left),
        ..excluding(TWO_WAY)
    }
}

fn excluding_in_d() -> Setting {
    Setting {
        excludes: &["/d/a"],
        ..Setting::default()
    }
}

fn no_longer_excluding() -> Setting {
    Setting {
        excluded_before: LINES,
        ..Setting::default()
    }
}

#[test]
fn excluded_names_stay_where_they_are() {
    check(excluding(TWO_WAY), "k=0", "k=0 a.tmp=1", "k=0", expect![""]);
    check(excluding(TWO_WAY), "k=0", "k=0 a.tmp=1", "k=0 a.tmp=2", expect![""]);
    check(excluding(TWO_WAY), "k=0", "k=0 d/a.tmp=1 d/b=2", "k=0", expect!["right mkdir d new-on-left; right copy d/b new-on-left"]);
    check(excluding(TWO_WAY), "k=0", "k=0 o/x=1", "k=0", expect![""]);
    check(excluding(TWO_WAY), "k=0", "k=0 o=1", "k=0", expect!["right copy o new-on-left"]);
}

#[test]
fn excluding_something_later_deletes_nothing() {
    check(excluding(TWO_WAY), "a.tmp=1 k=0", "a.tmp=1 k=0", "a.tmp=1 k=0", expect!["forget a.tmp"]);
    check(excluding(TWO_WAY), "a.tmp=1 k=0", "k=0", "a.tmp=1 k=0", expect!["forget a.tmp"]);
    check(excluding(TWO_WAY), "a.tmp=1 k=0", "a.tmp=2 k=0", "a.tmp=1 k=0", expect!["forget a.tmp"]);
    check(excluding(TWO_WAY), "o/x=1 o/y/z=2 k=0", "k=0", "o/x=1 o/y/z=2 k=0", expect!["forget o"]);
}

#[test]
fn including_something_again_deletes_nothing() {
    check(no_longer_excluding(), "a.tmp=1 k=0", "a.tmp=1 k=0", "k=0", expect!["right copy a.tmp new-on-left"]);
    check(no_longer_excluding(), "a.tmp=1 k=0", "a.tmp=1 k=0", "a.tmp=1 k=0", expect![""]);
    check(no_longer_excluding(), "a.tmp=1 k=0", "a.tmp=2 k=0", "a.tmp=1 k=0", expect!["conflict a.tmp both-new"]);
    check(no_longer_excluding(), "o/x=1 k=0", "o/x=1 k=0", "k=0", expect!["right mkdir o new-on-left; right copy o/x new-on-left"]);
}

#[test]
fn a_deleted_directory_stays_for_what_is_excluded_in_it() {
    check(excluding(TWO_WAY), "d/x=1 k=0", "k=0", "d/x=1 d/a.tmp=1 k=0", expect!["right delete d/x deleted-on-left; problem right d holds-excluded"]);
    check(excluding(TWO_WAY), "d/e/x=1 d/y=1 k=0", "k=0", "d/e/x=1 d/e/a.tmp=1 d/y=1 k=0", expect!["right delete d/e/x deleted-on-left; right delete d/y deleted-on-left; problem right d holds-excluded"]);
    check(excluding(TWO_WAY), "d/x=1 k=0", "d=1 k=0", "d/x=1 d/a.tmp=1 k=0", expect!["problem right d holds-excluded"]);
    check(preferring_left(), "d/x=1 k=0", "k=0", "d/x=2 d/a.tmp=1 k=0", expect!["right delete d/x rule-chose-left; problem right d holds-excluded"]);
    check(excluding(TWO_WAY), "d/o/x=1 d/y=1 k=0", "k=0", "d/o/x=1 d/y=1 k=0", expect!["right delete d/y deleted-on-left; problem right d holds-excluded; forget d/o"]);
}

#[test]
fn a_renamed_directory_takes_what_is_excluded_along() {
    check(excluding(TWO_WAY), "d/e/x=1 k=0", "d~f f/ k=0", "d/e/x=1 d/e/a.tmp=1 k=0", expect!["right rename d -> f changed-on-left; right delete f/e/x deleted-on-left; problem right f/e holds-excluded"]);
    check(excluding(TWO_WAY), "d/x=1 k=0", "d~e e/x=1 k=0", "d/x=1 d/a.tmp=1 k=0", expect!["right rename d -> e changed-on-left"]);
    check(excluding(TWO_WAY), "d/x=1 k=0", "d~e e/x=1 e/a.tmp=1 k=0", "d/x=1 k=0", expect!["right rename d -> e changed-on-left"]);
    check(excluding_in_d(), "d/x=1 k=0", "d~e e/x=1 k=0", "d/x=1 d/a=1 k=0", expect!["right rename d -> e changed-on-left; problem right e/a changed-meanwhile; then left copy e/a new-on-right"]);
    check(excluding(TWO_WAY), "d/x=1 k=0", "d~o o/x=1 k=0", "d/x=1 k=0", expect!["right delete d deleted-on-left; right delete d/x deleted-on-left"]);
    check(excluding(TWO_WAY), "a=1 k=0", "a~a.tmp a.tmp=1 k=0", "a=1 k=0", expect!["right delete a deleted-on-left"]);
}

#[test]
fn a_mirror_spares_what_is_excluded() {
    check(excluding(TO_RIGHT), "k=0", "k=0", "k=0 a.tmp=1", expect![""]);
    check(excluding(TO_RIGHT), "k=0", "k=0", "k=0 d/a.tmp=1 d/x=1", expect!["right delete d/x mirror-of-left; problem right d holds-excluded"]);
}
