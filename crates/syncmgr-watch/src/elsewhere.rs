//! The watch on systems without inotify, through `notify`.
//!
//! The system watches whole trees there, so there is nothing to keep in step; the roots themselves
//! are looked at with every report.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use notify::event::EventKind;
use notify::{Event, RecursiveMode, Watcher as _};

use crate::change::{Cause, Change, Coverage, WatchError};
use crate::pending::Pending;
use crate::settings::Settings;

/// A watch over some roots; it ends when this is dropped.
pub struct Watcher {
    /// Dropped first: the thread ends when nothing can be sent to it any more.
    system: Option<notify::RecommendedWatcher>,
    coverage: Arc<Mutex<Vec<Coverage>>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").finish_non_exhaustive()
    }
}

impl Watcher {
    /// Watches folders. When this returns, the roots that are there are watched, so a look that
    /// begins now together with the reports from now on misses nothing.
    ///
    /// `roots` are absolute paths without symbolic links, none within another. `on_change` is
    /// called on a thread of the watch.
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
        let (sender, events) = channel();
        // A receiver that is gone means that the watch is ending.
        let send = move |event| drop(sender.send(event));
        let mut system = notify::recommended_watcher(send).map_err(std::io::Error::other)?;
        let mut coverage = Vec::new();
        for root in &roots {
            let is_there = system.watch(root, RecursiveMode::Recursive).is_ok();
            coverage.push(Coverage {
                is_there,
                ..Coverage::default()
            });
        }
        let coverage = Arc::new(Mutex::new(coverage));
        let work = Work {
            pending: Pending::new(roots.len(), settings),
            prefix: settings.ignored_prefix.clone(),
            coverage: Arc::clone(&coverage),
            roots,
        };
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || work.run(&events, &*on_change))?;
        Ok(Self {
            system: Some(system),
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
        drop(self.system.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Work {
    roots: Vec<PathBuf>,
    pending: Pending,
    prefix: Vec<u8>,
    coverage: Arc<Mutex<Vec<Coverage>>>,
}

impl Work {
    #[expect(
        clippy::disallowed_methods,
        reason = "a wait on real events is timed by the real clock"
    )]
    fn run(mut self, events: &Receiver<notify::Result<Event>>, on_change: &dyn Fn(Change)) {
        let begun = Instant::now();
        self.check_roots(begun.elapsed());
        loop {
            let wait = self.pending.wait(begun.elapsed());
            if wait.is_some_and(|wait| wait.is_zero()) {
                self.check_roots(begun.elapsed());
                self.pending.take().into_iter().for_each(on_change);
                continue;
            }
            let received = match wait {
                Some(wait) => events.recv_timeout(wait),
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match received {
                Ok(event) => self.take_event(event, begun.elapsed()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// A root that is gone is lost for good here: whoever asked starts another watch.
    fn check_roots(&mut self, now: Duration) {
        let mut coverage = self.coverage.lock().unwrap_or_else(PoisonError::into_inner);
        for (root, path) in self.roots.iter().enumerate() {
            if !path.is_dir() {
                coverage[root].is_there = false;
            }
            if !coverage[root].is_there {
                self.pending.lost(root, Cause::RootGone, now);
            }
        }
    }

    fn take_event(&mut self, event: notify::Result<Event>, now: Duration) {
        let all = 0..self.roots.len();
        let event = match event {
            Ok(event) if event.need_rescan() => {
                all.for_each(|root| self.pending.lost(root, Cause::Overflow, now));
                return;
            }
            Ok(event) => event,
            Err(error) => {
                let cause = Cause::Failed(error.to_string());
                all.for_each(|root| self.pending.lost(root, cause.clone(), now));
                return;
            }
        };
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        for path in &event.paths {
            self.note(path, now);
        }
    }

    fn note(&mut self, path: &Path, now: Duration) {
        let inside = |root: &PathBuf| path.strip_prefix(root).ok().map(Path::to_path_buf);
        let found = self.roots.iter().map(inside).enumerate();
        let Some((root, inner)) = found.flat_map(|(n, path)| Some((n, path?))).next() else {
            return;
        };
        let is_ignored = |name: &std::ffi::OsStr| {
            !self.prefix.is_empty() && name.as_encoded_bytes().starts_with(&self.prefix)
        };
        if inner.iter().any(is_ignored) {
            return;
        }
        let parent = inner.parent().unwrap_or(Path::new("")).to_path_buf();
        self.pending.dirty(root, parent, now);
        // What came along with a new directory is not reported name by name.
        if path.is_dir() {
            self.pending.dirty(root, inner, now);
        }
    }
}
