//! Secrets of items: put into their settings at the moment in which a handler gets them, and nowhere
//! else. The center, the store and everybody who asks them see items without.

use std::sync::Arc;

use syncmgr_model::id::ItemKey;
use syncmgr_model::item::{Item, SettingKind, SettingSpec, Value};
use syncmgr_model::trouble::{Code, Trouble};

/// Keeps secrets for the host.
pub trait Secrets: Send + Sync {
    /// Returns the secret of a setting; `None` when it was never set.
    ///
    /// # Errors
    /// It was set, and cannot be had now: a keyring is locked, say.
    fn get(&self, item: &ItemKey, key: &str) -> Result<Option<String>, Trouble>;
}

/// Puts the secrets of an item into its settings.
///
/// # Errors
/// `secret-missing` for one that is needed and was never set, or why one cannot be had.
pub(crate) fn fill(
    item: &mut Item,
    specs: &[SettingSpec],
    secrets: Option<&Arc<dyn Secrets>>,
) -> Result<(), Trouble> {
    let wanted = specs.iter().filter(|it| it.kind == SettingKind::Secret);
    for spec in wanted {
        let place = ItemKey {
            handler: item.handler.clone(),
            item: item.id.clone(),
        };
        let found = match secrets {
            Some(secrets) => secrets.get(&place, spec.key)?,
            None => None,
        };
        match found {
            Some(secret) => item.settings.set(spec.key, Value::Text(secret)),
            None if spec.is_required => {
                return Err(Trouble::new(Code::SecretMissing)
                    .with("name", item.label())
                    .with("key", spec.key));
            }
            None => {}
        }
    }
    Ok(())
}
