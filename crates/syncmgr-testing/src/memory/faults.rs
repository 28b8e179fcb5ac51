//! Which calls of a replica fail, and how.

use syncmgr_engine::replica::FaultKind;

use crate::rng::Rng;

/// Which calls count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// All.
    All,
    /// Only those that look.
    Reading,
    /// Only those that change something.
    Mutating,
}

impl Calls {
    fn include(self, is_mutating: bool) -> bool {
        match self {
            Self::All => true,
            Self::Reading => !is_mutating,
            Self::Mutating => is_mutating,
        }
    }
}

/// One planned failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailAt {
    /// Which call, from 0, counted from when the plan was set, among [`Self::calls`].
    pub call: u64,
    /// Which calls count and can fail.
    pub calls: Calls,
    /// How it fails. Nothing is changed.
    pub kind: FaultKind,
    /// All later ones fail too.
    pub is_lasting: bool,
}

/// Failures by chance.
#[derive(Debug, Clone)]
pub struct FailSometimes {
    /// Where chance comes from.
    pub rng: Rng,
    /// One call in this many fails.
    pub one_in: u64,
    /// Which calls can fail.
    pub calls: Calls,
    /// How they fail, one of these.
    pub kinds: Vec<FaultKind>,
}

/// The plan of failures of one replica.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Planned ones.
    pub planned: Vec<FailAt>,
    /// By chance.
    pub sometimes: Option<FailSometimes>,
    /// Bytes that fit; writing more is [`FaultKind::NoSpace`].
    pub capacity: Option<u64>,
}

/// A plan in use: it counts.
#[derive(Debug, Default)]
pub(super) struct Running {
    pub(super) plan: Faults,
    n_reading: u64,
    n_mutating: u64,
}

impl Faults {
    /// Returns a plan without any failure.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns the plan in which one call fails.
    #[must_use]
    pub fn at(call: u64, calls: Calls, kind: FaultKind) -> Self {
        Self {
            planned: vec![FailAt {
                call,
                calls,
                kind,
                is_lasting: false,
            }],
            ..Self::default()
        }
    }

    /// Returns the plan in which a call and all later ones fail.
    #[must_use]
    pub fn from(call: u64, calls: Calls, kind: FaultKind) -> Self {
        let mut faults = Self::at(call, calls, kind);
        faults.planned[0].is_lasting = true;
        faults
    }
}

impl Running {
    pub(super) fn new(plan: Faults) -> Self {
        Self {
            plan,
            ..Self::default()
        }
    }

    /// Counts a call and says how it fails, if it does.
    pub(super) fn next(&mut self, is_mutating: bool) -> Option<FaultKind> {
        let number = |calls| match calls {
            Calls::All => self.n_reading + self.n_mutating,
            Calls::Reading => self.n_reading,
            Calls::Mutating => self.n_mutating,
        };
        let planned = self.plan.planned.iter().find(|fail| {
            let at = number(fail.calls);
            fail.calls.include(is_mutating)
                && (at == fail.call || (fail.is_lasting && at > fail.call))
        });
        let kind = planned.map(|fail| fail.kind);
        if is_mutating {
            self.n_mutating += 1;
        } else {
            self.n_reading += 1;
        }
        kind.or_else(|| self.plan.sometimes.as_mut()?.next(is_mutating))
    }
}

impl FailSometimes {
    fn next(&mut self, is_mutating: bool) -> Option<FaultKind> {
        let fails = self.calls.include(is_mutating) && self.rng.chance(1, self.one_in);
        fails.then(|| self.rng.pick(&self.kinds).copied()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_call_fails_once_or_from_then_on() {
        let mut once = Running::new(Faults::at(1, Calls::Mutating, FaultKind::Io));
        let got: Vec<_> = [true, false, true, true].map(|m| once.next(m)).to_vec();
        assert_eq!(got, [None, None, Some(FaultKind::Io), None]);
        let mut lasting = Running::new(Faults::from(1, Calls::Reading, FaultKind::Busy));
        let got: Vec<_> = [false, false, true, false]
            .map(|m| lasting.next(m))
            .to_vec();
        assert_eq!(
            got,
            [None, Some(FaultKind::Busy), None, Some(FaultKind::Busy)]
        );
    }

    #[test]
    fn chance_comes_from_the_seed() {
        let faults = || Faults {
            sometimes: Some(FailSometimes {
                rng: Rng::new(3),
                one_in: 4,
                calls: Calls::All,
                kinds: vec![FaultKind::Io, FaultKind::Denied],
            }),
            ..Faults::none()
        };
        let run = |plan: Faults| {
            let mut running = Running::new(plan);
            (0..100).map(|_| running.next(false)).collect::<Vec<_>>()
        };
        assert_eq!(run(faults()), run(faults()));
        let n = run(faults()).iter().flatten().count();
        assert!((10..45).contains(&n), "{n}");
    }
}
