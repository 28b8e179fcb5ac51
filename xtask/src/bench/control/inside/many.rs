//! A handler with very many items whose sessions never end by themselves; it has no thread and no
//! data, so that what is measured is the center and the API.

use std::sync::mpsc::Sender;

use syncmgr_center::command::{
    CallId, CallReply, Change, Command, Dispatch, Operation, OperationId,
};
use syncmgr_center::port::{Handlers, Removed};
use syncmgr_model::capability::HandlerCapabilities;
use syncmgr_model::facts::{HandlerFacts, HandlerInfoFacts, ItemFacts};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::progress::{Phase, Progress, ProgressStatus};

/// The handler, its items, and all its sessions.
#[derive(Debug)]
pub(super) struct Many(pub(super) HandlerId);

fn facts(item: &Item) -> ItemFacts {
    let path = |side| {
        item.settings
            .text(side)
            .unwrap_or_default()
            .as_bytes()
            .to_vec()
    };
    ItemFacts {
        id: Ok(item.id.to_string()),
        name: Ok(item.label().to_owned()),
        info: Err(Hresult::NotImplemented),
        capabilities: Ok(0),
        policies: Ok(0),
        paths: vec![path("left"), path("right")],
        saved: Some(item.clone()),
    }
}

impl Handlers for Many {
    fn installed(&self) -> Vec<HandlerId> {
        vec![self.0.clone()]
    }

    fn collections(&self) -> Vec<String> {
        Vec::new()
    }

    fn load(&self, id: &HandlerId, saved: &[Item], to: &Sender<Command>) {
        let facts = HandlerFacts {
            is_apart: false,
            id: id.clone(),
            name: Ok("Benchmark".to_owned()),
            // Set up and turned on; the rest nobody knows.
            info: Ok(HandlerInfoFacts {
                kind: Err(Hresult::NotImplemented),
                type_label: Err(Hresult::NotImplemented),
                comment: Err(Hresult::NotImplemented),
                last_sync: Err(Hresult::NotImplemented),
                is_active: Ok(true),
                is_enabled: Ok(true),
                is_connected: Ok(true),
            }),
            capabilities: Ok(HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS.bits()),
            policies: Ok(0),
            items: Ok(saved.iter().map(facts).collect()),
        };
        drop(to.send(Command::Loaded(id.clone(), Ok(Box::new(facts)))));
    }

    fn load_item(&self, key: &ItemKey, to: &Sender<Command>) {
        let unknown = Err(Hresult::InvalidArgument);
        drop(to.send(Command::ItemLoaded(key.clone(), unknown)));
    }

    fn load_collection(&self, id: &str, to: &Sender<Command>) {
        let unknown = Err(Hresult::InvalidArgument);
        drop(to.send(Command::CollectionLoaded(id.to_owned(), unknown)));
    }

    fn run(&self, dispatch: Dispatch, to: &Sender<Command>) {
        for item in dispatch.items {
            let progress = Progress {
                phase: Phase::Copying,
                n_done: 3,
                n_total: Some(7),
                bytes_done: 12_345,
                bytes_total: Some(67_890),
                current: Some("a/path/of/usual/length.txt".to_owned()),
                ..Progress::default()
            };
            let (session, status) = (dispatch.session.clone(), ProgressStatus::Updating);
            let report = Command::Progress(session, item.id, status, Box::new(progress));
            drop(to.send(report));
        }
    }

    fn cancel(&self, _: &SessionId, _: Option<&ItemId>) {}

    fn abandon(&self, _: &SessionId) {}

    fn tell(
        &self,
        id: OperationId,
        _: &HandlerId,
        _: Option<&ItemId>,
        _: Change,
        to: &Sender<Command>,
    ) {
        drop(to.send(Command::Told(id, Ok(()))));
    }

    fn show(
        &self,
        id: OperationId,
        _: &HandlerId,
        _: Option<&ItemId>,
        _: Operation,
        to: &Sender<Command>,
    ) {
        drop(to.send(Command::Shown(id, Err(Hresult::NotImplemented))));
    }

    fn raise(&self, _: OperationId) {}

    fn load_events(&self, handler: &HandlerId, stores: &[Option<ItemId>], to: &Sender<Command>) {
        let none = |store: &Option<ItemId>| (store.clone(), Ok(Vec::new()));
        let read = stores.iter().map(none).collect();
        drop(to.send(Command::EventsLoaded(handler.clone(), read)));
    }

    fn count_conflicts(
        &self,
        handler: &HandlerId,
        _: Vec<Item>,
        scope: Vec<Option<ItemId>>,
        to: &Sender<Command>,
    ) {
        let counted = scope.into_iter().map(|item| (item, Ok(0))).collect();
        drop(to.send(Command::ConflictsCounted(handler.clone(), counted)));
    }

    fn remove_conflicts(&self, id: OperationId, _: Removed, to: &Sender<Command>) {
        drop(to.send(Command::ConflictsRemoved(id, Ok(()))));
    }

    fn remove_events(&self, _: &HandlerId, _: &[EventId]) {}

    fn reply(&self, _: CallId, _: Result<CallReply, Hresult>) {}
}
