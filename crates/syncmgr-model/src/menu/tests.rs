//! What can be done with handlers and items, in every state.

use super::*;

const ABSENT: Entry = Entry::Absent(Why::Policy);
const GREYED: Entry = Entry::Greyed(Why::Policy);
const LACKING: Entry = Entry::Absent(Why::Capability);
const SENSELESS: Entry = Entry::Absent(Why::State);

/// A handler that is set up, turned on and connected.
fn handler(policies: HandlerPolicies) -> OfHandler {
    OfHandler {
        policies,
        capabilities: HandlerCapabilities::all(),
        is_active: true,
        is_enabled: true,
        is_connected: true,
        ..OfHandler::default()
    }
}

fn item(policies: ItemPolicies) -> OfItem {
    OfItem {
        handler: handler(HandlerPolicies::empty()),
        capabilities: ItemCapabilities::all(),
        policies,
        is_enabled: true,
        is_connected: true,
        is_syncing: false,
    }
}

/// spec 45, 46, 47, 48, 51: every policy of a handler has its effect on its task, and absence beats
/// grey.
#[test]
fn policies_of_a_handler() {
    use HandlerPolicies as P;
    let inactive = |h: OfHandler| OfHandler {
        is_active: false,
        ..h
    };
    let off = |h: OfHandler| OfHandler {
        is_enabled: false,
        ..h
    };
    let syncing = |h: OfHandler| OfHandler {
        is_syncing: true,
        ..h
    };
    let same = |h: OfHandler| h;
    type State = fn(OfHandler) -> OfHandler;
    let table: [(P, State, Task, Entry); 15] = [
        (P::PREVENT_ACTIVATE, inactive, Task::SetUp, ABSENT),
        (P::PREVENT_DEACTIVATE, same, Task::Delete, ABSENT),
        (P::PREVENT_ENABLE, off, Task::Enable, ABSENT),
        (P::PREVENT_DISABLE, same, Task::Disable, ABSENT),
        (P::PREVENT_START_SYNC, same, Task::Start, ABSENT),
        (P::PREVENT_STOP_SYNC, syncing, Task::Stop, ABSENT),
        (P::DISABLE_ENABLE, off, Task::Enable, GREYED),
        (P::DISABLE_DISABLE, same, Task::Disable, GREYED),
        (P::DISABLE_START_SYNC, same, Task::Start, GREYED),
        (P::DISABLE_STOP_SYNC, syncing, Task::Stop, GREYED),
        (P::DISABLE_BROWSE, same, Task::Browse, GREYED),
        (P::DISABLE_SCHEDULE, same, Task::Schedule, GREYED),
        (
            P::PREVENT_ENABLE | P::DISABLE_ENABLE,
            off,
            Task::Enable,
            ABSENT,
        ),
        (
            P::PREVENT_DISABLE | P::DISABLE_DISABLE,
            same,
            Task::Disable,
            ABSENT,
        ),
        (
            P::PREVENT_START_SYNC | P::DISABLE_START_SYNC,
            same,
            Task::Start,
            ABSENT,
        ),
    ];
    for (policies, state, task, expected) in table {
        let with = state(handler(policies));
        assert_eq!(with.entry(task), expected, "{policies:?} {task:?}");
        assert_eq!(
            with.forbids(task),
            Some(Why::Policy),
            "{policies:?} {task:?}"
        );
        let without = state(handler(P::empty()));
        assert_eq!(without.entry(task), Entry::Active, "{task:?} without");
    }
}

/// spec 36, 45, 51, 53: every policy of an item has its effect on its task; one that is off and may
/// not be turned on shows no way to do it.
#[test]
fn policies_of_an_item() {
    use ItemPolicies as P;
    let off = |i: OfItem| OfItem {
        is_enabled: false,
        ..i
    };
    let syncing = |i: OfItem| OfItem {
        is_syncing: true,
        ..i
    };
    let same = |i: OfItem| i;
    type State = fn(OfItem) -> OfItem;
    let table: [(P, State, Task, Entry); 11] = [
        (P::PREVENT_ENABLE, off, Task::Enable, ABSENT),
        (P::PREVENT_DISABLE, same, Task::Disable, ABSENT),
        (P::PREVENT_START_SYNC, same, Task::Start, ABSENT),
        (P::PREVENT_STOP_SYNC, syncing, Task::Stop, ABSENT),
        (P::DISABLE_ENABLE, off, Task::Enable, GREYED),
        (P::DISABLE_DISABLE, same, Task::Disable, GREYED),
        (P::DISABLE_START_SYNC, same, Task::Start, GREYED),
        (P::DISABLE_STOP_SYNC, syncing, Task::Stop, GREYED),
        (P::DISABLE_BROWSE, same, Task::Browse, GREYED),
        (P::DISABLE_DELETE, same, Task::Delete, GREYED),
        (
            P::PREVENT_STOP_SYNC | P::DISABLE_STOP_SYNC,
            syncing,
            Task::Stop,
            ABSENT,
        ),
    ];
    for (policies, state, task, expected) in table {
        assert_eq!(
            state(item(policies)).entry(task),
            expected,
            "{policies:?} {task:?}"
        );
        assert_eq!(
            state(item(P::empty())).entry(task),
            Entry::Active,
            "{task:?} without"
        );
    }
}

/// spec 48, 49: a handler that only syncs in the background takes start and stop from itself and
/// from its items.
#[test]
fn a_handler_forbids_for_its_items() {
    let background = handler(HandlerPolicies::BACKGROUND_SYNC_ONLY);
    assert_eq!(HandlerPolicies::BACKGROUND_SYNC_ONLY.bits(), 0x30);
    let of_item = OfItem {
        handler: background,
        is_syncing: true,
        ..item(ItemPolicies::empty())
    };
    for task in [Task::Start, Task::Stop] {
        assert_eq!(background.entry(task), ABSENT);
        assert_eq!(of_item.entry(task), ABSENT);
    }
}

/// spec 52, 53: browsing, the schedule and deleting need their capability.
#[test]
fn what_cannot_be_done_is_not_shown() {
    let plain = OfHandler {
        capabilities: HandlerCapabilities::empty(),
        ..handler(HandlerPolicies::DISABLE_BROWSE)
    };
    assert_eq!(plain.entry(Task::Browse), LACKING);
    assert_eq!(plain.entry(Task::Schedule), LACKING);
    let plain = OfItem {
        capabilities: ItemCapabilities::empty(),
        ..item(ItemPolicies::DISABLE_DELETE)
    };
    assert_eq!(plain.entry(Task::Browse), LACKING);
    assert_eq!(plain.entry(Task::Delete), LACKING);
    assert_eq!(item(ItemPolicies::empty()).entry(Task::Schedule), LACKING);
}

/// spec 54: turning on is shown only when off, turning off only when on, stopping only while
/// syncing, starting only when it can sync and does not.
#[test]
fn the_state_decides_what_makes_sense() {
    let on = handler(HandlerPolicies::empty());
    assert_eq!(on.entry(Task::Enable), SENSELESS);
    assert_eq!(on.entry(Task::Stop), SENSELESS);
    assert_eq!(on.entry(Task::SetUp), SENSELESS);
    let off = OfHandler {
        is_enabled: false,
        ..on
    };
    assert_eq!(off.entry(Task::Disable), SENSELESS);
    assert_eq!(off.entry(Task::Start), SENSELESS);
    let syncing = OfHandler {
        is_syncing: true,
        ..on
    };
    assert_eq!(syncing.entry(Task::Start), SENSELESS);
    assert_eq!(syncing.entry(Task::Stop), Entry::Active);
    let away = OfItem {
        is_connected: false,
        ..item(ItemPolicies::empty())
    };
    assert_eq!(away.entry(Task::Start), SENSELESS);
    assert_eq!(away.entry(Task::Enable), SENSELESS);
    // Nothing forbids a program to ask for what has no effect.
    assert_eq!(on.forbids(Task::Enable), None);
}

/// spec 19: when the handler cannot say whether it is set up, and it was not, the task is greyed.
#[test]
fn set_up_is_greyed_when_the_state_is_not_known() {
    let unsure = OfHandler {
        is_active: false,
        is_unsure: true,
        ..handler(HandlerPolicies::empty())
    };
    assert_eq!(unsure.entry(Task::SetUp), Entry::Greyed(Why::Unsure));
    let known = OfHandler {
        is_unsure: false,
        ..unsure
    };
    assert_eq!(known.entry(Task::SetUp), Entry::Active);
    let active = OfHandler {
        is_active: true,
        ..unsure
    };
    assert_eq!(active.entry(Task::Delete), Entry::Active);
}
