//! Handlers and collections come and go.

use syncmgr_center::command::{Control, Scope};
use syncmgr_center::state::List;
use syncmgr_model::event::EventLevel;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::trouble::Code;

use crate::world::{NOWAIT, WAIT, With as _, World, h, handler, info, k, start};

fn listed(world: &World) -> String {
    let ids: Vec<_> = world
        .state
        .shown_handlers(List::Main, true)
        .map(ToString::to_string)
        .collect();
    ids.join(" ")
}

/// spec 1, 10: a handler registered at run time is there, and still there after a restart;
/// unregistering removes it for good, though the host still offers it.
#[test]
fn registration_lasts() {
    let mut world = World::new([handler("x", &[])]);
    world.set(handler("y", &["a"]));
    assert_eq!(
        world.ask(Control::Register(h("y"), WAIT)),
        ["load y", "done"]
    );
    assert_eq!(listed(&world), "x y");
    let facts = vec![handler("x", &[]), handler("y", &["a"])];
    let mut world = world.restart(facts.clone(), &["x"]);
    assert_eq!(listed(&world), "x y");

    assert_eq!(world.ask(Control::Unregister(h("y"))), ["done"]);
    assert_eq!(world.ask(Control::Unregister(h("x"))), ["done"]);
    assert_eq!(listed(&world), "");
    assert_eq!(world.shown_items(true), "");
    assert!(!world.syncs("y/a"));
    let mut world = world.restart(facts, &["x", "y"]);
    assert_eq!(listed(&world), "");
    // Registering it again brings it back.
    world.ask(Control::Register(h("y"), WAIT));
    assert_eq!(world.shown_items(true), "y/a");
}

/// spec 1, 166: registering what does not exist, and unregistering what is not known, are errors.
#[test]
fn only_what_exists_is_registered() {
    let mut world = World::new([]);
    let said = world.ask(Control::Register(h("nobody"), WAIT));
    assert_eq!(said, ["load nobody", "refused invalid-argument"]);
    assert!(world.state.handler(&h("nobody")).is_none());
    assert!(world.handlers.is_empty());
    let said = world.ask(Control::Unregister(h("nobody")));
    assert_eq!(said, ["refused invalid-argument"]);
}

/// spec 1: unregistering asks the sessions of the handler to stop.
#[test]
fn unregistering_stops_what_runs() {
    let mut world = World::new([handler("x", &["a"])]);
    assert!(world.syncs("x/a"));
    assert_eq!(world.ask(Control::Unregister(h("x"))), ["cancel", "done"]);
}

/// spec 2, 162: a collection brings its handlers; when it is read again, new ones appear and
/// vanished ones go; one that comes back is as it was.
#[test]
fn a_collection_brings_its_handlers() {
    let mut world = World::new([]);
    for id in ["p1", "p2", "p3"] {
        world.set(handler(id, &["a"]));
    }
    let update = || Control::UpdateCollection("phones".to_owned(), WAIT);
    world
        .collections
        .insert("phones".to_owned(), vec![h("p1"), h("p2")]);
    world.ask(update());
    assert_eq!(listed(&world), "p1 p2");
    world.ask(Control::Hide(true, h("p1"), None));

    world
        .collections
        .insert("phones".to_owned(), vec![h("p2"), h("p3")]);
    world.ask(update());
    assert_eq!(listed(&world), "p2 p3");
    assert_eq!(world.shown_items(true), "p2/a p3/a");

    world.collections.insert("phones".to_owned(), vec![h("p1")]);
    world.ask(update());
    assert_eq!(listed(&world), "p1");
    assert_eq!(world.shown_items(false), "");
    // It belongs to the collection, not to the person.
    assert_eq!(
        world.ask(Control::Unregister(h("p1"))),
        ["refused access-denied"]
    );
}

/// spec 3: a handler of a collection is bound by its remembered id before the collection is listed.
#[test]
fn a_remembered_handler_needs_no_listing() {
    let mut world = World::new([]);
    world.set(handler("p1", &["a"]));
    world.collections.insert("phones".to_owned(), vec![h("p1")]);
    world.ask(Control::UpdateCollection("phones".to_owned(), WAIT));
    let mut world = world.restart(vec![handler("p1", &["a"])], &[]);
    assert!(world.collections.is_empty());
    assert!(world.syncs("p1/a"));
}

/// spec 2: a collection that cannot be listed takes nothing away.
#[test]
fn not_to_know_is_not_to_be_gone() {
    let mut world = World::new([]);
    world.set(handler("p1", &["a"]));
    world.collections.insert("phones".to_owned(), vec![h("p1")]);
    world.ask(Control::UpdateCollection("phones".to_owned(), WAIT));
    world.collections.clear();
    let said = world.ask(Control::UpdateCollection("phones".to_owned(), WAIT));
    assert_eq!(said, ["collection phones", "refused invalid-argument"]);
    assert_eq!(listed(&world), "p1");
}

/// spec 6: a handler listed a second time stays with the first; a warning says so, once.
#[test]
fn the_first_to_list_a_handler_keeps_it() {
    let mut world = World::begin(
        vec![handler("x", &[])],
        vec![h("x"), h("x")],
        Default::default(),
    );
    assert_eq!(world.events.len(), 1);
    world.set(handler("p1", &[]));
    for id in ["one", "two"] {
        world
            .collections
            .insert(id.to_owned(), vec![h("p1"), h("x")]);
    }
    for id in ["one", "two", "two"] {
        world.ask(Control::UpdateCollection(id.to_owned(), WAIT));
    }
    let view = world.state.handler(&h("p1")).expect("it is there");
    assert_eq!(view.memory.collection.as_deref(), Some("one"));
    let view = world.state.handler(&h("x")).expect("it is there");
    assert_eq!(view.memory.collection, None);
    let said: Vec<_> = world.events.iter().skip(1).collect();
    // `x` in both collections, `p1` in the second.
    assert_eq!(said.len(), 3);
    assert!(
        said.iter()
            .all(|event| event.trouble.code == Code::ProtocolFault)
    );
    assert!(
        said.iter()
            .all(|event| event.trouble.level == EventLevel::Warning)
    );
    // The second collection takes nothing away when it does not list it any more.
    world.collections.insert("two".to_owned(), Vec::new());
    world.ask(Control::UpdateCollection("two".to_owned(), NOWAIT));
    assert_eq!(listed(&world), "p1 x");
}

/// spec 10: handlers, items and what was set about them survive a restart, also while the handler
/// says nothing.
#[test]
fn the_state_survives_a_silent_start() {
    let kept = || {
        handler("x", &["a", "b"]).with(|f| {
            info(f).is_active = Err(Hresult::NotImplemented);
        })
    };
    let mut world = World::new([kept()]);
    for control in [
        Control::Activate(true, h("x"), NOWAIT),
        Control::EnableItem(false, k("x/a"), NOWAIT),
        Control::EnableHandler(false, h("x"), NOWAIT),
        Control::Hide(true, h("x"), Some(k("x/b").item)),
    ] {
        let said = world.ask(control);
        if let Some(told) = said.iter().find(|line| line.starts_with("tell")) {
            world.told(&told.clone(), Ok(()));
        }
    }
    let world = world.restart(Vec::new(), &["x"]);
    let view = world.state.handler(&h("x")).expect("it is known");
    assert!(view.is_silent && view.is_listed);
    assert!(view.memory.is_active && !view.memory.is_enabled);
    assert_eq!(world.shown_items(true), "x/a x/b");
    assert_eq!(world.shown_items(false), "x/a");
    assert!(!world.item("x/a").memory.is_enabled);
    assert_eq!(world.item("x/b").memory.name, "Item b");
}

/// spec 191: sync, sync all, stop and stop all are commands of the center.
#[test]
fn the_four_commands() {
    let mut world = World::new([handler("x", &["a", "b"]), handler("y", &["c"])]);
    let sync = world.ask(start(Scope::Handler(h("x"))));
    assert_eq!(sync, ["accepted", "run x a b"]);
    let sync_all = world.ask(start(Scope::All));
    assert!(sync_all.contains(&"run y c".to_owned()));
    let stop = world.ask(Control::Stop(Scope::Handler(h("y"))));
    assert!(stop.contains(&"cancel".to_owned()));
    let stop_all = world.ask(Control::Stop(Scope::All));
    assert!(stop_all.contains(&"cancel".to_owned()));
}
