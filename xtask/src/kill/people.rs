//! Two people who work in their folders between runs, and what both folders must hold afterwards.
//!
//! Most of what they do is undisputed, so there is exactly one right outcome; where both change
//! one path, either version is right and the other one must be kept.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File, FileTimes};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};

use super::facts::{Fact, Hash, Reader, Tree};
use crate::bench::data::{self, Rng};

/// Tries to find a path that nobody has touched in this round.
const TRIES: u32 = 30;
/// Longest content they write, in bytes.
const LONGEST: u64 = 12_000;
/// Paths both change in one round.
const DISPUTES: u64 = 2;

/// The two people, and what they know.
pub(super) struct People {
    rng: Rng,
    sides: [PathBuf; 2],
    /// What both sides must hold after a run that was left alone.
    pub(super) expected: Tree,
    /// Where more than one outcome is right, the others.
    pub(super) disputed: BTreeMap<PathBuf, Vec<Fact>>,
    /// Every content that was written and not replaced by somebody who had seen it.
    pub(super) written: HashSet<Hash>,
    /// Every content that was ever written.
    pub(super) ever: HashSet<Hash>,
    /// What was done to which path since both sides were equal.
    touched: BTreeSet<PathBuf>,
    /// The large file, which has a hand of its own.
    large: PathBuf,
    serial: u64,
}

impl People {
    /// Takes what `tree` holds as known to both.
    pub(super) fn new(sides: [PathBuf; 2], tree: Tree, large: &Path, seed: u64) -> Self {
        let mut people = Self {
            rng: Rng::new(seed),
            sides,
            expected: Tree::new(),
            disputed: BTreeMap::new(),
            written: HashSet::new(),
            ever: HashSet::new(),
            touched: BTreeSet::from([large.to_owned()]),
            large: large.to_owned(),
            serial: 0,
        };
        for (path, fact) in tree {
            people.expect(path, fact);
        }
        people
    }

    /// Notes that both sides are equal and hold `tree`.
    pub(super) fn settle(&mut self, tree: &Tree) {
        self.expected.clone_from(tree);
        self.disputed.clear();
        self.touched = BTreeSet::from([self.large.clone()]);
    }

    /// Does about `n` things on each side.
    ///
    /// # Errors
    /// The disk is full, or the like.
    pub(super) fn work(&mut self, n: u64, reader: &mut Reader) -> Result<()> {
        for side in 0..2 {
            self.rename_dir(side)?;
            for _ in 0..n {
                self.act(side, reader)?;
            }
        }
        for _ in 0..DISPUTES {
            self.dispute(reader)?;
        }
        Ok(())
    }

    /// Overwrites a mebibyte in the middle of the large file on the left.
    ///
    /// # Errors
    /// With the path.
    pub(super) fn change_large(&mut self, reader: &mut Reader) -> Result<()> {
        self.serial += 1;
        let at = self.sides[0].join(&self.large);
        data::change_middle(&at, 1 << 20, self.serial, None)?;
        self.saw(0, self.large.clone(), reader)
    }

    fn act(&mut self, side: usize, reader: &mut Reader) -> Result<()> {
        let what = self.rng.below(20);
        if what < 3 {
            let Some(dir) = self.pick(|fact| matches!(fact, Fact::Dir(_))) else {
                return Ok(());
            };
            self.serial += 1;
            let path = dir.join(format!("new-{}", self.serial));
            return match what {
                0 => {
                    fs::create_dir(self.sides[side].join(&path))?;
                    self.saw(side, path, reader)
                }
                _ => self.write(side, path, reader),
            };
        }
        if what == 3 {
            return self.leave_link(side, reader);
        }
        if what == 4 {
            return self.leave_dir(side, reader);
        }
        let Some(path) = self.pick(is_file) else {
            return Ok(());
        };
        let at = self.sides[side].join(&path);
        match what {
            5 | 6 => {
                fs::remove_file(at)?;
                self.expected.remove(&path);
                self.touched.insert(path);
                Ok(())
            }
            7 | 8 => self.rename_file(side, path, reader),
            9 => {
                let mode = [0o600, 0o640, 0o644, 0o755][self.rng.below(4) as usize];
                fs::set_permissions(&at, fs::Permissions::from_mode(mode))?;
                self.saw(side, path, reader)
            }
            10 => {
                set_time(&at, self.some_time())?;
                self.saw(side, path, reader)
            }
            11 => {
                fs::remove_file(&at)?;
                symlink(format!("somewhere/{}", self.serial), &at)?;
                self.saw(side, path, reader)
            }
            12 => {
                fs::remove_file(&at)?;
                fs::create_dir(&at)?;
                self.saw(side, path.clone(), reader)?;
                self.write(side, path.join("inside"), reader)
            }
            13 => self.edit_unnoticed(side, path, reader),
            14 => self.copy(side, &path, reader),
            15 => self.replace(side, path, reader),
            _ => self.write(side, path, reader),
        }
    }

    /// Writes a content nobody has written before, in place.
    fn write(&mut self, side: usize, path: PathBuf, reader: &mut Reader) -> Result<()> {
        let bytes = self.content(None);
        data::write(&self.sides[side].join(&path), &bytes, None)?;
        self.saw(side, path, reader)
    }

    /// Saves as most editors do: a new file that takes the name over.
    fn replace(&mut self, side: usize, path: PathBuf, reader: &mut Reader) -> Result<()> {
        let bytes = self.content(None);
        let at = self.sides[side].join(&path);
        let aside = self.sides[side].with_extension("editor");
        data::write(&aside, &bytes, None)?;
        fs::rename(&aside, &at)?;
        self.saw(side, path, reader)
    }

    /// Writes as many other bytes, and puts the time back.
    fn edit_unnoticed(&mut self, side: usize, path: PathBuf, reader: &mut Reader) -> Result<()> {
        let at = self.sides[side].join(&path);
        let metadata = fs::metadata(&at)?;
        let bytes = self.content(Some(metadata.len()));
        File::options().write(true).open(&at)?.write_all(&bytes)?;
        set_time(&at, metadata.modified()?)?;
        self.saw(side, path, reader)
    }

    fn copy(&mut self, side: usize, path: &Path, reader: &mut Reader) -> Result<()> {
        self.serial += 1;
        let to = path.with_file_name(format!("copy-{}", self.serial));
        if !self.is_free(&to) {
            return Ok(());
        }
        let side_path = &self.sides[side];
        fs::copy(side_path.join(path), side_path.join(&to))?;
        self.touched.insert(path.to_owned());
        self.saw(side, to, reader)
    }

    fn rename_file(&mut self, side: usize, path: PathBuf, reader: &mut Reader) -> Result<()> {
        let Some(dir) = self.pick(|fact| matches!(fact, Fact::Dir(_))) else {
            return Ok(());
        };
        self.serial += 1;
        let to = dir.join(format!("moved-{}", self.serial));
        fs::rename(self.sides[side].join(&path), self.sides[side].join(&to))?;
        self.expected.remove(&path);
        self.touched.insert(path);
        self.saw(side, to, reader)
    }

    fn rename_dir(&mut self, side: usize) -> Result<()> {
        let Some(from) = self.pick(|fact| matches!(fact, Fact::Dir(_))) else {
            return Ok(());
        };
        let is_used = self
            .touched
            .range(from.clone()..)
            .next()
            .is_some_and(|path| path.starts_with(&from));
        if is_used {
            return Ok(());
        }
        self.serial += 1;
        let to = from.with_file_name(format!("dir-{}", self.serial));
        fs::rename(self.sides[side].join(&from), self.sides[side].join(&to))?;
        let moved: Vec<_> = self
            .expected
            .range(from.clone()..)
            .take_while(|(path, _)| path.starts_with(&from))
            .map(|(path, fact)| (path.clone(), fact.clone()))
            .collect();
        for (path, fact) in moved {
            self.expected.remove(&path);
            let inside = path.strip_prefix(&from).unwrap_or(&path);
            let path = if inside.as_os_str().is_empty() {
                to.clone()
            } else {
                to.join(inside)
            };
            self.expected.insert(path, fact);
        }
        self.touched.insert(from);
        self.touched.insert(to);
        Ok(())
    }

    /// A link becomes a file.
    fn leave_link(&mut self, side: usize, reader: &mut Reader) -> Result<()> {
        let Some(path) = self.pick(|fact| matches!(fact, Fact::Link(_))) else {
            return Ok(());
        };
        fs::remove_file(self.sides[side].join(&path))?;
        self.write(side, path, reader)
    }

    /// A directory with one file in it, or none, becomes a file.
    fn leave_dir(&mut self, side: usize, reader: &mut Reader) -> Result<()> {
        let Some(path) = self.pick(|fact| matches!(fact, Fact::Dir(_))) else {
            return Ok(());
        };
        let within = self
            .expected
            .range(path.clone()..)
            .take_while(|(p, _)| p.starts_with(&path));
        let within: Vec<_> = within.map(|(path, _)| path.clone()).collect();
        let is_used = self
            .touched
            .range(path.clone()..)
            .next()
            .is_some_and(|p| p.starts_with(&path));
        if is_used || within.len() > 2 {
            return Ok(());
        }
        fs::remove_dir_all(self.sides[side].join(&path))?;
        for gone in within {
            self.expected.remove(&gone);
        }
        self.write(side, path, reader)
    }

    /// Both change one path, or one changes it and the other deletes it.
    fn dispute(&mut self, reader: &mut Reader) -> Result<()> {
        let Some(path) = self.pick(is_file) else {
            return Ok(());
        };
        // Both had seen what they replace.
        if let Some(Fact::File { hash, .. }) = self.expected.get(&path) {
            self.written.remove(hash);
        }
        let first = self.rng.below(2) as usize;
        self.write(first, path.clone(), reader)?;
        // Otherwise both may be written within one tick of the clock, and neither is the newer.
        let at = self.sides[first].join(&path);
        set_time(&at, fs::metadata(&at)?.modified()? - Duration::from_secs(1))?;
        self.saw(first, path.clone(), reader)?;
        let Some(one) = self.expected.get(&path).cloned() else {
            return Ok(());
        };
        let other = 1 - first;
        if self.rng.below(3) == 0 {
            fs::remove_file(self.sides[other].join(&path))?;
        } else {
            self.write(other, path.clone(), reader)?;
            self.disputed.insert(path, vec![one]);
        }
        Ok(())
    }

    /// Notes what somebody has just done to a path.
    fn saw(&mut self, side: usize, path: PathBuf, reader: &mut Reader) -> Result<()> {
        let fact = reader.fact(&self.sides[side].join(&path))?;
        self.touched.insert(path.clone());
        self.expect(path, fact);
        Ok(())
    }

    fn expect(&mut self, path: PathBuf, fact: Fact) {
        if let Fact::File { hash, .. } = fact {
            self.written.insert(hash);
            self.ever.insert(hash);
        }
        self.expected.insert(path, fact);
    }

    /// Finds a path that nobody has touched since both sides were equal.
    fn pick(&mut self, is_it: fn(&Fact) -> bool) -> Option<PathBuf> {
        for _ in 0..TRIES {
            let from = data::content(self.rng.next(), 0, 4);
            // A random name below a random directory: good enough, and cheap.
            let start = format!(
                "{}{:03}/e{:02}/{}",
                ["d", "d", "dir-"][usize::from(from[0]) % 3],
                u64::from(from[1]) % 20,
                from[2] % 60,
                ["f", "file-000", "m", "n"][usize::from(from[3]) % 4]
            );
            let skip = self.rng.below(60) as usize;
            let found = self
                .expected
                .range(PathBuf::from(start)..)
                .filter(|(_, fact)| is_it(fact))
                .nth(skip);
            let found = found.or_else(|| {
                let n = self.expected.len() as u64;
                self.expected
                    .iter()
                    .skip((skip as u64 * 7 % n.max(1)) as usize)
                    .find(|(_, fact)| is_it(fact))
            });
            if let Some((path, _)) = found
                && self.is_free(path)
            {
                return Some(path.clone());
            }
        }
        None
    }

    fn is_free(&self, path: &Path) -> bool {
        !path.ancestors().any(|above| self.touched.contains(above))
    }

    fn content(&mut self, size: Option<u64>) -> Vec<u8> {
        self.serial += 1;
        let size = size.unwrap_or_else(|| 16 + self.rng.below(LONGEST));
        data::content(self.serial, 1, size as usize)
    }

    fn some_time(&mut self) -> SystemTime {
        let secs = Duration::new(
            self.rng.below(3_000_000_000),
            self.rng.below(1_000_000_000) as u32,
        );
        if self.rng.below(4) == 0 {
            SystemTime::UNIX_EPOCH - secs / 4
        } else {
            SystemTime::UNIX_EPOCH + secs
        }
    }
}

fn is_file(fact: &Fact) -> bool {
    matches!(fact, Fact::File { .. })
}

fn set_time(path: &Path, time: SystemTime) -> Result<()> {
    File::options()
        .write(true)
        .open(path)?
        .set_times(FileTimes::new().set_modified(time))
        .with_context(|| format!("cannot set the time of {}", path.display()))
}
