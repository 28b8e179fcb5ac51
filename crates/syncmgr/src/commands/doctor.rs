//! `doctor`: checks this installation; everything that is wrong comes with a fix.

use std::path::Path;

use clap::Args;

mod daemon;
mod report;

use super::{Done, config as config_command, secret};
use crate::app::App;
use crate::exit::Exit;
use crate::json::{CheckJson, DoctorOutput, SCHEMA, TextOutput};
use syncmgr_center::port::SessionQuery;
use syncmgr_handlers::files::place::shown;
use syncmgr_model::catalogue::notice;
use syncmgr_model::format::{plural, without_os_numbers};
use syncmgr_model::trouble::Trouble;
use syncmgr_vault::{Kind, Standing};

/// Look for trouble.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print a report to be sent to somebody who helps; it names folders and files, and holds
    /// neither secrets nor contents
    #[arg(long)]
    report: bool,
}

/// Runs `doctor`. Ends with 12 when a check fails.
pub(crate) fn run(app: &mut App, args: &DoctorArgs) -> Done {
    if args.report {
        let text = report::text(app);
        app.ui.json(&TextOutput {
            schema: SCHEMA,
            text: text.clone(),
        });
        app.ui.say(text.trim_end());
        return Ok(Exit::Done);
    }
    let checks = checks(app);
    app.ui.json(&DoctorOutput {
        schema: SCHEMA,
        checks: checks
            .iter()
            .map(|check| CheckJson {
                name: check.name,
                ok: check.ok,
                detail: check.detail.clone(),
                fix: check.fix.clone(),
            })
            .collect(),
    });
    for check in &checks {
        let mark = app.ui.out.tick(check.ok);
        app.ui
            .say(format!("{mark} {}: {}", check.name, check.detail));
        if let Some(fix) = &check.fix {
            app.ui.say(format!("    fix: {fix}"));
        }
    }
    let all_ok = checks.iter().all(|check| check.ok);
    Ok(if all_ok { Exit::Done } else { Exit::Failed })
}

/// Runs all checks.
fn checks(app: &mut App) -> Vec<CheckJson> {
    let mut checks = vec![config(app), state_dir(app), history(app), secrets(app)];
    checks.extend(daemon::checks(app));
    let off = stopped_too_often(app);
    checks.extend(installed(app, &off));
    checks.extend(handlers(app));
    checks.extend(folders(app));
    checks.extend(shared(app));
    checks
}

fn check(name: &'static str, result: Result<String, String>, fix: impl Into<String>) -> CheckJson {
    match result {
        Ok(detail) => CheckJson {
            name,
            ok: true,
            detail,
            fix: None,
        },
        Err(detail) => CheckJson {
            name,
            ok: false,
            detail,
            fix: Some(fix.into()),
        },
    }
}

fn config(app: &App) -> CheckJson {
    let checked = app.config().and_then(|config| {
        config_command::check_all(app, &config)?;
        app.in_file()
    });
    let result = match checked {
        Ok(items) => Ok(plural(items.len() as u64, "saved sync")),
        Err(error) => Err(error.message),
    };
    let path = shown(&app.config_path(), app.dirs.home.as_deref());
    check("configuration", result, format!("edit {path}"))
}

fn state_dir(app: &App) -> CheckJson {
    let dir = &app.dirs.state;
    let place = shown(dir, app.dirs.home.as_deref());
    let result = match is_private(dir) {
        Ok(true) => Ok(format!("{place}, readable by you only")),
        Ok(false) => Err(format!(
            "{place} can be read by others; it lists your files"
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(format!("{place}, not made yet"))
        }
        Err(error) => {
            return check(
                "state folder",
                Err(without_os_numbers(&format!("{place}: {error}"))),
                "make sure that it and the folders above it are yours, or set SYNCMGR_STATE_DIR",
            );
        }
    };
    check("state folder", result, format!("chmod 700 {place}"))
}

fn is_private(dir: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(dir)?.permissions().mode() & 0o077 == 0)
}

fn history(app: &mut App) -> CheckJson {
    let query = SessionQuery::default();
    let result = app
        .sessions(query)
        .map(|sessions| sessions.len() as u64)
        .map(|n| format!("{} kept", plural(n, "run")))
        .map_err(|error| error.message);
    check(
        "history",
        result,
        "check the free space and the permissions of the state folder",
    )
}

/// Returns the handlers that are not started any more, as the one says who starts them.
fn stopped_too_often(app: &mut App) -> Vec<String> {
    let handlers = app.handlers().unwrap_or_default().into_iter();
    let off = handlers.filter(|it| it.process.as_ref().is_some_and(|it| it.off));
    off.map(|it| it.id).collect()
}

/// The handlers that a person installed: whether their files can be used, and whether they are kept
/// to their folders.
fn installed(app: &App, off: &[String]) -> Vec<CheckJson> {
    let mut checks = Vec::new();
    for error in app.outside.errors() {
        let place = shown(&error.place, app.dirs.home.as_deref());
        checks.push(check(
            "handler",
            Err(format!("{place}: {}", error.detail)),
            "mend that file, or install the handler again with `syncmgr handler install`",
        ));
    }
    for manifest in app.outside.foreign.manifests() {
        let Some(process) = app.outside.process(&manifest.id) else {
            continue;
        };
        let id = &manifest.id;
        if off.iter().any(|it| it == id.as_str()) {
            checks.push(check(
                "handler",
                Err(format!(
                    "{id} stopped too often and is not started any more"
                )),
                format!(
                    "see why with `syncmgr handler logs {id}`, then `syncmgr handler restart {id}`"
                ),
            ));
        }
        let result = match process.why_no_sandbox {
            None if process.sockets => Ok(format!(
                "{id} is kept to its folders (Landlock), and may ask syncmgr for anything: it was installed with `--allow-sockets`"
            )),
            None => Ok(format!("{id} is kept to its folders (Landlock)")),
            // That was a choice; it is shown all the same.
            Some(why) if !manifest.is_sandboxed => Ok(format!("{id} has no sandbox: {why}")),
            Some(why) => Err(format!("{id} has no sandbox: {why}")),
        };
        checks.push(check(
            "handler",
            result,
            "use only handlers that you trust, or a kernel that can keep them to their folders",
        ));
    }
    checks
}

/// Says where secrets are, and whether they can be had.
fn secrets(app: &App) -> CheckJson {
    let vault = app.vault();
    let entries = match vault.list() {
        Ok(entries) => entries,
        Err(error) => return check("secrets", Err(error.to_string()), error.advice()),
    };
    let n = |kind| entries.iter().filter(|it| it.kind == kind).count() as u64;
    let (in_keyring, in_file) = (n(Kind::Service), n(Kind::File));
    let file = secret::place(app, Kind::File);
    let words = match (in_keyring, in_file) {
        (0, 0) => match vault.standing() {
            Standing::Open | Standing::Locked => {
                "none; new ones go into the keyring of the desktop".to_owned()
            }
            Standing::Absent => format!("none; new ones go into {file}"),
        },
        (_, 0) => format!("{in_keyring} in the keyring of the desktop"),
        (0, _) => format!("{in_file} in {file}, readable by you only"),
        (_, _) => format!("{in_keyring} in the keyring of the desktop, {in_file} in {file}"),
    };
    let is_had = in_keyring == 0 || vault.standing() == Standing::Open;
    let result = if is_had {
        Ok(words)
    } else {
        Err(format!("{words}, which is locked or not there"))
    };
    check(
        "secrets",
        result,
        "sign in at the desktop, or unlock the keyring",
    )
}

/// Whether the handlers of all saved syncs are there.
fn handlers(app: &mut App) -> Vec<CheckJson> {
    let mut checks = Vec::new();
    for item in app.saved().unwrap_or_default() {
        if app.specs(&item.handler).is_none() {
            let words = app.command_words(&item);
            let detail = format!("{} is not installed ({words})", item.handler);
            let fix = format!(
                "install it with `syncmgr handler install`, or remove the sync with `syncmgr remove {words}`"
            );
            checks.push(check("handler", Err(detail), fix));
        }
    }
    checks
}

/// Which syncs work on the same folder: worth knowing, and no mistake.
fn shared(app: &mut App) -> Vec<CheckJson> {
    let shared = app.all_shared().unwrap_or_default();
    let one = |trouble: &Trouble| {
        let notice = notice(trouble);
        check(
            "shared folder",
            Ok(format!("{} {}", notice.what, notice.meaning)),
            String::new(),
        )
    };
    shared.iter().map(one).collect()
}

fn folders(app: &mut App) -> Vec<CheckJson> {
    // Also those that were never saved: they run again as they are.
    let items = match app.known() {
        Ok(items) => items,
        Err(_) => app.saved().unwrap_or_default(),
    };
    let mut checks = Vec::new();
    for item in items {
        let words = app.command_words(&item);
        for folder in app.face(&item).paths {
            let place = shown(&folder, app.dirs.home.as_deref());
            let result = match std::fs::read_dir(&folder) {
                Ok(_) => Ok(format!("{place} ({words})")),
                Err(error) => Err(without_os_numbers(&format!("{place} ({words}): {error}"))),
            };
            checks.push(check(
                "folder",
                result,
                "mount or create it, or choose another one with `syncmgr set`",
            ));
        }
    }
    checks
}
