//! Holds output against the documented schemas. Knows the words that these schemas use, and takes
//! every other word, every field that is missing and every field too many for a mistake.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Checks the output of a command.
#[track_caller]
pub(crate) fn check(words: &str, value: &Value) {
    assert_eq!(value["schema"], 1, "{words}");
    let name = match value.get("error") {
        Some(_) => "error",
        None => name(words),
    };
    let schema = load(name);
    if let Err(fault) = fits(value, &schema, &schema, "") {
        panic!("`{words}` does not fit {name}.schema.json: {fault}\n{value:#}");
    }
}

fn load(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/reference/json")
        .join(format!("{name}.schema.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Says which schema the documentation names for a command.
fn name(words: &str) -> &'static str {
    let list: Vec<_> = words.split_whitespace().collect();
    let is_dry = list.contains(&"--dry-run") || list.contains(&"-n");
    match list.as_slice() {
        ["resolve", ..] | ["conflicts", "resolve", ..] => "resolve",
        ["sync" | "preview", ..] if is_several(&list) => "runs",
        ["preview", ..] => "preview",
        ["sync" | "undo", ..] | ["versions", "restore", ..] if is_dry => "preview",
        ["sync" | "undo", ..] | ["versions", "restore", ..] => "run",
        ["add" | "show" | "set" | "rename" | "remove", ..] => "sync",
        ["conflicts" | "versions", "diff", ..] => "diff",
        ["conflicts", ..] => "conflicts",
        ["history", "show", ..] => "history-show",
        ["history", ..] => "history",
        ["versions", ..] => "versions",
        ["why", ..] => "why",
        ["import", ..] => "import",
        ["daemon", ..] => "daemon",
        ["doctor"] => "doctor",
        ["doctor", ..] => "text",
        ["on" | "off" | "hide" | "unhide", ..] => "sync",
        ["stop", ..] => "stop",
        ["results", ..] => "results",
        ["handler", "check", ..] => "handler-check",
        ["handler", "new", ..] => "handler-new",
        ["handler", ..] => "handlers",
        ["schedule", "next", ..] => "next",
        ["schedule", ..] => "schedules",
        ["config", ..] => "config",
        ["open", ..] => "open",
        ["secret", ..] => "secrets",
        ["alert", ..] => "alerts",
        ["watch", ..] => "watch",
        ["version"] => "version",
        ["man"] | ["completions", ..] => "text",
        _ => "status",
    }
}

/// Says whether a command is about more than one sync, or is not waited for.
fn is_several(list: &[&str]) -> bool {
    let many = ["--all", "--no-wait", "--retry-failed"];
    let names = list[1..].iter().filter(|word| !word.starts_with('-'));
    let are_names = list[1..].iter().all(|word| !word.starts_with('~'));
    list.iter().any(|word| many.contains(word)) || (are_names && names.count() > 1)
}

fn fits(value: &Value, schema: &Value, root: &Value, at: &str) -> Result<(), String> {
    if schema == &Value::Bool(true) {
        return Ok(());
    }
    let words = schema.as_object().ok_or("a schema that is no object")?;
    let one_of = |list: &Value| {
        let options = list.as_array().into_iter().flatten();
        let faults: Vec<_> = options
            .map(|option| fits(value, option, root, at))
            .collect();
        if faults.iter().any(Result::is_ok) {
            Ok(())
        } else {
            Err(format!("{at}: none fits: {faults:?}"))
        }
    };
    for (word, rule) in words {
        match word.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" | "required" => {}
            "additionalProperties" | "minimum" | "maximum" => {}
            "$ref" => {
                let name = rule.as_str().unwrap().trim_start_matches("#/$defs/");
                fits(value, &root["$defs"][name], root, at)?;
            }
            "anyOf" => one_of(rule)?,
            "type" => type_fits(value, rule, at)?,
            "items" => {
                for (n, entry) in value.as_array().into_iter().flatten().enumerate() {
                    fits(entry, rule, root, &format!("{at}[{n}]"))?;
                }
            }
            "properties" => fields_fit(value, words, root, at)?,
            other => return Err(format!("{at}: unknown word {other}")),
        }
    }
    if let Some(each) = words.get("additionalProperties")
        && !words.contains_key("properties")
    {
        for (key, entry) in value.as_object().into_iter().flatten() {
            fits(entry, each, root, &format!("{at}.{key}"))?;
        }
    }
    Ok(())
}

fn type_fits(value: &Value, rule: &Value, at: &str) -> Result<(), String> {
    let is = |name: &Value| match name.as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("boolean") => value.is_boolean(),
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("null") => value.is_null(),
        _ => false,
    };
    let fits = match rule {
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{at}: {value} is not {rule}"))
    }
}

fn fields_fit(
    value: &Value,
    words: &serde_json::Map<String, Value>,
    root: &Value,
    at: &str,
) -> Result<(), String> {
    let Some(fields) = value.as_object() else {
        return Ok(()); // `type` allows null here
    };
    let known = words["properties"].as_object().unwrap();
    for (key, entry) in fields {
        let rule = known
            .get(key)
            .ok_or_else(|| format!("{at}.{key} is not documented"))?;
        fits(entry, rule, root, &format!("{at}.{key}"))?;
    }
    let required = words.get("required").and_then(Value::as_array);
    for key in required.into_iter().flatten() {
        if !fields.contains_key(key.as_str().unwrap()) {
            return Err(format!("{at}.{key} is missing"));
        }
    }
    Ok(())
}
