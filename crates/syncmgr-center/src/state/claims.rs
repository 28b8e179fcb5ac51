//! Items and folders in use, by sessions that run and by requests that wait for them.
//!
//! A request that waits keeps what it claims, so that a younger one on the same folders never
//! overtakes it. Between two requests that wait, only the older one is in the way of the younger:
//! so there are no circles.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::id::{ItemKey, SessionId};

/// The number of a request, growing.
pub(super) type Place = u64;

/// What one session or request claims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claim {
    /// Items.
    pub(super) items: Vec<ItemKey>,
    /// Folders, absolute, bytes.
    pub(super) paths: Vec<Vec<u8>>,
}

/// Who holds one item or folder.
#[derive(Debug, Default)]
struct Holders {
    running: BTreeSet<SessionId>,
    waiting: BTreeMap<Place, SessionId>,
}

impl Holders {
    /// Returns who is in the way of a request with this place: the youngest of the older ones, so
    /// that each of many waits for the one right before it.
    fn before(&self, place: Place, me: &SessionId) -> Option<&SessionId> {
        let older = self.waiting.range(..place).next_back().map(|(_, id)| id);
        older.or_else(|| self.in_use(me))
    }

    fn in_use(&self, me: &SessionId) -> Option<&SessionId> {
        self.running.iter().find(|id| *id != me)
    }

    fn is_empty(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }
}

/// What is claimed. Two folders overlap when one is the other, or lies within it.
#[derive(Debug, Default)]
pub(super) struct Claims {
    by_item: BTreeMap<ItemKey, Holders>,
    /// By path with a `/` at its end, so that a folder sorts right before what is in it.
    by_path: BTreeMap<Vec<u8>, Holders>,
    /// With the place of a request that waits; `None`: it runs.
    by_holder: BTreeMap<SessionId, (Option<Place>, Claim)>,
}

/// What is in the way.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Overlap {
    /// The same item.
    Item(SessionId, ItemKey),
    /// A folder.
    Folder(SessionId),
}

impl Claims {
    /// Claims for a request that waits at this place; replaces what it claimed before.
    pub(super) fn wait(&mut self, id: &SessionId, place: Place, claim: Claim) {
        self.put(id, Some(place), claim);
    }

    /// Claims for a session that runs, beside what it claims already.
    pub(super) fn run(&mut self, id: &SessionId, claim: Claim) {
        let mut all = match self.by_holder.get(id) {
            Some((None, known)) => known.clone(),
            Some(_) | None => Claim::default(),
        };
        all.items.extend(claim.items);
        all.paths.extend(claim.paths);
        self.put(id, None, all);
    }

    /// Returns what somebody claims.
    pub(super) fn of(&self, id: &SessionId) -> Claim {
        let held = self.by_holder.get(id);
        held.map(|(_, claim)| claim.clone()).unwrap_or_default()
    }

    fn put(&mut self, id: &SessionId, place: Option<Place>, mut claim: Claim) {
        self.release(id);
        for path in &mut claim.paths {
            *path = folder(path);
        }
        let items = claim.items.iter().cloned();
        let hold = |holders: &mut Holders| match place {
            Some(place) => drop(holders.waiting.insert(place, id.clone())),
            None => drop(holders.running.insert(id.clone())),
        };
        items.for_each(|item| hold(self.by_item.entry(item).or_default()));
        let paths = claim.paths.iter().cloned();
        paths.for_each(|path| hold(self.by_path.entry(path).or_default()));
        self.by_holder.insert(id.clone(), (place, claim));
    }

    /// Gives everything back.
    pub(super) fn release(&mut self, id: &SessionId) {
        let Some((place, claim)) = self.by_holder.remove(id) else {
            return;
        };
        for item in &claim.items {
            let_go(&mut self.by_item, item, place, id);
        }
        for path in &claim.paths {
            let_go(&mut self.by_path, path, place, id);
        }
    }

    /// Returns what is in the way of a request with this place.
    pub(super) fn before(&self, place: Place, id: &SessionId, claim: &Claim) -> Option<Overlap> {
        self.find(claim, |holders| holders.before(place, id))
    }

    /// Returns another session that runs on any of this.
    pub(super) fn in_use(&self, id: &SessionId, claim: &Claim) -> Option<Overlap> {
        self.find(claim, |holders| holders.in_use(id))
    }

    fn find<'a>(
        &'a self,
        claim: &Claim,
        mut pick: impl FnMut(&'a Holders) -> Option<&'a SessionId>,
    ) -> Option<Overlap> {
        for item in &claim.items {
            if let Some(id) = self.by_item.get(item).and_then(&mut pick) {
                return Some(Overlap::Item(id.clone(), item.clone()));
            }
        }
        let mut overlapping = claim.paths.iter().flat_map(|path| self.overlapping(path));
        overlapping
            .find_map(pick)
            .map(|id| Overlap::Folder(id.clone()))
    }

    fn overlapping(&self, path: &[u8]) -> Vec<&Holders> {
        let path = folder(path);
        let above = path
            .iter()
            .enumerate()
            .filter(|(at, byte)| **byte == b'/' && at + 1 < path.len())
            .filter_map(|(at, _)| self.by_path.get(&path[..=at]));
        let within = self
            .by_path
            .range(path.clone()..)
            .take_while(|(other, _)| other.starts_with(&path))
            .map(|(_, holders)| holders);
        above.chain(within).collect()
    }
}

fn let_go<K: Ord>(
    holders: &mut BTreeMap<K, Holders>,
    key: &K,
    place: Option<Place>,
    id: &SessionId,
) {
    if let Some(held) = holders.get_mut(key) {
        match place {
            Some(place) => drop(held.waiting.remove(&place)),
            None => drop(held.running.remove(id)),
        }
        if held.is_empty() {
            holders.remove(key);
        }
    }
}

fn folder(path: &[u8]) -> Vec<u8> {
    let end = path
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(0, |at| at + 1);
    let mut path = path[..end].to_vec();
    path.push(b'/');
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(path: &str) -> Claim {
        Claim {
            items: Vec::new(),
            paths: vec![path.as_bytes().to_vec()],
        }
    }

    fn id(name: &str) -> SessionId {
        SessionId::new(name).unwrap()
    }

    #[test]
    fn folders_overlap_when_one_is_in_the_other() {
        let mut claims = Claims::default();
        claims.run(&id("a"), on("/home/x/photos"));
        let over = |path: &str| claims.in_use(&id("b"), &on(path)).is_some();
        assert!(over("/home/x/photos"));
        assert!(over("/home/x/photos/2019//"));
        assert!(over("/home/x"));
        assert!(over("/"));
        assert!(!over("/home/x/photos2"));
        assert!(!over("/home/y"));
        assert!(claims.in_use(&id("a"), &on("/home")).is_none());
        claims.release(&id("a"));
        assert!(claims.by_path.is_empty());
    }

    #[test]
    fn only_older_requests_are_in_the_way_of_one_that_waits() {
        let mut claims = Claims::default();
        claims.wait(&id("w3"), 3, on("/a"));
        claims.wait(&id("w5"), 5, on("/a/b"));
        let before = |place| claims.before(place, &id("me"), &on("/a/b"));
        assert_eq!(before(2), None);
        assert_eq!(before(4), Some(Overlap::Folder(id("w3"))));
        assert!(before(9).is_some());
        assert_eq!(claims.in_use(&id("me"), &on("/a")), None);
    }
}
