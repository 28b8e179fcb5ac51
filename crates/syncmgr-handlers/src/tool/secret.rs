//! Secrets of items, from wherever they are kept.

use std::fmt;

use syncmgr_model::item::Item;
use syncmgr_model::trouble::Trouble;

/// Something nobody may read: it has no text form.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns it, for handing it to the tool and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Keeps secrets.
pub trait Secrets: Send + Sync {
    /// Returns the secret of an item's setting; `None` when it was never set.
    ///
    /// # Errors
    /// A [`Trouble`] when it cannot be asked.
    fn get(&self, item: &Item, key: &str) -> Result<Option<Secret>, Trouble>;
}

/// Keeps none: every secret of the item stands in its settings, when whoever calls put it there.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn get(&self, item: &Item, key: &str) -> Result<Option<Secret>, Trouble> {
        Ok(item.settings.text(key).map(Secret::new))
    }
}
