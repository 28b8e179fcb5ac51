//! tmp
use syncmgr_model::schedule::{Trigger, Window, Zone};
use syncmgr_model::time::Timestamp;

/// Knows when the times of a schedule fall. Implementations read no clock, and answer the same
/// question in the same way; they may be asked from any thread.
pub trait Calendar {
    /// Returns the first time of the trigger that is later than `after`; none when there is none.
    fn next(
        &self,
        trigger: &Trigger,
        zone: &Zone,
        after: Timestamp,
        anchor: Timestamp,
    ) -> Option<Timestamp>;

    /// Returns `at` when a window is open.
    fn next_open(&self, windows: &[Window], zone: &Zone, at: Timestamp) -> Option<Timestamp>;
}
