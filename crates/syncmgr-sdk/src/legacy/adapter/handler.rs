//! A handler of the older family, as an instance of today.

use std::cell::OnceCell;
use std::sync::Arc;

use syncmgr_model::capability::HandlerCapabilities;
use syncmgr_model::event::{Link, NewEvent};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::ItemId;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::request::{Intent, Token, Work};
use syncmgr_model::trouble::{Code, Trouble};

use super::Shared;
use super::board::{harmless, read_context};
use super::item::AdaptedItem;
use super::operation::{FollowedError, Properties};
use super::run::Run;
use crate::legacy::{Errand, Event, Failure, Guid, LegacyHandlerInfo, LegacyItems, Occasion};
use crate::{
    Handler, ItemEnumerator, Operation, SessionCreator, SyncCallback, SyncItem, SyncRequest,
    UiOperation,
};

/// An instance of today. It makes an instance of the older handler when it is asked something, and
/// another one for each sync.
pub(super) struct Adapted {
    shared: Arc<Shared>,
    /// What is asked about properties; initialised for settings, so that nothing is synced with it.
    asked: OnceCell<Result<Run, Failure>>,
}

impl Adapted {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            asked: OnceCell::new(),
        }
    }

    fn asked(&self) -> Result<&Run, Hresult> {
        let occasion = Occasion {
            event: Event::Manual,
            is_settings: true,
            may_bother_user: false,
        };
        self.asked
            .get_or_init(|| begin(&self.shared, occasion, None)?.ok_or_else(declined))
            .as_ref()
            .map_err(hresult)
    }

    fn info(&self) -> Result<LegacyHandlerInfo, Hresult> {
        let info = self.asked()?.handler().handler_info();
        info.map_err(|failure| hresult(&failure))
    }

    /// The items, with the choices for those that are gone forgotten.
    fn list(&self) -> Result<LegacyItems, Hresult> {
        let items = self.asked()?.handler().items();
        let list = items.map_err(|failure| hresult(&failure))?;
        note(&self.shared, &list);
        Ok(list)
    }

    /// The instance that a request is for: a kept one that wants another go, or a fresh one with the
    /// items that it has; `None` when the handler does nothing at this event.
    fn instance(&self, request: &SyncRequest) -> Result<Option<Instance>, Failure> {
        let errand = request.token.as_ref().map(|Token(text)| Errand::read(text));
        let wanted = match &errand {
            Some(Errand::Retry(number)) => Some(*number),
            Some(Errand::Event(..)) | None => None,
        };
        if let Some(run) = self.shared.release_kept(wanted) {
            return Ok(Some((run, None)));
        }
        let (event, cookie) = match errand {
            Some(Errand::Event(event, cookie)) => (event, cookie),
            Some(Errand::Retry(_)) => (Event::Manual, None),
            None if request.may_ask => (Event::Manual, None),
            None => (Event::Scheduled, None),
        };
        let occasion = Occasion {
            event,
            is_settings: false,
            may_bother_user: request.may_ask,
        };
        let Some(run) = begin(&self.shared, occasion, cookie.as_deref())? else {
            return Ok(None);
        };
        let list = run.handler().items()?;
        note(&self.shared, &list);
        run.give_callback()?;
        Ok(Some((Arc::new(run), Some(list))))
    }

    fn sync(&self, request: &SyncRequest, creator: &dyn SessionCreator) -> Result<(), Trouble> {
        let ids = guids(request).map_err(|failure| trouble(&failure))?;
        if ids.is_empty() {
            return Ok(());
        }
        let run = self
            .instance(request)
            .map_err(|failure| trouble(&failure))?;
        let items: Vec<ItemId> = ids.iter().map(|id| id.item_id()).collect();
        let session = creator
            .create_session(&self.shared.id, &items)
            .map_err(|refused| trouble(&Failure::new(refused.code(), NO_SESSION)))?;
        if let Some(notice) = self.shared.maker.notice() {
            // No reason not to sync.
            drop(say(notice, &*session));
        }
        let Some((run, list)) = run else {
            return leave_out(&items, &*session);
        };
        let (ids, gone): (Vec<_>, Vec<_>) = ids
            .into_iter()
            .partition(|id| list.as_ref().is_none_or(|list| may_have(list, *id)));
        gone.iter().for_each(|id| miss(*id, &*session));
        if ids.is_empty() {
            return Ok(());
        }
        let result = run.sync(&ids, Arc::clone(&session));
        if run.has_links() {
            self.shared.keep(run);
        }
        match result {
            Ok(()) => Ok(()),
            Err(failure) => say(trouble(&failure), &*session),
        }
    }
}

/// An instance and, if it is fresh, the items it listed.
type Instance = (Arc<Run>, Option<LegacyItems>);

/// Says whether a handler may have an item: with an incomplete list nobody knows.
fn may_have(list: &LegacyItems, id: Guid) -> bool {
    !list.is_complete || list.find(id).is_some()
}

/// Says of an item that it went away before its sync. The handler is not asked for it: it might
/// refuse the others with it.
fn miss(id: Guid, session: &dyn SyncCallback) {
    let trouble = Trouble::new(Code::NotFound)
        .with("what", "item")
        .with("name", id);
    // A center that takes no report closes the item itself, as failed too.
    let _told = session.report_trouble(&id.item_id(), trouble);
    let _ended = session.report_status(&id.item_id(), ProgressStatus::Failed);
}

/// Why nothing begins when the center does not want it.
const NO_SESSION: &str = "the center opened no session";

/// The handler takes no part in this event: nothing is done, and nothing went wrong.
fn leave_out(items: &[ItemId], session: &dyn SyncCallback) -> Result<(), Trouble> {
    for item in items {
        let told = session.report_status(item, ProgressStatus::Canceled);
        told.map_err(|refused| trouble(&Failure::new(refused.code(), NO_SESSION)))?;
    }
    Ok(())
}

/// Records what went wrong. It is not returned as an error: every item has been told how it ended,
/// and those that succeeded did.
fn say(trouble: Trouble, session: &dyn SyncCallback) -> Result<(), Trouble> {
    let event = NewEvent {
        item: None,
        trouble: trouble.clone(),
        link: Link::default(),
        context: None,
    };
    session.report_event(event).map(drop).map_err(|_| trouble)
}

impl Handler for Adapted {
    fn name(&self) -> Result<String, Hresult> {
        Ok(harmless(&self.info()?.name))
    }

    fn capabilities(&self) -> Result<HandlerCapabilities, Hresult> {
        let mut capabilities = HandlerCapabilities::empty();
        let has_properties = self.info()?.flags.has_properties;
        capabilities.set(HandlerCapabilities::CAN_BROWSE_CONTENT, has_properties);
        Ok(capabilities)
    }

    fn items(&self) -> Result<ItemEnumerator, Hresult> {
        let list = self.list()?;
        let adapted = |item| {
            let item = AdaptedItem::new(Arc::clone(&self.shared), item);
            Arc::new(item) as Arc<dyn SyncItem>
        };
        Ok(ItemEnumerator::new(
            list.items.into_iter().map(adapted).collect(),
        ))
    }

    fn item(&self, id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult> {
        let guid = Guid::of_item(id).ok_or(Hresult::InvalidArgument)?;
        let list = self.list()?;
        let item = list.find(guid).ok_or(Hresult::InvalidArgument)?;
        let item = AdaptedItem::new(Arc::clone(&self.shared), item.clone());
        Ok(Arc::new(item))
    }

    fn operation(&self, operation: &Operation) -> Result<Box<dyn UiOperation>, Hresult> {
        match operation {
            Operation::Browse => Ok(Box::new(Properties::new(Arc::clone(&self.shared), None))),
            Operation::EventLink(event) => {
                let context = event.context.as_deref().and_then(read_context);
                let (number, error) = context.ok_or(Hresult::NotImplemented)?;
                // Without the instance that wrote the entry there is nobody to ask about it.
                let run = self.shared.kept(number).ok_or(Hresult::NotImplemented)?;
                Ok(Box::new(FollowedError::new(
                    Arc::clone(&self.shared),
                    run,
                    error,
                )))
            }
            Operation::ShowSchedule
            | Operation::QueryBeforeActivate
            | Operation::QueryBeforeDeactivate
            | Operation::QueryBeforeEnable
            | Operation::QueryBeforeDisable
            | Operation::QueryBeforeDelete => Err(Hresult::NotImplemented),
        }
    }

    fn synchronize(
        &self,
        request: &SyncRequest,
        creator: &dyn SessionCreator,
    ) -> Result<(), Trouble> {
        let is_sync = matches!(request.work, Work::Sync { .. });
        if request.intent == Intent::Preview || !is_sync {
            return Err(Trouble::new(Code::NotPossible).with(
                "detail",
                "this handler is of an older kind, which can only sync",
            ));
        }
        self.sync(request, creator)
    }
}

/// The items of a request by their GUIDs.
fn guids(request: &SyncRequest) -> Result<Vec<Guid>, Failure> {
    let guid = |id: &ItemId| {
        let unknown = || format!("it has no item `{id}`");
        Guid::of_item(id).ok_or_else(|| Failure::new(Failure::INVALID, unknown()))
    };
    request.items.iter().map(|item| guid(&item.id)).collect()
}

pub(super) fn begin(
    shared: &Shared,
    occasion: Occasion,
    cookie: Option<&[u8]>,
) -> Result<Option<Run>, Failure> {
    Run::begin(shared, occasion, cookie)
}

/// Forgets the choices for items that are gone. If that cannot be kept, they are forgotten next
/// time: nothing depends on it.
fn note(shared: &Shared, list: &LegacyItems) {
    let _kept_for_now = shared.change_choices(|choices| choices.listed(list));
}

pub(super) fn declined() -> Failure {
    Failure::new(Failure::DECLINED, "it does nothing at this event")
}

/// The error of today that says the same.
pub(super) fn hresult(failure: &Failure) -> Hresult {
    match failure.code {
        Failure::NOT_IMPLEMENTED => Hresult::NotImplemented,
        Failure::INVALID => Hresult::InvalidArgument,
        Failure::UNEXPECTED => Hresult::Unexpected,
        _ => Hresult::Failed,
    }
}

fn trouble(failure: &Failure) -> Trouble {
    if let Some(trouble) = &failure.trouble {
        return (**trouble).clone();
    }
    Trouble::new(Code::HandlerSays)
        .with("name", "The sync did not come to its end.")
        .with(
            "description",
            format!(
                "The handler says: {}. Items that it did not finish are as it left them, and can be synced again.",
                harmless(&failure.to_string())
            ),
        )
}
