//! What is shown of an item while it is synced: every field as it was last reported.

use syncmgr_model::progress::ProgressStatus;

use crate::legacy::{LegacyProgress, Status};

/// The state of one item in one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) status: Status,
    value: i32,
    max: i32,
    /// The final status that the center was told, if any. From there on the center takes only a
    /// failure, and whatever else this family likes to report is kept from it.
    told: Option<ProgressStatus>,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            text: String::new(),
            status: Status::Updating,
            value: 0,
            max: 0,
            told: None,
        }
    }
}

impl Shown {
    /// Takes over the fields that are given; the others keep their values.
    pub(super) fn merge(&mut self, progress: &LegacyProgress) {
        if let Some(text) = &progress.text {
            self.text.clone_from(text);
        }
        self.status = progress.status.unwrap_or(self.status);
        self.value = progress.value.unwrap_or(self.value);
        self.max = progress.max.unwrap_or(self.max);
    }

    /// Steps done, never more than there are.
    pub(super) fn n_done(&self) -> u64 {
        u64::try_from(self.value.clamp(0, self.max.max(0))).unwrap_or(0)
    }

    /// Steps in all; `None` when nobody said.
    pub(super) fn n_total(&self) -> Option<u64> {
        u64::try_from(self.max).ok().filter(|max| *max > 0)
    }

    /// Says whether the center was told how the item ended.
    pub(super) fn is_told(&self) -> bool {
        self.told.is_some()
    }

    /// Returns the status to tell the center, and `None` when there is nothing that it would take.
    pub(super) fn tell(&mut self) -> Option<ProgressStatus> {
        self.end(of_today(self.status))
    }

    /// Like [`Self::tell`], with a status that the handler did not report.
    pub(super) fn end(&mut self, status: ProgressStatus) -> Option<ProgressStatus> {
        let is_wanted = match self.told {
            None => true,
            Some(told) => status == ProgressStatus::Failed && told != ProgressStatus::Failed,
        };
        if is_wanted && status.is_terminal() {
            self.told = Some(status);
        }
        is_wanted.then_some(status)
    }
}

/// The status of today that says the same. An item that is gone has nothing left to sync, so it
/// succeeded.
fn of_today(status: Status) -> ProgressStatus {
    match status {
        Status::Stopped | Status::Skipped => ProgressStatus::Canceled,
        Status::Updating | Status::Paused | Status::Resuming => ProgressStatus::Updating,
        Status::Pending | Status::UpdatingIndeterminate => ProgressStatus::UpdatingIndeterminate,
        Status::Succeeded | Status::Deleted => ProgressStatus::Succeeded,
        Status::Failed => ProgressStatus::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: Status) -> LegacyProgress {
        LegacyProgress {
            status: Some(status),
            ..LegacyProgress::default()
        }
    }

    /// spec 176: fields that are not given keep the values they had.
    #[test]
    fn what_is_not_given_stays() {
        let mut shown = Shown::default();
        shown.merge(&LegacyProgress {
            text: Some("letters".into()),
            status: Some(Status::Paused),
            value: Some(3),
            max: Some(9),
        });
        let before = shown.clone();
        shown.merge(&LegacyProgress::default());
        assert_eq!(shown, before);
        shown.merge(&LegacyProgress {
            value: Some(4),
            ..LegacyProgress::default()
        });
        assert_eq!((shown.n_done(), shown.n_total()), (4, Some(9)));
        assert_eq!(
            (shown.text.as_str(), shown.status),
            ("letters", Status::Paused)
        );
    }

    #[test]
    fn numbers_that_make_no_sense_are_bent() {
        let mut shown = Shown::default();
        for (value, max, n_done, n_total) in [
            (-1, 5, 0, Some(5)),
            (9, 5, 5, Some(5)),
            (3, 0, 0, None),
            (3, -2, 0, None),
        ] {
            shown.merge(&LegacyProgress {
                value: Some(value),
                max: Some(max),
                ..LegacyProgress::default()
            });
            assert_eq!((shown.n_done(), shown.n_total()), (n_done, n_total));
        }
    }

    #[test]
    fn after_the_end_only_a_failure_is_told() {
        let mut shown = Shown::default();
        shown.merge(&status(Status::Updating));
        assert_eq!(shown.tell(), Some(ProgressStatus::Updating));
        shown.merge(&status(Status::Succeeded));
        assert_eq!(shown.tell(), Some(ProgressStatus::Succeeded));
        assert_eq!(shown.tell(), None);
        shown.merge(&status(Status::Updating));
        assert_eq!(shown.tell(), None);
        shown.merge(&status(Status::Failed));
        assert_eq!(shown.tell(), Some(ProgressStatus::Failed));
        assert_eq!(shown.tell(), None);
    }

    #[test]
    fn every_status_has_one_of_today() {
        for (old, new) in [
            (Status::Stopped, ProgressStatus::Canceled),
            (Status::Skipped, ProgressStatus::Canceled),
            (Status::Updating, ProgressStatus::Updating),
            (Status::Succeeded, ProgressStatus::Succeeded),
            (Status::Failed, ProgressStatus::Failed),
            (
                Status::UpdatingIndeterminate,
                ProgressStatus::UpdatingIndeterminate,
            ),
        ] {
            assert_eq!(of_today(old), new);
            assert!(old.is_final() == new.is_terminal());
        }
    }
}
