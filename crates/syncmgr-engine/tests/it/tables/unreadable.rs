//! Unknown is not absent (I13): what cannot be read is neither deleted nor overwritten.

use expect_test::expect;

use super::*;

#[test]
fn an_unreadable_directory_is_left_alone() {
    check(TWO_WAY, "d/x=1 k=0", "d/! d/x=1 k=0", "d/x=1 k=0", expect!["problem left d unreadable"]);
    check(TWO_WAY, "d/x=1 k=0", "d/! d/x=1 k=0", "d/x=2 k=0", expect!["problem left d unreadable"]);
    check(TWO_WAY, "d/x=1 k=0", "d/! d/x=1 k=0", "k=0", expect!["problem left d unreadable"]);
    check(TWO_WAY, "d/x=1 k=0", "d/! d/x=1 k=0", "d=1 k=0", expect!["problem left d unreadable"]);
    check(TWO_WAY, "k=0", "k=0 d/! d/x=1", "k=0", expect!["right mkdir d new-on-left; problem left d unreadable"]);
    check(TWO_WAY, "k=0", "k=0 d/! d/x=1", "k=0 d/x=2", expect!["problem left d unreadable"]);
    check(TWO_WAY, "d/e/x=1 d/y=1 k=0", "d/e/! d/e/x=1 d/y=1 k=0", "k=0", expect!["problem left d/e unreadable"]);
}

#[test]
fn an_unreadable_file_is_left_alone() {
    check(TWO_WAY, "k=0", "k=0 x=1!", "k=0", expect!["right copy x new-on-left; not done x failed Denied; then right copy x new-on-left"]);
    check(TWO_WAY, "k=0", "k=0 x=1!", "k=0 x=2", expect!["problem left x unreadable"]);
    check(TWO_WAY, "x=1 k=0", "x=2! k=0", "x=1 k=0", expect!["problem left x unreadable"]);
    check(TWO_WAY, "x=1 k=0", "x=2! k=0", "k=0", expect!["problem left x unreadable"]);
    check(TWO_WAY, "x=1 k=0", "x=2! k=0", "x=3 k=0", expect!["problem left x unreadable"]);
    check(TWO_WAY, "d/x=1 k=0", "d/x=2! k=0", "k=0", expect!["problem left d/x unreadable"]);
}

#[test]
fn an_untouched_file_need_not_be_read_to_be_deleted() {
    check(TWO_WAY, "x=1 k=0", "x=1! k=0", "k=0", expect!["left delete x deleted-on-right"]);
    check(TWO_WAY, "x=1 k=0", "x=1! k=0", "x=2 k=0", expect!["problem left x unreadable"]);
}

#[test]
fn the_rest_goes_on() {
    check(TWO_WAY, "d/x=1 k=0", "d/! d/x=1 k=0 n=1", "d/x=1 k=2", expect!["left copy-over k changed-on-right; right copy n new-on-left; problem left d unreadable"]);
}

#[test]
fn a_rename_around_something_unreadable() {
    check(TWO_WAY, "d/x=1 k=0", "d/! d/x=1 k=0", "d~e e/x=1 k=0", expect!["left rename d -> e changed-on-right; problem left d unreadable"]);
    check(TWO_WAY, "d/x=1 k=0", "d~e e/! e/x=1 k=0", "d/x=1 k=0", expect!["right rename d -> e changed-on-left; problem left e unreadable"]);
    check(TWO_WAY, "d/e/x=1 k=0", "d/e/! d/e/x=1 k=0", "d~f f/e/x=1 k=0", expect!["left rename d -> f changed-on-right; problem left d/e unreadable"]);
    check(TWO_WAY, "x=1 k=0", "x=1! k=0", "x~y y=1 k=0", expect!["left rename x -> y changed-on-right; problem left y unreadable"]);
    check(TWO_WAY, "d/x=1 k=0", "d/! d/x=1 k=0", "d~e e/x=2 e/n=1 k=0", expect!["left rename d -> e changed-on-right; problem left d unreadable"]);
}

#[test]
fn a_mirror_does_not_delete_what_its_side_cannot_read() {
    check(TO_RIGHT, "d/x=1 k=0", "d/! d/x=1 k=0", "d/x=1 d/y=1 k=0", expect!["problem left d unreadable"]);
    check(TO_RIGHT, "k=0", "k=0 d/! d/x=1", "k=0 d/y=1", expect!["problem left d unreadable"]);
}

#[test]
fn fifos_and_devices_are_named_and_left_alone() {
    check(TWO_WAY, "k=0", "k=0 p|", "k=0", expect!["problem left p unsyncable"]);
    check(TWO_WAY, "k=0", "k=0 p|", "k=0 p|", expect!["problem left p unsyncable; problem right p unsyncable"]);
    check(TWO_WAY, "k=0", "k=0 p|", "k=0 p=1", expect!["problem left p not-storable"]);
    check(TWO_WAY, "a=1 k=0", "a| k=0", "a=1 k=0", expect!["problem left a not-storable"]);
    check(TWO_WAY, "a=1 k=0", "a| k=0", "k=0", expect!["problem left a unsyncable; forget a"]);
    check(TWO_WAY, "a=1 k=0", "a| k=0", "a| k=0", expect!["problem left a unsyncable; problem right a unsyncable; forget a"]);
    check(TWO_WAY, "d/x=1 k=0", "k=0", "d/x=1 d/p| k=0", expect!["right delete d/x deleted-on-left; problem right d holds-excluded; problem right d/p unsyncable"]);
    check(TWO_WAY, "d/x=1 k=0", "d| k=0", "d/x=1 k=0", expect!["problem left d not-storable"]);
}
