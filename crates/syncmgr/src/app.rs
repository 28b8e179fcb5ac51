//! What a command works with: folders, saved syncs, the center, and the way to find what a person
//! names.

mod core;
mod desk;
mod face;
mod known;
mod outside;
mod runs;
pub(crate) mod setting;
mod shared;
mod state;
mod target;
mod there;
mod vault;

pub(crate) use self::core::{Core, reach};
pub(crate) use desk::{Carried, Case, Cases};
pub(crate) use face::Face;
pub(crate) use outside::Outside;
pub(crate) use runs::{Begun, Waited, needs_daemon};
pub(crate) use state::{ItemState, key};
pub(crate) use target::apply;
pub(crate) use there::{Ran, Wish};

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::channel;

use syncmgr_api::client::Events;
use syncmgr_calendar::Calendar;
use syncmgr_center::center::{self, Handle, Parts};
use syncmgr_center::command::{Answer, Control, Limits, Scope};
use syncmgr_center::port::{Clock as _, EventQuery, SessionQuery, Store, StoreError, Unwatched};
use syncmgr_engine::clock::SystemClock;
use syncmgr_handlers::files::{FilesFactory, FilesHandler, place};
use syncmgr_handlers::tool::Context;
use syncmgr_host::InProcess;
use syncmgr_model::event::{Event, EventLevel};
use syncmgr_model::id::{HandlerId, ItemKey, SessionId};
use syncmgr_model::item::{Item, SettingSpec};
use syncmgr_model::outside::Subject;
use syncmgr_model::record::SessionRecord;
use syncmgr_model::schedule::RunPolicy;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;
use syncmgr_sdk::{Handler, HandlerFactory};
use syncmgr_store::SqliteStore;
use syncmgr_store::config::Config;
use syncmgr_store::spool::Spool;
use syncmgr_vault::Vault;

use self::there::There;
use self::vault::Hand;
use crate::clock::MachineClock;
use crate::dirs::Dirs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::found;
use crate::json::{HandlerJson, ProcessJson};
use crate::run::subject::Found;
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
    /// The handlers that a person installed.
    pub(crate) outside: Arc<Outside>,
    files: Arc<FilesHandler>,
    core: Option<Core>,
    /// Options of this command that decide what a plan does, for hints that name the plan.
    pub(crate) one_off: String,
    /// What is shown of the syncs that were found.
    faces: BTreeMap<ItemKey, Face>,
    /// A mistake in the settings file was told already.
    has_complained: bool,
    signals: Signals,
}

/// What signals have to do with the run of this command.
#[derive(Debug, Clone, Default)]
struct Signals {
    /// A session runs, so a signal asks it to stop instead of ending the program.
    is_running: Arc<AtomicBool>,
    /// How many came while it ran.
    asked: Arc<AtomicU8>,
}

/// What a center that stays is built from.
pub(crate) struct Built {
    /// The time.
    pub(crate) clock: Arc<MachineClock>,
    /// The handlers.
    pub(crate) host: InProcess,
    /// Those among them that a person installed.
    pub(crate) outside: Arc<Outside>,
    /// The built-in one.
    pub(crate) files: Arc<FilesHandler>,
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
        let tools = Context::of_process(
            dirs.home.clone(),
            dirs.state.join("tools"),
            Arc::new(SystemClock),
        )
        .with_secrets(Arc::new(Hand(Vault::new(&dirs.state))));
        let mut factories = vec![Arc::new(factory) as Arc<dyn HandlerFactory>];
        factories.extend(syncmgr_handlers::all(tools));
        let host = InProcess::new(factories, Vec::new(), Arc::clone(&clock) as _);
        host.claim_in(dirs.state.join("claims"));
        host.set_secrets(Arc::new(Hand(Vault::new(&dirs.state))));
        let outside = Outside::open(&dirs, Arc::clone(&clock) as _, &host);
        Self {
            host,
            outside: Arc::new(outside),
            dirs,
            ui,
            clock,
            files,
            core: None,
            one_off: String::new(),
            faces: BTreeMap::new(),
            has_complained: false,
            signals: Signals::default(),
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
            outside: Arc::clone(&self.outside),
            files: Arc::clone(&self.files),
        })
    }

    /// Returns the vault.
    #[must_use]
    pub(crate) fn vault(&self) -> Vault {
        Vault::new(&self.dirs.state)
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

    /// Looks for what could be added as a sync.
    ///
    /// # Errors
    /// When the settings cannot be read.
    pub(crate) fn look_for_syncs(&mut self) -> Result<found::Looked, CliError> {
        let (saved, known, home) = (self.saved()?, self.known()?, self.dirs.home.clone());
        let there = found::There {
            saved: &saved,
            known: &known,
        };
        Ok(found::look(&self.host, home, there, self.now()))
    }

    /// Returns who does the work: found out, or started, at the first call.
    ///
    /// # Errors
    /// When the state folder cannot be used, or a daemon runs and does not answer.
    pub(crate) fn core(&mut self) -> Result<&mut Core, CliError> {
        if self.core.is_none() {
            self.core = Some(self.open_core()?);
        }
        self.core
            .as_mut()
            .ok_or_else(|| CliError::new(Exit::Bug, "the center did not start"))
    }

    /// Says whether a daemon does the work.
    ///
    /// # Errors
    /// As [`Self::core`].
    pub(crate) fn has_daemon(&mut self) -> Result<bool, CliError> {
        Ok(matches!(self.core()?, Core::There(_)))
    }

    fn open_core(&self) -> Result<Core, CliError> {
        match core::reach(&self.dirs)? {
            Some(client) => {
                listen_to_signals(None, &self.signals);
                let mut there = There::open(client, &self.dirs.state)?;
                let spool = Spool::new(&self.dirs.state);
                if !spool.is_empty() {
                    there.take_in(&spool, self.now());
                }
                Ok(Core::There(Box::new(there)))
            }
            None => {
                let center = self.open_center()?;
                self.take_in(&center);
                Ok(Core::Here(center))
            }
        }
    }

    /// Takes in what programs reported while nobody listened. What fails waits for the next command.
    fn take_in(&self, center: &Handle) {
        let spool = Spool::new(&self.dirs.state);
        if spool.is_empty() {
            return;
        }
        crate::run::take::to_center(&spool, center, self.now(), |subject| {
            let found = self.subject(subject);
            if found.is_changed
                && let Ok(saved) = self.in_file()
            {
                center.control(Control::Configure(saved)).map_err(drop)?;
            }
            Ok(found.item)
        });
    }

    /// Finds the sync that a program reports on, or makes it.
    pub(crate) fn subject(&self, subject: &Subject) -> Found {
        let handlers = |id: &HandlerId| self.specs(id);
        crate::checks::with(&handlers, self.dirs.home.as_deref(), |checks| {
            crate::run::subject::find(&self.config_path(), checks, subject)
        })
    }

    /// Listens to what the daemon tells; `None` when none runs.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub(crate) fn events(&mut self) -> Result<Option<Events>, CliError> {
        Ok(match self.core()? {
            Core::There(there) => Some(there.events()?),
            Core::Here(_) => None,
        })
    }

    /// Lists the handlers.
    ///
    /// # Errors
    /// When the center cannot be asked.
    pub(crate) fn handlers(&mut self) -> Result<Vec<HandlerJson>, CliError> {
        let outside = Arc::clone(&self.outside);
        let mut all: Vec<HandlerJson> = match self.core()? {
            Core::There(there) => {
                let handlers = there.handlers()?;
                handlers.into_iter().map(HandlerJson::from).collect()
            }
            Core::Here(center) => center.read(move |state, _, _| {
                let views = state.handler_ids().filter_map(|id| state.handler(id));
                let listed = views.filter(|view| view.is_listed);
                listed
                    .map(|view| HandlerJson {
                        process: outside.process(&view.memory.id).map(ProcessJson::from),
                        ..HandlerJson::from(&view)
                    })
                    .collect()
            })?,
        };
        // One that could never be read is not in the center's list; whoever installed it looks for
        // it here.
        for manifest in self.outside.foreign.manifests() {
            if all.iter().any(|known| known.id == manifest.id.as_str()) {
                continue;
            }
            all.push(HandlerJson {
                id: manifest.id.to_string(),
                name: manifest.name,
                text: String::new(),
                active: true,
                enabled: true,
                connected: true,
                silent: true,
                running: Vec::new(),
                process: self.outside.process(&manifest.id).map(ProcessJson::from),
            });
        }
        Ok(all)
    }

    /// Takes over which handlers are installed now, and has the daemon do the same.
    ///
    /// # Errors
    /// When the daemon refuses.
    pub(crate) fn handlers_changed(&mut self) -> Result<(), CliError> {
        let center = match self.core()? {
            Core::Here(center) => Some(center.clone()),
            Core::There(there) => {
                there.reload()?;
                None
            }
        };
        self.outside.refresh(&self.host, center.as_ref());
        Ok(())
    }

    /// Returns the program that a handler needs and that is not installed.
    #[must_use]
    pub(crate) fn missing_tool(&self, handler: &str) -> Option<String> {
        let id = HandlerId::new(handler).ok()?;
        let trouble = self.host.factory(&id).ok()?.missing()?;
        Some(trouble.param("tool").to_owned())
    }

    /// Starts an installed handler anew and waits until it has answered.
    ///
    /// # Errors
    /// When the daemon cannot be asked, there is no such handler, or it does not start.
    pub(crate) fn restart_handler(&mut self, id: &HandlerId) -> Result<(), CliError> {
        if let Core::There(there) = self.core()? {
            there.restart_handler(id)?;
            return Ok(());
        }
        if self.outside.restart(id)? {
            self.handlers_changed()?;
        }
        Ok(())
    }

    /// Returns the names of the saved syncs of a handler.
    #[must_use]
    pub(crate) fn names_of(&mut self, id: &HandlerId) -> Vec<String> {
        let saved = self.saved().unwrap_or_default().into_iter();
        let its = saved.filter(|item| item.handler == *id);
        its.filter_map(|item| item.name).collect()
    }

    /// Makes the folder of the settings, if there is none.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn make_config_dir(&self) -> Result<(), CliError> {
        make_private(&self.dirs.config, "SYNCMGR_CONFIG_DIR")
    }

    /// Tells the daemon, if one runs, that the settings are others now.
    ///
    /// # Errors
    /// When it refuses: then it goes on with those from before.
    pub(crate) fn settings_changed(&mut self) -> Result<(), CliError> {
        if let Core::There(there) = self.core()? {
            there.reload()?;
        }
        Ok(())
    }

    /// Reads the history.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn history<T: Send + 'static>(
        &mut self,
        look: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, CliError> {
        Ok(match self.core()? {
            Core::Here(center) => center.read(move |_, store, _| look(store))??,
            Core::There(there) => look(there.store())?,
        })
    }

    /// Returns sessions, newest first.
    ///
    /// # Errors
    /// When history cannot be read.
    pub(crate) fn sessions(&mut self, query: SessionQuery) -> Result<Vec<SessionRecord>, CliError> {
        self.history(move |store| store.sessions(&query))
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
        let mut events = self.history(move |store| store.events(&query))?;
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
    pub(crate) fn control(&mut self, control: Control) -> Result<(), CliError> {
        match self.core()? {
            Core::Here(center) => match center.control(control)? {
                Answer::Refused(refusal) => Err(refusal.trouble.into()),
                _ => Ok(()),
            },
            Core::There(there) => there.control(control),
        }
    }

    /// Ends the center, if it was started: what it has to write is written then.
    pub(crate) fn close(&mut self) {
        if let Some(Core::Here(center)) = self.core.take() {
            center.close();
        }
        self.outside.foreign.close();
    }

    fn make_state_dir(&self) -> Result<(), CliError> {
        make_private(&self.dirs.state, "SYNCMGR_STATE_DIR")
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
            // They say when the last success is too old.
            policies: self.policies().unwrap_or_default(),
            keeps_time: false,
            // A mistake in the file is told by the command that needs it.
            saved: self.in_file().unwrap_or_default(),
            random: random(),
            limits: Limits::default(),
        })?;
        self.outside.to_center.connect(center.clone());
        listen_to_signals(Some(center.clone()), &self.signals);
        Ok(center)
    }

    fn policies(&self) -> Result<BTreeMap<String, RunPolicy>, CliError> {
        Ok(self.config()?.policies()?.into_iter().collect())
    }

    /// Returns the handler of an item.
    ///
    /// # Errors
    /// `handler-unknown`.
    pub(crate) fn handler(&self, item: &Item) -> Result<Box<dyn Handler>, CliError> {
        Ok(self.host.handler(&item.handler)?)
    }

    /// Finds a run by its id or the beginning of it.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub(crate) fn find_run(&mut self, text: &str) -> Result<SessionRecord, CliError> {
        if let Ok(id) = SessionId::new(text)
            && let Some(session) = self.history(move |store| store.session(&id))?
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

/// Makes a folder that only its owner can look into.
fn make_private(folder: &Path, variable: &str) -> Result<(), CliError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| {
            let place = place::shown(folder, None);
            CliError::new(Exit::Failed, format!("cannot create `{place}`: {error}"))
                .hint(format!("set {variable} to a folder you can write to"))
        })
}

/// Returns what tells apart the ids of two processes in one millisecond.
pub(crate) fn random() -> u16 {
    let random = RandomState::new().build_hasher().finish();
    u16::try_from(random & 0xffff).unwrap_or(0)
}

/// The first signal asks every session to stop; the second one, or one while nothing runs, ends the
/// program at once. Files are whole in either case.
fn listen_to_signals(center: Option<Handle>, signals: &Signals) {
    let signals = signals.clone();
    let listening = ctrlc::set_handler(move || {
        let is_second = signals.asked.fetch_add(1, Ordering::SeqCst) > 0;
        let is_idle = !signals.is_running.load(Ordering::SeqCst);
        // A run of the daemon is stopped by the command that watches it.
        let is_deaf = center.as_ref().is_some_and(|center| {
            let (answers, _) = channel();
            center.ask(Control::Stop(Scope::All), answers).is_err()
        });
        if is_second || is_idle || is_deaf {
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
