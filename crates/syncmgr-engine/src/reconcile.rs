//! Decides, from what was agreed and what both sides have now, what has to be done.
//!
//! Pure: no clock, disk or network. The laws are those of Pierce and Vouillon, "Unison: A File
//! Synchronizer and Its Specification" (TACS 2001): only wanted changes, conflicts stay put,
//! everything else travels (I4), equal change is no conflict (I7), and a directory that one side
//! deleted and the other changed inside is in conflict as a whole.

use std::collections::BTreeMap;

use crate::entry::{Agreed, Entry, FileTime, Kind, Side, Sides, State};
use crate::path::RelPath;
use crate::plan::{Change, Conflict, ConflictKind, Op, Problem, ProblemKind, Reason, Source};
use crate::replica::Capabilities;
use crate::rules::{ConflictRule, Mode};
use crate::scan::Difference;

/// What the decisions depend on besides the trees.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// How the sides relate.
    pub mode: Mode,
    /// What to do when both sides changed a file.
    pub rule: ConflictRule,
    /// What each side can hold.
    pub capabilities: Sides<&'a Capabilities>,
    /// Decisions for single paths and what is beneath them, instead of the rule.
    pub decided: &'a BTreeMap<RelPath, ConflictRule>,
}

/// The outcome: what to do and what to leave.
#[derive(Debug, Default)]
pub struct Reconciliation {
    /// Sorted by path.
    pub changes: Vec<Change>,
    /// In no particular order.
    pub conflicts: Vec<Conflict>,
    /// In no particular order.
    pub problems: Vec<Problem>,
}

/// What to do about one path, as if it stood alone.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing, not even a note.
    Leave,
    Do(Sides<Option<Op>>, Reason),
    Dispute(ConflictKind),
    Problem(Side, &'static str),
}

/// Reconciles differences that are sorted by path. `obstacles` are directories that cannot be
/// removed on a side because of something excluded in them; `unknown` are paths about which a side
/// told nothing. Both sorted.
#[must_use]
pub fn reconcile(
    mut differences: Vec<Difference>,
    obstacles: &[(RelPath, Side)],
    unknown: &[(RelPath, Side)],
    policy: &Policy<'_>,
) -> Reconciliation {
    let mut verdicts: Vec<Verdict> = differences.iter().map(|d| policy.verdict(d)).collect();
    let mut out = Reconciliation::default();
    leave_unlisted_alone(&differences, &mut verdicts, unknown);
    policy.settle_directories(&differences, &mut verdicts, obstacles, unknown, &mut out);
    // From the end, giving memory back on the way: a first sync has as many differences as files.
    while let (Some(d), Some(verdict)) = (differences.pop(), verdicts.pop()) {
        if differences.len().is_multiple_of(SHRINK_EVERY) {
            differences.shrink_to_fit();
            verdicts.shrink_to_fit();
        }
        out.put(d, verdict);
    }
    out.changes.reverse();
    out
}

/// A directory that could not be listed keeps its attributes to itself: sent on, they could make
/// the other side's content unreadable, too.
fn leave_unlisted_alone(
    differences: &[Difference],
    verdicts: &mut [Verdict],
    unknown: &[(RelPath, Side)],
) {
    for (path, _) in unknown {
        let Ok(at) = differences.binary_search_by(|d| d.path.cmp(path)) else {
            continue;
        };
        if matches!(&verdicts[at], Verdict::Do(_, Reason::AttributesChanged)) {
            verdicts[at] = Verdict::Leave;
        }
    }
}

/// Differences between two returns of memory.
const SHRINK_EVERY: usize = 4096;

impl Reconciliation {
    fn put(&mut self, d: Difference, verdict: Verdict) {
        match verdict {
            Verdict::Leave => {}
            Verdict::Do(ops, reason) => self.changes.push(Change {
                path: d.path,
                ops,
                seen: d.seen,
                hash: d.facts.hash,
                link: d.facts.targets.left.filter(|_| d.facts.equal == Some(true)),
                reason,
                held: None,
                leaves_apart: false,
            }),
            Verdict::Dispute(kind) => self.conflicts.push(Conflict {
                path: d.path,
                kind,
                base: d.base.map(|base| *base),
                seen: d.seen,
                n_within: 0,
            }),
            Verdict::Problem(side, why) => self.problems.push(Problem {
                path: d.path,
                side: Some(side),
                kind: ProblemKind::NotStorable(why),
            }),
        }
    }
}

impl Policy<'_> {
    /// Returns what to do when both sides changed `path`.
    #[must_use]
    pub fn rule_for(&self, path: &RelPath) -> ConflictRule {
        if self.decided.is_empty() {
            return self.rule;
        }
        std::iter::once(path.clone())
            .chain(path.ancestors())
            .find_map(|path| self.decided.get(&path).copied())
            .unwrap_or(self.rule)
    }

    fn verdict(&self, d: &Difference) -> Verdict {
        match (&d.seen.left, &d.seen.right) {
            (State::Unknown(_), _) | (_, State::Unknown(_)) => Verdict::Leave,
            (State::Absent, State::Absent) => match d.base {
                Some(_) => Verdict::Do(Sides::default(), Reason::AlreadyEqual),
                None => Verdict::Leave,
            },
            (State::Present(entry), State::Absent) => self.one_sided(d, Side::Left, entry),
            (State::Absent, State::Present(entry)) => self.one_sided(d, Side::Right, entry),
            (State::Present(left), State::Present(right)) => {
                self.two_sided(d, Sides::new(left, right))
            }
        }
    }

    /// Only `side` has it.
    fn one_sided(&self, d: &Difference, side: Side, entry: &Entry) -> Verdict {
        let other = side.other();
        match (self.mode, &d.base) {
            (Mode::Mirror(from), _) if from == other => self.delete(side, Reason::MirrorOf(from)),
            (Mode::Mirror(from), _) => self.transfer(d, side, entry, Reason::MirrorOf(from)),
            (_, None) => self.transfer(d, side, entry, Reason::NewOn(side)),
            (Mode::AddOnly, Some(_)) => self.transfer(d, side, entry, Reason::NeverDeletes),
            (Mode::TwoWay, Some(base)) if has_changed(d, base, side, entry) => {
                self.dispute(d, ConflictKind::ChangedAndDeleted)
            }
            (Mode::TwoWay, Some(_)) => self.delete(side, Reason::DeletedOn(other)),
        }
    }

    /// Both sides have something under this name.
    fn two_sided(&self, d: &Difference, entries: Sides<&Entry>) -> Verdict {
        let same_kind = entries.left.kind == entries.right.kind;
        if same_kind && (entries.left.kind == Kind::Dir || d.facts.equal == Some(true)) {
            return self.agree(d, entries);
        }
        if let Mode::Mirror(from) = self.mode {
            return self.transfer(d, from, entries[from], Reason::MirrorOf(from));
        }
        let Some(base) = &d.base else {
            let kind = if same_kind {
                ConflictKind::BothNew
            } else {
                ConflictKind::KindsDiffer
            };
            return self.dispute(d, kind);
        };
        let changed = Sides::from_fn(|side| has_changed(d, base, side, entries[side]));
        let winner = match (changed.left, changed.right) {
            (true, false) => Side::Left,
            (false, true) => Side::Right,
            _ if same_kind => return self.dispute(d, ConflictKind::BothChanged),
            _ => return self.dispute(d, ConflictKind::KindsDiffer),
        };
        let reason = if same_kind {
            Reason::ChangedOn(winner)
        } else {
            Reason::KindChangedOn(winner)
        };
        self.transfer(d, winner, entries[winner], reason)
    }

    /// The content is the same; only permissions and times may have to follow.
    fn agree(&self, d: &Difference, entries: Sides<&Entry>) -> Verdict {
        let mode = self
            .merged_mode(d, entries)
            .filter(|_| entries.left.kind != Kind::Symlink);
        let mtime = (entries.left.kind == Kind::File).then(|| self.merged_mtime(d, entries));
        let ops = Sides::from_fn(|side| {
            let entry = entries[side];
            let mode = mode.filter(|&mode| mode != entry.mode);
            let mtime = mtime.filter(|&mtime| !self.is_same_time(mtime, entry.mtime));
            (mode.is_some() || mtime.is_some()).then_some(Op::Meta { mode, mtime })
        });
        let reason = if ops == Sides::default() {
            Reason::AlreadyEqual
        } else {
            Reason::AttributesChanged
        };
        Verdict::Do(ops, reason)
    }

    /// Permission bits both sides should have; `None` when one of them cannot hold any.
    fn merged_mode(&self, d: &Difference, entries: Sides<&Entry>) -> Option<u16> {
        if !self.capabilities.left.modes || !self.capabilities.right.modes {
            return None;
        }
        if let Mode::Mirror(from) = self.mode {
            return Some(entries[from].mode);
        }
        let (left, right) = (entries.left.mode, entries.right.mode);
        let base = d
            .base
            .as_ref()
            .filter(|base| base.kind == entries.left.kind)
            .map(|base| base.mode);
        Some(match base {
            Some(base) if left == base => right,
            Some(base) if right == base => left,
            // Both changed, or nothing was agreed: what both allow, so that nothing private
            // becomes readable by a sync.
            _ => left & right,
        })
    }

    /// Modification time both sides should have for the same content.
    fn merged_mtime(&self, d: &Difference, entries: Sides<&Entry>) -> FileTime {
        if let Mode::Mirror(from) = self.mode {
            return entries[from].mtime;
        }
        let (left, right) = (entries.left.mtime, entries.right.mtime);
        match &d.base {
            Some(base) if base.left.mtime == left => right,
            Some(base) if base.right.mtime == right => left,
            Some(_) => left.max(right),
            // The same content was there at the earlier time already.
            None => left.min(right),
        }
    }

    fn is_same_time(&self, a: FileTime, b: FileTime) -> bool {
        let step = self
            .capabilities
            .left
            .mtime_step_ns
            .max(self.capabilities.right.mtime_step_ns);
        a == b || a.distance_ns(b) < u128::from(step)
    }

    fn delete(&self, side: Side, reason: Reason) -> Verdict {
        let mut ops = Sides::default();
        ops[side] = Some(Op::Delete);
        Verdict::Do(ops, reason)
    }

    /// Brings what `from` has to the other side.
    fn transfer(&self, d: &Difference, from: Side, entry: &Entry, reason: Reason) -> Verdict {
        let to = from.other();
        let mut ops = Sides::default();
        match entry.kind {
            Kind::Special => return Verdict::Leave,
            Kind::Dir => {
                ops[to] = Some(Op::MakeDir {
                    mode: entry.mode,
                    mtime: entry.mtime,
                });
            }
            Kind::Symlink if !self.capabilities[to].symlinks => {
                return Verdict::Problem(to, "this side cannot store symbolic links");
            }
            Kind::Symlink => match &d.facts.targets[from] {
                Some(target) => {
                    ops[to] = Some(Op::Link {
                        target: target.clone(),
                        mtime: entry.mtime,
                    });
                }
                None => return Verdict::Leave,
            },
            Kind::File => {
                let there = d.seen[to].entry().filter(|there| there.kind == Kind::File);
                let mode = match there {
                    Some(there) => {
                        let mut entries = Sides::new(entry, entry);
                        entries[to] = there;
                        self.merged_mode(d, entries).unwrap_or(entry.mode)
                    }
                    None => entry.mode,
                };
                ops[to] = Some(Op::Copy {
                    source: Source::Peer,
                    size: entry.size,
                    mode,
                    mtime: entry.mtime,
                });
                if mode != entry.mode {
                    ops[from] = Some(Op::Meta {
                        mode: Some(mode),
                        mtime: None,
                    });
                }
            }
        }
        Verdict::Do(ops, reason)
    }

    /// A path that both sides changed: by rule, or for a person.
    fn dispute(&self, d: &Difference, kind: ConflictKind) -> Verdict {
        let entries = Sides::from_fn(|side| d.seen[side].entry());
        let touches_dir = Side::BOTH
            .into_iter()
            .any(|side| entries[side].is_some_and(|entry| entry.kind == Kind::Dir));
        match (self.rule_for(&d.path), entries.left, entries.right) {
            (ConflictRule::Prefer(side), _, _) => self.choose(d, side),
            // A change beats a deletion: of the two, only the change cannot be made again.
            (ConflictRule::Newest | ConflictRule::Both, Some(_), None) => {
                self.choose(d, Side::Left)
            }
            (ConflictRule::Newest | ConflictRule::Both, None, Some(_)) => {
                self.choose(d, Side::Right)
            }
            (ConflictRule::Newest, Some(left), Some(right)) if !touches_dir => {
                match left.mtime.cmp(&right.mtime) {
                    std::cmp::Ordering::Greater => self.choose(d, Side::Left),
                    std::cmp::Ordering::Less => self.choose(d, Side::Right),
                    std::cmp::Ordering::Equal => Verdict::Dispute(kind),
                }
            }
            // "Both" and "merge" need new names or contents; the caller tries them on the conflict.
            _ => Verdict::Dispute(kind),
        }
    }

    /// Makes `side`'s version the one both have.
    fn choose(&self, d: &Difference, side: Side) -> Verdict {
        let reason = Reason::RuleChose(side);
        match &d.seen[side] {
            State::Present(entry) => self.transfer(d, side, entry, reason),
            State::Absent => self.delete(side.other(), reason),
            State::Unknown(_) => Verdict::Leave,
        }
    }

    /// Makes each directory that goes away, or becomes something else, agree with what happens
    /// beneath it. The upper directories come first, so a conflict is reported once, at the top.
    fn settle_directories(
        &self,
        differences: &[Difference],
        verdicts: &mut [Verdict],
        obstacles: &[(RelPath, Side)],
        unknown: &[(RelPath, Side)],
        out: &mut Reconciliation,
    ) {
        let mut at = 0;
        while at < differences.len() {
            let top = &differences[at];
            let end = at + differences[at..].partition_point(|d| d.path.is_within(&top.path));
            if matches!(verdicts[at], Verdict::Dispute(_)) {
                let n_within = drop_within(&mut verdicts[at + 1..end]);
                self.report_dispute(top, &mut verdicts[at], n_within, out);
                at = end;
                continue;
            }
            let Some(side) = loses_directory(top, &verdicts[at]) else {
                at += 1;
                continue;
            };
            let is_blind = unknown
                .iter()
                .any(|(path, on)| *on == side && path.is_within(&top.path));
            if is_blind {
                drop_within(&mut verdicts[at..end]);
                at = end;
                continue;
            }
            let is_clean = verdicts[at + 1..end]
                .iter()
                .all(|verdict| is_deletion(verdict, side));
            if !is_clean {
                self.settle_dispute(&differences[at..end], &mut verdicts[at..end], side, out);
            }
            let still_loses = loses_directory(top, &verdicts[at]) == Some(side);
            if still_loses && is_obstructed(&top.path, side, obstacles) {
                keep_obstructed(
                    &differences[at..end],
                    &mut verdicts[at..end],
                    side,
                    obstacles,
                    out,
                );
            }
            at = end;
        }
    }

    /// A directory is deleted or replaced on one side, and something beneath changed on `side`.
    fn settle_dispute(
        &self,
        differences: &[Difference],
        verdicts: &mut [Verdict],
        side: Side,
        out: &mut Reconciliation,
    ) {
        let top = &differences[0];
        let is_deleted = top.seen[side.other()].is_absent();
        let winner = match self.rule_for(&top.path) {
            ConflictRule::Prefer(winner) => Some(winner),
            ConflictRule::Newest | ConflictRule::Both if is_deleted => Some(side),
            ConflictRule::Ask | ConflictRule::Newest | ConflictRule::Both | ConflictRule::Merge => {
                None
            }
        };
        match winner {
            Some(winner) if winner == side => {
                for (d, verdict) in differences.iter().zip(verdicts) {
                    *verdict = match &d.seen[side] {
                        State::Present(entry) => {
                            self.transfer(d, side, entry, Reason::RuleChose(side))
                        }
                        State::Absent => Verdict::Do(Sides::default(), Reason::AlreadyEqual),
                        State::Unknown(_) => Verdict::Leave,
                    };
                }
            }
            Some(winner) if winner != side => {
                for (d, verdict) in differences.iter().zip(verdicts).skip(1) {
                    *verdict = match &d.seen[side] {
                        State::Present(_) => self.delete(side, Reason::RuleChose(winner)),
                        State::Absent | State::Unknown(_) => Verdict::Leave,
                    };
                }
            }
            _ => {
                let kind = if is_deleted {
                    ConflictKind::ChangedAndDeleted
                } else {
                    ConflictKind::KindsDiffer
                };
                let n_within = drop_within(&mut verdicts[1..]);
                verdicts[0] = Verdict::Dispute(kind);
                self.report_dispute(top, &mut verdicts[0], n_within, out);
            }
        }
    }

    /// Moves a dispute with its count from the verdicts to the result.
    #[expect(
        clippy::unused_self,
        reason = "reads as part of the policy's decisions"
    )]
    fn report_dispute(
        &self,
        d: &Difference,
        verdict: &mut Verdict,
        n_within: u64,
        out: &mut Reconciliation,
    ) {
        if let Verdict::Dispute(kind) = std::mem::replace(verdict, Verdict::Leave) {
            out.conflicts.push(Conflict {
                path: d.path.clone(),
                kind,
                base: d.base.as_deref().cloned(),
                seen: d.seen.clone(),
                n_within,
            });
        }
    }
}

/// Says whether this side's content is not what was agreed.
fn has_changed(d: &Difference, base: &Agreed, side: Side, entry: &Entry) -> bool {
    if entry.kind != base.kind {
        return true;
    }
    match entry.kind {
        Kind::Dir => false, // permission bits of a directory are no content
        Kind::File | Kind::Symlink | Kind::Special => d.facts.is_base[side] != Some(true),
    }
}

/// Returns the side on which this verdict removes a directory or replaces it by something else.
fn loses_directory(d: &Difference, verdict: &Verdict) -> Option<Side> {
    let Verdict::Do(ops, _) = verdict else {
        return None;
    };
    Side::BOTH.into_iter().find(|&side| {
        d.seen[side].kind() == Some(Kind::Dir)
            && matches!(
                ops[side],
                Some(Op::Delete | Op::Copy { .. } | Op::Link { .. })
            )
    })
}

fn is_deletion(verdict: &Verdict, side: Side) -> bool {
    match verdict {
        Verdict::Do(ops, _) => {
            ops[side.other()].is_none() && matches!(ops[side], Some(Op::Delete) | None)
        }
        Verdict::Leave => true,
        Verdict::Dispute(_) | Verdict::Problem(..) => false,
    }
}

/// Leaves everything in the range alone; returns how many steps that drops.
fn drop_within(verdicts: &mut [Verdict]) -> u64 {
    let mut n = 0;
    for verdict in verdicts {
        n += u64::from(!matches!(verdict, Verdict::Leave));
        *verdict = Verdict::Leave;
    }
    n
}

/// Says whether an obstacle is within a directory on this side; the obstacles are sorted.
fn is_obstructed(dir: &RelPath, side: Side, obstacles: &[(RelPath, Side)]) -> bool {
    let first = obstacles.partition_point(|(path, _)| path < dir);
    let mut within = obstacles[first..]
        .iter()
        .take_while(|(path, _)| path.is_within(dir));
    within.any(|(_, on)| *on == side)
}

/// A deleted directory holds excluded files: everything else in it goes, the way to them stays.
fn keep_obstructed(
    differences: &[Difference],
    verdicts: &mut [Verdict],
    side: Side,
    obstacles: &[(RelPath, Side)],
    out: &mut Reconciliation,
) {
    let top = &differences[0].path;
    let is_replaced =
        !matches!(&verdicts[0], Verdict::Do(ops, _) if matches!(ops[side], Some(Op::Delete)));
    if is_replaced {
        drop_within(verdicts);
    } else {
        for (d, verdict) in differences.iter().zip(verdicts) {
            if is_obstructed(&d.path, side, obstacles) {
                *verdict = Verdict::Leave;
            }
        }
    }
    out.problems.push(Problem {
        path: top.clone(),
        side: Some(side),
        kind: ProblemKind::HoldsExcluded,
    });
}
