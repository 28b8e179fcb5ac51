//! As much of JSON Schema as these schemas use. A word that is not known here is a fault of the
//! test, so that none is passed over.

use serde_json::Value;

/// Says what does not fit.
pub(super) fn faults(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut all = Vec::new();
    let Some(words) = schema.as_object() else {
        if schema == &Value::Bool(false) {
            all.push(format!("{at}: nothing fits"));
        }
        return all;
    };
    for (word, rule) in words {
        let fits = |other: &Value| faults(root, other, value, at).is_empty();
        let is_fine = match word.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" | "format" | "pattern"
            | "contentEncoding" => true,
            "$ref" => {
                let path = rule.as_str().and_then(|path| path.strip_prefix('#'));
                let found = path.and_then(|path| root.pointer(path));
                fits(found.unwrap_or_else(|| panic!("no {rule}")))
            }
            "type" => has_type(rule, value),
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "anyOf" => rule.as_array().unwrap().iter().any(fits),
            "oneOf" => {
                rule.as_array()
                    .unwrap()
                    .iter()
                    .filter(|one| fits(one))
                    .count()
                    == 1
            }
            "allOf" => rule.as_array().unwrap().iter().all(fits),
            "minimum" => value
                .as_f64()
                .is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value
                .as_f64()
                .is_none_or(|number| number <= rule.as_f64().unwrap()),
            "maxLength" => value
                .as_str()
                .is_none_or(|text| text.chars().count() as u64 <= rule.as_u64().unwrap()),
            "required" => value.as_object().is_none_or(|members| {
                let mut names = rule.as_array().unwrap().iter();
                names.all(|name| members.contains_key(name.as_str().unwrap()))
            }),
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        all.extend(faults(root, rule, member, &format!("{at}.{name}")));
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = words.get("properties").and_then(Value::as_object);
                for (name, member) in value.as_object().into_iter().flatten() {
                    if known.is_none_or(|known| !known.contains_key(name)) {
                        all.extend(faults(root, rule, member, &format!("{at}.{name}")));
                    }
                }
                true
            }
            "items" => {
                for (n, element) in value.as_array().into_iter().flatten().enumerate() {
                    all.extend(faults(root, rule, element, &format!("{at}[{n}]")));
                }
                true
            }
            word => panic!("the test does not know `{word}`"),
        };
        if !is_fine {
            all.push(format!("{at}: {word} {rule}"));
        }
    }
    all
}

fn has_type(rule: &Value, value: &Value) -> bool {
    match rule {
        Value::Array(any) => any.iter().any(|one| has_type(one, value)),
        _ => match rule.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            other => panic!("the test does not know the type `{other}`"),
        },
    }
}
