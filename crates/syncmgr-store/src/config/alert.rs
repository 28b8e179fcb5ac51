//! Channels on which people are told: `[alert.NAME]`, and `[alerts]` for all of them. What a kind of
//! channel understands is passed in.

use syncmgr_model::item::{SettingSpec, Settings, bad_name};
use toml_edit::TableLike;

use super::kind_words;
use super::spec::setting;
use super::table::{self, Wrong, is_same};

/// Tells which settings a kind of channel understands, `kind` among them; `None`: there is no such
/// kind.
pub type AlertSpecs<'a> = dyn Fn(&str) -> Option<&'static [SettingSpec]> + 'a;

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What a person calls it.
    pub name: String,
    /// How notices leave.
    pub kind: String,
    /// Its settings, `kind` among them.
    pub settings: Settings,
}

/// Reads a channel.
pub(super) fn read(
    name: &str,
    table: &dyn TableLike,
    specs: &AlertSpecs<'_>,
) -> Result<Alert, Wrong> {
    if let Some(why) = bad_name(name) {
        let what = format!("`{}` cannot be a name: {why}", name.escape_debug());
        return Err(Wrong::at(None, what));
    }
    let kind = table::text(table, "kind")?
        .ok_or_else(|| Wrong::at(None, format!("`alert.{name}` has no `kind`")))?;
    let known = specs(kind).ok_or_else(|| {
        let what = format!("there is no kind of alert `{}`", kind.escape_debug());
        Wrong::key(table, "kind", what)
    })?;
    Ok(Alert {
        name: name.to_owned(),
        kind: kind.to_owned(),
        settings: settings(&format!("alert.{name}"), table, known)?,
    })
}

/// Reads the settings in a table, all of which have to be known.
pub(super) fn settings(
    place: &str,
    table: &dyn TableLike,
    known: &[SettingSpec],
) -> Result<Settings, Wrong> {
    let mut settings = Settings::default();
    for (key, value) in table.iter() {
        let Some(spec) = known.iter().find(|spec| is_same(spec.key, key)) else {
            let names: Vec<_> = known.iter().map(|spec| spec.key).collect();
            let key_shown = key.escape_debug();
            let what = format!("unknown key `{key_shown}`; known: {}", names.join(", "));
            return Err(Wrong::key(table, key, what));
        };
        let value = setting(spec, value).ok_or_else(|| {
            let what = format!("`{key}` must be {}", kind_words(spec.kind));
            Wrong::key(table, key, what)
        })?;
        settings.set(spec.key, value);
    }
    let missing = |spec: &&SettingSpec| spec.is_required && !settings.0.contains_key(spec.key);
    match known.iter().find(missing) {
        Some(spec) => Err(Wrong::at(None, format!("`{place}` has no `{}`", spec.key))),
        None => Ok(settings),
    }
}
