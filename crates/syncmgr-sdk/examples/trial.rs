//! A handler that does what the setting `does` of its items says: for the tests of this crate, the
//! benchmark, and for trying how syncmgr takes something.

use std::io::{BufWriter, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use syncmgr_model::capability::{HandlerCapabilities, ItemCapabilities};
use syncmgr_model::event::{Event, EventLevel, Link};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId};
use syncmgr_model::item::{Item, SettingKind, SettingSpec};
use syncmgr_model::preview::{Action, PlannedChange, Preview};
use syncmgr_model::progress::{CancelRequest, ProgressStatus};
use syncmgr_model::side::Side;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::stdio::{Host, Server};
use syncmgr_sdk::{
    EventStore, Handler, HandlerFactory, ItemEnumerator, ItemProgress, Operation, SessionCreator,
    SyncCallback, SyncItem, SyncRequest, UiOperation, Window,
};

const SPECS: &[SettingSpec] = &[
    SettingSpec {
        key: "does",
        kind: SettingKind::Text,
        is_required: true,
        help: "what it does",
    },
    SettingSpec {
        key: "n",
        kind: SettingKind::Number,
        is_required: false,
        help: "how often",
    },
];

fn main() -> ExitCode {
    let server = Server::new().version("1.0");
    let id = std::env::args().nth(1);
    let factory = Factory {
        id: HandlerId::new(id.as_deref().unwrap_or("trial")).expect("an id"),
        host: server.host(),
    };
    server
        .serve(Arc::new(factory), std::io::stdin(), std::io::stdout())
        .code()
}

#[derive(Clone)]
struct Factory {
    id: HandlerId,
    host: Host,
}

impl HandlerFactory for Factory {
    fn id(&self) -> &HandlerId {
        &self.id
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SPECS
    }

    fn create(&self, saved: &[Item]) -> Result<Box<dyn Handler>, Hresult> {
        let entries = saved.iter().cloned().map(|item| Arc::new(Entry(item)));
        Ok(Box::new(Trial {
            factory: self.clone(),
            entries: entries.collect(),
        }))
    }
}

struct Trial {
    factory: Factory,
    entries: Vec<Arc<Entry>>,
}

struct Entry(Item);

impl SyncItem for Entry {
    fn id(&self) -> Result<String, Hresult> {
        Ok(self.0.id.to_string())
    }

    fn name(&self) -> Result<String, Hresult> {
        assert_ne!(self.0.label(), "panics", "a name that breaks");
        Ok(self.0.label().to_owned())
    }

    fn capabilities(&self) -> Result<ItemCapabilities, Hresult> {
        Ok(ItemCapabilities::CAN_DELETE)
    }

    fn saved(&self) -> Option<&Item> {
        Some(&self.0)
    }
}

impl Handler for Trial {
    fn name(&self) -> Result<String, Hresult> {
        Ok("A trial".to_owned())
    }

    fn capabilities(&self) -> Result<HandlerCapabilities, Hresult> {
        Ok(HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS
            | HandlerCapabilities::EVENT_STORE
            | HandlerCapabilities::CAN_BROWSE_CONTENT)
    }

    fn items(&self) -> Result<ItemEnumerator, Hresult> {
        let all = self.entries.iter().map(|entry| Arc::clone(entry) as _);
        Ok(ItemEnumerator::new(all.collect()))
    }

    fn item(&self, id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult> {
        let found = self.entries.iter().find(|entry| entry.0.id == *id);
        Ok(Arc::clone(found.ok_or(Hresult::InvalidArgument)?) as _)
    }

    fn check(&self, item: &Item) -> Result<(), Trouble> {
        match item.settings.text("does") {
            Some("nothing") => Err(Trouble::new(Code::NotPossible).with("detail", "too idle")),
            _ => Ok(()),
        }
    }

    fn event_store(&self) -> Option<&dyn EventStore> {
        Some(self)
    }

    fn operation(&self, operation: &Operation) -> Result<Box<dyn UiOperation>, Hresult> {
        match operation {
            Operation::Browse => Ok(Box::new(Shows)),
            _ => Err(Hresult::NotImplemented),
        }
    }

    fn synchronize(
        &self,
        request: &SyncRequest,
        creator: &dyn SessionCreator,
    ) -> Result<(), Trouble> {
        let failed = |error: Hresult| Trouble::new(Code::NotPossible).with("detail", error);
        let ids: Vec<ItemId> = request.items.iter().map(|item| item.id.clone()).collect();
        if request.items[0].settings.text("does") == Some("background") {
            let (factory, ids) = (self.factory.clone(), ids);
            std::thread::spawn(move || background(&factory, &ids));
            return Ok(());
        }
        let callback = creator
            .create_session(&self.factory.id, &ids)
            .map_err(failed)?;
        for item in &request.items {
            work(item, &callback)?;
        }
        Ok(())
    }
}

fn background(factory: &Factory, ids: &[ItemId]) {
    let session = factory.host.open_session((&factory.id, SPECS), ids);
    let session = session.expect("the host opens it");
    for id in ids {
        let told = session.report_status(id, ProgressStatus::Succeeded);
        told.expect("it is in the session");
    }
    let closed = factory.host.close_session(&*session, None);
    closed.expect("the host knows it");
}

fn work(item: &Item, callback: &Arc<dyn SyncCallback>) -> Result<(), Trouble> {
    let n = item.settings.number("n").unwrap_or(1);
    let told = |status| {
        let answer = callback.report_status(&item.id, status);
        answer.map(drop)
    };
    let says = |text: String| {
        let trouble = Trouble::new(Code::HandlerSays)
            .with("name", text)
            .at_level(EventLevel::Information);
        let _ = callback.report_trouble(&item.id, trouble);
    };
    let result = match item.settings.text("does").unwrap_or_default() {
        "panic" => panic!("broken on purpose"),
        "error" => {
            return Err(Trouble::new(Code::DiskFull)
                .with("folder", "/x")
                .with("n", 3));
        }
        "wait" => wait(item, callback),
        "flood" => flood(item, callback, n),
        "raw" => raw(item, callback, n),
        "say" => {
            (0..n).for_each(|number| says(format!("event {number}")));
            told(ProgressStatus::Succeeded)
        }
        "after-final" => {
            let _ = told(ProgressStatus::Succeeded);
            let after = told(ProgressStatus::Updating);
            says(format!("after: {after:?}"));
            Ok(())
        }
        "ask" => ask(item, callback),
        "preview" => {
            let change = |number| PlannedChange {
                path: format!("a folder with a long name/file {number}").into_bytes(),
                side: Side::Right,
                action: Action::Copy,
                from: None,
                bytes: 1,
                reason: "new".into(),
                is_held: false,
            };
            let preview = Preview {
                id: "plan".to_owned(),
                changes: (0..n).map(change).collect(),
                ..Preview::default()
            };
            callback
                .report_preview(&item.id, preview)
                .and_then(|()| told(ProgressStatus::Succeeded))
        }
        _ => told(ProgressStatus::Succeeded),
    };
    result.map_err(|error| Trouble::new(Code::NotPossible).with("detail", error))
}

fn wait(item: &Item, callback: &Arc<dyn SyncCallback>) -> Result<(), Hresult> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&is_stopped);
    callback.on_cancel(Box::new(move || stop.store(true, Ordering::SeqCst)));
    let mut n_done = 0;
    while !is_stopped.load(Ordering::SeqCst) {
        n_done += 1;
        let progress = ItemProgress {
            n_done,
            ..ItemProgress::default()
        };
        let status = ProgressStatus::UpdatingIndeterminate;
        let answer = callback.report_progress(&item.id, status, &progress)?;
        if answer != CancelRequest::None {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    callback
        .report_status(&item.id, ProgressStatus::Canceled)
        .map(drop)
}

fn flood(item: &Item, callback: &Arc<dyn SyncCallback>, n: u64) -> Result<(), Hresult> {
    for n_done in 1..=n {
        let progress = ItemProgress {
            n_done,
            n_total: Some(n),
            current: Some(b"photos/2026/summer/0001.jpg"),
            ..ItemProgress::default()
        };
        callback.report_progress(&item.id, ProgressStatus::Updating, &progress)?;
    }
    callback
        .report_status(&item.id, ProgressStatus::Succeeded)
        .map(drop)
}

/// Reports as a handler does that merges nothing: every report goes into the pipe.
fn raw(item: &Item, callback: &Arc<dyn SyncCallback>, n: u64) -> Result<(), Hresult> {
    let mut out = BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
    let (session, id) = (callback.run_id(), &item.id);
    for n_done in 1..=n {
        writeln!(
            out,
            r#"{{"jsonrpc":"2.0","method":"session/progress","params":{{"session_id":"{session}","item":"{id}","status":"updating","phase":"copying","n_done":{n_done},"n_total":{n},"current":"photos/2026/summer/0001.jpg"}}}}"#
        )
        .map_err(|_| Hresult::Failed)?;
    }
    out.flush().map_err(|_| Hresult::Failed)?;
    drop(out);
    callback
        .report_status(&item.id, ProgressStatus::Succeeded)
        .map(drop)
}

fn ask(item: &Item, callback: &Arc<dyn SyncCallback>) -> Result<(), Hresult> {
    let waiting = callback.query_for_additional_items()?.unwrap_or_default();
    let mut ids = vec![item.id.clone()];
    for id in waiting.items.unwrap_or_default() {
        ids.push(callback.add_item_to_session(&id)?.id);
    }
    for token in waiting.tokens.unwrap_or_default() {
        callback.add_token_to_session(&token)?;
    }
    let fresh = Item {
        id: ItemId::new("fresh").expect("an id"),
        name: Some("fresh".to_owned()),
        ..item.clone()
    };
    let fresh_id = fresh.id.clone();
    callback.propose_item(Arc::new(Entry(fresh)))?;
    callback.commit_item(&fresh_id)?;
    callback.report_manual_sync()?;
    let last = if callback.can_continue(Some(&fresh_id))? {
        ProgressStatus::Succeeded
    } else {
        ProgressStatus::Failed
    };
    for id in ids {
        callback.report_status(&id, last)?;
    }
    Ok(())
}

impl EventStore for Trial {
    fn events(&self) -> Result<Vec<Event>, Hresult> {
        Ok(vec![Event {
            id: EventId(7),
            handler: self.factory.id.clone(),
            item: None,
            session: None,
            at: Timestamp(1_000),
            trouble: Trouble::new(Code::HandlerSays).with("name", "kept"),
            link: Link::default(),
            context: None,
        }])
    }

    fn event(&self, id: EventId) -> Result<Event, Hresult> {
        let found = self.events()?.into_iter().find(|event| event.id == id);
        found.ok_or(Hresult::InvalidArgument)
    }

    fn remove(&self, ids: &[EventId]) -> Result<(), Hresult> {
        for id in ids {
            self.event(*id)?;
        }
        Ok(())
    }
}

struct Shows;

impl UiOperation for Shows {
    fn run(&mut self, window: Option<&Window>) -> Result<bool, Hresult> {
        Ok(window.is_some_and(|window| window.display.as_deref() == Some(":1")))
    }
}
