//! A handler of the older family in a process of its own.

use std::time::Duration;

use syncmgr_center::command::{Answer, Control, Outcome, Scope};
use syncmgr_host::foreign::launch::Support;
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::progress::ProgressStatus;

use crate::world::{OLDER, Set, World, errors};

const LETTERS: &str = "01010101-0101-0101-0101-010101010101";

fn world(how: &'static str) -> World {
    let world = World::open(Set {
        older: Some(how),
        ..Set::bad("none")
    });
    let activated = Control::Activate(true, older(), ControlFlags::WAIT);
    assert_eq!(world.center.control(activated), Ok(Answer::Done));
    world
}

fn older() -> HandlerId {
    HandlerId::new(OLDER).unwrap()
}

fn begin(world: &World) -> syncmgr_center::center::Pending {
    let start = Control::Start(Scope::Handler(older()), Box::default());
    world.center.start(start).unwrap()
}

fn ends(outcome: &Outcome) -> Vec<Option<ProgressStatus>> {
    let items = outcome.record.items.iter();
    items.map(|item| item.status).collect()
}

#[test]
fn legacy_its_items_are_listed_synced_and_their_log_is_kept() {
    let world = world("well");
    let outcome = begin(&world).wait().unwrap();
    let succeeded = Some(ProgressStatus::Succeeded);
    assert_eq!(
        ends(&outcome),
        [succeeded, succeeded],
        "{:?}",
        outcome.events
    );
    let entries: Vec<_> = outcome
        .events
        .iter()
        .map(|event| event.trouble.to_string())
        .collect();
    let is_kept = entries
        .iter()
        .any(|it| it.contains("The box is nearly full"));
    assert!(is_kept, "{entries:?}");
    let shown = world.watch.0.lock().unwrap().clone();
    let is_fetching = shown
        .iter()
        .any(|it| it.current.as_deref() == Some("fetching") && it.n_total == Some(2));
    assert!(is_fetching, "{shown:?}");
    // The instance was let go when its run was over.
    world.wait_for_log(OLDER, "released");
}

#[test]
fn legacy_an_item_that_nobody_wants_is_skipped_and_the_other_is_synced() {
    let world = world("skip");
    let pending = begin(&world);
    std::thread::sleep(Duration::from_millis(800));
    let letters = ItemId::new(LETTERS).unwrap();
    let stop = Control::Stop(Scope::Items(older(), vec![letters]));
    world.center.control(stop).unwrap();
    let outcome = pending.wait().unwrap();
    let expected = [
        Some(ProgressStatus::Canceled),
        Some(ProgressStatus::Succeeded),
    ];
    assert_eq!(ends(&outcome), expected, "{:?}", outcome.events);
}

#[test]
fn legacy_without_a_sandbox_it_is_said_once() {
    let world = World::open(Set {
        older: Some("well"),
        support: Some(Support::No("made so for a test".to_owned())),
        ..Set::bad("none")
    });
    let activated = Control::Activate(true, older(), ControlFlags::WAIT);
    assert_eq!(world.center.control(activated), Ok(Answer::Done));
    let told = || {
        let outcome = begin(&world).wait().unwrap();
        let events = outcome.events.into_iter().map(|event| event.trouble);
        events
            .filter(|it| it.code.as_str() == "not-sandboxed")
            .map(|it| it.param("detail").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(told(), ["made so for a test"]);
    assert_eq!(told(), [""; 0]);
}

#[track_caller]
fn check(how: &'static str, expected: &str) {
    let world = world(how);
    let outcome = begin(&world).wait().unwrap();
    assert_eq!(outcome.status, ProgressStatus::Failed);
    let errors = errors(&outcome);
    assert!(
        errors.iter().any(|error| error.contains(expected)),
        "{errors:?}"
    );
    // Nothing else noticed.
    assert_eq!(world.sync("good", "one").status, ProgressStatus::Succeeded);
}

#[test]
fn legacy_a_crash_in_the_middle_ends_the_run_with_what_happened() {
    check(
        "crash",
        "it ended by itself with code 3; its last words were: about to fall over. [handler-stopped]",
    );
}

#[test]
fn legacy_a_report_about_an_instance_that_nobody_opened_breaks_a_rule() {
    check("stranger", "that is not open. [protocol-fault]");
}

#[test]
fn legacy_one_that_does_not_report_is_ended() {
    check("hang", "it reported nothing for 3 s");
}
