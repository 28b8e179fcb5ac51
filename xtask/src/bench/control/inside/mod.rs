//! What is measured in this process, because no other program has it: the center with its memory on
//! disk, handlers that do nothing but talk, and the API on a socket.

mod clock;
mod desk;
mod events;
mod list;
mod many;
mod progress;
mod protocol;

pub(super) use events::bench as events;
pub(super) use list::bench as list;
pub(super) use progress::bench as progress;
pub(super) use protocol::{bench as protocol, handlers};

use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{Item, Settings, Value};

use anyhow::Result;

/// The handler of all items here.
fn handler() -> Result<HandlerId> {
    Ok(HandlerId::new("bench")?)
}

/// Makes the saved item of a number.
fn item(number: usize) -> Result<Item> {
    let mut settings = Settings::default();
    for side in ["left", "right"] {
        settings.set(side, Value::Text(format!("/bench/{side}/{number:06}")));
    }
    Ok(Item {
        id: ItemId::new(format!("item-{number:06}"))?,
        handler: handler()?,
        name: Some(format!("s{number:06}")),
        settings,
        is_enabled: true,
    })
}
