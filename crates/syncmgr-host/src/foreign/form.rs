//! The form of an item, as a handler describes it: a JSON Schema of a small kind, read into the
//! settings that checks, help and forms are made from.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::Value;
use syncmgr_model::escape::escape;
use syncmgr_model::item::{SettingKind, SettingSpec};

use crate::in_process::lock;

/// Most settings of one form: nobody fills in more.
const SETTINGS_MAX: usize = 64;

/// Most words of one choice.
const WORDS_MAX: usize = 256;

/// Most bytes of a form.
const FORM_MAX: usize = 64 * 1024;

/// Keys that every saved sync has already.
const TAKEN: &[&str] = &["id", "handler", "enabled", "name"];

/// Reads a form. What is wrong with it is said for those who write handlers.
///
/// # Errors
/// What is wrong.
pub(super) fn read(form: &Value) -> Result<&'static [SettingSpec], String> {
    let text = form.to_string();
    if text.len() > FORM_MAX {
        return Err(format!("the form is longer than {FORM_MAX} bytes"));
    }
    kept(text, || specs(form))
}

/// Settings live as long as the program: whoever checks, shows or asks holds them without a copy.
/// Each form is kept once, so only a new form, which a person installs, takes more.
fn kept(
    text: String,
    make: impl FnOnce() -> Result<Vec<SettingSpec>, String>,
) -> Result<&'static [SettingSpec], String> {
    static KEPT: Mutex<Option<HashMap<String, &'static [SettingSpec]>>> = Mutex::new(None);
    let mut kept = lock(&KEPT);
    let kept = kept.get_or_insert_default();
    if let Some(specs) = kept.get(&text) {
        return Ok(specs);
    }
    let specs: &'static [SettingSpec] = make()?.leak();
    kept.insert(text, specs);
    Ok(specs)
}

fn specs(form: &Value) -> Result<Vec<SettingSpec>, String> {
    let Some(properties) = form.get("properties") else {
        return Ok(Vec::new());
    };
    let properties = properties
        .as_object()
        .ok_or("`properties` of the form is no object")?;
    if properties.len() > SETTINGS_MAX {
        return Err(format!("the form has more than {SETTINGS_MAX} settings"));
    }
    let required: Vec<&str> = form
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    properties
        .iter()
        .map(|(key, schema)| {
            let wrong = |what: &str| format!("the setting `{}` {what}", escape(key.as_bytes()));
            if !is_key(key) {
                return Err(wrong("has a name other than small letters, digits and `-`"));
            }
            if TAKEN.contains(&key.as_str()) {
                return Err(wrong("has a name that every sync has already"));
            }
            let help = schema.get("description").and_then(Value::as_str);
            Ok(SettingSpec {
                key: key.clone().leak(),
                kind: kind(schema).map_err(|what| wrong(&what))?,
                is_required: required.contains(&key.as_str()),
                help: escape(help.unwrap_or_default().as_bytes()).leak(),
            })
        })
        .collect()
}

fn is_key(key: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&key.len())
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(fits)
}

fn kind(schema: &Value) -> Result<SettingKind, String> {
    let format = schema.get("format").and_then(Value::as_str);
    match (schema.get("type").and_then(Value::as_str), format) {
        (Some("string"), Some("folder")) => Ok(SettingKind::Folder),
        (Some("string"), Some("secret")) => Ok(SettingKind::Secret),
        (Some("string"), None) => match schema.get("enum") {
            None => Ok(SettingKind::Text),
            Some(words) => Ok(SettingKind::Word(choice(words)?)),
        },
        (Some("integer"), Some("bytes")) => Ok(SettingKind::Bytes),
        (Some("integer"), None) => Ok(SettingKind::Number),
        (Some("array"), None)
            if schema.pointer("/items/type").and_then(Value::as_str) == Some("string") =>
        {
            Ok(SettingKind::List)
        }
        // A format that a later version knows: a text can always be typed.
        (Some("string"), Some(_)) => Ok(SettingKind::Text),
        (Some(_) | None, _) => Err("is of a kind that forms do not have".to_owned()),
    }
}

fn choice(words: &Value) -> Result<&'static [&'static str], String> {
    let words = words.as_array().ok_or("has an `enum` that is no list")?;
    if words.is_empty() || words.len() > WORDS_MAX {
        return Err(format!("has not 1 to {WORDS_MAX} words to choose from"));
    }
    let words: Option<Vec<&'static str>> = words
        .iter()
        .map(|word| Some(&*word.as_str()?.to_owned().leak()))
        .collect();
    Ok(words
        .ok_or("has a word to choose from that is no text")?
        .leak())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_is_read() {
        let form = json!({
            "type": "object",
            "required": ["folder"],
            "properties": {
                "account": {"type": "string", "description": "whose\u{1b} it is"},
                "days": {"type": "integer", "minimum": 0},
                "folder": {"type": "string", "format": "folder"},
                "labels": {"type": "array", "items": {"type": "string"}},
                "limit": {"type": "integer", "format": "bytes"},
                "mode": {"type": "string", "enum": ["all", "new"]},
                "password": {"type": "string", "format": "secret"},
            }
        });
        let specs = read(&form).unwrap();
        let kinds: Vec<_> = specs.iter().map(|spec| (spec.key, spec.kind)).collect();
        assert_eq!(
            kinds,
            [
                ("account", SettingKind::Text),
                ("days", SettingKind::Number),
                ("folder", SettingKind::Folder),
                ("labels", SettingKind::List),
                ("limit", SettingKind::Bytes),
                ("mode", SettingKind::Word(&["all", "new"])),
                ("password", SettingKind::Secret),
            ]
        );
        assert!(specs[2].is_required && !specs[0].is_required);
        assert_eq!(specs[0].help, "whose\\u{1b} it is");
        assert!(std::ptr::eq(specs, read(&form).unwrap()));
    }

    #[track_caller]
    fn check_refused(key: &str, schema: Value, expected: &str) {
        let form = json!({"properties": {key: schema}});
        assert_eq!(read(&form).unwrap_err(), expected);
    }

    #[test]
    fn what_no_form_has_is_refused() {
        let odd = "the setting `a` is of a kind that forms do not have";
        check_refused("a", json!({"type": "number"}), odd);
        check_refused("a", json!({}), odd);
        check_refused("a", json!({"type": "array"}), odd);
        check_refused(
            "a\n",
            json!({"type": "string"}),
            "the setting `a\\n` has a name other than small letters, digits and `-`",
        );
        check_refused(
            "handler",
            json!({"type": "string"}),
            "the setting `handler` has a name that every sync has already",
        );
        check_refused(
            "a",
            json!({"type": "string", "enum": []}),
            "the setting `a` has not 1 to 256 words to choose from",
        );
    }
}
