//! The order of calls with one instance of a handler of the older family, as a value.
//!
//! ```text
//! Created ─Initialized─► Initialized ─CallbackGiven─► Ready ─┬─CallbackTaken─────────► Released
//!    │ declined, failed                                 ▲    │ (nothing chosen)           ▲
//!    └──────────────────────────────────────────────────┼────┼────────────────────────────┤
//!                                                       │    ▼                            │
//!                                                 retry │  Busy(Prepare) ─badly─► Leaving ┤
//!                                                       │    │ well                       │
//!                                                       │  Prepared ──────────────────────┤
//!                                                       │    ▼                            │
//!                                                       │  Busy(Synchronize)              │
//!                                                       │    │ however                    │
//!                                                       │    ▼                            │
//!                                      Busy(ShowError) ─┴─► Done ─CallbackTaken───────────┘
//! ```
//!
//! A long call is *running* until it returns, then it is *waiting* for its completion; if the
//! completion comes first, it has *answered* and only the return is missing. Skipping an item is
//! legal in the waiting stage only. The properties of the handler or an item can be open beside
//! all of this, from `Initialized` on.

use std::fmt;

/// One of the long calls, which return at once and are completed through the callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// `PrepareForSync`.
    Prepare,
    /// `Synchronize`.
    Synchronize,
    /// `ShowError`.
    ShowError,
    /// `ShowProperties`, which goes on beside the others.
    ShowProperties,
}

/// How a call returned or was completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Went {
    /// `S_OK`.
    Well,
    /// `S_FALSE` or a failure, which make no difference to what follows.
    Badly,
    /// `S_SYNCMGR_RETRYSYNC`; only [`Call::ShowError`] is completed with it.
    Again,
}

/// How far a long call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Called; neither returned nor completed.
    Running,
    /// Completed before it returned.
    Answered(Went),
    /// Returned well; the completion is to come.
    Waiting,
}

/// Where an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It knows nothing yet.
    Created,
    /// It knows the event and takes part.
    Initialized,
    /// It has a callback, and can be asked to prepare.
    Ready,
    /// In the middle of a long call.
    Busy(Call, Stage),
    /// Ready to sync.
    Prepared,
    /// The sync is over. The instance lives on for the entries that people may follow.
    Done,
    /// Nothing will be synced; the callback is still to be taken away.
    Leaving,
    /// No further call is legal.
    Released,
}

/// What happens to an instance, or what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// `Initialize` returned; `S_FALSE` and failures are [`Went::Badly`].
    Initialized(Went),
    /// `GetHandlerInfo` or `EnumSyncMgrItems` is called.
    Asked,
    /// `SetProgressCallback` is called with a callback.
    CallbackGiven,
    /// `SetProgressCallback` is called with none.
    CallbackTaken,
    /// A long call is about to be made.
    Called(Call),
    /// A long call returned.
    Returned(Call, Went),
    /// The handler completed a long call.
    Completed(Call, Went),
    /// `SetItemStatus` is about to be called.
    ItemSkipped,
    /// The handler called `Progress`.
    Progressed,
    /// The handler called `LogError`, `DeleteLogError`, `EnableModeless` or `EstablishConnection`.
    Told,
}

/// What the manager does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Next {
    /// Call `Initialize`.
    Initialize,
    /// List the items if they are wanted, and give the callback.
    GiveCallback,
    /// Call `PrepareForSync` with the items chosen; take the callback away if there are none.
    Prepare,
    /// Wait for the call to return.
    WaitForReturn(Call),
    /// Wait for the completion.
    WaitForCompletion(Call),
    /// Call `Synchronize`.
    Synchronize,
    /// Show the log, and keep the instance as long as its entries are shown.
    ShowLog,
    /// Take the callback away.
    TakeCallback,
    /// Let the instance go.
    Release,
}

/// A call that is not legal where the instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breach {
    /// Where the instance is, and stays.
    pub state: State,
    /// What was not legal.
    pub input: Input,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is out of order in {:?}", self.input, self.state)
    }
}

impl std::error::Error for Breach {}

/// Where one instance is. Nothing here calls anything; whoever does, tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    state: State,
    properties: Option<Stage>,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// Makes the machine of a fresh instance.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::Created,
            properties: None,
        }
    }

    /// Returns where the instance is.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Says whether properties are open.
    #[must_use]
    pub fn has_properties_open(&self) -> bool {
        self.properties.is_some()
    }

    /// Says whether something is legal now.
    #[must_use]
    pub fn allows(&self, input: Input) -> bool {
        self.after(input).is_ok()
    }

    /// Takes note of what happened and returns what comes next.
    ///
    /// # Errors
    /// A [`Breach`] when it is not legal now; the machine stays where it was.
    pub fn apply(&mut self, input: Input) -> Result<Next, Breach> {
        *self = self.after(input)?;
        Ok(self.next())
    }

    /// Returns what the manager does next.
    #[must_use]
    pub fn next(&self) -> Next {
        match self.state {
            State::Created => Next::Initialize,
            State::Initialized => Next::GiveCallback,
            State::Ready => Next::Prepare,
            State::Busy(call, Stage::Running | Stage::Answered(_)) => Next::WaitForReturn(call),
            State::Busy(call, Stage::Waiting) => Next::WaitForCompletion(call),
            State::Prepared => Next::Synchronize,
            State::Done => Next::ShowLog,
            State::Leaving => Next::TakeCallback,
            State::Released => Next::Release,
        }
    }

    /// The machine after an input.
    fn after(self, input: Input) -> Result<Self, Breach> {
        let properties = match input {
            Input::Called(Call::ShowProperties)
            | Input::Returned(Call::ShowProperties, _)
            | Input::Completed(Call::ShowProperties, _) => self.properties_after(input),
            _ => None,
        };
        if let Some(properties) = properties {
            return Ok(Self { properties, ..self });
        }
        let state = self.state_after(input).ok_or(Breach {
            state: self.state,
            input,
        })?;
        Ok(Self { state, ..self })
    }

    /// The properties after an input about them; `None` when it is not legal.
    #[expect(
        clippy::option_option,
        reason = "the outer one is legality, the inner one is open or not"
    )]
    fn properties_after(self, input: Input) -> Option<Option<Stage>> {
        if !self.is_alive() {
            return None;
        }
        match (input, self.properties) {
            (Input::Called(_), None) => Some(Some(Stage::Running)),
            (Input::Returned(_, Went::Well), Some(Stage::Running)) => Some(Some(Stage::Waiting)),
            // Without success there is no completion; and with one that came early, all is done.
            (Input::Returned(_, Went::Badly), Some(Stage::Running | Stage::Answered(_)))
            | (Input::Returned(_, Went::Well), Some(Stage::Answered(_)))
            | (Input::Completed(_, Went::Well | Went::Badly), Some(Stage::Waiting)) => Some(None),
            (Input::Completed(_, went @ (Went::Well | Went::Badly)), Some(Stage::Running)) => {
                Some(Some(Stage::Answered(went)))
            }
            _ => None,
        }
    }

    /// The state after an input; `None` when it is not legal.
    fn state_after(self, input: Input) -> Option<State> {
        match input {
            Input::Initialized(went) => initialized(self.state, went),
            Input::Asked => self.is_alive().then_some(self.state),
            Input::CallbackGiven => (self.state == State::Initialized).then_some(State::Ready),
            Input::CallbackTaken => self.may_leave().then_some(State::Released),
            Input::Called(call) => called(self.state, call),
            Input::Returned(call, went) => returned(self.state, call, went),
            Input::Completed(call, went) => completed(self.state, call, went),
            Input::ItemSkipped => self.may_skip().then_some(self.state),
            Input::Progressed => self.is_syncing().then_some(self.state),
            Input::Told => self.has_callback().then_some(self.state),
        }
    }

    /// The instance takes part and has not been let go.
    fn is_alive(self) -> bool {
        !matches!(self.state, State::Created | State::Released)
    }

    fn has_callback(self) -> bool {
        self.is_alive() && self.state != State::Initialized
    }

    /// Nothing is running that still needs the callback.
    fn may_leave(self) -> bool {
        let is_idle = matches!(
            self.state,
            State::Ready | State::Prepared | State::Done | State::Leaving
        );
        is_idle && self.properties.is_none()
    }

    /// The two windows for skipping: prepared or synced by somebody who has returned and not
    /// completed.
    fn may_skip(self) -> bool {
        matches!(
            self.state,
            State::Busy(Call::Prepare | Call::Synchronize, Stage::Waiting)
        )
    }

    fn is_syncing(self) -> bool {
        matches!(
            self.state,
            State::Busy(Call::Synchronize, Stage::Running | Stage::Waiting)
        )
    }
}

fn initialized(state: State, went: Went) -> Option<State> {
    match (state, went) {
        (State::Created, Went::Well) => Some(State::Initialized),
        (State::Created, Went::Badly) => Some(State::Released),
        _ => None,
    }
}

fn called(state: State, call: Call) -> Option<State> {
    match (state, call) {
        (State::Ready, Call::Prepare)
        | (State::Prepared, Call::Synchronize)
        | (State::Done, Call::ShowError) => Some(State::Busy(call, Stage::Running)),
        _ => None,
    }
}

fn returned(state: State, call: Call, went: Went) -> Option<State> {
    let State::Busy(current, stage) = state else {
        return None;
    };
    if current != call {
        return None;
    }
    match (stage, went) {
        (Stage::Running, Went::Well) => Some(State::Busy(call, Stage::Waiting)),
        (Stage::Answered(answer), Went::Well) => Some(reached(call, answer)),
        // A completion that came early counts for nothing when the call then fails.
        (Stage::Running | Stage::Answered(_), Went::Badly) => Some(reached(call, Went::Badly)),
        (Stage::Waiting, _) | (_, Went::Again) => None,
    }
}

fn completed(state: State, call: Call, went: Went) -> Option<State> {
    let State::Busy(current, stage) = state else {
        return None;
    };
    if current != call || (went == Went::Again && call != Call::ShowError) {
        return None;
    }
    match stage {
        Stage::Running => Some(State::Busy(call, Stage::Answered(went))),
        Stage::Waiting => Some(reached(call, went)),
        Stage::Answered(_) => None,
    }
}

/// Where a long call leads once it has both returned and been completed.
fn reached(call: Call, went: Went) -> State {
    match (call, went) {
        (Call::Prepare, Went::Well) => State::Prepared,
        (Call::Prepare, Went::Badly | Went::Again) => State::Leaving,
        (Call::ShowError, Went::Again) => State::Ready,
        // Properties never get here, and would change nothing.
        (Call::Synchronize | Call::ShowError | Call::ShowProperties, _) => State::Done,
    }
}

#[cfg(test)]
mod tests;
