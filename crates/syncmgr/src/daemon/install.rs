//! Has the service manager of the user start the daemon at log-on.
//!
//! The files are those of `packaging/`, with the path of this program in place of the usual one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use syncmgr_handlers::files::place::shown;

use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;

/// The program in the files of `packaging/`.
const USUAL: &str = "/usr/bin/syncmgr";

/// A file of the service manager.
#[derive(Debug)]
struct Unit {
    name: &'static str,
    text: &'static str,
}

/// What is installed, and how it is turned on and off.
#[cfg(not(any(target_os = "macos", windows)))]
mod manager {
    use super::Unit;

    pub(super) const UNITS: &[Unit] = &[
        Unit {
            name: "syncmgr.service",
            text: include_str!("../../../../packaging/systemd/syncmgr.service"),
        },
        Unit {
            name: "syncmgr.socket",
            text: include_str!("../../../../packaging/systemd/syncmgr.socket"),
        },
    ];
    pub(super) const FOLDER: &[&str] = &["systemd", "user"];
    pub(super) const NAME: &str = "systemd";
    pub(super) const ON: &[&[&str]] = &[
        &["systemctl", "--user", "daemon-reload"],
        &["systemctl", "--user", "enable", "--now", "syncmgr.service"],
    ];
    pub(super) const OFF: &[&[&str]] = &[&[
        "systemctl",
        "--user",
        "disable",
        "--now",
        "syncmgr.service",
        "syncmgr.socket",
    ]];
    pub(super) const HINT: &str =
        "on a machine that nobody logs on to: `loginctl enable-linger` keeps it running";
}

#[cfg(target_os = "macos")]
mod manager {
    use super::Unit;

    pub(super) const UNITS: &[Unit] = &[Unit {
        name: "org.syncmgr.daemon.plist",
        text: include_str!("../../../../packaging/launchd/org.syncmgr.daemon.plist"),
    }];
    pub(super) const FOLDER: &[&str] = &["LaunchAgents"];
    pub(super) const NAME: &str = "launchd";
    pub(super) const ON: &[&[&str]] = &[&["launchctl", "load", "-w"]];
    pub(super) const OFF: &[&[&str]] = &[&["launchctl", "unload", "-w"]];
    pub(super) const HINT: &str = "it starts when you log on";
}

#[cfg(windows)]
mod manager {
    use super::Unit;

    pub(super) const UNITS: &[Unit] = &[Unit {
        name: "syncmgr-task.xml",
        text: include_str!("../../../../packaging/windows/syncmgr-task.xml"),
    }];
    pub(super) const FOLDER: &[&str] = &["syncmgr"];
    pub(super) const NAME: &str = "the task scheduler";
    pub(super) const ON: &[&[&str]] = &[&["schtasks", "/create", "/tn", "syncmgr", "/xml"]];
    pub(super) const OFF: &[&[&str]] = &[&["schtasks", "/delete", "/f", "/tn", "syncmgr"]];
    pub(super) const HINT: &str = "it starts when you log on";
}

/// Returns the folder in which the service manager looks for files of this user.
fn folder(app: &App) -> Result<PathBuf, CliError> {
    let base = if cfg!(target_os = "macos") {
        app.dirs.home.as_ref().map(|home| home.join("Library"))
    } else {
        std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| app.dirs.home.as_ref().map(|home| home.join(".config")))
    };
    let base = base.ok_or_else(|| {
        CliError::new(Exit::Failed, "there is no home folder to install it for").hint("set HOME")
    })?;
    Ok(manager::FOLDER
        .iter()
        .fold(base, |path, part| path.join(part)))
}

/// Writes a path as the service manager reads it back.
fn quoted(program: &Path) -> Option<String> {
    let text = program.to_str()?;
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@".contains(c);
    // `%` and `$` mean something in a unit, and so would quotes in the other formats.
    text.chars().all(is_plain).then(|| text.to_owned())
}

/// Installs the files and turns the daemon on.
///
/// # Errors
/// They cannot be written.
pub(crate) fn install(app: &App) -> Result<Exit, CliError> {
    let program = std::env::current_exe().map_err(|error| failed("find this program", &error))?;
    let Some(program) = quoted(&program) else {
        return Err(CliError::new(
            Exit::Failed,
            "the path of this program has characters that a service file cannot hold",
        )
        .hint("move it to a folder with a plain name, as ~/.local/bin"));
    };
    let folder = folder(app)?;
    fs::create_dir_all(&folder).map_err(|error| failed("make the folder of services", &error))?;
    for unit in manager::UNITS {
        let path = folder.join(unit.name);
        let text = unit.text.replace(USUAL, &program);
        fs::write(&path, text).map_err(|error| failed("write the service file", &error))?;
        app.ui
            .say(format!("Wrote {}", shown(&path, app.dirs.home.as_deref())));
    }
    if run_all(manager::ON, &folder) {
        app.ui
            .say("The daemon runs now and is started when you log on.");
        app.ui.hint(manager::HINT);
    } else {
        app.ui.say(format!(
            "{} does not answer here, so it was not turned on.",
            manager::NAME
        ));
        app.ui
            .hint("log on to your desktop and type this again, or use `syncmgr daemon start`");
    }
    Ok(Exit::Done)
}

/// Turns the daemon off and removes the files.
///
/// # Errors
/// They cannot be removed.
pub(crate) fn uninstall(app: &App) -> Result<Exit, CliError> {
    let folder = folder(app)?;
    // Where the service manager does not answer, nothing of it runs.
    run_all(manager::OFF, &folder);
    let mut n_removed = 0;
    for unit in manager::UNITS {
        match fs::remove_file(folder.join(unit.name)) {
            Ok(()) => n_removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("remove the service file", &error)),
        }
    }
    app.ui.say(if n_removed > 0 {
        "The daemon is not started any more when you log on. Syncs and history stay."
    } else {
        "It was not installed."
    });
    Ok(Exit::Done)
}

/// Runs commands of the service manager, quietly; says whether all worked.
fn run_all(commands: &[&[&str]], folder: &Path) -> bool {
    commands.iter().all(|words| {
        let [program, args @ ..] = words else {
            return true;
        };
        let mut command = Command::new(program);
        command.args(args);
        if cfg!(any(target_os = "macos", windows)) {
            command.args(manager::UNITS.iter().map(|unit| folder.join(unit.name)));
        }
        let status = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    })
}

fn failed(step: &str, error: &io::Error) -> CliError {
    CliError::new(Exit::Failed, format!("cannot {step}: {error}"))
        .hint("check the permissions of that folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_names_the_program_once() {
        for unit in manager::UNITS {
            let n = unit.text.matches(USUAL).count();
            assert_eq!(
                n,
                usize::from(!unit.name.ends_with(".socket")),
                "{}",
                unit.name
            );
        }
        assert_eq!(quoted(Path::new("/opt/a%b/syncmgr")), None);
        assert!(quoted(Path::new("/home/me/.local/bin/syncmgr")).is_some());
    }
}
