//! Where a run stands.

use serde::{Deserialize, Serialize};
use syncmgr_model::progress::{self, Phase};
use utoipa::ToSchema;

use super::{Sides, Unreadable, word};

/// Where a run stands; totals of null are not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ProgressJson"))]
pub struct Progress {
    /// `waiting`, `checking`, `comparing`, `preparing`, `copying` or `finishing`.
    pub phase: String,
    /// Files and folders looked at.
    pub seen: Sides<u64>,
    /// Steps done.
    pub done: u64,
    /// Steps planned.
    pub total: Option<u64>,
    /// Bytes copied.
    pub bytes_done: u64,
    /// Bytes planned.
    pub bytes_total: Option<u64>,
    /// Whole percent done, bytes and steps weighed together.
    pub percent: Option<u8>,
    /// What is being worked on.
    pub current: Option<String>,
}

impl From<&progress::Progress> for Progress {
    fn from(p: &progress::Progress) -> Self {
        Self {
            phase: p.phase.word(),
            seen: Sides {
                left: p.n_seen_left,
                right: p.n_seen_right,
            },
            done: p.n_done,
            total: p.n_total,
            bytes_done: p.bytes_done,
            bytes_total: p.bytes_total,
            percent: p.percent(),
            current: p.current.clone(),
        }
    }
}

impl TryFrom<&Progress> for progress::Progress {
    type Error = Unreadable;

    fn try_from(p: &Progress) -> Result<Self, Unreadable> {
        Ok(Self {
            phase: word("a phase", &p.phase, Phase::parse)?,
            n_seen_left: p.seen.left,
            n_seen_right: p.seen.right,
            n_done: p.done,
            n_total: p.total,
            bytes_done: p.bytes_done,
            bytes_total: p.bytes_total,
            current: p.current.clone(),
        })
    }
}
