//! `version`, `completions` and `man`: made from the definition of the command line.

use clap::CommandFactory as _;

use super::Done;
use crate::app::App;
use crate::cli::Cli;
use crate::exit::Exit;
use crate::json::{SCHEMA, TextOutput, VersionOutput};

/// Runs `version`.
pub(crate) fn version(app: &App) -> Done {
    let version = env!("CARGO_PKG_VERSION");
    app.ui.json(&VersionOutput {
        schema: SCHEMA,
        version,
    });
    app.ui.say(format!("syncmgr {version}"));
    Ok(Exit::Done)
}

/// Runs `completions`.
pub(crate) fn completions(app: &App, shell: clap_complete::Shell) -> Done {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "syncmgr", &mut bytes);
    print(app, &bytes);
    Ok(Exit::Done)
}

/// Runs `man`: one page with every command and the exit codes.
pub(crate) fn page(app: &App) -> Done {
    let mut command = Cli::command();
    command.build();
    let mut bytes = Vec::new();
    let failed = |error: std::io::Error| {
        crate::error::CliError::new(Exit::Bug, format!("cannot make the manual: {error}"))
    };
    let man = clap_mangen::Man::new(command.clone());
    man.render(&mut bytes).map_err(failed)?;
    let codes = Exit::ALL.map(|exit| format!(".TP\n{}\n{}\n", exit.code(), exit.meaning()));
    let mut text = format!(".SH \"EXIT CODES\"\n{}", codes.concat());
    text += ".SH FILES\n.TP\n~/.config/syncmgr/config.toml\nsaved syncs; SYNCMGR_CONFIG_DIR overrides the folder\n";
    text +=
        ".TP\n~/.local/state/syncmgr\nhistory and agreed state; SYNCMGR_STATE_DIR overrides it\n";
    text += ".TP\n.syncmgr in a synced folder\nkept versions; never synced\n";
    bytes.extend_from_slice(text.as_bytes());
    for sub in command.get_subcommands() {
        let page = clap_mangen::Man::new(sub.clone());
        bytes.extend_from_slice(format!(".SH \"syncmgr {}\"\n", sub.get_name()).as_bytes());
        page.render_description_section(&mut bytes)
            .map_err(failed)?;
        page.render_options_section(&mut bytes).map_err(failed)?;
    }
    print(app, &bytes);
    Ok(Exit::Done)
}

fn print(app: &App, bytes: &[u8]) {
    if app.ui.is_json {
        app.ui.json(&TextOutput {
            schema: SCHEMA,
            text: String::from_utf8_lossy(bytes).into_owned(),
        });
    } else {
        app.ui.raw(bytes);
    }
}
