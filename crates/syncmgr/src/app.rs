//! What a command works with: folders, saved syncs, the center, and the way to find what a person
//! names.

mod target;

pub(crate) use target::{apply, set_one};

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use syncmgr_calendar::Calendar;
use syncmgr_center::center::{self, Handle, NotStarted, Parts};
use syncmgr_center::command::{Answer, Control, Limits, Outcome, Scope, StartOptions};
use syncmgr_center::port::{Clock as _, EventQuery, SessionQuery, Store, StoreError, Unwatched};
use syncmgr_center::state::State;
use syncmgr_engine::clock::SystemClock;
use syncmgr_handlers::files::{FilesFactory, FilesHandler, place};
use syncmgr_host::InProcess;
use syncmgr_model::event::{Event, EventLevel};
use syncmgr_model::id::{HandlerId, ItemKey, SessionId};
use syncmgr_model::item::{Item, SettingSpec};
use syncmgr_model::progress::{Phase, Progress};
use syncmgr_model::record::SessionRecord;
use syncmgr_model::request::{Intent, Work};
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::status::{self, Facts, Status};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{Handler, HandlerFactory};
use syncmgr_store::SqliteStore;
use syncmgr_store::config::Config;

use crate::clock::MachineClock;
use crate::dirs::Dirs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui::Ui;
use crate::ui::progress::ProgressView;

/// What a command works with.
pub(crate) struct App {
    /// Where things are kept.
    pub(crate) dirs: Dirs,
    /// Where things are printed.
    pub(crate) ui: Ui,
    clock: Arc<MachineClock>,
    host: InProcess,
    files: Arc<FilesHandler>,
    center: Option<Handle>,
    /// Options of this command that decide what a plan does, for hints that name the plan.
    pub(crate) one_off: String,
    /// A session runs, so a signal asks it to stop instead of ending the program.
    is_running: Arc<AtomicBool>,
}

/// What a center that stays is built from.
pub(crate) struct Built {
    /// The time.
    pub(crate) clock: Arc<MachineClock>,
    /// The handlers.
    pub(crate) host: InProcess,
    /// The built-in one.
    pub(crate) files: Arc<FilesHandler>,
}

/// The state of one item.
pub(crate) struct ItemState {
    /// Its status.
    pub(crate) status: Status,
    /// The status in words.
    pub(crate) words: String,
    /// The last session that counts.
    pub(crate) last: Option<SessionRecord>,
    /// Why it is not fine, when a session said so.
    pub(crate) reason: Option<Trouble>,
}

impl App {
    /// Builds the app. Opens nothing yet.
    #[must_use]
    pub(crate) fn new(dirs: Dirs, ui: Ui) -> Self {
        let clock = Arc::new(MachineClock::start());
        let files = Arc::new(FilesHandler::new(
            dirs.state.join("files"),
            dirs.home.clone(),
            Arc::new(SystemClock),
        ));
        let factory = FilesFactory::new(Arc::clone(&files));
        let factories = vec![Arc::new(factory) as Arc<dyn HandlerFactory>];
        Self {
            host: InProcess::new(factories, Vec::new(), Arc::clone(&clock) as _),
            dirs,
            ui,
            clock,
            files,
            center: None,
            one_off: String::new(),
            is_running: Arc::default(),
        }
    }

    /// Returns what a center that stays is built from. The state folder is there afterwards.
    ///
    /// # Errors
    /// The state folder cannot be made.
    pub(crate) fn built(&self) -> Result<Built, CliError> {
        self.make_state_dir()?;
        Ok(Built {
            clock: Arc::clone(&self.clock),
            host: self.host.clone(),
            files: Arc::clone(&self.files),
        })
    }

    /// Returns the time of day.
    #[must_use]
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the path of the configuration file.
    #[must_use]
    pub(crate) fn config_path(&self) -> PathBuf {
        self.dirs.config.join("config.toml")
    }

    /// Reads the configuration file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn config(&self) -> Result<Config, CliError> {
        Ok(Config::load(&self.config_path())?)
    }

    /// Returns the settings a handler understands.
    #[must_use]
    pub(crate) fn specs(&self, handler: &HandlerId) -> Option<&'static [SettingSpec]> {
        self.host
            .factory(handler)
            .ok()
            .map(|factory| factory.settings())
    }

    /// Returns the saved syncs.
    ///
    /// # Errors
    /// When the file has a mistake.
    pub(crate) fn saved(&self) -> Result<Vec<Item>, CliError> {
        Ok(self.config()?.items(&|handler| self.specs(handler))?)
    }

    /// Returns every sync there is: the saved ones, then the folders that were synced without
    /// being saved.
    ///
    /// # Errors
    /// When configuration or history cannot be read.
    pub(crate) fn known(&mut self) -> Result<Vec<Item>, CliError> {
        let mut items = self.saved()?;
        let run_before = self.read(|_, store, _| store.items())??;
        for item in run_before {
            if items.iter().all(|known| known.id != item.id) {
                items.push(Item { name: None, ..item });
            }
        }
        Ok(items)
    }

    /// Returns the way to the center, which is started at the first call.
    ///
    /// # Errors
    /// When the state folder cannot be used.
    pub(crate) fn center(&mut self) -> Result<&Handle, CliError> {
        if self.center.is_none() {
            self.center = Some(self.open_center()?);
        }
        self.center
            .as_ref()
            .ok_or_else(|| CliError::new(Exit::Bug, "the center did not start"))
    }

    /// Looks at the state of the center and its store.
    ///
    /// # Errors
    /// When the center cannot be started, or has ended.
    pub(crate) fn read<T: Send + 'static>(
        &mut self,
        look: impl FnOnce(&State, &mut dyn Store, Timestamp) -> T + Send + 'static,
    ) -> Result<T, CliError> {
        Ok(self.center()?.read(look)?)
    }

    /// Returns sessions, newest first.
    ///
    /// # Errors
    /// When history cannot be read.
    pub(crate) fn sessions(&mut self, query: SessionQuery) -> Result<Vec<SessionRecord>, CliError> {
        Ok(self.read(move |_, store, _| store.sessions(&query))??)
    }

    /// Returns the results of a session in order.
    ///
    /// # Errors
    /// When history cannot be read.
    pub(crate) fn events_of(&mut self, session: &SessionId) -> Result<Vec<Event>, CliError> {
        let query = EventQuery {
            session: Some(session.clone()),
            ..EventQuery::default()
        };
        let mut events = self.read(move |_, store, _| store.events(&query))??;
        events.reverse();
        Ok(events)
    }

    /// Returns what a session gave as the reason for not doing all of its work.
    ///
    /// # Errors
    /// When history cannot be read.
    pub(crate) fn reason(&mut self, session: &SessionId) -> Result<Option<Trouble>, CliError> {
        let events = self.events_of(session)?;
        let mut troubles = events.into_iter().map(|event| event.trouble);
        Ok(troubles.find(|trouble| trouble.level == EventLevel::Error))
    }

    /// Asks the center for something that is answered at once.
    ///
    /// # Errors
    /// When it refuses.
    pub(crate) fn control(&mut self, control: Control) -> Result<Answer, CliError> {
        match self.center()?.control(control)? {
            Answer::Refused(refusal) => Err(refusal.trouble.into()),
            answer => Ok(answer),
        }
    }

    /// Ends the center, if it was started: what it has to write is written then.
    pub(crate) fn close(&mut self) {
        if let Some(center) = self.center.take() {
            center.close();
        }
    }

    fn make_state_dir(&self) -> Result<(), CliError> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dirs.state)
            .map_err(|error| {
                let place = place::shown(&self.dirs.state, None);
                CliError::new(Exit::Failed, format!("cannot create `{place}`: {error}"))
                    .hint("set SYNCMGR_STATE_DIR to a folder you can write to")
            })
    }

    fn open_center(&self) -> Result<Handle, CliError> {
        self.make_state_dir()?;
        let store = SqliteStore::open(&self.dirs.state)?;
        if let Some(aside) = store.was_set_aside() {
            self.ui.complain(format!(
                "warning: the history could not be read and begins anew; what there was is kept as {}",
                place::shown(aside, self.dirs.home.as_deref())
            ));
            self.ui.complain(
                "  No file is affected. Folders synced without a name are listed again after their next sync.",
            );
        }
        let view = ProgressView::new(&self.ui, Arc::clone(&self.clock) as _);
        let center = center::start(Parts {
            store: Box::new(store),
            handlers: Box::new(self.host.clone()),
            clock: Arc::clone(&self.clock) as _,
            notifier: Box::new(view),
            calendar: Arc::new(Calendar::of_this_machine()),
            watches: Box::new(Unwatched),
            // A command runs what it was asked for and nothing else.
            schedules: Vec::new(),
            policies: BTreeMap::new(),
            keeps_time: false,
            // A mistake in the file is told by the command that needs it.
            saved: self.saved().unwrap_or_default(),
            random: random(),
            limits: Limits::default(),
        })?;
        listen_to_signals(center.clone(), Arc::clone(&self.is_running));
        Ok(center)
    }

    /// Runs one session on an item. A run that could not do its work is an outcome, not an error.
    ///
    /// # Errors
    /// When history cannot be written.
    pub(crate) fn run(
        &mut self,
        item: &Item,
        work: Work,
        intent: Intent,
    ) -> Result<Outcome, CliError> {
        self.ui.set_sides(self.places(item));
        let options = StartOptions {
            work,
            intent,
            ..StartOptions::default()
        };
        let start = Control::StartWith(Box::new(item.clone()), Box::new(options));
        self.center()?;
        self.is_running.store(true, Ordering::SeqCst);
        let outcome = match self.center()?.start(start) {
            Ok(pending) => pending.wait().map_err(CliError::from),
            Err(NotStarted::Refused(refusal)) => Err(refusal.trouble.into()),
            Err(NotStarted::Gone) => Err(center::Gone.into()),
        };
        self.is_running.store(false, Ordering::SeqCst);
        outcome
    }

    /// Runs a preview and returns it.
    ///
    /// # Errors
    /// Also when the preview could not be made: then with the message that says why.
    pub(crate) fn preview(
        &mut self,
        item: &Item,
        work: Work,
    ) -> Result<syncmgr_model::preview::Preview, CliError> {
        let outcome = self.run(item, work, Intent::Preview)?;
        if let Some(preview) = outcome.preview() {
            return Ok(preview.clone());
        }
        let trouble = outcome.events.into_iter().last().map(|event| event.trouble);
        Err(trouble
            .unwrap_or_else(|| Trouble::new(Code::Stopped))
            .into())
    }

    /// Returns the handler of an item.
    ///
    /// # Errors
    /// `handler-unknown`.
    pub(crate) fn handler(&self, item: &Item) -> Result<Box<dyn Handler>, CliError> {
        Ok(self.host.handler(&item.handler)?)
    }

    /// Returns the folders of an item, absolute.
    ///
    /// # Errors
    /// When its settings cannot be used.
    pub(crate) fn folders(&self, item: &Item) -> Result<PerSide<PathBuf>, CliError> {
        let chosen = self.files.chosen(item)?;
        Ok(PerSide {
            left: chosen.left,
            right: chosen.right,
        })
    }

    /// Returns what the folders of an item are called when people see them.
    #[must_use]
    pub(crate) fn places(&self, item: &Item) -> PerSide<String> {
        match self.folders(item) {
            Ok(folders) => {
                PerSide::from_fn(|side| place::shown(&folders[side], self.dirs.home.as_deref()))
            }
            Err(_) => PerSide::from_fn(|side: Side| side.as_str().to_owned()),
        }
    }

    /// Returns the state of an item, as the center sees it.
    ///
    /// # Errors
    /// When the center cannot be asked.
    pub(crate) fn state(&mut self, item: &Item) -> Result<ItemState, CliError> {
        let key = ItemKey {
            handler: item.handler.clone(),
            item: item.id.clone(),
        };
        let newest = SessionQuery {
            item: Some(key.clone()),
            limit: 1,
            ..SessionQuery::default()
        };
        let look = move |state: &State, store: &mut dyn Store, now| {
            let view = state.item(&key, now);
            let last = match view
                .as_ref()
                .and_then(|view| view.memory.last_session.as_ref())
            {
                Some(id) => store.session(id)?,
                None => None,
            };
            let newest = store.sessions(&newest)?.into_iter().next();
            Ok::<_, StoreError>((view, last, newest))
        };
        let (view, last, newest) = self.read(look)??;
        // One that the center does not know yet was begun by another process.
        let (known, said, mut facts) = match view {
            Some(view) => (Some(view.status), view.reason, view.facts),
            None => (None, None, Facts::default()),
        };
        if facts.running.is_none() && newest.is_some_and(|session| session.ended.is_none()) {
            // Another process runs it; where it stands is known there.
            facts.running = Some(Progress {
                phase: Phase::Copying,
                ..Progress::default()
            });
        }
        let status = status::of(&facts);
        Ok(ItemState {
            status,
            words: status.words(&facts),
            last,
            reason: said.filter(|_| Some(status) == known),
        })
    }

    /// Finds a run by its id or the beginning of it.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub(crate) fn find_run(&mut self, text: &str) -> Result<SessionRecord, CliError> {
        if let Ok(id) = SessionId::new(text)
            && let Some(session) = self.read(move |_, store, _| store.session(&id))??
        {
            return Ok(session);
        }
        let all = self.sessions(SessionQuery::default())?;
        let mut found = all
            .into_iter()
            .filter(|session| !text.is_empty() && session.id.as_str().starts_with(text));
        let shown = crate::ui::safe(text);
        match (found.next(), found.next()) {
            (Some(session), None) => Ok(session),
            (Some(_), Some(_)) => Err(CliError::not_found(format!(
                "more than one run begins with `{shown}`"
            ))
            .hint("type more of it; `syncmgr history` lists the runs")),
            (None, _) => Err(CliError::not_found(format!("there is no run `{shown}`"))
                .hint("`syncmgr history` lists the runs")),
        }
    }
}

/// Returns what tells apart the ids of two processes in one millisecond.
pub(crate) fn random() -> u16 {
    let random = RandomState::new().build_hasher().finish();
    u16::try_from(random & 0xffff).unwrap_or(0)
}

/// The first signal asks every session to stop; the second one, or one while nothing runs, ends the
/// program at once. Files are whole in either case.
fn listen_to_signals(center: Handle, is_running: Arc<AtomicBool>) {
    let asked = AtomicBool::new(false);
    let listening = ctrlc::set_handler(move || {
        let is_second = asked.swap(true, Ordering::SeqCst);
        let is_idle = !is_running.load(Ordering::SeqCst);
        let (answers, _) = channel();
        let stop = Control::Stop(Scope::All);
        if is_second || is_idle || center.ask(stop, answers).is_err() {
            leave_at_once();
        }
    });
    // Only one center of a process listens (the demonstration opens a second app); without the
    // listener the system's own way of ending the program applies, and that needs no repair.
    drop(listening);
}

#[expect(
    clippy::exit,
    reason = "a person asked twice; every moment is a safe one to end"
)]
fn leave_at_once() -> ! {
    std::process::exit(i32::from(Exit::Interrupted.code()))
}
