//! Which tasks a handler or item offers: one rule for every menu, page and program.
//!
//! The rule, for each task: it is *absent* when a capability it needs is missing, when a policy
//! prevents it (for starting and stopping an item: its own or its handler's), or when it makes no
//! sense in the present state; else it is *greyed* when a policy disables it; else it is active.
//! Absence beats grey (spec 45). What a policy takes away or greys is refused to programs as well,
//! so that no way around it exists ([`OfHandler::forbids`], [`OfItem::forbids`]); what is absent
//! only because of the state is not: turning on what is on already is a request without effect.

use crate::capability::{HandlerCapabilities, HandlerPolicies, ItemCapabilities, ItemPolicies};

/// Something a person can do with a handler or item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Task {
    /// Set the handler up (`Activate(TRUE)`).
    SetUp,
    /// Take the handler down (`Activate(FALSE)`), or remove the item.
    Delete,
    /// Turn on.
    Enable,
    /// Turn off.
    Disable,
    /// Start a sync.
    Start,
    /// Stop a sync.
    Stop,
    /// Look at the content.
    Browse,
    /// Show the schedule.
    Schedule,
}

impl Task {
    /// All of them, in the order of a menu.
    pub const ALL: [Self; 8] = [
        Self::SetUp,
        Self::Start,
        Self::Stop,
        Self::Browse,
        Self::Schedule,
        Self::Enable,
        Self::Disable,
        Self::Delete,
    ];

    /// Returns the stable word, which is also the verb shown to people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SetUp => "set up",
            Self::Delete => "delete",
            Self::Enable => "turn on",
            Self::Disable => "turn off",
            Self::Start => "sync",
            Self::Stop => "stop",
            Self::Browse => "browse",
            Self::Schedule => "schedule",
        }
    }
}

/// Why a task is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// A policy of the handler; its comment is the place where it explains that.
    Policy,
    /// The handler or item cannot do it.
    Capability,
    /// It makes no sense now.
    State,
    /// The handler could not say whether it is set up, and it was not when it last could (spec 19).
    Unsure,
}

/// How a task is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entry {
    /// Not shown.
    Absent(Why),
    /// Shown, and cannot be chosen.
    Greyed(Why),
    /// Shown.
    Active,
}

/// What the tasks of a handler depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OfHandler {
    /// What it can do.
    pub capabilities: HandlerCapabilities,
    /// What it forbids.
    pub policies: HandlerPolicies,
    /// It is set up.
    pub is_active: bool,
    /// Whether it is set up could not be told; `is_active` is what was last known.
    pub is_unsure: bool,
    /// It is turned on.
    pub is_enabled: bool,
    /// It can be reached.
    pub is_connected: bool,
    /// A session of it runs.
    pub is_syncing: bool,
}

/// What the tasks of an item depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OfItem {
    /// Its handler.
    pub handler: OfHandler,
    /// What it can do.
    pub capabilities: ItemCapabilities,
    /// What it forbids.
    pub policies: ItemPolicies,
    /// It is turned on.
    pub is_enabled: bool,
    /// It can be reached.
    pub is_connected: bool,
    /// It is in a session.
    pub is_syncing: bool,
}

impl OfHandler {
    /// Says how a task is offered.
    #[must_use]
    pub fn entry(&self, task: Task) -> Entry {
        let gate = self.gate(task);
        if let Some(absent @ Entry::Absent(_)) = gate {
            return absent;
        }
        if !self.makes_sense(task) {
            return Entry::Absent(Why::State);
        }
        if task == Task::SetUp && self.is_unsure {
            return Entry::Greyed(Why::Unsure);
        }
        gate.unwrap_or(Entry::Active)
    }

    /// Says why a program may not do it either: a capability is missing or a policy is in the way,
    /// whatever the state.
    #[must_use]
    pub fn forbids(&self, task: Task) -> Option<Why> {
        why(self.gate(task))
    }

    fn gate(&self, task: Task) -> Option<Entry> {
        let is_able = match task {
            Task::Browse => self
                .capabilities
                .contains(HandlerCapabilities::CAN_BROWSE_CONTENT),
            Task::Schedule => self
                .capabilities
                .contains(HandlerCapabilities::CAN_SHOW_SCHEDULE),
            Task::SetUp
            | Task::Delete
            | Task::Enable
            | Task::Disable
            | Task::Start
            | Task::Stop => true,
        };
        let (prevents, disables) = handler_bits(task);
        gate(
            is_able,
            self.policies.intersects(prevents),
            self.policies.intersects(disables),
        )
    }

    fn makes_sense(&self, task: Task) -> bool {
        match task {
            Task::SetUp => !self.is_active,
            Task::Delete | Task::Browse | Task::Schedule => self.is_active,
            Task::Enable => self.is_active && !self.is_enabled,
            Task::Disable => self.is_active && self.is_enabled,
            Task::Start => self.can_sync() && !self.is_syncing,
            Task::Stop => self.is_syncing,
        }
    }

    fn can_sync(&self) -> bool {
        self.is_active && self.is_enabled && self.is_connected
    }
}

impl OfItem {
    /// Says how a task is offered.
    #[must_use]
    pub fn entry(&self, task: Task) -> Entry {
        let gate = self.gate(task);
        if let Some(absent @ Entry::Absent(_)) = gate {
            return absent;
        }
        if !self.makes_sense(task) {
            return Entry::Absent(Why::State);
        }
        gate.unwrap_or(Entry::Active)
    }

    /// Says why a program may not do it either; see [`OfHandler::forbids`].
    #[must_use]
    pub fn forbids(&self, task: Task) -> Option<Why> {
        why(self.gate(task))
    }

    fn gate(&self, task: Task) -> Option<Entry> {
        let is_able = match task {
            // Only handlers are set up, and only they have a schedule of their own.
            Task::SetUp | Task::Schedule => false,
            Task::Delete => self.capabilities.contains(ItemCapabilities::CAN_DELETE),
            Task::Browse => self
                .capabilities
                .contains(ItemCapabilities::CAN_BROWSE_CONTENT),
            Task::Enable | Task::Disable | Task::Start | Task::Stop => true,
        };
        let own = item_bits(task);
        let of_handler = match task {
            // An item starts and stops only when its handler lets it (spec 48).
            Task::Start | Task::Stop => handler_bits(task),
            Task::SetUp
            | Task::Delete
            | Task::Enable
            | Task::Disable
            | Task::Browse
            | Task::Schedule => (HandlerPolicies::empty(), HandlerPolicies::empty()),
        };
        let handler = self.handler.policies;
        gate(
            is_able,
            self.policies.intersects(own.0) || handler.intersects(of_handler.0),
            self.policies.intersects(own.1) || handler.intersects(of_handler.1),
        )
    }

    fn makes_sense(&self, task: Task) -> bool {
        let is_there = self.handler.is_active;
        match task {
            Task::SetUp | Task::Schedule => false,
            Task::Delete => is_there && !self.is_syncing,
            Task::Browse => is_there,
            Task::Enable => is_there && !self.is_enabled,
            Task::Disable => is_there && self.is_enabled,
            Task::Start => {
                let can_sync = self.handler.can_sync() && self.is_enabled && self.is_connected;
                can_sync && !self.is_syncing
            }
            Task::Stop => self.is_syncing,
        }
    }
}

fn gate(is_able: bool, is_prevented: bool, is_disabled: bool) -> Option<Entry> {
    if !is_able {
        Some(Entry::Absent(Why::Capability))
    } else if is_prevented {
        Some(Entry::Absent(Why::Policy))
    } else if is_disabled {
        Some(Entry::Greyed(Why::Policy))
    } else {
        None
    }
}

fn why(gate: Option<Entry>) -> Option<Why> {
    match gate? {
        Entry::Absent(why) | Entry::Greyed(why) => Some(why),
        Entry::Active => None,
    }
}

/// Returns the policies that prevent and that disable a task of a handler.
fn handler_bits(task: Task) -> (HandlerPolicies, HandlerPolicies) {
    use HandlerPolicies as P;
    match task {
        Task::SetUp => (P::PREVENT_ACTIVATE, P::empty()),
        Task::Delete => (P::PREVENT_DEACTIVATE, P::empty()),
        Task::Enable => (P::PREVENT_ENABLE, P::DISABLE_ENABLE),
        Task::Disable => (P::PREVENT_DISABLE, P::DISABLE_DISABLE),
        Task::Start => (P::PREVENT_START_SYNC, P::DISABLE_START_SYNC),
        Task::Stop => (P::PREVENT_STOP_SYNC, P::DISABLE_STOP_SYNC),
        Task::Browse => (P::empty(), P::DISABLE_BROWSE),
        Task::Schedule => (P::empty(), P::DISABLE_SCHEDULE),
    }
}

/// Returns the policies that prevent and that disable a task of an item.
fn item_bits(task: Task) -> (ItemPolicies, ItemPolicies) {
    use ItemPolicies as P;
    match task {
        Task::SetUp | Task::Schedule => (P::empty(), P::empty()),
        Task::Delete => (P::empty(), P::DISABLE_DELETE),
        Task::Enable => (P::PREVENT_ENABLE, P::DISABLE_ENABLE),
        Task::Disable => (P::PREVENT_DISABLE, P::DISABLE_DISABLE),
        Task::Start => (P::PREVENT_START_SYNC, P::DISABLE_START_SYNC),
        Task::Stop => (P::PREVENT_STOP_SYNC, P::DISABLE_STOP_SYNC),
        Task::Browse => (P::empty(), P::DISABLE_BROWSE),
    }
}

#[cfg(test)]
mod tests;
