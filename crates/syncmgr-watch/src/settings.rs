//! How patient a watch is and how much it remembers.

use std::time::Duration;

/// How patient a watch is and how much it remembers.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A report comes when nothing has happened for this long; the default is 40 ms, which joins
    /// the events of one saved file without being felt.
    pub quiet: Duration,
    /// While events keep coming, a report comes at least this often; the default is 1 s.
    pub patience: Duration,
    /// More changed directories than this in one report are not listed: the root is reported as
    /// lost instead, which bounds memory. The default is 4096.
    pub dirs_max: usize,
    /// Names that begin with this are not watched and never reported, wherever they are; empty for
    /// none.
    pub ignored_prefix: Vec<u8>,
    /// Directories watched at most, below what the system allows; `None` leaves it to the system.
    pub watches_max: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(40),
            patience: Duration::from_secs(1),
            dirs_max: 4096,
            ignored_prefix: b".syncmgr".to_vec(),
            watches_max: None,
        }
    }
}
