//! Identities of handlers, items and sessions.

use std::fmt;

use crate::time::Timestamp;

/// Most bytes an id may have: one less than `MAX_SYNCMGR_ID` of syncmgr.h, which counts the NUL.
pub const ID_LEN_MAX: usize = 63;

/// Text that cannot be an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadId(pub String);

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not an id: 1 to {ID_LEN_MAX} lower-case letters, digits, `-`, `_` or `.`, beginning with a letter or digit",
            self.0.escape_debug()
        )
    }
}

impl std::error::Error for BadId {}

/// An id becomes the name of a folder and part of a command line, so its letters are few; it
/// begins with a letter or digit, so it can be neither `..` nor look like an option.
fn is_id(text: &str) -> bool {
    text.len() <= ID_LEN_MAX
        && text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Checks and takes an id.
            ///
            /// # Errors
            /// [`BadId`] when it is empty, too long, or has other characters.
            pub fn new(text: impl Into<String>) -> Result<Self, BadId> {
                let text = text.into();
                if is_id(&text) {
                    Ok(Self(text))
                } else {
                    Err(BadId(text))
                }
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// Identifies a handler, as `files`.
    HandlerId
);
id!(
    /// Identifies an item for good, whatever it is called and wherever its folders move.
    ItemId
);
id!(
    /// Identifies a session (a run, to people). Sorts by time: `20261120-154501123-3f9a`, the time to the millisecond.
    SessionId
);

/// Identifies an event; grows with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub u64);

/// Identifies an item among all handlers: the same item id may exist in two of them (spec 39).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemKey {
    /// Whose it is.
    pub handler: HandlerId,
    /// Which one.
    pub item: ItemId,
}

impl ItemKey {
    /// Reads what [`fmt::Display`] writes: `HANDLER/ITEM`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (handler, item) = text.split_once('/')?;
        Some(Self {
            handler: HandlerId::new(handler).ok()?,
            item: ItemId::new(item).ok()?,
        })
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.handler, self.item)
    }
}

impl SessionId {
    /// Makes the id of a session that begins `at`; `random` tells apart those of one millisecond.
    #[must_use]
    pub fn at(at: Timestamp, random: u16) -> Self {
        let c = at.civil();
        Self(format!(
            "{:04}{:02}{:02}-{:02}{:02}{:02}{:03}-{random:04x}",
            c.year.clamp(0, 9999),
            c.month,
            c.day,
            c.hour,
            c.minute,
            c.second,
            at.0.rem_euclid(1000)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_sorts_by_time() {
        let early = SessionId::at(Timestamp(1_795_189_501_123), 0xffff);
        let late = SessionId::at(Timestamp(1_795_189_501_124), 0);
        assert_eq!(early.as_str(), "20261120-154501123-ffff");
        assert!(early < late);
    }

    /// spec 5: 63 units are an id, 64 are none; an id is ASCII, so units, bytes and characters are
    /// the same.
    #[test]
    fn the_longest_id() {
        assert!(HandlerId::new("h".repeat(63)).is_ok() && ItemId::new("i".repeat(63)).is_ok());
        assert!(HandlerId::new("h".repeat(64)).is_err() && ItemId::new("i".repeat(64)).is_err());
    }

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key = ItemKey::parse("files/a-b.c").unwrap();
        assert_eq!(
            (key.handler.as_str(), key.item.as_str()),
            ("files", "a-b.c")
        );
        assert_eq!(ItemKey::parse(&key.to_string()), Some(key));
        for bad in ["files", "files/", "/a", "files/a/b", ""] {
            assert_eq!(ItemKey::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn text_that_could_leave_a_folder_is_no_id() {
        for bad in ["", "..", "-x", "a/b", "A", "é", &"a".repeat(64)] {
            assert!(ItemId::new(bad).is_err(), "{bad:?}");
        }
    }
}
