//! Parts of lists, as requests ask for them.

use syncmgr_api::page::{LIMIT_DEFAULT, LIMIT_MAX, key_of};

use crate::answer::Refusal;

/// Reads how many rows are wanted.
pub(super) fn limit(limit: Option<u32>) -> Result<usize, Refusal> {
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if limit == 0 || limit > LIMIT_MAX {
        return Err(Refusal::field("limit", "unusable", "from 1 to 1000"));
    }
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// Reads the key behind which a list goes on.
pub(super) fn after(order: &str, cursor: Option<&str>) -> Result<Option<String>, Refusal> {
    let read = |cursor| {
        key_of(order, cursor)
            .ok_or_else(|| Refusal::field("cursor", "unusable", "it is of another list"))
    };
    cursor.map(read).transpose()
}

/// Reads the key behind which a list goes on, as something that can be parsed.
pub(super) fn after_parsed<T>(
    order: &str,
    cursor: Option<&str>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    let Some(key) = after(order, cursor)? else {
        return Ok(None);
    };
    let unusable = || Refusal::field("cursor", "unusable", "it is of another list");
    parse(&key).map(Some).ok_or_else(unusable)
}
