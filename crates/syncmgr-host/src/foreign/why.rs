//! Why a handler ended, and what people are told of it.

use syncmgr_model::id::HandlerId;
use syncmgr_model::trouble::{Code, Trouble};

use super::masks::Masks;

/// Why a handler ended, or is being ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// It was wanted: a restart, other folders, the end of the host.
    Asked,
    /// A session of it was given up.
    GivenUp,
    /// It could not be started.
    NotStarted(String),
    /// It ended by itself; how.
    Broke(String),
    /// It went over a limit; which.
    Limit(String),
    /// It broke a rule of the protocol; which.
    Fault(String),
    /// It did not answer or report.
    Silent(String),
    /// It speaks other versions; which.
    TooOld(String),
}

impl Why {
    /// Says whether it counts against the handler.
    pub(super) fn is_unexpected(&self) -> bool {
        match self {
            Self::Asked => false,
            Self::GivenUp
            | Self::NotStarted(_)
            | Self::Broke(_)
            | Self::Limit(_)
            | Self::Fault(_)
            | Self::Silent(_)
            | Self::TooOld(_) => true,
        }
    }

    /// Masks the secrets that its handler was given.
    pub(super) fn mask(&mut self, masks: &Masks) {
        match self {
            Self::NotStarted(what)
            | Self::Broke(what)
            | Self::Limit(what)
            | Self::Fault(what)
            | Self::Silent(what)
            | Self::TooOld(what) => masks.text(what),
            Self::Asked | Self::GivenUp => {}
        }
    }

    /// Adds what it wrote last, where that may say more.
    pub(super) fn with_last_words(self, line: Option<String>) -> Self {
        self.with(line.map(|line| format!("its last words were: {line}")))
    }

    /// Adds what may help.
    pub(super) fn with_hint(self, hint: Option<String>) -> Self {
        self.with(hint)
    }

    fn with(self, more: Option<String>) -> Self {
        let add = |what: String| match &more {
            Some(more) => format!("{what}; {more}"),
            None => what,
        };
        match self {
            Self::NotStarted(what) => Self::NotStarted(add(what)),
            Self::Broke(what) => Self::Broke(add(what)),
            other @ (Self::Asked
            | Self::GivenUp
            | Self::Limit(_)
            | Self::Fault(_)
            | Self::Silent(_)
            | Self::TooOld(_)) => other,
        }
    }

    /// Returns what a person is told.
    pub(super) fn trouble(&self, handler: &HandlerId) -> Trouble {
        let (code, detail) = match self {
            Self::Asked => (Code::HandlerStopped, "it was restarted"),
            Self::GivenUp => (Code::HandlerStopped, "one of its runs was given up"),
            Self::NotStarted(what) | Self::Broke(what) => (Code::HandlerStopped, what.as_str()),
            Self::Limit(what) => (Code::HandlerLimit, what.as_str()),
            Self::Fault(what) => (Code::ProtocolFault, what.as_str()),
            Self::Silent(what) => (Code::HandlerSilent, what.as_str()),
            Self::TooOld(speaks) => {
                return Trouble::new(Code::HandlerTooOld)
                    .with("handler", handler)
                    .with("speaks", speaks)
                    .with("needed", "1");
            }
        };
        // Who made it, and where it says more, is what people need to know of a handler of others.
        Trouble::new(code)
            .with("handler", handler)
            .with("log", handler)
            .with("detail", detail)
    }
}
