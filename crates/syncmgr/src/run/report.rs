//! Reports a run while it goes on: to the daemon, or into a file when none listens. On a thread of
//! its own, so that no slow disk or daemon keeps the command waiting.
//!
//! ```text
//!  daemon answers ──► live ──(it goes away, or refuses)──┐
//!  none runs ────────────────────────────────────────────┴─► file ──(disk full)──► nothing
//! ```
//! In the file the run is told from its beginning; what the daemon has of it already is put together
//! with that when the file is taken in.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use syncmgr_api::Client;
use syncmgr_api::wire::outside::{
    OutsideAlive, OutsideEnd, OutsideEvent, OutsideNew, OutsideProgress,
};
use syncmgr_center::port::Clock;
use syncmgr_model::id::SessionId;
use syncmgr_model::outside::{ReportedEnd, Subject};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;
use syncmgr_store::spool::{Spool, Writer};

use crate::app::reach;
use crate::dirs::Dirs;

/// How long the daemon has for an answer: a command must not wait long for one that hangs.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How often progress is reported at most: what the page shows.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// How often the file says that the run goes on.
const ALIVE_EVERY: Duration = Duration::from_secs(30);

/// How long one wait for a wish to stop takes; also how often the daemon hears that we live.
const WISH_MS: u64 = 20_000;

/// How long the answer to that may take.
const WISH_WITHIN: Duration = Duration::from_secs(40);

/// What a report is made with.
pub(super) struct Parts {
    pub(super) dirs: Dirs,
    pub(super) session: SessionId,
    pub(super) subject: Subject,
    pub(super) began: Timestamp,
    pub(super) clock: Arc<dyn Clock>,
    /// Asks the command to stop.
    pub(super) stop: Arc<dyn Fn() + Send + Sync>,
}

/// What is reported.
enum Note {
    Progress(OutsideProgress),
    Event(Timestamp, Trouble),
    End(ReportedEnd),
    /// The daemon does not know of the run any more.
    Lost,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kept {
    /// The daemon has all of it.
    Told,
    /// It lies in a file.
    InFile,
    /// It could not be kept, and why.
    Nowhere(String),
}

/// The way to the thread that reports.
#[derive(Debug)]
pub(super) struct Reporter {
    to: Sender<Note>,
    begun: Receiver<()>,
    kept: Receiver<Kept>,
}

/// Reports on the run from any thread.
#[derive(Clone)]
pub(super) struct Teller(Sender<Note>);

impl Teller {
    /// Reports where it stands.
    pub(super) fn progress(&self, progress: OutsideProgress) {
        drop(self.0.send(Note::Progress(progress)));
    }
}

impl Reporter {
    /// Begins to report. Without a thread nothing is reported.
    pub(super) fn start(parts: Parts) -> Self {
        let (to, notes) = channel();
        let (has_begun, begun) = channel();
        let (is_kept, kept) = channel();
        let back = to.clone();
        let work = move || {
            let line = Line::begin(&parts, &back);
            has_begun.send(()).unwrap_or(());
            drop(is_kept.send(line.work(&parts, &notes)));
        };
        drop(
            std::thread::Builder::new()
                .name("report".to_owned())
                .spawn(work),
        );
        Self { to, begun, kept }
    }

    /// Waits until it is written down that the run begins, at most so long.
    pub(super) fn wait_begun(&self, limit: Duration) {
        self.begun.recv_timeout(limit).unwrap_or(());
    }

    /// Returns what reports from other threads.
    pub(super) fn teller(&self) -> Teller {
        Teller(self.to.clone())
    }

    /// Adds a result.
    pub(super) fn event(&self, at: Timestamp, trouble: Trouble) {
        drop(self.to.send(Note::Event(at, trouble)));
    }

    /// Reports the end, and waits until that is kept, at most so long.
    pub(super) fn end(self, end: ReportedEnd, limit: Duration) -> Kept {
        drop(self.to.send(Note::End(end)));
        let kept = self.kept.recv_timeout(limit);
        kept.unwrap_or_else(|_| Kept::Nowhere("it takes too long".to_owned()))
    }
}

/// Where reports go.
enum Line {
    Live(Box<Client>),
    File(Writer),
    Nowhere(String),
}

impl Line {
    fn begin(parts: &Parts, back: &Sender<Note>) -> Self {
        match Self::live(parts, back) {
            Some(client) => Self::Live(Box::new(client)),
            None => Self::file(parts, &[]),
        }
    }

    fn live(parts: &Parts, back: &Sender<Note>) -> Option<Client> {
        let mut client = reach(&parts.dirs).ok()??;
        client.answer_within(ANSWER_WITHIN);
        let new = OutsideNew {
            subject: (&parts.subject).into(),
            run: Some(parts.session.to_string()),
        };
        client.outside_begin(&new).ok()?;
        Some(client).inspect(|_| watch(parts, back))
    }

    /// Tells the run from its beginning into a file.
    fn file(parts: &Parts, told: &[(Timestamp, Trouble)]) -> Self {
        let spool = Spool::new(&parts.dirs.state);
        let begun = spool.begin(&parts.session, &parts.subject, parts.began);
        let all = begun.and_then(|mut writer| {
            for (at, trouble) in told {
                writer.event(*at, trouble)?;
            }
            Ok(writer)
        });
        match all {
            Ok(writer) => Self::File(writer),
            Err(error) => {
                let words = error.to_string();
                Self::Nowhere(syncmgr_model::format::without_os_numbers(&words))
            }
        }
    }

    fn work(mut self, parts: &Parts, notes: &Receiver<Note>) -> Kept {
        let mut told = Vec::new();
        let mut progress = None;
        let mut last_progress_ms = 0;
        loop {
            let patience = match progress {
                Some(_) => PROGRESS_EVERY,
                None => ALIVE_EVERY,
            };
            match notes.recv_timeout(patience) {
                Ok(Note::Progress(now)) => progress = Some(now),
                Ok(Note::Event(at, trouble)) => {
                    self = self.event(parts, at, &trouble, &told);
                    told.push((at, trouble));
                }
                Ok(Note::Lost) => {
                    if let Self::Live(_) = self {
                        self = Self::file(parts, &told);
                    }
                }
                Ok(Note::End(end)) => return self.end(parts, &end, &told),
                Err(RecvTimeoutError::Timeout) => self.alive(parts),
                Err(RecvTimeoutError::Disconnected) => return self.left(),
            }
            let now_ms = parts.clock.elapsed_ms();
            let is_time = now_ms.saturating_sub(last_progress_ms)
                >= u64::try_from(PROGRESS_EVERY.as_millis()).unwrap_or(0);
            if is_time && let Some(now) = progress.take() {
                last_progress_ms = now_ms;
                self = self.progress(parts, &now, &told);
            }
        }
    }

    fn progress(
        mut self,
        parts: &Parts,
        progress: &OutsideProgress,
        told: &[(Timestamp, Trouble)],
    ) -> Self {
        if let Self::Live(client) = &mut self {
            let run = parts.session.as_str();
            if client.outside_progress(run, progress).is_err() {
                return Self::file(parts, told);
            }
        }
        self
    }

    fn event(
        self,
        parts: &Parts,
        at: Timestamp,
        trouble: &Trouble,
        told: &[(Timestamp, Trouble)],
    ) -> Self {
        let line = match self {
            Self::Live(mut client) => {
                let event = OutsideEvent::of(trouble, None);
                if client.outside_event(parts.session.as_str(), &event).is_ok() {
                    return Self::Live(client);
                }
                Self::file(parts, told)
            }
            other => other,
        };
        match line {
            Self::File(mut writer) => match writer.event(at, trouble) {
                Ok(()) => Self::File(writer),
                Err(error) => Self::Nowhere(error.to_string()),
            },
            other => other,
        }
    }

    fn alive(&self, parts: &Parts) {
        match self {
            // When it cannot be said, only the time of a kill is told less exactly.
            Self::File(writer) => drop(writer.alive(parts.clock.now())),
            Self::Live(_) | Self::Nowhere(_) => {}
        }
    }

    fn end(self, parts: &Parts, end: &ReportedEnd, told: &[(Timestamp, Trouble)]) -> Kept {
        let line = match self {
            Self::Live(mut client) => {
                let run = parts.session.as_str();
                if client.outside_end(run, &OutsideEnd::from(end)).is_ok() {
                    return Kept::Told;
                }
                Self::file(parts, told)
            }
            other => other,
        };
        match line {
            Self::File(writer) => match writer.end(end) {
                Ok(()) => Kept::InFile,
                Err(error) => Kept::Nowhere(error.to_string()),
            },
            Self::Nowhere(why) => Kept::Nowhere(why),
            Self::Live(_) => Kept::Told,
        }
    }

    fn left(self) -> Kept {
        match self {
            Self::Live(_) | Self::File(_) => Kept::Nowhere("it was left".to_owned()),
            Self::Nowhere(why) => Kept::Nowhere(why),
        }
    }
}

/// Says to the daemon that we live, and hears whether somebody wants the command to stop.
fn watch(parts: &Parts, back: &Sender<Note>) {
    let (dirs, run, back) = (parts.dirs.clone(), parts.session.to_string(), back.clone());
    let stop = Arc::clone(&parts.stop);
    let work = move || {
        let Ok(Some(mut client)) = reach(&dirs) else {
            drop(back.send(Note::Lost));
            return;
        };
        client.answer_within(WISH_WITHIN);
        let wait = OutsideAlive { wait_ms: WISH_MS };
        loop {
            match client.outside_alive(&run, &wait) {
                Ok(wish) if wish.stop => {
                    stop();
                    return keep_alive(&mut client, &run);
                }
                Ok(_) => {}
                Err(_) => {
                    drop(back.send(Note::Lost));
                    return;
                }
            }
        }
    };
    drop(
        std::thread::Builder::new()
            .name("wishes".to_owned())
            .spawn(work),
    );
}

/// A command may take its time to stop.
fn keep_alive(client: &mut Client, run: &str) {
    while client.outside_alive(run, &OutsideAlive::default()).is_ok() {
        crate::clock::rest(Duration::from_millis(WISH_MS));
    }
}
