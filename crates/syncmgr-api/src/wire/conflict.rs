//! A conflict: what each side has, the contents to compare, and a person's decision.

use serde::{Deserialize, Serialize};
use syncmgr_model::conflict::{self, ConflictKind, Kind};
use syncmgr_model::escape::{escape, unescape};
use syncmgr_model::record;
use syncmgr_model::request::Choice;
use syncmgr_model::side::Side;
use utoipa::ToSchema;

use super::{Sides, Unreadable, time, word};

/// One side of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "FactsJson"))]
pub struct Facts {
    /// `present`, `missing` or `unknown`.
    pub state: String,
    /// `file`, `folder`, `link`.
    pub kind: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// When it was modified.
    pub modified: Option<String>,
}

impl From<&conflict::Facts> for Facts {
    fn from(facts: &conflict::Facts) -> Self {
        let bare = |state: &str| Self {
            state: state.to_owned(),
            kind: None,
            size: None,
            modified: None,
        };
        match facts {
            conflict::Facts::Missing => bare("missing"),
            conflict::Facts::Unknown => bare("unknown"),
            conflict::Facts::Present {
                kind,
                size,
                modified,
            } => Self {
                state: "present".to_owned(),
                kind: Some(kind.as_str().to_owned()),
                size: Some(*size),
                modified: Some(modified.rfc3339()),
            },
        }
    }
}

impl TryFrom<&Facts> for conflict::Facts {
    type Error = Unreadable;

    fn try_from(facts: &Facts) -> Result<Self, Unreadable> {
        match &*facts.state {
            "missing" => Ok(Self::Missing),
            "unknown" => Ok(Self::Unknown),
            "present" => Ok(Self::Present {
                kind: word(
                    "a kind of thing",
                    facts.kind.as_deref().unwrap_or_default(),
                    Kind::parse,
                )?,
                size: facts.size.unwrap_or_default(),
                modified: time(facts.modified.as_deref().unwrap_or_default())?,
            }),
            other => Err(Unreadable {
                what: "the state of a side",
                text: other.to_owned(),
            }),
        }
    }
}

/// A conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ConflictJson"))]
pub struct Conflict {
    /// Names it; empty in a preview.
    pub id: String,
    /// The sync it belongs to.
    pub item: String,
    /// The path below the folders.
    pub path: String,
    /// `both-changed`, `changed-and-deleted`, `both-new` or `kinds-differ`.
    pub kind: String,
    /// What each side has.
    pub sides: Sides<Facts>,
    /// Changes beneath a folder that wait with it.
    pub within: u64,
    /// When it was first seen.
    pub since: Option<String>,
}

impl Conflict {
    /// Converts a conflict of an item.
    #[must_use]
    pub fn of(item: &str, c: &conflict::Conflict) -> Self {
        Self {
            id: c.id.clone(),
            item: item.to_owned(),
            path: escape(&c.path),
            kind: c.kind.as_str().to_owned(),
            sides: Sides::of(&c.sides, Facts::from),
            within: c.n_within,
            since: c.since.map(|t| t.rfc3339()),
        }
    }
}

impl TryFrom<&Conflict> for conflict::Conflict {
    type Error = Unreadable;

    fn try_from(c: &Conflict) -> Result<Self, Unreadable> {
        Ok(Self {
            id: c.id.clone(),
            path: unescape(&c.path),
            kind: word("a kind of conflict", &c.kind, ConflictKind::parse)?,
            sides: c.sides.read(|facts| conflict::Facts::try_from(facts))?,
            n_within: c.within,
            since: c.since.as_deref().map(time).transpose()?,
        })
    }
}

/// The content of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ContentJson"))]
pub struct Content {
    /// `utf-8` when the content is text in this encoding, otherwise `hex`.
    pub encoding: String,
    /// The content: as it is, or two hexadecimal digits for each byte.
    pub data: String,
}

impl From<&Vec<u8>> for Content {
    fn from(bytes: &Vec<u8>) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self {
                encoding: "utf-8".to_owned(),
                data: text.to_owned(),
            },
            Err(_) => Self {
                encoding: "hex".to_owned(),
                data: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            },
        }
    }
}

impl TryFrom<&Content> for Vec<u8> {
    type Error = Unreadable;

    fn try_from(content: &Content) -> Result<Self, Unreadable> {
        match &*content.encoding {
            "utf-8" => Ok(content.data.clone().into_bytes()),
            "hex" => word("hexadecimal digits", &content.data, bytes_of_hex),
            other => Err(Unreadable {
                what: "an encoding",
                text: other.to_owned(),
            }),
        }
    }
}

/// Reads two hexadecimal digits for each byte.
fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|n| u8::try_from(n).ok())
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?))
        .collect()
}

/// The contents a person compares; null where there is nothing to show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Contents {
    /// What both last agreed on, or the kept version.
    pub base: Option<Content>,
    /// What the left side has.
    pub left: Option<Content>,
    /// What the right side has.
    pub right: Option<Content>,
}

impl From<&record::Contents> for Contents {
    fn from(c: &record::Contents) -> Self {
        Self {
            base: c.base.as_ref().map(Content::from),
            left: c.left.as_ref().map(Content::from),
            right: c.right.as_ref().map(Content::from),
        }
    }
}

impl TryFrom<&Contents> for record::Contents {
    type Error = Unreadable;

    fn try_from(c: &Contents) -> Result<Self, Unreadable> {
        let read = |content: &Option<Content>| content.as_ref().map(Vec::try_from).transpose();
        Ok(Self {
            base: read(&c.base)?,
            left: read(&c.left)?,
            right: read(&c.right)?,
        })
    }
}

/// What is kept of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The left side's version goes to the other side, a deletion too.
    Left,
    /// The right side's version goes to the other side, a deletion too.
    Right,
    /// The version modified later; a change beats a deletion.
    Newest,
    /// Both, one of them under a name that says where it comes from.
    Both,
    /// The three-way merge of the text.
    Merge,
    /// The content that comes with the decision, on both sides.
    Content,
}

/// A decision on a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What is kept.
    pub keep: Keep,
    /// The content, when that is what is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
}

impl TryFrom<&Decision> for Choice {
    type Error = Unreadable;

    fn try_from(decision: &Decision) -> Result<Self, Unreadable> {
        match (decision.keep, &decision.content) {
            (Keep::Left, None) => Ok(Self::Keep(Side::Left)),
            (Keep::Right, None) => Ok(Self::Keep(Side::Right)),
            (Keep::Newest, None) => Ok(Self::KeepNewest),
            (Keep::Both, None) => Ok(Self::KeepBoth),
            (Keep::Merge, None) => Ok(Self::MergeText),
            (Keep::Content, Some(content)) => content.try_into().map(Self::Merged),
            (Keep::Content, None) => Err(Unreadable {
                what: "the content to keep",
                text: String::new(),
            }),
            (Keep::Left | Keep::Right | Keep::Newest | Keep::Both | Keep::Merge, Some(_)) => {
                Err(Unreadable {
                    what: "a decision with a content that it does not keep",
                    text: String::new(),
                })
            }
        }
    }
}

impl From<&Choice> for Decision {
    fn from(choice: &Choice) -> Self {
        let (keep, content) = match choice {
            Choice::Keep(Side::Left) => (Keep::Left, None),
            Choice::Keep(Side::Right) => (Keep::Right, None),
            Choice::KeepNewest => (Keep::Newest, None),
            Choice::KeepBoth => (Keep::Both, None),
            Choice::Merged(bytes) => (Keep::Content, Some(bytes.into())),
            Choice::MergeText => (Keep::Merge, None),
        };
        Self { keep, content }
    }
}

/// Decides one conflict. It is carried out only if both sides still are what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveOne {
    /// The conflict.
    #[schema(min_length = 1, max_length = 64)]
    pub conflict: String,
    /// What each side had when the person decided; the answer is 409 `state-changed` when it has
    /// changed since.
    pub seen: Sides<Facts>,
    /// The decision.
    pub decision: Decision,
}

/// Decides conflicts of one sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// The sync.
    #[schema(min_length = 1, max_length = 63)]
    pub item: String,
    /// The decisions.
    #[schema(min_items = 1, max_items = 10000)]
    pub decisions: Vec<ResolveOne>,
    /// Only say what would be done.
    #[serde(default)]
    pub preview: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_is_not_text_keeps_its_bytes() {
        let content = Content::from(&vec![0xff, 0x0a]);
        assert_eq!((&*content.encoding, &*content.data), ("hex", "ff0a"));
        assert_eq!(Vec::try_from(&content), Ok(vec![0xff, 0x0a]));
        for bad in ["f", "fg", "é"] {
            assert_eq!(bytes_of_hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_decision_with_an_unknown_field_is_refused() {
        let read = serde_json::from_str::<Decision>;
        let left = Decision::from(&Choice::Keep(Side::Left));
        assert_eq!(read(r#"{"keep":"left"}"#).ok(), Some(left));
        assert!(read(r#"{"keep":"left","also":1}"#).is_err());
        assert!(read(r#"{"keep":"nothing"}"#).is_err());
    }
}
