//! People who write on both sides while run follows run: no version is lost, none is mixed (I1,
//! I14, I15).

use std::collections::HashSet;
use std::fs;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{CWD, RenameFlags};

use super::desk::{Desk, tree};

const ROUNDS: u64 = 1000;
const FILES: u64 = 6;
/// All contents are as long, so that nothing but their bytes tells them apart.
const LENGTH: usize = 64;

/// Somebody who writes into one side for as long as it takes. Whatever he replaces or removes he
/// reads in that very step, so that everything that was ever written is accounted for.
struct Writer<'a> {
    side: PathBuf,
    /// A place of his own on the same file system.
    desk: PathBuf,
    name: char,
    n: u64,
    is_over: &'a AtomicBool,
    round: &'a AtomicU64,
    written: HashSet<Vec<u8>>,
    /// What he had in his hands when it left the side.
    seen: HashSet<Vec<u8>>,
}

impl Writer<'_> {
    fn work(mut self) -> (HashSet<Vec<u8>>, HashSet<Vec<u8>>) {
        let mut random = 0x9e37_79b9_u64 ^ u64::from(u32::from(self.name));
        while !self.is_over.load(Ordering::Relaxed) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let path = self.side.join(format!("f{}", random % FILES));
            match (random >> 16) % 6 {
                0 => self.remove(&path),
                1 | 2 => self.write_in_place(&path),
                _ => self.save(&path),
            }
            // About as many edits as runs, or nothing would ever be copied.
            let round = self.round.load(Ordering::Relaxed);
            while self.round.load(Ordering::Relaxed) == round
                && !self.is_over.load(Ordering::Relaxed)
                && !(random >> 32).is_multiple_of(3)
            {
                std::thread::yield_now();
            }
        }
        (self.written, self.seen)
    }

    fn content(&mut self) -> Vec<u8> {
        self.n += 1;
        let text = format!("{}{}", self.name, self.n);
        let mut bytes = blake3::hash(text.as_bytes())
            .to_hex()
            .to_string()
            .into_bytes();
        bytes.resize(LENGTH, b'.');
        bytes
    }

    /// Saves as editors do, and keeps what had the name.
    fn save(&mut self, path: &Path) {
        let bytes = self.content();
        let aside = self.desk.join("new");
        fs::write(&aside, &bytes).unwrap();
        let swap = |flags| rustix::fs::renameat_with(CWD, &aside, CWD, path, flags).is_ok();
        if swap(RenameFlags::EXCHANGE) {
            self.seen.insert(fs::read(&aside).unwrap());
            self.written.insert(bytes);
        } else if swap(RenameFlags::NOREPLACE) {
            self.written.insert(bytes);
        }
    }

    /// Writes as many other bytes into the file itself, in one go.
    fn write_in_place(&mut self, path: &Path) {
        let Ok(mut file) = fs::File::options().read(true).write(true).open(path) else {
            return;
        };
        let mut old = Vec::new();
        file.read_to_end(&mut old).unwrap();
        let bytes = self.content();
        // Before anybody can copy it.
        self.written.insert(bytes.clone());
        self.seen.insert(old);
        file.rewind().unwrap();
        file.write_all(&bytes).unwrap();
    }

    fn remove(&mut self, path: &Path) {
        let aside = self.desk.join("gone");
        if fs::rename(path, &aside).is_ok() {
            self.seen.insert(fs::read(&aside).unwrap());
        }
    }
}

/// Memory is enough here, and a thousand runs on a disk would only wait for it.
fn fast_desk() -> (Desk, Option<tempfile::TempDir>) {
    match tempfile::tempdir_in("/dev/shm") {
        Ok(temp) => (Desk::at(temp.path()), Some(temp)),
        Err(_) => (Desk::new(), None),
    }
}

#[test]
fn a_thousand_runs_among_people_who_write_lose_and_mix_nothing() {
    let (mut desk, _temp) = fast_desk();
    for n in 0..FILES {
        desk.write(format!("left/f{n}"), format!("{n}").repeat(LENGTH));
    }
    desk.converge();
    let mut written: HashSet<Vec<u8>> = (0..FILES)
        .map(|n| format!("{n}").repeat(LENGTH).into_bytes())
        .collect();
    let mut seen = HashSet::new();
    let (is_over, round) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let writers = ["left", "right"].map(|side| {
            let writer = Writer {
                side: desk.path(side),
                desk: desk.path(format!("desk-{side}")),
                name: side.chars().next().unwrap(),
                n: 0,
                is_over: &is_over,
                round: &round,
                written: HashSet::new(),
                seen: HashSet::new(),
            };
            fs::create_dir_all(&writer.desk).unwrap();
            scope.spawn(|| writer.work())
        });
        let mut pair = desk.open().unwrap();
        for n in 0..ROUNDS {
            round.store(n, Ordering::Relaxed);
            desk.options.rule = if n % 3 == 0 {
                syncmgr_engine::rules::ConflictRule::Newest
            } else {
                syncmgr_engine::rules::ConflictRule::Ask
            };
            desk.run(&mut pair).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        for writer in writers {
            let (wrote, saw) = writer.join().unwrap();
            written.extend(wrote);
            seen.extend(saw);
        }
    });
    let mut kept = seen;
    for side in ["left", "right"] {
        for dir in [desk.path(side), desk.path(side).join(".syncmgr/versions")] {
            for path in tree(&dir).keys().map(|path| dir.join(path)) {
                if path.is_file() {
                    let bytes = fs::read(&path).unwrap();
                    assert!(written.contains(&bytes), "{} is mixed", path.display());
                    kept.insert(bytes);
                }
            }
        }
    }
    println!("{} versions written, {} kept", written.len(), kept.len());
    let n_lost = written.difference(&kept).count();
    assert_eq!(n_lost, 0, "of {} versions", written.len());
    desk.options.rule = syncmgr_engine::rules::ConflictRule::Both;
    desk.sync();
    desk.converge();
}
