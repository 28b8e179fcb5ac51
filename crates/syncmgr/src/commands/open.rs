//! `open`: the page in the browser, signed in.

use std::process::{Command, Stdio};

use clap::Args;

use super::Done;
use crate::app::{App, Core, needs_daemon};
use crate::daemon::lock;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{OpenOutput, SCHEMA};
use crate::ui::safe;

/// Open the page in the browser, signed in.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// Which page, as conflicts or syncs
    pub(crate) page: Option<String>,
    /// Print the address and open nothing
    #[arg(long)]
    pub(crate) print: bool,
}

/// Runs `open`.
pub(crate) fn run(app: &mut App, args: &OpenArgs) -> Done {
    let page = args.page.as_deref().unwrap_or_default();
    let page = page.trim_start_matches('/');
    if !page
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_/".contains(c))
    {
        return Err(
            CliError::usage(format!("there is no page `{}`", safe(page)))
                .hint("as `syncmgr open conflicts`"),
        );
    }
    let Core::There(there) = app.core()? else {
        return Err(needs_daemon("the page comes from the daemon"));
    };
    let code = there.sign_in_code()?;
    let owner = lock::owner(&app.dirs.state).ok().flatten();
    let address = owner.map(|owner| owner.address).unwrap_or_default();
    if address.is_empty() {
        return Err(CliError::new(
            Exit::NotRunning,
            "the daemon listens on no port, so a browser cannot reach it",
        )
        .hint("`syncmgr daemon logs` says why; the setting is `daemon.listen`"));
    }
    // Behind `#`, so that it is in no log of a server and in no referrer.
    let url = format!("{address}/{page}#code={code}");
    let is_opened = !args.print && !app.ui.is_json && open(&url);
    app.ui.json(&OpenOutput {
        schema: SCHEMA,
        url: url.clone(),
    });
    if is_opened {
        app.ui
            .say(format!("Opened {address}/{page} in the browser."));
    } else {
        app.ui.say(&url);
        app.ui
            .hint("open this address; it signs in once and is valid for a short time");
    }
    Ok(Exit::Done)
}

/// Has the desktop open an address; false where there is none.
#[expect(
    clippy::disallowed_methods,
    reason = "the desktop's own opener, without a shell and with an address of our own making"
)]
fn open(url: &str) -> bool {
    let has_desktop = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|key| std::env::var_os(key).is_some_and(|value| !value.is_empty()));
    if !has_desktop && cfg!(target_os = "linux") {
        return false;
    }
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let ended = Command::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ended.is_ok_and(|status| status.success())
}
