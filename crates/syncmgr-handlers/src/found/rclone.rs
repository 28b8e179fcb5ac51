//! Reads a line of rclone: as a sync of its handler where that does the same, and as a command
//! otherwise.

use std::path::Path;

use syncmgr_model::item::{Settings, Value};

use super::tools::{Ground, Runs, Spot, text};

/// Options that only change what is printed, or that the handler sets by itself.
const SILENT: [&str; 10] = [
    "-v",
    "-vv",
    "-q",
    "-P",
    "--progress",
    "--verbose",
    "--quiet",
    "--resilient",
    "--recover",
    "--stats-one-line",
];

/// Such options with a word.
const SILENT_WITH_WORD: [&str; 2] = ["--log-level", "--stats"];

/// Options that the handler passes on, by the names it takes.
const KEPT: [(&str, &str); 9] = [
    ("--checksum", "--checksum"),
    ("-c", "--checksum"),
    ("--update", "--update"),
    ("-u", "--update"),
    ("--fast-list", "--fast-list"),
    ("--create-empty-src-dirs", "--create-empty-src-dirs"),
    ("--track-renames", "--track-renames"),
    ("--size-only", "--size-only"),
    ("--copy-links", "--copy-links"),
];

/// Such options with a word: they change how fast it is, or how times are compared.
const KEPT_WITH_WORD: [&str; 4] = ["--transfers", "--checkers", "--bwlimit", "--modify-window"];

/// Words that copy.
const COPYING: [&str; 6] = ["copy", "sync", "bisync", "move", "copyto", "moveto"];

pub(super) fn runs(args: &[&str], ground: &Ground<'_>) -> Runs {
    if !args.iter().any(|arg| COPYING.contains(arg)) {
        return Runs::Other;
    }
    match settings(args, ground) {
        Some(settings) => Runs::New("rclone", settings),
        None => Runs::Command,
    }
}

/// Reads the words; `None` for what no setting stands for.
fn settings(args: &[&str], ground: &Ground<'_>) -> Option<Settings> {
    let (mut names, mut options, mut exclude) = (Vec::new(), Vec::new(), Vec::new());
    let mut left = args.iter().copied();
    while let Some(arg) = left.next() {
        if !arg.starts_with('-') {
            names.push(arg);
            continue;
        }
        let (name, attached) = match arg.split_once('=').filter(|_| arg.starts_with("--")) {
            Some((name, value)) => (name, Some(value)),
            None => (arg, None),
        };
        let mut value = || attached.or_else(|| left.next());
        if name == "--exclude" {
            exclude.push(value()?.to_owned());
        } else if KEPT_WITH_WORD.contains(&name) {
            options.push(format!("{name}={}", value()?));
        } else if SILENT_WITH_WORD.contains(&name) {
            value()?;
        } else if name == "--max-lock" {
            // The handler sets just that.
            (value()? == "2m").then_some(())?;
        } else if let Some((_, long)) = KEPT.iter().find(|(it, _)| *it == arg) {
            options.push((*long).to_owned());
        } else if !SILENT.contains(&arg) {
            return None;
        }
    }
    let [mode, from, to] = names.as_slice() else {
        return None;
    };
    let keys = match *mode {
        "copy" | "sync" => ["source", "target"],
        "bisync" => ["left", "right"],
        _ => return None,
    };
    // What is copied from may be a file; of this machine that can be seen.
    if from.starts_with('/') && (ground.spot)(Path::new(from)) != Spot::Folder {
        return None;
    }
    let mut settings = Settings::default();
    text(&mut settings, "mode", mode);
    for (key, place) in keys.into_iter().zip([from, to]) {
        // Settings would read it in their own way.
        if place.contains('\\') || place.starts_with('~') {
            return None;
        }
        text(&mut settings, key, place);
    }
    for (key, list) in [("options", options), ("exclude", exclude)] {
        if !list.is_empty() {
            settings.set(key, Value::List(list));
        }
    }
    Some(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Runs {
        let spot = |path: &Path| match path.to_str() {
            Some("/a") => Spot::Folder,
            _ => Spot::Missing,
        };
        let ground = Ground {
            folder: "/home/a",
            spot: &spot,
        };
        let words: Vec<_> = line.split(' ').skip(1).collect();
        runs(&words, &ground)
    }

    #[test]
    fn lines_that_a_setting_stands_for_become_syncs() {
        let new = |pairs: &[(&str, &str)], list: Option<(&str, &[&str])>| {
            let mut settings = Settings::default();
            for (key, value) in pairs {
                text(&mut settings, key, value);
            }
            if let Some((key, list)) = list {
                let list = list.iter().map(|it| (*it).to_owned()).collect();
                settings.set(key, Value::List(list));
            }
            Runs::New("rclone", settings)
        };
        let sync = [("mode", "sync"), ("source", "/a"), ("target", "nas:b")];
        assert_eq!(of("rclone -v sync /a nas:b"), new(&sync, None));
        assert_eq!(
            of("rclone sync -c --transfers 8 /a nas:b"),
            new(&sync, Some(("options", &["--checksum", "--transfers=8"])))
        );
        assert_eq!(
            of("rclone sync /a nas:b --exclude *.tmp"),
            new(&sync, Some(("exclude", &["*.tmp"])))
        );
        assert_eq!(
            of("rclone bisync /a nas:b --resilient --recover --max-lock 2m"),
            new(
                &[("mode", "bisync"), ("left", "/a"), ("right", "nas:b")],
                None
            )
        );
    }

    #[test]
    fn what_cannot_be_said_exactly_stays_a_command() {
        for option in [
            "--filter -x",
            "--filter-from /f",
            "--include *.jpg",
            "--max-delete 5",
            "--max-delete=5",
            "--backup-dir /x",
            "--suffix .old",
            "--dry-run",
            "-n",
            "--max-age 3d",
            "--log-file /l",
            "--resync",
            "--ignore-existing",
            "--delete-excluded",
            "--max-lock 9m",
            "--config /c",
            "--immutable",
        ] {
            for line in [
                format!("rclone sync /a nas:b {option}"),
                format!("rclone {option} bisync /a nas:b"),
            ] {
                assert_eq!(of(&line), Runs::Command, "{line}");
            }
        }
        for line in [
            "rclone move /a nas:b",
            "rclone copy /gone nas:b",
            "rclone copy /a",
        ] {
            assert_eq!(of(line), Runs::Command, "{line}");
        }
        assert_eq!(of("rclone lsd nas:"), Runs::Other);
    }
}
