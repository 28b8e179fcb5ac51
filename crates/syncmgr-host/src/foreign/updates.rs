//! What a handler says outside of the sessions it was asked for: that something of it changed, and
//! the sessions it opens itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use syncmgr_center::command::{Answer, Call as Asked, CallReply, Control};
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::event::{EventLevel, NewEvent};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{ItemId, ItemKey, SessionId};
use syncmgr_model::progress::{CancelRequest, Progress, ProgressStatus};
use syncmgr_model::request::Token;
use syncmgr_protocol::RpcError;
use syncmgr_protocol::event::ListOf;
use syncmgr_protocol::item::ItemsChanged;
use syncmgr_protocol::life::Log;
use syncmgr_protocol::report::{self, PreviewReport, SummaryReport};
use syncmgr_protocol::session::{AddToken, AdditionalItems, CanContinue, Close, Open, SessionItem};

use super::process::{Call, Inbox, Process};
use super::program::Program;
use super::session;
use super::why::Why;
use super::wire;
use crate::in_process::lock;

/// Most sessions a handler has open by itself: more than that is no work but a mistake.
const OPEN_MAX: usize = 64;

/// Least milliseconds between two reports on one item that are passed on.
const PROGRESS_GAP_MS: u64 = 50;

/// What is remembered between calls.
#[derive(Debug, Default)]
pub(super) struct Updates {
    opened: Mutex<BTreeMap<SessionId, Opened>>,
    /// Who waits to hear that the schedule is ours to show.
    schedule: Mutex<Option<Arc<AtomicBool>>>,
}

/// A session that the handler opened.
#[derive(Debug, Default)]
struct Opened {
    items: BTreeSet<ItemId>,
    /// When the next report on an item may pass.
    next_ms: BTreeMap<ItemId, u64>,
    was_told: bool,
}

impl Updates {
    /// Sets `left` when the handler says that it has no schedule of its own to show.
    pub(super) fn expect_schedule(&self, left: Arc<AtomicBool>) {
        *lock(&self.schedule) = Some(left);
    }
}

/// A rule that was broken, or a refusal.
enum Odd {
    Breach(String),
    Refused(RpcError),
}

impl From<String> for Odd {
    fn from(rule: String) -> Self {
        Self::Breach(rule)
    }
}

impl From<Hresult> for Odd {
    fn from(code: Hresult) -> Self {
        Self::Refused(code.into())
    }
}

impl Inbox for Program {
    fn call(&self, process: &Arc<Process>, call: Call) -> Result<(), String> {
        if call.method.starts_with("legacy/") {
            return self.instances.take(process, call);
        }
        let Call { id, method, params } = call;
        match self.answer(process, &method, params) {
            Ok(result) => process.reply(id, Ok(result)),
            Err(Odd::Refused(refusal)) => process.reply(id, Err(refusal)),
            Err(Odd::Breach(rule)) => return Err(rule),
        }
        Ok(())
    }

    fn ended(&self, process: &Process, why: &Arc<Why>) {
        let opened = std::mem::take(&mut *lock(&self.updates.opened));
        for session in opened.into_keys() {
            // What it had not finished counts as failed.
            self.ask_center(Control::CloseSession(session));
        }
        if !process.is_forgiven() {
            self.note_end(why);
        }
    }
}

impl Program {
    fn answer(&self, process: &Arc<Process>, method: &str, params: Value) -> Result<Value, Odd> {
        let flags = ControlFlags::empty();
        let id = self.id().clone();
        match method {
            "log" => {
                let said: Log = wire::read(params)?;
                let level = EventLevel::from(said.level).as_str();
                self.log
                    .write(format!("{level}: {}\n", said.text).as_bytes());
            }
            "handler/changed" => self.ask_center(Control::UpdateHandler(id, flags)),
            "items/changed" => self.items_changed(params)?,
            "events/changed" => self.ask_center(Control::UpdateEvents(id, None, flags)),
            "conflicts/changed" => {
                let said: ListOf = wire::read(params)?;
                let item = said.item.as_deref().map(wire::item_id).transpose()?;
                self.ask_center(Control::UpdateConflicts(id, item, flags));
            }
            "operation/schedule" => {
                if let Some(left) = lock(&self.updates.schedule).take() {
                    left.store(true, Ordering::SeqCst);
                }
            }
            // Every call is answered before the next one is read: there is nothing to take back.
            "$/cancel" => {}
            "session/open" => return self.open(process, params),
            "session/close" => return self.close_opened(params),
            _ if method.starts_with("session/") || method.starts_with("item/") => {
                return self.of_opened(process, method, params);
            }
            _ => {
                return Err(Odd::Refused(RpcError::unknown_method(method)));
            }
        }
        Ok(json!({}))
    }

    fn items_changed(&self, params: Value) -> Result<(), Odd> {
        /// With more than this it is cheaper to read all of them once.
        const FEW: usize = 8;
        let said: ItemsChanged = wire::read(params)?;
        let flags = ControlFlags::empty();
        let items = said.items.filter(|items| items.len() <= FEW);
        let Some(items) = items else {
            self.ask_center(Control::UpdateHandler(self.id().clone(), flags));
            return Ok(());
        };
        for text in &items {
            let key = ItemKey {
                handler: self.id().clone(),
                item: wire::item_id(text)?,
            };
            self.ask_center(Control::UpdateItem(key, flags));
        }
        Ok(())
    }

    /// Asks the center and waits for its answer, which comes at once.
    fn control(&self, control: Control) -> Result<CallReply, Hresult> {
        let center = self.center().ok_or(Hresult::Unexpected)?;
        match center.control(control) {
            Ok(Answer::Call(reply)) => Ok(reply),
            Ok(Answer::Refused(refusal)) => Err(refusal.code),
            Ok(_) => Ok(CallReply::Done),
            Err(_) => Err(Hresult::Failed),
        }
    }

    fn open(&self, process: &Arc<Process>, params: Value) -> Result<Value, Odd> {
        if !self.is_concurrent(process) {
            return Err(Hresult::AccessDenied.into());
        }
        let said: Open = wire::read(params)?;
        let items = said.items.iter().map(|text| wire::item_id(text));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        if lock(&self.updates.opened).len() >= OPEN_MAX {
            return Err(Hresult::AccessDenied.into());
        }
        let asked = Control::CreateSession(self.id().clone(), items.clone());
        let CallReply::Session(id) = self.control(asked)? else {
            return Err(Hresult::Failed.into());
        };
        let opened = Opened {
            items: items.into_iter().collect(),
            ..Opened::default()
        };
        lock(&self.updates.opened).insert(id.clone(), opened);
        Ok(json!({"session_id": id.as_str()}))
    }

    fn is_concurrent(&self, process: &Arc<Process>) -> bool {
        let running = self.running_now();
        running.is_some_and(|it| {
            Arc::ptr_eq(&it.process, process) && it.hello.offers.concurrent_sessions
        })
    }

    fn close_opened(&self, params: Value) -> Result<Value, Odd> {
        let said: Close = wire::read(params)?;
        let id = self.opened(&said.session_id)?;
        if let Some(trouble) = said.trouble {
            let event = NewEvent {
                item: None,
                trouble: wire::trouble(&trouble)?,
                link: syncmgr_model::event::Link::default(),
                context: None,
            };
            self.control(Control::Call(
                id.clone(),
                Box::new(Asked::Event(Box::new(event))),
            ))?;
        }
        lock(&self.updates.opened).remove(&id);
        self.control(Control::CloseSession(id))?;
        Ok(json!({}))
    }

    fn opened(&self, text: &str) -> Result<SessionId, Odd> {
        let id = SessionId::new(text).ok();
        let id = id.filter(|id| lock(&self.updates.opened).contains_key(id));
        id.ok_or_else(|| {
            let shown =
                syncmgr_model::escape::escape(text.chars().take(64).collect::<String>().as_bytes());
            Odd::Breach(format!(
                "it reported about a run `{shown}` that it does not have"
            ))
        })
    }

    fn of_opened(&self, process: &Arc<Process>, method: &str, params: Value) -> Result<Value, Odd> {
        let Some(session) = params.get("session_id").and_then(Value::as_str) else {
            let rule = format!(
                "`{}` names no session",
                syncmgr_model::escape::escape(method.as_bytes())
            );
            return Err(Odd::Breach(rule));
        };
        let id = self.opened(session)?;
        let call = match method {
            "session/progress" => match self.progress_of_opened(&id, params)? {
                Some(call) => call,
                None => return Ok(session::cancel(CancelRequest::None)),
            },
            "session/text" => Asked::Text(wire::read::<report::Text>(params)?.text),
            "session/event" => {
                let said: report::Event = wire::read(params)?;
                Asked::Event(Box::new(wire::event(said)?))
            }
            "session/summary" => {
                let said: SummaryReport = wire::read(params)?;
                Asked::Summary(wire::item_id(&said.item)?, (&said.summary).into())
            }
            "session/preview" => {
                let said: PreviewReport = wire::read(params)?;
                let preview = wire::preview(&said.preview)?;
                Asked::Preview(wire::item_id(&said.item)?, Box::new(preview))
            }
            "session/can_continue" => {
                let said: CanContinue = wire::read(params)?;
                Asked::CanContinue(said.item.as_deref().map(wire::item_id).transpose()?)
            }
            "session/additional_items" => Asked::QueryAdditional,
            "session/add_item" => {
                Asked::AddItem(wire::item_id(&wire::read::<SessionItem>(params)?.item)?)
            }
            "session/add_token" => {
                Asked::AddToken(Token(wire::read::<AddToken>(params)?.token.into()))
            }
            "item/commit" => {
                Asked::Commit(wire::item_id(&wire::read::<SessionItem>(params)?.item)?)
            }
            "session/manual" => Asked::Manual,
            _ => return Err(Hresult::NotImplemented.into()),
        };
        let added = match &call {
            Asked::AddItem(item) => Some(item.clone()),
            _ => None,
        };
        let reply = self.control(Control::Call(id.clone(), Box::new(call)))?;
        if let Some(item) = added
            && let Some(opened) = lock(&self.updates.opened).get_mut(&id)
        {
            opened.items.insert(item);
        }
        if let CallReply::Cancel(request) = &reply {
            self.tell_cancel(process, &id, *request);
        }
        Ok(self.reply(reply))
    }

    /// Reads a report on an item; `None` when there were others just now, and nothing is lost.
    fn progress_of_opened(&self, id: &SessionId, params: Value) -> Result<Option<Asked>, Odd> {
        let said: report::Progress = wire::read(params)?;
        let item = wire::item_id(&said.item)?;
        let status = ProgressStatus::from(said.status);
        let now = self.around.clock.elapsed_ms();
        if let Some(opened) = lock(&self.updates.opened).get_mut(id) {
            if !opened.items.contains(&item) {
                let rule = format!("it reported about `{item}`, which is not in this run");
                return Err(Odd::Breach(rule));
            }
            let next = opened.next_ms.entry(item.clone()).or_default();
            if !status.is_terminal() && now < *next {
                return Ok(None);
            }
            *next = now + PROGRESS_GAP_MS;
        }
        let progress = Progress {
            phase: wire::phase(&said),
            n_seen_left: said.n_seen_left,
            n_seen_right: said.n_seen_right,
            n_done: said.n_done,
            n_total: said.n_total,
            bytes_done: said.bytes_done,
            bytes_total: said.bytes_total,
            current: said
                .current
                .as_ref()
                .map(|text| crate::session::harmless(&text.bytes())),
        };
        Ok(Some(Asked::Progress(item, status, progress)))
    }

    fn tell_cancel(&self, process: &Arc<Process>, id: &SessionId, request: CancelRequest) {
        let mut opened = lock(&self.updates.opened);
        let Some(session) = opened.get_mut(id) else {
            return;
        };
        if request == CancelRequest::All && !std::mem::replace(&mut session.was_told, true) {
            process.tell("session/cancel", &session::cancel_of(id.as_str(), None));
        }
    }

    fn reply(&self, reply: CallReply) -> Value {
        match reply {
            CallReply::Done => json!({}),
            CallReply::Cancel(request) => session::cancel(request),
            CallReply::Event(id) => json!({"event_id": id.0}),
            CallReply::Continue(go_on) => json!({"go_on": go_on}),
            CallReply::Item(item) => self.item(&item),
            CallReply::Session(id) => json!({"session_id": id.as_str()}),
            CallReply::Additional(waiting) => wire::write(&AdditionalItems::of(waiting.as_ref())),
        }
    }
}
