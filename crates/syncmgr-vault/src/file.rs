//! The file of secrets, which also says which ones are kept elsewhere: only its owner can read it,
//! and it is replaced as a whole.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde_json::{Value as Json, json};
use syncmgr_model::id::ItemKey;

use crate::error::VaultError;
use crate::secret::{SECRET_LEN_MAX, Secret};

/// The version that is written.
const VERSION: u64 = 1;

/// Most secrets: no person sets more, and the file is read as a whole.
const SECRETS_MAX: usize = 1000;

/// Longest file that is read.
const LEN_MAX: u64 = 8 * 1024 * 1024;

/// Names a secret.
pub(crate) type Place = (ItemKey, String);

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// In the secret service.
    Service,
    /// Here.
    Here(Secret),
}

/// All that the file has.
pub(crate) type Index = BTreeMap<Place, Kept>;

/// The file.
#[derive(Debug, Clone)]
pub(crate) struct FileVault {
    path: PathBuf,
}

impl FileVault {
    pub(crate) fn new(state: &Path) -> Self {
        Self {
            path: state.join("secrets.json"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; a missing file has nothing.
    pub(crate) fn read(&self) -> Result<Index, VaultError> {
        let failed = |error: io::Error| VaultError::file("read", &self.path, &error);
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(no_link())
            .open(&self.path);
        let file = match file {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Index::new()),
            Err(error) => return Err(failed(error)),
        };
        let meta = file.metadata().map_err(failed)?;
        let is_own = meta.uid() == rustix::process::geteuid().as_raw();
        if !meta.is_file() || !is_own || meta.mode() & 0o077 != 0 {
            return Err(VaultError::Exposed(self.path.clone()));
        }
        let mut text = String::new();
        file.take(LEN_MAX)
            .read_to_string(&mut text)
            .map_err(failed)?;
        // What is wrong is not said with the text that is wrong: that may be a secret.
        read_index(&text)
            .ok_or_else(|| VaultError::file("read", &self.path, &"it is no file of secrets"))
    }

    /// Changes it, alone.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Index) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let _alone = self.lock()?;
        let mut index = self.read()?;
        let before = index.clone();
        let done = change(&mut index)?;
        if index.len() > SECRETS_MAX {
            return Err(VaultError::Unusable("is one too many: there are 1000"));
        }
        if index != before {
            self.write(&index)
                .map_err(|error| VaultError::file("write", &self.path, &error))?;
        }
        Ok(done)
    }

    fn lock(&self) -> Result<File, VaultError> {
        let path = self.path.with_extension("lock");
        let locked = || {
            if let Some(dir) = path.parent() {
                let mut builder = std::fs::DirBuilder::new();
                builder.recursive(true).mode(0o700).create(dir)?;
            }
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(no_link())
                .open(&path)?;
            file.lock()?;
            Ok(file)
        };
        locked().map_err(|error: io::Error| VaultError::file("lock", &path, &error))
    }

    /// Replaces the file: whole and on the disk before it has its name.
    fn write(&self, index: &Index) -> io::Result<()> {
        let fresh = self.path.with_extension("new");
        // Left behind by a writer that was killed; we hold the lock.
        match std::fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(no_link())
            .open(&fresh)?;
        file.write_all(write_index(index).as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, &self.path)?;
        match self.path.parent() {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    }
}

fn no_link() -> i32 {
    i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0)
}

fn write_index(index: &Index) -> String {
    let secrets: Vec<_> = index
        .iter()
        .map(|((item, key), kept)| {
            let mut entry = json!({"item": item.to_string(), "key": key});
            match kept {
                Kept::Service => entry["in"] = json!("service"),
                Kept::Here(secret) => entry["value"] = json!(secret.expose()),
            }
            entry
        })
        .collect();
    format!("{:#}\n", json!({"v": VERSION, "secrets": secrets}))
}

fn read_index(text: &str) -> Option<Index> {
    let file: Json = serde_json::from_str(text).ok()?;
    if file["v"] != VERSION {
        return None;
    }
    let entry = |entry: &Json| {
        let item = ItemKey::parse(entry["item"].as_str()?)?;
        let key = entry["key"].as_str()?.to_owned();
        let kept = match entry["value"].as_str() {
            Some(value) if value.len() <= SECRET_LEN_MAX => Kept::Here(Secret::new(value)),
            Some(_) => return None,
            None => (entry["in"] == "service").then_some(Kept::Service)?,
        };
        Some(((item, key), kept))
    };
    file["secrets"].as_array()?.iter().map(entry).collect()
}
