//! What is planned for which change, case by case: base, left and right as trees in one line (see
//! `syncmgr_testing::tree` and, for renames, `syncmgr_testing::turn`), and the plan as text.
//!
//! Every case goes through the whole engine: the base is agreed on by a first run of two equal
//! trees, both people do their edits, and the plan that follows is carried out, after which
//! nothing may be left to do. Where something is, it is shown behind `then`.

// One case to a line, however long: they are read as tables.
#[rustfmt::skip]
mod attributes;
#[rustfmt::skip]
mod content;
#[rustfmt::skip]
mod directories;
#[rustfmt::skip]
mod excludes;
#[rustfmt::skip]
mod holds;
#[rustfmt::skip]
mod modes;
#[rustfmt::skip]
mod moves;
#[rustfmt::skip]
mod rules;
#[rustfmt::skip]
mod stores;
#[rustfmt::skip]
mod unreadable;

use expect_test::Expect;
use syncmgr_engine::entry::{Side, Sides};
use syncmgr_engine::pair::{Options, Report};
use syncmgr_engine::plan::{Plan, ProblemKind};
use syncmgr_engine::replica::Capabilities;
use syncmgr_engine::rules::{ConflictRule, Excludes, Mode};
use syncmgr_testing::tree;
use syncmgr_testing::turn::Turn;

use crate::memory_pair::MemoryPair;
use crate::plan_text::View;

/// What a case depends on besides the trees.
#[derive(Debug, Clone, Default)]
struct Setting {
    mode: Mode,
    rule: ConflictRule,
    /// Left out when the base was agreed on.
    excluded_before: &'static [&'static str],
    /// Left out now.
    excludes: &'static [&'static str],
    is_full: bool,
    /// What the sides can hold, where that is not everything.
    capabilities: Sides<Option<Capabilities>>,
}

impl From<Mode> for Setting {
    fn from(mode: Mode) -> Self {
        Self {
            mode,
            ..Self::default()
        }
    }
}

impl From<ConflictRule> for Setting {
    fn from(rule: ConflictRule) -> Self {
        Self {
            rule,
            ..Self::default()
        }
    }
}

impl Setting {
    fn options(&self, excludes: &[&str]) -> Options {
        Options {
            mode: self.mode,
            rule: self.rule,
            excludes: Excludes::new(excludes).unwrap(),
            is_full: self.is_full,
            n_threads: 1,
            ..Options::default()
        }
    }

    fn agree_on(&self, base: &str) -> MemoryPair {
        let capabilities = self.capabilities.clone();
        let capabilities = capabilities.map(|c| c.unwrap_or_else(Capabilities::posix));
        let base = tree::parse(base).unwrap();
        let mut pair =
            MemoryPair::agreed_on(&base, capabilities, self.options(self.excluded_before));
        pair.options = self.options(self.excludes);
        pair
    }
}

/// Checks what is planned when both sides agreed on `base` and look like `left` and `right` now.
#[track_caller]
fn check(setting: impl Into<Setting>, base: &str, left: &str, right: &str, expect: Expect) {
    let setting = setting.into();
    let mut pair = setting.agree_on(base);
    Turn::parse(left).unwrap().carry_out(&pair.sides.left);
    pair.wait();
    Turn::parse(right).unwrap().carry_out(&pair.sides.right);
    pair.wait();
    let plan = pair.plan();
    let mut lines = View::Plain.lines(&plan);
    let report = pair.apply(&plan);
    lines.extend(surprises(&plan, &report));
    if report.is_in_sync() && setting.capabilities == Sides::default() {
        let trees = pair.sides.as_ref().map(|side| tree::of(side).to_string());
        let has_left_out = !setting.excludes.is_empty() || trees.left.contains('|');
        let is_equal = trees.left == trees.right;
        assert!(
            is_equal || has_left_out || trees.right.contains('|'),
            "{trees:?}"
        );
    }
    pair.wait();
    let next = pair.plan();
    if !next.changes_nothing() {
        let next = View::Plain.lines(&next).into_iter();
        lines.extend(next.map(|line| format!("then {line}")));
    }
    expect.assert_eq(&shortened(lines).join("; "));
}

/// Writes long runs of lines that differ in a number only as one.
fn shortened(lines: Vec<String>) -> Vec<String> {
    if lines.len() < 20 {
        return lines;
    }
    let pattern = |line: &str| line.replace(|c: char| c.is_ascii_digit(), "0");
    let groups = lines.chunk_by(|a, b| pattern(a) == pattern(b));
    let short = |group: &[String]| match group {
        [one] => one.clone(),
        [first, ..] => format!("{first} and {} like it", group.len() - 1),
        [] => String::new(),
    };
    groups.map(short).collect()
}

/// Returns what a run could not do although it was planned.
fn surprises(plan: &Plan, report: &Report) -> Vec<String> {
    let new = report
        .problems
        .iter()
        .filter(|p| !plan.problems.contains(p));
    let why = |kind: &ProblemKind| match kind {
        ProblemKind::Failed(fault) => format!(" {:?}", fault.kind),
        _ => String::new(),
    };
    new.map(|p| format!("not done {} {}{}", p.path, p.kind.code(), why(&p.kind)))
        .collect()
}

const TWO_WAY: Mode = Mode::TwoWay;
const TO_RIGHT: Mode = Mode::Mirror(Side::Left);
const TO_LEFT: Mode = Mode::Mirror(Side::Right);
const ADD_ONLY: Mode = Mode::AddOnly;
