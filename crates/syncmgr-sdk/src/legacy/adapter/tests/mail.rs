//! A handler of the older family that does as its script says and remembers every call, and the
//! desk around it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use syncmgr_model::id::{EventId, HandlerId, ItemId};
use syncmgr_model::request::Token;

use crate::legacy::adapter::{
    Adapter, ChoiceStore, Choices, Connections, Control, Dialer, Dialogs, LegacyFactory,
    Surroundings,
};
use crate::legacy::{
    AfterError, AfterProperties, Answer, Failure, Guid, HandlerFlags, ItemFlags, LegacyCallback,
    LegacyHandler, LegacyHandlerInfo, LegacyItem, LegacyItems, Occasion, Preparation, Status,
};

pub(super) const CLASS: Guid = Guid([0xc1; 16]);

pub(super) fn guid(number: u8) -> Guid {
    Guid([number; 16])
}

pub(super) fn item(number: u8, is_checked: bool) -> LegacyItem {
    LegacyItem {
        id: guid(number),
        name: format!("Folder {number}"),
        flags: ItemFlags {
            has_properties: number == 1,
            ..ItemFlags::default()
        },
        is_checked,
        last_update: None,
    }
}

/// How a long call goes.
#[derive(Clone)]
pub(super) enum Ends {
    /// The call itself fails.
    Fails(Failure),
    /// The call would need a dialog.
    NeedsDialog,
    /// Completed within the call.
    Early(Result<(), Failure>),
    /// Completed from another thread.
    Later(Result<(), Failure>),
    /// Completed well when the last item that anybody skips was skipped: item 2.
    WhenSkipped,
}

pub(super) type Work = Arc<dyn Fn(&dyn LegacyCallback, &[Guid]) + Send + Sync>;

pub(super) struct Script {
    pub(super) answer: Answer,
    pub(super) prepare: Ends,
    pub(super) synchronize: Ends,
    /// What is done within `Synchronize`.
    pub(super) work: Work,
    pub(super) after_error: Result<AfterError, Failure>,
    /// Is told when a call waits for an item to be skipped.
    pub(super) is_waiting: Option<mpsc::Sender<()>>,
    pub(super) keeps_callback: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            answer: Answer::Ok,
            prepare: Ends::Later(Ok(())),
            synchronize: Ends::Later(Ok(())),
            work: Arc::new(|_, _| {}),
            after_error: Ok(AfterError::Done),
            is_waiting: None,
            keeps_callback: false,
        }
    }
}

/// What the instances of one handler share, and the test looks at.
#[derive(Clone)]
pub(super) struct Mail(Arc<Inside>);

struct Inside {
    script: Script,
    calls: Mutex<Vec<String>>,
    list: Mutex<LegacyItems>,
    kept: Mutex<Option<Arc<dyn LegacyCallback>>>,
}

impl Mail {
    /// Every call of every instance that was made for a sync.
    pub(super) fn calls(&self) -> Vec<String> {
        self.0.calls.lock().unwrap().clone()
    }

    /// Changes the items and returns those before.
    pub(super) fn list(&self, items: Vec<LegacyItem>, is_complete: bool) -> Vec<LegacyItem> {
        let list = LegacyItems { items, is_complete };
        std::mem::replace(&mut *self.0.list.lock().unwrap(), list).items
    }

    pub(super) fn kept_callback(&self) -> Option<Arc<dyn LegacyCallback>> {
        self.0.kept.lock().unwrap().clone()
    }
}

impl LegacyFactory for Mail {
    fn class(&self) -> Guid {
        CLASS
    }

    fn create(&self) -> Result<Box<dyn LegacyHandler>, Failure> {
        Ok(Box::new(Instance {
            mail: self.clone(),
            is_settings: AtomicBool::new(false),
            callback: Mutex::default(),
            ids: Mutex::default(),
            completes_on_skip: Mutex::default(),
        }))
    }
}

type Completion = Box<dyn FnOnce() + Send>;

struct Instance {
    mail: Mail,
    is_settings: AtomicBool,
    callback: Mutex<Option<Arc<dyn LegacyCallback>>>,
    ids: Mutex<Vec<Guid>>,
    completes_on_skip: Mutex<Option<Completion>>,
}

impl Instance {
    fn script(&self) -> &Script {
        &self.mail.0.script
    }

    fn note(&self, call: impl Into<String>) {
        // An instance that only shows settings would get into the way of what a test looks at.
        if !self.is_settings.load(Ordering::SeqCst) {
            self.mail.0.calls.lock().unwrap().push(call.into());
        }
    }

    fn callback(&self) -> Arc<dyn LegacyCallback> {
        self.callback.lock().unwrap().clone().unwrap()
    }

    fn end(
        &self,
        ends: &Ends,
        complete: impl FnOnce(Result<(), Failure>) + Send + 'static,
    ) -> Result<Preparation, Failure> {
        match ends.clone() {
            Ends::Fails(failure) => return Err(failure),
            Ends::NeedsDialog => return Ok(Preparation::NeedsDialog),
            Ends::Early(how) => complete(how),
            Ends::Later(how) => drop(thread::spawn(move || complete(how))),
            Ends::WhenSkipped => {
                let complete = Box::new(|| complete(Ok(())));
                *self.completes_on_skip.lock().unwrap() = Some(complete);
                if let Some(is_waiting) = &self.script().is_waiting {
                    is_waiting.send(()).unwrap();
                }
            }
        }
        Ok(Preparation::Started)
    }
}

impl LegacyHandler for Instance {
    fn initialize(&self, occasion: Occasion, cookie: Option<&[u8]>) -> Result<Answer, Failure> {
        self.is_settings
            .store(occasion.is_settings, Ordering::SeqCst);
        let cookie = cookie.map_or_else(String::new, |cookie| format!(" {cookie:?}"));
        self.note(format!("initialize 0x{:x}{cookie}", occasion.bits()));
        if occasion.is_settings {
            return Ok(Answer::Ok);
        }
        Ok(self.script().answer)
    }

    fn handler_info(&self) -> Result<LegacyHandlerInfo, Failure> {
        Ok(LegacyHandlerInfo {
            name: "Mail\n".into(),
            flags: HandlerFlags::from_bits(1),
        })
    }

    fn items(&self) -> Result<LegacyItems, Failure> {
        self.note("items");
        Ok(self.mail.0.list.lock().unwrap().clone())
    }

    fn show_properties(&self, item: Option<Guid>) -> Result<(), Failure> {
        let whose = item.map_or("the handler".into(), |item| item.0[0].to_string());
        let call = format!("properties of {whose}");
        self.mail.0.calls.lock().unwrap().push(call);
        let callback = self.callback();
        thread::spawn(move || {
            callback.show_properties_completed(Ok(AfterProperties::ListAgain));
        });
        Ok(())
    }

    fn set_progress_callback(&self, callback: Option<Arc<dyn LegacyCallback>>) {
        self.note(if callback.is_some() {
            "callback"
        } else {
            "no callback"
        });
        if self.script().keeps_callback && callback.is_some() {
            self.mail.0.kept.lock().unwrap().clone_from(&callback);
        }
        *self.callback.lock().unwrap() = callback;
    }

    fn prepare_for_sync(&self, ids: &[Guid]) -> Result<Preparation, Failure> {
        let names: Vec<_> = ids.iter().map(|id| id.0[0].to_string()).collect();
        self.note(format!("prepare {}", names.join(" ")));
        *self.ids.lock().unwrap() = ids.to_vec();
        let callback = self.callback();
        let complete = move |how| callback.prepare_for_sync_completed(how);
        self.end(&self.script().prepare, complete)
    }

    fn synchronize(&self) -> Result<(), Failure> {
        self.note("synchronize");
        let callback = self.callback();
        (self.script().work)(&*callback, &self.ids.lock().unwrap());
        let complete = move |how| callback.synchronize_completed(how);
        self.end(&self.script().synchronize, complete).map(|_| ())
    }

    fn set_item_status(&self, id: Guid, status: Status) -> Result<(), Failure> {
        assert_eq!(status, Status::Skipped);
        self.note(format!("skip {}", id.0[0]));
        let complete = self
            .completes_on_skip
            .lock()
            .unwrap()
            .take_if(|_| id == guid(2));
        if let Some(complete) = complete {
            thread::spawn(complete);
        }
        Ok(())
    }

    fn show_error(&self, error: Guid) -> Result<(), Failure> {
        self.note(format!("show error {}", error.0[0]));
        let callback = self.callback();
        if callback.enable_modeless(true) && self.script().after_error == Ok(AfterError::Done) {
            self.note("may show");
        }
        callback.enable_modeless(false);
        let after = self.script().after_error.clone();
        thread::spawn(move || callback.show_error_completed(after));
        Ok(())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.note("gone");
    }
}

/// What is around all handlers of a test, and what it was asked for.
#[derive(Clone, Default)]
pub(super) struct Desk {
    said: Arc<Mutex<Vec<String>>>,
    dialogs: Arc<Dialogs>,
    choices: Arc<Mutex<Choices>>,
    is_disk_broken: Arc<AtomicBool>,
}

impl Desk {
    pub(super) fn adapter(&self, script: Script) -> (Adapter, Mail) {
        let mail = Mail(Arc::new(Inside {
            script,
            calls: Mutex::default(),
            list: Mutex::new(LegacyItems {
                items: vec![item(1, true), item(2, true), item(3, false)],
                is_complete: true,
            }),
            kept: Mutex::default(),
        }));
        let around = Surroundings {
            dialogs: Arc::clone(&self.dialogs),
            connections: Arc::new(Connections::new(Box::new(self.clone()))),
            control: Arc::new(self.clone()),
            choices: Arc::new(self.clone()),
        };
        (Adapter::new(Box::new(mail.clone()), around), mail)
    }

    pub(super) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    pub(super) fn break_disk(&self, is_broken: bool) {
        self.is_disk_broken.store(is_broken, Ordering::SeqCst);
    }

    fn say(&self, text: String) {
        self.said.lock().unwrap().push(text);
    }
}

impl Control for Desk {
    fn start_items(&self, _handler: &HandlerId, items: &[ItemId], token: Token) {
        let items: Vec<_> = items.iter().map(ItemId::as_str).collect();
        self.say(format!("start {} {}", items.join(" "), token.0));
    }

    fn remove_events(&self, handler: &HandlerId, events: &[EventId]) {
        assert_eq!(*handler, CLASS.handler_id());
        let numbers: Vec<_> = events.iter().map(|event| event.0).collect();
        self.say(format!("remove {numbers:?}"));
    }

    fn update_handler(&self, _handler: &HandlerId) {
        self.say("update".into());
    }
}

impl Dialer for Desk {
    fn open(&self, name: Option<&str>) -> Result<(), Failure> {
        self.say(format!("open {}", name.unwrap_or("-")));
        Ok(())
    }

    fn close(&self, name: Option<&str>) {
        self.say(format!("close {}", name.unwrap_or("-")));
    }
}

impl ChoiceStore for Desk {
    fn load(&self, _handler: Guid) -> Result<Choices, Failure> {
        Ok(self.choices.lock().unwrap().clone())
    }

    fn save(&self, _handler: Guid, choices: &Choices) -> Result<(), Failure> {
        if self.is_disk_broken.load(Ordering::SeqCst) {
            return Err(Failure::new(Failure::FAILED, "disk"));
        }
        self.choices.lock().unwrap().clone_from(choices);
        Ok(())
    }
}
