//! Sets of bits, as structs of named truths.

/// Makes a struct of truths with the number that holds them.
macro_rules! flags {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$field_doc:meta])* $field:ident = $bit:literal,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: bool,)*
        }

        impl $name {
            /// All bits that mean something.
            pub const MASK: u32 = 0 $(| $bit)*;

            /// Reads the bits of the original; those outside [`Self::MASK`] mean nothing and are
            /// passed over.
            #[must_use]
            pub fn from_bits(bits: u32) -> Self {
                Self { $($field: bits & $bit != 0,)* }
            }

            /// Returns the bits of the original.
            #[must_use]
            pub fn bits(self) -> u32 {
                0 $(| if self.$field { $bit } else { 0 })*
            }
        }
    };
}

flags!(
    /// What a handler is and may (`SYNCMGRHANDLERFLAGS`).
    HandlerFlags {
        /// It has a sheet of properties of its own.
        has_properties = 0x1,
        /// It may ask for a connection.
        may_establish_connection = 0x2,
        /// It is listed also when it has no items.
        is_always_listed = 0x4,
        /// It is not shown.
        is_hidden = 0x8,
    }
);

flags!(
    /// What an item is and may (`SYNCMGRITEMFLAGS`). The original's mask has room for one bit more,
    /// which has no name.
    ItemFlags {
        /// It has a sheet of properties.
        has_properties = 0x1,
        /// What a person chose for it need not be kept.
        is_temporary = 0x2,
        /// It belongs to a person whose profile roams.
        is_of_roaming_user = 0x4,
        /// The time of the last update is known.
        has_update_time = 0x8,
        /// It may be deleted.
        may_be_deleted = 0x10,
        /// It is not shown.
        is_hidden = 0x20,
    }
);

flags!(
    /// The events that a handler wants to hear of (`SYNCMGRREGISTERFLAGS`). It is always asked when
    /// a person, a program or a schedule wants a sync.
    RegisterFlags {
        /// A network connection came up.
        wants_connect = 0x1,
        /// A connection is about to end.
        wants_pending_disconnect = 0x2,
        /// The machine is idle.
        wants_idle = 0x4,
    }
);

flags!(
    /// How a program wants a sync begun (`SYNCMGRINVOKEFLAGS`).
    InvokeFlags {
        /// At once, without letting the person choose the items.
        starts_at_once = 0x2,
        /// Whatever is shown begins minimised.
        is_minimized = 0x4,
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn register_flags_are_one_two_and_four() {
        let flags = RegisterFlags::from_bits(1);
        assert!(flags.wants_connect && !flags.wants_pending_disconnect && !flags.wants_idle);
        assert!(RegisterFlags::from_bits(2).wants_pending_disconnect);
        assert!(RegisterFlags::from_bits(4).wants_idle);
        assert_eq!(RegisterFlags::MASK, 7);
    }

    #[test]
    fn invoke_flags_are_two_and_four() {
        assert!(InvokeFlags::from_bits(2).starts_at_once);
        assert!(InvokeFlags::from_bits(4).is_minimized);
        assert_eq!(InvokeFlags::MASK, 6);
    }

    #[test]
    fn bits_come_back_as_they_were_and_unknown_ones_do_not() {
        assert_eq!(HandlerFlags::MASK, 0xF);
        assert_eq!(ItemFlags::MASK, 0x3F);
        for bits in 0..0x80 {
            assert_eq!(HandlerFlags::from_bits(bits).bits(), bits & 0xF);
            assert_eq!(ItemFlags::from_bits(bits).bits(), bits & 0x3F);
        }
        assert!(ItemFlags::from_bits(0x10).may_be_deleted);
        assert!(HandlerFlags::from_bits(2).may_establish_connection);
    }
}
