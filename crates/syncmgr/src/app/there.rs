//! The daemon as a command sees it: what it is asked, and a run there watched from here.
//!
//! History is read from the same database, through a connection of its own that writes nothing;
//! everything else goes through the API.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use syncmgr_api::Client;
use syncmgr_api::client::{ClientError, Events, Method, With};
use syncmgr_api::page::Page;
use syncmgr_api::stream::Message;
use syncmgr_api::wire::desk::Silent;
use syncmgr_api::wire::handler::{Handler, HandlerChange};
use syncmgr_api::wire::run::{
    Cancel, ItemPreview, Mode, OpenRun, RunAccepted, RunState, RunWith, RunsAccepted,
};
use syncmgr_api::wire::sign_in::Code as SignInCode;
use syncmgr_api::wire::{
    Conflicts, Contents, ItemChange, ItemView, ListedConflict, Nothing, Pause, Resolve,
    ResolveAnswer, Seen,
};
use syncmgr_center::command::{Control, Outcome, Scope};
use syncmgr_center::port::{Clock, EventQuery, Store, StoreError};
use syncmgr_model::event::Event;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{Progress, ProgressStatus};
use syncmgr_model::record::{ItemResult, SessionRecord, Summary};
use syncmgr_model::request::{Intent, Origin, Work};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_server::desk::Compared;
use syncmgr_store::SqliteStore;
use syncmgr_store::spool::Spool;

use crate::clock::rest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui::Ui;
use crate::ui::progress::ProgressView;

/// How long one wait for a message takes at most: also how fast Ctrl-C is heard.
const BEAT: Duration = Duration::from_millis(100);
/// After so much silence it is asked whether the run still goes on: a lost message must not make a
/// command wait for ever.
const ASK_AFTER_MS: u64 = 2_000;
/// How often a lost connection is taken up again before the run is left alone.
const RECONNECTS_MAX: u32 = 5;
/// Most results kept of a run that may turn out not to be in the history.
const TOLD_MAX: usize = 1000;
/// How often, and after what time each, a preview is asked for again that is not there yet.
const PREVIEW_TRIES_MAX: u32 = 500;
const PREVIEW_REST: Duration = Duration::from_millis(10);
/// Most rows of one page.
const PAGE: &str = "1000";

/// The daemon.
pub(crate) struct There {
    client: Client,
    store: SqliteStore,
    /// What is heard of the runs of this command.
    hearing: Option<Hearing>,
}

/// What was told of runs since before they began. One that is refused is not in the history: what
/// was told of it is all there is.
struct Hearing {
    events: Events,
    told: BTreeMap<String, Vec<Event>>,
    ended: BTreeSet<String>,
}

impl std::fmt::Debug for There {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("There").finish_non_exhaustive()
    }
}

/// What a person wants of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wish {
    /// Return as soon as it is accepted.
    pub(crate) no_wait: bool,
    /// Wait at most so many milliseconds.
    pub(crate) timeout_ms: Option<u64>,
}

/// How a run was taken and ended.
#[derive(Debug)]
pub(crate) enum Ran {
    /// It ended.
    Ended(Box<Outcome>),
    /// It goes on, or waits; nobody waits for it here.
    GoesOn(RunAccepted),
    /// It goes on; the time to wait was over.
    TimedOut,
}

/// What the watching of a run needs.
pub(super) struct Watching<'a> {
    pub(super) ui: &'a Ui,
    pub(super) clock: Arc<dyn Clock>,
    /// How often a person asked to stop.
    pub(super) asked: &'a AtomicU8,
}

impl There {
    /// Opens what is read beside the API.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub(super) fn open(client: Client, state: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            client,
            store: SqliteStore::open(state)?,
            hearing: None,
        })
    }

    /// Has the daemon take in what was reported while none ran.
    pub(super) fn take_in(&mut self, spool: &Spool, now: Timestamp) {
        crate::run::take::to_daemon(spool, &mut self.client, now);
    }

    /// Returns the history, to be read only.
    pub(super) fn store(&mut self) -> &mut dyn Store {
        &mut self.store
    }

    /// Lists all syncs with their states.
    pub(super) fn items(&mut self) -> Result<Vec<ItemView>, ClientError> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = vec![("limit", PAGE)];
            if let Some(cursor) = &cursor {
                query.push(("cursor", cursor));
            }
            let page: Page<ItemView> = self.client.get("/api/v1/items", &query)?.body;
            all.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Returns one sync; `None` when the daemon does not know it.
    pub(super) fn item(&mut self, key: &ItemKey) -> Result<Option<ItemView>, ClientError> {
        match self.client.get(&address(key), &[]) {
            Ok(answer) => Ok(Some(answer.body)),
            Err(ClientError::Refused(problem)) if problem.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lists the runs that wait or work.
    pub(super) fn open_runs(&mut self) -> Result<Vec<OpenRun>, ClientError> {
        let page: Page<OpenRun> = self.client.get("/api/v1/sessions/open", &[])?.body;
        Ok(page.items)
    }

    /// Lists the handlers.
    pub(super) fn handlers(&mut self) -> Result<Vec<Handler>, ClientError> {
        let page: Page<Handler> = self.client.get("/api/v1/handlers", &[])?.body;
        Ok(page.items)
    }

    /// Has an installed handler start anew.
    pub(super) fn restart_handler(&mut self, id: &HandlerId) -> Result<(), ClientError> {
        let path = format!("/api/v1/handlers/{id}/restart");
        let _shown: Handler = self.client.post(&path, &Nothing {})?.body;
        Ok(())
    }

    /// Lists the conflicts of every handler, and who could not be asked.
    pub(super) fn conflicts(&mut self) -> Result<(Vec<ListedConflict>, Vec<Silent>), ClientError> {
        let (mut all, mut silent) = (Vec::new(), Vec::new());
        let mut cursor: Option<String> = None;
        loop {
            let mut query = vec![("limit", PAGE)];
            if let Some(cursor) = &cursor {
                query.push(("cursor", cursor));
            }
            let page: Conflicts = self.client.get("/api/v1/conflicts", &query)?.body;
            all.extend(page.items);
            // Every part says it.
            silent = if silent.is_empty() {
                page.silent
            } else {
                silent
            };
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok((all, silent)),
            }
        }
    }

    /// Returns the contents of a conflict.
    pub(super) fn compare(&mut self, address: &str) -> Result<Compared, CliError> {
        let query = [("address", address)];
        let answer = self.client.get("/api/v1/conflict/contents", &query);
        let contents: Contents = answer.map_err(CliError::from)?.body;
        Ok(Compared {
            contents: (&contents).try_into().map_err(ClientError::from)?,
            by_index: contents.read_versions().map_err(ClientError::from)?,
        })
    }

    /// Decides conflicts; the runs that carry decisions out are only begun.
    pub(super) fn decide(&mut self, asked: &Resolve) -> Result<ResolveAnswer, ClientError> {
        Ok(self.client.post("/api/v1/conflicts/resolve", asked)?.body)
    }

    /// Asks a run to stop.
    pub(super) fn cancel(&mut self, run: &str) -> Result<(), ClientError> {
        let path = format!("/api/v1/sessions/{run}/cancel");
        let asked: Result<_, ClientError> = self.client.post::<RunState>(&path, &Cancel::default());
        match asked {
            // It ended just now.
            Err(ClientError::Refused(problem)) if problem.status == 404 => Ok(()),
            other => other.map(drop),
        }
    }

    /// Has the daemon read the settings anew.
    pub(super) fn reload(&mut self) -> Result<(), ClientError> {
        self.client
            .post::<()>("/api/v1/settings/reload", &Nothing {})
            .map(drop)
    }

    /// Makes a code that signs a browser in.
    pub(crate) fn sign_in_code(&mut self) -> Result<String, ClientError> {
        let code: SignInCode = self.client.post("/api/v1/sign-in-codes", &Nothing {})?.body;
        Ok(code.code)
    }

    /// Listens to the live messages.
    pub(super) fn events(&self) -> Result<Events, ClientError> {
        self.client.events(None)
    }

    /// Carries out what commands ask of the center beside runs.
    pub(super) fn control(&mut self, control: Control) -> Result<(), CliError> {
        match control {
            Control::Pause(scope, until) => {
                let pause = Pause {
                    until: until.map(Timestamp::rfc3339),
                };
                self.each(&scope, "pause", &pause)
            }
            Control::Resume(scope) => self.each(&scope, "resume", &Nothing {}),
            Control::Seen(scope) => {
                let seen = Seen {
                    items: self.ids(&scope)?.unwrap_or_default(),
                };
                let answer = self.client.post::<()>("/api/v1/events/seen", &seen);
                Ok(answer.map(drop)?)
            }
            Control::EnableItem(is_enabled, key, _) => {
                let change = ItemChange {
                    enabled: Some(is_enabled),
                    ..ItemChange::default()
                };
                let path = address(&key);
                let patch = Method::PATCH;
                let answer: Result<_, ClientError> =
                    self.client
                        .write::<ItemView>(&patch, &path, &change, With::default());
                Ok(answer.map(drop)?)
            }
            Control::Hide(is_hidden, handler, Some(item)) => {
                let change = ItemChange {
                    hidden: Some(is_hidden),
                    ..ItemChange::default()
                };
                let path = address(&ItemKey { handler, item });
                let patch = Method::PATCH;
                let answer: Result<_, ClientError> =
                    self.client
                        .write::<ItemView>(&patch, &path, &change, With::default());
                Ok(answer.map(drop)?)
            }
            Control::EnableHandler(is_enabled, handler, _) => {
                let change = HandlerChange {
                    enabled: Some(is_enabled),
                    active: None,
                };
                let path = format!("/api/v1/handlers/{handler}");
                let patch = Method::PATCH;
                let answer: Result<_, ClientError> =
                    self.client
                        .write::<Handler>(&patch, &path, &change, With::default());
                Ok(answer.map(drop)?)
            }
            Control::Forget(key) => {
                let path = address(&key);
                let delete = Method::DELETE;
                match self
                    .client
                    .write::<()>(&delete, &path, &Nothing {}, With::default())
                {
                    // It was gone with the saved sync.
                    Err(ClientError::Refused(problem)) if problem.status == 404 => Ok(()),
                    other => Ok(other.map(drop)?),
                }
            }
            other => Err(CliError::new(
                Exit::Bug,
                format!("the daemon cannot be asked for {other:?}"),
            )),
        }
    }

    fn each(
        &mut self,
        scope: &Scope,
        verb: &str,
        body: &impl serde::Serialize,
    ) -> Result<(), CliError> {
        let ids = match self.ids(scope)? {
            Some(ids) => ids,
            None => self.items()?.iter().map(whole_id).collect(),
        };
        for id in ids {
            let path = format!("/api/v1/items/{}/{verb}", id.replace('/', "%2F"));
            self.client.post::<ItemView>(&path, body)?;
        }
        Ok(())
    }

    /// Returns the syncs of a scope, each with its handler; `None` is all of them.
    fn ids(&mut self, scope: &Scope) -> Result<Option<Vec<String>>, CliError> {
        Ok(match scope {
            Scope::All => None,
            Scope::Items(handler, items) => {
                let whole = |item: &ItemId| format!("{handler}/{item}");
                Some(items.iter().map(whole).collect())
            }
            Scope::Handler(handler) => Some(
                self.items()?
                    .iter()
                    .filter(|it| it.state.handler == handler.as_str())
                    .map(whole_id)
                    .collect(),
            ),
        })
    }

    /// Starts a run.
    ///
    /// # Errors
    /// When the daemon does not take it.
    pub(super) fn begin(
        &mut self,
        item: &Item,
        work: &Work,
        intent: Intent,
    ) -> Result<RunAccepted, CliError> {
        let asked = RunWith {
            item: item.into(),
            mode: match intent {
                Intent::Apply => Mode::Sync,
                Intent::Preview => Mode::Preview,
            },
            work: work.into(),
            plan: None,
        };
        let accepted: RunsAccepted = self.client.post("/api/v1/runs", &asked)?.body;
        let taken = accepted.runs.into_iter().next();
        let taken = taken.ok_or_else(|| CliError::new(Exit::Bug, "the daemon started nothing"))?;
        if taken.taken == "nothing" {
            let dropped = taken.dropped.first().map(|dropped| &dropped.notice);
            let trouble = dropped.and_then(|notice| Trouble::try_from(notice).ok());
            return Err(trouble
                .unwrap_or_else(|| Trouble::new(Code::NotPossible))
                .into());
        }
        Ok(taken)
    }

    /// Listens from now on to what is told of runs, so that nothing of those that begin is missed.
    ///
    /// # Errors
    /// When the daemon cannot be reached.
    pub(super) fn listen(&mut self) -> Result<(), ClientError> {
        self.hearing = Some(Hearing {
            events: self.events()?,
            told: BTreeMap::new(),
            ended: BTreeSet::new(),
        });
        Ok(())
    }

    /// Watches a run that was taken, to its end. It was listened before it began.
    pub(super) fn follow(
        &mut self,
        taken: RunAccepted,
        item: &Item,
        work: &Work,
        intent: Intent,
        wish: Wish,
        watching: &Watching<'_>,
    ) -> Result<Ran, CliError> {
        if wish.no_wait {
            return Ok(Ran::GoesOn(taken));
        }
        let Some(mut hearing) = self.hearing.take() else {
            self.listen()?;
            return self.follow(taken, item, work, intent, wish, watching);
        };
        let watched = self.watch(&taken, &mut hearing, wish, watching);
        let told = hearing.told.remove(&taken.run).unwrap_or_default();
        self.hearing = Some(hearing);
        if !watched? {
            return Ok(Ran::TimedOut);
        }
        let (run, item) = (&*taken.run, item);
        let outcome = match intent {
            Intent::Apply => self.outcome(run, item, work, told)?,
            Intent::Preview => self.previewed(run, item, work)?,
        };
        Ok(Ran::Ended(Box::new(outcome)))
    }

    /// Watches a run; false when the time was over first.
    fn watch(
        &mut self,
        taken: &RunAccepted,
        hearing: &mut Hearing,
        wish: Wish,
        watching: &Watching<'_>,
    ) -> Result<bool, CliError> {
        if hearing.ended.contains(&taken.run) {
            return Ok(true);
        }
        let clock = &watching.clock;
        let mut view = ProgressView::new(watching.ui, Arc::clone(clock));
        view.began();
        let began = clock.elapsed_ms();
        let (mut heard, mut is_stopping, mut n_lost) = (began, false, 0);
        if taken.taken != "started" {
            watching.ui.talk(match &*taken.taken {
                "joined" => "Joined the run that is going on",
                _ => "Queued    it begins when the runs before it have ended",
            });
        }
        loop {
            let now = clock.elapsed_ms();
            if wish
                .timeout_ms
                .is_some_and(|ms| now.saturating_sub(began) >= ms)
            {
                view.ended();
                return Ok(false);
            }
            if !is_stopping && watching.asked.load(Ordering::SeqCst) > 0 {
                is_stopping = true;
                if taken.taken == "joined" {
                    view.ended();
                    return Err(left_alone());
                }
                self.cancel(&taken.run)?;
            }
            match hearing.events.next_within(BEAT) {
                Ok(Some(message)) => {
                    n_lost = 0;
                    hearing.note(&message);
                    if take(&message, &taken.run, &mut view) {
                        heard = clock.elapsed_ms();
                    }
                    if hearing.ended.contains(&taken.run) {
                        break;
                    }
                }
                Ok(None) => view.tick(),
                Err(error) => {
                    n_lost += 1;
                    if n_lost > RECONNECTS_MAX {
                        view.ended();
                        return Err(gone(&error));
                    }
                }
            }
            if clock.elapsed_ms().saturating_sub(heard) >= ASK_AFTER_MS {
                heard = clock.elapsed_ms();
                if self.has_ended(&taken.run)? {
                    break;
                }
            }
        }
        view.ended();
        Ok(true)
    }

    fn has_ended(&mut self, run: &str) -> Result<bool, CliError> {
        match self
            .client
            .get::<RunState>(&format!("/api/v1/sessions/{run}"), &[])
        {
            Ok(state) => Ok(state.body.open.is_none()),
            Err(ClientError::Refused(problem)) if problem.status == 404 => Ok(true),
            Err(error) => Err(gone(&error)),
        }
    }

    /// Reads how a run ended. One that could not even begin is not in the history; then what was
    /// told of it on the way says why.
    fn outcome(
        &mut self,
        run: &str,
        item: &Item,
        work: &Work,
        told: Vec<Event>,
    ) -> Result<Outcome, CliError> {
        let id = SessionId::new(run).map_err(|_| strange(run))?;
        let Some(record) = self.store.session(&id)? else {
            if told.is_empty() {
                return Err(strange(run));
            }
            return Ok(unwritten(id, item, work, ProgressStatus::Failed, told));
        };
        let mut events = self.store.events(&EventQuery {
            session: Some(id),
            ..EventQuery::default()
        })?;
        events.reverse();
        Ok(Outcome {
            status: record.status.unwrap_or(ProgressStatus::Failed),
            n_errors: record.summary.n_failures,
            n_conflicts: record.summary.n_conflicts,
            record,
            events,
            previews: Vec::new(),
        })
    }

    /// Reads what a run would do. The end is told a moment before it can be read.
    fn preview_of(&mut self, run: &str) -> Result<Page<ItemPreview>, CliError> {
        let path = format!("/api/v1/sessions/{run}/preview");
        let mut n_tries = 0;
        loop {
            match self.client.get(&path, &[]) {
                Ok(answer) => return Ok(answer.body),
                Err(ClientError::Refused(problem))
                    if problem.code == "still-running" && n_tries < PREVIEW_TRIES_MAX =>
                {
                    n_tries += 1;
                    rest(PREVIEW_REST);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Makes an outcome of what a run would do.
    fn previewed(&mut self, run: &str, item: &Item, work: &Work) -> Result<Outcome, CliError> {
        let page = self.preview_of(run)?;
        let id = SessionId::new(run).map_err(|_| strange(run))?;
        let mut outcome = unwritten(id, item, work, ProgressStatus::Succeeded, Vec::new());
        for one in &page.items {
            let id = ItemId::new(&one.item).map_err(|_| strange(run))?;
            let preview = Preview::try_from(&one.preview).map_err(ClientError::from)?;
            outcome.previews.push((id, preview));
        }
        Ok(outcome)
    }
}

/// The outcome of a run that is not in the history.
fn unwritten(
    id: SessionId,
    item: &Item,
    work: &Work,
    status: ProgressStatus,
    events: Vec<Event>,
) -> Outcome {
    let summary = Summary::default();
    let at = events.first().map_or(Timestamp(0), |event| event.at);
    Outcome {
        record: SessionRecord {
            id,
            handler: item.handler.clone(),
            items: vec![ItemResult {
                item: item.id.clone(),
                status: Some(status),
                summary,
                phases: Vec::new(),
            }],
            kind: work.kind(),
            origin: Origin::Manual,
            started: at,
            ended: Some(at),
            status: Some(status),
            summary,
        },
        status,
        n_errors: 0,
        n_conflicts: 0,
        events,
        previews: Vec::new(),
    }
}

/// Shows a message about this run; says whether it was one.
fn take(message: &Message, run: &str, view: &mut ProgressView) -> bool {
    match message {
        Message::Progress {
            run: of, progress, ..
        } if of == run => {
            if let Ok(progress) = Progress::try_from(progress) {
                view.moved(&progress);
            }
            true
        }
        Message::Session { run: open } if open.run == run => {
            if open.stopping {
                view.stopping();
            }
            true
        }
        Message::Event { event } => event.run.as_deref() == Some(run),
        _ => false,
    }
}

impl Hearing {
    /// Notes what a message tells of any run.
    fn note(&mut self, message: &Message) {
        match message {
            Message::Event { event } => {
                let Some(run) = &event.run else {
                    return;
                };
                let told = self.told.entry(run.clone()).or_default();
                if told.len() < TOLD_MAX {
                    told.extend(Event::try_from(&**event).ok());
                }
            }
            Message::SessionEnded { run } => drop(self.ended.insert(run.clone())),
            _ => {}
        }
    }
}

/// Sorts states by the handler and the id of their sync.
pub(super) fn by_id(views: Vec<ItemView>) -> BTreeMap<String, ItemView> {
    let views = views.into_iter();
    views.map(|view| (whole_id(&view), view)).collect()
}

/// Returns what names a sync among those of all handlers.
fn whole_id(view: &ItemView) -> String {
    format!("{}/{}", view.state.handler, view.state.sync.id)
}

/// Returns where a sync is found; its handler stands before its id.
fn address(key: &ItemKey) -> String {
    format!("/api/v1/items/{}%2F{}", key.handler, key.item)
}

fn left_alone() -> CliError {
    CliError::new(
        Exit::Interrupted,
        "no longer waiting; the run was not started by this command and goes on",
    )
    .hint("`syncmgr stop` asks it to stop")
}

fn gone(error: &ClientError) -> CliError {
    CliError::new(
        Exit::NotRunning,
        format!("the daemon went away during the run: {error}"),
    )
    .hint("files are whole; sync again and it carries on")
}

fn strange(run: &str) -> CliError {
    let run = crate::ui::safe(run);
    CliError::new(
        Exit::Bug,
        format!("the daemon ran {run}, and the history does not have it"),
    )
    .hint("your files are whole; run the command again")
}
