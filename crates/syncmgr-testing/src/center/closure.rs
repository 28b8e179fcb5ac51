//! A handler whose work is a closure.

use std::sync::Arc;

use syncmgr_model::capability::HandlerCapabilities;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{Item, SettingSpec};
use syncmgr_model::trouble::Trouble;
use syncmgr_sdk::{
    Handler, HandlerFactory, HandlerInfo, ItemEnumerator, SessionCreator, SyncItem, SyncRequest,
};

type Work = dyn Fn(&SyncRequest, &dyn SessionCreator) -> Result<(), Trouble> + Send + Sync;

/// Makes handlers with the items `1` to `4` that work as the closure says.
#[derive(Clone)]
pub struct Closure {
    id: HandlerId,
    capabilities: HandlerCapabilities,
    settings: &'static [SettingSpec],
    work: Arc<Work>,
}

impl std::fmt::Debug for Closure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Closure")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Closure {
    /// Makes one with this id.
    ///
    /// # Panics
    /// When it is no id.
    pub fn new(
        id: &str,
        work: impl Fn(&SyncRequest, &dyn SessionCreator) -> Result<(), Trouble> + Send + Sync + 'static,
    ) -> Self {
        Self {
            id: HandlerId::new(id).expect("an id"),
            capabilities: HandlerCapabilities::empty(),
            settings: &[],
            work: Arc::new(work),
        }
    }

    /// Gives its items settings.
    #[must_use]
    pub fn with_settings(mut self, settings: &'static [SettingSpec]) -> Self {
        self.settings = settings;
        self
    }

    /// Lets it have several sessions at once.
    #[must_use]
    pub fn concurrent(mut self) -> Self {
        self.capabilities = HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS;
        self
    }
}

impl HandlerFactory for Closure {
    fn id(&self) -> &HandlerId {
        &self.id
    }

    fn settings(&self) -> &'static [SettingSpec] {
        self.settings
    }

    fn create(&self, _saved: &[Item]) -> Result<Box<dyn Handler>, Hresult> {
        Ok(Box::new(self.clone()))
    }
}

impl HandlerInfo for Closure {
    fn is_active(&self) -> Result<bool, Hresult> {
        Ok(true)
    }
}

impl Handler for Closure {
    fn name(&self) -> Result<String, Hresult> {
        Ok(format!("closure {}", self.id))
    }

    fn handler_info(&self) -> Result<&dyn HandlerInfo, Hresult> {
        Ok(self)
    }

    fn capabilities(&self) -> Result<HandlerCapabilities, Hresult> {
        Ok(self.capabilities)
    }

    fn items(&self) -> Result<ItemEnumerator, Hresult> {
        let items = ["1", "2", "3", "4"].map(|id| Arc::new(Named(id)) as Arc<dyn SyncItem>);
        Ok(ItemEnumerator::new(items.into()))
    }

    fn item(&self, id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult> {
        let mut known = ["1", "2", "3", "4"].into_iter();
        let found = known.find(|known| *known == id.as_str());
        found
            .map(|id| Arc::new(Named(id)) as Arc<dyn SyncItem>)
            .ok_or(Hresult::InvalidArgument)
    }

    fn synchronize(
        &self,
        request: &SyncRequest,
        creator: &dyn SessionCreator,
    ) -> Result<(), Trouble> {
        (self.work)(request, creator)
    }
}

/// An item with a name and nothing else.
struct Named(&'static str);

impl SyncItem for Named {
    fn id(&self) -> Result<String, Hresult> {
        Ok(self.0.to_owned())
    }

    fn name(&self) -> Result<String, Hresult> {
        Ok(format!("item {}", self.0))
    }
}
