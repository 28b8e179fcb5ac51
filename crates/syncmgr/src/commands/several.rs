//! `sync` and `preview` of several syncs: they run side by side, each has its own words, and all of
//! them run even when one fails.

use std::collections::VecDeque;

use syncmgr_model::format::plural;
use syncmgr_model::item::Item;
use syncmgr_model::request::{Intent, Work};

use super::Done;
use super::sync::{Answer, How, carry_out, item_json, say};
use crate::app::{App, Begun};
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{NotRunJson, RunsOutput, SCHEMA};
use crate::ui::safe;

/// Runs several syncs. Ends with the most severe of their codes.
pub(crate) fn run(app: &mut App, items: &[Item], work: &Work, how: How) -> Done {
    let mut output = RunsOutput {
        schema: SCHEMA,
        ..RunsOutput::default()
    };
    let mut worst = Exit::Done;
    let mut begun = if how.is_dry {
        VecDeque::new()
    } else {
        begin(app, items, work, how)?
    };
    for item in items {
        if items.len() > 1 {
            let words = app.command_words(item);
            app.ui.say(app.ui.out.bold(&safe(&words)));
        }
        let ran = match begun.pop_front() {
            Some(begun) => finish(app, item, work, how, begun),
            None => carry_out(app, item, work.clone(), how),
        };
        let exit = match ran {
            Ok((exit, answer)) => {
                match answer {
                    Answer::Run(run) => output.runs.push(*run),
                    Answer::Preview(preview) => output.previews.push(*preview),
                    Answer::Accepted(accepted) => output.accepted.push(*accepted),
                }
                exit
            }
            // Without the daemon the next one fails in the same way.
            Err(error) if matches!(error.exit, Exit::NotRunning | Exit::NotAllowed) => {
                return Err(error);
            }
            Err(error) => {
                let exit = error.exit;
                output.failed.push(NotRunJson {
                    sync: item_json(app, item),
                    error: error.to_json(),
                });
                app.ui.print_error(&error);
                exit
            }
        };
        if exit.severity() > worst.severity() {
            worst = exit;
        }
        // What runs beside was asked to stop too, and is waited for.
        if exit == Exit::Interrupted && how.is_dry {
            break;
        }
    }
    app.ui.set_crowded(false);
    app.hears_signals(false)?;
    app.ui.json(&output);
    if items.is_empty() {
        app.ui.say("There is nothing to sync.");
        app.ui.hint("`syncmgr list` shows the syncs there are");
    } else if items.len() > 1 && !how.is_dry {
        app.ui.talk(format!(
            "{} looked after.",
            plural(items.len() as u64, "sync")
        ));
    }
    Ok(worst)
}

/// Asks for all of them at once: the center runs side by side what may run side by side.
fn begin(
    app: &mut App,
    items: &[Item],
    work: &Work,
    how: How,
) -> Result<VecDeque<Result<Begun, CliError>>, CliError> {
    app.ui.set_crowded(items.len() > 1);
    app.hears_signals(true)?;
    let mut begun = VecDeque::with_capacity(items.len());
    for item in items {
        begun.push_back(app.begin(item, work, Intent::Apply, how.wish));
    }
    Ok(begun)
}

/// Waits for one of them and says how it ended.
fn finish(
    app: &mut App,
    item: &Item,
    work: &Work,
    how: How,
    begun: Result<Begun, CliError>,
) -> Result<(Exit, Answer), CliError> {
    let waited = app.wait(item, work, Intent::Apply, how.wish, begun?)?;
    Ok(say(app, item, waited, false, how))
}
