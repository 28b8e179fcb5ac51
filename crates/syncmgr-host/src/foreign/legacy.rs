//! A handler of the older family in a process of its own. Each instance has a number, and a thread
//! through which what the handler says about it passes, in the order in which it was said.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;
use syncmgr_protocol::flags::{legacy_handler_flags, legacy_item_flags};
use syncmgr_protocol::item::ITEMS_MAX;
use syncmgr_protocol::legacy as said;
use syncmgr_protocol::session::Cancelled;
use syncmgr_protocol::text::{NAME_MAX, SHOWN_MAX, TEXT_MAX, harmless};
use syncmgr_protocol::words::{Cancel, LegacyStatus};
use syncmgr_protocol::{Id, RpcError, error};
use syncmgr_sdk::legacy::{
    Adapter, AfterError, AfterProperties, Answer, Call as Long, Failure, Guid, LegacyAnswer,
    LegacyCallback, LegacyFactory, LegacyHandler, LegacyHandlerInfo, LegacyItem, LegacyItems,
    LegacyProgress, LogInfo, Occasion, Preparation, Status, Surroundings,
};
use syncmgr_sdk::{Handler, HandlerFactory};

use super::limits::{LOOK_EVERY, QUEUE_MAX, STACK_BYTES};
use super::process::{Call, NoResult, Process};
use super::program::{Program, Running};
use super::why::Why;
use super::wire;
use crate::in_process::lock;

/// Instances that are over and still remembered: what was on its way about them breaks no rule.
const OVER_MAX: usize = 64;

/// Calls of one instance that wait for a person or a connection at once. One shows one dialog.
const WAITING_MAX: usize = 8;

/// Makes instances of one handler of the older family.
pub(super) struct Factory {
    program: Arc<Program>,
    adapter: Adapter,
}

impl Factory {
    pub(super) fn new(program: Arc<Program>, class: Guid, around: Surroundings) -> Self {
        let maker = Maker {
            program: Arc::clone(&program),
            class,
        };
        Self {
            program,
            adapter: Adapter::new(Box::new(maker), around),
        }
    }
}

impl HandlerFactory for Factory {
    fn id(&self) -> &HandlerId {
        self.program.id()
    }

    fn create(&self, saved: &[Item]) -> Result<Box<dyn Handler>, Hresult> {
        self.adapter.create(saved)
    }

    fn abandon(&self, _session: &SessionId) {
        self.program.end(Why::GivenUp);
    }

    fn is_apart(&self) -> bool {
        true
    }

    fn wanted_now(&self) {
        self.program.wanted_now();
    }
}

struct Maker {
    program: Arc<Program>,
    class: Guid,
}

impl LegacyFactory for Maker {
    fn class(&self) -> Guid {
        self.class
    }

    fn create(&self) -> Result<Box<dyn LegacyHandler>, Failure> {
        let running = self.program.running(&[]).map_err(Failure::gone)?;
        let Running { process, hello } = running;
        if !hello.offers.legacy {
            let what = "it was installed as one of the older family, and says it is none";
            let why = process.end(Why::Fault(what.to_owned()));
            return Err(Failure::gone(why.trouble(self.program.id())));
        }
        let instance = self.program.instances.open(&self.program, &process);
        let instance =
            instance.map_err(|error| Failure::new(Failure::OUT_OF_MEMORY, error.to_string()))?;
        Ok(Box::new(Proxy {
            name: harmless(&hello.name, NAME_MAX),
            info: Mutex::default(),
            instance,
        }))
    }

    fn notice(&self) -> Option<Trouble> {
        self.program.not_sandboxed()
    }
}

/// The instances of one handler.
#[derive(Default)]
pub(super) struct Instances {
    next: AtomicU64,
    state: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    open: BTreeMap<u64, Place>,
    over: VecDeque<u64>,
}

struct Place {
    /// The process it lives in.
    process: Arc<Process>,
    to: SyncSender<Call>,
}

impl Instances {
    fn open(
        &self,
        program: &Arc<Program>,
        process: &Arc<Process>,
    ) -> std::io::Result<Arc<Instance>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let instance = Arc::new(Instance {
            program: Arc::clone(program),
            process: Arc::clone(process),
            number,
            callback: Mutex::default(),
            open: Mutex::default(),
            heard_ms: AtomicU64::new(program.around.clock.elapsed_ms()),
            n_waiting: AtomicUsize::new(0),
        });
        let (to, from) = sync_channel(QUEUE_MAX);
        let work = {
            let instance = Arc::clone(&instance);
            move || instance.listen(&from)
        };
        let builder = std::thread::Builder::new().name("handler-older".to_owned());
        builder.stack_size(STACK_BYTES).spawn(work)?;
        let process = Arc::clone(process);
        lock(&self.state).open.insert(number, Place { process, to });
        Ok(instance)
    }

    fn close(&self, number: u64) {
        let mut state = lock(&self.state);
        state.open.remove(&number);
        state.over.push_back(number);
        if state.over.len() > OVER_MAX {
            state.over.pop_front();
        }
    }

    /// Passes on what the handler says about one of its instances.
    ///
    /// # Errors
    /// It has no such instance.
    pub(super) fn take(&self, process: &Arc<Process>, call: Call) -> Result<(), String> {
        let said::Instance { instance } = wire::read(call.params.clone())?;
        let to = {
            let state = lock(&self.state);
            match state.open.get(&instance) {
                Some(place) if Arc::ptr_eq(&place.process, process) => Some(place.to.clone()),
                Some(_) | None if state.over.contains(&instance) => None,
                Some(_) | None => {
                    let method = &call.method;
                    return Err(format!(
                        "it sent `{method}` about an instance {instance} that is not open"
                    ));
                }
            }
        };
        let left = match to {
            Some(to) => to.send(call).err().map(|error| error.0),
            None => Some(call),
        };
        if let Some(call) = left {
            let refusal = RpcError::new(error::UNEXPECTED, "the instance is over");
            process.reply(call.id, Err(refusal));
        }
        Ok(())
    }
}

/// What the host and the handler have of one instance.
struct Instance {
    program: Arc<Program>,
    process: Arc<Process>,
    number: u64,
    callback: Mutex<Option<Arc<dyn LegacyCallback>>>,
    /// The long calls whose completion is waited for.
    open: Mutex<BTreeSet<Waits>>,
    heard_ms: AtomicU64,
    n_waiting: AtomicUsize,
}

/// A long call, as something that can be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Waits {
    Prepare,
    Synchronize,
    ShowError,
    ShowProperties,
}

impl From<Long> for Waits {
    fn from(call: Long) -> Self {
        match call {
            Long::Prepare => Self::Prepare,
            Long::Synchronize => Self::Synchronize,
            Long::ShowError => Self::ShowError,
            Long::ShowProperties => Self::ShowProperties,
        }
    }
}

impl Instance {
    fn gone(&self) -> Failure {
        let unknown = || Arc::new(Why::Broke("it ended".to_owned()));
        let why = self.process.why().unwrap_or_else(unknown);
        Failure::gone(why.trouble(self.program.id()))
    }

    fn now(&self) -> u64 {
        self.program.around.clock.elapsed_ms()
    }

    /// Hears what the handler says until the instance or the handler is over.
    fn listen(self: &Arc<Self>, from: &Receiver<Call>) {
        loop {
            match from.recv_timeout(LOOK_EVERY) {
                Ok(call) => {
                    self.heard_ms.store(self.now(), Ordering::Relaxed);
                    if let Err(rule) = self.hear(call) {
                        self.process.end(Why::Fault(rule));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.process.why().is_some() {
                // What it said before its end counts.
                while let Ok(call) = from.try_recv() {
                    if self.hear(call).is_err() {
                        break;
                    }
                }
                self.complete_all();
            } else {
                self.look();
            }
        }
    }

    /// The process or the instance is gone: whoever waits learns of it.
    fn complete_all(&self) {
        for waits in std::mem::take(&mut *lock(&self.open)) {
            self.process.long_call_ends();
            self.complete(waits, Err(self.gone()), said::Completed::default());
        }
    }

    /// Ends a handler that works on something and does not report.
    fn look(&self) {
        let works = {
            let open = lock(&self.open);
            open.contains(&Waits::Prepare) || open.contains(&Waits::Synchronize)
        };
        let silence = self.program.around.patience.silence;
        let silence_ms = u64::try_from(silence.as_millis()).unwrap_or(u64::MAX);
        let heard_ms = self.heard_ms.load(Ordering::Relaxed);
        // Who waits for a person is silent with reason.
        let is_asking = self.n_waiting.load(Ordering::SeqCst) > 0;
        if works && !is_asking && self.now() > heard_ms.saturating_add(silence_ms) {
            let what = format!("it reported nothing for {} s", silence.as_secs());
            self.process.end(Why::Silent(what));
        }
    }

    fn callback(&self) -> Option<Arc<dyn LegacyCallback>> {
        lock(&self.callback).clone()
    }

    /// Does one call of the handler and answers it.
    ///
    /// # Errors
    /// The rule that it breaks.
    fn hear(self: &Arc<Self>, call: Call) -> Result<(), String> {
        let Call { id, method, params } = call;
        let mut result = json!({});
        match method.as_str() {
            "legacy/progress" => result = self.progress(wire::read(params)?),
            "legacy/log_error" => self.log_error(&wire::read(params)?),
            "legacy/delete_log_error" => {
                let said: said::DeleteLogError = wire::read(params)?;
                if let Some(callback) = self.callback() {
                    callback.delete_log_error(said.error.map(|error| error.0));
                }
            }
            "legacy/enable_modeless" => {
                let said: said::EnableModeless = wire::read(params)?;
                let me = Arc::clone(self);
                let ask = move || {
                    let callback = me.callback();
                    let may_show = callback.is_some_and(|it| it.enable_modeless(said.is_wanted));
                    Ok(wire::write(&said::MayShow { may_show }))
                };
                if said.is_wanted {
                    self.beside(id, ask);
                } else {
                    self.process.reply(id, ask());
                }
                return Ok(());
            }
            "legacy/establish_connection" => {
                let said: said::EstablishConnection = wire::read(params)?;
                let me = Arc::clone(self);
                self.beside(id, move || me.connect(said.name.as_deref()));
                return Ok(());
            }
            "legacy/prepare_completed" => self.completed(Waits::Prepare, wire::read(params)?)?,
            "legacy/synchronize_completed" => {
                self.completed(Waits::Synchronize, wire::read(params)?)?;
            }
            "legacy/show_error_completed" => {
                self.completed(Waits::ShowError, wire::read(params)?)?;
            }
            "legacy/show_properties_completed" => {
                self.completed(Waits::ShowProperties, wire::read(params)?)?;
            }
            _ => {
                self.process
                    .reply(id, Err(RpcError::unknown_method(&method)));
                return Ok(());
            }
        }
        self.process.reply(id, Ok(result));
        Ok(())
    }

    /// Answers what may take as long as a person does, without holding up the rest.
    fn beside(
        self: &Arc<Self>,
        id: Option<Id>,
        work: impl FnOnce() -> Result<Value, RpcError> + Send + 'static,
    ) {
        let refuse = |id| {
            let refusal = RpcError::new(error::FAILED, "too much is waited for already");
            self.process.reply(id, Err(refusal));
        };
        if self.n_waiting.fetch_add(1, Ordering::SeqCst) >= WAITING_MAX {
            self.n_waiting.fetch_sub(1, Ordering::SeqCst);
            return refuse(id);
        }
        let (me, its) = (Arc::clone(self), id.clone());
        let builder = std::thread::Builder::new().name("handler-asks".to_owned());
        let spawned = builder.stack_size(STACK_BYTES).spawn(move || {
            let answer = work();
            me.heard_ms.store(me.now(), Ordering::Relaxed);
            me.n_waiting.fetch_sub(1, Ordering::SeqCst);
            me.process.reply(its, answer);
        });
        if spawned.is_err() {
            self.n_waiting.fetch_sub(1, Ordering::SeqCst);
            refuse(id);
        }
    }

    fn connect(&self, name: Option<&str>) -> Result<Value, RpcError> {
        let over = || Err(Failure::new(Failure::UNEXPECTED, "the instance is over"));
        let callback = self.callback();
        let connected = callback.map_or_else(over, |it| it.establish_connection(name));
        connected.map(|()| json!({})).map_err(|failure| RpcError {
            data: Some(json!({"code": failure.code})),
            ..RpcError::new(error::FAILED, failure.text)
        })
    }

    fn progress(&self, report: said::Progress) -> Value {
        let progress = LegacyProgress {
            text: report.text.map(|text| harmless(&text, SHOWN_MAX)),
            status: report.status.map(Into::into),
            value: report.value,
            max: report.max,
        };
        let answer = self.callback().map_or(LegacyAnswer::CancelAll, |callback| {
            callback.progress(report.item.0, &progress)
        });
        let cancel = match answer {
            LegacyAnswer::Ok => Cancel::None,
            LegacyAnswer::CancelItem => Cancel::Item,
            LegacyAnswer::CancelAll => Cancel::All,
        };
        wire::write(&Cancelled { cancel })
    }

    fn log_error(&self, entry: &said::LogError) {
        let info = LogInfo {
            is_link: entry.is_link,
            error: entry.error.map(|error| error.0),
            item: entry.item.map(|item| item.0),
        };
        if let Some(callback) = self.callback() {
            callback.log_error(entry.level.into(), &harmless(&entry.text, TEXT_MAX), info);
        }
    }

    /// A long call has ended.
    fn completed(&self, waits: Waits, said: said::Completed) -> Result<(), String> {
        if !self.take_open(waits) {
            return Err(format!(
                "it completed something of the instance {} that nobody asked for: {waits:?}",
                self.number
            ));
        }
        let how = if said.code == 0 {
            self.program.worked();
            Ok(())
        } else {
            Err(Failure::new(said.code, harmless(&said.text, TEXT_MAX)))
        };
        self.complete(waits, how, said);
        Ok(())
    }

    fn complete(&self, waits: Waits, how: Result<(), Failure>, said: said::Completed) {
        let Some(callback) = self.callback() else {
            return;
        };
        match waits {
            Waits::Prepare => callback.prepare_for_sync_completed(how),
            Waits::Synchronize => callback.synchronize_completed(how),
            Waits::ShowError => callback.show_error_completed(how.map(|()| match said.retry {
                Some(items) => AfterError::Retry(items.iter().map(|item| item.0).collect()),
                None => AfterError::Done,
            })),
            Waits::ShowProperties => callback.show_properties_completed(how.map(|()| {
                if said.is_deleted {
                    AfterProperties::ItemDeleted
                } else if said.list_again {
                    AfterProperties::ListAgain
                } else {
                    AfterProperties::Done
                }
            })),
        }
    }

    fn ask(&self, method: &str, params: Value) -> Result<Value, Failure> {
        self.process.ask(method, params).map_err(|none| match none {
            NoResult::Refused(refusal) => failed(&refusal),
            NoResult::Gone(why) => Failure::gone(why.trouble(self.program.id())),
        })
    }

    /// Takes note that a long call is over; says whether it was waited for.
    fn take_open(&self, waits: Waits) -> bool {
        let was_open = lock(&self.open).remove(&waits);
        if was_open {
            self.process.long_call_ends();
        }
        was_open
    }

    /// Begins a long call, whose completion may come before its answer.
    fn begin(&self, call: Long, method: &str, params: Value) -> Result<Value, Failure> {
        let waits = Waits::from(call);
        self.heard_ms.store(self.now(), Ordering::Relaxed);
        if lock(&self.open).insert(waits) {
            self.process.long_call_begins();
        }
        let answer = self.ask(method, params);
        if answer.is_err() {
            self.take_open(waits);
        }
        answer
    }

    fn understood<T>(&self, method: &str, read: Result<T, String>) -> Result<T, Failure> {
        read.map_err(|what| {
            let why = Why::Fault(format!("its answer to `{method}` cannot be read: {what}"));
            Failure::gone(self.process.end(why).trouble(self.program.id()))
        })
    }
}

/// What a refusal means in the older family.
fn failed(refusal: &RpcError) -> Failure {
    let own = refusal.data.as_ref().and_then(|data| data["code"].as_u64());
    let own = own.and_then(|code| u32::try_from(code).ok());
    let code = own.unwrap_or(match refusal.code {
        error::NOT_IMPLEMENTED => Failure::NOT_IMPLEMENTED,
        error::INVALID_ARGUMENT => Failure::INVALID,
        error::UNEXPECTED => Failure::UNEXPECTED,
        _ => Failure::FAILED,
    });
    Failure {
        trouble: refusal.trouble().map(Box::<Trouble>::new),
        ..Failure::new(code, harmless(&refusal.message, TEXT_MAX))
    }
}

/// An instance, as the adapter sees it.
struct Proxy {
    name: String,
    info: Mutex<Option<LegacyHandlerInfo>>,
    instance: Arc<Instance>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let Instance {
            program,
            process,
            number,
            ..
        } = &*self.instance;
        *lock(&self.instance.callback) = None;
        // With nobody left to hear of it, nothing is waited for.
        self.instance.complete_all();
        process.tell("legacy/release", &json!({"instance": number}));
        program.instances.close(*number);
    }
}

impl LegacyHandler for Proxy {
    fn initialize(&self, occasion: Occasion, cookie: Option<&[u8]>) -> Result<Answer, Failure> {
        let method = "legacy/initialize";
        let answer = self.instance.ask(
            method,
            wire::write(&said::Initialize {
                instance: self.instance.number,
                job: occasion.event.into(),
                cookie: cookie.map(|bytes| said::Base64(bytes.to_vec())),
                is_settings: occasion.is_settings,
                may_ask: occasion.may_bother_user,
            }),
        )?;
        let said: said::TakesPart = self.instance.understood(method, wire::read(answer))?;
        if !said.takes_part {
            return Ok(Answer::NotThisEvent);
        }
        *lock(&self.info) = Some(LegacyHandlerInfo {
            name: self.name.clone(),
            flags: legacy_handler_flags(&said.flags),
        });
        Ok(Answer::Ok)
    }

    fn handler_info(&self) -> Result<LegacyHandlerInfo, Failure> {
        let info = lock(&self.info).clone();
        info.ok_or_else(|| Failure::new(Failure::UNEXPECTED, "it takes no part"))
    }

    fn items(&self) -> Result<LegacyItems, Failure> {
        let method = "legacy/items";
        let params = json!({"instance": self.instance.number});
        let answer = self.instance.ask(method, params)?;
        let read = wire::read::<said::Items>(answer).and_then(|said| {
            let n = said.items.len();
            if n > ITEMS_MAX {
                return Err(format!("a list has {n} entries, {ITEMS_MAX} are possible"));
            }
            Ok(said)
        });
        let said = self.instance.understood(method, read)?;
        let items = said.items.into_iter().map(|item| LegacyItem {
            id: item.id.0,
            name: harmless(&item.name, NAME_MAX),
            flags: legacy_item_flags(&item.flags),
            is_checked: item.is_checked,
            last_update: item.last_update.map(Timestamp),
        });
        Ok(LegacyItems {
            items: items.collect(),
            is_complete: said.is_complete,
        })
    }

    fn show_properties(&self, item: Option<Guid>) -> Result<(), Failure> {
        let params = wire::write(&said::ShowProperties {
            instance: self.instance.number,
            item: item.map(said::Guid),
        });
        let answer = self
            .instance
            .begin(Long::ShowProperties, "legacy/show_properties", params);
        answer.map(drop)
    }

    fn set_progress_callback(&self, callback: Option<Arc<dyn LegacyCallback>>) {
        *lock(&self.instance.callback) = callback;
    }

    fn prepare_for_sync(&self, ids: &[Guid]) -> Result<Preparation, Failure> {
        let method = "legacy/prepare";
        let params = wire::write(&said::Prepare {
            instance: self.instance.number,
            items: ids.iter().copied().map(said::Guid).collect(),
        });
        let answer = self.instance.begin(Long::Prepare, method, params)?;
        let said: said::Started = self.instance.understood(method, wire::read(answer))?;
        if said.started {
            return Ok(Preparation::Started);
        }
        self.instance.take_open(Waits::Prepare);
        Ok(Preparation::NeedsDialog)
    }

    fn synchronize(&self) -> Result<(), Failure> {
        let params = json!({"instance": self.instance.number});
        let answer = self
            .instance
            .begin(Long::Synchronize, "legacy/synchronize", params);
        answer.map(drop)
    }

    fn set_item_status(&self, id: Guid, _status: Status) -> Result<(), Failure> {
        let params = wire::write(&said::SetItemStatus {
            instance: self.instance.number,
            item: said::Guid(id),
            // The only one that is ever given.
            status: LegacyStatus::Skipped,
        });
        self.instance
            .ask("legacy/set_item_status", params)
            .map(drop)
    }

    fn show_error(&self, error: Guid) -> Result<(), Failure> {
        let params = wire::write(&said::ShowError {
            instance: self.instance.number,
            error: said::Guid(error),
        });
        let answer = self
            .instance
            .begin(Long::ShowError, "legacy/show_error", params);
        answer.map(drop)
    }
}
