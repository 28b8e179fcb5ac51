//! The short way to a handler: say what it is called and which settings its items have, and give a
//! function that syncs one of them. Everything else follows from that.
//!
//! ```no_run
//! use syncmgr_sdk::simple::{Action, Handler, Run, Side, Stop, copy_new};
//!
//! fn sync(run: &Run<'_>) -> Result<(), Stop> {
//!     let (from, to) = (run.item().folder("from"), run.item().folder("to"));
//!     for entry in std::fs::read_dir(from)? {
//!         let (path, name) = (entry.as_ref().unwrap().path(), entry.as_ref().unwrap().file_name());
//!         if !to.join(&name).exists() {
//!             run.change(Side::Right, Action::Copy, &name, || copy_new(&path, &to.join(&name)))?;
//!         }
//!     }
//!     Ok(())
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     Handler::new("notes", "My notes")
//!         .folder("from", "the folder with the notes")
//!         .folder("to", "the folder that gets copies")
//!         .serve(sync)
//! }
//! ```
//!
//! A handler that needs more implements [`crate::Handler`] and goes through [`crate::stdio`].

mod conflict;
mod factory;
mod files;
mod run;

pub use conflict::{Conflict, Decision};
pub use files::{copy_new, replace};
pub use run::{Item, Run, Stop};
pub use syncmgr_model::preview::Action;
pub use syncmgr_model::resolution::Abilities;
pub use syncmgr_model::side::Side;

use std::process::ExitCode;
use std::sync::Arc;

use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{self, SettingKind, SettingSpec};
use syncmgr_model::trouble::Trouble;

use self::factory::{Factory, Fixed, Parts};
use crate::HandlerFactory;
use crate::stdio::Server;

/// Syncs one item.
type Sync = dyn Fn(&Run<'_>) -> Result<(), Stop> + Send + std::marker::Sync;
/// Lists the conflicts of one item.
type List = dyn Fn(&Item) -> Result<Vec<Conflict>, Stop> + Send + std::marker::Sync;
/// Carries a decision out.
type Resolve = dyn Fn(&Item, &Conflict, &Decision) -> Result<(), Stop> + Send + std::marker::Sync;
/// Checks the settings of an item.
type Check = dyn Fn(&Item) -> Result<(), String> + Send + std::marker::Sync;
/// Finds what the tool is set up for.
type Discover = dyn Fn() -> Result<Vec<item::Found>, Trouble> + Send + std::marker::Sync;

/// A handler in the making.
pub struct Handler {
    parts: Parts,
    specs: Vec<SettingSpec>,
    version: String,
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handler")
            .field("id", &self.parts.id)
            .finish_non_exhaustive()
    }
}

impl Handler {
    /// Begins a handler.
    ///
    /// # Panics
    /// When `id` is no id: 1 to 63 lower-case letters, digits, `-`, `_` or `.`, beginning with a
    /// letter or digit.
    #[must_use]
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            parts: Parts {
                id: HandlerId::new(id).expect("the id of a handler is a constant that is one"),
                name: name.to_owned(),
                fixed: Vec::new(),
                list: None,
                resolve: None,
                abilities: Abilities::empty(),
                check: None,
                discover: None,
                is_concurrent: false,
            },
            specs: Vec::new(),
            version: String::new(),
        }
    }

    /// Says its version.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// Adds a setting that must be set.
    #[must_use]
    pub fn required(mut self, key: &'static str, kind: SettingKind, help: &'static str) -> Self {
        self.specs.push(SettingSpec {
            key,
            kind,
            is_required: true,
            help,
        });
        self
    }

    /// Adds a setting that may be left out.
    #[must_use]
    pub fn optional(mut self, key: &'static str, kind: SettingKind, help: &'static str) -> Self {
        self.specs.push(SettingSpec {
            key,
            kind,
            is_required: false,
            help,
        });
        self
    }

    /// Adds a folder that must be set. Items with overlapping folders never run at once, and these
    /// are the folders a handler in a sandbox can reach.
    #[must_use]
    pub fn folder(self, key: &'static str, help: &'static str) -> Self {
        self.required(key, SettingKind::Folder, help)
    }

    /// Adds an item that is there without anybody making it.
    ///
    /// # Panics
    /// When `id` is no id.
    #[must_use]
    pub fn item(mut self, id: &str, name: &str, folders: &[&std::path::Path]) -> Self {
        let folders = folders.iter().map(|path| (*path).to_owned()).collect();
        self.parts.fixed.push(Fixed::new(id, name, folders));
        self
    }

    /// Lists the conflicts of an item, always in the same order, and carries decisions out: one of
    /// the contents can always be kept, and what else can be decided is said here.
    #[must_use]
    pub fn conflicts(
        mut self,
        abilities: Abilities,
        list: impl Fn(&Item) -> Result<Vec<Conflict>, Stop> + Send + std::marker::Sync + 'static,
        resolve: impl Fn(&Item, &Conflict, &Decision) -> Result<(), Stop>
        + Send
        + std::marker::Sync
        + 'static,
    ) -> Self {
        self.parts.list = Some(Box::new(list));
        self.parts.resolve = Some(Box::new(resolve));
        self.parts.abilities = abilities;
        self
    }

    /// Checks the settings of an item that a person makes; the error says what is wrong.
    #[must_use]
    pub fn check(
        mut self,
        check: impl Fn(&Item) -> Result<(), String> + Send + std::marker::Sync + 'static,
    ) -> Self {
        self.parts.check = Some(Box::new(check));
        self
    }

    /// Finds what its tool is set up for outside of syncmgr.
    #[must_use]
    pub fn discover(
        mut self,
        discover: impl Fn() -> Result<Vec<item::Found>, Trouble> + Send + std::marker::Sync + 'static,
    ) -> Self {
        self.parts.discover = Some(Box::new(discover));
        self
    }

    /// Lets several of its sessions run at once.
    #[must_use]
    pub fn concurrent(mut self) -> Self {
        self.parts.is_concurrent = true;
        self
    }

    /// Makes what makes instances, for a handler that is built in or tested.
    #[must_use]
    pub fn factory(
        self,
        sync: impl Fn(&Run<'_>) -> Result<(), Stop> + Send + std::marker::Sync + 'static,
    ) -> Arc<dyn HandlerFactory> {
        // Once in the life of the process: the settings are part of what the handler is.
        let specs: &'static [SettingSpec] = Box::leak(self.specs.into_boxed_slice());
        Arc::new(Factory::new(self.parts, specs, Box::new(sync)))
    }

    /// Serves it over standard input and output, for syncmgr that started it; returns what `main`
    /// returns. `sync` is called for each item of a session, in a preview too: what goes through
    /// [`Run::change`] is only told then.
    #[must_use]
    pub fn serve(
        self,
        sync: impl Fn(&Run<'_>) -> Result<(), Stop> + Send + std::marker::Sync + 'static,
    ) -> ExitCode {
        let server = Server::new().version(&self.version);
        server
            .serve(self.factory(sync), std::io::stdin(), std::io::stdout())
            .code()
    }
}
