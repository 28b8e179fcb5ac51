//! Conflicts in the stores of handlers.

use syncmgr_center::command::{Answer, Control};
use syncmgr_model::conflict::{Address, ConflictId, KEY_NAME, Property, UpdateReason};
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::record::Summary;
use syncmgr_model::request::{Choice, ChoiceOn, Work};
use syncmgr_sdk::{ConflictFilter, HandlerFactory};

use crate::keeper::{Held, Keeper, Shape, no};
use crate::world::{World, id, item_id};

const HANDLER: Shape = Shape {
    of_handler: (false, true),
    of_items: (false, false),
};
const ITEMS: Shape = Shape {
    of_handler: (false, false),
    of_items: (false, true),
};

fn held(item: Option<&'static str>, id: &'static str) -> Held {
    Held {
        item,
        id,
        kind: "x",
    }
}

fn three() -> Vec<Held> {
    vec![
        held(Some("one"), "a"),
        held(Some("two"), "b"),
        held(None, "c"),
    ]
}

/// spec 135, 136, 137: a handler's store lists its own and those of all items, an item's only its
/// own; a filter leaves out the others, in the count alike.
#[test]
fn filters_and_counts() {
    let keeper = Keeper::new(
        "k",
        Shape {
            of_handler: (false, true),
            of_items: (false, true),
        },
    );
    keeper.things().conflicts = three();
    let handler = keeper.create(&[]).unwrap();
    let filter = |handler: Option<&str>, item: Option<&str>| ConflictFilter {
        handler: handler.map(|text| HandlerId::new(text).unwrap()),
        item: item.map(|text| ItemId::new(text).unwrap()),
    };
    let whole = handler.conflicts().unwrap();
    let item = handler.item(&item_id("two")).unwrap();
    let part = item.conflicts().unwrap();
    for (filter, in_whole, in_part) in [
        (filter(None, None), 3, 1),
        (filter(Some("k"), None), 3, 1),
        (filter(Some("other"), None), 0, 0),
        (filter(None, Some("one")), 1, 0),
        (filter(Some("k"), Some("two")), 1, 1),
        (filter(None, Some("none")), 0, 0),
    ] {
        for (store, n) in [(whole, in_whole), (part, in_part)] {
            assert_eq!(store.count(&filter), Ok(n), "{filter:?}");
            assert_eq!(
                store.enumerate(&filter).unwrap().len() as u64,
                n,
                "{filter:?}"
            );
        }
    }
}

/// spec 137, 156: counts follow the stores when the handler says that they changed; the item may be
/// absent.
#[test]
fn counts_follow_the_stores() {
    for shape in [HANDLER, ITEMS] {
        let keeper = Keeper::new("k", shape);
        let world = World::new(&[&keeper]);
        keeper.things().conflicts = three();
        assert_eq!(world.n_conflicts("k", None), 0);
        world.update_conflicts("k", Some("one"));
        assert_eq!(world.n_conflicts("k", Some("one")), 1);
        assert_eq!(world.n_conflicts("k", Some("two")), 0);
        world.update_conflicts("k", None);
        assert_eq!(world.n_conflicts("k", Some("two")), 1);
        let own = u64::from(shape.of_handler.1);
        assert_eq!(world.n_conflicts("k", None), 2 + own);
        keeper.things().conflicts.clear();
        world.update_conflicts("k", None);
        assert_eq!(world.n_conflicts("k", None), 0);
    }
}

/// spec 157: one conflict that is new, changed or gone changes the counts.
#[test]
fn single_conflicts_come_and_go() {
    let keeper = Keeper::new("k", HANDLER);
    let world = World::new(&[&keeper]);
    let tell = |item: Option<&str>, id: &str, reason| {
        let address = Address {
            handler: crate::world::id("k"),
            item: item.map(item_id),
            id: id.as_bytes().to_vec(),
        };
        world.done(Control::UpdateConflict(address, reason));
        // Reads are answered in their order.
        world.update_conflicts("k", None);
    };
    keeper.things().conflicts.push(held(Some("one"), "a"));
    tell(Some("one"), "a", UpdateReason::Added);
    assert_eq!(world.n_conflicts("k", Some("one")), 1);
    keeper.things().conflicts[0].kind = "y";
    tell(Some("one"), "a", UpdateReason::Changed);
    assert_eq!(world.n_conflicts("k", Some("one")), 1);
    keeper.things().conflicts.clear();
    tell(Some("one"), "a", UpdateReason::Removed);
    assert_eq!(world.n_conflicts("k", None), 0);
    let unknown = Address {
        handler: id("k"),
        item: Some(item_id("x")),
        id: b"a".to_vec(),
    };
    let answer = world
        .handle
        .control(Control::UpdateConflict(unknown, UpdateReason::Added));
    assert!(matches!(answer.unwrap(), Answer::Refused(_)));
}

/// spec 155: that a decision was carried out does not make a conflict go away; its store does.
#[test]
fn a_conflict_stays_until_its_store_says_so() {
    let keeper = Keeper::new("k", HANDLER);
    keeper.things().conflicts = three();
    let world = World::new(&[&keeper]);
    world.update_conflicts("k", None);
    let work = || {
        Work::Resolve(vec![ChoiceOn {
            conflict: "a".to_owned(),
            choice: Choice::KeepNewest,
            seen: None,
        }])
    };
    world.run("k", &["one"], work());
    assert_eq!(world.n_conflicts("k", Some("one")), 1);
    keeper.things().conflicts.retain(|held| held.id != "a");
    assert_eq!(world.n_conflicts("k", Some("one")), 1);
    world.update_conflicts("k", Some("one"));
    assert_eq!(world.n_conflicts("k", Some("one")), 0);
}

/// spec 137, 155: what a session says of its items counts at once, and its store is counted.
#[test]
fn a_session_that_says_its_counts_is_believed() {
    let keeper = Keeper::new("k", HANDLER);
    let world = World::new(&[&keeper]);
    keeper.things().conflicts = vec![held(Some("one"), "a"), held(Some("one"), "b")];
    keeper.things().says_conflicts = Some(2);
    let outcome = world.sync("k", &["one"]);
    assert_eq!(outcome.n_conflicts, 2);
    assert_eq!(world.n_conflicts("k", Some("one")), 2);
    let key = syncmgr_model::id::ItemKey {
        handler: id("k"),
        item: item_id("one"),
    };
    world.update_conflicts("k", None);
    keeper.things().conflicts.clear();
    keeper.things().says_conflicts = None;
    world.sync("k", &["one"]);
    assert_eq!(
        world.n_conflicts("k", Some("one")),
        2,
        "nobody said that they are gone"
    );
    world.update_conflicts("k", Some("one"));
    let facts = world.look(move |state| {
        let view = state.item(&key, syncmgr_model::time::Timestamp(0)).unwrap();
        view.facts
            .last
            .map(|(_, summary): (_, Summary)| summary.n_conflicts)
    });
    assert_eq!(facts, Some(0));
}

/// spec 158: deleting conflicts asks their store, and what is left is counted.
#[test]
fn deleting_asks_the_store() {
    for shape in [HANDLER, ITEMS] {
        let keeper = Keeper::new("k", shape);
        keeper.things().conflicts = three();
        let world = World::new(&[&keeper]);
        world.update_conflicts("k", None);
        let delete = || {
            let ids = vec![ConflictId::new(*b"a")];
            Control::RemoveConflicts(id("k"), Some(item_id("one")), ids)
        };
        keeper.things().refuses_removal = true;
        let Answer::Refused(refusal) = world.handle.control(delete()).unwrap() else {
            panic!("it was to be refused");
        };
        assert_eq!(refusal.trouble, no("it is needed"));
        assert_eq!(world.n_conflicts("k", Some("one")), 1);
        keeper.things().refuses_removal = false;
        world.done(delete());
        world.update_conflicts("k", Some("one"));
        assert_eq!(world.n_conflicts("k", Some("one")), 0);
        assert_eq!(world.n_conflicts("k", Some("two")), 1);
        assert_eq!(keeper.take_log().len(), 2);
    }
}

/// spec 135, 138, 139, 140, 161: conflicts of several handlers are one list, and the address of each
/// leads back to it.
#[test]
fn one_list_of_all_handlers() {
    let (a, b) = (Keeper::new("a", HANDLER), Keeper::new("b", ITEMS));
    a.things().conflicts = three();
    b.things().conflicts = three();
    let world = World::new(&[&a, &b]);
    let handlers = ["a", "b", "gone"].map(|handler| {
        let items = match handler {
            "gone" => Vec::new(),
            known => world.items(known),
        };
        (id(handler), items)
    });
    let listing = world.host.list_conflicts(&handlers);
    let addresses: Vec<_> = listing
        .cards
        .iter()
        .map(|card| card.address.to_string())
        .collect();
    assert_eq!(
        addresses,
        [
            "conflict://a/-/c",
            "conflict://a/one/a",
            "conflict://a/two/b",
            "conflict://b/one/a",
            "conflict://b/two/b",
        ]
    );
    assert_eq!(listing.silent.len(), 1, "{:?}", listing.silent);
    for card in &listing.cards {
        let address = Address::parse(&card.address.to_string()).unwrap();
        let items = world.items(address.handler.as_str());
        // With what its card had beside the id, and without.
        for extra in [card.extra.clone(), None] {
            let view = world.host.bind_conflict(&address, extra, &items).unwrap();
            assert_eq!(view.card(&address.handler), *card);
            assert_eq!(view.property(KEY_NAME), Property::Text(card.name.clone()));
            assert_eq!(view.property("System.Nothing"), Property::Empty);
        }
    }
    let gone = Address::parse("conflict://b/one/zzz").unwrap();
    assert!(
        world
            .host
            .bind_conflict(&gone, None, &world.items("b"))
            .is_err()
    );
}
