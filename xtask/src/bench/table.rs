//! Figures of a workload: median, range, ratios, targets, as text and as JSON.

use serde_json::{Value, json};

use super::tools::Tool;
use super::workload::{Target, Work};
use crate::measure::Usage;

/// The runs of one tool on one workload.
#[derive(Debug)]
pub(crate) struct Runs {
    pub(crate) tool: Tool,
    pub(crate) usages: Vec<Usage>,
    /// Versions nowhere to be found after a run (W7), summed over the runs.
    pub(crate) n_lost: usize,
    /// Why it was given up.
    pub(crate) failure: Option<String>,
}

impl Runs {
    pub(crate) fn new(tool: Tool) -> Self {
        Self {
            tool,
            usages: Vec::new(),
            n_lost: 0,
            failure: None,
        }
    }

    fn walls(&self) -> Vec<f64> {
        self.usages.iter().map(|usage| usage.wall_secs).collect()
    }

    fn wall(&self) -> Option<f64> {
        median(self.walls())
    }

    fn cpu(&self) -> Option<f64> {
        median(self.usages.iter().map(|usage| usage.cpu_secs).collect())
    }

    fn peak(&self) -> Option<f64> {
        self.usages
            .iter()
            .map(|usage| usage.peak_mib)
            .reduce(f64::max)
    }
}

/// All figures of one workload.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) work: Work,
    pub(crate) scale: f64,
    pub(crate) runs: Vec<Runs>,
    /// Seconds the bare system calls took, once per round; empty where nothing comparable exists.
    pub(crate) limits: Vec<f64>,
    /// Tools that are not installed.
    pub(crate) missing: Vec<Tool>,
}

/// A target and what became of it; `None` where it cannot be judged.
type Judgement = (String, Option<(f64, bool)>);

impl Figures {
    /// The text for people.
    pub(crate) fn text(&self) -> String {
        let mut lines = vec![format!(
            "{:<4} {}",
            self.work.id(),
            self.work.title(self.scale)
        )];
        lines.push(format!(
            "     {:<8} {:>9}  {:>19} {:>8} {:>7} {:>10}",
            "", "median s", "min – max", "CPU s", "MiB", "× syncmgr"
        ));
        lines.extend(self.limit_line());
        lines.extend(self.runs.iter().map(|runs| self.line(runs)));
        if !self.missing.is_empty() {
            let ids: Vec<_> = self.missing.iter().map(|tool| tool.id()).collect();
            lines.push(format!("     not installed, skipped: {}", ids.join(", ")));
        }
        for (text, result) in self.judgements() {
            lines.push(match result {
                Some((value, true)) => format!("     target {text}: {value:.3}, met"),
                Some((value, false)) => format!("     target {text}: {value:.3}, MISSED"),
                None => format!("     target {text}: not judged here"),
            });
        }
        lines.join("\n")
    }

    fn limit_line(&self) -> Option<String> {
        let middle = median(self.limits.clone())?;
        Some(format!(
            "     {:<8} {middle:>9.3}  {:>19}",
            "limit",
            range(&self.limits)
        ))
    }

    fn line(&self, runs: &Runs) -> String {
        let id = runs.tool.id();
        let mut text = match (runs.wall(), runs.cpu(), runs.peak()) {
            (Some(wall), Some(cpu), Some(peak)) => {
                let ratio = self
                    .wall_of(Tool::Syncmgr)
                    .map_or_else(|| "–".to_owned(), |own| format!("{:.2}", wall / own));
                format!(
                    "     {id:<8} {wall:>9.3}  {:>19} {cpu:>8.3} {peak:>7.1} {ratio:>10}",
                    range(&runs.walls())
                )
            }
            (_, _, _) => format!("     {id:<8}"),
        };
        if self.work == Work::W7 && !runs.usages.is_empty() {
            text += "  versions lost: ";
            text += &(runs.n_lost / runs.usages.len()).to_string();
        }
        if let Some(failure) = &runs.failure {
            text += "  FAILED: ";
            text += failure;
        }
        text
    }

    fn of(&self, tool: Tool) -> Option<&Runs> {
        self.runs.iter().find(|runs| runs.tool == tool)
    }

    fn wall_of(&self, tool: Tool) -> Option<f64> {
        self.of(tool)?.wall()
    }

    fn judgements(&self) -> Vec<Judgement> {
        self.work
            .targets()
            .iter()
            .map(|target| self.judge(*target))
            .collect()
    }

    fn judge(&self, target: Target) -> Judgement {
        let own = self
            .of(Tool::Syncmgr)
            .filter(|runs| !runs.usages.is_empty());
        // Times and memory are promised for the full size only.
        let full = own.filter(|_| self.scale >= 1.0 || self.work == Work::W0);
        let at_most = |value: Option<f64>, most: f64| value.map(|value| (value, value <= most));
        let ratio = |other: Option<f64>| Some(own?.wall()? / other?);
        match target {
            Target::Wall(most) => (
                format!("≤ {most} s"),
                at_most(full.and_then(Runs::wall), most),
            ),
            Target::Cpu(most) => (
                format!("≤ {most} s CPU"),
                at_most(full.and_then(Runs::cpu), most),
            ),
            Target::Peak(most) => (
                format!("≤ {most} MiB"),
                at_most(full.and_then(Runs::peak), most),
            ),
            Target::Against(tool, most) => (
                format!("≤ {most:.2} × {}", tool.id()),
                at_most(ratio(self.wall_of(tool)), most),
            ),
            Target::AgainstLimit(most) => (
                format!("≤ {most:.2} × limit"),
                at_most(ratio(median(self.limits.clone())), most),
            ),
            Target::NothingLost => (
                "0 versions lost".to_owned(),
                at_most(own.map(|runs| runs.n_lost as f64), 0.0),
            ),
        }
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        let runs: Vec<_> = self.runs.iter().map(|runs| self.run_json(runs)).collect();
        let targets: Vec<_> = self
            .judgements()
            .into_iter()
            .map(|(text, result)| {
                json!({
                    "target": text,
                    "value": result.map(|(value, _)| value),
                    "met": result.map(|(_, is_met)| is_met),
                })
            })
            .collect();
        json!({
            "workload": self.work.id(),
            "title": self.work.title(self.scale),
            "scale": self.scale,
            "limit_s": self.limits,
            "runs": runs,
            "targets": targets,
        })
    }

    fn run_json(&self, runs: &Runs) -> Value {
        json!({
            "tool": runs.tool.id(),
            "wall_s": runs.walls(),
            "wall_median_s": runs.wall(),
            "cpu_s": runs.cpu(),
            "peak_mib": runs.peak(),
            "versions_lost": (self.work == Work::W7).then_some(runs.n_lost),
            "failure": runs.failure,
        })
    }
}

pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

pub(super) fn range(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    format!("{least:.3} – {most:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
    }

    fn usage(wall_secs: f64) -> Usage {
        Usage {
            wall_secs,
            cpu_secs: wall_secs,
            peak_mib: 10.0,
            code: 0,
        }
    }

    fn figures(scale: f64) -> Figures {
        let runs = [(Tool::Syncmgr, 1.0), (Tool::Rsync, 2.0)].map(|(tool, wall)| Runs {
            usages: vec![usage(wall)],
            ..Runs::new(tool)
        });
        Figures {
            work: Work::W1,
            scale,
            runs: runs.into(),
            limits: vec![0.5],
            missing: vec![Tool::Cp],
        }
    }

    #[test]
    fn ratios_are_judged_at_any_size_and_figures_only_at_full_size() {
        let small = figures(0.1).text();
        assert!(
            small.contains("target ≤ 0.60 × rsync: 0.500, met"),
            "{small}"
        );
        assert!(
            small.contains("target ≤ 40 MiB: not judged here"),
            "{small}"
        );
        assert!(figures(1.0).text().contains("target ≤ 40 MiB: 10.000, met"));
    }

    #[test]
    fn a_tool_that_did_not_run_is_no_reference() {
        let text = figures(1.0).text();
        assert!(
            text.contains("target ≤ 1.00 × cp: not judged here"),
            "{text}"
        );
        assert!(text.contains("not installed, skipped: cp"), "{text}");
    }
}
