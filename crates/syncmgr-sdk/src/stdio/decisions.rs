//! Decisions on conflicts, however the handler carries them out: by its store, or as work of a
//! session.

use std::sync::Arc;

use syncmgr_model::conflict::ConflictId;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::ItemId;
use syncmgr_model::item::Item;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::request::{Choice, ChoiceOn};
use syncmgr_model::resolution::{Decision, Feedback};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_protocol::conflict::Decision as WireDecision;
use syncmgr_protocol::path::PathText;
use syncmgr_protocol::session::Decided as WireDecided;
use syncmgr_protocol::{RpcError, error};

use super::callback::{Remote, chosen};
use super::host::Host;
use super::{quiet, shown};
use crate::{ConflictFilter, ConflictView, Handler, SyncCallback};

/// Reads what was decided.
pub(super) fn read(decision: &WireDecision) -> Result<Decision, RpcError> {
    let read = |path: &PathText| chosen(&path.path());
    decision
        .to_model(read)
        .map_err(|trouble| RpcError::from(&trouble))
}

/// Finds a conflict of the handler or of one of its items; an id that names none does not fit.
pub(super) fn find(handler: &dyn Handler, id: &str) -> Result<Arc<dyn ConflictView>, RpcError> {
    let unknown = || {
        let shown = id.escape_debug();
        RpcError::new(
            error::INVALID_ARGUMENT,
            format!("There is no conflict `{shown}`."),
        )
    };
    let failed = |trouble: Trouble| match trouble.code {
        Code::NotFound => unknown(),
        _ => RpcError::from(&trouble),
    };
    let own = ConflictId::new(PathText(id.to_owned()).bytes());
    if let Some(store) = handler.conflicts() {
        return store.bind(&own).map_err(failed);
    }
    for item in shown::items(handler)? {
        let Some(store) = item.conflicts().filter(|_| shown::has_conflicts(&*item)) else {
            continue;
        };
        let all = store.enumerate(&ConflictFilter::default());
        let found = all.map_err(failed)?.into_iter().find(|it| it.id() == own);
        if let Some(view) = found {
            return Ok(view);
        }
    }
    Err(unknown())
}

/// Carries one decision out, in the way that the handler says. `saved` finds an item that the
/// handler does not know as a saved one.
pub(super) fn carry_out(
    handler: &dyn Handler,
    (id, view): (&str, &dyn ConflictView),
    decision: &Decision,
    saved: impl Fn(&ItemId) -> Option<Item>,
) -> Result<Feedback, RpcError> {
    let failed = |trouble| RpcError::from(&trouble);
    let resolution = view.resolution();
    let Some(choice) = resolution.as_work(decision).map_err(failed)? else {
        return resolution.carry_out(decision).map_err(failed);
    };
    let item = view.item().ok_or(Hresult::InvalidArgument)?;
    let own = handler.item(&item)?;
    let item = own.saved().cloned().or_else(|| saved(&item));
    let item = item.ok_or(Hresult::InvalidArgument)?;
    quiet::resolve(handler, item, (id.to_owned(), choice)).map_err(failed)?;
    Ok(Feedback::Continue)
}

/// A decision of a session, and the conflict it is about.
struct One {
    id: String,
    view: Arc<dyn ConflictView>,
    decision: Decision,
    /// What it is as work, when that is how the handler carries it out.
    choice: Option<Choice>,
}

/// The decisions of a session.
pub(super) struct Decided(Vec<One>);

impl Decided {
    /// Reads them, and finds their conflicts; nothing is done when one of them does not fit.
    pub(super) fn read(
        handler: &dyn Handler,
        decided: &[WireDecided],
        items: &[Item],
    ) -> Result<Self, RpcError> {
        let one = |decided: &WireDecided| {
            let decision = read(&decided.decision)?;
            let view = find(handler, &decided.id)?;
            let is_here = view
                .item()
                .is_none_or(|item| items.iter().any(|one| one.id == item));
            if !is_here {
                let text = "a decision is about an item that is not in the session";
                return Err(RpcError::new(error::INVALID_ARGUMENT, text));
            }
            let choice = view.resolution().as_work(&decision);
            Ok(One {
                id: decided.id.clone(),
                choice: choice.map_err(|trouble| RpcError::from(&trouble))?,
                view,
                decision,
            })
        };
        decided.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// Returns all of them as work, when the handler carries all of them out so.
    pub(super) fn as_work(&self) -> Option<Vec<ChoiceOn>> {
        let choice = |one: &One| {
            Some(ChoiceOn {
                conflict: one.id.clone(),
                choice: one.choice.clone()?,
                // The center looked at them.
                seen: None,
            })
        };
        self.0.iter().map(choice).collect()
    }

    /// Carries them out one after another, and reports how each item of the session ended.
    pub(super) fn carry_out(
        &self,
        handler: &dyn Handler,
        items: &[Item],
        (session, host): (&Remote, &Host),
    ) {
        for (at, item) in items.iter().enumerate() {
            let is_its = |one: &&One| one.view.item().map_or(at == 0, |its| its == item.id);
            let its = self.0.iter().filter(is_its);
            let status = carry_out_of(handler, (item, items), its, session);
            host.conflicts_changed(Some(&item.id));
            // Who does not take it has ended the session already.
            let _ = session.report_status(&item.id, status);
        }
    }
}

fn carry_out_of<'a>(
    handler: &dyn Handler,
    (item, items): (&Item, &[Item]),
    decided: impl Iterator<Item = &'a One>,
    session: &Remote,
) -> ProgressStatus {
    let saved = |id: &ItemId| items.iter().find(|item| item.id == *id).cloned();
    let mut status = ProgressStatus::Succeeded;
    for one in decided {
        if !session.can_continue(Some(&item.id)).unwrap_or(false) {
            return ProgressStatus::Canceled;
        }
        let _ = session.report_status(&item.id, ProgressStatus::UpdatingIndeterminate);
        match carry_out(handler, (&one.id, &*one.view), &one.decision, saved) {
            Ok(Feedback::Continue | Feedback::Refresh) => {}
            Ok(Feedback::Cancel) => return ProgressStatus::Canceled,
            Err(error) => {
                status = ProgressStatus::Failed;
                let trouble = error.trouble().unwrap_or_else(|| {
                    Trouble::new(Code::NotPossible).with("detail", &error.message)
                });
                let _ = session.report_trouble(&item.id, trouble);
            }
        }
    }
    status
}
