//! Prints how a run ended.

use syncmgr_center::command::Outcome;
use syncmgr_model::catalogue::stopped_after;
use syncmgr_model::format::{bytes, duration, number, plural};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::{Summary, Tally};
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::trouble::Code;

use super::{Ui, notice};

/// Prints the messages of a run and the sentence that sums it up. `words` name the sync in a
/// command line.
pub(crate) fn print(ui: &Ui, outcome: &Outcome, names: Option<&PerSide<String>>, words: &str) {
    let record = &outcome.record;
    for event in &outcome.events {
        // The sentence below says it already.
        if event.trouble.code != Code::Stopped {
            notice::print(ui, &event.trouble);
        }
    }
    let ms = record
        .ended
        .map_or(0, |ended| ended.ms_since(record.started));
    let done = done_words(&record.summary, names);
    match record.status {
        Some(ProgressStatus::Succeeded) => {
            if !ui.is_quiet {
                if done == DONE {
                    ui.say(format!("Finished in {}.", duration(ms)));
                } else {
                    ui.say(format!("Finished in {}: {done}.", duration(ms)));
                }
            }
            hints(ui, outcome, words);
        }
        Some(ProgressStatus::Canceled) => {
            let after = outcome
                .events
                .iter()
                .find_map(|event| stopped_after(&event.trouble));
            let said = match (after, done == DONE) {
                (Some(after), true) => format!(": {after} done"),
                (Some(after), false) => format!(": {after} done, {done}"),
                (None, true) => String::new(),
                (None, false) => format!(": {done}"),
            };
            ui.say(format!("Stopped after {}{said}.", duration(ms)));
            ui.hint("files are whole; sync again and it carries on");
        }
        Some(
            ProgressStatus::Failed
            | ProgressStatus::Disconnected
            | ProgressStatus::Updating
            | ProgressStatus::UpdatingIndeterminate,
        )
        | None => {}
    }
}

fn hints(ui: &Ui, outcome: &Outcome, words: &str) {
    let left = &outcome.record.summary;
    if left.n_held > 0 {
        let plan = outcome
            .events
            .iter()
            .find_map(|event| event.trouble.params.get("plan"));
        ui.hint(format!("look at them with `syncmgr preview {words}`"));
        if let Some(plan) = plan {
            ui.hint(format!(
                "allow exactly these with `syncmgr sync {words} --allow-deletions {plan}`"
            ));
        }
    }
    if left.n_conflicts > 0 {
        ui.hint("decide them with `syncmgr conflicts` and `syncmgr resolve`");
    }
}

/// What is said of a run that did its work, and counts nothing.
pub(crate) const DONE: &str = "done";

/// Writes what was done and left in one line; `names` are those of the sides, where it has two.
#[must_use]
pub(crate) fn done_words(summary: &Summary, names: Option<&PerSide<String>>) -> String {
    let mut parts = match names {
        Some(names) => on_sides(summary, names),
        None => at_once(summary),
    };
    let left = summary.n_held + summary.n_failures + summary.n_conflicts;
    if parts.is_empty() {
        parts.push(
            match (left, names) {
                (0, Some(_)) => "nothing to do",
                // Whoever counts nothing may have done much.
                (0, None) => DONE,
                (_, _) => "nothing changed",
            }
            .to_owned(),
        );
    }
    for (n, noun, words) in [
        (summary.n_held, "change", " held"),
        (summary.n_failures, "problem", ""),
        (summary.n_conflicts, "conflict", ""),
        (summary.n_warnings, "warning", ""),
    ] {
        if n > 0 {
            parts.push(format!("{}{words}", plural(n, noun)));
        }
    }
    parts.join(", ")
}

/// What was done on each side; empty when nothing was.
fn on_sides(summary: &Summary, names: &PerSide<String>) -> Vec<String> {
    let mut parts = Vec::new();
    for side in [Side::Right, Side::Left] {
        let tally = &summary.done[side];
        let n = tally.n_copied + tally.n_updated;
        if n > 0 {
            let size = bytes(tally.bytes);
            parts.push(format!("{} ({size}) to {}", plural(n, "file"), names[side]));
        }
        for (n, noun, words) in [
            (tally.n_renamed, "name", "changed in"),
            (tally.n_folders_made, "folder", "made in"),
            (tally.n_folders_removed, "folder", "removed in"),
            (tally.n_attributes, "attribute", "set in"),
        ] {
            if n > 0 {
                parts.push(format!("{} {words} {}", plural(n, noun), names[side]));
            }
        }
    }
    let n_deleted = summary.done.left.n_deleted + summary.done.right.n_deleted;
    if !parts.is_empty() || n_deleted > 0 {
        parts.push(deleted_words(summary, names));
    }
    parts
}

/// What was done, wherever; empty when nothing was counted.
fn at_once(summary: &Summary) -> Vec<String> {
    let of = |count: fn(&Tally) -> u64| {
        let (left, right) = (count(&summary.done.left), count(&summary.done.right));
        left.saturating_add(right)
    };
    let mut parts = Vec::new();
    let n_files = of(|it| it.n_copied.saturating_add(it.n_updated));
    let n_bytes = of(|it| it.bytes);
    if n_files > 0 {
        parts.push(plural(n_files, "file"));
    }
    if n_bytes > 0 {
        parts.push(bytes(n_bytes));
    }
    for (n, noun, words) in [
        (of(|it| it.n_renamed), "name", "changed"),
        (of(|it| it.n_folders_made), "folder", "made"),
        (of(|it| it.n_folders_removed), "folder", "removed"),
        (of(|it| it.n_attributes), "attribute", "set"),
    ] {
        if n > 0 {
            parts.push(format!("{} {words}", plural(n, noun)));
        }
    }
    let n_deleted = of(|it| it.n_deleted);
    if n_deleted > 0 {
        parts.push(format!("{} deleted", number(n_deleted)));
    }
    parts
}

fn deleted_words(summary: &Summary, names: &PerSide<String>) -> String {
    let parts: Vec<_> = [Side::Right, Side::Left]
        .into_iter()
        .map(|side| (summary.done[side].n_deleted, &names[side]))
        .filter(|(n, _)| *n > 0)
        .map(|(n, name)| format!("{} deleted in {name}", number(n)))
        .collect();
    if parts.is_empty() {
        "0 deleted".to_owned()
    } else {
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_well_with_and_without_sides() {
        let names = PerSide::from_fn(|side: Side| side.as_str().to_uppercase());
        let mut summary = Summary::default();
        assert_eq!(done_words(&summary, Some(&names)), "nothing to do");
        assert_eq!(done_words(&summary, None), "done");
        summary.n_failures = 1;
        assert_eq!(done_words(&summary, None), "nothing changed, 1 problem");
        summary.n_failures = 0;
        summary.done.right.n_copied = 13;
        summary.done.left.n_updated = 1;
        summary.done.right.bytes = 3_000_000;
        summary.done.right.n_deleted = 2;
        let words = done_words(&summary, None);
        assert_eq!(words, format!("14 files, {}, 2 deleted", bytes(3_000_000)));
        assert!(done_words(&summary, Some(&names)).contains("13 files"));
    }
}
