//! What names a conflict among all handlers, for good (spec 138, 139, 161).

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::id::{HandlerId, ItemId};

/// Stands in an address where a conflict belongs to no item. No item id begins with it.
const NO_ITEM: &str = "-";

/// How an address begins.
const SCHEME: &str = "conflict://";

/// Most bytes of an id, so that an address stays short enough for a command line.
pub const CONFLICT_ID_LEN_MAX: usize = 256;

/// Names a conflict within its store (`SYNCMGR_CONFLICT_ID_INFO`). Two are the same when their
/// `id` is, whatever `extra` says (spec 139).
#[derive(Debug, Clone)]
pub struct ConflictId {
    /// Names it; opaque, short.
    pub id: Vec<u8>,
    /// Helps the store to find it again; `None`: nothing.
    pub extra: Option<Vec<u8>>,
}

impl ConflictId {
    /// Builds an id without anything extra.
    #[must_use]
    pub fn new(id: impl Into<Vec<u8>>) -> Self {
        Self {
            id: id.into(),
            extra: None,
        }
    }
}

impl PartialEq for ConflictId {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for ConflictId {}

impl Hash for ConflictId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// Where a conflict is found among all handlers: `conflict://HANDLER/ITEM/ID` (spec 161). `ITEM` is
/// `-` for a conflict of the handler itself; bytes of the id that are not letters, digits or one of
/// `-_.~` are written as `%` and two hexadecimal digits. The same conflict always has the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// Whose it is.
    pub handler: HandlerId,
    /// Of which item; `None`: of the handler itself.
    pub item: Option<ItemId>,
    /// Its id within the store.
    pub id: Vec<u8>,
}

impl Address {
    /// Reads an address; `None` when it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(SCHEME)?.split('/');
        let (handler, item, id) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let item = match item {
            NO_ITEM => None,
            item => Some(ItemId::new(item).ok()?),
        };
        let id = unescaped(id)?;
        let is_usable = !id.is_empty() && id.len() <= CONFLICT_ID_LEN_MAX;
        is_usable.then_some(Self {
            handler: HandlerId::new(handler).ok()?,
            item,
            id,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let item = self.item.as_ref().map_or(NO_ITEM, ItemId::as_str);
        write!(f, "{SCHEME}{}/{item}/", self.handler)?;
        for byte in &self.id {
            if is_plain(*byte) {
                write!(f, "{}", char::from(*byte))?;
            } else {
                write!(f, "%{byte:02x}")?;
            }
        }
        Ok(())
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)
}

/// Reads an id; `None` when it was not written the one way it is written, so that no two texts name
/// the same conflict.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut rest = text.as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            let digits = std::str::from_utf8(digits).ok()?;
            let byte = u8::from_str_radix(digits, 16).ok()?;
            if is_plain(byte) || format!("{byte:02x}") != digits {
                return None;
            }
            bytes.push(byte);
            rest = after;
        } else if is_plain(*first) {
            bytes.push(*first);
            rest = after;
        } else {
            return None;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// spec 161: an address leads back to the same conflict.
    #[test]
    fn an_address_leads_back() {
        let cases: [(Option<&str>, &[u8], &str); 4] = [
            (Some("pair"), b"1a2b3c4d", "conflict://files/pair/1a2b3c4d"),
            (None, b"x", "conflict://files/-/x"),
            (Some("pair"), b"a/b %", "conflict://files/pair/a%2fb%20%25"),
            (Some("pair"), &[0, 255], "conflict://files/pair/%00%ff"),
        ];
        for (item, id, text) in cases {
            let address = Address {
                handler: HandlerId::new("files").unwrap(),
                item: item.map(|item| ItemId::new(item).unwrap()),
                id: id.to_vec(),
            };
            assert_eq!(address.to_string(), text);
            assert_eq!(Address::parse(text), Some(address));
        }
    }

    /// spec 161: one conflict has one address, so another spelling is none.
    #[test]
    fn what_is_no_address() {
        for bad in [
            "",
            "conflict://files/pair",
            "conflict://files/pair/",
            "conflict://files/pair/a/b",
            "conflict://../pair/a",
            "conflict://files/pair/%61",
            "conflict://files/pair/%2F",
            "conflict://files/pair/%2",
            "conflict://files/pair/é",
            "https://files/pair/a",
        ] {
            assert_eq!(Address::parse(bad), None, "{bad}");
        }
    }

    /// spec 139: ids are the same when their blob is.
    #[test]
    fn ids_compare_by_the_blob_only() {
        let bare = ConflictId::new(*b"one");
        let with = ConflictId {
            id: b"one".to_vec(),
            extra: Some(b"where it was".to_vec()),
        };
        assert_eq!(bare, with);
        assert_ne!(bare, ConflictId::new(*b"two"));
    }
}
