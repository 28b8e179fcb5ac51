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
    check(TWO_WAY, &files(24), &files(4), &files(24), expect!["right delete f004 deleted-on-left and 19 like it"]);
    check(TWO_WAY, &files(24), &files(3), &files(24), expect!["held right delete f003 many-deletions and 20 like it; hold right many-deletions 21 of 24"]);
    check(TWO_WAY, &files(24), &files(24), &files(3), expect!["held left delete f003 many-deletions and 20 like it; hold left many-deletions 21 of 24"]);
    check(TWO_WAY, &files(84), &files(63), &files(84), expect!["right delete f063 deleted-on-left and 20 like it"]);
    check(TWO_WAY, &files(83), &files(62), &files(83), expect!["held right delete f062 many-deletions and 20 like it; hold right many-deletions 21 of 83"]);
}

#[test]
fn the_rest_of_a_held_plan_goes_on() {
    check(TWO_WAY, &files(24), &format!("{} n=1 f002=new", files(3)), &files(24), expect!["right copy-over f002 changed-on-left; held right delete f003 many-deletions and 20 like it; right copy n new-on-left; hold right many-deletions 21 of 24"]);
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
    check(TWO_WAY, &format!("{} k=0", inside("d", 21)), "k=0", &format!("{} k=0", inside("d", 21)), expect!["held right delete d many-deletions; held right delete d/f000 many-deletions and 20 like it; hold right many-deletions 21 of 22"]);
}

#[test]
fn many_rewritten_files_are_held() {
    check(TWO_WAY, &files(24), &rewritten(24, 21), &files(24), expect!["held right copy-over f000 many-rewrites and 20 like it; hold right many-rewrites 21 of 24"]);
    check(TWO_WAY, &files(24), &rewritten(24, 20), &files(24), expect!["right copy-over f000 changed-on-left and 19 like it"]);
    check(TWO_WAY, &files(44), &files(44), &rewritten(44, 22), expect!["left copy-over f000 changed-on-right and 21 like it"]);
    check(TWO_WAY, &files(43), &files(43), &rewritten(43, 22), expect!["held left copy-over f000 many-rewrites and 21 like it; hold left many-rewrites 22 of 43"]);
}

#[test]
fn the_first_mirror_is_held_when_it_would_delete() {
    check(TO_RIGHT, "", "a=1", "b=2", expect!["right copy a mirror-of-left; held right delete b first-mirror; hold right first-mirror 1 of 1"]);
    check(TO_RIGHT, "", "a=1", "a=1", expect!["right set mtime=1000003600 a attributes"]);
    check(TO_RIGHT, "", "a=1", "a=2", expect!["right copy-over a mirror-of-left"]);
    check(TO_LEFT, "", "a=1 c=1", "b=2 c=1", expect!["held left delete a first-mirror; left copy b mirror-of-right; left set mtime=1000007200 c attributes; hold left first-mirror 1 of 2"]);
    check(TO_RIGHT, "", "a=1", "a/b=2", expect!["held right copy-over-dir a first-mirror; held right delete a/b first-mirror; hold right first-mirror 1 of 1"]);
    check(TO_RIGHT, "", "", "b=2", expect!["held right delete b first-mirror; hold right first-mirror 1 of 1"]);
}

#[test]
fn a_first_contact_deletes_nothing() {
    check(TWO_WAY, "", "a=1 b=2", "", expect!["right copy a new-on-left; right copy b new-on-left"]);
    check(TWO_WAY, "", "", "a=1 b=2", expect!["left copy a new-on-right; left copy b new-on-right"]);
    check(ADD_ONLY, "", "a=1", "b=2", expect!["right copy a new-on-left; left copy b new-on-right"]);
}
