//! What a run replaced or deleted, kept in the folder it worked on: `.syncmgr-kept/RUN/...`.

use std::fs;
use std::path::Path;

use syncmgr_model::id::SessionId;
use syncmgr_model::time::Timestamp;

/// Where it is kept, below the folder.
pub const DIR: &str = ".syncmgr-kept";

/// Milliseconds a day has.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Removes what was kept by runs that are too long ago. Only folders that carry the id of a run are
/// touched.
pub fn forget_old(target: &Path, keep_days: u64, now: Timestamp) {
    let Ok(entries) = fs::read_dir(target.join(DIR)) else {
        return;
    };
    let age = i64::try_from(keep_days.saturating_mul(DAY_MS)).unwrap_or(i64::MAX);
    let oldest = SessionId::at(Timestamp(now.0.saturating_sub(age)), 0);
    for entry in entries.flatten() {
        let name = entry.file_name();
        let run = name.to_str().and_then(|name| SessionId::new(name).ok());
        let is_run = run.as_ref().is_some_and(|run| is_run_id(run.as_str()));
        if is_run && run.is_some_and(|run| run < oldest) {
            // What cannot be removed now is tried again by the next run.
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// Says whether a name has the form `20261120-154501123-3f9a`.
fn is_run_id(name: &str) -> bool {
    let parts: Vec<_> = name.split('-').collect();
    let digits = |part: &str, n| part.len() == n && part.bytes().all(|b| b.is_ascii_digit());
    matches!(parts.as_slice(), [day, time, random]
        if digits(day, 8) && digits(time, 9) && random.len() == 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_runs_are_forgotten() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join(DIR);
        let now = Timestamp(1_795_189_501_123);
        let old = SessionId::at(Timestamp(now.0 - 31 * 24 * 3600 * 1000), 7).to_string();
        let new = SessionId::at(Timestamp(now.0 - 29 * 24 * 3600 * 1000), 7).to_string();
        for name in [
            old.as_str(),
            new.as_str(),
            "0-mine",
            "20200101-120000000-photos",
        ] {
            fs::create_dir_all(dir.join(name)).unwrap();
            fs::write(dir.join(name).join("x"), "x").unwrap();
        }
        forget_old(temp.path(), 30, now);
        let mut left: Vec<_> = fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["0-mine", "20200101-120000000-photos", new.as_str()]);
    }
}
