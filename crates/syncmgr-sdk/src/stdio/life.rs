//! The requests that are being answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use syncmgr_protocol::message::Id;
use syncmgr_protocol::{RpcError, error};

use super::lock;
use super::outbox::Outbox;

/// Most requests at once.
const PENDING_MAX: usize = 256;

/// The requests that are being answered, and the session that belongs to each.
#[derive(Debug)]
pub(super) struct Pending {
    outbox: Arc<Outbox>,
    all: Mutex<HashMap<Id, Option<String>>>,
}

impl Pending {
    pub(super) fn new(outbox: Arc<Outbox>) -> Self {
        Self {
            outbox,
            all: Mutex::default(),
        }
    }

    /// Takes a request; `false` when it is refused, which is said then.
    pub(super) fn begin(&self, id: &Id, session: Option<&str>) -> bool {
        let mut all = lock(&self.all);
        let refusal = if all.contains_key(id) {
            "a request with this id is being answered"
        } else if all.len() >= PENDING_MAX {
            "more than 256 requests at once"
        } else {
            all.insert(id.clone(), session.map(str::to_owned));
            return true;
        };
        drop(all);
        let error = RpcError::new(error::INVALID_REQUEST, refusal);
        self.outbox.refuse(Some(id), &error);
        false
    }

    /// Answers a request, unless its answer is not wanted any more.
    pub(super) fn end(&self, id: &Id, answer: &Result<serde_json::Value, RpcError>) {
        if lock(&self.all).remove(id).is_some() {
            self.outbox.answer(id, answer);
        }
    }

    /// Answers that a request was cancelled; returns the session that is to stop.
    pub(super) fn cancel(&self, id: &Id) -> Option<String> {
        let session = lock(&self.all).remove(id)?;
        let error = RpcError::new(error::CANCELLED, "cancelled");
        self.outbox.answer(id, &Err(error));
        session
    }
}
