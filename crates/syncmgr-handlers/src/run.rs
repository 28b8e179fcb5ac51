//! The handler `run`: what other programs start, and what is only watched here. Its items are made
//! by `syncmgr run` or the API when a program reports the first time.
//!
//! Must not: start anything. Whoever has a command started by syncmgr uses the handler `command`.

use std::sync::Arc;

use syncmgr_model::capability::{
    HandlerCapabilities, HandlerPolicies, HandlerType, ItemCapabilities,
};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{Item, SettingKind, SettingSpec};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{
    Handler, HandlerFactory, HandlerInfo, ItemEnumerator, ItemInfo, SessionCreator, SyncItem,
    SyncRequest,
};

/// The id of this handler.
pub const ID: &str = "run";

/// What the handler is called.
const NAME: &str = "Commands";

/// What is said where a person looks for a way to start it.
const COMMENT: &str = "started by a crontab, a script or another program, not from here";

/// The setting that shows what runs.
pub const COMMAND: &str = "command";

/// The settings of an item.
pub const SPECS: &[SettingSpec] = &[SettingSpec {
    key: COMMAND,
    kind: SettingKind::Text,
    is_required: false,
    help: "what runs, for people; is never started from here",
}];

/// Makes instances of the handler.
#[derive(Debug)]
pub struct RunFactory {
    id: HandlerId,
}

impl Default for RunFactory {
    fn default() -> Self {
        let id = HandlerId::new(ID).expect("the id of this handler is a valid id");
        Self { id }
    }
}

impl HandlerFactory for RunFactory {
    fn id(&self) -> &HandlerId {
        &self.id
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SPECS
    }

    fn create(&self, saved: &[Item]) -> Result<Box<dyn Handler>, Hresult> {
        let items = saved.iter().cloned().map(|item| Arc::new(Command { item }));
        Ok(Box::new(Instance {
            items: items.collect(),
        }))
    }
}

struct Instance {
    items: Vec<Arc<Command>>,
}

impl HandlerInfo for Instance {
    fn kind(&self) -> Result<HandlerType, Hresult> {
        Ok(HandlerType::Application)
    }

    fn comment(&self) -> Result<String, Hresult> {
        Ok(COMMENT.to_owned())
    }

    /// It is part of the program, so there is nothing to set up.
    fn is_active(&self) -> Result<bool, Hresult> {
        Ok(true)
    }
}

impl Handler for Instance {
    fn name(&self) -> Result<String, Hresult> {
        Ok(NAME.to_owned())
    }

    fn handler_info(&self) -> Result<&dyn HandlerInfo, Hresult> {
        Ok(self)
    }

    fn capabilities(&self) -> Result<HandlerCapabilities, Hresult> {
        Ok(HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS)
    }

    fn policies(&self) -> Result<HandlerPolicies, Hresult> {
        Ok(HandlerPolicies::PREVENT_START_SYNC)
    }

    fn items(&self) -> Result<ItemEnumerator, Hresult> {
        let items = self.items.iter();
        let items = items.map(|item| Arc::clone(item) as Arc<dyn SyncItem>);
        Ok(ItemEnumerator::new(items.collect()))
    }

    fn item(&self, id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult> {
        let found = self.items.iter().find(|it| it.item.id == *id);
        found
            .map(|item| Arc::clone(item) as Arc<dyn SyncItem>)
            .ok_or(Hresult::InvalidArgument)
    }

    fn check(&self, _item: &Item) -> Result<(), Trouble> {
        Ok(())
    }

    fn synchronize(
        &self,
        _request: &SyncRequest,
        _creator: &dyn SessionCreator,
    ) -> Result<(), Trouble> {
        Err(Trouble::new(Code::NotPossible).with("detail", format_args!("it is {COMMENT}")))
    }
}

/// A command that somebody else starts.
struct Command {
    item: Item,
}

impl ItemInfo for Command {
    fn comment(&self) -> Result<String, Hresult> {
        Ok(COMMENT.to_owned())
    }
}

impl SyncItem for Command {
    fn id(&self) -> Result<String, Hresult> {
        Ok(self.item.id.to_string())
    }

    fn name(&self) -> Result<String, Hresult> {
        Ok(self.item.label().to_owned())
    }

    fn item_info(&self) -> Result<&dyn ItemInfo, Hresult> {
        Ok(self)
    }

    fn capabilities(&self) -> Result<ItemCapabilities, Hresult> {
        Ok(ItemCapabilities::CAN_DELETE)
    }

    fn saved(&self) -> Option<&Item> {
        Some(&self.item)
    }
}
