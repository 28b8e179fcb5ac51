//! What is wrong with schedules only when they are seen together.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::schedule::{Schedule, ScheduleItems, Trigger};

use crate::Unworkable;

/// Which items run after which.
type Followers<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Refuses two schedules of one name, and items that would start each other for ever.
pub(crate) fn validate(schedules: &[Schedule]) -> Result<(), Unworkable> {
    let mut names = BTreeSet::new();
    for schedule in schedules {
        if !names.insert(&schedule.name) {
            let what = format!("two schedules are called `{}`", schedule.name);
            return Err(Unworkable::new("name", what));
        }
    }
    let followers = followers(schedules);
    let circle = followers.keys().find(|item| comes_back(&followers, item));
    match circle {
        None => Ok(()),
        Some(item) => {
            let what = format!("`{item}` would run after itself, again and again");
            Err(Unworkable::new("triggers", what))
        }
    }
}

fn followers(schedules: &[Schedule]) -> Followers<'_> {
    let mut all = Followers::new();
    for schedule in schedules.iter().filter(|it| it.is_enabled) {
        // A schedule for all items with such a trigger is refused on its own.
        let ScheduleItems::Named(items) = &schedule.items else {
            continue;
        };
        for trigger in &schedule.triggers {
            if let Trigger::After(first) = trigger {
                let after = all.entry(first).or_default();
                after.extend(items.iter().map(String::as_str));
            }
        }
    }
    all
}

/// Says whether the runs that follow an item lead back to it.
fn comes_back(followers: &Followers<'_>, item: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut todo = vec![item];
    while let Some(next) = todo.pop() {
        for after in followers.get(next).into_iter().flatten() {
            if *after == item {
                return true;
            }
            if seen.insert(*after) {
                todo.push(after);
            }
        }
    }
    false
}
