//! Prints what a run would do, grouped by what happens where and by top folder.

use std::collections::BTreeMap;

use syncmgr_engine::path::display_bytes;
use syncmgr_model::catalogue;
use syncmgr_model::event::EventLevel;
use syncmgr_model::format::{bytes, number, plural};
use syncmgr_model::preview::{Action, PlannedChange, Preview};
use syncmgr_model::side::{PerSide, Side};

use super::{Ui, notice};

/// Top folders named in a line.
const FOLDERS_SHOWN: usize = 3;
/// Letters of a folder's name in a summary.
const NAME_SHOWN: usize = 40;
/// Conflicts named; `--files` shows all.
const CONFLICTS_SHOWN: usize = 10;

/// Prints a preview; `sides` are the names of the sides, where it has two.
pub(crate) fn print(ui: &Ui, preview: &Preview, sides: Option<&PerSide<String>>, all_files: bool) {
    let words = PerSide::from_fn(|side: Side| side.as_str().to_owned());
    let names = sides.unwrap_or(&words);
    if preview.is_first {
        ui.talk("These folders were never synced with each other: nothing is deleted.");
    }
    if all_files {
        for change in &preview.changes {
            ui.say(file_line(ui, change, names));
        }
    } else {
        for line in groups(ui, &preview.changes) {
            ui.say(line);
        }
    }
    let n_shown = if all_files {
        usize::MAX
    } else {
        CONFLICTS_SHOWN
    };
    for conflict in preview.conflicts.iter().take(n_shown) {
        ui.say(format!(
            "  {}  {}  {}",
            ui.out.yellow("!! conflict"),
            display_bytes(&conflict.path),
            ui.out.dim(conflict.kind.words())
        ));
    }
    if preview.conflicts.len() > n_shown {
        let n = (preview.conflicts.len() - n_shown) as u64;
        ui.say(format!("     and {}", plural(n, "other conflict")));
    }
    if preview.changes.is_empty() && preview.conflicts.is_empty() {
        // With a problem, nothing was seen that could be done; that is not the same as equal.
        let is_equal = preview
            .troubles
            .iter()
            .all(|trouble| trouble.level != EventLevel::Error);
        ui.say(match (is_equal, sides) {
            (true, Some(_)) => "Nothing to do: both sides are equal.",
            (true, None) => "Nothing to do.",
            (false, _) => "Nothing can be done.",
        });
    }
    for trouble in &preview.troubles {
        notice::print_planned(ui, trouble);
    }
    ui.say("Nothing has been changed.");
}

type Group<'a> = (bool, Action, Side);

fn groups(ui: &Ui, changes: &[PlannedChange]) -> Vec<String> {
    let mut groups: BTreeMap<Group<'_>, Vec<&PlannedChange>> = BTreeMap::new();
    for change in changes {
        // Held ones first: they are what the person is here for.
        let key = (!change.is_held, change.action, change.side);
        groups.entry(key).or_default().push(change);
    }
    groups
        .into_iter()
        .map(|((is_free, action, side), changes)| {
            let size: u64 = changes.iter().map(|change| change.bytes).sum();
            let noun = match action {
                Action::MakeFolder | Action::RemoveFolder => "folder",
                Action::Rename => "name",
                Action::Delete | Action::Copy | Action::Update | Action::SetAttributes => "file",
            };
            let size = if size > 0 { bytes(size) } else { String::new() };
            let held = if is_free {
                String::new()
            } else {
                format!("  {}", ui.out.yellow("held"))
            };
            format!(
                "  {} {:<13} {:>14} {:>9}   {}{held}",
                ui.out.arrow(side),
                action.as_str(),
                plural(changes.len() as u64, noun),
                size,
                top_folders(&changes),
            )
        })
        .collect()
}

/// Names the top folders with the most changes, or the file when there is one.
fn top_folders(changes: &[&PlannedChange]) -> String {
    if let [change] = changes {
        return file_name(change);
    }
    let mut counts: BTreeMap<&[u8], u64> = BTreeMap::new();
    for change in changes {
        let top = match change.path.iter().position(|&b| b == b'/') {
            Some(at) => &change.path[..=at],
            None => b"".as_slice(),
        };
        *counts.entry(top).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let n_more = counts.len().saturating_sub(FOLDERS_SHOWN);
    let mut parts: Vec<_> = counts
        .iter()
        .take(FOLDERS_SHOWN)
        .map(|(top, n)| {
            let name = if top.is_empty() {
                "top level".to_owned()
            } else {
                shortened(&display_bytes(top))
            };
            format!("{name} ({})", number(*n))
        })
        .collect();
    if n_more > 0 {
        parts.push(format!("and {}", plural(n_more as u64, "other folder")));
    }
    parts.join("  ")
}

/// Leaves the middle out of a long name: a summary is read at a glance.
fn shortened(name: &str) -> String {
    let n = name.chars().count();
    if n <= NAME_SHOWN {
        return name.to_owned();
    }
    let head: String = name.chars().take(NAME_SHOWN / 2).collect();
    let tail: String = name.chars().skip(n - NAME_SHOWN / 2 + 3).collect();
    format!("{head}...{tail}")
}

fn file_name(change: &PlannedChange) -> String {
    match &change.from {
        Some(from) => format!("{} -> {}", display_bytes(from), display_bytes(&change.path)),
        None => display_bytes(&change.path),
    }
}

fn file_line(ui: &Ui, change: &PlannedChange, names: &PerSide<String>) -> String {
    let reason = catalogue::reason(&change.reason, &names.left, &names.right);
    let held = if change.is_held { ", held" } else { "" };
    format!(
        "  {} {:<13} {}  {}",
        ui.out.arrow(change.side),
        change.action.as_str(),
        file_name(change),
        ui.out.dim(&format!("({reason}{held})"))
    )
}
