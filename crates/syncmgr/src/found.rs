//! What could be added as a sync: what handlers found in the set-ups of their tools, and what the
//! crontab and timers of the person run. One place for the command line and the API. Nothing of
//! the person's set-up is changed.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use syncmgr_calendar::Calendar;
use syncmgr_center::port::Handlers as _;
use syncmgr_engine::clock::SystemClock;
use syncmgr_handlers::files::place;
use syncmgr_handlers::found::{self, Offer};
use syncmgr_handlers::tool::Context;
use syncmgr_host::InProcess;
use syncmgr_model::catalogue::notice;
use syncmgr_model::escape::escape;
use syncmgr_model::item::{Found, Item, SettingKind};
use syncmgr_model::schedule::{Schedule, ScheduleItems, Trigger};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_store::config::Config;

use crate::daemon::desk::{new_id, of_config};
use crate::overlap::{self, Placed};

/// What was found, and where it could not be looked.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// What could be added, and what only looks so.
    pub(crate) offers: Vec<Offer>,
    /// Who could not be asked: a handler, or `crontab`.
    pub(crate) silent: Vec<(String, Trouble)>,
}

/// The syncs there are already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct There<'a> {
    /// Those that are saved.
    pub(crate) saved: &'a [Item],
    /// All that are known.
    pub(crate) known: &'a [Item],
}

/// Looks.
pub(crate) fn look(
    host: &InProcess,
    home: Option<PathBuf>,
    there: There<'_>,
    now: Timestamp,
) -> Looked {
    let saved = there.saved;
    // Looking keeps no state.
    let ctx = &Context::of_process(home.clone(), PathBuf::new(), Arc::new(SystemClock));
    let mut silent: Vec<(String, Trouble)> = Vec::new();
    let mut all = Vec::new();
    let mut handlers = host.installed();
    handlers.sort();
    for id in handlers {
        match host.handler(&id).and_then(|handler| handler.discover()) {
            Ok(found) => all.extend(found),
            Err(trouble) => silent.push((id.to_string(), trouble)),
        }
    }
    let (jobs, unread) = found::jobs(ctx);
    silent.extend(unread.map(|trouble| ("crontab".to_owned(), trouble)));
    let fits = |found: &Found| has_settings(host, found) && check(host, found).is_ok();
    let mut offers = found::put_together(ctx, all, &jobs, saved, &fits);
    for offer in &mut offers {
        offer.found.schedule = offer.found.schedule.take().filter(|text| {
            let is_right = schedule_of("x", text).is_some_and(|schedule| {
                Calendar::of_this_machine().validate(&schedule, now).is_ok()
            });
            if !is_right {
                let words = format!("Its time (`{text}`) cannot be taken over.");
                offer.found.remarks.push(words);
            }
            is_right
        });
        if offer.can_be_added
            && let Err(trouble) = check(host, &offer.found)
        {
            offer.can_be_added = false;
            offer.found.remarks.push(notice(&trouble).what);
        }
    }
    note_shared(host, home.as_deref(), there.known, &mut offers);
    Looked { offers, silent }
}

/// Most syncs that are named as working on a folder too.
const SHARED_MAX: usize = 3;

/// Says of what could be added which folders others work on: syncs there are, or other entries.
fn note_shared(host: &InProcess, home: Option<&Path>, known: &[Item], offers: &mut [Offer]) {
    let place = |item: &Item| {
        let title = match &item.name {
            Some(name) => name.clone(),
            None => host.look(item).title,
        };
        Placed::new(item, title, &host.paths(item))
    };
    let offered = |offer: &Offer| {
        let item = item(&offer.found).ok().filter(|_| offer.can_be_added);
        item.map(|item| place(&item))
    };
    let mine: Vec<_> = offers.iter().map(offered).collect();
    let all: Vec<_> = known.iter().map(place).collect();
    let all: Vec<_> = all
        .into_iter()
        .chain(mine.iter().flatten().cloned())
        .collect();
    for (offer, one) in offers.iter_mut().zip(&mine) {
        let shared = one.iter().flat_map(|one| overlap::of(one, &all));
        let shared: Vec<_> = shared.collect();
        let Some(first) = shared.first() else {
            continue;
        };
        let names = shared.iter().take(SHARED_MAX);
        let mut names: Vec<_> = names.map(|it| escape(it.other.as_bytes())).collect();
        if let Some(n) = shared.len().checked_sub(SHARED_MAX).filter(|n| *n > 0) {
            names.push(format!("{n} more"));
        }
        offer.found.remarks.push(format!(
            "Works on the folder of {} too: {}. Each may undo what the other did.",
            names.join(", "),
            place::shown(&first.folder, home)
        ));
    }
}

/// Says whether a handler has all these settings, and those it needs are among them; secrets are
/// set apart.
fn has_settings(host: &InProcess, found: &Found) -> bool {
    let Ok(factory) = host.factory(&found.handler) else {
        return false;
    };
    let specs = factory.settings();
    let set = &found.settings.0;
    set.keys()
        .all(|key| specs.iter().any(|spec| spec.key == key))
        && specs
            .iter()
            .filter(|spec| spec.is_required && spec.kind != SettingKind::Secret)
            .all(|spec| set.contains_key(spec.key))
}

fn check(host: &InProcess, found: &Found) -> Result<(), Trouble> {
    host.check(&item(found)?)
}

/// Makes the sync of what was found.
fn item(found: &Found) -> Result<Item, Trouble> {
    Ok(Item {
        id: new_id()?,
        handler: found.handler.clone(),
        name: Some(found.name.clone()),
        settings: found.settings.clone(),
        is_enabled: true,
    })
}

/// Makes the schedule of a sync.
fn schedule_of(name: &str, text: &str) -> Option<Schedule> {
    let trigger: Trigger = text.parse().ok()?;
    let mut schedule = Schedule::new(name);
    schedule.items = ScheduleItems::Named(vec![name.to_owned()]);
    schedule.triggers = vec![trigger];
    Some(schedule)
}

/// Saves what was found as a sync, with its schedule if that is wanted. The schedule gets the name
/// of the sync, as `schedule set` does it; one of that name that is there already stays.
///
/// # Errors
/// When it cannot be saved.
pub(crate) fn add(
    config: &mut Config,
    found: &Found,
    with_schedule: bool,
) -> Result<Item, Trouble> {
    let item = item(found)?;
    config.add(&item).map_err(|error| of_config(&error))?;
    let schedule = found.schedule.as_deref().filter(|_| with_schedule);
    if let Some(schedule) = schedule.and_then(|text| schedule_of(&found.name, text)) {
        let is_taken = config
            .schedules()
            .map_err(|error| of_config(&error))?
            .iter()
            .any(|it| it.name == schedule.name);
        if !is_taken {
            config
                .put_schedule(&schedule)
                .map_err(|error| of_config(&error))?;
        }
    }
    Ok(item)
}

/// Finds what was found by its name.
///
/// # Errors
/// `not-found`, or `not-possible` for something that cannot be added.
pub(crate) fn choose<'a>(offers: &'a [Offer], name: &str) -> Result<&'a Found, Trouble> {
    let offer = offers.iter().find(|offer| offer.found.name == name);
    let offer = offer.ok_or_else(|| missing(escape(name.as_bytes())))?;
    if offer.can_be_added {
        return Ok(&offer.found);
    }
    let why = offer.found.remarks.last().map_or("", String::as_str);
    Err(Trouble::new(Code::NotPossible).with("detail", why.trim_end_matches('.')))
}

fn missing(name: impl Display) -> Trouble {
    Trouble::new(Code::NotFound)
        .with("what", "sync to add")
        .with("name", name)
}

/// Returns the schedule of what was found, in words.
#[must_use]
pub(crate) fn when(found: &Found) -> Option<String> {
    let schedule = schedule_of(&found.name, found.schedule.as_deref()?)?;
    Some(syncmgr_model::schedule::sentence::sentence(&schedule))
}
