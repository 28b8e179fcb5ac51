//! What a program outside of syncmgr says of the runs it reports: what they work on, and how they
//! went when nobody listened.

use crate::id::{HandlerId, ItemId, SessionId};
use crate::progress::ProgressStatus;
use crate::record::Summary;
use crate::time::Timestamp;
use crate::trouble::Trouble;

/// What a program outside works on: a sync that is there, or one that is made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Whose it is; `None`: whoever has it. One that is made is always of the handler `run`.
    pub handler: Option<HandlerId>,
    /// The name or id of a sync; with [`Self::id`] the name it gets when it is made, if that is
    /// free.
    pub item: String,
    /// The id of the sync, which is looked for before the name; `None`: the name alone says it.
    pub id: Option<ItemId>,
    /// What runs, for people; harmless text.
    pub command: Option<String>,
    /// Milliseconds after which the last success is too old; `None` leaves what is set.
    pub max_age_ms: Option<u64>,
}

/// A run as it was written down while nobody listened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Its id, made when it began.
    pub session: SessionId,
    /// What it worked on.
    pub subject: Subject,
    /// When it began.
    pub began: Timestamp,
    /// What it had to say, in order.
    pub events: Vec<(Timestamp, Trouble)>,
    /// How it ended.
    pub end: ReportedEnd,
}

/// How a run ended that nobody listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedEnd {
    /// When.
    pub at: Timestamp,
    /// A final status.
    pub status: ProgressStatus,
    /// What it did and left.
    pub summary: Summary,
}
