//! Where things are kept: the folders of the XDG specification, or what the environment says.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The folders of this user.
#[derive(Debug, Clone)]
pub(crate) struct Dirs {
    /// `config.toml` is in there.
    pub(crate) config: PathBuf,
    /// History and the state of every sync.
    pub(crate) state: PathBuf,
    /// The socket of the daemon is in there.
    pub(crate) runtime: PathBuf,
    /// The home folder, if there is one.
    pub(crate) home: Option<PathBuf>,
}

impl Dirs {
    /// Reads the environment: `SYNCMGR_CONFIG_DIR`, `SYNCMGR_STATE_DIR`, `SYNCMGR_RUNTIME_DIR`, then
    /// `XDG_CONFIG_HOME`, `XDG_STATE_HOME`, `XDG_RUNTIME_DIR`, then the home folder. Relative values are ignored, as XDG demands.
    #[must_use]
    pub(crate) fn from_env() -> Self {
        Self::from(|key| env::var_os(key))
    }

    fn from(var: impl Fn(&str) -> Option<OsString>) -> Self {
        let absolute = |key: &str| {
            var(key)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = absolute("HOME");
        let choose = |own: &str, xdg: &str, below: &str| {
            absolute(own)
                .or_else(|| absolute(xdg).map(|dir| dir.join("syncmgr")))
                .or_else(|| home.as_ref().map(|home| home.join(below).join("syncmgr")))
                // A service without a home still has to work, and its state must last.
                .unwrap_or_else(|| PathBuf::from("/var/lib/syncmgr"))
        };
        let state = choose("SYNCMGR_STATE_DIR", "XDG_STATE_HOME", ".local/state");
        // A state folder of its own is a center of its own, which must not meet the usual one.
        let own_state = absolute("SYNCMGR_STATE_DIR").is_some();
        let runtime = absolute("SYNCMGR_RUNTIME_DIR").unwrap_or_else(|| {
            let shared = absolute("XDG_RUNTIME_DIR").filter(|_| !own_state);
            shared.map_or_else(|| state.join("run"), |dir| dir.join("syncmgr"))
        });
        Self {
            config: choose("SYNCMGR_CONFIG_DIR", "XDG_CONFIG_HOME", ".config"),
            state,
            runtime,
            home,
        }
    }

    /// Returns the path of the daemon's socket.
    #[must_use]
    pub(crate) fn socket(&self) -> PathBuf {
        self.runtime.join("syncmgr.sock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_folder_of_its_own_has_a_socket_of_its_own() {
        let check = |vars: &[(&str, &str)], socket: &str| {
            let dirs = Dirs::from(|key| {
                let found = vars.iter().find(|(name, _)| *name == key);
                found.map(|(_, value)| OsString::from(value))
            });
            assert_eq!(dirs.socket(), PathBuf::from(socket));
        };
        let user = ("XDG_RUNTIME_DIR", "/run/user/1");
        check(&[("HOME", "/h"), user], "/run/user/1/syncmgr/syncmgr.sock");
        let state = ("SYNCMGR_STATE_DIR", "/s");
        check(&[("HOME", "/h"), user, state], "/s/run/syncmgr.sock");
        let runtime = ("SYNCMGR_RUNTIME_DIR", "/r");
        check(&[("HOME", "/h"), user, state, runtime], "/r/syncmgr.sock");
        check(
            &[("HOME", "/h")],
            "/h/.local/state/syncmgr/run/syncmgr.sock",
        );
    }

    #[test]
    fn the_nearest_variable_wins_and_relative_ones_do_not_count() {
        let check = |vars: &[(&str, &str)], config: &str| {
            let dirs = Dirs::from(|key| {
                let found = vars.iter().find(|(name, _)| *name == key);
                found.map(|(_, value)| OsString::from(value))
            });
            assert_eq!(dirs.config, PathBuf::from(config));
        };
        check(&[("HOME", "/h")], "/h/.config/syncmgr");
        check(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")], "/x/syncmgr");
        check(
            &[("HOME", "/h"), ("XDG_CONFIG_HOME", "x")],
            "/h/.config/syncmgr",
        );
        check(
            &[("XDG_CONFIG_HOME", "/x"), ("SYNCMGR_CONFIG_DIR", "/o")],
            "/o",
        );
    }
}
