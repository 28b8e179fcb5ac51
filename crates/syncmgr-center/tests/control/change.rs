//! Setting up, turning on and off, removing.

use syncmgr_center::command::Control;
use syncmgr_center::state::List;
use syncmgr_model::capability::{
    ControlFlags, HandlerCapabilities as Can, HandlerPolicies as Forbids, ItemCapabilities,
    ItemPolicies,
};
use syncmgr_model::facts::HandlerFacts;
use syncmgr_model::hresult::Hresult;

use crate::world::{NOWAIT, WAIT, With as _, World, can, forbids, h, handler, info, k, with_item};

/// A handler whose states the center keeps.
fn plain() -> HandlerFacts {
    handler("x", &["a"]).with(|f| info(f).is_active = Err(Hresult::NotImplemented))
}

fn lists(world: &World) -> (usize, usize) {
    let n = |list| world.state.shown_handlers(list, true).count();
    (n(List::Main), n(List::Setup))
}

/// spec 55, 56: setting up calls `Activate` and moves the handler to the main list; taking down
/// moves it back.
#[test]
fn set_up_and_taken_down() {
    let mut world = World::new([plain()]);
    assert_eq!(lists(&world), (0, 1));
    assert_eq!(
        world.ask(Control::Activate(true, h("x"), WAIT)),
        ["tell x activate"]
    );
    assert_eq!(lists(&world), (0, 1));
    assert_eq!(world.told("tell x activate", Ok(())), ["load x", "done"]);
    assert_eq!(lists(&world), (1, 0));
    assert_eq!(
        world.ask(Control::Activate(false, h("x"), WAIT)),
        ["tell x deactivate"]
    );
    world.told("tell x deactivate", Ok(()));
    assert_eq!(lists(&world), (0, 1));
}

/// spec 55: a handler that keeps the state itself has the last word.
#[test]
fn the_handler_has_the_last_word() {
    let mut world = World::new([plain().with(|f| info(f).is_active = Ok(false))]);
    world.ask(Control::Activate(true, h("x"), WAIT));
    world.told("tell x activate", Ok(()));
    assert_eq!(lists(&world), (0, 1));
}

/// spec 60: `E_NOTIMPL` from a change counts as done; another error leaves the state.
#[test]
fn nothing_to_do_is_done() {
    let mut world = World::new([handler("x", &["a"])]);
    world.ask(Control::EnableHandler(false, h("x"), WAIT));
    let said = world.told("tell x disable", Err(Hresult::NotImplemented));
    assert_eq!(said, ["load x", "done"]);
    assert!(!world.state.handler(&h("x")).expect("x").memory.is_enabled);
    world.ask(Control::EnableItem(false, k("x/a"), WAIT));
    let said = world.told("tell x/a disable", Err(Hresult::NotImplemented));
    assert_eq!(said, ["load x/a", "done"]);
    assert!(!world.item("x/a").memory.is_enabled);
    world.ask(Control::EnableItem(true, k("x/a"), WAIT));
    let said = world.told("tell x/a enable", Err(Hresult::Failed));
    assert_eq!(said, ["refused failed"]);
    assert!(!world.item("x/a").memory.is_enabled);
}

/// spec 45, 46, 47, 51: what a policy takes away or greys is refused to programs too, and the
/// handler hears nothing of it.
#[test]
fn policies_hold_for_programs() {
    let activate = |on| Control::Activate(on, h("x"), NOWAIT);
    let enable = |on| Control::EnableHandler(on, h("x"), NOWAIT);
    let enable_item = |on| Control::EnableItem(on, k("x/a"), NOWAIT);
    let of_handler = |bits| forbids(handler("x", &["a"]), bits);
    let of_item = |bits| with_item("x", ItemCapabilities::all(), bits);
    let table = [
        (of_handler(Forbids::PREVENT_ACTIVATE), activate(true)),
        (of_handler(Forbids::PREVENT_DEACTIVATE), activate(false)),
        (of_handler(Forbids::PREVENT_ENABLE), enable(true)),
        (of_handler(Forbids::PREVENT_DISABLE), enable(false)),
        (of_handler(Forbids::DISABLE_ENABLE), enable(true)),
        (of_handler(Forbids::DISABLE_DISABLE), enable(false)),
        (of_item(ItemPolicies::PREVENT_ENABLE), enable_item(true)),
        (of_item(ItemPolicies::PREVENT_DISABLE), enable_item(false)),
        (of_item(ItemPolicies::DISABLE_ENABLE), enable_item(true)),
        (of_item(ItemPolicies::DISABLE_DISABLE), enable_item(false)),
        (
            of_item(ItemPolicies::DISABLE_DELETE),
            Control::Delete(k("x/a"), NOWAIT),
        ),
    ];
    for (facts, control) in table {
        let mut world = World::new([facts]);
        assert_eq!(
            world.ask(control.clone()),
            ["refused access-denied"],
            "{control:?}"
        );
    }
}

/// spec 57, 58, 59: each question comes before its change; yes goes on, no and any error end it.
#[test]
fn questions_come_first() {
    let of_handler = |bit| can(handler("x", &["a"]), bit);
    let of_item = |bit| {
        with_item(
            "x",
            ItemCapabilities::CAN_DELETE | bit,
            ItemPolicies::empty(),
        )
    };
    let activate = |on| Control::Activate(on, h("x"), WAIT);
    let enable = |on| Control::EnableHandler(on, h("x"), WAIT);
    let enable_item = |on| Control::EnableItem(on, k("x/a"), WAIT);
    let delete = Control::Delete(k("x/a"), WAIT);
    type Item = ItemCapabilities;
    let table = [
        (
            of_handler(Can::QUERY_BEFORE_ACTIVATE),
            activate(true),
            "x",
            "activate",
        ),
        (
            of_handler(Can::QUERY_BEFORE_DEACTIVATE),
            activate(false),
            "x",
            "deactivate",
        ),
        (
            of_handler(Can::QUERY_BEFORE_ENABLE),
            enable(true),
            "x",
            "enable",
        ),
        (
            of_handler(Can::QUERY_BEFORE_DISABLE),
            enable(false),
            "x",
            "disable",
        ),
        (
            of_item(Item::QUERY_BEFORE_ENABLE),
            enable_item(true),
            "x/a",
            "enable",
        ),
        (
            of_item(Item::QUERY_BEFORE_DISABLE),
            enable_item(false),
            "x/a",
            "disable",
        ),
        (of_item(Item::QUERY_BEFORE_DELETE), delete, "x/a", "delete"),
    ];
    for (facts, control, subject, change) in table {
        let mut world = World::new([facts]);
        let question = format!("show {subject} before-{change}");
        let told = format!("tell {subject} {change}");
        assert_eq!(world.ask(control.clone()).join(", "), question);
        assert_eq!(world.shown(&question, Ok(false)), ["declined"]);
        world.ask(control.clone());
        assert_eq!(world.shown(&question, Err(Hresult::Failed)), ["declined"]);
        world.ask(control.clone());
        assert_eq!(world.shown(&question, Ok(true)).join(", "), told);
        assert_eq!(world.told(&told, Ok(())).last().expect("an answer"), "done");
        // The other direction asks nothing.
        let plain = world.ask(match control {
            Control::Activate(on, h, f) => Control::Activate(!on, h, f),
            Control::EnableHandler(on, h, f) => Control::EnableHandler(!on, h, f),
            Control::EnableItem(on, k, f) => Control::EnableItem(!on, k, f),
            _ => continue,
        });
        assert!(plain[0].starts_with("tell "), "{plain:?}");
    }
}

/// spec 61: `WAIT` answers when it is done, otherwise at once; `NO_UI` leaves the question out.
#[test]
fn waiting_and_asking() {
    let facts = can(handler("x", &["a"]), Can::QUERY_BEFORE_DISABLE);
    let mut world = World::new([facts]);
    let disable = |flags| Control::EnableHandler(false, h("x"), flags);
    assert_eq!(
        world.ask(disable(NOWAIT)),
        ["show x before-disable", "done"]
    );
    assert!(world.shown("show x before-disable", Ok(false)).is_empty());
    assert_eq!(
        world.ask(disable(ControlFlags::NO_UI | WAIT)),
        ["tell x disable"]
    );
    assert_eq!(world.told("tell x disable", Ok(())), ["load x", "done"]);
}

/// spec 62: flags nobody defined are refused, in every call that has any.
#[test]
fn unknown_flags_are_refused() {
    use syncmgr_center::command::{Scope, StartOptions};
    use syncmgr_model::capability::SyncControlFlags;
    let bad = ControlFlags::from_bits_retain(4);
    let mut world = World::new([handler("x", &["a"])]);
    let options = StartOptions {
        flags: SyncControlFlags::from_bits_retain(2),
        ..StartOptions::default()
    };
    for control in [
        Control::Register(h("x"), bad),
        Control::UpdateCollection("c".to_owned(), bad),
        Control::UpdateHandler(h("x"), bad),
        Control::UpdateItem(k("x/a"), bad),
        Control::UpdateEvents(h("x"), None, bad),
        Control::UpdateConflicts(h("x"), None, bad),
        Control::Activate(true, h("x"), bad),
        Control::EnableHandler(true, h("x"), bad),
        Control::EnableItem(true, k("x/a"), bad),
        Control::Delete(k("x/a"), bad),
        Control::Start(Scope::All, Box::new(options.clone())),
        Control::Start(Scope::Handler(h("x")), Box::new(options)),
    ] {
        assert_eq!(
            world.ask(control.clone()),
            ["refused invalid-argument"],
            "{control:?}"
        );
    }
}

/// spec 40, 53: an item is removed only when it can be; `E_NOTIMPL` counts as done, and it is gone.
#[test]
fn removing_an_item() {
    let mut world = World::new([handler("x", &["a"])]);
    let delete = || Control::Delete(k("x/a"), WAIT);
    assert_eq!(world.ask(delete()), ["refused not-implemented"]);
    world.reread(with_item(
        "x",
        ItemCapabilities::CAN_DELETE,
        ItemPolicies::empty(),
    ));
    world.ask(delete());
    assert_eq!(
        world.told("tell x/a delete", Err(Hresult::Failed)),
        ["refused failed"]
    );
    assert_eq!(world.shown_items(true), "x/a");
    world.ask(delete());
    assert_eq!(
        world.told("tell x/a delete", Err(Hresult::NotImplemented)),
        ["done"]
    );
    assert_eq!(world.shown_items(true), "");
    assert!(world.items.is_empty());
}

/// spec 40: an item is not removed under a session that works on it.
#[test]
fn what_runs_is_not_removed() {
    let facts = with_item("x", ItemCapabilities::CAN_DELETE, ItemPolicies::empty());
    let mut world = World::new([facts]);
    assert!(world.syncs("x/a"));
    assert_eq!(
        world.ask(Control::Delete(k("x/a"), WAIT)),
        ["refused access-denied"]
    );
}

/// spec 63: asking a second time for a question that is open brings it to the front.
#[test]
fn a_question_is_asked_once() {
    let facts = can(handler("x", &["a"]), Can::QUERY_BEFORE_DISABLE);
    let mut world = World::new([facts]);
    let disable = || Control::EnableHandler(false, h("x"), WAIT);
    world.ask(disable());
    assert_eq!(
        world.ask(disable()),
        ["raise: show x before-disable", "raised"]
    );
    assert_eq!(
        world.shown("show x before-disable", Ok(true)),
        ["tell x disable"]
    );
}
