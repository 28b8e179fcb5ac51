//! One misdeed, one test.

use std::time::{Duration, Instant};

use syncmgr_host::foreign::ENDS_MAX;
use syncmgr_host::foreign::launch::Limits;
use syncmgr_model::catalogue;
use syncmgr_model::progress::ProgressStatus;

use crate::world::{Set, World, errors, is_alive};

/// Runs the bad handler beside a good one; its run has to fail with this error.
#[track_caller]
fn check(set: Set, expected: &str) -> World {
    check_in(World::open(set), expected)
}

#[track_caller]
fn check_in(world: World, expected: &str) -> World {
    let outcome = world.sync_beside_good();
    assert_eq!(outcome.status, ProgressStatus::Failed);
    let errors = errors(&outcome);
    assert!(
        errors.iter().any(|error| error.contains(expected)),
        "{errors:?} has no {expected:?}; log: {}",
        world.log("bad")
    );
    world
}

/// Waits until a process is gone.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "children run in real time")]
fn gone_within(pid: u32, limit: Duration) {
    let began = Instant::now();
    while is_alive(pid) {
        assert!(began.elapsed() < limit, "process {pid} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_good_handler_syncs_reports_and_stops_when_asked() {
    let world = World::open(Set {
        good_secs: 1.0,
        ..Set::bad("none")
    });
    let outcome = world.sync("good", "one");
    assert_eq!(
        outcome.status,
        ProgressStatus::Succeeded,
        "{:?}",
        outcome.events
    );
    let shown = world.watch.0.lock().unwrap().clone();
    let has_steps = |n_total| {
        shown
            .iter()
            .any(|it| it.n_total == n_total && it.n_done > 0)
    };
    assert!(has_steps(Some(10)), "{shown:?}");
    let harmless = shown.iter().any(|it| it.current.as_deref() == Some("a?b"));
    assert!(harmless, "{shown:?}");
}

#[test]
fn a_cancel_reaches_the_handler() {
    let world = World::open(Set {
        good_secs: 20.0,
        ..Set::bad("none")
    });
    let pending = world.begin("good", "one");
    std::thread::sleep(Duration::from_millis(500));
    world.stop("good");
    let outcome = pending.wait().unwrap();
    assert_eq!(
        outcome.status,
        ProgressStatus::Canceled,
        "{:?}",
        outcome.events
    );
}

#[test]
fn crash_at_start() {
    let expected =
        "it ended by itself with code 7; its last words were: no settings found. [handler-stopped]";
    check_in(restarted("crash-at-start"), expected);
}

#[test]
fn crash_in_an_answer() {
    let world = World::open(Set::bad("crash-in-answer"));
    let outcome = world.sync_beside_good();
    // Its items could not be listed, and it still syncs what it is given.
    assert_eq!(outcome.status, ProgressStatus::Succeeded);
    world.wait_for_log("bad", "it ended by itself with code 4");
}

#[test]
fn crash_in_a_session() {
    let expected = "it ended by itself with code 3; its last words were: about to fall over. [handler-stopped]";
    check(Set::bad("crash-in-session"), expected);
}

#[test]
fn crash_at_shutdown_and_hang_at_shutdown_change_nothing() {
    for how in ["crash-at-shutdown", "hang-at-shutdown"] {
        let world = World::open(Set::bad(how));
        let outcome = world.sync_beside_good();
        assert_eq!(outcome.status, ProgressStatus::Succeeded, "{how}");
        let pid = world.pid("bad").unwrap();
        let bad = "bad".parse_id();
        world.foreign.restart(&bad).unwrap();
        gone_within(pid, Duration::from_secs(15));
        assert_eq!(
            world.sync("bad", "one").status,
            ProgressStatus::Succeeded,
            "{how}"
        );
    }
}

/// A world whose bad handler was read once, and has ended since.
fn restarted(how: &str) -> World {
    let world = World::open(Set::bad(how));
    // Restarting waits for its answer, so what is wrong with it is said there already.
    assert!(world.foreign.restart(&"bad".parse_id()).is_err());
    world
}

trait ParseId {
    fn parse_id(&self) -> syncmgr_model::id::HandlerId;
}

impl ParseId for str {
    fn parse_id(&self) -> syncmgr_model::id::HandlerId {
        syncmgr_model::id::HandlerId::new(self).unwrap()
    }
}

#[test]
fn hang_at_start() {
    let expected = "it did not answer `initialize` within 3 s";
    check_in(restarted("hang-at-start"), expected);
}

#[test]
fn hang_in_an_answer() {
    let world = World::open(Set::bad("hang-in-answer"));
    world.wait_until("the handler is known to be silent", |state, _| {
        let view = state.handler(&"bad".parse_id());
        view.is_some_and(|view| !view.memory.name.is_empty())
    });
    assert!(world.sync_beside_good().status == ProgressStatus::Succeeded);
    world.wait_for_log("bad", "ended");
}

#[test]
fn hang_in_a_session() {
    check(Set::bad("hang-in-session"), "it reported nothing for 3 s");
}

#[test]
fn flood_of_messages() {
    let expected = "it sent more than 10000 messages in ten seconds";
    check(Set::bad("flood"), expected);
}

#[test]
fn flood_of_progress_is_thinned_out() {
    let world = World::open(Set::bad("flood-of-progress"));
    let outcome = world.sync_beside_good();
    assert_eq!(
        outcome.status,
        ProgressStatus::Succeeded,
        "{:?}",
        errors(&outcome)
    );
    let n_shown = world.watch.0.lock().unwrap().len();
    assert!(n_shown < 5000, "{n_shown} of 200,000 reports were shown");
}

#[test]
fn flood_of_the_log_is_bounded() {
    let world = World::open(Set::bad("stderr"));
    let outcome = world.sync_beside_good();
    assert_eq!(
        outcome.status,
        ProgressStatus::Succeeded,
        "{:?}",
        errors(&outcome)
    );
    let bytes: u64 = std::fs::read_dir(world.dir.path().join("state/handler-logs"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes <= 3 << 20, "{bytes}");
    drop(world);
}

#[test]
fn a_line_without_end() {
    check(Set::bad("long-line"), "a message is longer than 1 MiB");
}

#[test]
fn deep_nesting() {
    check(
        Set::bad("deep"),
        "a message is nested deeper than 64 levels",
    );
}

#[test]
fn garbage() {
    check(
        Set::bad("garbage"),
        "a line is no message: expected value at line 1 column 1",
    );
}

#[test]
fn an_answer_that_nobody_asked_for() {
    check(Set::bad("wrong-id"), "it answered 777, which nobody asked");
}

#[test]
fn wrong_version() {
    let expected = "The handler bad speaks protocol 7, 8; 1 is needed. [handler-too-old]";
    check_in(restarted("wrong-version"), expected);
}

#[test]
fn an_answer_that_cannot_be_read() {
    let world = World::open(Set::bad("wrong-answer"));
    world.sync_beside_good();
    world.wait_for_log("bad", "ended");
}

fn small() -> Limits {
    Limits {
        memory_bytes: 128 << 20,
        n_processes: 16,
    }
}

#[test]
fn memory_hog() {
    let set = Set {
        limits: small(),
        ..Set::bad("memory")
    };
    check(set, "MemoryError");
}

#[test]
fn memory_hog_with_many_processes() {
    let set = Set {
        limits: small(),
        ..Set::bad("memory-of-children")
    };
    check(set, "MiB of memory, 128 MiB are possible");
}

#[test]
fn fork_bomb() {
    let set = Set {
        limits: small(),
        ..Set::bad("bomb")
    };
    let world = check(set, "processes and threads, 16 are possible");
    let script = world.log("bad");
    assert!(script.contains("ended"), "{script}");
    std::thread::sleep(Duration::from_secs(1));
    // Nothing of it is left.
    let leftovers = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("environ")).ok())
        .filter(|environ| {
            let own = world.dir.path().join("state/handlers/bad/tmp");
            let text = String::from_utf8_lossy(environ).into_owned();
            text.contains(&own.display().to_string())
        })
        .count();
    assert_eq!(leftovers, 0);
}

#[test]
fn a_report_about_a_session_it_does_not_have() {
    let expected =
        "it reported about a run `20260101-000000000-0000` that it does not have. [protocol-fault]";
    check(Set::bad("unknown-session"), expected);
}

#[test]
fn progress_after_the_end_of_an_item() {
    check(Set::bad("after-final"), "[protocol-fault]");
}

#[test]
fn success_for_somebody_else() {
    let expected = "it reported about `not-mine`, which is not in this run. [protocol-fault]";
    check(Set::bad("other-item"), expected);
}

#[test]
fn a_status_that_is_none() {
    check(Set::bad("odd-status"), "status: unknown variant `splendid`");
}

#[test]
fn an_end_without_a_result() {
    check(Set::bad("no-final"), "[protocol-fault]");
}

#[test]
fn ignored_cancel() {
    let world = World::open(Set::bad("ignores-cancel"));
    let good = world.begin("good", "one");
    let bad = world.begin("bad", "one");
    std::thread::sleep(Duration::from_millis(800));
    let pid = world.pid("bad").unwrap();
    world.stop("bad");
    let outcome = bad.wait().unwrap();
    assert_eq!(outcome.status, ProgressStatus::Failed);
    let errors = errors(&outcome);
    let is_said = errors.iter().any(|it| it.contains("[handler-abandoned]"));
    assert!(is_said, "{errors:?}");
    // Its process is ended: nobody is told to wait until it lets go.
    let events = outcome
        .events
        .iter()
        .map(|it| catalogue::notice(&it.trouble));
    let words: Vec<_> = events
        .map(|it| format!("{} {:?}", it.meaning, it.actions))
        .collect();
    assert!(
        words.iter().any(|it| it.contains("It was ended")),
        "{words:?}"
    );
    assert!(!words.iter().any(|it| it.contains("lets go")), "{words:?}");
    assert_eq!(good.wait().unwrap().status, ProgressStatus::Succeeded);
    gone_within(pid, Duration::from_secs(15));
}

#[test]
fn ignored_term() {
    let world = World::open(Set::bad("ignores-term"));
    let bad = world.begin("bad", "one");
    std::thread::sleep(Duration::from_millis(800));
    let pid = world.pid("bad").unwrap();
    world.stop("bad");
    let outcome = bad.wait().unwrap();
    assert_eq!(outcome.status, ProgressStatus::Failed);
    gone_within(pid, Duration::from_secs(15));
    world.wait_for_log("bad", "it was ended by signal 9");
}

#[test]
fn what_it_leaves_behind_ends_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state/handlers/bad");
    let note = state.join("grandchild.pid");
    let mut set = Set::bad("grandchildren");
    set.bad.push(note.display().to_string());
    let world = World::open_in(dir, set);
    let outcome = world.sync_beside_good();
    assert_eq!(outcome.status, ProgressStatus::Failed);
    let pid: u32 = std::fs::read_to_string(&note).unwrap().parse().unwrap();
    gone_within(pid, Duration::from_secs(5));
}

/// A person who asks does not wait for a handler that ended; runs that come by themselves do, and
/// say for how long. Restarting begins the count anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "children run in real time")]
fn who_asks_by_hand_starts_a_handler_at_once() {
    let world = World::open(Set::bad("crash-in-session"));
    let crash = || {
        let errors = errors(&world.sync("bad", "one"));
        assert!(errors[0].contains("with code 3"), "{errors:?}");
    };
    let began = Instant::now();
    // Waits of 1, 2 and 4 seconds would lie between these.
    for _ in 0..4 {
        crash();
    }
    assert!(began.elapsed() < Duration::from_secs(6));
    let by_itself = errors(&world.sync_by_itself("bad", "one"));
    for part in [
        "starts again by itself in ",
        "with code 3",
        "[handler-stopped]",
    ] {
        assert!(by_itself[0].contains(part), "no {part}: {by_itself:?}");
    }
    world.foreign.restart(&"bad".parse_id()).unwrap();
    for _ in 0..ENDS_MAX {
        crash();
    }
    let off = errors(&world.sync("bad", "one"));
    assert!(off[0].contains("[handler-off]"), "{off:?}");
}

#[test]
fn a_handler_that_ends_again_and_again_is_off_until_it_is_restarted() {
    let world = World::open(Set::bad("crash-in-session"));
    let is_off = || world.foreign.view(&"bad".parse_id()).unwrap().is_off;
    for _ in 0..60 {
        if is_off() {
            break;
        }
        let outcome = world.sync("bad", "one");
        assert_eq!(outcome.status, ProgressStatus::Failed);
        // The waits grow; while one is long, the answer comes at once.
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(is_off());
    let n_ended = world.log("bad").matches("syncmgr: ended").count();
    assert_eq!(n_ended, ENDS_MAX);
    let off = world.sync("bad", "one");
    let errors_off = errors(&off);
    assert!(errors_off[0].contains("[handler-off]"), "{errors_off:?}");
    world.foreign.restart(&"bad".parse_id()).unwrap();
    let again = errors(&world.sync("bad", "one"));
    assert!(again[0].contains("[handler-stopped]"), "{again:?}");
}
