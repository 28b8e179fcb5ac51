//! What is shown to people, as the host does it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use syncmgr_center::command::{Command, Operation, OperationId};
use syncmgr_center::port::Handlers as _;
use syncmgr_model::event::{Event, Link};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::EventId;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{self as sdk, ScheduleWizard, UiOperation};
use syncmgr_testing::handlers::{Held, Scripted};

use crate::bench::{Bench, SHOWN, dispatch, h, i};

/// Closes a window with an answer.
type Close = Sender<Result<bool, Hresult>>;

/// A handler whose windows the test closes; what was shown is noted.
fn held(x: &Scripted) -> (Receiver<Close>, Receiver<&'static str>) {
    let (windows, opened) = channel();
    let (seen, looks) = channel();
    let parts = Mutex::new((windows, seen));
    x.change(|script| {
        script.shows = Arc::new(move |_, _| {
            let (windows, seen) = &*parts.lock().expect("nobody broke down");
            let (close, closed) = channel();
            drop(windows.send(close));
            Ok(Box::new(Held {
                close: closed,
                seen: seen.clone(),
            }) as Box<dyn UiOperation>)
        });
    });
    (opened, looks)
}

/// spec 57, 63, 65: what is shown is announced when it begins, comes to the front when that is asked
/// for, and its answer comes when the person is done.
#[test]
fn shown_raised_and_closed() {
    let x = Scripted::new("x", &["a"]);
    let (opened, looks) = held(&x);
    let bench = Bench::new(&[&x]);
    for item in [None, Some(i("a"))] {
        for answer in [Ok(true), Ok(false), Err(Hresult::Failed)] {
            bench
                .host
                .show(SHOWN, &h("x"), item.as_ref(), Operation::Browse, &bench.to);
            assert_eq!(bench.next(), Command::Showing(SHOWN, None));
            let close = opened.recv().expect("a window");
            assert_eq!(looks.recv(), Ok("open"));
            bench.host.raise(SHOWN);
            assert_eq!(looks.recv(), Ok("front"));
            close.send(answer).expect("it is open");
            assert_eq!(bench.next(), Command::Shown(SHOWN, answer));
        }
    }
}

/// spec 64: several are open side by side, and while a sync runs.
#[test]
fn several_at_once() {
    let x = Scripted::new("x", &["a"]);
    let (opened, _looks) = held(&x);
    let bench = Bench::new(&[&x]);
    let ids = [OperationId(1), OperationId(2), OperationId(3)];
    bench
        .host
        .show(ids[0], &h("x"), None, Operation::Browse, &bench.to);
    bench
        .host
        .show(ids[1], &h("x"), Some(&i("a")), Operation::Browse, &bench.to);
    bench
        .host
        .show(ids[2], &h("x"), None, Operation::ShowSchedule, &bench.to);
    let windows: Vec<_> = ids
        .iter()
        .map(|_| opened.recv().expect("a window"))
        .collect();
    for _ in ids {
        assert!(matches!(bench.next(), Command::Showing(_, None)));
    }
    bench.host.run(dispatch("x", "s-1"), &bench.to);
    assert!(matches!(bench.next(), Command::Returned(_, Ok(()))));
    drop(windows);
    for _ in ids {
        assert!(matches!(
            bench.next(),
            Command::Shown(_, Err(Hresult::Failed))
        ));
    }
}

/// spec 66: a handler that hands out the built-in editor of schedules says for which handler; as
/// the answer to a question that is no way out of asking.
#[test]
fn the_built_in_editor() {
    let x = Scripted::new("x", &[]);
    x.change(|script| {
        script.shows = Arc::new(|_, _| Ok(Box::new(ScheduleWizard::new(h("x")))));
    });
    let bench = Bench::new(&[&x]);
    for (operation, leads_to) in [
        (Operation::ShowSchedule, Some(h("x"))),
        (Operation::QueryBeforeDisable, None),
    ] {
        let is_schedule = leads_to.is_some();
        bench.host.show(SHOWN, &h("x"), None, operation, &bench.to);
        assert_eq!(bench.next(), Command::Showing(SHOWN, leads_to));
        assert_eq!(bench.next(), Command::Shown(SHOWN, Ok(is_schedule)));
    }
}

/// spec 132, 134: the handler gets a copy of the event, with its id, before it is shown.
#[test]
fn the_link_of_an_event() {
    let event = Event {
        id: EventId(77),
        handler: h("x"),
        item: None,
        session: None,
        at: Timestamp(1),
        trouble: Trouble::new(Code::HandlerSays),
        link: Link::default(),
        context: Some("mine".to_owned()),
    };
    let x = Scripted::new("x", &[]);
    let (seen, got) = channel();
    let seen = Mutex::new(seen);
    x.change(|script| {
        script.shows = Arc::new(move |_, operation| {
            drop(
                seen.lock()
                    .expect("nobody broke down")
                    .send(operation.clone()),
            );
            Err(Hresult::NotImplemented)
        });
    });
    let bench = Bench::new(&[&x]);
    let link = Operation::EventLink(Box::new(event.clone()));
    bench.host.show(SHOWN, &h("x"), None, link, &bench.to);
    assert_eq!(
        bench.next(),
        Command::Shown(SHOWN, Err(Hresult::NotImplemented))
    );
    assert_eq!(got.recv(), Ok(sdk::Operation::EventLink(Box::new(event))));
}

/// spec 38: not to offer something is said in two ways, and both arrive; a handler that breaks down
/// while it shows something has failed.
#[test]
fn what_is_not_offered() {
    let x = Scripted::new("x", &["a"]);
    let bench = Bench::new(&[&x]);
    let ask = |item: Option<&str>, code| {
        let item = item.map(i);
        bench
            .host
            .show(SHOWN, &h("x"), item.as_ref(), Operation::Browse, &bench.to);
        assert_eq!(bench.next(), Command::Shown(SHOWN, Err(code)));
    };
    ask(None, Hresult::NotImplemented);
    ask(Some("a"), Hresult::InvalidArgument);
    ask(Some("nothing"), Hresult::InvalidArgument);
    x.change(|script| script.breaks_at = Some("show"));
    ask(None, Hresult::Failed);
}
