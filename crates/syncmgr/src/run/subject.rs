//! Finds the sync that a program reports on among the saved ones, or saves one for it.

use std::path::Path;

use syncmgr_handlers::run::{COMMAND, ID};
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{Item, Settings, Value, bad_name};
use syncmgr_model::outside::Subject;
use syncmgr_store::config::{Checks, Config, ConfigError};

/// Most syncs of the handler `run` that are saved without being asked: a command with a date among
/// its arguments is another one every day, and the file is a person's.
const MADE_MAX: usize = 200;

/// How often it is tried again when somebody else changed the file in between.
const TRIES: u32 = 3;

/// Most syncs whose names differ by a number.
const NAMES_MAX: usize = MADE_MAX + 1;

/// A sync that was found or made.
#[derive(Debug)]
pub(crate) struct Found {
    /// The sync; without a name when it could not be saved.
    pub(crate) item: Item,
    /// The file was changed.
    pub(crate) is_changed: bool,
}

/// Finds the sync, or makes it. When the file cannot be used, the sync is known by its runs alone.
pub(crate) fn find(path: &Path, checks: &Checks<'_>, subject: &Subject) -> Found {
    // Another program may save the same just now.
    let mut tries = (0..TRIES).map(|_| look(path, checks, subject));
    tries.find_map(Result::ok).unwrap_or_else(|| Found {
        item: unsaved(subject),
        is_changed: false,
    })
}

fn look(path: &Path, checks: &Checks<'_>, subject: &Subject) -> Result<Found, ConfigError> {
    let mut config = Config::load(path)?;
    let items = config.items(checks.handlers)?;
    let mut is_changed = false;
    let item = match known(&items, subject) {
        Some(item) => item.clone(),
        None => {
            let n_made = items.iter().filter(|it| it.handler.as_str() == ID).count();
            if n_made >= MADE_MAX {
                return Ok(Found {
                    item: unsaved(subject),
                    is_changed,
                });
            }
            let item = Item {
                name: Some(free_name(&items, subject)),
                ..unsaved(subject)
            };
            config.add(&item)?;
            is_changed = true;
            item
        }
    };
    is_changed |= keep_age(path, checks, &item, subject)?;
    Ok(Found { item, is_changed })
}

fn known<'a>(items: &'a [Item], subject: &Subject) -> Option<&'a Item> {
    let is_its = |item: &&Item| {
        let handler = subject.handler.as_ref();
        handler.is_none_or(|handler| *handler == item.handler)
    };
    let mut fitting = items.iter().filter(is_its);
    match &subject.id {
        Some(id) => fitting.find(|item| item.id == *id),
        None => fitting.find(|item| {
            item.name.as_deref() == Some(&*subject.item) || item.id.as_str() == subject.item
        }),
    }
}

/// Returns the sync as it is when nobody saves it.
fn unsaved(subject: &Subject) -> Item {
    let mut settings = Settings::default();
    if let Some(command) = &subject.command {
        settings.set(COMMAND, Value::Text(command.clone()));
    }
    Item {
        id: subject.id.clone().unwrap_or_else(|| id_of(&subject.item)),
        handler: HandlerId::new(ID).expect("the id of a handler of this program"),
        name: None,
        settings,
        is_enabled: true,
    }
}

/// Returns the id of a sync of this name.
fn id_of(name: &str) -> ItemId {
    syncmgr_handlers::run::identity(&[name.into()])
}

fn free_name(items: &[Item], subject: &Subject) -> String {
    let wanted = if bad_name(&subject.item).is_none() {
        subject.item.clone()
    } else {
        syncmgr_handlers::run::label(subject.item.as_ref())
    };
    let is_free = |name: &String| items.iter().all(|it| it.name.as_ref() != Some(name));
    let numbered = (2..=NAMES_MAX).map(|n| format!("{wanted}-{n}"));
    std::iter::once(wanted.clone())
        .chain(numbered)
        .find(is_free)
        .unwrap_or_else(|| id_of(&wanted).to_string())
}

/// Sets the age that is too old, when it is said and another one is set.
fn keep_age(
    path: &Path,
    checks: &Checks<'_>,
    item: &Item,
    subject: &Subject,
) -> Result<bool, ConfigError> {
    let (Some(ms), Some(name)) = (subject.max_age_ms, &item.name) else {
        return Ok(false);
    };
    let mut config = Config::load(path)?;
    let policies = config.policies()?;
    let known = policies.iter().find(|(of, _)| of == name);
    let is_set = known.is_some_and(|(_, policy)| policy.max_age_ms == i64::try_from(ms).ok());
    if is_set {
        return Ok(false);
    }
    let place = format!("sync.\"{}\".max-age", name.replace('"', ""));
    config.set(&place, &written(ms), checks)?;
    Ok(true)
}

/// Writes a duration as the file has it, in the largest unit that says it exactly.
fn written(ms: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
    ];
    let unit = UNITS
        .iter()
        .find(|(size, _)| ms > 0 && ms.is_multiple_of(*size));
    match unit {
        Some((size, letter)) => format!("{}{letter}", ms / size),
        None => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use syncmgr_model::item::SettingSpec;

    use super::*;

    fn specs(id: &HandlerId) -> Option<&'static [SettingSpec]> {
        (id.as_str() == ID).then_some(syncmgr_handlers::run::SPECS)
    }

    fn checks(test: impl FnOnce(&Checks<'_>)) {
        crate::checks::with(&specs, None, test);
    }

    fn subject(item: &str, id: Option<&str>) -> Subject {
        Subject {
            handler: None,
            item: item.to_owned(),
            id: id.map(|id| ItemId::new(id).unwrap()),
            command: Some("rsync -a …".to_owned()),
            max_age_ms: Some(86_400_000),
        }
    }

    #[test]
    fn one_is_made_once_and_found_by_its_id_under_any_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        checks(|checks| {
            let first = find(&path, checks, &subject("rsync", Some("run-1")));
            assert!(first.is_changed, "{first:?}");
            assert_eq!(first.item.name.as_deref(), Some("rsync"));
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains("max-age = \"1d\""), "{text}");
            let again = find(&path, checks, &subject("rsync", Some("run-1")));
            assert!(!again.is_changed);
            assert_eq!(again.item, first.item);
            let other = find(&path, checks, &subject("rsync", Some("run-2")));
            assert_eq!(other.item.name.as_deref(), Some("rsync-2"));
            Config::load(&path)
                .unwrap()
                .rename("rsync", "photos")
                .unwrap();
            let renamed = find(&path, checks, &subject("rsync", Some("run-1")));
            assert_eq!(renamed.item.name.as_deref(), Some("photos"));
            let by_name = find(&path, checks, &subject("photos", None));
            assert_eq!(by_name.item.id.as_str(), "run-1");
        });
    }

    #[test]
    fn with_a_broken_file_the_sync_is_not_saved_and_the_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, "sync = 3").unwrap();
        checks(|checks| {
            let found = find(&path, checks, &subject("rsync", Some("run-1")));
            assert!(!found.is_changed);
            assert_eq!((found.item.id.as_str(), &found.item.name), ("run-1", &None));
        });
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "sync = 3");
    }

    #[test]
    fn a_duration_is_written_as_a_person_would() {
        for (ms, text) in [
            (172_800_000, "2d"),
            (129_600_000, "36h"),
            (90_000, "90s"),
            (1500, "1500ms"),
        ] {
            assert_eq!(written(ms), text);
        }
    }
}
