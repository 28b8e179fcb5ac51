//! Requests to stop, and what becomes of those who do not listen.

use syncmgr_model::capability::{HandlerPolicies, ItemPolicies};
use syncmgr_model::catalogue::stopped_after;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::SessionId;
use syncmgr_model::progress::{CancelRequest, Progress, ProgressStatus};
use syncmgr_model::trouble::Code;

use super::script::{GRACE, Script, handler, handler_facts, item, items};
use crate::command::{Answer, Call, CallReply, Command, Control, Effect, Scope};

/// Returns what a session is answered for each of its items, and for itself.
fn requests(script: &mut Script, id: &SessionId) -> [CancelRequest; 2] {
    ["1", "2"].map(
        |item| match script.report(id, item, ProgressStatus::Updating) {
            Ok(CallReply::Cancel(request)) => request,
            other => panic!("{other:?}"),
        },
    )
}

/// spec 109, 110, 111, 112, 113, 114: who is asked to stop by what.
#[test]
fn a_stop_reaches_those_it_names() {
    use CancelRequest::{All, Item, None};
    let a = || handler("a");
    for (scope, expected, whole) in [
        (Scope::Items(a(), items("1")), [Item, None], true),
        (Scope::Handler(a()), [All, All], false),
        (Scope::All, [All, All], false),
        (Scope::Handler(handler("b")), [None, None], true),
    ] {
        let mut script = Script::new();
        let (_, id) = script.start("a", "1 2");
        script.create(&id, "a", "1 2");
        let ticket = script.ask(Control::Stop(scope.clone()));
        assert_eq!(script.answer(ticket), Some(Answer::Done));
        assert_eq!(requests(&mut script, &id), expected, "{scope:?}");
        let goes_on = |request| Ok(CallReply::Continue(request == None));
        let one = script.call(&id, Call::CanContinue(Some(item("1"))));
        assert_eq!(one, goes_on(expected[0]));
        assert_eq!(
            script.call(&id, Call::CanContinue(Option::None)),
            Ok(CallReply::Continue(whole))
        );
        let unknown = script.call(&id, Call::CanContinue(Some(item("9"))));
        assert_eq!(unknown, Err(Hresult::InvalidArgument));
    }
}

/// spec 115: a canceled item says so and can be started again; one that ended well is believed.
#[test]
fn a_canceled_item_can_start_again() {
    let mut script = Script::new();
    let (ticket, id) = script.start("a", "1 2");
    script.create(&id, "a", "1 2");
    script.ask(Control::Stop(Scope::Handler(handler("a"))));
    script.report(&id, "1", ProgressStatus::Canceled).unwrap();
    script.report(&id, "2", ProgressStatus::Succeeded).unwrap();
    script.returns(&id, Ok(()));
    assert_eq!(
        script.ended(ticket),
        (ProgressStatus::Canceled, "1=canceled 2=succeeded".into())
    );
    script.start("a", "1");
    assert_eq!(script.told(), "a:1");
}

/// A run that was stopped says how far it came, and its item goes on to be what it was before.
#[test]
fn a_stopped_run_says_how_far_it_came() {
    let mut script = Script::new();
    assert_eq!(script.status("a", "1"), "never");
    let (ticket, id) = script.start("a", "1");
    script.create(&id, "a", "1");
    let progress = Progress {
        n_done: 3,
        n_total: Some(20),
        ..Progress::default()
    };
    let report = Call::Progress(item("1"), ProgressStatus::Updating, progress);
    script.call(&id, report).unwrap();
    script.ask(Control::Stop(Scope::Items(handler("a"), items("1"))));
    script.report(&id, "1", ProgressStatus::Canceled).unwrap();
    script.returns(&id, Ok(()));
    let outcome = script.outcome(ticket).unwrap();
    let said: Vec<_> = outcome
        .events
        .iter()
        .map(|event| stopped_after(&event.trouble))
        .collect();
    assert_eq!(said, [Some("3 of 20".to_owned())]);
    assert_eq!(script.status("a", "1"), "never");
}

/// spec 117: requests that wait are withdrawn, with a result that says so; of a request with other
/// items, only the one that was named.
#[test]
fn what_waits_is_withdrawn() {
    let mut script = Script::new();
    let (_, first) = script.start("a", "1");
    let (second, _) = script.start("a", "2");
    let (third, third_id) = script.start("a", "2 3");
    script.ask(Control::Stop(Scope::Items(handler("a"), items("2"))));
    assert_eq!(
        script.ended(second),
        (ProgressStatus::Canceled, "2=canceled".into())
    );
    assert_eq!(script.outcome(third), None);
    script.finish(&first);
    assert_eq!(script.told(), "a:3");
    script.finish(&third_id);
    assert_eq!(script.ended(third).1, "3=succeeded 2=canceled");
}

/// spec 116: a handler that does not listen has its grace; then it is given up, which is said, and
/// what it still reports does not count. Its items stay occupied until it lets go.
#[test]
fn who_does_not_listen_is_given_up() {
    let mut script = Script::new();
    let (ticket, id) = script.start("a", "1");
    script.create(&id, "a", "1");
    script.start("a", "1");
    script.ask(Control::StopSession(id.clone()));
    // Asking twice gives no more time.
    script.wait(GRACE - 1);
    script.ask(Control::StopSession(id.clone()));
    assert_eq!(script.outcome(ticket), None);
    script.wait(1);
    assert!(script.effects.contains(&Effect::Abandon(id.clone())));
    assert_eq!(script.saved(), "handler-abandoned, ended failed");
    let outcome = script.outcome(ticket).unwrap();
    assert_eq!(outcome.events[0].trouble.code, Code::HandlerAbandoned);
    assert_eq!(script.told(), "");
    let late = script.report(&id, "1", ProgressStatus::Succeeded);
    assert_eq!(late, Err(Hresult::AccessDenied));
    script.returns(&id, Ok(()));
    assert_eq!(
        (script.told().as_str(), script.saved().as_str()),
        ("a:1", "item 1, began")
    );
}

/// The grace is time that passes, not what the clock shows.
#[test]
fn a_jump_of_the_clock_changes_no_grace() {
    for jump in [-3_600_000, 3_600_000] {
        let mut script = Script::new();
        let (ticket, id) = script.start("a", "1");
        script.create(&id, "a", "1");
        script.ask(Control::StopSession(id));
        script.now += jump;
        script.give(Command::ClockJumped(jump));
        script.wait(GRACE - 1);
        assert_eq!(script.outcome(ticket), None);
        script.wait(1);
        assert!(script.outcome(ticket).is_some());
    }
}

/// spec 48, 50: where a policy forbids to stop, the request is refused and nobody is asked.
#[test]
fn a_prevented_stop_is_refused() {
    for of_item in [false, true] {
        let mut script = Script::new();
        let mut facts = handler_facts("a", false);
        if of_item {
            let policies = ItemPolicies::PREVENT_STOP_SYNC.bits();
            facts.items.as_mut().unwrap()[0].policies = Ok(policies);
        } else {
            facts.policies = Ok(HandlerPolicies::PREVENT_STOP_SYNC.bits());
        }
        script.load(facts);
        let (_, id) = script.start("a", "1");
        script.create(&id, "a", "1");
        let ticket = script.ask(Control::Stop(Scope::Items(handler("a"), items("1"))));
        match script.answer(ticket) {
            Some(Answer::Refused(refusal)) => assert_eq!(refusal.code, Hresult::AccessDenied),
            other => panic!("{other:?}"),
        }
        assert!(!script.effects.contains(&Effect::Cancel(id, None)));
    }
}

/// Asked to stop before it created a session, a handler may just return.
#[test]
fn a_stop_before_the_session_ends_it_as_canceled() {
    let mut script = Script::new();
    let (ticket, id) = script.start("a", "1");
    script.ask(Control::StopSession(id.clone()));
    script.returns(&id, Ok(()));
    assert_eq!(script.ended(ticket).0, ProgressStatus::Canceled);
}
