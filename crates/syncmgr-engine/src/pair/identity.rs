//! Who the two roots are, and whether they still are the folders of the last run (I12).

use super::Pair;
use super::error::Failure;
use super::open::key;
use crate::entry::{Entry, Side, Sides};
use crate::journal::RunId;
use crate::own;
use crate::path::RelPath;
use crate::plan::{HoldKind, Plan};
use crate::root::{self, Identity};
use crate::scan::state_failure;
use crate::state::State;

impl Pair {
    /// Reads the two roots; one that cannot be read ends the run before anything is decided (I12).
    pub(super) fn roots(&self) -> Result<Sides<Entry>, Failure> {
        let read = |side: Side| {
            let opened = self.sides[side].open_dir(&RelPath::root());
            opened
                .and_then(|dir| dir.stat_self())
                .map_err(|fault| Failure::Root { side, fault })
        };
        Ok(Sides::new(read(Side::Left)?, read(Side::Right)?))
    }

    /// Says whether a root is not the folder it was at the last run.
    pub(super) fn is_replaced(
        &self,
        state: &State,
        side: Side,
        root: &Entry,
    ) -> Result<bool, Failure> {
        let meta = |what| {
            state
                .meta(key(side, what, self.is_swapped))
                .map_err(|error| state_failure(&error))
        };
        let Some(known_id) = meta("mark")? else {
            return Ok(false);
        };
        let replica = self.sides[side].as_observe();
        let stable_ids = replica.capabilities().stable_ids;
        if known_id.is_empty() {
            // A folder nothing can be written into has no mark; its identity has to do.
            let known = meta("root")?.and_then(|text| u64::from_str_radix(&text, 16).ok());
            return Ok(stable_ids && known.is_some_and(|known| known != root.id.0));
        }
        let marker = root::read_marker(replica).map_err(|fault| Failure::Root { side, fault })?;
        let identity = root::identify(marker.as_ref(), Some(&known_id), root, stable_ids);
        Ok(identity != Identity::Known)
    }

    /// Writes the marks that identify the two folders from now on, where they are missing or wrong.
    pub(super) fn mark_roots(&self, plan: &Plan, run: &RunId) -> Result<(), Failure> {
        if plan
            .holds
            .iter()
            .any(|hold| hold.kind == HoldKind::RootReplaced)
        {
            return Ok(());
        }
        let roots = self.roots()?;
        let mut ids: Sides<String> = Sides::default();
        for side in Side::BOTH {
            let replica = &*self.sides[side];
            let stable_ids = replica.capabilities().stable_ids;
            let found = root::read_marker(replica.as_observe()).ok().flatten();
            let is_good = found.as_ref().is_some_and(|marker| {
                root::identify(Some(marker), None, &roots[side], stable_ids) == Identity::Known
                    && marker.id != ids[side.other()]
            });
            if let Some(marker) = found.filter(|_| is_good) {
                ids[side] = marker.id;
                continue;
            }
            let id = self.new_mark(run, side);
            let written = root::Marker::new(&id, roots[side].id)
                .is_some_and(|marker| root::write_marker(replica, &marker).is_ok());
            // A folder that cannot be written into can still be the source of a mirror.
            ids[side] = if written { id } else { String::new() };
        }
        let mut state = self.memory();
        for side in Side::BOTH {
            let mut set =
                |what, value: &str| state.set_meta(key(side, what, self.is_swapped), value);
            set("mark", &ids[side]).map_err(|error| state_failure(&error))?;
            set("root", &format!("{:016x}", roots[side].id.0))
                .map_err(|error| state_failure(&error))?;
            let known = state
                .meta(key(side, "can", self.is_swapped))
                .map_err(|error| state_failure(&error))?;
            if let (None, Some(local), false) = (known, &self.locals[side], ids[side].is_empty()) {
                // For the next run; this one's plan was made with a guess, and every step of it is
                // checked by the file system itself.
                if let Ok(capabilities) = local.probe() {
                    let text = capabilities.to_text();
                    let key = key(side, "can", self.is_swapped);
                    state
                        .set_meta(key, &text)
                        .map_err(|error| state_failure(&error))?;
                }
            }
        }
        Ok(())
    }

    /// Makes an id nobody else has: the run's id is unique on this machine, the folder's path and
    /// the time tell machines apart.
    fn new_mark(&self, run: &RunId, side: Side) -> String {
        let now = self.clock.now();
        let seed = format!(
            "{run} {} {:?} {}.{}",
            side.as_str(),
            self.paths[side],
            now.secs,
            now.nanos
        );
        blake3::hash(seed.as_bytes()).to_hex()[..32].to_owned()
    }

    /// Returns how far a file system's clock is ahead of ours, in nanoseconds; 0 where nothing can
    /// be written, and so be dated by it.
    pub(super) fn skew_ns(&self, side: Side) -> i128 {
        let replica = &self.sides[side];
        let own = own::own_dir(&RelPath::root());
        let dated = replica.set_meta(&own, Some(own::PRIVATE), Some(self.clock.now()));
        match dated.and_then(|()| replica.stat(&own)) {
            Ok(Some(entry)) => entry.ctime.as_nanos() - self.clock.now().as_nanos(),
            Ok(None) | Err(_) => 0,
        }
    }
}
