//! The vault: which secret is where, and the two places.

use std::path::{Path, PathBuf};

use syncmgr_model::escape::escape;
use syncmgr_model::id::ItemKey;

use crate::error::VaultError;
use crate::file::{FileVault, Kept};
use crate::secret::{SECRET_LEN_MAX, Secret};
use crate::service::{Service, Standing};

/// A place where secrets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The secret service of the desktop.
    Service,
    /// A file that only its owner can read.
    File,
}

impl Kind {
    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "keyring",
            Self::File => "file",
        }
    }
}

/// A secret that is kept; never its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Of which sync.
    pub item: ItemKey,
    /// Which setting.
    pub key: String,
    /// Where.
    pub kind: Kind,
}

/// Keeps secrets of the syncs of one state folder. Every method may wait for a disk or the bus.
#[derive(Debug, Clone)]
pub struct Vault {
    file: FileVault,
    service: Service,
}

impl Vault {
    /// Opens the vault of a state folder. Looks at nothing.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self::on_bus(state, None)
    }

    /// The same on another bus than that of the session.
    #[must_use]
    pub fn on_bus(state: &Path, address: Option<String>) -> Self {
        let shown = escape(state.as_os_str().as_encoded_bytes());
        Self {
            file: FileVault::new(state),
            service: Service::new(address, shown),
        }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.file.path().to_owned()
    }

    /// Says how the secret service is doing.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.service.standing()
    }

    /// Returns a secret; `None` when it was never set.
    ///
    /// # Errors
    /// [`VaultError`]: it was set, and cannot be had now.
    pub fn get(&self, item: &ItemKey, key: &str) -> Result<Option<Secret>, VaultError> {
        match self.file.read()?.remove(&(item.clone(), key.to_owned())) {
            None => Ok(None),
            Some(Kept::Here(secret)) => Ok(Some(secret)),
            Some(Kept::Service) => self.service.get(item, key),
        }
    }

    /// Keeps a secret, in place of the one before, and returns where: in the place that is asked
    /// for, otherwise where the one before is, otherwise in the service if there is one.
    ///
    /// # Errors
    /// [`VaultError`]; the one before is then as it was.
    pub fn set(
        &self,
        item: &ItemKey,
        key: &str,
        secret: &Secret,
        wanted: Option<Kind>,
    ) -> Result<Kind, VaultError> {
        check(secret)?;
        let place = (item.clone(), key.to_owned());
        self.file.change(|index| {
            let before = index.get(&place).map(kind_of);
            let kind = match wanted.or(before) {
                Some(kind) => kind,
                None => match self.service.standing() {
                    Standing::Open => Kind::Service,
                    Standing::Locked => return Err(VaultError::Locked),
                    Standing::Absent => Kind::File,
                },
            };
            let kept = match kind {
                Kind::Service => {
                    self.service.set(item, key, secret)?;
                    Kept::Service
                }
                Kind::File => Kept::Here(secret.clone()),
            };
            index.insert(place, kept);
            if kind == Kind::File && before == Some(Kind::Service) {
                // It stays there when the keyring cannot be reached; nobody asks for it any more.
                drop(self.service.remove(item, key));
            }
            Ok(kind)
        })
    }

    /// Removes a secret; returns whether there was one.
    ///
    /// # Errors
    /// [`VaultError`]; it is then as it was.
    pub fn remove(&self, item: &ItemKey, key: &str) -> Result<bool, VaultError> {
        let place = (item.clone(), key.to_owned());
        self.file.change(|index| {
            if index.get(&place).map(kind_of) == Some(Kind::Service) {
                self.service.remove(item, key)?;
            }
            Ok(index.remove(&place).is_some())
        })
    }

    /// Removes all secrets of a sync; returns how many there were.
    ///
    /// # Errors
    /// [`VaultError`]: some may be left.
    pub fn remove_all(&self, item: &ItemKey) -> Result<usize, VaultError> {
        let mut n = 0;
        for entry in self.list()?.iter().filter(|entry| entry.item == *item) {
            n += usize::from(self.remove(item, &entry.key)?);
        }
        Ok(n)
    }

    /// Moves a secret to the other place; returns whether there was one.
    ///
    /// # Errors
    /// [`VaultError`]; it is then where it was.
    pub fn move_to(&self, item: &ItemKey, key: &str, to: Kind) -> Result<bool, VaultError> {
        let Some(secret) = self.get(item, key)? else {
            return Ok(false);
        };
        self.set(item, key, &secret, Some(to)).map(|_| true)
    }

    /// Lists what is kept, in the order of the syncs.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn list(&self) -> Result<Vec<Entry>, VaultError> {
        let index = self.file.read()?;
        Ok(index
            .into_iter()
            .map(|((item, key), kept)| Entry {
                item,
                key,
                kind: kind_of(&kept),
            })
            .collect())
    }
}

fn kind_of(kept: &Kept) -> Kind {
    match kept {
        Kept::Service => Kind::Service,
        Kept::Here(_) => Kind::File,
    }
}

fn check(secret: &Secret) -> Result<(), VaultError> {
    let text = secret.expose();
    if text.is_empty() {
        Err(VaultError::Unusable("is empty"))
    } else if text.len() > SECRET_LEN_MAX {
        Err(VaultError::Unusable("is longer than 64 KiB"))
    } else if text.contains('\0') {
        Err(VaultError::Unusable("has a zero byte"))
    } else {
        Ok(())
    }
}
