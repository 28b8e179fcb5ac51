//! The JSON output: one documented object per command, `"schema": 1` first. Fields may be added;
//! none changes its meaning or goes away within a schema.
//!
//! The schemas in `docs/reference/json` are made from these types (`UPDATE_EXPECT=1 cargo test -p
//! syncmgr`), and every output that a test sees is held against them.
//!
//! Everywhere: times are RFC 3339 in UTC, sizes are bytes, paths are text in which control,
//! invisible and undecodable characters are escaped (`\n`, `\u{..}`, `\x..`, and `\\` for `\`), so
//! that every path can be turned back into its bytes.

use std::collections::BTreeMap;

use serde::Serialize;
use syncmgr_center::command::Outcome;
use syncmgr_engine::path::display_bytes;
use syncmgr_model::catalogue;
use syncmgr_model::conflict::{Conflict, Facts};
use syncmgr_model::preview::{PlannedChange, Preview};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::{SessionRecord, Step, Summary, Tally, Version};
use syncmgr_model::side::PerSide;
use syncmgr_model::trouble::Trouble;

/// The number of this form of the output.
pub(crate) const SCHEMA: u32 = 1;

/// One of each side.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Sides<T> {
    /// The left one.
    pub(crate) left: T,
    /// The right one.
    pub(crate) right: T,
}

impl<T> Sides<T> {
    /// Converts both.
    pub(crate) fn of<'a, S>(sides: &'a PerSide<S>, convert: impl Fn(&'a S) -> T) -> Self {
        Self {
            left: convert(&sides.left),
            right: convert(&sides.right),
        }
    }
}

/// A sync.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ItemJson {
    /// Its id, for good.
    pub(crate) id: String,
    /// Its name, when it is saved.
    pub(crate) name: Option<String>,
    /// Its folders.
    pub(crate) folders: Sides<String>,
}

/// A message.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct NoticeJson {
    /// Stable code.
    pub(crate) code: &'static str,
    /// `information`, `warning` or `error`.
    pub(crate) level: &'static str,
    /// `now`, `later` or `never`.
    pub(crate) retry: &'static str,
    /// What happened.
    pub(crate) what: String,
    /// What it means for the files.
    pub(crate) meaning: String,
    /// What can be done.
    pub(crate) actions: Vec<String>,
    /// The facts in it.
    pub(crate) params: BTreeMap<String, String>,
    /// The paths it is about, at most 200.
    pub(crate) paths: Vec<String>,
}

impl From<&Trouble> for NoticeJson {
    fn from(trouble: &Trouble) -> Self {
        let notice = catalogue::notice(trouble);
        Self {
            code: notice.code.as_str(),
            level: notice.severity.as_str(),
            retry: notice.retry.as_str(),
            what: notice.what,
            meaning: notice.meaning,
            actions: notice.actions,
            params: trouble.params.clone(),
            paths: trouble.paths.clone(),
        }
    }
}

/// What was done on one side.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TallyJson {
    /// New files and links.
    pub(crate) copied: u64,
    /// Replaced files and links.
    pub(crate) updated: u64,
    /// Deleted files and links.
    pub(crate) deleted: u64,
    /// New folders.
    pub(crate) folders_made: u64,
    /// Removed folders.
    pub(crate) folders_removed: u64,
    /// Renames.
    pub(crate) renamed: u64,
    /// Permissions or times set.
    pub(crate) attributes: u64,
    /// Bytes copied.
    pub(crate) bytes: u64,
}

impl From<&Tally> for TallyJson {
    fn from(t: &Tally) -> Self {
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

/// What a run did and left.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SummaryJson {
    /// Done on each side.
    pub(crate) done: Sides<TallyJson>,
    /// Conflicts that wait.
    pub(crate) conflicts: u64,
    /// Changes that wait for an OK.
    pub(crate) held: u64,
    /// Things that should have been synced and were not.
    pub(crate) failures: u64,
    /// Things no tool can sync.
    pub(crate) warnings: u64,
}

impl From<&Summary> for SummaryJson {
    fn from(s: &Summary) -> Self {
        Self {
            done: Sides::of(&s.done, TallyJson::from),
            conflicts: s.n_conflicts,
            held: s.n_held,
            failures: s.n_failures,
            warnings: s.n_warnings,
        }
    }
}

/// A run in history.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RunJson {
    /// Its id.
    pub(crate) run: String,
    /// The sync it worked on.
    pub(crate) item: String,
    /// `sync`, `resolve`, `undo` or `restore`.
    pub(crate) kind: &'static str,
    /// When it began.
    pub(crate) started: String,
    /// When it ended.
    pub(crate) ended: Option<String>,
    /// `succeeded`, `failed`, `canceled`, `disconnected`; null while it runs.
    pub(crate) status: Option<&'static str>,
    /// What it did and left.
    pub(crate) summary: SummaryJson,
}

impl From<&SessionRecord> for RunJson {
    fn from(r: &SessionRecord) -> Self {
        Self {
            run: r.id.to_string(),
            item: r.item.to_string(),
            kind: r.kind.as_str(),
            started: r.started.rfc3339(),
            ended: r.ended.map(|t| t.rfc3339()),
            status: r.status.map(ProgressStatus::as_str),
            summary: SummaryJson::from(&r.summary),
        }
    }
}

/// One planned change.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ChangeJson {
    /// The path below the folders.
    pub(crate) path: String,
    /// On which side it happens.
    pub(crate) side: &'static str,
    /// What happens.
    pub(crate) action: &'static str,
    /// The old name of a rename.
    pub(crate) from: Option<String>,
    /// Bytes copied, or freed by a deletion.
    pub(crate) bytes: u64,
    /// Why, a stable word.
    pub(crate) reason: String,
    /// It waits for an OK.
    pub(crate) held: bool,
}

impl From<&PlannedChange> for ChangeJson {
    fn from(c: &PlannedChange) -> Self {
        Self {
            path: display_bytes(&c.path),
            side: c.side.as_str(),
            action: c.action.as_str(),
            from: c.from.as_deref().map(display_bytes),
            bytes: c.bytes,
            reason: c.reason.to_string(),
            held: c.is_held,
        }
    }
}

/// One side of a conflict.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FactsJson {
    /// `present`, `missing` or `unknown`.
    pub(crate) state: &'static str,
    /// `file`, `folder`, `link`.
    pub(crate) kind: Option<&'static str>,
    /// Bytes.
    pub(crate) size: Option<u64>,
    /// When it was modified.
    pub(crate) modified: Option<String>,
}

impl From<&Facts> for FactsJson {
    fn from(facts: &Facts) -> Self {
        let bare = |state| Self {
            state,
            kind: None,
            size: None,
            modified: None,
        };
        match facts {
            Facts::Missing => bare("missing"),
            Facts::Unknown => bare("unknown"),
            Facts::Present {
                kind,
                size,
                modified,
            } => Self {
                state: "present",
                kind: Some(kind.as_str()),
                size: Some(*size),
                modified: Some(modified.rfc3339()),
            },
        }
    }
}

/// A conflict.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ConflictJson {
    /// Names it; empty in a preview.
    pub(crate) id: String,
    /// The sync it belongs to.
    pub(crate) item: String,
    /// The path below the folders.
    pub(crate) path: String,
    /// `both-changed`, `changed-and-deleted`, `both-new` or `kinds-differ`.
    pub(crate) kind: &'static str,
    /// What each side has.
    pub(crate) sides: Sides<FactsJson>,
    /// Changes beneath a folder that wait with it.
    pub(crate) within: u64,
    /// When it was first seen.
    pub(crate) since: Option<String>,
}

impl ConflictJson {
    /// Converts a conflict of an item.
    pub(crate) fn of(item: &str, c: &Conflict) -> Self {
        Self {
            id: c.id.clone(),
            item: item.to_owned(),
            path: display_bytes(&c.path),
            kind: c.kind.as_str(),
            sides: Sides::of(&c.sides, FactsJson::from),
            within: c.n_within,
            since: c.since.map(|t| t.rfc3339()),
        }
    }
}

/// The answer of `sync`, `undo`, `versions restore`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RunOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The sync.
    pub(crate) sync: ItemJson,
    /// The run.
    #[serde(rename = "result")]
    pub(crate) run: RunJson,
    /// Both sides are equal in everything that can be synced.
    pub(crate) in_sync: bool,
    /// Messages.
    pub(crate) notices: Vec<NoticeJson>,
}

impl RunOutput {
    /// Converts an outcome.
    pub(crate) fn of(sync: ItemJson, outcome: &Outcome) -> Self {
        let s = &outcome.record.summary;
        Self {
            schema: SCHEMA,
            sync,
            run: RunJson::from(&outcome.record),
            in_sync: outcome.record.status == Some(ProgressStatus::Succeeded)
                && s.n_conflicts + s.n_held + s.n_failures == 0,
            notices: outcome
                .events
                .iter()
                .map(|event| NoticeJson::from(&event.trouble))
                .collect(),
        }
    }
}

/// The answer of `preview`, and of `sync`, `undo` and `versions restore` with `--dry-run`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PreviewOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The sync.
    pub(crate) sync: ItemJson,
    /// Identifies the plan.
    pub(crate) plan: String,
    /// Identifies the held part, for `--allow-deletions`.
    pub(crate) held_plan: Option<String>,
    /// Nothing was agreed before.
    pub(crate) first: bool,
    /// What would be done.
    pub(crate) changes: Vec<ChangeJson>,
    /// What waits for a decision.
    pub(crate) conflicts: Vec<ConflictJson>,
    /// Messages.
    pub(crate) notices: Vec<NoticeJson>,
}

impl PreviewOutput {
    /// Converts a preview.
    pub(crate) fn of(sync: ItemJson, preview: &Preview) -> Self {
        Self {
            schema: SCHEMA,
            plan: preview.id.clone(),
            held_plan: preview.held_id.clone(),
            first: preview.is_first,
            changes: preview.changes.iter().map(ChangeJson::from).collect(),
            conflicts: preview
                .conflicts
                .iter()
                .map(|c| ConflictJson::of(&sync.id, c))
                .collect(),
            notices: preview.troubles.iter().map(NoticeJson::from).collect(),
            sync,
        }
    }
}

/// The answer of `resolve`: one entry for each sync that conflicts were decided in.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ResolveOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The conflicts that were meant.
    pub(crate) chosen: u64,
    /// What was done; empty with `--dry-run` and with `--keep skip`.
    pub(crate) runs: Vec<RunOutput>,
    /// What would be done; empty without `--dry-run`.
    pub(crate) previews: Vec<PreviewOutput>,
}

/// One sync in `status`, `list` and `show`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StatusItemJson {
    /// The sync.
    #[serde(flatten)]
    pub(crate) sync: ItemJson,
    /// One of the stable status words.
    pub(crate) status: &'static str,
    /// Why it failed or waits.
    pub(crate) reason: Option<NoticeJson>,
    /// When it last ran.
    pub(crate) last_run: Option<RunJson>,
    /// Its settings.
    pub(crate) settings: BTreeMap<String, serde_json::Value>,
}

/// The answer of `status` and `list`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StatusOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The most severe status.
    pub(crate) status: &'static str,
    /// The headline.
    pub(crate) summary: String,
    /// How many syncs have which status.
    pub(crate) counts: BTreeMap<&'static str, u64>,
    /// The syncs.
    pub(crate) items: Vec<StatusItemJson>,
}

/// The answer of commands that change the saved syncs, and of `show`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ItemOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The sync.
    pub(crate) sync: StatusItemJson,
}

/// The answer of `conflicts` and `conflicts show`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ConflictsOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The conflicts.
    pub(crate) conflicts: Vec<ConflictJson>,
    /// Syncs whose conflicts could not be listed.
    pub(crate) notices: Vec<NoticeJson>,
}

/// The content of a file.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ContentJson {
    /// `utf-8` when the content is text in this encoding, otherwise `hex`.
    pub(crate) encoding: &'static str,
    /// The content: as it is, or two hexadecimal digits for each byte.
    pub(crate) data: String,
}

impl From<&Vec<u8>> for ContentJson {
    fn from(bytes: &Vec<u8>) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self {
                encoding: "utf-8",
                data: text.to_owned(),
            },
            Err(_) => Self {
                encoding: "hex",
                data: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            },
        }
    }
}

/// The answer of `conflicts diff` and `versions diff`; null where there is nothing to show.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DiffOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The path below the folders.
    pub(crate) path: String,
    /// What both last agreed on, or the kept version.
    pub(crate) base: Option<ContentJson>,
    /// What the left side has.
    pub(crate) left: Option<ContentJson>,
    /// What the right side has.
    pub(crate) right: Option<ContentJson>,
}

/// The answer of `history`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HistoryOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// Runs, newest first.
    pub(crate) runs: Vec<RunJson>,
}

/// A step of a run.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StepJson {
    /// The path below the folders.
    pub(crate) path: String,
    /// On which side.
    pub(crate) side: &'static str,
    /// What.
    pub(crate) action: &'static str,
    /// The old name of a rename.
    pub(crate) from: Option<String>,
    /// Bytes.
    pub(crate) bytes: u64,
    /// Why, a stable word.
    pub(crate) reason: String,
    /// `done`, `not-done` or `intended`.
    pub(crate) end: &'static str,
    /// What was there before is kept.
    pub(crate) has_version: bool,
}

impl From<&Step> for StepJson {
    fn from(s: &Step) -> Self {
        Self {
            path: display_bytes(&s.path),
            side: s.side.as_str(),
            action: s.action.as_str(),
            from: s.from.as_deref().map(display_bytes),
            bytes: s.bytes,
            reason: s.reason.to_string(),
            end: s.end.as_str(),
            has_version: s.has_version,
        }
    }
}

/// The answer of `history show`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RunShowOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The run.
    #[serde(rename = "result")]
    pub(crate) run: RunJson,
    /// Messages.
    pub(crate) notices: Vec<NoticeJson>,
    /// Steps in order.
    pub(crate) steps: Vec<StepJson>,
}

/// A kept version.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct VersionJson {
    /// The run that replaced or deleted it.
    pub(crate) run: String,
    /// When.
    pub(crate) replaced: String,
    /// On which side it was.
    pub(crate) side: &'static str,
    /// The path below the folders.
    pub(crate) path: String,
    /// Bytes.
    pub(crate) size: u64,
    /// When it had been modified.
    pub(crate) modified: String,
    /// It was deleted, not replaced.
    pub(crate) deleted: bool,
    /// Where its bytes lie.
    pub(crate) kept_at: String,
}

impl From<&Version> for VersionJson {
    fn from(v: &Version) -> Self {
        Self {
            run: v.run.to_string(),
            replaced: v.replaced_at.rfc3339(),
            side: v.side.as_str(),
            path: display_bytes(&v.path),
            size: v.size,
            modified: v.modified.rfc3339(),
            deleted: v.was_deleted,
            kept_at: display_bytes(&v.kept_at),
        }
    }
}

/// The answer of `versions list`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct VersionsOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The sync.
    pub(crate) sync: ItemJson,
    /// Versions, newest first.
    pub(crate) versions: Vec<VersionJson>,
}

/// The answer of `why`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WhyOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The sync.
    pub(crate) sync: ItemJson,
    /// The path below the folders.
    pub(crate) path: String,
    /// `in-sync`, `nowhere`, `excluded`, `own`, `conflict`, `pending` or `problem`.
    pub(crate) state: &'static str,
    /// The same in words.
    pub(crate) summary: String,
}

/// One check of `doctor`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CheckJson {
    /// What was checked.
    pub(crate) name: &'static str,
    /// It is fine.
    pub(crate) ok: bool,
    /// What was found.
    pub(crate) detail: String,
    /// What helps.
    pub(crate) fix: Option<String>,
}

/// The answer of `doctor`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DoctorOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The checks.
    pub(crate) checks: Vec<CheckJson>,
}

/// The answer of `version`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct VersionOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The version of the program.
    pub(crate) version: &'static str,
}

/// The answer of `man` and `completions`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TextOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The page or the script.
    pub(crate) text: String,
}

/// The answer of any command that could not do its work.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ErrorOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// What happened.
    pub(crate) error: ErrorJson,
}

/// An error.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ErrorJson {
    /// The exit code.
    pub(crate) exit: u8,
    /// Stable code of the message, when it has one.
    pub(crate) code: Option<&'static str>,
    /// What happened.
    pub(crate) message: String,
    /// What helps.
    pub(crate) hints: Vec<String>,
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use schemars::JsonSchema;
    use schemars::generate::SchemaSettings;

    use super::*;

    /// Compares the schema of a type with the documented one.
    fn check<T: JsonSchema>(name: &str) {
        let generator = SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator();
        let schema = generator.into_root_schema_for::<T>();
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/json");
        expect_file![format!("{dir}/{name}.schema.json")].assert_eq(&text);
    }

    #[test]
    fn every_object_is_documented() {
        check::<RunOutput>("run");
        check::<PreviewOutput>("preview");
        check::<ResolveOutput>("resolve");
        check::<StatusOutput>("status");
        check::<ItemOutput>("sync");
        check::<ConflictsOutput>("conflicts");
        check::<DiffOutput>("diff");
        check::<HistoryOutput>("history");
        check::<RunShowOutput>("history-show");
        check::<VersionsOutput>("versions");
        check::<WhyOutput>("why");
        check::<DoctorOutput>("doctor");
        check::<VersionOutput>("version");
        check::<TextOutput>("text");
        check::<ErrorOutput>("error");
    }

    #[test]
    fn content_that_is_not_text_keeps_its_bytes() {
        let content = ContentJson::from(&vec![0xff, 0x0a]);
        assert_eq!((content.encoding, &*content.data), ("hex", "ff0a"));
    }
}
