//! What a handler of the older family talks to.

use super::{Failure, Guid, LogLevel, Status, Success};

/// How far an item is (`SYNCMGRPROGRESSITEM`). A field that is `None` keeps the value it had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LegacyProgress {
    /// What is being done, for people.
    pub text: Option<String>,
    /// The status.
    pub status: Option<Status>,
    /// How much is done, in units of `max`.
    pub value: Option<i32>,
    /// How much there is to do.
    pub max: Option<i32>,
}

impl LegacyProgress {
    /// Returns the bits of the original that say which fields are given.
    #[must_use]
    pub fn mask(&self) -> u32 {
        u32::from(self.text.is_some())
            | u32::from(self.status.is_some()) << 1
            | u32::from(self.value.is_some()) << 2
            | u32::from(self.max.is_some()) << 3
    }
}

/// What a report is answered with. A handler follows as soon as it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LegacyAnswer {
    /// Go on.
    Ok,
    /// Stop this item and go on with the others.
    CancelItem,
    /// Stop all items of this handler.
    CancelAll,
}

impl LegacyAnswer {
    /// Returns the code of the original.
    #[must_use]
    pub fn success(self) -> Success {
        match self {
            Self::Ok => Success::Ok,
            Self::CancelItem => Success::CancelItem,
            Self::CancelAll => Success::CancelAll,
        }
    }
}

/// What belongs to a log entry (`SYNCMGRLOGERRORINFO`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogInfo {
    /// Whether a person can follow the entry into [`super::LegacyHandler::show_error`]
    /// (`SYNCMGRERRORFLAG_ENABLEJUMPTEXT`).
    pub is_link: bool,
    /// What the entry is known by, for following and deleting it.
    pub error: Option<Guid>,
    /// The item that it is about.
    pub item: Option<Guid>,
}

/// What the properties left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterProperties {
    /// Nothing to do.
    Done,
    /// The item is gone ([`Success::ItemDeleted`]).
    ItemDeleted,
    /// The items have changed and are to be listed again ([`Success::EnumItems`]).
    ListAgain,
}

/// What showing an error left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterError {
    /// Nothing to do.
    Done,
    /// These items are to be prepared and synced once more ([`Success::RetrySync`]).
    Retry(Vec<Guid>),
}

/// What a handler of the older family tells its manager.
///
/// **Threads.** Every method may be called from any thread, also from several at once, and from
/// within a method of the handler before it returns.
///
/// **After the end.** A handler may use the callback until it is given `None` in place of it. What
/// comes later, or out of order, is passed over and answered with [`LegacyAnswer::CancelAll`] or a
/// failure.
pub trait LegacyCallback: Send + Sync {
    /// Says that the properties are closed. Only after
    /// [`super::LegacyHandler::show_properties`] succeeded.
    fn show_properties_completed(&self, how: Result<AfterProperties, Failure>);

    /// Says that the handler is ready. On a failure ([`Failure::DECLINED`] is one) no sync follows.
    fn prepare_for_sync_completed(&self, how: Result<(), Failure>);

    /// Says that the sync has ended. Not called when [`super::LegacyHandler::synchronize`] failed.
    fn synchronize_completed(&self, how: Result<(), Failure>);

    /// Says that the error has been shown.
    fn show_error_completed(&self, how: Result<AfterError, Failure>);

    /// Asks for the turn to show a dialog (`true`), or gives it back (`false`). One dialog is shown
    /// at a time, whatever the handlers: asking waits for the one that is open, but not longer than
    /// the sync goes on. Returns whether a dialog may be shown now.
    fn enable_modeless(&self, is_wanted: bool) -> bool;

    /// Says how far an item is: before work on it begins, as often as possible meanwhile, and at
    /// its end.
    fn progress(&self, item: Guid, progress: &LegacyProgress) -> LegacyAnswer;

    /// Adds an entry to what people read after the sync.
    fn log_error(&self, level: LogLevel, text: &str, info: LogInfo);

    /// Takes an entry of this handler away, or all of them (`None`).
    fn delete_log_error(&self, error: Option<Guid>);

    /// Asks for a network connection, by name or the usual one. It stays open until all handlers
    /// are through, and no other one is closed for it.
    ///
    /// # Errors
    /// A [`Failure`] when there is no such connection, or none can be had.
    fn establish_connection(&self, name: Option<&str>) -> Result<(), Failure>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_a_report_says_what_is_given() {
        let mut progress = LegacyProgress::default();
        assert_eq!(progress.mask(), 0);
        progress.status = Some(Status::Updating);
        assert_eq!(progress.mask(), 2);
        progress.text = Some("a".into());
        progress.value = Some(1);
        progress.max = Some(2);
        assert_eq!(progress.mask(), 15);
    }
}
