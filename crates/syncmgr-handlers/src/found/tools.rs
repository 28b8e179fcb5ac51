//! Knows the command lines of sync tools: which sync a line runs.

use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Found, Settings, Value};

use super::words::base;

/// What a command line runs.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Runs {
    /// Syncs that are set up in the tool itself, each named by texts among its settings.
    Known(&'static str, Vec<Vec<String>>),
    /// Everything the tool is set up for.
    All(&'static str),
    /// A sync of this handler with these settings; if there is no such handler, a command.
    New(&'static str, Settings),
    /// Something that looks like a sync, and that only the line itself describes.
    Command,
    /// A tool that stays and syncs by itself: its syncs are found in it.
    Daemon,
    /// Nothing that syncs.
    Other,
}

/// Programs that sync or back up beside those with a handler.
const OTHERS: [&str; 20] = [
    "aws",
    "borg",
    "borgmatic",
    "duplicity",
    "duply",
    "gsutil",
    "imapsync",
    "isync",
    "lftp",
    "lsyncd",
    "mutagen",
    "offlineimap",
    "osync",
    "rdiff-backup",
    "rsnapshot",
    "rustic",
    "s3cmd",
    "syncevolution",
    "nextcloudcmd",
    "onedrive",
];

/// The tools that have a handler.
const TOOLS: [&str; 8] = [
    "rclone",
    "unison",
    "rsync",
    "syncthing",
    "mbsync",
    "vdirsyncer",
    "git",
    "restic",
];

/// Says what a program with these arguments runs.
pub(super) fn runs(argv: &[String], folder: Option<&str>) -> Runs {
    let Some((program, args)) = argv.split_first() else {
        return Runs::Other;
    };
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match base(program) {
        "mbsync" => mbsync(&args),
        "vdirsyncer" => vdirsyncer(&args),
        "unison" => unison(&args),
        "rclone" => rclone(&args),
        "rsync" => rsync(&args),
        "git" => git(&args, folder),
        "restic" if args.iter().any(|arg| matches!(*arg, "backup" | "copy")) => Runs::Command,
        "syncthing" => Runs::Daemon,
        "syncmgr" | "restic" => Runs::Other,
        "aws" | "gsutil" | "s3cmd" => {
            let syncs = |arg: &&str| matches!(*arg, "sync" | "rsync" | "cp");
            if args.iter().any(syncs) {
                Runs::Command
            } else {
                Runs::Other
            }
        }
        name if looks_like_one(name) => Runs::Command,
        // A script is named by its first argument.
        "sh" | "bash" | "dash" | "zsh" | "python3" | "python" | "perl" => {
            let script = args.iter().find(|arg| !arg.starts_with('-'));
            match script.filter(|script| looks_like_one(base(script))) {
                Some(_) => Runs::Command,
                None => Runs::Other,
            }
        }
        _ => Runs::Other,
    }
}

/// Says whether the name of a program tells that it syncs.
fn looks_like_one(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    OTHERS.contains(&lower.as_str())
        || ["sync", "backup", "mirror"].iter().any(|part| lower.contains(part))
            // They have nothing to do with files of a person.
            && !["fsync", "timesync", "hwclock", "ntp"].iter().any(|part| lower.contains(part))
}

/// Says whether a line for a shell runs something that syncs.
pub(super) fn mentions(line: &str) -> bool {
    let is_end = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
    let mut words = line.split(is_end).filter(|word| !word.is_empty());
    let is_tool = |word: &str| TOOLS.contains(&word) && word != "git" && word != "syncthing";
    !words.clone().any(|word| word == "syncmgr")
        && (words.any(|word| is_tool(word) || looks_like_one(word)) || mentions_git(line))
}

fn mentions_git(line: &str) -> bool {
    let mut words = line
        .split_whitespace()
        .skip_while(|word| base(word) != "git");
    words.next().is_some() && words.any(|word| matches!(word, "pull" | "fetch" | "push"))
}

/// Takes options with their words away; returns what is left, and the words of `wanted`.
fn without_options<'a>(
    args: &[&'a str],
    with_word: &[&str],
    wanted: &[&str],
) -> (Vec<&'a str>, Option<&'a str>) {
    let (mut rest, mut found) = (Vec::new(), None);
    let mut args = args.iter().copied();
    while let Some(arg) = args.next() {
        if let Some((name, value)) = arg.split_once('=').filter(|_| arg.starts_with("--")) {
            if wanted.contains(&name) {
                found = Some(value);
            }
        } else if with_word.contains(&arg) {
            let value = args.next();
            if wanted.contains(&arg) {
                found = value;
            }
        } else if !arg.starts_with('-') {
            rest.push(arg);
        }
    }
    (rest, found)
}

fn text(settings: &mut Settings, key: &str, value: &str) {
    settings.set(key, Value::Text(value.to_owned()));
}

fn mbsync(args: &[&str]) -> Runs {
    let (names, config) = without_options(args, &["-c", "--config"], &["-c", "--config"]);
    let is_all = args.iter().any(|arg| {
        *arg == "--all" || (arg.starts_with('-') && !arg.starts_with("--") && arg.contains('a'))
    });
    match (names.as_slice(), config) {
        (_, None) if is_all => Runs::All("mbsync"),
        ([], None) => Runs::Other,
        (names, None) => Runs::Known("mbsync", one_each(names)),
        (names, Some(config)) => {
            let mut settings = Settings::default();
            text(&mut settings, "config", config);
            match names {
                [] => {}
                [name] => text(&mut settings, "channel", name),
                _ => return Runs::Command,
            }
            Runs::New("mbsync", settings)
        }
    }
}

fn one_each(names: &[&str]) -> Vec<Vec<String>> {
    names.iter().map(|name| vec![(*name).to_owned()]).collect()
}

fn vdirsyncer(args: &[&str]) -> Runs {
    let options = ["-c", "--config", "-v", "--verbosity"];
    let (names, config) = without_options(args, &options, &["-c", "--config"]);
    let Some(("sync", names)) = names.split_first().map(|(first, rest)| (*first, rest)) else {
        return Runs::Other;
    };
    match (names, config) {
        ([], None) => Runs::All("vdirsyncer"),
        (names, None) if names.iter().all(|name| !name.contains('/')) => {
            Runs::Known("vdirsyncer", one_each(names))
        }
        (names, config) => {
            let mut settings = Settings::default();
            if let Some(config) = config {
                text(&mut settings, "config", config);
            }
            match names {
                [] => {}
                [name] => {
                    let (pair, collection) = match name.split_once('/') {
                        Some((pair, collection)) => (pair, Some(collection)),
                        None => (*name, None),
                    };
                    text(&mut settings, "pair", pair);
                    if let Some(collection) = collection {
                        text(&mut settings, "collection", collection);
                    }
                }
                _ => return Runs::Command,
            }
            Runs::New("vdirsyncer", settings)
        }
    }
}

fn unison(args: &[&str]) -> Runs {
    // Options of unison that take a word and are used in lines that run by themselves.
    let options = [
        "-path", "-ignore", "-prefer", "-force", "-log", "-logfile", "-repeat", "-root",
    ];
    let (names, _) = without_options(args, &options, &[]);
    match names.as_slice() {
        [] => Runs::Other,
        names => {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Runs::Known("unison", vec![names])
        }
    }
}

/// Options of rclone that only change what is printed, or that its handler sets by itself.
const RCLONE_PASSED_OVER: [&str; 10] = [
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
/// Options of rclone without a word that a sync can have too.
const RCLONE_KEPT: [&str; 10] = [
    "--checksum",
    "-c",
    "--update",
    "-u",
    "--fast-list",
    "--create-empty-src-dirs",
    "--track-renames",
    "--size-only",
    "--ignore-existing",
    "--copy-links",
];

fn rclone(args: &[&str]) -> Runs {
    let (mut names, mut options) = (Vec::new(), Vec::new());
    let mut exclude = Vec::new();
    let mut is_known = true;
    let mut left = args.iter().copied();
    while let Some(arg) = left.next() {
        let value = |name: &str, left: &mut dyn Iterator<Item = &str>| match arg.split_once('=') {
            Some((it, value)) if it == name => Some(value.to_owned()),
            None if arg == name => left.next().map(str::to_owned),
            Some(_) | None => None,
        };
        if !arg.starts_with('-') {
            names.push(arg);
        } else if let Some(pattern) = value("--exclude", &mut left) {
            exclude.push(pattern);
        } else if value("--log-file", &mut left).is_some()
            || value("--log-level", &mut left).is_some()
            || value("--max-lock", &mut left).is_some()
        {
            // Where it is printed to, and what the handler decides.
        } else if RCLONE_KEPT.contains(&arg) {
            options.push(arg.to_owned());
        } else if !RCLONE_PASSED_OVER.contains(&arg) {
            is_known = false;
        }
    }
    let [mode, left, right] = names.as_slice() else {
        let syncs = matches!(
            names.first(),
            Some(&("copy" | "sync" | "bisync" | "move" | "copyto"))
        );
        return if syncs { Runs::Command } else { Runs::Other };
    };
    let keys = match *mode {
        "copy" | "sync" => ["source", "target"],
        "bisync" => ["left", "right"],
        "move" | "copyto" | "moveto" => return Runs::Command,
        _ => return Runs::Other,
    };
    if !is_known {
        return Runs::Command;
    }
    let mut settings = Settings::default();
    text(&mut settings, "mode", mode);
    text(&mut settings, keys[0], left);
    text(&mut settings, keys[1], right);
    for (key, list) in [("options", options), ("exclude", exclude)] {
        if !list.is_empty() {
            settings.set(key, Value::List(list));
        }
    }
    Runs::New("rclone", settings)
}

fn rsync(args: &[&str]) -> Runs {
    let (mut names, mut options, mut exclude) = (Vec::new(), Vec::new(), Vec::new());
    let (mut is_archive, mut deletes) = (false, false);
    let mut left = args.iter().copied();
    while let Some(arg) = left.next() {
        match arg {
            "--archive" => is_archive = true,
            "--delete" | "--delete-after" | "--delete-during" | "--del" => deletes = true,
            "--verbose" | "--quiet" | "--progress" | "--stats" | "--human-readable" => {}
            "--exclude" => exclude.extend(left.next().map(str::to_owned)),
            "--compress" | "--update" | "--one-file-system" | "--hard-links" | "--xattrs"
            | "--acls" | "--checksum" => {
                options.push(arg.to_owned());
            }
            arg if arg.starts_with("--exclude=") => {
                exclude.push(arg["--exclude=".len()..].to_owned());
            }
            arg if arg.starts_with("--info=") || arg.starts_with("--log-file=") => {}
            arg if arg.starts_with("--") => return Runs::Command,
            arg if arg.starts_with('-') => {
                for letter in arg[1..].chars() {
                    match letter {
                        'a' => is_archive = true,
                        'v' | 'q' | 'h' | 'P' => {}
                        'z' | 'u' | 'x' | 'H' | 'A' | 'X' | 'c' => {
                            options.push(format!("-{letter}"));
                        }
                        _ => return Runs::Command,
                    }
                }
            }
            arg => names.push(arg),
        }
    }
    let [source, target] = names.as_slice() else {
        return Runs::Command;
    };
    if !is_archive {
        return Runs::Command;
    }
    let mut settings = Settings::default();
    text(&mut settings, "source", source);
    text(&mut settings, "target", target);
    if deletes {
        text(&mut settings, "delete", "yes");
    }
    for (key, list) in [("options", options), ("exclude", exclude)] {
        if !list.is_empty() {
            settings.set(key, Value::List(list));
        }
    }
    Runs::New("rsync", settings)
}

fn git(args: &[&str], folder: Option<&str>) -> Runs {
    let (names, at) = without_options(args, &["-C", "-c"], &["-C"]);
    if !matches!(names.first(), Some(&("pull" | "fetch" | "push"))) {
        return Runs::Other;
    }
    match at.or(folder) {
        Some(folder) => Runs::Known("git", vec![vec![folder.to_owned()]]),
        None => Runs::Command,
    }
}

/// Says whether a found sync has all these texts among its settings.
pub(super) fn has(found: &Found, handler: &str, texts: &[String], home: &str) -> bool {
    let same = |a: &str, b: &str| {
        let whole = |text: &str| match text.strip_prefix("~/") {
            Some(rest) => format!("{home}/{rest}"),
            None => text.to_owned(),
        };
        whole(a).trim_end_matches('/') == whole(b).trim_end_matches('/')
    };
    let is_set = |wanted: &String| {
        found.settings.0.values().any(|value| match value {
            Value::Text(text) => same(text, wanted),
            Value::List(list) => list.iter().any(|text| same(text, wanted)),
            Value::Number(_) => false,
        })
    };
    found.handler.as_str() == handler && texts.iter().all(is_set)
}

/// Returns the id of a handler.
pub(super) fn handler(id: &str) -> HandlerId {
    HandlerId::new(id).expect("the ids of built-in handlers are valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Runs {
        let argv: Vec<_> = line.split(' ').map(str::to_owned).collect();
        runs(&argv, None)
    }

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::default();
        for (key, value) in pairs {
            text(&mut settings, key, value);
        }
        settings
    }

    #[test]
    fn lines_of_tools_name_their_syncs() {
        let known = |tool, names: &[&str]| Runs::Known(tool, one_each(names));
        assert_eq!(of("/usr/bin/mbsync -q -a"), Runs::All("mbsync"));
        assert_eq!(
            of("mbsync -qq work home"),
            known("mbsync", &["work", "home"])
        );
        assert_eq!(
            of("mbsync -c /x work"),
            Runs::New("mbsync", settings(&[("config", "/x"), ("channel", "work")]))
        );
        assert_eq!(of("mbsync -l"), Runs::Other);
        assert_eq!(of("vdirsyncer -v ERROR sync"), Runs::All("vdirsyncer"));
        assert_eq!(of("vdirsyncer sync cal"), known("vdirsyncer", &["cal"]));
        assert_eq!(
            of("vdirsyncer sync cal/work"),
            Runs::New(
                "vdirsyncer",
                settings(&[("pair", "cal"), ("collection", "work")])
            )
        );
        assert_eq!(of("vdirsyncer discover"), Runs::Other);
        assert_eq!(of("unison -batch photos"), known("unison", &["photos"]));
        assert_eq!(
            of("git -C /src/notes pull --ff-only"),
            known("git", &["/src/notes"])
        );
        assert_eq!(of("git gc"), Runs::Other);
        assert_eq!(of("syncthing serve"), Runs::Daemon);
        assert_eq!(of("syncmgr sync --all"), Runs::Other);
    }

    #[test]
    fn options_that_no_setting_stands_for_keep_a_line_a_command() {
        let two = |mode| settings(&[("mode", mode), ("source", "/a"), ("target", "nas:b")]);
        assert_eq!(
            of("rclone sync -v --log-file /l /a nas:b"),
            Runs::New("rclone", two("sync"))
        );
        assert_eq!(
            of("rclone bisync /a nas:b --resilient --recover --max-lock 2m"),
            Runs::New(
                "rclone",
                settings(&[("mode", "bisync"), ("left", "/a"), ("right", "nas:b")])
            )
        );
        assert_eq!(of("rclone sync /a nas:b --max-age 3d"), Runs::Command);
        assert_eq!(of("rclone lsd nas:"), Runs::Other);
        assert_eq!(
            of("rsync -av --delete /a /b"),
            Runs::New(
                "rsync",
                settings(&[("source", "/a"), ("target", "/b"), ("delete", "yes")])
            )
        );
        assert_eq!(of("rsync -rt /a /b"), Runs::Command);
        assert_eq!(of("rsync -a --remove-source-files /a /b"), Runs::Command);
    }

    #[test]
    fn what_looks_like_a_sync_is_one() {
        for line in [
            "/opt/bin/my-backup.sh",
            "borg create x y",
            "bash /home/a/sync-photos",
            "offlineimap -o",
        ] {
            assert_eq!(of(line), Runs::Command, "{line}");
        }
        for line in ["certbot renew", "bash x.sh", "aws ec2 ls", "timesyncd x"] {
            assert_eq!(of(line), Runs::Other, "{line}");
        }
        assert!(mentions("cd /x; for i in *; do rsync -a $i nas:; done"));
        assert!(mentions("cd /x && git fetch | tee log"));
        assert!(!mentions("git gc; true"));
        assert!(!mentions("syncmgr run -- rsync $X y"));
    }
}
