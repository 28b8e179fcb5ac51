//! The runner: takes commands on a thread of its own, lets [`crate::state`] decide, carries the
//! effects out. Everybody else talks to it through a [`Handle`].
//!
//! Commands that wait are taken together, up to [`BATCH`], and what they want written down is one
//! transaction; nothing else of them happens before it is done. So a thousand small sessions cost a
//! few transactions, and still nothing begins that was not written down.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use syncmgr_model::event::{Event, Link};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::EventId;
use syncmgr_model::item::Item;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::schedule::{RunPolicy, Schedule};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use crate::agenda::Calendar;
use crate::command::{
    Accepted, Answer, Command, Control, Effect, Limits, Opening, Outcome, Refusal, Save, Ticket,
};
use crate::port::{Clock, Handlers, Notifier, Removed, Store, StoreError, Watches};
use crate::state::{State, handle};

/// Most commands taken together: more would keep the first of them waiting for its answer.
const BATCH: usize = 64;

/// Most things that are kept to be written down later, while the memory fails.
const OWED_MAX: usize = 10_000;

/// Least milliseconds between what the clock shows and what passed that count as a jump.
const JUMP_MS: i64 = 2000;

/// How often those who watch are woken while something runs, if they want that.
const TICK: Duration = Duration::from_millis(250);

/// How long the start waits for handlers to say what they are. One that takes longer is known by
/// what is remembered of it until it answers.
const START_PATIENCE: Duration = Duration::from_secs(5);

/// What arrives at the center's thread.
enum Letter {
    Command(Command),
    Control(Control, Sender<Answer>),
    Read(Box<Look>),
}

/// A look at the state and the store.
type Look = dyn FnOnce(&State, &mut dyn Store, Timestamp) + Send;

/// What the center works with.
pub struct Parts {
    /// Its memory.
    pub store: Box<dyn Store>,
    /// The handlers.
    pub handlers: Box<dyn Handlers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Those who watch.
    pub notifier: Box<dyn Notifier>,
    /// When the times of schedules fall.
    pub calendar: Arc<dyn Calendar + Send + Sync>,
    /// Watches folders.
    pub watches: Box<dyn Watches>,
    /// The saved items.
    pub saved: Vec<Item>,
    /// The schedules.
    pub schedules: Vec<Schedule>,
    /// What holds for the runs of items, by their names.
    pub policies: BTreeMap<String, RunPolicy>,
    /// Runs are started when they are due: the center stays.
    pub keeps_time: bool,
    /// Tells apart the ids that two processes make in one millisecond.
    pub random: u16,
    /// Limits.
    pub limits: Limits,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// The center is gone: it ended, or its memory failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the center has ended")]
pub struct Gone;

/// The way to the center. A clone leads to the same one. Any thread may use it.
#[derive(Clone)]
pub struct Handle {
    to: Sender<Letter>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

/// A start that was taken: its one outcome is still to come.
#[derive(Debug)]
pub struct Pending {
    /// How it was taken.
    pub accepted: Accepted,
    answers: Receiver<Answer>,
}

impl Pending {
    /// Waits for the outcome.
    ///
    /// # Errors
    /// [`Gone`] when the center ends before.
    pub fn wait(self) -> Result<Outcome, Gone> {
        loop {
            match self.answers.recv() {
                Ok(Answer::Outcome(outcome)) => return Ok(*outcome),
                Ok(_) => {}
                Err(_) => return Err(Gone),
            }
        }
    }
}

/// Why a start was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotStarted {
    /// The center refused it.
    Refused(Refusal),
    /// The center is gone.
    Gone,
}

impl Handle {
    /// Asks for something and waits for the answer; for a start, use [`Self::start`].
    ///
    /// # Errors
    /// [`Gone`].
    pub fn control(&self, control: Control) -> Result<Answer, Gone> {
        let (to, answers) = channel();
        self.to
            .send(Letter::Control(control, to))
            .map_err(|_| Gone)?;
        answers.recv().map_err(|_| Gone)
    }

    /// Asks for a start.
    ///
    /// # Errors
    /// When it is refused.
    pub fn start(&self, control: Control) -> Result<Pending, NotStarted> {
        let (to, answers) = channel();
        self.to
            .send(Letter::Control(control, to))
            .map_err(|_| NotStarted::Gone)?;
        match answers.recv() {
            Ok(Answer::Accepted(accepted)) => Ok(Pending { accepted, answers }),
            Ok(Answer::Refused(refusal)) => Err(NotStarted::Refused(refusal)),
            Ok(_) | Err(_) => Err(NotStarted::Gone),
        }
    }

    /// Asks for something without waiting; every answer goes to `to`.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn ask(&self, control: Control, to: Sender<Answer>) -> Result<(), Gone> {
        self.to.send(Letter::Control(control, to)).map_err(|_| Gone)
    }

    /// Looks at the state and the store, on the center's thread: keep it short.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&State, &mut dyn Store, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (to, answer) = channel();
        let look = Box::new(move |state: &State, store: &mut dyn Store, now| {
            drop(to.send(look(state, store, now)));
        });
        self.to.send(Letter::Read(look)).map_err(|_| Gone)?;
        answer.recv().map_err(|_| Gone)
    }

    /// Tells the center something without an answer.
    pub fn tell(&self, command: Command) {
        drop(self.to.send(Letter::Command(command)));
    }

    /// Ends the center: running sessions are asked to stop and waited for.
    pub fn close(&self) {
        self.tell(Command::Close);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            drop(thread.join());
        }
    }
}

/// Starts a center on a thread of its own. When this returns, sessions that a vanished process left
/// open have ended, and the handlers have been read, but for those that take too long.
///
/// # Errors
/// [`StoreError`] when the memory cannot be used.
pub fn start(mut parts: Parts) -> Result<Handle, StoreError> {
    let remembered = parts.store.remembered()?;
    let (to, inbox) = channel();
    let (commands, from_handlers) = channel();
    let collections = parts.handlers.collections();
    let opening = Opening {
        remembered,
        installed: parts.handlers.installed(),
        saved: std::mem::take(&mut parts.saved),
        schedules: std::mem::take(&mut parts.schedules),
        policies: std::mem::take(&mut parts.policies),
        keeps_time: parts.keeps_time,
        random: parts.random,
        limits: parts.limits,
    };
    let mut runner = Runner {
        state: State::new(parts.calendar),
        watches: parts.watches,
        store: parts.store,
        handlers: parts.handlers,
        clock: parts.clock,
        notifier: parts.notifier,
        commands,
        asking: HashMap::new(),
        next_ticket: 0,
        owed: Vec::new(),
        last_look: None,
    };
    runner.take_all(vec![Command::Open(Box::new(opening))])?;
    for id in &collections {
        runner.handlers.load_collection(id, &runner.commands);
    }
    runner.read_all(&from_handlers, collections.len())?;
    forward(from_handlers, to.clone());
    let thread = std::thread::Builder::new()
        .name("center".to_owned())
        .spawn(move || runner.work(&inbox))
        .map_err(|error| StoreError {
            step: "start",
            place: "a thread".to_owned(),
            detail: error.to_string(),
        })?;
    Ok(Handle {
        to,
        thread: Arc::new(Mutex::new(Some(thread))),
    })
}

/// Passes on what handlers say.
fn forward(from: Receiver<Command>, to: Sender<Letter>) {
    // Ends when either side is gone.
    let work = move || {
        for command in from {
            if to.send(Letter::Command(command)).is_err() {
                return;
            }
        }
    };
    drop(
        std::thread::Builder::new()
            .name("reports".to_owned())
            .spawn(work),
    );
}

struct Runner {
    state: State,
    store: Box<dyn Store>,
    handlers: Box<dyn Handlers>,
    watches: Box<dyn Watches>,
    clock: Arc<dyn Clock>,
    notifier: Box<dyn Notifier>,
    commands: Sender<Command>,
    asking: HashMap<Ticket, Sender<Answer>>,
    next_ticket: u64,
    /// What could not be written down yet.
    owed: Vec<Save>,
    /// What the clock showed, and how much time had passed, when it was last looked at.
    last_look: Option<(Timestamp, u64)>,
}

impl Runner {
    fn work(mut self, inbox: &Receiver<Letter>) {
        while !self.state.is_closed() {
            let first = match self.patience() {
                Some(patience) => match inbox.recv_timeout(patience) {
                    Ok(letter) => letter,
                    Err(RecvTimeoutError::Timeout) => Letter::Command(Command::Tick),
                    Err(RecvTimeoutError::Disconnected) => return,
                },
                None => match inbox.recv() {
                    Ok(letter) => letter,
                    Err(_) => return,
                },
            };
            let mut batch = Vec::new();
            let mut next = Some(first);
            while let Some(letter) = next.take() {
                match letter {
                    Letter::Command(command) => batch.push(command),
                    Letter::Control(control, to) => batch.push(self.ticketed(control, to)),
                    Letter::Read(look) => {
                        // It sees everything that was said before it.
                        self.take_batch(std::mem::take(&mut batch));
                        look(&self.state, &mut *self.store, self.clock.now());
                    }
                }
                if batch.len() < BATCH {
                    next = inbox.try_recv().ok();
                }
            }
            self.take_batch(batch);
        }
    }

    /// Takes what handlers answer at the start, until every one has been read.
    fn read_all(
        &mut self,
        inbox: &Receiver<Command>,
        n_collections: usize,
    ) -> Result<(), StoreError> {
        let mut n_unread = n_collections;
        let until =
            self.clock.elapsed_ms() + u64::try_from(START_PATIENCE.as_millis()).unwrap_or(0);
        while n_unread > 0 || self.state.is_loading() {
            let left = until.saturating_sub(self.clock.elapsed_ms());
            let Ok(command) = inbox.recv_timeout(Duration::from_millis(left)) else {
                break;
            };
            if matches!(command, Command::CollectionLoaded(..)) {
                n_unread = n_unread.saturating_sub(1);
            }
            self.take_all(vec![command])?;
        }
        Ok(())
    }

    fn ticketed(&mut self, control: Control, to: Sender<Answer>) -> Command {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.asking.insert(ticket, to);
        Command::Control(ticket, control)
    }

    /// Returns how long nothing may come before time itself is news.
    fn patience(&self) -> Option<Duration> {
        let now = self.clock.now();
        let until = self.state.next_wake().map(|at| {
            // One more millisecond, because a wait may end a little early.
            let ms = at.0.saturating_sub(now.0).max(0).saturating_add(1);
            Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX))
        });
        let ticks = (self.state.n_running() > 0 && self.notifier.wants_ticks()).then_some(TICK);
        match (until, ticks) {
            (Some(until), Some(tick)) => Some(until.min(tick)),
            (until, tick) => until.or(tick),
        }
    }

    /// Takes commands. When the memory fails, what was to run does not: each such session ends as
    /// failed with that reason, and so its request still gets its one result.
    fn take_batch(&mut self, batch: Vec<Command>) {
        // The failure is in the results; there is nobody else to tell here.
        drop(self.take_all(batch));
    }

    fn take_all(&mut self, batch: Vec<Command>) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let jump = self.jump(now).map(Command::ClockJumped);
        let mut saves: Vec<Save> = Vec::new();
        let mut effects = Vec::new();
        for command in jump.into_iter().chain(batch) {
            let mut is_written = false;
            for effect in handle(&mut self.state, command, now) {
                if let Effect::Save(mut more) = effect {
                    is_written = true;
                    saves.append(&mut more);
                } else {
                    effects.push((effect, is_written));
                }
            }
        }
        let saved = self.write_down(saves);
        for (effect, is_written) in effects {
            let failed = saved.as_ref().err().filter(|_| is_written);
            self.carry_out(effect, failed, now);
        }
        saved
    }

    /// Writes down, after what is owed. What fails is owed: it is tried again with the next, so that
    /// a disk that was full for a while leaves no hole in history.
    fn write_down(&mut self, saves: Vec<Save>) -> Result<(), StoreError> {
        if saves.is_empty() {
            return Ok(());
        }
        let mut all = std::mem::take(&mut self.owed);
        all.extend(saves);
        let saved = self.store.save(&all);
        if saved.is_err() {
            all.truncate(OWED_MAX);
            self.owed = all;
        }
        saved
    }

    /// Returns by how many milliseconds the clock jumped since the last look.
    fn jump(&mut self, now: Timestamp) -> Option<i64> {
        let elapsed = self.clock.elapsed_ms();
        let (then, before) = self.last_look.replace((now, elapsed))?;
        let passed = i64::try_from(elapsed.saturating_sub(before)).unwrap_or(i64::MAX);
        let jump = now.0.saturating_sub(then.0).saturating_sub(passed);
        (jump.abs() >= JUMP_MS).then_some(jump)
    }

    fn carry_out(&mut self, effect: Effect, failed: Option<&StoreError>, now: Timestamp) {
        match effect {
            // Written down before anything else.
            Effect::Save(_) => {}
            Effect::Load(handler, saved) => self.handlers.load(&handler, &saved, &self.commands),
            Effect::LoadItem(key) => self.handlers.load_item(&key, &self.commands),
            Effect::LoadCollection(id) => self.handlers.load_collection(&id, &self.commands),
            Effect::Run(dispatch) => match failed {
                // What cannot be written down must not begin.
                Some(error) => {
                    let trouble = Trouble::new(Code::HistoryUnusable).with("detail", error);
                    let ended = Command::Returned(dispatch.session.clone(), Err(trouble));
                    drop(self.commands.send(ended));
                }
                None => self.handlers.run(*dispatch, &self.commands),
            },
            Effect::Cancel(session, item) => self.handlers.cancel(&session, item.as_ref()),
            Effect::Abandon(session) => self.handlers.abandon(&session),
            Effect::Tell(id, handler, item, change) => {
                self.handlers
                    .tell(id, &handler, item.as_ref(), change, &self.commands);
            }
            Effect::Show(id, handler, item, operation) => {
                self.handlers
                    .show(id, &handler, item.as_ref(), operation, &self.commands);
            }
            Effect::Raise(id) => self.handlers.raise(id),
            Effect::LoadEvents(handler, stores) => {
                self.handlers.load_events(&handler, &stores, &self.commands);
            }
            Effect::CountConflicts(handler, items, scope) => {
                self.handlers
                    .count_conflicts(&handler, items, scope, &self.commands);
            }
            Effect::RemoveConflicts(id, handler, items, item, ids) => {
                let which = Removed {
                    handler,
                    items,
                    item,
                    ids,
                };
                self.handlers.remove_conflicts(id, which, &self.commands);
            }
            Effect::RemoveEvents(handler, events) => {
                self.handlers.remove_events(&handler, &events);
            }
            Effect::Watch(items) => self.watches.watch(&items, &self.commands),
            Effect::Notify(update) => self.notifier.notify(&update, &self.state, now),
            Effect::Reply(call, answer) => self.handlers.reply(call, answer),
            Effect::Answer(ticket, answer) => {
                let answer = match failed {
                    Some(error) => not_written(answer, error),
                    None => answer,
                };
                self.answer(ticket, answer);
            }
        }
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) {
        // A start has a second answer to come; every other answer is the last.
        let is_last = !matches!(answer, Answer::Accepted(_));
        if is_last {
            if let Some(to) = self.asking.remove(&ticket) {
                drop(to.send(answer));
            }
        } else if let Some(to) = self.asking.get(&ticket) {
            drop(to.send(answer));
        }
    }
}

/// Turns an answer into one that says that what it tells of could not be written down.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other answer tells of nothing that was to be written down"
)]
fn not_written(answer: Answer, error: &StoreError) -> Answer {
    let trouble = Trouble::new(Code::HistoryUnusable).with("detail", error);
    match answer {
        Answer::Done => Answer::Refused(Refusal {
            code: Hresult::Failed,
            trouble,
        }),
        Answer::Outcome(mut outcome) => {
            outcome.status = ProgressStatus::Failed;
            outcome.record.status = Some(ProgressStatus::Failed);
            outcome.n_errors += 1;
            outcome.events.push(Event {
                id: EventId(0),
                handler: outcome.record.handler.clone(),
                item: None,
                session: Some(outcome.record.id.clone()),
                at: outcome.record.ended.unwrap_or(outcome.record.started),
                trouble,
                link: Link::default(),
                context: None,
            });
            Answer::Outcome(outcome)
        }
        other => other,
    }
}
