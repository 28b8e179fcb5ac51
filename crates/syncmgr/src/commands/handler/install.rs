//! `handler install` and `handler remove`: which programs of other people may sync here. Only a
//! person at a terminal says so, and sees before what the program may reach.

use std::ffi::OsString;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use syncmgr_handlers::files::place;
use syncmgr_host::foreign::launch::{Limits, Support, support};
use syncmgr_host::foreign::manifest::Manifest;
use syncmgr_host::foreign::{Introduction, own_places};
use syncmgr_model::catalogue;
use syncmgr_model::format::{bytes, parse_bytes, plural};
use syncmgr_model::id::HandlerId;
use syncmgr_model::trouble::{Code, Trouble};

use super::super::Done;
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{HandlerInstalled, SCHEMA};
use crate::ui::safe;

/// What is installed, and what it may do.
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    /// Let it read and change this folder too (may be given several times)
    #[arg(long, value_name = "PATH")]
    allow: Vec<PathBuf>,
    /// Let it read and run what is in this folder (may be given several times)
    #[arg(long, value_name = "PATH")]
    allow_read: Vec<PathBuf>,
    /// Let it talk to services that run as you (D-Bus, ssh-agent, databases): it can then ask
    /// syncmgr for anything too
    #[arg(long)]
    allow_sockets: bool,
    /// Most memory it may hold
    #[arg(long, value_name = "BYTES", default_value = "1GiB")]
    memory: String,
    /// Most processes and threads it may have
    #[arg(long, value_name = "N", default_value_t = 64)]
    processes: u64,
    /// Do not keep it to its folders: it can reach everything that you can
    #[arg(long)]
    no_sandbox: bool,
    /// Answer the question with yes; a terminal is needed all the same
    #[arg(long, short)]
    yes: bool,
    /// The program and its arguments, as it is started
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// What is removed.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The handler
    handler: String,
    /// Also remove its private folder and its log
    #[arg(long)]
    forget: bool,
}

/// Runs `handler install`.
pub(crate) fn install(app: &mut App, args: &InstallArgs) -> Done {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(CliError::new(
            Exit::NotAllowed,
            "a handler is installed at a terminal only, so that no program can do it",
        )
        .hint("type the same in a terminal of your own; nothing was changed"));
    }
    let trial = trial(app, args)?;
    let met = app.outside.foreign.introduce(trial.clone());
    let met = met.map_err(|trouble| not_usable(&trouble, &args.command))?;
    let manifest = manifest(app, &met, trial)?;
    let before = app.outside.foreign.manifests();
    let before = before.iter().find(|other| other.id == manifest.id);
    show(app, &manifest, &met, before);
    if !args.yes && !is_yes(app, before.is_some())? {
        app.ui.say("Nothing was installed.");
        return Ok(Exit::NeedsConfirmation);
    }
    app.make_config_dir()?;
    manifest
        .write(app.outside.config_dir())
        .map_err(|error| unusable(&error))?;
    app.handlers_changed()?;
    app.ui.json(&HandlerInstalled {
        schema: SCHEMA,
        handler: manifest.id.to_string(),
        sandbox: manifest.is_sandboxed && support() == Support::Yes,
    });
    app.ui
        .say(format!("Installed the handler {}.", manifest.id));
    app.ui.hint(if manifest.form.is_empty() {
        "`syncmgr list` shows its syncs".to_owned()
    } else {
        format!(
            "`syncmgr add NAME --handler {}` makes a sync of it",
            manifest.id
        )
    });
    Ok(Exit::Done)
}

/// Says in the words that were typed why a program cannot be a handler.
fn not_usable(trouble: &Trouble, command: &[OsString]) -> CliError {
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    let typed = safe(&words.join(" "));
    let failed = |what: String| CliError::new(Exit::Failed, what).hint("nothing was installed");
    if trouble.code == Code::HandlerTooOld {
        return failed(catalogue::notice(&trouble.clone().with("handler", typed)).what);
    }
    // What it was started in is not where the person stands.
    let looks_like_file = |word: &&std::borrow::Cow<'_, str>| {
        let path = Path::new(&***word);
        let is_named = word.contains('/') || path.extension().is_some();
        !word.starts_with('-') && is_named && !word.contains("://") && !path.exists()
    };
    let missing = words.iter().skip(1).find(looks_like_file);
    match missing {
        Some(word) if trouble.code == Code::HandlerStopped => {
            let shown = absolute(Path::new(&**word));
            failed(format!(
                "`{typed}` did not start: there is no file `{}`",
                safe(&shown.to_string_lossy())
            ))
        }
        Some(_) | None => failed(format!(
            "`{typed}` cannot be used as a handler: {}",
            safe(trouble.param("detail"))
        )),
    }
}

fn unusable(error: &dyn std::fmt::Display) -> CliError {
    CliError::new(Exit::Failed, format!("cannot keep the handler: {error}"))
        .hint("check the permissions of the settings folder; nothing was installed")
}

/// Builds the manifest under which it is tried out: its id is not known yet.
fn trial(app: &App, args: &InstallArgs) -> Result<Manifest, CliError> {
    let memory = parse_bytes(&args.memory).filter(|bytes| *bytes >= 16 << 20);
    let memory = memory.ok_or_else(|| {
        CliError::usage(format!("`{}` is no amount of memory", safe(&args.memory)))
            .hint("write it as 512MiB; at least 16MiB are needed")
    })?;
    if args.processes == 0 {
        return Err(CliError::usage(
            "a handler is a process: at least 1 is needed",
        ));
    }
    let id = HandlerId::new(format!("trial.{}", std::process::id()))
        .map_err(|error| CliError::new(Exit::Bug, error.to_string()))?;
    Ok(Manifest {
        name: id.to_string(),
        id,
        version: None,
        command: command(&args.command)?,
        is_sandboxed: !args.no_sandbox,
        allow: existing(app, &args.allow)?,
        allow_read: existing(app, &args.allow_read)?,
        has_sockets: args.allow_sockets,
        limits: Limits {
            memory_bytes: memory,
            n_processes: args.processes,
        },
        is_legacy: false,
        form: String::new(),
    })
}

/// Turns a command as it was typed into one that works from any folder.
fn command(words: &[OsString]) -> Result<Vec<String>, CliError> {
    let mut whole = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        let shown = safe(&word.to_string_lossy());
        let text = word.to_str().ok_or_else(|| {
            CliError::usage(format!("`{shown}` is not UTF-8, and cannot be kept"))
        })?;
        let path = if at == 0 {
            let found = program(text).ok_or_else(|| {
                CliError::not_found(format!("there is no program `{shown}`"))
                    .hint("write its whole path")
            })?;
            Some(found)
        } else {
            // It is started in a folder of its own: what was meant here must be found from there.
            let is_file = !text.starts_with('-') && Path::new(text).is_file();
            is_file.then(|| absolute(Path::new(text)))
        };
        let text = path.map_or_else(
            || Some(text.to_owned()),
            |path| path.into_os_string().into_string().ok(),
        );
        whole.push(text.ok_or_else(|| CliError::usage("its path is not UTF-8"))?);
    }
    Ok(whole)
}

/// The one place where the folder that a person stands in matters.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Finds a program as a shell does.
fn program(word: &str) -> Option<PathBuf> {
    if word.contains('/') {
        let path = absolute(Path::new(word));
        return path.is_file().then_some(path);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(word))
        .find(|path| path.is_file())
}

fn existing(app: &App, paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let one = |path: &PathBuf| {
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| absolute(path));
        let shown = place::shown(&path, app.dirs.home.as_deref());
        let is_usable = path.exists() && path.to_str().is_some();
        is_usable.then_some(path).ok_or_else(|| {
            CliError::not_found(format!("there is no `{shown}` that it could be let into"))
                .hint("create it first")
        })
    };
    paths.iter().map(one).collect()
}

/// Builds what is kept: what it said, and the folders of the items it has by itself.
fn manifest(app: &App, met: &Introduction, trial: Manifest) -> Result<Manifest, CliError> {
    let is_ours = app
        .outside
        .foreign
        .manifests()
        .iter()
        .any(|it| it.id == met.id);
    if !is_ours && app.specs(&met.id).is_some() {
        return Err(
            CliError::usage(format!("it calls itself `{}`, which is built in", met.id))
                .hint("its author has to choose another id; nothing was installed"),
        );
    }
    let mut allow = trial.allow;
    let folders = met
        .items
        .iter()
        .flat_map(|(_, folders)| folders.iter().cloned());
    allow.extend(folders.filter(|path| path.to_str().is_some()));
    allow.sort();
    allow.dedup();
    let manifest = Manifest {
        id: met.id.clone(),
        name: met.name.clone(),
        version: met.version.clone(),
        allow,
        is_legacy: met.is_legacy,
        form: met.form.clone(),
        ..trial
    };
    manifest.check().map_err(|what| {
        CliError::new(
            Exit::Failed,
            format!("the handler cannot be used: {}", safe(&what)),
        )
        .hint("tell its author; nothing was installed")
    })?;
    Ok(manifest)
}

fn show(app: &App, manifest: &Manifest, met: &Introduction, before: Option<&Manifest>) {
    let say = |line: String| app.ui.complain(line);
    let home = app.dirs.home.as_deref();
    let list = |what: &str, paths: &[PathBuf]| {
        for (at, path) in paths.iter().enumerate() {
            let label = if at == 0 { what } else { "" };
            say(format!("  {label:<12} {}", place::shown(path, home)));
        }
    };
    let version = manifest.version.as_deref().unwrap_or_default();
    say(format!("{} {}", safe(&manifest.name), safe(version)));
    say(format!("  {:<12} {}", "id", manifest.id));
    say(format!(
        "  {:<12} {}",
        "command",
        safe(&manifest.command.join(" "))
    ));
    if let Some(before) = before {
        let was = safe(&before.command.join(" "));
        say(format!("  {:<12} {was}", "replaces"));
    }
    match support() {
        _ if !manifest.is_sandboxed => say(format!(
            "  {:<12} everything that you can, because of --no-sandbox",
            "reaches"
        )),
        Support::No(why) => {
            say(format!(
                "  {:<12} everything that you can: {why}",
                "reaches"
            ));
        }
        Support::Yes => {
            let own = app.outside.foreign.data_dir(&manifest.id);
            let mut paths = vec![own];
            paths.extend(manifest.allow.iter().cloned());
            list("changes", &paths);
            say(format!(
                "  {:<12} the folders of syncs that you make for it",
                ""
            ));
            let mut read = own_places(&manifest.command, home);
            read.extend(manifest.allow_read.iter().cloned());
            read.sort();
            read.dedup();
            list("reads", &read);
            say(format!("  {:<12} programs and libraries of the system", ""));
            say(format!("  {:<12} the network is not kept from it", ""));
            if manifest.has_sockets {
                let whom = super::SOCKETS;
                say(format!("  {:<12} {whom}", "talks to"));
            }
        }
    }
    let limits = manifest.limits;
    say(format!(
        "  {:<12} {} of memory, {} processes",
        "limits",
        bytes(limits.memory_bytes),
        limits.n_processes
    ));
    if !met.items.is_empty() {
        let names: Vec<_> = met
            .items
            .iter()
            .take(10)
            .map(|(name, _)| safe(name))
            .collect();
        let n = plural(met.items.len() as u64, "sync");
        say(format!("  {:<12} {n}: {}", "has", names.join(", ")));
    }
}

fn is_yes(app: &App, replaces: bool) -> Result<bool, CliError> {
    if app.ui.asks_nothing {
        return Ok(false);
    }
    let failed = |error: std::io::Error| CliError::new(Exit::Failed, error.to_string());
    let mut err = std::io::stderr().lock();
    let what = if replaces {
        "Replace it?"
    } else {
        "Install it?"
    };
    write!(err, "{what} [y/N] ").map_err(failed)?;
    err.flush().map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(failed)?;
    let answer = answer.trim();
    Ok(answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes"))
}

/// Runs `handler remove`.
pub(crate) fn remove(app: &mut App, args: &RemoveArgs) -> Done {
    let id = super::installed(app, &args.handler)?;
    let manifest = app.outside.foreign.manifests();
    let manifest = manifest.into_iter().find(|manifest| manifest.id == id);
    let syncs = app.names_of(&id);
    Manifest::remove(app.outside.config_dir(), &id).map_err(|error| unusable(&error))?;
    app.handlers_changed()?;
    if let Some(manifest) = manifest.filter(|_| args.forget) {
        app.outside.foreign.forget(manifest).map_err(|error| {
            CliError::new(Exit::Failed, format!("its private folder stays: {error}"))
        })?;
    }
    app.ui.json(&HandlerInstalled {
        schema: SCHEMA,
        handler: id.to_string(),
        sandbox: false,
    });
    app.ui.say(format!(
        "Removed the handler {id}. No file of yours was touched."
    ));
    if !syncs.is_empty() {
        let names: Vec<_> = syncs.iter().map(|name| safe(name)).collect();
        app.ui.say(format!(
            "{} of it stay in config.toml and do not run: {}",
            plural(syncs.len() as u64, "sync"),
            names.join(", ")
        ));
    }
    if !args.forget {
        app.ui
            .hint("its private folder and its log are kept; `--forget` removes them too");
    }
    Ok(Exit::Done)
}
