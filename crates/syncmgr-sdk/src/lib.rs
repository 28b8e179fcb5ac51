//! What a handler is made with: the contract [`Handler`], the optional objects it may offer
//! ([`ConflictStore`], [`VersionStore`], [`Journal`], [`Explain`]), and [`SyncCallback`], through
//! which a session talks to the center. Built-in handlers and foreign ones use the same types.
//!
//! Must not: know the center, the store or any one handler.

#![forbid(unsafe_code)]

mod callback;
mod conflict;
mod handler;
mod item;
mod mask;
mod objects;
mod operation;
mod state;

pub mod legacy;
pub mod simple;
pub mod stdio;

pub use callback::{ItemProgress, SessionCreator, SyncCallback};
pub use conflict::{
    ConflictFilter, ConflictPresenter, ConflictStore, ConflictView, ResolutionHandler,
};
pub use handler::{Handler, HandlerCollection, HandlerFactory, HandlerInfo, SyncRequest};
pub use item::{ItemEnumerator, ItemInfo, SyncItem};
pub use mask::{Mask, MaskedStream};
pub use objects::{EventStore, Explain, Journal, VersionStore};
pub use operation::{Operation, ScheduleWizard, UiOperation, Window};
pub use state::read_state;
