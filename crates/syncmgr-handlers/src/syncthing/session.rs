//! A run over a folder: look at it, then follow Syncthing until this device and those that are
//! connected have everything.
//!
//! ```text
//!  scan ──► idle, nothing needed here ──► nothing needed there ──► done
//!   │              │ stays so                   │ a device is away
//!   │ (stop)       ▼                            ▼
//!   └──► ends    named, warning            "waits for it"
//! ```

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use syncmgr_model::escape::escape;
use syncmgr_model::event::EventLevel;
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::trouble::{Code, PATHS_MAX, Trouble};
use syncmgr_sdk::ItemProgress;

use super::Chosen;
use super::rest::{Happened, Rest, Status};
use crate::tool::diagnose::{self, Cause};
use crate::tool::{Job, Outcome, job};

/// How often it is asked where it stands.
const PAUSE: Duration = Duration::from_millis(250);

/// How long a device that is away may take to come: one that was started just now needs this long.
const CONNECT_MS: u64 = 15_000;

/// How long a device may be connected and tell nothing: it works on the first files of an empty
/// folder, or it was never told to take the folder.
const SILENT_MS: u64 = 60_000;

/// How often it may fail to answer in a row before that counts: a busy one misses a few.
const SILENT_MAX: u32 = 20;

/// What a look at all that is to be done found.
#[derive(Debug, Default)]
struct Look {
    status: Status,
    n_needed: u64,
    bytes_needed: u64,
    /// Devices that are away and lack something, or of which nothing is known.
    away: Vec<String>,
    n_connected: usize,
    /// A device is connected and has not told what it has.
    has_silent: bool,
    /// Items and bytes that such devices may need; shown, and not waited for.
    silent: (u64, u64),
}

impl Look {
    /// Returns the items and bytes that are shown as needed.
    fn shown(&self) -> (u64, u64) {
        let (n, bytes) = self.silent;
        (self.n_needed + n, self.bytes_needed + bytes)
    }

    /// Returns how long devices that are away are waited for.
    fn grace_ms(&self) -> u64 {
        if self.has_silent {
            SILENT_MS
        } else {
            CONNECT_MS
        }
    }
}

pub(super) fn run(job: &Job<'_>, chosen: &Chosen) -> Result<Outcome, Trouble> {
    let rest = Rest::new(chosen.config.gui(job.ctx)?);
    let folder = chosen.folder.id.as_str();
    job.session.phase(Phase::Checking);
    let own = rest.own_id()?;
    // What happened before is not of this run.
    let mut last = rest.happened(0)?.last().map_or(0, |it| it.id);
    let (done, scanned) = channel();
    let scanner = (rest.clone(), folder.to_owned());
    // It answers when it is done, which takes as long as it takes; when the run is stopped, nobody
    // waits for it any more.
    thread::spawn(move || drop(done.send(scanner.0.scan(&scanner.1))));
    let mut is_scanned = false;
    let mut summary = Summary::default();
    let mut most = (0_u64, 0_u64);
    let mut changed = (job.ctx.ticks_ms(), (u64::MAX, u64::MAX));
    let (began, mut n_silent) = (job.ctx.ticks_ms(), 0);
    let mut has_recorded = false;
    loop {
        if job.session.is_stopped() {
            return Ok(Outcome {
                summary,
                was_stopped: true,
            });
        }
        match scanned.recv_timeout(PAUSE) {
            Ok(result) => {
                result.map_err(|trouble| of_scan(job, chosen, trouble))?;
                is_scanned = true;
            }
            Err(RecvTimeoutError::Timeout) => {}
            // It has answered before; the pause is still due.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(PAUSE),
        }
        let look = match look(job, chosen, &rest, &own) {
            Ok(look) => look,
            Err(trouble) if n_silent < SILENT_MAX && trouble.code == Code::Disconnected => {
                n_silent += 1;
                continue;
            }
            Err(trouble) => return Err(trouble),
        };
        n_silent = 0;
        if let Ok(events) = rest.happened(last) {
            last = events.last().map_or(last, |it| it.id);
            events.iter().for_each(|it| count(it, folder, &mut summary));
        }
        let now = job.ctx.ticks_ms();
        let needed = (look.n_needed, look.bytes_needed);
        let shown = look.shown();
        most = (most.0.max(shown.0), most.1.max(shown.1));
        if changed.1 != needed || look.status.state.contains("scan") {
            changed = (now, needed);
        }
        report(job, &look, is_scanned, most);
        if look.status.state == "error" || !look.status.error.is_empty() && is_scanned {
            return Err(of_state(job, chosen, &look.status));
        }
        let is_idle = is_scanned && look.status.state == "idle";
        if !is_idle {
            continue;
        }
        let is_here = look.status.need_total_items == look.status.pull_errors;
        if look.n_needed == look.status.pull_errors && is_here {
            let is_alone = others(chosen, &own).next().is_none();
            if look.away.is_empty() || is_alone || now - began > look.grace_ms() {
                // Events come a moment after the state.
                if !has_recorded {
                    has_recorded = true;
                    continue;
                }
                return end(job, chosen, &rest, &look, summary);
            }
        } else if now - changed.0 > chosen.patience_ms
            || (look.n_connected == 0 && now - began > look.grace_ms())
        {
            return end(job, chosen, &rest, &look, summary);
        }
    }
}

fn others<'a>(chosen: &'a Chosen, own: &'a str) -> impl Iterator<Item = &'a String> {
    chosen.folder.devices.iter().filter(move |id| *id != own)
}

fn look(job: &Job<'_>, chosen: &Chosen, rest: &Rest, own: &str) -> Result<Look, Trouble> {
    let folder = chosen.folder.id.as_str();
    let status = rest.status(folder)?;
    let connected = rest.connected()?;
    let mut look = Look {
        n_needed: status.need_total_items,
        bytes_needed: status.need_bytes,
        status,
        ..Look::default()
    };
    for device in others(chosen, own) {
        if job.session.is_stopped() {
            break;
        }
        if !connected.contains(device) {
            look.away.push(device.clone());
            continue;
        }
        let there = rest.completion(folder, device)?;
        if !there.is_known() {
            look.away.push(device.clone());
            look.has_silent = true;
            // As far as is known, it needs everything.
            look.silent.0 += there.global_items;
            look.silent.1 += there.global_bytes;
            continue;
        }
        look.n_connected += 1;
        look.n_needed += there.need_items + there.need_deletes;
        look.bytes_needed += there.need_bytes;
    }
    Ok(look)
}

fn report(job: &Job<'_>, look: &Look, is_scanned: bool, most: (u64, u64)) {
    let is_looking = !is_scanned || look.status.state.contains("scan");
    let progress = ItemProgress {
        phase: if is_looking {
            Phase::Checking
        } else {
            Phase::Copying
        },
        n_seen_left: look.status.local_files,
        n_seen_right: look.status.global_files,
        n_done: most.0.saturating_sub(look.shown().0),
        n_total: (!is_looking).then_some(most.0),
        bytes_done: most.1.saturating_sub(look.shown().1),
        bytes_total: (!is_looking).then_some(most.1),
        current: None,
    };
    let status = match is_looking {
        true => ProgressStatus::UpdatingIndeterminate,
        false => ProgressStatus::Updating,
    };
    job.session.progress(status, &progress);
}

/// Counts what Syncthing did on this device.
fn count(event: &Happened, folder: &str, summary: &mut Summary) {
    let text = |key: &str| event.data.get(key).and_then(serde_json::Value::as_str);
    let has_failed = event.data.get("error").is_some_and(|it| !it.is_null());
    if event.kind != "ItemFinished" || text("folder") != Some(folder) || has_failed {
        return;
    }
    let here = &mut summary.done.left;
    let is_folder = text("type") == Some("dir");
    match (text("action"), is_folder) {
        (Some("delete"), true) => here.n_folders_removed += 1,
        (Some("delete"), false) => here.n_deleted += 1,
        (Some("metadata"), _) => here.n_attributes += 1,
        (Some("update"), true) => here.n_folders_made += 1,
        // It does not say whether something was there before.
        (Some("update"), false) => here.n_updated += 1,
        (Some(_) | None, _) => {}
    }
}

/// Nothing more happens: says what is left.
fn end(
    job: &Job<'_>,
    chosen: &Chosen,
    rest: &Rest,
    look: &Look,
    mut summary: Summary,
) -> Result<Outcome, Trouble> {
    let errors = rest.errors(&chosen.folder.id)?;
    summary.n_failures = errors.len() as u64;
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for error in &errors {
        by_reason.entry(&error.error).or_default().push(&error.path);
    }
    for (why, paths) in by_reason {
        job.session.say(of_files(job, chosen, why, &paths));
    }
    let away: Vec<_> = look
        .away
        .iter()
        .map(|id| chosen.config.device(id))
        .collect();
    let names = escape(away.join(", ").as_bytes());
    if look.n_connected == 0 && !away.is_empty() {
        return Err(Trouble::new(Code::Disconnected).with("name", names));
    }
    let n_left = look.n_needed.saturating_sub(look.status.pull_errors);
    if n_left > 0 {
        return Err(Trouble::new(Code::ToolFailed)
            .with("tool", "Syncthing")
            .with(
                "detail",
                format!(
                    "{n_left} items of {} did not move any more",
                    escape(chosen.folder.name().as_bytes())
                ),
            )
            .with(
                "advice",
                "see the page of Syncthing for what it waits for, then sync again",
            ));
    }
    if !away.is_empty() {
        let trouble = Trouble::new(Code::Disconnected).with("name", names);
        job.session.say(trouble.at_level(EventLevel::Warning));
    }
    Ok(Outcome {
        summary,
        was_stopped: false,
    })
}

fn of_files(job: &Job<'_>, chosen: &Chosen, why: &str, paths: &[&str]) -> Trouble {
    let code = match diagnose::cause(why) {
        Some(Cause::NoSpace) => Code::DiskFull,
        Some(Cause::Denied) => Code::PermissionDenied,
        Some(Cause::ReadOnly) => Code::ReadOnly,
        Some(Cause::Unreachable | Cause::SignIn | Cause::HostKey) | None => Code::ReadWriteFailed,
    };
    let mut trouble = Trouble::new(code)
        .with("folder", job.ctx.shown(&chosen.folder.path))
        .with("n", paths.len())
        .with("detail", job::as_detail(&escape(why.as_bytes())));
    trouble.paths = paths
        .iter()
        .take(PATHS_MAX)
        .map(|path| escape(path.as_bytes()))
        .collect();
    trouble
}

/// A folder that Syncthing stopped: its disk is away, or its marker.
fn of_state(job: &Job<'_>, chosen: &Chosen, status: &Status) -> Trouble {
    let folder = job.ctx.shown(&chosen.folder.path);
    let text = status.error.as_str();
    if text.contains("path missing") || text.contains("no such file") {
        return Trouble::new(Code::FolderMissing)
            .with("side", "left")
            .with("folder", folder);
    }
    if text.contains("marker missing") {
        return Trouble::new(Code::RepairNeeded)
            .with("tool", "Syncthing")
            .with("detail", format!("the folder {folder} lacks the mark of Syncthing, as when its disk is away"))
            .with("advice", "bring the disk back; or, when the folder is the right one, make the folder .stfolder in it");
    }
    if let Some(Cause::NoSpace) = diagnose::cause(text) {
        return Trouble::new(Code::DiskFull)
            .with("folder", folder)
            .with("n", 1);
    }
    if text.contains("insufficient space") {
        return Trouble::new(Code::DiskFull)
            .with("folder", folder)
            .with("n", 1);
    }
    Trouble::new(Code::ToolFailed)
        .with("tool", "Syncthing")
        .with(
            "detail",
            format!(
                "the folder {folder} is stopped ({})",
                job::as_detail(&escape(text.as_bytes()))
            ),
        )
        .with("advice", "see the page of Syncthing, then sync again")
}

/// A look that was refused says why in the state of the folder.
fn of_scan(job: &Job<'_>, chosen: &Chosen, trouble: Trouble) -> Trouble {
    if trouble.code != Code::ToolFailed {
        return trouble;
    }
    let status = Status {
        error: trouble.param("detail").to_owned(),
        ..Status::default()
    };
    of_state(job, chosen, &status)
}
