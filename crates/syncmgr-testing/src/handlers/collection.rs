//! Collections that list and bind what a test says.

use std::sync::{Arc, Mutex};

use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::HandlerId;
use syncmgr_sdk::{HandlerCollection, HandlerFactory};

use super::{Scripted, lock};

/// A collection that does what a test says.
#[derive(Debug)]
pub struct ScriptedCollection {
    id: &'static str,
    /// The handlers it knows by the new interface, and by the older one.
    known: Vec<Scripted>,
    legacy: Vec<Scripted>,
    /// The handlers it lists; those it knows may be more.
    pub listed: Mutex<Result<Vec<HandlerId>, Hresult>>,
}

impl ScriptedCollection {
    /// Makes a collection that lists all it knows.
    #[must_use]
    pub fn new(id: &'static str, known: Vec<Scripted>, legacy: Vec<Scripted>) -> Self {
        let all = known
            .iter()
            .chain(&legacy)
            .map(|handler| handler.id().clone());
        Self {
            id,
            listed: Mutex::new(Ok(all.collect())),
            known,
            legacy,
        }
    }
}

fn find(among: &[Scripted], id: &HandlerId) -> Result<Arc<dyn HandlerFactory>, Hresult> {
    let found = among.iter().find(|handler| handler.id() == id);
    found
        .map(|it| Arc::new(it.clone()) as _)
        .ok_or(Hresult::InvalidArgument)
}

impl HandlerCollection for ScriptedCollection {
    fn id(&self) -> &str {
        self.id
    }

    fn handlers(&self) -> Result<Vec<HandlerId>, Hresult> {
        lock(&self.listed).clone()
    }

    fn bind(&self, id: &HandlerId) -> Result<Arc<dyn HandlerFactory>, Hresult> {
        find(&self.known, id)
    }

    fn bind_legacy(&self, id: &HandlerId) -> Result<Arc<dyn HandlerFactory>, Hresult> {
        find(&self.legacy, id)
    }
}
