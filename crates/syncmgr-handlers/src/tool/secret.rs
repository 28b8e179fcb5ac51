//! Secrets of items, from wherever they are kept.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use syncmgr_model::item::Item;
use syncmgr_model::trouble::{Code, Trouble};

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

/// A secret in a file that nobody else can read, for a tool that takes it from there; gone when it is
/// dropped.
#[derive(Debug)]
pub struct SecretFile {
    path: PathBuf,
}

impl SecretFile {
    /// Writes a secret into a folder of state; one that a killed process left there is replaced.
    ///
    /// # Errors
    /// `state-unusable`.
    pub fn new(dir: &Path, name: &str, secret: &Secret) -> Result<Self, Trouble> {
        let path = dir.join(name);
        // A preview and a run of one item may both be at work.
        let new = dir.join(format!("{name}.new"));
        let write = || {
            fs::remove_file(&new).or_else(|e| match e.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(e),
            })?;
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&new)?;
            file.write_all(secret.expose().as_bytes())?;
            fs::rename(&new, &path)
        };
        write().map_err(|e: std::io::Error| Trouble::new(Code::StateUnusable).with("detail", e))?;
        Ok(Self { path })
    }

    /// Returns where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        // The folder is private; what cannot be removed now is replaced by the next run.
        drop(fs::remove_file(&self.path));
    }
}
