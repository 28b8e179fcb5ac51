//! A tiny helper: a state, a clock, and effects written as short words.
//!
//! Handlers are `a` and `b` (one session at a time), `c` (several at once). Each has the items
//! `1` to `4`; a test gives them folders where it needs some.

use std::collections::BTreeMap;

use syncmgr_model::capability::HandlerCapabilities;
use syncmgr_model::facts::{HandlerFacts, HandlerInfoFacts, ItemFacts, ItemInfoFacts};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::progress::{Progress, ProgressStatus};
use syncmgr_model::request::Token;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;

use super::super::{State, handle};
use crate::command::{
    Answer, Call, CallId, CallReply, Command, Control, Effect, Limits, Opening, Outcome,
    Remembered, Save, Scope, StartOptions, Ticket,
};

pub(super) const GRACE: i64 = 10_000;
pub(super) const SILENCE: i64 = 60_000;

/// A state with the time that a test sets.
pub(super) struct Script {
    pub(super) state: State,
    pub(super) now: i64,
    pub(super) effects: Vec<Effect>,
    next_ticket: u64,
}

pub(super) fn handler(id: &str) -> HandlerId {
    HandlerId::new(id).unwrap()
}

pub(super) fn item(id: &str) -> ItemId {
    ItemId::new(id).unwrap()
}

pub(super) fn items(ids: &str) -> Vec<ItemId> {
    ids.split_whitespace().map(item).collect()
}

pub(super) fn key(handler_id: &str, item_id: &str) -> ItemKey {
    super::super::key(&handler(handler_id), &item(item_id))
}

pub(super) fn token(text: &str) -> Token {
    Token(text.into())
}

/// Facts of an item with folders.
pub(super) fn item_facts(id: &str, paths: &[&str]) -> ItemFacts {
    ItemFacts {
        id: Ok(id.to_owned()),
        name: Ok(format!("item {id}")),
        info: Ok(ItemInfoFacts {
            type_label: Err(Hresult::NotImplemented),
            comment: Err(Hresult::NotImplemented),
            last_sync: Err(Hresult::NotImplemented),
            is_enabled: Err(Hresult::NotImplemented),
            is_connected: Err(Hresult::NotImplemented),
        }),
        capabilities: Ok(0),
        policies: Ok(0),
        paths: paths.iter().map(|path| path.as_bytes().to_vec()).collect(),
        saved: None,
    }
}

/// Facts of a handler that is set up.
pub(super) fn handler_facts(id: &str, is_concurrent: bool) -> HandlerFacts {
    let several = HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS.bits();
    HandlerFacts {
        is_apart: false,
        id: handler(id),
        name: Ok(format!("handler {id}")),
        info: Ok(HandlerInfoFacts {
            kind: Err(Hresult::NotImplemented),
            type_label: Err(Hresult::NotImplemented),
            comment: Err(Hresult::NotImplemented),
            last_sync: Err(Hresult::NotImplemented),
            is_active: Ok(true),
            is_enabled: Ok(true),
            is_connected: Ok(true),
        }),
        capabilities: Ok(if is_concurrent { several } else { 0 }),
        policies: Ok(0),
        items: Ok(["1", "2", "3", "4"].map(|id| item_facts(id, &[])).into()),
    }
}

impl Script {
    pub(super) fn new() -> Self {
        Self::with_limit(100)
    }

    pub(super) fn with_limit(max_running: usize) -> Self {
        let mut script = Self::over(Remembered::default(), max_running);
        for (id, is_concurrent) in [("a", false), ("b", false), ("c", true)] {
            script.load(handler_facts(id, is_concurrent));
        }
        script
    }

    /// Opens a state over what is remembered.
    pub(super) fn over(remembered: Remembered, max_running: usize) -> Self {
        let mut script = Self {
            state: State::default(),
            now: 1_000_000,
            effects: Vec::new(),
            next_ticket: 0,
        };
        script.give(Command::Open(Box::new(Opening {
            remembered,
            installed: ["a", "b", "c"].map(handler).into(),
            saved: Vec::new(),
            schedules: Vec::new(),
            policies: BTreeMap::new(),
            keeps_time: false,
            random: 0,
            limits: Limits {
                max_running,
                grace_ms: GRACE,
                patience_ms: 60_000,
                silence_ms: SILENCE,
            },
        })));
        script
    }

    pub(super) fn load(&mut self, facts: HandlerFacts) {
        self.give(Command::Loaded(facts.id.clone(), Ok(Box::new(facts))));
    }

    /// Gives an item folders.
    pub(super) fn folders(&mut self, handler_id: &str, item_id: &str, paths: &[&str]) {
        let entry = self.state.items.get_mut(&key(handler_id, item_id)).unwrap();
        entry.paths = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
    }

    pub(super) fn give(&mut self, command: Command) -> &[Effect] {
        self.effects = handle(&mut self.state, command, Timestamp(self.now));
        &self.effects
    }

    /// Asks for something; returns its ticket.
    pub(super) fn ask(&mut self, control: Control) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.give(Command::Control(ticket, control));
        ticket
    }

    pub(super) fn start_with(
        &mut self,
        handler_id: &str,
        ids: &str,
        options: StartOptions,
    ) -> (Ticket, SessionId) {
        let scope = Scope::Items(handler(handler_id), items(ids));
        let ticket = self.ask(Control::Start(scope, Box::new(options)));
        match self.answer(ticket) {
            Some(Answer::Accepted(accepted)) => (ticket, accepted.session),
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// Starts items as a person.
    pub(super) fn start(&mut self, handler_id: &str, ids: &str) -> (Ticket, SessionId) {
        self.start_with(handler_id, ids, StartOptions::default())
    }

    /// Returns the first answer to a ticket among the last effects.
    pub(super) fn answer(&self, ticket: Ticket) -> Option<Answer> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Answer(to, answer) if *to == ticket => Some(answer.clone()),
            _ => None,
        })
    }

    /// Returns the result of a start among the last effects.
    pub(super) fn outcome(&self, ticket: Ticket) -> Option<Outcome> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Answer(to, Answer::Outcome(outcome)) if *to == ticket => {
                Some((**outcome).clone())
            }
            _ => None,
        })
    }

    /// Returns how a start ended, and its items as `1=succeeded 2=failed`.
    #[track_caller]
    pub(super) fn ended(&self, ticket: Ticket) -> (ProgressStatus, String) {
        let outcome = self.outcome(ticket).expect("a result");
        let items = outcome.record.items.iter();
        let word = |status: Option<ProgressStatus>| status.map_or("open", ProgressStatus::as_str);
        let words = items.map(|it| format!("{}={}", it.item, word(it.status)));
        (outcome.status, words.collect::<Vec<_>>().join(" "))
    }

    /// Returns the sessions that were told to run by the last command, as `a:1,2`.
    pub(super) fn told(&self) -> String {
        let runs = self.effects.iter().filter_map(|effect| match effect {
            Effect::Run(dispatch) => Some(dispatch),
            _ => None,
        });
        let words = runs.map(|dispatch| {
            let ids: Vec<_> = dispatch.items.iter().map(|it| it.id.to_string()).collect();
            format!("{}:{}", dispatch.handler, ids.join(","))
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// Returns what the last command wrote down, as short words.
    pub(super) fn saved(&self) -> String {
        let saves = self.effects.iter().filter_map(|effect| match effect {
            Effect::Save(saves) => Some(saves),
            _ => None,
        });
        let word = |save: &Save| match save {
            Save::Item(item) => Some(format!("item {}", item.id)),
            Save::Began(_) => Some("began".to_owned()),
            Save::Ended(record) => Some(format!("ended {}", record.status.unwrap().as_str())),
            Save::Withdrawn(_) => Some("withdrawn".to_owned()),
            Save::Event(event) => Some(event.trouble.code.as_str().to_owned()),
            _ => None,
        };
        saves
            .flatten()
            .filter_map(word)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// A session calls.
    pub(super) fn call(&mut self, id: &SessionId, call: Call) -> Result<CallReply, Hresult> {
        self.give(Command::Call(CallId(0), id.clone(), call));
        let reply = self.effects.iter().find_map(|effect| match effect {
            Effect::Reply(_, reply) => Some(reply.clone()),
            _ => None,
        });
        reply.expect("an answer")
    }

    /// The handler creates its session.
    pub(super) fn create(&mut self, id: &SessionId, handler_id: &str, ids: &str) {
        let call = Call::Create(handler(handler_id), items(ids));
        assert_eq!(self.call(id, call), Ok(CallReply::Session(id.clone())));
    }

    pub(super) fn report(
        &mut self,
        id: &SessionId,
        item_id: &str,
        status: ProgressStatus,
    ) -> Result<CallReply, Hresult> {
        self.call(
            id,
            Call::Progress(item(item_id), status, Progress::default()),
        )
    }

    pub(super) fn returns(&mut self, id: &SessionId, result: Result<(), Trouble>) {
        self.give(Command::Returned(id.clone(), result));
    }

    /// The handler does its items with success and returns.
    pub(super) fn finish(&mut self, id: &SessionId) {
        let view = self.state.session(id).expect("it runs");
        if self.state.runs[id].stage == super::super::Stage::Told {
            let items = view.items.iter().map(|(item, ..)| item.clone()).collect();
            self.call(id, Call::Create(view.handler.clone(), items))
                .unwrap();
        }
        for (item, status, _) in view.items {
            if !status.is_some_and(ProgressStatus::is_terminal) {
                let done = ProgressStatus::Succeeded;
                self.call(id, Call::Progress(item, done, Progress::default()))
                    .unwrap();
            }
        }
        self.returns(id, Ok(()));
    }

    /// Time passes.
    pub(super) fn wait(&mut self, ms: i64) {
        self.now += ms;
        self.give(Command::Tick);
    }

    /// Returns why an item does not run, as the code of the reason.
    pub(super) fn why(&self, handler_id: &str, item_id: &str) -> &'static str {
        let view = self
            .state
            .item(&key(handler_id, item_id), Timestamp(self.now));
        let waits_for = view.unwrap().facts.waiting_for;
        waits_for.map_or("", |trouble| trouble.code.as_str())
    }

    /// Returns the status word of an item.
    pub(super) fn status(&self, handler_id: &str, item_id: &str) -> &'static str {
        let view = self
            .state
            .item(&key(handler_id, item_id), Timestamp(self.now));
        view.unwrap().status.as_str()
    }
}
