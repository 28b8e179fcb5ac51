//! Sessions: each on a thread of its own with an instance of its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::request::{Choice, Token, Work};
use syncmgr_model::resolution::Decision;
use syncmgr_model::trouble::Trouble;
use syncmgr_protocol::RpcError;
use syncmgr_protocol::conflict::Decision as WireDecision;
use syncmgr_protocol::error::{self, Wrong};
use syncmgr_protocol::life::Empty;
use syncmgr_protocol::path::PathText;
use syncmgr_protocol::session::{Start, Work as WireWork};

use super::callback::{Remote, chosen};
use super::host::Host;
use super::{caught, lock};
use crate::{ConflictFilter, Handler, HandlerFactory, SessionCreator, SyncCallback, SyncRequest};

/// Most sessions at once: each has a thread, and the host has a limit of 64 for all of them.
pub(super) const SESSIONS_MAX: usize = 32;

/// The sessions that are open.
#[derive(Default)]
pub(super) struct Open {
    state: Mutex<Sessions>,
    fewer: Condvar,
}

#[derive(Default)]
struct Sessions {
    all: HashMap<String, Arc<Remote>>,
    /// Sessions that are open, or whose answer is on its way.
    n_running: usize,
}

impl Open {
    pub(super) fn add(&self, id: &str, remote: &Arc<Remote>) {
        let mut state = lock(&self.state);
        state.all.insert(id.to_owned(), Arc::clone(remote));
        state.n_running += 1;
    }

    /// Ends a session: its id may be used again. [`Self::answered`] follows.
    pub(super) fn remove(&self, id: &str) {
        lock(&self.state).all.remove(id);
    }

    /// Says that the host knows that a session ended.
    pub(super) fn answered(&self) {
        let mut state = lock(&self.state);
        state.n_running = state.n_running.saturating_sub(1);
        self.fewer.notify_all();
    }

    pub(super) fn cancel(&self, id: &str, item: Option<&ItemId>) {
        let remote = lock(&self.state).all.get(id).cloned();
        if let Some(remote) = remote {
            remote.cancel(item);
        }
    }

    pub(super) fn cancel_all(&self) {
        let all: Vec<_> = lock(&self.state).all.values().cloned().collect();
        for remote in all {
            remote.cancel(None);
        }
    }

    /// Waits until no session is open and all are answered, but not longer than this.
    pub(super) fn wait(&self, patience: Duration) {
        let state = lock(&self.state);
        let waited = self
            .fewer
            .wait_timeout_while(state, patience, |state| state.n_running > 0);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn has_room(&self) -> bool {
        lock(&self.state).all.len() < SESSIONS_MAX
    }

    fn has(&self, id: &str) -> bool {
        lock(&self.state).all.contains_key(id)
    }
}

/// A session that is about to begin: `create_session` hands it out once.
struct Creator {
    id: Option<SessionId>,
    handler: HandlerId,
    items: Vec<ItemId>,
    session: Mutex<Option<Arc<Remote>>>,
}

impl SessionCreator for Creator {
    fn session_id(&self) -> Option<&SessionId> {
        self.id.as_ref()
    }

    fn create_session(
        &self,
        handler: &HandlerId,
        items: &[ItemId],
    ) -> Result<Arc<dyn SyncCallback>, Hresult> {
        let is_known = items.iter().all(|item| self.items.contains(item));
        if *handler != self.handler || items.is_empty() || !is_known {
            return Err(Hresult::InvalidArgument);
        }
        let session = lock(&self.session).take();
        session.map_or(Err(Hresult::AccessDenied), |session| Ok(session as _))
    }
}

/// Takes the params of a start apart.
pub(super) fn items(start: &Start, factory: &dyn HandlerFactory) -> Result<Vec<Item>, Wrong> {
    if start.items.is_empty() {
        return Err(Wrong::new("items", "a session has at least one item"));
    }
    let read = |(at, item): (usize, &syncmgr_protocol::item::Item)| {
        let item = item.to_model(factory.id(), factory.settings());
        item.map_err(|wrong| wrong.within(&format!("items[{at}]")))
    };
    start.items.iter().enumerate().map(read).collect()
}

/// Opens a session, so that a cancel which comes right after the start finds it.
pub(super) fn open(
    start: &Start,
    items: &[Item],
    (factory, host): (&dyn HandlerFactory, &Host),
) -> Result<Arc<Remote>, RpcError> {
    if host.open.has(&start.session_id) {
        let text = "a session with this id is open";
        return Err(RpcError::new(error::INVALID_ARGUMENT, text));
    }
    if !host.open.has_room() {
        let text = format!("more than {SESSIONS_MAX} sessions at once");
        return Err(RpcError::new(error::ACCESS_DENIED, text));
    }
    let ids: Vec<ItemId> = items.iter().map(|item| item.id.clone()).collect();
    let of = (factory.id(), factory.settings());
    let remote = Arc::new(Remote::new(&start.session_id, &ids, of, &host.asker));
    host.open.add(&start.session_id, &remote);
    Ok(remote)
}

/// Does the work of a session; on the thread of it.
pub(super) fn work(
    factory: &dyn HandlerFactory,
    saved: BTreeMap<ItemId, Item>,
    (start, items): (Start, Vec<Item>),
    remote: Arc<Remote>,
) -> Result<serde_json::Value, RpcError> {
    let (result, _) = caught(|| {
        let mut known = saved;
        known.extend(items.iter().map(|item| (item.id.clone(), item.clone())));
        let known: Vec<Item> = known.into_values().collect();
        let handler = factory.create(&known)?;
        let work = read_work(&start.work, &*handler)?;
        let creator = Creator {
            id: SessionId::new(start.session_id.as_str()).ok(),
            handler: factory.id().clone(),
            items: items.iter().map(|item| item.id.clone()).collect(),
            session: Mutex::new(Some(remote)),
        };
        let request = SyncRequest {
            items,
            work,
            intent: start.intent.into(),
            token: start.token.map(|text| Token(text.into())),
            may_ask: start.may_ask,
            dirty: None,
        };
        let done = handler.synchronize(&request, &creator);
        done.map_err(|trouble| RpcError::from(&trouble))
    });
    result.map(|()| serde_json::json!({}))
}

fn read_work(work: &WireWork, handler: &dyn Handler) -> Result<Work, RpcError> {
    match work {
        WireWork::Sync { is_full, release } => Ok(Work::Sync {
            is_full: *is_full,
            release: release.clone(),
        }),
        WireWork::Resolve { decisions } => {
            let read = |decided: &syncmgr_protocol::session::Decided| {
                let choice = choice(handler, &decided.id, &decided.decision)?;
                Ok((decided.id.clone(), choice))
            };
            let all: Result<Vec<_>, RpcError> = decisions.iter().map(read).collect();
            all.map(Work::Resolve)
        }
    }
}

/// Asks the conflict what a decision is as work of a session.
fn choice(handler: &dyn Handler, id: &str, decision: &WireDecision) -> Result<Choice, RpcError> {
    let decision = read_decision(decision)?;
    let view = find(handler, id)?;
    let work = view.resolution().as_work(&decision);
    work.map_err(|trouble| RpcError::from(&trouble))?
        .ok_or_else(|| {
            let text = "this conflict is decided by `conflicts/resolve`";
            RpcError::new(error::INVALID_ARGUMENT, text)
        })
}

pub(super) fn read_decision(decision: &WireDecision) -> Result<Decision, RpcError> {
    let read = |path: &PathText| chosen(&path.path());
    decision
        .to_model(read)
        .map_err(|trouble| RpcError::from(&trouble))
}

/// Finds a conflict of the handler or of one of its items.
pub(super) fn find(
    handler: &dyn Handler,
    id: &str,
) -> Result<Arc<dyn crate::ConflictView>, RpcError> {
    let id = syncmgr_model::conflict::ConflictId::new(PathText(id.to_owned()).bytes());
    let failed = |trouble: Trouble| RpcError::from(&trouble);
    if let Some(store) = handler.conflicts() {
        return store.bind(&id).map_err(failed);
    }
    for item in super::shown::items(handler)? {
        let Some(store) = item
            .conflicts()
            .filter(|_| super::shown::has_conflicts(&*item))
        else {
            continue;
        };
        let all = store
            .enumerate(&ConflictFilter::default())
            .map_err(failed)?;
        if let Some(view) = all.into_iter().find(|view| view.id() == id) {
            return Ok(view);
        }
    }
    let shown = id.id.escape_ascii().to_string();
    Err(RpcError::from(
        &Trouble::new(syncmgr_model::trouble::Code::NotFound)
            .with("what", "conflict")
            .with("name", shown),
    ))
}

/// What work without an answer has as its answer.
pub(super) fn nothing() -> serde_json::Value {
    serde_json::to_value(Empty {}).unwrap_or_default()
}
