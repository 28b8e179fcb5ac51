//! Figures of the control workloads: medians over the rounds, ratios and targets, as text and JSON.

use serde_json::{Value, json};

use super::super::table::{median, range};

/// One column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Title with the unit.
    pub(crate) title: &'static str,
    /// Digits after the point.
    pub(crate) digits: usize,
}

/// What one tool reached, one list of values per round in the order of the columns.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) who: String,
    pub(crate) rounds: Vec<Vec<f64>>,
    /// Why it was given up.
    pub(crate) failure: Option<String>,
}

impl Row {
    pub(crate) fn new(who: &str) -> Self {
        Self {
            who: who.to_owned(),
            rounds: Vec::new(),
            failure: None,
        }
    }

    fn values(&self, column: usize) -> Vec<f64> {
        let values = self.rounds.iter().filter_map(|round| round.get(column));
        values.copied().collect()
    }

    /// Returns the median of a column.
    pub(crate) fn middle(&self, column: usize) -> Option<f64> {
        median(self.values(column))
    }
}

/// A bound that syncmgr has to keep.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) text: String,
    /// What came out and whether it is enough; `None` where it cannot be judged.
    pub(crate) result: Option<(f64, bool)>,
}

impl Target {
    /// Judges a value that may be at most so large.
    pub(crate) fn at_most(what: &str, value: Option<f64>, most: f64) -> Self {
        Self {
            text: format!("{what} ≤ {most}"),
            result: value.map(|value| (value, value <= most)),
        }
    }

    /// Judges a value that must be at least so large.
    pub(crate) fn at_least(what: &str, value: Option<f64>, least: f64) -> Self {
        Self {
            text: format!("{what} ≥ {least}"),
            result: value.map(|value| (value, value >= least)),
        }
    }

    /// Says that times are not judged, because the workload was made smaller.
    pub(crate) fn unjudged(self, is_small: bool) -> Self {
        Self {
            result: self.result.filter(|_| !is_small),
            ..self
        }
    }
}

/// All figures of one workload.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) columns: &'static [Column],
    pub(crate) rows: Vec<Row>,
    pub(crate) targets: Vec<Target>,
    /// Sentences that a reader of the figures has to know.
    pub(crate) notes: Vec<String>,
}

impl Figures {
    pub(crate) fn row(&self, who: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.who == who)
    }

    /// Returns the median of a column of a row.
    pub(crate) fn middle(&self, who: &str, column: usize) -> Option<f64> {
        self.row(who)?.middle(column)
    }

    /// Returns how many times the value of `other` that of `who` is.
    pub(crate) fn ratio(&self, who: &str, other: &str, column: usize) -> Option<f64> {
        Some(self.middle(who, column)? / self.middle(other, column)?)
    }

    /// The text for people; the first column shows its range too, and the ratio to the first row.
    pub(crate) fn text(&self) -> String {
        let mut lines = vec![format!("{:<9}{}", self.id, self.title)];
        let titles = self
            .columns
            .iter()
            .map(|column| format!("{:>14}", column.title));
        let titles: String = titles.collect();
        let head = format!("     {:<22}{titles}{:>20}{:>9}", "", "min – max", "ratio");
        lines.push(head);
        lines.extend(self.rows.iter().map(|row| self.line(row)));
        lines.extend(self.targets.iter().map(|target| match target.result {
            Some((value, true)) => format!("     target {}: {value:.3}, met", target.text),
            Some((value, false)) => format!("     target {}: {value:.3}, MISSED", target.text),
            None => format!("     target {}: not judged here", target.text),
        }));
        lines.extend(self.notes.iter().map(|note| format!("     {note}")));
        lines.join("\n")
    }

    fn line(&self, row: &Row) -> String {
        let mut text = format!("     {:<22}", row.who);
        if let Some(failure) = &row.failure {
            return text + "FAILED: " + failure;
        }
        for (index, column) in self.columns.iter().enumerate() {
            text += &row.middle(index).map_or_else(
                || format!("{:>14}", "–"),
                |value| format!("{value:>14.digits$}", digits = column.digits),
            );
        }
        let first = self.rows.first().and_then(|first| first.middle(0));
        let ratio = first.zip(row.middle(0)).map(|(first, own)| own / first);
        let ratio = ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        text + &format!("{:>20}{ratio:>9}", range(&row.values(0)))
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        let titles: Vec<_> = self.columns.iter().map(|column| column.title).collect();
        let rows = self
            .rows
            .iter()
            .map(|row| json!({ "tool": row.who, "rounds": row.rounds, "failure": row.failure }));
        let targets = self.targets.iter().map(|target| {
            json!({
                "target": target.text,
                "value": target.result.map(|(value, _)| value),
                "met": target.result.map(|(_, is_met)| is_met),
            })
        });
        json!({
            "workload": self.id,
            "title": self.title,
            "columns": titles,
            "rows": rows.collect::<Vec<_>>(),
            "targets": targets.collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 1] = [Column {
        title: "ms",
        digits: 1,
    }];

    #[test]
    fn ratios_are_to_the_first_row_and_targets_are_judged() {
        let row = |who: &str, values: &[f64]| Row {
            rounds: values.iter().map(|value| vec![*value]).collect(),
            ..Row::new(who)
        };
        let mut figures = Figures {
            id: "start",
            title: String::new(),
            columns: &COLUMNS,
            rows: vec![row("syncmgr", &[2.0, 1.0, 3.0]), row("rclone", &[8.0])],
            targets: Vec::new(),
            notes: Vec::new(),
        };
        let ratio = figures.ratio("rclone", "syncmgr", 0);
        figures.targets = vec![
            Target::at_least("ratio", ratio, 4.0),
            Target::at_most("ms", figures.middle("syncmgr", 0), 1.0),
            Target::at_most("ms", Some(1.0), 1.0).unjudged(true),
        ];
        let text = figures.text();
        assert!(text.contains("4.00\n"), "{text}");
        assert!(text.contains("ratio ≥ 4: 4.000, met"), "{text}");
        assert!(text.contains("ms ≤ 1: 2.000, MISSED"), "{text}");
        assert!(text.contains("ms ≤ 1: not judged here"), "{text}");
    }
}
