//! A request that waits, or the session it became.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::event::{Event, EventLevel};
use syncmgr_model::facts::ItemFacts;
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{CancelRequest, Phase, Progress, ProgressStatus};
use syncmgr_model::record::{ItemResult, PhaseAt, SessionRecord, Summary};
use syncmgr_model::request::{Intent, Origin, Token, Work};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;

use super::queue::Blocker;
use crate::command::{Outcome, StartOptions, Ticket};

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

/// Most phases of an item that are remembered.
const PHASES_MAX: usize = 64;

/// One item in a session.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) status: Option<ProgressStatus>,
    pub(super) progress: Progress,
    /// When its phases began, at most [`PHASES_MAX`]: a handler may go back and forth.
    pub(super) phases: Vec<PhaseAt>,
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
            phases: Vec::new(),
            summary: Summary::default(),
            is_summed: false,
            preview: None,
            cancel: CancelRequest::None,
        }
    }

    /// Takes note of a phase that begins.
    pub(super) fn enter(&mut self, phase: Phase, after_ms: u64) {
        let is_new = self.phases.last().is_none_or(|last| last.phase != phase);
        if is_new && self.phases.len() < PHASES_MAX {
            self.phases.push(PhaseAt { phase, after_ms });
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
    pub(super) with: Option<Item>,
    pub(super) asked_at: Timestamp,
    pub(super) started: Timestamp,
    pub(super) stage: Stage,
    /// What keeps it from running.
    pub(super) blocker: Option<Blocker>,
    /// Something kept it from running: whoever asked for it may be gone.
    pub(super) has_waited: bool,
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
    /// Its results, at most [`super::EVENTS_MAX`].
    pub(super) events: Vec<Event>,
    /// How many of its results are errors, also of those that were dropped.
    pub(super) n_errors: u64,
    pub(super) cancel: CancelRequest,
    /// When it is given up, if it does not stop before.
    pub(super) deadline: Option<Timestamp>,
    /// A program outside works.
    pub(super) is_external: bool,
    /// When something was last heard of it.
    pub(super) heard: Timestamp,
}

impl Run {
    /// Says of a run that was stopped how much of it was done: of an item, or of all it works on.
    pub(super) fn with_counts(&self, item: Option<&ItemId>, trouble: Trouble) -> Trouble {
        let parts = self.parts.iter();
        let its = parts.filter(|(it, _)| item.is_none_or(|item| item == *it));
        let (n_done, n_total) = its.fold((0, 0), |(n_done, n_total), (_, part)| {
            let progress = &part.progress;
            (
                n_done + progress.n_done,
                n_total + progress.n_total.unwrap_or_default(),
            )
        });
        if n_total == 0 {
            return trouble;
        }
        trouble.with("n_done", n_done).with("n_total", n_total)
    }

    /// Makes a request.
    pub(super) fn new(
        id: SessionId,
        handler: HandlerId,
        items: Vec<ItemId>,
        options: StartOptions,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            handler,
            work: options.work,
            intent: options.intent,
            token: options.token,
            origin: options.origin,
            may_ask: options.may_ask,
            with: None,
            asked_at: now,
            started: now,
            stage: Stage::Queued,
            blocker: None,
            has_waited: false,
            tickets: Vec::new(),
            pending: items,
            order: Vec::new(),
            parts: BTreeMap::new(),
            token_taken: false,
            taken_by: BTreeSet::new(),
            taken: Vec::new(),
            served: Vec::new(),
            proposed: BTreeMap::new(),
            events: Vec::new(),
            n_errors: 0,
            cancel: CancelRequest::None,
            deadline: None,
            is_external: false,
            heard: now,
        }
    }

    /// Says whether an item is in the session.
    pub(super) fn has(&self, item: &ItemId) -> bool {
        self.parts.contains_key(item)
    }

    /// Turns the items that wait into parts of the session.
    pub(super) fn take_up(&mut self) {
        for item in std::mem::take(&mut self.pending) {
            self.add(item);
        }
    }

    /// Adds an item to the session, unless it is in it.
    pub(super) fn add(&mut self, item: ItemId) {
        if !self.parts.contains_key(&item) {
            self.parts.insert(item.clone(), Part::new());
            self.order.push(item);
        }
    }

    /// Keeps a result, as far as there is room; returns whether there was.
    pub(super) fn keep(&mut self, event: &Event) -> bool {
        self.n_errors += u64::from(event.trouble.level == EventLevel::Error);
        let has_room = self.events.len() < super::EVENTS_MAX;
        if has_room {
            self.events.push(event.clone());
        }
        has_room
    }

    /// Ends items that wait without running them: those for which `why` has a status. Returns them.
    pub(super) fn give_up(
        &mut self,
        mut why: impl FnMut(&ItemId) -> Option<ProgressStatus>,
    ) -> Vec<ItemId> {
        let mut given_up = Vec::new();
        let taken = &mut self.taken;
        self.pending.retain(|item| {
            let Some(status) = why(item) else {
                return true;
            };
            given_up.push(item.clone());
            taken.push(ItemResult {
                item: item.clone(),
                status: Some(status),
                summary: Summary::default(),
                phases: Vec::new(),
            });
            false
        });
        given_up
    }

    /// Says whether it occupies its items.
    pub(super) fn is_running(&self) -> bool {
        match self.stage {
            Stage::Told | Stage::Open | Stage::Abandoned => true,
            Stage::Queued | Stage::Absorbed | Stage::Signalled => false,
        }
    }

    /// Returns what is left of a session that was given up: its place, and nothing to report.
    pub(super) fn ghost(&self) -> Self {
        let options = StartOptions {
            work: self.work.clone(),
            intent: self.intent,
            origin: self.origin.clone(),
            ..StartOptions::default()
        };
        let (id, handler) = (self.id.clone(), self.handler.clone());
        let mut ghost = Self::new(id, handler, Vec::new(), options, self.asked_at);
        ghost.stage = Stage::Abandoned;
        ghost.started = self.started;
        ghost.order.clone_from(&self.order);
        ghost.cancel = CancelRequest::All;
        ghost
    }

    /// Iterates over its items, waiting or running.
    pub(super) fn all_items(&self) -> impl Iterator<Item = &ItemId> {
        self.order.iter().chain(&self.pending)
    }

    /// Makes its record for history; `ended`: when, if it has.
    pub(super) fn record(&self, ended: Option<Timestamp>) -> SessionRecord {
        let items: Vec<_> = self
            .order
            .iter()
            .map(|item| {
                let part = self.parts.get(item);
                ItemResult {
                    item: item.clone(),
                    status: part.and_then(|p| p.status).filter(|s| s.is_terminal()),
                    summary: part.map(|p| p.summary).unwrap_or_default(),
                    phases: part.map(|p| p.phases.clone()).unwrap_or_default(),
                }
            })
            .chain(self.pending.iter().map(|item| ItemResult {
                item: item.clone(),
                status: ended.map(|_| ProgressStatus::Canceled),
                summary: Summary::default(),
                phases: Vec::new(),
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

/// Makes the one result of a run.
pub(super) fn outcome(run: &Run, now: Timestamp) -> Outcome {
    let record = run.record(Some(now));
    Outcome {
        status: record.status.unwrap_or(ProgressStatus::Succeeded),
        n_errors: run.n_errors,
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
