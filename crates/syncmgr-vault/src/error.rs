//! Why a secret cannot be had or kept.

use std::path::{Path, PathBuf};

use syncmgr_model::escape::escape;
use syncmgr_model::format::without_os_numbers;
use syncmgr_model::trouble::{Code, Trouble};

/// See the module. None of its texts has anything of a secret.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The keyring is locked.
    #[error("the keyring of the desktop is locked")]
    Locked,
    /// No secret service answers.
    #[error("the keyring of the desktop cannot be reached: {0}")]
    Unreachable(String),
    /// Others can read the file.
    #[error("others can read `{}`, so no secret is taken from it or put into it", shown(.0))]
    Exposed(PathBuf),
    /// The file cannot be used.
    #[error("cannot {step} `{}`: {detail}", shown(.path))]
    File {
        /// What was tried, a verb.
        step: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        detail: String,
    },
    /// It cannot be kept.
    #[error("the secret {0}")]
    Unusable(&'static str),
}

impl VaultError {
    pub(crate) fn file(step: &'static str, path: &Path, error: &dyn std::fmt::Display) -> Self {
        Self::File {
            step,
            path: path.to_owned(),
            detail: without_os_numbers(&error.to_string()),
        }
    }

    /// Returns what helps.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Locked => "unlock it (signing in at the desktop does), or keep this secret in \
                             the file with `syncmgr secret move SYNC KEY --to file`"
                .to_owned(),
            Self::Unreachable(_) => "sign in at the desktop, or keep the secret in the file with \
                                     `syncmgr secret set SYNC KEY --in file`"
                .to_owned(),
            Self::Exposed(path) => format!(
                "run `chmod 600 {}`; and change the secrets in it, for \
                                            somebody may have read them",
                shown(path)
            ),
            Self::File { .. } => "check the permissions of the state folder".to_owned(),
            Self::Unusable(_) => "set another one".to_owned(),
        }
    }
}

impl From<&VaultError> for Trouble {
    fn from(error: &VaultError) -> Self {
        match error {
            VaultError::Locked | VaultError::Unreachable(_) => {
                Self::new(Code::SignInNeeded).with("place", error)
            }
            VaultError::Exposed(_) | VaultError::File { .. } | VaultError::Unusable(_) => {
                Self::new(Code::NotPossible)
                    .with("detail", error)
                    .with("advice", error.advice())
            }
        }
    }
}

fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_encoded_bytes())
}
