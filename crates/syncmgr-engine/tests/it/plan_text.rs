//! A plan as compact, stable text, one step to a line.

use syncmgr_engine::entry::{Kind, Side, State};
use syncmgr_engine::plan::{Change, Conflict, HoldKind, Op, Plan, Problem, ProblemKind, Reason};

/// Which way round the sides are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// As they are.
    Plain,
    /// Left is called right and right left.
    Mirrored,
}

impl View {
    fn side(self, side: Side) -> &'static str {
        match self {
            Self::Plain => side.as_str(),
            Self::Mirrored => side.other().as_str(),
        }
    }

    /// Returns what the plan does and leaves; changes of the memory alone are not shown.
    pub(crate) fn lines(self, plan: &Plan) -> Vec<String> {
        let mut lines = Vec::new();
        for rename in &plan.renames {
            let side = self.side(rename.side);
            let reason = self.reason(rename.reason);
            lines.push(format!(
                "{side} rename {} -> {} {reason}",
                rename.from, rename.to
            ));
        }
        for change in &plan.changes {
            for side in self.in_order() {
                if let Some(op) = &change.ops[side] {
                    lines.push(self.step(change, side, op));
                }
            }
        }
        lines.extend(plan.conflicts.iter().map(conflict));
        lines.extend(plan.problems.iter().map(|problem| self.problem(problem)));
        lines.extend(plan.forget.iter().map(|path| format!("forget {path}")));
        for hold in &plan.holds {
            let (side, kind) = (self.side(hold.side), hold_name(hold.kind));
            let (n, of) = (hold.n_files, hold.n_total);
            lines.push(format!("hold {side} {kind} {n} of {of}"));
        }
        lines
    }

    fn in_order(self) -> [Side; 2] {
        match self {
            Self::Plain => Side::BOTH,
            Self::Mirrored => [Side::Right, Side::Left],
        }
    }

    fn step(self, change: &Change, side: Side, op: &Op) -> String {
        let seen = &change.seen[side];
        let verb = verb(op, seen);
        let (held, why) = match change.held {
            Some(kind) => ("held ", hold_name(kind).to_owned()),
            None => ("", self.reason(change.reason)),
        };
        let side = self.side(side);
        format!("{held}{side} {verb} {} {why}", change.path)
    }

    fn problem(self, problem: &Problem) -> String {
        let side = problem.side.map_or("both", |side| self.side(side));
        let code = problem.kind.code();
        let path = &problem.path;
        match &problem.kind {
            ProblemKind::NamesCollide { with } => format!("problem {side} {path} {code} {with}"),
            _ => format!("problem {side} {path} {code}"),
        }
    }

    fn reason(self, reason: Reason) -> String {
        match reason {
            Reason::NewOn(side) => format!("new-on-{}", self.side(side)),
            Reason::ChangedOn(side) => format!("changed-on-{}", self.side(side)),
            Reason::DeletedOn(side) => format!("deleted-on-{}", self.side(side)),
            Reason::KindChangedOn(side) => format!("kind-changed-on-{}", self.side(side)),
            Reason::AttributesChanged => "attributes".to_owned(),
            Reason::RuleChose(side) => format!("rule-chose-{}", self.side(side)),
            Reason::RuleMerged => "rule-merged".to_owned(),
            Reason::RuleKeptBoth => "rule-kept-both".to_owned(),
            Reason::MirrorOf(side) => format!("mirror-of-{}", self.side(side)),
            Reason::NeverDeletes => "never-deletes".to_owned(),
            Reason::Resolved => "resolved".to_owned(),
            Reason::Undone => "undone".to_owned(),
            Reason::AlreadyEqual => "equal".to_owned(),
        }
    }
}

fn verb(op: &Op, seen: &State) -> String {
    let in_place = match seen.kind() {
        Some(Kind::Dir) => "-over-dir",
        Some(Kind::File | Kind::Symlink | Kind::Special) => "-over",
        None => "",
    };
    match op {
        Op::MakeDir { .. } => format!("mkdir{in_place}"),
        Op::Copy { .. } => format!("copy{in_place}"),
        Op::Link { .. } => format!("link{in_place}"),
        Op::Delete => "delete".to_owned(),
        Op::Meta { mode, mtime } => {
            let mode = mode.map(|mode| format!(" mode={mode:o}"));
            let mtime = mtime.map(|mtime| format!(" mtime={}", mtime.secs));
            let set = [mode, mtime].map(Option::unwrap_or_default).concat();
            format!("set{set}")
        }
    }
}

fn conflict(conflict: &Conflict) -> String {
    let within = match conflict.n_within {
        0 => String::new(),
        n => format!(" with {n} within"),
    };
    format!(
        "conflict {} {}{within}",
        conflict.path,
        conflict.kind.as_str()
    )
}

fn hold_name(kind: HoldKind) -> &'static str {
    match kind {
        HoldKind::ManyDeletions => "many-deletions",
        HoldKind::Emptied => "emptied",
        HoldKind::ManyRewrites => "many-rewrites",
        HoldKind::RootReplaced => "root-replaced",
        HoldKind::FirstMirror => "first-mirror",
        HoldKind::TakenBack => "taken-back",
    }
}
