//! An error that ends a command: what happened, what helps, and the exit code.

use syncmgr_center::center::Gone;
use syncmgr_center::port::StoreError;
use syncmgr_model::format::without_os_numbers;
use syncmgr_model::trouble::Trouble;
use syncmgr_store::config::ConfigError;

use crate::exit::Exit;
use crate::json::ErrorJson;

/// Ends a command.
#[derive(Debug)]
pub(crate) struct CliError {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What happened: lower case, no full stop, names the thing.
    pub(crate) message: String,
    /// What helps.
    pub(crate) hints: Vec<String>,
    /// The message of the catalogue, when it is one.
    pub(crate) trouble: Option<Trouble>,
}

impl CliError {
    /// Builds an error.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: without_os_numbers(&message.into()),
            hints: Vec::new(),
            trouble: None,
        }
    }

    /// Builds an error about how the command was used.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Builds an error about something that is not there.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, message)
    }

    /// Converts it for JSON.
    #[must_use]
    pub(crate) fn to_json(&self) -> ErrorJson {
        ErrorJson {
            exit: self.exit.code(),
            code: self.trouble.as_ref().map(|trouble| trouble.code.as_str()),
            message: self.message.clone(),
            hints: self.hints.clone(),
        }
    }

    /// Adds what helps.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl From<Trouble> for CliError {
    fn from(trouble: Trouble) -> Self {
        let notice = syncmgr_model::catalogue::notice(&trouble);
        Self {
            exit: Exit::of_trouble(&trouble),
            message: notice.what,
            hints: notice.actions,
            trouble: Some(trouble),
        }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Self::new(Exit::Failed, error.to_string()).hint(
            "check the free space and the permissions of that folder; your files are not affected",
        )
    }
}

impl From<Gone> for CliError {
    fn from(gone: Gone) -> Self {
        Self::new(Exit::Bug, gone.to_string()).hint("your files are whole; run the command again")
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        let exit = match &error {
            ConfigError::Missing(_) | ConfigError::NoSuch { .. } => Exit::NotFound,
            ConfigError::Exists(_) | ConfigError::BadName { .. } | ConfigError::Text { .. } => {
                Exit::Usage
            }
            ConfigError::Io { .. } | ConfigError::Changed(_) => Exit::Failed,
        };
        let is_io = matches!(error, ConfigError::Io { .. });
        let error = Self::new(exit, error.to_string());
        if is_io {
            error.hint("check the permissions of that file and its folder; nothing was changed")
        } else {
            error
        }
    }
}
