//! Conflicts of every handler, and decisions on them.

use serde::{Deserialize, Serialize};
use syncmgr_model::conflict::{self, Card, ContentKind};
use syncmgr_model::resolution::{Abilities, Pick, PresenterChoice};
use syncmgr_model::time::Timestamp;
use utoipa::ToSchema;

use super::Notice;
use super::conflict::{Conflict, Decision};
use super::run::RunAccepted;

/// One of the contents that disagree. Its index among them names it in a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConflictVersion {
    /// What it is called.
    pub name: String,
    /// What it will be called when several are kept; null: as it is.
    pub kept_name: Option<String>,
    /// Where it is, in a word.
    pub place: String,
    /// Where it is, in full.
    pub location: String,
    /// It was deleted there.
    pub deleted: bool,
    /// Bytes, when known.
    pub size: Option<u64>,
    /// When it was modified, when known.
    pub modified: Option<String>,
    /// It is in a file, whose bytes can be asked for.
    pub readable: bool,
}

impl From<&conflict::Content> for ConflictVersion {
    fn from(content: &conflict::Content) -> Self {
        Self {
            name: content.name().to_owned(),
            kept_name: content.alternate_name.clone(),
            place: content.short_location.clone(),
            location: content.full_location.clone(),
            deleted: content.kind == ContentKind::Deleted,
            size: content.size,
            modified: content.modified.map(|time| time.rfc3339()),
            readable: content.path.is_some(),
        }
    }
}

/// A conflict of any handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListedConflict {
    /// Leads to it for as long as it exists: `conflict://HANDLER/ITEM/ID`.
    pub address: String,
    /// Whose it is.
    pub handler: String,
    /// Of which sync; null: of the handler itself.
    pub item: Option<String>,
    /// Its kind, a stable word of its handler.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// When it was found, when known.
    pub found: Option<String>,
    /// What disagrees.
    pub versions: Vec<ConflictVersion>,
    /// What can be decided beside to keep one: `several`, `newest`, `other`, `nothing`.
    pub can: Vec<String>,
    /// What it is about on two sides, where it is about a file; null: it is not.
    pub file: Option<Conflict>,
    /// Names this state of it. A decision says which state it is about.
    pub seen: String,
}

impl ListedConflict {
    /// Converts a conflict; the caller names its state.
    #[must_use]
    pub fn of(
        card: &Card,
        versions: &[conflict::Content],
        abilities: Abilities,
        file: Option<&conflict::Conflict>,
    ) -> Self {
        let item = card.address.item.as_ref();
        let id = item.map_or("", |item| item.as_str());
        Self {
            address: card.address.to_string(),
            handler: card.address.handler.to_string(),
            item: item.map(ToString::to_string),
            kind: card.kind.clone(),
            name: card.name.clone(),
            description: card.description.clone(),
            found: card.found_at.map(|time| time.rfc3339()),
            versions: versions.iter().map(ConflictVersion::from).collect(),
            can: words(abilities),
            file: file.map(|file| Conflict::of(id, file)),
            seen: String::new(),
        }
    }
}

fn words(abilities: Abilities) -> Vec<String> {
    [
        (Abilities::KEEP_MULTIPLE, "several"),
        (Abilities::KEEP_RECENT, "newest"),
        (Abilities::KEEP_OTHER, "other"),
        (Abilities::REMOVE_FROM_SYNC_SET, "nothing"),
    ]
    .into_iter()
    .filter(|(ability, _)| abilities.contains(*ability))
    .map(|(_, word)| word.to_owned())
    .collect()
}

/// Whose conflicts are not known now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Silent {
    /// The handler.
    pub handler: String,
    /// The sync; null: the handler as a whole.
    pub item: Option<String>,
    /// Why.
    pub notice: Notice,
}

/// A part of the list of conflicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Conflicts {
    /// The conflicts, in the order that was asked for.
    pub items: Vec<ListedConflict>,
    /// Leads to the next part; null at the end.
    pub next_cursor: Option<String>,
    /// How many fit, in all parts together.
    pub total: u64,
    /// Who could not be asked: their conflicts are missing here, and are not gone.
    pub silent: Vec<Silent>,
}

/// Decides one conflict. It is carried out only if the conflict still is what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveOne {
    /// The address of the conflict.
    #[schema(min_length = 1, max_length = 1024)]
    pub conflict: String,
    /// The state it was in when the person decided (its `seen`); the answer is 409
    /// `state-changed` when it has changed since.
    #[schema(min_length = 1, max_length = 64)]
    pub seen: String,
    /// The decision; may be left out where another one applies to all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The decision also holds for those of this request that have none, are of the same kind and
    /// of the same handler.
    #[serde(default)]
    pub for_all: bool,
}

/// Decides all conflicts that fit, in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveMatching {
    /// Conditions joined by `and`: `path~PATTERN`, `text~WORDS`, `kind=WORD`, `item=ID`,
    /// `handler=ID`, `since=TIME`, `until=TIME`. Empty: every conflict.
    #[schema(max_length = 4096)]
    pub filter: String,
    /// The decision.
    pub decision: Decision,
    /// What a preview of the same filter called the states of all that fit; needed unless this is
    /// a preview. The answer is 409 `state-changed` when others fit now, or one has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 64)]
    pub seen: Option<String>,
}

/// Decides conflicts: some that are named, or all that fit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// Decisions on conflicts that are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10000)]
    pub decisions: Vec<ResolveOne>,
    /// One decision on all that fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<ResolveMatching>,
    /// Only say what would be done.
    #[serde(default)]
    pub preview: bool,
}

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resolved {
    /// The address of the conflict.
    pub conflict: String,
    /// `done`: it was carried out or goes with one of the runs, and the list says when the conflict
    /// is gone; `skipped`: it was left; `untouched`: its turn did not come; `failed`.
    pub outcome: String,
    /// Why it failed.
    pub notice: Option<Notice>,
    /// The contents that are kept, by their indexes: those of the conflict when it was decided.
    pub keeps: Vec<u16>,
    /// The contents in whose place something else comes, by their indexes.
    pub replaces: Vec<u16>,
}

impl Resolved {
    /// Describes what became of a decision on a conflict with these contents. A decision that was
    /// previewed would do what one that was carried out did.
    #[must_use]
    pub fn of(
        conflict: String,
        outcome: &str,
        notice: Option<Notice>,
        pick: Option<&Pick>,
        versions: &[ConflictVersion],
    ) -> Self {
        let (keeps, replaces) = match (outcome, pick) {
            ("done", Some(pick)) => effect(pick, versions),
            (_, _) => (Vec::new(), Vec::new()),
        };
        Self {
            conflict,
            outcome: outcome.to_owned(),
            notice,
            keeps,
            replaces,
        }
    }
}

/// Returns which contents a decision keeps and which it replaces.
fn effect(pick: &Pick, versions: &[ConflictVersion]) -> (Vec<u16>, Vec<u16>) {
    let kept: Vec<usize> = match pick.choice {
        PresenterChoice::KeepOne | PresenterChoice::KeepMultiple => pick.items.clone(),
        // Without times nobody can say which one it will be.
        PresenterChoice::KeepRecent => match newest(versions) {
            Some(at) => vec![at],
            None => return (Vec::new(), Vec::new()),
        },
        PresenterChoice::KeepOther(_) => Vec::new(),
        PresenterChoice::NoChoice | PresenterChoice::RemoveFromSyncSet | PresenterChoice::Skip => {
            return (Vec::new(), Vec::new());
        }
    };
    let index = |at: &usize| u16::try_from(*at).ok();
    let all: Vec<usize> = (0..versions.len()).collect();
    let others = all.iter().filter(|at| !kept.contains(at));
    (
        kept.iter().filter_map(index).collect(),
        others.filter_map(index).collect(),
    )
}

/// Returns which content was modified last; a change beats a deletion.
fn newest(versions: &[ConflictVersion]) -> Option<usize> {
    let there = versions.iter().enumerate().filter(|(_, it)| !it.deleted);
    let times = there.map(|(at, it)| {
        let time = it.modified.as_deref().and_then(Timestamp::parse_rfc3339);
        Some((time?, at))
    });
    let mut times = times.collect::<Option<Vec<_>>>()?;
    times.sort_unstable();
    match times.as_slice() {
        [.., (before, _), (last, _)] if before == last => None,
        [.., (_, at)] => Some(*at),
        [] => None,
    }
}

/// What became of decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResolveAnswer {
    /// The runs that carry them out, or previews of them.
    pub runs: Vec<RunAccepted>,
    /// The sync that each of these runs works on, in their order: `HANDLER/ID`.
    pub syncs: Vec<String>,
    /// What became of each.
    pub outcomes: Vec<Resolved>,
    /// Names the states of all that were meant, as they were.
    pub seen: String,
}
