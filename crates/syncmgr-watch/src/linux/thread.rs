//! The thread of a watch: waits for events, keeps the watches in step with the directories, and
//! reports.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::inotify::ReadFlags;
use rustix::io::Errno;

use super::dirs::{Dirs, Watch};
use super::guard::Guard;
use super::mounts::{self, Mount, Table};
use super::queue::{Event, Queue, limit};
use super::walk::{Ground, Top};
use crate::change::{Cause, Change, Coverage, WatchError};
use crate::pending::Pending;
use crate::settings::Settings;

/// What the thread works with.
pub(crate) struct Work {
    roots: Vec<PathBuf>,
    settings: Settings,
    queue: Queue,
    dirs: Dirs,
    guard: Guard,
    pending: Pending,
    table: Option<Table>,
    /// The mounts that matter, by root.
    mounts: Vec<Vec<Mount>>,
    coverage: Vec<Coverage>,
    shared: Arc<Mutex<Vec<Coverage>>>,
    /// The directory noted last: writing a file makes many equal events.
    latest: Option<Watch>,
    /// Roots whose watches have to be put anew, and why; `None` leaves the reason to what is found.
    in_doubt: Vec<(usize, Option<Cause>)>,
}

/// Returns a time that only goes forward.
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(secs, u32::try_from(time.tv_nsec).unwrap_or(0))
}

impl Work {
    /// Puts all watches.
    pub(crate) fn new(
        roots: Vec<PathBuf>,
        settings: &Settings,
        queue: Queue,
        shared: Arc<Mutex<Vec<Coverage>>>,
    ) -> Result<Self, WatchError> {
        let mut work = Self {
            pending: Pending::new(roots.len(), settings),
            settings: settings.clone(),
            queue,
            dirs: Dirs::default(),
            guard: Guard::default(),
            // Without the table of mounts the roots' own events have to do.
            table: Table::open().ok(),
            mounts: vec![Vec::new(); roots.len()],
            coverage: vec![Coverage::default(); roots.len()],
            shared,
            latest: None,
            in_doubt: Vec::new(),
            roots,
        };
        let mounts = work.read_mounts();
        for root in 0..work.roots.len() {
            work.mounts[root] = mounts::around(&mounts, &work.roots[root]);
            work.put_watches(root)?;
            if !work.coverage[root].is_there {
                work.pending.lost(root, Cause::RootGone, now());
            } else if work.coverage[root].n_left_out > 0 {
                let cause = work.too_few(root);
                work.pending.lost(root, cause, now());
            }
        }
        work.publish();
        Ok(work)
    }

    /// Works until `stop` is raised or the system fails.
    pub(crate) fn run(&mut self, stop: &OwnedFd, on_change: &dyn Fn(Change)) {
        loop {
            match self.step(stop) {
                Ok(true) => {
                    for change in self.take_reports() {
                        on_change(change);
                    }
                }
                Ok(false) => return,
                Err(error) => {
                    for root in 0..self.roots.len() {
                        let cause = Cause::Failed(error.to_string());
                        on_change(Change::Lost { root, cause });
                    }
                    return;
                }
            }
        }
    }

    /// Waits for events until a report is due; `false` when the watch is over.
    fn step(&mut self, stop: &OwnedFd) -> io::Result<bool> {
        loop {
            let wait = self.pending.wait(now());
            if wait.is_some_and(|wait| wait.is_zero()) {
                return Ok(true);
            }
            let (is_over, has_events, has_mounts) = self.poll(stop, wait)?;
            if is_over {
                return Ok(false);
            }
            if has_mounts {
                self.compare_mounts();
            }
            if has_events {
                self.read_events()?;
            }
            self.repair()?;
        }
    }

    fn poll(&self, stop: &OwnedFd, wait: Option<Duration>) -> io::Result<(bool, bool, bool)> {
        let timeout = wait.map(|wait| Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        });
        let queue = self.queue.fd();
        let mut fds = vec![
            PollFd::new(stop, PollFlags::IN),
            PollFd::new(&queue, PollFlags::IN),
        ];
        let table = self.table.as_ref().map(Table::fd);
        fds.extend(table.as_ref().map(|fd| PollFd::new(fd, PollFlags::PRI)));
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let is_raised = |i: usize| fds.get(i).is_some_and(|fd| !fd.revents().is_empty());
        Ok((is_raised(0), is_raised(1), is_raised(2)))
    }

    fn take_reports(&mut self) -> Vec<Change> {
        for watch in self.dirs.take_adrift() {
            self.queue.stop(watch);
        }
        self.latest = None;
        self.publish();
        let mut changes = self.pending.take();
        for change in &mut changes {
            // What is not watched may have changed, too, so such a list would be half the truth.
            if let Change::Dirty { root, .. } = *change
                && self.coverage[root].n_left_out > 0
            {
                let cause = self.too_few(root);
                *change = Change::Lost { root, cause };
            }
        }
        changes
    }

    fn too_few(&self, root: usize) -> Cause {
        Cause::TooFewWatches {
            needed: self.dirs.n_watched(root) + self.coverage[root].n_left_out,
            allowed: self.coverage[root].allowed,
        }
    }

    fn publish(&mut self) {
        for (root, coverage) in self.coverage.iter_mut().enumerate() {
            coverage.n_watched = self.dirs.n_watched(root);
        }
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.clone_from(&self.coverage);
    }

    fn read_mounts(&mut self) -> Vec<Mount> {
        let read = self.table.as_mut().and_then(|table| table.read().ok());
        read.unwrap_or_default()
    }

    fn compare_mounts(&mut self) {
        let mounts = self.read_mounts();
        for root in 0..self.roots.len() {
            let around = mounts::around(&mounts, &self.roots[root]);
            if around != self.mounts[root] {
                self.mounts[root] = around;
                self.in_doubt.push((root, Some(Cause::MountChanged)));
            }
        }
    }

    fn read_events(&mut self) -> io::Result<()> {
        let mut events: Vec<(Watch, ReadFlags, Box<[u8]>)> = Vec::new();
        self.queue.read(|event: Event<'_>| {
            events.push((event.watch, event.what, event.name.into()));
        })?;
        for (watch, what, name) in events {
            self.take_event(watch, what, &name)?;
        }
        Ok(())
    }

    fn take_event(&mut self, watch: Watch, what: ReadFlags, name: &[u8]) -> io::Result<()> {
        if what.contains(ReadFlags::QUEUE_OVERFLOW) {
            let all = 0..self.roots.len();
            self.in_doubt
                .extend(all.map(|root| (root, Some(Cause::Overflow))));
            return Ok(());
        }
        if self.guard.has(watch) {
            self.take_event_above(watch, what, name);
        }
        let is_over = what.intersects(ReadFlags::IGNORED | ReadFlags::UNMOUNT);
        let has_gone = is_over || what.intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF);
        if let Some(root) = self.dirs.top_of(watch).filter(|_| has_gone) {
            let cause = what
                .contains(ReadFlags::UNMOUNT)
                .then_some(Cause::MountChanged);
            self.in_doubt.push((root, cause));
        }
        if is_over {
            self.latest = None;
            self.dirs.forget(watch);
            return Ok(());
        }
        let prefix = &self.settings.ignored_prefix;
        if !prefix.is_empty() && name.starts_with(prefix) {
            return Ok(());
        }
        if name.is_empty() && self.dirs.top_of(watch).is_none() {
            return Ok(()); // the directory above it gets the same event, with its name
        }
        if self.latest == Some(watch) && what == ReadFlags::MODIFY {
            self.pending.touch(now());
            return Ok(()); // one of many while a file is being written
        }
        let Some((root, dir)) = self.dirs.place(watch) else {
            return Ok(());
        };
        self.latest = Some(watch);
        self.pending.dirty(root, dir.clone(), now());
        if what.contains(ReadFlags::ISDIR) && !name.is_empty() {
            self.follow_dir(watch, what, root, &dir, name)?;
        }
        Ok(())
    }

    /// Keeps the watches in step with a directory that came, went, or became readable.
    fn follow_dir(
        &mut self,
        watch: Watch,
        what: ReadFlags,
        root: usize,
        dir: &Path,
        name: &[u8],
    ) -> io::Result<()> {
        if what.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE) {
            self.latest = None;
            self.dirs.detach(watch, name);
            return Ok(());
        }
        let is_new = what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
        let is_readable_now = what.contains(ReadFlags::ATTRIB) && !self.dirs.has_child(watch, name);
        if !is_new && !is_readable_now {
            return Ok(());
        }
        self.latest = None;
        let path = self.roots[root].join(dir).join(OsStr::from_bytes(name));
        self.walk(root, Top::In(watch, name), &path, true)
    }

    /// Watches everything beneath `path`. What came into a new directory before it was watched was
    /// not reported, so with `is_news` all of them count as changed.
    fn walk(&mut self, root: usize, top: Top<'_>, path: &Path, is_news: bool) -> io::Result<()> {
        let ground = Ground {
            queue: &self.queue,
            ignored_prefix: &self.settings.ignored_prefix,
            watches_max: self.settings.watches_max.unwrap_or(u64::MAX),
        };
        let walked = ground.walk(&mut self.dirs, top, path)?;
        self.coverage[root].n_left_out += walked.n_left_out;
        if matches!(top, Top::Root(_)) {
            self.coverage[root].is_there = walked.is_there;
        }
        if is_news {
            let at = now();
            for dir in walked.dirs {
                if let Ok(dir) = dir.strip_prefix(&self.roots[root]) {
                    self.pending.dirty(root, dir.to_owned(), at);
                }
            }
        }
        Ok(())
    }

    fn take_event_above(&mut self, watch: Watch, what: ReadFlags, name: &[u8]) {
        for root in self.guard.concerned(watch, name, &self.roots) {
            self.in_doubt.push((root, None));
        }
        if what.contains(ReadFlags::IGNORED) {
            self.guard.forget(watch);
        }
    }

    /// Puts the watches of roots in doubt anew, and only then says that they were lost: whatever
    /// changes from then on is seen.
    fn repair(&mut self) -> io::Result<()> {
        let mut in_doubt = std::mem::take(&mut self.in_doubt);
        in_doubt.sort_by_key(|(root, _)| *root);
        // The first reason given tells most; the others follow from it.
        in_doubt.dedup_by(|later, first| {
            let is_same = later.0 == first.0;
            if is_same && first.1.is_none() {
                first.1 = later.1.take();
            }
            is_same
        });
        for (root, cause) in in_doubt {
            // The top is noted by its watch, so one that was deleted or moved away is known by it.
            let has_overflowed = cause == Some(Cause::Overflow);
            if !has_overflowed {
                for watch in self.dirs.take_root(root) {
                    self.queue.stop(watch);
                }
            }
            let was_there = self.coverage[root].is_there;
            self.put_watches(root)?;
            let is_there = self.coverage[root].is_there;
            let cause = match cause {
                _ if !is_there => Cause::RootGone,
                Some(cause) => cause,
                None => Cause::RootReturned,
            };
            // A name that appeared above a root which is still missing is no news.
            if was_there || is_there {
                self.pending.lost(root, cause, now());
            }
        }
        Ok(())
    }

    /// Watches a root, everything in it and everything above it.
    fn put_watches(&mut self, root: usize) -> io::Result<()> {
        self.latest = None;
        let path = self.roots[root].clone();
        self.coverage[root] = Coverage {
            allowed: limit("max_user_watches"),
            ..Coverage::default()
        };
        self.walk(root, Top::Root(root), &path, false)?;
        let is_there = self.coverage[root].is_there;
        self.guard.watch(&self.queue, root, &path, !is_there);
        if !is_there {
            // It may have come back before anybody watched for it.
            self.walk(root, Top::Root(root), &path, false)?;
        }
        self.coverage[root].is_remote = mounts::is_remote(&path);
        Ok(())
    }
}
