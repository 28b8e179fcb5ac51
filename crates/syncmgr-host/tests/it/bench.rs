//! A host and the place where its reports arrive.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use syncmgr_center::command::{Command, Dispatch, OperationId};
use syncmgr_center::port::Clock;
use syncmgr_host::InProcess;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::{Item, Settings};
use syncmgr_model::request::{Intent, Work};
use syncmgr_model::time::Timestamp;
use syncmgr_sdk::{HandlerCollection, HandlerFactory};
use syncmgr_testing::handlers::Scripted;

/// How long a report may take; only a broken host is slower.
const PATIENCE: Duration = Duration::from_secs(20);

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn elapsed_ms(&self) -> u64 {
        0
    }
}

pub(crate) struct Bench {
    pub(crate) host: InProcess,
    pub(crate) to: Sender<Command>,
    reports: Receiver<Command>,
}

impl Bench {
    pub(crate) fn new(handlers: &[&Scripted]) -> Self {
        Self::with(handlers, Vec::new())
    }

    pub(crate) fn with(
        handlers: &[&Scripted],
        collections: Vec<Arc<dyn HandlerCollection>>,
    ) -> Self {
        let factories = handlers
            .iter()
            .map(|it| Arc::new((*it).clone()) as Arc<dyn HandlerFactory>);
        let (to, reports) = channel();
        Self {
            host: InProcess::new(factories.collect(), collections, Arc::new(Still)),
            to,
            reports,
        }
    }

    /// Waits for the next report.
    pub(crate) fn next(&self) -> Command {
        self.reports.recv_timeout(PATIENCE).expect("a report")
    }
}

pub(crate) fn h(id: &str) -> HandlerId {
    HandlerId::new(id).expect("a handler id")
}

pub(crate) fn i(id: &str) -> ItemId {
    ItemId::new(id).expect("an item id")
}

pub(crate) fn k(handler: &str, item: &str) -> ItemKey {
    ItemKey {
        handler: h(handler),
        item: i(item),
    }
}

/// What a person asked to be shown.
pub(crate) const SHOWN: OperationId = OperationId(1);

/// An item that a handler found itself.
pub(crate) fn item(handler: &str, id: &str) -> Item {
    Item {
        id: i(id),
        handler: h(handler),
        name: None,
        settings: Settings::default(),
        is_enabled: true,
    }
}

/// A sync of no items: what matters is who is asked.
pub(crate) fn dispatch(handler: &str, session: &str) -> Dispatch {
    Dispatch {
        session: SessionId::new(session).expect("a session id"),
        handler: h(handler),
        items: Vec::new(),
        work: Work::Sync {
            is_full: false,
            release: None,
        },
        intent: Intent::Apply,
        token: None,
        may_ask: false,
        is_manual: false,
        dirty: None,
    }
}
