//! One session: the request to sync, what the handler reports on it, and the answer.
//!
//! All of it passes through the thread of the session, in the order in which the handler said it.
//! Reports that a session may not make are breaches: the handler is ended, and with it the session,
//! with the rule that was broken.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;

use serde_json::{Value, json};
use syncmgr_model::event::{Link, NewEvent};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::ItemId;
use syncmgr_model::progress::{CancelRequest, ProgressStatus};
use syncmgr_model::request::{Intent, Token};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_protocol::report::{self, PreviewReport, SummaryReport};
use syncmgr_protocol::session::{
    AddToken, AdditionalItems, CanContinue, CancelSession, Cancelled, Propose, SessionItem,
};
use syncmgr_protocol::{PathText, RpcError, error};
use syncmgr_sdk::{ItemProgress, SessionCreator, SyncCallback, SyncRequest};

use super::item::ProxyItem;
use super::limits::{ELSEWHERE_WITHIN_MS, LOOK_EVERY, RESULTS_MAX};
use super::process::{Call, Process, Said};
use super::program::{Program, Running, refused_trouble};
use super::why::Why;
use super::wire;

/// Counts sessions that nobody else gave a name.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Has the handler sync, and waits until it has.
pub(super) fn synchronize(
    program: &Arc<Program>,
    request: &SyncRequest,
    creator: &dyn SessionCreator,
) -> Result<(), Trouble> {
    let Running { process, hello } = program.running(&request.items)?;
    if request.intent == Intent::Preview && !hello.offers.preview {
        let detail = "the handler of this sync cannot say beforehand what it would do";
        return Err(Trouble::new(Code::NotPossible).with("detail", detail));
    }
    let id = creator.session_id().map_or_else(
        || format!("session-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        |id| id.to_string(),
    );
    let items = request.items.iter();
    let items = items.map(|item| program.wire_item(item)).collect();
    let params = wire::start(&id, request, items)?;
    let from = process.begin(&id, &wire::write(&params));
    let mut session = Session {
        program,
        process: &process,
        creator,
        id,
        items: request.items.iter().map(|item| item.id.clone()).collect(),
        finals: BTreeSet::new(),
        told: BTreeSet::new(),
        n_results: 0,
        callback: None,
        began_ms: program.around.clock.elapsed_ms(),
        heard_ms: program.around.clock.elapsed_ms(),
    };
    let answer = loop {
        match from.recv_timeout(LOOK_EVERY) {
            Ok(Said::Call(call)) => session.take(call)?,
            Ok(Said::Answer(answer)) => break answer,
            Err(RecvTimeoutError::Timeout) => session.look()?,
            Err(RecvTimeoutError::Disconnected) => return Err(session.gone()),
        }
    };
    process.finish(&session.id);
    session.close(answer, hello.offers.concurrent_sessions)
}

struct Session<'a> {
    program: &'a Arc<Program>,
    process: &'a Arc<Process>,
    creator: &'a dyn SessionCreator,
    id: String,
    items: BTreeSet<ItemId>,
    finals: BTreeSet<ItemId>,
    /// Items whose cancelling the handler was told.
    told: BTreeSet<ItemId>,
    n_results: usize,
    callback: Option<Arc<dyn SyncCallback>>,
    began_ms: u64,
    heard_ms: u64,
}

/// A rule that was broken, or the center's refusal.
enum Odd {
    Breach(String),
    Refused(Hresult),
}

impl From<String> for Odd {
    fn from(rule: String) -> Self {
        Self::Breach(rule)
    }
}

impl From<Hresult> for Odd {
    fn from(code: Hresult) -> Self {
        Self::Refused(code)
    }
}

impl Session<'_> {
    fn now(&self) -> u64 {
        self.program.around.clock.elapsed_ms()
    }

    fn gone(&self) -> Trouble {
        let unknown = || Arc::new(Why::Broke("it ended".to_owned()));
        let why = self.process.why().unwrap_or_else(unknown);
        why.trouble(self.program.id())
    }

    /// Ends the handler for what it did.
    fn breach(&self, why: Why) -> Trouble {
        self.process.end(why).trouble(self.program.id())
    }

    /// Returns the center's side of the session, made at the first need.
    fn callback(&mut self) -> Result<Arc<dyn SyncCallback>, Trouble> {
        if let Some(callback) = &self.callback {
            return Ok(Arc::clone(callback));
        }
        let items: Vec<_> = self.items.iter().cloned().collect();
        let made = self.creator.create_session(self.program.id(), &items);
        let callback = made.map_err(|code| {
            Trouble::new(Code::NotPossible)
                .with("detail", format!("the session was refused ({code})"))
        })?;
        let (process, id) = (Arc::downgrade(self.process), self.id.clone());
        let was_told = AtomicBool::new(false);
        callback.on_cancel(Box::new(move || {
            if let Some(process) = process.upgrade()
                && !was_told.swap(true, Ordering::SeqCst)
            {
                process.tell("session/cancel", &cancel_of(&id, None));
            }
        }));
        if let Some(trouble) = self.program.not_sandboxed() {
            let event = NewEvent {
                item: None,
                trouble,
                link: Link::default(),
                context: None,
            };
            // It is shown elsewhere too.
            let _noted = callback.report_event(event);
        }
        for item in &self.items {
            if let Some(trouble) = self.program.kept_out(self.process, item) {
                // The run goes on: it may do without that folder today.
                let _noted = callback.report_trouble(item, trouble);
            }
        }
        self.callback = Some(Arc::clone(&callback));
        Ok(callback)
    }

    /// Looks after what nobody reports: cancelled items, and a handler that says nothing.
    fn look(&mut self) -> Result<(), Trouble> {
        if self.now() < self.began_ms + ELSEWHERE_WITHIN_MS {
            return Ok(());
        }
        let callback = self.callback()?;
        let silence = self.program.around.patience.silence;
        let silence_ms = u64::try_from(silence.as_millis()).unwrap_or(u64::MAX);
        if self.now() > self.heard_ms.saturating_add(silence_ms) {
            let what = format!("it reported nothing for {} s", silence.as_secs());
            return Err(self.breach(Why::Silent(what)));
        }
        // One that is alone is cancelled with its session.
        if self.items.len() > 1 && callback.can_continue(None) == Ok(true) {
            for item in self.items.difference(&self.finals) {
                if callback.can_continue(Some(item)) == Ok(false) && self.told.insert(item.clone())
                {
                    let params = cancel_of(&self.id, Some(item));
                    self.process.tell("session/cancel", &params);
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, call: Call) -> Result<(), Trouble> {
        self.heard_ms = self.now();
        let callback = self.callback()?;
        let Call { id, method, params } = call;
        match self.answer(&*callback, &method, params) {
            Ok(result) => {
                self.process.reply(id, Ok(result));
                Ok(())
            }
            Err(Odd::Refused(code)) => {
                self.process.reply(id, Err(code.into()));
                Ok(())
            }
            Err(Odd::Breach(rule)) => {
                self.process
                    .reply(id, Err(RpcError::new(error::INVALID_PARAMS, rule.clone())));
                Err(self.breach(Why::Fault(rule)))
            }
        }
    }

    fn answer(
        &mut self,
        callback: &dyn SyncCallback,
        method: &str,
        params: Value,
    ) -> Result<Value, Odd> {
        match method {
            "session/progress" => self.progress(callback, params),
            "session/text" => {
                let said: report::Text = wire::read(params)?;
                Ok(cancel(callback.set_handler_progress_text(&said.text)))
            }
            "session/event" => self.event(callback, params),
            "session/summary" => {
                let said: SummaryReport = wire::read(params)?;
                let summary = (&said.summary).into();
                callback.report_summary(&self.own(&said.item)?, &summary)?;
                Ok(json!({}))
            }
            "session/preview" => {
                let said: PreviewReport = wire::read(params)?;
                let preview = wire::preview(&said.preview)?;
                callback.report_preview(&self.own(&said.item)?, preview)?;
                Ok(json!({}))
            }
            "session/can_continue" => {
                let said: CanContinue = wire::read(params)?;
                let item = said.item.as_deref().map(known).transpose()?;
                let go_on = callback.can_continue(item.as_ref())?;
                Ok(json!({"go_on": go_on}))
            }
            "session/additional_items" => {
                let waiting = callback.query_for_additional_items()?;
                Ok(wire::write(&AdditionalItems::of(waiting.as_ref())))
            }
            "session/add_item" => {
                let said: SessionItem = wire::read(params)?;
                let id = known(&said.item)?;
                let item = callback.add_item_to_session(&id)?;
                self.items.insert(id);
                Ok(self.program.item(&item))
            }
            "session/add_token" => {
                let said: AddToken = wire::read(params)?;
                callback.add_token_to_session(&Token(said.token.into()))?;
                Ok(json!({}))
            }
            "item/propose" => {
                let said: Propose = wire::read(params)?;
                let item = said.item.try_into()?;
                let program = Arc::clone(self.program);
                callback.propose_item(Arc::new(ProxyItem::new(program, item, None)))?;
                Ok(json!({}))
            }
            "item/commit" => {
                let said: SessionItem = wire::read(params)?;
                callback.commit_item(&known(&said.item)?)?;
                Ok(json!({}))
            }
            "session/manual" => {
                callback.report_manual_sync()?;
                Ok(json!({}))
            }
            "session/open" => Err(Odd::Refused(Hresult::InvalidArgument)),
            _ => Err(Odd::Refused(Hresult::NotImplemented)),
        }
    }

    fn progress(&mut self, callback: &dyn SyncCallback, params: Value) -> Result<Value, Odd> {
        let said: report::Progress = wire::read(params)?;
        let item = self.own(&said.item)?;
        let status = ProgressStatus::from(said.status);
        let current = said.current.as_ref().map(PathText::bytes);
        let progress = ItemProgress {
            phase: wire::phase(&said),
            n_seen_left: said.n_seen_left,
            n_seen_right: said.n_seen_right,
            n_done: said.n_done,
            n_total: said.n_total,
            bytes_done: said.bytes_done,
            bytes_total: said.bytes_total,
            current: current.as_deref(),
        };
        let answer = callback.report_progress(&item, status, &progress)?;
        if status.is_terminal() {
            self.finals.insert(item);
        } else if answer == CancelRequest::Item && self.told.insert(item.clone()) {
            let params = cancel_of(&self.id, Some(&item));
            self.process.tell("session/cancel", &params);
        }
        Ok(cancel(answer))
    }

    fn event(&mut self, callback: &dyn SyncCallback, params: Value) -> Result<Value, Odd> {
        let said: report::Event = wire::read(params)?;
        self.n_results += 1;
        if self.n_results > RESULTS_MAX {
            return Err(Hresult::AccessDenied.into());
        }
        let id = callback.report_event(wire::event(said)?)?;
        Ok(json!({"event_id": id.0}))
    }

    /// Returns an item of this session; any other one is a lie.
    fn own(&self, text: &str) -> Result<ItemId, Odd> {
        let item = known(text)?;
        if self.items.contains(&item) {
            Ok(item)
        } else {
            Err(Odd::Breach(format!(
                "it reported about `{item}`, which is not in this run"
            )))
        }
    }

    fn close(
        mut self,
        answer: Result<Value, RpcError>,
        is_concurrent: bool,
    ) -> Result<(), Trouble> {
        match answer {
            Ok(_) => {
                self.program.worked();
                // Who may open sessions of its own may work elsewhere; the others have a session
                // without a report then, which says that they did not work.
                if !is_concurrent {
                    self.callback()?;
                }
                Ok(())
            }
            Err(refusal) => Err(refused_trouble(&refusal, self.program.id())),
        }
    }
}

fn known(text: &str) -> Result<ItemId, Odd> {
    wire::item_id(text).map_err(Odd::Breach)
}

/// Writes the request to stop a session, or one item of it.
pub(super) fn cancel_of(session: &str, item: Option<&ItemId>) -> Value {
    wire::write(&CancelSession {
        session_id: session.to_owned(),
        item: item.map(ItemId::to_string),
    })
}

/// Writes what a report is answered with.
pub(super) fn cancel(request: CancelRequest) -> Value {
    wire::write(&Cancelled {
        cancel: request.into(),
    })
}
