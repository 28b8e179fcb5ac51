//! The JSON Schema and a sample of every message, kept in `conformance/` (`UPDATE_EXPECT=1 cargo
//! test -p syncmgr-protocol conformance` writes them). The fingerprint of the schemas stands in
//! `docs/reference/protocol.md`, so that no message changes without the page.

mod check;
mod samples;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::RpcError;
use crate::life::IdSchema;
use crate::method::{Method, Shape, each_method};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A message with its schema and sample.
struct Paper {
    /// `session.start.request`.
    name: String,
    schema: Value,
    sample: Value,
    /// Reads the sample as the type and writes it again.
    again: fn(&Value) -> Result<Value, String>,
}

fn again<T: DeserializeOwned + serde::Serialize>(sample: &Value) -> Result<Value, String> {
    let inner = ["params", "result", "error"];
    let member = inner.into_iter().find(|name| sample.get(name).is_some());
    let member = member.ok_or("neither params nor a result")?;
    let text = sample[member].to_string();
    let raw = serde_json::value::RawValue::from_string(text).map_err(|e| e.to_string())?;
    let value: T = crate::message::read(Some(&raw)).map_err(|wrong| wrong.to_string())?;
    let mut whole = sample.clone();
    whole[member] = serde_json::to_value(value).map_err(|e| e.to_string())?;
    Ok(whole)
}

/// Makes the schema of a whole message out of that of its content.
fn envelope<T: JsonSchema>(title: &str, member: &str, rest: &[(&str, Value)]) -> Value {
    let mut generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
    let content = generator.subschema_for::<T>().to_value();
    let id = generator.subschema_for::<IdSchema>().to_value();
    let defs: Map<String, Value> = generator.take_definitions(true);
    let needs_content = !is_empty_allowed(&content, &defs);
    let mut properties = Map::new();
    properties.insert("jsonrpc".to_owned(), json!({"const": "2.0"}));
    let mut required = vec!["jsonrpc"];
    for (name, schema) in rest {
        let schema = if schema.is_null() {
            id.clone()
        } else {
            schema.clone()
        };
        properties.insert((*name).to_owned(), schema);
        required.push(name);
    }
    properties.insert(member.to_owned(), content);
    if needs_content || member != "params" {
        required.push(member);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": properties,
        "required": required,
        "$defs": defs,
    })
}

fn is_empty_allowed(content: &Value, defs: &Map<String, Value>) -> bool {
    let found = content["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix("#/$defs/"))
        .map_or(content, |name| &defs[name]);
    found.get("required").is_none() && found.get("oneOf").is_none()
}

fn file_name(method: &str) -> String {
    method.replace("$/", "cancel-request.").replace('/', ".")
}

fn papers() -> Vec<Paper> {
    let mut all = Vec::new();
    macro_rules! one {
        ($name:ident, $text:literal) => {{
            type M = crate::method::$name;
            let (params, result) = samples::of($text);
            let name = file_name($text);
            let method = ("method", json!({"const": $text}));
            let mut message = json!({"jsonrpc": "2.0", "method": $text, "params": params});
            if M::SHAPE != Shape::Request {
                all.push(Paper {
                    name: format!("{name}.notification"),
                    schema: envelope::<<M as Method>::Params>(
                        concat!($text, ", notification"),
                        "params",
                        std::slice::from_ref(&method),
                    ),
                    sample: message.clone(),
                    again: again::<<M as Method>::Params>,
                });
            }
            if M::SHAPE != Shape::Notification {
                message["id"] = json!(7);
                all.push(Paper {
                    name: format!("{name}.request"),
                    schema: envelope::<<M as Method>::Params>(
                        concat!($text, ", request"),
                        "params",
                        &[("id", Value::Null), method],
                    ),
                    sample: message,
                    again: again::<<M as Method>::Params>,
                });
                all.push(Paper {
                    name: format!("{name}.answer"),
                    schema: envelope::<<M as Method>::Result>(
                        concat!($text, ", answer"),
                        "result",
                        &[("id", Value::Null)],
                    ),
                    sample: json!({"jsonrpc": "2.0", "id": 7, "result": result}),
                    again: again::<<M as Method>::Result>,
                });
            }
        }};
    }
    each_method!(one);
    all.push(Paper {
        name: "error.answer".to_owned(),
        schema: envelope::<RpcError>("an error as the answer", "error", &[("id", Value::Null)]),
        sample: json!({"jsonrpc": "2.0", "id": 7, "error": samples::error()}),
        again: again::<RpcError>,
    });
    all
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap();
    text.push('\n');
    text
}

/// Compares a folder with what belongs into it, or writes it.
fn compare(folder: &str, wanted: &BTreeMap<String, String>) {
    let folder = root().join("conformance").join(folder);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
            if !wanted.contains_key(&name) {
                fs::remove_file(entry.unwrap().path()).unwrap();
            }
        }
        for (name, text) in wanted {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let hint = "a message changed: see `Compatibility` in docs/reference/protocol.md, then \
                UPDATE_EXPECT=1 cargo test -p syncmgr-protocol conformance";
    let there: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}; {hint}", folder.display()))
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in &there {
        assert!(
            wanted.contains_key(name),
            "{name} belongs to no message; {hint}"
        );
    }
    for (name, text) in wanted {
        let own = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(
            own == *text,
            "{name}: {hint}\nis:\n{own}\nwould be:\n{text}"
        );
    }
}

fn files(of: impl Fn(&Paper) -> &Value) -> BTreeMap<String, String> {
    let each = |paper: &Paper| (format!("{}.json", paper.name), pretty(of(paper)));
    papers().iter().map(each).collect()
}

#[test]
fn the_schemas_are_those_of_the_types() {
    compare("schema", &files(|paper| &paper.schema));
}

#[test]
fn the_samples_are_those_of_the_code() {
    compare("golden", &files(|paper| &paper.sample));
}

/// FNV-1a over all schemas: whoever changes a message has to touch the page too.
#[test]
fn the_page_names_the_schemas_it_describes() {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for (name, text) in files(|paper| &paper.schema) {
        for byte in name.bytes().chain(text.bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    let page = fs::read_to_string(root().join("docs/reference/protocol.md")).unwrap();
    let words = format!("The schemas of version 1 have the fingerprint `{hash:016x}`.");
    assert!(
        page.contains(&words),
        "the schemas changed; say in docs/reference/protocol.md what, and: {words}"
    );
}

#[test]
fn every_sample_comes_back_as_it_was_and_fits_its_schema() {
    for paper in papers() {
        let again = (paper.again)(&paper.sample).unwrap_or_else(|e| panic!("{}: {e}", paper.name));
        assert_eq!(again, paper.sample, "{}", paper.name);
        let faults = check::faults(&paper.schema, &paper.schema, &paper.sample, "");
        assert_eq!(faults, Vec::<String>::new(), "{}", paper.name);
        let line = paper.sample.to_string();
        crate::Message::read(line.as_bytes()).unwrap_or_else(|e| panic!("{}: {e}", paper.name));
    }
}

/// What a schema says must be there, the types want too; and what they want is in the schema.
#[test]
fn a_missing_member_is_missed_by_the_schema_and_by_the_type() {
    let mut n = 0;
    for paper in papers() {
        let member = ["params", "result", "error"]
            .into_iter()
            .find(|name| paper.sample.get(name).is_some())
            .unwrap();
        let content = paper.sample[member].as_object().unwrap().clone();
        for key in content.keys() {
            let mut without = paper.sample.clone();
            without[member].as_object_mut().unwrap().remove(key);
            let fits = check::faults(&paper.schema, &paper.schema, &without, "").is_empty();
            let is_read = (paper.again)(&without).is_ok();
            assert_eq!(fits, is_read, "{} without {key}", paper.name);
            let mut wrong = paper.sample.clone();
            wrong[member][key] = json!({"of": ["another", "type"]});
            let fits = check::faults(&paper.schema, &paper.schema, &wrong, "").is_empty();
            let is_read = (paper.again)(&wrong);
            assert_eq!(fits, is_read.is_ok(), "{} with another {key}", paper.name);
            if let Err(words) = is_read {
                assert!(words.contains(key.as_str()), "{}: {words}", paper.name);
            }
            n += 1;
        }
    }
    assert!(n > 200, "only {n} members were tried");
}
