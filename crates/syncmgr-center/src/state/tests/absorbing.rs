//! What a running session takes over.

use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::SessionId;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::request::{Additional, Intent, Work};

use super::script::{Script, handler, item, items, token};
use crate::command::{Call, CallReply, Control, Scope, StartOptions};

fn additional(script: &mut Script, id: &SessionId) -> Option<Additional> {
    match script.call(id, Call::QueryAdditional) {
        Ok(CallReply::Additional(additional)) => additional,
        other => panic!("{other:?}"),
    }
}

fn with_token(text: &str) -> StartOptions {
    StartOptions {
        token: Some(token(text)),
        ..StartOptions::default()
    }
}

/// Starts a session of `a` on item 1.
fn running(script: &mut Script) -> SessionId {
    let (_, id) = script.start("a", "1");
    script.create(&id, "a", "1");
    id
}

/// spec 83, 84: what waits for the handler is listed, each kind or nothing; asking takes nothing.
#[test]
fn what_waits_is_listed() {
    let mut script = Script::new();
    let id = running(&mut script);
    assert_eq!(additional(&mut script, &id), None);
    script.start("a", "3 2");
    let listed = Additional {
        items: Some(items("2 3")),
        tokens: None,
    };
    assert_eq!(additional(&mut script, &id), Some(listed.clone()));
    script.start_with("a", "2", with_token("t"));
    script.start("b", "4");
    let listed = Additional {
        tokens: Some(vec![token("t")]),
        ..listed
    };
    assert_eq!(additional(&mut script, &id), Some(listed.clone()));
    assert_eq!(additional(&mut script, &id), Some(listed));
}

/// spec 85, 86, 88: an item that is taken over runs in this session and not again; the request it
/// came from has its result when the session ends.
#[test]
fn an_item_is_taken_over() {
    let mut script = Script::new();
    let id = running(&mut script);
    let (served, _) = script.start("a", "2");
    let (partly, partly_id) = script.start("a", "2 3");
    let taken = script.call(&id, Call::AddItem(item("2")));
    assert!(matches!(taken, Ok(CallReply::Item(taken)) if taken.id == item("2")));
    for again in ["1", "2", "9"] {
        let reply = script.call(&id, Call::AddItem(item(again)));
        assert_eq!(reply, Err(Hresult::InvalidArgument), "{again}");
    }
    assert_eq!(script.outcome(served), None);
    script.finish(&id);
    assert_eq!(
        script.ended(served),
        (ProgressStatus::Succeeded, "2=succeeded".into())
    );
    assert_eq!(
        (script.outcome(partly), script.told().as_str()),
        (None, "a:3")
    );
    script.finish(&partly_id);
    assert_eq!(script.ended(partly).1, "3=succeeded 2=succeeded");
}

/// spec 87, 88: a token is taken over, before or after the items it came with.
#[test]
fn a_token_is_taken_over() {
    for token_first in [true, false] {
        let mut script = Script::new();
        let id = running(&mut script);
        let (ticket, _) = script.start_with("a", "2", with_token("t"));
        let mut calls = vec![Call::AddItem(item("2")), Call::AddToken(token("t"))];
        if token_first {
            calls.reverse();
        }
        for call in calls {
            script.call(&id, call).unwrap();
        }
        let again = script.call(&id, Call::AddToken(token("t")));
        assert_eq!(again, Err(Hresult::InvalidArgument));
        script.finish(&id);
        assert_eq!(script.ended(ticket).0, ProgressStatus::Succeeded);
        assert_eq!(script.told(), "");
    }
}

/// What wants something else done is not taken over: other work, a preview, settings of its own.
#[test]
fn other_work_is_not_taken_over() {
    let mut script = Script::new();
    let id = running(&mut script);
    for options in [
        StartOptions {
            work: Work::Sync {
                is_full: true,
                release: None,
            },
            ..StartOptions::default()
        },
        StartOptions {
            intent: Intent::Preview,
            ..StartOptions::default()
        },
    ] {
        script.start_with("a", "2", options);
    }
    assert_eq!(additional(&mut script, &id), None);
    script.call(&id, Call::AddItem(item("2"))).unwrap();
    script.finish(&id);
    assert_eq!(script.told(), "a:2");
}

/// An item that another session works on, or whose folders are in use, is not taken over.
#[test]
fn what_is_in_use_is_not_taken_over() {
    let mut script = Script::new();
    script.folders("a", "2", &["/x/y"]);
    script.folders("b", "1", &["/x"]);
    let id = running(&mut script);
    let (_, other) = script.start("b", "1");
    script.start("a", "2");
    let add = || Call::AddItem(item("2"));
    assert_eq!(script.call(&id, add()), Err(Hresult::AccessDenied));
    script.finish(&other);
    assert!(script.call(&id, add()).is_ok());
    script.start("b", "1");
    assert_eq!(
        (script.told().as_str(), script.why("b", "1")),
        ("", "waits-for-folders")
    );
    script.finish(&id);
    assert_eq!(script.told(), "b:1");
}

/// spec 88, 117: a stop withdraws what still waits; the result comes with what was taken over.
#[test]
fn a_partly_served_request_is_stopped() {
    let mut script = Script::new();
    let id = running(&mut script);
    let (ticket, request) = script.start("a", "2 3");
    script.call(&id, Call::AddItem(item("2"))).unwrap();
    script.ask(Control::StopSession(request));
    assert_eq!(script.outcome(ticket), None);
    script.finish(&id);
    assert_eq!(
        script.ended(ticket),
        (ProgressStatus::Canceled, "3=canceled 2=succeeded".into())
    );
    assert_eq!(script.told(), "");
    script.ask(Control::Stop(Scope::Handler(handler("a"))));
    assert_eq!(script.state.sessions().count(), 0);
}
