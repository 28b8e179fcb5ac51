//! Items made up from the form of a handler, with folders that have something in them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Map, Value, json};

/// Files in each folder beside those that both have, enough that a run takes several steps.
const N_FILES: usize = 12;

/// Makes up two saved items that fit the form; their folders lie beneath `scratch`.
pub(super) fn items(
    form: &Value,
    given: &BTreeMap<String, Value>,
    scratch: &Path,
) -> io::Result<Vec<Value>> {
    ["check-1", "check-2"]
        .iter()
        .map(|id| item(id, form, given, scratch))
        .collect()
}

fn item(
    id: &str,
    form: &Value,
    given: &BTreeMap<String, Value>,
    scratch: &Path,
) -> io::Result<Value> {
    let mut settings = Map::new();
    let properties = form.get("properties").and_then(Value::as_object);
    for (key, property) in properties.into_iter().flatten() {
        let value = match given.get(key) {
            Some(value) => value.clone(),
            None => made_up(property, &scratch.join(format!("{id}-{key}")), key)?,
        };
        settings.insert(key.clone(), value);
    }
    Ok(json!({"id": id, "name": format!("Check {id}"), "settings": settings, "is_enabled": true}))
}

fn made_up(property: &Value, folder: &Path, key: &str) -> io::Result<Value> {
    let word = |name| property.get(name).and_then(Value::as_str);
    if let Some(first) = property.get("enum").and_then(|words| words.get(0)) {
        return Ok(first.clone());
    }
    Ok(match (word("type"), word("format")) {
        (Some("integer"), Some("bytes")) => json!(1024 * 1024),
        (Some("integer"), _) => property.get("minimum").cloned().unwrap_or(json!(1)),
        (Some("array"), _) => json!(["check"]),
        (_, Some("folder")) => {
            fill(folder, key)?;
            json!(folder)
        }
        _ => json!("check"),
    })
}

/// Fills a folder: files of its own, and one that every folder has with another content.
fn fill(folder: &Path, key: &str) -> io::Result<()> {
    fs::create_dir_all(folder.join("deep/er"))?;
    for number in 0..N_FILES {
        let text = format!("file {number} of {key}\n");
        fs::write(folder.join(format!("{key}-{number:02}.txt")), text)?;
    }
    fs::write(folder.join("deep/er/file.txt"), format!("deep in {key}\n"))?;
    fs::write(
        folder.join(format!("{key}.md")),
        format!("a note of {key}\n"),
    )?;
    let both = ["both.md", "both.txt"];
    both.iter()
        .try_for_each(|name| fs::write(folder.join(name), format!("as {key} has it\n")))
}
