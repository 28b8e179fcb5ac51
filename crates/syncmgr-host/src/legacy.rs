//! What handlers of the older family ask of the center outside of their sessions.

use std::sync::OnceLock;
use std::sync::mpsc::channel;

use syncmgr_center::center::Handle;
use syncmgr_center::command::{Control as Asked, Scope, StartOptions};
use syncmgr_model::capability::ControlFlags;
use syncmgr_model::id::{EventId, HandlerId, ItemId};
use syncmgr_model::request::Token;
use syncmgr_sdk::legacy::Control;

/// The way to the center, which exists before the center does: handlers are made first. What is
/// asked for before [`Self::connect`] has nobody to do it, and is dropped; no handler runs by then.
#[derive(Debug, Default)]
pub struct ToCenter(OnceLock<Handle>);

impl ToCenter {
    /// Says where the center is, once; a second center is not listened to.
    pub fn connect(&self, center: Handle) {
        drop(self.0.set(center));
    }

    /// Returns the center, once there is one.
    pub(crate) fn handle(&self) -> Option<&Handle> {
        self.0.get()
    }

    /// Asks without waiting: who asks may hold up the center's own thread. A refusal changes
    /// nothing, and shows in what the center shows.
    fn ask(&self, asked: Asked) {
        if let Some(center) = self.0.get() {
            let (to, _nobody) = channel();
            let _gone = center.ask(asked, to);
        }
    }
}

impl Control for ToCenter {
    fn start_items(&self, handler: &HandlerId, items: &[ItemId], token: Token) {
        let options = StartOptions {
            token: Some(token),
            // A person has just followed a link.
            may_ask: true,
            ..StartOptions::default()
        };
        let scope = Scope::Items(handler.clone(), items.to_vec());
        self.ask(Asked::Start(scope, Box::new(options)));
    }

    fn remove_events(&self, handler: &HandlerId, events: &[EventId]) {
        self.ask(Asked::RemoveEvents(handler.clone(), events.to_vec()));
    }

    fn update_handler(&self, handler: &HandlerId) {
        self.ask(Asked::UpdateHandler(handler.clone(), ControlFlags::empty()));
    }
}
