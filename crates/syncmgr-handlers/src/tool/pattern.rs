//! Progress, read from a line of any program.

use regex::Regex;
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_sdk::ItemProgress;

/// Longest pattern. One that is longer was not written by a person.
const PATTERN_MAX: usize = 4096;

/// What most tools print: `12 of 34`, `12/34`, `56%`, `56.7 %`, `[12/34]`.
const USUAL: &[&str] = &[
    r"(?:^|[\s\[(])(?P<done>\d+)\s*(?:/|of)\s*(?P<total>\d+)(?:$|[\s\]),.:])",
    r"(?:^|[^\d.,])(?P<percent>\d{1,3}(?:[.,]\d+)?)\s?%",
];

/// The groups a pattern may have.
pub const GROUPS: &[&str] = &[
    "percent",
    "done",
    "total",
    "bytes",
    "bytes_total",
    "current",
];

/// Says how progress is read from lines.
#[derive(Debug, Clone)]
pub struct Pattern {
    patterns: Vec<Regex>,
}

/// What a line said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Per cent done, `0.0..=100.0`.
    pub percent: Option<f64>,
    /// Steps done.
    pub done: Option<u64>,
    /// Steps in all.
    pub total: Option<u64>,
    /// Bytes done.
    pub bytes: Option<u64>,
    /// Bytes in all.
    pub bytes_total: Option<u64>,
    /// What is being worked on.
    pub current: Option<String>,
}

impl Pattern {
    /// Reads a pattern: a regular expression with at least one of the named groups `percent`,
    /// `done`, `total`, `bytes`, `bytes_total` and `current`.
    ///
    /// # Errors
    /// In words, when it cannot be used.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > PATTERN_MAX {
            return Err(format!("it is longer than {PATTERN_MAX} characters"));
        }
        let regex = Regex::new(text).map_err(|e| match e {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            // The last line says what is wrong, those before it draw it.
            other => other
                .to_string()
                .lines()
                .last()
                .unwrap_or("it is no regular expression")
                .trim_start_matches("error: ")
                .to_owned(),
        })?;
        let mut names = regex.capture_names().flatten();
        if names.any(|name| GROUPS.contains(&name)) {
            Ok(Self {
                patterns: vec![regex],
            })
        } else {
            Err(format!(
                "it has none of the groups {}, as in (?P<percent>[0-9]+)%",
                GROUPS.join(", ")
            ))
        }
    }

    /// Returns the one that fits what most tools print.
    #[must_use]
    pub fn usual() -> Self {
        let patterns = USUAL.iter().map(|text| {
            Regex::new(text).expect("the patterns are constants, and a test uses each")
        });
        Self {
            patterns: patterns.collect(),
        }
    }

    /// Reads a line; `None` when it says nothing about progress.
    #[must_use]
    pub fn read(&self, line: &str) -> Option<Reading> {
        let captures = self.patterns.iter().find_map(|it| it.captures(line))?;
        let text = |name| captures.name(name).map(|it| it.as_str().trim());
        let number = |name| text(name).and_then(whole);
        let reading = Reading {
            percent: text("percent")
                .and_then(|it| it.replace(',', ".").parse::<f64>().ok())
                .filter(|it| (0.0..=100.0).contains(it)),
            done: number("done"),
            total: number("total"),
            bytes: text("bytes").and_then(size),
            bytes_total: text("bytes_total").and_then(size),
            current: text("current")
                .filter(|it| !it.is_empty())
                .map(str::to_owned),
        };
        // `0/0` and `7 of 3` are no progress.
        let is_odd = matches!((reading.done, reading.total), (Some(done), Some(total)) if done > total || total == 0);
        (!is_odd && reading != Reading::default()).then_some(reading)
    }
}

impl Reading {
    /// Takes over what a later line said; what that did not say stays.
    pub fn update(&mut self, later: Self) {
        let Self {
            percent,
            done,
            total,
            bytes,
            bytes_total,
            current,
        } = later;
        // Steps and per cent are two ways to say one thing: the last one counts.
        if percent.is_some() {
            (self.percent, self.done, self.total) = (percent, None, None);
        }
        if done.is_some() || total.is_some() {
            self.percent = percent;
        }
        self.done = done.or(self.done);
        self.total = total.or(self.total);
        self.bytes = bytes.or(self.bytes);
        self.bytes_total = bytes_total.or(self.bytes_total);
        self.current = current.or_else(|| self.current.take());
    }

    /// Returns it as a report, and whether the end is known.
    #[must_use]
    pub fn progress(&self) -> (ProgressStatus, ItemProgress<'_>) {
        let (n_done, n_total) = match (self.percent, self.done, self.total) {
            (Some(percent), None, None) => (whole_percent(percent), Some(100)),
            (_, done, total) => (done.unwrap_or(0), total),
        };
        let progress = ItemProgress {
            phase: Phase::Copying,
            n_done,
            n_total,
            bytes_done: self.bytes.unwrap_or(0),
            // The bar needs both; steps alone say enough.
            bytes_total: self
                .bytes_total
                .or(n_total.map(|_| self.bytes.unwrap_or(0))),
            current: self.current.as_deref().map(str::as_bytes),
            ..ItemProgress::default()
        };
        let status = match n_total {
            Some(_) => ProgressStatus::Updating,
            None => ProgressStatus::UpdatingIndeterminate,
        };
        (status, progress)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was read as a number from 0 to 100"
)]
fn whole_percent(percent: f64) -> u64 {
    percent as u64
}

/// Reads a whole number, also with separators: `1,234,567`, `1'234`, `1_234`.
fn whole(text: &str) -> Option<u64> {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, ',' | '\'' | '_' | ' '))
        .collect();
    digits.parse().ok()
}

/// Reads a number of bytes: `1,234`, `1.5 MiB`, `20K`.
fn size(text: &str) -> Option<u64> {
    whole(text).or_else(|| {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        syncmgr_model::format::parse_bytes(&text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(percent: f64) -> Option<Reading> {
        Some(Reading {
            percent: Some(percent),
            ..Reading::default()
        })
    }

    fn steps(done: u64, total: u64) -> Option<Reading> {
        Some(Reading {
            done: Some(done),
            total: Some(total),
            ..Reading::default()
        })
    }

    #[test]
    fn what_most_tools_print_is_understood() {
        let usual = Pattern::usual();
        for (line, expected) in [
            ("Receiving objects:  45% (9/20), 1 KiB", steps(9, 20)),
            ("  1,234  56%  7.8MB/s  0:00:01", percent(56.0)),
            ("[3/12] building", steps(3, 12)),
            ("file 3 of 12: a.txt", steps(3, 12)),
            ("Progress: 12.5 %", percent(12.5)),
            ("100%", percent(100.0)),
            ("2026/11/30 nothing", None),
            ("0/0", None),
            ("999%", None),
            ("hello", None),
            ("", None),
        ] {
            assert_eq!(usual.read(line), expected, "{line}");
        }
    }

    #[test]
    fn a_pattern_of_ones_own() {
        let pattern =
            Pattern::new(r"(?P<bytes>[\d.,]+ ?\w*)/(?P<bytes_total>[\d.]+ ?\w*) (?P<current>.+)")
                .unwrap();
        assert_eq!(
            pattern.read("1.5 MiB/3 MiB photo.jpg"),
            Some(Reading {
                bytes: Some(1_572_864),
                bytes_total: Some(3_145_728),
                current: Some("photo.jpg".to_owned()),
                ..Reading::default()
            })
        );
        for bad in ["(", r"\d+%", "(?P<name>x)"] {
            assert!(Pattern::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn readings_add_up() {
        let mut now = Reading::default();
        now.update(steps(1, 4).unwrap());
        now.update(Reading {
            current: Some("a".to_owned()),
            ..Reading::default()
        });
        let (status, progress) = now.progress();
        assert_eq!(status, ProgressStatus::Updating);
        assert_eq!((progress.n_done, progress.n_total), (1, Some(4)));
        assert_eq!(progress.current, Some(&b"a"[..]));
        now.update(percent(50.0).unwrap());
        let (_, progress) = now.progress();
        assert_eq!((progress.n_done, progress.n_total), (50, Some(100)));
    }
}
