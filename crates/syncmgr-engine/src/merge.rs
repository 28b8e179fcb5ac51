//! Three-way merge of text, and the names of conflict copies. Pure.

use crate::entry::FileTime;

/// What came of a three-way merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// Both sides' changes fit together.
    Clean(Vec<u8>),
    /// They touch the same lines in `n_places` places; nothing was merged.
    Clashes {
        /// How many places.
        n_places: usize,
    },
}

/// Merges the changes of `left` and `right` since `base`, line by line. Never returns text with
/// conflict markers: whoever wants those asks for [`with_markers`].
#[must_use]
pub fn merge(base: &[u8], left: &[u8], right: &[u8]) -> Merged {
    match diffy::merge_bytes(base, left, right) {
        Ok(bytes) => Merged::Clean(bytes),
        Err(marked) => {
            let n_places = marked
                .split(|&b| b == b'\n')
                .filter(|line| line.starts_with(b"<<<<<<< "))
                .count();
            Merged::Clashes {
                n_places: n_places.max(1),
            }
        }
    }
}

/// Merges as far as possible and marks the clashing places in the style of git. Only for a person
/// who asked to see or edit it; never written into a synced file by syncmgr.
#[must_use]
pub fn with_markers(base: &[u8], left: &[u8], right: &[u8]) -> Vec<u8> {
    match diffy::merge_bytes(base, left, right) {
        Ok(bytes) | Err(bytes) => bytes,
    }
}

/// Makes the name of a conflict copy: `report.txt` becomes `report (conflict, NAS, 2026-11-20
/// 0912).txt`; `attempt` above 0 adds ` 2`, ` 3`… when that name is taken. The name keeps within
/// `name_max` bytes by shortening the stem.
#[must_use]
pub fn conflict_name(
    name: &[u8],
    side_name: &str,
    at: FileTime,
    attempt: u32,
    name_max: usize,
) -> Vec<u8> {
    let (stem, extension) = split_extension(name);
    let side: String = side_name
        .chars()
        .map(|c| {
            if c.is_control() || "/\\:*?\"<>|".contains(c) {
                '_'
            } else {
                c
            }
        })
        .take(40)
        .collect();
    let more = if attempt == 0 {
        String::new()
    } else {
        format!(" {}", attempt + 1)
    };
    let note = format!(" (conflict, {side}, {}{more})", stamp(at));
    let room = name_max.saturating_sub(note.len() + extension.len());
    let mut end = stem.len().min(room);
    // Cut before a character, not inside one, where the name is text.
    while end > 0 && end < stem.len() && stem[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    [&stem[..end], note.as_bytes(), extension].concat()
}

fn split_extension(name: &[u8]) -> (&[u8], &[u8]) {
    match name.iter().rposition(|&b| b == b'.') {
        // A leading dot hides a file, it does not start an extension; a very long one is none.
        Some(at) if at > 0 && name.len() - at <= 16 => name.split_at(at),
        _ => (name, &[]),
    }
}

/// Formats a time as `2026-11-20 0912`, UTC, without a calendar library: days since 1970 to a date
/// by the algorithm of Hinnant, "chrono-compatible low-level date algorithms".
fn stamp(at: FileTime) -> String {
    let days = at.secs.div_euclid(86_400);
    let minutes = at.secs.rem_euclid(86_400) / 60;
    let z = days.saturating_add(719_468);
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}{:02}",
        minutes / 60,
        minutes % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_in_different_places_merge() {
        let merged = merge(b"a\nb\nc\nd\ne\n", b"A\nb\nc\nd\ne\n", b"a\nb\nc\nd\nE\n");
        assert_eq!(merged, Merged::Clean(b"A\nb\nc\nd\nE\n".to_vec()));
    }

    #[test]
    fn changes_in_one_place_clash() {
        assert_eq!(
            merge(b"a\nb\nc\n", b"a\nX\nc\n", b"a\nY\nc\n"),
            Merged::Clashes { n_places: 1 }
        );
    }

    #[test]
    fn conflict_names_are_predictable_and_short_enough() {
        let at = FileTime::new(1_795_166_020, 0); // 2026-11-20T09:13:40Z
        let name = |n: &[u8], attempt, max| {
            String::from_utf8(conflict_name(n, "NAS", at, attempt, max)).unwrap()
        };
        assert_eq!(
            name(b"report.txt", 0, 255),
            "report (conflict, NAS, 2026-11-20 0913).txt"
        );
        assert_eq!(
            name(b".profile", 1, 255),
            ".profile (conflict, NAS, 2026-11-20 0913 2)"
        );
        let long = [b'x'; 255];
        assert_eq!(name(&long, 0, 255).len(), 255);
        let umlauts = "ä".repeat(127);
        assert!(name(umlauts.as_bytes(), 0, 255).starts_with("ää"));
    }

    #[test]
    fn dates_before_1970_and_leap_days_are_right() {
        assert_eq!(stamp(FileTime::new(-1, 0)), "1969-12-31 2359");
        assert_eq!(stamp(FileTime::new(951_782_400, 0)), "2000-02-29 0000");
    }
}
