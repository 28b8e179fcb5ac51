//! Lists: a part of one, and the cursor that leads to the next part.
//!
//! A cursor is a key of the last row, not a count: rows that appear or go while somebody pages
//! neither repeat nor hide others. It carries the name of the order, so that a cursor of one list
//! is refused by another.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Rows of a part when none are asked for.
pub const LIMIT_DEFAULT: u32 = 100;
/// Most rows of a part: an answer stays well below a megabyte.
pub const LIMIT_MAX: u32 = 1000;
/// Longest cursor taken, in bytes: longer than any key of ours.
const CURSOR_LEN_MAX: usize = 512;

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Leads to the next part; null at the end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a part from the rows read, of which there may be one more than `limit`: that one says
    /// there is a next part. `key` names a row in the order `order`.
    pub fn cut(mut rows: Vec<T>, limit: usize, order: &str, key: impl Fn(&T) -> String) -> Self {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = has_more
            .then(|| rows.last().map(|row| cursor(order, &key(row))))
            .flatten();
        Self {
            items: rows,
            next_cursor,
        }
    }
}

/// Writes a cursor: hexadecimal digits, so that nobody is tempted to build one.
#[must_use]
pub fn cursor(order: &str, key: &str) -> String {
    format!("{order}\n{key}")
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Reads the key of a cursor of this order; `None` when it is not one.
#[must_use]
pub fn key_of(order: &str, cursor: &str) -> Option<String> {
    if cursor.len() > CURSOR_LEN_MAX || !cursor.len().is_multiple_of(2) || !cursor.is_ascii() {
        return None;
    }
    let bytes = (0..cursor.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&cursor[at..at + 2], 16).ok())
        .collect::<Option<Vec<_>>>()?;
    let text = String::from_utf8(bytes).ok()?;
    let (named, key) = text.split_once('\n')?;
    (named == order).then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_on_and_only_in_its_own_list() {
        let page = Page::cut(vec!["a", "b", "c"], 2, "names", |row| (*row).to_owned());
        let cursor = page.next_cursor.unwrap();
        assert_eq!(page.items, ["a", "b"]);
        assert_eq!(key_of("names", &cursor).as_deref(), Some("b"));
        for (order, bad) in [
            ("times", &*cursor),
            ("names", "zz"),
            ("names", "6"),
            ("names", "é"),
        ] {
            assert_eq!(key_of(order, bad), None, "{order} {bad}");
        }
        let last = Page::cut(vec!["c"], 2, "names", |row| (*row).to_owned());
        assert_eq!(last.next_cursor, None);
    }
}
