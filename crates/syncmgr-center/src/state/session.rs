//! What a session may say and ask while it runs (`ISyncMgrSyncCallback`).

use syncmgr_model::event::{Event, Link, NewEvent};
use syncmgr_model::facts::ItemFacts;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{ItemId, SessionId};
use syncmgr_model::progress::{CancelRequest, Progress, ProgressStatus};
use syncmgr_model::request::{Intent, Origin};
use syncmgr_model::trouble::{Code, Trouble};

use super::run::Stage;
use super::{DONE, State, Turn, key};
use crate::command::{Call, CallReply, Save, Update};

/// Most characters of a text that is shown with progress.
const TEXT_LEN_MAX: usize = 259;

impl State {
    /// Takes a call of a session. One that was given up is not listened to any more.
    pub(super) fn called(
        &mut self,
        id: &SessionId,
        call: Call,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        let run = self.runs.get_mut(id).ok_or(Hresult::Unexpected)?;
        match run.stage {
            Stage::Told | Stage::Open => run.heard = turn.now,
            Stage::Queued | Stage::Absorbed | Stage::Signalled | Stage::Abandoned => {
                return Err(Hresult::AccessDenied);
            }
        }
        match call {
            Call::Create(handler, items) => self.create(id, &handler, items, turn),
            Call::Progress(item, status, progress) => {
                self.progress(id, &item, status, progress, turn)
            }
            Call::Summary(item, summary) => {
                let part = run.parts.get_mut(&item).ok_or(Hresult::InvalidArgument)?;
                part.summary = summary;
                part.is_summed = true;
                Ok(DONE)
            }
            Call::Preview(item, preview) => {
                let part = run.parts.get_mut(&item).ok_or(Hresult::InvalidArgument)?;
                part.preview = Some(*preview);
                Ok(DONE)
            }
            Call::Text(text) => {
                let text = cut(text);
                let request = run.cancel;
                if let Some(handler) = self.handlers.get_mut(&run.handler) {
                    handler.text = Some(text.clone());
                }
                turn.notify(Update::Text(id.clone(), text));
                Ok(CallReply::Cancel(request))
            }
            Call::Event(event) => self.report(id, *event, turn),
            Call::CanContinue(item) => self.can_continue(id, item),
            Call::QueryAdditional => Ok(CallReply::Additional(self.additional(id))),
            Call::AddItem(item) => self.add_item(id, &item, turn),
            Call::AddToken(token) => self.add_token(id, &token, turn),
            Call::Propose(facts) => self.propose(id, *facts),
            Call::Commit(item) => self.commit(id, &item, turn),
            Call::Manual => {
                run.origin = Origin::Manual;
                Ok(DONE)
            }
        }
    }

    fn progress(
        &mut self,
        id: &SessionId,
        item: &ItemId,
        status: ProgressStatus,
        progress: Progress,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        let request = self.cancel_of(id, item);
        let run = self.runs.get_mut(id).ok_or(Hresult::Unexpected)?;
        let part = run.parts.get_mut(item).ok_or(Hresult::InvalidArgument)?;
        let key = key(&run.handler, item);
        if !part.is_open() && status != ProgressStatus::Failed {
            return self.break_rule(id, item, status, turn);
        }
        part.status = Some(status);
        if status.is_terminal() {
            // One that ends disconnected shows so until its next session; it is not barred from
            // one, because nobody would tell when the other side is back.
            turn.touch(&key);
        } else {
            let progress = shown(progress, status);
            let after_ms = turn.now.0.saturating_sub(run.started.0);
            part.enter(progress.phase, u64::try_from(after_ms).unwrap_or(0));
            part.progress = progress.clone();
            turn.notify(Update::Moved(id.clone(), item.clone(), Box::new(progress)));
        }
        Ok(CallReply::Cancel(request))
    }

    /// Whoever reports after a final status has not done what it said: the item failed (spec 98).
    fn break_rule(
        &mut self,
        id: &SessionId,
        item: &ItemId,
        status: ProgressStatus,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        let run = self.runs.get_mut(id).ok_or(Hresult::Unexpected)?;
        let part = run.parts.get_mut(item).ok_or(Hresult::InvalidArgument)?;
        let was = part.status.replace(ProgressStatus::Failed);
        // Said once, however often it happens.
        if was != Some(ProgressStatus::Failed) {
            let was = was.map_or("", ProgressStatus::as_str);
            let detail = format!("reported `{}` after `{was}`", status.as_str());
            let trouble = Trouble::new(Code::ProtocolFault)
                .with("handler", &run.handler)
                .with("detail", detail);
            turn.touch(&key(&run.handler, item));
            self.remember_trouble(id, Some(item.clone()), trouble, turn);
        }
        Err(Hresult::AccessDenied)
    }

    /// Takes a result. It is written down at once: what was reported is not lost (with a crash).
    fn report(
        &mut self,
        id: &SessionId,
        event: NewEvent,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        let run = self.runs.get(id).ok_or(Hresult::Unexpected)?;
        if let Some(item) = &event.item
            && !self.items.contains_key(&key(&run.handler, item))
            && !run.proposed.contains_key(item)
        {
            return Err(Hresult::InvalidArgument);
        }
        let handler = run.handler.clone();
        let is_kept = run.intent == Intent::Apply;
        let event = self.make_event(&handler, Some(id), event, turn.now);
        let event_id = event.id;
        let has_room = self.runs.get_mut(id).is_some_and(|run| run.keep(&event));
        if has_room {
            if is_kept {
                turn.save(Save::Event(event.clone()));
            }
            turn.notify(Update::Event(Box::new(event)));
        }
        Ok(CallReply::Event(event_id))
    }

    /// Adds a result about a session that its handler did not report itself.
    pub(super) fn remember_trouble(
        &mut self,
        id: &SessionId,
        item: Option<ItemId>,
        trouble: Trouble,
        turn: &mut Turn,
    ) {
        let is_kept = self
            .runs
            .get(id)
            .is_some_and(|run| run.intent == Intent::Apply);
        if let Some(event) = self.note(id, item, trouble, turn)
            && is_kept
        {
            turn.save(Save::Event(event));
        }
    }

    /// Adds a result for the one who asked, which does not enter history.
    pub(super) fn note(
        &mut self,
        id: &SessionId,
        item: Option<ItemId>,
        trouble: Trouble,
        turn: &mut Turn,
    ) -> Option<Event> {
        let run = self.runs.get(id)?;
        let trouble = if trouble.code == Code::Stopped {
            run.with_counts(item.as_ref(), trouble)
        } else {
            trouble
        };
        let handler = run.handler.clone();
        let new = NewEvent {
            item,
            trouble,
            link: Link::default(),
            context: None,
        };
        let event = self.make_event(&handler, Some(id), new, turn.now);
        if !self.runs.get_mut(id)?.keep(&event) {
            return None;
        }
        turn.notify(Update::Event(Box::new(event.clone())));
        Some(event)
    }

    fn can_continue(&self, id: &SessionId, item: Option<ItemId>) -> Result<CallReply, Hresult> {
        let run = self.runs.get(id).ok_or(Hresult::Unexpected)?;
        let Some(item) = item else {
            return Ok(CallReply::Continue(run.cancel == CancelRequest::None));
        };
        if !self.items.contains_key(&key(&run.handler, &item)) && !run.proposed.contains_key(&item)
        {
            return Err(Hresult::InvalidArgument);
        }
        let request = self.cancel_of(id, &item);
        Ok(CallReply::Continue(request == CancelRequest::None))
    }

    fn propose(&mut self, id: &SessionId, facts: ItemFacts) -> Result<CallReply, Hresult> {
        let text = facts.id.clone().map_err(|_| Hresult::InvalidArgument)?;
        let item = ItemId::new(text).map_err(|_| Hresult::InvalidArgument)?;
        let run = self.runs.get_mut(id).ok_or(Hresult::Unexpected)?;
        if self.items.contains_key(&key(&run.handler, &item)) || run.proposed.contains_key(&item) {
            return Err(Hresult::InvalidArgument);
        }
        run.proposed.insert(item, facts);
        Ok(DONE)
    }

    fn commit(
        &mut self,
        id: &SessionId,
        item: &ItemId,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        let run = self.runs.get_mut(id).ok_or(Hresult::Unexpected)?;
        if run.parts.contains_key(item) {
            return Err(Hresult::InvalidArgument);
        }
        let facts = run.proposed.remove(item).ok_or(Hresult::InvalidArgument)?;
        let handler = run.handler.clone();
        self.settle_item(&handler, facts, turn)
            .map(|_| DONE)
            .ok_or(Hresult::InvalidArgument)
    }
}

/// Returns progress as it is shown: without an end when none is known (spec 95), with short text
/// (spec 96).
fn shown(mut progress: Progress, status: ProgressStatus) -> Progress {
    if status == ProgressStatus::UpdatingIndeterminate {
        progress.n_total = None;
        progress.bytes_total = None;
    }
    progress.current = progress.current.map(cut);
    progress
}

/// Cuts a text to the length of `MAX_SYNCMGR_PROGRESSTEXT`, without its terminator.
fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(TEXT_LEN_MAX) {
        text.truncate(end);
    }
    text
}
