//! Calls of sessions that wait for the center's answer.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};

use syncmgr_center::command::{Call, CallId, CallReply, Command};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::SessionId;

use crate::in_process::lock;

type Reply = Result<CallReply, Hresult>;

/// The calls that wait.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    next: AtomicU64,
    waiting: Mutex<HashMap<CallId, SyncSender<Reply>>>,
}

impl Calls {
    /// Calls the center and waits for its answer. [`Hresult::Failed`] when the center is gone.
    pub(crate) fn call(&self, to: &Sender<Command>, session: &SessionId, call: Call) -> Reply {
        let id = CallId(self.next.fetch_add(1, Ordering::Relaxed));
        let (sender, answer): (_, Receiver<Reply>) = sync_channel(1);
        lock(&self.waiting).insert(id, sender);
        if to.send(Command::Call(id, session.clone(), call)).is_err() {
            lock(&self.waiting).remove(&id);
            return Err(Hresult::Failed);
        }
        answer.recv().unwrap_or(Err(Hresult::Failed))
    }

    /// Hands an answer to the caller.
    pub(crate) fn answer(&self, id: CallId, reply: Reply) {
        if let Some(to) = lock(&self.waiting).remove(&id) {
            drop(to.send(reply));
        }
    }
}
