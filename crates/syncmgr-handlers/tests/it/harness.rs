//! A machine for one test: a home folder of its own, the handlers, and a session that remembers what
//! it was told.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use syncmgr_engine::clock::SystemClock;
use syncmgr_handlers::tool::Context;
use syncmgr_model::catalogue::notice;
use syncmgr_model::event::NewEvent;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId};
use syncmgr_model::item::{Item, Settings, Value};
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{CancelRequest, Progress, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::request::{Additional, Choice, ChoiceOn, Intent, Token, Work};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{
    Handler, HandlerFactory, ItemProgress, SessionCreator, SyncCallback, SyncItem, SyncRequest,
};
use tempfile::TempDir;

/// Looks for a program on the search path, where Debian keeps servers, and among the tools that
/// `cargo xtask setup` installs. Without it the test cannot run: it says so, and fails on a CI
/// machine.
#[track_caller]
pub(crate) fn have(program: &str) -> Option<PathBuf> {
    let found = tool_dirs()
        .into_iter()
        .map(|dir| dir.join(program))
        .find(|file| file.is_file());
    if found.is_none() {
        let missing = format!("`{program}` is not installed; `cargo xtask setup` installs it");
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        eprintln!("not run: {missing}");
    }
    found
}

fn tool_dirs() -> Vec<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        PathBuf::from,
    );
    let path = std::env::var_os("PATH").unwrap_or_default();
    [target.join("tools/bin")]
        .into_iter()
        .filter_map(|dir| dir.canonicalize().ok())
        .chain(std::env::split_paths(&path))
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .collect()
}

/// A home folder, and the handlers that live in it.
pub(crate) struct Machine {
    temp: TempDir,
    env: BTreeMap<OsString, OsString>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let temp = TempDir::new().unwrap();
        let home = temp.path().canonicalize().unwrap().join("home");
        std::fs::create_dir(&home).unwrap();
        let path = std::env::join_paths(tool_dirs()).unwrap();
        let env = BTreeMap::from([
            ("HOME".into(), home.into()),
            ("PATH".into(), path),
            ("SECRET_OF_ANOTHER_PROGRAM".into(), "hunter2".into()),
        ]);
        Self { temp, env }
    }

    /// Sets a variable of the environment, before items are worked on.
    pub(crate) fn set_env(&mut self, name: &str, value: impl Into<OsString>) {
        self.env.insert(name.into(), value.into());
    }

    pub(crate) fn home(&self) -> PathBuf {
        PathBuf::from(&self.env[&OsString::from("HOME")])
    }

    /// Returns a folder below the home folder, made when it is missing.
    pub(crate) fn dir(&self, name: &str) -> PathBuf {
        let dir = self.home().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    /// Writes a file below the home folder, and the folders above it.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let file = self.home().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        file
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let file = self.home().join(name);
        let bytes = std::fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        String::from_utf8(bytes).unwrap()
    }

    /// Returns the files below a folder, sorted, as paths relative to it.
    pub(crate) fn files(&self, dir: &str) -> Vec<String> {
        let root = self.home().join(dir);
        let mut found = Vec::new();
        let mut dirs = vec![root.clone()];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    dirs.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap();
                    found.push(name.to_string_lossy().into_owned());
                }
            }
        }
        found.sort();
        found
    }

    pub(crate) fn ctx(&self) -> Context {
        Context::new(
            Some(self.home()),
            self.temp.path().join("state"),
            self.env.clone(),
            Arc::new(SystemClock),
        )
    }

    /// Returns the state folder of an item.
    pub(crate) fn state(&self, item: &Item) -> PathBuf {
        self.ctx().state_path(item)
    }

    fn factory(&self, handler: &str) -> Arc<dyn HandlerFactory> {
        syncmgr_handlers::all(self.ctx())
            .into_iter()
            .find(|factory| factory.id().as_str() == handler)
            .unwrap_or_else(|| panic!("no handler {handler}"))
    }

    /// Makes an instance of a handler with these saved items.
    pub(crate) fn handler(&self, handler: &str, saved: &[Item]) -> Box<dyn Handler> {
        self.factory(handler).create(saved).unwrap()
    }

    /// Returns an item as its handler shows it.
    pub(crate) fn shown(&self, item: &Item) -> Arc<dyn SyncItem> {
        let handler = self.handler(item.handler.as_str(), std::slice::from_ref(item));
        handler.item(&item.id).unwrap()
    }

    /// Syncs an item and waits for the end.
    pub(crate) fn sync(&self, item: &Item) -> Ran {
        self.work(item, sync_work(None), Intent::Apply, None)
    }

    /// Lets held changes go.
    pub(crate) fn release(&self, item: &Item, plan: &str) -> Ran {
        self.work(item, sync_work(Some(plan)), Intent::Apply, None)
    }

    /// Says what a sync would do.
    pub(crate) fn preview(&self, item: &Item) -> Ran {
        self.work(item, sync_work(None), Intent::Preview, None)
    }

    /// Syncs an item and stops it at the first report for which `when` is true.
    pub(crate) fn sync_and_stop(
        &self,
        item: &Item,
        when: impl Fn(&Progress) -> bool + Send + Sync + 'static,
    ) -> Ran {
        let stop: When = Box::new(when);
        self.work(item, sync_work(None), Intent::Apply, Some(stop))
    }

    /// Decides on conflicts.
    pub(crate) fn resolve(&self, item: &Item, choices: &[(&str, Choice)]) -> Ran {
        let choices = choices
            .iter()
            .map(|(id, choice)| ChoiceOn {
                conflict: (*id).to_owned(),
                choice: choice.clone(),
                seen: None,
            })
            .collect();
        self.work(item, Work::Resolve(choices), Intent::Apply, None)
    }

    fn work(&self, item: &Item, work: Work, intent: Intent, when: Option<When>) -> Ran {
        let handler = self.handler(item.handler.as_str(), std::slice::from_ref(item));
        let request = SyncRequest {
            items: vec![item.clone()],
            work,
            intent,
            token: None,
            may_ask: false,
            dirty: None,
        };
        let session = Arc::new(Recorder {
            when,
            ..Recorder::default()
        });
        let result = handler.synchronize(&request, &Creator(Arc::clone(&session)));
        let ended = Instant::now();
        let told = std::mem::take(&mut *session.told.lock().unwrap());
        Ran {
            took_to_stop: told.stopped_at.map(|at| ended - at),
            result,
            told,
        }
    }
}

fn sync_work(release: Option<&str>) -> Work {
    Work::Sync {
        is_full: false,
        release: release.map(str::to_owned),
    }
}

/// Makes an item of a handler. `[("a", "b")]` is a text, see [`list`] for lists.
pub(crate) fn item(handler: &str, name: &str, settings: &[(&str, &str)]) -> Item {
    let mut all = Settings::default();
    for (key, value) in settings {
        all.set(key, Value::Text((*value).to_owned()));
    }
    Item {
        id: ItemId::new(name).unwrap(),
        handler: HandlerId::new(handler).unwrap(),
        name: Some(name.to_owned()),
        settings: all,
        is_enabled: true,
    }
}

/// Sets a list among the settings of an item.
pub(crate) fn list(item: &mut Item, key: &str, values: &[&str]) {
    let values = values.iter().map(|&it| it.to_owned()).collect();
    item.settings.set(key, Value::List(values));
}

/// What a session was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) progress: Vec<(ProgressStatus, Progress)>,
    pub(crate) troubles: Vec<Trouble>,
    pub(crate) summary: Option<Summary>,
    pub(crate) preview: Option<Preview>,
    pub(crate) status: Option<ProgressStatus>,
    stopped_at: Option<Instant>,
}

/// A session that is over.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) result: Result<(), Trouble>,
    pub(crate) told: Told,
    /// How long it went on after it was stopped.
    pub(crate) took_to_stop: Option<Duration>,
}

impl Ran {
    /// Returns the summary of a session that succeeded.
    #[track_caller]
    pub(crate) fn succeeded(&self) -> Summary {
        assert_eq!(self.result, Ok(()));
        assert_eq!(
            self.told.status,
            Some(ProgressStatus::Succeeded),
            "{self:?}"
        );
        self.told.summary.unwrap_or_default()
    }

    /// Returns the trouble of a session that failed.
    #[track_caller]
    pub(crate) fn failed(&self) -> &Trouble {
        self.result.as_ref().expect_err("it did its work")
    }

    /// Says that it failed with this code, that the words can be read, and that they say what to do.
    #[track_caller]
    pub(crate) fn failed_with(&self, code: Code) -> &Trouble {
        let trouble = self.failed();
        assert_eq!(trouble.code, code, "{trouble:?}");
        readable(trouble);
        trouble
    }

    /// Returns the only result with this code.
    #[track_caller]
    pub(crate) fn said(&self, code: Code) -> &Trouble {
        let mut found = self.told.troubles.iter().filter(|it| it.code == code);
        let first = found
            .next()
            .unwrap_or_else(|| panic!("{code:?}: {:?}", self.told.troubles));
        assert!(found.next().is_none(), "{code:?} was said twice");
        readable(first);
        first
    }

    /// Says that it was stopped, and soon enough.
    #[track_caller]
    pub(crate) fn was_stopped(&self) {
        let took = self.took_to_stop.expect("it was never stopped");
        assert!(took < Duration::from_secs(2), "{took:?}");
        let is_canceled = self.told.status == Some(ProgressStatus::Canceled)
            || self
                .result
                .as_ref()
                .is_err_and(|it| it.code == Code::Stopped);
        assert!(is_canceled, "{self:?}");
    }

    /// Says that progress was reported more than once, with growing numbers.
    #[track_caller]
    pub(crate) fn progress_grew(&self) {
        let numbers: Vec<_> = self
            .told
            .progress
            .iter()
            .map(|(_, at)| (at.n_done, at.bytes_done))
            .collect();
        let (first, last) = (numbers.first().copied(), numbers.last().copied());
        let mut distinct = numbers.clone();
        distinct.dedup();
        assert!(distinct.len() > 2 && first < last, "{numbers:?}");
    }
}

/// Says that a message can be read by people: a sentence, something to do, nothing left out.
#[track_caller]
fn readable(trouble: &Trouble) {
    let notice = notice(trouble);
    let text = format!("{} {} {:?}", notice.what, notice.meaning, notice.actions);
    assert!(!notice.what.contains("unknown"), "{text}");
    assert!(notice.what.ends_with(['.', '?']), "{text}");
    assert!(!notice.actions.is_empty(), "{text}");
    assert!(text.chars().all(|c| !c.is_control()), "{text}");
}

type When = Box<dyn Fn(&Progress) -> bool + Send + Sync>;

#[derive(Default)]
struct Recorder {
    told: Mutex<Told>,
    when: Option<When>,
    on_cancel: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
}

struct Creator(Arc<Recorder>);

impl SessionCreator for Creator {
    fn create_session(
        &self,
        _handler: &HandlerId,
        _items: &[ItemId],
    ) -> Result<Arc<dyn SyncCallback>, Hresult> {
        Ok(Arc::clone(&self.0) as _)
    }
}

impl SyncCallback for Recorder {
    fn run_id(&self) -> &'static str {
        "20261130-120000000-0001"
    }

    fn report_progress(
        &self,
        _item: &ItemId,
        status: ProgressStatus,
        progress: &ItemProgress<'_>,
    ) -> Result<CancelRequest, Hresult> {
        let mut told = self.told.lock().unwrap();
        assert!(told.status.is_none(), "a report after the end");
        if status.is_terminal() {
            told.status = Some(status);
            return Ok(CancelRequest::None);
        }
        let progress = Progress {
            phase: progress.phase,
            n_seen_left: progress.n_seen_left,
            n_seen_right: progress.n_seen_right,
            n_done: progress.n_done,
            n_total: progress.n_total,
            bytes_done: progress.bytes_done,
            bytes_total: progress.bytes_total,
            current: progress
                .current
                .map(|it| String::from_utf8_lossy(it).into_owned()),
        };
        let is_now =
            told.stopped_at.is_none() && self.when.as_ref().is_some_and(|it| it(&progress));
        told.progress.push((status, progress));
        if is_now {
            told.stopped_at = Some(Instant::now());
            drop(told);
            // As the center does it: the handler is told from outside, not by the answer.
            for stop in &*self.on_cancel.lock().unwrap() {
                stop();
            }
        }
        Ok(CancelRequest::None)
    }

    fn report_summary(&self, _item: &ItemId, summary: &Summary) -> Result<(), Hresult> {
        self.told.lock().unwrap().summary = Some(*summary);
        Ok(())
    }

    fn report_preview(&self, _item: &ItemId, preview: Preview) -> Result<(), Hresult> {
        self.told.lock().unwrap().preview = Some(preview);
        Ok(())
    }

    fn set_handler_progress_text(&self, _text: &str) -> CancelRequest {
        CancelRequest::None
    }

    fn report_event(&self, event: NewEvent) -> Result<EventId, Hresult> {
        self.told.lock().unwrap().troubles.push(event.trouble);
        Ok(EventId(1))
    }

    fn can_continue(&self, _item: Option<&ItemId>) -> Result<bool, Hresult> {
        Ok(true)
    }

    fn query_for_additional_items(&self) -> Result<Option<Additional>, Hresult> {
        Ok(None)
    }

    fn add_item_to_session(&self, _item: &ItemId) -> Result<Item, Hresult> {
        Err(Hresult::InvalidArgument)
    }

    fn add_token_to_session(&self, _token: &Token) -> Result<(), Hresult> {
        Err(Hresult::InvalidArgument)
    }

    fn propose_item(&self, _item: Arc<dyn SyncItem>) -> Result<(), Hresult> {
        Err(Hresult::NotImplemented)
    }

    fn commit_item(&self, _item: &ItemId) -> Result<(), Hresult> {
        Err(Hresult::NotImplemented)
    }

    fn report_manual_sync(&self) -> Result<(), Hresult> {
        Ok(())
    }

    fn on_cancel(&self, stop: Box<dyn Fn() + Send + Sync>) {
        self.on_cancel.lock().unwrap().push(stop);
    }
}
