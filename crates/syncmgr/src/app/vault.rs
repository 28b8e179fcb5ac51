//! The vault, as the host and wrapped tools see it.

use syncmgr_handlers::tool;
use syncmgr_host::Secrets;
use syncmgr_model::id::ItemKey;
use syncmgr_model::item::Item;
use syncmgr_model::trouble::Trouble;
use syncmgr_vault::Vault;

/// Hands secrets to handlers, and to nobody else.
pub(crate) struct Hand(pub(crate) Vault);

impl Secrets for Hand {
    fn get(&self, item: &ItemKey, key: &str) -> Result<Option<String>, Trouble> {
        match self.0.get(item, key) {
            Ok(secret) => Ok(secret.map(|secret| secret.expose().to_owned())),
            Err(error) => Err((&error).into()),
        }
    }
}

impl tool::Secrets for Hand {
    fn get(&self, item: &Item, key: &str) -> Result<Option<tool::Secret>, Trouble> {
        // In a session the host has put it there.
        if let Some(secret) = item.settings.text(key) {
            return Ok(Some(tool::Secret::new(secret)));
        }
        let found = Secrets::get(self, &super::key(item), key)?;
        Ok(found.map(tool::Secret::new))
    }
}
