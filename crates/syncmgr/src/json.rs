//! The JSON output: one documented object per command, `"schema": 1` first. Fields may be added;
//! none changes its meaning or goes away within a schema.
//!
//! What it speaks of (a sync, a run, a conflict) are the resources of the API: one truth for both.
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
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::ProgressStatus;

pub(crate) use syncmgr_api::wire::{
    Change as ChangeJson, Conflict as ConflictJson, Content as ContentJson, Event as ResultJson,
    FoundSync as FoundJson, Item as ItemJson, ItemState as StatusItemJson,
    ListedConflict as ListedConflictJson, Notice as NoticeJson, Progress as ProgressJson,
    Run as RunJson, Sides, Silent as SilentJson, Step as StepJson, Version as VersionJson,
    desk::Resolved as ResolvedJson,
};

/// The number of this form of the output.
pub(crate) const SCHEMA: u32 = 1;

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
    /// What became of each conflict.
    pub(crate) outcomes: Vec<ResolvedJson>,
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
    pub(crate) items: Vec<StatusEntryJson>,
}

/// A sync with all of its state.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StatusEntryJson {
    /// The sync and its state.
    #[serde(flatten)]
    pub(crate) state: StatusItemJson,
    /// The status in words.
    pub(crate) words: String,
    /// Until when nothing of it begins by itself: a time, or `forever`; null when it is not paused.
    pub(crate) paused_until: Option<String>,
    /// When it runs by itself next; null without a daemon, and when it does not by the clock.
    pub(crate) next_run: Option<String>,
    /// Where its run stands; null when none works, or that is not known here.
    pub(crate) progress: Option<ProgressJson>,
    /// Errors that nobody has looked at.
    pub(crate) unseen: u64,
}

/// One line of `watch`: a sync whose state changed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WatchOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// When.
    pub(crate) at: String,
    /// The sync.
    pub(crate) item: StatusEntryJson,
}

/// The answer of `sync` and `preview` for several syncs, and with `--no-wait`.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RunsOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// What was done.
    pub(crate) runs: Vec<RunOutput>,
    /// What would be done.
    pub(crate) previews: Vec<PreviewOutput>,
    /// Runs that nobody waited for.
    pub(crate) accepted: Vec<AcceptedJson>,
    /// Syncs that did not run, and why.
    pub(crate) failed: Vec<NotRunJson>,
}

/// A run that goes on without being waited for.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AcceptedJson {
    /// The sync.
    pub(crate) sync: ItemJson,
    /// The run.
    pub(crate) run: String,
    /// `started`, `queued` or `joined`.
    pub(crate) taken: String,
}

/// A sync that did not run.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct NotRunJson {
    /// The sync.
    pub(crate) sync: ItemJson,
    /// Why not.
    pub(crate) error: ErrorJson,
}

/// The answer of `stop`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StopOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The runs that were asked to stop.
    pub(crate) runs: Vec<String>,
    /// They have ended.
    pub(crate) ended: bool,
}

/// The answer of `results`; with `--follow` one for each result.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ResultsOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// Results, newest first.
    pub(crate) results: Vec<ResultJson>,
}

/// The answer of `handler`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HandlersOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The handlers.
    pub(crate) handlers: Vec<HandlerJson>,
}

/// The answer of `handler check`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HandlerCheckOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The id of the handler, as it says.
    pub(crate) handler: String,
    /// No case failed.
    pub(crate) passed: bool,
    /// The one line that sums it up.
    pub(crate) headline: String,
    /// The cases in their order.
    pub(crate) cases: Vec<CheckCaseJson>,
}

/// A case of the conformance kit.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CheckCaseJson {
    /// Its name.
    pub(crate) name: String,
    /// What it asks of a handler.
    pub(crate) about: String,
    /// `passed`, `failed` or `skipped`.
    pub(crate) result: &'static str,
    /// Why it failed or was skipped.
    pub(crate) reason: Option<String>,
    /// How long it took, in milliseconds.
    pub(crate) elapsed_ms: u64,
}

/// The answer of `handler new`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HandlerNewOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The id of the new handler.
    pub(crate) handler: String,
    /// Its folder.
    pub(crate) folder: String,
    /// The command that starts it.
    pub(crate) command: Vec<String>,
}

/// A handler.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HandlerJson {
    /// Its id.
    pub(crate) id: String,
    /// What it is called.
    pub(crate) name: String,
    /// What it says about itself.
    pub(crate) text: String,
    /// It is set up.
    pub(crate) active: bool,
    /// Its syncs may run.
    pub(crate) enabled: bool,
    /// What it syncs with can be reached.
    pub(crate) connected: bool,
    /// It does not answer.
    pub(crate) silent: bool,
    /// Its runs that work now.
    pub(crate) running: Vec<String>,
    /// Its process, when a person installed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) process: Option<ProcessJson>,
}

/// The process of a handler that a person installed.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ProcessJson {
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// Its version, as it says.
    pub(crate) version: Option<String>,
    /// It is kept to its folders.
    pub(crate) sandbox: bool,
    /// Why not, when it is not.
    pub(crate) why_no_sandbox: Option<String>,
    /// It may talk to services that run as you, also to syncmgr, although it has a sandbox.
    pub(crate) sockets: bool,
    /// What it can read and change beside its private folder, when it is kept to that.
    pub(crate) folders: Vec<String>,
    /// The number of its process, while it runs.
    pub(crate) pid: Option<u32>,
    /// It stopped too often and is not started until somebody restarts it.
    pub(crate) off: bool,
}

impl From<syncmgr_api::wire::handler::HandlerProcess> for ProcessJson {
    fn from(process: syncmgr_api::wire::handler::HandlerProcess) -> Self {
        Self {
            command: process.command,
            version: process.version,
            sandbox: process.sandbox,
            why_no_sandbox: process.why_no_sandbox,
            sockets: process.sockets,
            folders: process.folders,
            pid: process.pid,
            off: process.off,
        }
    }
}

/// The answer of `handler install` and `remove`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HandlerInstalled {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The handler.
    pub(crate) handler: String,
    /// It is kept to its folders.
    pub(crate) sandbox: bool,
}

/// The answer of `handler logs`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HandlerLog {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The handler.
    pub(crate) handler: String,
    /// The last part of its log, line by line.
    pub(crate) lines: Vec<String>,
}

impl From<syncmgr_api::wire::Handler> for HandlerJson {
    fn from(handler: syncmgr_api::wire::Handler) -> Self {
        Self {
            id: handler.id,
            name: handler.name,
            text: handler.text,
            active: handler.active,
            enabled: handler.enabled,
            connected: handler.connected,
            silent: handler.silent,
            running: handler.running,
            process: handler.process.map(ProcessJson::from),
        }
    }
}

impl From<&syncmgr_center::state::HandlerView> for HandlerJson {
    fn from(view: &syncmgr_center::state::HandlerView) -> Self {
        let memory = &view.memory;
        Self {
            id: memory.id.to_string(),
            name: memory.name.clone(),
            text: view.text.clone(),
            active: memory.is_active,
            enabled: memory.is_enabled,
            connected: memory.is_connected,
            silent: view.is_silent,
            running: view.running.iter().map(ToString::to_string).collect(),
            process: None,
        }
    }
}

/// The answer of `schedule show`, `set` and `clear`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SchedulesOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The schedules.
    pub(crate) schedules: Vec<ScheduleJson>,
}

/// A schedule.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ScheduleJson {
    /// Its name.
    pub(crate) name: String,
    /// When it starts runs, in a sentence.
    pub(crate) sentence: String,
    /// It is on.
    pub(crate) enabled: bool,
    /// The syncs; null for all.
    pub(crate) syncs: Option<Vec<String>>,
    /// When, as typed.
    pub(crate) triggers: Vec<String>,
    /// Only then, as typed.
    pub(crate) windows: Vec<String>,
    /// The next times by the clock.
    pub(crate) next: Vec<String>,
}

/// The answer of `schedule next`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct NextOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The next runs, the first one first.
    pub(crate) runs: Vec<ComingJson>,
}

/// A run to come.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ComingJson {
    /// When.
    pub(crate) at: String,
    /// The name of the sync.
    pub(crate) sync: String,
    /// The name of the schedule.
    pub(crate) schedule: String,
}

/// The answer of `config`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ConfigOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The file.
    pub(crate) path: String,
    /// The place that was asked for.
    pub(crate) key: Option<String>,
    /// The value as it stands in the file; of `export` the whole file.
    pub(crate) value: Option<String>,
    /// Where the value comes from.
    pub(crate) source: Option<String>,
}

/// The answer of `open`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OpenOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The address; signs in once, within a short time.
    pub(crate) url: String,
}

/// The answer of `alert test`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AlertsOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The alerts that were tried.
    pub(crate) alerts: Vec<AlertJson>,
}

/// An alert that was tried.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AlertJson {
    /// Its name.
    pub(crate) name: String,
    /// The notice arrived.
    pub(crate) arrived: bool,
    /// Why it did not.
    pub(crate) notice: Option<NoticeJson>,
}

/// The answer of commands that change the saved syncs, and of `show`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ItemOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The sync.
    pub(crate) sync: StatusItemJson,
    /// What has to be said about it: other syncs that work on its folders.
    pub(crate) notices: Vec<NoticeJson>,
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
    /// Those of every handler, also such that are not about files, with what can be decided.
    pub(crate) all: Vec<CaseJson>,
}

/// A conflict of any handler.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CaseJson {
    /// Names it in a command line.
    pub(crate) id: String,
    /// What `--keep` can be.
    pub(crate) keep: Vec<String>,
    /// The conflict.
    #[serde(flatten)]
    pub(crate) conflict: ListedConflictJson,
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
    /// What each of the contents in conflict has, by its index; empty for versions.
    pub(crate) contents: Vec<Option<ContentJson>>,
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

/// The answer of `secret`: what is kept, never a value.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SecretsOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The secrets that are kept.
    pub(crate) secrets: Vec<SecretJson>,
}

/// A secret that is kept.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SecretJson {
    /// The name of the sync; null: it is not saved any more.
    pub(crate) sync: Option<String>,
    /// The id of the sync.
    pub(crate) item: String,
    /// Whose it is.
    pub(crate) handler: String,
    /// Which setting.
    pub(crate) key: String,
    /// `keyring` or `file`.
    pub(crate) place: &'static str,
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
    /// `in-sync`, `nowhere`, `excluded`, `own`, `conflict`, `pending` or `problem`; `unexplained`
    /// where the handler of the sync tells nothing of single files.
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

/// The answer of `daemon start`, `stop`, `restart` and `status`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DaemonOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// It runs.
    pub(crate) is_running: bool,
    /// Its process; null when it does not run, or where it cannot be seen.
    pub(crate) pid: Option<i32>,
    /// Its version.
    pub(crate) version: Option<String>,
    /// Since when it runs, RFC 3339.
    pub(crate) since: Option<String>,
    /// Its socket.
    pub(crate) socket: Option<String>,
    /// Its address for browsers; null when it listens on no port.
    pub(crate) address: Option<String>,
    /// The headline of all syncs; null when it was not asked.
    pub(crate) summary: Option<String>,
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

/// The answer of `man`, `completions` and `doctor --report`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TextOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The page, the script or the report.
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
        check::<ImportOutput>("import");
        check::<ItemOutput>("sync");
        check::<ConflictsOutput>("conflicts");
        check::<DiffOutput>("diff");
        check::<HistoryOutput>("history");
        check::<RunShowOutput>("history-show");
        check::<VersionsOutput>("versions");
        check::<WhyOutput>("why");
        check::<DoctorOutput>("doctor");
        check::<RunsOutput>("runs");
        check::<WatchOutput>("watch");
        check::<StopOutput>("stop");
        check::<ResultsOutput>("results");
        check::<HandlersOutput>("handlers");
        check::<HandlerCheckOutput>("handler-check");
        check::<HandlerNewOutput>("handler-new");
        check::<HandlerInstalled>("handler-installed");
        check::<HandlerLog>("handler-log");
        check::<SchedulesOutput>("schedules");
        check::<NextOutput>("next");
        check::<ConfigOutput>("config");
        check::<OpenOutput>("open");
        check::<SecretsOutput>("secrets");
        check::<AlertsOutput>("alerts");
        check::<DaemonOutput>("daemon");
        check::<VersionOutput>("version");
        check::<TextOutput>("text");
        check::<ErrorOutput>("error");
    }
}

/// The answer of `import`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ImportOutput {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// What was found and is no sync yet.
    pub(crate) found: Vec<FoundJson>,
    /// The names of what was added now.
    pub(crate) added: Vec<String>,
    /// Where it could not be looked.
    pub(crate) silent: Vec<SilentJson>,
}
