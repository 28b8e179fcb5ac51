//! How lines of the list are written: `86`, `86, 97`, `167–185`, and all of these together.

use anyhow::{Result, bail};

/// Reads numbers from the beginning of a text and returns them, ascending and each once, with what
/// comes behind them. A text that does not begin with a number has none.
///
/// # Errors
/// A range runs backwards, or a number is longer than any list.
pub(super) fn read(text: &str) -> Result<(Vec<u32>, &str)> {
    let mut lines = Vec::new();
    let mut rest = text;
    let mut next = text;
    while let Some((first, behind)) = number(next)? {
        let (last, behind) = range_end(behind)?.unwrap_or((first, behind));
        if last < first {
            bail!("the range {first}–{last} runs backwards");
        }
        lines.extend(first..=last);
        rest = behind;
        let Some(behind) = separator(behind) else {
            break;
        };
        next = behind;
    }
    lines.sort_unstable();
    lines.dedup();
    Ok((lines, rest))
}

/// Writes ascending numbers, neighbours as ranges: `1, 3–5`.
pub(super) fn write(lines: &[u32]) -> String {
    let ranges = lines.chunk_by(|a, b| a + 1 == *b).map(|range| match range {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}–{last}"),
        [] => String::new(),
    });
    ranges.collect::<Vec<_>>().join(", ")
}

fn number(text: &str) -> Result<Option<(u32, &str)>> {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    match digits.len() {
        0 => Ok(None),
        1..=4 => Ok(digits.parse().ok().map(|number| (number, rest))),
        _ => bail!("`{digits}` is no line"),
    }
}

/// The end of a range; both dashes that people type are one.
fn range_end(text: &str) -> Result<Option<(u32, &str)>> {
    match text.strip_prefix('–').or_else(|| text.strip_prefix('-')) {
        Some(behind) => number(behind),
        None => Ok(None),
    }
}

fn separator(text: &str) -> Option<&str> {
    [", and ", ", ", " and "]
        .iter()
        .find_map(|separator| text.strip_prefix(separator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, lines: &[u32], rest: &str) {
        assert_eq!(read(text).unwrap(), (lines.to_vec(), rest));
    }

    #[test]
    fn numbers_lists_and_ranges_are_read() {
        check("86", &[86], "");
        check("86: text", &[86], ": text");
        check("86, 97: text", &[86, 97], ": text");
        check("86 and 97.", &[86, 97], ".");
        check("86, 97, and 98", &[86, 97, 98], "");
        check("3–5, 4, 9-10", &[3, 4, 5, 9, 10], "");
        check("86, text", &[86], ", text");
        check("86 – text", &[86], " – text");
        check("none", &[], "none");
        check("", &[], "");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert!(read("9–3").is_err());
        assert!(read("20261120").is_err());
    }

    #[test]
    fn neighbours_are_written_as_a_range() {
        assert_eq!(write(&[1, 3, 4, 5, 7, 8]), "1, 3–5, 7–8");
        assert_eq!(write(&[]), "");
    }
}
