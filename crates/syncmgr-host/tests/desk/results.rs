//! Results of sessions and of stores, in one list.

use syncmgr_center::command::Control;
use syncmgr_center::port::EventQuery;
use syncmgr_model::event::EventLevel;
use syncmgr_model::id::EventId;
use syncmgr_model::progress::ProgressStatus;

use crate::keeper::{Keeper, Shape};
use crate::world::{World, id, item_id};

const NONE: Shape = Shape {
    of_handler: (false, false),
    of_items: (false, false),
};
const HANDLER: Shape = Shape {
    of_handler: (true, false),
    ..NONE
};
const ITEMS: Shape = Shape {
    of_items: (true, false),
    ..NONE
};

/// spec 122, 123: what a handler reports is stored with all it said, under a new id each time; with
/// or without an item.
#[test]
fn reported_events_are_stored() {
    let keeper = Keeper::new("k", NONE);
    let world = World::new(&[&keeper]);
    keeper.things().reports = vec![
        (Some("one"), EventLevel::Information),
        (None, EventLevel::Warning),
    ];
    let outcome = world.sync("k", &["one"]);
    let ids: Vec<_> = outcome.events.iter().map(|event| event.id).collect();
    assert!(ids[0] < ids[1]);
    let shown = world.results(EventQuery::default());
    let brief: Vec<_> = shown
        .iter()
        .map(|view| {
            (
                view.event.id,
                view.event.item.clone(),
                view.event.trouble.level,
            )
        })
        .collect();
    assert_eq!(
        brief,
        [
            (ids[1], None, EventLevel::Warning),
            (ids[0], Some(item_id("one")), EventLevel::Information),
        ]
    );
    let of_item = world.results(EventQuery {
        item: Some(item_id("one")),
        ..EventQuery::default()
    });
    assert_eq!(of_item.len(), 1);
    assert_eq!(of_item[0].event.trouble.param("description"), "description");
    let again = world.sync("k", &["one"]);
    assert!(again.events[0].id > ids[1]);
}

/// spec 126, 189: at the next sync older results are past; they stay in the list, and can be deleted.
#[test]
fn older_results_are_past_after_the_next_sync() {
    let keeper = Keeper::new("k", NONE);
    let world = World::new(&[&keeper]);
    keeper.things().reports = vec![(Some("one"), EventLevel::Error), (None, EventLevel::Error)];
    world.sync("k", &["one"]);
    assert_eq!(world.n_errors("k", None), 2);
    keeper.things().reports.clear();

    // Another item says nothing about this one.
    world.sync("k", &["two"]);
    assert_eq!(world.n_errors("k", Some("one")), 1);
    assert_eq!(world.n_errors("k", None), 1);

    // A run that was stopped has not looked at everything.
    keeper.things().ends = Some(ProgressStatus::Canceled);
    world.sync("k", &["one"]);
    assert_eq!(world.n_errors("k", None), 1);

    keeper.things().ends = None;
    world.sync("k", &["one"]);
    assert_eq!(world.n_errors("k", None), 0);
    let shown = world.results(EventQuery::default());
    assert_eq!(shown.len(), 2);
    assert!(shown.iter().all(|view| !view.is_current && !view.is_own));

    let gone = shown.iter().map(|view| view.event.id).collect();
    world.done(Control::RemoveEvents(id("k"), gone));
    assert!(world.results(EventQuery::default()).is_empty());
}

/// spec 127: an extension: results of sessions survive a restart, and those of items still count.
#[test]
fn results_survive_a_restart() {
    let keeper = Keeper::new("k", NONE);
    let world = World::new(&[&keeper]);
    keeper.things().reports = vec![
        (Some("one"), EventLevel::Error),
        (Some("one"), EventLevel::Warning),
    ];
    world.sync("k", &["one"]);
    let world = world.again(&[&keeper]);
    assert_eq!(world.n_errors("k", Some("one")), 1);
    let shown = world.results(EventQuery::default());
    assert_eq!(shown.len(), 2);
    assert!(shown.iter().all(|view| view.is_current));
    keeper.things().reports.clear();
    world.sync("k", &["one"]);
    assert_eq!(world.n_errors("k", None), 0);
    assert!(
        world
            .results(EventQuery::default())
            .iter()
            .all(|view| !view.is_current)
    );
}

/// spec 128, 130, 131: the events of a handler's store stand among those of sessions, under ids that
/// are never the same, and are read anew when the handler says so.
#[test]
fn a_store_of_the_handler_is_merged() {
    let keeper = Keeper::new("k", HANDLER);
    let world = World::new(&[&keeper]);
    keeper.things().reports = vec![(Some("one"), EventLevel::Error)];
    world.sync("k", &["one"]);
    // Id 1 is that of the center's own event, too.
    keeper.keep_event(1, Some("two"), EventLevel::Error);
    keeper.keep_event(2, None, EventLevel::Error);
    keeper.keep_event(3, None, EventLevel::Warning);
    keeper.keep_event(1 << 52, None, EventLevel::Error);
    assert_eq!(world.n_errors("k", None), 1);
    world.update_events("k", None);
    assert_eq!(world.n_errors("k", None), 3);
    assert_eq!(world.n_errors("k", Some("two")), 1);
    let shown = world.results(EventQuery::default());
    let own = |is_own: bool| shown.iter().filter(move |view| view.is_own == is_own);
    assert_eq!(own(true).count(), 3);
    assert_eq!(own(false).count(), 1);
    assert!(own(true).all(|view| view.is_current));
    let kept: Vec<_> = own(true)
        .map(|view| view.event.id.in_store().unwrap().0)
        .collect();
    assert_eq!(kept, [3, 2, 1], "newest first");
    let of_two = world.results(EventQuery {
        item: Some(item_id("two")),
        level: EventLevel::Error.number(),
        ..EventQuery::default()
    });
    assert_eq!(of_two.len(), 1);
    let id = of_two[0].event.id;
    let bound = world.look(move |state| {
        let found = state.listed_event(&crate::world::id("k"), id);
        found.map(|event| event.context.clone())
    });
    assert_eq!(bound, Some(Some("mine".to_owned())));
}

/// spec 128, 130: the store of an item holds that item's events only; the item may be named.
#[test]
fn a_store_of_an_item_is_its_own() {
    let keeper = Keeper::new("k", ITEMS);
    let world = World::new(&[&keeper]);
    keeper.keep_event(1, Some("one"), EventLevel::Error);
    keeper.keep_event(2, Some("two"), EventLevel::Error);
    keeper.keep_event(3, None, EventLevel::Error);
    world.update_events("k", Some("one"));
    assert_eq!(world.n_errors("k", Some("one")), 1);
    assert_eq!(world.n_errors("k", Some("two")), 0);
    world.update_events("k", None);
    assert_eq!(world.n_errors("k", Some("two")), 1);
    assert_eq!(world.n_errors("k", None), 2);
}

/// spec 128: what both the handler's store and the item's list is shown and counted once.
#[test]
fn two_stores_with_the_same_event_show_it_once() {
    let keeper = Keeper::new(
        "k",
        Shape {
            of_handler: (true, false),
            of_items: (true, false),
        },
    );
    let world = World::new(&[&keeper]);
    keeper.keep_event(1, Some("one"), EventLevel::Error);
    world.update_events("k", None);
    assert_eq!(world.n_errors("k", None), 1);
    assert_eq!(world.results(EventQuery::default()).len(), 1);
}

/// spec 129: when the handler is synced its store is asked to remove what is about those items and
/// about the handler; what it does not remove stays.
#[test]
fn a_store_is_asked_to_remove_at_the_next_sync() {
    let keeper = Keeper::new("k", HANDLER);
    keeper.keep_event(1, Some("one"), EventLevel::Error);
    keeper.keep_event(2, Some("two"), EventLevel::Error);
    keeper.keep_event(3, None, EventLevel::Error);
    let world = World::new(&[&keeper]);
    world.update_events("k", None);
    keeper.things().refuses_removal = true;
    world.sync("k", &["one"]);
    world.update_events("k", None);
    assert_eq!(world.n_errors("k", None), 3);
    keeper.things().refuses_removal = false;
    keeper.take_log();
    world.sync("k", &["one"]);
    world.update_events("k", None);
    assert_eq!(keeper.take_log(), ["remove events [1, 3]"]);
    assert_eq!(world.n_errors("k", None), 1);
    assert_eq!(world.n_errors("k", Some("two")), 1);
}

/// spec 131, 189: deleting results asks their store; each goes to the one it is in.
#[test]
fn deleting_asks_the_store() {
    for shape in [HANDLER, ITEMS] {
        let keeper = Keeper::new("k", shape);
        keeper.keep_event(1, Some("one"), EventLevel::Error);
        keeper.keep_event(2, Some("two"), EventLevel::Error);
        let world = World::new(&[&keeper]);
        keeper.things().reports = vec![(Some("one"), EventLevel::Error)];
        world.sync("k", &["one"]);
        keeper.things().events.clear();
        keeper.keep_event(1, Some("one"), EventLevel::Error);
        keeper.keep_event(2, Some("two"), EventLevel::Error);
        world.update_events("k", None);
        keeper.take_log();
        assert_eq!(world.n_errors("k", None), 3);
        let own = EventId(1).of_store().unwrap();
        world.done(Control::RemoveEvents(id("k"), vec![own]));
        // The handler is asked for one thing after the other.
        world.update_events("k", None);
        assert_eq!(keeper.take_log(), ["remove events [1]"]);
        assert_eq!(world.n_errors("k", None), 2);
        assert_eq!(world.n_errors("k", Some("one")), 1);
        // The one of the session goes by its own id, and the store is not asked.
        world.done(Control::RemoveEvents(id("k"), vec![EventId(1)]));
        world.update_events("k", None);
        assert!(keeper.take_log().is_empty());
        assert_eq!(world.n_errors("k", Some("one")), 0);
        assert_eq!(world.n_errors("k", None), 1);
    }
}
