//! What sessions may say, and how they end.

use syncmgr_model::event::{Link, NewEvent};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::progress::{Phase, Progress, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::request::{Origin, Work};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::super::EVENTS_MAX;
use super::script::{SILENCE, Script, handler, item, item_facts, items, key};
use crate::command::{
    Answer, Call, CallReply, Command, Control, Effect, Remembered, Save, StartOptions, Update,
};

const DONE: ProgressStatus = ProgressStatus::Succeeded;

fn outside(script: &mut Script, handler_id: &str, ids: &str) -> syncmgr_model::id::SessionId {
    let ticket = script.ask(Control::CreateSession(handler(handler_id), items(ids)));
    match script.answer(ticket) {
        Some(Answer::Call(CallReply::Session(id))) => id,
        other => panic!("{other:?}"),
    }
}

/// spec 90, 107, 118: a program outside begins a session; its items are syncing, and it is asked to
/// stop like any other.
#[test]
fn a_program_outside_has_sessions() {
    let mut script = Script::new();
    let id = outside(&mut script, "a", "1 2");
    assert_eq!(
        (script.saved().as_str(), script.status("a", "2")),
        ("began", "checking")
    );
    let call = |call| Control::Call(id.clone(), Box::new(call));
    let go_on = script.ask(call(Call::CanContinue(None)));
    assert_eq!(
        script.answer(go_on),
        Some(Answer::Call(CallReply::Continue(true)))
    );
    script.ask(Control::StopSession(id.clone()));
    let stop = script.ask(call(Call::CanContinue(None)));
    assert_eq!(
        script.answer(stop),
        Some(Answer::Call(CallReply::Continue(false)))
    );
    script.ask(Control::CloseSession(id.clone()));
    assert_eq!(script.saved(), "ended canceled");
    let late = script.ask(call(Call::CanContinue(None)));
    assert!(matches!(script.answer(late), Some(Answer::Refused(_))));
}

/// A program outside that says nothing for long has broken off.
#[test]
fn a_silent_program_has_broken_off() {
    let mut script = Script::new();
    let id = outside(&mut script, "a", "1");
    script.wait(SILENCE - 1);
    script.ask(Control::Call(id, Box::new(Call::CanContinue(None))));
    script.wait(SILENCE - 1);
    assert_eq!(script.saved(), "");
    script.wait(1);
    assert_eq!(script.saved(), "interrupted, ended failed");
    assert_eq!(script.state.next_wake(), None);
}

/// spec 91: without items, with an unknown handler or item, no session begins.
#[test]
fn sessions_of_nothing_are_refused() {
    let mut script = Script::new();
    for (handler_id, ids) in [("a", ""), ("z", "1"), ("a", "9")] {
        let ticket = script.ask(Control::CreateSession(handler(handler_id), items(ids)));
        assert!(
            matches!(script.answer(ticket), Some(Answer::Refused(_))),
            "{handler_id} {ids}"
        );
    }
}

/// spec 92: further sessions only of a handler that may; each is one of its own, with its own end.
#[test]
fn a_handler_may_have_further_sessions() {
    for (handler_id, may) in [("a", false), ("c", true)] {
        let mut script = Script::new();
        let (_, id) = script.start(handler_id, "1");
        script.create(&id, handler_id, "1");
        let call = Call::Create(handler(handler_id), items("2"));
        match script.call(&id, call) {
            Ok(CallReply::Session(further)) => {
                assert!(may && further != id);
                script.finish(&id);
                assert_eq!(script.status(handler_id, "2"), "checking");
                script.finish(&further);
                assert_eq!(script.saved(), "ended succeeded");
            }
            reply => assert!(!may && reply == Err(Hresult::AccessDenied), "{reply:?}"),
        }
    }
}

/// spec 93: an item in two sessions shows progress without an end.
#[test]
fn an_item_in_two_sessions_shows_no_percentage() {
    let mut script = Script::new();
    let (_, id) = script.start("c", "1");
    script.create(&id, "c", "1");
    let progress = Progress {
        phase: Phase::Copying,
        bytes_done: 30,
        bytes_total: Some(100),
        n_total: Some(0),
        ..Progress::default()
    };
    let call = Call::Progress(item("1"), ProgressStatus::Updating, progress);
    script.call(&id, call).unwrap();
    let percent = |script: &Script| {
        let view = script.state.item(&key("c", "1"), Timestamp(script.now));
        view.unwrap().facts.running.unwrap().percent()
    };
    assert_eq!(percent(&script), Some(30));
    outside(&mut script, "c", "1");
    assert_eq!(percent(&script), None);
}

/// spec 94, 95, 96, 105: steps become whole percent, of an item and of its handler together; where
/// no end is known there are none; long texts are cut.
#[test]
fn progress_becomes_percent() {
    let at = |n_done, n_total| Progress {
        phase: Phase::Copying,
        n_done,
        n_total: Some(n_total),
        bytes_total: Some(0),
        current: Some("ü".repeat(300)),
        ..Progress::default()
    };
    let mut script = Script::new();
    let (_, id) = script.start("a", "1 2");
    script.create(&id, "a", "1 2");
    let mut say = |name: &str, status, progress| {
        script
            .call(&id, Call::Progress(item(name), status, progress))
            .unwrap();
        let view = script.state.item(&key("a", "1"), Timestamp(script.now));
        let shown = view.unwrap().facts.running.unwrap();
        let all = script
            .state
            .handler(&handler("a"))
            .unwrap()
            .progress
            .unwrap();
        (
            shown.percent(),
            all.percent(),
            shown.current.map(|text| text.chars().count()),
        )
    };
    let updating = ProgressStatus::Updating;
    assert_eq!(say("1", updating, at(1, 4)), (Some(25), None, Some(259)));
    assert_eq!(
        say("2", updating, at(4, 4)),
        (Some(25), Some(62), Some(259))
    );
    assert_eq!(say("1", updating, at(9, 4)).0, Some(100));
    let unknown = ProgressStatus::UpdatingIndeterminate;
    assert_eq!(say("1", unknown, at(1, 4)), (None, None, Some(259)));
}

/// spec 97, 98: after a final status only `Failed` is taken; anything else makes the item failed,
/// and is said once.
#[test]
fn after_a_final_status_only_failed_counts() {
    let mut script = Script::new();
    let (ticket, id) = script.start("a", "1");
    script.create(&id, "a", "1");
    script.report(&id, "1", DONE).unwrap();
    for _ in 0..3 {
        assert_eq!(script.report(&id, "1", DONE), Err(Hresult::AccessDenied));
    }
    script.returns(&id, Ok(()));
    let outcome = script.outcome(ticket).unwrap();
    assert_eq!(
        (outcome.status, outcome.n_errors),
        (ProgressStatus::Failed, 1)
    );

    let (ticket, id) = script.start("a", "1");
    script.create(&id, "a", "1");
    script.report(&id, "1", DONE).unwrap();
    assert!(script.report(&id, "1", ProgressStatus::Failed).is_ok());
    script.returns(&id, Ok(()));
    assert_eq!(script.ended(ticket).0, ProgressStatus::Failed);
}

/// spec 99: reports for items outside of the session are refused.
#[test]
fn reports_for_others_are_refused() {
    let mut script = Script::new();
    let (_, id) = script.start("a", "1");
    script.create(&id, "a", "1");
    assert_eq!(script.report(&id, "2", DONE), Err(Hresult::InvalidArgument));
    assert_eq!(script.report(&id, "9", DONE), Err(Hresult::InvalidArgument));
}

/// spec 100: a disconnected item ends, and shows so.
#[test]
fn a_disconnected_item_shows_so() {
    let mut script = Script::new();
    let (ticket, id) = script.start("a", "1");
    script.create(&id, "a", "1");
    script
        .report(&id, "1", ProgressStatus::Disconnected)
        .unwrap();
    script.returns(&id, Ok(()));
    assert_eq!(script.ended(ticket).0, ProgressStatus::Disconnected);
    assert_eq!(script.status("a", "1"), "offline");
}

/// spec 101: a text of the handler shows while it syncs, and is answered with the request to stop.
#[test]
fn a_handler_has_a_text() {
    let mut script = Script::new();
    let (_, id) = script.start("a", "1");
    script.create(&id, "a", "1");
    let reply = script.call(&id, Call::Text("halfway".into()));
    assert_eq!(
        reply,
        Ok(CallReply::Cancel(
            syncmgr_model::progress::CancelRequest::None
        ))
    );
    assert_eq!(script.state.handler(&handler("a")).unwrap().text, "halfway");
    script.finish(&id);
    assert_eq!(script.state.handler(&handler("a")).unwrap().text, "");
}

/// spec 103: what a handler did not say of an item is said for it; a fault, unless it was stopped.
#[test]
fn silent_items_end_with_a_status() {
    let mut script = Script::new();
    let (ticket, id) = script.start("a", "1 2");
    script.create(&id, "a", "1 2");
    script.report(&id, "1", DONE).unwrap();
    script.returns(&id, Ok(()));
    assert_eq!(script.ended(ticket).1, "1=succeeded 2=failed");
    assert_eq!(script.saved(), "protocol-fault, ended failed");
}

/// spec 104: the time of the last sync is kept, of successful ones only.
#[test]
fn the_last_sync_is_remembered() {
    let mut script = Script::new();
    let last = |script: &Script| script.state.items[&key("a", "1")].memory.last_sync;
    let (_, id) = script.start("a", "1");
    script.returns(&id, Err(Trouble::new(Code::DiskFull)));
    assert_eq!(last(&script), None);
    let (_, id) = script.start("a", "1");
    script.finish(&id);
    assert_eq!(last(&script), Some(Timestamp(script.now)));
}

/// spec 106: a session may be marked as asked for by a person.
#[test]
fn a_session_may_be_manual() {
    let mut script = Script::new();
    let id = outside(&mut script, "a", "1");
    assert_eq!(script.state.session(&id).unwrap().origin, Origin::External);
    script.ask(Control::Call(id.clone(), Box::new(Call::Manual)));
    assert_eq!(script.state.session(&id).unwrap().origin, Origin::Manual);
}

/// spec 75: a background handler returns at once; the session of the program it told is the result.
#[test]
fn a_background_handler_is_served_by_a_program_outside() {
    let mut script = Script::new();
    let (ticket, id) = script.start("a", "1 2");
    script.returns(&id, Ok(()));
    assert_eq!(script.saved(), "withdrawn");
    let one = outside(&mut script, "a", "1");
    let two = outside(&mut script, "a", "2");
    for (session, is_last) in [(one, false), (two, true)] {
        script.finish(&session);
        assert_eq!(script.outcome(ticket).is_some(), is_last);
    }
    assert_eq!(script.ended(ticket).1, "1=succeeded 2=succeeded");
}

/// spec 73, 75: when that program never begins, the request fails and history says so.
#[test]
fn a_program_that_never_begins_fails_the_request() {
    let mut script = Script::new();
    let (ticket, id) = script.start("a", "1");
    script.returns(&id, Ok(()));
    script.wait(SILENCE);
    assert_eq!(
        script.ended(ticket),
        (ProgressStatus::Failed, "1=failed".to_owned())
    );
    assert_eq!(script.saved(), "began, handler-silent, ended failed");
}

/// A result is written down when it is reported; a flood is cut off.
#[test]
fn results_are_kept_at_once_and_floods_are_cut() {
    let mut script = Script::new();
    let (ticket, id) = script.start("a", "1");
    script.create(&id, "a", "1");
    let event = || {
        Call::Event(Box::new(NewEvent {
            item: Some(item("1")),
            trouble: Trouble::new(Code::DiskFull),
            link: Link::default(),
            context: None,
        }))
    };
    script.call(&id, event()).unwrap();
    assert_eq!(script.saved(), "disk-full");
    for _ in 1..EVENTS_MAX {
        script.call(&id, event()).unwrap();
    }
    assert!(script.call(&id, event()).is_ok());
    assert_eq!(script.saved(), "");
    let is_told = |effect: &Effect| matches!(effect, Effect::Notify(Update::Event(_)));
    assert!(!script.effects.iter().any(is_told));
    script.report(&id, "1", DONE).unwrap();
    script.returns(&id, Ok(()));
    let outcome = script.outcome(ticket).unwrap();
    assert_eq!(
        (outcome.events.len(), outcome.n_errors),
        (EVENTS_MAX, EVENTS_MAX as u64 + 1)
    );
}

/// spec 119, 120, 121: a proposed item is invisible until it is committed, and vanishes with its
/// session otherwise.
#[test]
fn items_are_proposed_and_committed() {
    let mut script = Script::new();
    let (_, id) = script.start("a", "1");
    script.create(&id, "a", "1");
    let propose = |name: &str| Call::Propose(Box::new(item_facts(name, &[])));
    let is_there = |script: &Script, name: &str| script.state.items.contains_key(&key("a", name));
    for (call, reply) in [
        (propose("new"), Ok(CallReply::Done)),
        (propose("new"), Err(Hresult::InvalidArgument)),
        (propose("1"), Err(Hresult::InvalidArgument)),
        (Call::Commit(item("other")), Err(Hresult::InvalidArgument)),
        (Call::Commit(item("1")), Err(Hresult::InvalidArgument)),
    ] {
        assert_eq!(script.call(&id, call), reply);
    }
    assert!(!is_there(&script, "new"));
    assert_eq!(
        script.call(&id, Call::Commit(item("new"))),
        Ok(CallReply::Done)
    );
    assert!(is_there(&script, "new"));
    script.call(&id, propose("gone")).unwrap();
    script.finish(&id);
    assert!(!is_there(&script, "gone"));
    let (_, id) = script.start("a", "1");
    script.create(&id, "a", "1");
    assert_eq!(
        script.call(&id, Call::Commit(item("gone"))),
        Err(Hresult::InvalidArgument)
    );
}

/// A session whose process vanished ends once, as interrupted.
#[test]
fn a_vanished_process_interrupts_its_sessions() {
    let mut script = Script::new();
    script.start("a", "1");
    let began = script.effects.iter().find_map(|effect| match effect {
        Effect::Save(saves) => saves.iter().find_map(|save| match save {
            Save::Began(record) => Some(record.clone()),
            _ => None,
        }),
        _ => None,
    });
    let remembered = Remembered {
        abandoned: began.into_iter().collect(),
        ..Remembered::default()
    };
    let script = Script::over(remembered, 4);
    assert_eq!(script.saved(), "interrupted, ended failed");
}

/// Ids of sessions only grow, also when the clock goes back.
#[test]
fn ids_grow_when_the_clock_goes_back() {
    let mut script = Script::new();
    let (_, first) = script.start("a", "1");
    script.now -= 500_000;
    script.give(Command::ClockJumped(-500_000));
    let (_, second) = script.start("a", "1");
    assert!(second > first);
}

/// When phases began is remembered, each once, however often it is reported.
#[test]
fn phases_are_remembered_with_their_times() {
    let mut script = Script::new();
    let (ticket, id) = script.start("a", "1");
    script.create(&id, "a", "1");
    for (phase, n_done, ms) in [
        (Phase::Checking, 0, 500),
        (Phase::Copying, 1, 700),
        (Phase::Copying, 2, 800),
        (Phase::Finishing, 3, 0),
    ] {
        let progress = Progress {
            phase,
            n_done,
            ..Progress::default()
        };
        let report = Call::Progress(item("1"), ProgressStatus::Updating, progress);
        script.call(&id, report).unwrap();
        script.wait(ms);
    }
    script.report(&id, "1", ProgressStatus::Succeeded).unwrap();
    script.returns(&id, Ok(()));
    let record = script.outcome(ticket).unwrap().record;
    let phases = record.items[0].phases.iter();
    let phases: Vec<_> = phases.map(|at| (at.phase, at.after_ms)).collect();
    let expected = [
        (Phase::Checking, 0),
        (Phase::Copying, 500),
        (Phase::Finishing, 2_000),
    ];
    assert_eq!(phases, expected);
}

/// What a run that decides conflicts settled stays settled, however it ended; one that said nothing
/// of what is left changes nothing.
#[test]
fn conflicts_are_counted_also_after_a_decision_that_was_stopped_or_failed() {
    let left = |n_conflicts| Summary {
        n_conflicts,
        n_held: 2,
        ..Summary::default()
    };
    for (said, status, expected) in [
        (Some(3), ProgressStatus::Succeeded, 3),
        (Some(3), ProgressStatus::Canceled, 3),
        (Some(3), ProgressStatus::Failed, 3),
        (None, ProgressStatus::Canceled, 10),
        (None, ProgressStatus::Failed, 10),
    ] {
        let mut script = Script::new();
        let (_, id) = script.start("a", "1");
        script.create(&id, "a", "1");
        script
            .call(&id, Call::Summary(item("1"), left(10)))
            .unwrap();
        script.finish(&id);
        let decides = StartOptions {
            work: Work::Resolve(Vec::new()),
            ..StartOptions::default()
        };
        let (_, id) = script.start_with("a", "1", decides);
        script.create(&id, "a", "1");
        if let Some(n) = said {
            script.call(&id, Call::Summary(item("1"), left(n))).unwrap();
        }
        if status == ProgressStatus::Canceled {
            script.ask(Control::StopSession(id.clone()));
        }
        script.report(&id, "1", status).unwrap();
        script.returns(&id, Ok(()));
        let view = script.state.item(&key("a", "1"), Timestamp(script.now));
        let (_, known) = view.unwrap().facts.last.unwrap();
        assert_eq!(known.n_conflicts, expected, "{said:?} {status:?}");
        assert_eq!(known.n_held, 2, "{said:?} {status:?}");
    }
}
