//! What a person can ask of a handler: the work of a session.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::id::{ItemId, SessionId};
use crate::side::Side;

/// Whether a session carries its work out or only says what it would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Intent {
    /// Do it.
    Apply,
    /// Say what would be done; nothing is written to either side and nothing enters history.
    Preview,
}

/// A person's decision on a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// This side's version goes to the other side, a deletion too.
    Keep(Side),
    /// The version modified later; a change beats a deletion.
    KeepNewest,
    /// Both, one of them under a name that says where it comes from.
    KeepBoth,
    /// These bytes on both sides.
    Merged(Vec<u8>),
    /// The three-way merge of the text.
    MergeText,
}

/// A decision on one conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoiceOn {
    /// The id of the conflict.
    pub conflict: String,
    /// What was decided.
    pub choice: Choice,
    /// The state of its contents that it was decided on, as whoever starts the work names it; the
    /// decision is carried out on nothing that came later. `None`: in whatever state it is.
    pub seen: Option<String>,
}

/// Names one kept version of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRef {
    /// The run that replaced or deleted it.
    pub run: SessionId,
    /// On which side it was.
    pub side: Side,
    /// Its path, bytes.
    pub path: Vec<u8>,
}

/// The work of a session on one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Bring both sides together.
    Sync {
        /// Compare every content, not only where size and times cannot decide.
        is_full: bool,
        /// Let the held changes with this id go, once.
        release: Option<String>,
    },
    /// Carry out decisions on conflicts.
    Resolve(Vec<ChoiceOn>),
    /// Take a run back.
    Undo(SessionId),
    /// Bring a version back.
    Restore(VersionRef),
}

impl Work {
    /// Returns the stable word of this kind of work.
    #[must_use]
    pub fn kind(&self) -> WorkKind {
        match self {
            Self::Sync { .. } => WorkKind::Sync,
            Self::Resolve(_) => WorkKind::Resolve,
            Self::Undo(_) => WorkKind::Undo,
            Self::Restore(_) => WorkKind::Restore,
        }
    }
}

/// Kinds of work, as history remembers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkKind {
    /// An ordinary sync.
    Sync,
    /// Decisions on conflicts.
    Resolve,
    /// A run taken back.
    Undo,
    /// A version brought back.
    Restore,
}

impl WorkKind {
    const ALL: [Self; 4] = [Self::Sync, Self::Resolve, Self::Undo, Self::Restore];

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Resolve => "resolve",
            Self::Undo => "undo",
            Self::Restore => "restore",
        }
    }

    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What the one who starts a sync passes along for the handler (the `IUnknown` of syncmgr.h). The
/// center does not look at it; two tokens are the same when their texts are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub Arc<str>);

/// Where something changed in the folders of an item since an earlier run, when that is known for
/// certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirty {
    /// The run since whose look it is known.
    pub since: SessionId,
    /// Per folder of the item, in its order: directories, bytes relative to the folder, in which
    /// something changed directly. A missing set is an empty one.
    pub dirs: Vec<BTreeSet<Vec<u8>>>,
}

/// What waits for a handler while one of its sessions runs (spec 83, 84).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Additional {
    /// The items that wait; `None` when none does.
    pub items: Option<Vec<ItemId>>,
    /// The tokens that wait; `None` when none does.
    pub tokens: Option<Vec<Token>>,
}

/// Why a session began.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Origin {
    /// A person asked, through the command line, the page or the API.
    #[default]
    Manual,
    /// A time or another trigger of the schedule with this name came.
    Schedule(String),
    /// Files changed.
    Change,
    /// A run that failed is tried again.
    Retry,
    /// A missed run is made up for.
    CatchUp,
    /// Another sync succeeded: its name.
    After(String),
    /// A program outside of syncmgr works and reports.
    External,
}

impl Origin {
    /// Says whether a person asked: such requests go before the others.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        matches!(self, Self::Manual)
    }

    /// Returns the stable word and, where there is one, the name that goes with it.
    #[must_use]
    pub fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Manual => ("manual", None),
            Self::Schedule(name) => ("schedule", Some(name)),
            Self::Change => ("change", None),
            Self::Retry => ("retry", None),
            Self::CatchUp => ("catch-up", None),
            Self::After(name) => ("after", Some(name)),
            Self::External => ("external", None),
        }
    }

    /// Reads what [`Self::parts`] returned.
    #[must_use]
    pub fn parse(word: &str, name: Option<&str>) -> Option<Self> {
        let name = || name.unwrap_or_default().to_owned();
        Some(match word {
            "manual" => Self::Manual,
            "schedule" => Self::Schedule(name()),
            "change" => Self::Change,
            "retry" => Self::Retry,
            "catch-up" => Self::CatchUp,
            "after" => Self::After(name()),
            "external" => Self::External,
            _ => return None,
        })
    }
}
