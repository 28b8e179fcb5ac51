//! Turns what the center tells into live messages.

use std::sync::Arc;

use syncmgr_api::stream::Message;
use syncmgr_api::wire::Event;
use syncmgr_center::command::Update;
use syncmgr_center::port::Notifier;
use syncmgr_center::state::State;
use syncmgr_model::id::SessionId;
use syncmgr_model::time::Timestamp;

use crate::hub::Hub;
use crate::words::open_run;

/// Feeds the stream from the center.
#[derive(Debug, Clone)]
pub struct Feed(pub Arc<Hub>);

impl Notifier for Feed {
    fn notify(&mut self, update: &Update, state: &State, now: Timestamp) {
        match update {
            Update::Items(keys) => {
                for key in keys {
                    let (item, handler) = (key.item.to_string(), key.handler.to_string());
                    self.0.publish(&match state.item(key, now) {
                        Some(view) => Message::Item {
                            item,
                            handler,
                            status: view.status.as_str().to_owned(),
                            words: view.words,
                        },
                        None => Message::ItemGone { item, handler },
                    });
                }
            }
            Update::Queued(id) | Update::Began(id) | Update::Stopping(id) => {
                self.session(id, state);
            }
            Update::Ended(id) => self.0.publish(&Message::SessionEnded {
                run: id.to_string(),
            }),
            Update::Moved(id, item, progress) => self.0.publish(&Message::Progress {
                run: id.to_string(),
                item: item.to_string(),
                progress: (&**progress).into(),
            }),
            Update::Text(id, text) => self.0.publish(&Message::Text {
                run: id.to_string(),
                text: text.clone(),
            }),
            Update::Event(event) => self.0.publish(&Message::Event {
                event: Box::new(Event::from(&**event)),
            }),
            Update::Events(handler) => self.0.publish(&Message::Events {
                handler: handler.to_string(),
            }),
            Update::Conflicts(handler, item) => self.0.publish(&Message::Conflict {
                handler: handler.to_string(),
                item: item.as_ref().map(ToString::to_string),
            }),
            Update::Handler(handler) => self.0.publish(&Message::Handler {
                handler: handler.to_string(),
            }),
            Update::Tick => {}
        }
    }
}

impl Feed {
    fn session(&self, id: &SessionId, state: &State) {
        // It may have ended within the same turn; its end is told too.
        if let Some(view) = state.session(id) {
            self.0.publish(&Message::Session {
                run: Box::new(open_run(&view)),
            });
        }
    }
}
