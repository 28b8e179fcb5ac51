//! What wrapped tools may know of the machine: the home folder, where programs are looked for, the
//! part of the environment that is handed on, where state lies, the time, and secrets. Everything
//! is handed in, so that a test has a home of its own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use syncmgr_engine::clock::Clock;
use syncmgr_model::escape::escape;
use syncmgr_model::item::{Item, SettingKind, SettingSpec};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::secret::{NoSecrets, Secret, Secrets};
use crate::files::place;

/// What of our environment a tool gets. Everything else stays with us: it may hold secrets of other
/// programs.
pub const KEPT: &[&str] = &[
    // Who and where.
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "TMPDIR",
    "TZ",
    // Where the tool keeps its own set-up.
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    // What signs in: agents hold the keys, these only say where they listen.
    "SSH_AUTH_SOCK",
    "DBUS_SESSION_BUS_ADDRESS",
    "GNUPGHOME",
    "GPG_TTY",
    // The way out of a guarded network.
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Where programs are looked for when the environment does not say.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The setting by which a person names the program itself.
pub const PROGRAM: SettingSpec = SettingSpec {
    key: "program",
    kind: SettingKind::Text,
    is_required: false,
    help: "whole path of the program, when it is not on the search path",
};

/// The setting that names further variables of the environment.
pub const ENV: SettingSpec = SettingSpec {
    key: "env",
    kind: SettingKind::List,
    is_required: false,
    help: "names of environment variables the program also gets",
};

/// A program that does the work of a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// What it is called on the search path.
    pub name: &'static str,
    /// The Debian package that brings it.
    pub package: &'static str,
}

/// See the module.
#[derive(Clone)]
pub struct Context {
    home: Option<PathBuf>,
    state_dir: PathBuf,
    env: BTreeMap<OsString, OsString>,
    clock: Arc<dyn Clock>,
    secrets: Arc<dyn Secrets>,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("home", &self.home)
            .field("state_dir", &self.state_dir)
            .finish_non_exhaustive()
    }
}

impl Context {
    /// Builds it with an environment: what is not set in it is not there. State lies in
    /// `state_dir/HANDLER/ITEM`.
    #[must_use]
    pub fn new(
        home: Option<PathBuf>,
        state_dir: PathBuf,
        env: impl IntoIterator<Item = (OsString, OsString)>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            home,
            state_dir,
            env: env.into_iter().collect(),
            clock,
            secrets: Arc::new(NoSecrets),
        }
    }

    /// Builds it with the environment of this process.
    #[must_use]
    pub fn of_process(home: Option<PathBuf>, state_dir: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self::new(home, state_dir, std::env::vars_os(), clock)
    }

    /// Takes secrets from there.
    #[must_use]
    pub fn with_secrets(mut self, secrets: Arc<dyn Secrets>) -> Self {
        self.secrets = secrets;
        self
    }

    /// Returns the home folder.
    #[must_use]
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// Returns the time of day.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp(i64::try_from(now.as_nanos() / 1_000_000).unwrap_or(i64::MAX))
    }

    /// Returns milliseconds that never go back, from an arbitrary start.
    #[must_use]
    pub fn ticks_ms(&self) -> u64 {
        self.clock.ticks_ns() / 1_000_000
    }

    /// Returns a variable of the environment.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        let value = self.env.get(OsStr::new(name))?;
        (!value.is_empty()).then_some(value)
    }

    /// Returns what a tool gets of the environment, and the variables named in its settings. Its
    /// messages are asked for in English, because they are read here.
    #[must_use]
    pub fn env_for(&self, item: &Item) -> Vec<(OsString, OsString)> {
        let names = KEPT.iter().copied();
        let names = names.chain(item.settings.list(ENV.key).iter().map(String::as_str));
        let mut env: Vec<_> = names
            .filter_map(|name| Some((name.into(), self.var(name)?.to_owned())))
            .collect();
        if self.var("PATH").is_none() {
            env.push(("PATH".into(), PATH.into()));
        }
        if let (None, Some(home)) = (self.var("HOME"), &self.home) {
            env.push(("HOME".into(), home.into()));
        }
        env.push(("LC_ALL".into(), "C.UTF-8".into()));
        env
    }

    /// Returns where programs keep their set-up (`~/.config`).
    #[must_use]
    pub fn config_dir(&self) -> Option<PathBuf> {
        self.xdg("XDG_CONFIG_HOME", ".config")
    }

    /// Returns where programs keep what they can make again (`~/.cache`).
    #[must_use]
    pub fn cache_dir(&self) -> Option<PathBuf> {
        self.xdg("XDG_CACHE_HOME", ".cache")
    }

    /// Returns where programs keep their data (`~/.local/share`).
    #[must_use]
    pub fn data_dir(&self) -> Option<PathBuf> {
        self.xdg("XDG_DATA_HOME", ".local/share")
    }

    /// Returns where programs keep their state (`~/.local/state`).
    #[must_use]
    pub fn user_state_dir(&self) -> Option<PathBuf> {
        self.xdg("XDG_STATE_HOME", ".local/state")
    }

    fn xdg(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let set = self.var(variable).map(PathBuf::from);
        set.filter(|dir| dir.is_absolute())
            .or_else(|| Some(self.home.as_ref()?.join(below_home)))
    }

    /// Reads a path from the settings: `~/` is the home folder.
    #[must_use]
    pub fn place(&self, text: &str) -> PathBuf {
        place::read(text, self.home())
    }

    /// Returns a path as harmless text for people, with `~` for the home folder.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        place::shown(path, self.home())
    }

    /// Looks a program up on the search path.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let path = self.var("PATH").unwrap_or(OsStr::new(PATH));
        std::env::split_paths(path)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(name))
            .find(|file| is_program(file))
    }

    /// Returns the program that works for an item: the one its settings name, or the one on the
    /// search path. Starts nothing.
    ///
    /// # Errors
    /// `tool-missing`.
    pub fn program(&self, item: &Item, program: Program) -> Result<PathBuf, Trouble> {
        if let Some(text) = item.settings.text(PROGRAM.key) {
            let file = self.place(text);
            return if file.is_absolute() && is_program(&file) {
                Ok(file)
            } else {
                Err(Trouble::new(Code::ToolMissing).with("tool", escape(text.as_bytes())))
            };
        }
        self.find(program.name).ok_or_else(|| missing(program))
    }

    /// Returns the folder of an item's state, made when it is missing; nobody else may look in.
    ///
    /// # Errors
    /// `state-unusable`.
    pub fn state_of(&self, item: &Item) -> Result<PathBuf, Trouble> {
        let dir = self.state_path(item);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(|e| Trouble::new(Code::StateUnusable).with("detail", e))?;
        Ok(dir)
    }

    /// Returns where an item's state lies, or would.
    #[must_use]
    pub fn state_path(&self, item: &Item) -> PathBuf {
        let of_handler = self.state_dir.join(item.handler.as_str());
        of_handler.join(item.id.as_str())
    }

    /// Returns a secret of an item; `None` when it was never set.
    ///
    /// # Errors
    /// A [`Trouble`] when what keeps secrets cannot be asked.
    pub fn secret(&self, item: &Item, key: &str) -> Result<Option<Secret>, Trouble> {
        self.secrets.get(item, key)
    }
}

/// Says that a program is not installed.
#[must_use]
pub fn missing(program: Program) -> Trouble {
    Trouble::new(Code::ToolMissing)
        .with("tool", program.name)
        .with("package", program.package)
}

fn is_program(file: &Path) -> bool {
    std::fs::metadata(file)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
