//! What holds for all channels: when it is quiet, and when something is worth telling.

use syncmgr_model::item::{SettingKind, SettingSpec, Settings};
use syncmgr_model::schedule::text::parse_duration;
use syncmgr_model::schedule::week::Window;

use super::{check, list, number, spec, text};
use crate::error::BadSetting;

/// The settings of all channels together.
pub const SPECS: &[SettingSpec] = &[
    spec(
        "quiet",
        SettingKind::List,
        false,
        "when nothing is sent, as `22:00-07:00` or `sat,sun 00:00-24:00` (never)",
    ),
    spec(
        "after_failures",
        SettingKind::Number,
        false,
        "failed runs in a row until it is told (3)",
    ),
    spec(
        "after",
        SettingKind::Text,
        false,
        "how long something fails or is overdue until it is told (1h)",
    ),
    spec(
        "repeat",
        SettingKind::Text,
        false,
        "when to remind of what still lasts, at least 1h (never)",
    ),
];

/// Shortest time between reminders. More often would be noise that people learn to ignore.
const REPEAT_MIN_MS: u64 = 60 * 60 * 1000;

/// What holds for all channels. `None` leaves it to the default of whoever decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct General {
    /// When nothing is sent, in the time of the machine.
    pub quiet: Vec<Window>,
    /// Failed runs in a row until it is told, at least 1.
    pub n_failures_min: Option<u64>,
    /// Milliseconds of failing, or of being overdue, until it is told.
    pub lasting_ms: Option<u64>,
    /// Milliseconds between reminders; `None`: there are none.
    pub repeat_ms: Option<u64>,
}

impl General {
    /// Reads the settings.
    ///
    /// # Errors
    /// One of them is unknown or cannot be used.
    pub fn from_settings(settings: &Settings) -> Result<Self, BadSetting> {
        check(settings, "alerts", SPECS)?;
        let quiet = list(settings, "quiet")?
            .iter()
            .map(|text| window(text))
            .collect::<Result<_, _>>()?;
        let n_failures_min = number(settings, "after_failures")?;
        if n_failures_min == Some(0) {
            return Err(BadSetting::new("after_failures", "it is at least 1"));
        }
        let repeat_ms = duration(settings, "repeat")?;
        if repeat_ms.is_some_and(|ms| ms < REPEAT_MIN_MS) {
            return Err(BadSetting::new("repeat", "it is at least 1h"));
        }
        Ok(Self {
            quiet,
            n_failures_min,
            lasting_ms: duration(settings, "after")?,
            repeat_ms,
        })
    }
}

/// Reads a window; without days it is every night.
fn window(text: &str) -> Result<Window, BadSetting> {
    let text = text.trim();
    let has_days = text.contains(char::is_whitespace);
    let window = if has_days {
        text.parse()
    } else {
        format!("daily {text}").parse()
    };
    window.map_err(|_| BadSetting::new("quiet", "it takes times, as `22:00-07:00`"))
}

/// Reads a duration, milliseconds.
pub(super) fn duration(settings: &Settings, key: &str) -> Result<Option<u64>, BadSetting> {
    let Some(text) = text(settings, key)? else {
        return Ok(None);
    };
    match parse_duration(text) {
        Ok(ms) => Ok(Some(ms)),
        Err(_) => Err(BadSetting::new(key, "it takes a duration, as `1h30m`")),
    }
}
