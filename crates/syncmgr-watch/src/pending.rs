//! What has been noticed and not been reported yet. Pure: the time is handed in.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::change::{Cause, Change};
use crate::settings::Settings;

/// What is known of one root since its last report.
#[derive(Debug, Default)]
struct News {
    dirs: BTreeSet<PathBuf>,
    lost: Option<Cause>,
}

/// What has been noticed and not been reported yet.
#[derive(Debug)]
pub(crate) struct Pending {
    roots: Vec<News>,
    dirs_max: usize,
    quiet: Duration,
    patience: Duration,
    /// When the oldest and the latest piece of news came, on the caller's monotonic clock.
    since: Option<(Duration, Duration)>,
}

impl Pending {
    pub(crate) fn new(n_roots: usize, settings: &Settings) -> Self {
        Self {
            roots: (0..n_roots).map(|_| News::default()).collect(),
            dirs_max: settings.dirs_max,
            quiet: settings.quiet,
            patience: settings.patience,
            since: None,
        }
    }

    /// Notes that something already noted goes on, so that the report waits for its end.
    pub(crate) fn touch(&mut self, now: Duration) {
        let first = self.since.map_or(now, |(first, _)| first);
        self.since = Some((first, now));
    }

    /// Notes that something changed directly in `dir`.
    pub(crate) fn dirty(&mut self, root: usize, dir: PathBuf, now: Duration) {
        self.touch(now);
        let news = &mut self.roots[root];
        if news.lost.is_some() {
            return;
        }
        news.dirs.insert(dir);
        if news.dirs.len() > self.dirs_max {
            news.dirs = BTreeSet::new();
            news.lost = Some(Cause::TooMany);
        }
    }

    /// Notes that nothing is known about a root; the latest cause counts.
    pub(crate) fn lost(&mut self, root: usize, cause: Cause, now: Duration) {
        self.touch(now);
        self.roots[root].dirs = BTreeSet::new();
        self.roots[root].lost = Some(cause);
    }

    /// Returns how long to wait for more before reporting; `None` when there is nothing to report,
    /// zero when it is time.
    pub(crate) fn wait(&self, now: Duration) -> Option<Duration> {
        let (first, last) = self.since?;
        let due = (last + self.quiet).min(first + self.patience);
        Some(due.saturating_sub(now))
    }

    /// Takes the reports, in the order of the roots.
    pub(crate) fn take(&mut self) -> Vec<Change> {
        self.since = None;
        let mut changes = Vec::new();
        for (root, news) in self.roots.iter_mut().enumerate() {
            let news = std::mem::take(news);
            if let Some(cause) = news.lost {
                changes.push(Change::Lost { root, cause });
            } else if !news.dirs.is_empty() {
                let dirs = news.dirs;
                changes.push(Change::Dirty { root, dirs });
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn pending() -> Pending {
        let settings = Settings {
            dirs_max: 2,
            ..Settings::default()
        };
        Pending::new(2, &settings)
    }

    #[test]
    fn nothing_to_report_means_nothing_to_wait_for() {
        let mut p = pending();
        assert_eq!(p.wait(5 * MS), None);
        assert_eq!(p.take(), []);
    }

    #[test]
    fn a_report_comes_after_a_quiet_time_or_when_patience_ends() {
        let mut p = pending();
        p.dirty(0, "a".into(), Duration::ZERO);
        assert_eq!(p.wait(Duration::ZERO), Some(40 * MS));
        p.dirty(0, "a".into(), 30 * MS);
        assert_eq!(p.wait(30 * MS), Some(40 * MS));
        for at in 2..40 {
            p.dirty(0, "a".into(), at * 30 * MS);
        }
        assert_eq!(p.wait(1170 * MS), Some(Duration::ZERO));
    }

    #[test]
    fn many_directories_and_a_lost_root_take_no_memory() {
        let mut p = pending();
        for name in ["a", "b", "c", "d"] {
            p.dirty(1, name.into(), Duration::ZERO);
        }
        p.dirty(0, "x".into(), Duration::ZERO);
        let dirs = BTreeSet::from([PathBuf::from("x")]);
        let cause = Cause::TooMany;
        let expected = [
            Change::Dirty { root: 0, dirs },
            Change::Lost { root: 1, cause },
        ];
        assert_eq!(p.take(), expected);
        assert_eq!(p.wait(Duration::ZERO), None);
    }
}
