//! The keys the center itself understands: the one definition for checks and for the reference.

use syncmgr_model::item::{SettingKind, SettingSpec, Value};
use toml_edit::Item as Toml;

/// A key of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpec {
    /// As it is documented; `_` for `-` is understood too.
    pub key: &'static str,
    /// What it takes, in words.
    pub value: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// What holds when it is not set, as it would stand in the file; empty: nothing does.
    pub default: &'static str,
}

impl KeySpec {
    /// Returns what kind of value it takes, a stable word, with the words it can be where it can be
    /// nothing else.
    #[must_use]
    pub fn kind(&self) -> (&'static str, &'static [&'static str]) {
        match self.value {
            "true or false" => ("truth", &["true", "false"]),
            "a duration" => ("duration", &[]),
            "a whole number" => ("number", &[]),
            range if is_range(range) => ("number", &[]),
            _ => ("text", &[]),
        }
    }
}

/// Says whether words mean numbers between two, as `1 to 64`.
fn is_range(words: &str) -> bool {
    let is_number = |text: &str| text.parse::<i64>().is_ok();
    words
        .split_once(" to ")
        .is_some_and(|(least, most)| is_number(least) && is_number(most))
}

const fn key(
    key: &'static str,
    value: &'static str,
    help: &'static str,
    default: &'static str,
) -> KeySpec {
    KeySpec {
        key,
        value,
        help,
        default,
    }
}

/// What every saved sync has beside the settings of its handler.
pub const SYNC: &[KeySpec] = &[
    key("id", "a text", "names its memory; leave it as it is", ""),
    key("handler", "a text", "who syncs it", "\"files\""),
    key("enabled", "true or false", "whether it runs at all", "true"),
    key(
        "max-age",
        "a duration",
        "people are told when the last success is older",
        "",
    ),
    key(
        "retry",
        "a duration",
        "the wait before a failed run is tried again; longer each time",
        "\"30s\"",
    ),
    key(
        "retry-most",
        "a duration",
        "the longest such wait",
        "\"1h\"",
    ),
    key(
        "retries",
        "a whole number",
        "so many tries at most (without end)",
        "",
    ),
    key(
        "change-quiet",
        "a duration",
        "a run by changes waits until nothing changed for so long",
        "\"5s\"",
    ),
    key(
        "change-wait",
        "a duration",
        "but no longer than this after the first change",
        "\"2m\"",
    ),
    key(
        "change-gap",
        "a duration",
        "at least so long between runs by changes",
        "\"10s\"",
    ),
    key(
        "priority",
        "-100 to 100",
        "syncs with a higher number go first",
        "0",
    ),
];

/// Keys of a sync that cannot be set for all.
pub(super) const SYNC_OWN: &[&str] = &["id", "handler", "enabled"];

/// A schedule.
pub const SCHEDULE: &[KeySpec] = &[
    key(
        "syncs",
        "\"all\", or a list of names",
        "which syncs it runs",
        "\"all\"",
    ),
    key("enabled", "true or false", "whether it runs them", "true"),
    key(
        "every",
        "`15m`, `2h`, `1d`, `1w`, `1mo`",
        "again and again",
        "",
    ),
    key("start", "a date and a time", "the first of them", ""),
    key("once", "a date and a time", "a single time", ""),
    key(
        "cron",
        "a cron line, or several",
        "at the times of the line",
        "",
    ),
    key("at", "times of day, as `18:00`", "at these times", ""),
    key(
        "days",
        "`daily`, `mon-fri`, `mon,wed,sat`",
        "on these days; goes with `at`",
        "\"daily\"",
    ),
    key(
        "on",
        "`change`, `log-on`, `log-off`, `lock`, `unlock`, `idle 10m`, `connect`, `disconnect`",
        "when this happens",
        "",
    ),
    key(
        "after",
        "a name, or several",
        "when this sync has succeeded",
        "",
    ),
    key(
        "triggers",
        "a list, as `every 15m`, `sat 10:00`",
        "further ones in one line each",
        "",
    ),
    key(
        "zone",
        "`system`, or a place as `Europe/Prague`",
        "whose clock is meant",
        "\"system\"",
    ),
    key(
        "windows",
        "a list, as `mon-fri 08:00-18:00`",
        "runs start only then (always)",
        "",
    ),
    key(
        "jitter",
        "a duration",
        "a timed run is moved later by up to so long",
        "\"0s\"",
    ),
    key(
        "catch-up",
        "`once`, `all` or `skip`",
        "what becomes of runs that could not start",
        "\"once\"",
    ),
    key(
        "when",
        "`idle 10m`, `power`, `unmetered`, `connection NAME`, `wake`",
        "what must hold before it starts",
        "",
    ),
    key(
        "stop-when",
        "`idle-ends`, `power-lost`",
        "what ends a run early",
        "",
    ),
    key(
        "ask",
        "true or false",
        "asks a person before each run",
        "false",
    ),
];

/// The daemon.
pub const DAEMON: &[KeySpec] = &[
    key(
        "listen",
        "a port on this computer, or \"off\"",
        "where the page and the API are",
        "7962",
    ),
    key("metrics", "true or false", "figures for Prometheus", "true"),
    key("max-running", "1 to 64", "so many syncs run at once", "4"),
    key(
        "grace",
        "a duration",
        "how long a handler has to stop before it is given up",
        "\"10s\"",
    ),
    key(
        "patience",
        "a duration",
        "then a scheduled run goes before newer ones of people",
        "\"10m\"",
    ),
    key(
        "silence",
        "a duration",
        "then a session of another program counts as broken off",
        "\"10m\"",
    ),
    key(
        "history-days",
        "1 to 36500",
        "how long runs and results are kept",
        "90",
    ),
];

/// Reads a setting of a handler or channel.
pub(super) fn setting(spec: &SettingSpec, value: &Toml) -> Option<Value> {
    match spec.kind {
        SettingKind::Text | SettingKind::Folder => Some(Value::Text(value.as_str()?.to_owned())),
        SettingKind::Word(words) => {
            let word = value.as_str()?;
            words.contains(&word).then(|| Value::Text(word.to_owned()))
        }
        SettingKind::Number => Some(Value::Number(u64::try_from(value.as_integer()?).ok()?)),
        SettingKind::Bytes => match value.as_integer() {
            Some(number) => Some(Value::Text(u64::try_from(number).ok()?.to_string())),
            None => {
                let text = value.as_str()?;
                syncmgr_model::format::parse_bytes(text).map(|_| Value::Text(text.to_owned()))
            }
        },
        SettingKind::List => Some(Value::List(
            value
                .as_array()?
                .iter()
                .map(|entry| entry.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
        )),
        SettingKind::Secret => None,
    }
}

/// Says in words what a setting takes.
#[must_use]
pub fn kind_words(kind: SettingKind) -> String {
    match kind {
        SettingKind::Text => "a text".to_owned(),
        SettingKind::Folder => "the path of a folder".to_owned(),
        SettingKind::Word(words) => format!("one of {}", words.join(", ")),
        SettingKind::Number => "a whole number".to_owned(),
        SettingKind::Bytes => "a number of bytes, as \"10M\"".to_owned(),
        SettingKind::List => "a list of texts".to_owned(),
        SettingKind::Secret => {
            "set with `syncmgr secret set`; secrets are not kept in this file".to_owned()
        }
    }
}
