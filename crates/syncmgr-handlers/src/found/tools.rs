//! Knows the command lines of sync tools: which sync a line runs.

use std::path::Path;

use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Found, Settings, Value};

use super::words::base;
use super::{rclone, rsync};

/// What a line meets where it runs.
pub(super) struct Ground<'a> {
    /// The folder it is started in.
    pub(super) folder: &'a str,
    /// Says what is at a path.
    pub(super) spot: &'a dyn Fn(&Path) -> Spot,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// A folder, and no link to one.
    Folder,
    /// Nothing.
    Missing,
    /// Something else, or it cannot be told.
    Other,
}

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
    /// It could be one: what a program like this does is known to whoever wrote the line.
    Unclear,
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

/// Programs that bring files somewhere among other things.
const UNCLEAR: [&str; 3] = ["ssh", "curl", "wget"];

/// Programs that copy whatever their line names.
const COPYING: [&str; 3] = ["scp", "sftp", "tar"];

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

/// Those of them whose lines can become syncs of their handlers.
pub(super) const HANDLED: [&str; 6] = ["rclone", "unison", "rsync", "mbsync", "vdirsyncer", "git"];

/// Says what a program with these arguments runs.
pub(super) fn runs(argv: &[String], ground: &Ground<'_>) -> Runs {
    let Some((program, args)) = argv.split_first() else {
        return Runs::Other;
    };
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match base(program) {
        "mbsync" => mbsync(&args),
        "vdirsyncer" => vdirsyncer(&args),
        "unison" => unison(&args),
        "rclone" => rclone::runs(&args, ground),
        "rsync" => rsync::runs(&args, ground),
        "git" => git(&args, ground.folder),
        "restic" => restic(&args),
        "syncthing" => Runs::Daemon,
        "syncmgr" => Runs::Other,
        "aws" | "gsutil" | "s3cmd" => {
            let syncs = |arg: &&str| matches!(*arg, "sync" | "rsync" | "cp");
            if args.iter().any(syncs) {
                Runs::Command
            } else {
                Runs::Other
            }
        }
        name if UNCLEAR.contains(&name) => Runs::Unclear,
        name if COPYING.contains(&name) => Runs::Command,
        name if looks_like_one(name) => Runs::Command,
        // A script is named by its first argument.
        "sh" | "bash" | "dash" | "zsh" | "python3" | "python" | "perl" => {
            if let Some(line) = line_of_shell(&args) {
                return match mentions(line) {
                    true => Runs::Command,
                    false => Runs::Other,
                };
            }
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

/// Returns the line that a shell is given as a word.
fn line_of_shell<'a>(args: &[&'a str]) -> Option<&'a str> {
    let is_flag = |arg: &str| arg.starts_with('-') && !arg.starts_with("--") && arg.ends_with('c');
    let at = args.iter().position(|arg| is_flag(arg))?;
    args.get(at + 1).copied()
}

/// Says whether a line for a shell runs something that syncs, or that could.
pub(super) fn mentions(line: &str) -> bool {
    let is_end = |c: char| c.is_whitespace() || "|;&()`$\"'<>{}=!".contains(c);
    let mut words = line.split(is_end).map(base).filter(|it| !it.is_empty());
    let is_tool = |word: &str| {
        (TOOLS.contains(&word) && word != "git" && word != "syncthing")
            || UNCLEAR.contains(&word)
            || COPYING.contains(&word)
    };
    !words.clone().any(|word| word == "syncmgr")
        && (words.any(|word| is_tool(word) || looks_like_one(word)) || mentions_git(line))
}

fn mentions_git(line: &str) -> bool {
    let mut words = line
        .split_whitespace()
        .skip_while(|word| base(word) != "git");
    words.next().is_some() && words.any(|word| matches!(word, "pull" | "fetch" | "push"))
}

/// Which options of a tool do not change what it does: without a word, and with one.
struct Plain<'a> {
    alone: &'a [&'a str],
    with_word: &'a [&'a str],
    /// Letters that may stand together after one `-`.
    letters: &'a str,
}

/// The words of a line that are no options, and the words of options.
#[derive(Debug, Default)]
struct Words<'a> {
    names: Vec<&'a str>,
    values: Vec<(&'a str, &'a str)>,
    letters: String,
}

impl<'a> Words<'a> {
    /// Reads words; `None` for an option that is none of these.
    fn read(args: &[&'a str], plain: &Plain<'_>) -> Option<Self> {
        let mut read = Self::default();
        let mut args = args.iter().copied();
        while let Some(arg) = args.next() {
            let is_letters = || {
                let letters = arg.strip_prefix('-')?;
                let is_one = |c| plain.letters.contains(c);
                (!letters.is_empty() && letters.chars().all(is_one)).then_some(letters)
            };
            if !arg.starts_with('-') {
                read.names.push(arg);
            } else if plain.with_word.contains(&arg) {
                read.values.push((arg, args.next()?));
            } else if let Some((name, value)) = arg
                .split_once('=')
                .filter(|(name, _)| plain.with_word.contains(name))
            {
                read.values.push((name, value));
            } else if let Some(letters) = is_letters() {
                read.letters.push_str(letters);
            } else if !plain.alone.contains(&arg) {
                return None;
            }
        }
        Some(read)
    }

    fn value(&self, names: &[&str]) -> Option<&'a str> {
        let mut values = self.values.iter();
        values.find(|(name, _)| names.contains(name)).map(|it| it.1)
    }
}

pub(super) fn text(settings: &mut Settings, key: &str, value: &str) {
    settings.set(key, Value::Text(value.to_owned()));
}

fn mbsync(args: &[&str]) -> Runs {
    if args
        .iter()
        .any(|arg| matches!(*arg, "-l" | "--list" | "-v" | "--version" | "-h" | "--help"))
    {
        return Runs::Other;
    }
    let plain = Plain {
        alone: &["--all", "--quiet", "--verbose", "--debug"],
        with_word: &["-c", "--config"],
        letters: "aqVD",
    };
    let Some(words) = Words::read(args, &plain) else {
        return Runs::Command;
    };
    let is_all = words.letters.contains('a') || args.contains(&"--all");
    match (words.names.as_slice(), words.value(&["-c", "--config"])) {
        (_, None) if is_all => Runs::All("mbsync"),
        ([], None) => Runs::Other,
        (names, None) => Runs::Known("mbsync", one_each(names)),
        // The settings have no folder that it could be relative to.
        (_, Some(config)) if !config.starts_with('/') => Runs::Command,
        (names, Some(config)) => {
            let mut settings = Settings::default();
            text(&mut settings, "config", config);
            match names {
                [] if is_all => {}
                [name] if !is_all => text(&mut settings, "channel", name),
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
    if !args.contains(&"sync") {
        return Runs::Other;
    }
    let plain = Plain {
        alone: &[],
        with_word: &["-c", "--config", "-v", "--verbosity"],
        letters: "",
    };
    let Some(words) = Words::read(args, &plain) else {
        return Runs::Command;
    };
    let Some((&"sync", names)) = words.names.split_first() else {
        return Runs::Other;
    };
    match (names, words.value(&["-c", "--config"])) {
        (_, Some(config)) if !config.starts_with('/') => Runs::Command,
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
    let plain = Plain {
        alone: &[
            "-batch",
            "-auto",
            "-silent",
            "-terse",
            "-dumbtty",
            "-contactquietly",
        ],
        with_word: &["-ui", "-color"],
        letters: "",
    };
    match Words::read(args, &plain) {
        None => Runs::Command,
        Some(words) if words.names.is_empty() => Runs::Other,
        Some(words) => {
            let names = words.names.iter().map(|name| (*name).to_owned()).collect();
            Runs::Known("unison", vec![names])
        }
    }
}

fn restic(args: &[&str]) -> Runs {
    const WORKING: [&str; 5] = ["backup", "copy", "forget", "prune", "check"];
    if args.iter().any(|arg| WORKING.contains(arg)) {
        Runs::Command
    } else {
        Runs::Other
    }
}

/// Only what fetches and goes forward, as the handler does, is a sync of it: others merge or push.
fn git(args: &[&str], folder: &str) -> Runs {
    if !args
        .iter()
        .any(|arg| matches!(*arg, "pull" | "fetch" | "push"))
    {
        return Runs::Other;
    }
    let plain = Plain {
        alone: &["--ff-only", "--quiet", "--verbose"],
        with_word: &["-C"],
        letters: "qv",
    };
    match Words::read(args, &plain) {
        Some(words) if words.names == ["pull"] && args.contains(&"--ff-only") => {
            let folder = words.value(&["-C"]).unwrap_or(folder);
            Runs::Known("git", vec![vec![folder.to_owned()]])
        }
        Some(_) | None => Runs::Command,
    }
}

/// Variables that every line may be given without anything being different.
const HARMLESS: [&str; 16] = [
    "PATH",
    "SHELL",
    "TERM",
    "TZ",
    "LANG",
    "LANGUAGE",
    "USER",
    "LOGNAME",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "SSH_AUTH_SOCK",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "PWD",
    "EDITOR",
    "PAGER",
];

/// What the variables of one tool begin with; no other tool reads them.
const OF_TOOLS: [&str; 7] = [
    "RCLONE_", "RSYNC_", "RESTIC_", "BORG_", "UNISON", "AWS_", "B2_",
];

/// Says whether a tool could do something else because of a variable.
pub(super) fn matters(tool: &str, name: &str, value: &str, home: &str) -> bool {
    let is_of_another = || {
        let mine = tool.to_ascii_uppercase();
        let mut all = OF_TOOLS.iter();
        all.any(|of| name.starts_with(of) && !of.starts_with(&mine))
    };
    let is_home = name == "HOME" && value == home;
    !(HARMLESS.contains(&name) || name.starts_with("LC_") || is_home || is_of_another())
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
        let ground = Ground {
            folder: "/home/a",
            spot: &|_| Spot::Missing,
        };
        runs(&argv, &ground)
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
        assert_eq!(of("mbsync -qa"), Runs::All("mbsync"));
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
        assert_eq!(of("git pull -q --ff-only"), known("git", &["/home/a"]));
        assert_eq!(of("git gc"), Runs::Other);
        assert_eq!(of("syncthing serve"), Runs::Daemon);
        assert_eq!(of("syncmgr sync --all"), Runs::Other);
    }

    #[test]
    fn options_that_no_setting_stands_for_keep_a_line_a_command() {
        for line in [
            "mbsync --pull work",
            "mbsync -n -a",
            "mbsync -e work",
            "mbsync -c /x -a work",
            "vdirsyncer sync --force-delete cal",
            "vdirsyncer sync --max-workers=1",
            "unison photos -batch -force /a",
            "unison photos -path x",
            "unison -repeat 60 photos",
            "unison photos -logfile /l",
            "git pull",
            "git -C /src/notes push",
            "git -C /src/notes fetch",
            "git pull --ff-only origin main",
            "git -c x=y pull --ff-only",
            "restic -r /x backup /home",
            "restic -r /x forget --prune --keep-daily 7",
            "scp -r /a nas:b",
            "tar czf /b/a.tgz /a",
        ] {
            assert_eq!(of(line), Runs::Command, "{line}");
        }
        for line in ["curl -T a https://x", "ssh nas backup-now", "wget -q x"] {
            assert_eq!(of(line), Runs::Unclear, "{line}");
        }
    }

    #[test]
    fn only_variables_of_the_tool_itself_matter() {
        assert!(matters("rclone", "RCLONE_DRY_RUN", "1", "/h"));
        assert!(!matters("rsync", "RCLONE_DRY_RUN", "1", "/h"));
        assert!(!matters("rsync", "RESTIC_PASSWORD", "x", "/h"));
        assert!(matters("rsync", "RSYNC_RSH", "ssh", "/h"));
        assert!(matters("unison", "UNISON", "/x", "/h"));
        assert!(matters("mbsync", "HOME", "/x", "/h"));
        assert!(!matters("mbsync", "HOME", "/h", "/h"));
        assert!(!matters("mbsync", "LC_ALL", "C", "/h"));
        assert!(matters("git", "GIT_DIR", "/x", "/h"));
    }

    #[test]
    fn what_looks_like_a_sync_is_one() {
        for line in [
            "/opt/bin/my-backup.sh",
            "borg create x y",
            "bash /home/a/sync-photos",
            "offlineimap -o",
            "sh -c rsync",
        ] {
            assert_eq!(of(line), Runs::Command, "{line}");
        }
        for line in ["certbot renew", "bash x.sh", "aws ec2 ls", "timesyncd x"] {
            assert_eq!(of(line), Runs::Other, "{line}");
        }
        assert!(mentions("cd /x; for i in *; do rsync -a $i nas:; done"));
        assert!(mentions("cd /x && git fetch | tee log"));
        assert!(mentions("pg_dump x | ssh nas 'cat > x'"));
        assert!(mentions("/bin/tar c /a | gzip"));
        assert!(mentions("[ -d /m ] && scp a b"));
        assert!(mentions("X=1 curl https://x | sh"));
        assert!(!mentions("git gc; true"));
        assert!(!mentions("ls ~/.ssh | wc"));
        assert!(!mentions("syncmgr run -- rsync $X y"));
    }
}
