//! The syncs that a command is about: those that were named, or all.

use std::ffi::OsString;

use syncmgr_center::command::Scope;
use syncmgr_model::format::plural;
use syncmgr_model::item::Item;

use crate::app::{App, key};
use crate::error::CliError;
use crate::ui::safe;

/// The syncs that are meant.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// The syncs.
    pub(crate) items: Vec<Item>,
    /// None was named, so all are meant.
    pub(crate) is_all: bool,
}

/// Finds the syncs that were named; all of them when none was.
///
/// # Errors
/// When there is none of a name.
pub(crate) fn of(app: &mut App, names: &[OsString]) -> Result<Chosen, CliError> {
    if names.is_empty() {
        return Ok(Chosen {
            items: app.known()?,
            is_all: true,
        });
    }
    let mut items: Vec<Item> = Vec::new();
    for name in names {
        let item = app.named(name)?;
        if items.iter().all(|known| key(known) != key(&item)) {
            items.push(item);
        }
    }
    Ok(Chosen {
        items,
        is_all: false,
    })
}

impl Chosen {
    /// Returns them as the center is told.
    #[must_use]
    pub(crate) fn scopes(&self) -> Vec<Scope> {
        if self.is_all {
            return vec![Scope::All];
        }
        let one = |item: &Item| Scope::Items(item.handler.clone(), vec![item.id.clone()]);
        self.items.iter().map(one).collect()
    }

    /// Returns them in words.
    #[must_use]
    pub(crate) fn words(&self, app: &App) -> String {
        let label = |item: &Item| app.label(item).unwrap_or_else(|| safe(item.id.as_str()));
        match self.items.as_slice() {
            _ if self.is_all => "all syncs".to_owned(),
            [one] => label(one),
            [one, two] => format!("{} and {}", label(one), label(two)),
            more => plural(more.len() as u64, "sync"),
        }
    }

    /// Returns them as they are typed behind a command, with a space before each.
    #[must_use]
    pub(crate) fn command_words(&self, app: &App) -> String {
        if self.is_all {
            return String::new();
        }
        let typed = |item: &Item| match &item.name {
            Some(name) => format!(" {}", safe(name)),
            // Two folders would be two names here.
            None if App::is_sided(item) => format!(" {}", item.id),
            None => format!(" {}", app.command_words(item)),
        };
        self.items.iter().map(typed).collect()
    }
}
