//! Where the daemon listens: a Unix socket of its own user, and the loopback port (S1).

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

/// The port of the API when no other is set.
pub const PORT: u16 = 7962;

/// A socket that listens.
#[derive(Debug)]
pub enum Listener {
    /// Users of this machine, known by the system.
    Unix(std::os::unix::net::UnixListener),
    /// Programs of this machine, known by a token.
    Tcp(std::net::TcpListener),
}

/// The daemon cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another daemon answers there.
    #[error("another daemon listens on `{}`", .0.display())]
    InUse(PathBuf),
    /// Somebody else could get at the folder of the socket.
    #[error("the folder `{}` of the socket is open to others", .0.display())]
    Exposed(PathBuf),
    /// Only the loopback addresses are possible: everything else needs TLS and a password.
    #[error("`{0}` is not an address of this machine alone")]
    NotLoopback(SocketAddr),
    /// The system refused.
    #[error("cannot listen on `{place}`")]
    Io {
        /// Where.
        place: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// Listens on a Unix socket, mode 0600 in a folder of mode 0700 that is made when it is missing.
/// What a killed daemon left there is replaced. The caller holds the lock of the state directory,
/// so that no two daemons do this at once.
///
/// # Errors
/// [`ListenError`].
pub fn unix(path: &Path) -> Result<Listener, ListenError> {
    let failed = |source| ListenError::Io {
        place: path.display().to_string(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed)?;
    let facts = folder.symlink_metadata().map_err(failed)?;
    let is_own = facts.is_dir() && facts.uid() == geteuid().as_raw();
    if !is_own || facts.mode() & 0o077 != 0 {
        return Err(ListenError::Exposed(folder.to_owned()));
    }
    match UnixStream::connect(path) {
        Ok(_) => return Err(ListenError::InUse(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(failed)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = std::os::unix::net::UnixListener::bind(path).map_err(failed)?;
    // Until here the folder alone kept others out.
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(Listener::Unix(listener))
}

/// Listens on 127.0.0.1; port 0 takes a free one.
///
/// # Errors
/// [`ListenError`].
pub fn loopback(port: u16) -> Result<Listener, ListenError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = std::net::TcpListener::bind(address).map_err(|source| ListenError::Io {
        place: address.to_string(),
        source,
    })?;
    Ok(Listener::Tcp(listener))
}

/// Takes a port that the service manager opened, if it is of this machine alone.
///
/// # Errors
/// [`ListenError`].
pub fn inherited(listener: std::net::TcpListener) -> Result<Listener, ListenError> {
    let address = listener.local_addr().map_err(|source| ListenError::Io {
        place: "an inherited port".to_owned(),
        source,
    })?;
    if address.ip().is_loopback() {
        Ok(Listener::Tcp(listener))
    } else {
        Err(ListenError::NotLoopback(address))
    }
}

/// From where a request comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Over the Unix socket, from this user, as the system says.
    User(u32),
    /// Over this port, from anybody on this machine.
    Port(u16),
}

/// Says whether a user may use the Unix socket: the own one, and root, who may do anything anyway.
pub(crate) fn is_welcome(uid: u32) -> bool {
    uid == geteuid().as_raw() || uid == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s1_the_socket_is_for_its_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("run");
        let path = folder.join("s.sock");
        let listener = unix(&path).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
        assert!(matches!(unix(&path), Err(ListenError::InUse(_))));
        drop(listener);
        // What a killed daemon leaves behind.
        drop(unix(&path).unwrap());
        std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(unix(&path), Err(ListenError::Exposed(_))));
    }

    #[test]
    fn s1_the_port_is_of_this_machine_alone() {
        let Ok(Listener::Tcp(listener)) = loopback(0) else {
            panic!("no loopback")
        };
        assert!(listener.local_addr().unwrap().ip().is_loopback());
        let everywhere = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
        let refused = inherited(everywhere);
        assert!(matches!(refused, Err(ListenError::NotLoopback(_))));
    }
}
