//! A desk that knows the folders of items and nothing else.

use std::collections::BTreeMap;

use syncmgr_model::conflict::Address;
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::item::{Item, SettingSpec, Settings, Value};
use syncmgr_model::record::{Contents, Explanation, Step, Version};
use syncmgr_model::schedule::Schedule;
use syncmgr_model::side::PerSide;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_server::desk::{Compared, Desk, ItemEdit, NewItem, Places};

#[derive(Debug, Clone, Copy)]
pub(super) struct Bare;

/// Nobody asks for any of this here.
fn no<T>() -> Result<T, Trouble> {
    Err(Trouble::new(Code::NotPossible).with("detail", "this is a benchmark"))
}

impl Desk for Bare {
    fn folders(&self, item: &Item) -> PerSide<String> {
        let text = |key| item.settings.text(key).unwrap_or_default().to_owned();
        PerSide {
            left: text("left"),
            right: text("right"),
        }
    }

    fn settings_of(&self, _: &HandlerId) -> Vec<SettingSpec> {
        Vec::new()
    }

    fn compare(&self, _: &Places, _: &Address, _: usize) -> Result<Compared, Trouble> {
        no()
    }

    fn versions(&self, _: &Item, _: &[u8]) -> Result<Vec<Version>, Trouble> {
        no()
    }

    fn version_contents(&self, _: &Item, _: &Version, _: usize) -> Result<Contents, Trouble> {
        no()
    }

    fn steps(&self, _: &Item, _: &SessionId) -> Result<Vec<Step>, Trouble> {
        no()
    }

    fn why(&self, _: &Item, _: &[u8]) -> Result<Explanation, Trouble> {
        no()
    }

    fn add(&self, _: NewItem) -> Result<Item, Trouble> {
        no()
    }

    fn edit(&self, _: &ItemId, _: ItemEdit) -> Result<Item, Trouble> {
        no()
    }

    fn remove(&self, _: &ItemId) -> Result<(), Trouble> {
        no()
    }

    fn schedules(&self) -> Result<Vec<Schedule>, Trouble> {
        no()
    }

    fn put_schedule(&self, _: Schedule) -> Result<(), Trouble> {
        no()
    }

    fn remove_schedule(&self, _: &str) -> Result<bool, Trouble> {
        no()
    }

    fn check_schedule(
        &self,
        _: &Schedule,
        _: Timestamp,
        _: usize,
    ) -> Result<Vec<Timestamp>, Trouble> {
        no()
    }

    fn next_runs(&self, _: &str, _: Timestamp, _: usize) -> Result<Vec<Timestamp>, Trouble> {
        no()
    }

    fn settings(&self) -> Result<Settings, Trouble> {
        no()
    }

    fn change_settings(&self, _: BTreeMap<String, Option<Value>>) -> Result<Settings, Trouble> {
        no()
    }
}
