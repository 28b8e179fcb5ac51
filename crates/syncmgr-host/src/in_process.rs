//! Handlers that live in this process.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use syncmgr_center::command::{Command, Report, Start};
use syncmgr_center::port::{Clock, Handlers};
use syncmgr_model::id::{HandlerId, SessionId};
use syncmgr_model::progress::CancelRequest;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::Handler;

use crate::session::{Creator, Line};

/// The handlers of this process and the sessions that run in them. A clone is the same host.
#[derive(Clone)]
pub struct InProcess {
    handlers: Arc<Vec<Arc<dyn Handler>>>,
    clock: Arc<dyn Clock>,
    lines: Arc<Mutex<HashMap<SessionId, Arc<Line>>>>,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

impl InProcess {
    /// Hosts these handlers.
    #[must_use]
    pub fn new(handlers: Vec<Arc<dyn Handler>>, clock: Arc<dyn Clock>) -> Self {
        Self {
            handlers: Arc::new(handlers),
            clock,
            lines: Arc::default(),
        }
    }

    /// Returns a handler.
    ///
    /// # Errors
    /// `handler-unknown`.
    pub fn handler(&self, id: &HandlerId) -> Result<&dyn Handler, Trouble> {
        self.find(id).map(|handler| &**handler)
    }

    fn find(&self, id: &HandlerId) -> Result<&Arc<dyn Handler>, Trouble> {
        self.handlers
            .iter()
            .find(|handler| handler.info().id == *id)
            .ok_or_else(|| Trouble::new(Code::HandlerUnknown).with("handler", id))
    }
}

impl Handlers for InProcess {
    fn run(&self, start: Start, to: Sender<Command>) {
        let id = start.session.clone();
        let handler = match self.find(&start.item.handler) {
            Ok(handler) => Arc::clone(handler),
            Err(trouble) => {
                return drop(to.send(Command::Report(id, Report::Ended(Err(trouble)))));
            }
        };
        let line = Arc::new(Line::new(id.clone(), to.clone(), Arc::clone(&self.clock)));
        lock(&self.lines).insert(id.clone(), Arc::clone(&line));
        let lines = Arc::clone(&self.lines);
        let name = start.item.handler.clone();
        let end = (id.clone(), to.clone());
        let work = move || {
            // Nothing of the handler is used after a panic except through its own contract, which
            // allows it to be killed at any moment.
            let result = catch_unwind(AssertUnwindSafe(|| {
                let creator = Creator::new(Arc::clone(&line));
                handler.synchronize(&start.item, &start.work, start.intent, &creator)
            }))
            .unwrap_or_else(|panic| Err(broken(&name, &panic_text(&*panic))));
            lock(&lines).remove(&id);
            drop(to.send(Command::Report(id, Report::Ended(result))));
        };
        let spawned = std::thread::Builder::new()
            .name("session".to_owned())
            .spawn(work);
        if let Err(error) = spawned {
            let (id, to) = end;
            lock(&self.lines).remove(&id);
            let trouble = Trouble::new(Code::HandlerStopped)
                .with("handler", "of this sync")
                .with("detail", error);
            drop(to.send(Command::Report(id, Report::Ended(Err(trouble)))));
        }
    }

    fn cancel(&self, session: &SessionId, scope: CancelRequest) {
        let line = lock(&self.lines).get(session).cloned();
        if let Some(line) = line {
            line.cancel(scope);
        }
    }
}

fn broken(handler: &HandlerId, detail: &str) -> Trouble {
    Trouble::new(Code::HandlerStopped)
        .with("handler", handler)
        .with("detail", detail)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned())
}

/// Takes a lock. A panic elsewhere does not matter: what is guarded is changed in single steps.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
