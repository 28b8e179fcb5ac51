//! What the machine says about itself that runs may wait for, and what happened on it.

use std::fs;
use std::path::Path;

use syncmgr_center::agenda::Situation;
use syncmgr_center::command::Command;

use super::log::Log;

/// Where the system lists what the machine draws its power from (sysfs-class-power).
const POWER: &str = "/sys/class/power_supply";

/// Returns what is known of the machine now. What cannot be seen is `None`, and a run that waits
/// for it says so.
pub(crate) fn situation() -> Situation {
    Situation {
        is_on_power: power(Path::new(POWER)),
        is_online: true,
        ..Situation::default()
    }
}

/// Says whether the machine does not run on its battery; true where there is none.
fn power(dir: &Path) -> Option<bool> {
    let Ok(entries) = fs::read_dir(dir) else {
        // A machine without this has no battery that the system knows.
        return None;
    };
    let word = |path: &Path, name: &str| {
        let text = fs::read_to_string(path.join(name)).unwrap_or_default();
        text.trim().to_owned()
    };
    let mut has_battery = false;
    for path in entries.flatten().map(|entry| entry.path()) {
        match &*word(&path, "type") {
            "Mains" | "USB" if word(&path, "online") == "1" => return Some(true),
            // Batteries of mice and headsets say `Device`.
            "Battery" if word(&path, "scope") != "Device" => {
                has_battery = true;
                // Full or charging: it is plugged in, even where no supply says so.
                if word(&path, "status") != "Discharging" {
                    return Some(true);
                }
            }
            _ => {}
        }
    }
    Some(!has_battery)
}

/// Which log-on this process belongs to: the start of the machine and, where there is one, the
/// session of the user. The same text means the same log-on.
fn log_on() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let boot = boot.trim();
    // The folder of the user's session is made at the first log-on and removed at the last log-off.
    let session = std::env::var_os("XDG_RUNTIME_DIR")
        .and_then(|dir| fs::metadata(dir).ok())
        .and_then(|facts| facts.created().ok())
        .and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok())
        .map_or(0, |made| made.as_secs());
    Some(format!("{boot} {session}\n"))
}

/// Tells the center that somebody logged on, once for each log-on: a daemon that is started again
/// within one says nothing. What was told is kept in `state/log-on`.
pub(crate) fn tell_log_on(state: &Path, log: &Log, tell: impl Fn(Command)) {
    let Some(now) = log_on() else {
        return;
    };
    let path = state.join("log-on");
    if fs::read_to_string(&path).is_ok_and(|before| before == now) {
        return;
    }
    // Written first: once too few is a run that comes a little later, once too many surprises.
    if let Err(error) = fs::write(&path, &now) {
        log.line(format!("the log-on cannot be written down: {error}"));
        return;
    }
    tell(Command::Happened(
        syncmgr_model::schedule::SystemEvent::LogOn,
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supply(dir: &Path, name: &str, facts: &[(&str, &str)]) {
        fs::create_dir_all(dir.join(name)).unwrap();
        for (key, value) in facts {
            fs::write(dir.join(name).join(key), format!("{value}\n")).unwrap();
        }
    }

    #[test]
    fn power_is_read_from_what_the_system_lists() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        assert_eq!(power(&dir.join("missing")), None);
        assert_eq!(power(dir), Some(true));
        supply(
            dir,
            "hid-mouse",
            &[
                ("type", "Battery"),
                ("scope", "Device"),
                ("status", "Discharging"),
            ],
        );
        assert_eq!(power(dir), Some(true));
        supply(
            dir,
            "BAT0",
            &[("type", "Battery"), ("status", "Discharging")],
        );
        assert_eq!(power(dir), Some(false));
        supply(dir, "AC", &[("type", "Mains"), ("online", "0")]);
        assert_eq!(power(dir), Some(false));
        supply(dir, "AC", &[("online", "1")]);
        assert_eq!(power(dir), Some(true));
    }
}
