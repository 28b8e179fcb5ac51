//! Numbers, sizes and times as words. Every text goes through here, so that a count never reads
//! "1 files" in one place and "1 file" in another.

use crate::language::{Language, say};
use crate::time::Timestamp;

/// Writes a whole number with commas (in German: points) between thousands.
#[must_use]
pub fn number(n: u64) -> String {
    grouped(n, say(',', '.'))
}

fn grouped(n: u64, separator: char) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(c);
    }
    out
}

/// Writes a count with its English noun; the plural is the noun with `s` except where English says
/// `ies`. It is English whoever asks: German words choose both forms with [`german_plural`].
#[must_use]
pub fn plural(n: u64, noun: &str) -> String {
    if n == 1 {
        return format!("1 {noun}");
    }
    let many = match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        Some(_) | None => format!("{noun}s"),
    };
    format!("{} {many}", grouped(n, ','))
}

/// Writes a count with its German noun.
#[must_use]
pub fn german_plural(n: u64, one: &str, many: &str) -> String {
    let noun = if n == 1 { one } else { many };
    format!("{} {noun}", grouped(n, '.'))
}

/// Writes a size in powers of 1000 with one decimal below 100: `0 B`, `48.1 MB`, `320 GB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let n = u128::from(n);
    let mut scale: u128 = 1000;
    for unit in UNITS {
        // Rounded once from the exact number, so that it never shows "1000 kB".
        let tenths = (n * 10 + scale / 2) / scale;
        let whole = (n + scale / 2) / scale;
        if tenths < 1000 {
            return format!("{}{}{} {unit}", tenths / 10, say('.', ','), tenths % 10);
        }
        if whole < 1000 {
            return format!("{whole} {unit}");
        }
        scale *= 1000;
    }
    format!("{n} B")
}

/// Reads a size as people type it: `1500`, `10M`, `1.5 GB`, `4KiB`. One letter counts in powers
/// of 1000, `KiB` and its like in powers of 1024.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (figure, unit) = (&text[..end], text[end..].trim().to_ascii_lowercase());
    let scale: u64 = match unit.trim_end_matches("/s") {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        "ti" | "tib" => 1 << 40,
        _ => return None,
    };
    let (whole, part) = figure.split_once('.').unwrap_or((figure, ""));
    let whole: u64 = whole.parse().ok()?;
    // More than nine decimals of a byte count mean nothing and would overflow.
    if part.len() > 9 {
        return None;
    }
    let fraction = if part.is_empty() {
        0
    } else {
        let parts: u128 = part.parse().ok()?;
        let power = 10u128.pow(u32::try_from(part.len()).ok()?);
        u64::try_from(parts * u128::from(scale) / power).ok()?
    };
    whole.checked_mul(scale)?.checked_add(fraction)
}

/// Reads a number of days: `30` or `30d`.
#[must_use]
pub fn parse_days(text: &str) -> Option<u64> {
    text.trim().trim_end_matches(['d', 'D']).parse().ok()
}

/// Writes how long something took: `12 ms`, `1.4 s`, `6 s`, `1 min 12 s`, `2 h 5 min`.
#[must_use]
pub fn duration(ms: u64) -> String {
    let secs = ms / 1000;
    match secs {
        0 => format!("{ms} ms"),
        1..10 => format!("{}{}{} s", secs, say('.', ','), ms % 1000 / 100),
        10..60 => format!("{secs} s"),
        60..3600 => format!("{} min {} s", secs / 60, secs % 60),
        _ => format!(
            "{} {} {} min",
            secs / 3600,
            say("h", "Std."),
            secs / 60 % 60
        ),
    }
}

/// Writes how much longer something takes, rounded as people would say it.
#[must_use]
pub fn time_left(ms: u64) -> String {
    let minutes = (ms + 30_000) / 60_000;
    if Language::current() == Language::German {
        return match minutes {
            0 => "weniger als eine Minute".to_owned(),
            1..=20 => format!("etwa {}", german_plural(minutes, "Minute", "Minuten")),
            21..=90 => format!("etwa {} Minuten", (minutes + 2) / 5 * 5),
            _ => format!(
                "etwa {}",
                german_plural((minutes + 30) / 60, "Stunde", "Stunden")
            ),
        };
    }
    match minutes {
        0 => "less than a minute".to_owned(),
        1..=20 => format!("about {}", plural(minutes, "minute")),
        21..=90 => format!("about {} minutes", (minutes + 2) / 5 * 5),
        _ => format!("about {}", plural((minutes + 30) / 60, "hour")),
    }
}

/// Writes how long ago something was.
#[must_use]
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let secs = now.ms_since(then) / 1000;
    if Language::current() == Language::German {
        return match secs {
            0..60 => "gerade eben".to_owned(),
            60..3600 => format!("vor {}", german_plural(secs / 60, "Minute", "Minuten")),
            3600..86_400 => format!("vor {}", german_plural(secs / 3600, "Stunde", "Stunden")),
            _ => format!("vor {}", german_plural(secs / 86_400, "Tag", "Tagen")),
        };
    }
    match secs {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{} ago", plural(secs / 60, "minute")),
        3600..86_400 => format!("{} ago", plural(secs / 3600, "hour")),
        _ => format!("{} ago", plural(secs / 86_400, "day")),
    }
}

/// Takes the system's number out of the words of an error: ` (os error 13)` says nothing to a
/// person that the words before it do not.
#[must_use]
pub fn without_os_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(" (os error ") {
        let Some(end) = rest[at..].find(')') else {
            break;
        };
        out.push_str(&rest[..at]);
        rest = &rest[at + end + 1..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_in_words() {
        let check = |text: &str, expected: &str| assert_eq!(without_os_numbers(text), expected);
        check("Permission denied (os error 13).", "Permission denied.");
        check("a (os error 1) b (os error 2)", "a b");
        check("plain (os error", "plain (os error");
    }

    #[test]
    fn sizes_read_well_at_every_border() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (48_060_000, "48.1 MB"),
            (99_949, "99.9 kB"),
            (999_499, "999 kB"),
            (999_950, "1.0 MB"),
            (6_400_000_000, "6.4 GB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (n, expected) in cases {
            assert_eq!(bytes(n), expected, "{n}");
        }
    }

    #[test]
    fn sizes_are_read_as_typed() {
        let cases = [
            ("1500", Some(1500)),
            ("10M", Some(10_000_000)),
            ("1.5 GB", Some(1_500_000_000)),
            ("4KiB", Some(4096)),
            ("10M/s", Some(10_000_000)),
            ("", None),
            ("M", None),
            ("10X", None),
            ("99999999999T", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn german_has_rules_of_its_own() {
        Language::German.during(|| {
            assert_eq!(number(1_234_567), "1.234.567");
            assert_eq!(bytes(3_100_000_000), "3,1 GB");
            assert_eq!(bytes(320_000_000_000), "320 GB");
            assert_eq!(duration(1400), "1,4 s");
            assert_eq!(duration(7_500_000), "2 Std. 5 min");
            assert_eq!(german_plural(1920, "Datei", "Dateien"), "1.920 Dateien");
            assert_eq!(german_plural(1, "Datei", "Dateien"), "1 Datei");
            assert_eq!(time_left(61_000), "etwa 1 Minute");
            assert_eq!(ago(Timestamp(0), Timestamp(172_800_000)), "vor 2 Tagen");
            // What handlers say stays as they say it.
            assert_eq!(plural(1920, "clone"), "1,920 clones");
        });
    }

    #[test]
    fn counts_have_their_plural() {
        assert_eq!(plural(1, "file"), "1 file");
        assert_eq!(plural(0, "file"), "0 files");
        assert_eq!(plural(1_234_567, "entry"), "1,234,567 entries");
        assert_eq!(plural(2, "day"), "2 days");
    }

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!(duration(400), "400 ms");
        assert_eq!(duration(1400), "1.4 s");
        assert_eq!(duration(72_000), "1 min 12 s");
        assert_eq!(time_left(20_000), "less than a minute");
        assert_eq!(time_left(61_000), "about 1 minute");
        assert_eq!(time_left(22 * 60_000), "about 20 minutes");
        assert_eq!(ago(Timestamp(0), Timestamp(7_200_000)), "2 hours ago");
    }
}
