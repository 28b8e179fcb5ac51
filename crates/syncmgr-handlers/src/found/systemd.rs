//! Reads timers of systemd and what they start, from the files of their units. Nothing is asked of
//! systemd itself: it does not run everywhere, and the files say it all.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::timer;

/// Most bytes read of a unit: they are short texts.
const UNIT_BYTES_MAX: u64 = 256 * 1024;
/// Most timers looked at in one folder.
const TIMERS_MAX: usize = 1_000;

/// A timer, and what it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timer {
    /// Its file name, as `mbsync.timer`.
    pub(super) name: String,
    /// Its file.
    pub(super) path: PathBuf,
    /// It is started at log-in.
    pub(super) is_enabled: bool,
    /// When it runs, as schedules read it; none when they cannot say it.
    pub(super) when: Vec<String>,
    /// When, as it stands there.
    pub(super) written: String,
    /// Times that no schedule says.
    pub(super) has_other_times: bool,
    /// What is started.
    pub(super) commands: Vec<Started>,
    /// What else its service says that changes what is done, as `ExecStartPre`.
    pub(super) more: Option<String>,
    /// Variables that are set for it.
    pub(super) env: Vec<(String, String)>,
    /// The folder it runs in.
    pub(super) folder: Option<String>,
}

/// A program that a service starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Started {
    /// As it stands there.
    pub(super) written: String,
    /// The program and its arguments; `None` when only systemd can tell them.
    pub(super) argv: Option<Vec<String>>,
}

/// Keys of units that change only when something runs, how fast, or what is told of it.
const HARMLESS: [&str; 27] = [
    "Unit.Description",
    "Unit.Documentation",
    "Unit.After",
    "Unit.Before",
    "Unit.Wants",
    "Unit.OnFailure",
    "Unit.OnSuccess",
    "Unit.DefaultDependencies",
    "Unit.StartLimitIntervalSec",
    "Unit.StartLimitBurst",
    "Service.Type",
    "Service.ExecStart",
    "Service.Environment",
    "Service.WorkingDirectory",
    "Service.Nice",
    "Service.IOSchedulingClass",
    "Service.IOSchedulingPriority",
    "Service.CPUSchedulingPolicy",
    "Service.CPUWeight",
    "Service.CPUQuota",
    "Service.IOWeight",
    "Service.Slice",
    "Service.SyslogIdentifier",
    "Service.Restart",
    "Service.RestartSec",
    "Service.RemainAfterExit",
    "Service.SuccessExitStatus",
];

/// Returns the first key of a service that makes it more than the program it starts.
fn more(service: &Unit) -> Option<String> {
    let set = |key: &&String| service.get(*key).is_some_and(|values| !values.is_empty());
    let several = service.get("Service.ExecStart").map_or(0, Vec::len) > 1;
    let mut keys = service.keys().filter(set);
    let other = keys.find(|key| {
        !HARMLESS.contains(&key.as_str()) && !key.starts_with("Install.") && !key.starts_with("X-")
    });
    let key = other.map(String::as_str);
    let key = key.or(several.then_some("Service.ExecStart"))?;
    Some(key.rsplit('.').next().unwrap_or(key).to_owned())
}

/// Whose units these are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person<'a> {
    /// Stands for `%h` and `~`.
    pub(super) home: &'a str,
    /// Stands for `%u`.
    pub(super) user: &'a str,
}

/// The parts of a unit: every value of every key, by `Section.Key`.
type Unit = BTreeMap<String, Vec<String>>;

/// Finds the timers in these folders; one of an earlier folder hides another of the same name.
pub(super) fn timers(folders: &[PathBuf], person: Person<'_>) -> Vec<Timer> {
    let mut found: BTreeMap<String, Timer> = BTreeMap::new();
    for folder in folders {
        let mut names: Vec<_> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".timer"))
            .take(TIMERS_MAX)
            .collect();
        names.sort();
        for name in names {
            if !found.contains_key(&name)
                && let Some(timer) = timer_of(folders, folder, &name, person)
            {
                found.insert(name, timer);
            }
        }
    }
    found.into_values().collect()
}

fn timer_of(folders: &[PathBuf], folder: &Path, name: &str, person: Person<'_>) -> Option<Timer> {
    let path = folder.join(name);
    let stem = name.strip_suffix(".timer")?;
    let unit = load(folders, name)?;
    let service = match last(&unit, "Timer.Unit") {
        Some(service) => specifiers(service, stem, person)?,
        None => format!("{stem}.service"),
    };
    let service_unit = load(folders, &service).or_else(|| load(folders, &template(&service)?))?;
    let (mut when, mut written, mut has_other_times) = (Vec::new(), Vec::new(), false);
    for (key, read) in [
        ("Timer.OnCalendar", timer::calendar as fn(&str) -> _),
        ("Timer.OnUnitActiveSec", timer::every),
        ("Timer.OnUnitInactiveSec", timer::every),
    ] {
        for text in unit.get(key).into_iter().flatten() {
            written.push(text.clone());
            match read(text) {
                Some(schedule) => when.push(schedule),
                None => has_other_times = true,
            }
        }
    }
    when.dedup();
    let instance = service.strip_suffix(".service").unwrap_or(&service);
    let commands = service_unit
        .get("Service.ExecStart")
        .into_iter()
        .flatten()
        .map(|line| Started {
            written: line.clone(),
            argv: command(line, instance, person),
        })
        .collect();
    let env = service_unit
        .get("Service.Environment")
        .into_iter()
        .flatten()
        .filter_map(|line| split(line))
        .flatten()
        .filter_map(|word| {
            let (name, value) = super::words::assignment(&word)?;
            Some((name.to_owned(), specifiers(value, instance, person)?))
        })
        .collect();
    let folder_text = last(&service_unit, "Service.WorkingDirectory")
        .map(|text| text.trim_start_matches('-'))
        .and_then(|text| match text {
            "~" => Some(person.home.to_owned()),
            text => specifiers(text, instance, person),
        });
    Some(Timer {
        name: name.to_owned(),
        is_enabled: is_enabled(folders, name),
        path,
        when,
        written: written.join(", "),
        has_other_times,
        commands,
        more: more(&service_unit),
        env,
        folder: folder_text,
    })
}

/// Returns the template of `name@instance.service`.
fn template(service: &str) -> Option<String> {
    let (name, rest) = service.split_once('@')?;
    rest.ends_with(".service")
        .then(|| format!("{name}@.service"))
}

/// Says whether a unit is started with the others: somewhere a link of its name is wanted.
fn is_enabled(folders: &[PathBuf], name: &str) -> bool {
    let wants = folders.iter().flat_map(|folder| {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path()))
    });
    wants
        .filter(|path| {
            path.extension()
                .is_some_and(|end| end == "wants" || end == "requires")
        })
        .any(|path| path.join(name).symlink_metadata().is_ok())
}

fn last<'a>(unit: &'a Unit, key: &str) -> Option<&'a str> {
    unit.get(key)?.last().map(String::as_str)
}

/// Reads a unit with the pieces that were put beside it.
fn load(folders: &[PathBuf], name: &str) -> Option<Unit> {
    let text = folders.iter().find_map(|folder| text(&folder.join(name)))?;
    let mut unit = Unit::new();
    parse(&text, &mut unit);
    for folder in folders {
        let mut pieces: Vec<_> = fs::read_dir(folder.join(format!("{name}.d")))
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|end| end == "conf"))
            .collect();
        pieces.sort();
        for piece in pieces.iter().filter_map(|path| self::text(path)) {
            parse(&piece, &mut unit);
        }
    }
    Some(unit)
}

/// Reads a short file.
fn text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(UNIT_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Adds the lines of a unit. An empty value takes those before back.
fn parse(text: &str, unit: &mut Unit) {
    let mut section = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.trim().to_owned();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        while line.ends_with('\\') {
            line.pop();
            match lines.next() {
                Some(next) if next.trim_start().starts_with(['#', ';']) => line.push('\\'),
                Some(next) => {
                    line.push(' ');
                    line.push_str(next.trim());
                }
                None => break,
            }
        }
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            name.clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once('=') {
            let values = unit.entry(format!("{section}.{}", key.trim())).or_default();
            match value.trim() {
                "" => values.clear(),
                value => values.push(value.to_owned()),
            }
        }
    }
}

/// Reads the program and its arguments; `None` for what only systemd can put in.
fn command(line: &str, instance: &str, person: Person<'_>) -> Option<Vec<String>> {
    let words = split(line.trim_start_matches(['-', '@', ':', '+', '!']))?;
    let words: Option<Vec<_>> = words
        .iter()
        .map(|word| {
            let word = specifiers(word, instance, person)?;
            let word = word.replace("${HOME}", person.home);
            let word = match word.strip_prefix("$HOME") {
                Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                    format!("{}{rest}", person.home)
                }
                Some(_) | None => word,
            };
            // `$$` is a dollar sign; any other variable is known only when it runs.
            let word = word.replace("$$", "\0");
            (!word.contains('$')).then(|| word.replace('\0', "$"))
        })
        .collect();
    words.filter(|words| !words.is_empty() && !words.iter().any(|word| word == ";"))
}

/// Splits a line as systemd does.
fn split(line: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', _) => {
                let c = match chars.next()? {
                    'n' => '\n',
                    't' => '\t',
                    's' => ' ',
                    c @ ('\\' | '"' | '\'' | ' ') => c,
                    _ => return None,
                };
                word.get_or_insert_default().push(c);
            }
            (c, Some(end)) if c == end => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => out.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return None;
    }
    out.extend(word);
    Some(out)
}

/// Puts in what a `%` stands for; `None` for what is not known here.
fn specifiers(text: &str, instance: &str, person: Person<'_>) -> Option<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            '%' => out.push('%'),
            'h' => out.push_str(person.home),
            'u' => out.push_str(person.user),
            'i' | 'I' => out.push_str(instance.split_once('@')?.1),
            'n' | 'N' => out.push_str(instance),
            'p' | 'P' => out.push_str(instance.split('@').next()?),
            _ => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: Person<'static> = Person {
        home: "/home/anna",
        user: "anna",
    };

    fn units(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let folders = vec![dir.path().to_owned()];
        (dir, folders)
    }

    #[test]
    fn a_timer_says_what_it_starts_and_when() {
        let (_dir, folders) = units(&[
            (
                "mail.timer",
                "[Timer]\nOnBootSec=2m\nOnUnitActiveSec=5m\n[Install]\nWantedBy=timers.target\n",
            ),
            (
                "mail.service",
                "[Service]\nType=oneshot\nEnvironment=A=b \"C=d e\"\nExecStart=/usr/bin/mbsync \\\n  -c %h/.mbsyncrc \"my channel\"\n",
            ),
            ("timers.target.wants/mail.timer", ""),
        ]);
        let timers = timers(&folders, PERSON);
        assert_eq!(timers.len(), 1);
        assert!(timers[0].is_enabled);
        assert_eq!(timers[0].when, ["every 5m"]);
        let words = [
            "/usr/bin/mbsync",
            "-c",
            "/home/anna/.mbsyncrc",
            "my channel",
        ];
        assert_eq!(timers[0].commands.len(), 1);
        assert_eq!(
            timers[0].commands[0].argv,
            Some(words.map(str::to_owned).to_vec())
        );
        assert_eq!(timers[0].more, None);
        assert_eq!(timers[0].env[1], ("C".to_owned(), "d e".to_owned()));
    }

    #[test]
    fn pieces_beside_a_unit_and_templates_count() {
        let (_dir, folders) = units(&[
            ("git@notes.timer", "[Timer]\nOnCalendar=daily\n"),
            (
                "git@notes.timer.d/a.conf",
                "[Timer]\nOnCalendar=\nOnCalendar=hourly\nOnCalendar=*-*-~1\n",
            ),
            (
                "git@.service",
                "[Service]\nExecStart=-git -C %h/%i pull\nExecStart=echo $X\n",
            ),
        ]);
        let timers = timers(&folders, PERSON);
        assert_eq!(timers[0].when, ["cron 0 * * * *"]);
        assert!(timers[0].has_other_times);
        assert!(!timers[0].is_enabled);
        let words = ["git", "-C", "/home/anna/notes", "pull"].map(str::to_owned);
        let argv: Vec<_> = timers[0].commands.iter().map(|it| &it.argv).collect();
        assert_eq!(argv, [&Some(words.to_vec()), &None]);
        assert_eq!(timers[0].commands[1].written, "echo $X");
        assert_eq!(timers[0].more.as_deref(), Some("ExecStart"));
    }

    #[test]
    fn what_a_service_does_beside_its_program_is_named() {
        for (text, more) in [
            ("[Unit]\nDescription=x\n[Service]\nNice=9", None),
            ("[Service]\nExecStartPre=mount /m", Some("ExecStartPre")),
            ("[Service]\nEnvironmentFile=/x", Some("EnvironmentFile")),
            (
                "[Unit]\nConditionPathIsMountPoint=/m",
                Some("ConditionPathIsMountPoint"),
            ),
            ("[Service]\nExecStartPost=", None),
        ] {
            let service = format!("{text}\n[Service]\nExecStart=a\n");
            let (_dir, folders) = units(&[
                ("a.timer", "[Timer]\nOnCalendar=daily\n"),
                ("a.service", &service),
            ]);
            let timers = timers(&folders, PERSON);
            assert_eq!(timers[0].more.as_deref(), more, "{text}");
        }
    }
}
