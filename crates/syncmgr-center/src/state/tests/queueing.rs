//! Who runs when.

use syncmgr_model::capability::SyncControlFlags;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::request::Origin;
use syncmgr_model::trouble::{Code, Trouble};

use super::super::line::OVERTAKES_MAX;
use super::script::Script;
use crate::command::{Answer, StartOptions, Taken};

fn scheduled() -> StartOptions {
    StartOptions {
        origin: Origin::Schedule("daily".to_owned()),
        ..StartOptions::default()
    }
}

fn ignoring() -> StartOptions {
    StartOptions {
        flags: SyncControlFlags::IGNORE_IF_ALREADY_SYNCING,
        ..StartOptions::default()
    }
}

/// spec 78, 79, 89: requests of a handler run one after the other, in order, an item again if it
/// was asked for again; meanwhile they are pending.
#[test]
fn a_handler_runs_its_requests_in_order() {
    let mut script = Script::new();
    let (_, first) = script.start("a", "1");
    assert_eq!(script.told(), "a:1");
    let (second, second_id) = script.start("a", "1 2");
    script.start("a", "3");
    assert_eq!(script.told(), "");
    assert_eq!(
        (script.why("a", "2"), script.status("a", "2")),
        ("waits-for-handler", "waiting")
    );
    script.finish(&first);
    assert_eq!(script.told(), "a:1,2");
    script.finish(&second_id);
    assert_eq!(script.told(), "a:3");
    assert_eq!(script.ended(second).1, "1=succeeded 2=succeeded");
}

/// spec 82, 92: different handlers run in parallel, and a handler that may has several sessions.
#[test]
fn handlers_run_in_parallel() {
    let mut script = Script::new();
    for (handler, item, told) in [
        ("a", "1", "a:1"),
        ("b", "1", "b:1"),
        ("c", "1", "c:1"),
        ("c", "2", "c:2"),
    ] {
        script.start(handler, item);
        assert_eq!(script.told(), told);
    }
    assert_eq!(script.state.n_running(), 4);
}

/// No more run at once than the limit says; an item says that it waits for its turn.
#[test]
fn the_limit_holds() {
    let mut script = Script::with_limit(2);
    let (_, first) = script.start("a", "1");
    script.start("b", "1");
    script.start("c", "1");
    assert_eq!(
        (script.told().as_str(), script.why("c", "1")),
        ("", "waits-for-turn")
    );
    script.finish(&first);
    assert_eq!(script.told(), "c:1");
}

/// spec 80, 81: what is being synced is left out when that is asked for; a request that is empty by
/// that ends at once with success, and no handler is told.
#[test]
fn items_that_are_syncing_may_be_left_out() {
    let mut script = Script::new();
    let (_, first) = script.start("a", "1");
    let (all, _) = script.start_with("a", "1", ignoring());
    assert_eq!(
        script.ended(all),
        (ProgressStatus::Succeeded, "1=succeeded".to_owned())
    );
    assert_eq!(
        (script.told(), script.saved()),
        (String::new(), String::new())
    );
    let (some, _) = script.start_with("a", "1 2", ignoring());
    let Some(Answer::Accepted(accepted)) = script.answer(some) else {
        panic!("not accepted")
    };
    assert_eq!((accepted.taken, accepted.dropped.len()), (Taken::Queued, 1));
    script.finish(&first);
    assert_eq!(script.told(), "a:2");
}

/// Items with overlapping folders never run at once, whoever their handlers are, and a younger
/// request does not overtake one that waits for the same folders.
#[test]
fn overlapping_folders_wait_for_each_other_in_order() {
    let mut script = Script::new();
    script.folders("a", "1", &["/home/x/photos"]);
    script.folders("b", "1", &["/home/x"]);
    script.folders("c", "1", &["/home/x/music"]);
    let (_, a) = script.start("a", "1");
    let (_, b) = script.start("b", "1");
    assert_eq!(script.why("b", "1"), "waits-for-folders");
    // It overlaps with nothing that runs, only with what waits before it.
    let (_, c) = script.start("c", "1");
    assert_eq!(script.why("c", "1"), "waits-for-folders");
    script.finish(&a);
    assert_eq!(script.told(), "b:1");
    script.finish(&b);
    assert_eq!(script.told(), "c:1");
    script.finish(&c);
}

/// An item never runs twice at once, also where its handler may have several sessions.
#[test]
fn an_item_waits_for_itself() {
    let mut script = Script::new();
    let (_, first) = script.start("c", "1");
    script.start("c", "1");
    assert_eq!(
        (script.told().as_str(), script.why("c", "1")),
        ("", "waits-for-itself")
    );
    script.finish(&first);
    assert_eq!(script.told(), "c:1");
}

/// People go before schedules; a schedule has its turn after many of them, or when it waited long.
#[test]
fn people_go_first_and_schedules_are_not_starved() {
    let mut script = Script::with_limit(1);
    let (_, mut running) = script.start("b", "1");
    script.start_with("a", "1", scheduled());
    let mut n_before = 0;
    loop {
        let (_, next) = script.start("b", "1");
        script.finish(&running);
        if script.told() == "a:1" {
            break;
        }
        running = next;
        n_before += 1;
    }
    assert_eq!(n_before, OVERTAKES_MAX);

    let mut script = Script::with_limit(1);
    let (_, running) = script.start("b", "1");
    script.start_with("a", "1", scheduled());
    script.start("b", "2");
    script.wait(60_001);
    assert_eq!(script.state.next_wake(), None, "waiting costs no wake-ups");
    script.finish(&running);
    assert_eq!(script.told(), "a:1");
}

/// The same request may be waited for by two; both get the result.
#[test]
fn a_start_may_join_the_same_one_in_the_queue() {
    let mut script = Script::new();
    let joins = StartOptions {
        joins: true,
        ..StartOptions::default()
    };
    let (_, first) = script.start("a", "1");
    let (one, id) = script.start_with("a", "1", joins.clone());
    let (two, same) = script.start_with("a", "1", joins);
    assert_eq!(id, same);
    script.finish(&first);
    script.finish(&id);
    assert!(script.outcome(one).is_some() && script.outcome(two).is_some());
}

/// An end costs a look at what waited for it, not at all that waits (100,000 items, 10,000 at work).
#[test]
fn a_long_queue_is_left_alone() {
    let mut script = Script::with_limit(10_000);
    let mut running = script.start("a", "1").1;
    for _ in 0..20_000 {
        script.start("a", "1");
    }
    // Looking at everything each time would be 20,000 × 2,000 looks and take minutes here.
    for _ in 0..2000 {
        script.finish(&running);
        let next = script
            .state
            .sessions()
            .find(|session| session.started.is_some());
        running = next.unwrap().id;
    }
}

/// What waited and is turned down then is found in history, because who asked for it may be gone;
/// the state of its item stays what it was.
#[test]
fn what_waited_is_never_turned_down_in_silence() {
    let mut script = Script::new();
    let (_, first) = script.start("a", "1");
    let (_, second) = script.start("a", "1 2");
    script.finish(&first);
    script.returns(&second, Err(Trouble::new(Code::StateChanged)));
    let saved = script.saved();
    assert!(saved.contains("ended failed"), "{saved}");
    assert!(!saved.contains("withdrawn"), "{saved}");
    assert_eq!(script.status("a", "2"), "never");
}
