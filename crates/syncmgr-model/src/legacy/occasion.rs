//! Why a handler of the older family is called, and what it may do meanwhile (`SYNCMGRFLAG`).

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A network connection came up.
    Connect,
    /// A connection is about to end.
    PendingDisconnect,
    /// A person asked.
    Manual,
    /// The machine is idle.
    Idle,
    /// A program asked, perhaps with a cookie.
    Invoke,
    /// Its time has come.
    Scheduled,
}

impl Event {
    /// The part of the number that holds the event; it is a value and not bits.
    pub const MASK: u32 = 0xFF;

    /// Returns the number of the original.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Connect => 1,
            Self::PendingDisconnect => 2,
            Self::Manual => 3,
            Self::Idle => 4,
            Self::Invoke => 5,
            Self::Scheduled => 6,
        }
    }

    /// Reads the low byte of a number. One that nobody knows is taken for a person who asked, so
    /// that the handlers of yesterday understand the events of tomorrow.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        match number & Self::MASK {
            1 => Self::Connect,
            2 => Self::PendingDisconnect,
            4 => Self::Idle,
            5 => Self::Invoke,
            6 => Self::Scheduled,
            _ => Self::Manual,
        }
    }
}

/// Why a handler is called, for as long as its instance lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Occasion {
    /// What happened.
    pub event: Event,
    /// Only settings are to be shown; nothing will be synced.
    pub is_settings: bool,
    /// Dialogs are allowed. A sync that cannot do without fails where they are not.
    pub may_bother_user: bool,
}

impl Occasion {
    const SETTINGS: u32 = 0x100;
    const MAY_BOTHER_USER: u32 = 0x200;

    /// Returns the number of the original.
    #[must_use]
    pub fn bits(self) -> u32 {
        let settings = if self.is_settings { Self::SETTINGS } else { 0 };
        let bother = if self.may_bother_user {
            Self::MAY_BOTHER_USER
        } else {
            0
        };
        self.event.number() | settings | bother
    }

    /// Reads the number of the original.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self {
            event: Event::from_number(bits),
            is_settings: bits & Self::SETTINGS != 0,
            may_bother_user: bits & Self::MAY_BOTHER_USER != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_occasion_is_a_value_in_a_byte_and_two_bits() {
        let occasion = Occasion {
            event: Event::Invoke,
            is_settings: false,
            may_bother_user: true,
        };
        assert_eq!(occasion.bits(), 0x205);
        for number in 1..=6 {
            for high in [0, 0x100, 0x200, 0x300] {
                assert_eq!(Occasion::from_bits(number | high).bits(), number | high);
            }
        }
    }

    #[test]
    fn an_unknown_event_is_a_person_who_asked() {
        for number in [0, 7, 0xFF] {
            assert_eq!(Event::from_number(number), Event::Manual);
        }
    }
}
