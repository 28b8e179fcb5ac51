//! A session: one run over items of one handler, and the rule of final statuses.
//!
//! ```text
//! (no status) ──► updating | indeterminate ──► succeeded | canceled | disconnected ──► failed
//!      └────────────────────────┴──► failed
//! ```
//! After a final status the only later report allowed is *failed*; anything else is a fault of the
//! handler, recorded and otherwise ignored.

use std::fmt;

use crate::id::{HandlerId, ItemId, SessionId};
use crate::progress::{Progress, ProgressStatus};
use crate::record::Summary;
use crate::request::{Intent, WorkKind};
use crate::time::Timestamp;

/// A report that breaks the rule of final statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProtocolFault {
    /// The status the item has.
    pub had: ProgressStatus,
    /// The status that was reported.
    pub reported: ProgressStatus,
}

impl fmt::Display for ProtocolFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "reported `{}` after the final status `{}`",
            self.reported.as_str(),
            self.had.as_str()
        )
    }
}

impl std::error::Error for ProtocolFault {}

/// Decides what a report makes of a status.
///
/// # Errors
/// [`ProtocolFault`] when the item was final and the report is not *failed*.
pub fn next(
    had: Option<ProgressStatus>,
    reported: ProgressStatus,
) -> Result<ProgressStatus, ProtocolFault> {
    match had {
        Some(had) if had.is_terminal() && reported != ProgressStatus::Failed => {
            Err(ProtocolFault { had, reported })
        }
        Some(_) | None => Ok(reported),
    }
}

/// A session on one item, from its start to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose work it is.
    pub handler: HandlerId,
    /// What it works on.
    pub item: ItemId,
    /// What for.
    pub kind: WorkKind,
    /// Do, or only say.
    pub intent: Intent,
    /// When it began.
    pub started: Timestamp,
    /// Last status reported; `None` before the first report.
    pub status: Option<ProgressStatus>,
    /// Where it stands.
    pub progress: Progress,
    /// What it did, as reported at its end.
    pub summary: Summary,
}

impl Session {
    /// Returns the status with which the session ends. A handler that returns without a final
    /// status has not done its work.
    #[must_use]
    pub fn final_status(&self) -> ProgressStatus {
        match self.status {
            Some(status) if status.is_terminal() => status,
            Some(_) | None => ProgressStatus::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ProgressStatus::{Canceled, Failed, Succeeded, Updating};
    use super::*;

    #[track_caller]
    fn check(had: Option<ProgressStatus>, reported: ProgressStatus, is_allowed: bool) {
        assert_eq!(next(had, reported).is_ok(), is_allowed);
    }

    #[test]
    fn after_a_final_status_only_failed_is_taken() {
        check(None, Updating, true);
        check(None, Succeeded, true);
        check(Some(Updating), Canceled, true);
        check(Some(Succeeded), Failed, true);
        check(Some(Failed), Failed, true);
        check(Some(Succeeded), Updating, false);
        check(Some(Canceled), Succeeded, false);
        check(Some(Failed), Succeeded, false);
    }
}
