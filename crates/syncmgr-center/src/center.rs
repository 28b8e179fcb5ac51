//! The runner: takes commands, lets [`crate::state`] decide, carries the effects out.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use syncmgr_model::id::SessionId;
use syncmgr_model::item::Item;
use syncmgr_model::progress::CancelRequest;
use syncmgr_model::request::{Intent, Work};

use crate::command::{Command, Effect, Outcome, Start, Ticket};
use crate::port::{Clock, Handlers, Notifier, Store, StoreError};
use crate::state::{State, handle};

/// How often those who watch are woken when nothing else happens.
const TICK: Duration = Duration::from_millis(250);

/// The center: its state, its ports, and the way commands reach it.
pub struct Center {
    state: State,
    store: Box<dyn Store>,
    handlers: Box<dyn Handlers>,
    clock: Arc<dyn Clock>,
    notifier: Box<dyn Notifier>,
    inbox: Receiver<Command>,
    sender: Sender<Command>,
    next_ticket: u64,
    answers: Vec<(Ticket, Outcome)>,
}

impl std::fmt::Debug for Center {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Center")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Center {
    /// Starts a center and ends the sessions that a vanished process left open.
    ///
    /// # Errors
    /// [`StoreError`] when the memory cannot be used.
    pub fn open(
        mut store: Box<dyn Store>,
        handlers: Box<dyn Handlers>,
        clock: Arc<dyn Clock>,
        notifier: Box<dyn Notifier>,
    ) -> Result<Self, StoreError> {
        let (sender, inbox) = channel();
        let abandoned = store.abandoned()?;
        let mut center = Self {
            state: State::default(),
            store,
            handlers,
            clock,
            notifier,
            inbox,
            sender,
            next_ticket: 0,
            answers: Vec::new(),
        };
        center.take(Command::Open(abandoned))?;
        Ok(center)
    }

    /// Returns a way to send commands, for handlers and signals.
    #[must_use]
    pub fn sender(&self) -> Sender<Command> {
        self.sender.clone()
    }

    /// Returns the memory, for questions.
    pub fn store(&mut self) -> &mut dyn Store {
        &mut *self.store
    }

    /// Runs one session and returns its result; commands that come in between are handled too.
    /// `random` tells apart the ids of sessions of one second.
    ///
    /// # Errors
    /// [`StoreError`] when the memory fails. If that happens while the handler works, it is asked
    /// to stop and waited for first, so that the program never ends in the middle of its work.
    pub fn run(
        &mut self,
        item: Item,
        work: Work,
        intent: Intent,
        random: u16,
    ) -> Result<Outcome, StoreError> {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let session = SessionId::at(self.clock.now(), random);
        let start = Start {
            ticket,
            session: session.clone(),
            item,
            work,
            intent,
        };
        self.take(Command::Start(Box::new(start)))?;
        let mut failed = None;
        loop {
            if let Some(at) = self.answers.iter().position(|(t, _)| *t == ticket) {
                let (_, outcome) = self.answers.swap_remove(at);
                return failed.map_or(Ok(outcome), Err);
            }
            let command = match self.inbox.recv_timeout(TICK) {
                Ok(command) => command,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Command::Tick,
            };
            if let Err(error) = self.take(command) {
                self.handlers.cancel(&session, CancelRequest::All);
                failed.get_or_insert(error);
            }
        }
    }

    /// Carries out every effect of a command. A failing memory does not keep the others back: the
    /// answer must arrive; the first failure is returned.
    fn take(&mut self, command: Command) -> Result<(), StoreError> {
        let mut result = Ok(());
        for effect in handle(&mut self.state, command, self.clock.now()) {
            match effect {
                Effect::Save(saves) => {
                    let saved = self.store.save(&saves);
                    result = result.and(saved);
                }
                // What cannot be written down must not begin.
                Effect::Run(_) if result.is_err() => {}
                Effect::Run(start) => self.handlers.run(*start, self.sender.clone()),
                Effect::Cancel(session, scope) => self.handlers.cancel(&session, scope),
                Effect::Notify(update) => self.notifier.notify(&update),
                Effect::Answer(ticket, outcome) => self.answers.push((ticket, *outcome)),
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use syncmgr_model::event::Event;
    use syncmgr_model::id::{HandlerId, ItemId};
    use syncmgr_model::item::Settings;
    use syncmgr_model::progress::ProgressStatus;
    use syncmgr_model::record::SessionRecord;
    use syncmgr_model::time::Timestamp;

    use super::*;
    use crate::command::{Report, Save, Update};
    use crate::port::SessionQuery;

    /// A memory that fails from the nth write on.
    struct Memory {
        writes_left: u32,
    }

    impl Store for Memory {
        fn save(&mut self, _changes: &[Save]) -> Result<(), StoreError> {
            if self.writes_left == 0 {
                return Err(StoreError {
                    step: "write",
                    place: "nowhere".into(),
                    detail: "full".into(),
                });
            }
            self.writes_left -= 1;
            Ok(())
        }
        fn abandoned(&mut self) -> Result<Vec<SessionRecord>, StoreError> {
            Ok(Vec::new())
        }
        fn items(&mut self) -> Result<Vec<Item>, StoreError> {
            Ok(Vec::new())
        }
        fn sessions(&mut self, _: &SessionQuery) -> Result<Vec<SessionRecord>, StoreError> {
            Ok(Vec::new())
        }
        fn session(&mut self, _: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
            Ok(None)
        }
        fn events(&mut self, _: &SessionId) -> Result<Vec<Event>, StoreError> {
            Ok(Vec::new())
        }
        fn forget(&mut self, _: &ItemId) -> Result<(), StoreError> {
            Ok(())
        }
    }

    /// A handler that succeeds at once.
    #[derive(Clone, Default)]
    struct Quick(Arc<Mutex<u32>>);

    impl Handlers for Quick {
        fn run(&self, start: Start, to: Sender<Command>) {
            *self.0.lock().unwrap() += 1;
            let say = |report| {
                to.send(Command::Report(start.session.clone(), report))
                    .unwrap();
            };
            say(Report::Status(ProgressStatus::Succeeded));
            say(Report::Ended(Ok(())));
        }
        fn cancel(&self, _: &SessionId, _: CancelRequest) {}
    }

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }
        fn elapsed_ms(&self) -> u64 {
            0
        }
    }

    impl Notifier for Still {
        fn notify(&mut self, _: &Update) {}
    }

    /// Runs one session over a memory that takes so many writes; returns whether there was a
    /// result, and how often the handler was started.
    fn run(writes: u32) -> (bool, u32) {
        let quick = Quick::default();
        let memory = Memory {
            writes_left: writes,
        };
        let mut center = Center::open(
            Box::new(memory),
            Box::new(quick.clone()),
            Arc::new(Still),
            Box::new(Still),
        )
        .unwrap();
        let item = Item {
            id: ItemId::new("i").unwrap(),
            handler: HandlerId::new("files").unwrap(),
            name: None,
            settings: Settings::default(),
            is_enabled: true,
        };
        let work = Work::Sync {
            is_full: false,
            release: None,
        };
        let result = center.run(item, work, Intent::Apply, 0);
        let n_started = *quick.0.lock().unwrap();
        (result.is_ok(), n_started)
    }

    #[test]
    fn what_cannot_be_written_down_does_not_begin() {
        assert_eq!(run(0), (false, 0));
        assert_eq!(run(1), (false, 1), "its end could not be written");
        assert_eq!(run(2), (true, 1));
    }
}
