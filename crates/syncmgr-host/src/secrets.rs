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
    for spec in wanted(specs) {
        match get(item, spec, secrets)? {
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

/// Puts those secrets of an item into its settings that can be had now and are not there; returns
/// the keys of the others.
pub(crate) fn fill_known(
    item: &mut Item,
    specs: &[SettingSpec],
    secrets: Option<&Arc<dyn Secrets>>,
) -> Vec<&'static str> {
    let mut others = Vec::new();
    for spec in wanted(specs) {
        if item.settings.0.contains_key(spec.key) {
            continue;
        }
        match get(item, spec, secrets) {
            Ok(Some(secret)) => item.settings.set(spec.key, Value::Text(secret)),
            Ok(None) | Err(_) => others.push(spec.key),
        }
    }
    others
}

fn wanted(specs: &[SettingSpec]) -> impl Iterator<Item = &SettingSpec> {
    specs.iter().filter(|it| it.kind == SettingKind::Secret)
}

fn get(
    item: &Item,
    spec: &SettingSpec,
    secrets: Option<&Arc<dyn Secrets>>,
) -> Result<Option<String>, Trouble> {
    let place = ItemKey {
        handler: item.handler.clone(),
        item: item.id.clone(),
    };
    secrets.map_or(Ok(None), |secrets| secrets.get(&place, spec.key))
}
