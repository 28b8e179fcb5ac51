//! What a handler of the older family shows: its properties, and what is behind a log entry.

use std::sync::Arc;

use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::ItemId;
use syncmgr_model::request::Token;

use super::Shared;
use super::board::After;
use super::handler::{begin, declined, hresult};
use super::run::Run;
use crate::legacy::{Errand, Event, Failure, Guid, Occasion};
use crate::{UiOperation, Window};

/// The properties of an item, or of the handler. They have an instance of their own.
pub(super) struct Properties {
    shared: Arc<Shared>,
    item: Option<Guid>,
}

impl Properties {
    pub(super) fn new(shared: Arc<Shared>, item: Option<Guid>) -> Self {
        Self { shared, item }
    }

    fn show(&self) -> Result<After, Failure> {
        let occasion = Occasion {
            event: Event::Manual,
            is_settings: true,
            may_bother_user: true,
        };
        let run = begin(&self.shared, occasion, None)?.ok_or_else(declined)?;
        // Handlers know their items only when they have listed them once.
        run.handler().items()?;
        run.give_callback()?;
        run.show_properties(self.item)
    }
}

impl UiOperation for Properties {
    fn run(&mut self, _window: Option<&Window>) -> Result<bool, Hresult> {
        let after = self.show().map_err(|failure| hresult(&failure))?;
        if after == After::ListAgain {
            let Shared { id, around, .. } = &*self.shared;
            around.control.update_handler(id);
        }
        Ok(true)
    }
}

/// What is behind a log entry that a person followed, in the instance that wrote it.
pub(super) struct FollowedError {
    shared: Arc<Shared>,
    run: Arc<Run>,
    error: Guid,
}

impl FollowedError {
    pub(super) fn new(shared: Arc<Shared>, run: Arc<Run>, error: Guid) -> Self {
        Self { shared, run, error }
    }
}

impl UiOperation for FollowedError {
    fn run(&mut self, _window: Option<&Window>) -> Result<bool, Hresult> {
        let after = self.run.show_error(self.error);
        if let After::Retry(ids) = after.map_err(|failure| hresult(&failure))? {
            let items: Vec<ItemId> = ids.iter().map(|id| id.item_id()).collect();
            let token = Token(Errand::Retry(self.run.number()).text().into());
            let Shared { id, around, .. } = &*self.shared;
            around.control.start_items(id, &items, token);
        }
        Ok(true)
    }
}
