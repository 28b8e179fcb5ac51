//! Arbitrary trees, and people who change them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use syncmgr_engine::entry::{FileTime, Side, Sides};
use syncmgr_engine::pair::Options;
use syncmgr_engine::path::RelPath;
use syncmgr_engine::replica::Capabilities;
use syncmgr_engine::rules::{ConflictRule, Mode};
use syncmgr_testing::memory::{Content, MemoryReplica, Node};
use syncmgr_testing::tree::{self, Tree};

use crate::memory_pair::MemoryPair;

/// Few names, so that everything collides.
const PATHS: [&str; 16] = [
    "a", "b", "c", "d", "a/a", "a/b", "b/a", "b/b", "d/a", "d/c", "a/a/a", "a/b/a", "b/a/b",
    "d/c/a", "A", "a/B",
];

/// What a person does; what is not possible when its turn comes is left out.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    Write(usize, u8),
    Replace(usize, u8),
    MakeDir(usize),
    Link(usize, u8),
    Remove(usize),
    Rename(usize, usize),
    Chmod(usize, u16),
    Touch(usize, i64),
    Deny(usize),
    MakeFifo(usize),
}

/// A base and what happened since.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) base: Vec<Edit>,
    pub(super) edits: Sides<Vec<Edit>>,
    /// Whose edits come first.
    pub(super) first: Side,
}

/// A picture of one side.
pub(super) type Picture = BTreeMap<RelPath, Node>;

/// Any case with nothing but readable files, directories and links.
pub(super) fn calm() -> impl Strategy<Value = Case> {
    cases(calm_edit())
}

/// Any case, also with things that cannot be read or synced.
pub(super) fn any() -> impl Strategy<Value = Case> {
    let at = || 0..PATHS.len();
    cases(prop_oneof![
        12 => calm_edit(),
        1 => at().prop_map(Edit::Deny),
        1 => at().prop_map(Edit::MakeFifo),
    ])
}

fn cases(edit: impl Strategy<Value = Edit> + Clone) -> impl Strategy<Value = Case> {
    let base = prop::collection::vec(calm_edit(), 0..14);
    let side = || prop::collection::vec(edit.clone(), 0..7);
    (base, side(), side()).prop_map(|(base, left, right)| Case {
        base,
        edits: Sides::new(left, right),
        first: Side::Left,
    })
}

fn calm_edit() -> impl Strategy<Value = Edit> + Clone {
    let at = || 0..PATHS.len();
    // The same few contents, so that both sides write the same now and then.
    prop_oneof![
        8 => (at(), 0..9_u8).prop_map(|(at, what)| Edit::Write(at, what)),
        2 => (at(), 0..9_u8).prop_map(|(at, what)| Edit::Replace(at, what)),
        2 => at().prop_map(Edit::MakeDir),
        1 => (at(), 0..3_u8).prop_map(|(at, to)| Edit::Link(at, to)),
        4 => at().prop_map(Edit::Remove),
        5 => (at(), at()).prop_map(|(from, to)| Edit::Rename(from, to)),
        1 => (at(), 0..3_u16).prop_map(|(at, mode)| Edit::Chmod(at, [0o700, 0o750, 0o744][usize::from(mode)])),
        1 => (at(), 0..4_i64).prop_map(|(at, secs)| Edit::Touch(at, secs * 10)),
    ]
}

/// Every way two sides can relate, and every rule.
pub(super) fn choices() -> impl Strategy<Value = (Mode, ConflictRule)> {
    let mode = prop_oneof![
        4 => Just(Mode::TwoWay),
        1 => Just(Mode::AddOnly),
        1 => Just(Mode::Mirror(Side::Left)),
        1 => Just(Mode::Mirror(Side::Right)),
    ];
    let rule = prop::sample::select(vec![
        ConflictRule::Ask,
        ConflictRule::Newest,
        ConflictRule::Prefer(Side::Left),
        ConflictRule::Prefer(Side::Right),
        ConflictRule::Both,
        ConflictRule::Merge,
    ]);
    (mode, rule)
}

/// Stores that are poorer than the usual one, each in another way.
pub(super) fn odd_stores() -> impl Strategy<Value = Capabilities> {
    let changes: Vec<fn(&mut Capabilities)> = vec![
        |can| can.folds_case = true,
        |can| can.modes = false,
        |can| can.mtime_step_ns = 2_000_000_000,
        |can| can.stable_ids = false,
        |can| can.exchange = false,
        |can| can.atomic_no_replace = false,
        |can| can.clock_granule_ns = 2_000_000_000,
    ];
    prop::sample::select(changes).prop_map(|change| {
        let mut can = Capabilities::posix();
        change(&mut can);
        can
    })
}

pub(super) fn options((mode, rule): (Mode, ConflictRule)) -> Options {
    Options {
        mode,
        rule,
        n_threads: 1,
        ..Options::default()
    }
}

impl Edit {
    fn carry_out(&self, replica: &MemoryReplica) {
        let content = |what: u8| format!("line {}\n{}\n", what % 3, "-".repeat(usize::from(what)));
        // What is not possible is left out.
        let _done = match *self {
            Self::Write(at, what) => replica.write(PATHS[at], content(what)),
            Self::Replace(at, what) => replica.replace(PATHS[at], content(what)),
            Self::MakeDir(at) => replica.add_dir(PATHS[at]),
            Self::Link(at, to) => replica.link_text(PATHS[at], PATHS[usize::from(to)]),
            Self::Remove(at) => replica.remove(PATHS[at]),
            Self::Rename(from, to) => from != to && replica.rename(PATHS[from], PATHS[to]),
            Self::Chmod(at, mode) => replica.chmod(PATHS[at], mode),
            Self::Touch(at, secs) => replica.touch(PATHS[at], FileTime::new(secs, 0)),
            Self::Deny(at) => replica.set_readable(PATHS[at], false),
            Self::MakeFifo(at) => replica.special(PATHS[at]),
        };
    }
}

impl Case {
    /// Returns the base as a tree that this store can hold.
    fn base(&self, store: &Capabilities) -> Tree {
        let replica = MemoryReplica::new(store.clone());
        for edit in &self.base {
            edit.carry_out(&replica);
        }
        tree::of(&replica)
    }

    /// Lets two sides agree on the base and then carries out the edits.
    pub(super) fn play(&self, options: Options) -> Scene {
        self.play_on(Capabilities::posix(), options)
    }

    /// Like [`Self::play`], with the right side in a store that may be poorer.
    pub(super) fn play_on(&self, right: Capabilities, options: Options) -> Scene {
        let base = self.base(&right);
        let stores = Sides::new(Capabilities::posix(), right);
        let pair = MemoryPair::agreed_on(&base, stores, options);
        let base = pair.sides.as_ref().map(MemoryReplica::snapshot);
        // One after the other, with both clocks going on, so that no two edits share a time.
        for side in [self.first, self.first.other()] {
            self.edit(side, &pair);
        }
        let before = pair.sides.as_ref().map(MemoryReplica::snapshot);
        Scene { pair, base, before }
    }

    /// Carries out the edits of one side.
    pub(super) fn edit(&self, side: Side, pair: &MemoryPair) {
        for edit in &self.edits[side] {
            edit.carry_out(&pair.sides[side]);
            pair.wait();
        }
    }

    /// Returns the case with the sides exchanged.
    pub(super) fn swapped(&self) -> Self {
        Self {
            base: self.base.clone(),
            edits: self.edits.clone().swapped(),
            first: self.first.other(),
        }
    }
}

/// A pair in the moment before a run, with pictures of what was agreed and what is there.
pub(super) struct Scene {
    pub(super) pair: MemoryPair,
    pub(super) base: Sides<Picture>,
    pub(super) before: Sides<Picture>,
}

impl Scene {
    pub(super) fn now(&self) -> Sides<Picture> {
        self.pair.sides.as_ref().map(MemoryReplica::snapshot)
    }

    /// Every content of a file or link on either side, kept versions included.
    pub(super) fn all_contents(&self) -> BTreeSet<Vec<u8>> {
        let all = Side::BOTH.map(|side| self.pair.sides[side].all());
        all.iter().flat_map(contents).collect()
    }
}

/// The contents of files in a picture.
pub(super) fn contents(picture: &Picture) -> BTreeSet<Vec<u8>> {
    let files = picture.values().filter_map(|node| match &node.content {
        Content::File(bytes) => Some(bytes.to_vec()),
        Content::Dir | Content::Link(_) | Content::Special => None,
    });
    files.collect()
}

/// What two sides must have in common at a path: content and permission bits.
pub(super) fn value(picture: &Picture, path: &RelPath) -> Option<(Content, u16)> {
    let node = picture.get(path)?;
    Some((node.content.clone(), node.entry.mode))
}

pub(super) fn values(picture: &Picture) -> BTreeMap<RelPath, (Content, u16)> {
    let value =
        |(path, node): (&RelPath, &Node)| (path.clone(), (node.content.clone(), node.entry.mode));
    picture.iter().map(value).collect()
}
