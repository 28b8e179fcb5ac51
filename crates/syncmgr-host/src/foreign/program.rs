//! One handler: its process, which all instances share, and when that is started and ended.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use syncmgr_center::center::Handle;
use syncmgr_center::command::{Command, Control};
use syncmgr_center::port::Clock;
use syncmgr_model::event::{EventLevel, Link, NewEvent};
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{Item, SettingSpec};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_protocol::item::ITEMS_MAX;
use syncmgr_protocol::life::{Initialize, Peer};
use syncmgr_protocol::{PathText, RpcError, VERSIONS, error};

use super::health::{Health, May};
use super::launch::{Plan, Reach, Support};
use super::legacy::Instances;
use super::limits::{Patience, TERM_GRACE, WAIT_MAX_MS};
use super::log::Log;
use super::manifest::Manifest;
use super::masks::Masks;
use super::process::{NoResult, Process, Start};
use super::reach;
use super::updates::Updates;
use super::warden::Warden;
use super::why::Why;
use super::wire::{self, Described, Hello};
use crate::in_process::lock;
use crate::{ChoiceFiles, ToCenter};

/// What all handlers in processes of their own share.
pub struct Around {
    /// Our own program: it launches handlers, see [`super::launch::entry`].
    pub launcher: PathBuf,
    /// Private folders and logs of handlers are below it.
    pub state_dir: PathBuf,
    /// What `~` stands for.
    pub home: Option<PathBuf>,
    /// Our version.
    pub version: &'static str,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The way to the center.
    pub center: Arc<ToCenter>,
    /// How long handlers are waited for.
    pub patience: Patience,
}

impl std::fmt::Debug for Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Around")
            .field("launcher", &self.launcher)
            .field("state_dir", &self.state_dir)
            .finish_non_exhaustive()
    }
}

impl Around {
    /// Returns the private folder of a handler.
    #[must_use]
    pub fn data_dir(&self, id: &HandlerId) -> PathBuf {
        self.state_dir.join("handlers").join(id.as_str())
    }

    /// Where it is kept which items of the older family are on.
    pub(super) fn choices(&self) -> ChoiceFiles {
        ChoiceFiles::new(self.state_dir.join("handler-choices"))
    }

    pub(super) fn log_path(&self, id: &HandlerId) -> PathBuf {
        self.state_dir
            .join("handler-logs")
            .join(format!("{id}.log"))
    }
}

/// A process that has said who it is.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) process: Arc<Process>,
    pub(super) hello: Arc<Hello>,
}

/// See the module.
pub(super) struct Program {
    pub(super) manifest: Manifest,
    pub(super) specs: &'static [SettingSpec],
    pub(super) around: Arc<Around>,
    pub(super) log: Arc<Log>,
    masks: Arc<Masks>,
    pub(super) updates: Updates,
    /// Those of a handler of the older family.
    pub(super) instances: Instances,
    support: Support,
    warden: Arc<Warden>,
    /// Who it is is not known yet.
    is_trial: bool,
    /// Held from the wish for a process until there is one, so that there is never a second.
    starting: Mutex<()>,
    state: Mutex<State>,
    me: OnceLock<Weak<Self>>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    health: Health,
    last: Option<Arc<Why>>,
    /// The folders of the items that people saved.
    saved: BTreeSet<PathBuf>,
    /// The folders of the items that it listed itself.
    listed: BTreeMap<ItemId, Vec<PathBuf>>,
    /// Items of which it was said that it may not reach their folders.
    kept_out: BTreeSet<ItemId>,
    is_closed: bool,
    has_told: bool,
}

/// What is shown of a handler's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// It is kept to its folders.
    pub is_sandboxed: bool,
    /// Why not, when it is not.
    pub why_not: Option<String>,
    /// It may talk to services of the same person, also to us, although it is kept to its folders.
    pub has_sockets: bool,
    /// What it can read and change, when it is kept to that.
    pub reach: Vec<PathBuf>,
    /// The number of its process, when it runs.
    pub pid: Option<u32>,
    /// It ended too often and is not started any more.
    pub is_off: bool,
    /// Its version, as it says.
    pub version: Option<String>,
}

impl Program {
    pub(super) fn new(
        manifest: Manifest,
        around: Arc<Around>,
        warden: Arc<Warden>,
        support: Support,
        is_trial: bool,
    ) -> Result<Arc<Self>, String> {
        let log = Log::new(around.log_path(&manifest.id));
        let program = Arc::new(Self {
            specs: manifest.settings()?,
            updates: Updates::default(),
            instances: Instances::default(),
            log: Arc::new(log),
            masks: Arc::default(),
            manifest,
            around,
            support,
            warden,
            is_trial,
            starting: Mutex::default(),
            state: Mutex::default(),
            me: OnceLock::new(),
        });
        drop(program.me.set(Arc::downgrade(&program)));
        Ok(program)
    }

    pub(super) fn id(&self) -> &HandlerId {
        &self.manifest.id
    }

    pub(super) fn center(&self) -> Option<&Handle> {
        self.around.center.handle()
    }

    /// Asks the center for something, without waiting.
    pub(super) fn ask_center(&self, control: Control) {
        if let Some(center) = self.center() {
            let (to, _nobody) = channel();
            let _gone = center.ask(control, to);
        }
    }

    /// Takes over which items people saved.
    pub(super) fn set_saved(&self, saved: &[Item]) {
        let folders = reach::folders(saved, self.specs, self.home());
        lock(&self.state).saved = folders;
    }

    pub(super) fn home(&self) -> Option<&Path> {
        self.around.home.as_deref()
    }

    /// Writes an item as this handler gets it.
    pub(super) fn item(&self, item: &Item) -> Value {
        wire::write(&self.wire_item(item))
    }

    /// Returns an item as the handler is told of it.
    pub(super) fn wire_item(&self, item: &Item) -> syncmgr_protocol::item::Item {
        self.masks.learn(item, self.specs);
        wire::item(item, self.specs, self.home())
    }

    /// Says whether it is kept to its folders, and if not, why.
    fn sandbox(&self) -> Result<(), String> {
        match &self.support {
            _ if !self.manifest.is_sandboxed => {
                Err("it was installed with `--no-sandbox`".to_owned())
            }
            Support::Yes => Ok(()),
            Support::No(why) => Err(why.clone()),
        }
    }

    pub(super) fn view(&self) -> View {
        let state = lock(&self.state);
        let is_on = state
            .running
            .as_ref()
            .filter(|it| it.process.why().is_none());
        let sandbox = self.sandbox();
        let reach = reach::reach(&self.manifest, &state.saved, self.home());
        View {
            command: self.manifest.command.clone(),
            is_sandboxed: sandbox.is_ok(),
            has_sockets: sandbox.is_ok() && self.manifest.has_sockets,
            reach: reach.map(|reach| reach.write).unwrap_or_default(),
            why_not: sandbox.err(),
            pid: is_on.map(|it| it.process.watcher().as_raw_nonzero().get().unsigned_abs()),
            is_off: state.health.may(self.now()) == May::Off,
            version: self.manifest.version.clone(),
        }
    }

    fn now(&self) -> u64 {
        self.around.clock.elapsed_ms()
    }

    /// Returns the process, started if need be, that can reach the folders of these items too.
    ///
    /// # Errors
    /// What a person is told when there is none.
    pub(super) fn running(&self, items: &[Item]) -> Result<Running, Trouble> {
        let _alone = lock(&self.starting);
        let reach = self.wanted(items)?;
        let there = lock(&self.state).running.clone();
        if let Some(there) = &there
            && there.process.why().is_some()
        {
            // Never two at once: they would work in the same folders.
            there.process.is_gone_within(TERM_GRACE * 2);
        }
        if let Some(there) = there.filter(|it| it.process.why().is_none()) {
            let is_enough = match (&there.process.plan().reach, &reach) {
                (Some(has), Some(wanted)) => reach::covers(has, wanted),
                (None, _) | (Some(_), None) => true,
            };
            if is_enough {
                return Ok(there);
            }
            self.make_way(&there.process)?;
        }
        self.wait_until_allowed()?;
        let started = self.start(reach).map_err(|why| why.trouble(self.id()))?;
        lock(&self.state).running = Some(started.clone());
        Ok(started)
    }

    fn wanted(&self, items: &[Item]) -> Result<Option<Reach>, Trouble> {
        if self.sandbox().is_err() {
            return Ok(None);
        }
        let mut folders = lock(&self.state).saved.clone();
        folders.extend(reach::folders(items, self.specs, self.home()));
        let reach = reach::reach(&self.manifest, &folders, self.home());
        reach
            .map(Some)
            .map_err(|what| Why::Limit(what).trouble(self.id()))
    }

    /// Ends a process that cannot reach what is wanted now. What it works on is finished first.
    fn make_way(&self, process: &Arc<Process>) -> Result<(), Trouble> {
        let mut waited = Duration::ZERO;
        let step = Duration::from_millis(100);
        while process.is_busy() && process.why().is_none() {
            if waited > self.around.patience.answer {
                return Err(Trouble::new(Code::NotPossible).with(
                    "detail",
                    "another run of this handler works, and it has to start anew to reach these folders",
                ));
            }
            thread::sleep(step);
            waited += step;
        }
        process.end(Why::Asked);
        process.is_gone_within(TERM_GRACE * 2);
        Ok(())
    }

    /// Waits a little when it ended just now; refuses when it has to be waited for longer.
    fn wait_until_allowed(&self) -> Result<(), Trouble> {
        let (may, last, n) = {
            let state = lock(&self.state);
            if state.is_closed {
                return Err(Why::Asked.trouble(self.id()));
            }
            let may = state.health.may(self.now());
            (may, state.last.clone(), state.health.n_ends())
        };
        match may {
            May::Start => Ok(()),
            May::In(ms) if ms <= WAIT_MAX_MS => {
                thread::sleep(Duration::from_millis(ms));
                Ok(())
            }
            May::In(ms) => {
                let unknown = || Arc::new(Why::Broke("it ended".to_owned()));
                let last = last.unwrap_or_else(unknown).trouble(self.id());
                // All ends are waited for alike; which one it was stands in the detail.
                let trouble = Trouble::new(Code::HandlerStopped)
                    .with("handler", self.id())
                    .with("log", self.id())
                    .with("detail", last.param("detail"));
                Err(trouble.with("wait", ms.div_ceil(1000)))
            }
            May::Off => Err(self.off(n)),
        }
    }

    fn off(&self, n: usize) -> Trouble {
        Trouble::new(Code::HandlerOff)
            .with("handler", self.id())
            .with("n", n)
    }

    fn start(&self, reach: Option<Reach>) -> Result<Running, Arc<Why>> {
        let is_sandboxed = reach.is_some();
        let data_dir = self.around.data_dir(self.id());
        let me = self.me.get().and_then(Weak::upgrade);
        let Some(inbox) = me else {
            return Err(Arc::new(Why::Asked));
        };
        let not_started = |why: Why| {
            // No process ended, so nobody else counts it.
            let why = Arc::new(why);
            self.note_end(&why);
            why
        };
        self.make_folders(&data_dir)
            .map_err(|error| not_started(Why::NotStarted(error.to_string())))?;
        let plan = Plan {
            data_dir: data_dir.clone(),
            limits: self.manifest.limits,
            reach,
            argv: self.manifest.command.iter().map(Into::into).collect(),
            parent: std::process::id(),
        };
        let process = Process::start(Start {
            launcher: self.around.launcher.clone(),
            plan,
            env: reach::environment(&data_dir),
            log: Arc::clone(&self.log),
            masks: Arc::clone(&self.masks),
            clock: Arc::clone(&self.around.clock),
            inbox,
            answer_within: self.around.patience.answer,
            home: self.around.home.clone(),
        })
        .map_err(not_started)?;
        self.warden.watch(&process);
        let hello = self.shake_hands(&process, &data_dir, is_sandboxed)?;
        process.tell("initialized", &json!({}));
        Ok(Running {
            process,
            hello: Arc::new(hello),
        })
    }

    fn make_folders(&self, data_dir: &Path) -> std::io::Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        let logs = self.around.log_path(self.id());
        let logs = logs.parent().unwrap_or(Path::new("/"));
        for folder in [data_dir, &reach::temporary(data_dir), logs] {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        Ok(())
    }

    fn shake_hands(
        &self,
        process: &Arc<Process>,
        data_dir: &Path,
        is_sandboxed: bool,
    ) -> Result<Hello, Arc<Why>> {
        let params = wire::write(&Initialize {
            protocol_versions: VERSIONS.iter().map(|it| (*it).to_owned()).collect(),
            host: Peer {
                name: "syncmgr".to_owned(),
                version: self.around.version.to_owned(),
            },
            locale: "en".to_owned(),
            data_dir: PathText::of_path(data_dir),
            sandbox: if is_sandboxed { "landlock" } else { "none" }.to_owned(),
        });
        let answer = process.ask_within("initialize", params, Some(self.around.patience.start));
        let answer = match answer {
            Ok(answer) => answer,
            Err(NoResult::Gone(why)) => return Err(why),
            Err(NoResult::Refused(refusal)) => return Err(process.end(refused(&refusal))),
        };
        let hello = match wire::hello(answer) {
            Ok(Ok(hello)) => hello,
            Ok(Err(wire::OtherVersion(speaks))) => return Err(process.end(Why::TooOld(speaks))),
            Err(what) => {
                let what = format!("its answer to `initialize` cannot be read: {what}");
                return Err(process.end(Why::Fault(what)));
            }
        };
        if self.is_trial {
            return Ok(hello);
        }
        if hello.id != self.id().as_str() {
            let is = syncmgr_model::escape::escape(hello.id.as_bytes());
            let what = format!("it says it is `{is}`, and was installed as `{}`", self.id());
            return Err(process.end(Why::Fault(what)));
        }
        Ok(hello)
    }

    /// Returns the process that is there now.
    pub(super) fn running_now(&self) -> Option<Running> {
        lock(&self.state).running.clone()
    }

    /// Asks something of the process. A refusal is the caller's to read.
    ///
    /// # Errors
    /// Also when there is no process, or it ends meanwhile: what people are told then.
    pub(super) fn ask(&self, method: &str, params: Value) -> Result<Value, Unanswered> {
        let running = self.running(&[]).map_err(Unanswered::Gone)?;
        running
            .process
            .ask(method, params)
            .map_err(|error| match error {
                NoResult::Refused(refusal) => Unanswered::Refused(refusal),
                NoResult::Gone(why) => Unanswered::Gone(why.trouble(self.id())),
            })
    }

    /// Reads an answer; one that cannot be read ends the handler.
    pub(super) fn understood<T>(
        &self,
        method: &str,
        read: Result<T, String>,
    ) -> Result<T, Trouble> {
        read.map_err(|what| {
            let what = format!("its answer to `{method}` cannot be read: {what}");
            let why = Why::Fault(what);
            let trouble = why.trouble(self.id());
            if let Some(running) = &lock(&self.state).running {
                running.process.end(why);
            }
            trouble
        })
    }

    /// It did what it was asked for.
    pub(super) fn worked(&self) {
        lock(&self.state).health.worked();
    }

    /// Says once that it is not kept to its folders; `None` when it is, or that was said.
    pub(super) fn not_sandboxed(&self) -> Option<Trouble> {
        let why = self.sandbox().err()?;
        let had = std::mem::replace(&mut lock(&self.state).has_told, true);
        let trouble = Trouble::new(Code::NotSandboxed)
            .with("handler", self.id())
            .with("detail", why)
            .at_level(EventLevel::Information);
        (!had).then_some(trouble)
    }

    /// Takes over which folders an item has that it listed.
    pub(super) fn note_listed(&self, item: &Described) {
        let mut state = lock(&self.state);
        let is_known = state.listed.contains_key(&item.id);
        if is_known || state.listed.len() < ITEMS_MAX {
            state.listed.insert(item.id.clone(), item.paths.clone());
        }
    }

    /// Says once for an item that nobody agreed to one of its folders when the handler was
    /// installed, so that its sandbox keeps it out; `None` when it can reach all, or that was said.
    pub(super) fn kept_out(&self, process: &Process, item: &ItemId) -> Option<Trouble> {
        let plan = process.plan();
        let reach = plan.reach.as_ref()?;
        let mut state = lock(&self.state);
        let is_out = |path: &&PathBuf| {
            let wanted = Reach {
                write: vec![(*path).clone()],
                ..Reach::default()
            };
            !path.starts_with(&plan.data_dir) && !reach::covers(reach, &wanted)
        };
        let folder = state.listed.get(item)?.iter().find(is_out)?.clone();
        let is_new = state.kept_out.insert(item.clone());
        let folder = syncmgr_model::escape::escape(folder.as_os_str().as_bytes());
        let trouble = Trouble::new(Code::FolderKeptOut)
            .with("handler", self.id())
            .with("folder", folder)
            .at_level(EventLevel::Warning);
        is_new.then_some(trouble)
    }

    /// Ends the process, if there is one.
    pub(super) fn end(&self, why: Why) {
        let running = lock(&self.state).running.clone();
        if let Some(running) = running {
            running.process.end(why);
        }
    }

    /// A person asks for it: it does not wait any longer.
    pub(super) fn wanted_now(&self) {
        lock(&self.state).health.wanted_now();
    }

    /// Ends it; the next request starts it anew, whatever was before.
    pub(super) fn restart(&self) {
        let _alone = lock(&self.starting);
        let running = lock(&self.state).running.take();
        if let Some(running) = running {
            running.process.forgive();
            self.say_good_bye(&running.process);
            running.process.is_gone_within(TERM_GRACE * 2);
        }
        let mut state = lock(&self.state);
        state.health.renew();
        state.last = None;
    }

    /// Ends it for good, without waiting.
    pub(super) fn close(&self) {
        let running = {
            let mut state = lock(&self.state);
            state.is_closed = true;
            state.running.take()
        };
        if let Some(running) = running {
            self.say_good_bye(&running.process);
        }
    }

    fn say_good_bye(&self, process: &Arc<Process>) {
        process.tell_shutdown();
        process.end(Why::Asked);
    }

    /// Counts an end; says what follows from it.
    pub(super) fn note_end(&self, why: &Arc<Why>) {
        let is_off = {
            let mut state = lock(&self.state);
            state.last = Some(Arc::clone(why));
            why.is_unexpected() && state.health.ended(self.now())
        };
        if !is_off {
            return;
        }
        let n = lock(&self.state).health.n_ends();
        if let Some(center) = self.center() {
            let event = NewEvent {
                item: None,
                trouble: self.off(n),
                link: Link::default(),
                context: None,
            };
            center.tell(Command::Note(self.id().clone(), Box::new(event)));
        }
    }

    /// Removes its private folder and its log.
    pub(super) fn forget(&self) -> std::io::Result<()> {
        self.log.remove()?;
        if let Some(class) = self.manifest.class() {
            self.around.choices().forget(class)?;
        }
        match std::fs::remove_dir_all(self.around.data_dir(self.id())) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(super) enum Unanswered {
    /// The handler refuses.
    Refused(RpcError),
    /// There is no handler that could answer.
    Gone(Trouble),
}

impl Unanswered {
    /// Returns what a person is told.
    pub(super) fn trouble(self, handler: &HandlerId) -> Trouble {
        match self {
            Self::Gone(trouble) => trouble,
            Self::Refused(refusal) => refused_trouble(&refusal, handler),
        }
    }

    /// Returns the code of the contract.
    pub(super) fn hresult(&self) -> syncmgr_model::hresult::Hresult {
        match self {
            Self::Gone(_) => syncmgr_model::hresult::Hresult::Failed,
            Self::Refused(refusal) => refusal.hresult(),
        }
    }
}

/// Returns what a person is told when a handler refuses.
pub(super) fn refused_trouble(refusal: &RpcError, handler: &HandlerId) -> Trouble {
    if let Some(trouble) = refusal.trouble() {
        return trouble;
    }
    let words = syncmgr_model::escape::escape(refusal.message.as_bytes());
    let name = if words.is_empty() {
        format!(
            "The handler {handler} could not do it (code {}).",
            refusal.code
        )
    } else {
        words
    };
    Trouble::new(Code::HandlerSays)
        .with("name", name)
        .with("description", "")
}

fn refused(refusal: &RpcError) -> Why {
    let message = syncmgr_model::escape::escape(refusal.message.as_bytes());
    if refusal.code != error::VERSION {
        return Why::Fault(format!("it refused to begin: {message}"));
    }
    let mut versions = refusal.supported().unwrap_or_default();
    versions.truncate(8);
    Why::TooOld(syncmgr_model::escape::escape(
        versions.join(", ").as_bytes(),
    ))
}
