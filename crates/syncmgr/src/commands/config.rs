//! `config`: the file that people edit.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, Subcommand};
use syncmgr_handlers::files::place::shown;
use syncmgr_model::id::HandlerId;
use syncmgr_store::config::{Checks, Config, Explained, Source};

use super::Done;
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{ConfigOutput, SCHEMA};
use crate::ui::safe;

/// Largest file taken by `import`: thousands of syncs.
const FILE_LEN_MAX: u64 = 4 << 20;

/// Read and change the settings.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: Action,
}

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Say where the file is
    Path,
    /// Print a value, as `daemon.listen` or `sync.photos.mode`
    Get {
        /// Its place
        key: String,
    },
    /// Set a value; an empty one takes it back to its default
    Set {
        /// Its place
        key: String,
        /// The value, as it stands in the file
        value: String,
    },
    /// Open the file in your editor ($VISUAL, $EDITOR) and check it afterwards
    Edit,
    /// Look for mistakes in the file
    Check,
    /// Say where a value comes from
    Explain {
        /// Its place
        key: String,
    },
    /// Print the whole file
    Export,
    /// Replace the whole file; the one before is kept beside it
    Import {
        /// The new file, or `-` for stdin
        file: OsString,
        /// Also when syncs go away by that
        #[arg(long)]
        yes: bool,
    },
}

/// Runs `config`.
pub(crate) fn run(app: &mut App, args: &ConfigArgs) -> Done {
    match &args.action {
        Action::Path => path(app),
        Action::Get { key } => get(app, key),
        Action::Set { key, value } => set(app, key, value),
        Action::Edit => edit(app),
        Action::Check => check(app),
        Action::Explain { key } => explain(app, key),
        Action::Export => export(app),
        Action::Import { file, yes } => import(app, file, *yes),
    }
}

/// Looks at all of a file.
///
/// # Errors
/// The first mistake, with its line.
pub(crate) fn check_all(app: &App, config: &Config) -> Result<(), CliError> {
    with_checks(app, |checks| Ok(config.check(checks)?))
}

fn with_checks<T>(
    app: &App,
    work: impl FnOnce(&Checks<'_>) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let handlers = |id: &HandlerId| app.specs(id);
    crate::checks::with(&handlers, app.dirs.home.as_deref(), work)
}

fn output(app: &App, key: Option<&str>, value: Option<String>, source: Option<String>) {
    app.ui.json(&ConfigOutput {
        schema: SCHEMA,
        path: shown(&app.config_path(), None),
        key: key.map(safe),
        value,
        source,
    });
}

fn path(app: &App) -> Done {
    output(app, None, None, None);
    app.ui.say(shown(&app.config_path(), None));
    Ok(Exit::Done)
}

fn look(app: &App, key: &str) -> Result<Explained, CliError> {
    Ok(app
        .config()?
        .explain(key, &|name| std::env::var(name).ok())?)
}

fn get(app: &App, key: &str) -> Done {
    let found = look(app, key)?;
    output(
        app,
        Some(key),
        found.value.clone(),
        Some(source(app, &found.source)),
    );
    if let Some(value) = found.value {
        // A text without its quotes: this is for people and for `$(…)`.
        app.ui.say(safe(value.trim_matches('"')));
    }
    Ok(Exit::Done)
}

fn source(app: &App, source: &Source) -> String {
    let file = shown(&app.config_path(), app.dirs.home.as_deref());
    match source {
        Source::Default => "the default".to_owned(),
        Source::Line(line) => format!("{file}, line {line}"),
        Source::Defaults(line) => format!("`[defaults]` in {file}, line {line}"),
        Source::Environment(name) => format!("the variable {name} of the environment"),
    }
}

fn explain(app: &App, key: &str) -> Done {
    let found = look(app, key)?;
    let from = source(app, &found.source);
    output(app, Some(key), found.value.clone(), Some(from.clone()));
    let value = found
        .value
        .map_or_else(|| "nothing".to_owned(), |value| safe(&value));
    app.ui
        .say(format!("{} is {value}, from {from}.", safe(key)));
    Ok(Exit::Done)
}

fn set(app: &mut App, key: &str, value: &str) -> Done {
    let mut config = app.config()?;
    with_checks(app, |checks| {
        if value.is_empty() {
            config.unset(key, checks)?;
        } else {
            config.set(key, value, checks)?;
        }
        Ok(())
    })?;
    app.settings_changed()?;
    let found = look(app, key)?;
    let from = source(app, &found.source);
    output(app, Some(key), found.value.clone(), Some(from));
    let value = found
        .value
        .map_or_else(|| "nothing".to_owned(), |value| safe(&value));
    app.ui.say(format!("{} is {value} now.", safe(key)));
    if key.starts_with("daemon.") && app.has_daemon()? {
        app.ui
            .hint("`syncmgr daemon restart` has the daemon take it over");
    }
    Ok(Exit::Done)
}

fn check(app: &App) -> Done {
    check_all(app, &app.config()?)?;
    output(app, None, None, None);
    let file = shown(&app.config_path(), app.dirs.home.as_deref());
    app.ui.say(format!("{file} has no mistakes."));
    Ok(Exit::Done)
}

fn export(app: &App) -> Done {
    let config = app.config()?;
    if app.ui.is_json {
        output(app, None, Some(config.text().to_owned()), None);
    } else {
        app.ui.raw(config.text().as_bytes());
    }
    Ok(Exit::Done)
}

fn edit(app: &mut App) -> Done {
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|key| std::env::var_os(key).filter(|value| !value.is_empty()))
        .ok_or_else(|| {
            CliError::usage("no editor is set").hint(format!(
                "set EDITOR, or open {} yourself",
                shown(&app.config_path(), None)
            ))
        })?;
    let file = app.config_path();
    make_folder(&file)?;
    // An editor may come with options, as `code --wait`.
    let words = editor.to_string_lossy().into_owned();
    let mut words = words.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let ended = Command::new(program).args(words).arg(&file).status();
    match ended {
        Ok(status) if status.success() => {}
        Ok(_) | Err(_) => {
            return Err(CliError::new(
                Exit::Failed,
                format!("the editor `{}` did not end well", safe(program)),
            )
            .hint("the file is as the editor left it; `syncmgr config check` looks at it"));
        }
    }
    check_all(app, &app.config()?)?;
    app.settings_changed()?;
    check(app)
}

fn make_folder(file: &Path) -> Result<(), CliError> {
    let folder = file.parent().unwrap_or(file);
    std::fs::create_dir_all(folder).map_err(|error| {
        let folder = shown(folder, None);
        CliError::new(Exit::Failed, format!("cannot create `{folder}`: {error}"))
    })
}

fn import(app: &mut App, file: &OsString, is_sure: bool) -> Done {
    let text = read(file)?;
    let target = app.config_path();
    make_folder(&target)?;
    let fresh = beside(&target, "new");
    let failed = |step: &'static str, error: std::io::Error| {
        CliError::new(Exit::Failed, format!("cannot {step} the settings: {error}"))
            .hint("nothing was changed")
    };
    write_private(&fresh, &text).map_err(|error| failed("write", error))?;
    let checked = Config::load(&fresh)
        .map_err(CliError::from)
        .and_then(|config| {
            check_all(app, &config)?;
            Ok(config.items(&|handler| app.specs(handler))?)
        });
    let refuse = |error: CliError| {
        drop(std::fs::remove_file(&fresh));
        error.hint("the settings from before stay in force")
    };
    let new = checked.map_err(refuse)?;
    // With a mistake in the file of before nothing can be said of it; it is kept in any case.
    let old = app.in_file().unwrap_or_default();
    let gone: Vec<_> = old
        .iter()
        .filter(|item| new.iter().all(|other| other.id != item.id))
        .map(|item| safe(item.label()))
        .collect();
    if !gone.is_empty() && !is_sure {
        return Err(refuse(
            CliError::new(
                Exit::NeedsConfirmation,
                format!("these syncs would go away: {}", gone.join(", ")),
            )
            .hint("no file in their folders would be touched; `--yes` does it"),
        ));
    }
    if target.exists() {
        std::fs::copy(&target, beside(&target, "before"))
            .map_err(|error| failed("keep a copy of", error))?;
    }
    std::fs::rename(&fresh, &target).map_err(|error| failed("replace", error))?;
    app.settings_changed()?;
    output(app, None, None, None);
    app.ui.say(format!(
        "Took over {}.",
        syncmgr_model::format::plural(new.len() as u64, "sync")
    ));
    app.ui.hint(format!(
        "the file before is kept as {}",
        shown(&beside(&target, "before"), app.dirs.home.as_deref())
    ));
    Ok(Exit::Done)
}

fn beside(file: &Path, what: &str) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(what);
    file.with_file_name(name)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn read(file: &OsString) -> Result<String, CliError> {
    let mut text = String::new();
    let result = if file == "-" {
        std::io::stdin()
            .take(FILE_LEN_MAX)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(file)
            .and_then(|opened| opened.take(FILE_LEN_MAX).read_to_string(&mut text))
    };
    result.map_err(|error| {
        let file = shown(Path::new(file), None);
        CliError::usage(format!("cannot read `{file}`: {error}"))
    })?;
    Ok(text)
}
