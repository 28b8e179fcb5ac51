//! What is read of handlers, items and collections.

use std::sync::Arc;

use syncmgr_center::command::{Change, Command, OperationId};
use syncmgr_center::port::Handlers as _;
use syncmgr_model::capability::{HandlerCapabilities, ItemCapabilities};
use syncmgr_model::facts::HandlerFacts;
use syncmgr_model::hresult::Hresult;
use syncmgr_sdk::{HandlerCollection, HandlerFactory as _};
use syncmgr_testing::handlers::{Scripted, ScriptedCollection, item};

use crate::bench::{Bench, h, i, k};

fn read(bench: &Bench, id: &str) -> Result<Box<HandlerFacts>, Hresult> {
    bench.host.load(&h(id), &[], &bench.to);
    match bench.next() {
        Command::Loaded(loaded, facts) if loaded == h(id) => facts,
        other => panic!("{other:?}"),
    }
}

/// spec 11, 13, 14, 30, 32: every answer arrives as it was given, errors too.
#[test]
fn answers_arrive_as_they_are() {
    let x = Scripted::new("x", &["a"]);
    let bench = Bench::new(&[&x]);
    let mut expected = None;
    x.change(|script| {
        let mut odd = item("b");
        odd.id = Err(Hresult::Failed);
        odd.info = Err(Hresult::Unexpected);
        odd.policies = Err(Hresult::AccessDenied);
        let items = script.facts.items.as_mut().expect("items");
        items.push(odd);
        let info = script.facts.info.as_mut().expect("info");
        info.kind = Err(Hresult::NotImplemented);
        info.is_active = Err(Hresult::Failed);
        expected = Some(script.facts.clone());
    });
    assert_eq!(read(&bench, "x").ok().map(|facts| *facts), expected);
    // One that cannot be made, and one that nobody knows.
    x.change(|script| {
        script.create = Err(Hresult::AccessDenied);
        script.breaks_at = Some("name");
    });
    assert_eq!(read(&bench, "x"), Err(Hresult::Failed));
    assert_eq!(read(&bench, "x"), Err(Hresult::AccessDenied));
    assert_eq!(read(&bench, "nobody"), Err(Hresult::InvalidArgument));
}

/// spec 29, 164: one item is read alone; one the handler does not know is an invalid argument.
#[test]
fn one_item_is_read() {
    let x = Scripted::new("x", &["a", "b"]);
    let bench = Bench::new(&[&x]);
    bench.host.load_item(&k("x", "b"), &bench.to);
    let expected = Command::ItemLoaded(k("x", "b"), Ok(Box::new(item("b"))));
    assert_eq!(bench.next(), expected);
    bench.host.load_item(&k("x", "c"), &bench.to);
    let expected = Command::ItemLoaded(k("x", "c"), Err(Hresult::InvalidArgument));
    assert_eq!(bench.next(), expected);
    assert!(x.asked("items").is_empty());
}

/// spec 40, 55, 56, 60: changes reach the handler and its items; what it answers comes back.
#[test]
fn changes_reach_the_handler() {
    let x = Scripted::new("x", &["a"]);
    let bench = Bench::new(&[&x]);
    let a = i("a");
    let table = [
        (None, Change::Activate(true), "activate"),
        (None, Change::Activate(false), "activate"),
        (None, Change::Enable(false), "enable"),
        (Some(&a), Change::Enable(true), "enable"),
        (Some(&a), Change::Delete, "delete"),
    ];
    for answer in [Ok(()), Err(Hresult::NotImplemented)] {
        x.change(|script| script.told = answer);
        for (item, change, what) in table {
            let before = x.asked(what).len();
            bench
                .host
                .tell(OperationId(1), &h("x"), item, change, &bench.to);
            assert_eq!(bench.next(), Command::Told(OperationId(1), answer));
            assert_eq!(x.asked(what).len(), before + 1);
        }
    }
}

/// spec 2, 3, 4: a collection lists its handlers; one is bound without being listed; the older
/// family is asked when the new one does not know it.
#[test]
fn collections_list_and_bind() {
    let (new, old) = (Scripted::new("new", &[]), Scripted::new("old", &[]));
    let collection = ScriptedCollection::new("c", vec![new.clone()], vec![old.clone()]);
    let collection = Arc::new(collection);
    let bench = Bench::with(
        &[],
        vec![Arc::clone(&collection) as Arc<dyn HandlerCollection>],
    );
    assert_eq!(bench.host.collections(), ["c"]);
    *collection.listed.lock().expect("a list") = Ok(vec![h("new")]);
    assert!(read(&bench, "old").is_ok());
    bench.host.load_collection("c", &bench.to);
    assert_eq!(
        bench.next(),
        Command::CollectionLoaded("c".to_owned(), Ok(vec![h("new")]))
    );
    assert!(read(&bench, "new").is_ok());
    assert!(read(&bench, "nobody").is_err());
    bench.host.load_collection("d", &bench.to);
    let unknown = Command::CollectionLoaded("d".to_owned(), Err(Hresult::InvalidArgument));
    assert_eq!(bench.next(), unknown);
}

/// spec 6: of two handlers with one id the first is used, and the center is told of the second.
#[test]
fn the_first_of_two_is_used() {
    let (first, second) = (Scripted::new("x", &["a"]), Scripted::new("x", &["b"]));
    let other = Scripted::new("x", &["c"]);
    let collection = ScriptedCollection::new("c", vec![other], Vec::new());
    let bench = Bench::with(&[&first, &second], vec![Arc::new(collection)]);
    assert_eq!(bench.host.installed(), [h("x"), h("x")]);
    let facts = read(&bench, "x").expect("it is read");
    assert_eq!(facts.items.expect("items")[0].id, Ok("a".to_owned()));
    assert!(!bench.host.register(Arc::new(second)));
}

/// spec 1, 2: handlers and collections are added while the host runs.
#[test]
fn added_at_run_time() {
    let bench = Bench::new(&[]);
    let x = Scripted::new("x", &[]);
    assert!(read(&bench, "x").is_err());
    assert!(bench.host.register(Arc::new(x.clone())));
    assert!(read(&bench, "x").is_ok());
    let y = Scripted::new("y", &[]);
    let collection = ScriptedCollection::new("c", vec![y.clone()], Vec::new());
    bench.host.register_collection(Arc::new(collection));
    assert!(read(&bench, "y").is_ok());
    assert_eq!(bench.host.installed(), [x.id().clone()]);
}

/// spec 27: the icon of the registration, unless the handler or item provides one of its own; when
/// that fails, the one of the registration again.
#[test]
fn icons() {
    let x = Scripted::new("x", &["a"]);
    let bench = Bench::new(&[&x]);
    let icons = || {
        [
            bench.host.icon(&h("x"), None),
            bench.host.icon(&h("x"), Some(&i("a"))),
        ]
    };
    let same = |icon: &[u8]| [Some(icon.to_vec()), Some(icon.to_vec())];
    assert_eq!(icons(), [None, None]);
    x.change(|script| {
        script.icon = Some(b"registered");
        script.own_icon = Ok(b"own".to_vec());
    });
    assert_eq!(icons(), same(b"registered"));
    x.change(|script| {
        script.facts.capabilities = Ok(HandlerCapabilities::PROVIDES_ICON.bits());
        let items = script.facts.items.as_mut().expect("items");
        items[0].capabilities = Ok(ItemCapabilities::PROVIDES_ICON.bits());
    });
    assert_eq!(icons(), same(b"own"));
    x.change(|script| script.own_icon = Err(Hresult::Failed));
    assert_eq!(icons(), same(b"registered"));
    assert_eq!(bench.host.icon(&h("nobody"), None), None);
}
