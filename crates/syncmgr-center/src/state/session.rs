//! Sessions: from a request to its one result, and what a handler may report in between.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::capability::HandlerCapabilities;
use syncmgr_model::event::{Event, EventLevel, Link, NewEvent};
use syncmgr_model::facts::ItemFacts;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{CancelRequest, Progress, ProgressStatus};
use syncmgr_model::record::{ItemResult, SessionRecord, Summary};
use syncmgr_model::request::{Additional, Intent, Origin, Token, Work, WorkKind};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::queue::Blocker;
use super::{DONE, EVENTS_MAX, State, Turn, key};
use crate::command::{
    Answer, Call, CallReply, Dispatch, Effect, Outcome, Save, StartOptions, Ticket, Update,
};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It waits in line.
    Queued,
    /// Its handler was told to work and has not created the session yet.
    Told,
    /// Its handler works.
    Open,
    /// All of it was taken over by other sessions; its result comes when they end.
    Absorbed,
    /// Its handler returned without a session: another program will work (spec 75).
    Signalled,
    /// It was given up; its thread may still go on.
    Abandoned,
}

/// One item in a session.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) status: Option<ProgressStatus>,
    pub(super) progress: Progress,
    pub(super) summary: Summary,
    /// Its handler reported the summary.
    pub(super) is_summed: bool,
    pub(super) preview: Option<Preview>,
    pub(super) cancel: CancelRequest,
}

impl Part {
    fn new() -> Self {
        Self {
            status: None,
            progress: Progress::default(),
            summary: Summary::default(),
            is_summed: false,
            preview: None,
            cancel: CancelRequest::None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.status.is_some_and(ProgressStatus::is_terminal)
    }
}

/// A request that waits, or the session it became.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: SessionId,
    pub(super) handler: HandlerId,
    pub(super) work: Work,
    pub(super) intent: Intent,
    pub(super) token: Option<Token>,
    pub(super) origin: Origin,
    pub(super) may_ask: bool,
    /// Settings that hold for this run alone.
    pub(super) with: Option<syncmgr_model::item::Item>,
    pub(super) asked_at: Timestamp,
    pub(super) started: Timestamp,
    pub(super) stage: Stage,
    /// What keeps it from running.
    pub(super) blocker: Option<Blocker>,
    /// Who waits for its result.
    pub(super) tickets: Vec<Ticket>,
    /// Items still to be run by it; empty once it runs.
    pub(super) pending: Vec<ItemId>,
    /// Items in it, late additions last.
    pub(super) order: Vec<ItemId>,
    pub(super) parts: BTreeMap<ItemId, Part>,
    /// Its token was taken over by this session.
    pub(super) token_taken: bool,
    /// Items and the token that other sessions took over and have not ended yet.
    pub(super) taken_by: BTreeSet<SessionId>,
    /// Results of items that other sessions took over.
    pub(super) taken: Vec<ItemResult>,
    /// Requests whose items or token this session took over.
    pub(super) served: Vec<(SessionId, Option<ItemId>)>,
    pub(super) proposed: BTreeMap<ItemId, ItemFacts>,
    pub(super) events: Vec<Event>,
    pub(super) cancel: CancelRequest,
    /// When it is given up, if it does not stop before.
    pub(super) deadline: Option<Timestamp>,
    /// A program outside works.
    pub(super) is_external: bool,
    /// When something was last heard of it.
    pub(super) heard: Timestamp,
}

impl Run {
    /// Says whether it occupies its items.
    pub(super) fn is_running(&self) -> bool {
        match self.stage {
            Stage::Told | Stage::Open | Stage::Abandoned => true,
            Stage::Queued | Stage::Absorbed | Stage::Signalled => false,
        }
    }

    /// Returns what is left of a session that was given up: its place, and nothing to report.
    pub(super) fn ghost(&self) -> Self {
        Self {
            id: self.id.clone(),
            handler: self.handler.clone(),
            work: self.work.clone(),
            intent: self.intent,
            token: None,
            origin: self.origin.clone(),
            may_ask: false,
            with: None,
            asked_at: self.asked_at,
            started: self.started,
            stage: Stage::Abandoned,
            blocker: None,
            tickets: Vec::new(),
            pending: Vec::new(),
            order: self.order.clone(),
            parts: BTreeMap::new(),
            token_taken: false,
            taken_by: BTreeSet::new(),
            taken: Vec::new(),
            served: Vec::new(),
            proposed: BTreeMap::new(),
            events: Vec::new(),
            cancel: CancelRequest::All,
            deadline: None,
            is_external: false,
            heard: self.heard,
        }
    }

    /// Iterates over its items, waiting or running.
    pub(super) fn all_items(&self) -> impl Iterator<Item = &ItemId> {
        self.order.iter().chain(&self.pending)
    }

    fn record(&self, ended: Option<Timestamp>) -> SessionRecord {
        let items: Vec<_> = self
            .order
            .iter()
            .map(|item| {
                let part = self.parts.get(item);
                ItemResult {
                    item: item.clone(),
                    status: part.and_then(|p| p.status).filter(|s| s.is_terminal()),
                    summary: part.map(|p| p.summary).unwrap_or_default(),
                }
            })
            .chain(self.pending.iter().map(|item| ItemResult {
                item: item.clone(),
                status: ended.map(|_| ProgressStatus::Canceled),
                summary: Summary::default(),
            }))
            .chain(self.taken.iter().cloned())
            .collect();
        let summary = items
            .iter()
            .fold(Summary::default(), |all, item| all.plus(&item.summary));
        SessionRecord {
            id: self.id.clone(),
            handler: self.handler.clone(),
            kind: self.work.kind(),
            origin: self.origin.clone(),
            started: self.started,
            ended,
            status: ended.map(|_| aggregate(items.iter().filter_map(|item| item.status))),
            summary,
            items,
        }
    }
}

/// Sums up how items ended: failed, else disconnected, else canceled, else succeeded.
pub(super) fn aggregate(statuses: impl Iterator<Item = ProgressStatus>) -> ProgressStatus {
    let rank = |status: &ProgressStatus| match status {
        ProgressStatus::Failed
        | ProgressStatus::Updating
        | ProgressStatus::UpdatingIndeterminate => 3,
        ProgressStatus::Disconnected => 2,
        ProgressStatus::Canceled => 1,
        ProgressStatus::Succeeded => 0,
    };
    statuses
        .max_by_key(rank)
        .unwrap_or(ProgressStatus::Succeeded)
}

impl State {
    /// Makes a request of items that passed all checks; it stands in line afterwards.
    pub(super) fn request(
        &mut self,
        handler: &HandlerId,
        items: Vec<ItemId>,
        options: StartOptions,
        ticket: Option<Ticket>,
        turn: &mut Turn,
    ) -> SessionId {
        let id = self.new_session_id(turn.now);
        for item in &items {
            let key = key(handler, item);
            if let Some(entry) = self.items.get_mut(&key) {
                entry.queued.insert(id.clone());
            }
            turn.touch(&key);
        }
        let is_manual = options.origin.is_manual();
        let run = Run {
            id: id.clone(),
            handler: handler.clone(),
            work: options.work,
            intent: options.intent,
            token: options.token,
            origin: options.origin,
            may_ask: options.may_ask,
            with: None,
            asked_at: turn.now,
            started: turn.now,
            stage: Stage::Queued,
            blocker: None,
            tickets: ticket.into_iter().collect(),
            pending: items,
            order: Vec::new(),
            parts: BTreeMap::new(),
            token_taken: false,
            taken_by: BTreeSet::new(),
            taken: Vec::new(),
            served: Vec::new(),
            proposed: BTreeMap::new(),
            events: Vec::new(),
            cancel: CancelRequest::None,
            deadline: None,
            is_external: false,
            heard: turn.now,
        };
        self.runs.insert(id.clone(), run);
        self.queue.push(id.clone(), is_manual);
        turn.notify(Update::Queued(id.clone()));
        id
    }

    /// Lets a request run: it is written down first, then its handler is told.
    pub(super) fn begin(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        run.stage = Stage::Told;
        run.blocker = None;
        run.started = turn.now;
        run.heard = turn.now;
        run.order = std::mem::take(&mut run.pending);
        run.parts = run
            .order
            .iter()
            .map(|item| (item.clone(), Part::new()))
            .collect();
        let mut items = Vec::new();
        for item in &run.order {
            let key = key(&run.handler, item);
            if let Some(entry) = self.items.get_mut(&key) {
                entry.queued.remove(id);
                entry.running.insert(id.clone());
                items.push(match &run.with {
                    Some(with) if with.id == *item => with.clone(),
                    Some(_) | None => entry.item.clone(),
                });
            }
            turn.touch(&key);
        }
        if let Some(handler) = self.handlers.get_mut(&run.handler) {
            handler.running.insert(id.clone());
        }
        if run.intent == Intent::Apply {
            for item in &items {
                turn.save(Save::Item(item.clone()));
            }
            turn.save(Save::Began(run.record(None)));
        }
        let (session, handler, work) = (id.clone(), run.handler.clone(), run.work.clone());
        let (intent, token, may_ask) = (run.intent, run.token.clone(), run.may_ask);
        turn.notify(Update::Began(id.clone()));
        self.ask_to_remove_events(id, turn);
        turn.push(Effect::Run(Box::new(Dispatch {
            session,
            handler,
            items,
            work,
            intent,
            token,
            may_ask,
        })));
    }

    /// Begins a session for a program outside (spec 107), or a further one of a handler that may
    /// have several.
    pub(super) fn begin_external(
        &mut self,
        handler: &HandlerId,
        items: Vec<ItemId>,
        turn: &mut Turn,
    ) -> Result<SessionId, Hresult> {
        self.check_items(handler, &items)?;
        let options = StartOptions {
            origin: Origin::External,
            ..StartOptions::default()
        };
        let id = self.request(handler, items, options, None, turn);
        self.queue.remove(&id);
        let Some(run) = self.runs.get_mut(&id) else {
            return Err(Hresult::Failed);
        };
        run.stage = Stage::Open;
        run.is_external = true;
        run.order = std::mem::take(&mut run.pending);
        run.parts = run
            .order
            .iter()
            .map(|item| (item.clone(), Part::new()))
            .collect();
        for item in &run.order {
            if let Some(entry) = self.items.get_mut(&key(&run.handler, item)) {
                entry.queued.remove(&id);
                entry.running.insert(id.clone());
            }
        }
        let record = run.record(None);
        if let Some(entry) = self.handlers.get_mut(handler) {
            entry.running.insert(id.clone());
        }
        turn.save(Save::Began(record));
        turn.notify(Update::Began(id.clone()));
        self.ask_to_remove_events(&id, turn);
        Ok(id)
    }

    /// Checks the arguments of `CreateSession` (spec 91).
    fn check_items(&self, handler: &HandlerId, items: &[ItemId]) -> Result<(), Hresult> {
        let is_known = self.handlers.get(handler).is_some_and(|h| h.is_installed)
            && !items.is_empty()
            && items
                .iter()
                .all(|item| self.items.contains_key(&key(handler, item)));
        if is_known {
            Ok(())
        } else {
            Err(Hresult::InvalidArgument)
        }
    }

    /// Takes a call of a session.
    pub(super) fn called(
        &mut self,
        id: &SessionId,
        call: Call,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        let run = self.runs.get_mut(id).ok_or(Hresult::Unexpected)?;
        if run.stage == Stage::Abandoned {
            return Err(Hresult::AccessDenied);
        }
        run.heard = turn.now;
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

    fn create(
        &mut self,
        id: &SessionId,
        handler: &HandlerId,
        items: Vec<ItemId>,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        self.check_items(handler, &items)?;
        let run = self.runs.get_mut(id).ok_or(Hresult::Unexpected)?;
        if run.handler != *handler {
            return Err(Hresult::InvalidArgument);
        }
        if run.stage == Stage::Told {
            run.stage = Stage::Open;
            for item in items {
                // It may begin with more than it was told, or with less: the rest ends undone.
                if !run.parts.contains_key(&item) {
                    run.parts.insert(item.clone(), Part::new());
                    run.order.push(item.clone());
                    if let Some(entry) = self.items.get_mut(&key(handler, &item)) {
                        entry.running.insert(id.clone());
                    }
                }
                turn.touch(&key(handler, &item));
            }
            return Ok(CallReply::Session(id.clone()));
        }
        let may_have_more = self.handlers.get(handler).is_some_and(|entry| {
            entry
                .memory
                .capabilities
                .contains(HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS)
        });
        if !may_have_more {
            return Err(Hresult::AccessDenied);
        }
        self.begin_external(handler, items, turn)
            .map(CallReply::Session)
    }

    fn progress(
        &mut self,
        id: &SessionId,
        item: &ItemId,
        status: ProgressStatus,
        progress: Progress,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        let run = self.runs.get_mut(id).ok_or(Hresult::Unexpected)?;
        let part = run.parts.get_mut(item).ok_or(Hresult::InvalidArgument)?;
        let key = key(&run.handler, item);
        let request = run.cancel.max(part.cancel);
        if !part.is_open() && status != ProgressStatus::Failed {
            // The rule of final statuses: whoever breaks it has not done what it said (spec 98).
            let was = part.status.map_or("", ProgressStatus::as_str);
            let detail = format!("reported `{}` after `{was}`", status.as_str());
            part.status = Some(ProgressStatus::Failed);
            let trouble = Trouble::new(Code::ProtocolFault)
                .with("handler", &run.handler)
                .with("detail", detail);
            turn.touch(&key);
            self.remember_trouble(id, Some(item.clone()), trouble, turn);
            return Err(Hresult::AccessDenied);
        }
        part.status = Some(status);
        if status.is_terminal() {
            turn.touch(&key);
            if status == ProgressStatus::Disconnected
                && let Some(entry) = self.items.get_mut(&key)
            {
                entry.memory.is_connected = false;
            }
        } else {
            part.progress = progress.clone();
            turn.notify(Update::Moved(id.clone(), item.clone(), Box::new(progress)));
        }
        Ok(CallReply::Cancel(request))
    }

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
        let is_full = run.events.len() >= EVENTS_MAX;
        let event = self.add_event(&handler, Some(id), event, turn);
        let event_id = event.id;
        if !is_full && let Some(run) = self.runs.get_mut(id) {
            run.events.push(event);
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
        let Some(handler) = self.runs.get(id).map(|run| run.handler.clone()) else {
            return;
        };
        let new = NewEvent {
            item,
            trouble,
            link: Link::default(),
            context: None,
        };
        let event = self.add_event(&handler, Some(id), new, turn);
        if let Some(run) = self.runs.get_mut(id) {
            run.events.push(event);
        }
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
        let part = run.parts.get(&item);
        let request = run.cancel.max(part.map_or(CancelRequest::None, |part| part.cancel));
        Ok(CallReply::Continue(request == CancelRequest::None))
    }

    /// Iterates over the requests of a handler that a running session may take from.
    fn takeable(&self, handler: &HandlerId) -> impl Iterator<Item = &Run> {
        self.runs.values().filter(move |run| {
            run.handler == *handler
                && run.stage == Stage::Queued
                && run.intent == Intent::Apply
                && run.work.kind() == WorkKind::Sync
        })
    }

    fn additional(&self, id: &SessionId) -> Option<Additional> {
        let handler = &self.runs.get(id)?.handler;
        let mut items = BTreeSet::new();
        let mut tokens = Vec::new();
        for run in self.takeable(handler) {
            items.extend(run.pending.iter().cloned());
            if !run.token_taken {
                tokens.extend(run.token.clone());
            }
        }
        if items.is_empty() && tokens.is_empty() {
            return None;
        }
        Some(Additional {
            items: (!items.is_empty()).then(|| items.into_iter().collect()),
            tokens: (!tokens.is_empty()).then_some(tokens),
        })
    }

    fn add_item(
        &mut self,
        id: &SessionId,
        item: &ItemId,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        let run = self.runs.get(id).ok_or(Hresult::Unexpected)?;
        let handler = run.handler.clone();
        let key = key(&handler, item);
        let entry = self.items.get(&key).ok_or(Hresult::InvalidArgument)?;
        if run.parts.contains_key(item) {
            return Err(Hresult::InvalidArgument);
        }
        let taken = entry.item.clone();
        let donors: Vec<_> = self
            .takeable(&handler)
            .filter(|run| run.pending.contains(item))
            .map(|run| run.id.clone())
            .collect();
        for donor in &donors {
            if let Some(run) = self.runs.get_mut(donor) {
                run.pending.retain(|other| other != item);
                run.taken_by.insert(id.clone());
            }
        }
        if let Some(run) = self.runs.get_mut(id) {
            run.parts.insert(item.clone(), Part::new());
            run.order.push(item.clone());
            let served = donors.iter().map(|donor| (donor.clone(), Some(item.clone())));
            run.served.extend(served);
        }
        if let Some(entry) = self.items.get_mut(&key) {
            entry.running.insert(id.clone());
            for donor in &donors {
                entry.queued.remove(donor);
            }
        }
        turn.touch(&key);
        for donor in donors {
            self.settle_absorbed(&donor, turn);
        }
        Ok(CallReply::Item(Box::new(taken)))
    }

    fn add_token(
        &mut self,
        id: &SessionId,
        token: &Token,
        turn: &mut Turn,
    ) -> Result<CallReply, Hresult> {
        let handler = self.runs.get(id).ok_or(Hresult::Unexpected)?.handler.clone();
        let donor = self
            .takeable(&handler)
            .find(|run| !run.token_taken && run.token.as_ref() == Some(token))
            .map(|run| run.id.clone())
            .ok_or(Hresult::InvalidArgument)?;
        if let Some(run) = self.runs.get_mut(&donor) {
            run.token_taken = true;
            run.taken_by.insert(id.clone());
        }
        if let Some(run) = self.runs.get_mut(id) {
            run.served.push((donor.clone(), None));
        }
        self.settle_absorbed(&donor, turn);
        Ok(DONE)
    }

    /// Takes a request out of the line when nothing of it is left to run (spec 88).
    fn settle_absorbed(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        let is_served = run.pending.is_empty() && (run.token.is_none() || run.token_taken);
        if run.stage == Stage::Queued && is_served {
            run.stage = Stage::Absorbed;
            self.queue.remove(id);
        }
        self.finish_absorbed(id, turn);
    }

    /// Ends a request whose items were all taken over, once the sessions that took them ended.
    fn finish_absorbed(&mut self, id: &SessionId, turn: &mut Turn) {
        let is_done = self
            .runs
            .get(id)
            .is_some_and(|run| run.stage == Stage::Absorbed && run.taken_by.is_empty());
        if is_done && let Some(run) = self.runs.remove(id) {
            let outcome = outcome(&run, turn.now);
            turn.notify(Update::Ended(id.clone()));
            for ticket in run.tickets {
                turn.answer(ticket, Answer::Outcome(Box::new(outcome.clone())));
            }
        }
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

    /// Takes the return of `Synchronize`.
    pub(super) fn returned(
        &mut self,
        id: &SessionId,
        result: Result<(), Trouble>,
        turn: &mut Turn,
    ) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        match run.stage {
            Stage::Abandoned => self.let_go(id, turn),
            Stage::Told if result.is_ok() => self.signalled(id, turn),
            Stage::Told | Stage::Open => self.end(id, result, turn),
            Stage::Queued | Stage::Absorbed | Stage::Signalled => {}
        }
    }

    /// The handler told another program to work (spec 75): the session that was written down for it
    /// never was; the result comes with the session of that program.
    fn signalled(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        run.stage = Stage::Signalled;
        run.deadline = Some(Timestamp(turn.now.0 + self.limits.silence_ms));
        run.pending = std::mem::take(&mut run.order);
        run.parts.clear();
        if run.intent == Intent::Apply {
            turn.save(Save::Withdrawn(run.record(None)));
        }
        self.free(id, turn);
        // What that program began already, while it was being told, serves the request.
        let (handler, items) = match self.runs.get(id) {
            Some(run) => (run.handler.clone(), run.pending.clone()),
            None => return,
        };
        let serving: Vec<_> = self
            .runs
            .values()
            .filter(|other| {
                other.is_external
                    && other.handler == handler
                    && items.iter().any(|item| other.parts.contains_key(item))
            })
            .map(|other| other.id.clone())
            .collect();
        for session in serving {
            self.serve_signalled(&session);
        }
    }

    /// Lets requests that were handed to another program wait for its session.
    pub(super) fn serve_signalled(&mut self, session: &SessionId) {
        let Some(run) = self.runs.get(session) else {
            return;
        };
        let (handler, items) = (run.handler.clone(), run.order.clone());
        let mut served = Vec::new();
        for other in self.runs.values_mut() {
            if other.stage != Stage::Signalled || other.handler != handler {
                continue;
            }
            for item in &items {
                if other.pending.contains(item) {
                    other.pending.retain(|pending| pending != item);
                    other.taken_by.insert(session.clone());
                    served.push((other.id.clone(), Some(item.clone())));
                }
            }
            if other.pending.is_empty() {
                other.stage = Stage::Absorbed;
            }
        }
        if let Some(run) = self.runs.get_mut(session) {
            run.served.extend(served);
        }
    }

    /// Ends a session: whatever its items did not say is said for them (spec 76, 103).
    pub(super) fn end(
        &mut self,
        id: &SessionId,
        result: Result<(), Trouble>,
        turn: &mut Turn,
    ) {
        let mut is_refused = false;
        if let Err(trouble) = result {
            is_refused = self.is_refusal(id, trouble.code);
            let status = status_of(trouble.code);
            self.close_parts(id, status);
            let item = self.only_item(id);
            self.remember_trouble(id, item, trouble, turn);
        } else {
            self.close_silent_parts(id, turn);
        }
        self.free(id, turn);
        let Some(run) = self.runs.remove(id) else {
            return;
        };
        let record = run.record(Some(turn.now));
        if run.intent == Intent::Apply {
            if is_refused {
                turn.save(Save::Withdrawn(record.clone()));
            } else {
                for event in &run.events {
                    turn.save(Save::Event(event.clone()));
                }
                turn.save(Save::Ended(record.clone()));
                self.settle_events(&run, &record, turn);
                self.settle_conflicts(&run, &record, turn);
                self.take_results(&run, &record, turn);
            }
        }
        turn.notify(Update::Ended(id.clone()));
        let outcome = outcome(&run, turn.now);
        for (donor, item) in run.served {
            self.pass_on(&donor, item.as_ref(), id, &record, turn);
        }
        for ticket in run.tickets {
            turn.answer(ticket, Answer::Outcome(Box::new(outcome.clone())));
        }
    }

    fn pass_on(
        &mut self,
        donor: &SessionId,
        item: Option<&ItemId>,
        session: &SessionId,
        record: &SessionRecord,
        turn: &mut Turn,
    ) {
        if let Some(run) = self.runs.get_mut(donor) {
            let result = record.items.iter().find(|result| Some(&result.item) == item);
            run.taken.extend(result.cloned());
            run.taken_by.remove(session);
        }
        self.finish_absorbed(donor, turn);
    }

    /// Returns the item of a session that has just one: then what goes wrong is about it.
    fn only_item(&self, id: &SessionId) -> Option<ItemId> {
        let run = self.runs.get(id)?;
        match run.order.as_slice() {
            [item] => Some(item.clone()),
            _ => None,
        }
    }

    fn close_parts(&mut self, id: &SessionId, status: ProgressStatus) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        for part in run.parts.values_mut() {
            if part.is_open() || status == ProgressStatus::Failed {
                part.status = Some(status);
            }
        }
    }

    /// Closes items whose handler returned without a final status: stopped ones as canceled, the
    /// others as failed, which is a fault of the handler (spec 103).
    fn close_silent_parts(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        let mut silent = Vec::new();
        for (item, part) in &mut run.parts {
            if !part.is_open() {
                continue;
            }
            if run.cancel.max(part.cancel) == CancelRequest::None {
                part.status = Some(ProgressStatus::Failed);
                silent.push(item.clone());
            } else {
                part.status = Some(ProgressStatus::Canceled);
            }
        }
        let handler = run.handler.clone();
        for item in silent {
            let trouble = Trouble::new(Code::ProtocolFault)
                .with("handler", &handler)
                .with("detail", "it returned without a final status");
            self.remember_trouble(id, Some(item), trouble, turn);
        }
    }

    /// Gives back the items and the place of a session.
    pub(super) fn free(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get(id) else {
            return;
        };
        for item in run.all_items() {
            let key = key(&run.handler, item);
            if let Some(entry) = self.items.get_mut(&key) {
                entry.running.remove(id);
                entry.queued.remove(id);
            }
            turn.touch(&key);
        }
        if let Some(handler) = self.handlers.get_mut(&run.handler) {
            handler.running.remove(id);
            if handler.running.is_empty() {
                handler.text = None;
            }
        }
        let runs = &self.runs;
        self.queue.end(id, |other| {
            runs.get(other).is_some_and(|run| run.origin.is_manual())
        });
    }

    /// Takes over what a session says about the state of its items. One that a person stopped says
    /// nothing.
    fn take_results(&mut self, run: &Run, record: &SessionRecord, turn: &mut Turn) {
        for result in &record.items {
            let key = key(&run.handler, &result.item);
            let Some(entry) = self.items.get_mut(&key) else {
                continue;
            };
            let errors = run.events.iter().filter(|event| {
                event.trouble.level == EventLevel::Error
                    && event.item.as_ref().is_none_or(|item| *item == result.item)
            });
            let memory = &mut entry.memory;
            let Some(status) = result.status else {
                continue;
            };
            if status == ProgressStatus::Canceled {
                turn.save(Save::Memory(Box::new(memory.clone())));
                continue;
            }
            memory.last_session = Some(run.id.clone());
            match (&mut memory.result, record.kind, status) {
                // A decision, an undo or a restoration looks at a few paths: what the last whole run
                // could not do or holds back is as it was, and only the conflicts are counted anew.
                (
                    Some((_, known)),
                    WorkKind::Resolve | WorkKind::Undo | WorkKind::Restore,
                    ProgressStatus::Succeeded,
                ) => known.n_conflicts = result.summary.n_conflicts,
                (known, _, _) => {
                    *known = Some((status, result.summary));
                    memory.reason = errors.clone().next().map(|event| event.trouble.clone());
                }
            }
            if status == ProgressStatus::Succeeded {
                memory.is_connected = true;
                if record.kind == WorkKind::Sync {
                    memory.last_sync = record.ended;
                }
            }
            turn.save(Save::Memory(Box::new(memory.clone())));
            turn.touch(&key);
        }
    }

    /// Ends a session that was open when its process vanished: it failed, and says why.
    pub(super) fn interrupt(&mut self, mut record: SessionRecord, turn: &mut Turn) {
        let item = match record.items.as_slice() {
            [only] => Some(only.item.clone()),
            _ => None,
        };
        let new = NewEvent {
            item,
            trouble: Trouble::new(Code::Interrupted),
            link: Link::default(),
            context: None,
        };
        let event = self.add_event(&record.handler, Some(&record.id), new, turn);
        turn.save(Save::Event(event.clone()));
        self.count_error(&event, turn);
        for result in &mut record.items {
            result.status = Some(ProgressStatus::Failed);
            if let Some(entry) = self.items.get_mut(&key(&record.handler, &result.item)) {
                entry.memory.result = Some((ProgressStatus::Failed, result.summary));
                entry.memory.reason = Some(event.trouble.clone());
                entry.memory.last_session = Some(record.id.clone());
                turn.save(Save::Memory(Box::new(entry.memory.clone())));
            }
        }
        record.ended = Some(turn.now);
        record.status = Some(ProgressStatus::Failed);
        turn.save(Save::Ended(record));
    }

    /// Says whether a session was turned down before it did anything. That says nothing about the
    /// state of its item: a sync that waits for an OK still does after a mistyped plan, and a pair
    /// of folders that cannot be one is no sync. Of a saved sync, it is its state.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other code says something about the item"
    )]
    fn is_refusal(&self, id: &SessionId, code: Code) -> bool {
        let Some(run) = self.runs.get(id) else {
            return false;
        };
        let is_saved = run.order.iter().any(|item| {
            self.items
                .get(&key(&run.handler, item))
                .is_some_and(|entry| entry.is_saved)
        });
        match code {
            Code::Busy | Code::PlanChanged | Code::StateChanged | Code::NotFound => true,
            Code::NotPossible | Code::SameFolder | Code::NestedFolders | Code::SettingUnusable => {
                !(is_saved && run.work.kind() == WorkKind::Sync)
            }
            _ => false,
        }
    }
}

/// Says what an error of a handler makes of its items.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every code but these means that the work was not done"
)]
fn status_of(code: Code) -> ProgressStatus {
    match code {
        Code::Stopped => ProgressStatus::Canceled,
        Code::FolderMissing | Code::Disconnected => ProgressStatus::Disconnected,
        _ => ProgressStatus::Failed,
    }
}

/// Makes the one result of a run.
pub(super) fn outcome(run: &Run, now: Timestamp) -> Outcome {
    let record = run.record(Some(now));
    Outcome {
        status: record.status.unwrap_or(ProgressStatus::Succeeded),
        n_errors: run
            .events
            .iter()
            .filter(|event| event.trouble.level == EventLevel::Error)
            .count() as u64,
        n_conflicts: record.summary.n_conflicts,
        events: run.events.clone(),
        previews: run
            .order
            .iter()
            .filter_map(|item| Some((item.clone(), run.parts.get(item)?.preview.clone()?)))
            .collect(),
        record,
    }
}

/// Returns whether an item is in more than one session: then its progress is shown without an end
/// (spec 93).
pub(super) fn is_shared(running: &BTreeSet<SessionId>) -> bool {
    running.len() > 1
}

/// Names an item for a message.
pub(super) fn name_of(state: &State, key: &ItemKey) -> String {
    match state.items.get(key) {
        Some(entry) if !entry.memory.name.is_empty() => entry.memory.name.clone(),
        Some(_) | None => key.item.to_string(),
    }
}
