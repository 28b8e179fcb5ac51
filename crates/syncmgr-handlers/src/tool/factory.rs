//! A wrapped tool as the contract knows a handler: what makes instances, an instance, and its items.

use std::path::PathBuf;
use std::sync::Arc;

use syncmgr_model::capability::{HandlerCapabilities, HandlerType, ItemCapabilities};
use syncmgr_model::event::EventLevel;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{Found, Item, SettingSpec};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::Summary;
use syncmgr_model::request::{ChoiceOn, Intent, Work};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{
    ConflictStore, Handler, HandlerFactory, HandlerInfo, ItemEnumerator, ItemInfo, SessionCreator,
    SyncCallback, SyncItem, SyncRequest,
};

use super::conflict::{self, ToolConflicts};
use super::job::{Job, Session};
use super::process::Stop;
use super::{Context, ItemLock, Outcome, Tool, Wish};

/// Makes instances of the handler of a tool.
pub struct ToolFactory {
    id: HandlerId,
    tool: Arc<dyn Tool>,
    ctx: Arc<Context>,
}

impl std::fmt::Debug for ToolFactory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolFactory")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl ToolFactory {
    /// Makes a handler of a tool.
    ///
    /// # Panics
    /// When the id of the tool is none.
    #[must_use]
    pub fn new(tool: Arc<dyn Tool>, ctx: Arc<Context>) -> Self {
        let id = HandlerId::new(tool.id()).expect("the id of a built-in handler is valid");
        Self { id, tool, ctx }
    }
}

impl HandlerFactory for ToolFactory {
    fn missing(&self) -> Option<Trouble> {
        let program = self.tool.program()?;
        let is_there = self.ctx.find(program.name).is_some();
        (!is_there).then(|| super::context::missing(program))
    }

    fn id(&self) -> &HandlerId {
        &self.id
    }

    fn settings(&self) -> &'static [SettingSpec] {
        self.tool.settings()
    }

    fn create(&self, saved: &[Item]) -> Result<Box<dyn Handler>, Hresult> {
        let saved: Arc<[Item]> = Arc::from(saved);
        Ok(Box::new(Instance {
            id: self.id.clone(),
            conflicts: ToolConflicts {
                tool: Arc::clone(&self.tool),
                handler: self.id.clone(),
                ctx: Arc::clone(&self.ctx),
                items: Arc::clone(&saved),
            },
            tool: Arc::clone(&self.tool),
            ctx: Arc::clone(&self.ctx),
            saved,
        }))
    }
}

/// An instance: for one sync, or for questions.
struct Instance {
    id: HandlerId,
    tool: Arc<dyn Tool>,
    ctx: Arc<Context>,
    saved: Arc<[Item]>,
    conflicts: ToolConflicts,
}

impl Instance {
    fn shown(&self, item: &Item) -> Arc<dyn SyncItem> {
        Arc::new(ToolItem {
            tool: Arc::clone(&self.tool),
            ctx: Arc::clone(&self.ctx),
            paths: self.tool.paths(&self.ctx, item),
            summary: self.tool.summary(&self.ctx, item),
            keeps_conflicts: self.tool.keeps_conflicts(),
            capabilities: self.tool.item_capabilities(),
            conflicts: ToolConflicts {
                tool: Arc::clone(&self.tool),
                handler: self.id.clone(),
                ctx: Arc::clone(&self.ctx),
                items: Arc::from([item.clone()]),
            },
            item: item.clone(),
        })
    }

    /// Returns what has to be installed first, if something has.
    fn missing(&self) -> Option<&'static str> {
        let program = self.tool.program()?;
        let is_there = self.ctx.find(program.name).is_some();
        (!is_there).then_some(program.package)
    }
}

impl HandlerInfo for Instance {
    fn kind(&self) -> Result<HandlerType, Hresult> {
        Ok(self.tool.kind())
    }

    fn comment(&self) -> Result<String, Hresult> {
        match self.missing() {
            Some(package) => Ok(format!("not installed; `apt install {package}` brings it")),
            None => Err(Hresult::NotImplemented),
        }
    }

    /// It is set up when somebody uses it, or could: a program that is not installed and that no
    /// sync needs is nothing to be told about.
    fn is_active(&self) -> Result<bool, Hresult> {
        Ok(!self.saved.is_empty() || self.missing().is_none())
    }
}

impl Handler for Instance {
    fn name(&self) -> Result<String, Hresult> {
        Ok(self.tool.name().to_owned())
    }

    fn handler_info(&self) -> Result<&dyn HandlerInfo, Hresult> {
        Ok(self)
    }

    fn capabilities(&self) -> Result<HandlerCapabilities, Hresult> {
        let mut all = HandlerCapabilities::empty();
        all.set(
            HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS,
            self.tool.is_concurrent(),
        );
        all.set(
            HandlerCapabilities::CONFLICT_STORE,
            self.tool.keeps_conflicts(),
        );
        Ok(all)
    }

    fn items(&self) -> Result<ItemEnumerator, Hresult> {
        let items = self.saved.iter().map(|item| self.shown(item)).collect();
        Ok(ItemEnumerator::new(items))
    }

    fn item(&self, id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult> {
        let item = self.saved.iter().find(|item| item.id == *id);
        item.map(|item| self.shown(item))
            .ok_or(Hresult::InvalidArgument)
    }

    fn discover(&self) -> Result<Vec<Found>, Trouble> {
        self.tool.discover(&self.ctx)
    }

    fn check(&self, item: &Item) -> Result<(), Trouble> {
        self.tool.check(&self.ctx, item)
    }

    fn synchronize(
        &self,
        request: &SyncRequest,
        creator: &dyn SessionCreator,
    ) -> Result<(), Trouble> {
        let ids: Vec<_> = request.items.iter().map(|item| item.id.clone()).collect();
        let callback = creator.create_session(&self.id, &ids).map_err(|error| {
            Trouble::new(Code::ProtocolFault)
                .with("handler", &self.id)
                .with("detail", error)
        })?;
        let stop = Stop::default();
        let set = stop.clone();
        callback.on_cancel(Box::new(move || set.set()));
        let is_alone = request.items.len() == 1;
        for item in &request.items {
            let worked = self.work(item, request, &callback, &stop);
            match worked {
                Ok(()) => {}
                // The trouble of the only item is that of the session.
                Err(trouble) if is_alone => return Err(trouble),
                Err(trouble) => {
                    let status = status_of(trouble.code);
                    callback.report_trouble(&item.id, trouble).ok();
                    callback.report_status(&item.id, status).ok();
                }
            }
        }
        Ok(())
    }

    fn conflicts(&self) -> Option<&dyn ConflictStore> {
        self.tool
            .keeps_conflicts()
            .then_some(&self.conflicts as &dyn ConflictStore)
    }
}

/// Says what an error makes of an item; the center does the same for a single one.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every code but these means that the work was not done"
)]
fn status_of(code: Code) -> ProgressStatus {
    match code {
        Code::Stopped => ProgressStatus::Canceled,
        Code::FolderMissing | Code::Disconnected | Code::ToolMissing => {
            ProgressStatus::Disconnected
        }
        _ => ProgressStatus::Failed,
    }
}

fn stopped() -> Trouble {
    Trouble::new(Code::Stopped).at_level(EventLevel::Information)
}

impl Instance {
    fn work(
        &self,
        item: &Item,
        request: &SyncRequest,
        callback: &Arc<dyn SyncCallback>,
        stop: &Stop,
    ) -> Result<(), Trouble> {
        if stop.is_set() {
            return Err(stopped());
        }
        self.tool.check(&self.ctx, item)?;
        let program = match self.tool.program() {
            Some(program) => self.ctx.program(item, program)?,
            None => PathBuf::new(),
        };
        let session = Session::new(callback, &item.id, stop.clone());
        let dir = self.ctx.state_of(item)?;
        // What only looks need not wait for a run that works.
        let lock = match request.intent {
            Intent::Preview => None,
            Intent::Apply => Some(ItemLock::take(&dir, item.label())?),
        };
        let job = Job {
            ctx: &self.ctx,
            item,
            session: &session,
            dir: &dir,
            program,
            lock: lock.as_ref(),
        };
        let outcome = match (&request.work, request.intent) {
            (Work::Sync { .. }, Intent::Preview) => {
                let preview = self.tool.preview(&job)?;
                if stop.is_set() {
                    return Err(stopped());
                }
                callback.report_preview(&item.id, preview).ok();
                Outcome::default()
            }
            (Work::Sync { is_full, release }, Intent::Apply) => {
                let wish = Wish {
                    is_full: *is_full,
                    release: release.clone(),
                };
                self.tool.sync(&job, &wish)?
            }
            (Work::Resolve(choices), Intent::Apply) => self.resolve(&job, choices)?,
            (Work::Resolve(_) | Work::Undo(_) | Work::Restore(_), _) => {
                let name = self.tool.name();
                return Err(Trouble::new(Code::NotPossible)
                    .with("detail", format!("{name} does not offer this")));
            }
        };
        if request.intent == Intent::Apply {
            self.tell(&job, callback, outcome)?;
        }
        let status = match outcome.was_stopped {
            true => ProgressStatus::Canceled,
            false => ProgressStatus::Succeeded,
        };
        callback.report_status(&item.id, status).ok();
        Ok(())
    }

    fn tell(
        &self,
        job: &Job<'_>,
        callback: &Arc<dyn SyncCallback>,
        outcome: Outcome,
    ) -> Result<(), Trouble> {
        let mut summary = outcome.summary;
        if self.tool.keeps_conflicts() {
            let conflicts = self.tool.conflicts(job.ctx, job.item)?;
            summary.n_conflicts = conflicts.len() as u64;
        }
        if outcome.was_stopped {
            job.session.say(stopped());
        }
        callback.report_summary(&job.item.id, &summary).ok();
        Ok(())
    }

    /// Carries decisions out, one after the other: what one of them could not do says nothing about
    /// the others.
    fn resolve(&self, job: &Job<'_>, choices: &[ChoiceOn]) -> Result<Outcome, Trouble> {
        let conflicts = self.tool.conflicts(job.ctx, job.item)?;
        let mut summary = Summary::default();
        let mut n_decided = 0;
        for ChoiceOn {
            conflict, choice, ..
        } in choices
        {
            if job.session.is_stopped() {
                return Ok(Outcome {
                    summary,
                    was_stopped: true,
                });
            }
            let decided = conflict::named(&conflicts, conflict)
                .and_then(|seen| self.tool.resolve(job, &seen, choice));
            match decided {
                Ok(()) => n_decided += 1,
                Err(trouble) if choices.len() == 1 => return Err(trouble),
                Err(trouble) => {
                    summary.n_failures += 1;
                    job.session.say(trouble);
                }
            }
        }
        if n_decided == 0 {
            return Ok(Outcome {
                summary,
                was_stopped: false,
            });
        }
        let outcome = self.tool.resolved(job)?;
        Ok(Outcome {
            summary: summary.plus(&outcome.summary),
            was_stopped: outcome.was_stopped,
        })
    }
}

/// A saved item.
struct ToolItem {
    tool: Arc<dyn Tool>,
    ctx: Arc<Context>,
    item: Item,
    paths: Vec<PathBuf>,
    summary: String,
    keeps_conflicts: bool,
    capabilities: ItemCapabilities,
    conflicts: ToolConflicts,
}

impl ItemInfo for ToolItem {
    fn comment(&self) -> Result<String, Hresult> {
        Ok(self.summary.clone())
    }
}

impl SyncItem for ToolItem {
    fn id(&self) -> Result<String, Hresult> {
        Ok(self.item.id.to_string())
    }

    fn name(&self) -> Result<String, Hresult> {
        Ok(self.item.label().to_owned())
    }

    fn item_info(&self) -> Result<&dyn ItemInfo, Hresult> {
        Ok(self)
    }

    fn capabilities(&self) -> Result<ItemCapabilities, Hresult> {
        let mut all = self.capabilities | ItemCapabilities::CAN_DELETE;
        all.set(ItemCapabilities::CONFLICT_STORE, self.keeps_conflicts);
        Ok(all)
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.paths.clone()
    }

    fn enable(&self, is_enabled: bool) -> Result<(), Hresult> {
        self.tool.enable(&self.ctx, &self.item, is_enabled)
    }

    fn conflicts(&self) -> Option<&dyn ConflictStore> {
        self.keeps_conflicts
            .then_some(&self.conflicts as &dyn ConflictStore)
    }

    fn saved(&self) -> Option<&Item> {
        Some(&self.item)
    }
}
