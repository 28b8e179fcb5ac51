//! Pairs of real folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use syncmgr_engine::cancel::Cancel;
use syncmgr_engine::clock::SystemClock;
use syncmgr_engine::entry::Side;
use syncmgr_engine::journal::{RunId, RunKind};
use syncmgr_engine::monitor::Silent;
use syncmgr_engine::pair::{Choice, Options, Pair, Report};
use syncmgr_engine::plan::Plan;
use syncmgr_engine::rules::Excludes;

/// Two folders and the state of their pair, in a temporary directory.
struct Desk {
    dir: tempfile::TempDir,
    n_runs: u32,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["left", "right"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir, n_runs: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    fn pair(&self) -> Pair {
        let state = self.path("state");
        Pair::open(
            &self.path("left"),
            &self.path("right"),
            &state,
            Arc::new(SystemClock),
        )
        .unwrap()
    }

    fn run_id(&mut self) -> RunId {
        self.n_runs += 1;
        RunId::new(&format!("run-{:04}", self.n_runs)).unwrap()
    }

    fn apply(&mut self, pair: &mut Pair, plan: &Plan, kind: RunKind) -> Report {
        let id = self.run_id();
        pair.apply(
            plan,
            &id,
            kind,
            &Options::default(),
            &Silent,
            &Cancel::new(),
        )
        .unwrap()
    }

    fn sync_with(&mut self, options: &Options) -> Report {
        let mut pair = self.pair();
        let plan = pair.plan(options, &Silent, &Cancel::new()).unwrap();
        let id = self.run_id();
        pair.apply(&plan, &id, RunKind::Sync, options, &Silent, &Cancel::new())
            .unwrap()
    }

    fn sync(&mut self) -> Report {
        self.sync_with(&Options::default())
    }

    fn preview(&self) -> Plan {
        self.pair()
            .plan(&Options::default(), &Silent, &Cancel::new())
            .unwrap()
    }

    /// Compares both folders by the program `diff`, which knows nothing of this engine.
    #[track_caller]
    fn assert_equal(&self) {
        let output = std::process::Command::new("diff")
            .args(["-r", "--no-dereference", "-x", ".syncmgr"])
            .args([self.path("left"), self.path("right")])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

#[test]
fn first_sync_copies_both_ways_and_the_second_has_nothing_to_do() {
    let mut desk = Desk::new();
    desk.write("left/a", "1");
    desk.write("left/d/e/f", "2");
    desk.write("right/b", "3");
    let report = desk.sync();
    assert!(report.is_in_sync(), "{report:?}");
    desk.assert_equal();
    assert_eq!(desk.read("right/d/e/f").as_deref(), Some("2"));
    assert_eq!(desk.read("left/b").as_deref(), Some("3"));
    let plan = desk.preview();
    assert!(plan.changes_nothing(), "{:?}", plan.changes);
    let again = desk.sync();
    assert!(again.is_in_sync() && again.tally.left.is_zero() && again.tally.right.is_zero());
}

#[test]
fn edits_deletions_and_conflicts() {
    let mut desk = Desk::new();
    for name in ["edit", "delete", "both", "same"] {
        desk.write(&format!("left/{name}"), "old");
    }
    assert!(desk.sync().is_in_sync());
    desk.write("left/edit", "newer");
    fs::remove_file(desk.path("right/delete")).unwrap();
    desk.write("left/both", "left!");
    desk.write("right/both", "right");
    desk.write("left/same", "equal");
    desk.write("right/same", "equal");
    let report = desk.sync();
    assert_eq!(report.conflicts.len(), 1, "{report:?}");
    assert!(report.problems.is_empty());
    assert_eq!(desk.read("right/edit").as_deref(), Some("newer"));
    assert_eq!(desk.read("left/delete"), None);
    assert_eq!(desk.read("left/both").as_deref(), Some("left!"));
    assert_eq!(desk.read("right/both").as_deref(), Some("right"));

    let mut pair = desk.pair();
    let conflict = pair.conflicts().unwrap().remove(0);
    let options = Options::default();
    let plan = pair
        .plan_resolution(&[(conflict.id, Choice::Keep(Side::Right))], &options)
        .unwrap();
    let report = desk.apply(&mut pair, &plan, RunKind::Resolve);
    assert!(report.is_in_sync(), "{report:?}");
    assert!(pair.conflicts().unwrap().is_empty());
    assert_eq!(desk.read("left/both").as_deref(), Some("right"));
    drop(pair);
    desk.assert_equal();
    assert!(desk.preview().changes_nothing());
}

#[test]
fn a_moved_folder_is_one_rename() {
    let mut desk = Desk::new();
    for n in 0..50 {
        desk.write(&format!("left/old/sub/{n}"), &format!("content {n}"));
    }
    assert!(desk.sync().is_in_sync());
    fs::rename(desk.path("left/old"), desk.path("left/new")).unwrap();
    desk.write("left/new/sub/7", "changed as well");
    let plan = desk.preview();
    assert_eq!(plan.renames.len(), 1, "{plan:?}");
    let report = desk.sync();
    assert!(report.is_in_sync(), "{report:?}");
    assert_eq!(
        (report.tally.right.n_renamed, report.tally.right.n_updated),
        (1, 1)
    );
    desk.assert_equal();
    // What was written right before the run is looked into once more; nothing comes of it.
    let plan = desk.preview();
    assert!(plan.changes_nothing(), "{plan:?}");
}

#[test]
fn undo_gives_both_sides_what_they_had() {
    let mut desk = Desk::new();
    desk.write("left/edit", "old");
    desk.write("left/gone", "gone");
    desk.write("left/d/x", "x");
    assert!(desk.sync().is_in_sync());
    desk.write("left/edit", "new content");
    fs::remove_file(desk.path("left/gone")).unwrap();
    desk.write("right/fresh", "fresh");
    fs::rename(desk.path("left/d"), desk.path("left/e")).unwrap();
    assert!(desk.sync().is_in_sync());
    desk.assert_equal();
    let mut pair = desk.pair();
    let plan = pair
        .plan_undo(&RunId::new("run-0002").unwrap(), &Options::default())
        .unwrap();
    assert!(plan.problems.is_empty(), "{plan:?}");
    let report = desk.apply(&mut pair, &plan, RunKind::Undo);
    assert!(report.is_in_sync(), "{report:?}");
    drop(pair);
    assert_eq!(desk.read("left/edit").as_deref(), Some("old"));
    assert_eq!(desk.read("left/gone").as_deref(), Some("gone"));
    assert_eq!(desk.read("right/d/x").as_deref(), Some("x"));
    // It was written there, and no run put it there.
    assert_eq!(desk.read("left/fresh"), None);
    assert_eq!(desk.read("right/fresh").as_deref(), Some("fresh"));
    assert!(desk.preview().changes_nothing(), "{:?}", desk.preview());
    fs::remove_file(desk.path("right/fresh")).unwrap();
    desk.assert_equal();
}

#[test]
fn a_first_run_that_is_taken_back_leaves_each_side_as_it_was_and_the_next_one_asks() {
    let mut desk = Desk::new();
    desk.write("left/mine", "mine");
    desk.write("left/d/x", "x");
    desk.write("right/theirs", "theirs");
    assert!(desk.sync().is_in_sync());
    let mut pair = desk.pair();
    let run = RunId::new("run-0001").unwrap();
    let plan = pair.plan_undo(&run, &Options::default()).unwrap();
    let report = desk.apply(&mut pair, &plan, RunKind::Undo);
    assert_eq!(report.problems, []);
    drop(pair);
    // A run that does not see a name forgets nothing of it.
    let without = Options {
        excludes: Excludes::new(&["mine".to_owned(), "d".to_owned()]).unwrap(),
        ..Options::default()
    };
    assert_eq!(desk.sync_with(&without).n_held, 1);
    let check = |desk: &Desk, name: &str, sides: (Option<&str>, Option<&str>)| {
        let left = desk.read(&format!("left/{name}"));
        let right = desk.read(&format!("right/{name}"));
        assert_eq!((left.as_deref(), right.as_deref()), sides, "{name}");
    };
    for _ in 0..2 {
        check(&desk, "mine", (Some("mine"), None));
        check(&desk, "d/x", (Some("x"), None));
        check(&desk, "theirs", (None, Some("theirs")));
        assert!(!desk.path("right/d").exists());
        desk.write("left/later", "comes over");
        let report = desk.sync();
        assert_eq!(report.n_held, 4);
        check(&desk, "later", (Some("comes over"), Some("comes over")));
    }
    // What is gone everywhere is forgotten, and the next one of its name is new.
    fs::remove_file(desk.path("right/theirs")).unwrap();
    assert_eq!(desk.sync().n_held, 3);
    desk.write("right/theirs", "another");
    assert_eq!(desk.sync().n_held, 3);
    check(&desk, "theirs", (Some("another"), Some("another")));
    // Let go once is let go for good.
    let mut pair = desk.pair();
    let mut plan = pair
        .plan(&Options::default(), &Silent, &Cancel::new())
        .unwrap();
    let id = plan.held_id().unwrap();
    assert!(plan.release(&id));
    assert!(
        desk.apply(&mut pair, &plan, RunKind::Sync).is_in_sync(),
        "{plan:?}"
    );
    drop(pair);
    desk.assert_equal();
    fs::remove_file(desk.path("right/mine")).unwrap();
    assert!(desk.sync().is_in_sync());
    desk.write("left/mine", "again");
    assert!(desk.sync().is_in_sync());
    desk.assert_equal();
}

#[test]
fn a_mass_deletion_is_held_and_let_go_only_as_shown() {
    let mut desk = Desk::new();
    for n in 0..60 {
        desk.write(&format!("left/f{n}"), &format!("content {n}"));
    }
    assert!(desk.sync().is_in_sync());
    for n in 0..30 {
        fs::remove_file(desk.path(&format!("left/f{n}"))).unwrap();
    }
    desk.write("left/extra", "not held");
    let report = desk.sync();
    assert_eq!(report.n_held, 30);
    assert_eq!(desk.read("right/extra").as_deref(), Some("not held"));
    assert_eq!(desk.read("right/f3").as_deref(), Some("content 3"));
    let mut pair = desk.pair();
    let mut plan = pair
        .plan(&Options::default(), &Silent, &Cancel::new())
        .unwrap();
    let id = plan.held_id().unwrap();
    assert!(!plan.release(&syncmgr_engine::plan::PlanId("0000000000".into())));
    assert!(plan.release(&id));
    let report = desk.apply(&mut pair, &plan, RunKind::Sync);
    assert!(report.is_in_sync(), "{report:?}");
    drop(pair);
    desk.assert_equal();
    assert!(!Path::new(&desk.path("right/f3")).exists());
}

#[test]
fn what_a_killed_run_left_in_the_staging_place_goes_with_the_next_run_that_has_nothing_to_do() {
    let mut desk = Desk::new();
    desk.write("left/a", "1");
    assert!(desk.sync().is_in_sync());
    for side in ["left", "right"] {
        desk.write(&format!("{side}/.syncmgr/stage/0/1"), "half a file");
    }
    assert!(desk.sync().is_in_sync());
    assert!(!desk.path("left/.syncmgr/stage").exists());
    assert!(!desk.path("right/.syncmgr/stage").exists());
}

#[test]
fn hard_links_are_taken_back_under_all_their_names() {
    let mut desk = Desk::new();
    desk.write("left/x", "old");
    fs::hard_link(desk.path("left/x"), desk.path("left/y")).unwrap();
    for n in 0..8 {
        fs::hard_link(desk.path("left/x"), desk.path(&format!("left/more{n}"))).unwrap();
    }
    assert!(desk.sync().is_in_sync());
    // Through one name, so that all have it.
    desk.write("left/x", "rewritten");
    assert!(desk.sync().is_in_sync());
    let mut pair = desk.pair();
    let run = RunId::new("run-0002").unwrap();
    let plan = pair.plan_undo(&run, &Options::default()).unwrap();
    let report = desk.apply(&mut pair, &plan, RunKind::Undo);
    assert!(report.is_in_sync(), "{report:?}");
    drop(pair);
    desk.assert_equal();
    for name in ["x", "y", "more0", "more7"] {
        assert_eq!(desk.read(&format!("left/{name}")).as_deref(), Some("old"));
    }
}

#[test]
fn a_directory_open_to_all_does_not_become_wider_without_its_sticky_bit() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let mut desk = Desk::new();
    fs::create_dir(desk.path("left/drop")).unwrap();
    fs::set_permissions(desk.path("left/drop"), fs::Permissions::from_mode(0o1777)).unwrap();
    assert!(desk.sync().is_in_sync());
    let mode = |name: &str| fs::metadata(desk.path(name)).unwrap().mode() & 0o7777;
    assert_eq!((mode("left/drop"), mode("right/drop")), (0o1777, 0o755));
    assert!(desk.preview().changes_nothing());
}
