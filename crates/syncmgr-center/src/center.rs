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
