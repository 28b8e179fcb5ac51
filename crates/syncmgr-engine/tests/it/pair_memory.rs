//! Pairs of trees in memory: what once went wrong, and stays right.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use syncmgr_engine::cancel::Cancel;
use syncmgr_engine::clock::Clock;
use syncmgr_engine::entry::{Side, Sides};
use syncmgr_engine::journal::{RunId, RunKind};
use syncmgr_engine::monitor::Silent;
use syncmgr_engine::pair::{Options, Pair, Report};
use syncmgr_engine::path::RelPath;
use syncmgr_engine::plan::{HoldKind, Plan};
use syncmgr_engine::replica::{Capabilities, Replica};
use syncmgr_engine::rules::{ConflictRule, Mode};
use syncmgr_testing::clock::FakeClock;
use syncmgr_testing::memory::{Crash, Machine, MemoryReplica};
use syncmgr_testing::tree;

/// Two trees on one machine and the state of their pair.
struct Desk {
    machine: Machine,
    sides: Sides<MemoryReplica>,
    state: tempfile::TempDir,
    clock: Arc<FakeClock>,
    options: Options,
    n_runs: u32,
}

impl Desk {
    /// Both sides begin with this tree, and agree on it.
    #[track_caller]
    fn agreed_on(text: &str) -> Self {
        Self::with_right(text, Capabilities::posix())
    }

    /// The same, with a right side that can do no more than this.
    #[track_caller]
    fn with_right(text: &str, right: Capabilities) -> Self {
        let machine = Machine::new();
        let sides = Sides::new(
            MemoryReplica::on(&machine, "left", Capabilities::posix()),
            MemoryReplica::on(&machine, "right", right),
        );
        tree::parse(text).unwrap().build(&sides.left);
        let mut desk = Self {
            machine,
            sides,
            state: tempfile::tempdir().unwrap(),
            // The run is later than what was written; nothing is racy.
            clock: Arc::new(FakeClock::new(1_000_000_100)),
            options: Options {
                n_threads: 1,
                ..Options::default()
            },
            n_runs: 0,
        };
        desk.pass_time();
        assert!(desk.sync().is_in_sync());
        desk.pass_time();
        desk
    }

    fn pass_time(&self) {
        self.clock.advance(10);
        for side in Side::BOTH {
            self.sides[side].advance_clock(10_000_000_000);
        }
    }

    fn pair(&self) -> Pair {
        let (left, right) = (self.sides.left.clone(), self.sides.right.clone());
        let (left, right): (Arc<dyn Replica>, Arc<dyn Replica>) = (Arc::new(left), Arc::new(right));
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as _;
        Pair::with_replicas(left, right, self.state.path(), clock).unwrap()
    }

    fn plan(&self) -> Plan {
        self.pair()
            .plan(&self.options, &Silent, &Cancel::new())
            .unwrap()
    }

    #[track_caller]
    fn apply(&mut self, plan: &Plan, kind: RunKind) -> Report {
        self.try_apply(plan, kind).unwrap()
    }

    fn try_apply(
        &mut self,
        plan: &Plan,
        kind: RunKind,
    ) -> Result<Report, syncmgr_engine::pair::Failure> {
        self.n_runs += 1;
        let run = RunId::new(&format!("run-{:04}", self.n_runs)).unwrap();
        self.pair()
            .apply(plan, &run, kind, &self.options, &Silent, &Cancel::new())
    }

    #[track_caller]
    fn sync(&mut self) -> Report {
        let plan = self.plan();
        self.apply(&plan, RunKind::Sync)
    }

    /// Runs and dies right after so many changing calls; `false` when the run is over before. What
    /// the dying run goes on to write to its state is taken back.
    fn dies_after(&mut self, after: u64) -> bool {
        let plan = self.plan();
        let image = tempfile::tempdir().unwrap();
        let (from, to) = (self.state.path().to_owned(), image.path().to_owned());
        self.machine
            .on_crash(Some(Arc::new(move || copy(&from, &to))));
        let is_late = false;
        self.machine.crash(Some(Crash { after, is_late }));
        drop(self.try_apply(&plan, RunKind::Sync));
        let is_dead = self.machine.is_crashed();
        self.machine.on_crash(None);
        self.machine.reboot();
        if is_dead {
            self.state = image;
        }
        is_dead
    }

    #[track_caller]
    fn check(&self, left: &str, right: &str) {
        let is = self.sides.as_ref().map(|side| tree::of(side).to_string());
        let should = |text: &str| tree::parse(text).unwrap().to_string();
        assert_eq!(is, Sides::new(should(left), should(right)));
    }
}

fn copy(from: &Path, to: &Path) {
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        fs::copy(item.path(), to.join(item.file_name())).unwrap();
    }
}

/// Lets the run after these edits die after each of its steps in turn; the next one must finish it.
#[track_caller]
fn check_every_death(agreed: &str, rule: ConflictRule, edit: impl Fn(&Desk), expected: &str) {
    for after in 1.. {
        let mut desk = Desk::agreed_on(agreed);
        desk.options.rule = rule;
        edit(&desk);
        desk.pass_time();
        let is_dead = desk.dies_after(after);
        assert!(desk.sync().is_in_sync(), "after {after}");
        desk.check(expected, expected);
        if !is_dead {
            return;
        }
    }
}

#[test]
fn a_rename_repeated_by_a_killed_run_keeps_its_record() {
    let edit = |desk: &Desk| {
        desk.sides.left.rename("old", "new");
        desk.sides.right.write("old", "22");
    };
    check_every_death("old=1 x=1", ConflictRule::Ask, edit, "new=22 x=1");
}

#[test]
fn a_file_that_becomes_a_folder_survives_a_kill() {
    let edit = |desk: &Desk| {
        desk.sides.left.remove("a");
        desk.sides.left.write("a/b", "2");
    };
    check_every_death("a=1", ConflictRule::Ask, edit, "a/b=2");
}

#[test]
fn a_folder_that_becomes_a_file_survives_a_kill() {
    let edit = |desk: &Desk| {
        desk.sides.left.remove("a");
        desk.sides.left.write("a", "2");
    };
    check_every_death("a/b=1 a/c/d=1 z=1", ConflictRule::Ask, edit, "a=2 z=1");
}

#[test]
fn a_file_that_becomes_a_folder_in_a_renamed_one_survives_a_kill() {
    let edit = |desk: &Desk| {
        desk.sides.left.remove("d/f");
        desk.sides.left.write("d/f/x", "2");
        desk.sides.right.rename("d", "e");
    };
    check_every_death("d/f=1 d/g=1", ConflictRule::Ask, edit, "e/f/x=2 e/g=1");
}

#[test]
fn a_folder_that_comes_back_by_rule_is_filled_after_a_kill() {
    let edit = |desk: &Desk| {
        desk.sides.left.remove("d");
        desk.sides.right.write("d/a", "22");
    };
    check_every_death("d/a=1 d/b=1", ConflictRule::Newest, edit, "d/a=22 d/b=1");
}

#[test]
fn a_move_into_a_folder_the_other_side_renamed_is_followed() {
    let mut desk = Desk::agreed_on("d/a=1 f=1");
    desk.sides.left.rename("f", "d/f");
    desk.sides.right.rename("d", "e");
    desk.sides.right.write("f", "22");
    desk.pass_time();
    assert!(desk.sync().is_in_sync());
    desk.check("e/a=1 e/f=22", "e/a=1 e/f=22");
}

/// A right side that takes names for one that differ only in case.
fn folding(text: &str) -> Desk {
    let mut right = Capabilities::posix();
    right.folds_case = true;
    Desk::with_right(text, right)
}

#[test]
fn a_move_into_a_folder_of_a_folded_name_is_not_repeated_into_another() {
    let mut desk = folding("d/x=1 e/ k=0");
    desk.sides.left.rename("d", "E");
    // The old name is gone, as on the left; the new one waits for a store that has room for it.
    for _ in 0..2 {
        desk.pass_time();
        assert!(!desk.sync().is_in_sync());
        desk.check("E/x=1 e/ k=0", "e/ k=0");
    }
}

#[test]
fn a_move_into_a_folder_whose_name_arrives_otherwise_waits() {
    let mut desk = folding("d/x=1 q/ k=0");
    desk.sides.left.rename("q", "e");
    desk.sides.left.add_dir("E");
    desk.sides.left.rename("d/x", "E/x");
    desk.pass_time();
    assert!(!desk.sync().is_in_sync());
    desk.check("d/ E/x=1 e/ k=0", "d/x=1 e/ k=0");
}

#[test]
fn texts_in_a_renamed_folder_are_merged() {
    let mut desk = Desk::agreed_on("d/x=1 k=0");
    desk.options.rule = ConflictRule::Merge;
    for side in Side::BOTH {
        desk.sides[side].write("d/x", "1\n2\n3\n4\n5\n");
    }
    desk.pass_time();
    assert!(desk.sync().is_in_sync());
    desk.pass_time();
    desk.sides.left.write("d/x", "one\n2\n3\n4\n5\n");
    desk.sides.left.rename("d", "f");
    desk.sides.right.write("d/x", "1\n2\n3\n4\nfive\n");
    desk.pass_time();
    assert!(desk.sync().is_in_sync());
    for side in Side::BOTH {
        assert_eq!(
            desk.sides[side].read("f/x").unwrap(),
            b"one\n2\n3\n4\nfive\n"
        );
    }
}

#[test]
fn a_second_write_in_the_same_granule_is_seen() {
    let mut desk = Desk::agreed_on("a=1");
    desk.sides.left.set_tick(0);
    // The file system's clock is far behind ours.
    desk.sides.left.advance_clock(-1_000_000_000_000);
    desk.sides.left.write("a", "2");
    assert!(desk.sync().is_in_sync());
    desk.sides.left.write("a", "3");
    assert!(desk.sync().is_in_sync());
    desk.check("a=3", "a=3");
}

fn many(n: usize) -> String {
    (0..n).map(|i| format!("f{i:02}=x{i} ")).collect()
}

#[test]
fn a_mass_deletion_is_held_and_let_go_only_by_its_id() {
    let mut desk = Desk::agreed_on(&many(40));
    for i in 0..30 {
        desk.sides.left.remove(format!("f{i:02}"));
    }
    desk.sides.right.write("new", "1");
    let mut plan = desk.plan();
    assert_eq!(plan.holds.len(), 1);
    assert_eq!(plan.holds[0].kind, HoldKind::ManyDeletions);
    let report = desk.apply(&plan, RunKind::Sync);
    assert_eq!(report.n_held, 30);
    assert!(!report.is_in_sync());
    assert!(desk.sides.left.read("new").is_some(), "the rest goes on");
    assert!(desk.sides.right.read("f00").is_some());
    let shown = plan.held_id().unwrap();
    desk.sides.left.remove("f30");
    plan = desk.plan();
    assert!(!plan.release(&shown), "it is another plan now");
    let id = plan.held_id().unwrap();
    assert!(plan.release(&id));
    assert!(desk.apply(&plan, RunKind::Sync).is_in_sync());
    assert!(desk.sides.right.read("f30").is_none());
    assert!(desk.sides.right.read("f31").is_some());
}

#[test]
fn an_emptied_folder_empties_nothing() {
    let mut desk = Desk::agreed_on("a=1 b=2 d/c=3");
    for name in ["a", "b", "d"] {
        desk.sides.left.remove(name);
    }
    let report = desk.sync();
    assert!(report.n_held > 0);
    assert!(!report.is_in_sync());
    desk.check("", "a=1 b=2 d/c=3");
}

#[test]
fn a_folder_without_its_mark_empties_nothing() {
    for mode in [Mode::TwoWay, Mode::Mirror(Side::Left), Mode::AddOnly] {
        let mut desk = Desk::agreed_on("a=1 b=2 c=3");
        desk.options.mode = mode;
        for name in ["a", "b", "c", ".syncmgr"] {
            desk.sides.left.remove(name);
        }
        desk.sides.left.write("other", "9");
        let report = desk.sync();
        assert!(!report.is_in_sync(), "{mode:?}");
        assert!(report.n_held > 0, "{mode:?}");
        desk.check("other=9", "a=1 b=2 c=3");
    }
}

#[test]
fn the_versions_of_a_run_are_never_replaced_by_another_of_its_name() {
    let mut desk = Desk::agreed_on("a=1");
    desk.sides.left.write("a", "22");
    desk.pass_time();
    desk.sync();
    desk.sides.left.write("a", "333");
    desk.pass_time();
    desk.n_runs -= 1;
    desk.sync();
    let kept = desk.sides.right.all();
    let kept: Vec<_> = kept
        .keys()
        .filter(|path| path.name().starts_with(b"a") && path.is_within(&own("versions")))
        .filter_map(|path| desk.sides.right.read(path.as_bytes()))
        .collect();
    assert!(kept.contains(&b"1".to_vec()), "{kept:?}");
}

fn own(name: &str) -> RelPath {
    RelPath::new(format!(".syncmgr/{name}").as_bytes()).unwrap()
}

#[test]
fn an_undone_run_can_be_done_again_by_undoing_that() {
    let mut desk = Desk::agreed_on("a=1 b=2 d/c=3");
    desk.sides.left.write("a", "11");
    desk.sides.left.remove("b");
    desk.sides.left.rename("d", "e");
    desk.sides.left.write("n", "4");
    desk.pass_time();
    assert!(desk.sync().is_in_sync());
    let done = "a=11 e/c=3 n=4";
    desk.check(done, done);
    // What was new stays where it was written.
    let undone = ("a=1 b=2 d/c=3 n=4", "a=1 b=2 d/c=3");
    for (run, (left, right)) in [(2, undone), (3, (done, done)), (4, undone)] {
        desk.pass_time();
        let run = RunId::new(&format!("run-{run:04}")).unwrap();
        let plan = desk.pair().plan_undo(&run, &desk.options).unwrap();
        let report = desk.apply(&plan, RunKind::Undo);
        assert_eq!(report.problems, [], "{run}");
        desk.check(left, right);
        desk.pass_time();
        assert!(desk.plan().changes_nothing(), "after undoing {run}");
    }
}
