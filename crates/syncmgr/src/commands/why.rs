//! `why`: why a path is, or is not, in sync.

use std::ffi::OsString;

use clap::Args;
use syncmgr_engine::path::display_bytes;
use syncmgr_model::catalogue;
use syncmgr_model::item::Item;
use syncmgr_model::record::Explanation;

use super::Done;
use super::sync::item_json;
use crate::app::App;
use crate::exit::Exit;
use crate::json::{SCHEMA, WhyOutput};

/// Say why a file is, or is not, in sync.
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// A path inside a synced folder, or NAME:path
    pub(crate) path: OsString,
}

/// Runs `why`.
pub(crate) fn run(app: &mut App, args: &WhyArgs) -> Done {
    let (item, path) = app.locate(&args.path)?;
    let handler = app.handler(&item)?;
    let Some(explain) = handler.explain() else {
        return Ok(unexplained(app, &item, &path));
    };
    let why = explain.why(&item, &path)?;
    let names = app.places(&item);
    let words = app.command_words(&item);
    let (state, summary, hint) = match &why {
        Explanation::InSync => ("in-sync", "it is equal on both sides.".to_owned(), None),
        Explanation::Nowhere => ("nowhere", "it is on neither side.".to_owned(), None),
        Explanation::Excluded { pattern, at } => (
            "excluded",
            format!(
                "it is left out: the exclusion `{}` matches {}.",
                display_bytes(pattern.as_bytes()),
                display_bytes(at)
            ),
            Some("`!` before a pattern takes an exclusion back".to_owned()),
        ),
        Explanation::Own => (
            "own",
            "it is syncmgr's own data, which is never synced.".to_owned(),
            None,
        ),
        Explanation::Conflict(kind) => (
            "conflict",
            format!("it waits for your decision: {}.", kind.words()),
            Some("`syncmgr conflicts` shows it".to_owned()),
        ),
        Explanation::Pending(changes) => {
            let steps: Vec<_> = changes
                .iter()
                .map(|change| {
                    let reason = catalogue::reason(&change.reason, &names.left, &names.right);
                    let held = if change.is_held {
                        ", held until you allow it"
                    } else {
                        ""
                    };
                    format!(
                        "{} in {} ({reason}{held})",
                        change.action.as_str(),
                        names[change.side]
                    )
                })
                .collect();
            let steps = if steps.is_empty() {
                "only remember that both sides are equal".to_owned()
            } else {
                steps.join("; ")
            };
            (
                "pending",
                format!("the next run would: {steps}."),
                Some(format!("`syncmgr sync {words}` does it")),
            )
        }
        Explanation::Trouble(trouble) => {
            let notice = catalogue::notice(trouble);
            let hint = notice.actions.into_iter().next();
            (
                "problem",
                format!("{} {}", notice.what, notice.meaning),
                hint,
            )
        }
    };
    app.ui.json(&WhyOutput {
        schema: SCHEMA,
        sync: item_json(app, &item),
        path: display_bytes(&path),
        state,
        summary: summary.clone(),
    });
    let shown = if path.is_empty() {
        names.left.clone()
    } else {
        display_bytes(&path)
    };
    app.ui.say(format!("{shown}: {summary}"));
    if let Some(hint) = hint {
        app.ui.hint(hint);
    }
    Ok(Exit::Done)
}

/// Says which sync has a path, of a handler that tells nothing of single files.
fn unexplained(app: &App, item: &Item, path: &[u8]) -> Exit {
    let words = app.command_words(item);
    let summary = format!(
        "it is in a folder of the sync {words}; its handler, {}, tells no more of single files.",
        item.handler
    );
    app.ui.json(&WhyOutput {
        schema: SCHEMA,
        sync: item_json(app, item),
        path: display_bytes(path),
        state: "unexplained",
        summary: summary.clone(),
    });
    let shown = match path {
        [] => words.clone(),
        path => display_bytes(path),
    };
    app.ui.say(format!("{shown}: {summary}"));
    app.ui.hint(format!(
        "`syncmgr preview {words}` says what a run would do"
    ));
    Exit::Done
}
