//! How the words of plan and journal are stored, and how they look with the sides exchanged.

use std::sync::{Mutex, PoisonError};

use super::codec::{Input, Stored, Writer, stored_enum, stored_struct};
use crate::entry::Side;
use crate::journal::{RunEnd, RunId, RunKind, RunRecord, Step, StepEnd, StepKind};
use crate::pair::StoredConflict;
use crate::plan::{ConflictKind, Problem, ProblemKind, Reason, Tally};
use crate::replica::{Fault, FaultKind};

stored_enum!(FaultKind: NotFound Exists NotEmpty Denied ReadOnly NoSpace Busy BadName WrongKind
    Elsewhere Unsupported Io Cancelled);
stored_enum!(ConflictKind: BothChanged ChangedAndDeleted BothNew KindsDiffer);
stored_enum!(RunKind: Sync Resolve Undo Restore);
stored_enum!(RunEnd: Open Finished Stopped Failed);
stored_enum!(StepKind: MadeDir Copied Updated Deleted RemovedDir Renamed SetAttributes);
stored_enum!(StepEnd: Intended Done NotDone);

stored_struct!(Fault: kind step path detail);
stored_struct!(Tally: n_copied n_updated n_deleted n_dirs_made n_dirs_deleted n_renamed
    n_attributes bytes);
stored_struct!(Problem: path side kind);
stored_struct!(StoredConflict: id path kind base seen n_within since);
stored_struct!(RunRecord: id kind started ended end tally n_conflicts n_problems n_held undoes);
stored_struct!(Step: seq side path kind from before after version reason end);

impl Stored for RunId {
    fn put(&self, out: &mut Writer) {
        out.blob(self.as_str().as_bytes());
    }
    fn take(input: &mut Input<'_>) -> Option<Self> {
        Self::new(std::str::from_utf8(input.blob()?).ok()?)
    }
}

/// Words that are constants in the program, so that reading them back must not allocate for ever.
impl Stored for &'static str {
    fn put(&self, out: &mut Writer) {
        out.blob(self.as_bytes());
    }
    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(interned(std::str::from_utf8(input.blob()?).ok()?))
    }
}

/// Returns a lasting copy of a word. The program has a few dozen of them; the limits hold if a
/// file from elsewhere has more, whose surplus words are then told only in general terms.
fn interned(word: &str) -> &'static str {
    const WORDS_MAX: usize = 256;
    const LEN_MAX: usize = 256;
    static WORDS: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = words.iter().find(|known| **known == word) {
        return known;
    }
    if words.len() >= WORDS_MAX || word.len() > LEN_MAX {
        return "use";
    }
    let lasting: &'static str = Box::leak(word.into());
    words.push(lasting);
    lasting
}

impl Stored for ProblemKind {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Unreadable(fault) => {
                out.byte(0);
                fault.put(out);
            }
            Self::Unsyncable => out.byte(1),
            Self::NamesCollide { with } => {
                out.byte(2);
                with.put(out);
            }
            Self::NotStorable(why) => {
                out.byte(3);
                why.put(out);
            }
            Self::HoldsExcluded => out.byte(4),
            Self::MountChanged => out.byte(5),
            Self::Failed(fault) => {
                out.byte(6);
                fault.put(out);
            }
            Self::ChangedMeanwhile => out.byte(7),
            Self::Blocked => out.byte(8),
            Self::NotReached => out.byte(9),
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match input.byte()? {
            0 => Self::Unreadable(Stored::take(input)?),
            1 => Self::Unsyncable,
            2 => Self::NamesCollide {
                with: Stored::take(input)?,
            },
            3 => Self::NotStorable(Stored::take(input)?),
            4 => Self::HoldsExcluded,
            5 => Self::MountChanged,
            6 => Self::Failed(Stored::take(input)?),
            7 => Self::ChangedMeanwhile,
            8 => Self::Blocked,
            9 => Self::NotReached,
            _ => return None,
        })
    }
}

impl Stored for Reason {
    fn put(&self, out: &mut Writer) {
        let (code, side) = match self {
            Self::NewOn(side) => (0, Some(side)),
            Self::ChangedOn(side) => (1, Some(side)),
            Self::DeletedOn(side) => (2, Some(side)),
            Self::KindChangedOn(side) => (3, Some(side)),
            Self::AttributesChanged => (4, None),
            Self::RuleChose(side) => (5, Some(side)),
            Self::RuleMerged => (6, None),
            Self::RuleKeptBoth => (7, None),
            Self::MirrorOf(side) => (8, Some(side)),
            Self::NeverDeletes => (9, None),
            Self::Resolved => (10, None),
            Self::Undone => (11, None),
            Self::AlreadyEqual => (12, None),
        };
        out.byte(code);
        if let Some(side) = side {
            side.put(out);
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match input.byte()? {
            0 => Self::NewOn(Stored::take(input)?),
            1 => Self::ChangedOn(Stored::take(input)?),
            2 => Self::DeletedOn(Stored::take(input)?),
            3 => Self::KindChangedOn(Stored::take(input)?),
            4 => Self::AttributesChanged,
            5 => Self::RuleChose(Stored::take(input)?),
            6 => Self::RuleMerged,
            7 => Self::RuleKeptBoth,
            8 => Self::MirrorOf(Stored::take(input)?),
            9 => Self::NeverDeletes,
            10 => Self::Resolved,
            11 => Self::Undone,
            12 => Self::AlreadyEqual,
            _ => return None,
        })
    }
}

/// A value that names sides and can be seen with them exchanged.
pub(super) trait Mirror: Sized {
    fn mirrored(self) -> Self;

    /// Exchanges the sides if `is_swapped`.
    fn turned(self, is_swapped: bool) -> Self {
        if is_swapped { self.mirrored() } else { self }
    }
}

impl Mirror for Reason {
    fn mirrored(self) -> Self {
        match self {
            Self::NewOn(side) => Self::NewOn(side.other()),
            Self::ChangedOn(side) => Self::ChangedOn(side.other()),
            Self::DeletedOn(side) => Self::DeletedOn(side.other()),
            Self::KindChangedOn(side) => Self::KindChangedOn(side.other()),
            Self::RuleChose(side) => Self::RuleChose(side.other()),
            Self::MirrorOf(side) => Self::MirrorOf(side.other()),
            Self::AttributesChanged
            | Self::RuleMerged
            | Self::RuleKeptBoth
            | Self::NeverDeletes
            | Self::Resolved
            | Self::Undone
            | Self::AlreadyEqual => self,
        }
    }
}

impl Mirror for Step {
    fn mirrored(self) -> Self {
        Self {
            side: self.side.other(),
            reason: self.reason.mirrored(),
            ..self
        }
    }
}

impl Mirror for RunRecord {
    fn mirrored(self) -> Self {
        Self {
            tally: self.tally.swapped(),
            ..self
        }
    }
}

impl Mirror for Problem {
    fn mirrored(self) -> Self {
        Self {
            side: self.side.map(Side::other),
            ..self
        }
    }
}

impl Mirror for StoredConflict {
    fn mirrored(self) -> Self {
        Self {
            base: self.base.map(crate::entry::Agreed::swapped),
            seen: self.seen.swapped(),
            ..self
        }
    }
}
