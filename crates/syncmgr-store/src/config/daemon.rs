//! The program that runs all day: `[daemon]`. Variables of the environment go before the file:
//! `SYNCMGR_DAEMON_MAX_RUNNING` for `max-running`.

use syncmgr_center::command::Limits;
use toml_edit::{DocumentMut, TableLike};

use super::spec::DAEMON;
use super::sync::set;
use super::table::{self, Wrong, check_keys, duration, get, number, truth};

/// Looks up a variable of the environment.
pub type Env<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Where the page and the API are when nobody says otherwise.
const PORT: u16 = 7962;

/// Days results are kept when nobody says otherwise.
const HISTORY_DAYS: u32 = 90;

/// Whether the page and the API are on a port of this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// Only the socket that belongs to the person.
    Off,
    /// On this port of 127.0.0.1.
    Port(u16),
}

/// How the daemon runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// Where it listens beside its socket.
    pub listen: Listen,
    /// It gives figures to Prometheus.
    pub has_metrics: bool,
    /// The limits of the center.
    pub limits: Limits,
    /// Days that runs and results are kept, `1..=36500`.
    pub history_days: u32,
}

impl Default for Daemon {
    fn default() -> Self {
        Self {
            listen: Listen::Port(PORT),
            has_metrics: true,
            limits: Limits::default(),
            history_days: HISTORY_DAYS,
        }
    }
}

/// Returns the variable of the environment that goes before a key of `[daemon]`.
pub(super) fn variable(key: &str) -> String {
    format!("SYNCMGR_DAEMON_{}", key.replace('-', "_").to_uppercase())
}

/// Reads the table, and what the environment says instead.
pub(super) fn read(table: Option<&dyn TableLike>, env: &Env<'_>) -> Result<Daemon, Wrong> {
    let mut daemon = Daemon::default();
    if let Some(table) = table {
        check_keys(table, DAEMON)?;
        take(&mut daemon, table)?;
    }
    for spec in DAEMON {
        let name = variable(spec.key);
        if let Some(text) = env(&name) {
            let mut document = DocumentMut::new();
            set(document.as_table_mut(), spec.key, value_of(&text));
            take(&mut daemon, document.as_table())
                .map_err(|wrong| Wrong::at(None, format!("{name}: {}", wrong.what)))?;
        }
    }
    Ok(daemon)
}

/// Reads a value as it would stand in the file; anything else is a text.
pub(super) fn value_of(text: &str) -> toml_edit::Value {
    text.trim()
        .parse()
        .unwrap_or_else(|_| toml_edit::Value::from(text))
}

fn take(daemon: &mut Daemon, table: &dyn TableLike) -> Result<(), Wrong> {
    let wanted = "a port of this computer, 0 (any free one) to 65535, or \"off\"";
    let listen = get(table, "listen", wanted, |value| match value.as_str() {
        Some("off") => Some(Listen::Off),
        Some(_) => None,
        None => Some(Listen::Port(u16::try_from(value.as_integer()?).ok()?)),
    })?;
    daemon.listen = listen.unwrap_or(daemon.listen);
    daemon.has_metrics = truth(table, "metrics")?.unwrap_or(daemon.has_metrics);
    let limits = &mut daemon.limits;
    let wanted = "a whole number, 1 to 64";
    if let Some(n) = number::<usize>(table, "max-running", wanted)? {
        if !(1..=64).contains(&n) {
            let what = format!("`max-running` must be {wanted}");
            return Err(Wrong::key(table, "max-running", what));
        }
        limits.max_running = n;
    }
    for (key, value) in [
        ("grace", &mut limits.grace_ms),
        ("patience", &mut limits.patience_ms),
        ("silence", &mut limits.silence_ms),
    ] {
        if let Some(ms) = duration(table, key)? {
            *value = i64::try_from(ms).unwrap_or(i64::MAX);
        }
    }
    let wanted = "a whole number, 1 to 36500";
    if let Some(days) = number::<u32>(table, "history-days", wanted)? {
        if !(1..=36_500).contains(&days) {
            let what = format!("`history-days` must be {wanted}");
            return Err(Wrong::key(table, "history-days", what));
        }
        daemon.history_days = days;
    }
    Ok(())
}
