//! What an answer has to look like, written as JSON.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

/// Compares a value with a pattern; the error says where and how it differs.
///
/// A text that begins with `$` is a kind: `$text`, `$number`, `$truth`, `$list`, `$object`, `$id`,
/// `$any`. `{"$maybe": p}` may be missing, `{"$each": p}` is a list of such values, `{"$one": […]}`
/// is one of some, `{"$all": […]}` is all of them at once, `{"$some": p}` and `{"$none": p}` are lists
/// with and without such a value. `$shape:NAME` is a shape of `conformance/shapes.json`. Members
/// that the pattern does not name are passed over.
pub(super) fn fits(value: Option<&Value>, pattern: &Value, place: &str) -> Result<(), String> {
    if let Some(inner) = pattern.get("$maybe") {
        return match value {
            None => Ok(()),
            Some(value) => fits(Some(value), inner, place),
        };
    }
    let Some(value) = value else {
        return Err(format!("`{place}` is missing"));
    };
    if let Some(inner) = pattern.get("$each") {
        let list = value.as_array();
        let list = list.ok_or_else(|| format!("`{place}` is not a list: {}", short(value)))?;
        return list
            .iter()
            .enumerate()
            .try_for_each(|(at, one)| fits(Some(one), inner, &format!("{place}[{at}]")));
    }
    if let Some(choices) = pattern.get("$one").and_then(Value::as_array) {
        return if choices
            .iter()
            .any(|one| fits(Some(value), one, place).is_ok())
        {
            Ok(())
        } else {
            let words: Vec<String> = choices.iter().map(short).collect();
            Err(format!(
                "`{place}` is {}, and none of {}",
                short(value),
                words.join(", ")
            ))
        };
    }
    if let Some(parts) = pattern.get("$all").and_then(Value::as_array) {
        return parts
            .iter()
            .try_for_each(|one| fits(Some(value), one, place));
    }
    if let Some(inner) = pattern.get("$some") {
        return among(value, inner, place, true);
    }
    if let Some(inner) = pattern.get("$none") {
        return among(value, inner, place, false);
    }
    match pattern {
        Value::String(kind) if kind.starts_with("$shape:") => {
            let shape = shape("shapes", &kind["$shape:".len()..]);
            let shape = shape.ok_or_else(|| format!("the case names no shape: `{kind}`"))?;
            fits(Some(value), shape, place)
        }
        Value::String(kind) if kind.starts_with('$') => kind_fits(value, kind, place),
        Value::Object(members) => {
            let object = value.as_object();
            let object =
                object.ok_or_else(|| format!("`{place}` is not an object: {}", short(value)))?;
            members.iter().try_for_each(|(key, inner)| {
                fits(object.get(key), inner, &format!("{place}.{key}"))
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            if value == pattern {
                Ok(())
            } else {
                Err(format!(
                    "`{place}` is {}, not {}",
                    short(value),
                    short(pattern)
                ))
            }
        }
    }
}

fn among(value: &Value, inner: &Value, place: &str, is_wanted: bool) -> Result<(), String> {
    let list = value.as_array();
    let list = list.ok_or_else(|| format!("`{place}` is not a list: {}", short(value)))?;
    if list.iter().any(|one| fits(Some(one), inner, place).is_ok()) == is_wanted {
        return Ok(());
    }
    let word = if is_wanted {
        "does not name"
    } else {
        "still names"
    };
    Err(format!("`{place}` {word} {}", short(inner)))
}

/// Returns a shape: what handlers send (`sent`), or parts of it (`shapes`).
pub(super) fn shape(table: &str, name: &str) -> Option<&'static Value> {
    static SHAPES: OnceLock<Value> = OnceLock::new();
    let shapes = SHAPES.get_or_init(|| {
        serde_json::from_str(include_str!("../../../../conformance/shapes.json"))
            .expect("the embedded table is JSON, and a test reads it")
    });
    shapes[table].get(name)
}

fn kind_fits(value: &Value, kind: &str, place: &str) -> Result<(), String> {
    let (is_right, words) = match kind {
        "$any" => (true, "anything"),
        "$text" => (value.is_string(), "a text"),
        "$number" => (value.is_u64() || value.is_i64(), "a whole number"),
        "$truth" => (value.is_boolean(), "true or false"),
        "$list" => (value.is_array(), "a list"),
        "$object" => (value.is_object(), "an object"),
        "$id" => (
            value.as_str().is_some_and(is_id),
            "an id: 1 to 63 lower-case letters, digits, `-`, `_` or `.`, beginning with a letter or a digit",
        ),
        other => return Err(format!("the case asks for an unknown kind `{other}`")),
    };
    if is_right {
        Ok(())
    } else {
        Err(format!("`{place}` is {}, not {words}", short(value)))
    }
}

fn is_id(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 63
        && text.starts_with(is_plain)
        && text.chars().all(|c| is_plain(c) || "-_.".contains(c))
}

/// Puts values that were kept in the place of texts like `$conflict`; `{"$times": ["x", 3]}` becomes
/// `xxx`, and `{"$with": [a, b]}` is the object `a` with the members of `b`.
pub(super) fn filled(value: &Value, kept: &BTreeMap<String, Value>) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('$').and_then(|name| kept.get(name)) {
            Some(found) => found.clone(),
            None => value.clone(),
        },
        Value::Array(list) => list.iter().map(|one| filled(one, kept)).collect(),
        Value::Object(members) => {
            if let Some([text, times]) = pair(members.get("$times")) {
                let times = usize::try_from(times.as_u64().unwrap_or(0)).unwrap_or(0);
                return Value::from(text.as_str().unwrap_or("").repeat(times));
            }
            if let Some([base, more]) = pair(members.get("$with")) {
                let mut base = filled(base, kept);
                if let (Some(base), Value::Object(more)) =
                    (base.as_object_mut(), filled(more, kept))
                {
                    base.extend(more);
                }
                return base;
            }
            members
                .iter()
                .map(|(key, one)| (key.clone(), filled(one, kept)))
                .collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn pair(value: Option<&Value>) -> Option<[&Value; 2]> {
    match value?.as_array()?.as_slice() {
        [first, second] => Some([first, second]),
        _ => None,
    }
}

/// Returns a value as text, cut where it gets long.
pub(super) fn short(value: &Value) -> String {
    const SHOWN: usize = 160;
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    let begin: String = text.chars().take(SHOWN).collect();
    format!("{begin}…")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: &Value, pattern: &Value, error: Option<&str>) {
        let found = fits(Some(value), pattern, "result");
        assert_eq!(found.err().as_deref(), error);
    }

    #[test]
    fn values_are_compared_with_patterns() {
        check(&json!({"a": 1, "b": 2}), &json!({"a": "$number"}), None);
        check(
            &json!({"a": "1"}),
            &json!({"a": "$number"}),
            Some("`result.a` is \"1\", not a whole number"),
        );
        check(
            &json!({}),
            &json!({"a": "$any"}),
            Some("`result.a` is missing"),
        );
        check(&json!({}), &json!({"a": {"$maybe": "$text"}}), None);
        check(
            &json!([{"id": "a"}, {"id": "A"}]),
            &json!({"$each": {"id": "$id"}}),
            Some(
                "`result[1].id` is \"A\", not an id: 1 to 63 lower-case letters, digits, `-`, `_` \
                 or `.`, beginning with a letter or a digit",
            ),
        );
        check(&json!([1, 2]), &json!({"$some": 2}), None);
        check(
            &json!([1, 2]),
            &json!({"$all": [{"$each": "$number"}, {"$none": 2}]}),
            Some("`result` still names 2"),
        );
        check(&json!("x"), &json!({"$one": ["x", "y"]}), None);
        check(
            &json!(1),
            &json!({"$one": ["x"]}),
            Some("`result` is 1, and none of \"x\""),
        );
    }

    #[test]
    fn kept_values_take_their_places() {
        let kept = BTreeMap::from([("c".to_owned(), json!({"id": 1}))]);
        let filled = filled(&json!({"x": ["$c", "$d"]}), &kept);
        assert_eq!(filled, json!({"x": [{"id": 1}, "$d"]}));
        let more = json!({"$with": ["$c", {"name": {"$times": ["ab", 2]}}]});
        assert_eq!(
            super::filled(&more, &kept),
            json!({"id": 1, "name": "abab"})
        );
    }
}
