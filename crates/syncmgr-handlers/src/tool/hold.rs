//! Deletions that wait for a person's OK: found by a look, carried out only when exactly they were
//! allowed.

use syncmgr_model::event::EventLevel;
use syncmgr_model::preview::{Action, PlannedChange};
use syncmgr_model::trouble::{Code, PATHS_MAX, Trouble};

use syncmgr_model::escape::escape;

/// Returns an id for a plan from what is in it, whatever its order.
#[must_use]
pub fn plan_id<'a>(changes: impl IntoIterator<Item = &'a PlannedChange>) -> String {
    let mut lines: Vec<Vec<u8>> = changes
        .into_iter()
        .map(|change| {
            let mut line =
                format!("{} {} ", change.side.as_str(), change.action.as_str()).into_bytes();
            line.extend_from_slice(&change.path);
            line
        })
        .collect();
    lines.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for line in &lines {
        hasher.update(&(line.len() as u64).to_le_bytes());
        hasher.update(line);
    }
    hasher.finalize().to_hex()[..8].to_owned()
}

/// Says whether a change takes something away.
#[must_use]
pub fn is_deletion(change: &PlannedChange) -> bool {
    matches!(change.action, Action::Delete | Action::RemoveFolder)
}

/// The deletions of a look that are too many to be carried out unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Names exactly these deletions.
    pub id: String,
    /// How many files.
    pub n_files: u64,
    paths: Vec<String>,
}

impl Hold {
    /// Looks whether deletions have to wait: more files than `n_max`, or all because `is_emptied`.
    #[must_use]
    pub fn of(changes: &[PlannedChange], n_max: u64, is_emptied: bool) -> Option<Self> {
        let deleted = || changes.iter().filter(|change| is_deletion(change));
        let files = || deleted().filter(|change| change.action == Action::Delete);
        let n_files = files().count() as u64;
        let is_held = n_files > n_max || (is_emptied && deleted().next().is_some());
        is_held.then(|| Self {
            id: plan_id(deleted()),
            n_files,
            paths: files()
                .take(PATHS_MAX)
                .map(|change| escape(&change.path))
                .collect(),
        })
    }

    /// Checks that a person allowed exactly these; `now` is what is held, if anything is.
    ///
    /// # Errors
    /// `plan-changed`.
    pub fn check(now: Option<&Self>, allowed: &str) -> Result<(), Trouble> {
        let id = now.map_or("none", |hold| hold.id.as_str());
        if id == allowed {
            return Ok(());
        }
        Err(Trouble::new(Code::PlanChanged)
            .with("plan", escape(allowed.as_bytes()))
            .with("now", id))
    }

    /// Says that they wait. `n_total` files are in `folder`, which a look counted.
    #[must_use]
    pub fn trouble(&self, folder: &str, n_total: u64) -> Trouble {
        let mut trouble = Trouble::new(Code::TooManyDeletions)
            .at_level(EventLevel::Error)
            .with("folder", folder)
            .with("n_deletions", self.n_files)
            .with("n_files", n_total.max(self.n_files))
            .with("plan", &self.id);
        trouble.paths.clone_from(&self.paths);
        trouble
    }
}
