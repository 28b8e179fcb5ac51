//! Settings as people type them: read by what the handler says it takes.

use std::ffi::OsStr;

use syncmgr_handlers::files::place;
use syncmgr_model::format::{parse_bytes, parse_days};
use syncmgr_model::item::{Item, SettingKind, SettingSpec, Value};

use super::App;
use super::target::absolute;
use crate::error::CliError;
use crate::ui::safe;

/// Sets one value from `KEY=VALUE`; an empty value takes the setting back.
///
/// # Errors
/// When the handler has no such setting, or it cannot have this value.
pub(crate) fn set_one(app: &App, item: &mut Item, text: &str) -> Result<(), CliError> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| CliError::usage(format!("`{}` is not KEY=VALUE", safe(text))))?;
    let specs = app.specs(&item.handler).unwrap_or_default();
    let Some(spec) = find(specs, key) else {
        let names: Vec<_> = specs.iter().map(|spec| spec.key).collect();
        let error = CliError::usage(format!("unknown setting `{}`", safe(key)));
        return Err(if names.is_empty() {
            error.hint(format!("the handler {} has no settings", item.handler))
        } else {
            error.hint(format!("known: {}", names.join(", ")))
        });
    };
    if value.is_empty() {
        if spec.is_required {
            return Err(CliError::usage(format!("`{key}` cannot be empty")));
        }
        item.settings.0.remove(spec.key);
        return Ok(());
    }
    let value = read(spec, value, item)?;
    item.settings.set(spec.key, value);
    Ok(())
}

/// Finds a setting; keys of two words are written with `-` or `_`, as one likes.
#[must_use]
pub(crate) fn find<'a>(specs: &'a [SettingSpec], key: &str) -> Option<&'a SettingSpec> {
    let plain = |text: &str| text.replace('_', "-");
    specs.iter().find(|spec| plain(spec.key) == plain(key))
}

/// Reads a value of a setting.
///
/// # Errors
/// When it cannot have this value.
pub(crate) fn read(spec: &SettingSpec, text: &str, item: &Item) -> Result<Value, CliError> {
    let (key, shown) = (spec.key, safe(text));
    Ok(match spec.kind {
        SettingKind::Text => Value::Text(text.to_owned()),
        SettingKind::Word(words) if !words.contains(&text) => {
            return Err(
                CliError::usage(format!("{key}: `{shown}` is not among its words"))
                    .hint(format!("one of {}", words.join(", "))),
            );
        }
        SettingKind::Word(_) => Value::Text(text.to_owned()),
        SettingKind::Bytes if parse_bytes(text).is_none() => {
            return Err(
                CliError::usage(format!("{key}: `{shown}` is no number of bytes"))
                    .hint("write it as 500k, 10M or 2GiB"),
            );
        }
        SettingKind::Bytes => Value::Text(text.to_owned()),
        SettingKind::Folder => Value::Text(folder(text)),
        SettingKind::Number => Value::Number(
            parse_days(text)
                .ok_or_else(|| CliError::usage(format!("{key}: `{shown}` is no whole number")))?,
        ),
        SettingKind::List => Value::List(text.split(',').map(str::to_owned).collect()),
        SettingKind::Secret => {
            return Err(CliError::usage(format!(
                "`{key}` is a secret, and a command line can be read by others"
            ))
            .hint(format!("syncmgr secret set {} {key}", safe(item.label()))));
        }
    })
}

/// Writes a folder for the settings: absolute, and below `~` as it was typed.
fn folder(text: &str) -> String {
    if text == "~" || text.starts_with("~/") {
        return text.to_owned();
    }
    place::written(&absolute(OsStr::new(text)))
}

/// Says what a setting takes, for people who are asked or told.
#[must_use]
pub(crate) fn help(spec: &SettingSpec) -> String {
    match spec.kind {
        SettingKind::Word(words) => format!("{}: {}", spec.help, words.join(", ")),
        SettingKind::Text
        | SettingKind::Folder
        | SettingKind::Number
        | SettingKind::Bytes
        | SettingKind::List
        | SettingKind::Secret => spec.help.to_owned(),
    }
}
