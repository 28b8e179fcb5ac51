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
    let failed = |error: std::io::Error| {
        crate::error::CliError::new(Exit::Bug, format!("cannot make the manual: {error}"))
    };
    let mut bytes = Vec::new();
    let mut whole = Cli::command();
    whole.build();
    clap_mangen::Man::new(whole)
        .render(&mut bytes)
        .map_err(failed)?;
    // Not built: then the options that every command has stand once, at the top.
    for sub in Cli::command().get_subcommands() {
        section("syncmgr", sub, &mut bytes).map_err(failed)?;
    }
    let codes = Exit::ALL.map(|exit| format!(".TP\n{}\n{}\n", exit.code(), exit.meaning()));
    let text = format!(
        ".SH \"EXIT CODES\"\n{}.SH FILES\n\
         .TP\n~/.config/syncmgr/config.toml\n\
         saved syncs; SYNCMGR_CONFIG_DIR overrides the folder\n\
         .TP\n~/.local/state/syncmgr\n\
         history and agreed state; SYNCMGR_STATE_DIR overrides it\n\
         .TP\n\\&.syncmgr in a synced folder\nkept versions; never synced\n",
        codes.concat()
    );
    bytes.extend_from_slice(text.as_bytes());
    print(app, &bytes);
    Ok(Exit::Done)
}

/// Writes the section of a command, and of the commands below it.
fn section(above: &str, command: &clap::Command, out: &mut Vec<u8>) -> std::io::Result<()> {
    let name = format!("{above} {}", command.get_name());
    let page = clap_mangen::Man::new(command.clone());
    let (mut about, mut options) = (Vec::new(), Vec::new());
    page.render_description_section(&mut about)?;
    page.render_options_section(&mut options)?;
    // A section of the page cannot have sections of its own.
    let about = String::from_utf8_lossy(&about).replace(".SH DESCRIPTION\n", "");
    let options = String::from_utf8_lossy(&options).replace(".SH OPTIONS\n", ".SS Options\n");
    out.extend_from_slice(format!(".SH \"{name}\"\n{about}{options}").as_bytes());
    for sub in command.get_subcommands() {
        section(&name, sub, out)?;
    }
    Ok(())
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
