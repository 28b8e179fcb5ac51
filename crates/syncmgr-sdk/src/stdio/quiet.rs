//! A session nobody watches: it carries out one decision on a conflict whose handler decides
//! conflicts as work of a session.

use std::sync::{Arc, Mutex};

use syncmgr_model::event::NewEvent;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{CancelRequest, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::request::{Additional, Choice, ChoiceOn, Intent, Token, Work};
use syncmgr_model::trouble::{Code, Trouble};

use super::lock;
use crate::{Handler, ItemProgress, SessionCreator, SyncCallback, SyncItem, SyncRequest};

#[derive(Default)]
struct Seen {
    status: Option<ProgressStatus>,
    trouble: Option<Trouble>,
}

/// The session.
#[derive(Clone, Default)]
struct Quiet(Arc<Mutex<Seen>>);

/// Carries a decision out.
///
/// # Errors
/// What the handler reported, when it did not succeed.
pub(super) fn resolve(
    handler: &dyn Handler,
    item: Item,
    (conflict, choice): (String, Choice),
) -> Result<(), Trouble> {
    let quiet = Quiet::default();
    let request = SyncRequest {
        items: vec![item],
        work: Work::Resolve(vec![ChoiceOn {
            conflict,
            choice,
            seen: None,
        }]),
        intent: Intent::Apply,
        token: None,
        may_ask: false,
        dirty: None,
    };
    handler.synchronize(&request, &quiet)?;
    let seen = std::mem::take(&mut *lock(&quiet.0));
    match seen.status {
        Some(ProgressStatus::Succeeded) => Ok(()),
        _ => Err(seen.trouble.unwrap_or_else(|| {
            Trouble::new(Code::NotPossible).with("detail", "the decision was not carried out")
        })),
    }
}

impl SessionCreator for Quiet {
    fn create_session(
        &self,
        _handler: &HandlerId,
        _items: &[ItemId],
    ) -> Result<Arc<dyn SyncCallback>, Hresult> {
        Ok(Arc::new(self.clone()))
    }
}

impl SyncCallback for Quiet {
    fn run_id(&self) -> &'static str {
        "decision"
    }

    fn report_progress(
        &self,
        _item: &ItemId,
        status: ProgressStatus,
        _progress: &ItemProgress<'_>,
    ) -> Result<CancelRequest, Hresult> {
        lock(&self.0).status = Some(status);
        Ok(CancelRequest::None)
    }

    fn report_summary(&self, _item: &ItemId, _summary: &Summary) -> Result<(), Hresult> {
        Ok(())
    }

    fn report_preview(&self, _item: &ItemId, _preview: Preview) -> Result<(), Hresult> {
        Ok(())
    }

    fn set_handler_progress_text(&self, _text: &str) -> CancelRequest {
        CancelRequest::None
    }

    fn report_event(&self, event: NewEvent) -> Result<EventId, Hresult> {
        lock(&self.0).trouble.get_or_insert(event.trouble);
        Ok(EventId(0))
    }

    fn can_continue(&self, _item: Option<&ItemId>) -> Result<bool, Hresult> {
        Ok(true)
    }

    fn query_for_additional_items(&self) -> Result<Option<Additional>, Hresult> {
        Ok(None)
    }

    fn add_item_to_session(&self, _item: &ItemId) -> Result<Item, Hresult> {
        Err(Hresult::InvalidArgument)
    }

    fn add_token_to_session(&self, _token: &Token) -> Result<(), Hresult> {
        Err(Hresult::InvalidArgument)
    }

    fn propose_item(&self, _item: Arc<dyn SyncItem>) -> Result<(), Hresult> {
        Err(Hresult::AccessDenied)
    }

    fn commit_item(&self, _item: &ItemId) -> Result<(), Hresult> {
        Err(Hresult::InvalidArgument)
    }

    fn report_manual_sync(&self) -> Result<(), Hresult> {
        Ok(())
    }

    fn on_cancel(&self, _stop: Box<dyn Fn() + Send + Sync>) {}
}
