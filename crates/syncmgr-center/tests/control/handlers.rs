//! What handlers say about themselves.

use syncmgr_center::command::Control;
use syncmgr_center::state::List;
use syncmgr_model::capability::{
    HandlerCapabilities as Can, HandlerPolicies as Forbids, HandlerType,
};
use syncmgr_model::facts::HandlerFacts;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::menu::{Entry, Task, Why};
use syncmgr_model::property::Value;
use syncmgr_model::time::Timestamp;

use crate::world::{NOWAIT, WAIT, With as _, World, can, h, handler, info, item, k};

fn task(world: &World, task: Task) -> Entry {
    let tasks = world.state.handler(&h("x")).expect("x").tasks;
    tasks
        .into_iter()
        .find(|(other, _)| *other == task)
        .expect("all tasks")
        .1
}

fn memory(world: &World) -> syncmgr_center::state::HandlerMemory {
    world.state.handler(&h("x")).expect("x").memory
}

fn is_in(world: &World, list: List) -> bool {
    world
        .state
        .shown_handlers(list, false)
        .any(|id| *id == h("x"))
}

/// spec 11: the name is read at each update, and cut at 127 units of UTF-16, not in the middle of a
/// character.
#[test]
fn names_are_read_and_cut() {
    let mut world = World::new([handler("x", &[])]);
    assert_eq!(memory(&world).name, "The x");
    let table = [
        ("n".repeat(128), 127),
        ("\u{e9}".repeat(128), 127),
        // Two units each: the 64th does not fit any more.
        ("\u{1f600}".repeat(64), 63),
    ];
    for (name, n_chars) in table {
        world.reread(handler("x", &[]).with(|f| f.name = Ok(name)));
        assert_eq!(memory(&world).name.chars().count(), n_chars);
    }
    world.collections.insert("c".to_owned(), vec![h("y")]);
    world.set(handler("y", &[]));
    let update = || Control::UpdateCollection("c".to_owned(), WAIT);
    world.ask(update());
    world.set(handler("y", &[]).with(|f| f.name = Ok("Another".to_owned())));
    world.ask(update());
    assert_eq!(
        world.state.handler(&h("y")).expect("y").memory.name,
        "Another"
    );
}

/// spec 12: without a name a handler is not listed and nothing of it is used.
#[test]
fn without_a_name_it_is_not_used() {
    for name in [Err(Hresult::Failed), Ok(String::new())] {
        let facts = handler("x", &["a"]).with(|f| f.name = name);
        let mut world = World::new([facts]);
        assert!(!is_in(&world, List::Main) && !is_in(&world, List::Setup));
        assert_eq!(world.shown_items(true), "");
        assert!(!world.syncs("x/a"));
        let said = world.ask(Control::EnableHandler(false, h("x"), NOWAIT));
        assert_eq!(said, ["refused invalid-argument"]);
        // It is looked at again, and may be better by then.
        world.reread(handler("x", &["a"]));
        assert!(world.syncs("x/a"));
    }
}

/// spec 13: without its properties it is listed with the defaults and can be used.
#[test]
fn without_properties_it_has_the_defaults() {
    let mut world = World::new([handler("x", &["a"])]);
    world.reread(handler("x", &["a"]).with(|f| f.info = Err(Hresult::Failed)));
    let memory = memory(&world);
    assert_eq!(
        (memory.kind, memory.comment.as_str()),
        (HandlerType::Unspecified, "")
    );
    assert!(is_in(&world, List::Main));
    assert!(world.syncs("x/a"));
}

/// spec 14, 15, 16: the type, its label, the comment and the last sync; what cannot be told is
/// unspecified, empty, empty, and as it was.
#[test]
fn properties_that_cannot_be_told() {
    let mut world = World::new([handler("x", &[])]);
    let before = memory(&world);
    assert_eq!(
        (before.kind, before.type_label.as_str()),
        (HandlerType::Folder, "Things")
    );
    assert_eq!(before.comment, "all is well");
    world.reread(handler("x", &[]).with(|f| {
        let info = info(f);
        info.kind = Err(Hresult::Failed);
        info.type_label = Err(Hresult::Failed);
        info.comment = Err(Hresult::Failed);
        info.last_sync = Err(Hresult::Failed);
    }));
    let after = memory(&world);
    assert_eq!(
        (after.kind, after.type_label.as_str()),
        (HandlerType::Unspecified, "")
    );
    assert_eq!(after.comment, "");
    assert_eq!(after.last_sync, Some(Timestamp(7)));
    let value = world.property("x", "System.Sync.DateSynchronized");
    assert_eq!(value, Value::Time(Timestamp(7)));
}

/// spec 14, 15: a number that is no type is unspecified; a long comment is cut.
#[test]
fn odd_properties() {
    let mut world = World::new([]);
    let facts = handler("x", &[]).with(|f| {
        info(f).kind = Ok(6);
        info(f).comment = Ok("c".repeat(200));
    });
    world.set(facts);
    world.ask(Control::Register(h("x"), WAIT));
    assert_eq!(memory(&world).kind, HandlerType::Unspecified);
    assert_eq!(memory(&world).comment.len(), 127);
    assert_eq!(world.state.handler(&h("x")).expect("x").text.len(), 127);
}

/// spec 15, 101: what a handler says during a sync takes the place of its comment, until the sync
/// ends.
#[test]
fn the_text_of_a_sync() {
    use syncmgr_center::command::{Call, CallId, Command};
    let mut world = World::new([handler("x", &["a"])]);
    let text = |world: &World| world.state.handler(&h("x")).expect("x").text;
    assert_eq!(text(&world), "all is well");
    assert!(world.syncs("x/a"));
    let session = world.state.sessions().next().expect("it runs").id;
    let create = Call::Create(h("x"), vec![k("x/a").item]);
    world.tell(Command::Call(CallId(1), session.clone(), create));
    let say = Call::Text("counting".to_owned());
    world.tell(Command::Call(CallId(2), session.clone(), say));
    assert_eq!(text(&world), "counting");
    world.tell(Command::Returned(session, Ok(())));
    assert_eq!(text(&world), "all is well");
}

fn active(answer: Result<bool, Hresult>) -> HandlerFacts {
    handler("x", &["a"]).with(|f| info(f).is_active = answer)
}

/// spec 17, 18, 19, 21: who is set up, as a table: what was known, what the handler answers, whether
/// it asks before; then what is known, and how the task is offered.
#[test]
fn set_up_or_not() {
    let absent = Entry::Absent(Why::State);
    let greyed = Entry::Greyed(Why::Unsure);
    let (no_impl, failed) = (Err(Hresult::NotImplemented), Err(Hresult::Failed));
    let table = [
        (false, Ok(true), false, true, absent),
        (true, Ok(false), false, false, Entry::Active),
        // The center keeps it.
        (false, no_impl, false, false, Entry::Active),
        (true, no_impl, false, true, absent),
        // The handler could not say.
        (false, failed, false, false, greyed),
        (true, failed, false, true, absent),
        // A handler that asks before has to keep it itself.
        (false, no_impl, true, false, greyed),
        (true, no_impl, true, true, absent),
    ];
    for (known, answer, asks, expected, set_up) in table {
        let mut world = World::new([active(Ok(known))]);
        let bits = if asks {
            Can::QUERY_BEFORE_DEACTIVATE
        } else {
            Can::empty()
        };
        world.reread(can(active(answer), bits));
        let case = format!("{known} {answer:?} {asks}");
        assert_eq!(memory(&world).is_active, expected, "{case}");
        assert_eq!(is_in(&world, List::Main), expected, "{case}");
        assert_eq!(is_in(&world, List::Setup), !expected, "{case}");
        assert_eq!(task(&world, Task::SetUp), set_up, "{case}");
    }
}

/// spec 17: a handler nobody set up yet, and that leaves it to the center, is in the set-up list and
/// turned on.
#[test]
fn a_new_handler_waits_to_be_set_up() {
    let world = World::new([active(Err(Hresult::NotImplemented))]);
    assert!(is_in(&world, List::Setup));
    assert!(memory(&world).is_enabled);
}

/// spec 20, 21: turned on or off, by the same rule.
#[test]
fn turned_on_or_off() {
    let (no_impl, failed) = (Err(Hresult::NotImplemented), Err(Hresult::Failed));
    let enabled = |answer| handler("x", &[]).with(|f| info(f).is_enabled = answer);
    let table = [
        (true, Ok(false), false),
        (false, Ok(true), true),
        (false, no_impl, false),
        (true, no_impl, true),
        (false, failed, false),
        (true, failed, true),
    ];
    for (known, answer, expected) in table {
        for bits in [Can::empty(), Can::QUERY_BEFORE_ENABLE] {
            let mut world = World::new([enabled(Ok(known))]);
            world.reread(can(enabled(answer), bits));
            assert_eq!(memory(&world).is_enabled, expected, "{known} {answer:?}");
        }
    }
}

/// spec 22: a handler that is not connected is not synced, nor are its items; not to know counts as
/// connected.
#[test]
fn connected_or_not() {
    let connected = |answer| handler("x", &["a"]).with(|f| info(f).is_connected = answer);
    for (answer, expected) in [
        (Ok(true), true),
        (Ok(false), false),
        (Err(Hresult::Failed), true),
    ] {
        let mut world = World::new([connected(answer)]);
        assert_eq!(world.syncs("x/a"), expected, "{answer:?}");
        assert_eq!(task(&world, Task::Stop) == Entry::Active, expected);
    }
}

/// spec 23, 24: a handler that is off stays listed; neither such a one nor one that is not set up is
/// synced, whoever asks.
#[test]
fn off_or_not_set_up_is_not_synced() {
    let mut world = World::new([handler("x", &["a"]).with(|f| info(f).is_enabled = Ok(false))]);
    assert!(is_in(&world, List::Main));
    assert!(!world.syncs("x/a"));
    assert_eq!(task(&world, Task::Start), Entry::Absent(Why::State));
    let mut world = World::new([active(Ok(false))]);
    assert!(!world.syncs("x/a"));
    assert_eq!(task(&world, Task::Start), Entry::Absent(Why::State));
}

/// spec 25, 26: capabilities and policies are read at each update; bits nobody defined are left out,
/// and the one the original's mask forgets is taken.
#[test]
fn masks_are_read_again() {
    let mut world = World::new([handler("x", &[])]);
    world.reread(handler("x", &[]).with(|f| {
        f.capabilities = Ok(0xFFFF_FFFF);
        f.policies = Ok(0xFFFF_FFFF);
    }));
    let all = memory(&world);
    assert_eq!(all.capabilities.bits(), 0xF3_0017);
    assert_eq!(all.policies.bits(), 0x1_3F3F);
    assert!(all.policies.contains(Forbids::DISABLE_BROWSE));
    // Not to be told is to have none.
    world.reread(handler("x", &[]).with(|f| {
        f.capabilities = Err(Hresult::Failed);
        f.policies = Err(Hresult::Failed);
    }));
    assert!(memory(&world).capabilities.is_empty() && memory(&world).policies.is_empty());
}

/// spec 48, 49, 50: a policy against starting or stopping holds for programs too; the handler's
/// holds for its items.
#[test]
fn starting_and_stopping_may_be_forbidden() {
    use syncmgr_center::command::Scope;
    use syncmgr_model::capability::ItemPolicies;
    let by_handler = |bits: Forbids| handler("x", &["a"]).with(|f| f.policies = Ok(bits.bits()));
    let by_item = |bits: ItemPolicies| {
        let one = item("a").with(|f| f.policies = Ok(bits.bits()));
        handler("x", &[]).with(|f| f.items = Ok(vec![one]))
    };
    for facts in [
        by_handler(Forbids::PREVENT_START_SYNC),
        by_handler(Forbids::BACKGROUND_SYNC_ONLY),
        by_handler(Forbids::DISABLE_START_SYNC),
        by_item(ItemPolicies::PREVENT_START_SYNC),
        by_item(ItemPolicies::DISABLE_START_SYNC),
    ] {
        let mut world = World::new([facts]);
        assert!(!world.syncs("x/a"));
        // A program with a session of its own may (spec 50).
        let session = Control::CreateSession(h("x"), vec![k("x/a").item]);
        assert_eq!(world.ask(session), ["call"]);
    }
    for facts in [
        by_handler(Forbids::PREVENT_STOP_SYNC),
        by_item(ItemPolicies::PREVENT_STOP_SYNC),
    ] {
        let mut world = World::new([facts]);
        assert!(world.syncs("x/a"));
        let stop = Control::Stop(Scope::Items(h("x"), vec![k("x/a").item]));
        assert_eq!(world.ask(stop), ["refused access-denied"]);
    }
}
