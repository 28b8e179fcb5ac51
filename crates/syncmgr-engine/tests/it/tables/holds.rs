//! What looks like an accident waits for a person (I12); all else goes on.

use expect_test::expect;

use super::*;

fn files(n: usize) -> String {
    rewritten(n, 0)
}

/// Writes `n` files, the first `n_new` of them with another content.
fn rewritten(n: usize, n_new: usize) -> String {
    let word = |i| {
        let content = if i < n_new { "new" } else { "old" };
        format!("f{i:03}={content}{i}")
    };
    (0..n).map(word).collect::<Vec<_>>().join(" ")
}

fn inside(dir: &str, n: usize) -> String {
    let words = (0..n).map(|i| format!("{dir}/f{i:03}=old{i}"));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn more_than_twenty_and_a_quarter_deleted_is_held() {
    check(TWO_WAY, &files(24), &files(4), &files(24), expect!["right delete f004 deleted-on-left; right delete f005 deleted-on-left; right delete f006 deleted-on-left; right delete f007 deleted-on-left; right delete f008 deleted-on-left; right delete f009 deleted-on-left; right delete f010 deleted-on-left; right delete f011 deleted-on-left; right delete f012 deleted-on-left; right delete f013 deleted-on-left; right delete f014 deleted-on-left; right delete f015 deleted-on-left; right delete f016 deleted-on-left; right delete f017 deleted-on-left; right delete f018 deleted-on-left; right delete f019 deleted-on-left; right delete f020 deleted-on-left; right delete f021 deleted-on-left; right delete f022 deleted-on-left; right delete f023 deleted-on-left"]);
    check(TWO_WAY, &files(24), &files(3), &files(24), expect!["held right delete f003 many-deletions; held right delete f004 many-deletions; held right delete f005 many-deletions; held right delete f006 many-deletions; held right delete f007 many-deletions; held right delete f008 many-deletions; held right delete f009 many-deletions; held right delete f010 many-deletions; held right delete f011 many-deletions; held right delete f012 many-deletions; held right delete f013 many-deletions; held right delete f014 many-deletions; held right delete f015 many-deletions; held right delete f016 many-deletions; held right delete f017 many-deletions; held right delete f018 many-deletions; held right delete f019 many-deletions; held right delete f020 many-deletions; held right delete f021 many-deletions; held right delete f022 many-deletions; held right delete f023 many-deletions; hold right many-deletions 21 of 24"]);
    check(TWO_WAY, &files(24), &files(24), &files(3), expect!["held left delete f003 many-deletions; held left delete f004 many-deletions; held left delete f005 many-deletions; held left delete f006 many-deletions; held left delete f007 many-deletions; held left delete f008 many-deletions; held left delete f009 many-deletions; held left delete f010 many-deletions; held left delete f011 many-deletions; held left delete f012 many-deletions; held left delete f013 many-deletions; held left delete f014 many-deletions; held left delete f015 many-deletions; held left delete f016 many-deletions; held left delete f017 many-deletions; held left delete f018 many-deletions; held left delete f019 many-deletions; held left delete f020 many-deletions; held left delete f021 many-deletions; held left delete f022 many-deletions; held left delete f023 many-deletions; hold left many-deletions 21 of 24"]);
    check(TWO_WAY, &files(84), &files(63), &files(84), expect!["right delete f063 deleted-on-left; right delete f064 deleted-on-left; right delete f065 deleted-on-left; right delete f066 deleted-on-left; right delete f067 deleted-on-left; right delete f068 deleted-on-left; right delete f069 deleted-on-left; right delete f070 deleted-on-left; right delete f071 deleted-on-left; right delete f072 deleted-on-left; right delete f073 deleted-on-left; right delete f074 deleted-on-left; right delete f075 deleted-on-left; right delete f076 deleted-on-left; right delete f077 deleted-on-left; right delete f078 deleted-on-left; right delete f079 deleted-on-left; right delete f080 deleted-on-left; right delete f081 deleted-on-left; right delete f082 deleted-on-left; right delete f083 deleted-on-left"]);
    check(TWO_WAY, &files(83), &files(62), &files(83), expect!["held right delete f062 many-deletions; held right delete f063 many-deletions; held right delete f064 many-deletions; held right delete f065 many-deletions; held right delete f066 many-deletions; held right delete f067 many-deletions; held right delete f068 many-deletions; held right delete f069 many-deletions; held right delete f070 many-deletions; held right delete f071 many-deletions; held right delete f072 many-deletions; held right delete f073 many-deletions; held right delete f074 many-deletions; held right delete f075 many-deletions; held right delete f076 many-deletions; held right delete f077 many-deletions; held right delete f078 many-deletions; held right delete f079 many-deletions; held right delete f080 many-deletions; held right delete f081 many-deletions; held right delete f082 many-deletions; hold right many-deletions 21 of 83"]);
}

#[test]
fn the_rest_of_a_held_plan_goes_on() {
    check(TWO_WAY, &files(24), &format!("{} n=1 f002=new", files(3)), &files(24), expect!["right copy-over f002 changed-on-left; held right delete f003 many-deletions; held right delete f004 many-deletions; held right delete f005 many-deletions; held right delete f006 many-deletions; held right delete f007 many-deletions; held right delete f008 many-deletions; held right delete f009 many-deletions; held right delete f010 many-deletions; held right delete f011 many-deletions; held right delete f012 many-deletions; held right delete f013 many-deletions; held right delete f014 many-deletions; held right delete f015 many-deletions; held right delete f016 many-deletions; held right delete f017 many-deletions; held right delete f018 many-deletions; held right delete f019 many-deletions; held right delete f020 many-deletions; held right delete f021 many-deletions; held right delete f022 many-deletions; held right delete f023 many-deletions; right copy n new-on-left; hold right many-deletions 21 of 24"]);
}

#[test]
fn an_emptied_side_is_held() {
    check(TWO_WAY, "a=1 b=2", "", "a=1 b=2", expect!["held right delete a emptied; held right delete b emptied; hold right emptied 2 of 2"]);
    check(TWO_WAY, "a=1 b=2", "a=1 b=2", "", expect!["held left delete a emptied; held left delete b emptied; hold left emptied 2 of 2"]);
    check(TWO_WAY, "a=1 d/b=2", "d/", "a=1 d/b=2", expect!["held right delete a emptied; held right delete d/b emptied; hold right emptied 2 of 2"]);
    check(TWO_WAY, "a=1", "", "a=1", expect!["right delete a deleted-on-left"]);
    check(TWO_WAY, "a=1 b=2", "", "", expect![""]);
}

#[test]
fn a_renamed_mass_is_no_deletion() {
    check(TWO_WAY, &inside("d", 24), &format!("d~e {}", inside("e", 24)), &inside("d", 24), expect!["right rename d -> e changed-on-left"]);
}

#[test]
fn a_deleted_directory_of_many_is_held_with_its_files() {
    check(TWO_WAY, &format!("{} k=0", inside("d", 21)), "k=0", &format!("{} k=0", inside("d", 21)), expect!["held right delete d many-deletions; held right delete d/f000 many-deletions; held right delete d/f001 many-deletions; held right delete d/f002 many-deletions; held right delete d/f003 many-deletions; held right delete d/f004 many-deletions; held right delete d/f005 many-deletions; held right delete d/f006 many-deletions; held right delete d/f007 many-deletions; held right delete d/f008 many-deletions; held right delete d/f009 many-deletions; held right delete d/f010 many-deletions; held right delete d/f011 many-deletions; held right delete d/f012 many-deletions; held right delete d/f013 many-deletions; held right delete d/f014 many-deletions; held right delete d/f015 many-deletions; held right delete d/f016 many-deletions; held right delete d/f017 many-deletions; held right delete d/f018 many-deletions; held right delete d/f019 many-deletions; held right delete d/f020 many-deletions; hold right many-deletions 21 of 22"]);
}

#[test]
fn many_rewritten_files_are_held() {
    check(TWO_WAY, &files(24), &rewritten(24, 21), &files(24), expect!["held right copy-over f000 many-rewrites; held right copy-over f001 many-rewrites; held right copy-over f002 many-rewrites; held right copy-over f003 many-rewrites; held right copy-over f004 many-rewrites; held right copy-over f005 many-rewrites; held right copy-over f006 many-rewrites; held right copy-over f007 many-rewrites; held right copy-over f008 many-rewrites; held right copy-over f009 many-rewrites; held right copy-over f010 many-rewrites; held right copy-over f011 many-rewrites; held right copy-over f012 many-rewrites; held right copy-over f013 many-rewrites; held right copy-over f014 many-rewrites; held right copy-over f015 many-rewrites; held right copy-over f016 many-rewrites; held right copy-over f017 many-rewrites; held right copy-over f018 many-rewrites; held right copy-over f019 many-rewrites; held right copy-over f020 many-rewrites; hold right many-rewrites 21 of 24"]);
    check(TWO_WAY, &files(24), &rewritten(24, 20), &files(24), expect!["right copy-over f000 changed-on-left; right copy-over f001 changed-on-left; right copy-over f002 changed-on-left; right copy-over f003 changed-on-left; right copy-over f004 changed-on-left; right copy-over f005 changed-on-left; right copy-over f006 changed-on-left; right copy-over f007 changed-on-left; right copy-over f008 changed-on-left; right copy-over f009 changed-on-left; right copy-over f010 changed-on-left; right copy-over f011 changed-on-left; right copy-over f012 changed-on-left; right copy-over f013 changed-on-left; right copy-over f014 changed-on-left; right copy-over f015 changed-on-left; right copy-over f016 changed-on-left; right copy-over f017 changed-on-left; right copy-over f018 changed-on-left; right copy-over f019 changed-on-left"]);
    check(TWO_WAY, &files(44), &files(44), &rewritten(44, 22), expect!["left copy-over f000 changed-on-right; left copy-over f001 changed-on-right; left copy-over f002 changed-on-right; left copy-over f003 changed-on-right; left copy-over f004 changed-on-right; left copy-over f005 changed-on-right; left copy-over f006 changed-on-right; left copy-over f007 changed-on-right; left copy-over f008 changed-on-right; left copy-over f009 changed-on-right; left copy-over f010 changed-on-right; left copy-over f011 changed-on-right; left copy-over f012 changed-on-right; left copy-over f013 changed-on-right; left copy-over f014 changed-on-right; left copy-over f015 changed-on-right; left copy-over f016 changed-on-right; left copy-over f017 changed-on-right; left copy-over f018 changed-on-right; left copy-over f019 changed-on-right; left copy-over f020 changed-on-right; left copy-over f021 changed-on-right"]);
    check(TWO_WAY, &files(43), &files(43), &rewritten(43, 22), expect!["held left copy-over f000 many-rewrites; held left copy-over f001 many-rewrites; held left copy-over f002 many-rewrites; held left copy-over f003 many-rewrites; held left copy-over f004 many-rewrites; held left copy-over f005 many-rewrites; held left copy-over f006 many-rewrites; held left copy-over f007 many-rewrites; held left copy-over f008 many-rewrites; held left copy-over f009 many-rewrites; held left copy-over f010 many-rewrites; held left copy-over f011 many-rewrites; held left copy-over f012 many-rewrites; held left copy-over f013 many-rewrites; held left copy-over f014 many-rewrites; held left copy-over f015 many-rewrites; held left copy-over f016 many-rewrites; held left copy-over f017 many-rewrites; held left copy-over f018 many-rewrites; held left copy-over f019 many-rewrites; held left copy-over f020 many-rewrites; held left copy-over f021 many-rewrites; hold left many-rewrites 22 of 43"]);
}

#[test]
fn the_first_mirror_is_held_when_it_would_delete() {
    check(TO_RIGHT, "", "a=1", "b=2", expect!["right copy a mirror-of-left; held right delete b first-mirror; hold right first-mirror 1 of 1; then right delete b mirror-of-left"]);
    check(TO_RIGHT, "", "a=1", "a=1", expect!["right set mtime=1000003600 a attributes"]);
    check(TO_RIGHT, "", "a=1", "a=2", expect!["right copy-over a mirror-of-left"]);
    check(TO_LEFT, "", "a=1 c=1", "b=2 c=1", expect!["held left delete a first-mirror; left copy b mirror-of-right; left set mtime=1000007200 c attributes; hold left first-mirror 1 of 2; then left delete a mirror-of-right"]);
    check(TO_RIGHT, "", "a=1", "a/b=2", expect!["held right copy-over-dir a first-mirror; held right delete a/b first-mirror; hold right first-mirror 1 of 1"]);
    check(TO_RIGHT, "", "", "b=2", expect!["held right delete b first-mirror; hold right first-mirror 1 of 1"]);
}

#[test]
fn a_first_contact_deletes_nothing() {
    check(TWO_WAY, "", "a=1 b=2", "", expect!["right copy a new-on-left; right copy b new-on-left"]);
    check(TWO_WAY, "", "", "a=1 b=2", expect!["left copy a new-on-right; left copy b new-on-right"]);
    check(ADD_ONLY, "", "a=1", "b=2", expect!["right copy a new-on-left; left copy b new-on-right"]);
}
