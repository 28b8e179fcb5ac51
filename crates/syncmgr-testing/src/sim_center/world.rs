//! One world: the state, its memory, the handlers that work, and those who wait for results.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use syncmgr_center::command::{Command, Dispatch, Effect, Limits, Opening, OperationId, Ticket};
use syncmgr_center::state::{State, handle};
use syncmgr_model::capability::HandlerCapabilities;
use syncmgr_model::facts::{HandlerFacts, HandlerInfoFacts, ItemFacts, ItemInfoFacts};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::time::Timestamp;

use super::Stats;
use super::check::Promises;
use crate::center::Written;
use crate::rng::Rng;

/// Longest line of the trace.
const LINE_MAX: usize = 400;
/// Lines of the trace that are kept.
const TRACE_MAX: usize = 400;
/// With more sessions than this, only one command in [`LARGE_CHECK_ONE_IN`] is checked: the check
/// compares each with each.
const LARGE: usize = 50;
const LARGE_CHECK_ONE_IN: u64 = 16;
/// Rounds in which everything must have finished.
const SETTLE_ROUNDS: u64 = 100_000;

/// A handler as it is installed.
pub(super) struct Installed {
    pub(super) id: HandlerId,
    pub(super) is_concurrent: bool,
    /// It tells another program to work.
    pub(super) is_background: bool,
    pub(super) is_connected: bool,
    /// Items with their folders, and whether they are turned on.
    pub(super) items: Vec<(ItemId, Vec<Vec<u8>>, bool)>,
}

/// A handler at work, as its thread sees it.
pub(super) struct Working {
    pub(super) handler: HandlerId,
    pub(super) items: BTreeSet<ItemId>,
    pub(super) is_open: bool,
    /// Created by another session.
    pub(super) is_further: bool,
    pub(super) is_cancelled: bool,
    /// It does not listen.
    pub(super) is_deaf: bool,
    pub(super) is_abandoned: bool,
}

pub(super) struct World {
    pub(super) rng: Rng,
    pub(super) state: State,
    pub(super) written: Written,
    pub(super) now: Timestamp,
    pub(super) installed: Vec<Installed>,
    pub(super) working: BTreeMap<SessionId, Working>,
    pub(super) external: BTreeSet<SessionId>,
    pub(super) promises: Promises,
    pub(super) stats: Stats,
    pub(super) next_ticket: u64,
    pub(super) limits: Limits,
    /// What the answer to the last call was.
    pub(super) last_reply: Option<Result<syncmgr_center::command::CallReply, Hresult>>,
    pub(super) last_answers: Vec<(Ticket, syncmgr_center::command::Answer)>,
    inbox: VecDeque<Command>,
    hasher: blake3::Hasher,
    trace: VecDeque<String>,
    dies: bool,
}

impl World {
    pub(super) fn new(seed: u64, is_large: bool) -> Self {
        let mut rng = Rng::new(seed);
        let n_handlers = if is_large { 2000 } else { 1 + rng.index(5) };
        let installed = (0..n_handlers).map(|n| installed(&mut rng, n)).collect();
        let max_running = if is_large { 500 } else { 1 + rng.index(5) };
        let limits = Limits {
            max_running,
            grace_ms: 10_000,
            patience_ms: 60_000,
            silence_ms: 60_000,
        };
        let mut world = Self {
            rng,
            state: State::default(),
            written: Written::default(),
            now: Timestamp(1_000_000_000),
            installed,
            working: BTreeMap::new(),
            external: BTreeSet::new(),
            promises: Promises::new(max_running),
            stats: Stats::default(),
            next_ticket: 0,
            limits,
            last_reply: None,
            last_answers: Vec::new(),
            inbox: VecDeque::new(),
            hasher: blake3::Hasher::new(),
            trace: VecDeque::new(),
            dies: false,
        };
        world.open();
        world
    }

    pub(super) fn hash(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    pub(super) fn tail(&self, n: usize) -> Vec<String> {
        let skipped = self.trace.len().saturating_sub(n);
        self.trace.iter().skip(skipped).cloned().collect()
    }

    pub(super) fn note(&mut self, line: String) {
        self.hasher.update(line.as_bytes());
        if self.trace.len() == TRACE_MAX {
            self.trace.pop_front();
        }
        self.trace.push_back(line.chars().take(LINE_MAX).collect());
    }

    /// Starts the center over what is remembered.
    fn open(&mut self) {
        let opening = Opening {
            remembered: self.written.remembered(),
            installed: self.installed.iter().map(|it| it.id.clone()).collect(),
            saved: Vec::new(),
            schedules: Vec::new(),
            policies: BTreeMap::new(),
            keeps_time: false,
            random: u16::try_from(self.rng.below(1 << 16)).unwrap_or(0),
            limits: self.limits,
        };
        self.state = State::default();
        self.inbox.push_back(Command::Open(Box::new(opening)));
    }

    /// The process dies: what was not written down is gone.
    pub(super) fn crash(&mut self) {
        self.note("crash".to_owned());
        self.stats.n_crashes += 1;
        self.inbox.clear();
        self.working.clear();
        self.external.clear();
        self.promises.crashed();
        self.dies = false;
        self.open();
    }

    /// Makes the process die after the next thing that is written down, before anything else of it.
    pub(super) fn die_at_next_save(&mut self) {
        self.dies = true;
    }

    /// Does one thing, and all that follows from it at once.
    pub(super) fn step(&mut self) -> Result<(), String> {
        self.drain()?;
        self.act()?;
        self.drain()
    }

    pub(super) fn drain(&mut self) -> Result<(), String> {
        while let Some(command) = self.inbox.pop_front() {
            self.give(command)?;
        }
        Ok(())
    }

    /// Gives the center a command and carries out what it wants.
    pub(super) fn give(&mut self, command: Command) -> Result<(), String> {
        self.note(format!("{} > {command:?}", self.now.0));
        self.stats.n_commands += 1;
        self.last_answers.clear();
        let effects = handle(&mut self.state, command, self.now);
        for effect in effects {
            if !matches!(effect, Effect::Notify(_) | Effect::Save(_)) {
                self.note(format!("    {effect:?}"));
            }
            if let Effect::Save(saves) = &effect {
                for save in saves {
                    self.written.take(save);
                }
                if let Some(fault) = self.written.faults.first() {
                    return Err(fault.clone());
                }
                if self.dies {
                    self.crash();
                    return Ok(());
                }
            } else {
                self.carry_out(effect)?;
            }
        }
        if self.working.len() > LARGE && !self.stats.n_commands.is_multiple_of(LARGE_CHECK_ONE_IN) {
            return Ok(());
        }
        self.promises
            .check(&self.state, &self.working, &self.installed)
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), String> {
        match effect {
            Effect::Load(id, _) => {
                let facts = self.facts(&id);
                self.inbox
                    .push_back(Command::Loaded(id, facts.map(Box::new)));
            }
            Effect::LoadCollection(id) => {
                let listed = Err(Hresult::InvalidArgument);
                self.inbox.push_back(Command::CollectionLoaded(id, listed));
            }
            Effect::Run(dispatch) => self.run(*dispatch)?,
            Effect::Cancel(id, item) => {
                if let Some(working) = self.working.get_mut(&id)
                    && item.is_none()
                {
                    working.is_cancelled = true;
                }
            }
            Effect::Abandon(id) => {
                self.stats.n_abandoned += 1;
                match self.working.get_mut(&id) {
                    Some(working) => working.is_abandoned = true,
                    None => return Err(format!("{id} was given up and does not run")),
                }
            }
            Effect::Tell(id, ..) => self.told(id),
            Effect::Show(id, ..) => self.inbox.push_back(Command::Shown(id, Ok(true))),
            Effect::Reply(_, reply) => self.last_reply = Some(reply),
            Effect::Answer(ticket, answer) => {
                self.promises.answered(ticket, &answer)?;
                self.last_answers.push((ticket, answer));
            }
            Effect::LoadItem(key) => {
                let refused = Err(Hresult::InvalidArgument);
                self.inbox.push_back(Command::ItemLoaded(key, refused));
            }
            // Its handlers keep no stores.
            Effect::LoadEvents(handler, _) => {
                self.inbox
                    .push_back(Command::EventsLoaded(handler, Vec::new()));
            }
            Effect::CountConflicts(handler, ..) => {
                self.inbox
                    .push_back(Command::ConflictsCounted(handler, Vec::new()));
            }
            Effect::RemoveConflicts(id, ..) => {
                self.inbox.push_back(Command::ConflictsRemoved(id, Ok(())));
            }
            Effect::Save(_)
            | Effect::Watch(_)
            | Effect::Raise(_)
            | Effect::RemoveEvents(..)
            | Effect::Notify(_) => {}
        }
        Ok(())
    }

    fn told(&mut self, id: OperationId) {
        self.inbox.push_back(Command::Told(id, Ok(())));
    }

    fn run(&mut self, dispatch: Dispatch) -> Result<(), String> {
        self.stats.n_sessions += 1;
        let is_written = dispatch.intent == syncmgr_model::request::Intent::Preview
            || self.written.sessions.contains_key(&dispatch.session);
        if !is_written || dispatch.items.is_empty() {
            return Err(format!(
                "{} begins and nobody knows of it",
                dispatch.session
            ));
        }
        let working = Working {
            handler: dispatch.handler,
            items: dispatch.items.into_iter().map(|item| item.id).collect(),
            is_open: false,
            is_further: false,
            is_cancelled: false,
            is_deaf: self.rng.chance(1, 6),
            is_abandoned: false,
        };
        self.working.insert(dispatch.session, working);
        Ok(())
    }

    fn facts(&self, id: &HandlerId) -> Result<HandlerFacts, Hresult> {
        let place = id.as_str().get(1..).and_then(|n| n.parse::<usize>().ok());
        let found = place.and_then(|n| self.installed.get(n));
        let it = found.ok_or(Hresult::InvalidArgument)?;
        let bits = if it.is_concurrent {
            HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS.bits()
        } else {
            0
        };
        Ok(HandlerFacts {
            is_apart: false,
            id: id.clone(),
            name: Ok(format!("handler {id}")),
            info: Ok(HandlerInfoFacts {
                kind: Err(Hresult::NotImplemented),
                type_label: Err(Hresult::NotImplemented),
                comment: Err(Hresult::NotImplemented),
                last_sync: Err(Hresult::NotImplemented),
                is_active: Ok(true),
                is_enabled: Ok(true),
                is_connected: Ok(it.is_connected),
            }),
            capabilities: Ok(bits),
            policies: Ok(0),
            items: Ok(it.items.iter().map(item_facts).collect()),
        })
    }

    /// Lets everything finish; then nothing may be left.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        self.note("settle".to_owned());
        self.drain()?;
        for _ in 0..SETTLE_ROUNDS {
            if !self.finish_one()? {
                return self.promises.at_rest(&self.state, &self.written);
            }
            self.drain()?;
        }
        Err("it does not come to rest".to_owned())
    }
}

fn installed(rng: &mut Rng, n: usize) -> Installed {
    let n_items = 1 + rng.index(6);
    let items = (0..n_items)
        .map(|item| {
            let paths = (0..rng.index(3)).map(|_| folder(rng)).collect();
            (ItemId::new(format!("i{item}")).expect("an id"), paths, true)
        })
        .collect();
    Installed {
        id: HandlerId::new(format!("h{n}")).expect("an id"),
        is_concurrent: rng.chance(1, 2),
        is_background: rng.chance(1, 6),
        is_connected: true,
        items,
    }
}

fn folder(rng: &mut Rng) -> Vec<u8> {
    let (outer, inner) = (rng.below(6), rng.below(3));
    let path = if rng.chance(2, 3) {
        format!("/d{outer}/s{inner}")
    } else {
        format!("/d{outer}")
    };
    path.into_bytes()
}

fn item_facts((id, paths, is_enabled): &(ItemId, Vec<Vec<u8>>, bool)) -> ItemFacts {
    ItemFacts {
        id: Ok(id.to_string()),
        name: Ok(format!("item {id}")),
        info: Ok(ItemInfoFacts {
            type_label: Err(Hresult::NotImplemented),
            comment: Err(Hresult::NotImplemented),
            last_sync: Err(Hresult::NotImplemented),
            is_enabled: Ok(*is_enabled),
            is_connected: Err(Hresult::NotImplemented),
        }),
        capabilities: Ok(0),
        policies: Ok(0),
        paths: paths.clone(),
        saved: None,
    }
}
