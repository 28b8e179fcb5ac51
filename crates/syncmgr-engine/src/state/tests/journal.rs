//! Runs, steps, conflicts, problems and contents.

use super::*;
use crate::entry::{Side, Sides, State as Seen};
use crate::journal::{RunEnd, RunId, RunKind, RunRecord, Step, StepEnd, StepKind};
use crate::pair::StoredConflict;
use crate::plan::{ConflictKind, Problem, ProblemKind, Reason, Tally};
use crate::state::CONTENT_BUDGET_BYTES;

fn run(n: i64) -> RunRecord {
    RunRecord {
        id: RunId::new(&format!("run-{n}")).unwrap(),
        kind: RunKind::Sync,
        started: FileTime::new(n, 0),
        ended: None,
        end: RunEnd::Open,
        tally: Sides::default(),
        n_conflicts: 0,
        n_problems: 0,
        n_held: 0,
        undoes: None,
    }
}

fn step(seq: u64, at: &str) -> Step {
    Step {
        seq,
        side: Side::Left,
        path: path(at),
        kind: StepKind::Updated,
        from: None,
        before: Some(entry(Kind::File, seq)),
        after: None,
        version: Some(path(".syncmgr/versions/x")),
        reason: Reason::ChangedOn(Side::Right),
        end: StepEnd::Intended,
    }
}

#[test]
fn a_killed_run_stays_open_until_it_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    state.begin_run(&run(1)).unwrap();
    state.begin_run(&run(2)).unwrap();
    let ended = RunRecord {
        ended: Some(FileTime::new(9, 0)),
        end: RunEnd::Finished,
        n_held: 3,
        ..run(2)
    };
    state.end_run(&ended).unwrap();
    drop(state);
    let state = open(dir.path());
    assert_eq!(state.open_runs().unwrap(), [run(1)]);
    assert_eq!(state.runs(9).unwrap(), [ended.clone(), run(1)]);
    assert_eq!(state.runs(1).unwrap(), std::slice::from_ref(&ended));
    assert_eq!(state.run(&ended.id).unwrap(), Some(ended));
    assert_eq!(state.run(&run(3).id).unwrap(), None);
}

#[test]
fn steps_come_in_order_and_are_settled_by_number() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    let one = run(1);
    state.begin_run(&one).unwrap();
    let name = |seq: u64| format!("d{}/f{seq}", seq / 100);
    let mut steps: Vec<Step> = (0..1000).map(|seq| step(seq, &name(seq))).collect();
    // Two workers that note every other step.
    for part in 0..2 {
        let part: Vec<_> = steps.iter().skip(part).step_by(2).cloned().collect();
        state.add_steps(&one.id, &part).unwrap();
    }
    assert_eq!(state.steps(&one.id).unwrap(), steps);
    let after = Some(entry(Kind::File, 7));
    let ends: Vec<_> = [999, 3, 0, 500, 501, 2000]
        .into_iter()
        .map(|seq| (seq, StepEnd::Done, after))
        .collect();
    state.settle_steps(&one.id, &ends).unwrap();
    for at in [999, 3, 0, 500, 501] {
        steps[at].end = StepEnd::Done;
        steps[at].after = after;
    }
    assert_eq!(state.steps(&one.id).unwrap(), steps);
    assert!(state.steps(&run(2).id).unwrap().is_empty());
}

#[test]
fn the_history_of_a_path_is_newest_first_and_knows_old_names() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    for n in [1, 2] {
        state.begin_run(&run(n)).unwrap();
        let mut steps: Vec<_> = (0..600).map(|seq| step(seq, &format!("z{seq}"))).collect();
        let names = ["a", "a/b", "a/b/c", "a.b", "ab", "b"];
        steps.extend((600..).zip(names).map(|(seq, at)| step(seq, at)));
        steps.push(Step {
            from: Some(path("a/old")),
            kind: StepKind::Renamed,
            ..step(700, "new")
        });
        state.add_steps(&run(n).id, &steps).unwrap();
    }
    let seqs = |at: &str, is_recursive| -> Vec<(i64, u64)> {
        let found = state.steps_of(&path(at), is_recursive).unwrap();
        found
            .iter()
            .map(|(_, at, step)| (at.secs, step.seq))
            .collect()
    };
    assert_eq!(seqs("a", false), [(2, 600), (1, 600)]);
    assert_eq!(
        seqs("a", true),
        [2, 1]
            .map(|n| [(n, 700), (n, 602), (n, 601), (n, 600)])
            .concat()
    );
    assert_eq!(seqs("a/old", false), [(2, 700), (1, 700)]);
    assert_eq!(seqs("new", true), [(2, 700), (1, 700)]);
    assert_eq!(seqs("", false), []);
    assert_eq!(seqs("", true).len(), 2 * 607);
    assert_eq!(seqs("none", true), []);
}

#[test]
fn old_runs_are_forgotten_with_their_steps() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    for n in [1, 2, 3] {
        state.begin_run(&run(n)).unwrap();
        state.add_steps(&run(n).id, &[step(0, "a")]).unwrap();
    }
    state.forget_runs_before(FileTime::new(2, 1)).unwrap();
    assert_eq!(state.runs(9).unwrap(), [run(3)]);
    assert_eq!(state.steps_of(&path("a"), false).unwrap().len(), 1);
    assert!(state.steps(&run(1).id).unwrap().is_empty());
}

#[test]
fn journal_and_leftovers_are_mirrored() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    let mut one = run(1);
    one.tally.left = Tally {
        n_copied: 5,
        ..Tally::default()
    };
    state.begin_run(&one).unwrap();
    state.add_steps(&one.id, &[step(0, "a")]).unwrap();
    state.replace_conflicts(&[conflict("a", 1)]).unwrap();
    let problem = Problem {
        path: path("p"),
        side: Some(Side::Left),
        kind: ProblemKind::Blocked,
    };
    state.replace_problems(&[problem]).unwrap();
    state.set_swapped(true);
    assert_eq!(state.run(&one.id).unwrap().unwrap().tally.right.n_copied, 5);
    let steps = state.steps(&one.id).unwrap();
    assert_eq!(steps[0].side, Side::Right);
    assert_eq!(steps[0].reason, Reason::ChangedOn(Side::Left));
    assert_eq!(state.steps_of(&path("a"), false).unwrap()[0].2, steps[0]);
    state
        .settle_steps(&one.id, &[(0, StepEnd::Done, None)])
        .unwrap();
    assert_eq!(state.steps(&one.id).unwrap()[0].side, Side::Right);
    let stored = &state.conflicts().unwrap()[0];
    assert!(stored.seen.left.is_absent() && !stored.seen.right.is_absent());
    assert_eq!(state.problems().unwrap()[0].side, Some(Side::Right));
}

fn conflict(at: &str, since: i64) -> StoredConflict {
    StoredConflict {
        id: "01234567".to_owned(),
        path: path(at),
        kind: ConflictKind::BothChanged,
        base: Some(agreed(Kind::File, 1)),
        seen: Sides::new(Seen::Present(entry(Kind::File, 1)), Seen::Absent),
        n_within: 0,
        since: FileTime::new(since, 0),
    }
}

#[test]
fn a_conflict_that_stays_keeps_its_age() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    state
        .replace_conflicts(&[conflict("b", 1), conflict("a/x", 1)])
        .unwrap();
    let mut other = conflict("a/x", 2);
    other.kind = ConflictKind::KindsDiffer;
    state
        .replace_conflicts(&[conflict("c", 2), conflict("b", 2), other.clone()])
        .unwrap();
    assert_eq!(
        state.conflicts().unwrap(),
        [other, conflict("b", 1), conflict("c", 2)]
    );
    state.replace_conflicts(&[]).unwrap();
    assert!(state.conflicts().unwrap().is_empty());
}

#[test]
fn nothing_new_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    state.replace_conflicts(&[conflict("a", 1)]).unwrap();
    let before = state.conn.total_changes();
    state.replace_conflicts(&[conflict("a", 9)]).unwrap();
    state.replace_problems(&[]).unwrap();
    state.update(&[]).unwrap();
    state.forget_runs_before(FileTime::new(0, 0)).unwrap();
    assert_eq!(state.conn.total_changes(), before);
}

#[test]
fn contents_are_kept_until_the_budget_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    let big = usize::try_from(CONTENT_BUDGET_BYTES / 4).unwrap();
    let contents: Vec<Vec<u8>> = (0..5u8).map(|n| vec![n; big]).collect();
    let items: Vec<_> = contents
        .iter()
        .map(|bytes| (Hash(*blake3::hash(bytes).as_bytes()), &**bytes))
        .collect();
    state.keep_content(&items[..4]).unwrap();
    // Asked for again, so the second one is the oldest now.
    state.keep_content(&items[..1]).unwrap();
    state.keep_content(&items[4..]).unwrap();
    let kept: Vec<bool> = items
        .iter()
        .map(|(hash, bytes)| {
            state
                .content(hash)
                .unwrap()
                .is_some_and(|kept| kept == *bytes)
        })
        .collect();
    assert_eq!(kept, [true, false, true, true, true]);
}

#[test]
fn a_content_that_is_not_what_it_should_be_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    state.keep_content(&[(Hash([1; 32]), b"else")]).unwrap();
    assert_eq!(state.content(&Hash([1; 32])).unwrap(), None);
}
