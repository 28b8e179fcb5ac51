//! What is hidden.

use syncmgr_center::command::Control;
use syncmgr_center::state::List;
use syncmgr_model::capability::{HandlerPolicies, ItemCapabilities, ItemPolicies};
use syncmgr_model::facts::HandlerFacts;
use syncmgr_model::property::Value;

use crate::world::{With as _, World, forbids, h, handler, k, with_item};

fn hidden_item() -> HandlerFacts {
    with_item(
        "x",
        ItemCapabilities::empty(),
        ItemPolicies::HIDDEN_BY_DEFAULT,
    )
}

fn hidden_handler() -> HandlerFacts {
    forbids(handler("y", &["a"]), HandlerPolicies::HIDDEN_BY_DEFAULT)
}

/// spec 41, 42, 43: the policy hides at the first load only; what a person chose is kept, also over
/// a restart, and wins; hidden ones are listed on request.
#[test]
fn the_policy_hides_once() {
    let mut world = World::new([hidden_item(), hidden_handler(), handler("z", &["a"])]);
    assert_eq!(world.shown_items(false), "z/a");
    assert_eq!(world.shown_items(true), "x/a y/a z/a");
    let n_handlers = |world: &World, all| world.state.shown_handlers(List::Main, all).count();
    assert_eq!(
        (n_handlers(&world, false), n_handlers(&world, true)),
        (2, 3)
    );

    world.ask(Control::Hide(false, h("x"), Some(k("x/a").item)));
    world.ask(Control::Hide(false, h("y"), None));
    world.ask(Control::Hide(true, h("z"), None));
    world.reread(hidden_item());
    world.reread(hidden_handler());
    assert_eq!(world.shown_items(false), "x/a y/a");
    let facts = vec![hidden_item(), hidden_handler(), handler("z", &["a"])];
    let mut world = world.restart(facts, &["x", "y", "z"]);
    assert_eq!(world.shown_items(false), "x/a y/a");
    assert_eq!(world.property("z", "System.Sync.Hidden"), Value::Flag(true));

    // A policy that comes later hides nothing any more.
    let late = handler("z", &["a"]).with(|f| {
        f.policies = Ok(HandlerPolicies::HIDDEN_BY_DEFAULT.bits());
    });
    world.ask(Control::Hide(false, h("z"), None));
    world.reread(late);
    assert_eq!(world.shown_items(false), "x/a y/a z/a");
}

/// spec 44: hidden handlers and items sync like all others.
#[test]
fn what_is_hidden_syncs() {
    let mut world = World::new([hidden_item(), hidden_handler()]);
    assert!(world.syncs("x/a") && world.syncs("y/a"));
}
