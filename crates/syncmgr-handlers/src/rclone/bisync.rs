//! `rclone bisync`: both ways. What bisync refuses by itself (too many deletions, no memory of an
//! earlier run, a lock that was left) waits for a person, who sees what would happen first.

use std::collections::BTreeSet;

use syncmgr_model::conflict::{Conflict, ConflictKind, Facts};
use syncmgr_model::preview::{PlannedChange, Preview};
use syncmgr_model::progress::Phase;
use syncmgr_model::record::Summary;
use syncmgr_model::side::PerSide;
use syncmgr_model::trouble::{Code, Trouble};

use super::call::{self, Call};
use super::chosen::{Chosen, Place};
use super::conflicts;
use super::log::Read;
use super::state::{Lock, Memory};
use crate::tool::hold::{Hold, is_deletion, plan_id};
use crate::tool::process::{Ended, Exit};
use crate::tool::{Job, Outcome, Wish};

/// What a person calls it.
const TOOL: &str = "rclone bisync";

/// How bisync has to be called for a plan to be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As always.
    Plain,
    /// With `--force`: it is more than it does unasked.
    Force,
    /// With `--resync`: it knows nothing of an earlier run. What differs is taken from where it was
    /// modified later; nothing is deleted.
    Resync,
}

/// What a look found.
struct Look {
    way: Way,
    /// Why it does not go on by itself.
    why: String,
    read: Read,
    was_stopped: bool,
}

impl Look {
    fn id(&self) -> String {
        plan_id(&self.read.changes)
    }
}

/// Says what a run would do.
pub(super) fn preview(job: &Job<'_>, chosen: &Chosen) -> Result<Preview, Trouble> {
    call::folders_are_there(job, chosen)?;
    let memory = memory(job, chosen)?;
    if let Some((id, trouble)) = locked(job, &memory)? {
        return Ok(Preview {
            id: id.clone(),
            troubles: vec![trouble],
            held_id: Some(id),
            ..Preview::default()
        });
    }
    let look = look(job, chosen, &memory)?;
    let id = look.id();
    let mut preview = Preview {
        id: id.clone(),
        conflicts: look
            .read
            .both_changed
            .iter()
            .map(|path| both_changed(path))
            .collect(),
        is_first: look.way == Way::Resync,
        ..Preview::default()
    };
    if look.way != Way::Plain {
        preview.troubles.push(repair(job, &look.why, &id));
        preview.held_id = Some(id);
    }
    preview.changes = look.read.changes;
    for change in &mut preview.changes {
        change.is_held = look.way != Way::Plain;
    }
    preview
        .changes
        .sort_by(|a, b| (&a.path, a.side).cmp(&(&b.path, b.side)));
    Ok(preview)
}

/// Syncs both ways.
pub(super) fn sync(job: &Job<'_>, chosen: &Chosen, wish: &Wish) -> Result<Outcome, Trouble> {
    call::folders_are_there(job, chosen)?;
    let memory = memory(job, chosen)?;
    let mut release = wish.release.as_deref();
    if let Some((id, trouble)) = locked(job, &memory)? {
        if release != Some(id.as_str()) {
            job.session.say(trouble);
            return Ok(held(1));
        }
        set_lock_aside(&memory)?;
        release = None;
    }
    let way = match release {
        None => Way::Plain,
        Some(allowed) => {
            let look = look(job, chosen, &memory)?;
            if look.was_stopped {
                return Ok(stopped(Summary::default()));
            }
            if look.way == Way::Plain {
                Hold::check(None, allowed)?;
            }
            if look.id() != allowed {
                return Err(Trouble::new(Code::PlanChanged)
                    .with("plan", syncmgr_model::escape::escape(allowed.as_bytes()))
                    .with("now", look.id()));
            }
            look.way
        }
    };
    let (read, ended) = run(job, chosen, &memory, way)?;
    let outcome = end(job, chosen, &memory, &read, &ended)?;
    conflicts::note(job, &memory)?;
    if !outcome.was_stopped {
        call::forget_old(chosen, job.ctx.now());
    }
    Ok(outcome)
}

/// Brings to the other side what decisions on conflicts did on one: the deletions of the copies that
/// were decided on are no reason to ask again.
pub(super) fn sync_decided(
    job: &Job<'_>,
    chosen: &Chosen,
    decided: &BTreeSet<String>,
) -> Result<Outcome, Trouble> {
    let memory = memory(job, chosen)?;
    let look = look(job, chosen, &memory)?;
    let is_decided = |change: &PlannedChange| {
        let path = String::from_utf8_lossy(&change.path);
        !is_deletion(change) || decided.contains(&*path)
    };
    let way = match look.way {
        Way::Force if look.read.changes.iter().all(is_decided) => Way::Force,
        Way::Plain | Way::Force | Way::Resync => Way::Plain,
    };
    let (read, ended) = run(job, chosen, &memory, way)?;
    let outcome = end(job, chosen, &memory, &read, &ended)?;
    conflicts::note(job, &memory)?;
    Ok(outcome)
}

fn memory(job: &Job<'_>, chosen: &Chosen) -> Result<Memory, Trouble> {
    Memory::of(job.ctx, chosen).ok_or_else(|| {
        Trouble::new(Code::NotPossible).with(
            "detail",
            "there is no home folder for the listings of bisync",
        )
    })
}

fn held(n: u64) -> Outcome {
    Outcome {
        summary: Summary {
            n_held: n,
            ..Summary::default()
        },
        was_stopped: false,
    }
}

fn stopped(summary: Summary) -> Outcome {
    Outcome {
        summary,
        was_stopped: true,
    }
}

fn both_changed(path: &str) -> Conflict {
    Conflict {
        id: String::new(),
        path: path.as_bytes().to_vec(),
        kind: ConflictKind::BothChanged,
        sides: PerSide {
            left: Facts::Unknown,
            right: Facts::Unknown,
        },
        n_within: 0,
        since: None,
    }
}

/// Says that a person has to look first.
fn repair(job: &Job<'_>, why: &str, id: &str) -> Trouble {
    let name = job.item.label();
    Trouble::new(Code::RepairNeeded)
        .with("tool", TOOL)
        .with("detail", why)
        .with("plan", id)
        .with(
            "advice",
            format!(
                "see what would be done with `syncmgr preview {name}`, then allow exactly that \
                 with `syncmgr sync {name} --allow-deletions {id}`"
            ),
        )
}

/// Looks at the lock. One of our own process that was killed is set aside at once; any other that
/// stands in the way is told, with the id by which a person lets it go.
fn locked(job: &Job<'_>, memory: &Memory) -> Result<Option<(String, Trouble)>, Trouble> {
    let previous = job.previous_pid();
    let why = match memory.lock(previous) {
        Lock::Free => return Ok(None),
        Lock::Held(pid) => {
            return Err(Trouble::new(Code::Busy)
                .with("folder", job.item.label())
                .with("pid", pid));
        }
        Lock::Stale(pid) if Some(pid) == previous => {
            set_lock_aside(memory)?;
            return Ok(None);
        }
        Lock::Stale(pid) => {
            format!("its process {pid} has ended and left a lock behind")
        }
        Lock::Garbled => "its lock cannot be read".to_owned(),
    };
    let id = memory.lock_id();
    let trouble = repair(job, &why, &id);
    Ok(Some((id, trouble)))
}

fn set_lock_aside(memory: &Memory) -> Result<(), Trouble> {
    memory
        .set_lock_aside()
        .map_err(|e| Trouble::new(Code::StateUnusable).with("detail", e))
}

fn command(job: &Job<'_>, chosen: &Chosen, memory: &Memory, way: Way) -> Result<Call, Trouble> {
    let mut call = call::call(job, chosen, &["bisync"])?;
    call.command = call::rules(call.command, chosen, "--filters-file")
        .args([
            "--color=NEVER",
            "--resilient",
            "--recover",
            "--max-lock=2m",
            // A conflict is a person's to decide: both contents stay, under names of their own.
            "--conflict-resolve=none",
            "--conflict-loser=num",
        ])
        .arg(format!("--max-delete={}", chosen.max_delete))
        .arg("--workdir")
        .arg(memory.dir());
    call.command = match way {
        Way::Plain => call.command,
        Way::Force => call.command.arg("--force"),
        Way::Resync => call.command.args(["--resync", "--resync-mode=newer"]),
    };
    if chosen.keep_days > 0 {
        let run = job.session.id();
        call.command = call
            .command
            .arg("--backup-dir1")
            .arg(call::kept_at(&chosen.from, run))
            .arg("--backup-dir2")
            .arg(call::kept_at(&chosen.to, run));
    }
    call.command = call
        .command
        .arg(chosen.from.argument())
        .arg(chosen.to.argument());
    Ok(call)
}

fn run(
    job: &Job<'_>,
    chosen: &Chosen,
    memory: &Memory,
    way: Way,
) -> Result<(Read, Ended), Trouble> {
    let call = command(job, chosen, memory, way)?;
    let mut read = Read::default();
    let ended = call::run(job, call, &mut read, Phase::Checking)?;
    Ok((read, ended))
}

fn dry_run(
    job: &Job<'_>,
    chosen: &Chosen,
    memory: &Memory,
    way: Way,
) -> Result<(Read, Ended), Trouble> {
    let mut call = command(job, chosen, memory, way)?;
    call.command = call.command.arg("--dry-run");
    let mut read = Read::default();
    let ended = call::run(job, call, &mut read, Phase::Comparing)?;
    Ok((read, ended))
}

/// What bisync refuses to do by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Refusal {
    /// More than it does unasked.
    TooMuch(String),
    /// It knows nothing of an earlier run.
    NoMemory(String),
    /// One side is empty.
    Empty(&'static str),
}

fn refusal(memory: &Memory, read: &Read, ended: &Ended) -> Option<Refusal> {
    if ended.exit.is_success() {
        return None;
    }
    let lines = || {
        read.errors
            .iter()
            .map(String::as_str)
            .chain(ended.output.lines())
    };
    let find = |text: &str| lines().find(|line| line.contains(text));
    // `Safety abort: too many deletes (>50%, 7 of 9) on Path1 "/a/". Run with --force if desired.`
    if let Some(line) = find("Safety abort") {
        let said = line.trim_start_matches("Safety abort: ");
        let said = said.split(". Run with").next().unwrap_or(said);
        return Some(Refusal::TooMuch(format!(
            "it refuses a run with {}",
            plain(said)
        )));
    }
    for (text, side) in [
        ("empty current Path1 listing", "left"),
        ("empty current Path2 listing", "right"),
    ] {
        if find(text).is_some() {
            return Some(Refusal::Empty(side));
        }
    }
    if find("cannot find prior Path1 or Path2 listings").is_some() {
        return Some(Refusal::NoMemory(no_memory(memory).to_owned()));
    }
    if find("must run --resync").is_some() || find("Must run --resync").is_some() {
        let why = "its filters or its memory changed, and it has to compare both sides anew";
        return Some(Refusal::NoMemory(why.to_owned()));
    }
    None
}

fn no_memory(memory: &Memory) -> &'static str {
    if memory.is_broken_off() {
        "an earlier run broke off, and it does not know any more what both sides agreed on"
    } else {
        "it has never synced this pair, so it does not know what both sides agreed on"
    }
}

/// `Path1 "/a/"` is nothing a person knows.
fn plain(said: &str) -> String {
    said.replace("on Path1", "on the left,")
        .replace("on Path2", "on the right,")
}

/// Looks what a run would do, in the way in which it could.
fn look(job: &Job<'_>, chosen: &Chosen, memory: &Memory) -> Result<Look, Trouble> {
    // A dry run takes the listings of an earlier dry run where there are no others, so what it says
    // then is about nothing.
    let way = if memory.is_complete() {
        Way::Plain
    } else {
        Way::Resync
    };
    let (read, ended) = dry_run(job, chosen, memory, way)?;
    let found = |way, why, read, ended: &Ended| Look {
        way,
        why,
        read,
        was_stopped: ended.was_stopped,
    };
    if ended.was_stopped {
        return Ok(found(Way::Plain, String::new(), read, &ended));
    }
    let (way, why) = match refusal(memory, &read, &ended) {
        None if ended.exit.is_success() => {
            let why = match way {
                Way::Plain | Way::Force => String::new(),
                Way::Resync => no_memory(memory).to_owned(),
            };
            return Ok(found(way, why, read, &ended));
        }
        None => return Err(trouble(job, chosen, &read, &ended)),
        Some(Refusal::TooMuch(why)) => (Way::Force, why),
        Some(Refusal::NoMemory(why)) => (Way::Resync, why),
        Some(Refusal::Empty(side)) => return Err(emptied(job, chosen, side)),
    };
    let (read, ended) = dry_run(job, chosen, memory, way)?;
    if ended.was_stopped || ended.exit.is_success() {
        return Ok(found(way, why, read, &ended));
    }
    Err(trouble(job, chosen, &read, &ended))
}

/// One side has nothing any more: a disk that is not mounted, most likely.
fn emptied(job: &Job<'_>, chosen: &Chosen, side: &str) -> Trouble {
    let place: &Place = if side == "left" {
        &chosen.from
    } else {
        &chosen.to
    };
    let place = place.shown(job.ctx);
    Trouble::new(Code::RepairNeeded)
        .with("tool", TOOL)
        .with(
            "detail",
            format!("{place} is empty, and it does not sync with an empty folder"),
        )
        .with(
            "advice",
            "bring the files or the disk back and sync again; one file of yours in it is enough if \
             it should be empty",
        )
}

fn trouble(job: &Job<'_>, chosen: &Chosen, read: &Read, ended: &Ended) -> Trouble {
    let has = |text| ended.output.has(text);
    if has("prior lock file found") {
        return Trouble::new(Code::Busy).with("folder", job.item.label());
    }
    call::trouble(job, chosen, read, ended)
}

/// Says what came of it.
fn end(
    job: &Job<'_>,
    chosen: &Chosen,
    memory: &Memory,
    read: &Read,
    ended: &Ended,
) -> Result<Outcome, Trouble> {
    let mut summary = Summary {
        done: read.done,
        ..Summary::default()
    };
    if ended.was_stopped {
        return Ok(stopped(summary));
    }
    match (ended.exit, refusal(memory, read, ended)) {
        (Exit::Code(0), _) => {}
        (_, Some(Refusal::Empty(side))) => return Err(emptied(job, chosen, side)),
        (_, Some(Refusal::TooMuch(_) | Refusal::NoMemory(_))) => {
            let look = look(job, chosen, memory)?;
            let n = look
                .read
                .changes
                .iter()
                .filter(|it| is_deletion(it))
                .count();
            job.session.say(repair(job, &look.why, &look.id()));
            summary.n_held = u64::try_from(n).unwrap_or(u64::MAX).max(1);
        }
        (_, None) if !read.failed.is_empty() && read.errors.iter().all(|it| is_sequel(it)) => {
            summary.n_failures = call::name_files(job, chosen, read, ended);
        }
        (_, None) => return Err(trouble(job, chosen, read, ended)),
    }
    Ok(Outcome {
        summary,
        was_stopped: false,
    })
}

/// Says whether an error only follows from others.
fn is_sequel(line: &str) -> bool {
    line.contains("Bisync") || line.contains("bisync") || line.contains("not deleting")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_called_as_people_know_them() {
        assert_eq!(
            plain("too many deletes (>50%, 7 of 9) on Path1 \"/a/\""),
            "too many deletes (>50%, 7 of 9) on the left, \"/a/\""
        );
    }
}
