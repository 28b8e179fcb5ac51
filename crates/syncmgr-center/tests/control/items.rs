//! What items say about themselves.

use syncmgr_center::command::{Command, Control, Scope};
use syncmgr_model::capability::{ItemCapabilities, ItemPolicies};
use syncmgr_model::facts::ItemFacts;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::menu::{Entry, Task, Why};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::property::Value;
use syncmgr_model::time::Timestamp;

use crate::world::{WAIT, With as _, World, h, handler, item, item_info, k, start};

fn world(items: Vec<ItemFacts>) -> World {
    World::new([handler("x", &[]).with(|f| f.items = Ok(items))])
}

fn task(world: &World, task: Task) -> Entry {
    let tasks = world.item("x/a").tasks;
    tasks
        .into_iter()
        .find(|(other, _)| *other == task)
        .expect("all tasks")
        .1
}

/// spec 30, 31: an item without an id, with one that is too long, or without a name is not shown and
/// never synced; a long name is cut.
#[test]
fn items_without_an_id_or_a_name() {
    let no_id = |id: Result<String, Hresult>| item("b").with(|f| f.id = id);
    let no_name = |name: Result<String, Hresult>| item("c").with(|f| f.name = name);
    let mut world = world(vec![
        no_id(Err(Hresult::Failed)),
        no_id(Ok(String::new())),
        no_id(Ok("b".repeat(64))),
        no_name(Err(Hresult::Failed)),
        no_name(Ok(String::new())),
        item("a").with(|f| f.name = Ok("n".repeat(200))),
        no_id(Ok("d".repeat(63))),
    ]);
    assert_eq!(world.shown_items(true), format!("x/a x/{}", "d".repeat(63)));
    assert_eq!(world.item("x/a").memory.name.len(), 127);
    let run = format!("run x a {}", "d".repeat(63));
    assert!(world.ask(start(Scope::Handler(h("x")))).contains(&run));
}

/// spec 31: an item that loses its name is not shown any more, and back with a name as it was.
#[test]
fn an_item_that_loses_its_name() {
    let mut world = world(vec![item("a")]);
    world.ask(Control::Hide(true, h("x"), Some(k("x/a").item)));
    let nameless = item("a").with(|f| f.name = Err(Hresult::Failed));
    world.reread(handler("x", &[]).with(|f| f.items = Ok(vec![nameless])));
    assert_eq!(world.shown_items(true), "");
    assert_eq!(
        world.ask(start(Scope::Items(h("x"), vec![k("x/a").item]))),
        ["refused invalid-argument"]
    );
    world.reread(handler("x", &["a"]));
    assert!(world.item("x/a").memory.is_hidden);
}

/// spec 32: without its properties an item is shown and synced with the defaults.
#[test]
fn items_without_properties() {
    let mut world = world(vec![item("a").with(|f| f.info = Err(Hresult::Failed))]);
    assert_eq!(world.item("x/a").memory.comment, "");
    assert!(world.syncs("x/a"));
}

/// spec 16, 33: comment, type label and last sync of an item; errors empty the first two and leave
/// the third.
#[test]
fn properties_of_items() {
    let mut world = world(vec![item("a")]);
    let memory = world.item("x/a").memory;
    assert_eq!(
        (memory.comment.as_str(), memory.type_label.as_str()),
        ("12 things", "Thing")
    );
    assert_eq!(world.item("x/a").text, "12 things");
    let mute = item("a").with(|f| {
        let info = item_info(f);
        info.comment = Err(Hresult::Failed);
        info.type_label = Err(Hresult::Failed);
        info.last_sync = Err(Hresult::Failed);
    });
    world.reread(handler("x", &[]).with(|f| f.items = Ok(vec![mute])));
    let memory = world.item("x/a").memory;
    assert_eq!(
        (memory.comment.as_str(), memory.type_label.as_str()),
        ("", "")
    );
    assert_eq!(memory.last_sync, Some(Timestamp(8)));
}

/// spec 34: an item turned on or off, by the rule of handlers; one that is off is not synced.
#[test]
fn items_turned_on_or_off() {
    let enabled = |answer| item("a").with(|f| item_info(f).is_enabled = answer);
    let (no_impl, failed) = (Err(Hresult::NotImplemented), Err(Hresult::Failed));
    for (known, answer, expected) in [
        (true, Ok(false), false),
        (false, Ok(true), true),
        (false, no_impl, false),
        (true, no_impl, true),
        (false, failed, false),
        (true, failed, true),
    ] {
        let mut world = world(vec![enabled(Ok(known))]);
        world.reread(handler("x", &[]).with(|f| f.items = Ok(vec![enabled(answer)])));
        assert_eq!(world.syncs("x/a"), expected, "{known} {answer:?}");
    }
}

/// spec 35: an item that is not connected is not synced; not to know counts as connected.
#[test]
fn items_connected_or_not() {
    let connected = |answer| item("a").with(|f| item_info(f).is_connected = answer);
    for (answer, expected) in [
        (Ok(true), true),
        (Ok(false), false),
        (Err(Hresult::Failed), true),
    ] {
        assert_eq!(
            world(vec![connected(answer)]).syncs("x/a"),
            expected,
            "{answer:?}"
        );
    }
}

/// spec 36: off, and not allowed to be turned on: shown, and nobody can turn it on.
#[test]
fn an_item_that_stays_off() {
    let mut world = world(vec![item("a").with(|f| {
        item_info(f).is_enabled = Ok(false);
        f.policies = Ok(ItemPolicies::PREVENT_ENABLE.bits());
    })]);
    assert_eq!(world.shown_items(false), "x/a");
    assert_eq!(task(&world, Task::Enable), Entry::Absent(Why::Policy));
    let said = world.ask(Control::EnableItem(true, k("x/a"), WAIT));
    assert_eq!(said, ["refused access-denied"]);
}

/// spec 26, 37, 164: `UpdateItem` rereads name, properties, capabilities and policies of that item
/// and of no other.
#[test]
fn one_item_is_read_again() {
    let mut world = world(vec![item("a"), item("b")]);
    let newer = |id: &str| {
        item(id).with(|f| {
            f.name = Ok("Newer".to_owned());
            item_info(f).comment = Ok("newer".to_owned());
            f.capabilities = Ok(u32::MAX);
            f.policies = Ok(u32::MAX);
        })
    };
    world.set(handler("x", &[]).with(|f| f.items = Ok(vec![newer("a"), newer("b")])));
    assert_eq!(
        world.ask(Control::UpdateItem(k("x/a"), WAIT)),
        ["load x/a", "done"]
    );
    let a = world.item("x/a").memory;
    assert_eq!((a.name.as_str(), a.comment.as_str()), ("Newer", "newer"));
    assert_eq!(a.capabilities, ItemCapabilities::all());
    assert_eq!(
        (a.capabilities.bits(), a.policies.bits()),
        (0x71_0017, 0x1_03FF)
    );
    assert_eq!(world.item("x/b").memory.name, "Item b");
}

/// spec 29: an item its handler does not know any more is gone; any other error says nothing.
#[test]
fn an_item_its_handler_does_not_know() {
    let mut world = world(vec![item("a")]);
    let key = k("x/a");
    world.tell(Command::ItemLoaded(key.clone(), Err(Hresult::Failed)));
    assert_eq!(world.shown_items(true), "x/a");
    world.tell(Command::ItemLoaded(key, Err(Hresult::InvalidArgument)));
    assert_eq!(world.shown_items(true), "");
}

/// spec 39: the same item id in two handlers is two items.
#[test]
fn items_are_known_by_both_ids() {
    let mut world = World::new([handler("x", &["a"]), handler("y", &["a"])]);
    world.ask(Control::Hide(true, h("y"), Some(k("y/a").item)));
    assert_eq!(world.shown_items(false), "x/a");
    assert!(world.syncs("x/a") && world.syncs("y/a"));
}

/// spec 89, 190, 193, 200: the state of an item and its handler in numbers, from never run over
/// running to errors; a warning counts for nothing, an error does.
#[test]
fn the_state_in_numbers() {
    use syncmgr_center::command::{Call, CallId};
    use syncmgr_model::event::{EventLevel, Link, NewEvent};
    use syncmgr_model::trouble::{Code, Trouble};

    let fresh = item("a").with(|f| item_info(f).last_sync = Err(Hresult::NotImplemented));
    let facts = handler("x", &[]).with(|f| {
        f.items = Ok(vec![fresh]);
        crate::world::info(f).last_sync = Err(Hresult::NotImplemented);
    });
    let mut world = World::new([facts]);
    let numbers = |world: &World| {
        ["x/a", "x"].map(
            |subject| match world.property(subject, "System.Sync.State") {
                Value::Number(number) => number,
                other => panic!("{other:?}"),
            },
        )
    };
    assert_eq!(numbers(&world), [1, 1]);
    assert!(world.syncs("x/a"));
    assert_eq!(numbers(&world), [5, 5]);
    let session = world.state.sessions().next().expect("it runs").id;
    let key = k("x/a");
    let create = Call::Create(key.handler.clone(), vec![key.item.clone()]);
    world.tell(Command::Call(CallId(1), session.clone(), create));
    for level in [EventLevel::Warning, EventLevel::Error] {
        let event = NewEvent {
            item: Some(key.item.clone()),
            trouble: Trouble::new(Code::HandlerSays).at_level(level),
            link: Link::default(),
            context: None,
        };
        world.tell(Command::Call(
            CallId(2),
            session.clone(),
            Call::Event(Box::new(event)),
        ));
    }
    let progress = Box::default();
    let ended = Command::Progress(
        session.clone(),
        key.item,
        ProgressStatus::Succeeded,
        progress,
    );
    world.tell(ended);
    world.tell(Command::Returned(session, Ok(())));
    assert_eq!(world.state.handler(&h("x")).expect("x").n_errors, 1);
    assert_eq!(numbers(&world), [3, 3]);
    world.ask(Control::Seen(Scope::All));
    assert_eq!(numbers(&world), [2, 2]);
    world.ask(Control::Activate(false, h("x"), WAIT));
    assert_eq!(
        world.property("x/a", "System.Sync.ItemName"),
        Value::Text("Item a".to_owned())
    );
}
