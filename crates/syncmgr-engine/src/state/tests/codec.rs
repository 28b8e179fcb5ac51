//! What is written comes back; anything else is refused, without a panic.

use super::*;
use crate::entry::{Side, Sides, State as Seen};
use crate::journal::{RunEnd, RunId, RunKind, RunRecord, Step, StepEnd, StepKind};
use crate::pair::StoredConflict;
use crate::plan::{ConflictKind, Problem, ProblemKind, Reason, Tally};
use crate::replica::{Fault, FaultKind};
use crate::state::codec::{Input, Stored, sealed, unsealed};
use crate::state::words::Mirror;

const PLACE: [&[u8]; 2] = [b"test", b"1"];

#[track_caller]
fn comes_back<T: Stored + PartialEq + std::fmt::Debug>(value: &T) {
    let blob = sealed(&PLACE, value);
    assert_eq!(unsealed::<T>(&PLACE, &blob).as_ref(), Some(value));
    assert_eq!(unsealed::<T>(&[b"test", b"2"], &blob), None, "elsewhere");
    assert_eq!(unsealed::<T>(&PLACE, &blob[..blob.len() - 1]), None, "cut");
}

fn fault(path: RelPath) -> Fault {
    Fault::new(FaultKind::Denied, "list", &path, "permission denied")
}

fn any_seen() -> impl Strategy<Value = Seen> {
    prop_oneof![
        Just(Seen::Absent),
        any_entry().prop_map(Seen::Present),
        any_path().prop_map(|path| Seen::Unknown(fault(path))),
    ]
}

proptest! {
    #[test]
    fn records_come_back(agreed in any_agreed(), entry in any_entry(), seen in any_seen()) {
        comes_back(&agreed);
        comes_back(&entry);
        comes_back(&seen);
    }

    #[test]
    fn conflicts_come_back(
        path in any_path(), base in prop::option::of(any_agreed()), left in any_seen(),
        right in any_seen(), n_within: u64, since in any_time(),
    ) {
        let one = StoredConflict {
            id: "0123abcd".to_owned(), path, kind: ConflictKind::ChangedAndDeleted, base,
            seen: Sides::new(left, right), n_within, since,
        };
        comes_back(&one);
        prop_assert_eq!(one.clone().mirrored().mirrored(), one);
    }

    #[test]
    fn steps_come_back(
        seq: u64, path in any_path(), from in prop::option::of(any_path()),
        before in prop::option::of(any_entry()), version in prop::option::of(any_path()),
    ) {
        for reason in reasons() {
            let step = Step {
                seq, side: Side::Right, path: path.clone(), kind: StepKind::Renamed,
                from: from.clone(), before, after: None, version: version.clone(), reason,
                end: StepEnd::NotDone,
            };
            comes_back(&step);
            prop_assert_eq!(step.clone().mirrored().mirrored(), step);
        }
    }

    #[test]
    fn garbage_is_refused_without_panic(bytes: Vec<u8>) {
        // Behind the check sum, as if it had been made to fit.
        let _ = Agreed::take(&mut Input(&bytes)).is_some();
        let _ = Step::take(&mut Input(&bytes)).is_some();
        let _ = RunRecord::take(&mut Input(&bytes)).is_some();
        let _ = StoredConflict::take(&mut Input(&bytes)).is_some();
        let _ = Problem::take(&mut Input(&bytes)).is_some();
        prop_assert_eq!(unsealed::<Agreed>(&PLACE, &bytes), None);
    }

    #[test]
    fn every_flipped_bit_is_seen(agreed in any_agreed(), at: prop::sample::Index) {
        let mut blob = sealed(&PLACE, &agreed);
        let bit = at.index(blob.len() * 8);
        blob[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(unsealed::<Agreed>(&PLACE, &blob), None);
    }
}

fn reasons() -> Vec<Reason> {
    let mut all = vec![
        Reason::AttributesChanged,
        Reason::RuleMerged,
        Reason::RuleKeptBoth,
        Reason::NeverDeletes,
        Reason::Resolved,
        Reason::Undone,
        Reason::AlreadyEqual,
    ];
    for side in Side::BOTH {
        all.extend([
            Reason::NewOn(side),
            Reason::ChangedOn(side),
            Reason::DeletedOn(side),
            Reason::KindChangedOn(side),
            Reason::RuleChose(side),
            Reason::MirrorOf(side),
        ]);
    }
    all
}

#[test]
fn every_problem_comes_back() {
    let kinds = [
        ProblemKind::Unreadable(fault(path("a"))),
        ProblemKind::Unsyncable,
        ProblemKind::NamesCollide { with: path("b/B") },
        ProblemKind::NotStorable("this disk cannot store links"),
        ProblemKind::HoldsExcluded,
        ProblemKind::MountChanged,
        ProblemKind::Failed(fault(path("c"))),
        ProblemKind::ChangedMeanwhile,
        ProblemKind::Blocked,
        ProblemKind::NotReached,
    ];
    for kind in kinds {
        for side in [None, Some(Side::Left), Some(Side::Right)] {
            comes_back(&Problem {
                path: path("a/b"),
                side,
                kind: kind.clone(),
            });
        }
    }
}

#[test]
fn a_run_comes_back_and_is_mirrored() {
    let tally = |n| Tally {
        n_copied: n,
        bytes: u64::MAX,
        ..Tally::default()
    };
    let run = RunRecord {
        id: RunId::new("20260101-1").unwrap(),
        kind: RunKind::Undo,
        started: FileTime::new(-5, 999_999_999),
        ended: Some(FileTime::new(7, 0)),
        end: RunEnd::Failed,
        tally: Sides::new(tally(1), tally(2)),
        n_conflicts: 3,
        n_problems: 4,
        n_held: 5,
        undoes: RunId::new("20250101-1"),
    };
    comes_back(&run);
    assert_eq!(run.mirrored().tally.left.n_copied, 2);
}
