//! The handler `files`: two folders, kept in two-way sync by the engine.
//!
//! `settings` reads what a person chose, [`identity`] names the pair, `session` plans and applies,
//! `desk` answers questions, `looked` opens a pair for them, `conflict` shows conflicts and takes decisions on them, `view` and `trouble` turn the words of the engine into the model's.

pub mod identity;
pub mod place;

mod beforehand;
mod conflict;
mod desk;
mod instance;
mod looked;
mod session;
mod settings;
mod trouble;
mod view;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use syncmgr_engine::clock::Clock;
use syncmgr_engine::pair::Pair;
use syncmgr_model::id::HandlerId;
use syncmgr_model::item::Item;
use syncmgr_model::trouble::{Code, Trouble};

pub use instance::FilesFactory;
pub use settings::{Chosen, SPECS};

use looked::Looked;

/// The id of this handler.
pub const ID: &str = "files";

/// The handler `files`.
pub struct FilesHandler {
    id: HandlerId,
    state_dir: PathBuf,
    home: Option<PathBuf>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for FilesHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FilesHandler")
            .field("state_dir", &self.state_dir)
            .finish_non_exhaustive()
    }
}

impl FilesHandler {
    /// Builds the handler. The state of a pair lies in `state_dir/ITEM-ID`; `home` is what `~`
    /// stands for.
    #[must_use]
    pub fn new(state_dir: PathBuf, home: Option<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        let id = HandlerId::new(ID).expect("the id of this handler is a valid id");
        Self {
            id,
            state_dir,
            home,
            clock,
        }
    }

    /// Reads the settings of an item.
    ///
    /// # Errors
    /// `setting-unusable`.
    pub fn chosen(&self, item: &Item) -> Result<Chosen, Trouble> {
        Chosen::read(&item.settings, self.home.as_deref())
    }

    /// Opens the pair of an item; it stays locked against every other run until it is dropped.
    fn open(&self, item: &Item, chosen: &Chosen) -> Result<Pair, Trouble> {
        let state = self.state_of(item)?;
        let clock = Arc::clone(&self.clock);
        Pair::open(&chosen.left, &chosen.right, &state, clock)
            .map_err(|e| trouble::of_open(e, chosen, self.home.as_deref()))
    }

    /// Opens the pair of an item to look only, also while another run works on it. Leaves no state
    /// where there was none.
    fn open_to_look(&self, item: &Item, chosen: &Chosen) -> Result<Looked, Trouble> {
        let kept = self.state_dir.join(item.id.as_str());
        let no_place = |e| Trouble::new(Code::StateUnusable).with("detail", e);
        Looked::open(&kept, no_place, |state| {
            let clock = Arc::clone(&self.clock);
            Pair::open_unlocked(&chosen.left, &chosen.right, state, clock)
                .map_err(|e| trouble::of_open(e, chosen, self.home.as_deref()))
        })
    }

    /// Returns the directory of a pair's state, made when it is missing.
    fn state_of(&self, item: &Item) -> Result<PathBuf, Trouble> {
        let state = self.state_dir.join(item.id.as_str());
        // Names of a person's files stand in there, so it is nobody else's business.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&state)
            .map_err(|e| Trouble::new(Code::StateUnusable).with("detail", e))?;
        Ok(state)
    }

    /// Opens the pair of an item for a question.
    fn ask<T>(
        &self,
        item: &Item,
        question: impl FnOnce(&Pair, &Chosen) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let chosen = self.chosen(item)?;
        let pair = self.open_to_look(item, &chosen)?;
        question(&pair, &chosen)
    }
}
