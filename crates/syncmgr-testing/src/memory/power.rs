//! Power cuts: what was not made durable is lost in part.
//!
//! The model is a journalling file system: changes of names and attributes reach the disk in
//! order, so that a prefix of them is there after a cut; the bytes of files written since reach
//! it or do not, as they like.

use std::sync::Arc;

use super::inodes::Op;
use super::{MemoryReplica, State};
use crate::rng::Rng;

impl MemoryReplica {
    /// Makes everything so far survive a power cut, as time would have done.
    pub fn settle(&self) {
        self.state().settle();
    }

    /// Says whether a power cut now could lose something.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.state().pending.is_empty()
    }

    /// Cuts the power: the last durable tree comes back with some of the later changes of names
    /// and attributes, in order, and of files written since the whole content, a part, zeros, or
    /// the former one. Call it between [`super::Machine::crash_now`] and `reboot`: whatever the
    /// engine has open belongs to the tree that is gone.
    pub fn power_cut(&self, seed: u64) {
        let mut rng = Rng::new(seed);
        let mut state = self.state();
        let pending = std::mem::take(&mut state.pending);
        let kept = rng.index(pending.len() + 1);
        self.0.machine.log(&format!(
            "{}: power cut, {kept} of {} changes kept",
            self.0.name,
            pending.len()
        ));
        for op in &pending[..kept] {
            match op {
                Op::Data { ino, bytes, when } => {
                    if let Some(bytes) = survivor(&mut rng, bytes) {
                        state.durable.apply(&Op::Data {
                            ino: *ino,
                            bytes,
                            when: *when,
                        });
                    }
                }
                Op::Make { .. }
                | Op::Unlink { .. }
                | Op::Move { .. }
                | Op::Exchange { .. }
                | Op::Meta { .. }
                | Op::Readable { .. }
                | Op::Mount { .. } => state.durable.apply(op),
            }
        }
        state.live = state.durable.clone();
        state.n_changes += 1;
        state.n_boots += 1;
    }
}

/// What is left of bytes that were on their way to the disk; `None` is what was there before.
fn survivor(rng: &mut Rng, bytes: &Arc<[u8]>) -> Option<Arc<[u8]>> {
    match rng.below(4) {
        0 => Some(Arc::clone(bytes)),
        1 => Some(bytes[..rng.index(bytes.len() + 1)].into()),
        2 => Some(vec![0; bytes.len()].into()),
        _ => None,
    }
}

impl State {
    pub(super) fn settle(&mut self) {
        for op in std::mem::take(&mut self.pending) {
            self.durable.apply(&op);
        }
    }
}
