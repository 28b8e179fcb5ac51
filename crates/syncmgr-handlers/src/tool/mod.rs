//! Tools that people use already, each as a handler: what is common to all of them.
//!
//! A tool is a [`Tool`]: what its items are set to, which folders they work on, what the tool was
//! set up for by itself, and how it is run. [`ToolFactory`] makes a handler of it. [`Context`] is
//! what it knows of the machine, [`Job`] what it works with in a session, [`process`] runs a child
//! and reads its output, [`pattern`] and [`exits`] understand any command's.
//!
//! ```text
//!  synchronize ─► program there? ─no──► tool-missing
//!                     │yes
//!                     ├─ preview ─► Tool::preview ─────────────► report_preview
//!                     ├─ sync ────► lock ─► Tool::sync ────────► results, summary, status
//!                     └─ resolve ─► lock ─► Tool::resolve (each) ► summary, status
//! ```
//!
//! Must not: write into the set-up of a person's tool, start a shell, or hand a secret over in
//! arguments.

pub mod aside;
pub mod context;
pub mod diagnose;
pub mod exits;
pub mod hold;
pub mod job;
pub mod kept;
pub mod pattern;
pub mod process;
pub mod settings;

mod conflict;
mod factory;
mod lines;
mod lock;
mod memory;
mod redact;
mod secret;
mod tail;

use std::path::PathBuf;

use syncmgr_model::capability::{HandlerType, ItemCapabilities};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::item::{Found, Item, SettingSpec};
use syncmgr_model::preview::Preview;
use syncmgr_model::record::Summary;
use syncmgr_model::request::Choice;
use syncmgr_model::resolution::Abilities;
use syncmgr_model::trouble::{Code, Trouble};

pub use conflict::{Seen, ToolConflict, Version, as_timestamp, conflict_id, facts_of};
pub use context::{Context, ENV, PROGRAM, Program};
pub use factory::ToolFactory;
pub use job::{Job, Session};
pub use lock::ItemLock;
pub use memory::{recall, remember};
pub use redact::{GONE, line_without_secrets, redact, without_secrets};
pub use secret::{NoSecrets, Secret, SecretFile, Secrets};
pub use tail::Tail;

/// What a person asked of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// Compare contents, where the tool can.
    pub is_full: bool,
    /// Let the held changes with this id go, once; also a repair that a preview showed.
    pub release: Option<String>,
}

/// What a run of a tool did and left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What was done and left; conflicts are counted by the framework for a tool that keeps them.
    pub summary: Summary,
    /// A person stopped it.
    pub was_stopped: bool,
}

/// A tool that does the work of a handler. It has no state of its own: what must stay lies in the
/// state folder of an item.
///
/// **Order.** `check` before an item is saved; `paths` and `summary` whenever it is shown: they look
/// at the settings and at nothing else. `sync`, `preview` and `resolve` run on threads of their own.
/// **Files.** Nothing that a person wrote is replaced or deleted unless the settings or a decision
/// say so, and then it is kept where the tool can keep it. **Cancelling.** [`Job::run`] ends the
/// child; between children a tool asks [`Session::is_stopped`].
pub trait Tool: Send + Sync + 'static {
    /// Returns the id of the handler.
    fn id(&self) -> &'static str;

    /// Returns what it is called.
    fn name(&self) -> &'static str;

    /// Returns the settings of its items.
    fn settings(&self) -> &'static [SettingSpec];

    /// Returns the program that does the work; `None` when each item names its own.
    fn program(&self) -> Option<Program>;

    /// Returns what kind of thing it syncs.
    fn kind(&self) -> HandlerType {
        HandlerType::Application
    }

    /// Says whether several items may be worked on at once.
    fn is_concurrent(&self) -> bool {
        true
    }

    /// Returns what its items can do beside being removed and, with [`Self::keeps_conflicts`],
    /// having conflicts.
    fn item_capabilities(&self) -> ItemCapabilities {
        ItemCapabilities::empty()
    }

    /// Returns the local folders an item works on, absolute.
    fn paths(&self, ctx: &Context, item: &Item) -> Vec<PathBuf>;

    /// Returns what an item syncs, in one line, as `~/Photos -> nas:photos`; harmless text.
    fn summary(&self, ctx: &Context, item: &Item) -> String;

    /// Checks the settings of an item without looking at its data.
    ///
    /// # Errors
    /// `setting-unusable`.
    fn check(&self, ctx: &Context, item: &Item) -> Result<(), Trouble>;

    /// Is told that a person turned an item on or off.
    ///
    /// # Errors
    /// When it refuses; the state then stays. [`Hresult::NotImplemented`] counts as done.
    fn enable(&self, _ctx: &Context, _item: &Item, _is_on: bool) -> Result<(), Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Looks for what the tool was set up to sync by a person. Reads files only: no process, no
    /// network.
    ///
    /// # Errors
    /// When the set-up is there and cannot be read.
    fn discover(&self, _ctx: &Context) -> Result<Vec<Found>, Trouble> {
        Ok(Vec::new())
    }

    /// Says what a sync would do. Writes nothing on any side.
    ///
    /// # Errors
    /// `not-possible` for a tool that cannot say it; otherwise as [`Self::sync`].
    fn preview(&self, _job: &Job<'_>) -> Result<Preview, Trouble> {
        Err(Trouble::new(Code::NotPossible).with(
            "detail",
            format!("{} cannot say beforehand what it would do", self.name()),
        ))
    }

    /// Syncs an item. Troubles that leave the rest fine go to [`Session::say`].
    ///
    /// # Errors
    /// When the work could not be done.
    fn sync(&self, job: &Job<'_>, wish: &Wish) -> Result<Outcome, Trouble>;

    /// Says whether it keeps conflicts.
    fn keeps_conflicts(&self) -> bool {
        false
    }

    /// Lists the conflicts of an item as they are now, sorted by path. Asked often, so it starts no
    /// process.
    ///
    /// # Errors
    /// When they cannot be listed; nothing is concluded about them then.
    fn conflicts(&self, _ctx: &Context, _item: &Item) -> Result<Vec<ToolConflict>, Trouble> {
        Ok(Vec::new())
    }

    /// Returns the stable word for the kind of a conflict: a decision for all applies to those of
    /// the same kind.
    fn conflict_word(&self, conflict: &ToolConflict) -> &'static str {
        conflict.kind.as_str()
    }

    /// Returns what can be done about conflicts. Without [`Abilities::KEEP_SINGLE`] none can be
    /// decided here, and nothing is offered.
    fn abilities(&self) -> Abilities {
        Abilities::KEEP_SINGLE
    }

    /// Carries a decision on one conflict out; what is replaced is kept somewhere. It was about
    /// this state of the conflict, so [`Seen::is_still_so`] is asked right before something is
    /// replaced.
    ///
    /// # Errors
    /// `not-possible` for a decision it does not know; `state-changed` when the files are not what
    /// was shown; the conflict then is as it was.
    fn resolve(&self, _job: &Job<'_>, _seen: &Seen<'_>, _choice: &Choice) -> Result<(), Trouble> {
        Err(Trouble::new(Code::NotPossible).with(
            "detail",
            format!(
                "conflicts of {} are decided with its own tools",
                self.name()
            ),
        ))
    }

    /// Is told that decisions were carried out, once for all of them: brings what they did to the
    /// other side.
    ///
    /// # Errors
    /// When that could not be done; the decisions stay as they were carried out.
    fn resolved(&self, _job: &Job<'_>) -> Result<Outcome, Trouble> {
        Ok(Outcome::default())
    }
}
