//! The API tokens: a file of hashes that only the owner can read (S4, S12).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use syncmgr_model::time::Timestamp;

use super::Principal;
use super::private::{self, Unusable};
use super::scope::{Scope, Scopes};
use super::secret::{Secret, SecretHash};

/// Most tokens; each request is compared with all of them.
const TOKENS_MAX: usize = 64;
/// Longest name, in characters.
const NAME_LEN_MAX: usize = 64;

/// Something is wrong with the tokens.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be used.
    #[error("cannot use the file of tokens `{}`", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Others can read or replace the file, so what it says cannot be trusted.
    #[error("the file of tokens `{}` is open to others", .0.display())]
    Exposed(PathBuf),
    /// The file is damaged.
    #[error("the file of tokens `{}` is damaged: {detail}", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// There is a token of this name.
    #[error("there is a token `{0}` already")]
    NameTaken(String),
    /// The name is empty, too long, or has other characters.
    #[error("a token cannot be called `{}`", .0.escape_debug())]
    BadName(String),
    /// There are too many.
    #[error("there are {TOKENS_MAX} tokens already")]
    TooMany,
    /// The system has no chance to give.
    #[error("cannot make a secret: {0}")]
    NoChance(getrandom::Error),
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub made: Timestamp,
}

/// The tokens of this user.
#[derive(Debug)]
pub struct Tokens {
    path: PathBuf,
    list: Mutex<Vec<Token>>,
}

#[derive(Debug, Clone)]
struct Token {
    info: TokenInfo,
    hash: SecretHash,
}

/// The file, version 1.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnDisk {
    version: u32,
    tokens: Vec<TokenOnDisk>,
}

/// A token in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenOnDisk {
    name: String,
    scopes: Vec<String>,
    made: String,
    blake3: String,
}

impl Tokens {
    /// Reads the tokens; there are none when the file is missing.
    ///
    /// # Errors
    /// [`TokenError`] when the file cannot be read or trusted. Nobody can sign in with a token
    /// then; the Unix socket is not concerned.
    pub fn open(path: &Path) -> Result<Self, TokenError> {
        let read = private::read(path).map_err(|fault| unusable(path, fault))?;
        let list = match read {
            Some(text) => parse(path, &text)?,
            None => Vec::new(),
        };
        Ok(Self {
            path: path.to_owned(),
            list: Mutex::new(list),
        })
    }

    /// Makes a token and returns its secret, which nobody can read again.
    ///
    /// # Errors
    /// [`TokenError`]; then there is no new token.
    pub fn make(&self, name: &str, scopes: &[Scope], now: Timestamp) -> Result<Secret, TokenError> {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
        if name.is_empty() || name.len() > NAME_LEN_MAX || !name.chars().all(is_letter) {
            return Err(TokenError::BadName(name.to_owned()));
        }
        let secret = Secret::new().map_err(TokenError::NoChance)?;
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        if list.iter().any(|token| token.info.name == name) {
            return Err(TokenError::NameTaken(name.to_owned()));
        }
        if list.len() >= TOKENS_MAX {
            return Err(TokenError::TooMany);
        }
        let mut new = list.clone();
        new.push(Token {
            info: TokenInfo {
                name: name.to_owned(),
                scopes: Scopes::of(scopes),
                made: now,
            },
            hash: secret.hash(),
        });
        self.write(&new)?;
        *list = new;
        Ok(secret)
    }

    /// Takes a token back; returns whether there was one.
    ///
    /// # Errors
    /// [`TokenError`]; then it still is there.
    pub fn revoke(&self, name: &str) -> Result<bool, TokenError> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new = list.clone();
        new.retain(|token| token.info.name != name);
        if new.len() == list.len() {
            return Ok(false);
        }
        self.write(&new)?;
        *list = new;
        Ok(true)
    }

    /// Lists the tokens.
    #[must_use]
    pub fn list(&self) -> Vec<TokenInfo> {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter().map(|token| token.info.clone()).collect()
    }

    /// Finds out whose secret this is. Every token is compared, so that the time tells nothing.
    pub(crate) fn principal(&self, secret: &str) -> Option<Principal> {
        let hash = SecretHash::of(secret);
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        for token in &*list {
            if token.hash.matches(&hash) {
                found = Some(&token.info);
            }
        }
        found.map(|info| Principal::Token {
            name: info.name.clone(),
            scopes: info.scopes,
        })
    }

    /// Replaces the file in one step.
    fn write(&self, list: &[Token]) -> Result<(), TokenError> {
        let failed = |source| TokenError::Io {
            path: self.path.clone(),
            source,
        };
        let on_disk = OnDisk {
            version: 1,
            tokens: list.iter().map(TokenOnDisk::of).collect(),
        };
        let text =
            serde_json::to_vec_pretty(&on_disk).map_err(|error| failed(io::Error::other(error)))?;
        private::replace(&self.path, &text).map_err(|fault| unusable(&self.path, fault))
    }
}

fn unusable(path: &Path, fault: Unusable) -> TokenError {
    let path = path.to_owned();
    match fault {
        Unusable::Io(source) => TokenError::Io { path, source },
        Unusable::Exposed => TokenError::Exposed(path),
        Unusable::NoChance(error) => TokenError::NoChance(error),
    }
}

impl TokenOnDisk {
    fn of(token: &Token) -> Self {
        let words = token.info.scopes.words();
        Self {
            name: token.info.name.clone(),
            scopes: words.into_iter().map(str::to_owned).collect(),
            made: token.info.made.rfc3339(),
            blake3: token.hash.hex(),
        }
    }

    fn read(&self) -> Option<Token> {
        let scopes = self.scopes.iter().map(|word| Scope::parse(word));
        Some(Token {
            info: TokenInfo {
                name: self.name.clone(),
                scopes: Scopes::of(&scopes.collect::<Option<Vec<_>>>()?),
                made: Timestamp::parse_rfc3339(&self.made)?,
            },
            hash: SecretHash::parse(&self.blake3)?,
        })
    }
}

fn parse(path: &Path, text: &str) -> Result<Vec<Token>, TokenError> {
    let damaged = |detail: String| TokenError::Damaged {
        path: path.to_owned(),
        detail,
    };
    let on_disk: OnDisk = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    if on_disk.version != 1 {
        return Err(damaged(format!("it has version {}", on_disk.version)));
    }
    on_disk
        .tokens
        .iter()
        .map(|token| {
            let read = token.read();
            read.ok_or_else(|| damaged(format!("the token `{}`", token.name.escape_debug())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn s4_the_file_is_for_its_owner_and_holds_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens.json");
        let tokens = Tokens::open(&path).unwrap();
        let secret = tokens.make("backup", &[Scope::Sync], Timestamp(0)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(secret.expose()));
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);

        let again = Tokens::open(&path).unwrap();
        let who = again.principal(secret.expose()).unwrap();
        assert!(who.may(Scope::Sync) && who.may(Scope::Read) && !who.may(Scope::Admin));
        assert_eq!(again.principal("backup"), None);
        assert!(matches!(
            again.make("backup", &[], Timestamp(0)),
            Err(TokenError::NameTaken(_))
        ));
        assert!(again.revoke("backup").unwrap());
        assert_eq!(again.principal(secret.expose()), None);
    }

    #[test]
    fn s4_a_file_that_others_could_have_written_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens.json");
        let tokens = Tokens::open(&path).unwrap();
        tokens.make("a", &[Scope::Read], Timestamp(0)).unwrap();
        let link = dir.path().join("link.json");
        symlink(&path, &link).unwrap();
        assert!(matches!(Tokens::open(&link), Err(TokenError::Io { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Tokens::open(&path), Err(TokenError::Exposed(_))));
    }
}
