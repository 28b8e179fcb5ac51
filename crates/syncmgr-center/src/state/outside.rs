//! Sessions of programs outside (spec 107): begun while they work, or told after their end.
//!
//! ```text
//!  begun ──► open ──► ended by its program
//!              ├────► silent for too long: ended as failed ("interrupted")
//!              └────► the center went: the same
//!  told after its end ──► written down with its real times; what was said of it before (that it was
//!                         interrupted, say) is replaced
//! ```

use syncmgr_model::event::{Link, NewEvent};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::progress::{Phase, Progress, ProgressStatus};
use syncmgr_model::request::{Origin, WorkKind};
use syncmgr_model::trouble::{Code, Trouble};

use super::run::{Run, Stage};
use super::{State, Turn, key};
use crate::agenda::End;
use crate::command::{
    Answer, Call, CallReply, Outside, Past, Refusal, Save, StartOptions, Ticket, Update,
};

fn options() -> StartOptions {
    StartOptions {
        origin: Origin::External,
        ..StartOptions::default()
    }
}

impl State {
    /// Begins a session for a program outside over items that are known.
    pub(super) fn begin_external(
        &mut self,
        handler: &HandlerId,
        items: Vec<ItemId>,
        turn: &mut Turn,
    ) -> Result<SessionId, Hresult> {
        self.check_items(handler, &items)?;
        if self.is_closing {
            return Err(Hresult::Failed);
        }
        let id = self.new_session_id(turn.now);
        self.open_outside(&id, handler, items, turn);
        Ok(id)
    }

    fn open_outside(
        &mut self,
        id: &SessionId,
        handler: &HandlerId,
        items: Vec<ItemId>,
        turn: &mut Turn,
    ) {
        self.open_as(id, handler, items, options(), turn);
        if let Some(run) = self.runs.get_mut(id) {
            run.is_external = true;
        }
        self.note_started(id, turn);
        self.watch_over(id);
        self.serve_signalled(id, turn);
    }

    /// Begins a session for a program outside that says what it works on.
    pub(super) fn begin_outside(&mut self, ticket: Ticket, outside: Outside, turn: &mut Turn) {
        if let Err(refusal) = self.known_handler(&outside.item.handler) {
            return turn.answer(ticket, Answer::Refused(refusal));
        }
        if self.is_closing {
            return self.answer_call(ticket, Err(Hresult::Failed), turn);
        }
        let key = key(&outside.item.handler, &outside.item.id);
        if let Some(id) = &outside.session
            && let Some(run) = self.runs.get(id)
        {
            let is_same = run.is_external && run.handler == key.handler && run.has(&key.item);
            let answer = if is_same {
                Ok(CallReply::Session(id.clone()))
            } else {
                Err(Hresult::InvalidArgument)
            };
            return self.answer_call(ticket, answer, turn);
        }
        self.make_known(&outside.item, turn);
        let id = match outside.session {
            Some(id) => id,
            None => self.new_session_id(turn.now),
        };
        self.open_outside(&id, &key.handler, vec![key.item.clone()], turn);
        // Its program works, whatever it says of that later.
        let working = Progress {
            phase: Phase::Copying,
            ..Progress::default()
        };
        let status = ProgressStatus::UpdatingIndeterminate;
        drop(self.called(&id, Call::Progress(key.item, status, working), turn));
        self.answer_call(ticket, Ok(CallReply::Session(id)), turn);
    }

    /// Makes an item known that nobody saved; one that is known stays as it is.
    fn make_known(&mut self, item: &Item, turn: &mut Turn) {
        let key = key(&item.handler, &item.id);
        let is_known = self.items.get(&key);
        if is_known.is_some_and(|entry| !entry.memory.is_gone) {
            return;
        }
        self.adopt(item, turn);
        turn.save(Save::Item(item.clone()));
        if let Some(entry) = self.items.get_mut(&key) {
            if entry.memory.name.is_empty() {
                item.label().clone_into(&mut entry.memory.name);
            }
            turn.save(Save::Memory(Box::new(entry.memory.clone())));
        }
    }

    /// Takes in a run that is over.
    pub(super) fn take_in(&mut self, mut past: Past, turn: &mut Turn) -> Result<(), Refusal> {
        let handler = past.item.handler.clone();
        self.known_handler(&handler)?;
        if past.ended < past.began {
            past.ended = past.began;
        }
        if !past.status.is_terminal() {
            past.status = ProgressStatus::Failed;
        }
        let replaced = std::mem::take(&mut past.replaces);
        if !replaced.is_empty() {
            self.remove_events(&handler, replaced, turn)?;
        }
        if self.runs.contains_key(&past.session) {
            return self.end_outside(past, turn);
        }
        self.make_known(&past.item, turn);
        self.record_past(past, turn);
        Ok(())
    }

    /// The session is open here: its program could not reach the center for a while.
    fn end_outside(&mut self, past: Past, turn: &mut Turn) -> Result<(), Refusal> {
        let id = past.session;
        let run = self.runs.get(&id).filter(|run| run.is_external);
        let run = run.filter(|run| run.handler == past.item.handler && run.has(&past.item.id));
        let Some(run) = run else {
            return Err(Self::refusal(
                Hresult::InvalidArgument,
                Trouble::new(Code::NotFound)
                    .with("what", "session of another program")
                    .with("name", &id),
            ));
        };
        let told: Vec<_> = run.events.iter().map(|it| it.trouble.clone()).collect();
        let key = key(&run.handler, &past.item.id);
        let item = past.item.id;
        let news = past.events.into_iter().map(|(_, trouble)| trouble);
        let calls = news
            .filter(|trouble| !told.contains(trouble))
            .map(|trouble| Call::Event(Box::new(said(&item, trouble))))
            .chain([
                Call::Summary(item.clone(), past.summary),
                Call::Progress(item.clone(), past.status, Progress::default()),
            ])
            .collect::<Vec<_>>();
        for call in calls {
            // It has the item, and is open: nothing of this can be refused, except a second end.
            drop(self.called(&id, call, turn));
        }
        // With the time it really ended at, by which it is known again.
        let now = std::mem::replace(&mut turn.now, past.ended);
        self.end(&id, Ok(()), turn);
        turn.now = now;
        self.look_at(&key, turn);
        Ok(())
    }

    /// Writes a run down that is over, as if it had been there all the time.
    fn record_past(&mut self, past: Past, turn: &mut Turn) {
        let key = key(&past.item.handler, &past.item.id);
        let item = key.item.clone();
        let mut run = Run::new(
            past.session.clone(),
            key.handler.clone(),
            vec![item.clone()],
            options(),
            past.began,
        );
        run.stage = Stage::Open;
        run.is_external = true;
        run.take_up();
        if let Some(part) = run.parts.get_mut(&item) {
            part.status = Some(past.status);
            part.summary = past.summary;
        }
        let mut events = Vec::new();
        for (at, trouble) in past.events {
            let new = said(&item, trouble);
            let event = self.make_event(&key.handler, Some(&past.session), new, at);
            if run.keep(&event) {
                events.push(event);
            }
        }
        let record = run.record(Some(past.ended));
        turn.save(Save::Ended(record.clone()));
        for event in events {
            turn.save(Save::Event(event.clone()));
            turn.notify(Update::Event(Box::new(event)));
        }
        // What a later run said of the item stays.
        let is_newest = self.items.get(&key).is_some_and(|entry| {
            let last = entry.memory.last_session.as_ref();
            last.is_none_or(|last| *last <= past.session)
        });
        if is_newest {
            self.settle_events(&run, &record, turn);
            self.take_results(&run, &record, turn);
        } else if past.status == ProgressStatus::Succeeded
            && let Some(entry) = self.items.get_mut(&key)
        {
            entry.memory.last_sync = entry.memory.last_sync.max(Some(past.ended));
            turn.save(Save::Memory(Box::new(entry.memory.clone())));
        }
        self.tell_agenda_of_past(&run, &key, past.status, record.ended, turn);
        turn.touch(&key);
        turn.notify(Update::Ended(past.session));
        if is_newest && past.status == ProgressStatus::Succeeded {
            self.tell_after(&key, turn);
        }
    }

    fn tell_agenda_of_past(
        &mut self,
        run: &Run,
        key: &ItemKey,
        status: ProgressStatus,
        ended: Option<syncmgr_model::time::Timestamp>,
        turn: &mut Turn,
    ) {
        if run.work.kind() != WorkKind::Sync {
            return;
        }
        let end: End = self.end_of(run, key, Some(status));
        let at = ended.unwrap_or(turn.now);
        self.with_agenda(key, turn.now, |agenda, _, rules| {
            agenda.ended_before(at, end, rules.policy);
        });
        self.save_agenda(key, turn);
        self.look_at(key, turn);
    }
}

fn said(item: &ItemId, trouble: Trouble) -> NewEvent {
    NewEvent {
        item: Some(item.clone()),
        trouble,
        link: Link::default(),
        context: None,
    }
}
