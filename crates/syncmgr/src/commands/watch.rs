//! `watch`, and `status --watch`: the state of syncs as it changes. On a terminal the lines are
//! redrawn; elsewhere every change is a line, or an object with `--json`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::time::Duration;

use clap::Args;
use syncmgr_api::client::Events;
use syncmgr_model::item::Item;

use super::{Done, chosen, status};
use crate::app::{App, ItemState, key};
use crate::clock::rest;
use crate::error::CliError;
use crate::json::{SCHEMA, WatchOutput};
use crate::ui::{safe, when};

/// Between two looks at most; a message of the daemon comes before.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Least time between two drawings.
const REDRAW: Duration = Duration::from_millis(250);

/// Show runs while they work.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Only these syncs
    #[arg(value_name = "SYNC")]
    pub(crate) syncs: Vec<OsString>,
}

/// Runs `watch`, until Ctrl-C.
pub(crate) fn run(app: &mut App, names: &[OsString]) -> Done {
    let mut news = News::listen(app)?;
    let mut view = View::default();
    loop {
        let chosen = chosen::of(app, names)?;
        let states = app.states(&chosen.items)?;
        view.show(app, &chosen.items, &states);
        news.wait();
    }
}

/// Tells when something may have changed.
enum News {
    /// The messages of the daemon.
    Daemon(Box<Events>),
    /// Nobody tells.
    Nobody,
}

impl News {
    fn listen(app: &mut App) -> Result<Self, CliError> {
        Ok(match app.events()? {
            Some(events) => Self::Daemon(Box::new(events)),
            None => Self::Nobody,
        })
    }

    fn wait(&mut self) {
        if let Self::Daemon(events) = self
            && let Ok(Some(_)) = events.next_within(LOOK_EVERY)
        {
            // What comes together is drawn together.
            while let Ok(Some(_)) = events.next_within(Duration::from_millis(1)) {}
            rest(REDRAW);
            return;
        }
        rest(LOOK_EVERY);
    }
}

/// What stands on the terminal, or was said last.
#[derive(Debug, Default)]
struct View {
    n_lines: usize,
    said: BTreeMap<String, String>,
}

impl View {
    fn show(&mut self, app: &App, items: &[Item], states: &[ItemState]) {
        if app.ui.is_json || !app.ui.is_redrawn {
            return self.say(app, items, states);
        }
        let mut lines = status::lines(app, items, states);
        lines.push(app.ui.out.dim("Ctrl-C ends this view; runs go on."));
        let mut text = String::new();
        if self.n_lines > 0 {
            text.extend(["\x1b[", &self.n_lines.to_string(), "A"]);
        }
        for line in &lines {
            // Cut rather than wrapped: a wrapped line cannot be drawn over.
            text.extend(["\r\x1b[2K", &app.ui.fit(line), "\n"]);
        }
        // What stood below is gone.
        text += "\x1b[J";
        let mut out = io::stdout().lock();
        drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
        self.n_lines = lines.len();
    }

    /// Says what changed since the last time.
    fn say(&mut self, app: &App, items: &[Item], states: &[ItemState]) {
        for (item, state) in items.iter().zip(states) {
            let words = status::activity(state);
            let before = self.said.insert(key(item).to_string(), words.clone());
            if before.as_ref() == Some(&words) {
                continue;
            }
            app.ui.json(&WatchOutput {
                schema: SCHEMA,
                at: app.now().rfc3339(),
                item: status::entry(app, item, state),
            });
            let label = app.label(item).unwrap_or_else(|| app.command_words(item));
            let now = when(app.now(), app.now());
            app.ui.say(format!("{now}  {}: {words}", safe(&label)));
        }
    }
}
