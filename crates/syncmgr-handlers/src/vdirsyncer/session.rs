//! Runs of vdirsyncer: an ordinary one, one that carries a decision out, and the copying of what an
//! emptied storage would take with it.
//!
//! vdirsyncer gets its configuration from a file that exists in memory only, so that a password in
//! it is never written to a second place. The copy differs in two settings: conflicts are handed to
//! a script (`resolve.py`), which without a decision only looks, and the place of the status is
//! written in full.

use std::fs::{self, DirBuilder, File};
use std::io::{Seek as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use syncmgr_model::event::EventLevel;
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::request::Choice;
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::ItemProgress;

use super::config::{Copying, Pair, Rule};
use super::conflict::{Conflicts, Spot, folder_of};
use super::held::{self, Held};
use super::output::{Fault, Reading, Said};
use super::{COLLECTION, PAIR, Setup, fault};
use crate::tool::process::{Command, Ended, Keep};
use crate::tool::{Job, Outcome, Seen, ToolConflict, Wish, job};

/// The script that vdirsyncer calls for every conflict.
const SCRIPT: &str = include_str!("resolve.py");
/// Most decisions whose replaced contents are kept; beyond that the oldest go.
const KEPT_MAX: usize = 1_000;

/// A configuration in memory, for a child to read.
struct Handed {
    file: File,
}

impl Handed {
    fn new(text: &str) -> Result<Self, Trouble> {
        let unusable = |e: std::io::Error| Trouble::new(Code::StateUnusable).with("detail", e);
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        let file = rustix::fs::memfd_create("config", flags).map_err(|e| unusable(e.into()))?;
        let mut file = File::from(file);
        file.write_all(text.as_bytes()).map_err(unusable)?;
        file.rewind().map_err(unusable)?;
        Ok(Self { file })
    }

    /// Returns the path under which another program of the same person opens it.
    fn path(&self) -> PathBuf {
        PathBuf::from(format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            self.file.as_raw_fd()
        ))
    }
}

/// What one run of vdirsyncer said and how it ended.
pub(super) struct Ran {
    pub(super) reading: Reading,
    pub(super) ended: Ended,
}

/// Returns what starts scripts in the Python that vdirsyncer itself runs in.
fn python(program: &Path) -> Vec<String> {
    let head = fs::read(program).unwrap_or_default();
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let words = line
        .strip_prefix("#!")
        .unwrap_or_default()
        .split_whitespace();
    let words: Vec<_> = words.map(str::to_owned).collect();
    if words.iter().any(|word| word.contains("python")) {
        words
    } else {
        vec!["python3".to_owned()]
    }
}

/// Makes a folder that nobody else may look into.
fn make(dir: &Path) -> Result<(), Trouble> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| Trouble::new(Code::StateUnusable).with("detail", e))
}

/// Builds a run over `what`, in which conflicts go to the script.
fn command(
    job: &Job<'_>,
    setup: &Setup,
    what: &[&str],
) -> Result<(Command, Option<Handed>), Trouble> {
    let asks: Vec<_> = setup
        .pairs
        .iter()
        .filter(|pair| pair.rule == Rule::Ask)
        .collect();
    let base = job.command().args(["-v", "INFO", "-c"]);
    if asks.is_empty() {
        return Ok((base.arg(&setup.file).arg("sync").args(what), None));
    }
    let unusable = |e: std::io::Error| Trouble::new(Code::StateUnusable).with("detail", e);
    let script = job.dir.join("resolve.py");
    fs::write(&script, SCRIPT).map_err(unusable)?;
    let mut answer = vec!["command".to_owned()];
    answer.extend(python(&job.program));
    answer.extend([script.display().to_string(), job.dir.display().to_string()]);
    let names: Vec<_> = asks.iter().map(|pair| pair.name.as_str()).collect();
    let text =
        setup
            .config
            .with_resolution(&names, &Value::from(answer), &setup.file, job.ctx.home());
    // Without a place for the status vdirsyncer says itself what is wrong.
    let Some(text) = text else {
        return Ok((base.arg(&setup.file).arg("sync").args(what), None));
    };
    let handed = Handed::new(&text)?;
    Ok((base.arg(handed.path()).arg("sync").args(what), Some(handed)))
}

/// Runs a command and reads what it says.
fn run(job: &Job<'_>, setup: &Setup, command: Command) -> Result<Ran, Trouble> {
    let mut reading = Reading::default();
    reading
        .left
        .extend(setup.pairs.iter().map(|pair| pair.a.clone()));
    let ended = job.run(command, |line| match reading.line(&line.text()) {
        Said::Progress => {
            report(job, &reading);
            Keep::No
        }
        Said::Else => Keep::Yes,
    })?;
    reading.finish();
    Ok(Ran { reading, ended })
}

fn report(job: &Job<'_>, reading: &Reading) {
    let progress = ItemProgress {
        phase: if reading.n_done == 0 {
            Phase::Comparing
        } else {
            Phase::Copying
        },
        n_done: reading.n_done,
        current: Some(reading.current.as_bytes()),
        ..ItemProgress::default()
    };
    job.session
        .progress(ProgressStatus::UpdatingIndeterminate, &progress);
}

/// Returns what the command line names: nothing for all pairs.
fn what(job: &Job<'_>) -> Vec<String> {
    let settings = &job.item.settings;
    match (settings.text(PAIR), settings.text(COLLECTION)) {
        (Some(pair), Some(collection)) => vec![format!("{pair}/{collection}")],
        (Some(pair), None) => vec![pair.to_owned()],
        (None, _) => Vec::new(),
    }
}

/// Syncs the pairs of an item.
pub(super) fn sync(job: &Job<'_>, setup: &Setup, wish: &Wish) -> Result<Outcome, Trouble> {
    drop(fs::remove_file(job.dir.join("decisions.json")));
    job.session.phase(Phase::Checking);
    let what = what(job);
    let what: Vec<_> = what.iter().map(String::as_str).collect();
    let (command, handed) = command(job, setup, &what)?;
    let ran = run(job, setup, command)?;
    drop(handed);
    if ran.ended.was_stopped {
        return Ok(Outcome {
            summary: summary(&ran.reading),
            was_stopped: true,
        });
    }
    let mut conflicts = Conflicts::load(job.dir);
    conflicts.learn(job.dir, &ran.reading, job.ctx.now())?;
    let mut summary = summary(&ran.reading);
    let held = held(job, setup, &ran.reading)?;
    match &wish.release {
        Some(id) => release(job, setup, &held, id, &mut summary)?,
        None => {
            for one in &held {
                summary.n_held += 1;
                job.session.say(one.trouble());
            }
        }
    }
    tell(job, setup, &ran, &mut summary)?;
    Ok(Outcome {
        summary,
        was_stopped: job.session.is_stopped(),
    })
}

fn summary(reading: &Reading) -> Summary {
    Summary {
        done: PerSide {
            left: reading.at_left,
            right: reading.at_right,
        },
        ..Summary::default()
    }
}

/// Tells what went wrong; what stopped everything is the error.
fn tell(job: &Job<'_>, setup: &Setup, ran: &Ran, summary: &mut Summary) -> Result<(), Trouble> {
    let n_synced = ran
        .reading
        .collections
        .values()
        .filter(|it| it.faults.is_empty())
        .count();
    let mut troubles = Vec::new();
    for found in ran.reading.all_faults() {
        match found {
            // Told as held.
            Fault::Emptied(_) => {}
            Fault::ReadOnly(_) => {
                summary.n_warnings += 1;
                job.session
                    .say(fault::trouble(found, setup).at_level(EventLevel::Warning));
            }
            Fault::SameUid { .. }
            | Fault::Discover(_)
            | Fault::Unreachable(_)
            | Fault::SignIn(_)
            | Fault::Certificate(_)
            | Fault::Config(_)
            | Fault::Changed(_)
            | Fault::Other(_) => troubles.push(fault::trouble(found, setup)),
        }
    }
    let has_conflicts = ran
        .reading
        .collections
        .values()
        .any(|it| !it.conflicts.is_empty());
    if troubles.is_empty() {
        let is_explained = ran.reading.all_faults().next().is_some() || has_conflicts;
        return if ran.ended.exit.is_success() || is_explained {
            Ok(())
        } else {
            Err(job.failed(&ran.ended))
        };
    }
    let is_all_lost = n_synced == 0 && summary.n_held == 0;
    if is_all_lost {
        let first = troubles.swap_remove(0);
        for trouble in troubles {
            job.session.say(trouble);
        }
        return Err(job::with_output(first, &ran.ended.output));
    }
    summary.n_failures += troubles.len() as u64;
    for trouble in troubles {
        job.session.say(trouble);
    }
    Ok(())
}

/// Makes a hold of every storage that is suddenly empty: a copy of the other side, so that it can
/// be shown what would be deleted, and stays when it is.
fn held(job: &Job<'_>, setup: &Setup, reading: &Reading) -> Result<Vec<Held>, Trouble> {
    let mut all = Vec::new();
    for (name, collection) in &reading.collections {
        let emptied = collection.faults.iter().find_map(|fault| match fault {
            Fault::Emptied(storage) => Some(storage),
            Fault::SameUid { .. }
            | Fault::ReadOnly(_)
            | Fault::Discover(_)
            | Fault::Unreachable(_)
            | Fault::SignIn(_)
            | Fault::Certificate(_)
            | Fault::Config(_)
            | Fault::Changed(_)
            | Fault::Other(_) => None,
        });
        if let Some(storage) = emptied {
            all.push(hold(job, setup, name, storage)?);
        }
    }
    held::save(job.dir, &all)?;
    Ok(all)
}

fn hold(job: &Job<'_>, setup: &Setup, name: &str, emptied: &str) -> Result<Held, Trouble> {
    let pair = setup.config.pair(name.split('/').next().unwrap_or(name));
    let pair = pair.ok_or_else(|| {
        Trouble::new(Code::NotFound)
            .with("what", "pair")
            .with("name", name)
    })?;
    let empty = emptied.split('/').next().unwrap_or(emptied);
    let empty_side = if empty == pair.a {
        Side::Left
    } else {
        Side::Right
    };
    let kept = match empty_side {
        Side::Left => &pair.b,
        Side::Right => &pair.a,
    };
    let folder = fresh(
        &job.dir
            .join("held")
            .join(job.session.id())
            .join(name.replace('/', "-")),
    );
    let files = copy(job, setup, pair, name, empty_side, &folder)?;
    Ok(Held::new(
        name,
        empty_side,
        [setup.config.place(empty), setup.config.place(kept)],
        &folder,
        &files,
    ))
}

/// Returns a folder that is not there yet: an earlier copy is never mixed with a new one.
fn fresh(folder: &Path) -> PathBuf {
    let name = |n: u32| PathBuf::from(format!("{}-{n}", folder.display()));
    (1..)
        .map(name)
        .find(|it| !it.exists())
        .unwrap_or_else(|| folder.to_owned())
}

/// Copies what the side that is not empty has; returns the files.
fn copy(
    job: &Job<'_>,
    setup: &Setup,
    pair: &Pair,
    name: &str,
    empty: Side,
    folder: &Path,
) -> Result<Vec<PathBuf>, Trouble> {
    let storage = match empty {
        Side::Left => &pair.b,
        Side::Right => &pair.a,
    };
    let collection = name.split_once('/').map(|(_, collection)| collection);
    let there = collection.map(|it| setup.name_in(pair, it, empty.other(), job.ctx.home()));
    let status = job.dir.join("copying");
    drop(fs::remove_dir_all(&status));
    let target = match there {
        Some(_) => folder.join(super::config::COPY),
        None => folder.to_owned(),
    };
    make(&target)?;
    let copying = Copying {
        storage,
        collection: there.as_deref(),
        folder,
        status: &status,
        extension: setup
            .config
            .extension(&pair.a)
            .or(setup.config.extension(&pair.b))
            .unwrap_or(".txt"),
    };
    let unknown = || {
        Trouble::new(Code::NotFound)
            .with("what", "storage")
            .with("name", storage)
    };
    let handed = Handed::new(&setup.config.copying(&copying).ok_or_else(unknown)?)?;
    let step = |words: &[&str]| {
        let command = job
            .command()
            .args(["-v", "INFO", "-c"])
            .arg(handed.path())
            .args(words);
        run(job, setup, command)
    };
    let discovered = step(&["discover", "--no-list", "kept"])?;
    let copied = match discovered.ended.exit.is_success() {
        true => step(&["sync", "kept"])?,
        false => discovered,
    };
    drop(fs::remove_dir_all(&status));
    if !copied.ended.exit.is_success() {
        return Err(job.failed(&copied.ended));
    }
    let unusable = |e: std::io::Error| Trouble::new(Code::StateUnusable).with("detail", e);
    let mut files = Vec::new();
    for entry in fs::read_dir(&target).map_err(unusable)? {
        files.push(entry.map_err(unusable)?.path());
    }
    files.sort();
    Ok(files)
}

/// Lets a deletion of a whole collection go that a person was shown, if it still is the same.
fn release(
    job: &Job<'_>,
    setup: &Setup,
    held: &[Held],
    id: &str,
    summary: &mut Summary,
) -> Result<(), Trouble> {
    let now = held::id_of_all(held);
    if now.as_deref() != Some(id) {
        return Err(Trouble::new(Code::PlanChanged)
            .with("plan", syncmgr_model::escape::escape(id.as_bytes()))
            .with("now", now.unwrap_or_else(|| "nothing".to_owned())));
    }
    for one in held {
        let (command, handed) = command(job, setup, &["--force-delete", &one.collection])?;
        let ran = run(job, setup, command)?;
        drop(handed);
        *summary = summary.plus(&self::summary(&ran.reading));
        if !ran.ended.exit.is_success() {
            return Err(job.failed(&ran.ended));
        }
        job.session.say(one.let_go(job.ctx));
    }
    held::save(job.dir, &[])
}

/// Carries a decision on one conflict out, and no other one.
pub(super) fn resolve(
    job: &Job<'_>,
    setup: &Setup,
    seen: &Seen<'_>,
    choice: &Choice,
) -> Result<(), Trouble> {
    let conflict = seen.conflict;
    let mut conflicts = Conflicts::load(job.dir);
    let not_found = || {
        Trouble::new(Code::NotFound)
            .with("what", "conflict")
            .with("name", &conflict.id)
    };
    let spot = conflicts.spot(&conflict.id).ok_or_else(not_found)?;
    let kept = job
        .dir
        .join("kept")
        .join(format!("{}-{}", job.session.id(), conflict.id));
    make(&kept)?;
    let answer = answer(conflict, choice, &spot, &kept)?;
    let decisions = json!({"choices": {&spot.uid: answer}, "kept": kept.to_str()});
    let unusable = |e: std::io::Error| Trouble::new(Code::StateUnusable).with("detail", e);
    let file = job.dir.join("decisions.json");
    fs::write(&file, decisions.to_string()).map_err(unusable)?;
    let (command, handed) = command(job, setup, &[&spot.collection])?;
    // The script holds what there is against the contents that were shown; these must still be
    // the ones that were decided on.
    let ran = seen.is_still_so().and_then(|()| run(job, setup, command));
    drop(handed);
    drop(fs::remove_file(&file));
    let ran = ran?;
    let was_taken = kept.join(folder_of(&spot.uid)).join("a").is_file();
    let still = ran.reading.collections.get(&spot.collection);
    let still = still.is_some_and(|it| it.conflicts.contains(&spot.uid));
    if ran.ended.was_stopped {
        return Err(Trouble::new(Code::Stopped).at_level(EventLevel::Information));
    }
    if !was_taken {
        drop(fs::remove_dir_all(&kept));
    }
    prune(&job.dir.join("kept"));
    let mut troubles = ran.reading.all_faults().map(|it| fault::trouble(it, setup));
    match (was_taken, still, troubles.next()) {
        (true, false, None) => {
            conflicts.decided(job.dir, &spot)?;
            conflicts.learn(job.dir, &ran.reading, job.ctx.now())
        }
        (_, _, Some(trouble)) => Err(job::with_output(trouble, &ran.ended.output)),
        (false, false, None) if ran.ended.exit.is_success() => {
            // Both sides were made equal elsewhere.
            conflicts.learn(job.dir, &ran.reading, job.ctx.now())
        }
        (_, true, None) => {
            conflicts.learn(job.dir, &ran.reading, job.ctx.now())?;
            Err(Trouble::new(Code::StateChanged)
                .with("path", syncmgr_model::escape::escape(&conflict.path)))
        }
        (_, false, None) => Err(job.failed(&ran.ended)),
    }
}

/// Returns what the script is told: a side, or the file with another content.
fn answer(
    conflict: &ToolConflict,
    choice: &Choice,
    spot: &Spot,
    kept: &Path,
) -> Result<String, Trouble> {
    let side = |side: Side| match side {
        Side::Left => "a".to_owned(),
        Side::Right => "b".to_owned(),
    };
    let not_possible = |detail: &str| Err(Trouble::new(Code::NotPossible).with("detail", detail));
    match choice {
        Choice::Keep(kept) => Ok(side(*kept)),
        Choice::KeepNewest => {
            let changed = |side: Side| {
                let file = conflict.sides[side].file.as_ref()?;
                super::conflict::changed(file, fs::metadata(file).ok()?.len())
            };
            match (changed(Side::Left), changed(Side::Right)) {
                (Some(left), Some(right)) if left > right => Ok(side(Side::Left)),
                (Some(left), Some(right)) if right > left => Ok(side(Side::Right)),
                (_, _) => not_possible("the items do not say which of them was changed later"),
            }
        }
        Choice::Merged(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            let unfolded = text
                .replace("\r\n", "\n")
                .replace("\n ", "")
                .replace("\n\t", "");
            let has_uid = unfolded.lines().any(|line| {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                let name = name.split(';').next().unwrap_or(name);
                name.eq_ignore_ascii_case("UID") && value.trim() == spot.uid
            });
            if !has_uid {
                return not_possible("the other content is not the same entry: its UID differs");
            }
            let file = kept.join("chosen");
            fs::write(&file, bytes)
                .map_err(|e| Trouble::new(Code::StateUnusable).with("detail", e))?;
            Ok(file.display().to_string())
        }
        Choice::KeepBoth => not_possible("one entry cannot be kept twice"),
        Choice::MergeText => not_possible("what both sides last agreed on is not known"),
    }
}

/// Lets the oldest go of what decisions replaced.
fn prune(dir: &Path) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut all: Vec<_> = entries.map(|entry| entry.path()).collect();
    // The name begins with the time of the session.
    all.sort();
    let n = all.len().saturating_sub(KEPT_MAX);
    for old in all.iter().take(n) {
        drop(fs::remove_dir_all(old));
    }
}
