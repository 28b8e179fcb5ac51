//! What a handler reports while it works, and what it is answered.

/// State of an item within a session. The numbers are those of `SYNCMGR_PROGRESS_STATUS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProgressStatus {
    /// Working, with a known end (`SYNCMGR_PS_UPDATING`, 1).
    Updating,
    /// Working, end unknown (`SYNCMGR_PS_UPDATING_INDETERMINATE`, 2).
    UpdatingIndeterminate,
    /// Done (`SYNCMGR_PS_SUCCEEDED`, 3).
    Succeeded,
    /// Ended in error (`SYNCMGR_PS_FAILED`, 4).
    Failed,
    /// Stopped by a person (`SYNCMGR_PS_CANCELED`, 5).
    Canceled,
    /// The other side cannot be reached (`SYNCMGR_PS_DISCONNECTED`, 6).
    Disconnected,
}

impl ProgressStatus {
    const ALL: [Self; 6] = [
        Self::Updating,
        Self::UpdatingIndeterminate,
        Self::Succeeded,
        Self::Failed,
        Self::Canceled,
        Self::Disconnected,
    ];

    /// Says whether the item is finished in this session, except for a later failure.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Updating | Self::UpdatingIndeterminate => false,
            Self::Succeeded | Self::Failed | Self::Canceled | Self::Disconnected => true,
        }
    }

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Updating => "updating",
            Self::UpdatingIndeterminate => "updating-indeterminate",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Disconnected => "disconnected",
        }
    }

    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// The answer to a report. The numbers are those of `SYNCMGR_CANCEL_REQUEST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum CancelRequest {
    /// Go on (`SYNCMGR_CR_NONE`, 0).
    #[default]
    None,
    /// Stop this item, go on with the others (`SYNCMGR_CR_CANCEL_ITEM`, 1).
    Item,
    /// Stop completely (`SYNCMGR_CR_CANCEL_ALL`, 2).
    All,
}

/// The named parts of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Phase {
    /// Queued.
    #[default]
    Waiting,
    /// Both sides are listed.
    Checking,
    /// Contents are compared, the plan is made.
    Comparing,
    /// Renames, removals in the way, new folders.
    Preparing,
    /// Contents are copied.
    Copying,
    /// Deletions, attributes, making it durable.
    Finishing,
}

impl Phase {
    const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Checking,
        Self::Comparing,
        Self::Preparing,
        Self::Copying,
        Self::Finishing,
    ];

    /// Reads the word, in whatever case: a wire has it in small letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.as_str().eq_ignore_ascii_case(text))
    }

    /// Returns the word shown to people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Checking => "Checking",
            Self::Comparing => "Comparing",
            Self::Preparing => "Preparing",
            Self::Copying => "Copying",
            Self::Finishing => "Finishing",
        }
    }

    /// Returns the word that wires and history have, in small letters.
    #[must_use]
    pub fn word(self) -> String {
        self.as_str().to_ascii_lowercase()
    }

    /// Says whether no file is changed in this phase.
    #[must_use]
    pub fn only_looks(self) -> bool {
        self <= Self::Comparing
    }
}

/// Where the work on an item stands. Totals of `None` are not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// The part of the run.
    pub phase: Phase,
    /// Files and folders looked at on the left.
    pub n_seen_left: u64,
    /// Files and folders looked at on the right.
    pub n_seen_right: u64,
    /// Steps done.
    pub n_done: u64,
    /// Steps planned.
    pub n_total: Option<u64>,
    /// Bytes copied.
    pub bytes_done: u64,
    /// Bytes planned.
    pub bytes_total: Option<u64>,
    /// What is being worked on: harmless text, never raw bytes of a name.
    pub current: Option<String>,
}

/// What one operation costs beside its bytes, in bytes: a deletion is work too, so the bar does
/// not stand still at 95 % while there are only deletions left.
const BYTES_PER_STEP: u64 = 64 * 1024;

impl Progress {
    /// Returns work done and work in all, in bytes with a fixed cost per step; `None` while the
    /// total is not known.
    #[must_use]
    pub fn work(&self) -> Option<(u64, u64)> {
        let total = self.bytes_total? + self.n_total?.saturating_mul(BYTES_PER_STEP);
        let done = self.bytes_done + self.n_done.saturating_mul(BYTES_PER_STEP);
        Some((done.min(total), total))
    }

    /// Returns whole percent done, 100 only at the end.
    #[must_use]
    pub fn percent(&self) -> Option<u8> {
        let (done, total) = self.work()?;
        let percent = u128::from(done) * 100 / u128::from(total.max(1));
        u8::try_from(percent).ok()
    }
}
