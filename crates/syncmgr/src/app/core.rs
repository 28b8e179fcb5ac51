//! Who does the work: the center in this process, or the daemon that runs.
//!
//! ```text
//!  the daemon's lock is free ──────────────► Here: a center of this command
//!  it is held, and the socket answers ─────► There: everything is asked of the daemon
//!  it is held, and nobody answers ─────────► refused: two centers would not know of each other
//! ```

use syncmgr_api::client::{Client, ClientError};
use syncmgr_center::center::Handle;

use super::there::There;
use crate::daemon::lock;
use crate::dirs::Dirs;
use crate::error::CliError;
use crate::exit::Exit;

/// Who does the work.
#[derive(Debug)]
pub(crate) enum Core {
    /// The center of this process.
    Here(Handle),
    /// The daemon.
    There(Box<There>),
}

/// Connects to the daemon; `None` when none runs.
///
/// # Errors
/// One runs and cannot be reached: then nothing is done without it.
pub(crate) fn reach(dirs: &Dirs) -> Result<Option<Client>, CliError> {
    let owner = lock::owner(&dirs.state).map_err(|error| {
        CliError::new(
            Exit::NotRunning,
            format!("cannot tell whether the daemon runs: {error}"),
        )
        .hint("check the permissions of the state folder; nothing was changed")
    })?;
    if owner.is_none() {
        return Ok(None);
    }
    match Client::connect(&dirs.socket()) {
        Ok(client) => Ok(Some(client)),
        Err(error) => Err(unreachable(&error)),
    }
}

/// The daemon runs and does not answer.
pub(super) fn unreachable(error: &ClientError) -> CliError {
    let exit = match error {
        ClientError::Stranger { .. } => Exit::NotAllowed,
        ClientError::NotRunning { .. }
        | ClientError::Broken { .. }
        | ClientError::TimedOut { .. }
        | ClientError::Refused(_)
        | ClientError::Unreadable { .. } => Exit::NotRunning,
    };
    CliError::new(
        exit,
        format!("the daemon runs, and cannot be asked: {error}"),
    )
    .hint("your files are whole, and nothing was changed by this command")
    .hint("`syncmgr daemon restart` starts it anew; `syncmgr daemon logs` says more")
}

/// What the daemon answered instead of doing it.
impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        let ClientError::Refused(problem) = error else {
            return unreachable(&error);
        };
        if let Some(trouble) = problem.trouble() {
            return trouble.into();
        }
        let exit = match problem.status {
            400 | 422 => Exit::Usage,
            401 | 403 => Exit::NotAllowed,
            404 => Exit::NotFound,
            503 => Exit::NotRunning,
            _ => Exit::Failed,
        };
        let fault = problem.errors.first();
        let fault = fault.map(|fault| format!(" ({}: {})", fault.field, fault.detail));
        let mut refused = Self::new(
            exit,
            crate::ui::safe(&format!("{}{}", problem.title, fault.unwrap_or_default())),
        );
        refused.hints = problem.actions.clone();
        refused
    }
}
