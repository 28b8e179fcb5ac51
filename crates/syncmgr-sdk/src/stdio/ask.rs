//! Requests of the handler, and the answers of the host.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::value::RawValue;
use syncmgr_protocol::message::{Id, read};
use syncmgr_protocol::{Method, RpcError, error};

use super::lock;
use super::outbox::Outbox;

/// How long the host may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

type Reply = Result<Box<RawValue>, RpcError>;

/// The requests that wait for an answer.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) outbox: Arc<Outbox>,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, SyncSender<Reply>>>,
}

impl Asker {
    pub(super) fn new(outbox: Arc<Outbox>) -> Self {
        Self {
            outbox,
            next: AtomicU64::new(0),
            waiting: Mutex::default(),
        }
    }

    /// Asks and waits for the answer.
    pub(super) fn ask<M: Method>(&self, params: &M::Params) -> Result<M::Result, RpcError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (to, from) = sync_channel(1);
        lock(&self.waiting).insert(number, to);
        let id = Id::Number(number);
        let sent = self.outbox.call(Some(&id), M::NAME, params);
        let reply = match sent {
            Ok(()) => from.recv_timeout(PATIENCE),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        };
        lock(&self.waiting).remove(&number);
        let raw = reply
            .map_err(|_| RpcError::new(error::FAILED, "the host did not answer"))
            .and_then(|reply| reply)?;
        read(Some(&raw)).map_err(RpcError::from)
    }

    /// Tells something that is not answered.
    pub(super) fn tell<M: Method>(&self, params: &M::Params) -> Result<(), RpcError> {
        self.outbox
            .call(None, M::NAME, params)
            .map_err(|error| RpcError::new(error::FAILED, error.to_string()))
    }

    /// Brings an answer to who waits for it; any other is passed over.
    pub(super) fn answered(&self, id: Option<Id>, result: Result<&RawValue, RpcError>) {
        let Some(Id::Number(number)) = id else {
            return;
        };
        let to = lock(&self.waiting).remove(&number);
        if let Some(to) = to {
            drop(to.try_send(result.map(ToOwned::to_owned)));
        }
    }

    /// Lets go of all who wait: the host is gone.
    pub(super) fn end(&self) {
        lock(&self.waiting).clear();
    }
}
