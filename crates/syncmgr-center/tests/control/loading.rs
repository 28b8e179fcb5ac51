//! Updates: what is read again, and who waits for it.

use syncmgr_center::command::{Control, Shown};
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::hresult::Hresult;

use crate::world::{NOWAIT, WAIT, With as _, World, h, handler, item, k};

/// spec 163: `UpdateHandler` rereads properties and items: new items appear, old ones go, and a
/// list that could not be made says nothing.
#[test]
fn a_handler_is_read_again() {
    let mut world = World::new([handler("x", &["a", "b"])]);
    world.reread(handler("x", &["b", "c"]).with(|f| f.name = Ok("Newer".to_owned())));
    assert_eq!(
        world.state.handler(&h("x")).expect("x").memory.name,
        "Newer"
    );
    assert_eq!(world.shown_items(true), "x/b x/c");
    world.reread(handler("x", &[]).with(|f| f.items = Err(Hresult::Failed)));
    assert_eq!(world.shown_items(true), "x/b x/c");
    assert!(world.syncs("x/b"));
}

/// spec 61, 165: without `WAIT` the answer comes at once, with it when the reading that was asked
/// for is done; an earlier one does not count.
#[test]
fn waiting_for_a_handler() {
    let mut world = World::new([handler("x", &["a"])]);
    world.answers = false;
    assert_eq!(
        world.ask(Control::UpdateHandler(h("x"), NOWAIT)),
        ["load x", "done"]
    );
    assert_eq!(world.ask(Control::UpdateHandler(h("x"), WAIT)), ["load x"]);
    let second = world.unread.split_off(1);
    assert!(world.read_all().is_empty());
    world.unread = second;
    assert_eq!(world.read_all(), ["done"]);
    world.answers = false;
    assert_eq!(
        world.ask(Control::UpdateItem(k("x/a"), NOWAIT)),
        ["load x/a", "done"]
    );
    assert_eq!(world.ask(Control::UpdateItem(k("x/a"), WAIT)), ["load x/a"]);
    assert_eq!(world.read_all(), ["done"]);
}

/// spec 165: who waits for a collection waits until all its handlers are read.
#[test]
fn waiting_for_a_collection() {
    let mut world = World::new([]);
    world.set(handler("p1", &["a"]));
    world.set(handler("p2", &["b"]));
    world
        .collections
        .insert("c".to_owned(), vec![h("p1"), h("p2")]);
    world.answers = false;
    assert_eq!(
        world.ask(Control::UpdateCollection("c".to_owned(), WAIT)),
        ["collection c"]
    );
    // Only the list comes; then its two handlers are still to be read.
    world.tell(syncmgr_center::command::Command::CollectionLoaded(
        "c".to_owned(),
        Ok(vec![h("p1"), h("p2")]),
    ));
    world.unread.remove(0);
    let second = world.unread.split_off(1);
    assert!(world.read_all().is_empty());
    world.unread = second;
    assert_eq!(world.read_all(), ["done"]);
    assert_eq!(world.shown_items(true), "p1/a p2/b");
}

/// spec 165: who waits for a handler that cannot be read is told so; it stays as it was.
#[test]
fn waiting_for_a_silent_handler() {
    let mut world = World::new([handler("x", &["a"])]);
    world.facts.clear();
    let said = world.ask(Control::UpdateHandler(h("x"), WAIT));
    assert_eq!(said, ["load x", "refused invalid-argument"]);
    assert!(world.state.handler(&h("x")).expect("x").is_silent);
    assert_eq!(world.shown_items(true), "x/a");
}

/// spec 130, 156, 166: updates of events and conflicts are taken with and without an item.
#[test]
fn updates_of_stores() {
    let mut world = World::new([handler("x", &["a"])]);
    for item in [None, Some(k("x/a").item)] {
        let events = Control::UpdateEvents(h("x"), item.clone(), WAIT);
        assert_eq!(world.ask(events), ["done"]);
        let conflicts = Control::UpdateConflicts(h("x"), item, WAIT);
        assert_eq!(world.ask(conflicts), ["done"]);
    }
}

/// spec 166: ids nobody knows are refused, in every call.
#[test]
fn unknown_ids_are_refused() {
    let mut world = World::new([handler("x", &["a"])]);
    let (nobody, nothing) = (h("nobody"), k("x/nothing"));
    let flags = ControlFlags::WAIT;
    for control in [
        Control::UpdateHandler(nobody.clone(), flags),
        Control::UpdateItem(k("nobody/a"), flags),
        Control::UpdateItem(nothing.clone(), flags),
        Control::UpdateEvents(nobody.clone(), None, flags),
        Control::UpdateEvents(h("x"), Some(nothing.item.clone()), flags),
        Control::UpdateConflicts(nobody.clone(), None, flags),
        Control::Activate(true, nobody.clone(), flags),
        Control::EnableHandler(true, nobody.clone(), flags),
        Control::EnableItem(true, nothing.clone(), flags),
        Control::Delete(nothing.clone(), flags),
        Control::Hide(true, nobody.clone(), None),
        Control::Hide(true, h("x"), Some(nothing.item.clone())),
        Control::Show(nobody, None, Shown::Content),
        Control::Show(h("x"), Some(nothing.item), Shown::Content),
    ] {
        assert_eq!(
            world.ask(control.clone()),
            ["refused invalid-argument"],
            "{control:?}"
        );
    }
    for flags in [WAIT, NOWAIT] {
        let said = world.ask(Control::UpdateCollection("nothing".to_owned(), flags));
        assert_eq!(said, ["collection nothing", "refused invalid-argument"]);
    }
}

/// spec 164: an item that appears between two readings is taken when it is asked for.
#[test]
fn an_item_comes_back() {
    let mut world = World::new([handler("x", &["a", "b"])]);
    world.reread(handler("x", &["a"]));
    assert_eq!(
        world.ask(Control::UpdateItem(k("x/b"), WAIT)),
        ["refused invalid-argument"]
    );
    world.reread(handler("x", &[]).with(|f| f.items = Ok(vec![item("a"), item("b")])));
    assert_eq!(world.shown_items(true), "x/a x/b");
}
