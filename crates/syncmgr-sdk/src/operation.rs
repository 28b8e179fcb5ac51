//! What a handler shows to a person: questions before a change, its content, its schedule.

use syncmgr_model::event::Event;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::HandlerId;

/// Which operation is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Look at the content.
    Browse,
    /// Show the schedule.
    ShowSchedule,
    /// Ask before it is set up; may be a whole set-up.
    QueryBeforeActivate,
    /// Ask before it is taken down.
    QueryBeforeDeactivate,
    /// Ask before it is turned on.
    QueryBeforeEnable,
    /// Ask before it is turned off.
    QueryBeforeDisable,
    /// Ask before it is removed.
    QueryBeforeDelete,
    /// A person followed the link of this event (a copy, spec 134).
    EventLink(Box<Event>),
}

/// Where something can be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    /// A handle of the window system, when the one who asked has one.
    pub owner: Option<u64>,
    /// The display to open on, as `DISPLAY` or `WAYLAND_DISPLAY` name it.
    pub display: Option<String>,
}

/// Something shown to a person (`ISyncMgrUIOperation`). Runs on a thread of its own with an
/// instance of the handler of its own (spec 8).
pub trait UiOperation: Send {
    /// Shows it and waits until the person is done. As a question, `Ok(false)` and errors mean no
    /// (spec 57).
    ///
    /// # Errors
    /// When it could not be shown.
    fn run(&mut self, window: Option<&Window>) -> Result<bool, Hresult>;

    /// Is asked for while it is open already: comes to the front (spec 63). Called from another
    /// thread through [`Self::raiser`]; the default does nothing.
    fn raiser(&self) -> Option<Box<dyn Fn() + Send + Sync>> {
        None
    }

    /// Leaves it to the built-in editor of schedules to show itself, for the handler that is
    /// returned; asked for [`Operation::ShowSchedule`] before [`Self::run`], which is not called
    /// then.
    fn schedule_of(&self) -> Option<HandlerId> {
        None
    }
}

/// The built-in editor of schedules (`ISyncMgrScheduleWizardUIOperation`): what a handler returns
/// for [`Operation::ShowSchedule`] when it has no editor of its own (spec 66).
#[derive(Debug, Clone)]
pub struct ScheduleWizard {
    handler: HandlerId,
}

impl ScheduleWizard {
    /// Makes it for a handler (`InitWizard`).
    #[must_use]
    pub fn new(handler: HandlerId) -> Self {
        Self { handler }
    }
}

impl UiOperation for ScheduleWizard {
    fn run(&mut self, _window: Option<&Window>) -> Result<bool, Hresult> {
        // Shown, the editor is a page, and who asked is told where it is; it answers no question.
        Ok(false)
    }

    fn schedule_of(&self) -> Option<HandlerId> {
        Some(self.handler.clone())
    }
}
