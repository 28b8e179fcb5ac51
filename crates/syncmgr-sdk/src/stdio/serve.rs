//! The server: reads what the host sends, and lets others work.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::value::RawValue;
use syncmgr_model::id::ItemId;
use syncmgr_model::item::Item;
use syncmgr_protocol::life::{self, negotiate};
use syncmgr_protocol::message::{Id, read};
use syncmgr_protocol::session::{CancelSession, Start};
use syncmgr_protocol::{FrameError, Lines, Message, RpcError, VERSIONS, error, operation};

use super::ask::Asker;
use super::host::Host;
use super::legacy::{self, Older};
use super::life::Pending;
use super::lock;
use super::operations::Shown;
use super::outbox::Outbox;
use super::questions::{Desk, METHODS, Saved};
use super::sessions::{self, Open};
use super::shown::About;
use crate::HandlerFactory;
use crate::legacy::LegacyFactory;

/// Most questions that wait; the host waits for each, so there are never many.
const QUESTIONS_MAX: usize = 128;

/// How long running sessions have to end when the host wants to stop. It ends the process 5 s
/// after that.
const GRACE: Duration = Duration::from_secs(4);

/// Serves a handler over standard input and output until the host has enough; returns what `main`
/// returns.
///
/// ```no_run
/// # fn example(factory: std::sync::Arc<dyn syncmgr_sdk::HandlerFactory>) -> std::process::ExitCode {
/// syncmgr_sdk::stdio::run(factory)
/// # }
/// ```
#[must_use]
pub fn run(factory: Arc<dyn HandlerFactory>) -> ExitCode {
    let server = Server::new();
    server
        .serve(factory, std::io::stdin(), std::io::stdout())
        .code()
}

/// Serves a handler of the older family over standard input and output; returns what `main`
/// returns.
#[must_use]
pub fn run_legacy(name: &str, factory: Box<dyn LegacyFactory>) -> ExitCode {
    let server = Server::new();
    let older = Older::new(name, factory);
    server
        .serve_legacy(older, std::io::stdin(), std::io::stdout())
        .code()
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The host sent `exit`.
    Exit,
    /// The host closed the stream.
    Closed,
    /// What the host sent could not be read any further.
    Unreadable,
}

impl End {
    /// Returns what `main` returns.
    #[must_use]
    pub fn code(self) -> ExitCode {
        match self {
            Self::Exit | Self::Closed => ExitCode::SUCCESS,
            Self::Unreadable => ExitCode::FAILURE,
        }
    }
}

/// Serves one handler.
#[derive(Debug)]
pub struct Server {
    host: Host,
    about: About,
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

/// What is asked of the thread for questions.
enum Question {
    Ask(Id, String, Option<Box<RawValue>>),
    Initialize(Id),
}

/// What goes through the whole of one serving.
struct Service {
    factory: Arc<dyn HandlerFactory>,
    host: Host,
    pending: Arc<Pending>,
    shown: Arc<Shown>,
    saved: Saved,
    questions: SyncSender<Question>,
    stage: Mutex<Stage>,
}

/// Where the life of the connection stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Initializing,
    Ready,
    Ending,
}

impl Server {
    /// Makes a server.
    #[must_use]
    pub fn new() -> Self {
        let outbox = Arc::new(Outbox::new());
        Self {
            host: Host {
                asker: Arc::new(Asker::new(outbox)),
                open: Arc::new(Open::default()),
            },
            about: About::default(),
        }
    }

    /// Says the version of the program.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.about.version);
        self
    }

    /// Says that the handler cannot tell what it would do.
    #[must_use]
    pub fn without_preview(mut self) -> Self {
        self.about.has_no_preview = true;
        self
    }

    /// Returns the host, for what the handler tells outside of a session.
    #[must_use]
    pub fn host(&self) -> Host {
        self.host.clone()
    }

    /// Serves a handler until the host has enough.
    #[must_use]
    pub fn serve(
        self,
        factory: Arc<dyn HandlerFactory>,
        input: impl Read,
        output: impl Write + Send + 'static,
    ) -> End {
        let (questions, asked) = sync_channel(QUESTIONS_MAX);
        let outbox = Arc::clone(&self.host.asker.outbox);
        let service = Service {
            factory: Arc::clone(&factory),
            host: self.host.clone(),
            pending: Arc::new(Pending::new(Arc::clone(&outbox))),
            shown: Arc::default(),
            saved: Saved::default(),
            questions,
            stage: Mutex::new(Stage::New),
        };
        let saved = Arc::clone(&service.saved);
        let desk = Desk::new(factory, self.about.clone(), saved);
        let pending = Arc::clone(&service.pending);
        spawn("questions", move || answer_all(desk, &asked, &pending));
        self.between(input, output, |message| service.take(message))
    }

    /// Serves a handler of the older family until the host has enough.
    #[must_use]
    pub fn serve_legacy(
        self,
        older: Older,
        input: impl Read,
        output: impl Write + Send + 'static,
    ) -> End {
        let mut service = legacy::Service::new(older, &self.host, &self.about);
        self.between(input, output, |message| service.take(message))
    }

    /// Reads until the end, and writes what is left.
    fn between(
        &self,
        input: impl Read,
        output: impl Write + Send + 'static,
        mut take: impl FnMut(Message<'_>) -> Option<End>,
    ) -> End {
        let outbox = Arc::clone(&self.host.asker.outbox);
        let writer = Arc::clone(&outbox);
        let writer = thread::Builder::new()
            .name("outbox".to_owned())
            .spawn(move || writer.write(output));
        let end = read_all(input, &outbox, &mut take);
        // Nobody waits for these sessions any more; they end what they are at.
        self.host.open.cancel_all();
        self.host.asker.end();
        if end != End::Exit {
            self.host.open.wait(GRACE);
        }
        outbox.close();
        if let Ok(writer) = writer {
            drop(writer.join());
        }
        end
    }
}

fn read_all(
    input: impl Read,
    outbox: &Outbox,
    take: &mut impl FnMut(Message<'_>) -> Option<End>,
) -> End {
    let mut lines = Lines::new(input);
    loop {
        let line = match lines.next() {
            Ok(Some(line)) => line,
            Ok(None) | Err(FrameError::CutOff) => return End::Closed,
            Err(error) => {
                let error = RpcError::new(error::PARSE, error.to_string());
                outbox.refuse(None, &error);
                return End::Unreadable;
            }
        };
        match Message::read(line) {
            Ok(message) => {
                if let Some(end) = take(message) {
                    return end;
                }
            }
            Err(malformed) => {
                outbox.refuse(malformed.id.as_ref(), &RpcError::from(&malformed));
            }
        }
    }
}

/// Starts a thread; a system that has none left is told by `false`.
pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> bool {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .is_ok()
}

fn answer_all(mut desk: Desk, asked: &Receiver<Question>, pending: &Pending) {
    while let Ok(question) = asked.recv() {
        match question {
            Question::Ask(id, method, params) => {
                pending.end(&id, &desk.answer(&method, params.as_deref()));
            }
            Question::Initialize(id) => pending.end(&id, &desk.initialize()),
        }
    }
}

impl Service {
    fn take(&self, message: Message<'_>) -> Option<End> {
        match message {
            Message::Request { id, method, params } => {
                self.request(id, &method, params);
                None
            }
            Message::Notification { method, params } => self.notification(&method, params),
            Message::Answer { id, result } => {
                self.host.asker.answered(id, result);
                None
            }
        }
    }

    fn refuse(&self, id: &Id, error: &RpcError) {
        self.host.asker.outbox.refuse(Some(id), error);
    }

    fn request(&self, id: Id, method: &str, params: Option<&RawValue>) {
        if let Err(error) = self.admit(method) {
            return self.refuse(&id, &error);
        }
        match method {
            "initialize" => self.initialize(id, params),
            "ping" => self.host.asker.outbox.answer(&id, &Ok(sessions::nothing())),
            "shutdown" => self.shutdown(id),
            "session/start" => self.start(id, params),
            "operation/run" => self.operation(id, params),
            method if METHODS.contains(&method) => {
                if self.pending.begin(&id, None) {
                    let params = params.map(ToOwned::to_owned);
                    self.ask(&id.clone(), Question::Ask(id, method.to_owned(), params));
                }
            }
            method => self.refuse(&id, &RpcError::unknown_method(method)),
        }
    }

    /// Says whether this may be asked now.
    fn admit(&self, method: &str) -> Result<(), RpcError> {
        let stage = *lock(&self.stage);
        let text = match (stage, method) {
            (Stage::New, "initialize") | (Stage::Ending, "ping" | "shutdown") => return Ok(()),
            (_, "initialize") => "it is initialized already",
            (Stage::Ready, _) => return Ok(()),
            (Stage::Ending, _) => "it is ending",
            (Stage::New | Stage::Initializing, _) => "it is not initialized",
        };
        Err(RpcError::new(error::UNEXPECTED, text))
    }

    fn ask(&self, id: &Id, question: Question) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.questions.try_send(question)
        {
            let error = RpcError::new(error::UNEXPECTED, "too many questions wait");
            self.pending.end(id, &Err(error));
        }
    }

    fn initialize(&self, id: Id, params: Option<&RawValue>) {
        let asked: Result<life::Initialize, _> = read(params);
        match asked {
            Err(wrong) => self.refuse(&id, &wrong.into()),
            Ok(asked) if negotiate(&asked.protocol_versions).is_none() => {
                self.refuse(&id, &RpcError::no_version(VERSIONS));
            }
            Ok(_) => {
                *lock(&self.stage) = Stage::Initializing;
                if self.pending.begin(&id, None) {
                    self.ask(&id.clone(), Question::Initialize(id));
                }
            }
        }
    }

    fn shutdown(&self, id: Id) {
        *lock(&self.stage) = Stage::Ending;
        if !self.pending.begin(&id, None) {
            return;
        }
        self.host.open.cancel_all();
        let (host, pending) = (self.host.clone(), Arc::clone(&self.pending));
        let end = id.clone();
        let is_there = spawn("shutdown", move || {
            host.open.wait(GRACE);
            pending.end(&end, &Ok(sessions::nothing()));
        });
        if !is_there {
            self.pending.end(&id, &Ok(sessions::nothing()));
        }
    }

    fn start(&self, id: Id, params: Option<&RawValue>) {
        let opened = read::<Start>(params)
            .map_err(RpcError::from)
            .and_then(|start| {
                let items = sessions::items(&start, &*self.factory)?;
                let remote = sessions::open(&start, &items, (&*self.factory, &self.host))?;
                Ok((start, items, remote))
            });
        let (start, items, remote) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.refuse(&id, &error),
        };
        let session = start.session_id.clone();
        if !self.pending.begin(&id, Some(&session)) {
            self.host.open.remove(&session);
            return self.host.open.answered();
        }
        let (factory, host) = (Arc::clone(&self.factory), self.host.clone());
        let (pending, saved) = (Arc::clone(&self.pending), lock(&self.saved).clone());
        let (end, own) = (id.clone(), session.clone());
        let is_there = spawn("session", move || {
            let answer = sessions::work(&*factory, saved, (start, items), remote);
            host.open.remove(&own);
            pending.end(&end, &answer);
            host.open.answered();
        });
        if !is_there {
            self.host.open.remove(&session);
            self.no_thread(&id);
            self.host.open.answered();
        }
    }

    fn no_thread(&self, id: &Id) {
        let error = RpcError::new(error::FAILED, "no thread could be started");
        self.pending.end(id, &Err(error));
    }

    fn operation(&self, id: Id, params: Option<&RawValue>) {
        let run: operation::Run = match read(params) {
            Ok(run) => run,
            Err(wrong) => return self.refuse(&id, &wrong.into()),
        };
        if !self.pending.begin(&id, None) {
            return;
        }
        let (factory, host) = (Arc::clone(&self.factory), self.host.clone());
        let (pending, shown) = (Arc::clone(&self.pending), Arc::clone(&self.shown));
        let saved: Vec<Item> = lock(&self.saved).values().cloned().collect();
        let end = id.clone();
        let is_there = spawn("operation", move || {
            let answer = shown.run(&*factory, &saved, (run, &host));
            pending.end(&end, &answer);
        });
        if !is_there {
            self.no_thread(&id);
        }
    }

    fn notification(&self, method: &str, params: Option<&RawValue>) -> Option<End> {
        match method {
            "exit" => return Some(End::Exit),
            "initialized" => {
                let mut stage = lock(&self.stage);
                if *stage == Stage::Initializing {
                    *stage = Stage::Ready;
                }
            }
            "session/cancel" => {
                if let Ok(cancel) = read::<CancelSession>(params) {
                    let item = cancel.item.map(ItemId::new);
                    if let Ok(item) = item.transpose() {
                        self.host.open.cancel(&cancel.session_id, item.as_ref());
                    }
                }
            }
            "operation/raise" => {
                if let Ok(raise) = read(params) {
                    self.shown.raise(raise);
                }
            }
            "$/cancel" => {
                if let Ok(cancel) = read::<life::CancelRequest>(params)
                    && let Some(session) = self.pending.cancel(&cancel.id)
                {
                    self.host.open.cancel(&session, None);
                }
            }
            _ => {}
        }
        None
    }
}
