//! Prints a message: what happened, what it means, what helps, its code.

use syncmgr_model::catalogue;
use syncmgr_model::event::EventLevel;
use syncmgr_model::format::plural;
use syncmgr_model::trouble::{Code, Trouble};

use super::Ui;

/// Paths shown unless more were asked for.
const PATHS_SHOWN: usize = 5;

/// What a held change means while nothing was done yet.
const WOULD_WAIT: &str = "None of them would be done without your OK; everything else would be.";

/// Prints a message on stderr; when quiet, only errors.
pub(crate) fn print(ui: &Ui, trouble: &Trouble) {
    print_as(ui, trouble, &catalogue::notice(trouble).meaning);
}

/// The same, of what a run would say.
pub(crate) fn print_planned(ui: &Ui, trouble: &Trouble) {
    if is_hold(trouble) {
        print_as(ui, trouble, WOULD_WAIT);
    } else {
        print(ui, trouble);
    }
}

/// Says whether changes wait for an OK.
fn is_hold(trouble: &Trouble) -> bool {
    matches!(
        trouble.code,
        Code::TooManyDeletions
            | Code::SideEmptied
            | Code::TooManyChanges
            | Code::FolderReplaced
            | Code::FirstMirror
            | Code::TakenBack
    )
}

fn print_as(ui: &Ui, trouble: &Trouble, meaning: &str) {
    let notice = catalogue::notice(trouble);
    let is_hold = is_hold(trouble);
    let word = match (trouble.level, is_hold) {
        (_, true) => ui.err.yellow("held:"),
        (EventLevel::Error, false) => ui.err.red("error:"),
        (EventLevel::Warning, false) => ui.err.yellow("warning:"),
        (EventLevel::Information, false) => ui.err.dim("note:"),
    };
    if ui.is_quiet && trouble.level != EventLevel::Error {
        return;
    }
    ui.complain(format!(
        "{word} {} {}",
        notice.what,
        ui.err.dim(&format!("[{}]", notice.code.as_str()))
    ));
    ui.complain(format!("  {meaning}"));
    let n_shown = if ui.is_verbose {
        trouble.paths.len()
    } else {
        PATHS_SHOWN
    };
    for path in trouble.paths.iter().take(n_shown) {
        ui.complain(format!("    {path}"));
    }
    let n_all = trouble.number("n").max(trouble.paths.len() as u64);
    let n_hidden = n_all.saturating_sub(trouble.paths.len().min(n_shown) as u64);
    if n_hidden > 0 && !trouble.paths.is_empty() {
        ui.complain(format!("    and {}", plural(n_hidden, "other")));
    }
    // How to allow held changes is said with the whole command line by whoever prints them.
    for action in notice.actions.iter().skip(usize::from(is_hold)) {
        ui.hint(action);
    }
}
