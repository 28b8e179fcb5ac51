//! What came out, for people and for programs.

use std::fmt::Write as _;

/// How a case went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It keeps the protocol.
    Passed,
    /// It does not; why, in plain words.
    Failed(String),
    /// It does not offer what the case needs; what that is.
    Skipped(String),
}

/// A case and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The name of the case.
    pub name: String,
    /// What it asks of a handler.
    pub about: String,
    /// How it went.
    pub verdict: Verdict,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

/// All that came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The id of the handler, as it says.
    pub handler: String,
    /// The cases in their order.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Returns how many passed, failed and were skipped.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |wanted: fn(&Verdict) -> bool| {
            let all = self.outcomes.iter();
            all.filter(|outcome| wanted(&outcome.verdict)).count()
        };
        (
            count(|verdict| matches!(verdict, Verdict::Passed)),
            count(|verdict| matches!(verdict, Verdict::Failed(_))),
            count(|verdict| matches!(verdict, Verdict::Skipped(_))),
        )
    }

    /// Says whether no case failed and at least one passed.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        let (n_passed, n_failed, _) = self.counts();
        n_failed == 0 && n_passed > 0
    }

    /// Returns the one line that sums it up.
    #[must_use]
    pub fn headline(&self) -> String {
        let (n_passed, n_failed, n_skipped) = self.counts();
        let n_played = n_passed + n_failed;
        let skipped = match n_skipped {
            0 => String::new(),
            n => format!(", {n} skipped (not offered)"),
        };
        format!("syncmgr handler protocol 1: {n_passed} of {n_played} cases passed{skipped}")
    }

    /// Writes it in the form that build servers read.
    #[must_use]
    pub fn junit(&self) -> String {
        let (_, n_failed, n_skipped) = self.counts();
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let total_ms: u64 = self.outcomes.iter().map(|one| one.elapsed_ms).sum();
        let n = self.outcomes.len();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "<testsuite name=\"syncmgr handler protocol 1: {}\" tests=\"{n}\" \
             failures=\"{n_failed}\" skipped=\"{n_skipped}\" time=\"{}\">",
            escaped(&self.handler),
            seconds(total_ms),
        );
        for outcome in &self.outcomes {
            let _ = write!(
                out,
                "  <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
                escaped(&self.handler),
                escaped(&outcome.name),
                seconds(outcome.elapsed_ms),
            );
            let _ = match &outcome.verdict {
                Verdict::Passed => writeln!(out, "/>"),
                Verdict::Failed(why) => writeln!(
                    out,
                    "><failure message=\"{}\">{}</failure></testcase>",
                    escaped(why),
                    escaped(&outcome.about),
                ),
                Verdict::Skipped(why) => {
                    writeln!(out, "><skipped message=\"{}\"/></testcase>", escaped(why))
                }
            };
        }
        out.push_str("</testsuite>\n");
        out
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Makes a text safe inside XML; what XML cannot hold at all becomes `?`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(name: &str, verdict: Verdict) -> Outcome {
        Outcome {
            name: name.to_owned(),
            about: "about <it>".to_owned(),
            verdict,
            elapsed_ms: 1_234,
        }
    }

    #[test]
    fn a_report_is_summed_up_and_written_for_build_servers() {
        let report = Report {
            handler: "notes".to_owned(),
            outcomes: vec![
                outcome("a", Verdict::Passed),
                outcome("b", Verdict::Failed("said \"x\" & <y>\u{7}".to_owned())),
                outcome("c", Verdict::Skipped("preview".to_owned())),
            ],
        };
        assert!(!report.has_passed());
        assert_eq!(
            report.headline(),
            "syncmgr handler protocol 1: 1 of 2 cases passed, 1 skipped (not offered)"
        );
        let junit = report.junit();
        assert!(junit.contains("tests=\"3\" failures=\"1\" skipped=\"1\" time=\"3.702\""));
        assert!(junit.contains("message=\"said &quot;x&quot; &amp; &lt;y&gt;?\""));
        assert!(junit.contains("name=\"a\" time=\"1.234\"/>"));
    }

    #[test]
    fn nothing_played_is_not_a_pass() {
        let report = Report {
            handler: "notes".to_owned(),
            outcomes: vec![outcome("c", Verdict::Skipped("preview".to_owned()))],
        };
        assert!(!report.has_passed());
    }
}
