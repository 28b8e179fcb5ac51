//! Runs of one's own, reported by name.

use super::call::path;
use super::{Client, ClientError};
use crate::wire::outside::{
    OutsideAlive, OutsideBegun, OutsideEnd, OutsideEvent, OutsideNew, OutsidePast, OutsideProgress,
    OutsideTaken, OutsideWish,
};
use crate::wire::run::RunState;

/// A run is begun, reported on, and ended. Between two calls no more than the silence that
/// [`OutsideBegun`] names may pass; [`Client::outside_alive`] does nothing but break it.
impl Client {
    /// Begins a run.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn outside_begin(&mut self, new: &OutsideNew) -> Result<OutsideBegun, ClientError> {
        Ok(self.post(&path(&["sessions", "external"]), new)?.body)
    }

    /// Reports where a run stands.
    ///
    /// # Errors
    /// [`ClientError`]; a run that is not open is `not-found`.
    pub fn outside_progress(
        &mut self,
        run: &str,
        progress: &OutsideProgress,
    ) -> Result<OutsideWish, ClientError> {
        let path = path(&["sessions", "external", run, "progress"]);
        Ok(self.post(&path, progress)?.body)
    }

    /// Says that a run goes on, and waits for a wish to stop it.
    ///
    /// # Errors
    /// As [`Self::outside_progress`].
    pub fn outside_alive(
        &mut self,
        run: &str,
        alive: &OutsideAlive,
    ) -> Result<OutsideWish, ClientError> {
        let path = path(&["sessions", "external", run, "alive"]);
        Ok(self.post(&path, alive)?.body)
    }

    /// Adds a result.
    ///
    /// # Errors
    /// As [`Self::outside_progress`].
    pub fn outside_event(&mut self, run: &str, event: &OutsideEvent) -> Result<(), ClientError> {
        let path = path(&["sessions", "external", run, "events"]);
        self.post::<()>(&path, event).map(drop)
    }

    /// Ends a run.
    ///
    /// # Errors
    /// As [`Self::outside_progress`].
    pub fn outside_end(&mut self, run: &str, end: &OutsideEnd) -> Result<RunState, ClientError> {
        let path = path(&["sessions", "external", run, "end"]);
        Ok(self.post(&path, end)?.body)
    }

    /// Reports a run that is over.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn outside_past(&mut self, past: &OutsidePast) -> Result<OutsideTaken, ClientError> {
        Ok(self.post(&path(&["sessions", "past"]), past)?.body)
    }
}
