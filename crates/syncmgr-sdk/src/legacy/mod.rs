//! Handlers of the older family (`mobsync.h`): the contract they fulfil and the order of its calls.
//!
//! - [`LegacyHandler`] is what such a handler implements, [`LegacyCallback`] what it talks to.
//! - [`Adapter`] runs such a handler as one of today.
//! - [`Machine`] is the order of the calls as a value without side effects: what is legal now, what
//!   comes next, what an answer means.
//!
//! The older family differs from today's in four ways: handlers and items are known by GUIDs; one
//! instance lives through one event; the two long calls return at once and are completed through
//! the callback; and log entries can be followed back into the handler, which may then ask for
//! another go.
//!
//! Must not: know the center, the store or any one handler.

mod adapter;
mod callback;
mod handler;
mod item;
mod machine;

pub use adapter::{
    Adapter, AlwaysOn, ChoiceStore, Choices, Connections, Control, Dialer, Dialogs, LegacyFactory,
    Surroundings,
};
pub use callback::{
    AfterError, AfterProperties, LegacyAnswer, LegacyCallback, LegacyProgress, LogInfo,
};
pub use handler::{Answer, Failure, LegacyHandler, Preparation};
pub use item::{LegacyHandlerInfo, LegacyItem, LegacyItems};
pub use machine::{Breach, Call, Input, Machine, Next, Stage, State, Went};
pub use syncmgr_model::legacy::{
    BadGuid, Errand, Event, Guid, HandlerFlags, InvokeFlags, ItemFlags, LogLevel, Occasion,
    RegisterFlags, Status, Success,
};
