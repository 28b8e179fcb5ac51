//! Which other syncs work on the folders of one.

use syncmgr_center::command::Control;
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::item::Item;
use syncmgr_model::trouble::Trouble;

use super::{App, Core, key};
use crate::error::CliError;
use crate::overlap::{self, Placed, Shared};

impl App {
    /// Returns where syncs work.
    fn placed(&self, items: &[Item]) -> Vec<Placed> {
        let place = |item: &Item| {
            let title = self.label(item).unwrap_or_else(|| self.command_words(item));
            Placed::new(item, title, &self.face(item).paths)
        };
        items.iter().map(place).collect()
    }

    /// Returns with which other syncs one shares folders, as messages.
    ///
    /// # Errors
    /// When the syncs cannot be listed.
    pub(crate) fn shared(&mut self, item: &Item) -> Result<Vec<Trouble>, CliError> {
        let known = self.known()?;
        let mine = self.placed(std::slice::from_ref(item));
        let others = self.placed(&known);
        let shared = mine.iter().flat_map(|one| overlap::of(one, &others));
        Ok(shared.map(|it| self.told(&it)).collect())
    }

    /// Returns every two syncs that share folders, as messages.
    ///
    /// # Errors
    /// When the syncs cannot be listed.
    pub(crate) fn all_shared(&mut self) -> Result<Vec<Trouble>, CliError> {
        let known = self.known()?;
        let placed = self.placed(&known);
        Ok(overlap::all(&placed)
            .iter()
            .map(|it| self.told(it))
            .collect())
    }

    fn told(&self, shared: &Shared) -> Trouble {
        shared.trouble(|folder| self.shown(folder))
    }

    /// Takes an item out of what is known; one that nobody saved, by its handler if that does it.
    ///
    /// # Errors
    /// When the center refuses.
    pub(crate) fn remove(&mut self, item: &Item) -> Result<(), CliError> {
        let key = key(item);
        let at = key.clone();
        let is_its_handlers = match self.core()? {
            // The daemon decides it in the same way.
            Core::There(_) => false,
            Core::Here(center) => center.read(move |state, _, now| {
                state.item(&at, now).is_some_and(|view| view.can_delete())
            })?,
        };
        if is_its_handlers && item.name.is_none() {
            let flags = ControlFlags::WAIT | ControlFlags::NO_UI;
            return self.control(Control::Delete(key, flags));
        }
        self.control(Control::Forget(key))
    }

    /// Checks an item that is to be saved: by its handler, and beside the saved ones.
    ///
    /// # Errors
    /// When it cannot be saved like this.
    pub(crate) fn check_new(&mut self, item: &Item) -> Result<(), CliError> {
        self.host.check(item)?;
        let saved = self.saved()?;
        overlap::refuse_twins(item, &saved, &|item| self.face(item).paths)?;
        Ok(())
    }
}
