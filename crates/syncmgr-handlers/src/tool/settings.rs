//! Reads single settings of an item, with the trouble that names the one that is wrong.

use std::path::PathBuf;

use syncmgr_model::escape::escape;
use syncmgr_model::format::parse_bytes;
use syncmgr_model::item::{Item, SettingKind, SettingSpec};
use syncmgr_model::trouble::{Code, Trouble};

use super::Context;

/// Builds a setting that may be left out.
#[must_use]
pub const fn optional(key: &'static str, kind: SettingKind, help: &'static str) -> SettingSpec {
    SettingSpec {
        key,
        kind,
        is_required: false,
        help,
    }
}

/// Builds a setting that must be there.
#[must_use]
pub const fn required(key: &'static str, kind: SettingKind, help: &'static str) -> SettingSpec {
    SettingSpec {
        key,
        kind,
        is_required: true,
        help,
    }
}

/// Says that a setting cannot be used.
#[must_use]
pub fn unusable(key: &str, value: &str, detail: impl std::fmt::Display) -> Trouble {
    Trouble::new(Code::SettingUnusable)
        .with("key", key)
        .with("value", escape(value.as_bytes()))
        .with("detail", escape(detail.to_string().as_bytes()))
}

/// Returns a text that must be there.
///
/// # Errors
/// `setting-unusable` when it is missing or empty.
pub fn text<'a>(item: &'a Item, key: &str) -> Result<&'a str, Trouble> {
    match item.settings.text(key) {
        Some(text) if !text.is_empty() => Ok(text),
        Some(text) => Err(unusable(key, text, "it is empty")),
        None => Err(unusable(key, "", "it is not set")),
    }
}

/// Returns a folder that must be there in the settings, absolute.
///
/// # Errors
/// `setting-unusable` when it is missing or relative.
pub fn folder(ctx: &Context, item: &Item, key: &str) -> Result<PathBuf, Trouble> {
    let text = text(item, key)?;
    let path = ctx.place(text);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(unusable(key, text, "it is not a whole path"))
    }
}

/// Returns a number of bytes.
///
/// # Errors
/// `setting-unusable` when it is none.
pub fn bytes(item: &Item, key: &str) -> Result<Option<u64>, Trouble> {
    if let Some(number) = item.settings.number(key) {
        return Ok(Some(number));
    }
    let Some(text) = item.settings.text(key) else {
        return Ok(None);
    };
    match parse_bytes(text) {
        Some(bytes) => Ok(Some(bytes)),
        None => Err(unusable(key, text, "it is no number of bytes")),
    }
}

/// Says whether a setting of the words `yes` and `no` is set to `yes`.
#[must_use]
pub fn is_yes(item: &Item, key: &str) -> bool {
    item.settings.text(key) == Some("yes")
}

/// The words of a setting that is a switch.
pub const YES_NO: SettingKind = SettingKind::Word(&["yes", "no"]);
