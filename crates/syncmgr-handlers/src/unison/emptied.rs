//! A side that is suddenly empty: Unison stops before it empties the other one, and a person says
//! whether that was meant.

use std::fs;
use std::path::Path;

use syncmgr_model::escape::escape;
use syncmgr_model::preview::{Action, Preview};
use syncmgr_model::trouble::{Code, PATHS_MAX, Trouble};

use super::run::{Ran, Request, below};
use super::{Chosen, look, preview_of, trouble};
use crate::tool::Job;
use crate::tool::hold::{is_deletion, plan_id};
use crate::tool::process::Ended;

/// Most files that are counted, to say how much is at stake.
const COUNTED_MAX: u64 = 1_000_000;

/// Says whether Unison stopped because a side, or a path of the profile on it, is empty now.
pub(super) fn is_it(ended: &Ended) -> bool {
    ended.output.has("been completely emptied")
}

/// Looks at what a run would do that may empty the other side too: its deletions wait.
pub(super) fn preview(job: &Job<'_>, chosen: &Chosen) -> Result<Preview, Trouble> {
    let request = Request {
        allows_emptied: true,
        ..Request::default()
    };
    let ran = look(job, chosen, &request)?;
    if ran.ended.was_stopped {
        return Err(Trouble::new(Code::Stopped));
    }
    if !ran.has_looked {
        return Err(trouble::of(job, chosen, &ran.ended));
    }
    Ok(held(job, chosen, &ran))
}

fn held(job: &Job<'_>, chosen: &Chosen, ran: &Ran) -> Preview {
    let mut preview = preview_of(job, &ran.list.changes, ran.asked_to_begin);
    let id = plan_id(preview.changes.iter().filter(|it| is_deletion(it)));
    let mut side = None;
    let mut n_files = 0;
    let mut paths = Vec::new();
    for change in preview.changes.iter().filter(|it| is_deletion(it)) {
        side = Some(change.side);
        let root = chosen.root(change.side).local.as_deref();
        n_files += match (root, change.action) {
            (Some(root), Action::RemoveFolder) => count(&below(root, &change.path), COUNTED_MAX),
            _ => 1,
        };
        if paths.len() < PATHS_MAX {
            paths.push(escape(&change.path));
        }
    }
    // It is empty, and nothing would go: there is nothing to wait for.
    let Some(side) = side else {
        return preview;
    };
    let mut trouble = Trouble::new(Code::SideEmptied)
        .with("empty", chosen.root(side.other()).shown(job.ctx))
        .with("kept", chosen.root(side).shown(job.ctx))
        .with("n_files", n_files)
        .with("plan", &id);
    trouble.paths = paths;
    preview.troubles.push(trouble);
    // Unison does nothing at all before that is settled.
    for change in &mut preview.changes {
        change.is_held = true;
    }
    preview.held_id = Some(id);
    preview
}

/// Builds a run for a side that is empty where a look saw nothing that would be deleted: it deletes
/// nothing either, whatever is removed meanwhile.
pub(super) fn without_deletions(chosen: &Chosen) -> Request {
    let roots = chosen.roots.iter();
    let args = roots.flat_map(|root| ["-nodeletion".into(), root.text.clone().into()]);
    Request {
        allows_emptied: true,
        args: args.collect(),
    }
}

/// Checks that a person allowed exactly the deletions that wait now.
pub(super) fn check(job: &Job<'_>, chosen: &Chosen, allowed: &str) -> Result<(), Trouble> {
    let ran = look(job, chosen, &Request::default())?;
    let now = match is_it(&ran.ended) {
        true => preview(job, chosen)?.held_id,
        false => None,
    };
    if now.as_deref() == Some(allowed) {
        return Ok(());
    }
    Err(Trouble::new(Code::PlanChanged)
        .with("plan", escape(allowed.as_bytes()))
        .with("now", now.as_deref().unwrap_or("none")))
}

/// Counts what is not a folder beneath a folder.
fn count(folder: &Path, most: u64) -> u64 {
    let mut n = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if n >= most {
                return n;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(_) | Err(_) => n += 1,
            }
        }
    }
    n
}
