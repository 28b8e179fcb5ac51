//! GUIDs: 16 bytes with a form as text.

use std::fmt;
use std::str::FromStr;

use crate::id::{HandlerId, ItemId};

/// Text that is no GUID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadGuid(pub String);

impl fmt::Display for BadGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a GUID, as 6295df40-35ee-11d1-8707-00c04fd93327",
            self.0.escape_debug()
        )
    }
}

impl std::error::Error for BadGuid {}

/// Identifies a handler, an item or a log entry of the older family.
///
/// The bytes stand in the order of the text, whatever the order in the memory of the original.
/// As text it is lower case and without braces, and so it can be the id of a handler or an item;
/// braces and upper case are read too.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// `GUID_NULL`, with which the original says "the handler" or "all of them". In this project an
    /// `Option` says so, and the null GUID names nothing.
    pub const NULL: Self = Self([0; 16]);

    /// Says whether this is [`Self::NULL`].
    #[must_use]
    pub fn is_null(self) -> bool {
        self == Self::NULL
    }

    /// Returns the id that stands for a handler with this class.
    #[must_use]
    pub fn handler_id(self) -> HandlerId {
        HandlerId::new(self.to_string()).expect("36 hexadecimal digits and `-` are an id")
    }

    /// Returns the id that stands for an item with this GUID.
    #[must_use]
    pub fn item_id(self) -> ItemId {
        ItemId::new(self.to_string()).expect("36 hexadecimal digits and `-` are an id")
    }

    /// Returns the GUID that an item id stands for; `None` when it was not made by
    /// [`Self::item_id`].
    #[must_use]
    pub fn of_item(id: &ItemId) -> Option<Self> {
        let guid: Self = id.as_str().parse().ok()?;
        (guid.to_string() == id.as_str()).then_some(guid)
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Guid {
    type Err = BadGuid;

    /// Reads the form with four dashes, with or without braces, in any case.
    fn from_str(text: &str) -> Result<Self, BadGuid> {
        let bad = || BadGuid(text.to_owned());
        let inner = match text.strip_prefix('{') {
            Some(rest) => rest.strip_suffix('}').ok_or_else(bad)?,
            None => text,
        };
        let groups: Vec<&str> = inner.split('-').collect();
        if groups.iter().map(|group| group.len()).ne([8, 4, 4, 4, 12]) {
            return Err(bad());
        }
        let digits = groups.concat();
        // `from_str_radix` would take a sign.
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let number = u128::from_str_radix(&digits, 16).map_err(|_| bad())?;
        Ok(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "6295df40-35ee-11d1-8707-00c04fd93327";

    #[test]
    fn a_guid_is_read_in_every_usual_form_and_written_in_one() {
        for text in [
            TEXT,
            "{6295DF40-35EE-11D1-8707-00C04FD93327}",
            "6295DF40-35ee-11D1-8707-00c04fd93327",
        ] {
            let guid: Guid = text.parse().unwrap();
            assert_eq!(guid.to_string(), TEXT);
            assert_eq!(guid.0[..5], [0x62, 0x95, 0xdf, 0x40, 0x35]);
        }
        assert!(Guid::NULL.is_null());
    }

    #[test]
    fn what_is_no_guid_is_refused() {
        for text in [
            "",
            "{}",
            "6295df40",
            "6295df4035ee11d1870700c04fd93327",
            "{6295df40-35ee-11d1-8707-00c04fd93327",
            "6295df40-35ee-11d1-8707-00c04fd9332g",
            "+295df40-35ee-11d1-8707-00c04fd93327",
            "é95df40-35ee-11d1-8707-00c04fd93327",
        ] {
            assert!(text.parse::<Guid>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_item_id_and_its_guid_are_the_same_thing() {
        let guid: Guid = TEXT.parse().unwrap();
        assert_eq!(guid.item_id().as_str(), TEXT);
        assert_eq!(guid.handler_id().as_str(), TEXT);
        assert_eq!(Guid::of_item(&guid.item_id()), Some(guid));
        assert_eq!(Guid::of_item(&ItemId::new("photos").unwrap()), None);
    }
}
