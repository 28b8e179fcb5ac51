//! Answers questions about a pair: conflicts, versions, steps of runs, single paths.

use syncmgr_engine::cancel::Cancel;
use syncmgr_engine::pair::{ContentOf, Pair, Why};
use syncmgr_engine::path::RelPath;
use syncmgr_engine::rules::Excludes;
use syncmgr_model::conflict::Conflict;
use syncmgr_model::escape::escape;
use syncmgr_model::folder::{Child, Covered};
use syncmgr_model::id::SessionId;
use syncmgr_model::item::Item;
use syncmgr_model::record::{Contents, Explanation, Step, Version};
use syncmgr_model::request::VersionRef;
use syncmgr_model::side::Side;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{Explain, Journal, VersionStore};

use super::settings::Chosen;
use super::{FilesHandler, session, trouble, view};

/// Most names that are looked at to say what exclusions would cover: some seconds.
const COVERED_MAX: u64 = 1_000_000;
/// Most paths named of what they would cover: a person looks at the first few.
const SAMPLE_MAX: usize = 20;

impl FilesHandler {
    fn failed<'a>(
        &'a self,
        chosen: &'a Chosen,
    ) -> impl Fn(syncmgr_engine::pair::Failure) -> Trouble + 'a {
        move |failure| trouble::of_failure(failure, chosen, self.home.as_deref())
    }
}

fn path_of(bytes: &[u8]) -> Result<RelPath, Trouble> {
    RelPath::new(bytes).map_err(|bad| {
        Trouble::new(Code::NotFound)
            .with("what", "path")
            .with("name", syncmgr_engine::path::display_bytes(&bad.0))
    })
}

impl FilesHandler {
    /// Returns the conflicts of a pair, sorted by path. One that never ran has none, wherever its
    /// folders are.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub(super) fn list_conflicts(&self, item: &Item) -> Result<Vec<Conflict>, Trouble> {
        let state = self.state_dir.join(item.id.as_str());
        if matches!(state.try_exists(), Ok(false)) {
            return Ok(Vec::new());
        }
        self.ask(item, |pair, chosen| {
            let conflicts = pair.conflicts().map_err(self.failed(chosen))?;
            Ok(conflicts.iter().map(view::stored).collect())
        })
    }

    /// Returns the contents in conflict, each of at most `limit` bytes.
    ///
    /// # Errors
    /// `not-found`, or when one that is there cannot be read.
    pub(super) fn conflict_contents(
        &self,
        item: &Item,
        id: &str,
        limit: usize,
    ) -> Result<Contents, Trouble> {
        self.ask(item, |pair, chosen| {
            let failed = self.failed(chosen);
            let conflict = pair
                .conflicts()
                .map_err(&failed)?
                .into_iter()
                .find(|conflict| conflict.id == id)
                .ok_or_else(|| {
                    Trouble::new(Code::NotFound)
                        .with("what", "conflict")
                        .with("name", syncmgr_engine::path::display_bytes(id.as_bytes()))
                })?;
            let read = |of: &ContentOf| pair.read(&conflict.path, of, limit).map_err(&failed);
            Ok(Contents {
                base: read(&ContentOf::Base)?,
                left: read(&ContentOf::Side(view::engine_side(Side::Left)))?,
                right: read(&ContentOf::Side(view::engine_side(Side::Right)))?,
            })
        })
    }
}

impl VersionStore for FilesHandler {
    fn list(&self, item: &Item, path: &[u8]) -> Result<Vec<Version>, Trouble> {
        let path = path_of(path)?;
        self.ask(item, |pair, chosen| {
            let versions = pair.versions(&path).map_err(self.failed(chosen))?;
            Ok(versions
                .iter()
                .filter_map(|version| view::version(version, chosen.folder(version.side)))
                .collect())
        })
    }

    fn contents(&self, item: &Item, version: &Version, limit: usize) -> Result<Contents, Trouble> {
        self.ask(item, |pair, chosen| {
            let wanted = VersionRef {
                run: version.run.clone(),
                side: version.side,
                path: version.path.clone(),
            };
            let found = session::find(pair, &wanted, chosen, self.home.as_deref())?;
            let failed = self.failed(chosen);
            let (path, on) = (found.path.clone(), found.side);
            let now = pair
                .read(&path, &ContentOf::Side(on), limit)
                .map_err(&failed)?;
            let kept = pair
                .read(&path, &ContentOf::Version(found), limit)
                .map_err(&failed)?;
            let (left, right) = match version.side {
                Side::Left => (now, None),
                Side::Right => (None, now),
            };
            Ok(Contents {
                base: kept,
                left,
                right,
            })
        })
    }
}

impl Journal for FilesHandler {
    fn steps(&self, item: &Item, run: &SessionId) -> Result<Vec<Step>, Trouble> {
        let run = session::run_id(run.as_str())?;
        self.ask(item, |pair, chosen| {
            let steps = pair.steps(&run).map_err(self.failed(chosen))?;
            Ok(steps.iter().map(view::step).collect())
        })
    }
}

impl Explain for FilesHandler {
    fn why(&self, item: &Item, path: &[u8]) -> Result<Explanation, Trouble> {
        let path = path_of(path)?;
        self.ask(item, |pair, chosen| self.explanation(pair, chosen, &path))
    }

    fn folder(&self, item: &Item, path: &[u8]) -> Result<Vec<Child>, Trouble> {
        let path = path_of(path)?;
        self.ask(item, |pair, chosen| {
            let children = pair.children(&path, &chosen.options);
            let children = children.map_err(self.failed(chosen))?;
            Ok(children.iter().map(view::child).collect())
        })
    }

    fn covered(&self, item: &Item, patterns: &[String]) -> Result<Covered, Trouble> {
        self.ask(item, |pair, chosen| {
            let now = &chosen.options.excludes;
            let lines = now.text().lines().filter(|line| !line.is_empty());
            let lines: Vec<_> = lines.chain(patterns.iter().map(String::as_str)).collect();
            let then = Excludes::new(&lines).map_err(|bad| {
                Trouble::new(Code::SettingUnusable)
                    .with("key", "exclude")
                    .with("detail", escape(bad.to_string().as_bytes()))
            })?;
            let limits = (COVERED_MAX, SAMPLE_MAX);
            let covered = pair
                .covered(now, &then, limits, &Cancel::new())
                .map_err(self.failed(chosen))?;
            Ok(Covered {
                n_files: covered.n_files,
                bytes: covered.bytes,
                sample: covered
                    .sample
                    .iter()
                    .map(|path| path.as_bytes().to_vec())
                    .collect(),
                is_whole: covered.is_whole,
            })
        })
    }
}

impl FilesHandler {
    fn explanation(
        &self,
        pair: &Pair,
        chosen: &Chosen,
        path: &RelPath,
    ) -> Result<Explanation, Trouble> {
        let why = pair
            .why(path, &chosen.options)
            .map_err(self.failed(chosen))?;
        Ok(match why {
            Why::InSync => Explanation::InSync,
            Why::Nowhere => Explanation::Nowhere,
            Why::Excluded { pattern, at } => Explanation::Excluded {
                pattern,
                at: at.as_bytes().to_vec(),
            },
            Why::Own => Explanation::Own,
            Why::Conflict(kind) => Explanation::Conflict(view::conflict_kind(kind)),
            Why::Pending(change) => Explanation::Pending(view::steps_of(&change).collect()),
            Why::Problem(problem) => {
                let home = self.home.as_deref();
                trouble::of_problems(&[problem], chosen, home)
                    .into_iter()
                    .next()
                    .map_or(Explanation::InSync, Explanation::Trouble)
            }
        })
    }
}
