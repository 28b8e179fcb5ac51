//! Where the daemon listens: what the service manager hands over, else its own socket and port.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use syncmgr_model::format::without_os_numbers;
use syncmgr_server::Listener;
use syncmgr_server::listen::{self, ListenError};
use syncmgr_store::config::Listen;

/// Longest path of a Unix socket in bytes: `sun_path` less the zero at its end (unix(7)).
const PATH_LEN_MAX: usize = 107;

/// What is listened on, and what there is to say of it.
#[derive(Debug)]
pub(crate) struct Sockets {
    /// The listeners.
    pub(crate) listeners: Vec<Listener>,
    /// Address for a browser; `None`: there is no port.
    pub(crate) address: Option<String>,
    /// What did not work and does no harm.
    pub(crate) notes: Vec<String>,
}

/// The socket cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    /// The system takes no path of this length.
    #[error(
        "the path of the socket is {} bytes long, and the system takes {PATH_LEN_MAX}: {}",
        .0.as_os_str().len(), .0.display()
    )]
    TooLong(PathBuf),
    /// Anything else.
    #[error("{}", told(.0))]
    Listen(#[from] ListenError),
}

/// Returns an error of a listener with its cause.
fn told(error: &ListenError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {}", without_os_numbers(&cause.to_string())),
        None => error.to_string(),
    }
}

/// Opens the sockets. The caller holds the lock of the state directory, so a socket that nobody
/// answers on is one that a killed daemon left.
///
/// # Errors
/// [`SocketError`]; a port that cannot be had is a note only, because the socket works without it.
pub(crate) fn open(path: &Path, wanted: Listen) -> Result<Sockets, SocketError> {
    let mut sockets = Sockets {
        listeners: Vec::new(),
        address: None,
        notes: Vec::new(),
    };
    sockets.take_inherited();
    let has_unix = sockets
        .listeners
        .iter()
        .any(|listener| matches!(listener, Listener::Unix(_)));
    if !has_unix {
        if path.as_os_str().len() > PATH_LEN_MAX {
            return Err(SocketError::TooLong(path.to_owned()));
        }
        sockets.listeners.push(listen::unix(path)?);
    }
    if sockets.address.is_none()
        && let Listen::Port(port) = wanted
    {
        sockets.add_port(listen::loopback(port));
    }
    Ok(sockets)
}

impl Sockets {
    /// Takes what systemd opened for us (`LISTEN_FDS`, sd_listen_fds(3)).
    fn take_inherited(&mut self) {
        let mut handed = ListenFd::from_env();
        for index in 0..handed.len() {
            match handed.take_unix_listener(index) {
                Ok(Some(listener)) => self.listeners.push(Listener::Unix(listener)),
                Ok(None) => {}
                Err(_) => self.take_port(handed.take_tcp_listener(index)),
            }
        }
    }

    fn take_port(&mut self, taken: io::Result<Option<TcpListener>>) {
        match taken {
            Ok(Some(listener)) => self.add_port(listen::inherited(listener)),
            Ok(None) => {}
            Err(error) => self.notes.push(format!(
                "a socket that was handed over cannot be used: {error}"
            )),
        }
    }

    fn add_port(&mut self, opened: Result<Listener, ListenError>) {
        match opened {
            Ok(listener) => {
                if let Listener::Tcp(tcp) = &listener
                    && let Ok(address) = tcp.local_addr()
                {
                    self.address = Some(format!("http://{address}"));
                }
                self.listeners.push(listener);
            }
            Err(error) => self.notes.push(format!(
                "{}; browsers cannot reach it, commands can",
                told(&error)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_too_long_is_said() {
        let path = PathBuf::from(format!("/{}", "x".repeat(107)));
        let error = open(&path, Listen::Off).unwrap_err();
        assert!(error.to_string().contains("108 bytes"), "{error}");
    }
}
