//! A run: what was asked, how it ended, what it did step by step.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncmgr_model::escape::{escape, unescape};
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::preview::Action;
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_model::record;
use syncmgr_model::request::{Choice, ChoiceOn, Origin, VersionRef, Work, WorkKind};
use syncmgr_model::side::Side;
use utoipa::ToSchema;

use super::conflict::Decision;
use super::item::{read_settings, write_settings};
use super::{Notice, Progress, Sides, Unreadable, time, word};

/// What was done on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "TallyJson"))]
pub struct Tally {
    /// New files and links.
    pub copied: u64,
    /// Replaced files and links.
    pub updated: u64,
    /// Deleted files and links.
    pub deleted: u64,
    /// New folders.
    pub folders_made: u64,
    /// Removed folders.
    pub folders_removed: u64,
    /// Renames.
    pub renamed: u64,
    /// Permissions or times set.
    pub attributes: u64,
    /// Bytes copied.
    pub bytes: u64,
}

impl From<&record::Tally> for Tally {
    fn from(t: &record::Tally) -> Self {
        Self {
            copied: t.n_copied,
            updated: t.n_updated,
            deleted: t.n_deleted,
            folders_made: t.n_folders_made,
            folders_removed: t.n_folders_removed,
            renamed: t.n_renamed,
            attributes: t.n_attributes,
            bytes: t.bytes,
        }
    }
}

impl From<&Tally> for record::Tally {
    fn from(t: &Tally) -> Self {
        Self {
            n_copied: t.copied,
            n_updated: t.updated,
            n_deleted: t.deleted,
            n_folders_made: t.folders_made,
            n_folders_removed: t.folders_removed,
            n_renamed: t.renamed,
            n_attributes: t.attributes,
            bytes: t.bytes,
        }
    }
}

/// What a run did and left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SummaryJson"))]
pub struct Summary {
    /// Done on each side.
    pub done: Sides<Tally>,
    /// Conflicts that wait.
    pub conflicts: u64,
    /// Changes that wait for an OK.
    pub held: u64,
    /// Things that should have been synced and were not.
    pub failures: u64,
    /// Things no tool can sync.
    pub warnings: u64,
}

impl From<&record::Summary> for Summary {
    fn from(s: &record::Summary) -> Self {
        Self {
            done: Sides::of(&s.done, Tally::from),
            conflicts: s.n_conflicts,
            held: s.n_held,
            failures: s.n_failures,
            warnings: s.n_warnings,
        }
    }
}

impl From<&Summary> for record::Summary {
    fn from(s: &Summary) -> Self {
        Self {
            done: syncmgr_model::side::PerSide {
                left: (&s.done.left).into(),
                right: (&s.done.right).into(),
            },
            n_conflicts: s.conflicts,
            n_held: s.held,
            n_failures: s.failures,
            n_warnings: s.warnings,
        }
    }
}

/// How one sync of a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RunItemJson"))]
pub struct RunItem {
    /// The sync.
    pub item: String,
    /// How it ended; null while it runs.
    pub status: Option<String>,
    /// What was done and left.
    pub summary: Summary,
    /// The phases of the work, in their order, as far as they were reported.
    pub phases: Vec<PhaseAt>,
}

/// When a phase of the work began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PhaseAtJson"))]
pub struct PhaseAt {
    /// Its word, as in progress.
    pub phase: String,
    /// Milliseconds after the run began.
    pub after_ms: u64,
}

/// A run in history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RunJson"))]
pub struct Run {
    /// Its id.
    pub run: String,
    /// Whose work it is.
    pub handler: String,
    /// The sync it worked on; the first one, when there were several.
    pub item: String,
    /// All of them, with how each ended; late additions last.
    pub items: Vec<RunItem>,
    /// `sync`, `resolve`, `undo` or `restore`.
    pub kind: String,
    /// Why it began: `manual`, `schedule`, `change`, `retry`, `catch-up`, `after` or `external`.
    pub origin: String,
    /// The name that goes with it: of the schedule, or of the other sync.
    pub origin_name: Option<String>,
    /// When it began.
    pub started: String,
    /// When it ended.
    pub ended: Option<String>,
    /// `succeeded`, `failed`, `canceled`, `disconnected`; null while it runs.
    pub status: Option<String>,
    /// What it did and left.
    pub summary: Summary,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PastSession {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// How it came out: `ok`, `warnings`, `conflicts`, `held`, `failed`, `missed` or `stopped`; of
    /// the sync that was asked for, where one was. Null while it runs.
    pub outcome: Option<String>,
    /// What its sync is called, the first where it has several; null: that is not known any more.
    pub title: Option<String>,
}

impl From<&record::SessionRecord> for Run {
    fn from(r: &record::SessionRecord) -> Self {
        Self {
            run: r.id.to_string(),
            handler: r.handler.to_string(),
            item: r.item().to_string(),
            items: r
                .items
                .iter()
                .map(|result| RunItem {
                    item: result.item.to_string(),
                    status: result.status.map(|status| status.as_str().to_owned()),
                    summary: Summary::from(&result.summary),
                    phases: result.phases.iter().map(PhaseAt::from).collect(),
                })
                .collect(),
            kind: r.kind.as_str().to_owned(),
            origin: r.origin.parts().0.to_owned(),
            origin_name: r.origin.parts().1.map(str::to_owned),
            started: r.started.rfc3339(),
            ended: r.ended.map(|t| t.rfc3339()),
            status: r.status.map(|status| status.as_str().to_owned()),
            summary: Summary::from(&r.summary),
        }
    }
}

impl TryFrom<&Run> for record::SessionRecord {
    type Error = Unreadable;

    fn try_from(run: &Run) -> Result<Self, Unreadable> {
        Ok(Self {
            id: word("the id of a run", &run.run, |id| SessionId::new(id).ok())?,
            handler: word("the id of a handler", &run.handler, |id| {
                HandlerId::new(id).ok()
            })?,
            items: run.items.iter().map(result).collect::<Result<_, _>>()?,
            kind: word("a kind of work", &run.kind, WorkKind::parse)?,
            origin: word("a reason of a run", &run.origin, |text| {
                Origin::parse(text, run.origin_name.as_deref())
            })?,
            started: time(&run.started)?,
            ended: run.ended.as_deref().map(time).transpose()?,
            status: ended(run.status.as_deref())?,
            summary: (&run.summary).into(),
        })
    }
}

fn ended(status: Option<&str>) -> Result<Option<ProgressStatus>, Unreadable> {
    status
        .map(|text| word("the end of a run", text, ProgressStatus::parse))
        .transpose()
}

fn result(item: &RunItem) -> Result<record::ItemResult, Unreadable> {
    Ok(record::ItemResult {
        item: word("the id of a sync", &item.item, |id| ItemId::new(id).ok())?,
        status: ended(item.status.as_deref())?,
        summary: (&item.summary).into(),
        phases: item
            .phases
            .iter()
            .filter_map(|at| {
                let phase = Phase::parse(&at.phase)?;
                let after_ms = at.after_ms;
                Some(record::PhaseAt { phase, after_ms })
            })
            .collect(),
    })
}

impl From<&record::PhaseAt> for PhaseAt {
    fn from(at: &record::PhaseAt) -> Self {
        Self {
            phase: at.phase.word(),
            after_ms: at.after_ms,
        }
    }
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "StepJson"))]
pub struct Step {
    /// The path below the folders.
    pub path: String,
    /// On which side.
    pub side: String,
    /// What.
    pub action: String,
    /// The old name of a rename.
    pub from: Option<String>,
    /// Bytes.
    pub bytes: u64,
    /// Why, a stable word.
    pub reason: String,
    /// `done`, `not-done` or `intended`.
    pub end: String,
    /// What was there before is kept.
    pub has_version: bool,
}

impl From<&record::Step> for Step {
    fn from(s: &record::Step) -> Self {
        Self {
            path: escape(&s.path),
            side: s.side.as_str().to_owned(),
            action: s.action.as_str().to_owned(),
            from: s.from.as_deref().map(escape),
            bytes: s.bytes,
            reason: s.reason.to_string(),
            end: s.end.as_str().to_owned(),
            has_version: s.has_version,
        }
    }
}

impl TryFrom<&Step> for record::Step {
    type Error = Unreadable;

    fn try_from(s: &Step) -> Result<Self, Unreadable> {
        Ok(Self {
            path: unescape(&s.path),
            side: word("a side", &s.side, Side::parse)?,
            action: word("a step", &s.action, Action::parse)?,
            from: s.from.as_deref().map(unescape),
            bytes: s.bytes,
            reason: Cow::Owned(s.reason.clone()),
            end: word("the end of a step", &s.end, record::StepEnd::parse)?,
            has_version: s.has_version,
        })
    }
}

/// What a run is to be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Carry it out.
    #[default]
    Sync,
    /// Only say what would be done.
    Preview,
}

/// Asks for a run over one or more syncs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunNew {
    /// Ids of the syncs, at least one.
    #[schema(min_items = 1, max_items = 1000)]
    pub items: Vec<String>,
    /// Carry it out, or only say what would be done.
    #[serde(default)]
    pub mode: Mode,
    /// Compare every content, not only where size and times cannot decide.
    #[serde(default)]
    pub full: bool,
    /// Lets the held changes with this id go, once; only with a single sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The plan of the preview that was seen: when it is another one now, nothing begins. Looking
    /// takes as long as a preview; only with a single sync that is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// What a request to stop covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelScope {
    /// The item worked on now; the others go on.
    Item,
    /// The whole run.
    #[default]
    All,
}

/// Asks a run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// What to stop.
    #[serde(default)]
    pub scope: CancelScope,
}

/// How one session of a request was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunAccepted {
    /// The run it will be, or is.
    pub run: String,
    /// `started`, `queued`, `joined` (the same was queued already) or `nothing` (to do).
    pub taken: String,
    /// Syncs that are left out, each with the reason.
    pub dropped: Vec<Dropped>,
}

/// A sync that is left out of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dropped {
    /// Which one.
    pub item: String,
    /// Why.
    pub notice: Notice,
}

/// How a request for runs was taken: one run for each handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunsAccepted {
    /// The runs.
    pub runs: Vec<RunAccepted>,
}

/// A run that waits or works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenRun {
    /// Its id.
    pub run: String,
    /// Whose work it is.
    pub handler: String,
    /// `sync`, `resolve`, `undo` or `restore`.
    pub kind: String,
    /// It only says what would be done.
    pub preview: bool,
    /// Why it began, a word as in history.
    pub origin: String,
    /// When it was asked for.
    pub asked: String,
    /// When it began; null: it waits.
    pub started: Option<String>,
    /// Its syncs.
    pub items: Vec<OpenItem>,
    /// It was asked to stop.
    pub stopping: bool,
    /// A program outside works.
    pub external: bool,
    /// What it waits for.
    pub waits_for: Option<Notice>,
}

/// A sync in a run that waits or works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenItem {
    /// Which one.
    pub item: String,
    /// Its status; null: its turn has not come.
    pub status: Option<String>,
    /// Where it stands.
    pub progress: Progress,
}

/// A run, wherever it is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunState {
    /// What history has of it; null: it waits, or was a preview.
    pub record: Option<Run>,
    /// What it is doing; null: it has ended.
    pub open: Option<OpenRun>,
    /// How it came out as a whole, the word that the history has: `ok`, `warnings`, `conflicts`,
    /// `held`, `failed`, `missed` or `stopped`; null while that is not known.
    pub outcome: Option<String>,
}

/// What a run did, in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The run.
    pub record: Run,
    /// Its results.
    pub notices: Vec<Notice>,
    /// Its steps in order, one list for each of its syncs.
    pub items: Vec<ReportItem>,
}

/// What a run did with one sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportItem {
    /// Which one.
    pub item: String,
    /// The steps.
    pub steps: Vec<Step>,
}

/// What a run would do with one sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemPreview {
    /// Which one.
    pub item: String,
    /// What would be done.
    pub preview: super::Preview,
}

/// A wish for one run as a command line has it: a sync with the settings of this run, saved or not,
/// and any work that a handler does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunWith {
    /// The sync.
    pub item: ItemWith,
    /// Do it, or only say what would be done.
    #[serde(default)]
    pub mode: Mode,
    /// What to do.
    pub work: WorkWith,
    /// The plan of the preview that was seen: when it is another one now, nothing begins. Looking
    /// takes as long as a preview; only with a sync that is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// A sync with the settings of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemWith {
    /// Its id.
    #[schema(min_length = 1, max_length = 63)]
    pub id: String,
    /// Its name, when it is saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 127)]
    pub name: Option<String>,
    /// Its handler.
    #[schema(min_length = 1, max_length = 63)]
    pub handler: String,
    /// Its settings: texts, whole numbers, lists of texts.
    #[serde(default)]
    pub settings: BTreeMap<String, serde_json::Value>,
}

impl From<&syncmgr_model::item::Item> for ItemWith {
    fn from(item: &syncmgr_model::item::Item) -> Self {
        Self {
            id: item.id.to_string(),
            name: item.name.clone(),
            handler: item.handler.to_string(),
            settings: write_settings(&item.settings),
        }
    }
}

impl TryFrom<&ItemWith> for syncmgr_model::item::Item {
    type Error = Unreadable;

    fn try_from(item: &ItemWith) -> Result<Self, Unreadable> {
        Ok(Self {
            id: word("the id of a sync", &item.id, |id| ItemId::new(id).ok())?,
            handler: word("the id of a handler", &item.handler, |id| {
                HandlerId::new(id).ok()
            })?,
            name: item.name.clone(),
            settings: read_settings(&item.settings)?,
            is_enabled: true,
        })
    }
}

/// The work of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum WorkWith {
    /// Bring both sides together.
    Sync {
        /// Compare the content of every file.
        #[serde(default)]
        full: bool,
        /// Let the held part of the plan with this id go.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<String>,
    },
    /// Carry out decisions on conflicts.
    Resolve {
        /// The decisions.
        decisions: Vec<DecisionOn>,
    },
    /// Take back what a run did.
    Undo {
        /// The run.
        run: String,
    },
    /// Bring a kept version back.
    Restore {
        /// The run that kept it.
        run: String,
        /// The side it was on.
        side: String,
        /// Where it was.
        path: String,
    },
}

/// A decision on one conflict, by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionOn {
    /// The conflict.
    pub conflict: String,
    /// What was decided.
    pub decision: Decision,
    /// The state it was decided on, as a conflict names it in `seen`: the decision is carried out on
    /// nothing that came later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
}

impl From<&Work> for WorkWith {
    fn from(work: &Work) -> Self {
        match work {
            Work::Sync { is_full, release } => Self::Sync {
                full: *is_full,
                release: release.clone(),
            },
            Work::Resolve(decisions) => Self::Resolve {
                decisions: decisions
                    .iter()
                    .map(|it| DecisionOn {
                        conflict: it.conflict.clone(),
                        decision: (&it.choice).into(),
                        seen: it.seen.clone(),
                    })
                    .collect(),
            },
            Work::Undo(run) => Self::Undo {
                run: run.to_string(),
            },
            Work::Restore(version) => Self::Restore {
                run: version.run.to_string(),
                side: version.side.as_str().to_owned(),
                path: escape(&version.path),
            },
        }
    }
}

impl TryFrom<&WorkWith> for Work {
    type Error = Unreadable;

    fn try_from(work: &WorkWith) -> Result<Self, Unreadable> {
        let run = |id: &String| word("the id of a run", id, |id| SessionId::new(id).ok());
        Ok(match work {
            WorkWith::Sync { full, release } => Self::Sync {
                is_full: *full,
                release: release.clone(),
            },
            WorkWith::Resolve { decisions } => {
                let read = |one: &DecisionOn| {
                    Ok(ChoiceOn {
                        conflict: one.conflict.clone(),
                        choice: Choice::try_from(&one.decision)?,
                        seen: one.seen.clone(),
                    })
                };
                Self::Resolve(
                    decisions
                        .iter()
                        .map(read)
                        .collect::<Result<_, Unreadable>>()?,
                )
            }
            WorkWith::Undo { run: id } => Self::Undo(run(id)?),
            WorkWith::Restore {
                run: id,
                side,
                path,
            } => Self::Restore(VersionRef {
                run: run(id)?,
                side: word("a side", side, Side::parse)?,
                path: unescape(path),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_is_read_back() {
        let run = SessionId::new("20261120-180000000-0001").unwrap();
        for work in [
            Work::Sync {
                is_full: true,
                release: Some("0123456789".into()),
            },
            Work::Resolve(vec![ChoiceOn {
                conflict: "abcd".into(),
                choice: Choice::Keep(Side::Left),
                seen: Some("ef01".into()),
            }]),
            Work::Undo(run.clone()),
            Work::Restore(VersionRef {
                run,
                side: Side::Right,
                path: b"a\n\xff".to_vec(),
            }),
        ] {
            let text = serde_json::to_string(&WorkWith::from(&work)).unwrap();
            let wire: WorkWith = serde_json::from_str(&text).unwrap();
            assert_eq!(Work::try_from(&wire), Ok(work));
        }
        let more = r#"{"kind":"undo","run":"r","also":1}"#;
        assert!(serde_json::from_str::<WorkWith>(more).is_err());
    }
}
