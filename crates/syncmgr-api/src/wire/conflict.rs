//! A conflict: what each side has, the contents to compare, and a person's decision.

use serde::{Deserialize, Serialize};
use syncmgr_model::conflict::{self, ConflictKind, Kind};
use syncmgr_model::escape::{escape, unescape};
use syncmgr_model::record;
use syncmgr_model::request::Choice;
use syncmgr_model::resolution::{Pick, PresenterChoice, Substitute};
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
    /// What each of the contents in conflict has, by its index; null where it is in no file, or the
    /// file is too large. Empty for kept versions.
    #[serde(default)]
    pub versions: Vec<Option<Content>>,
}

impl Contents {
    /// Converts what disagrees, with the contents by their indexes.
    #[must_use]
    pub fn of(contents: &record::Contents, versions: &[Option<Vec<u8>>]) -> Self {
        let write = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(Content::from);
        Self {
            versions: versions.iter().map(write).collect(),
            ..Self::from(contents)
        }
    }

    /// Reads the contents by their indexes.
    ///
    /// # Errors
    /// [`Unreadable`] with the first that is no content.
    pub fn read_versions(&self) -> Result<Vec<Option<Vec<u8>>>, Unreadable> {
        let read = |content: &Option<Content>| content.as_ref().map(Vec::try_from).transpose();
        self.versions.iter().map(read).collect()
    }
}

impl From<&record::Contents> for Contents {
    fn from(c: &record::Contents) -> Self {
        Self {
            base: c.base.as_ref().map(Content::from),
            left: c.left.as_ref().map(Content::from),
            right: c.right.as_ref().map(Content::from),
            versions: Vec::new(),
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
    /// The contents with the indexes that come with the decision; several get names of their own.
    Items,
    /// None: what is in conflict is not synced any more.
    Nothing,
    /// It is left for later.
    Skip,
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
    /// The indexes of the contents, when these are what is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub items: Vec<u16>,
}

impl Decision {
    /// Reads what was chosen at the desk; whether it applies to all is said beside it.
    ///
    /// # Errors
    /// [`Unreadable`] when it needs something that is not there, or has something it does not need.
    pub fn pick(&self) -> Result<Pick, Unreadable> {
        let (choice, items) = match self.keep {
            Keep::Items => (
                kept(self)?,
                self.items.iter().copied().map(usize::from).collect(),
            ),
            Keep::Nothing | Keep::Skip => (bare(self)?, Vec::new()),
            Keep::Left | Keep::Right | Keep::Newest | Keep::Both | Keep::Merge | Keep::Content => {
                of_sides(Choice::try_from(self)?)
            }
        };
        Ok(Pick {
            choice,
            items,
            applies_to_all: false,
        })
    }
}

fn kept(decision: &Decision) -> Result<PresenterChoice, Unreadable> {
    if decision.content.is_some() {
        return Err(too_much());
    }
    match decision.items.len() {
        0 => Err(Unreadable {
            what: "the indexes of the contents to keep",
            text: String::new(),
        }),
        1 => Ok(PresenterChoice::KeepOne),
        _ => Ok(PresenterChoice::KeepMultiple),
    }
}

fn bare(decision: &Decision) -> Result<PresenterChoice, Unreadable> {
    if decision.content.is_some() || !decision.items.is_empty() {
        return Err(too_much());
    }
    Ok(match decision.keep {
        Keep::Nothing => PresenterChoice::RemoveFromSyncSet,
        Keep::Skip
        | Keep::Items
        | Keep::Left
        | Keep::Right
        | Keep::Newest
        | Keep::Both
        | Keep::Merge
        | Keep::Content => PresenterChoice::Skip,
    })
}

/// The contents of two sides are the left and the right one, in this order.
fn of_sides(choice: Choice) -> (PresenterChoice, Vec<usize>) {
    match choice {
        Choice::Keep(Side::Left) => (PresenterChoice::KeepOne, vec![0]),
        Choice::Keep(Side::Right) => (PresenterChoice::KeepOne, vec![1]),
        Choice::KeepNewest => (PresenterChoice::KeepRecent, Vec::new()),
        Choice::KeepBoth => (PresenterChoice::KeepMultiple, vec![0, 1]),
        Choice::MergeText => (PresenterChoice::KeepOther(Substitute::Merge), Vec::new()),
        Choice::Merged(bytes) => (
            PresenterChoice::KeepOther(Substitute::Bytes(bytes)),
            Vec::new(),
        ),
    }
}

fn too_much() -> Unreadable {
    Unreadable {
        what: "a decision with something that it does not keep",
        text: String::new(),
    }
}

impl TryFrom<&Decision> for Choice {
    type Error = Unreadable;

    fn try_from(decision: &Decision) -> Result<Self, Unreadable> {
        if !decision.items.is_empty() {
            return Err(too_much());
        }
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
            (Keep::Items | Keep::Nothing | Keep::Skip, _) => Err(Unreadable {
                what: "a decision that no run carries out",
                text: String::new(),
            }),
            (Keep::Left | Keep::Right | Keep::Newest | Keep::Both | Keep::Merge, Some(_)) => {
                Err(too_much())
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
        Self {
            keep,
            content,
            items: Vec::new(),
        }
    }
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
    fn a_decision_is_a_choice_at_the_desk() {
        let pick = |text: &str| serde_json::from_str::<Decision>(text).unwrap().pick();
        for (text, choice, items) in [
            (r#"{"keep":"right"}"#, PresenterChoice::KeepOne, &[1][..]),
            (r#"{"keep":"both"}"#, PresenterChoice::KeepMultiple, &[0, 1]),
            (
                r#"{"keep":"items","items":[2]}"#,
                PresenterChoice::KeepOne,
                &[2],
            ),
            (
                r#"{"keep":"nothing"}"#,
                PresenterChoice::RemoveFromSyncSet,
                &[],
            ),
            (r#"{"keep":"skip"}"#, PresenterChoice::Skip, &[]),
        ] {
            let pick = pick(text).unwrap();
            assert_eq!((pick.choice, &*pick.items), (choice, items), "{text}");
        }
        for bad in [
            r#"{"keep":"items"}"#,
            r#"{"keep":"left","items":[1]}"#,
            r#"{"keep":"skip","items":[1]}"#,
            r#"{"keep":"content"}"#,
        ] {
            assert!(pick(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_decision_with_an_unknown_field_is_refused() {
        let read = serde_json::from_str::<Decision>;
        let left = Decision::from(&Choice::Keep(Side::Left));
        assert_eq!(read(r#"{"keep":"left"}"#).ok(), Some(left));
        assert!(read(r#"{"keep":"left","also":1}"#).is_err());
        assert!(read(r#"{"keep":"everything"}"#).is_err());
    }
}
