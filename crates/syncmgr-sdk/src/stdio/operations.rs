//! What is shown to a person: each on a thread of its own with an instance of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::ItemId;
use syncmgr_model::item::Item;
use syncmgr_protocol::life::Empty;
use syncmgr_protocol::operation::{Answer, Kind, Raise, Run, Window as WireWindow};
use syncmgr_protocol::{RpcError, error, method};

use super::host::Host;
use super::{caught, lock};
use crate::{HandlerFactory, Operation, Window};

/// Most operations that are shown at once.
const OPERATIONS_MAX: usize = 16;

/// What is shown, and of which item.
type What = (Kind, Option<String>);
type Raiser = Arc<dyn Fn() + Send + Sync>;

/// The operations that are shown.
#[derive(Default)]
pub(super) struct Shown {
    raisers: Mutex<HashMap<What, Option<Raiser>>>,
}

impl Shown {
    /// Brings something to the front.
    pub(super) fn raise(&self, what: Raise) {
        let raiser = lock(&self.raisers)
            .get(&(what.operation, what.item))
            .cloned();
        if let Some(Some(raise)) = raiser {
            raise();
        }
    }

    /// Shows something and waits for the person; on a thread of its own.
    pub(super) fn run(
        &self,
        factory: &dyn HandlerFactory,
        saved: &[Item],
        (run, host): (Run, &Host),
    ) -> Result<serde_json::Value, RpcError> {
        let key = (run.operation, run.item.clone());
        {
            let mut shown = lock(&self.raisers);
            if shown.contains_key(&key) || shown.len() >= OPERATIONS_MAX {
                let text = "it is shown already, or too much is";
                return Err(RpcError::new(error::ACCESS_DENIED, text));
            }
            shown.insert(key.clone(), None);
        }
        let (result, _) = caught(|| self.show(factory, saved, (&run, host)));
        lock(&self.raisers).remove(&key);
        let answer = Answer { answer: result? };
        Ok(serde_json::to_value(answer).unwrap_or_default())
    }

    fn show(
        &self,
        factory: &dyn HandlerFactory,
        saved: &[Item],
        (run, host): (&Run, &Host),
    ) -> Result<bool, RpcError> {
        let handler = factory.create(saved)?;
        let operation = operation(run, factory)?;
        let mut shown = match &run.item {
            Some(id) => {
                let id = ItemId::new(id.as_str()).map_err(|_| Hresult::InvalidArgument)?;
                handler.item(&id)?.operation(&operation)?
            }
            None => handler.operation(&operation)?,
        };
        if shown.schedule_of().is_some() {
            host.asker.tell::<method::OperationSchedule>(&Empty {})?;
            return Ok(false);
        }
        if let Some(raise) = shown.raiser() {
            let key = (run.operation, run.item.clone());
            lock(&self.raisers).insert(key, Some(raise.into()));
        }
        let window = run.window.as_ref().map(window);
        Ok(shown.run(window.as_ref())?)
    }
}

fn window(window: &WireWindow) -> Window {
    Window {
        owner: window.owner,
        display: window.display.clone(),
    }
}

fn operation(run: &Run, factory: &dyn HandlerFactory) -> Result<Operation, RpcError> {
    Ok(match run.operation {
        Kind::Browse => Operation::Browse,
        Kind::ShowSchedule => Operation::ShowSchedule,
        Kind::QueryBeforeActivate => Operation::QueryBeforeActivate,
        Kind::QueryBeforeDeactivate => Operation::QueryBeforeDeactivate,
        Kind::QueryBeforeEnable => Operation::QueryBeforeEnable,
        Kind::QueryBeforeDisable => Operation::QueryBeforeDisable,
        Kind::QueryBeforeDelete => Operation::QueryBeforeDelete,
        Kind::EventLink => {
            let event = run.event.as_ref();
            let event = event.ok_or_else(|| RpcError::from(Hresult::InvalidArgument))?;
            Operation::EventLink(Box::new(event.to_model(factory.id())?))
        }
    })
}
