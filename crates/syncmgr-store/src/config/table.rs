//! Looks at one table: values of the wanted kind, and the place of what is wrong.

use syncmgr_model::schedule::text::parse_duration;
use toml_edit::{Item as Toml, TableLike};

use super::Named;
use super::spec::KeySpec;

/// What is wrong, and at which byte of the text.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) at: Option<usize>,
    pub(super) what: String,
}

impl Wrong {
    pub(super) fn at(at: Option<usize>, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
        }
    }

    /// Says that the value of a key is wrong.
    pub(super) fn key(table: &dyn TableLike, key: &str, what: impl Into<String>) -> Self {
        let at = find(table, key).and_then(|(key, _)| span(table, key));
        Self::at(at, what)
    }

    /// Gives it a place when it has none.
    pub(super) fn or(self, at: Option<usize>) -> Self {
        Self {
            at: self.at.or(at),
            ..self
        }
    }
}

/// Returns where a key is in the text.
pub(super) fn span(table: &dyn TableLike, key: &str) -> Option<usize> {
    let (key, item) = table.get_key_value(key)?;
    key.span().or_else(|| item.span()).map(|span| span.start)
}

/// Returns where a key of a table is, or else the table.
pub(super) fn place(
    root: &dyn TableLike,
    (kind, name): (&str, Option<&str>),
    key: &str,
) -> Option<usize> {
    let all = root.get(kind)?.as_table_like()?;
    let (table, at) = match name {
        Some(name) => (all.get(name)?.as_table_like()?, span(all, name)),
        None => (all, span(root, kind)),
    };
    let its = find(table, key).and_then(|(key, _)| span(table, key));
    its.or(at)
}

/// Says whether two keys are the same: `-` and `_` are.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.replace('_', "-") == b.replace('_', "-")
}

/// Finds a key, however it is written.
pub(super) fn find<'a>(table: &'a dyn TableLike, key: &str) -> Option<(&'a str, &'a Toml)> {
    table.iter().find(|(known, _)| is_same(known, key))
}

/// Returns the table of this name.
pub(super) fn sub<'a>(
    root: &'a dyn TableLike,
    name: &str,
) -> Result<Option<&'a dyn TableLike>, Wrong> {
    let Some(value) = root.get(name) else {
        return Ok(None);
    };
    match value.as_table_like() {
        Some(table) => Ok(Some(table)),
        None => Err(Wrong::at(
            span(root, name),
            format!("`{name}` must be a table, as [{name}]"),
        )),
    }
}

/// Returns the tables below a name.
pub(super) fn named<'a>(root: &'a dyn TableLike, kind: &str) -> Result<Vec<Named<'a>>, Wrong> {
    let Some(value) = root.get(kind) else {
        return Ok(Vec::new());
    };
    let Some(all) = value.as_table_like() else {
        let what = format!("`{kind}` must be a table, as [{kind}.NAME]");
        return Err(Wrong::at(span(root, kind), what));
    };
    all.iter()
        .map(|(name, value)| {
            let at = span(all, name);
            let table = value.as_table_like().ok_or_else(|| {
                let name = name.escape_debug();
                Wrong::at(at, format!("`{kind}.{name}` must be a table"))
            })?;
            Ok((name, at, table))
        })
        .collect()
}

/// Refuses keys that mean nothing.
pub(super) fn check_keys(table: &dyn TableLike, known: &[KeySpec]) -> Result<(), Wrong> {
    let is_known = |key: &str| known.iter().any(|spec| is_same(spec.key, key));
    match table.iter().find(|(key, _)| !is_known(key)) {
        None => Ok(()),
        Some((key, _)) => {
            let names: Vec<_> = known.iter().map(|spec| spec.key).collect();
            let key_shown = key.escape_debug();
            let what = format!("unknown key `{key_shown}`; known: {}", names.join(", "));
            Err(Wrong::at(span(table, key), what))
        }
    }
}

/// Reads a value with `read`, which returns `None` when it is not `wanted`.
pub(super) fn get<'a, T>(
    table: &'a dyn TableLike,
    key: &str,
    wanted: &str,
    read: impl FnOnce(&'a Toml) -> Option<T>,
) -> Result<Option<T>, Wrong> {
    let Some((_, value)) = find(table, key) else {
        return Ok(None);
    };
    match read(value) {
        Some(value) => Ok(Some(value)),
        None => Err(Wrong::key(table, key, format!("`{key}` must be {wanted}"))),
    }
}

/// Reads a text.
pub(super) fn text<'a>(table: &'a dyn TableLike, key: &str) -> Result<Option<&'a str>, Wrong> {
    get(table, key, "a text", Toml::as_str)
}

/// Reads true or false.
pub(super) fn truth(table: &dyn TableLike, key: &str) -> Result<Option<bool>, Wrong> {
    get(table, key, "true or false", Toml::as_bool)
}

/// Reads a whole number that fits.
pub(super) fn number<T: TryFrom<i64>>(
    table: &dyn TableLike,
    key: &str,
    wanted: &str,
) -> Result<Option<T>, Wrong> {
    get(table, key, wanted, |value| {
        T::try_from(value.as_integer()?).ok()
    })
}

/// Reads milliseconds.
pub(super) fn duration(table: &dyn TableLike, key: &str) -> Result<Option<u64>, Wrong> {
    let wanted = "a duration, as \"90s\", \"15m\", \"1h30m\" or \"2d\"";
    get(table, key, wanted, |value| {
        parse_duration(value.as_str()?).ok()
    })
}

/// Reads texts; a single one stands for a list of it.
pub(super) fn texts<'a>(table: &'a dyn TableLike, key: &str) -> Result<Vec<&'a str>, Wrong> {
    let found = get(table, key, "a list of texts", |value| {
        if let Some(text) = value.as_str() {
            return Some(vec![text]);
        }
        value
            .as_array()?
            .iter()
            .map(toml_edit::Value::as_str)
            .collect()
    })?;
    Ok(found.unwrap_or_default())
}

/// Reads texts that mean something; the message of the first that does not names its key.
pub(super) fn parsed<T, E: std::fmt::Display>(
    table: &dyn TableLike,
    key: &str,
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, Wrong> {
    texts(table, key)?
        .into_iter()
        .map(|text| read(text).map_err(|e| Wrong::key(table, key, format!("`{key}`: {e}"))))
        .collect()
}
