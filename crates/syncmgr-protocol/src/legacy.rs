//! The older family. Each message names the instance of the handler it is about.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use syncmgr_model::legacy as model;

use crate::is_default;
use crate::words::{Job, LegacyLevel, LegacyStatus};

/// A GUID, written as `{8-4-4-4-12}`; other usual forms are read too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid(pub model::Guid);

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{{{}}}", self.0))
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Guid;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a GUID, as {6295df40-35ee-11d1-8707-00c04fd93327}")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Guid, E> {
                let guid = text.parse().map(Guid);
                guid.map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        from.deserialize_str(Read)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Guid {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Guid".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let hex = "[0-9A-Fa-f]";
        let pattern = format!("^\\{{?{hex}{{8}}(-{hex}{{4}}){{3}}-{hex}{{12}}\\}}?$");
        schemars::json_schema!({ "type": "string", "pattern": pattern })
    }
}

/// Bytes, written as base64 with padding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Base64(pub Vec<u8>);

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl fmt::Display for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.chunks(3) {
            let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
            let all = byte(0) << 16 | byte(1) << 8 | byte(2);
            for at in 0..4_usize {
                let digit = (all >> (18 - 6 * at)) & 63;
                let digit = DIGITS.get(digit as usize).copied().unwrap_or(b'=');
                let is_there = at <= chunk.len();
                write!(f, "{}", if is_there { char::from(digit) } else { '=' })?;
            }
        }
        Ok(())
    }
}

impl Base64 {
    /// Reads base64; `None` when it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !text.len().is_multiple_of(4) {
            return None;
        }
        let bare = text.trim_end_matches('=');
        if text.len() - bare.len() > 2 {
            return None;
        }
        let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
        for chunk in bare.as_bytes().chunks(4) {
            let mut all = 0_u32;
            for at in 0..4 {
                let digit = match chunk.get(at) {
                    Some(byte) => DIGITS.iter().position(|digit| digit == byte)?,
                    None => 0,
                };
                all = all << 6 | u32::try_from(digit).ok()?;
            }
            let n = chunk.len().checked_sub(1)?;
            bytes.extend(&all.to_be_bytes()[1..=n]);
        }
        Some(Self(bytes))
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("expected base64 with padding"))
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Base64 {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Base64".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "contentEncoding": "base64" })
    }
}

/// An instance learns why it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Initialize {
    /// Which instance; the host chose the number.
    pub instance: u64,
    /// Why.
    pub job: Job,
    /// What a program gave along with `invoke`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<Base64>,
    /// Only settings are to be shown; nothing will be synced.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_settings: bool,
    /// Dialogs are allowed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub may_ask: bool,
}

/// Whether an instance takes part.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TakesPart {
    /// It does; otherwise it is let go.
    pub takes_part: bool,
    /// What the handler is and may.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flags: Vec<String>,
}

/// An instance, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Instance {
    /// Which instance.
    pub instance: u64,
}

/// The items of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Items {
    /// In the order in which they are shown.
    pub items: Vec<Item>,
    /// These are all there are.
    pub is_complete: bool,
}

/// An item of the older family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Item {
    /// Its identity, for good.
    pub id: Guid,
    /// What it is called.
    pub name: String,
    /// What it is and may.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flags: Vec<String>,
    /// It is synced as long as the person has not chosen.
    pub is_checked: bool,
    /// When it was last brought up to date, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update: Option<i64>,
}

/// An instance is to get ready.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Prepare {
    /// Which instance.
    pub instance: u64,
    /// For which items.
    pub items: Vec<Guid>,
}

/// Whether an instance gets ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Started {
    /// It does, and the completion follows; otherwise it would have to ask a person and may not.
    pub started: bool,
}

/// A person does not want an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SetItemStatus {
    /// Which instance.
    pub instance: u64,
    /// Which item.
    pub item: Guid,
    /// Always `skipped`.
    pub status: LegacyStatus,
}

/// A person followed an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ShowError {
    /// Which instance.
    pub instance: u64,
    /// Which entry.
    pub error: Guid,
}

/// Properties are to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ShowProperties {
    /// Which instance.
    pub instance: u64,
    /// Of which item; absent: of the handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Guid>,
}

/// How far an item is. What is absent keeps the value it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Progress {
    /// Which instance.
    pub instance: u64,
    /// Which item.
    pub item: Guid,
    /// What is being done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<LegacyStatus>,
    /// How much is done, in units of `max`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<i32>,
    /// How much there is to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i32>,
}

/// An entry of what people read after the sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogError {
    /// Which instance.
    pub instance: u64,
    /// How bad.
    pub level: LegacyLevel,
    /// The words.
    pub text: String,
    /// A person can follow it into `legacy/show_error`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_link: bool,
    /// What it is known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Guid>,
    /// The item that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Guid>,
}

/// An entry is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeleteLogError {
    /// Which instance.
    pub instance: u64,
    /// Which entry; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Guid>,
}

/// The turn to show a dialog is asked for, or given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EnableModeless {
    /// Which instance.
    pub instance: u64,
    /// Asked for.
    pub is_wanted: bool,
}

/// Whether a dialog may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MayShow {
    /// It may.
    pub may_show: bool,
}

/// A network connection is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EstablishConnection {
    /// Which instance.
    pub instance: u64,
    /// Its name; absent: the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A long call has ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Completed {
    /// Which instance.
    pub instance: u64,
    /// The code of the original; absent or 0: all went well.
    #[serde(default, skip_serializing_if = "is_default")]
    pub code: u32,
    /// What happened, for people.
    #[serde(default, skip_serializing_if = "is_default")]
    pub text: String,
    /// After an error was shown: these items are to be prepared and synced once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Vec<Guid>>,
    /// After properties were shown: the item is gone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_deleted: bool,
    /// After properties were shown: the items have changed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub list_again: bool,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg=="),
        ] {
            assert_eq!(Base64(bytes.to_vec()).to_string(), text);
            assert_eq!(Base64::parse(text), Some(Base64(bytes.to_vec())));
        }
        for bad in ["Z", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9*"] {
            assert_eq!(Base64::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn base64_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let text = Base64(bytes.clone()).to_string();
            prop_assert_eq!(Base64::parse(&text), Some(Base64(bytes)));
        }
    }
}
