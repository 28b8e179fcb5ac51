//! What is synced when somebody asks, and the one result.

use syncmgr_model::hresult::Hresult;
use syncmgr_model::item::{Item, Settings};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::request::Intent;
use syncmgr_model::trouble::{Code, Trouble};

use super::script::{Script, handler, handler_facts, item, items, token};
use crate::command::{Answer, Command, Control, Effect, Scope, StartOptions, Taken};

/// spec 67, 71: exactly the items and the token that were given reach the handler; without a token
/// none does.
#[test]
fn items_and_token_are_passed_as_they_are() {
    for given in [None, Some(token("t"))] {
        let mut script = Script::new();
        let options = StartOptions {
            token: given.clone(),
            ..StartOptions::default()
        };
        script.start_with("a", "3 1", options);
        let run = script.effects.iter().find_map(|effect| match effect {
            Effect::Run(dispatch) => Some(dispatch),
            _ => None,
        });
        let ids: Vec<_> = run.unwrap().items.iter().map(|it| it.id.as_str()).collect();
        assert_eq!((ids, &run.unwrap().token), (vec!["3", "1"], &given));
    }
}

/// spec 68, 69, 70: all that can be synced of a handler, or of all handlers; what is turned off or
/// disconnected is left out.
#[test]
fn everything_that_can_be_synced_is() {
    let mut script = Script::new();
    let mut facts = handler_facts("a", false);
    let mut listed = facts.items.unwrap();
    listed[1].info.as_mut().unwrap().is_enabled = Ok(false);
    listed[2].info.as_mut().unwrap().is_connected = Ok(false);
    facts.items = Ok(listed);
    script.load(facts);
    let all = Box::new(StartOptions::default());
    script.ask(Control::Start(Scope::Handler(handler("a")), all.clone()));
    assert_eq!(script.told(), "a:1,4");
    script.give(Command::Loaded(
        handler("b"),
        Ok(Box::new({
            let mut facts = handler_facts("b", false);
            facts.info.as_mut().unwrap().is_connected = Ok(false);
            facts
        })),
    ));
    let ticket = script.ask(Control::Start(Scope::All, all));
    assert_eq!(script.answer(ticket), Some(Answer::Done));
    assert_eq!(script.told(), "c:1 c:2 c:3 c:4");
}

/// spec 70: what was turned off while it waited is left out when its turn comes.
#[test]
fn what_is_turned_off_meanwhile_is_left_out() {
    let mut script = Script::new();
    let (_, first) = script.start("a", "1");
    let (second, _) = script.start("a", "2");
    let mut facts = handler_facts("a", false);
    facts.items.as_mut().unwrap()[1]
        .info
        .as_mut()
        .unwrap()
        .is_enabled = Ok(false);
    script.load(facts);
    script.finish(&first);
    assert_eq!(script.told(), "");
    assert_eq!(
        script.ended(second),
        (ProgressStatus::Failed, "2=failed".to_owned())
    );
}

/// spec 70, 73: a start of which nothing can be synced fails at once and says why.
#[test]
fn a_start_of_nothing_says_why() {
    let mut script = Script::new();
    let mut facts = handler_facts("a", false);
    facts.info.as_mut().unwrap().is_connected = Ok(false);
    script.load(facts);
    let (ticket, _) = script.start("a", "1");
    let outcome = script.outcome(ticket).unwrap();
    assert_eq!(outcome.status, ProgressStatus::Disconnected);
    assert_eq!(outcome.events[0].trouble.code, Code::Disconnected);
    assert_eq!(script.saved(), "");
    let Some(Answer::Accepted(accepted)) = script.answer(ticket) else {
        panic!("not accepted")
    };
    assert_eq!(accepted.taken, Taken::Nothing);
}

/// spec 67, 72: unknown handlers and items are refused at once.
#[test]
fn what_is_unknown_is_refused() {
    let mut script = Script::new();
    for (handler_id, ids) in [("z", "1"), ("a", "1 9")] {
        let scope = Scope::Items(handler(handler_id), items(ids));
        let ticket = script.ask(Control::Start(scope, Box::default()));
        match script.answer(ticket) {
            Some(Answer::Refused(refusal)) => assert_eq!(refusal.code, Hresult::InvalidArgument),
            other => panic!("{other:?}"),
        }
        assert_eq!(script.told(), "");
    }
}

/// spec 73: one result, with the aggregate status, the errors and the conflicts.
#[test]
fn every_start_gets_one_result() {
    use ProgressStatus::{Canceled, Disconnected, Failed, Succeeded};
    for (ends, status) in [
        ([Succeeded, Succeeded], Succeeded),
        ([Succeeded, Canceled], Canceled),
        ([Canceled, Disconnected], Disconnected),
        ([Disconnected, Failed], Failed),
    ] {
        let mut script = Script::new();
        let (ticket, id) = script.start("a", "1 2");
        script.create(&id, "a", "1 2");
        script.report(&id, "1", ends[0]).unwrap();
        script.report(&id, "2", ends[1]).unwrap();
        script.returns(&id, Ok(()));
        assert_eq!(script.ended(ticket).0, status);
        script.returns(&id, Ok(()));
        assert!(script.effects.is_empty());
    }
}

/// spec 76: an error of the handler fails what is unfinished, and is a result in history.
#[test]
fn an_error_fails_what_is_unfinished() {
    let mut script = Script::new();
    let (ticket, id) = script.start("a", "1");
    script.returns(&id, Err(Trouble::new(Code::HandlerStopped)));
    assert_eq!(script.saved(), "handler-stopped, ended failed");
    let outcome = script.outcome(ticket).unwrap();
    assert_eq!(
        (outcome.status, outcome.n_errors),
        (ProgressStatus::Failed, 1)
    );
    assert_eq!(script.status("a", "1"), "failed");
}

/// A session is written down before its handler works; a preview never is; a refused one leaves no
/// trace.
#[test]
fn history_knows_what_was_done() {
    let mut script = Script::new();
    let (_, id) = script.start("a", "1");
    assert_eq!(script.saved(), "item 1, began");
    assert!(matches!(script.effects.first(), Some(Effect::Save(_))));
    script.finish(&id);
    assert_eq!(script.saved(), "ended succeeded");

    let preview = StartOptions {
        intent: Intent::Preview,
        ..StartOptions::default()
    };
    let (ticket, id) = script.start_with("a", "1", preview);
    assert_eq!(
        (script.told().as_str(), script.saved()),
        ("a:1", String::new())
    );
    script.finish(&id);
    assert_eq!(
        (script.ended(ticket).0, script.saved()),
        (ProgressStatus::Succeeded, String::new())
    );

    for (code, saved) in [
        (Code::Busy, "withdrawn"),
        (Code::DiskFull, "disk-full, ended failed"),
    ] {
        let (ticket, id) = script.start("a", "1");
        script.returns(&id, Err(Trouble::new(code)));
        assert_eq!(
            (script.ended(ticket).0, script.saved().as_str()),
            (ProgressStatus::Failed, saved)
        );
    }
}

/// Settings that hold for one run alone reach the handler.
#[test]
fn settings_of_one_run_reach_the_handler() {
    let mut script = Script::new();
    let mut settings = Settings::default();
    settings
        .0
        .insert("left".into(), syncmgr_model::item::Value::Text("/x".into()));
    let with = Item {
        id: item("1"),
        handler: handler("a"),
        name: None,
        settings,
        is_enabled: true,
    };
    script
        .state
        .items
        .get_mut(&super::script::key("a", "1"))
        .unwrap()
        .is_saved = true;
    script.ask(Control::StartWith(Box::new(with.clone()), Box::default()));
    let is_passed =
        |effect: &Effect| matches!(effect, Effect::Run(run) if run.items == [with.clone()]);
    assert!(script.effects.iter().any(is_passed));
}

/// Once the center ends nothing new begins, and what waits is answered.
#[test]
fn an_ending_center_takes_nothing() {
    let mut script = Script::new();
    let (_, first) = script.start("a", "1");
    let (waits, _) = script.start("a", "2");
    script.give(Command::Close);
    assert_eq!(script.ended(waits).0, ProgressStatus::Canceled);
    let ticket = script.ask(Control::Start(Scope::Handler(handler("b")), Box::default()));
    assert!(matches!(script.answer(ticket), Some(Answer::Refused(_))));
    assert!(!script.state.is_closed());
    script.finish(&first);
    assert!(script.state.is_closed());
}
