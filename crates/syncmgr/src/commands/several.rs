//! `sync` and `preview` of several syncs: one after the other, each with its own words, and all of
//! them even when one fails.

use syncmgr_model::format::plural;
use syncmgr_model::item::Item;
use syncmgr_model::request::Work;

use super::Done;
use super::sync::{Answer, How, carry_out, item_json};
use crate::app::App;
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
    for item in items {
        if items.len() > 1 {
            let words = app.command_words(item);
            app.ui.say(app.ui.out.bold(&safe(&words)));
        }
        let exit = match carry_out(app, item, work.clone(), how) {
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
        if exit == Exit::Interrupted {
            break;
        }
    }
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
