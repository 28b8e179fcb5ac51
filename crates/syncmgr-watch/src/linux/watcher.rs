//! The handle on a watch.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::event::EventfdFlags;
use rustix::fd::OwnedFd;
use rustix::io::Errno;

use super::queue::{Queue, limit};
use super::thread::Work;
use crate::change::{Change, Coverage, WatchError};
use crate::settings::Settings;

/// A watch over some roots; it ends when this is dropped.
pub struct Watcher {
    stop: Arc<OwnedFd>,
    coverage: Arc<Mutex<Vec<Coverage>>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").finish_non_exhaustive()
    }
}

impl Watcher {
    /// Watches folders. When this returns, every directory beneath the roots is watched (as far as
    /// [`Self::coverage`] says), so a look that begins now together with the reports from now on
    /// misses nothing. A root that is not there yet is waited for.
    ///
    /// `roots` are absolute paths without symbolic links, none within another. Takes a few
    /// microseconds per directory. `on_change` is called on a thread of the watch; events wait
    /// meanwhile, so it should only pass the report on. Without events nothing ever wakes up.
    ///
    /// # Errors
    /// [`WatchError`].
    pub fn start(
        roots: Vec<PathBuf>,
        settings: &Settings,
        on_change: Box<dyn Fn(Change) + Send>,
    ) -> Result<Self, WatchError> {
        if let Some(path) = roots.iter().find(|root| !root.is_absolute()) {
            return Err(WatchError::NotAbsolute(path.clone()));
        }
        let queue = Queue::new().map_err(|errno| match errno {
            Errno::MFILE => WatchError::TooManyWatchers {
                allowed: limit("max_user_instances"),
            },
            other => WatchError::Io(other.into()),
        })?;
        let stop = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(std::io::Error::from)?;
        let stop = Arc::new(stop);
        let coverage = Arc::new(Mutex::new(Vec::new()));
        let (shared, ending) = (Arc::clone(&coverage), Arc::clone(&stop));
        let mut work = Work::new(roots, settings, queue, shared)?;
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || work.run(&ending, &*on_change))?;
        Ok(Self {
            stop,
            coverage,
            thread: Some(thread),
        })
    }

    /// Returns how much of each root is watched, in the order given to [`Self::start`].
    #[must_use]
    pub fn coverage(&self) -> Vec<Coverage> {
        self.coverage
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Watcher {
    /// Ends the watch; waits for a report that is being passed on.
    fn drop(&mut self) {
        // Writing fails only when the counter is full, and then the thread is woken already.
        let _raised = rustix::io::write(&self.stop, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
