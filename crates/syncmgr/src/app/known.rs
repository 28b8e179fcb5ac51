//! The syncs there are, and the one a person names: those in the file, those that handlers list
//! themselves, and those that ran without being saved.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use syncmgr_api::wire::ItemView;
use syncmgr_center::port::{Store, StoreError};
use syncmgr_center::state::State;
use syncmgr_engine::path::display_bytes;
use syncmgr_handlers::files::place;
use syncmgr_model::id::HandlerId;
use syncmgr_model::item::Item;

use super::target::nearest;
use super::{App, Core, Face, key};
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui::safe;

/// Least letters of an id that name a sync.
const ID_LEN_MIN: usize = 4;

/// A sync as the center lists it.
struct Listed {
    item: Item,
    face: Face,
    is_saved: bool,
}

impl App {
    /// Returns the saved syncs as the file has them.
    ///
    /// # Errors
    /// When the file has a mistake.
    pub(crate) fn in_file(&self) -> Result<Vec<Item>, CliError> {
        Ok(self.config()?.items(&|handler| self.specs(handler))?)
    }

    /// Returns the saved syncs. While the file has a mistake, a daemon still knows them.
    ///
    /// # Errors
    /// When the file has a mistake, and no daemon runs.
    pub(crate) fn saved(&mut self) -> Result<Vec<Item>, CliError> {
        match self.in_use() {
            Ok(items) => Ok(items),
            Err(error) => {
                let listed = self.in_spite_of(error)?;
                let saved = listed.into_iter().filter(|it| it.is_saved);
                Ok(saved.map(|it| it.item).collect())
            }
        }
    }

    /// Returns every sync there is: the saved ones, those that handlers list themselves, then the
    /// folders that were synced without being saved.
    ///
    /// # Errors
    /// When configuration or history cannot be read.
    pub(crate) fn known(&mut self) -> Result<Vec<Item>, CliError> {
        let (mut items, listed) = match self.in_use() {
            Ok(items) => (items, self.listed()?),
            Err(error) => {
                let listed = self.in_spite_of(error)?;
                let saved = listed.iter().filter(|it| it.is_saved);
                (saved.map(|it| it.item.clone()).collect(), listed)
            }
        };
        let is_new = |items: &[Item], item: &Item| items.iter().all(|it| key(it) != key(item));
        let run_before = self.history(|store| store.items())?;
        for Listed {
            item,
            face,
            is_saved,
        } in listed
        {
            self.faces.insert(key(&item), face);
            // One that is not in the file any more is about to be known as removed.
            // Two folders are not listed by anybody: history knows those that ran.
            if !is_saved && !Self::is_sided(&item) && is_new(&items, &item) {
                items.push(Item { name: None, ..item });
            }
        }
        for item in run_before {
            // What a handler lists is known from its list.
            if Self::is_sided(&item) && is_new(&items, &item) {
                items.push(Item { name: None, ..item });
            }
        }
        Ok(items)
    }

    /// Returns the saved syncs as the file has them. One with nothing in it does not say that there
    /// are none while a daemon knows some: an editor may be about to write it.
    fn in_use(&mut self) -> Result<Vec<Item>, CliError> {
        let items = self.in_file()?;
        let is_empty = self.config_path().exists() && self.config()?.text().trim().is_empty();
        if is_empty && self.has_daemon()? && self.listed()?.iter().any(|it| it.is_saved) {
            return Err(CliError::new(Exit::Failed, "config.toml is empty"));
        }
        Ok(items)
    }

    /// Asks the daemon when the file has a mistake, and says so once.
    fn in_spite_of(&mut self, error: CliError) -> Result<Vec<Listed>, CliError> {
        if !self.has_daemon()? {
            return Err(error);
        }
        if !self.has_complained {
            self.has_complained = true;
            self.ui.complain(format!("warning: {}", error.message));
            self.ui
                .complain("  The daemon goes on with the settings from before; these are shown.");
        }
        self.listed()
    }

    /// Returns the syncs that the center lists.
    fn listed(&mut self) -> Result<Vec<Listed>, CliError> {
        match self.core()? {
            Core::There(there) => {
                let views = there.items()?;
                views.iter().map(|view| self.of_view(view)).collect()
            }
            Core::Here(center) => Ok(center.read(|state, _, now| {
                let keys = state.item_keys();
                let views = keys.filter_map(|key| state.item(key, now));
                views
                    .map(|view| Listed {
                        face: Face {
                            title: safe(&view.memory.name),
                            summary: safe(&view.memory.comment),
                            paths: view
                                .paths
                                .iter()
                                .map(|path| Path::new(OsStr::from_bytes(path)).to_owned())
                                .collect(),
                        },
                        is_saved: view.is_saved,
                        item: view.item,
                    })
                    .collect()
            })?),
        }
    }

    fn of_view(&self, view: &ItemView) -> Result<Listed, CliError> {
        let item = Item::try_from(&view.state);
        let sync = &view.state.sync;
        let home = self.dirs.home.as_deref();
        Ok(Listed {
            item: item.map_err(syncmgr_api::client::ClientError::from)?,
            face: Face {
                title: safe(&sync.title),
                summary: safe(&sync.summary),
                paths: sync
                    .paths
                    .iter()
                    .map(|path| place::read(path, home))
                    .collect(),
            },
            is_saved: view.saved,
        })
    }

    /// Returns the handlers to ask for conflicts, with all their items; without a daemon.
    ///
    /// # Errors
    /// When history cannot be read.
    pub(super) fn places_here(&mut self) -> Result<Option<syncmgr_center::desk::Places>, CliError> {
        let look =
            |state: &State, store: &mut dyn Store, _| syncmgr_center::desk::places(state, store);
        match self.core()? {
            Core::There(_) => Ok(None),
            Core::Here(center) => {
                let places: Result<_, StoreError> = center.read(look)?;
                Ok(Some(places?))
            }
        }
    }

    /// Finds a sync by its name, by `HANDLER/NAME`, or by its id or the beginning of it.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub(crate) fn named(&mut self, name: &OsStr) -> Result<Item, CliError> {
        let text = name.to_string_lossy();
        let known = self.known()?;
        if let Some(item) = self.pick(&text, &known)? {
            return Ok(item);
        }
        let shown = display_bytes(name.as_bytes());
        if Path::new(name).is_dir() {
            return Err(
                CliError::usage(format!("one folder alone: `{shown}`")).hint(format!(
                    "name the other one too: `syncmgr sync {shown} OTHER`"
                )),
            );
        }
        let saved: Vec<_> = known.into_iter().filter(|it| it.name.is_some()).collect();
        let error = CliError::not_found(format!("there is no sync `{shown}`"));
        Err(match nearest(&text, &saved) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`syncmgr list` shows the syncs there are"),
        })
    }

    /// Finds a saved sync, as [`Self::named`].
    ///
    /// # Errors
    /// Also when it is not saved.
    pub(crate) fn named_saved(&mut self, name: &str) -> Result<Item, CliError> {
        let item = self.named(OsStr::new(name))?;
        if item.name.is_some() {
            return Ok(item);
        }
        let words = self.command_words(&item);
        let error = CliError::not_found(format!("`{words}` is not a saved sync"));
        Err(if Self::is_sided(&item) {
            error.hint(format!("`syncmgr add NAME {words}` saves it"))
        } else {
            error.hint(format!(
                "the handler {} lists it by itself, and keeps its settings",
                item.handler
            ))
        })
    }

    /// Picks the sync that a text names; `None` when there is none.
    ///
    /// # Errors
    /// When there is more than one.
    pub(super) fn pick(&self, text: &str, known: &[Item]) -> Result<Option<Item>, CliError> {
        let saved = |item: &&Item| item.name.as_deref() == Some(text);
        if let Some(item) = known.iter().find(saved) {
            return Ok(Some(item.clone()));
        }
        let whole = text
            .split_once('/')
            .and_then(|(handler, rest)| Some((HandlerId::new(handler).ok()?, rest)));
        let found = match &whole {
            Some((handler, rest)) => {
                let is_its = |item: &&Item| item.handler == *handler;
                let items: Vec<_> = known.iter().filter(is_its).cloned().collect();
                self.all_named(rest, &items)
            }
            None => self.all_named(text, known),
        };
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            several => {
                let words: Vec<_> = several.iter().map(|it| self.whole_name(it)).collect();
                Err(
                    CliError::not_found(format!("`{}` is more than one sync", safe(text)))
                        .hint(format!("one of {}", words.join(", "))),
                )
            }
        }
    }

    /// Returns the syncs a text fits: by name or title, otherwise by the id or its beginning.
    fn all_named(&self, text: &str, known: &[Item]) -> Vec<Item> {
        let is_called = |item: &&Item| {
            item.name.as_deref() == Some(text)
                || (!Self::is_sided(item) && self.face(item).title == safe(text))
        };
        let called: Vec<_> = known.iter().filter(is_called).cloned().collect();
        if !called.is_empty() {
            return called;
        }
        let exact: Vec<_> = known
            .iter()
            .filter(|item| item.id.as_str() == text)
            .cloned()
            .collect();
        if !exact.is_empty() || text.len() < ID_LEN_MIN {
            return exact;
        }
        let begins = |item: &&Item| item.id.as_str().starts_with(text);
        known.iter().filter(begins).cloned().collect()
    }

    /// Returns the words that name a sync together with its handler.
    fn whole_name(&self, item: &Item) -> String {
        let title = self.face(item).title;
        let is_plain = |text: &str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_alphanumeric() || "._-@+".contains(c))
        };
        let name = item.name.clone().unwrap_or(title);
        let name = if is_plain(&name) {
            &*name
        } else {
            item.id.as_str()
        };
        format!("{}/{name}", item.handler)
    }

    /// Returns the words that name a sync in a command line: its name, its two folders, or its
    /// handler with its name there.
    #[must_use]
    pub(crate) fn command_words(&self, item: &Item) -> String {
        if let Some(name) = &item.name {
            return name.clone();
        }
        match self.folders(item) {
            Ok(folders) => self.folder_words(&folders),
            Err(_) if Self::is_sided(item) => item.id.to_string(),
            Err(_) => self.whole_name(item),
        }
    }
}
