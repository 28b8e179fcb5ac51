//! Handlers of the older family, written in a few lines, in sessions that remember everything.

mod mail;
mod session;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;

use syncmgr_model::event::{Event, EventLevel};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::EventId;
use syncmgr_model::item::{Item, Settings};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::request::{Intent, Token, Work};
use syncmgr_model::time::Timestamp;

use self::mail::{CLASS, Desk, Ends, Script, guid, item};
use self::session::Creator;
use super::*;
use crate::legacy::{
    AfterError, Answer, Errand, LegacyAnswer, LegacyProgress, LogInfo, LogLevel, Status,
};
use crate::{Operation, SyncRequest};

fn request(ids: &[u8]) -> SyncRequest {
    let item = |number: &u8| Item {
        id: guid(*number).item_id(),
        handler: CLASS.handler_id(),
        name: None,
        settings: Settings::default(),
        is_enabled: true,
    };
    SyncRequest {
        items: ids.iter().map(item).collect(),
        work: Work::Sync {
            is_full: false,
            release: None,
        },
        intent: Intent::Apply,
        token: None,
        may_ask: true,
        dirty: None,
    }
}

/// Runs a sync of items 1 and 2 and returns what the handler saw, how the items ended, and whether
/// nothing was said to be wrong.
fn run(script: Script) -> (Vec<String>, Vec<(String, ProgressStatus)>, bool) {
    let desk = Desk::default();
    let (adapter, mail) = desk.adapter(script);
    let creator = Creator::default();
    let result = adapter
        .create(&[])
        .unwrap()
        .synchronize(&request(&[1, 2]), &creator);
    result.unwrap();
    let is_fine = creator.session.events().is_empty();
    (mail.calls(), creator.ends(), is_fine)
}

fn ends(first: ProgressStatus, second: ProgressStatus) -> Vec<(String, ProgressStatus)> {
    vec![(guid(1).to_string(), first), (guid(2).to_string(), second)]
}

const WHOLE: [&str; 7] = [
    "initialize 0x203",
    "items",
    "callback",
    "prepare 1 2",
    "synchronize",
    "no callback",
    "gone",
];

/// spec 184: a handler of the older family runs as one of today, through its whole order of calls.
/// spec 183: the callback is taken away before the instance is let go.
#[test]
fn an_older_handler_is_taken_through_its_whole_order_of_calls() {
    let (calls, ended, is_ok) = run(Script::default());
    assert_eq!(calls, WHOLE);
    assert_eq!(
        ended,
        ends(ProgressStatus::Succeeded, ProgressStatus::Succeeded)
    );
    assert!(is_ok);
}

/// spec 175: completions come before the return, after it, and from other threads, and all is the
/// same.
#[test]
fn completions_come_when_and_from_where_they_like() {
    for prepare in [Ends::Early(Ok(())), Ends::Later(Ok(()))] {
        for synchronize in [Ends::Early(Ok(())), Ends::Later(Ok(()))] {
            let (calls, ended, is_ok) = run(Script {
                prepare: prepare.clone(),
                synchronize,
                ..Script::default()
            });
            assert_eq!(calls, WHOLE);
            assert_eq!(
                ended,
                ends(ProgressStatus::Succeeded, ProgressStatus::Succeeded)
            );
            assert!(is_ok);
        }
    }
}

/// spec 170: a handler that declines the event takes no part, and nothing is said to have failed.
#[test]
fn a_handler_that_declines_takes_no_part() {
    let (calls, ended, is_ok) = run(Script {
        answer: Answer::NotThisEvent,
        ..Script::default()
    });
    assert_eq!(calls, ["initialize 0x203", "gone"]);
    assert_eq!(
        ended,
        ends(ProgressStatus::Canceled, ProgressStatus::Canceled)
    );
    assert!(is_ok);
}

/// spec 173: with no item chosen nothing is prepared or synced.
#[test]
fn with_no_item_nothing_is_synced() {
    let (adapter, mail) = Desk::default().adapter(Script::default());
    let creator = Creator::default();
    let handler = adapter.create(&[]).unwrap();
    handler.synchronize(&request(&[]), &creator).unwrap();
    assert_eq!(mail.calls(), Vec::<String>::new());
}

/// spec 171: an item that a complete list does not have any more is not asked for; with an incomplete
/// list it is.
#[test]
fn an_item_that_went_away_does_not_hold_up_the_others() {
    for (is_complete, prepared, second) in [
        (true, "prepare 1", ProgressStatus::Failed),
        (false, "prepare 1 2", ProgressStatus::Succeeded),
    ] {
        let (adapter, mail) = Desk::default().adapter(Script::default());
        mail.list(vec![item(1, true)], is_complete);
        let creator = Creator::default();
        let handler = adapter.create(&[]).unwrap();
        handler.synchronize(&request(&[1, 2]), &creator).unwrap();
        assert_eq!(mail.calls()[3], prepared);
        assert_eq!(creator.ends(), ends(ProgressStatus::Succeeded, second));
        assert_eq!(creator.session.events().is_empty(), !is_complete);
    }
}

/// spec 174: whatever is wrong with the preparation, there is no sync, and the items have failed.
#[test]
fn without_a_preparation_there_is_no_sync() {
    let failure = || Failure::new(Failure::FAILED, "no key");
    for prepare in [
        Ends::Fails(failure()),
        Ends::NeedsDialog,
        Ends::Early(Err(failure())),
        Ends::Later(Err(failure())),
        Ends::Later(Err(Failure::new(Failure::DECLINED, ""))),
    ] {
        let (calls, ended, is_ok) = run(Script {
            prepare,
            ..Script::default()
        });
        assert_eq!(calls[3..], ["prepare 1 2", "no callback", "gone"]);
        assert_eq!(ended, ends(ProgressStatus::Failed, ProgressStatus::Failed));
        assert!(!is_ok);
    }
}

#[test]
fn a_sync_that_fails_leaves_what_was_done() {
    for synchronize in [
        Ends::Fails(Failure::new(Failure::FAILED, "")),
        Ends::Early(Err(Failure::new(Failure::FAILED, ""))),
        Ends::Later(Err(Failure::new(Failure::FAILED, ""))),
    ] {
        let (_, ended, is_ok) = run(Script {
            synchronize,
            work: Arc::new(|callback, _| {
                callback.progress(guid(1), &status(Status::Succeeded));
            }),
            ..Script::default()
        });
        assert_eq!(
            ended,
            ends(ProgressStatus::Succeeded, ProgressStatus::Failed)
        );
        assert!(!is_ok);
    }
}

fn status(status: Status) -> LegacyProgress {
    LegacyProgress {
        status: Some(status),
        ..LegacyProgress::default()
    }
}

/// spec 168: what a program passes along reaches the handler as the cookie of an invocation.
#[test]
fn a_cookie_reaches_the_handler() {
    for (token, may_ask, expected) in [
        (
            Some("legacy:invoke:00ff"),
            true,
            "initialize 0x205 [0, 255]",
        ),
        (
            Some("inbox"),
            false,
            "initialize 0x5 [105, 110, 98, 111, 120]",
        ),
        (Some("legacy:invoke"), true, "initialize 0x205"),
        (Some("legacy:idle"), false, "initialize 0x4"),
        (None, true, "initialize 0x203"),
        (None, false, "initialize 0x6"),
    ] {
        let (adapter, mail) = Desk::default().adapter(Script::default());
        let request = SyncRequest {
            token: token.map(|text| Token(text.into())),
            may_ask,
            ..request(&[1])
        };
        let creator = Creator::default();
        adapter
            .create(&[])
            .unwrap()
            .synchronize(&request, &creator)
            .unwrap();
        assert_eq!(mail.calls()[0], expected);
    }
}

#[test]
fn a_preview_is_refused_before_anything_is_made() {
    let (adapter, mail) = Desk::default().adapter(Script::default());
    let request = SyncRequest {
        intent: Intent::Preview,
        ..request(&[1])
    };
    let creator = Creator::default();
    assert!(
        adapter
            .create(&[])
            .unwrap()
            .synchronize(&request, &creator)
            .is_err()
    );
    assert_eq!(mail.calls(), Vec::<String>::new());
}

/// spec 176: a report keeps what it does not give, and is answered with what is to be stopped.
#[test]
fn progress_arrives_and_is_answered() {
    let desk = Desk::default();
    let creator = Creator::default();
    let session = Arc::clone(&creator.session);
    let (adapter, _) = desk.adapter(Script {
        work: Arc::new(move |callback, _| {
            let begin = LegacyProgress {
                text: Some("letters".into()),
                status: Some(Status::Updating),
                value: Some(1),
                max: Some(4),
            };
            assert_eq!(callback.progress(guid(1), &begin), LegacyAnswer::Ok);
            let on = LegacyProgress {
                value: Some(2),
                ..LegacyProgress::default()
            };
            assert_eq!(callback.progress(guid(1), &on), LegacyAnswer::Ok);
            session.cancel(Some(guid(2)));
            assert_eq!(callback.progress(guid(1), &on), LegacyAnswer::Ok);
            assert_eq!(callback.progress(guid(2), &begin), LegacyAnswer::CancelItem);
            session.cancel(None);
            assert_eq!(callback.progress(guid(1), &on), LegacyAnswer::CancelAll);
            assert_eq!(
                callback.progress(guid(9), &on),
                LegacyAnswer::CancelItem,
                "not asked for"
            );
            callback.progress(guid(1), &status(Status::Stopped));
        }),
        ..Script::default()
    });
    adapter
        .create(&[])
        .unwrap()
        .synchronize(&request(&[1, 2]), &creator)
        .unwrap();
    let shown = creator.session.shown(guid(1));
    assert_eq!(
        shown[0],
        (ProgressStatus::Updating, 1, Some(4), "letters".to_owned())
    );
    assert_eq!(
        shown[1],
        (ProgressStatus::Updating, 2, Some(4), "letters".to_owned())
    );
    assert_eq!(
        creator.ends(),
        ends(ProgressStatus::Canceled, ProgressStatus::Canceled)
    );
}

/// spec 177: an item that a person skips while the handler works is skipped there, once, and the
/// other one is not.
#[test]
fn an_item_that_nobody_wants_is_skipped() {
    for (prepare, synchronize, is_quiet) in [
        (Ends::WhenSkipped, Ends::Later(Ok(())), false),
        (Ends::Later(Ok(())), Ends::WhenSkipped, false),
        (Ends::Later(Ok(())), Ends::WhenSkipped, true),
    ] {
        let creator = Creator::default();
        creator.session.is_quiet.store(is_quiet, Ordering::SeqCst);
        let session = Arc::clone(&creator.session);
        let (is_waiting, waits) = mpsc::channel();
        let (adapter, mail) = Desk::default().adapter(Script {
            prepare,
            synchronize,
            is_waiting: Some(is_waiting),
            ..Script::default()
        });
        let canceller = thread::spawn(move || {
            waits.recv().unwrap();
            session.cancel(Some(guid(2)));
        });
        adapter
            .create(&[])
            .unwrap()
            .synchronize(&request(&[1, 2]), &creator)
            .unwrap();
        canceller.join().unwrap();
        let calls = mail.calls();
        assert_eq!(
            calls.iter().filter(|call| *call == "skip 2").count(),
            1,
            "{calls:?}"
        );
        assert!(!calls.contains(&"skip 1".to_owned()));
        assert_eq!(
            creator.ends(),
            ends(ProgressStatus::Succeeded, ProgressStatus::Canceled)
        );
    }
}

/// spec 173, 177: when everything is skipped while the handler prepares, nothing is synced.
#[test]
fn with_every_item_skipped_nothing_is_synced() {
    let creator = Creator::default();
    creator.session.cancel(None);
    let (adapter, mail) = Desk::default().adapter(Script {
        prepare: Ends::WhenSkipped,
        ..Script::default()
    });
    adapter
        .create(&[])
        .unwrap()
        .synchronize(&request(&[1, 2]), &creator)
        .unwrap();
    let expected = ["prepare 1 2", "skip 1", "skip 2", "no callback", "gone"];
    assert_eq!(mail.calls()[3..], expected);
    assert_eq!(
        creator.ends(),
        ends(ProgressStatus::Canceled, ProgressStatus::Canceled)
    );
}

/// spec 178: entries become events with level, link and item, and can be taken back, one or all.
#[test]
fn log_entries_become_events_and_can_be_taken_back() {
    let desk = Desk::default();
    let creator = Creator::default();
    let (adapter, _) = desk.adapter(Script {
        work: Arc::new(|callback, _| {
            let link = LogInfo {
                is_link: true,
                error: Some(guid(71)),
                item: Some(guid(1)),
            };
            callback.log_error(LogLevel::Error, "no\u{1b} room\nleft", link);
            let plain = LogInfo {
                error: Some(guid(72)),
                ..LogInfo::default()
            };
            callback.log_error(LogLevel::Warning, "slow", plain);
            callback.log_error(LogLevel::Information, "done", LogInfo::default());
            callback.delete_log_error(Some(guid(72)));
            callback.delete_log_error(Some(guid(72)));
            callback.delete_log_error(None);
        }),
        ..Script::default()
    });
    adapter
        .create(&[])
        .unwrap()
        .synchronize(&request(&[1]), &creator)
        .unwrap();
    let events = creator.session.events();
    let levels: Vec<_> = events.iter().map(|event| event.trouble.level).collect();
    let expected = [
        EventLevel::Error,
        EventLevel::Warning,
        EventLevel::Information,
    ];
    assert_eq!(levels, expected);
    assert_eq!(events[0].item, Some(guid(1).item_id()));
    assert_eq!(events[1].item, None);
    assert_eq!(events[0].trouble.param("description"), "no  room left");
    assert!(events[0].link.text.is_some());
    assert!(events[1].link.text.is_none());
    assert_eq!(desk.said(), ["remove [2]", "remove [1, 3]"]);
}

fn event(creator: &Creator, number: usize) -> Box<Event> {
    let new = creator.session.events()[number].clone();
    Box::new(Event {
        id: EventId(1),
        handler: CLASS.handler_id(),
        item: new.item,
        session: None,
        at: Timestamp(0),
        trouble: new.trouble,
        link: new.link,
        context: new.context,
    })
}

fn with_link() -> Script {
    Script {
        work: Arc::new(|callback, _| {
            let info = LogInfo {
                is_link: true,
                error: Some(guid(71)),
                item: Some(guid(2)),
            };
            callback.log_error(LogLevel::Error, "no room", info);
            callback.progress(guid(2), &status(Status::Failed));
        }),
        ..Script::default()
    }
}

/// spec 179: a link that is followed reaches the instance that wrote it, which asks for another go;
/// that go prepares and syncs the items named, in the same instance.
#[test]
fn a_followed_link_leads_to_another_go() {
    let desk = Desk::default();
    let (adapter, mail) = desk.adapter(Script {
        after_error: Ok(AfterError::Retry(vec![guid(2)])),
        ..with_link()
    });
    let creator = Creator::default();
    adapter
        .create(&[])
        .unwrap()
        .synchronize(&request(&[1, 2]), &creator)
        .unwrap();
    assert_eq!(
        mail.calls()[3..],
        ["prepare 1 2", "synchronize"],
        "it lives on"
    );
    let operation = Operation::EventLink(event(&creator, 0));
    let mut operation = adapter.create(&[]).unwrap().operation(&operation).unwrap();
    assert_eq!(operation.run(None), Ok(true));
    assert_eq!(mail.calls()[5..], ["show error 71"]);
    let said = desk.said();
    let token = Errand::Retry(1).text();
    assert_eq!(said, [format!("start {} {token}", guid(2))]);
    let again = SyncRequest {
        token: Some(Token(token.into())),
        ..request(&[2])
    };
    drop(operation);
    let creator = Creator::default();
    adapter
        .create(&[])
        .unwrap()
        .synchronize(&again, &creator)
        .unwrap();
    assert_eq!(mail.calls()[6..], ["prepare 2", "synchronize"]);
    assert_eq!(
        creator.ends(),
        [(guid(2).to_string(), ProgressStatus::Failed)]
    );
    // The next ordinary sync lets it go, and has an instance of its own.
    let creator = Creator::default();
    adapter
        .create(&[])
        .unwrap()
        .synchronize(&request(&[1]), &creator)
        .unwrap();
    assert_eq!(
        mail.calls()[8..11],
        ["no callback", "gone", "initialize 0x203"]
    );
}

/// spec 179: an error that cannot be shown, or leads to nothing, changes nothing.
#[test]
fn a_followed_link_may_lead_to_nothing() {
    for (after_error, expected) in [
        (Ok(AfterError::Done), Ok(true)),
        (Ok(AfterError::Retry(Vec::new())), Ok(true)),
        (Err(Failure::new(Failure::FAILED, "")), Err(Hresult::Failed)),
    ] {
        let desk = Desk::default();
        let (adapter, _) = desk.adapter(Script {
            after_error,
            ..with_link()
        });
        let creator = Creator::default();
        adapter
            .create(&[])
            .unwrap()
            .synchronize(&request(&[1, 2]), &creator)
            .unwrap();
        let operation = Operation::EventLink(event(&creator, 0));
        let mut shown = adapter.create(&[]).unwrap().operation(&operation).unwrap();
        assert_eq!(shown.run(None), expected);
        assert_eq!(shown.run(None), expected, "it can be followed again");
        assert_eq!(desk.said(), Vec::<String>::new());
        let (elsewhere, _) = desk.adapter(Script::default());
        let gone = elsewhere.create(&[]).unwrap().operation(&operation);
        assert_eq!(
            gone.err(),
            Some(Hresult::NotImplemented),
            "its instance is gone"
        );
    }
}

/// spec 180: no dialog where nobody may be asked, except behind a link that a person followed; and
/// none once the sync is to stop.
#[test]
fn dialogs_are_shown_where_somebody_may_be_asked() {
    for (may_ask, is_cancelled, expected) in [
        (true, false, true),
        (false, false, false),
        (true, true, false),
    ] {
        let creator = Creator::default();
        let session = Arc::clone(&creator.session);
        let (answer, answered) = mpsc::channel();
        let (adapter, _) = Desk::default().adapter(Script {
            work: Arc::new(move |callback, _| {
                if is_cancelled {
                    session.cancel(None);
                }
                answer.send(callback.enable_modeless(true)).unwrap();
            }),
            ..Script::default()
        });
        let request = SyncRequest {
            may_ask,
            ..request(&[1])
        };
        adapter
            .create(&[])
            .unwrap()
            .synchronize(&request, &creator)
            .unwrap();
        assert_eq!(answered.recv(), Ok(expected));
    }
    let (adapter, mail) = Desk::default().adapter(with_link());
    let creator = Creator::default();
    let request = SyncRequest {
        may_ask: false,
        ..request(&[2])
    };
    adapter
        .create(&[])
        .unwrap()
        .synchronize(&request, &creator)
        .unwrap();
    let operation = Operation::EventLink(event(&creator, 0));
    adapter
        .create(&[])
        .unwrap()
        .operation(&operation)
        .unwrap()
        .run(None)
        .unwrap();
    assert!(mail.calls().contains(&"may show".to_owned()));
}

/// spec 180: a handler that forgets to give its turn back loses it when its sync ends.
#[test]
fn a_turn_that_was_forgotten_is_given_back() {
    let desk = Desk::default();
    for _ in 0..2 {
        let (answer, answered) = mpsc::channel();
        let (adapter, _) = desk.adapter(Script {
            work: Arc::new(move |callback, _| {
                answer.send(callback.enable_modeless(true)).unwrap();
            }),
            ..Script::default()
        });
        let creator = Creator::default();
        adapter
            .create(&[])
            .unwrap()
            .synchronize(&request(&[1]), &creator)
            .unwrap();
        assert_eq!(answered.recv(), Ok(true));
    }
}

/// spec 181: a connection that a handler asks for is open until its sync ends.
#[test]
fn connections_last_as_long_as_the_sync() {
    let desk = Desk::default();
    let (adapter, _) = desk.adapter(Script {
        work: Arc::new(|callback, _| {
            callback.establish_connection(None).unwrap();
            callback.establish_connection(Some("office")).unwrap();
        }),
        ..Script::default()
    });
    let creator = Creator::default();
    adapter
        .create(&[])
        .unwrap()
        .synchronize(&request(&[1]), &creator)
        .unwrap();
    assert_eq!(
        desk.said(),
        ["open -", "open office", "close -", "close office"]
    );
}

/// spec 171, 172: the check mark is the enabled state; a choice is kept, also for an item that an
/// incomplete list leaves out, and forgotten when a complete list has it no more.
#[test]
fn choices_are_kept_as_long_as_their_items() {
    let desk = Desk::default();
    let (adapter, mail) = desk.adapter(Script::default());
    let is_enabled = |number: u8| {
        let item = adapter.create(&[]).unwrap().item(&guid(number).item_id())?;
        item.item_info()?.is_enabled()
    };
    assert_eq!((is_enabled(1), is_enabled(3)), (Ok(true), Ok(false)));
    for number in [1, 3] {
        let item = adapter
            .create(&[])
            .unwrap()
            .item(&guid(number).item_id())
            .unwrap();
        item.enable(number == 3).unwrap();
    }
    assert_eq!((is_enabled(1), is_enabled(3)), (Ok(false), Ok(true)));
    let all = mail.list(vec![item(2, true)], false);
    assert_eq!(is_enabled(1), Err(Hresult::InvalidArgument));
    mail.list(all.clone(), true);
    assert_eq!(
        is_enabled(1),
        Ok(false),
        "kept, for the list was not complete"
    );
    mail.list(vec![item(2, true)], true);
    adapter.create(&[]).unwrap().items().unwrap();
    mail.list(all, true);
    assert_eq!(
        (is_enabled(1), is_enabled(3)),
        (Ok(true), Ok(false)),
        "forgotten"
    );
}

#[test]
fn a_choice_that_cannot_be_kept_is_not_made() {
    let desk = Desk::default();
    let (adapter, _) = desk.adapter(Script::default());
    let item = adapter
        .create(&[])
        .unwrap()
        .item(&guid(1).item_id())
        .unwrap();
    desk.break_disk(true);
    assert_eq!(item.enable(false), Err(Hresult::Failed));
    desk.break_disk(false);
    assert_eq!(item.item_info().unwrap().is_enabled(), Ok(true));
    item.enable(false).unwrap();
    assert_eq!(item.item_info().unwrap().is_enabled(), Ok(false));
}

/// spec 182: the properties of an item that has them, and of the handler, are shown; when the items
/// have changed meanwhile, the center reads them again.
#[test]
fn properties_are_shown_of_items_and_handler() {
    let desk = Desk::default();
    let (adapter, mail) = desk.adapter(Script::default());
    let handler = adapter.create(&[]).unwrap();
    assert_eq!(handler.name(), Ok("Mail".into()));
    handler
        .operation(&Operation::Browse)
        .unwrap()
        .run(None)
        .unwrap();
    let item = handler.item(&guid(1).item_id()).unwrap();
    item.operation(&Operation::Browse)
        .unwrap()
        .run(None)
        .unwrap();
    let shown: Vec<_> = mail
        .calls()
        .into_iter()
        .filter(|call| call.contains("properties"))
        .collect();
    assert_eq!(shown, ["properties of the handler", "properties of 1"]);
    assert_eq!(desk.said(), ["update", "update"]);
    let plain = handler.item(&guid(3).item_id()).unwrap();
    let refused = plain.operation(&Operation::Browse);
    assert_eq!(refused.err(), Some(Hresult::InvalidArgument));
}

/// What a handler says after its callback was taken away is passed over.
#[test]
fn after_the_end_nobody_listens() {
    let creator = Creator::default();
    let (adapter, mail) = Desk::default().adapter(Script {
        keeps_callback: true,
        ..Script::default()
    });
    adapter
        .create(&[])
        .unwrap()
        .synchronize(&request(&[1]), &creator)
        .unwrap();
    let n_events = creator.session.events().len();
    let callback = mail.kept_callback().unwrap();
    assert_eq!(
        callback.progress(guid(1), &status(Status::Failed)),
        LegacyAnswer::CancelAll
    );
    callback.log_error(LogLevel::Error, "late", LogInfo::default());
    callback.synchronize_completed(Ok(()));
    assert!(!callback.enable_modeless(true));
    assert!(callback.establish_connection(None).is_err());
    assert_eq!(creator.session.events().len(), n_events);
    assert_eq!(
        creator.ends(),
        [(guid(1).to_string(), ProgressStatus::Succeeded)]
    );
}
