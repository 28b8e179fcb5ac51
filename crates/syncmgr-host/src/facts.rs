//! Reads a handler and its items: every answer as it is given.

use std::os::unix::ffi::OsStrExt as _;

use syncmgr_center::command;
use syncmgr_model::facts::{HandlerFacts, HandlerInfoFacts, ItemFacts, ItemInfoFacts};
use syncmgr_model::id::HandlerId;
use syncmgr_sdk::{Handler, Operation, SyncItem};

/// Reads a handler; `is_apart` says whether it has a process of its own.
pub(crate) fn read(id: &HandlerId, handler: &dyn Handler, is_apart: bool) -> HandlerFacts {
    HandlerFacts {
        is_apart,
        id: id.clone(),
        name: handler.name(),
        info: handler.handler_info().map(|info| HandlerInfoFacts {
            kind: info.kind().map(|kind| kind.number()),
            type_label: info.type_label(),
            comment: info.comment(),
            last_sync: info.last_sync_time(),
            is_active: info.is_active(),
            is_enabled: info.is_enabled(),
            is_connected: info.is_connected(),
        }),
        capabilities: handler.capabilities().map(|bits| bits.bits()),
        policies: handler.policies().map(|bits| bits.bits()),
        items: handler.items().and_then(|mut items| {
            let mut all = Vec::with_capacity(items.count());
            while let Some(next) = items.next(1)? {
                all.push(item(&*next));
            }
            Ok(all)
        }),
    }
}

/// Reads an item.
pub(crate) fn item(item: &dyn SyncItem) -> ItemFacts {
    ItemFacts {
        id: item.id(),
        name: item.name(),
        info: item.item_info().map(|info| ItemInfoFacts {
            type_label: info.type_label(),
            comment: info.comment(),
            last_sync: info.last_sync_time(),
            is_enabled: info.is_enabled(),
            is_connected: info.is_connected(),
        }),
        capabilities: item.capabilities().map(|bits| bits.bits()),
        policies: item.policies().map(|bits| bits.bits()),
        paths: item
            .paths()
            .iter()
            .map(|path| path.as_os_str().as_bytes().to_vec())
            .collect(),
        saved: item.saved().cloned(),
    }
}

/// Says in the words of the contract what is to be shown.
pub(crate) fn operation(operation: command::Operation) -> Operation {
    match operation {
        command::Operation::Browse => Operation::Browse,
        command::Operation::ShowSchedule => Operation::ShowSchedule,
        command::Operation::QueryBeforeActivate => Operation::QueryBeforeActivate,
        command::Operation::QueryBeforeDeactivate => Operation::QueryBeforeDeactivate,
        command::Operation::QueryBeforeEnable => Operation::QueryBeforeEnable,
        command::Operation::QueryBeforeDisable => Operation::QueryBeforeDisable,
        command::Operation::QueryBeforeDelete => Operation::QueryBeforeDelete,
        // The handler knows an event of its own by the id it gave it (spec 134).
        command::Operation::EventLink(mut event) => {
            event.id = event.id.in_store().unwrap_or(event.id);
            Operation::EventLink(event)
        }
    }
}
