//! Every conflict rule against every kind of conflict.

use expect_test::expect;

use super::*;

#[test]
fn ask_leaves_both_alone() {
    check(ConflictRule::Ask, "a=1 k=0", "a=2@20 k=0", "a=3@30 k=0", expect!["conflict a both-changed"]);
    check(ConflictRule::Ask, "a=1 k=0", "a=2@30 k=0", "a=3@20 k=0", expect!["conflict a both-changed"]);
    check(ConflictRule::Ask, "a=1 k=0", "a=2 k=0", "k=0", expect!["conflict a changed-and-deleted"]);
    check(ConflictRule::Ask, "a=1 k=0", "k=0", "a=2 k=0", expect!["conflict a changed-and-deleted"]);
    check(ConflictRule::Ask, "k=0", "k=0 a=1@20", "k=0 a=2@30", expect!["conflict a both-new"]);
    check(ConflictRule::Ask, "a=1 k=0", "a->x k=0", "a=2 k=0", expect!["conflict a kinds-differ"]);
    check(ConflictRule::Ask, "a=1 k=0", "a/x=1 k=0", "a=2 k=0", expect!["conflict a kinds-differ with 1 within"]);
    check(ConflictRule::Ask, "d/x=1 d/y=1 k=0", "k=0", "d/x=2 d/y=1 k=0", expect!["conflict d changed-and-deleted with 2 within"]);
    check(ConflictRule::Ask, "d/x=1 k=0", "d/x=1 d/n=1 k=0", "k=0", expect!["conflict d changed-and-deleted with 2 within"]);
    check(ConflictRule::Ask, "d/x=1 k=0", "d=1 k=0", "d/x=2 k=0", expect!["conflict d kinds-differ with 1 within"]);
    check(ConflictRule::Ask, "l->x", "l->y", "l->z", expect!["conflict l both-changed"]);
}

#[test]
fn the_newest_wins_and_a_change_beats_a_deletion() {
    check(ConflictRule::Newest, "a=1 k=0", "a=2@20 k=0", "a=3@30 k=0", expect!["left copy-over a rule-chose-right"]);
    check(ConflictRule::Newest, "a=1 k=0", "a=2@30 k=0", "a=3@20 k=0", expect!["right copy-over a rule-chose-left"]);
    check(ConflictRule::Newest, "a=1 k=0", "a=2 k=0", "k=0", expect!["right copy a rule-chose-left"]);
    check(ConflictRule::Newest, "a=1 k=0", "k=0", "a=2 k=0", expect!["left copy a rule-chose-right"]);
    check(ConflictRule::Newest, "k=0", "k=0 a=1@20", "k=0 a=2@30", expect!["left copy-over a rule-chose-right"]);
    check(ConflictRule::Newest, "a=1 k=0", "a->x k=0", "a=2 k=0", expect!["left copy-over a rule-chose-right"]);
    check(ConflictRule::Newest, "a=1 k=0", "a/x=1 k=0", "a=2 k=0", expect!["conflict a kinds-differ with 1 within"]);
    check(ConflictRule::Newest, "d/x=1 d/y=1 k=0", "k=0", "d/x=2 d/y=1 k=0", expect!["left mkdir d rule-chose-right; left copy d/x rule-chose-right; left copy d/y rule-chose-right"]);
    check(ConflictRule::Newest, "d/x=1 k=0", "d/x=1 d/n=1 k=0", "k=0", expect!["right mkdir d rule-chose-left; right copy d/n rule-chose-left; right copy d/x rule-chose-left"]);
    check(ConflictRule::Newest, "d/x=1 k=0", "d=1 k=0", "d/x=2 k=0", expect!["conflict d kinds-differ with 1 within"]);
    check(ConflictRule::Newest, "l->x", "l->y", "l->z", expect!["left link-over l rule-chose-right"]);
    check(ConflictRule::Newest, "a=1 k=0", "a=2@20 k=0", "a=3@20 k=0", expect!["conflict a both-changed"]);
}

#[test]
fn the_preferred_side_wins_with_its_deletions_too() {
    check(ConflictRule::Prefer(Side::Left), "a=1 k=0", "a=2@20 k=0", "a=3@30 k=0", expect!["right copy-over a rule-chose-left"]);
    check(ConflictRule::Prefer(Side::Left), "a=1 k=0", "a=2@30 k=0", "a=3@20 k=0", expect!["right copy-over a rule-chose-left"]);
    check(ConflictRule::Prefer(Side::Left), "a=1 k=0", "a=2 k=0", "k=0", expect!["right copy a rule-chose-left"]);
    check(ConflictRule::Prefer(Side::Left), "a=1 k=0", "k=0", "a=2 k=0", expect!["right delete a rule-chose-left"]);
    check(ConflictRule::Prefer(Side::Left), "k=0", "k=0 a=1@20", "k=0 a=2@30", expect!["right copy-over a rule-chose-left"]);
    check(ConflictRule::Prefer(Side::Left), "a=1 k=0", "a->x k=0", "a=2 k=0", expect!["right link-over a rule-chose-left"]);
    check(ConflictRule::Prefer(Side::Left), "a=1 k=0", "a/x=1 k=0", "a=2 k=0", expect!["right mkdir-over a rule-chose-left; right copy a/x new-on-left"]);
    check(ConflictRule::Prefer(Side::Left), "d/x=1 d/y=1 k=0", "k=0", "d/x=2 d/y=1 k=0", expect!["right delete d deleted-on-left; right delete d/x rule-chose-left; right delete d/y deleted-on-left"]);
    check(ConflictRule::Prefer(Side::Left), "d/x=1 k=0", "d/x=1 d/n=1 k=0", "k=0", expect!["right mkdir d rule-chose-left; right copy d/n rule-chose-left; right copy d/x rule-chose-left"]);
    check(ConflictRule::Prefer(Side::Left), "d/x=1 k=0", "d=1 k=0", "d/x=2 k=0", expect!["right copy-over-dir d kind-changed-on-left; right delete d/x rule-chose-left"]);
    check(ConflictRule::Prefer(Side::Left), "l->x", "l->y", "l->z", expect!["right link-over l rule-chose-left"]);
}

#[test]
fn either_side_can_be_preferred() {
    check(ConflictRule::Prefer(Side::Right), "a=1 k=0", "a=2@20 k=0", "a=3@30 k=0", expect!["left copy-over a rule-chose-right"]);
    check(ConflictRule::Prefer(Side::Right), "a=1 k=0", "a=2@30 k=0", "a=3@20 k=0", expect!["left copy-over a rule-chose-right"]);
    check(ConflictRule::Prefer(Side::Right), "a=1 k=0", "a=2 k=0", "k=0", expect!["left delete a rule-chose-right"]);
    check(ConflictRule::Prefer(Side::Right), "a=1 k=0", "k=0", "a=2 k=0", expect!["left copy a rule-chose-right"]);
    check(ConflictRule::Prefer(Side::Right), "k=0", "k=0 a=1@20", "k=0 a=2@30", expect!["left copy-over a rule-chose-right"]);
    check(ConflictRule::Prefer(Side::Right), "a=1 k=0", "a->x k=0", "a=2 k=0", expect!["left copy-over a rule-chose-right"]);
    check(ConflictRule::Prefer(Side::Right), "a=1 k=0", "a/x=1 k=0", "a=2 k=0", expect!["left copy-over-dir a rule-chose-right; left delete a/x rule-chose-right"]);
    check(ConflictRule::Prefer(Side::Right), "d/x=1 d/y=1 k=0", "k=0", "d/x=2 d/y=1 k=0", expect!["left mkdir d rule-chose-right; left copy d/x rule-chose-right; left copy d/y rule-chose-right"]);
    check(ConflictRule::Prefer(Side::Right), "d/x=1 k=0", "d/x=1 d/n=1 k=0", "k=0", expect!["left delete d deleted-on-right; left delete d/n rule-chose-right; left delete d/x rule-chose-right"]);
    check(ConflictRule::Prefer(Side::Right), "d/x=1 k=0", "d=1 k=0", "d/x=2 k=0", expect!["left mkdir-over d rule-chose-right; left copy d/x rule-chose-right"]);
    check(ConflictRule::Prefer(Side::Right), "l->x", "l->y", "l->z", expect!["left link-over l rule-chose-right"]);
}

#[test]
fn both_are_kept_under_two_names() {
    check(ConflictRule::Both, "a=1 k=0", "a=2@20 k=0", "a=3@30 k=0", expect!["left rename a -> a (conflict, left, 1970-01-01 0000) rule-kept-both; left copy a rule-kept-both; right copy a (conflict, left, 1970-01-01 0000) rule-kept-both"]);
    check(ConflictRule::Both, "a=1 k=0", "a=2@30 k=0", "a=3@20 k=0", expect!["right rename a -> a (conflict, right, 1970-01-01 0000) rule-kept-both; right copy a rule-kept-both; left copy a (conflict, right, 1970-01-01 0000) rule-kept-both"]);
    check(ConflictRule::Both, "a=1 k=0", "a=2 k=0", "k=0", expect!["right copy a rule-chose-left"]);
    check(ConflictRule::Both, "a=1 k=0", "k=0", "a=2 k=0", expect!["left copy a rule-chose-right"]);
    check(ConflictRule::Both, "k=0", "k=0 a=1@20", "k=0 a=2@30", expect!["left rename a -> a (conflict, left, 1970-01-01 0000) rule-kept-both; left copy a rule-kept-both; right copy a (conflict, left, 1970-01-01 0000) rule-kept-both"]);
    check(ConflictRule::Both, "a=1 k=0", "a->x k=0", "a=2 k=0", expect!["conflict a kinds-differ"]);
    check(ConflictRule::Both, "a=1 k=0", "a/x=1 k=0", "a=2 k=0", expect!["conflict a kinds-differ with 1 within"]);
    check(ConflictRule::Both, "d/x=1 d/y=1 k=0", "k=0", "d/x=2 d/y=1 k=0", expect!["left mkdir d rule-chose-right; left copy d/x rule-chose-right; left copy d/y rule-chose-right"]);
    check(ConflictRule::Both, "d/x=1 k=0", "d/x=1 d/n=1 k=0", "k=0", expect!["right mkdir d rule-chose-left; right copy d/n rule-chose-left; right copy d/x rule-chose-left"]);
    check(ConflictRule::Both, "d/x=1 k=0", "d=1 k=0", "d/x=2 k=0", expect!["conflict d kinds-differ with 1 within"]);
    check(ConflictRule::Both, "l->x", "l->y", "l->z", expect!["conflict l both-changed"]);
    check(ConflictRule::Both, "a=1 k=0", "a=2@20 k=0", "a=3@20 k=0", expect!["left rename a -> a (conflict, left, 1970-01-01 0000) rule-kept-both; left copy a rule-kept-both; right copy a (conflict, left, 1970-01-01 0000) rule-kept-both"]);
    check(ConflictRule::Both, "a.txt=1", "a.txt=2@20", "a.txt=3@30", expect!["left rename a.txt -> a (conflict, left, 1970-01-01 0000).txt rule-kept-both; right copy a (conflict, left, 1970-01-01 0000).txt rule-kept-both; left copy a.txt rule-kept-both"]);
}

#[test]
fn texts_are_merged_or_wait() {
    check(ConflictRule::Merge, "a=1\\n2\\n3\\n4\\n5\\n", "a=x\\n2\\n3\\n4\\n5\\n", "a=1\\n2\\n3\\n4\\ny\\n", expect!["left copy-over a rule-merged; right copy-over a rule-merged"]);
    check(ConflictRule::Merge, "a=1\\n2\\n3\\n4\\n5\\n", "a=x\\n2\\n3\\n4\\n5\\n", "a=y\\n2\\n3\\n4\\n5\\n", expect!["conflict a both-changed"]);
    check(ConflictRule::Merge, "a=1\\n2\\n3\\n4\\n5\\n", "a=x\\n2\\n3\\n4\\n5\\n%600", "a=1\\n2\\n3\\n4\\ny\\n%640", expect!["left copy-over a rule-merged; right copy-over a rule-merged"]);
    check(ConflictRule::Merge, "k=0", "k=0 a=1\\n2\\n", "k=0 a=1\\n3\\n", expect!["conflict a both-new"]);
    check(ConflictRule::Merge, "a=1\\x00\\n2\\n3\\n4\\n5\\n", "a=x\\x00\\n2\\n3\\n4\\n5\\n", "a=1\\x00\\n2\\n3\\n4\\ny\\n", expect!["conflict a both-changed"]);
    check(ConflictRule::Merge, "d/a=1\\n2\\n3\\n4\\n5\\n k=0", "k=0", "d/a=x\\n2\\n3\\n4\\n5\\n k=0", expect!["conflict d changed-and-deleted with 1 within"]);
    check(ConflictRule::Merge, "a=1\\n2\\n3\\n4\\n5\\n k=0", "a~b b=x\\n2\\n3\\n4\\n5\\n k=0", "a=1\\n2\\n3\\n4\\ny\\n k=0", expect!["right rename a -> b changed-on-left; left copy-over b rule-merged; right copy-over b rule-merged"]);
}

#[test]
fn a_rule_decides_inside_a_renamed_directory() {
    check(ConflictRule::Newest, "d/x=1", "d~e e/x=2@20", "d/x=3@30", expect!["right rename d -> e changed-on-left; left copy-over e/x rule-chose-right"]);
    check(ConflictRule::Both, "d/x=1", "d~e e/x=2@20", "d/x=3@30", expect!["right rename d -> e changed-on-left; left rename e/x -> e/x (conflict, left, 1970-01-01 0000) rule-kept-both; left copy e/x rule-kept-both; right copy e/x (conflict, left, 1970-01-01 0000) rule-kept-both"]);
    check(ConflictRule::Prefer(Side::Left), "a=1 k=0", "a~b b=2 k=0", "a=3 k=0", expect!["right rename a -> b changed-on-left; right copy-over b rule-chose-left"]);
    check(ConflictRule::Both, "a=1 k=0", "a~b b=2@20 k=0", "a=3@30 k=0", expect!["right rename a -> b changed-on-left; left rename b -> b (conflict, left, 1970-01-01 0000) rule-kept-both; left copy b rule-kept-both; right copy b (conflict, left, 1970-01-01 0000) rule-kept-both"]);
}

#[test]
fn rules_do_not_touch_what_is_undisputed() {
    check(ConflictRule::Prefer(Side::Left), "a=1 k=0", "a=1 k=0", "a=2 k=0 n=1", expect!["left copy-over a changed-on-right; left copy n new-on-right"]);
    check(ConflictRule::Prefer(Side::Right), "a=1 b=1", "a=1", "a=1 b=1", expect!["right delete b deleted-on-left"]);
    check(ConflictRule::Newest, "a=1@50", "a=1@50", "a=2@20", expect!["left copy-over a changed-on-right"]);
}
