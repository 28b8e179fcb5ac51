//! `rclone copy` and `rclone sync`: one direction.

use syncmgr_model::preview::{Action, PlannedChange, Preview};
use syncmgr_model::progress::Phase;
use syncmgr_model::record::Summary;
use syncmgr_model::trouble::{Code, Trouble};

use super::call::{self, Call};
use super::chosen::{Chosen, Mode};
use super::log::Read;
use crate::tool::hold::{Hold, is_deletion, plan_id};
use crate::tool::process::{Ended, Exit};
use crate::tool::{Job, Outcome, Wish};

/// Says what a run would do.
pub(super) fn preview(job: &Job<'_>, chosen: &Chosen) -> Result<Preview, Trouble> {
    call::folders_are_there(job, chosen)?;
    let (look, _) = look(job, chosen, false)?;
    let mut preview = Preview {
        id: plan_id(&look.changes),
        ..Preview::default()
    };
    if let Some(hold) = hold(chosen, &look) {
        let n_total = n_in_target(&look);
        preview
            .troubles
            .push(hold.trouble(&chosen.to.shown(job.ctx), n_total));
        preview.held_id = Some(hold.id);
    }
    preview.changes = look.changes;
    for change in &mut preview.changes {
        change.is_held = preview.held_id.is_some() && is_deletion(change);
    }
    preview.changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(preview)
}

/// Copies, and deletes what it may.
pub(super) fn sync(job: &Job<'_>, chosen: &Chosen, wish: &Wish) -> Result<Outcome, Trouble> {
    call::folders_are_there(job, chosen)?;
    let mut max_delete = None;
    let mut held = None;
    if chosen.mode == Mode::Sync {
        let (look, ended) = look(job, chosen, wish.is_full)?;
        if ended.was_stopped {
            return Ok(stopped(Summary::default()));
        }
        let now = hold(chosen, &look);
        // Where a store cannot rename, keeping what is replaced is a copy and a deletion.
        let is_counted = |it: &&PlannedChange| is_deletion(it) || it.action == Action::Update;
        let n_planned = look.changes.iter().filter(is_counted).count();
        match (&wish.release, now) {
            (Some(allowed), now) => {
                Hold::check(now.as_ref(), allowed)?;
                max_delete = Some(n_planned);
            }
            (None, None) => max_delete = Some(n_planned),
            // Everything but the deletions.
            (None, Some(hold)) => held = Some((hold, n_in_target(&look))),
        }
    } else if let Some(allowed) = &wish.release {
        Hold::check(None, allowed)?;
    }
    let word = if max_delete.is_some() { "sync" } else { "copy" };
    let mut call = command(job, chosen, word, wish.is_full)?;
    if let Some(n) = max_delete {
        // As many as were seen: whatever vanished since then waits for the next look.
        call.command = call.command.arg(format!("--max-delete={n}"));
    }
    if chosen.keep_days > 0 {
        let kept = call::kept_at(&chosen.to, job.session.id());
        call.command = call.command.arg("--backup-dir").arg(kept);
    }
    let mut read = Read::one_way();
    let ended = call::run(job, call, &mut read, Phase::Checking)?;
    let mut outcome = end(job, chosen, &read, &ended)?;
    if let Some((hold, n_total)) = held {
        outcome.summary.n_held += hold.n_files.max(1);
        job.session
            .say(hold.trouble(&chosen.to.shown(job.ctx), n_total));
    }
    if !outcome.was_stopped {
        call::forget_old(chosen, job.ctx.now());
    }
    Ok(outcome)
}

fn stopped(summary: Summary) -> Outcome {
    Outcome {
        summary,
        was_stopped: true,
    }
}

fn command(job: &Job<'_>, chosen: &Chosen, word: &str, is_full: bool) -> Result<Call, Trouble> {
    let mut call = call::call(job, chosen, &[word])?;
    call.command = call::rules(call.command, chosen, "--filter-from")
        .arg(chosen.from.argument())
        .arg(chosen.to.argument());
    if is_full {
        call.command = call.command.arg("--checksum");
    }
    Ok(call)
}

/// Looks what a run would do; writes nothing.
fn look(job: &Job<'_>, chosen: &Chosen, is_full: bool) -> Result<(Read, Ended), Trouble> {
    let word = match chosen.mode {
        Mode::Sync => "sync",
        Mode::Copy | Mode::Bisync => "copy",
    };
    let mut call = command(job, chosen, word, is_full)?;
    call.command = call.command.arg("--dry-run");
    if chosen.keep_days > 0 {
        // With it, rclone says which files it would replace.
        let kept = call::kept_at(&chosen.to, job.session.id());
        call.command = call.command.arg("--backup-dir").arg(kept);
    }
    let mut read = Read::one_way();
    let ended = call::run(job, call, &mut read, Phase::Comparing)?;
    if !ended.was_stopped && !ended.exit.is_success() {
        if read.failed.is_empty() {
            return Err(call::trouble(job, chosen, &read, &ended));
        }
        // A source that was not read whole says nothing about what is missing in it.
        read.changes.retain(|change| !is_deletion(change));
    }
    Ok((read, ended))
}

/// Returns how many files the target has: each was compared or would go, and one that would be
/// replaced counts twice.
fn n_in_target(look: &Read) -> u64 {
    let updated = look.changes.iter().filter(|it| it.action == Action::Update);
    look.stats.checks.saturating_sub(updated.count() as u64)
}

fn hold(chosen: &Chosen, look: &Read) -> Option<Hold> {
    let n_deletions = look.stats.deletes;
    let n_copies = look.changes.iter().filter(|it| !is_deletion(it)).count();
    // Nothing to copy, and nothing compared beside what would go: the source is empty.
    let is_emptied = n_copies == 0 && n_deletions > 0 && look.stats.checks <= n_deletions;
    Hold::of(&look.changes, chosen.max_delete, is_emptied)
}

/// Says what came of it.
fn end(job: &Job<'_>, chosen: &Chosen, read: &Read, ended: &Ended) -> Result<Outcome, Trouble> {
    let mut summary = Summary {
        done: read.done,
        ..Summary::default()
    };
    if ended.was_stopped {
        return Ok(stopped(summary));
    }
    let is_held = |line: &str| line.contains("--max-delete threshold reached");
    let is_over = read.errors.iter().any(|line| is_held(line))
        || read.failed.keys().any(|reason| match reason {
            super::log::Reason::Other(words) => is_held(words),
            super::log::Reason::NoSpace
            | super::log::Reason::Denied
            | super::log::Reason::ReadOnly => false,
        });
    match ended.exit {
        Exit::Code(0) => {}
        Exit::Code(_) if is_over => {
            // More vanished between the look and the run; the next run shows and holds them.
            summary.n_held = 1;
            job.session.say(
                Trouble::new(Code::TooManyDeletions)
                    .with("folder", chosen.to.shown(job.ctx))
                    .with("n_deletions", read.done.right.n_deleted + 1)
                    .with("n_files", read.stats.checks.max(1)),
            );
        }
        Exit::Code(_) if !read.failed.is_empty() => {
            summary.n_failures = call::name_files(job, chosen, read, ended);
        }
        Exit::Code(_) | Exit::Signal(_) => {
            return Err(call::trouble(job, chosen, read, ended));
        }
    }
    Ok(Outcome {
        summary,
        was_stopped: false,
    })
}
