//! A saved sync: `[sync.NAME]`, with `[defaults]` behind it.

use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{Item, SettingKind, SettingSpec, Settings, Value, bad_name};
use syncmgr_model::schedule::RunPolicy;
use toml_edit::{Item as Toml, TableLike};

use super::spec::{SYNC, SYNC_OWN, setting};
use super::table::{self, Wrong, find, is_same};
use super::{Named, Specs, kind_words};

/// Who syncs what does not say so.
pub(super) const HANDLER: &str = "files";

/// Reads a sync.
pub(super) fn item(
    name: &str,
    table: &dyn TableLike,
    root: &dyn TableLike,
    specs: &Specs<'_>,
) -> Result<Item, Wrong> {
    if let Some(why) = bad_name(name) {
        let what = format!("`{}` cannot be a name: {why}", name.escape_debug());
        return Err(Wrong::at(None, what));
    }
    let handler = handler(table)?;
    let known = specs(&handler);
    let id = match table::text(table, "id")? {
        Some(id) => ItemId::new(id).map_err(|e| Wrong::key(table, "id", e.to_string()))?,
        None => made_id(&handler, name),
    };
    let settings = match known {
        Some(known) => checked(name, table, root, known)?,
        // Nobody here can say what its settings mean, so nothing is said against them.
        None => unread(table),
    };
    Ok(Item {
        id,
        handler,
        name: Some(name.to_owned()),
        settings,
        is_enabled: table::truth(table, "enabled")?.unwrap_or(true),
    })
}

/// Reads the settings of a handler that is there.
fn checked(
    name: &str,
    table: &dyn TableLike,
    root: &dyn TableLike,
    known: &[SettingSpec],
) -> Result<Settings, Wrong> {
    let mut settings = Settings::default();
    if let Some(defaults) = table::sub(root, "defaults")? {
        let mine = |key: &str| known.iter().any(|spec| is_same(spec.key, key));
        read(defaults, known, &mut settings, |key| !mine(key))?;
    }
    read(table, known, &mut settings, is_common)?;
    // A secret is kept elsewhere.
    let is_wanting = |spec: &&SettingSpec| {
        spec.is_required && spec.kind != SettingKind::Secret && !settings.0.contains_key(spec.key)
    };
    if let Some(spec) = known.iter().find(is_wanting) {
        let what = format!("`sync.{name}` has no `{}`", spec.key);
        return Err(Wrong::at(None, what));
    }
    Ok(settings)
}

/// Reads the settings of a handler that is not installed, as far as they are values a setting can
/// have. They are shown, and never written back.
fn unread(table: &dyn TableLike) -> Settings {
    let mut settings = Settings::default();
    for (key, value) in table.iter().filter(|(key, _)| !is_common(key)) {
        let value = value.as_value();
        let text = value.and_then(|value| value.as_str().map(|it| Value::Text(it.to_owned())));
        let number = || {
            let number = value?.as_integer()?;
            u64::try_from(number).ok().map(Value::Number)
        };
        let list = || {
            let texts = value?.as_array()?.iter();
            let texts = texts.map(|it| it.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().map(Value::List)
        };
        if let Some(value) = text.or_else(number).or_else(list) {
            settings.set(key, value);
        }
    }
    settings
}

fn handler(table: &dyn TableLike) -> Result<HandlerId, Wrong> {
    HandlerId::new(table::text(table, "handler")?.unwrap_or(HANDLER))
        .map_err(|e| Wrong::key(table, "handler", e.to_string()))
}

/// Says whether a key is one that every sync has.
pub(super) fn is_common(key: &str) -> bool {
    SYNC.iter().any(|spec| is_same(spec.key, key))
}

/// Returns the id of a sync that has none: the same as long as its name is.
pub(super) fn made_id(handler: &HandlerId, name: &str) -> ItemId {
    let text = format!("{handler}\0{name}");
    ItemId::new(format!("sync-{:016x}", fnv(text.as_bytes())))
        .expect("lower-case letters and digits")
}

/// FNV-1a: short, and the same on every machine and in every version.
pub(super) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Reads settings of a handler out of a table; keys that `is_other` are somebody else's.
fn read(
    table: &dyn TableLike,
    known: &[SettingSpec],
    settings: &mut Settings,
    is_other: impl Fn(&str) -> bool,
) -> Result<(), Wrong> {
    for (key, value) in table.iter().filter(|(key, _)| !is_other(key)) {
        let Some(spec) = known.iter().find(|spec| is_same(spec.key, key)) else {
            let common = SYNC.iter().map(|spec| spec.key);
            let names: Vec<_> = common.chain(known.iter().map(|spec| spec.key)).collect();
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
    Ok(())
}

/// Refuses keys of `[defaults]` that no handler of this file knows. Where one of them is not
/// installed, a key may be its.
pub(super) fn check_defaults(
    root: &dyn TableLike,
    all: &[Named<'_>],
    specs: &Specs<'_>,
) -> Result<(), Wrong> {
    let Some(defaults) = table::sub(root, "defaults")? else {
        return Ok(());
    };
    let mut handlers = vec![HandlerId::new(HANDLER).expect("an id")];
    for (_, at, table) in all {
        handlers.push(handler(*table).map_err(|wrong| wrong.or(*at))?);
    }
    if handlers.iter().any(|id| specs(id).is_none()) {
        return Ok(());
    }
    let known: Vec<_> = handlers
        .iter()
        .filter_map(specs)
        .flatten()
        .filter(|spec| !spec.is_required)
        .map(|spec| spec.key)
        .chain(
            SYNC.iter()
                .map(|spec| spec.key)
                .filter(|key| !SYNC_OWN.contains(key)),
        )
        .collect();
    for (key, _) in defaults.iter() {
        if !known.iter().any(|name| is_same(name, key)) {
            let what = format!(
                "`{}` is no key that can be set for all syncs",
                key.escape_debug()
            );
            return Err(Wrong::key(defaults, key, what));
        }
    }
    Ok(())
}

/// Reads how runs of a sync are repeated and watched over.
pub(super) fn policy(root: &dyn TableLike, table: &dyn TableLike) -> Result<RunPolicy, Wrong> {
    let mut policy = RunPolicy::default();
    if let Some(defaults) = table::sub(root, "defaults")? {
        read_policy(defaults, &mut policy)?;
    }
    read_policy(table, &mut policy)?;
    Ok(policy)
}

fn read_policy(table: &dyn TableLike, policy: &mut RunPolicy) -> Result<(), Wrong> {
    let set = |key: &str, value: &mut u64| -> Result<(), Wrong> {
        if let Some(ms) = table::duration(table, key)? {
            *value = ms;
        }
        Ok(())
    };
    if let Some(ms) = table::duration(table, "max-age")? {
        policy.max_age_ms = Some(i64::try_from(ms).unwrap_or(i64::MAX));
    }
    set("retry", &mut policy.retry.first_ms)?;
    set("retry-most", &mut policy.retry.most_ms)?;
    if let Some(n) = table::number(table, "retries", "a whole number")? {
        policy.retry.n_most = Some(n);
    }
    set("change-quiet", &mut policy.change.quiet_ms)?;
    set("change-wait", &mut policy.change.most_wait_ms)?;
    set("change-gap", &mut policy.change.gap_ms)?;
    let wanted = "a whole number, -100 to 100";
    let priority = table::get(table, "priority", wanted, |value| {
        let n = i8::try_from(value.as_integer()?).ok()?;
        (-100..=100).contains(&n).then_some(n)
    })?;
    policy.priority = priority.unwrap_or(policy.priority);
    Ok(())
}

/// Writes a sync into its table; a value that is the default of all is not repeated.
pub(super) fn put(table: &mut dyn TableLike, item: &Item, defaults: Option<&dyn TableLike>) {
    if !item.is_enabled || table.contains_key("enabled") {
        set(table, "enabled", toml_edit::Value::from(item.is_enabled));
    }
    for (key, value) in &item.settings.0 {
        let new = toml(value);
        let is_default = defaults
            .and_then(|defaults| find(defaults, key))
            .and_then(|(_, value)| value.as_value())
            .is_some_and(|value| bare(value) == bare(&new));
        if !is_default || find(table, key).is_some() {
            set(table, key, new);
        }
    }
}

/// Returns a value without the space and comments around it.
fn bare(value: &toml_edit::Value) -> String {
    let mut value = value.clone();
    value.decor_mut().clear();
    match &mut value {
        toml_edit::Value::Array(list) => list.iter().map(|v| bare(v) + ",").collect(),
        // A number of bytes may be either.
        toml_edit::Value::String(text) => text.value().clone(),
        _ => value.to_string(),
    }
}

fn toml(value: &Value) -> toml_edit::Value {
    match value {
        Value::Text(text) => toml_edit::Value::from(text.as_str()),
        Value::Number(number) => toml_edit::Value::from(i64::try_from(*number).unwrap_or(i64::MAX)),
        Value::List(list) => toml_edit::Value::Array(list.iter().collect()),
    }
}

/// Writes settings into a table, without a look at defaults.
pub(super) fn put_settings(table: &mut dyn TableLike, settings: &Settings) {
    for (key, value) in &settings.0 {
        set(table, key, toml(value));
    }
}

/// Sets a value, in place where the key is there already, so that its comment stays.
pub(super) fn set(table: &mut dyn TableLike, key: &str, new: toml_edit::Value) {
    let known = find(table, key).map_or(key, |(known, _)| known).to_owned();
    match table.get_mut(&known).and_then(Toml::as_value_mut) {
        Some(old) if bare(old) == bare(&new) => {}
        Some(old) => {
            let decor = old.decor().clone();
            *old = new;
            *old.decor_mut() = decor;
        }
        None => drop(table.insert(&known, Toml::Value(new))),
    }
}
