//! Prints how a run ended.

use syncmgr_center::command::Outcome;
use syncmgr_model::format::{bytes, duration, number, plural};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::Summary;
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::trouble::Code;

use super::{Ui, notice};

/// Prints the messages of a run and the sentence that sums it up. `words` name the sync in a
/// command line.
pub(crate) fn print(ui: &Ui, outcome: &Outcome, names: &PerSide<String>, words: &str) {
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
                ui.say(format!("Finished in {}: {done}.", duration(ms)));
            }
            hints(ui, outcome, words);
        }
        Some(ProgressStatus::Canceled) => {
            ui.say(format!("Stopped after {}: {done}.", duration(ms)));
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

/// Writes what was done and left in one line.
#[must_use]
pub(crate) fn done_words(summary: &Summary, names: &PerSide<String>) -> String {
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
    let is_idle = parts.is_empty() && n_deleted == 0;
    if !is_idle {
        parts.push(deleted_words(summary, names));
    } else if summary.n_held + summary.n_failures + summary.n_conflicts > 0 {
        parts.push("nothing changed".to_owned());
    } else {
        parts.push("nothing to do".to_owned());
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
