//! Reads a crontab: its lines, when each runs, and what it runs.

use super::words;

/// A line of a crontab that runs something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CronLine {
    /// Which line, from 1.
    pub(super) number: usize,
    /// When, as the schedules of syncmgr read it; `None` when they cannot say it.
    pub(super) when: Option<String>,
    /// When, as it stands there.
    pub(super) written: String,
    /// What it runs, as the shell gets it.
    pub(super) command: String,
    /// Text for its standard input follows, which only cron can give.
    pub(super) has_input: bool,
    /// The time zone, when the lines above name one.
    pub(super) zone: Option<String>,
    /// What the lines above set for it.
    pub(super) env: Vec<(String, String)>,
}

/// What is said to cron itself and not to what it runs.
const FOR_CRON: [&str; 8] = [
    "MAILTO",
    "MAILFROM",
    "CONTENT_TYPE",
    "CONTENT_TRANSFER_ENCODING",
    "RANDOM_DELAY",
    "START_HOURS_RANGE",
    "CRON_WITHIN",
    "NO_MAIL_OUTPUT",
];

/// Most lines read: more than any person wrote.
const LINES_MAX: usize = 5_000;

/// Reads the text of a crontab. With `has_user` a user stands before the command, as in
/// `/etc/crontab`.
pub(super) fn read(text: &str) -> Vec<CronLine> {
    let mut zone = None;
    let mut env: Vec<(String, String)> = Vec::new();
    let mut out = Vec::new();
    for (at, line) in text.lines().take(LINES_MAX).enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = setting(line) {
            if name == "CRON_TZ" {
                zone = Some(value.to_owned()).filter(|zone| !zone.is_empty());
            } else if !FOR_CRON.contains(&name) {
                env.retain(|(other, _)| other != name);
                env.push((name.to_owned(), value.to_owned()));
            }
            continue;
        }
        let Some((written, when, rest)) = time(line) else {
            continue;
        };
        let (command, has_input) = command(rest);
        if !command.is_empty() {
            out.push(CronLine {
                number: at + 1,
                when,
                written,
                command,
                has_input,
                zone: zone.clone(),
                env: env.clone(),
            });
        }
    }
    out
}

/// Reads `NAME = value`, which sets something for the lines below.
fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let name = name.trim_matches(['"', '\'']);
    // A command may hold a `=` too, but never before the first space.
    words::assignment(&line.replacen(&line[..line.find('=')?], name, 1))?;
    Some((name, value.trim_matches(['"', '\''])))
}

/// Takes the time off the front: as it is written, as a schedule, and the rest.
fn time(line: &str) -> Option<(String, Option<String>, &str)> {
    if line.starts_with('@') {
        let (word, rest) = line.split_once(char::is_whitespace)?;
        let when = match word {
            "@hourly" => Some("cron 0 * * * *"),
            "@daily" | "@midnight" => Some("daily 00:00"),
            "@weekly" => Some("sun 00:00"),
            "@monthly" => Some("cron 0 0 1 * *"),
            "@yearly" | "@annually" => Some("cron 0 0 1 1 *"),
            _ => None,
        };
        return Some((word.to_owned(), when.map(str::to_owned), rest.trim()));
    }
    let mut rest = line;
    let mut fields = Vec::new();
    for _ in 0..5 {
        let (field, after) = rest.split_once(char::is_whitespace)?;
        let is_field = field
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "*,-/~".contains(c));
        if !is_field {
            return None;
        }
        fields.push(field);
        rest = after.trim_start();
    }
    let written = fields.join(" ");
    // A random minute (`~`) is chosen by cron anew at each start.
    let when = (!written.contains('~')).then(|| schedule(&fields));
    Some((written, when, rest))
}

/// Writes five fields as people would: a plain time of day is one.
pub(super) fn schedule(fields: &[&str]) -> String {
    let number = |text: &str, max: u16| text.parse::<u16>().ok().filter(|n| *n <= max);
    if let [minute, hour, "*", "*", days] = fields
        && let (Some(minute), Some(hour)) = (number(minute, 59), number(hour, 23))
        && let Some(days) = weekdays(days)
    {
        return format!("{days} {hour:02}:{minute:02}");
    }
    format!("cron {}", fields.join(" "))
}

/// Writes the days of a week field; `None` for one with steps.
fn weekdays(field: &str) -> Option<String> {
    if field == "*" {
        return Some("daily".to_owned());
    }
    let day = |text: &str| {
        const DAYS: [&str; 8] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let lower = text.to_ascii_lowercase();
        match text.parse::<usize>() {
            Ok(n) => DAYS.get(n).copied(),
            Err(_) => DAYS.into_iter().find(|day| *day == lower),
        }
    };
    let parts: Option<Vec<_>> = field
        .split(',')
        .map(|part| match part.split_once('-') {
            Some((first, last)) => Some(format!("{}-{}", day(first)?, day(last)?)),
            None => day(part).map(str::to_owned),
        })
        .collect();
    parts.map(|parts| parts.join(","))
}

/// Returns what the shell gets, and whether input follows: the first bare `%` ends the command,
/// and `\%` is a `%`.
fn command(rest: &str) -> (String, bool) {
    let mut out = String::new();
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'%') => {
                out.push('%');
                chars.next();
            }
            '%' => return (out.trim().to_owned(), true),
            c => out.push(c),
        }
    }
    (out.trim().to_owned(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, when: Option<&str>, command: &str) {
        let lines = read(line);
        assert_eq!(lines.len(), 1, "{line}");
        assert_eq!(lines[0].when.as_deref(), when, "{line}");
        assert_eq!(lines[0].command, command, "{line}");
    }

    #[test]
    fn times_become_schedules() {
        check("30 2 * * * mbsync -a", Some("daily 02:30"), "mbsync -a");
        check("*/15 * * * * a", Some("cron */15 * * * *"), "a");
        check("0 8 * * 1-5\ta  b", Some("mon-fri 08:00"), "a  b");
        check("0 8 * * mon,SAT a", Some("mon,sat 08:00"), "a");
        check("0 8 * * 7 a", Some("sun 08:00"), "a");
        check("0 8 1 * * a", Some("cron 0 8 1 * *"), "a");
        check("0 8 * * */2 a", Some("cron 0 8 * * */2"), "a");
        check("@daily a", Some("daily 00:00"), "a");
        check("@hourly a", Some("cron 0 * * * *"), "a");
        check("@reboot a", None, "a");
        check("0~30 8 * * * a", None, "a");
    }

    #[test]
    fn every_schedule_is_one_that_syncmgr_reads() {
        let text = "1 2 * * * a\n*/5 * * * * a\n0 8 * * 1-5 a\n@weekly a\n@monthly a\n@yearly a\n0 0 * * 5,0 a\n";
        for line in read(text) {
            let when = line.when.expect("it has a time");
            let read: Result<syncmgr_model::schedule::Trigger, _> = when.parse();
            assert!(read.is_ok(), "{when}");
        }
    }

    #[test]
    fn a_percent_sign_ends_the_command() {
        let lines = read("0 1 * * * date +\\%F%text\n0 1 * * * a");
        assert_eq!(lines[0].command, "date +%F");
        assert!(lines[0].has_input);
        assert!(!lines[1].has_input);
    }

    #[test]
    fn settings_and_remarks_are_no_commands() {
        let text = "# x\n\nMAILTO=anna\nPATH = /usr/bin\nCRON_TZ=Europe/Prague\n0 1 * * * A=b c\nnonsense here\n0 1 * *\n";
        let lines = read(text);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].number, 6);
        assert_eq!(lines[0].command, "A=b c");
        assert_eq!(lines[0].zone.as_deref(), Some("Europe/Prague"));
        let env = ("PATH".to_owned(), "/usr/bin".to_owned());
        assert_eq!(lines[0].env, [env]);
    }
}
