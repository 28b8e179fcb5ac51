//! What handlers and programs outside do, and how all of it comes to an end.

use syncmgr_center::command::{Call, CallId, CallReply, Command, Control};
use syncmgr_model::event::{Link, NewEvent};
use syncmgr_model::facts::ItemFacts;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{ItemId, SessionId};
use syncmgr_model::progress::{Progress, ProgressStatus};
use syncmgr_model::request::Additional;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::world::{Working, World};

/// How items end, the usual way more often.
const ENDS: [ProgressStatus; 6] = [
    ProgressStatus::Succeeded,
    ProgressStatus::Succeeded,
    ProgressStatus::Succeeded,
    ProgressStatus::Failed,
    ProgressStatus::Canceled,
    ProgressStatus::Disconnected,
];

impl World {
    fn pick_session(&mut self) -> Option<SessionId> {
        let n = self.rng.index(self.working.len());
        self.working.keys().nth(n).cloned()
    }

    fn call(&mut self, id: &SessionId, call: Call) -> Result<Option<CallReply>, String> {
        self.last_reply = None;
        self.give(Command::Call(CallId(0), id.clone(), call))?;
        Ok(self.last_reply.take().and_then(Result::ok))
    }

    /// A handler at work does something.
    pub(super) fn work_on(&mut self) -> Result<(), String> {
        let Some(id) = self.pick_session() else {
            return Ok(());
        };
        let Some(it) = self.working.get(&id) else {
            return Ok(());
        };
        if it.is_cancelled && !it.is_deaf {
            return self.finish(&id, ProgressStatus::Canceled);
        }
        if !it.is_open {
            return self.open_session(&id);
        }
        match self.rng.below(10) {
            0..2 => self.report(&id),
            2..4 => self.absorb(&id),
            4 => self.create_more(&id),
            5 => self.propose(&id),
            6 if it.is_deaf => Ok(()),
            6..9 => {
                let status = self.rng.pick(&ENDS).copied().unwrap_or(ENDS[0]);
                self.finish(&id, status)
            }
            _ => self.break_down(&id),
        }
    }

    fn open_session(&mut self, id: &SessionId) -> Result<(), String> {
        let Some(it) = self.working.get(id) else {
            return Ok(());
        };
        let (handler, items) = (it.handler.clone(), it.items.clone());
        let is_background = self
            .installed
            .iter()
            .any(|other| other.id == handler && other.is_background);
        if is_background && self.rng.chance(3, 4) {
            self.working.remove(id);
            return self.give(Command::Returned(id.clone(), Ok(())));
        }
        let call = Call::Create(handler, items.into_iter().collect());
        self.call(id, call)?;
        if let Some(it) = self.working.get_mut(id) {
            it.is_open = true;
        }
        Ok(())
    }

    fn some_item(&mut self, id: &SessionId) -> Option<ItemId> {
        let items = &self.working.get(id)?.items;
        let n = self.rng.index(items.len());
        items.iter().nth(n).cloned()
    }

    fn report(&mut self, id: &SessionId) -> Result<(), String> {
        let Some(item) = self.some_item(id) else {
            return Ok(());
        };
        let status = ProgressStatus::Updating;
        let call = match self.rng.below(3) {
            0 => Call::Progress(item, status, Progress::default()),
            1 => Call::Event(Box::new(NewEvent {
                item: Some(item),
                trouble: Trouble::new(Code::DiskFull),
                link: Link::default(),
                context: None,
            })),
            _ => Call::CanContinue(Some(item)),
        };
        self.call(id, call).map(drop)
    }

    /// Takes over what waits, or some of it.
    fn absorb(&mut self, id: &SessionId) -> Result<(), String> {
        let reply = self.call(id, Call::QueryAdditional)?;
        let Some(CallReply::Additional(Some(Additional { items, tokens }))) = reply else {
            return Ok(());
        };
        for item in items.unwrap_or_default() {
            if self.rng.chance(1, 2) {
                let taken = self.call(id, Call::AddItem(item.clone()))?;
                if taken.is_some()
                    && let Some(it) = self.working.get_mut(id)
                {
                    it.items.insert(item);
                    self.stats.n_absorbed += 1;
                }
            }
        }
        for token in tokens.unwrap_or_default() {
            if self.rng.chance(1, 2) {
                self.call(id, Call::AddToken(token))?;
            }
        }
        Ok(())
    }

    /// A handler that may opens a further session.
    fn create_more(&mut self, id: &SessionId) -> Result<(), String> {
        let Some(it) = self.working.get(id) else {
            return Ok(());
        };
        let (handler, items) = (it.handler.clone(), it.items.clone());
        let call = Call::Create(handler.clone(), items.iter().cloned().collect());
        if let Some(CallReply::Session(further)) = self.call(id, call)? {
            let working = Working {
                handler,
                items,
                is_open: true,
                is_further: true,
                is_cancelled: false,
                is_deaf: self.rng.chance(1, 6),
                is_abandoned: false,
            };
            self.working.insert(further, working);
        }
        Ok(())
    }

    fn propose(&mut self, id: &SessionId) -> Result<(), String> {
        let item = ItemId::new(format!("p{}", self.rng.below(4))).expect("an id");
        let facts = ItemFacts {
            id: Ok(item.to_string()),
            name: Ok("proposed".to_owned()),
            info: Err(Hresult::NotImplemented),
            capabilities: Ok(0),
            policies: Ok(0),
            paths: Vec::new(),
            saved: None,
        };
        self.call(id, Call::Propose(Box::new(facts)))?;
        if self.rng.chance(1, 2) {
            self.call(id, Call::Commit(item))?;
        }
        Ok(())
    }

    fn finish(&mut self, id: &SessionId, status: ProgressStatus) -> Result<(), String> {
        let items = self.working.get(id).map(|it| it.items.clone());
        for item in items.unwrap_or_default() {
            // Some forget to say how an item ended.
            if self.rng.chance(7, 8) {
                self.call(id, Call::Progress(item, status, Progress::default()))?;
            }
        }
        // The process may have died meanwhile, and the session with it.
        match self.working.remove(id) {
            Some(_) => self.give(Command::Returned(id.clone(), Ok(()))),
            None => Ok(()),
        }
    }

    fn break_down(&mut self, id: &SessionId) -> Result<(), String> {
        self.working.remove(id);
        let codes = [
            Code::HandlerStopped,
            Code::Busy,
            Code::DiskFull,
            Code::Stopped,
        ];
        let code = self.rng.pick(&codes).copied().unwrap_or(Code::Stopped);
        self.give(Command::Returned(id.clone(), Err(Trouble::new(code))))
    }

    /// A program outside does something.
    pub(super) fn work_outside(&mut self) -> Result<(), String> {
        let n = self.rng.index(self.external.len());
        let picked = self.external.iter().nth(n).cloned();
        match picked {
            Some(id) if self.rng.chance(1, 3) => {
                self.external.remove(&id);
                self.ask(Control::CloseSession(id))
            }
            Some(id) if self.rng.chance(1, 2) => {
                let call = Box::new(Call::CanContinue(None));
                self.ask(Control::Call(id, call))
            }
            _ => {
                let handler = self.some_handler();
                let items = self.some_items(handler);
                let id = self.installed[handler].id.clone();
                self.ask(Control::CreateSession(id, items))?;
                for (_, answer) in &self.last_answers {
                    if let syncmgr_center::command::Answer::Call(CallReply::Session(id)) = answer {
                        self.external.insert(id.clone());
                        self.stats.n_external += 1;
                    }
                }
                Ok(())
            }
        }
    }

    /// Lets one of those at work finish; returns whether there was anything to do.
    pub(super) fn finish_one(&mut self) -> Result<bool, String> {
        if let Some(id) = self.working.keys().next().cloned() {
            self.finish(&id, ProgressStatus::Succeeded)?;
            return Ok(true);
        }
        if let Some(id) = self.external.pop_first() {
            self.ask(Control::CloseSession(id))?;
            return Ok(true);
        }
        // What a program outside was told and never did.
        if let Some(at) = self.state.next_wake() {
            self.now = Timestamp(self.now.0.max(at.0));
            self.give(Command::Tick)?;
            return Ok(true);
        }
        Ok(false)
    }
}
