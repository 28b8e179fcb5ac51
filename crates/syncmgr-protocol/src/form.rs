//! The form of an item: a JSON Schema of a small kind here, [`SettingSpec`]s in the model.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use syncmgr_model::item::{SettingKind, SettingSpec};

use crate::error::Wrong;
use crate::is_default;

/// Most settings of a form: more than a person fills in.
pub const SETTINGS_MAX: usize = 100;

/// Most bytes of a form.
pub const FORM_LEN_MAX: usize = 64 * 1024;

/// Most distinct forms one process takes. A form lives as long as the process, because the contract
/// of handlers has `&'static [SettingSpec]`: forms of built-in handlers are constants, and center,
/// command line and API hold references to them. So each distinct form is kept once, whatever the
/// number of starts, and a handler that sends another one at every start meets an end: at most
/// 16 MiB are ever kept.
pub const FORMS_MAX: usize = 256;

/// The form of an item.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Form {
    /// Always `object`.
    #[serde(rename = "type")]
    pub kind: ObjectType,
    /// The settings, in the order in which they are shown.
    #[serde(default)]
    pub properties: Properties,
    /// Which of them must be set.
    #[serde(default, skip_serializing_if = "is_default")]
    pub required: Vec<String>,
}

/// The type of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ObjectType {
    /// `object`.
    #[default]
    Object,
}

/// Settings by their keys, in the order in which they stand in the message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Properties(pub Vec<(String, Property)>);

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(key, property)| (key, property)))
    }
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Properties;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with settings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Properties, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(Properties(all))
            }
        }
        from.deserialize_map(Read)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Properties {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Properties".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let each = generator.subschema_for::<Property>();
        schemars::json_schema!({ "type": "object", "additionalProperties": each })
    }
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Property {
    /// What it takes.
    #[serde(rename = "type")]
    pub kind: PropertyType,
    /// One line of help.
    #[serde(default, skip_serializing_if = "is_default")]
    pub description: String,
    /// `folder` or `secret` of a text, `bytes` of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The words that are possible.
    #[serde(default, rename = "enum", skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<String>>,
    /// 0 of a number; another one is passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<i64>,
    /// What a list has: texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Elements>,
}

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum PropertyType {
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// Several texts.
    Array,
}

/// What a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Elements {
    /// Always `string`.
    #[serde(rename = "type")]
    pub kind: ElementType,
}

/// The type of what a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ElementType {
    /// `string`.
    String,
}

impl Form {
    /// Writes settings as a form.
    #[must_use]
    pub fn of(specs: &[SettingSpec]) -> Self {
        let each = |spec: &SettingSpec| (spec.key.to_owned(), Property::of(spec));
        let required = specs.iter().filter(|spec| spec.is_required);
        Self {
            kind: ObjectType::Object,
            properties: Properties(specs.iter().map(each).collect()),
            required: required.map(|spec| spec.key.to_owned()).collect(),
        }
    }

    /// Returns the settings for as long as the process lives; the same form always gives the same.
    ///
    /// # Errors
    /// [`Wrong`] for a setting of a kind that does not exist or with a key nobody can type, for a
    /// form that is too large, and when too many distinct forms were taken ([`FORMS_MAX`]).
    pub fn specs(&self) -> Result<&'static [SettingSpec], Wrong> {
        static KEPT: Mutex<Option<HashMap<String, &'static [SettingSpec]>>> = Mutex::new(None);
        self.check()?;
        let text = serde_json::to_string(self)
            .map_err(|error| Wrong::new("settings", error.to_string()))?;
        if text.len() > FORM_LEN_MAX {
            return Err(Wrong::new("settings", "the form is larger than 64 KiB"));
        }
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get_or_insert_default();
        if let Some(specs) = kept.get(&text) {
            return Ok(specs);
        }
        if kept.len() >= FORMS_MAX {
            let detail = "handlers changed their forms too often since syncmgr was started";
            return Err(Wrong::new("settings", detail));
        }
        let specs = self.leak();
        kept.insert(text, specs);
        Ok(specs)
    }

    fn check(&self) -> Result<(), Wrong> {
        let properties = &self.properties.0;
        if properties.len() > SETTINGS_MAX {
            return Err(Wrong::new("properties", "there are more than 100 settings"));
        }
        for (at, (key, property)) in properties.iter().enumerate() {
            let name = || format!("properties.{}", key.escape_debug());
            if !is_key(key) {
                let detail = "a key has 1 to 63 letters, digits, `-` or `_`";
                return Err(Wrong::new(name(), detail));
            }
            if OWN_KEYS.iter().any(|own| is_same(own, key)) {
                return Err(Wrong::new(
                    name(),
                    "syncmgr has a setting of its own with this key",
                ));
            }
            if properties
                .iter()
                .take(at)
                .any(|(other, _)| is_same(other, key))
            {
                return Err(Wrong::new(name(), "it is there twice"));
            }
            property
                .check()
                .map_err(|detail| Wrong::new(name(), detail))?;
        }
        let unknown = |key: &&String| properties.iter().all(|(own, _)| own != *key);
        match self.required.iter().find(unknown) {
            Some(key) => Err(Wrong::new(
                "required",
                format!("`{}` is none of the properties", key.escape_debug()),
            )),
            None => Ok(()),
        }
    }

    fn leak(&self) -> &'static [SettingSpec] {
        let text = |text: &str| -> &'static str { Box::leak(Box::from(text)) };
        let each = |(key, property): &(String, Property)| SettingSpec {
            key: text(key),
            kind: property.setting_kind(&text),
            is_required: self.required.contains(key),
            help: text(&crate::text::harmless(&property.description, HELP_MAX)),
        };
        let specs: Vec<SettingSpec> = self.properties.0.iter().map(each).collect();
        Box::leak(specs.into_boxed_slice())
    }
}

/// Most characters of a line of help.
const HELP_MAX: usize = 259;

/// The keys of a `[sync.NAME]` that belong to every item, whatever its handler.
const OWN_KEYS: &[&str] = &[
    "id",
    "handler",
    "enabled",
    "max-age",
    "retry",
    "retry-most",
    "retries",
    "change-quiet",
    "change-wait",
    "change-gap",
    "priority",
];

/// Says whether two keys are the same in the settings file, where `-` and `_` are.
fn is_same(a: &str, b: &str) -> bool {
    a.replace('_', "-") == b.replace('_', "-")
}

fn is_key(key: &str) -> bool {
    let is_first = key
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphanumeric());
    let is_rest = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    is_first && key.len() <= 63 && key.bytes().all(is_rest)
}

impl Property {
    fn new(kind: PropertyType, format: Option<&str>, description: &str) -> Self {
        Self {
            kind,
            description: description.to_owned(),
            format: format.map(str::to_owned),
            words: None,
            minimum: None,
            items: None,
        }
    }

    fn of(spec: &SettingSpec) -> Self {
        use PropertyType::{Array, Integer, String};
        match spec.kind {
            SettingKind::Text => Self::new(String, None, spec.help),
            SettingKind::Folder => Self::new(String, Some("folder"), spec.help),
            SettingKind::Secret => Self::new(String, Some("secret"), spec.help),
            SettingKind::Bytes => Self::new(Integer, Some("bytes"), spec.help),
            SettingKind::Word(words) => Self {
                words: Some(words.iter().map(|word| (*word).to_owned()).collect()),
                ..Self::new(String, None, spec.help)
            },
            SettingKind::Number => Self {
                minimum: Some(0),
                ..Self::new(Integer, None, spec.help)
            },
            SettingKind::List => Self {
                items: Some(Elements {
                    kind: ElementType::String,
                }),
                ..Self::new(Array, None, spec.help)
            },
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.words.as_ref().is_some_and(Vec::is_empty) {
            return Err("`enum` has no words");
        }
        if self.words.is_some() && self.kind != PropertyType::String {
            return Err("`enum` is for texts only");
        }
        Ok(())
    }

    /// An unknown format is that of a newer version, and the type alone counts then.
    fn setting_kind(&self, text: &impl Fn(&str) -> &'static str) -> SettingKind {
        match (self.kind, self.format.as_deref(), &self.words) {
            (PropertyType::String, _, Some(words)) => {
                let words: Vec<&'static str> = words.iter().map(|word| text(word)).collect();
                SettingKind::Word(Box::leak(words.into_boxed_slice()))
            }
            (PropertyType::String, Some("folder"), None) => SettingKind::Folder,
            (PropertyType::String, Some("secret"), None) => SettingKind::Secret,
            (PropertyType::String, _, None) => SettingKind::Text,
            (PropertyType::Integer, Some("bytes"), _) => SettingKind::Bytes,
            (PropertyType::Integer, _, _) => SettingKind::Number,
            (PropertyType::Array, _, _) => SettingKind::List,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: &[SettingSpec] = &[
        spec("zoo", SettingKind::Text),
        spec("folder", SettingKind::Folder),
        spec("mode", SettingKind::Word(&["a", "b"])),
        spec("n", SettingKind::Number),
        spec("size", SettingKind::Bytes),
        spec("list", SettingKind::List),
        spec("password", SettingKind::Secret),
    ];

    const fn spec(key: &'static str, kind: SettingKind) -> SettingSpec {
        SettingSpec {
            key,
            kind,
            is_required: true,
            help: "helps",
        }
    }

    #[test]
    fn settings_of_every_kind_come_back_in_their_order_and_are_kept_once() {
        let text = serde_json::to_string(&Form::of(SPECS)).unwrap();
        let form: Form = serde_json::from_str(&text).unwrap();
        let specs = form.specs().unwrap();
        assert_eq!(specs, SPECS);
        assert!(std::ptr::eq(specs, form.specs().unwrap()));
    }

    #[track_caller]
    fn check(text: &str, field: &str) {
        let form: Form = serde_json::from_str(text).unwrap();
        assert_eq!(form.specs().unwrap_err().field, field);
    }

    #[test]
    fn a_form_that_cannot_be_shown_names_its_fault() {
        let one = |key: &str, rest: &str| {
            format!(r#"{{"type":"object","properties":{{"{key}":{{"type":"string"{rest}}}}}}}"#)
        };
        check(&one("", ""), "properties.");
        check(&one("a b", ""), "properties.a b");
        check(&one("max_age", ""), "properties.max_age");
        check(&one("a", r#","enum":[]"#), "properties.a");
        let required = r#"{"type":"object","properties":{},"required":["a"]}"#;
        check(required, "required");
        let twice =
            r#"{"type":"object","properties":{"a-b":{"type":"string"},"a_b":{"type":"string"}}}"#;
        check(twice, "properties.a_b");
    }

    #[test]
    fn unknown_formats_and_members_are_passed_over() {
        let text = r#"{"type":"object","title":"x","properties":{"a":{"type":"string","format":"colour","title":"A"}}}"#;
        let form: Form = serde_json::from_str(text).unwrap();
        assert_eq!(form.specs().unwrap()[0].kind, SettingKind::Text);
    }
}
