//! Something that a handler in a process of its own shows to a person.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use serde_json::{Value, json};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_sdk::{Operation, UiOperation, Window};

use super::process::NoResult;
use super::program::Program;

/// How long a handler that is asked for its schedule may take to say that it has none of its own.
const SCHEDULE_WITHIN: Duration = Duration::from_secs(2);

/// How often it is looked whether the handler left that to us.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// See the module.
pub(super) struct Shown {
    program: Arc<Program>,
    params: Value,
    /// The answer of one that was begun already.
    begun: Option<Receiver<Result<bool, Hresult>>>,
    schedule_of: Option<HandlerId>,
}

impl Shown {
    pub(super) fn begin(
        program: &Arc<Program>,
        item: Option<&ItemId>,
        operation: &Operation,
    ) -> Result<Self, Hresult> {
        let word = match operation {
            Operation::Browse => "browse",
            Operation::ShowSchedule => "show-schedule",
            Operation::QueryBeforeActivate => "query-before-activate",
            Operation::QueryBeforeDeactivate => "query-before-deactivate",
            Operation::QueryBeforeEnable => "query-before-enable",
            Operation::QueryBeforeDisable => "query-before-disable",
            Operation::QueryBeforeDelete => "query-before-delete",
            Operation::EventLink(_) => "event-link",
        };
        let hello = program.running(&[]).map_err(|_| Hresult::Failed)?.hello;
        if !hello.offers.operations.iter().any(|known| known == word) {
            return Err(Hresult::NotImplemented);
        }
        let mut params = json!({"operation": word, "item": item.map(ItemId::as_str)});
        if let Operation::EventLink(event) = operation {
            params["event"] = json!({
                "id": event.id.0,
                "item": event.item.as_ref().map(ItemId::as_str),
                "at": event.at.0,
                "link": {"text": event.link.text, "reference": event.link.reference},
                "context": event.context,
            });
        }
        let mut shown = Self {
            program: Arc::clone(program),
            params,
            begun: None,
            schedule_of: None,
        };
        if matches!(operation, Operation::ShowSchedule) {
            shown.find_schedule()?;
        }
        Ok(shown)
    }

    /// Lets it show its schedule, and waits a little for it to leave that to us.
    fn find_schedule(&mut self) -> Result<(), Hresult> {
        let left = Arc::new(AtomicBool::new(false));
        self.program.updates.expect_schedule(Arc::clone(&left));
        let (to, answer) = sync_channel(1);
        let (program, params) = (Arc::clone(&self.program), self.params.clone());
        let spawned = std::thread::Builder::new()
            .name("shown".to_owned())
            .spawn(move || to.send(run(&program, params)));
        spawned.map_err(|_| Hresult::Failed)?;
        let mut waited = Duration::ZERO;
        while waited < SCHEDULE_WITHIN && !left.load(Ordering::SeqCst) {
            match answer.recv_timeout(LOOK_AGAIN) {
                Ok(result) => {
                    let (to, kept) = sync_channel(1);
                    let _kept = to.send(result);
                    self.begun = Some(kept);
                    self.note(&left);
                    return Ok(());
                }
                Err(RecvTimeoutError::Timeout) => waited += LOOK_AGAIN,
                Err(RecvTimeoutError::Disconnected) => return Err(Hresult::Failed),
            }
        }
        self.note(&left);
        self.begun = Some(answer);
        Ok(())
    }

    fn note(&mut self, left: &AtomicBool) {
        if left.load(Ordering::SeqCst) {
            self.schedule_of = Some(self.program.id().clone());
        }
    }
}

/// Asks, and waits until the person is done.
fn run(program: &Arc<Program>, params: Value) -> Result<bool, Hresult> {
    let running = program.running(&[]).map_err(|_| Hresult::Failed)?;
    match running.process.ask_within("operation/run", params, None) {
        Ok(answer) => {
            let answer = answer.get("answer").and_then(Value::as_bool);
            answer.ok_or(Hresult::Failed)
        }
        Err(NoResult::Refused(refusal)) => Err(refusal.hresult()),
        Err(NoResult::Gone(_)) => Err(Hresult::Failed),
    }
}

impl UiOperation for Shown {
    fn run(&mut self, window: Option<&Window>) -> Result<bool, Hresult> {
        if let Some(begun) = self.begun.take() {
            return begun.recv().unwrap_or(Err(Hresult::Failed));
        }
        let mut params = self.params.clone();
        if let Some(window) = window {
            params["window"] = json!({"owner": window.owner, "display": window.display});
        }
        run(&self.program, params)
    }

    fn raiser(&self) -> Option<Box<dyn Fn() + Send + Sync>> {
        let program = Arc::clone(&self.program);
        let params = json!({
            "operation": self.params["operation"],
            "item": self.params["item"],
        });
        Some(Box::new(move || {
            if let Ok(running) = program.running(&[]) {
                running.process.tell("operation/raise", &params);
            }
        }))
    }

    fn schedule_of(&self) -> Option<HandlerId> {
        self.schedule_of.clone()
    }
}
