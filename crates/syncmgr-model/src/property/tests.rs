//! Properties by the names of their keys.

use super::*;

fn subject() -> Subject {
    Subject {
        collection: Some("phones".to_owned()),
        handler: HandlerId::new("phone-1").expect("an id"),
        handler_name: "Phone".to_owned(),
        handler_type: 2,
        handler_type_label: "Model 5".to_owned(),
        item: Some((ItemId::new("music").expect("an id"), "Music".to_owned())),
        item_type_label: "Songs".to_owned(),
        status: "syncing 40 %".to_owned(),
        comment: "12 songs".to_owned(),
        percent: Some(40),
        state: SyncState::Syncing,
        is_hidden: false,
        is_enabled: true,
        is_connected: true,
        last_sync: Some(Timestamp(5)),
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// spec 16, 200: every property of an item is read by the name of its key.
#[test]
fn properties_of_an_item() {
    let table = [
        ("System.Sync.HandlerCollectionID", text("phones")),
        ("System.Sync.HandlerID", text("phone-1")),
        ("System.Sync.ItemID", text("music")),
        ("System.Sync.HandlerType", Value::Number(2)),
        ("System.Sync.HandlerTypeLabel", text("Model 5")),
        ("System.Sync.Status", text("syncing 40 %")),
        ("System.Sync.Comments", text("12 songs")),
        ("System.Sync.ProgressPercentage", Value::Number(40)),
        ("System.Sync.State", Value::Number(5)),
        ("System.Sync.HandlerName", text("Phone")),
        ("System.Sync.ItemName", text("Music")),
        ("System.ItemNameDisplay", text("Music")),
        ("System.Sync.Hidden", Value::Flag(false)),
        ("System.Sync.Enabled", Value::Flag(true)),
        ("System.Sync.Connected", Value::Flag(true)),
        ("System.Sync.DateSynchronized", Value::Time(Timestamp(5))),
        ("System.Sync.ItemTypeLabel", text("Songs")),
        ("System.Sync.ConflictDescription", Value::Empty),
        ("System.Sync.Nothing", Value::Empty),
    ];
    for (name, expected) in table {
        assert_eq!(subject().read(name), expected, "{name}");
    }
    let handler = Subject {
        item: None,
        ..subject()
    };
    assert_eq!(handler.read("System.Sync.ItemID"), Value::Empty);
    assert_eq!(handler.read("System.ItemNameDisplay"), text("Phone"));
}

/// spec 200: the properties of a conflict; what it does not have is empty.
#[test]
fn properties_of_a_conflict() {
    let conflict = ConflictSubject {
        name: "a.txt".to_owned(),
        description: "changed on both sides".to_owned(),
        locations: vec!["left".to_owned(), "right".to_owned()],
        handler: HandlerId::new("files").expect("an id"),
        item: None,
        found_at: Some(Timestamp(9)),
    };
    assert_eq!(conflict.read("System.ItemNameDisplay"), text("a.txt"));
    assert_eq!(
        conflict.read("System.Sync.ConflictSecondLocation"),
        text("right")
    );
    assert_eq!(
        conflict.read("System.DateModified"),
        Value::Time(Timestamp(9))
    );
    assert_eq!(conflict.read("System.Sync.ItemID"), Value::Empty);
    assert_eq!(conflict.read("System.Sync.Hidden"), Value::Empty);
}

/// spec 190: the numbers of the states, and which of them comes first.
#[test]
fn the_state_in_numbers() {
    let mut standing = Standing::default();
    let mut numbers = vec![SyncState::of(standing).number()];
    let steps: [fn(&mut Standing); 5] = [
        |s| s.is_active = true,
        |s| s.was_run = true,
        |s| s.has_errors = true,
        |s| s.is_queued = true,
        |s| s.is_running = true,
    ];
    for step in steps {
        step(&mut standing);
        numbers.push(SyncState::of(standing).number());
    }
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
}

/// spec 200: no name stands for two keys.
#[test]
fn names_are_unique() {
    for key in Key::ALL {
        assert_eq!(Key::parse(key.name()), Some(*key));
    }
    assert_eq!(Key::State.number(), Some((A, 24)));
}
