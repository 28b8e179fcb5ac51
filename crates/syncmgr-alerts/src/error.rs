//! Why a message did not arrive.

use std::path::PathBuf;

use syncmgr_model::catalogue::Retry;
use syncmgr_model::trouble::{Code, Trouble};

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the setting {key} can't be used: {detail}")]
pub struct BadSetting {
    /// Which.
    pub key: String,
    /// Why; never its value, which may be a secret in the wrong place.
    pub detail: String,
}

impl BadSetting {
    pub(crate) fn new(key: &str, detail: impl Into<String>) -> Self {
        Self {
            key: crate::text::line(key),
            detail: detail.into(),
        }
    }

    /// Makes the trouble a person is told.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        Trouble::new(Code::SettingUnusable)
            .with("key", &self.key)
            .with("value", "…")
            .with("detail", &self.detail)
    }
}

/// Why a message did not arrive. No variant holds a secret, nor a whole address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// A file with a secret, an address or certificates cannot be used.
    #[error("cannot use the file `{}`: {detail}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// No connection, or it broke.
    #[error("{place} can't be reached: {detail}")]
    Unreachable {
        /// Where.
        place: String,
        /// Why.
        detail: String,
    },
    /// No answer in time.
    #[error("{place} did not answer in time")]
    TimedOut {
        /// Where.
        place: String,
    },
    /// The certificate of the server is not one we trust.
    #[error("the certificate of {place} is not trusted ({detail})")]
    Untrusted {
        /// Where.
        place: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The line would not be encrypted although it has to be.
    #[error("{place}: {detail}")]
    Unencrypted {
        /// Where.
        place: String,
        /// What asks for encryption.
        detail: &'static str,
    },
    /// The server does not accept who we are.
    #[error("{place} does not accept the sign-in: {answer}")]
    SignIn {
        /// Where.
        place: String,
        /// What it said.
        answer: String,
    },
    /// The server does not take the message.
    #[error("{place} did not take the notice: {answer}")]
    Refused {
        /// Where.
        place: String,
        /// What it said.
        answer: String,
        /// It may take it later.
        may_pass: bool,
    },
    /// The program cannot be started.
    #[error("the command {program} can't be started: {detail}")]
    NotStarted {
        /// Which.
        program: String,
        /// Why.
        detail: String,
    },
    /// The program said that it failed.
    #[error("the command {program} failed: {how}{}", said(.output))]
    CommandFailed {
        /// Which.
        program: String,
        /// How it ended.
        how: String,
        /// The last line it wrote.
        output: String,
    },
    /// The program took too long and was ended.
    #[error("the command {program} took longer than {secs} seconds and was ended")]
    CommandTooSlow {
        /// Which.
        program: String,
        /// Its limit.
        secs: u64,
    },
}

fn said(output: &str) -> String {
    if output.is_empty() {
        String::new()
    } else {
        format!(", it said: {output}")
    }
}

impl DeliveryError {
    /// Says whether trying again makes sense before somebody changes something. A command is
    /// never tried again: half of what it does may have happened.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Refused { may_pass: true, .. } => Retry::Later,
            Self::File { .. }
            | Self::Setting(_)
            | Self::Untrusted { .. }
            | Self::Unencrypted { .. }
            | Self::SignIn { .. }
            | Self::Refused {
                may_pass: false, ..
            }
            | Self::NotStarted { .. }
            | Self::CommandFailed { .. }
            | Self::CommandTooSlow { .. } => Retry::Never,
        }
    }

    /// Returns the stable word of the cause, by which the catalogue says what to do.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::File { .. } => "secret",
            Self::Setting(_) => "setting",
            Self::Unreachable { .. } | Self::TimedOut { .. } => "unreachable",
            Self::Untrusted { .. } => "certificate",
            Self::Unencrypted { .. } => "unencrypted",
            Self::SignIn { .. } => "sign-in",
            Self::Refused { .. } => "refused",
            Self::NotStarted { .. } | Self::CommandFailed { .. } | Self::CommandTooSlow { .. } => {
                "command"
            }
        }
    }

    /// Makes the trouble a person is told; `channel` is what the person called it.
    #[must_use]
    pub fn trouble(&self, channel: &str) -> Trouble {
        Trouble::new(Code::AlertFailed)
            .with("channel", crate::text::line(channel))
            .with("detail", crate::text::line(&self.to_string()))
            .with("cause", self.cause())
    }
}
