//! Calls of sessions that wait for the center's answer.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, sync_channel};
use std::time::Duration;

use syncmgr_center::command::{Call, CallId, CallReply, Command};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::SessionId;

use crate::in_process::lock;

/// How long a caller waits before it looks whether anybody still listens.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

type Reply = Result<CallReply, Hresult>;

/// The calls that wait.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    next: AtomicU64,
    waiting: Mutex<HashMap<CallId, SyncSender<Reply>>>,
}

impl Calls {
    /// Calls the center and waits for its answer. [`Hresult::Failed`] when the center is gone,
    /// [`Hresult::AccessDenied`] when `is_over` says meanwhile that nobody listens any more.
    pub(crate) fn call(
        &self,
        to: &Sender<Command>,
        session: &SessionId,
        call: Call,
        is_over: &AtomicBool,
    ) -> Reply {
        let id = CallId(self.next.fetch_add(1, Ordering::Relaxed));
        let (sender, answer): (_, Receiver<Reply>) = sync_channel(1);
        lock(&self.waiting).insert(id, sender);
        if to.send(Command::Call(id, session.clone(), call)).is_err() {
            lock(&self.waiting).remove(&id);
            return Err(Hresult::Failed);
        }
        loop {
            match answer.recv_timeout(LOOK_AGAIN) {
                Ok(reply) => return reply,
                Err(RecvTimeoutError::Timeout) if is_over.load(Ordering::SeqCst) => {
                    lock(&self.waiting).remove(&id);
                    return Err(Hresult::AccessDenied);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(Hresult::Failed),
            }
        }
    }

    /// Hands an answer to the caller.
    pub(crate) fn answer(&self, id: CallId, reply: Reply) {
        if let Some(to) = lock(&self.waiting).remove(&id) {
            drop(to.send(reply));
        }
    }
}
