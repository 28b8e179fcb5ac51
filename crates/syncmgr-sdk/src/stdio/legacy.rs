//! Serves a handler of the older family: each instance is asked by its number.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use syncmgr_model::legacy::{Guid, LogLevel, Occasion};
use syncmgr_protocol::flags::{legacy_handler_words, legacy_item_words};
use syncmgr_protocol::legacy as wire;
use syncmgr_protocol::life::{self, Capabilities, Identity, Initialized, negotiate};
use syncmgr_protocol::message::{Id, read};
use syncmgr_protocol::words::Cancel;
use syncmgr_protocol::{Message, RpcError, VERSIONS, error, method};

use super::ask::Asker;
use super::host::Host;
use super::life::Pending;
use super::serve::{End, spawn};
use super::sessions::nothing;
use super::shown::About;
use super::{caught, lock};
use crate::legacy::{
    AfterError, AfterProperties, Answer, Failure, LegacyAnswer, LegacyCallback, LegacyFactory,
    LegacyHandler, LegacyProgress, LogInfo, Preparation,
};

/// Most instances at once: one for each event that goes on, and those whose entries can be followed.
const INSTANCES_MAX: usize = 64;

/// A handler of the older family.
#[derive(Clone)]
pub struct Older {
    name: String,
    factory: Arc<dyn LegacyFactory>,
}

impl fmt::Debug for Older {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Older").field("name", &self.name).finish()
    }
}

impl Older {
    /// Takes a handler; its id is its class, and this is what it is called.
    #[must_use]
    pub fn new(name: &str, factory: Box<dyn LegacyFactory>) -> Self {
        Self {
            name: name.to_owned(),
            factory: factory.into(),
        }
    }
}

type Instances = Arc<Mutex<HashMap<u64, Arc<dyn LegacyHandler>>>>;

pub(super) struct Service {
    older: Older,
    about: About,
    asker: Arc<Asker>,
    pending: Arc<Pending>,
    instances: Instances,
    is_initialized: bool,
}

impl Service {
    pub(super) fn new(older: Older, host: &Host, about: &About) -> Self {
        Self {
            older,
            about: about.clone(),
            asker: Arc::clone(&host.asker),
            pending: Arc::new(Pending::new(Arc::clone(&host.asker.outbox))),
            instances: Instances::default(),
            is_initialized: false,
        }
    }

    pub(super) fn take(&mut self, message: Message<'_>) -> Option<End> {
        match message {
            Message::Request { id, method, params } => self.request(&id, &method, params),
            Message::Notification { method, params } => match &*method {
                "exit" => return Some(End::Exit),
                "legacy/release" => {
                    if let Ok(wire::Instance { instance }) = read(params) {
                        let handler = lock(&self.instances).remove(&instance);
                        if let Some(handler) = handler {
                            handler.set_progress_callback(None);
                        }
                    }
                }
                "$/cancel" => {
                    if let Ok(cancel) = read::<life::CancelRequest>(params) {
                        drop(self.pending.cancel(&cancel.id));
                    }
                }
                _ => {}
            },
            Message::Answer { id, result } => self.asker.answered(id, result),
        }
        None
    }

    fn request(&mut self, id: &Id, method: &str, params: Option<&RawValue>) {
        let outbox = Arc::clone(&self.asker.outbox);
        if method == "initialize" {
            return outbox.answer(id, &self.initialize(params));
        }
        if !self.is_initialized {
            let error = RpcError::new(error::UNEXPECTED, "it is not initialized");
            return outbox.answer(id, &Err(error));
        }
        match method {
            "ping" | "shutdown" => outbox.answer(id, &Ok(nothing())),
            "handler/info" => {
                let info = life::HandlerInfo {
                    name: self.older.name.clone(),
                    ..life::HandlerInfo::default()
                };
                outbox.answer(id, &value(&info));
            }
            method if method.starts_with("legacy/") => self.apart(id, method, params),
            method => outbox.answer(id, &Err(RpcError::unknown_method(method))),
        }
    }

    fn initialize(&mut self, params: Option<&RawValue>) -> Result<Value, RpcError> {
        let asked: life::Initialize = read(params)?;
        let version = negotiate(&asked.protocol_versions);
        let version = version.ok_or_else(|| RpcError::no_version(VERSIONS))?;
        self.is_initialized = true;
        value(&Initialized {
            protocol_version: version.to_owned(),
            handler: Identity {
                id: self.older.factory.class().handler_id().to_string(),
                name: self.older.name.clone(),
                version: self.about.version.clone(),
                ..Identity::default()
            },
            capabilities: Capabilities {
                legacy: true,
                ..Capabilities::default()
            },
            ..Initialized::default()
        })
    }

    /// Answers on a thread of its own: a handler may work within the long calls.
    fn apart(&self, id: &Id, method: &str, params: Option<&RawValue>) {
        if !self.pending.begin(id, None) {
            return;
        }
        let (method, params) = (method.to_owned(), params.map(ToOwned::to_owned));
        let (older, asker) = (self.older.clone(), Arc::clone(&self.asker));
        let (instances, pending) = (Arc::clone(&self.instances), Arc::clone(&self.pending));
        let end = id.clone();
        let is_there = spawn("legacy", move || {
            let around = (&older, &asker, &instances);
            let (answer, _) = caught(|| answer(around, &method, params.as_deref()));
            pending.end(&end, &answer);
        });
        if !is_there {
            let error = RpcError::new(error::FAILED, "no thread could be started");
            self.pending.end(id, &Err(error));
        }
    }
}

fn value(answer: &impl Serialize) -> Result<Value, RpcError> {
    serde_json::to_value(answer).map_err(|error| RpcError::new(error::INTERNAL, error.to_string()))
}

fn failed(failure: &Failure) -> RpcError {
    let code = match failure.code {
        Failure::NOT_IMPLEMENTED => error::NOT_IMPLEMENTED,
        Failure::INVALID => error::INVALID_ARGUMENT,
        Failure::UNEXPECTED => error::UNEXPECTED,
        _ => error::FAILED,
    };
    RpcError {
        data: Some(serde_json::json!({ "code": failure.code })),
        ..RpcError::new(code, failure.text.clone())
    }
}

fn answer(
    (older, asker, instances): (&Older, &Arc<Asker>, &Instances),
    method: &str,
    params: Option<&RawValue>,
) -> Result<Value, RpcError> {
    let of = |number: u64| {
        let handler = lock(instances).get(&number).cloned();
        handler.ok_or_else(|| RpcError::new(error::INVALID_ARGUMENT, "no such instance"))
    };
    let done = |result: Result<(), Failure>| result.map(|()| nothing()).map_err(|f| failed(&f));
    match method {
        "legacy/initialize" => initialize((older, asker, instances), &read(params)?),
        "legacy/items" => {
            let asked: wire::Instance = read(params)?;
            items(&*of(asked.instance)?)
        }
        "legacy/prepare" => {
            let asked: wire::Prepare = read(params)?;
            let ids: Vec<Guid> = asked.items.iter().map(|item| item.0).collect();
            let prepared = of(asked.instance)?.prepare_for_sync(&ids);
            let prepared = prepared.map_err(|failure| failed(&failure))?;
            value(&wire::Started {
                started: prepared == Preparation::Started,
            })
        }
        "legacy/synchronize" => {
            let asked: wire::Instance = read(params)?;
            done(of(asked.instance)?.synchronize())
        }
        "legacy/set_item_status" => {
            let asked: wire::SetItemStatus = read(params)?;
            let handler = of(asked.instance)?;
            done(handler.set_item_status(asked.item.0, asked.status.into()))
        }
        "legacy/show_error" => {
            let asked: wire::ShowError = read(params)?;
            done(of(asked.instance)?.show_error(asked.error.0))
        }
        "legacy/show_properties" => {
            let asked: wire::ShowProperties = read(params)?;
            let item = asked.item.map(|item| item.0);
            done(of(asked.instance)?.show_properties(item))
        }
        _ => Err(RpcError::unknown_method(method)),
    }
}

fn initialize(
    (older, asker, instances): (&Older, &Arc<Asker>, &Instances),
    asked: &wire::Initialize,
) -> Result<Value, RpcError> {
    {
        let instances = lock(instances);
        if instances.len() >= INSTANCES_MAX || instances.contains_key(&asked.instance) {
            let text = "too many instances, or this number is taken";
            return Err(RpcError::new(error::INVALID_ARGUMENT, text));
        }
    }
    let fails = |failure: Failure| failed(&failure);
    let handler: Arc<dyn LegacyHandler> = older.factory.create().map_err(fails)?.into();
    let occasion = Occasion {
        event: asked.job.into(),
        is_settings: asked.is_settings,
        may_bother_user: asked.may_ask,
    };
    let cookie = asked.cookie.as_ref().map(|cookie| cookie.0.as_slice());
    let takes_part = handler.initialize(occasion, cookie).map_err(fails)? == Answer::Ok;
    let mut flags = Vec::new();
    if takes_part {
        flags = legacy_handler_words(handler.handler_info().map_err(fails)?.flags);
        handler.set_progress_callback(Some(Arc::new(Remote {
            instance: asked.instance,
            asker: Arc::clone(asker),
        })));
        lock(instances).insert(asked.instance, handler);
    }
    value(&wire::TakesPart { takes_part, flags })
}

fn items(handler: &dyn LegacyHandler) -> Result<Value, RpcError> {
    let list = handler.items().map_err(|failure| failed(&failure))?;
    let items = list.items.iter().map(|item| wire::Item {
        id: wire::Guid(item.id),
        name: item.name.clone(),
        flags: legacy_item_words(item.flags),
        is_checked: item.is_checked,
        last_update: item.last_update.map(|at| at.0),
    });
    value(&wire::Items {
        items: items.collect(),
        is_complete: list.is_complete,
    })
}

/// What an instance talks to.
struct Remote {
    instance: u64,
    asker: Arc<Asker>,
}

impl Remote {
    fn completed(&self, how: Result<(), Failure>) -> wire::Completed {
        let failure = how.err();
        wire::Completed {
            instance: self.instance,
            code: failure.as_ref().map_or(0, |failure| failure.code),
            text: failure.map(|failure| failure.text).unwrap_or_default(),
            ..wire::Completed::default()
        }
    }

    fn tell<M: syncmgr_protocol::Method>(&self, params: &M::Params) {
        drop(self.asker.tell::<M>(params));
    }
}

impl LegacyCallback for Remote {
    fn show_properties_completed(&self, how: Result<AfterProperties, Failure>) {
        let after = how.as_ref().ok().copied();
        let mut completed = self.completed(how.map(drop));
        completed.is_deleted = after == Some(AfterProperties::ItemDeleted);
        completed.list_again = after == Some(AfterProperties::ListAgain);
        self.tell::<method::LegacyShowPropertiesCompleted>(&completed);
    }

    fn prepare_for_sync_completed(&self, how: Result<(), Failure>) {
        self.tell::<method::LegacyPrepareCompleted>(&self.completed(how));
    }

    fn synchronize_completed(&self, how: Result<(), Failure>) {
        self.tell::<method::LegacySynchronizeCompleted>(&self.completed(how));
    }

    fn show_error_completed(&self, how: Result<AfterError, Failure>) {
        let retry = match &how {
            Ok(AfterError::Retry(items)) => Some(items.iter().copied().map(wire::Guid).collect()),
            Ok(AfterError::Done) | Err(_) => None,
        };
        let mut completed = self.completed(how.map(drop));
        completed.retry = retry;
        self.tell::<method::LegacyShowErrorCompleted>(&completed);
    }

    fn enable_modeless(&self, is_wanted: bool) -> bool {
        let asked = wire::EnableModeless {
            instance: self.instance,
            is_wanted,
        };
        let answer = self.asker.ask::<method::LegacyEnableModeless>(&asked);
        answer.is_ok_and(|answer| answer.may_show)
    }

    fn progress(&self, item: Guid, progress: &LegacyProgress) -> LegacyAnswer {
        let report = wire::Progress {
            instance: self.instance,
            item: wire::Guid(item),
            text: progress.text.clone(),
            status: progress.status.map(Into::into),
            value: progress.value,
            max: progress.max,
        };
        match self.asker.ask::<method::LegacyProgress>(&report) {
            Ok(answer) => match answer.cancel {
                Cancel::None => LegacyAnswer::Ok,
                Cancel::Item => LegacyAnswer::CancelItem,
                Cancel::All => LegacyAnswer::CancelAll,
            },
            Err(_) => LegacyAnswer::CancelAll,
        }
    }

    fn log_error(&self, level: LogLevel, text: &str, info: LogInfo) {
        self.tell::<method::LegacyLogError>(&wire::LogError {
            instance: self.instance,
            level: level.into(),
            text: text.to_owned(),
            is_link: info.is_link,
            error: info.error.map(wire::Guid),
            item: info.item.map(wire::Guid),
        });
    }

    fn delete_log_error(&self, error: Option<Guid>) {
        self.tell::<method::LegacyDeleteLogError>(&wire::DeleteLogError {
            instance: self.instance,
            error: error.map(wire::Guid),
        });
    }

    fn establish_connection(&self, name: Option<&str>) -> Result<(), Failure> {
        let asked = wire::EstablishConnection {
            instance: self.instance,
            name: name.map(str::to_owned),
        };
        let answer = self.asker.ask::<method::LegacyEstablishConnection>(&asked);
        answer.map(drop).map_err(|error| {
            let code = error.data.as_ref().and_then(|data| data["code"].as_u64());
            let code = code.and_then(|code| u32::try_from(code).ok());
            Failure::new(code.unwrap_or(Failure::FAILED), error.message)
        })
    }
}
