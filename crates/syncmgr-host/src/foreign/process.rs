//! One running handler: its pipes, the requests that wait for its answers, and its end.
//!
//! ```text
//!  started ──► says who it is ──► works ──► asked to end ──────────────────────────┐
//!                    │              │         5 s later: TERM to all of it         ▼
//!                    └──────────────┴─► breaks a rule, goes over a limit ──► 5 s: KILL
//! ```
//!
//! Whatever the reason, everybody who waits for it learns of it at once, and the program itself is
//! ended beside. A thread of its own reads what it says; that thread also started it, because the
//! system ties the life of the watcher to the thread that made it.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel,
};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use syncmgr_center::port::Clock;
use syncmgr_protocol::{Id, Lines, RpcError, error};
use syncmgr_sdk::MaskedStream;

use super::launch::{self, Ended, Plan};
use super::limits::{
    CLOSE_GRACE, LOG_BUDGET, LOG_WINDOW_MS, MESSAGES_MAX, MESSAGES_WINDOW_MS, QUEUE_MAX,
    STACK_BYTES, TERM_GRACE, WRITE_QUEUE_MAX,
};
use super::log::Log;
use super::masks::Masks;
use super::message::Incoming;
use super::refused;
use super::why::Why;
use crate::in_process::lock;

/// What comes for one session, in the order in which the handler said it.
#[derive(Debug)]
pub(super) enum Said {
    /// The handler reports or asks something.
    Call(Call),
    /// The answer to the request that began the session.
    Answer(Result<Value, RpcError>),
}

/// A call of the handler. With an id it wants an answer.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: Option<Id>,
    pub(super) method: String,
    pub(super) params: Value,
}

/// Why a request has no result.
#[derive(Debug, Clone)]
pub(super) enum NoResult {
    /// The handler refuses it.
    Refused(RpcError),
    /// The handler ended, or was ended because it did not answer.
    Gone(Arc<Why>),
}

/// Who hears what a handler says that belongs to no session.
pub(super) trait Inbox: Send + Sync {
    /// It calls. Returns what rule it broke by that, if it did.
    fn call(&self, process: &Arc<Process>, call: Call) -> Result<(), String>;

    /// It ended. Nobody waits for it any more.
    fn ended(&self, process: &Process, why: &Arc<Why>);
}

/// How a process is started.
pub(super) struct Start {
    pub(super) launcher: PathBuf,
    pub(super) plan: Plan,
    pub(super) env: Vec<(String, std::ffi::OsString)>,
    pub(super) log: Arc<Log>,
    pub(super) masks: Arc<Masks>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) answer_within: Duration,
    /// The folder of the person.
    pub(super) home: Option<PathBuf>,
}

enum Waiting {
    Caller(SyncSender<Result<Value, RpcError>>),
    Session(SyncSender<Said>),
}

/// See the module.
pub(super) struct Process {
    watcher: Pid,
    plan: Plan,
    to: Mutex<Option<SyncSender<Vec<u8>>>>,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Waiting>>,
    sessions: Mutex<Sessions>,
    /// Calls of the older family whose completion has not come.
    n_long_calls: AtomicUsize,
    why: OnceLock<Arc<Why>>,
    is_ending: AtomicBool,
    /// A person began anew: its end does not count against the handler.
    is_forgiven: AtomicBool,
    is_gone: (Mutex<bool>, Condvar),
    log: Arc<Log>,
    masks: Arc<Masks>,
    clock: Arc<dyn Clock>,
    inbox: Arc<dyn Inbox>,
    answer_within: Duration,
    home: Option<PathBuf>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process")
            .field("watcher", &self.watcher)
            .field("why", &self.why)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Sessions {
    open: HashMap<String, SyncSender<Said>>,
    /// Those that ended last: what is still said of them came too late, and is no lie.
    over: VecDeque<String>,
}

/// Sessions that are remembered after their end.
const OVER_MAX: usize = 64;

impl Process {
    /// Starts it. It has said nothing yet.
    pub(super) fn start(start: Start) -> Result<Arc<Self>, Why> {
        let (started, result) = channel();
        let spawned = thread::Builder::new()
            .name("handler-out".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || match begin(start) {
                Ok((process, child, stdout)) => {
                    drop(started.send(Ok(Arc::clone(&process))));
                    process.read(stdout);
                    process.bury(child);
                }
                Err(why) => drop(started.send(Err(why))),
            });
        match spawned {
            Ok(_) => result
                .recv()
                .unwrap_or_else(|_| Err(Why::NotStarted("its thread broke down".to_owned()))),
            Err(error) => Err(Why::NotStarted(error.to_string())),
        }
    }

    /// Returns how it was started.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the number of the process above it.
    pub(super) fn watcher(&self) -> Pid {
        self.watcher
    }

    /// Returns why it ended or is being ended.
    pub(super) fn why(&self) -> Option<Arc<Why>> {
        self.why.get().cloned()
    }

    /// Its end does not count against the handler, whatever the reason.
    pub(super) fn forgive(&self) {
        self.is_forgiven.store(true, Ordering::SeqCst);
    }

    /// Says whether its end does not count.
    pub(super) fn is_forgiven(&self) -> bool {
        self.is_forgiven.load(Ordering::SeqCst)
    }

    /// Says whether it has sessions, or long calls of the older family.
    pub(super) fn is_busy(&self) -> bool {
        self.n_long_calls.load(Ordering::SeqCst) > 0 || !lock(&self.sessions).open.is_empty()
    }

    /// A long call of the older family begins.
    pub(super) fn long_call_begins(&self) {
        self.n_long_calls.fetch_add(1, Ordering::SeqCst);
    }

    /// One that began is over.
    pub(super) fn long_call_ends(&self) {
        self.n_long_calls.fetch_sub(1, Ordering::SeqCst);
    }

    /// Asks something and waits for the answer. One that does not come ends the handler.
    pub(super) fn ask(self: &Arc<Self>, method: &str, params: Value) -> Result<Value, NoResult> {
        self.ask_within(method, params, Some(self.answer_within))
    }

    /// The same, with another limit; `None`: as long as a person takes.
    pub(super) fn ask_within(
        self: &Arc<Self>,
        method: &str,
        params: Value,
        limit: Option<Duration>,
    ) -> Result<Value, NoResult> {
        let (to, answer) = sync_channel(1);
        let id = self.request(method, &params, Waiting::Caller(to));
        let answered = match limit {
            Some(limit) => answer.recv_timeout(limit),
            None => answer.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match answered {
            Ok(result) => result.map_err(NoResult::Refused),
            Err(RecvTimeoutError::Timeout) => {
                lock(&self.waiting).remove(&id);
                let secs = limit.unwrap_or_default().as_secs();
                let what = format!("it did not answer `{method}` within {secs} s");
                Err(NoResult::Gone(self.end(Why::Silent(what))))
            }
            Err(RecvTimeoutError::Disconnected) => Err(NoResult::Gone(self.gone())),
        }
    }

    /// Begins a session: what the handler says about it comes here, its answer last.
    pub(super) fn begin(self: &Arc<Self>, session: &str, params: &Value) -> Receiver<Said> {
        let (to, from) = sync_channel(QUEUE_MAX);
        let open = to.clone();
        self.masks.name(session);
        lock(&self.sessions).open.insert(session.to_owned(), open);
        self.request("session/start", params, Waiting::Session(to));
        if self.why.get().is_some() {
            lock(&self.sessions).open.remove(session);
        }
        from
    }

    /// Ends a session: what is said about it from now on is too late.
    pub(super) fn finish(&self, session: &str) {
        let mut sessions = lock(&self.sessions);
        sessions.open.remove(session);
        sessions.over.push_back(session.to_owned());
        if sessions.over.len() > OVER_MAX
            && let Some(old) = sessions.over.pop_front()
        {
            self.masks.forget(&old);
        }
    }

    /// Tells something that has no answer.
    pub(super) fn tell(self: &Arc<Self>, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Tells it to come to its end; nobody waits for its answer.
    pub(super) fn tell_shutdown(self: &Arc<Self>) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": "shutdown", "params": {}}));
        self.tell("exit", &json!({}));
    }

    /// Answers a call, if an answer is wanted.
    pub(super) fn reply(self: &Arc<Self>, id: Option<Id>, result: Result<Value, RpcError>) {
        let Some(id) = id else { return };
        let message = match result {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(refusal) => json!({"jsonrpc": "2.0", "id": id, "error": refusal}),
        };
        self.send(&message);
    }

    fn request(self: &Arc<Self>, method: &str, params: &Value, waiting: Waiting) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.waiting).insert(id, waiting);
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        if self.why.get().is_some() {
            // It ended before the request was known: nobody will answer it.
            lock(&self.waiting).remove(&id);
        }
        id
    }

    fn send(self: &Arc<Self>, message: &Value) {
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        let sent = match &*lock(&self.to) {
            Some(to) => to.try_send(line),
            None => return,
        };
        match sent {
            // Gone: whoever waits learns of that.
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                self.end(Why::Silent("it does not read what it is told".to_owned()));
            }
        }
    }

    /// Returns why it is gone; for those who found that out.
    fn gone(&self) -> Arc<Why> {
        let unknown = || Arc::new(Why::Broke("it ended".to_owned()));
        self.why().unwrap_or_else(unknown)
    }
}

/// Starts the program with its pipes.
fn begin(start: Start) -> Result<(Arc<Process>, Child, impl Read), Why> {
    let mut child = start
        .plan
        .command(&start.launcher)
        .env_clear()
        .envs(start.env)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Why::NotStarted(error.to_string()))?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(Why::NotStarted("it has no pipes".to_owned()));
    };
    let (to, queue) = sync_channel(WRITE_QUEUE_MAX);
    let process = Arc::new(Process {
        watcher: Pid::from_child(&child),
        plan: start.plan,
        to: Mutex::new(Some(to)),
        next: AtomicU64::new(0),
        waiting: Mutex::default(),
        sessions: Mutex::default(),
        n_long_calls: AtomicUsize::new(0),
        why: OnceLock::new(),
        is_ending: AtomicBool::new(false),
        is_forgiven: AtomicBool::new(false),
        is_gone: (Mutex::new(false), Condvar::new()),
        log: start.log,
        masks: start.masks,
        clock: start.clock,
        inbox: start.inbox,
        answer_within: start.answer_within,
        home: start.home,
    });
    let (log, clock) = (Arc::clone(&process.log), Arc::clone(&process.clock));
    let masks = Arc::clone(&process.masks);
    let helpers = [
        thread("handler-in", move || write(stdin, &queue)),
        thread("handler-log", move || keep(stderr, &log, &masks, &*clock)),
    ];
    for helper in helpers {
        if let Err(error) = helper {
            process.end(Why::NotStarted(error.to_string()));
        }
    }
    Ok((process, child, stdout))
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.stack_size(STACK_BYTES).spawn(work).map(drop)
}

/// Writes what is to be told; the pipe is closed when nobody tells anything any more.
fn write(mut stdin: ChildStdin, queue: &Receiver<Vec<u8>>) {
    while let Ok(line) = queue.recv() {
        // A handler that does not read any more ends, or is ended.
        if stdin.write_all(&line).is_err() {
            return;
        }
    }
}

/// Keeps what it writes to its log. What comes faster than anybody could read is left out.
fn keep(mut stderr: impl Read, log: &Log, masks: &Masks, clock: &dyn Clock) {
    let mut buffer = [0; 8192];
    let (mut since, mut n_kept, mut n_left_out) = (clock.elapsed_ms(), 0, 0_u64);
    let mut masked = MaskedStream::default();
    while let Ok(n) = stderr.read(&mut buffer) {
        if n == 0 {
            break;
        }
        let now = clock.elapsed_ms();
        if now >= since + LOG_WINDOW_MS {
            if n_left_out > 0 {
                log.note(&format!("{n_left_out} bytes were left out here"));
            }
            (since, n_kept, n_left_out) = (now, 0, 0);
        }
        if n_kept + n <= LOG_BUDGET {
            log.write(&masks.piece(&mut masked, &buffer[..n]));
            n_kept += n;
        } else {
            n_left_out += n as u64;
        }
    }
    log.write(&masked.finish());
    if n_left_out > 0 {
        log.note(&format!("{n_left_out} bytes were left out here"));
    }
}

impl Process {
    /// Reads what it says until it says no more, or something it may not.
    fn read(self: &Arc<Self>, stdout: impl Read) {
        let mut lines = Lines::new(stdout);
        let (mut since, mut n_messages) = (self.clock.elapsed_ms(), 0);
        loop {
            let message = match Incoming::read(&mut lines) {
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(fault) => {
                    self.end(fault);
                    break;
                }
            };
            let now = self.clock.elapsed_ms();
            if now >= since + MESSAGES_WINDOW_MS {
                (since, n_messages) = (now, 0);
            }
            n_messages += usize::from(!message.is_progress());
            if n_messages > MESSAGES_MAX {
                let what = format!("it sent more than {MESSAGES_MAX} messages in ten seconds");
                self.end(Why::Limit(what));
                break;
            }
            if let Err(rule) = self.take(message) {
                self.end(Why::Fault(rule));
                break;
            }
        }
        if self.why.get().is_none() {
            // It may be about to end; then its code says more.
            self.end_beside(Ladder::Close);
        }
    }

    fn take(self: &Arc<Self>, mut message: Incoming) -> Result<(), String> {
        message.mask(&self.masks);
        if self.why.get().is_some() {
            // It is being ended: nobody listens any more.
            return Ok(());
        }
        match message {
            Incoming::Answer(id, result) => {
                let waiting = match &id {
                    Id::Number(number) => lock(&self.waiting).remove(number),
                    Id::Text(_) => None,
                };
                match waiting {
                    // Who asked may have gone.
                    Some(Waiting::Caller(to)) => drop(to.send(result)),
                    Some(Waiting::Session(to)) => drop(to.send(Said::Answer(result))),
                    None => return Err(format!("it answered {id}, which nobody asked")),
                }
                Ok(())
            }
            Incoming::Call(call) => {
                let session = call.params.get("session_id").and_then(Value::as_str);
                let Some(session) = session.filter(|_| call.method != "session/close") else {
                    return self.inbox.call(self, call);
                };
                let to = lock(&self.sessions).open.get(session).cloned();
                match to {
                    Some(to) => match to.send(Said::Call(call)) {
                        Ok(()) => Ok(()),
                        Err(over) => self.too_late(over.0),
                    },
                    None if lock(&self.sessions).over.iter().any(|it| it == session) => {
                        self.too_late(Said::Call(call))
                    }
                    None => self.inbox.call(self, call),
                }
            }
        }
    }

    /// Answers what was said of a session that is over.
    fn too_late(self: &Arc<Self>, said: Said) -> Result<(), String> {
        if let Said::Call(call) = said {
            self.reply(
                call.id,
                Err(RpcError::new(error::UNEXPECTED, "the session is over")),
            );
        }
        Ok(())
    }

    /// Waits for the end of the watcher, and tells everybody.
    fn bury(self: &Arc<Self>, mut child: Child) {
        let ended = child.wait().map_or(Ended::Unknown, Ended::read);
        let (gone, bell) = &self.is_gone;
        *lock(gone) = true;
        bell.notify_all();
        let last = self.log.last_line();
        let hint = refused::hint(&self.plan, &ended, last.as_deref(), self.home.as_deref());
        let why = match ended {
            Ended::NotStarted(why) => Why::NotStarted(why.to_owned()),
            Ended::Code(_) | Ended::Signal(_) | Ended::Unknown => Why::Broke(ended.to_string()),
        };
        let why = self.settle(why.with_last_words(last).with_hint(hint));
        self.log.note(&format!("ended: {ended}"));
        self.inbox.ended(self, &why);
    }

    /// Settles why it ends, unless that is known, and lets go of all who wait.
    fn settle(&self, mut why: Why) -> Arc<Why> {
        why.mask(&self.masks);
        let why = Arc::clone(self.why.get_or_init(|| Arc::new(why)));
        lock(&self.waiting).clear();
        lock(&self.sessions).open.clear();
        why
    }

    /// Ends it. Who waits for it learns of it now; the program ends beside. Returns the reason,
    /// which may be an earlier one.
    pub(super) fn end(self: &Arc<Self>, why: Why) -> Arc<Why> {
        let ladder = match &why {
            Why::Asked => Ladder::Close,
            Why::Limit(_) => Ladder::Kill,
            Why::NotStarted(_)
            | Why::Broke(_)
            | Why::Fault(_)
            | Why::Silent(_)
            | Why::TooOld(_)
            | Why::GivenUp => Ladder::Term,
        };
        let why = self.settle(why);
        self.end_beside(ladder);
        why
    }

    fn end_beside(self: &Arc<Self>, ladder: Ladder) {
        // From now on nothing is told; the pipe closes when what was told is written.
        *lock(&self.to) = None;
        if ladder != Ladder::Kill && self.is_ending.swap(true, Ordering::SeqCst) {
            return;
        }
        let process = Arc::clone(self);
        let work = move || process.climb(ladder);
        if thread("handler-end", work).is_err() {
            self.climb(Ladder::Kill);
        }
    }

    fn climb(&self, ladder: Ladder) {
        if ladder == Ladder::Close && self.is_gone_within(CLOSE_GRACE) {
            return;
        }
        if ladder != Ladder::Kill {
            if self.why.get().is_none() {
                self.settle(Why::Fault("it closed its output and went on".to_owned()));
            }
            self.signal(Signal::TERM);
            if self.is_gone_within(TERM_GRACE) {
                return;
            }
        }
        launch::kill_tree(self.watcher);
        if !self.is_gone_within(CLOSE_GRACE) {
            self.signal(Signal::KILL);
        }
    }

    /// Signals the watcher, whose number is taken as long as nobody waited for it.
    fn signal(&self, signal: Signal) {
        let gone = lock(&self.is_gone.0);
        if !*gone {
            // It may have ended by itself.
            let _gone = rustix::process::kill_process(self.watcher, signal);
        }
    }

    /// Waits for the end of the program; says whether it came.
    pub(super) fn is_gone_within(&self, limit: Duration) -> bool {
        let (gone, bell) = &self.is_gone;
        let waited = bell.wait_timeout_while(lock(gone), limit, |gone| !*gone);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Where ending begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ladder {
    /// Its input is closed; then the rest.
    Close,
    /// It is told to end; then the last.
    Term,
    /// It is ended.
    Kill,
}
