//! Conflicts of bisync: `report.txt.conflict1` and `report.txt.conflict2` beside each other, on both
//! sides. A decision renames them on one side, a local one if there is one, and the run that follows
//! brings that to the other. What is not kept goes to `.syncmgr-kept`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use syncmgr_engine::entry::FileTime;
use syncmgr_engine::merge::conflict_name;
use syncmgr_model::conflict::{ConflictKind, Facts};
use syncmgr_model::item::Item;
use syncmgr_model::progress::Phase;
use syncmgr_model::request::Choice;
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::trouble::{Code, Trouble};

use super::call;
use super::chosen::{Chosen, Place};
use super::log::Read;
use super::state::Memory;
use crate::tool::{
    Context, Job, Seen, ToolConflict, Version, aside, conflict_id, recall, remember,
};

/// What is remembered: the names of copies in conflict, and of the files they belong to.
const NAMES: &str = "conflicts.json";

/// The names that decisions took away, until the run that brings them to the other side.
const DECIDED: &str = "decided.json";

static COPY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?P<base>.+)\.conflict(?P<n>\d+)$")
        .expect("the pattern is a constant, and a test uses it")
});

/// Takes the name of a copy apart: of which file it is, and its number.
fn copy_of(name: &str) -> Option<(&str, u64)> {
    let found = COPY.captures(name)?;
    Some((found.name("base")?.as_str(), found["n"].parse().ok()?))
}

/// Remembers which copies the listing of the last run has.
///
/// # Errors
/// `state-unusable`.
pub(super) fn note(job: &Job<'_>, memory: &Memory) -> Result<(), Trouble> {
    let copies = memory.listed(|name| copy_of(name).is_some());
    let bases: BTreeSet<&str> = copies
        .iter()
        .filter_map(|it| Some(copy_of(it)?.0))
        .collect();
    let mut names = memory.listed(|name| bases.contains(name));
    names.extend(copies.iter().cloned());
    remember(job.dir, NAMES, &names)
}

/// The two contents of a conflict, by their names below the folders.
struct Pair {
    base: String,
    left: String,
    right: String,
}

/// Lists what is in conflict now, by the file it is about.
fn pairs(ctx: &Context, item: &Item, chosen: &Chosen) -> Vec<Pair> {
    let names: Vec<String> = recall(&ctx.state_path(item), NAMES).unwrap_or_default();
    let root = chosen.both().into_iter().find_map(Place::local);
    // A person may have decided with a file manager in between.
    let is_there =
        |name: &&String| root.is_none_or(|root| fs::symlink_metadata(root.join(name)).is_ok());
    let mut groups: BTreeMap<String, Vec<(u64, String)>> = BTreeMap::new();
    for name in names.iter().filter(is_there) {
        match copy_of(name) {
            Some((base, n)) => groups
                .entry(base.to_owned())
                .or_default()
                .push((n, name.clone())),
            // The file itself comes first.
            None => groups
                .entry(name.clone())
                .or_default()
                .push((0, name.clone())),
        }
    }
    let pair = |(base, mut group): (String, Vec<(u64, String)>)| {
        group.sort();
        let mut names = group.into_iter().map(|(_, name)| name);
        Some(Pair {
            base,
            left: names.next()?,
            right: names.next()?,
        })
    };
    groups.into_iter().filter_map(pair).collect()
}

/// Lists the conflicts of an item.
pub(super) fn list(ctx: &Context, item: &Item, chosen: &Chosen) -> Vec<ToolConflict> {
    let (local, _) = working_side(chosen);
    let version = |side: Side, name: &str, is_base: bool| {
        let place = match side {
            Side::Left => &chosen.from,
            Side::Right => &chosen.to,
        };
        let shown = place.shown(ctx);
        let place_name = if is_base {
            "as it is now".to_owned()
        } else {
            shown
        };
        let full = format!("{}/{name}", local.shown(ctx));
        match local.local() {
            Some(root) => Version::of_file(&place_name, full, root.join(name)),
            None => Version {
                place: place_name,
                full,
                facts: Facts::Unknown,
                file: None,
            },
        }
    };
    pairs(ctx, item, chosen)
        .into_iter()
        .map(|pair| ToolConflict {
            id: conflict_id(pair.base.as_bytes()),
            path: pair.base.clone().into_bytes(),
            kind: ConflictKind::BothChanged,
            description: None,
            since: None,
            sides: PerSide {
                left: version(Side::Left, &pair.left, pair.left == pair.base),
                right: version(Side::Right, &pair.right, false),
            },
        })
        .collect()
}

/// Returns the side on which decisions are carried out: a local one, if there is one.
fn working_side(chosen: &Chosen) -> (&Place, Side) {
    match (chosen.from.local(), chosen.to.local()) {
        (None, Some(_)) => (&chosen.to, Side::Right),
        (_, _) => (&chosen.from, Side::Left),
    }
}

/// Carries a decision out on one side.
///
/// # Errors
/// As [`crate::tool::Tool::resolve`].
pub(super) fn resolve(
    job: &Job<'_>,
    chosen: &Chosen,
    seen: &Seen<'_>,
    choice: &Choice,
) -> Result<(), Trouble> {
    let conflict = seen.conflict;
    let pair = pairs(job.ctx, job.item, chosen)
        .into_iter()
        .find(|pair| pair.base.as_bytes() == conflict.path)
        .ok_or_else(|| changed(&conflict.path))?;
    let (place, _) = working_side(chosen);
    let hands = Hands { job, chosen, place };
    let mut decided: BTreeSet<String> = recall(job.dir, DECIDED).unwrap_or_default();
    decided.extend([pair.left.clone(), pair.right.clone()]);
    seen.is_still_so()?;
    remember(job.dir, DECIDED, &decided)?;
    match choice {
        Choice::Keep(Side::Left) => hands.keep(&pair, &pair.left, &pair.right),
        Choice::Keep(Side::Right) => hands.keep(&pair, &pair.right, &pair.left),
        Choice::KeepNewest => match newest(conflict)? {
            Side::Left => hands.keep(&pair, &pair.left, &pair.right),
            Side::Right => hands.keep(&pair, &pair.right, &pair.left),
        },
        Choice::KeepBoth => hands.keep_both(&pair, conflict),
        Choice::Merged(bytes) => hands.merged(&pair, bytes),
        Choice::MergeText => Err(not_possible(
            "rclone does not keep what both sides agreed on, so there is nothing to merge from",
        )),
    }
}

/// Returns the names that decisions took away, and forgets them.
pub(super) fn decided(job: &Job<'_>) -> BTreeSet<String> {
    let names = recall(job.dir, DECIDED).unwrap_or_default();
    // When it stays, the next decision adds to it; those names are not there any more.
    fs::remove_file(job.dir.join(DECIDED)).ok();
    names
}

fn newest(conflict: &ToolConflict) -> Result<Side, Trouble> {
    let time = |side: Side| match conflict.sides[side].facts {
        Facts::Present { modified, .. } => Some(modified),
        Facts::Missing | Facts::Unknown => None,
    };
    match (time(Side::Left), time(Side::Right)) {
        (Some(left), Some(right)) if left != right => Ok(if left > right {
            Side::Left
        } else {
            Side::Right
        }),
        (Some(_), Some(_)) => Err(not_possible("both were modified at the same time")),
        (_, _) => Err(not_possible("when they were modified is not known")),
    }
}

fn not_possible(detail: &str) -> Trouble {
    Trouble::new(Code::NotPossible).with("detail", detail)
}

fn changed(path: &[u8]) -> Trouble {
    Trouble::new(Code::StateChanged).with("path", syncmgr_model::escape::escape(path))
}

/// Most bytes of the name of a file, on nearly every file system.
const NAME_MAX: usize = 255;

/// Returns the last part of a place.
fn last_part(place: &str) -> &str {
    let place = place.trim_end_matches(['/', ':']);
    place.rsplit(['/', ':']).next().unwrap_or(place)
}

/// What renames and puts files on one side.
struct Hands<'a> {
    job: &'a Job<'a>,
    chosen: &'a Chosen,
    place: &'a Place,
}

impl Hands<'_> {
    fn kept(&self, name: &str) -> String {
        format!("{}/{}/{name}", aside::DIR, self.job.session.id())
    }

    fn keep(&self, pair: &Pair, winner: &str, loser: &str) -> Result<(), Trouble> {
        self.rename(loser, &self.kept(loser))?;
        if winner == pair.base {
            return Ok(());
        }
        self.rename(winner, &pair.base)
    }

    /// The newer content gets the name of the file, and the older one a name that says where and
    /// when it comes from. Where that cannot be told, the right one gives way.
    fn keep_both(&self, pair: &Pair, conflict: &ToolConflict) -> Result<(), Trouble> {
        let older = newest(conflict).unwrap_or(Side::Left).other();
        let (stays, goes) = match older {
            Side::Left => (&pair.right, &pair.left),
            Side::Right => (&pair.left, &pair.right),
        };
        let second = self.free_name(pair, goes, older, conflict)?;
        self.rename(goes, &second)?;
        if *stays == pair.base {
            return Ok(());
        }
        self.rename(stays, &pair.base)
    }

    fn merged(&self, pair: &Pair, bytes: &[u8]) -> Result<(), Trouble> {
        let unusable = |e: std::io::Error| Trouble::new(Code::StateUnusable).with("detail", e);
        let new = self.job.dir.join("merged");
        fs::write(&new, bytes).map_err(unusable)?;
        let put = || {
            // First it is there, then the others go.
            let first = self.kept("merged");
            self.put(&new, &first)?;
            self.rename(&pair.left, &self.kept(&pair.left))?;
            self.rename(&pair.right, &self.kept(&pair.right))?;
            self.rename(&first, &pair.base)
        };
        let done = put();
        fs::remove_file(&new).ok();
        done
    }

    /// Returns a name beside the file that is not taken, as `report (conflict, Backup, 2026-11-20
    /// 0912).txt`.
    fn free_name(
        &self,
        pair: &Pair,
        goes: &str,
        side: Side,
        conflict: &ToolConflict,
    ) -> Result<String, Trouble> {
        let (dir, file) = match pair.base.rsplit_once('/') {
            Some((dir, file)) => (format!("{dir}/"), file),
            None => (String::new(), pair.base.as_str()),
        };
        // The file itself lies on the side on which decisions are carried out.
        let place = match (goes == pair.base, side) {
            (true, _) => self.place,
            (false, Side::Left) => &self.chosen.from,
            (false, Side::Right) => &self.chosen.to,
        };
        let place = self.called(place);
        let at = match conflict.sides[side].facts {
            Facts::Present { modified, .. } => modified,
            Facts::Missing | Facts::Unknown => self.job.ctx.now(),
        };
        let at = FileTime::new(at.0.div_euclid(1000), 0);
        // Nobody has so many copies of a file; the end is only there so that it ends.
        for attempt in 0..100 {
            let name = conflict_name(file.as_bytes(), &place, at, attempt, NAME_MAX);
            let name = format!("{dir}{}", String::from_utf8_lossy(&name));
            if !self.is_there(&name)? {
                return Ok(name);
            }
        }
        Err(not_possible("every name for the second content is taken"))
    }

    /// Returns what tells a place from the other one: its last part, if that does.
    fn called(&self, place: &Place) -> String {
        let shown = place.shown(self.job.ctx);
        let [one, other] = self.chosen.both().map(|it| it.shown(self.job.ctx));
        if last_part(&one) == last_part(&other) {
            return shown.trim_matches(['/', ':']).to_owned();
        }
        last_part(&shown).to_owned()
    }

    fn is_there(&self, name: &str) -> Result<bool, Trouble> {
        if let Some(root) = self.place.local() {
            return Ok(fs::symlink_metadata(root.join(name)).is_ok());
        }
        let call = call::call(self.job, self.chosen, &["lsf"])?;
        let command = call.command.arg(self.place.beneath(name));
        let ended = self.job.run(command, |_| crate::tool::process::Keep::Yes)?;
        match ended.exit {
            crate::tool::process::Exit::Code(0) => Ok(true),
            // No such directory, no such file.
            crate::tool::process::Exit::Code(3 | 4) => Ok(false),
            _ => Err(call::trouble(
                self.job,
                self.chosen,
                &Read::one_way(),
                &ended,
            )),
        }
    }

    /// Renames a file; what is there already is never replaced.
    fn rename(&self, from: &str, to: &str) -> Result<(), Trouble> {
        if let Some(root) = self.place.local() {
            return rename_local(&root.join(from), &root.join(to), from);
        }
        if self.is_there(to)? {
            return Err(changed(to.as_bytes()));
        }
        self.call("moveto", self.place.beneath(from), self.place.beneath(to))
    }

    /// Puts a local file under a name that nobody else uses.
    fn put(&self, file: &Path, name: &str) -> Result<(), Trouble> {
        self.call("copyto", file.into(), self.place.beneath(name))
    }

    fn call(
        &self,
        word: &str,
        from: std::ffi::OsString,
        to: std::ffi::OsString,
    ) -> Result<(), Trouble> {
        let mut call = call::call(self.job, self.chosen, &[word])?;
        call.command = call.command.arg(from).arg(to);
        let mut read = Read::one_way();
        let ended = call::run(self.job, call, &mut read, Phase::Preparing)?;
        if ended.exit.is_success() && !ended.was_stopped {
            Ok(())
        } else {
            Err(call::trouble(self.job, self.chosen, &read, &ended))
        }
    }
}

fn rename_local(from: &Path, to: &Path, name: &str) -> Result<(), Trouble> {
    let failed = |e: std::io::Error| {
        Trouble::new(Code::NotPossible).with(
            "detail",
            format!(
                "{} cannot be renamed ({e})",
                syncmgr_model::escape::escape(name.as_bytes())
            ),
        )
    };
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir).map_err(failed)?;
    }
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST | Errno::NOENT) => Err(changed(name.as_bytes())),
        // A file system that cannot rename in this way: a link is as careful, and files are all
        // there is.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => link_local(from, to).map_err(failed),
        Err(errno) => Err(failed(errno.into())),
    }
}

fn link_local(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_known_by_their_names() {
        for (name, expected) in [
            ("a/report.txt.conflict1", Some(("a/report.txt", 1))),
            ("x.conflict1.conflict12", Some(("x.conflict1", 12))),
            ("report.conflict", None),
            (".conflict1", None),
            ("report.conflict1.txt", None),
        ] {
            assert_eq!(copy_of(name), expected, "{name}");
        }
    }
}
