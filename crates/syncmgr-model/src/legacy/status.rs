//! How far an item is, how bad a log entry is, and how a call can succeed in more than one way.

/// How far an item is (`SYNCMGRSTATUS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Stopped before its end.
    Stopped,
    /// Left out.
    Skipped,
    /// Its turn will come.
    Pending,
    /// Being worked on.
    Updating,
    /// Done.
    Succeeded,
    /// Something went wrong.
    Failed,
    /// Waiting for something.
    Paused,
    /// Going on after a pause.
    Resuming,
    /// Being worked on, nobody knows how long.
    UpdatingIndeterminate,
    /// The item is gone.
    Deleted,
}

impl Status {
    const NUMBERS: [(Self, u32); 10] = [
        (Self::Stopped, 0),
        (Self::Skipped, 1),
        (Self::Pending, 2),
        (Self::Updating, 3),
        (Self::Succeeded, 4),
        (Self::Failed, 5),
        (Self::Paused, 6),
        (Self::Resuming, 7),
        (Self::UpdatingIndeterminate, 8),
        (Self::Deleted, 0x100),
    ];

    /// Reads the number of the original; `None` for one that it does not have.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::NUMBERS
            .iter()
            .find_map(|(status, own)| (*own == number).then_some(*status))
    }

    /// Says whether the item is through with this sync.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Stopped | Self::Skipped | Self::Succeeded | Self::Failed | Self::Deleted => true,
            Self::Pending
            | Self::Updating
            | Self::Paused
            | Self::Resuming
            | Self::UpdatingIndeterminate => false,
        }
    }
}

/// How bad a log entry is (`SYNCMGRLOGLEVEL`); the levels of events have the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogLevel {
    /// 1: worth knowing.
    Information,
    /// 2: worth a look.
    Warning,
    /// 3: something failed.
    Error,
}

impl LogLevel {
    /// Reads the number of the original; `None` for one that it does not have.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Information),
            2 => Some(Self::Warning),
            3 => Some(Self::Error),
            _ => None,
        }
    }
}

/// The codes with which calls of the older family succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Success {
    /// `S_OK`.
    Ok,
    /// `S_FALSE`: no, and that is no failure.
    False,
    /// `S_SYNCMGR_MISSINGITEMS`: the list of items is not complete.
    MissingItems,
    /// `S_SYNCMGR_RETRYSYNC`: once more, with the items named.
    RetrySync,
    /// `S_SYNCMGR_CANCELITEM`: stop this item.
    CancelItem,
    /// `S_SYNCMGR_CANCELALL`: stop all items of this handler.
    CancelAll,
    /// `S_SYNCMGR_ITEMDELETED`: the item is gone.
    ItemDeleted,
    /// `S_SYNCMGR_ENUMITEMS`: the items have changed and are to be listed again.
    EnumItems,
}

impl Success {
    /// Returns the code of the original.
    #[must_use]
    pub fn code(self) -> u32 {
        match self {
            Self::Ok => 0,
            Self::False => 1,
            Self::MissingItems => 0x0004_0201,
            Self::RetrySync => 0x0004_0202,
            Self::CancelItem => 0x0004_0203,
            Self::CancelAll => 0x0004_0204,
            Self::ItemDeleted => 0x0004_0210,
            Self::EnumItems => 0x0004_0211,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_the_numbers_of_the_original() {
        assert_eq!(Status::from_number(0), Some(Status::Stopped));
        assert_eq!(Status::from_number(1), Some(Status::Skipped));
        assert_eq!(Status::from_number(4), Some(Status::Succeeded));
        assert_eq!(Status::from_number(8), Some(Status::UpdatingIndeterminate));
        assert_eq!(Status::from_number(0x100), Some(Status::Deleted));
        assert_eq!(Status::from_number(9), None);
    }

    #[test]
    fn there_are_three_levels() {
        let levels = [1, 2, 3].map(LogLevel::from_number);
        assert_eq!(
            levels,
            [
                Some(LogLevel::Information),
                Some(LogLevel::Warning),
                Some(LogLevel::Error)
            ]
        );
        assert_eq!(LogLevel::from_number(0), None);
        assert_eq!(LogLevel::from_number(4), None);
    }

    #[test]
    fn successes_have_the_codes_of_the_original() {
        assert_eq!(Success::MissingItems.code(), 0x0004_0201);
        assert_eq!(Success::RetrySync.code(), 0x0004_0202);
        assert_eq!(Success::CancelItem.code(), 0x0004_0203);
        assert_eq!(Success::CancelAll.code(), 0x0004_0204);
        assert_eq!(Success::ItemDeleted.code(), 0x0004_0210);
        assert_eq!(Success::EnumItems.code(), 0x0004_0211);
    }
}
