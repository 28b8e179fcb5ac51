//! The callback of a session: reports go out, cancel requests come in.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use syncmgr_model::event::NewEvent;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId};
use syncmgr_model::item::{Item, SettingSpec};
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{CancelRequest, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::request::{Additional, Token};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_protocol::path::PathText;
use syncmgr_protocol::{event, method, preview, report, session, trouble};

use super::ask::Asker;
use super::{lock, shown};
use crate::{ItemProgress, SyncCallback, SyncItem};

/// Most bytes of `current` that go out; 259 characters are shown.
const CURRENT_MAX: usize = 1_100;

/// What is known of an item of the session.
#[derive(Debug)]
struct Part {
    name: Arc<str>,
    is_final: AtomicBool,
    is_cancelled: AtomicBool,
}

/// A session.
pub(super) struct Remote {
    id: Arc<str>,
    handler: HandlerId,
    specs: &'static [SettingSpec],
    asker: Arc<Asker>,
    parts: RwLock<HashMap<ItemId, Part>>,
    is_cancelled: AtomicBool,
    hooks: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
}

impl Remote {
    pub(super) fn new(
        id: &str,
        items: &[ItemId],
        (handler, specs): (&HandlerId, &'static [SettingSpec]),
        asker: &Arc<Asker>,
    ) -> Self {
        let parts = items.iter().map(|item| (item.clone(), Part::new(item)));
        Self {
            id: id.into(),
            handler: handler.clone(),
            specs,
            asker: Arc::clone(asker),
            parts: RwLock::new(parts.collect()),
            is_cancelled: AtomicBool::new(false),
            hooks: Mutex::default(),
        }
    }

    /// Asks the session, or one item of it, to stop. With several items, who is cancelled is told
    /// by the next answer.
    pub(super) fn cancel(&self, item: Option<&ItemId>) {
        let is_all = match item {
            None => {
                self.is_cancelled.store(true, Ordering::SeqCst);
                true
            }
            Some(item) => {
                let parts = self.read();
                let part = parts.get(item);
                if let Some(part) = part {
                    part.is_cancelled.store(true, Ordering::SeqCst);
                }
                part.is_some() && parts.len() == 1
            }
        };
        if is_all {
            for hook in &*lock(&self.hooks) {
                hook();
            }
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<ItemId, Part>> {
        let read = self.parts.read();
        read.unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn request(&self, part: Option<&Part>) -> CancelRequest {
        if self.is_cancelled.load(Ordering::Relaxed) || self.asker.outbox.is_broken() {
            CancelRequest::All
        } else if part.is_some_and(|part| part.is_cancelled.load(Ordering::Relaxed)) {
            CancelRequest::Item
        } else {
            CancelRequest::None
        }
    }

    fn session(&self) -> session::SessionRef {
        session::SessionRef {
            session_id: self.id.to_string(),
        }
    }

    fn of_item(&self, item: &ItemId) -> session::SessionItem {
        session::SessionItem {
            session_id: self.id.to_string(),
            item: item.to_string(),
        }
    }

    fn tell<M: syncmgr_protocol::Method>(&self, params: &M::Params) -> Result<(), Hresult> {
        let told = self.asker.tell::<M>(params);
        told.map_err(|error| error.hresult())
    }

    fn ask<M: syncmgr_protocol::Method>(&self, params: &M::Params) -> Result<M::Result, Hresult> {
        let answer = self.asker.ask::<M>(params);
        answer.map_err(|error| error.hresult())
    }

    fn knows(&self, item: &ItemId) -> Result<(), Hresult> {
        let knows = self.read().contains_key(item);
        knows.then_some(()).ok_or(Hresult::InvalidArgument)
    }
}

impl Part {
    fn new(item: &ItemId) -> Self {
        Self {
            name: item.as_str().into(),
            is_final: AtomicBool::new(false),
            is_cancelled: AtomicBool::new(false),
        }
    }
}

impl SyncCallback for Remote {
    fn run_id(&self) -> &str {
        &self.id
    }

    fn report_progress(
        &self,
        item: &ItemId,
        status: ProgressStatus,
        progress: &ItemProgress<'_>,
    ) -> Result<CancelRequest, Hresult> {
        let parts = self.read();
        let part = parts.get(item).ok_or(Hresult::InvalidArgument)?;
        let key = (Arc::clone(&self.id), Arc::clone(&part.name));
        let was_final = if status.is_terminal() {
            part.is_final.swap(true, Ordering::SeqCst)
        } else {
            part.is_final.load(Ordering::SeqCst)
        };
        let line = self.line(item, status, progress);
        if !status.is_terminal() && !was_final {
            self.asker.outbox.progress(key, line);
            return Ok(self.request(Some(part)));
        }
        self.asker.outbox.forget(&key);
        // Also what breaks the rule of final statuses goes out: the host makes the item failed.
        self.tell::<method::SessionProgress>(&line)?;
        if was_final && status != ProgressStatus::Failed {
            return Err(Hresult::AccessDenied);
        }
        Ok(self.request(Some(part)))
    }

    fn report_summary(&self, item: &ItemId, summary: &Summary) -> Result<(), Hresult> {
        self.knows(item)?;
        self.tell::<method::SessionSummary>(&report::SummaryReport {
            session_id: self.id.to_string(),
            item: item.to_string(),
            summary: summary.into(),
        })
    }

    fn report_preview(&self, item: &ItemId, preview: Preview) -> Result<(), Hresult> {
        self.knows(item)?;
        let mut report = report::PreviewReport {
            session_id: self.id.to_string(),
            item: item.to_string(),
            preview: preview::Preview::of(&preview),
        };
        let n_all = report.preview.changes.len();
        loop {
            // A preview that does not fit into a message is shown as far as it does.
            match self.asker.outbox.call(None, "session/preview", &report) {
                Ok(()) => return Ok(()),
                Err(syncmgr_protocol::FrameError::TooLong) if report.preview.changes.len() > 1 => {
                    let n = report.preview.changes.len() / 2;
                    report.preview.changes.truncate(n);
                    report.preview.troubles.truncate(TROUBLES_KEPT);
                    report.preview.troubles.push(cut_short(n, n_all));
                }
                Err(_) => return Err(Hresult::Failed),
            }
        }
    }

    fn set_handler_progress_text(&self, text: &str) -> CancelRequest {
        let text = report::Text {
            session_id: self.id.to_string(),
            text: text.chars().take(CURRENT_MAX / 4).collect(),
        };
        match self.tell::<method::SessionText>(&text) {
            Ok(()) => self.request(None),
            Err(_) => CancelRequest::All,
        }
    }

    fn report_event(&self, event: NewEvent) -> Result<EventId, Hresult> {
        let event = report::Event {
            session_id: self.id.to_string(),
            item: event.item.as_ref().map(ToString::to_string),
            trouble: trouble::Trouble::of(&event.trouble),
            link: event::Link::of(&event.link),
            context: event.context,
        };
        let answer = self.ask::<method::SessionEvent>(&event)?;
        Ok(EventId(answer.event_id))
    }

    fn can_continue(&self, item: Option<&ItemId>) -> Result<bool, Hresult> {
        let Some(item) = item else {
            return Ok(self.request(None) == CancelRequest::None);
        };
        if let Some(part) = self.read().get(item) {
            return Ok(self.request(Some(part)) == CancelRequest::None);
        }
        let asked = session::CanContinue {
            session_id: self.id.to_string(),
            item: Some(item.to_string()),
        };
        let answer = self.ask::<method::SessionCanContinue>(&asked)?;
        Ok(answer.go_on)
    }

    fn query_for_additional_items(&self) -> Result<Option<Additional>, Hresult> {
        let answer = self.ask::<method::SessionAdditionalItems>(&self.session())?;
        answer.to_model().map_err(|_| Hresult::Failed)
    }

    fn add_item_to_session(&self, item: &ItemId) -> Result<Item, Hresult> {
        let taken = self.ask::<method::SessionAddItem>(&self.of_item(item))?;
        let taken = taken.to_model(&self.handler, self.specs);
        let taken = taken.map_err(|_| Hresult::Failed)?;
        let mut parts = self
            .parts
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        parts.insert(taken.id.clone(), Part::new(&taken.id));
        Ok(taken)
    }

    fn add_token_to_session(&self, token: &Token) -> Result<(), Hresult> {
        let token = session::AddToken {
            session_id: self.id.to_string(),
            token: token.0.to_string(),
        };
        self.ask::<method::SessionAddToken>(&token).map(drop)
    }

    fn propose_item(&self, item: Arc<dyn SyncItem>) -> Result<(), Hresult> {
        let proposal = session::Propose {
            session_id: self.id.to_string(),
            item: shown::item(&*item)?,
        };
        self.ask::<method::ItemPropose>(&proposal).map(drop)
    }

    fn commit_item(&self, item: &ItemId) -> Result<(), Hresult> {
        self.ask::<method::ItemCommit>(&self.of_item(item))
            .map(drop)
    }

    fn report_manual_sync(&self) -> Result<(), Hresult> {
        self.ask::<method::SessionManual>(&self.session()).map(drop)
    }

    fn on_cancel(&self, stop: Box<dyn Fn() + Send + Sync>) {
        let mut hooks = lock(&self.hooks);
        // Looked at under the lock: a cancel that comes later finds the hook in the list.
        let parts = self.read();
        let only = parts.values().next().filter(|_| parts.len() == 1);
        if self.request(only) != CancelRequest::None {
            stop();
        }
        drop(parts);
        hooks.push(stop);
    }
}

impl Remote {
    fn line(
        &self,
        item: &ItemId,
        status: ProgressStatus,
        progress: &ItemProgress<'_>,
    ) -> report::Progress {
        let current = progress.current.map(|bytes| {
            let end = bytes.len().min(CURRENT_MAX);
            PathText::of(bytes.get(..end).unwrap_or_default())
        });
        report::Progress {
            session_id: self.id.to_string(),
            item: item.to_string(),
            status: status.into(),
            phase: Some(progress.phase.into()),
            n_done: progress.n_done,
            n_total: progress.n_total,
            bytes_done: progress.bytes_done,
            bytes_total: progress.bytes_total,
            n_seen_left: progress.n_seen_left,
            n_seen_right: progress.n_seen_right,
            current,
        }
    }
}

/// Most troubles of a preview that is cut short.
const TROUBLES_KEPT: usize = 100;

fn cut_short(n: usize, n_all: usize) -> trouble::Trouble {
    let words = format!("Only {n} of {n_all} changes are shown");
    let trouble = Trouble::new(Code::HandlerSays)
        .with("name", words)
        .with("description", "A sync carries all of them out.")
        .at_level(syncmgr_model::event::EventLevel::Information);
    trouble::Trouble::of(&trouble)
}

/// Reads a file that a person's choice is in.
///
/// # Errors
/// A [`Trouble`] when it cannot be read, or is larger than [`CHOSEN_MAX`].
pub(super) fn chosen(path: &Path) -> Result<Vec<u8>, Trouble> {
    let unusable = |detail: String| Trouble::new(Code::NotPossible).with("detail", detail);
    let size = std::fs::metadata(path)
        .map_err(|error| unusable(format!("the chosen content cannot be read: {error}")))?
        .len();
    if size > CHOSEN_MAX {
        return Err(unusable(
            "the chosen content is larger than 256 MiB".to_owned(),
        ));
    }
    std::fs::read(path)
        .map_err(|error| unusable(format!("the chosen content cannot be read: {error}")))
}

/// Most bytes of a content that a person put in the place of all: it is in memory as a whole.
const CHOSEN_MAX: u64 = 256 * 1024 * 1024;
