//! What handlers and items can do (capabilities) and what they forbid (policies): the masks of
//! syncmgr.h, with its numbers. Bits outside the valid mask are ignored (spec 26).

use bitflags::bitflags;

bitflags! {
    /// `SYNCMGR_HANDLER_CAPABILITIES`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct HandlerCapabilities: u32 {
        /// It has an icon of its own.
        const PROVIDES_ICON = 0x1;
        /// It keeps events itself.
        const EVENT_STORE = 0x2;
        /// It keeps conflicts.
        const CONFLICT_STORE = 0x4;
        /// It may have several sessions at once.
        const SUPPORTS_CONCURRENT_SESSIONS = 0x10;
        /// Its content can be looked at.
        const CAN_BROWSE_CONTENT = 0x1_0000;
        /// It shows a schedule of its own.
        const CAN_SHOW_SCHEDULE = 0x2_0000;
        /// It asks before it is set up, and owns that state.
        const QUERY_BEFORE_ACTIVATE = 0x10_0000;
        /// It asks before it is taken down, and owns that state.
        const QUERY_BEFORE_DEACTIVATE = 0x20_0000;
        /// It asks before it is turned on, and owns that state.
        const QUERY_BEFORE_ENABLE = 0x40_0000;
        /// It asks before it is turned off, and owns that state.
        const QUERY_BEFORE_DISABLE = 0x80_0000;
    }

    /// `SYNCMGR_HANDLER_POLICIES`. *Prevent* takes an action away, *disable* shows it greyed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct HandlerPolicies: u32 {
        /// It cannot be set up.
        const PREVENT_ACTIVATE = 0x1;
        /// It cannot be taken down.
        const PREVENT_DEACTIVATE = 0x2;
        /// It cannot be turned on.
        const PREVENT_ENABLE = 0x4;
        /// It cannot be turned off.
        const PREVENT_DISABLE = 0x8;
        /// Nobody but the handler itself starts a sync, of its items neither.
        const PREVENT_START_SYNC = 0x10;
        /// Nobody stops a sync, of its items neither.
        const PREVENT_STOP_SYNC = 0x20;
        /// Turning on is greyed.
        const DISABLE_ENABLE = 0x100;
        /// Turning off is greyed.
        const DISABLE_DISABLE = 0x200;
        /// Starting is greyed.
        const DISABLE_START_SYNC = 0x400;
        /// Stopping is greyed.
        const DISABLE_STOP_SYNC = 0x800;
        /// Browsing is greyed. The original's valid mask forgets this bit; it is taken here.
        const DISABLE_BROWSE = 0x1000;
        /// The schedule is greyed.
        const DISABLE_SCHEDULE = 0x2000;
        /// Hidden when it is seen for the first time.
        const HIDDEN_BY_DEFAULT = 0x1_0000;
        /// Only the handler itself starts and stops.
        const BACKGROUND_SYNC_ONLY = 0x30;
    }

    /// `SYNCMGR_ITEM_CAPABILITIES`. The bits of the questions differ from a handler's.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct ItemCapabilities: u32 {
        /// It has an icon of its own.
        const PROVIDES_ICON = 0x1;
        /// It keeps events itself.
        const EVENT_STORE = 0x2;
        /// It keeps conflicts.
        const CONFLICT_STORE = 0x4;
        /// It can be removed.
        const CAN_DELETE = 0x10;
        /// Its content can be looked at.
        const CAN_BROWSE_CONTENT = 0x1_0000;
        /// It asks before it is turned on.
        const QUERY_BEFORE_ENABLE = 0x10_0000;
        /// It asks before it is turned off.
        const QUERY_BEFORE_DISABLE = 0x20_0000;
        /// It asks before it is removed.
        const QUERY_BEFORE_DELETE = 0x40_0000;
    }

    /// `SYNCMGR_ITEM_POLICIES`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct ItemPolicies: u32 {
        /// It cannot be turned on.
        const PREVENT_ENABLE = 0x1;
        /// It cannot be turned off.
        const PREVENT_DISABLE = 0x2;
        /// Only a session of its own program syncs it.
        const PREVENT_START_SYNC = 0x4;
        /// Nobody stops it.
        const PREVENT_STOP_SYNC = 0x8;
        /// Turning on is greyed.
        const DISABLE_ENABLE = 0x10;
        /// Turning off is greyed.
        const DISABLE_DISABLE = 0x20;
        /// Starting is greyed.
        const DISABLE_START_SYNC = 0x40;
        /// Stopping is greyed.
        const DISABLE_STOP_SYNC = 0x80;
        /// Browsing is greyed. The original's valid mask forgets this bit; it is taken here.
        const DISABLE_BROWSE = 0x100;
        /// Removing is greyed.
        const DISABLE_DELETE = 0x200;
        /// Hidden when it is seen for the first time.
        const HIDDEN_BY_DEFAULT = 0x1_0000;
    }

    /// `SYNCMGR_CONTROL_FLAGS`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct ControlFlags: u32 {
        /// Answer when it is done.
        const WAIT = 1;
        /// The handler may not ask the person anything.
        const NO_UI = 2;
    }

    /// `SYNCMGR_SYNC_CONTROL_FLAGS`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct SyncControlFlags: u32 {
        /// Leave out items that are being synced right now.
        const IGNORE_IF_ALREADY_SYNCING = 1;
    }
}

/// `SYNCMGR_HANDLER_TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HandlerType {
    /// Anything else (0).
    #[default]
    Unspecified,
    /// An application (1).
    Application,
    /// A phone or other device (2).
    Device,
    /// Folders (3).
    Folder,
    /// A service on the network (4).
    Service,
    /// A computer (5).
    Computer,
}

impl HandlerType {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Unspecified,
        Self::Application,
        Self::Device,
        Self::Folder,
        Self::Service,
        Self::Computer,
    ];

    /// Reads the number; what is no number of a type is unspecified (spec 14).
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        usize::try_from(number)
            .ok()
            .and_then(|n| Self::ALL.get(n).copied())
            .unwrap_or_default()
    }

    /// Returns the number.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Application => "application",
            Self::Device => "device",
            Self::Folder => "folder",
            Self::Service => "service",
            Self::Computer => "computer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// spec 14: six types, by their numbers; any other number is the first of them.
    #[test]
    fn types_by_number() {
        let numbers: Vec<_> = HandlerType::ALL.iter().map(|kind| kind.number()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
        for kind in HandlerType::ALL {
            assert_eq!(HandlerType::from_number(kind.number()), kind);
        }
        assert_eq!(HandlerType::from_number(6), HandlerType::Unspecified);
    }

    /// spec 26: the valid masks, with the bit for browsing that the original forgets in two of them.
    #[test]
    fn valid_masks() {
        assert_eq!(HandlerCapabilities::all().bits(), 0xF3_0017);
        assert_eq!(HandlerPolicies::all().bits(), 0x1_2F3F | 0x1000);
        assert_eq!(ItemCapabilities::all().bits(), 0x71_0017);
        assert_eq!(ItemPolicies::all().bits(), 0x1_02FF | 0x100);
        assert_eq!(ControlFlags::all().bits(), 3);
        assert_eq!(SyncControlFlags::all().bits(), 1);
    }
}
