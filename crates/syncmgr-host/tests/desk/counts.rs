//! What counts where.

use syncmgr_center::command::{Answer, Control, Scope};
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::event::EventLevel;

use crate::keeper::{Keeper, Shape};
use crate::world::{World, id, item_id};

const BOTH: Shape = Shape {
    of_handler: (true, true),
    of_items: (false, false),
};

/// spec 123, 125: errors count on the item, the handler and the whole; warnings nowhere.
#[test]
fn errors_count_everywhere_and_warnings_nowhere() {
    let (a, b) = (Keeper::new("a", BOTH), Keeper::new("b", BOTH));
    let world = World::new(&[&a, &b]);
    a.things().reports = vec![
        (Some("one"), EventLevel::Error),
        (Some("one"), EventLevel::Warning),
        (Some("one"), EventLevel::Information),
        (None, EventLevel::Error),
    ];
    b.things().reports = vec![(Some("two"), EventLevel::Error)];
    world.sync("a", &["one"]);
    world.sync("b", &["two"]);
    assert_eq!(world.n_errors("a", Some("one")), 1);
    assert_eq!(world.n_errors("a", Some("two")), 0);
    assert_eq!(world.n_errors("a", None), 2);
    assert_eq!(world.n_errors("b", None), 1);
    assert_eq!(world.look(|state| state.n_errors_everywhere()), 3);
}

/// What a person has seen counts no more; what comes later does.
#[test]
fn seen_errors_do_not_count() {
    let keeper = Keeper::new("k", BOTH);
    keeper.keep_event(1, Some("one"), EventLevel::Error);
    let world = World::new(&[&keeper]);
    world.update_events("k", None);
    keeper.things().reports = vec![(Some("two"), EventLevel::Error), (None, EventLevel::Error)];
    world.sync("k", &["two"]);
    keeper.things().events.clear();
    keeper.keep_event(1, Some("one"), EventLevel::Error);
    world.update_events("k", None);
    assert_eq!(world.n_errors("k", None), 3);
    world.done(Control::Seen(Scope::All));
    assert_eq!(world.n_errors("k", None), 0);
    world.update_events("k", None);
    assert_eq!(world.n_errors("k", None), 0);
    keeper.keep_event(2, Some("one"), EventLevel::Error);
    world.update_events("k", None);
    assert_eq!(world.n_errors("k", None), 1);
}

/// spec 130, 156: who names a handler, an item or flags that do not exist is refused.
#[test]
fn unknown_ones_are_refused() {
    let keeper = Keeper::new("k", BOTH);
    let world = World::new(&[&keeper]);
    let nothing = ControlFlags::empty();
    for control in [
        Control::UpdateEvents(id("x"), None, nothing),
        Control::UpdateEvents(id("k"), Some(item_id("x")), nothing),
        Control::UpdateConflicts(id("x"), None, nothing),
        Control::UpdateConflicts(id("k"), Some(item_id("x")), nothing),
        Control::UpdateEvents(id("k"), None, ControlFlags::from_bits_retain(0x100)),
        Control::RemoveConflicts(id("x"), None, Vec::new()),
        Control::RemoveEvents(id("x"), Vec::new()),
    ] {
        let answer = world.handle.control(control).unwrap();
        assert!(matches!(answer, Answer::Refused(_)), "{answer:?}");
    }
}
