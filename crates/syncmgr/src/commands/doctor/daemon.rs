//! The checks around the daemon: whether it answers, starts at log-on, may watch files, and whether
//! only its owner reaches it.

use std::fs;
use std::path::{Path, PathBuf};

use super::check;
use crate::app::App;
use crate::daemon::lock;
use crate::json::CheckJson;
use crate::ui::safe;
use syncmgr_handlers::files::place::shown;
use syncmgr_model::format::{number, without_os_numbers};

/// Where Linux says how many folders one user may watch (inotify(7)).
const WATCHES: &str = "/proc/sys/fs/inotify/max_user_watches";
/// Most folders counted: a million answers the question, and takes seconds.
const FOLDERS_MAX: u64 = 1_000_000;
/// How many more watches are advised than are needed: folders grow, and other programs watch too.
const ROOM: u64 = 2;

/// Runs the checks.
pub(super) fn checks(app: &mut App) -> Vec<CheckJson> {
    let mut checks = vec![running(app), at_log_on(app)];
    checks.extend(socket(app));
    checks.extend(watches(app));
    checks
}

fn running(app: &mut App) -> CheckJson {
    let result = match app.has_daemon() {
        Ok(true) => {
            let owner = lock::owner(&app.dirs.state).ok().flatten();
            let owner = owner.unwrap_or_default();
            let pid = owner
                .pid
                .map(|pid| format!("process {}, ", pid.as_raw_nonzero()));
            let port = match owner.address.as_str() {
                "" => ", no port for browsers".to_owned(),
                address => format!(", {}", safe(address)),
            };
            Ok(format!(
                "runs ({}{}{port})",
                pid.unwrap_or_default(),
                safe(&owner.version)
            ))
        }
        // Nobody needs it to sync by hand.
        Ok(false) => Ok(
            "does not run; syncs run only when you start them (`syncmgr daemon start`)".to_owned(),
        ),
        Err(error) => Err(error.message),
    };
    check("daemon", result, "syncmgr daemon restart")
}

/// The unit that `daemon install` writes.
fn unit(app: &App) -> Option<PathBuf> {
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config
        .filter(|path| path.is_absolute())
        .or_else(|| app.dirs.home.as_ref().map(|home| home.join(".config")))?;
    Some(config.join("systemd/user/syncmgr.service"))
}

fn at_log_on(app: &App) -> CheckJson {
    let is_there = unit(app).is_some_and(|unit| unit.exists())
        || Path::new("/usr/lib/systemd/user/default.target.wants/syncmgr.service").exists();
    let words = if is_there {
        "starts when you log on"
    } else {
        "does not start by itself (`syncmgr daemon install` has it started)"
    };
    check("log-on", Ok(words.to_owned()), "")
}

/// Who can reach the socket, if there is one.
fn socket(app: &App) -> Option<CheckJson> {
    use std::os::unix::fs::PermissionsExt as _;
    let socket = app.dirs.socket();
    let facts = fs::metadata(&socket).ok()?;
    let place = shown(&socket, app.dirs.home.as_deref());
    let result = if facts.permissions().mode() & 0o077 == 0 {
        Ok(format!("{place}, for you only"))
    } else {
        Err(format!("{place} can be reached by others"))
    };
    Some(check("socket", result, format!("chmod 600 {place}")))
}

/// Whether the system lets all folders be watched.
fn watches(app: &mut App) -> Option<CheckJson> {
    let allowed = fs::read_to_string(WATCHES).ok()?;
    let allowed: u64 = allowed.trim().parse().ok()?;
    let items = app.saved().unwrap_or_default();
    let mut needed = 0;
    for item in &items {
        let Ok(folders) = app.folders(item) else {
            continue;
        };
        for folder in [folders.left, folders.right] {
            needed += n_folders(&folder, FOLDERS_MAX.saturating_sub(needed));
        }
    }
    let counts = format!("{} allowed, {} needed", number(allowed), number(needed));
    let result = if needed <= allowed {
        Ok(counts)
    } else {
        Err(format!(
            "{counts}; changes in large folders may be noticed late, at the next full look"
        ))
    };
    let advised = (needed * ROOM).next_power_of_two().max(524_288);
    let fix = format!(
        "echo fs.inotify.max_user_watches={advised} | sudo tee /etc/sysctl.d/60-syncmgr.conf && sudo sysctl --system"
    );
    Some(check(
        "file watches",
        result.map_err(|text: String| without_os_numbers(&text)),
        fix,
    ))
}

/// Counts the folders of a tree, itself included, up to a limit. Links are not followed.
fn n_folders(root: &Path, most: u64) -> u64 {
    let mut waiting = vec![root.to_owned()];
    let mut n = 0;
    while let Some(folder) = waiting.pop() {
        if n >= most {
            break;
        }
        // One that cannot be read is told by the check of the folders.
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        n += 1;
        let folders = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        waiting.extend(folders.map(|entry| entry.path()));
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_counted_without_following_links() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/loop")).unwrap();
        assert_eq!(n_folders(dir.path(), 100), 3);
        assert_eq!(n_folders(dir.path(), 2), 2);
        assert_eq!(n_folders(&dir.path().join("missing"), 9), 0);
    }
}
