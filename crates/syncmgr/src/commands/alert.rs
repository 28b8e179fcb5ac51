//! `alert`: the ways out of this computer, tried.

use std::path::Path;

use clap::{Args, Subcommand};
use syncmgr_alerts::channel::Channel;
use syncmgr_alerts::message::Message;
use syncmgr_alerts::settings::specs;
use syncmgr_model::catalogue;
use syncmgr_model::item::Value;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;
use syncmgr_store::config::Alert;

use super::Done;
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{AlertJson, AlertsOutput, NoticeJson, SCHEMA};
use crate::ui::safe;

/// Try the ways on which you are told.
#[derive(Debug, Args)]
pub(crate) struct AlertArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: Action,
}

/// What to do with alerts.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Send a test notice
    Test {
        /// The alert, as its table is called; all of them when none is named
        name: Option<String>,
    },
}

/// Runs `alert`. Ends with 12 when a notice did not arrive.
pub(crate) fn run(app: &mut App, args: &AlertArgs) -> Done {
    let Action::Test { name } = &args.action;
    let mut alerts = app.config()?.alerts(&specs)?;
    alerts.retain(|alert| name.as_ref().is_none_or(|name| *name == alert.name));
    if alerts.is_empty() {
        return Err(match name {
            Some(name) => CliError::not_found(format!("there is no alert `{}`", safe(name))),
            None => CliError::not_found("no alerts are set up"),
        }
        .hint("an alert is a table `[alert.NAME]` in the settings: `syncmgr config edit`"));
    }
    let mut output = AlertsOutput {
        schema: SCHEMA,
        alerts: Vec::new(),
    };
    for alert in alerts {
        let label = safe(&alert.name);
        app.ui.talk(format!("Sending a test notice by {label} …"));
        let failed = test(&alert, app.dirs.home.as_deref(), app.now())?;
        match &failed {
            None => app
                .ui
                .say(format!("{} {label}: it arrived.", app.ui.out.tick(true))),
            Some(trouble) => {
                let what = catalogue::notice(trouble);
                app.ui
                    .say(format!("{} {label}: {}", app.ui.out.tick(false), what.what));
                for action in what.actions {
                    app.ui.hint(action);
                }
            }
        }
        output.alerts.push(AlertJson {
            name: alert.name,
            arrived: failed.is_none(),
            notice: failed.as_ref().map(NoticeJson::from),
        });
    }
    let all_arrived = output.alerts.iter().all(|alert| alert.arrived);
    app.ui.json(&output);
    Ok(if all_arrived {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// Sends a test notice; returns why it did not arrive.
///
/// # Errors
/// `setting-unusable` when its settings cannot be used.
pub(crate) fn test(
    alert: &Alert,
    home: Option<&Path>,
    now: Timestamp,
) -> Result<Option<Trouble>, Trouble> {
    let mut settings = alert.settings.clone();
    settings.set("kind", Value::Text(alert.kind.clone()));
    let channel = Channel::from_settings(&settings, home).map_err(|error| error.trouble())?;
    let delivered = syncmgr_alerts::deliver(&channel, &Message::test(&host(), now));
    Ok(delivered.err().map(|error| error.trouble(&alert.name)))
}

/// Returns the name of this computer.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match safe(name.trim()) {
        name if name.is_empty() => "this computer".to_owned(),
        name => name,
    }
}
