//! A report to be sent to somebody who helps: how everything stands and what was said last.

use std::fmt::Write as _;

use syncmgr_center::port::EventQuery;
use syncmgr_model::catalogue::notice;
use syncmgr_model::format::without_os_numbers;

use super::checks;
use crate::app::App;
use crate::commands::status;
use crate::daemon::log;
use crate::ui::safe;

/// Most results in it.
const N_RESULTS: u32 = 50;
/// Most lines of the log in it.
const N_LINES: usize = 200;

/// Returns the report. What cannot be had says why in its place.
pub(crate) fn text(app: &mut App) -> String {
    let mut text = format!("syncmgr {}\n", env!("CARGO_PKG_VERSION"));
    let system = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let _ = writeln!(
        text,
        "Linux {}, {}",
        safe(system.trim()),
        app.now().rfc3339()
    );
    part(
        &mut text,
        "Checks",
        checks(app).iter().map(|check| {
            let mark = if check.ok { "ok" } else { "!!" };
            let fix = check.fix.as_ref().map(|fix| format!("\n   fix: {fix}"));
            format!(
                "{mark} {}: {}{}",
                check.name,
                check.detail,
                fix.unwrap_or_default()
            )
        }),
    );
    let syncs = app.known().and_then(|items| {
        let states = app.states(&items)?;
        Ok(status::rows(app, &items, &states))
    });
    part(
        &mut text,
        "Syncs",
        syncs.unwrap_or_else(|error| vec![error.message]),
    );
    let query = EventQuery {
        limit: N_RESULTS,
        ..EventQuery::default()
    };
    let results = app.history(move |store| store.events(&query));
    let results = results.map(|events| {
        let lines = events.iter().rev().map(|event| {
            let item = event.item.as_ref().map(ToString::to_string);
            format!(
                "{} {} {} {}: {} [{}]",
                event.at.rfc3339(),
                event.trouble.level.as_str(),
                event.handler,
                item.unwrap_or_default(),
                notice(&event.trouble).what,
                event.trouble.code.as_str()
            )
        });
        lines.collect()
    });
    part(
        &mut text,
        "Results",
        results.unwrap_or_else(|error| vec![error.message]),
    );
    let lines = log::tail(&app.dirs.state, N_LINES);
    let lines = lines.unwrap_or_else(|error| vec![without_os_numbers(&error.to_string())]);
    part(&mut text, "Log", lines.iter().map(|line| safe(line)));
    text
}

fn part(text: &mut String, title: &str, lines: impl IntoIterator<Item = String>) {
    let _ = writeln!(text, "\n## {title}\n");
    for line in lines {
        let _ = writeln!(text, "{}", line.trim_end());
    }
}
