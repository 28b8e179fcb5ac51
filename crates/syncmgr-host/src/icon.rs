//! Icons of handlers and items.

use std::panic::{AssertUnwindSafe, catch_unwind};

use syncmgr_model::capability::{HandlerCapabilities, ItemCapabilities};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};

use crate::InProcess;

impl InProcess {
    /// Returns the icon of a handler or item: the one it provides, if it says it does, otherwise
    /// the one it is registered with (spec 27).
    #[must_use]
    pub fn icon(&self, id: &HandlerId, item: Option<&ItemId>) -> Option<Vec<u8>> {
        let provided = || {
            let handler = self.inner.create(id)?;
            match item {
                Some(item) => {
                    let item = handler.item(item)?;
                    let has_own = item
                        .capabilities()?
                        .contains(ItemCapabilities::PROVIDES_ICON);
                    if has_own {
                        item.icon()
                    } else {
                        Err(Hresult::NotImplemented)
                    }
                }
                None => {
                    let bit = HandlerCapabilities::PROVIDES_ICON;
                    let has_own = handler.capabilities()?.contains(bit);
                    if has_own {
                        handler.icon()
                    } else {
                        Err(Hresult::NotImplemented)
                    }
                }
            }
        };
        let provided = catch_unwind(AssertUnwindSafe(provided)).unwrap_or(Err(Hresult::Failed));
        provided.ok().or_else(|| {
            let factory = self.inner.find(id)?;
            factory.icon().map(<[u8]>::to_vec)
        })
    }
}
