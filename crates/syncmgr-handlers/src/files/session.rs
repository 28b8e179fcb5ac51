//! One session: look, say what would be done, and do it if that was asked.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use syncmgr_engine::cancel::Cancel;
use syncmgr_engine::entry::Sides;
use syncmgr_engine::journal::{RunId, RunKind};
use syncmgr_engine::monitor::{self, Monitor};
use syncmgr_engine::pair::{self, Dirty, Failure, Pair};
use syncmgr_engine::path::RelPath;
use syncmgr_engine::plan::{Plan, PlanId, Problem};
use syncmgr_model::event::EventLevel;
use syncmgr_model::id::ItemId;
use syncmgr_model::item::Item;
use syncmgr_model::progress::{CancelRequest, Phase, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::request::{self, Choice, Intent, VersionRef, Work};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{ItemProgress, SessionCreator, SyncCallback, SyncRequest};

use super::place::shown;
use super::settings::Chosen;
use super::{FilesHandler, trouble, view};

/// Works on items, one after the other; the contract is that of
/// [`syncmgr_sdk::Handler::synchronize`].
pub(super) fn run(
    handler: &FilesHandler,
    request: &SyncRequest,
    creator: &dyn SessionCreator,
) -> Result<(), Trouble> {
    let ids: Vec<_> = request.items.iter().map(|item| item.id.clone()).collect();
    let callback = creator.create_session(&handler.id, &ids).map_err(|error| {
        Trouble::new(Code::ProtocolFault)
            .with("handler", &handler.id)
            .with("detail", error)
    })?;
    let is_alone = request.items.len() == 1;
    for item in &request.items {
        // What changed is told for a request on one item only.
        let dirty = request.dirty.as_ref().filter(|_| is_alone);
        match sync(handler, item, request, dirty, &callback) {
            Ok(()) => {}
            // The trouble of the only item is that of the session.
            Err(trouble) if is_alone => return Err(trouble),
            Err(trouble) => {
                let status = match trouble.code {
                    Code::Stopped => ProgressStatus::Canceled,
                    Code::FolderMissing => ProgressStatus::Disconnected,
                    _ => ProgressStatus::Failed,
                };
                callback.report_trouble(&item.id, trouble).ok();
                callback.report_status(&item.id, status).ok();
            }
        }
    }
    Ok(())
}

fn sync(
    handler: &FilesHandler,
    item: &Item,
    request: &SyncRequest,
    dirty: Option<&request::Dirty>,
    callback: &Arc<dyn SyncCallback>,
) -> Result<(), Trouble> {
    let (work, intent) = (&request.work, request.intent);
    let home = handler.home.as_deref();
    let mut chosen = handler.chosen(item)?;
    if let Work::Sync { is_full, .. } = work {
        chosen.options.is_full = *is_full;
    }
    let mut pair = match intent {
        // It changes nothing, so it need not wait for a run that does.
        Intent::Preview => handler.open_to_look(item, &chosen)?,
        Intent::Apply => handler.open(item, &chosen)?.into(),
    };
    let cancel = Cancel::new();
    let stop = cancel.clone();
    callback.on_cancel(Box::new(move || stop.cancel()));
    let watch = Watch::new(callback, &item.id, &cancel);

    let dirty = engine_dirty(dirty);
    let plan = plan(&pair, work, &dirty, &chosen, home, &watch, &cancel)?;
    if matches!(work, Work::Sync { .. }) {
        watch.looked(&plan);
    }
    // Known for certain only after the look: damage can lie deep in the memory.
    if let Some(aside) = pair.was_rebuilt() {
        let damaged = Trouble::new(Code::StateDamaged).with("aside", shown(&aside, home));
        callback
            .report_trouble(&item.id, damaged.at_level(EventLevel::Warning))
            .ok();
    }
    match intent {
        Intent::Preview => {
            let mut preview = view::preview(&plan);
            preview.troubles = troubles(work, &plan, &chosen, home);
            callback.report_preview(&item.id, preview).ok();
            callback
                .report_status(&item.id, ProgressStatus::Succeeded)
                .ok();
            Ok(())
        }
        Intent::Apply => {
            let id = RunId::new(callback.run_id()).ok_or_else(|| {
                Trouble::new(Code::NotPossible).with("detail", "the run has a name that is no id")
            })?;
            let report = pair
                .apply(&plan, &id, kind(work), &chosen.options, &watch, &cancel)
                .map_err(|e| trouble::of_failure(e, &chosen, home))?;
            let mut summary = view::summary(&report);
            if !matches!(work, Work::Sync { .. }) {
                // It looked at a few paths only; what waits elsewhere still waits.
                count_elsewhere(&mut pair, &chosen, &mut summary)
                    .map_err(|e| trouble::of_failure(e, &chosen, home))?;
            }
            let say = |trouble| {
                callback.report_trouble(&item.id, trouble).ok();
            };
            tell(&say, work, &plan, &report, &chosen, home);
            callback.report_summary(&item.id, &summary).ok();
            let status = if report.was_stopped {
                ProgressStatus::Canceled
            } else {
                ProgressStatus::Succeeded
            };
            callback.report_status(&item.id, status).ok();
            Ok(())
        }
    }
}

/// Adds what a sync would find in conflict, hold back or leave alone now, so that a decision or an
/// undo never claims more than is so.
fn count_elsewhere(pair: &mut Pair, chosen: &Chosen, summary: &mut Summary) -> Result<(), Failure> {
    let plan = pair.take_stock(&chosen.options)?;
    summary.n_conflicts = plan.conflicts.len() as u64;
    summary.n_held = plan.held().count() as u64;
    let failures = plan
        .problems
        .iter()
        .filter(|problem| problem.kind.is_failure());
    summary.n_failures = summary.n_failures.max(failures.count() as u64);
    Ok(())
}

fn kind(work: &Work) -> RunKind {
    match work {
        Work::Sync { .. } => RunKind::Sync,
        Work::Resolve(_) => RunKind::Resolve,
        Work::Undo(_) => RunKind::Undo,
        Work::Restore(_) => RunKind::Restore,
    }
}

/// Turns what the watch of the center saw into the words of the engine. Anything that does not fit
/// means that everything is looked at.
fn engine_dirty(dirty: Option<&request::Dirty>) -> Dirty {
    let read = |dirty: &request::Dirty| {
        let side = |n: usize| -> Option<BTreeSet<RelPath>> {
            let dirs = dirty.dirs.get(n).into_iter().flatten();
            dirs.map(|dir| RelPath::new(dir).ok()).collect()
        };
        let (left, right) = (side(0)?, side(1)?);
        Some(Dirty::Dirs {
            since: RunId::new(dirty.since.as_str())?,
            dirs: Sides { left, right },
        })
    };
    dirty.and_then(read).unwrap_or(Dirty::All)
}

/// Makes the plan for any kind of work; writes nothing into the folders.
fn plan(
    pair: &Pair,
    work: &Work,
    dirty: &Dirty,
    chosen: &Chosen,
    home: Option<&Path>,
    watch: &Watch<'_>,
    cancel: &Cancel,
) -> Result<Plan, Trouble> {
    let options = &chosen.options;
    let plan = match work {
        Work::Sync { release, .. } => {
            let mut plan = pair
                .plan_changed(dirty, options, watch, cancel)
                .map_err(|e| trouble::of_failure(e, chosen, home))?;
            if let Some(id) = release {
                release_held(&mut plan, id)?;
            }
            return Ok(plan);
        }
        Work::Resolve(choices) => {
            let choices: Vec<_> = choices
                .iter()
                .map(|it| (it.conflict.clone(), engine_choice(&it.choice)))
                .collect();
            pair.plan_resolution(&choices, options)
        }
        Work::Undo(run) => pair.plan_undo(&run_id(run.as_str())?, options),
        Work::Restore(version) => {
            let version = find(pair, version, chosen, home)?;
            pair.plan_restore(&version, options)
        }
    };
    plan.map_err(|e| trouble::of_failure(e, chosen, home))
}

/// Lets the held changes go, if they are exactly the ones a person was shown.
fn release_held(plan: &mut Plan, id: &str) -> Result<(), Trouble> {
    if plan.release(&PlanId(id.to_owned())) {
        return Ok(());
    }
    let now = plan
        .held_id()
        .map_or_else(|| "none".to_owned(), |id| id.to_string());
    Err(Trouble::new(Code::PlanChanged)
        .with("plan", syncmgr_engine::path::display_bytes(id.as_bytes()))
        .with("now", now))
}

/// Turns the id of a run of the center into one of the engine.
pub(super) fn run_id(text: &str) -> Result<RunId, Trouble> {
    RunId::new(text).ok_or_else(|| {
        Trouble::new(Code::NotFound)
            .with("what", "run")
            .with("name", text)
    })
}

fn engine_choice(choice: &Choice) -> pair::Choice {
    match choice {
        Choice::Keep(side) => pair::Choice::Keep(view::engine_side(*side)),
        Choice::KeepNewest => pair::Choice::KeepNewest,
        Choice::KeepBoth => pair::Choice::KeepBoth,
        Choice::Merged(bytes) => pair::Choice::Merged(Arc::from(bytes.as_slice())),
        Choice::MergeText => pair::Choice::MergeText,
    }
}

/// Finds the version a person named.
pub(super) fn find(
    pair: &Pair,
    wanted: &VersionRef,
    chosen: &Chosen,
    home: Option<&Path>,
) -> Result<pair::Version, Trouble> {
    let missing = || {
        Trouble::new(Code::NotFound)
            .with("what", "version of run")
            .with("name", &wanted.run)
    };
    let path = RelPath::new(&wanted.path).map_err(|_| missing())?;
    pair.versions(&path)
        .map_err(|e| trouble::of_failure(e, chosen, home))?
        .into_iter()
        .find(|version| {
            version.path == path
                && version.run.as_str() == wanted.run.as_str()
                && view::side(version.side) == wanted.side
        })
        .ok_or_else(missing)
}

fn troubles(work: &Work, plan: &Plan, chosen: &Chosen, home: Option<&Path>) -> Vec<Trouble> {
    let mut troubles: Vec<_> = plan
        .holds
        .iter()
        .map(|hold| trouble::of_hold(hold, chosen, home))
        .collect();
    troubles.extend(trouble::of_left_apart(plan, chosen, home));
    troubles.extend(of_problems(work, &plan.problems, chosen, home));
    troubles
}

/// Names what was left alone. What an undo finds changed did not change during the run.
fn of_problems(
    work: &Work,
    problems: &[Problem],
    chosen: &Chosen,
    home: Option<&Path>,
) -> Vec<Trouble> {
    let mut troubles = trouble::of_problems(problems, chosen, home);
    if matches!(work, Work::Undo(_)) {
        for trouble in &mut troubles {
            if trouble.code == Code::FileChangedDuringCopy {
                trouble.code = Code::ChangedSince;
            }
        }
    }
    troubles
}

/// Reports the results of a run.
fn tell(
    say: &dyn Fn(Trouble),
    work: &Work,
    plan: &Plan,
    report: &pair::Report,
    chosen: &Chosen,
    home: Option<&Path>,
) {
    if report.was_stopped {
        say(Trouble::new(Code::Stopped).at_level(EventLevel::Information));
    }
    for hold in &plan.holds {
        say(trouble::of_hold(hold, chosen, home)
            .with("plan", plan.held_id().map_or_else(String::new, |id| id.0)));
    }
    let apart = trouble::of_left_apart(plan, chosen, home);
    for trouble in apart
        .into_iter()
        .chain(of_problems(work, &report.problems, chosen, home))
    {
        say(trouble);
    }
}

/// Passes the engine's progress on and a request to stop back.
struct Watch<'a> {
    callback: &'a dyn SyncCallback,
    item: &'a ItemId,
    cancel: &'a Cancel,
    phase: AtomicU8,
}

const PHASES: [Phase; 5] = [
    Phase::Checking,
    Phase::Comparing,
    Phase::Preparing,
    Phase::Copying,
    Phase::Finishing,
];

impl<'a> Watch<'a> {
    fn new(callback: &'a Arc<dyn SyncCallback>, item: &'a ItemId, cancel: &'a Cancel) -> Self {
        Self {
            callback: &**callback,
            item,
            cancel,
            phase: AtomicU8::new(0),
        }
    }

    /// Tells the counts of a finished look. A look at unchanged folders takes them from memory and
    /// is over before it counts anything.
    fn looked(&self, plan: &Plan) {
        let count = |side| {
            let census = &plan.census[side];
            census.n_files + census.n_dirs
        };
        let progress = monitor::Progress {
            n_seen_left: count(syncmgr_engine::entry::Side::Left),
            n_seen_right: count(syncmgr_engine::entry::Side::Right),
            ..monitor::Progress::default()
        };
        self.report(&progress, None);
    }

    fn report(&self, progress: &monitor::Progress, path: Option<&RelPath>) {
        let index = usize::from(self.phase.load(Ordering::Relaxed));
        let status = match progress.n_total {
            Some(_) => ProgressStatus::Updating,
            None => ProgressStatus::UpdatingIndeterminate,
        };
        let report = ItemProgress {
            phase: PHASES.get(index).copied().unwrap_or_default(),
            n_seen_left: progress.n_seen_left,
            n_seen_right: progress.n_seen_right,
            n_done: progress.n_done,
            n_total: progress.n_total,
            bytes_done: progress.bytes_done,
            bytes_total: progress.bytes_total,
            current: path.map(RelPath::as_bytes),
        };
        // A refusal means that the session was given up, so the work had better stop too.
        let answer = self.callback.report_progress(self.item, status, &report);
        if answer != Ok(CancelRequest::None) {
            self.cancel.cancel();
        }
    }
}

impl Monitor for Watch<'_> {
    fn phase(&self, phase: monitor::Phase) {
        let index = match phase {
            monitor::Phase::Checking => 0,
            monitor::Phase::Comparing => 1,
            monitor::Phase::Preparing => 2,
            monitor::Phase::Copying => 3,
            monitor::Phase::Finishing => 4,
        };
        self.phase.store(index, Ordering::Relaxed);
        // At once, so that a phase that takes long without counting is seen to have begun.
        self.report(&monitor::Progress::default(), None);
    }

    fn progress(&self, progress: &monitor::Progress, path: Option<&RelPath>) {
        self.report(progress, path);
    }
}
