//! Two folders, the state of their pair, and an independent look at them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use syncmgr_engine::cancel::Cancel;
use syncmgr_engine::clock::SystemClock;
use syncmgr_engine::journal::{RunId, RunKind};
use syncmgr_engine::monitor::Silent;
use syncmgr_engine::pair::{Failure, OpenError, Options, Pair, Report};
use syncmgr_engine::plan::Plan;

/// Two folders and the state of their pair.
pub(super) struct Desk {
    dir: PathBuf,
    n_runs: u32,
    pub(super) options: Options,
    _temp: Option<tempfile::TempDir>,
}

impl Desk {
    /// Makes both folders in a temporary directory.
    pub(super) fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().canonicalize().unwrap();
        Self {
            _temp: Some(temp),
            ..Self::at(&dir)
        }
    }

    /// Makes both folders in `dir` where they are missing.
    pub(super) fn at(dir: &Path) -> Self {
        for name in ["left", "right"] {
            fs::create_dir_all(dir.join(name)).unwrap();
        }
        Self {
            dir: dir.to_owned(),
            n_runs: 0,
            options: Options::default(),
            _temp: None,
        }
    }

    pub(super) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(super) fn read(&self, name: impl AsRef<Path>) -> Option<String> {
        let bytes = fs::read(self.path(name)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn open(&self) -> Result<Pair, OpenError> {
        let (left, right) = (self.path("left"), self.path("right"));
        Pair::open(&left, &right, &self.path("state"), Arc::new(SystemClock))
    }

    pub(super) fn plan(&self) -> Plan {
        let pair = self.open().unwrap();
        pair.plan(&self.options, &Silent, &Cancel::new()).unwrap()
    }

    pub(super) fn try_sync(&mut self) -> Result<Report, Failure> {
        let mut pair = self.open().unwrap();
        self.run(&mut pair)
    }

    /// Looks and carries out.
    pub(super) fn run(&mut self, pair: &mut Pair) -> Result<Report, Failure> {
        let plan = pair.plan(&self.options, &Silent, &Cancel::new())?;
        self.carry_out(pair, &plan)
    }

    pub(super) fn carry_out(&mut self, pair: &mut Pair, plan: &Plan) -> Result<Report, Failure> {
        self.n_runs += 1;
        let id = RunId::new(&format!("run-{:04}-{}", self.n_runs, std::process::id())).unwrap();
        let (options, cancel) = (&self.options, Cancel::new());
        pair.apply(plan, &id, RunKind::Sync, options, &Silent, &cancel)
    }

    #[track_caller]
    pub(super) fn sync(&mut self) -> Report {
        self.try_sync().unwrap()
    }

    /// Runs and expects both sides to be equal afterwards, and the next run to have nothing to do.
    #[track_caller]
    pub(super) fn converge(&mut self) {
        let report = self.sync();
        assert!(report.is_in_sync(), "{report:?}");
        assert_same(&self.path("left"), &self.path("right"));
        let plan = self.plan();
        assert!(plan.changes_nothing(), "{plan:?}");
    }

    /// Finds the kept versions of a side, by content.
    pub(super) fn kept(&self, side: &str) -> Vec<String> {
        let dir = self.path(side).join(".syncmgr/versions");
        let files = tree(&dir).into_keys().map(|path| dir.join(path));
        files
            .filter(|path| path.is_file())
            .map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned())
            .collect()
    }
}

/// All that two equal trees share, as text, by path; without what syncmgr keeps for itself.
pub(super) fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![PathBuf::new()];
    while let Some(dir) = dirs.pop() {
        let Ok(list) = fs::read_dir(root.join(&dir)) else {
            continue;
        };
        for entry in list {
            let path = dir.join(entry.unwrap().file_name());
            if path.file_name() == Some(OsStr::new(".syncmgr")) {
                continue;
            }
            let at = root.join(&path);
            let metadata = fs::symlink_metadata(&at).unwrap();
            let mode = metadata.mode() & 0o7777;
            let kind = metadata.file_type();
            let text = if kind.is_dir() {
                dirs.push(path.clone());
                format!("directory {mode:o}")
            } else if kind.is_symlink() {
                format!("link to {:?}", fs::read_link(&at).unwrap())
            } else if kind.is_file() {
                let content = fs::read(&at).unwrap_or_else(|error| error.to_string().into());
                let hash = blake3::hash(&content).to_hex();
                let (secs, nanos) = (metadata.mtime(), metadata.mtime_nsec());
                format!(
                    "file {mode:o} {secs}.{nanos:09} {} {}",
                    content.len(),
                    &hash[..16]
                )
            } else {
                continue;
            };
            found.insert(path, text);
        }
    }
    found
}

/// Compares two trees, fifos and the like aside.
#[track_caller]
pub(super) fn assert_same(left: &Path, right: &Path) {
    let (left, right) = (tree(left), tree(right));
    for path in left.keys().chain(right.keys()) {
        assert_eq!(left.get(path), right.get(path), "{}", path.display());
    }
}

/// Returns a name of any bytes.
pub(super) fn name(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}
