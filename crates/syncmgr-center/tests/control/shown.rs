//! What is shown to people.

use syncmgr_center::command::{Control, Shown};
use syncmgr_model::capability::{
    HandlerCapabilities as Can, HandlerPolicies as Forbids, ItemCapabilities, ItemPolicies,
};
use syncmgr_model::event::{Event, Link};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::EventId;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use crate::world::{World, can, forbids, h, handler, k, with_item};

fn browse() -> Control {
    Control::Show(h("x"), None, Shown::Content)
}

fn browse_item() -> Control {
    Control::Show(h("x"), Some(k("x/a").item), Shown::Content)
}

fn schedule(item: Option<&str>) -> Control {
    Control::Show(h("x"), item.map(|item| k(item).item), Shown::Schedule)
}

fn event(reference: Option<&str>) -> Event {
    Event {
        id: EventId(5),
        handler: h("x"),
        item: None,
        session: None,
        at: Timestamp(1),
        trouble: Trouble::new(Code::HandlerSays),
        link: Link {
            text: Some("more".to_owned()),
            reference: reference.map(str::to_owned),
        },
        context: None,
    }
}

fn link(reference: Option<&str>) -> Control {
    Control::Show(h("x"), None, Shown::Link(Box::new(event(reference))))
}

/// spec 38, 65: the content of a handler or item is shown by it; answered when that begins. That it
/// offers none may be said in either of two ways.
#[test]
fn content_is_shown() {
    let mut facts = with_item(
        "x",
        ItemCapabilities::CAN_BROWSE_CONTENT,
        ItemPolicies::empty(),
    );
    facts.capabilities = Ok(Can::CAN_BROWSE_CONTENT.bits());
    let mut world = World::new([facts]);
    for (control, what) in [
        (browse(), "show x browse"),
        (browse_item(), "show x/a browse"),
    ] {
        assert_eq!(world.ask(control.clone()), [what]);
        assert_eq!(world.showing(what, None), ["done"]);
        assert!(world.shown(what, Ok(true)).is_empty());
        for code in [Hresult::NotImplemented, Hresult::InvalidArgument] {
            world.ask(control.clone());
            assert_eq!(world.shown(what, Err(code)), ["refused not-implemented"]);
        }
    }
}

/// spec 51, 52: no way to the content without the capability, or against a policy.
#[test]
fn content_that_cannot_be_shown() {
    let mut world = World::new([handler("x", &["a"])]);
    assert_eq!(world.ask(browse()), ["refused not-implemented"]);
    assert_eq!(world.ask(browse_item()), ["refused not-implemented"]);
    let greyed = forbids(
        can(handler("x", &[]), Can::CAN_BROWSE_CONTENT),
        Forbids::DISABLE_BROWSE,
    );
    assert_eq!(
        World::new([greyed]).ask(browse()),
        ["refused access-denied"]
    );
}

/// spec 63, 64: the same again comes to the front; another kind, another object, and a sync go on
/// beside it; when it is closed it can be opened anew.
#[test]
fn open_once_and_side_by_side() {
    let mut facts = with_item(
        "x",
        ItemCapabilities::CAN_BROWSE_CONTENT,
        ItemPolicies::empty(),
    );
    facts.capabilities = Ok((Can::CAN_BROWSE_CONTENT | Can::CAN_SHOW_SCHEDULE).bits());
    let mut world = World::new([facts]);
    world.ask(browse());
    world.showing("show x browse", None);
    assert_eq!(world.ask(browse()), ["raise: show x browse", "raised"]);
    assert_eq!(world.ask(browse_item()), ["show x/a browse"]);
    assert_eq!(world.ask(schedule(None)), ["show x schedule"]);
    assert!(world.syncs("x/a"));
    world.shown("show x browse", Ok(true));
    assert_eq!(world.ask(browse()), ["show x browse"]);
}

/// spec 66: a handler shows its schedule; one that hands out the built-in editor, one that does not
/// offer it after all, one that never did, and items have the built-in one.
#[test]
fn schedules_are_shown() {
    let own = can(handler("x", &["a"]), Can::CAN_SHOW_SCHEDULE);
    let mut world = World::new([own.clone()]);
    assert_eq!(world.ask(schedule(None)), ["show x schedule"]);
    assert_eq!(world.showing("show x schedule", None), ["done"]);
    world.shown("show x schedule", Ok(true));
    world.ask(schedule(None));
    assert_eq!(world.showing("show x schedule", Some("x")), ["edit x"]);
    assert!(world.shown("show x schedule", Ok(true)).is_empty());
    world.ask(schedule(None));
    assert_eq!(
        world.shown("show x schedule", Err(Hresult::NotImplemented)),
        ["edit x"]
    );
    assert_eq!(world.ask(schedule(Some("x/a"))), ["edit x/a"]);
    assert_eq!(
        World::new([handler("x", &[])]).ask(schedule(None)),
        ["edit x"]
    );
    // A policy greys it, whoever would show it.
    let mut world = World::new([forbids(own, Forbids::DISABLE_SCHEDULE)]);
    assert_eq!(world.ask(schedule(None)), ["refused access-denied"]);
    assert_eq!(world.ask(schedule(Some("x/a"))), ["refused access-denied"]);
}

/// spec 132, 133, 134: the handler is asked with a copy of the event, by its id; if it does not take
/// the link, the reference is followed.
#[test]
fn links_of_events() {
    let mut world = World::new([handler("x", &[])]);
    let page = Some("https://example.org/a?b=c");
    assert_eq!(world.ask(link(page)), ["show x link-5"]);
    assert_eq!(world.showing("show x link-5", None), ["done"]);
    world.shown("show x link-5", Ok(true));
    for code in [Hresult::NotImplemented, Hresult::InvalidArgument] {
        world.ask(link(page));
        let said = world.shown("show x link-5", Err(code));
        assert_eq!(said, ["follow https://example.org/a?b=c"]);
    }
    world.ask(link(page));
    assert_eq!(
        world.shown("show x link-5", Err(Hresult::Failed)),
        ["refused failed"]
    );
    // The handler is not there any more.
    assert_eq!(
        World::new([]).ask(link(page)),
        ["follow https://example.org/a?b=c"]
    );
}

/// spec 133: only addresses of the web are followed.
#[test]
fn only_the_web_is_followed() {
    let mut world = World::new([]);
    assert_eq!(world.ask(link(Some("HTTP://x"))), ["follow HTTP://x"]);
    for bad in [
        None,
        Some(""),
        Some("file:///etc/passwd"),
        Some("javascript:alert(1)"),
        Some("/bin/sh"),
        Some("https://x\n--help"),
        Some("https:x"),
    ] {
        assert_eq!(world.ask(link(bad)), ["refused not-implemented"], "{bad:?}");
    }
}
