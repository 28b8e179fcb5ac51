//! Handlers in processes of their own: made by anybody, in any language, and kept to what they may
//! do.
//!
//! ```text
//!  manifest ─► Program (one per handler) ─► Process (while it runs) ─► launch ─► the handler
//!                 ▲            │                 │
//!   instances ────┘            └── Health        └── what it says: answers, sessions, updates
//! ```
//!
//! The center sees ordinary handlers. [`Foreign`] keeps them; what it is told about one handler
//! changes nothing for the others.
//!
//! Must not: know the settings file or any one handler; ask a person.

mod handler;
mod health;
mod item;
pub mod launch;
mod legacy;
mod limits;
mod log;
pub mod manifest;
mod masks;
mod message;
mod operation;
mod process;
mod program;
mod reach;
mod refused;
mod session;
mod store;
mod updates;
mod warden;
mod why;
mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::json;
use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{SettingKind, SettingSpec};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::HandlerFactory;
use syncmgr_sdk::legacy::{AlwaysOn, Connections, Dialogs, Surroundings};

pub use health::ENDS_MAX;
pub use limits::Patience;
pub use log::LOG_MAX;
pub use program::{Around, View};
pub use reach::own_places;

use self::handler::Factory;
use self::launch::Support;
use self::manifest::Manifest;
use self::program::Program;
use self::warden::Warden;
use self::wire::Hello;
use crate::in_process::lock;

/// The handlers in processes of their own. A clone is the same.
#[derive(Clone)]
pub struct Foreign(Arc<Inner>);

struct Inner {
    around: Arc<Around>,
    warden: Arc<Warden>,
    support: Support,
    programs: Mutex<BTreeMap<HandlerId, Arc<Program>>>,
    /// What those of the older family share.
    older: Surroundings,
}

impl std::fmt::Debug for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Foreign").finish_non_exhaustive()
    }
}

/// What a handler says of itself when it is tried out before it is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    /// Its id.
    pub id: HandlerId,
    /// What it is called.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// The form of its items, as JSON; empty when it finds its items itself.
    pub form: String,
    /// It is of the older family.
    pub is_legacy: bool,
    /// The items it has by itself, each with its folders.
    pub items: Vec<(String, Vec<PathBuf>)>,
}

impl Foreign {
    /// Keeps none yet.
    #[must_use]
    pub fn new(around: Around) -> Self {
        Self::with_support(around, launch::support())
    }

    /// The same, for a system that can or cannot keep handlers to their folders.
    #[must_use]
    pub fn with_support(around: Around, support: Support) -> Self {
        Self(Arc::new(Inner {
            warden: Warden::new(Arc::clone(&around.clock)),
            older: Surroundings {
                dialogs: Arc::new(Dialogs::default()),
                connections: Arc::new(Connections::new(Box::new(AlwaysOn))),
                control: Arc::clone(&around.center) as _,
                choices: Arc::new(around.choices()),
            },
            around: Arc::new(around),
            support,
            programs: Mutex::default(),
        }))
    }

    /// Takes a handler in and returns what makes its instances. One with the same id is ended.
    ///
    /// # Errors
    /// What is wrong with its form.
    pub fn add(&self, manifest: Manifest) -> Result<Arc<dyn HandlerFactory>, String> {
        let program = self.program(manifest, false)?;
        let id = program.id().clone();
        let before = lock(&self.0.programs).insert(id, Arc::clone(&program));
        if let Some(before) = before {
            before.close();
        }
        Ok(match program.manifest.class() {
            Some(class) => {
                let older = self.0.older.clone();
                Arc::new(legacy::Factory::new(program, class, older))
            }
            None => Arc::new(Factory(program)),
        })
    }

    fn program(&self, manifest: Manifest, is_trial: bool) -> Result<Arc<Program>, String> {
        let (around, warden) = (Arc::clone(&self.0.around), Arc::clone(&self.0.warden));
        Program::new(manifest, around, warden, self.0.support.clone(), is_trial)
    }

    /// Returns the private folder of a handler.
    #[must_use]
    pub fn data_dir(&self, id: &HandlerId) -> PathBuf {
        self.0.around.data_dir(id)
    }

    /// Lets a handler go: its process ends.
    pub fn remove(&self, id: &HandlerId) {
        let program = lock(&self.0.programs).remove(id);
        if let Some(program) = program {
            program.close();
        }
    }

    /// Returns the manifests of all handlers, by id.
    #[must_use]
    pub fn manifests(&self) -> Vec<Manifest> {
        let programs = lock(&self.0.programs);
        programs.values().map(|it| it.manifest.clone()).collect()
    }

    fn find(&self, id: &HandlerId) -> Result<Arc<Program>, Trouble> {
        let found = lock(&self.0.programs).get(id).cloned();
        found.ok_or_else(|| Trouble::new(Code::HandlerUnknown).with("handler", id))
    }

    /// Returns what is shown of the process of a handler; `None` when it has none of its own.
    #[must_use]
    pub fn view(&self, id: &HandlerId) -> Option<View> {
        self.find(id).ok().map(|program| program.view())
    }

    /// Starts a handler anew, also one that was off, and waits until it has said who it is. Returns
    /// its manifest with the form that it has now, when that is another one; nothing else is taken
    /// over without a person who agrees to it.
    ///
    /// # Errors
    /// `handler-unknown` for one that has no process of its own; why it did not start; and a form
    /// that cannot be used, or that makes folders of what were other settings: what was written
    /// there would open these folders to it.
    pub fn restart(&self, id: &HandlerId) -> Result<Option<Manifest>, Trouble> {
        let program = self.find(id)?;
        program.restart();
        let hello = program.running(&[])?.hello;
        if hello.offers.legacy {
            return Ok(None);
        }
        let form = form_of(&hello);
        if form == program.manifest.form {
            return Ok(None);
        }
        let changed = Manifest {
            form,
            ..program.manifest.clone()
        };
        let unusable = |what: String| {
            Trouble::new(Code::ProtocolFault)
                .with("handler", id)
                .with("log", id)
                .with("detail", what)
        };
        let specs = changed.settings().map_err(unusable)?;
        let is_folder = |spec: &SettingSpec| matches!(spec.kind, SettingKind::Folder);
        let opens = specs.iter().filter(|spec| is_folder(spec)).find(|spec| {
            let mut before = program.specs.iter();
            before.any(|before| before.key == spec.key && !is_folder(before))
        });
        match opens {
            None => Ok(Some(changed)),
            Some(spec) => Err(Trouble::new(Code::NotPossible)
                .with(
                    "detail",
                    format!(
                        "`{}` of the handler {id} is the name of a folder now, and was none when it was installed",
                        spec.key
                    ),
                )
                .with(
                    "advice",
                    "install it again with `syncmgr handler install`, to see what it may reach",
                )),
        }
    }

    /// Returns the last part of what a handler wrote to its standard error, at most so many bytes.
    ///
    /// # Errors
    /// `handler-unknown`, or why it cannot be read.
    pub fn logs(&self, id: &HandlerId, most: u64) -> Result<Vec<u8>, Trouble> {
        let log = self.find(id)?.log.tail(most);
        log.map_err(|error| {
            Trouble::new(Code::NotPossible).with("detail", format!("cannot read its log: {error}"))
        })
    }

    /// Removes the private folder and the log of a handler that is not there any more.
    ///
    /// # Errors
    /// What cannot be removed.
    pub fn forget(&self, manifest: Manifest) -> Result<(), String> {
        let program = self.program(manifest, false)?;
        program.close();
        program.forget().map_err(|error| error.to_string())
    }

    /// Ends all of them, without waiting.
    pub fn close(&self) {
        let programs = std::mem::take(&mut *lock(&self.0.programs));
        for program in programs.values() {
            program.close();
        }
    }

    /// Starts a handler that is not installed yet, kept to its private folder, and asks it who it
    /// is and what it has. It ends afterwards, and nothing of it is left, however it went.
    ///
    /// # Errors
    /// Why it cannot be used, for people; or what of it cannot be removed.
    pub fn introduce(&self, manifest: Manifest) -> Result<Introduction, Trouble> {
        let id = manifest.id.clone();
        let program = self.program(manifest, true);
        let unusable = |what: String| {
            Trouble::new(Code::ProtocolFault)
                .with("handler", &id)
                .with("detail", what)
        };
        let program = program.map_err(unusable)?;
        let met = self.meet(&program);
        program.restart();
        program.close();
        let forgotten = program.forget();
        let met = met?;
        forgotten.map_err(|error| {
            let detail = format!("what it left in its private folder stays: {error}");
            Trouble::new(Code::NotPossible).with("detail", detail)
        })?;
        Ok(met)
    }

    fn meet(&self, program: &Arc<Program>) -> Result<Introduction, Trouble> {
        let running = program.running(&[])?;
        let hello = &running.hello;
        let unusable = |what: String| {
            Trouble::new(Code::ProtocolFault)
                .with("handler", &hello.id)
                .with("detail", what)
        };
        let id = HandlerId::new(hello.id.as_str()).map_err(|error| unusable(error.to_string()))?;
        if let Some(form) = &hello.settings {
            form.specs().map_err(|wrong| unusable(wrong.to_string()))?;
        }
        let mut items = Vec::new();
        if !hello.offers.legacy {
            let answer = program.ask("items/list", json!({"saved": []}));
            let answer = answer.map_err(|error| error.trouble(&id))?;
            let listed = program.understood("items/list", wire::items(answer))?;
            items.extend(listed.into_iter().map(|item| (item.name, item.paths)));
        }
        Ok(Introduction {
            id,
            name: hello.name.clone(),
            version: hello.version.clone(),
            form: form_of(hello),
            is_legacy: hello.offers.legacy,
            items,
        })
    }
}

/// Returns the form of its items, as JSON; empty when it finds its items itself.
fn form_of(hello: &Hello) -> String {
    let form = hello.settings.as_ref();
    form.map(|form| wire::write(form).to_string())
        .unwrap_or_default()
}
