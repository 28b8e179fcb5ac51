//! The callback of one session: reports go to the center, cancel requests come back.
//!
//! Progress comes far more often than anybody can read, so most of it stops here: the answer
//! (whether to go on) is known without asking the center. Everything else is a call that waits for
//! the center's answer.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use syncmgr_center::command::{Call, CallReply, Command};
use syncmgr_center::port::Clock;
use syncmgr_model::event::{Link, NewEvent};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{CancelRequest, Progress, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::request::{Additional, Token};
use syncmgr_model::trouble::Trouble;
use syncmgr_sdk::{ItemProgress, SessionCreator, SyncCallback, SyncItem};

use crate::calls::Calls;
use crate::facts;
use crate::in_process::lock;
use crate::parts::{Part, Parts};

/// Least milliseconds between two progress reports of one phase: 20 a second are more than
/// anybody can read.
const PROGRESS_GAP_MS: u64 = 50;

/// Most bytes of a path or text that a report carries: one less than `MAX_SYNCMGR_PROGRESSTEXT`
/// (spec 96).
const TEXT_LEN_MAX: usize = 259;

/// Puts the secrets of an item into its settings.
pub(crate) type Fill = Arc<dyn Fn(&mut Item) -> Result<(), Trouble> + Send + Sync>;

/// The line between one session and the center.
pub(crate) struct Line {
    session: SessionId,
    handler: HandlerId,
    to: Sender<Command>,
    clock: Arc<dyn Clock>,
    calls: Arc<Calls>,
    parts: Parts,
    cancelled: AtomicU8,
    hooks: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
    /// Nothing it says counts any more.
    is_closed: AtomicBool,
    fill: Fill,
}

impl Line {
    pub(crate) fn new(
        session: SessionId,
        handler: HandlerId,
        items: Vec<ItemId>,
        to: Sender<Command>,
        clock: Arc<dyn Clock>,
        calls: Arc<Calls>,
        fill: Fill,
    ) -> Self {
        Self {
            session,
            handler,
            to,
            clock,
            calls,
            parts: Parts::new(items),
            cancelled: AtomicU8::new(0),
            hooks: Mutex::default(),
            is_closed: AtomicBool::new(false),
            fill,
        }
    }

    /// Returns the line of a further session, over the same way to the center.
    fn further(&self, session: SessionId, items: &[ItemId]) -> Self {
        let (clock, calls) = (Arc::clone(&self.clock), Arc::clone(&self.calls));
        let handler = self.handler.clone();
        Self::new(
            session,
            handler,
            items.to_vec(),
            self.to.clone(),
            clock,
            calls,
            Arc::clone(&self.fill),
        )
    }

    /// Returns whose session it is.
    pub(crate) fn handler(&self) -> &HandlerId {
        &self.handler
    }

    /// Asks the session, or one item of it, to stop. A request is never taken back.
    pub(crate) fn cancel(&self, item: Option<&ItemId>) {
        match item {
            None => {
                self.cancelled
                    .fetch_max(CancelRequest::All as u8, Ordering::SeqCst);
            }
            // An item that is just being added may not be known yet.
            Some(item) => self.parts.with_any(item, |part| {
                part.cancel
                    .fetch_max(CancelRequest::Item as u8, Ordering::SeqCst);
            }),
        }
        // With several items, who is cancelled is told by the next answer.
        if item.is_none() || self.parts.only(|_| ()).is_some() {
            for hook in &*lock(&self.hooks) {
                hook();
            }
        }
    }

    /// Ends the line: nothing is passed on any more, and every answer asks to stop.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.cancel(None);
    }

    /// Opens the session for its handler, which has nothing to do in it.
    pub(crate) fn open(&self, items: Vec<ItemId>) {
        // Refused only when the session is over already.
        drop(self.call(Call::Create(self.handler.clone(), items)));
    }

    /// Ends an item about which nothing was done; why.
    pub(crate) fn fail(&self, item: &ItemId, trouble: Trouble) {
        let event = NewEvent {
            item: Some(item.clone()),
            trouble,
            link: Link::default(),
            context: None,
        };
        // Refused only when the session is over already.
        let _over = self.report_event(event);
        let _over = self.report_status(item, ProgressStatus::Failed);
    }

    fn request(&self, part: Option<&Part>) -> CancelRequest {
        let part = part.map_or(0, |part| part.cancel.load(Ordering::Relaxed));
        match self.cancelled.load(Ordering::Relaxed).max(part) {
            0 => CancelRequest::None,
            1 => CancelRequest::Item,
            _ => CancelRequest::All,
        }
    }

    fn call(&self, call: Call) -> Result<CallReply, Hresult> {
        if self.is_closed.load(Ordering::SeqCst) {
            return Err(Hresult::AccessDenied);
        }
        self.calls
            .call(&self.to, &self.session, call, &self.is_closed)
    }

    fn pass(&self, item: &ItemId, status: ProgressStatus, progress: Progress) {
        if self.is_closed.load(Ordering::SeqCst) {
            return;
        }
        let command = Command::Progress(
            self.session.clone(),
            item.clone(),
            status,
            Box::new(progress),
        );
        if self.to.send(command).is_err() {
            // The center is gone: nobody will read the result, so the work had better stop.
            self.close();
        }
    }

    /// Says whether a progress report may pass. A new phase always does.
    fn passes(&self, part: &Part, is_new: bool) -> bool {
        let now = self.clock.elapsed_ms();
        let next = part.next_ms.load(Ordering::Relaxed);
        if !is_new && now < next {
            return false;
        }
        let taken = part.next_ms.compare_exchange(
            next,
            now + PROGRESS_GAP_MS,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        taken.is_ok() || is_new
    }

    /// Passes on what was held back, before something that ends its phase.
    fn flush(&self, item: &ItemId, part: &Part) {
        let held_back = lock(&part.held_back).take();
        if let Some(progress) = held_back {
            self.pass(item, updating(&progress), progress);
        }
    }
}

fn updating(progress: &Progress) -> ProgressStatus {
    if progress.n_total.is_some() {
        ProgressStatus::Updating
    } else {
        ProgressStatus::UpdatingIndeterminate
    }
}

fn owned(progress: &ItemProgress<'_>) -> Progress {
    Progress {
        phase: progress.phase,
        n_seen_left: progress.n_seen_left,
        n_seen_right: progress.n_seen_right,
        n_done: progress.n_done,
        n_total: progress.n_total,
        bytes_done: progress.bytes_done,
        bytes_total: progress.bytes_total,
        current: None,
    }
}

impl Line {
    fn report(
        &self,
        part: &Part,
        item: &ItemId,
        status: ProgressStatus,
        progress: &ItemProgress<'_>,
    ) -> Result<CancelRequest, Hresult> {
        if status.is_terminal() || part.is_final.load(Ordering::SeqCst) {
            return self.report_final(part, item, status, progress);
        }
        let phase = progress.phase as u8;
        let is_new = part.phase.swap(phase, Ordering::Relaxed) != phase;
        if is_new {
            self.flush(item, part);
        }
        let mut whole = owned(progress);
        if status == ProgressStatus::UpdatingIndeterminate {
            // Steps mean nothing then (spec 95).
            whole.n_total = None;
            whole.bytes_total = None;
        }
        if self.passes(part, is_new) {
            *lock(&part.held_back) = None;
            whole.current = progress.current.map(harmless);
            self.pass(item, status, whole);
        } else {
            *lock(&part.held_back) = Some(whole);
        }
        Ok(self.request(Some(part)))
    }

    fn report_final(
        &self,
        part: &Part,
        item: &ItemId,
        status: ProgressStatus,
        progress: &ItemProgress<'_>,
    ) -> Result<CancelRequest, Hresult> {
        if !part.is_final.swap(true, Ordering::SeqCst) {
            self.flush(item, part);
        }
        let mut whole = owned(progress);
        whole.current = progress.current.map(harmless);
        match self.call(Call::Progress(item.clone(), status, whole))? {
            CallReply::Cancel(request) => Ok(request),
            _ => Ok(CancelRequest::None),
        }
    }
}

impl SyncCallback for Line {
    fn run_id(&self) -> &str {
        self.session.as_str()
    }

    fn report_progress(
        &self,
        item: &ItemId,
        status: ProgressStatus,
        progress: &ItemProgress<'_>,
    ) -> Result<CancelRequest, Hresult> {
        let reported = self
            .parts
            .with(item, |part| self.report(part, item, status, progress));
        reported.unwrap_or(Err(Hresult::InvalidArgument))
    }

    fn report_summary(&self, item: &ItemId, summary: &Summary) -> Result<(), Hresult> {
        self.call(Call::Summary(item.clone(), *summary)).map(drop)
    }

    fn report_preview(&self, item: &ItemId, preview: Preview) -> Result<(), Hresult> {
        self.call(Call::Preview(item.clone(), Box::new(preview)))
            .map(drop)
    }

    fn set_handler_progress_text(&self, text: &str) -> CancelRequest {
        match self.call(Call::Text(harmless(text.as_bytes()))) {
            Ok(CallReply::Cancel(request)) => request,
            Ok(_) => CancelRequest::None,
            Err(_) => CancelRequest::All,
        }
    }

    fn report_event(&self, event: NewEvent) -> Result<EventId, Hresult> {
        match self.call(Call::Event(Box::new(event)))? {
            CallReply::Event(id) => Ok(id),
            _ => Err(Hresult::Failed),
        }
    }

    fn can_continue(&self, item: Option<&ItemId>) -> Result<bool, Hresult> {
        let Some(item) = item else {
            return Ok(self.request(None) == CancelRequest::None);
        };
        if let Some(request) = self.parts.with(item, |part| self.request(Some(part))) {
            return Ok(request == CancelRequest::None);
        }
        match self.call(Call::CanContinue(Some(item.clone())))? {
            CallReply::Continue(goes_on) => Ok(goes_on),
            _ => Err(Hresult::Failed),
        }
    }

    fn query_for_additional_items(&self) -> Result<Option<Additional>, Hresult> {
        match self.call(Call::QueryAdditional)? {
            CallReply::Additional(waiting) => Ok(waiting),
            _ => Err(Hresult::Failed),
        }
    }

    fn add_item_to_session(&self, item: &ItemId) -> Result<Item, Hresult> {
        match self.call(Call::AddItem(item.clone()))? {
            CallReply::Item(mut taken) => {
                self.parts.add(item);
                if let Err(trouble) = (self.fill)(&mut taken) {
                    self.fail(item, trouble);
                    return Err(Hresult::AccessDenied);
                }
                Ok(*taken)
            }
            _ => Err(Hresult::Failed),
        }
    }

    fn add_token_to_session(&self, token: &Token) -> Result<(), Hresult> {
        self.call(Call::AddToken(token.clone())).map(drop)
    }

    fn propose_item(&self, item: Arc<dyn SyncItem>) -> Result<(), Hresult> {
        self.call(Call::Propose(Box::new(facts::item(&*item))))
            .map(drop)
    }

    fn commit_item(&self, item: &ItemId) -> Result<(), Hresult> {
        self.call(Call::Commit(item.clone())).map(drop)
    }

    fn report_manual_sync(&self) -> Result<(), Hresult> {
        self.call(Call::Manual).map(drop)
    }

    fn on_cancel(&self, stop: Box<dyn Fn() + Send + Sync>) {
        let mut hooks = lock(&self.hooks);
        // Looked at under the lock: a cancel that comes later finds the hook in the list.
        let only = self.parts.only(|part| self.request(Some(part)));
        let request = only.unwrap_or_else(|| self.request(None));
        let is_cancelled = request != CancelRequest::None;
        if is_cancelled {
            stop();
        }
        hooks.push(stop);
    }
}

/// Turns bytes from outside into short text without characters that act on a terminal or change the
/// direction of the text around them (S6).
pub(crate) fn harmless(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_LEN_MAX)])
        .chars()
        .map(|c| if acts_on_text(c) { '?' } else { c })
        .collect()
}

fn acts_on_text(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// Keeps the lines of sessions.
pub(crate) trait Lines: Send + Sync {
    /// Adds the line of a further session.
    fn add(&self, id: SessionId, line: Arc<Line>);

    /// Removes it.
    fn remove(&self, id: &SessionId);
}

/// Gives out the callbacks of one call of `synchronize`.
pub(crate) struct Creator {
    line: Arc<Line>,
    lines: Arc<dyn Lines>,
}

impl Creator {
    pub(crate) fn new(line: Arc<Line>, lines: Arc<dyn Lines>) -> Self {
        Self { line, lines }
    }

    /// Opens the line of a session beside the first one. It ends when its callback is let go.
    fn further(&self, id: SessionId, items: &[ItemId]) -> Arc<dyn SyncCallback> {
        let line = Arc::new(self.line.further(id.clone(), items));
        self.lines.add(id, Arc::clone(&line));
        // A request to stop that came before the line was known is told now.
        let reply = line.call(Call::CanContinue(None));
        if reply != Ok(CallReply::Continue(true)) {
            line.cancel(None);
        }
        Arc::new(Further {
            line,
            lines: Arc::clone(&self.lines),
        })
    }
}

impl SessionCreator for Creator {
    fn session_id(&self) -> Option<&SessionId> {
        Some(&self.line.session)
    }

    fn create_session(
        &self,
        handler: &HandlerId,
        items: &[ItemId],
    ) -> Result<Arc<dyn SyncCallback>, Hresult> {
        let call = Call::Create(handler.clone(), items.to_vec());
        let CallReply::Session(id) = self.line.call(call)? else {
            return Err(Hresult::Failed);
        };
        if id != self.line.session {
            return Ok(self.further(id, items));
        }
        items.iter().for_each(|item| self.line.parts.add(item));
        Ok(Arc::clone(&self.line) as Arc<dyn SyncCallback>)
    }
}

/// The callback of a further session: letting go of it ends the session.
struct Further {
    line: Arc<Line>,
    lines: Arc<dyn Lines>,
}

impl Drop for Further {
    fn drop(&mut self) {
        self.lines.remove(&self.line.session);
        self.line.end();
    }
}

impl Line {
    /// Says that the session is over: no report follows.
    fn end(&self) {
        self.close();
        drop(
            self.to
                .send(Command::Returned(self.session.clone(), Ok(()))),
        );
    }
}

impl SyncCallback for Further {
    fn run_id(&self) -> &str {
        self.line.run_id()
    }

    fn report_progress(
        &self,
        item: &ItemId,
        status: ProgressStatus,
        progress: &ItemProgress<'_>,
    ) -> Result<CancelRequest, Hresult> {
        self.line.report_progress(item, status, progress)
    }

    fn report_summary(&self, item: &ItemId, summary: &Summary) -> Result<(), Hresult> {
        self.line.report_summary(item, summary)
    }

    fn report_preview(&self, item: &ItemId, preview: Preview) -> Result<(), Hresult> {
        self.line.report_preview(item, preview)
    }

    fn set_handler_progress_text(&self, text: &str) -> CancelRequest {
        self.line.set_handler_progress_text(text)
    }

    fn report_event(&self, event: NewEvent) -> Result<EventId, Hresult> {
        self.line.report_event(event)
    }

    fn can_continue(&self, item: Option<&ItemId>) -> Result<bool, Hresult> {
        self.line.can_continue(item)
    }

    fn query_for_additional_items(&self) -> Result<Option<Additional>, Hresult> {
        self.line.query_for_additional_items()
    }

    fn add_item_to_session(&self, item: &ItemId) -> Result<Item, Hresult> {
        self.line.add_item_to_session(item)
    }

    fn add_token_to_session(&self, token: &Token) -> Result<(), Hresult> {
        self.line.add_token_to_session(token)
    }

    fn propose_item(&self, item: Arc<dyn SyncItem>) -> Result<(), Hresult> {
        self.line.propose_item(item)
    }

    fn commit_item(&self, item: &ItemId) -> Result<(), Hresult> {
        self.line.commit_item(item)
    }

    fn report_manual_sync(&self) -> Result<(), Hresult> {
        self.line.report_manual_sync()
    }

    fn on_cancel(&self, stop: Box<dyn Fn() + Send + Sync>) {
        self.line.on_cancel(stop);
    }
}
