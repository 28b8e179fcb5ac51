//! Why a path is, or is not, in sync.

use serde::{Deserialize, Serialize};
use syncmgr_model::conflict::ConflictKind;
use syncmgr_model::escape::{escape, unescape};
use syncmgr_model::preview::PlannedChange;
use syncmgr_model::record;
use syncmgr_model::trouble::Trouble;
use utoipa::ToSchema;

use super::{Change, Notice, Unreadable, word};

/// Why a path is, or is not, in sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Explanation {
    /// Equal on both sides as of now.
    InSync,
    /// On neither side.
    Nowhere,
    /// An exclusion covers it.
    Excluded {
        /// The pattern.
        pattern: String,
        /// The path it matches.
        at: String,
    },
    /// syncmgr's own data.
    Own,
    /// It waits for a decision.
    Conflict {
        /// `both-changed`, `changed-and-deleted`, `both-new` or `kinds-differ`.
        kind: String,
    },
    /// The next run would do this.
    Pending {
        /// The steps.
        changes: Vec<Change>,
    },
    /// Something is in the way.
    Problem {
        /// What.
        notice: Notice,
    },
}

impl From<&record::Explanation> for Explanation {
    fn from(why: &record::Explanation) -> Self {
        match why {
            record::Explanation::InSync => Self::InSync,
            record::Explanation::Nowhere => Self::Nowhere,
            record::Explanation::Excluded { pattern, at } => Self::Excluded {
                pattern: pattern.clone(),
                at: escape(at),
            },
            record::Explanation::Own => Self::Own,
            record::Explanation::Conflict(kind) => Self::Conflict {
                kind: kind.as_str().to_owned(),
            },
            record::Explanation::Pending(changes) => Self::Pending {
                changes: changes.iter().map(Change::from).collect(),
            },
            record::Explanation::Trouble(trouble) => Self::Problem {
                notice: trouble.into(),
            },
        }
    }
}

impl TryFrom<&Explanation> for record::Explanation {
    type Error = Unreadable;

    fn try_from(why: &Explanation) -> Result<Self, Unreadable> {
        Ok(match why {
            Explanation::InSync => Self::InSync,
            Explanation::Nowhere => Self::Nowhere,
            Explanation::Excluded { pattern, at } => Self::Excluded {
                pattern: pattern.clone(),
                at: unescape(at),
            },
            Explanation::Own => Self::Own,
            Explanation::Conflict { kind } => {
                Self::Conflict(word("a kind of conflict", kind, ConflictKind::parse)?)
            }
            Explanation::Pending { changes } => Self::Pending(
                changes
                    .iter()
                    .map(PlannedChange::try_from)
                    .collect::<Result<_, _>>()?,
            ),
            Explanation::Problem { notice } => Self::Trouble(Trouble::try_from(notice)?),
        })
    }
}
