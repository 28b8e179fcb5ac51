//! Which instance does what, on which thread.

use std::collections::BTreeSet;

use syncmgr_center::command::{Call, CallReply, Change, Command, Operation, OperationId};
use syncmgr_center::port::Handlers as _;
use syncmgr_model::hresult::Hresult;
use syncmgr_testing::handlers::{Asked, Scripted};

use crate::bench::{self, Bench, SHOWN, dispatch, h, i, k};

/// spec 7: readings and changes are all answered by one instance; no sync uses it.
#[test]
fn one_instance_answers_questions() {
    let x = Scripted::new("x", &["a"]);
    let bench = Bench::new(&[&x]);
    bench.host.load(&h("x"), &[], &bench.to);
    bench.host.load_item(&k("x", "a"), &bench.to);
    bench.host.tell(
        OperationId(1),
        &h("x"),
        None,
        Change::Activate(true),
        &bench.to,
    );
    bench.host.tell(
        OperationId(2),
        &h("x"),
        Some(&i("a")),
        Change::Delete,
        &bench.to,
    );
    bench.host.load(&h("x"), &[], &bench.to);
    for _ in 0..5 {
        bench.next();
    }
    let instances: BTreeSet<_> = x.log().iter().map(|asked| asked.instance).collect();
    assert_eq!(instances, BTreeSet::from([0, 1]));
    assert_eq!(x.asked("create").len(), 1);
    bench.host.run(dispatch("x", "s-1"), &bench.to);
    assert!(matches!(bench.next(), Command::Returned(_, Ok(()))));
    assert_eq!(x.asked("synchronize")[0].instance, 2);
}

/// spec 7: each sync has a new instance on a thread of its own.
#[test]
fn each_sync_has_its_own_instance_and_thread() {
    let x = Scripted::new("x", &[]);
    // Both are at work at the same time.
    let both = std::sync::Arc::new(std::sync::Barrier::new(2));
    x.change(|script| {
        script.work = std::sync::Arc::new(move |_, _| {
            both.wait();
            Ok(())
        });
    });
    let bench = Bench::new(&[&x]);
    bench.host.run(dispatch("x", "s-1"), &bench.to);
    bench.host.run(dispatch("x", "s-2"), &bench.to);
    bench.next();
    bench.next();
    let [one, two] = &x.asked("synchronize")[..] else {
        panic!("two syncs");
    };
    assert_ne!(one.instance, two.instance);
    assert_ne!(one.thread, two.thread);
    assert_ne!(one.thread, std::thread::current().id());
}

/// spec 9: the session creator of a sync creates the session of that sync and of no other.
#[test]
fn each_sync_has_its_own_creator() {
    let x = Scripted::new("x", &["a", "b"]);
    let bench = Bench::new(&[&x]);
    for (item, session) in [("a", "s-1"), ("b", "s-2")] {
        let mut dispatch = dispatch("x", session);
        dispatch.items = vec![bench::item("x", item)];
        bench.host.run(dispatch, &bench.to);
    }
    let mut created = BTreeSet::new();
    let mut n_returned = 0;
    while n_returned < 2 {
        match bench.next() {
            Command::Call(call, session, Call::Create(_, items)) => {
                created.insert((session.to_string(), items[0].to_string()));
                bench.host.reply(call, Ok(CallReply::Session(session)));
            }
            Command::Call(call, ..) => bench.host.reply(call, Ok(CallReply::Done)),
            Command::Returned(_, result) => {
                assert_eq!(result, Ok(()));
                n_returned += 1;
            }
            _ => {}
        }
    }
    let expected = [("s-1", "a"), ("s-2", "b")].map(|(s, i)| (s.to_owned(), i.to_owned()));
    assert_eq!(created, BTreeSet::from(expected));
}

/// spec 8: each operation that shows something has a new instance on a thread of its own; an item
/// comes from that instance.
#[test]
fn each_operation_has_its_own_instance() {
    let x = Scripted::new("x", &["a"]);
    let bench = Bench::new(&[&x]);
    bench.host.load(&h("x"), &[], &bench.to);
    bench.next();
    for item in [None, Some(i("a"))] {
        bench
            .host
            .show(SHOWN, &h("x"), item.as_ref(), Operation::Browse, &bench.to);
        bench.next();
    }
    let shown = x.asked("show");
    assert_eq!(
        shown.iter().map(|asked| asked.instance).collect::<Vec<_>>(),
        [2, 3]
    );
    let of_item: Vec<Asked> = x.asked("item");
    assert_eq!(
        (of_item[0].instance, of_item[0].thread),
        (3, shown[1].thread)
    );
}

/// spec 7: a handler that breaks down at a question gets a new instance for the next.
#[test]
fn a_broken_instance_is_thrown_away() {
    let x = Scripted::new("x", &[]);
    let bench = Bench::new(&[&x]);
    x.change(|script| script.breaks_at = Some("items"));
    bench.host.load(&h("x"), &[], &bench.to);
    assert_eq!(bench.next(), Command::Loaded(h("x"), Err(Hresult::Failed)));
    x.change(|script| script.breaks_at = None);
    bench.host.load(&h("x"), &[], &bench.to);
    assert!(matches!(bench.next(), Command::Loaded(_, Ok(_))));
    assert_eq!(
        x.asked("items")
            .iter()
            .map(|asked| asked.instance)
            .collect::<Vec<_>>(),
        [1, 2]
    );
}

/// spec 72: a handler that hangs at a question keeps nobody else from being asked.
#[test]
fn one_that_hangs_hangs_alone() {
    let (x, y) = (Scripted::new("x", &[]), Scripted::new("y", &[]));
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    x.change(|script| {
        script.shows = std::sync::Arc::new(move |_, _| {
            wait.lock()
                .expect("nobody broke down")
                .recv()
                .unwrap_or_default();
            Err(Hresult::NotImplemented)
        });
    });
    let bench = Bench::new(&[&x, &y]);
    bench
        .host
        .show(SHOWN, &h("x"), None, Operation::Browse, &bench.to);
    bench.host.load(&h("y"), &[], &bench.to);
    assert!(matches!(bench.next(), Command::Loaded(id, Ok(_)) if id == h("y")));
    bench.host.load(&h("x"), &[], &bench.to);
    assert!(matches!(bench.next(), Command::Loaded(id, Ok(_)) if id == h("x")));
    drop(go);
    assert_eq!(
        bench.next(),
        Command::Shown(SHOWN, Err(Hresult::NotImplemented))
    );
}
