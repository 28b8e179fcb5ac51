//! What a command works with: folders, saved syncs, the center, and the way to find what a person
//! names.

mod target;

pub(crate) use target::{apply, set_one};

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use syncmgr_center::center::Center;
use syncmgr_center::command::{Command, Outcome};
use syncmgr_center::port::{Clock as _, SessionQuery};
use syncmgr_engine::clock::SystemClock;
use syncmgr_handlers::files::{FilesHandler, place};
use syncmgr_host::InProcess;
use syncmgr_model::event::EventLevel;
use syncmgr_model::id::{HandlerId, SessionId};
use syncmgr_model::item::{Item, SettingSpec};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::{SessionRecord, Summary};
use syncmgr_model::request::{Intent, Work, WorkKind};
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::status::{self, Facts, Status};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::Handler;
use syncmgr_store::SqliteStore;
use syncmgr_store::config::Config;

use crate::clock::MachineClock;
use crate::dirs::Dirs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui::Ui;
use crate::ui::progress::ProgressView;

/// Most sessions looked at for the state of one item: the last ones may all have been stopped.
const SESSIONS_FOR_STATUS: u32 = 20;

/// What a command works with.
pub(crate) struct App {
    /// Where things are kept.
    pub(crate) dirs: Dirs,
    /// Where things are printed.
    pub(crate) ui: Ui,
    clock: Arc<MachineClock>,
    host: InProcess,
    files: Arc<FilesHandler>,
    center: Option<Center>,
    /// Options of this command that decide what a plan does, for hints that name the plan.
    pub(crate) one_off: String,
    /// A session runs, so a signal asks it to stop instead of ending the program.
    is_running: Arc<AtomicBool>,
}

/// The state of one item.
pub(crate) struct ItemState {
    /// Its status.
    pub(crate) status: Status,
    /// What it was made from.
    pub(crate) facts: Facts,
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
        let handlers = vec![Arc::clone(&files) as Arc<dyn Handler>];
        Self {
            host: InProcess::new(handlers, Arc::clone(&clock) as _),
            dirs,
            ui,
            clock,
            files,
            center: None,
            one_off: String::new(),
            is_running: Arc::default(),
        }
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
        self.host.handler(handler).ok().map(|h| h.info().settings)
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
        for item in self.center()?.store().items()? {
            if items.iter().all(|known| known.id != item.id) {
                items.push(Item { name: None, ..item });
            }
        }
        Ok(items)
    }

    /// Returns the center, opened at the first call.
    ///
    /// # Errors
    /// When the state folder cannot be used.
    pub(crate) fn center(&mut self) -> Result<&mut Center, CliError> {
        if self.center.is_none() {
            self.center = Some(self.open_center()?);
        }
        self.center
            .as_mut()
            .ok_or_else(|| CliError::new(Exit::Bug, "the center did not open"))
    }

    fn open_center(&self) -> Result<Center, CliError> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dirs.state)
            .map_err(|error| {
                let place = place::shown(&self.dirs.state, None);
                CliError::new(Exit::Failed, format!("cannot create `{place}`: {error}"))
                    .hint("set SYNCMGR_STATE_DIR to a folder you can write to")
            })?;
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
        let center = Center::open(
            Box::new(store),
            Box::new(self.host.clone()),
            Arc::clone(&self.clock) as _,
            Box::new(view),
        )?;
        listen_to_signals(center.sender(), Arc::clone(&self.is_running));
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
        // The second half of the id only has to differ within one second.
        let random = RandomState::new().build_hasher().finish();
        let random = u16::try_from(random & 0xffff).unwrap_or(0);
        let item = item.clone();
        self.center()?;
        self.is_running.store(true, Ordering::SeqCst);
        let outcome = self.center()?.run(item, work, intent, random);
        self.is_running.store(false, Ordering::SeqCst);
        Ok(outcome?)
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
        if let Some(preview) = outcome.preview {
            return Ok(preview);
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
    pub(crate) fn handler(&self, item: &Item) -> Result<&dyn Handler, CliError> {
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

    /// Returns the last session of an item that says something about its state: not one a person
    /// stopped.
    ///
    /// # Errors
    /// When history cannot be read.
    pub(crate) fn state(&mut self, item: &Item) -> Result<ItemState, CliError> {
        let query = SessionQuery {
            item: Some(item.id.clone()),
            limit: SESSIONS_FOR_STATUS,
        };
        let sessions = self.center()?.store().sessions(&query)?;
        let running = sessions.iter().any(|session| session.ended.is_none());
        let mut counted = sessions
            .into_iter()
            .filter(|s| s.ended.is_some() && s.status != Some(ProgressStatus::Canceled));
        let last = counted.next();
        // A decision, an undo or a restoration looks at a few paths: what the last whole run could
        // not do or holds back is as it was, and only the conflicts are counted anew.
        let whole = match &last {
            Some(last) if last.kind != WorkKind::Sync => {
                counted.find(|session| session.kind == WorkKind::Sync)
            }
            Some(_) | None => None,
        };
        let facts_of = |session: &SessionRecord| Some((session.status?, session.summary));
        let at_last = match (&last, &whole) {
            (Some(last), Some(whole)) if last.status == Some(ProgressStatus::Succeeded) => {
                facts_of(whole).map(|(status, summary)| {
                    let n_conflicts = last.summary.n_conflicts;
                    (
                        status,
                        Summary {
                            n_conflicts,
                            ..summary
                        },
                    )
                })
            }
            (last, _) => last.as_ref().and_then(facts_of),
        };
        let facts = Facts {
            is_off: !item.is_enabled,
            // Another process runs it; where it stands is known there.
            running: running.then(|| syncmgr_model::progress::Progress {
                phase: syncmgr_model::progress::Phase::Copying,
                ..Default::default()
            }),
            last: at_last,
            ..Facts::default()
        };
        let status = status::of(&facts);
        let said_by = whole.as_ref().or(last.as_ref());
        let reason = match (status, said_by) {
            (Status::Held | Status::Failed | Status::Offline, Some(session)) => {
                self.reason(&session.id)?
            }
            (_, _) => None,
        };
        Ok(ItemState {
            status,
            facts,
            last,
            reason,
        })
    }

    /// Returns what a session gave as the reason for not doing all of its work.
    ///
    /// # Errors
    /// When history cannot be read.
    pub(crate) fn reason(&mut self, session: &SessionId) -> Result<Option<Trouble>, CliError> {
        let events = self.center()?.store().events(session)?;
        let mut troubles = events.into_iter().map(|event| event.trouble);
        Ok(troubles.find(|trouble| trouble.level == EventLevel::Error))
    }

    /// Finds a run by its id or the beginning of it.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub(crate) fn find_run(&mut self, text: &str) -> Result<SessionRecord, CliError> {
        if let Ok(id) = SessionId::new(text)
            && let Some(session) = self.center()?.store().session(&id)?
        {
            return Ok(session);
        }
        let all = self.center()?.store().sessions(&SessionQuery::default())?;
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

/// The first signal asks every session to stop; the second one, or one while nothing runs, ends the
/// program at once. Files are whole in either case.
fn listen_to_signals(to: Sender<Command>, is_running: Arc<AtomicBool>) {
    let asked = AtomicBool::new(false);
    let listening = ctrlc::set_handler(move || {
        let is_second = asked.swap(true, Ordering::SeqCst);
        let is_idle = !is_running.load(Ordering::SeqCst);
        if is_second || is_idle || to.send(Command::StopAll).is_err() {
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
