//! The callback of one session: reports go to the center, cancel requests come back.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use syncmgr_center::command::{Command, Report};
use syncmgr_center::port::Clock;
use syncmgr_model::id::SessionId;
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{CancelRequest, Progress, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{ItemProgress, SessionCreator, SyncCallback};

use crate::in_process::lock;

/// Least milliseconds between two progress reports of one phase: 20 a second are more than
/// anybody can read.
const PROGRESS_GAP_MS: u64 = 50;

/// Most bytes of a path or text that a report carries.
const TEXT_LEN_MAX: usize = 260;

/// The line between one session and the center.
pub(crate) struct Line {
    session: SessionId,
    to: Sender<Command>,
    clock: Arc<dyn Clock>,
    cancelled: AtomicU8,
    hooks: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
    /// When the next progress report may pass, and the phase of the last one.
    next_ms: AtomicU64,
    phase: AtomicU8,
    /// The last report that did not pass: the final counts of a phase must not get lost.
    held_back: Mutex<Option<Progress>>,
    is_broken: AtomicBool,
}

impl Line {
    pub(crate) fn new(session: SessionId, to: Sender<Command>, clock: Arc<dyn Clock>) -> Self {
        Self {
            session,
            to,
            clock,
            cancelled: AtomicU8::new(0),
            hooks: Mutex::default(),
            next_ms: AtomicU64::new(0),
            phase: AtomicU8::new(u8::MAX),
            held_back: Mutex::default(),
            is_broken: AtomicBool::new(false),
        }
    }

    /// Asks the session to stop. A request is never taken back.
    pub(crate) fn cancel(&self, scope: CancelRequest) {
        self.cancelled.fetch_max(scope as u8, Ordering::SeqCst);
        for hook in &*lock(&self.hooks) {
            hook();
        }
    }

    fn request(&self) -> CancelRequest {
        match self.cancelled.load(Ordering::Relaxed) {
            0 if self.is_broken.load(Ordering::Relaxed) => CancelRequest::All,
            0 => CancelRequest::None,
            1 => CancelRequest::Item,
            _ => CancelRequest::All,
        }
    }

    fn send(&self, report: Report) {
        let command = Command::Report(self.session.clone(), report);
        if self.to.send(command).is_err() {
            // The center is gone: nobody will read the result, so the work had better stop.
            self.is_broken.store(true, Ordering::Relaxed);
        }
    }

    /// Says whether a progress report may pass. A new phase always does.
    fn passes(&self, is_new: bool) -> bool {
        let now = self.clock.elapsed_ms();
        let next = self.next_ms.load(Ordering::Relaxed);
        if !is_new && now < next {
            return false;
        }
        let taken = self.next_ms.compare_exchange(
            next,
            now + PROGRESS_GAP_MS,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        taken.is_ok() || is_new
    }

    /// Passes on what was held back, before something that ends its phase.
    fn flush(&self) {
        let held_back = lock(&self.held_back).take();
        if let Some(progress) = held_back {
            self.send(Report::Progress(progress));
        }
    }
}

fn owned(progress: &ItemProgress<'_>, current: Option<String>) -> Progress {
    Progress {
        phase: progress.phase,
        n_seen_left: progress.n_seen_left,
        n_seen_right: progress.n_seen_right,
        n_done: progress.n_done,
        n_total: progress.n_total,
        bytes_done: progress.bytes_done,
        bytes_total: progress.bytes_total,
        current,
    }
}

impl SyncCallback for Line {
    fn run_id(&self) -> &str {
        self.session.as_str()
    }

    fn report_progress(&self, progress: &ItemProgress<'_>) -> CancelRequest {
        let phase = progress.phase as u8;
        let is_new = self.phase.swap(phase, Ordering::Relaxed) != phase;
        if is_new {
            self.flush();
        }
        if self.passes(is_new) {
            *lock(&self.held_back) = None;
            self.send(Report::Progress(owned(
                progress,
                progress.current.map(harmless),
            )));
        } else {
            *lock(&self.held_back) = Some(owned(progress, None));
        }
        self.request()
    }

    fn report_status(&self, status: ProgressStatus) {
        self.flush();
        self.send(Report::Status(status));
    }

    fn report_summary(&self, summary: &Summary) {
        self.send(Report::Summary(*summary));
    }

    fn report_preview(&self, preview: Preview) {
        self.send(Report::Preview(Box::new(preview)));
    }

    fn set_handler_progress_text(&self, text: &str) -> CancelRequest {
        self.send(Report::Text(harmless(text.as_bytes())));
        self.request()
    }

    fn report_event(&self, trouble: Trouble) {
        self.send(Report::Event(trouble));
    }

    fn can_continue(&self) -> bool {
        self.request() == CancelRequest::None
    }

    fn on_cancel(&self, stop: Box<dyn Fn() + Send + Sync>) {
        let mut hooks = lock(&self.hooks);
        // Looked at under the lock: a cancel that comes later finds the hook in the list.
        if self.request() != CancelRequest::None {
            stop();
        }
        hooks.push(stop);
    }
}

/// Turns bytes from outside into short text without characters that act on a terminal or change the
/// direction of the text around them (S6).
fn harmless(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_LEN_MAX)])
        .chars()
        .map(|c| if acts_on_text(c) { '?' } else { c })
        .collect()
}

fn acts_on_text(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// Gives out the one callback of a call of `synchronize`.
pub(crate) struct Creator {
    line: Arc<Line>,
    is_used: AtomicBool,
}

impl Creator {
    pub(crate) fn new(line: Arc<Line>) -> Self {
        Self {
            line,
            is_used: AtomicBool::new(false),
        }
    }
}

impl SessionCreator for Creator {
    fn create_session(&self) -> Result<Arc<dyn SyncCallback>, Trouble> {
        if self.is_used.swap(true, Ordering::SeqCst) {
            return Err(Trouble::new(Code::ProtocolFault)
                .with("handler", "of this sync")
                .with("detail", "it created a second session"));
        }
        Ok(Arc::clone(&self.line) as Arc<dyn SyncCallback>)
    }
}
