//! Permission bits and modification times: they follow, and are never a conflict.

use expect_test::expect;

use super::*;

#[test]
fn a_touch_follows() {
    check(TWO_WAY, "a=1@5", "a=1@9", "a=1@5", expect!["right set mtime=9 a attributes"]);
    check(TWO_WAY, "a=1@5", "a=1@5", "a=1@2", expect!["left set mtime=2 a attributes"]);
    check(TWO_WAY, "a=1@9", "a=1@5", "a=1@9", expect!["right set mtime=5 a attributes"]);
}

#[test]
fn of_two_touches_the_later_stays() {
    check(TWO_WAY, "a=1@5", "a=1@7", "a=1@9", expect!["left set mtime=9 a attributes"]);
    check(TWO_WAY, "a=1@5", "a=1@9", "a=1@7", expect!["right set mtime=9 a attributes"]);
    check(TWO_WAY, "a=1@5", "a=1@9", "a=1@9", expect![""]);
}

#[test]
fn of_two_new_files_the_earlier_time_stays() {
    check(TWO_WAY, "k=0", "k=0 a=1@5", "k=0 a=1@9", expect!["right set mtime=5 a attributes"]);
    check(TWO_WAY, "k=0", "k=0 a=1@9", "k=0 a=1@5", expect!["left set mtime=5 a attributes"]);
    check(TWO_WAY, "", "a=1@9", "a=1@5", expect!["left set mtime=5 a attributes"]);
}

#[test]
fn a_chmod_follows() {
    check(TWO_WAY, "a=1", "a=1%600", "a=1", expect!["right set mode=600 a attributes"]);
    check(TWO_WAY, "a=1", "a=1", "a=1%755", expect!["left set mode=755 a attributes"]);
    check(TWO_WAY, "d/", "d/%700", "d/", expect!["right set mode=700 d attributes"]);
    check(TWO_WAY, "d/x=1", "d/x=1", "d/%700 d/x=1", expect!["left set mode=700 d attributes"]);
    check(TWO_WAY, "l->x", "l->x", "l->x", expect![""]);
}

#[test]
fn of_two_chmods_only_what_both_allow_stays() {
    check(TWO_WAY, "a=1%644", "a=1%600", "a=1%640", expect!["right set mode=600 a attributes"]);
    check(TWO_WAY, "a=1%600", "a=1%640", "a=1%604", expect!["left set mode=600 a attributes; right set mode=600 a attributes"]);
    check(TWO_WAY, "d/", "d/%750", "d/%705", expect!["left set mode=700 d attributes; right set mode=700 d attributes"]);
    check(TWO_WAY, "k=0", "k=0 a=1%644", "k=0 a=1%600", expect!["left set mode=600 a attributes; right set mtime=1000007200 a attributes"]);
}

#[test]
fn equal_chmods_need_nothing() {
    check(TWO_WAY, "a=1", "a=1%600", "a=1%600", expect![""]);
    check(TWO_WAY, "d/", "d/%700", "d/%700", expect![""]);
}

#[test]
fn an_edit_and_a_chmod_meet() {
    check(TWO_WAY, "a=1", "a=2", "a=1%600", expect!["left set mode=600 a changed-on-left; right copy-over a changed-on-left"]);
    check(TWO_WAY, "a=1", "a=2%755", "a=1", expect!["right copy-over a changed-on-left"]);
    check(TWO_WAY, "a=1", "a=2%600", "a=1%640", expect!["right copy-over a changed-on-left"]);
    check(TWO_WAY, "a=1", "a=1%600", "a=2%600", expect!["left copy-over a changed-on-right"]);
}

#[test]
fn an_edit_and_a_touch_meet() {
    check(TWO_WAY, "a=1@5", "a=2@7", "a=1@9", expect!["right copy-over a changed-on-left"]);
    check(TWO_WAY, "a=1@5", "a=1@9", "a=2@7", expect!["left copy-over a changed-on-right"]);
}

#[test]
fn a_touch_and_a_chmod_meet() {
    check(TWO_WAY, "a=1@5", "a=1@9", "a=1@5%600", expect!["left set mode=600 a attributes; right set mtime=9 a attributes"]);
    check(TWO_WAY, "a=1@5", "a=1@9%755", "a=1@5%600", expect!["left set mode=600 a attributes; right set mtime=9 a attributes"]);
}

#[test]
fn new_files_bring_their_attributes() {
    check(TWO_WAY, "k=0", "k=0 a=1@5%755", "k=0", expect!["right copy a new-on-left"]);
    check(TWO_WAY, "k=0", "k=0", "k=0 d/%700 d/a=1%600", expect!["left mkdir d new-on-right; left copy d/a new-on-right"]);
}
