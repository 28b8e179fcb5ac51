//! Parts of lists, as requests ask for them.

use syncmgr_api::page::{LIMIT_DEFAULT, LIMIT_MAX, key_of};
use syncmgr_model::time::Timestamp;

use crate::answer::Refusal;

/// Longest text looked for, in bytes: what people type.
const SEARCH_LEN_MAX: usize = 200;

/// Reads how many rows are wanted.
pub(super) fn limit(limit: Option<u32>) -> Result<usize, Refusal> {
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if limit == 0 || limit > LIMIT_MAX {
        return Err(Refusal::field("limit", "unusable", "from 1 to 1000"));
    }
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// Reads a time.
pub(super) fn time(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    let parse = |text| {
        Timestamp::parse_rfc3339(text)
            .ok_or_else(|| Refusal::field(field, "unusable", "a time as 2026-12-24T18:00:00Z"))
    };
    text.map(parse).transpose()
}

/// Reads words that are joined by commas.
pub(super) fn words<T>(
    field: &str,
    text: Option<&str>,
    what: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, Refusal> {
    let read = |word| parse(word).ok_or_else(|| Refusal::field(field, "unusable", what));
    text.map_or_else(
        || Ok(Vec::new()),
        |text| text.split(',').map(read).collect(),
    )
}

/// Reads a text to look for; an empty one is none.
pub(super) fn search(text: Option<String>) -> Result<Option<String>, Refusal> {
    let text = text.filter(|text| !text.is_empty());
    if text.as_ref().is_some_and(|it| it.len() > SEARCH_LEN_MAX) {
        return Err(Refusal::field("text", "unusable", "at most 200 bytes"));
    }
    Ok(text)
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
