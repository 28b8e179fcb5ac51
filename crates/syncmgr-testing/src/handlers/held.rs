//! Windows that a test opens and closes.

use std::sync::mpsc::{Receiver, Sender};

use syncmgr_model::hresult::Hresult;
use syncmgr_sdk::{UiOperation, Window};

/// Something shown, which stays open until the test closes it.
#[derive(Debug)]
pub struct Held {
    /// Closes it with this answer; when the other end is dropped, it is closed with an error.
    pub close: Receiver<Result<bool, Hresult>>,
    /// Is told when it opens, and when it is brought to the front.
    pub seen: Sender<&'static str>,
}

impl UiOperation for Held {
    fn run(&mut self, _window: Option<&Window>) -> Result<bool, Hresult> {
        // The test may have stopped to look.
        self.seen.send("open").unwrap_or_default();
        self.close.recv().unwrap_or(Err(Hresult::Failed))
    }

    fn raiser(&self) -> Option<Box<dyn Fn() + Send + Sync>> {
        let seen = self.seen.clone();
        Some(Box::new(move || seen.send("front").unwrap_or_default()))
    }
}
