//! How a conflict is decided: what its handler can do, what a presenter says, how that goes on.
//! The loop that uses these words is in the center; whoever presents fills in a [`ResolveInfo`].

use bitflags::bitflags;

use crate::hresult::Hresult;

bitflags! {
    /// What a handler can do about a conflict (`SYNCMGR_RESOLUTION_ABILITIES`). One of the contents
    /// can always be kept (spec 143).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Abilities: u32 {
        /// A merged or other content can take the place of all.
        const KEEP_OTHER = 0x1;
        /// The one that was modified last can be kept.
        const KEEP_RECENT = 0x2;
        /// The content can be taken out of what is synced.
        const REMOVE_FROM_SYNC_SET = 0x4;
        /// One can be kept; always so, and not asked for.
        const KEEP_SINGLE = 0x8;
        /// Several can be kept, under names of their own.
        const KEEP_MULTIPLE = 0x10;
    }
}

/// How a resolution wants the loop to go on (`SYNCMGR_RESOLUTION_FEEDBACK`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feedback {
    /// With the next conflict (0).
    Continue,
    /// With this one again: what applied to all does so no more (1).
    Refresh,
    /// Not at all (2).
    Cancel,
}

impl Feedback {
    /// Returns the number.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Continue => 0,
            Self::Refresh => 1,
            Self::Cancel => 2,
        }
    }
}

/// What a presenter wants next (`SYNCMGR_PRESENTER_NEXT_STEP`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NextStep {
    /// The next conflict (0).
    #[default]
    Continue,
    /// That the usual presenter shows this one (1).
    Default,
    /// Nothing more (2).
    Cancel,
}

impl NextStep {
    /// Returns the number.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Continue => 0,
            Self::Default => 1,
            Self::Cancel => 2,
        }
    }
}

/// What was chosen (`SYNCMGR_PRESENTER_CHOICE`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum PresenterChoice {
    /// Nothing: this conflict, or all, are left (0).
    #[default]
    NoChoice,
    /// One of the contents (1).
    KeepOne,
    /// Several, under names of their own (2).
    KeepMultiple,
    /// The one modified last (3).
    KeepRecent,
    /// That it is not synced any more (4).
    RemoveFromSyncSet,
    /// To leave it for later (5).
    Skip,
    /// Another content. The original has no number for it; this is 6.
    KeepOther(Substitute),
}

impl PresenterChoice {
    /// Returns the number.
    #[must_use]
    pub fn number(&self) -> u32 {
        match self {
            Self::NoChoice => 0,
            Self::KeepOne => 1,
            Self::KeepMultiple => 2,
            Self::KeepRecent => 3,
            Self::RemoveFromSyncSet => 4,
            Self::Skip => 5,
            Self::KeepOther(_) => 6,
        }
    }

    /// Returns the ability a handler needs for it.
    #[must_use]
    pub fn needs(&self) -> Abilities {
        match self {
            Self::NoChoice | Self::KeepOne | Self::Skip => Abilities::empty(),
            Self::KeepMultiple => Abilities::KEEP_MULTIPLE,
            Self::KeepRecent => Abilities::KEEP_RECENT,
            Self::RemoveFromSyncSet => Abilities::REMOVE_FROM_SYNC_SET,
            Self::KeepOther(_) => Abilities::KEEP_OTHER,
        }
    }
}

/// What was chosen for a conflict before its turn, by somebody who is not there to be asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pick {
    /// What was chosen.
    pub choice: PresenterChoice,
    /// Which contents are kept, by their indexes.
    pub items: Vec<usize>,
    /// It also holds for those that follow, of the same kind and handler.
    pub applies_to_all: bool,
}

/// A content that takes the place of all.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Substitute {
    /// These bytes.
    Bytes(Vec<u8>),
    /// What the handler makes of them by itself.
    Merge,
}

/// One content to keep (`CONFIRM_CONFLICT_RESULT_INFO`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptItem {
    /// Which one: its index among the contents.
    pub index: usize,
    /// What it is called from now on; `None`: as it is, or as its handler says.
    pub name: Option<String>,
}

/// What is to be done about a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Keep these; never empty.
    KeepItems(Vec<KeptItem>),
    /// Keep the one modified last.
    KeepRecent,
    /// Keep another content.
    KeepOther(Substitute),
    /// Do not sync it any more.
    RemoveFromSyncSet,
}

/// Where the loop stands (`GetIterationInfo`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Iteration {
    /// Which conflict this is; the first is 0.
    pub index: usize,
    /// How many were chosen.
    pub n_total: usize,
    /// To how many later ones the same decision could be applied: those of the same kind and the
    /// same handler.
    pub n_remaining: usize,
}

/// What a presenter is told, and what it says (`ISyncMgrConflictResolveInfo`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResolveInfo {
    iteration: Iteration,
    next_step: NextStep,
    choice: PresenterChoice,
    applies_to_all: bool,
    items: Vec<usize>,
    names: Vec<Option<String>>,
    carried_out: Option<Feedback>,
}

impl ResolveInfo {
    /// Builds what is handed to a presenter: nothing is chosen, and the next conflict comes next.
    #[must_use]
    pub fn new(iteration: Iteration) -> Self {
        Self {
            iteration,
            ..Self::default()
        }
    }

    /// Returns where the loop stands.
    #[must_use]
    pub fn iteration(&self) -> Iteration {
        self.iteration
    }

    /// Returns what comes next.
    #[must_use]
    pub fn next_step(&self) -> NextStep {
        self.next_step
    }

    /// Returns what was chosen, and whether it applies to all of the same kind and handler.
    #[must_use]
    pub fn choice(&self) -> (&PresenterChoice, bool) {
        (&self.choice, self.applies_to_all)
    }

    /// Returns the indexes of the contents to keep.
    #[must_use]
    pub fn item_choices(&self) -> &[usize] {
        &self.items
    }

    /// Says what comes next.
    pub fn set_next_step(&mut self, step: NextStep) {
        self.next_step = step;
    }

    /// Says what was chosen. Who applies it to all also says which contents (spec 152).
    pub fn set_choice(&mut self, choice: PresenterChoice, applies_to_all: bool) {
        self.choice = choice;
        self.applies_to_all = applies_to_all;
    }

    /// Says which contents are kept, by their indexes.
    pub fn set_item_choices(&mut self, items: &[usize]) {
        self.items = items.to_vec();
        self.names.clear();
    }

    /// Says what the kept contents are called, in the order of [`Self::item_choices`]; only for
    /// this conflict, names are not applied to others.
    pub fn set_names(&mut self, names: Vec<Option<String>>) {
        self.names = names;
    }

    /// Says that the presenter has carried its choice out itself, and what came of it; nobody does
    /// it again.
    pub fn set_carried_out(&mut self, feedback: Feedback) {
        self.carried_out = Some(feedback);
    }

    /// Returns what the presenter did itself.
    #[must_use]
    pub fn carried_out(&self) -> Option<Feedback> {
        self.carried_out
    }

    /// Returns what is to be done; `None`: nothing, the conflict stays.
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] when the indexes do not fit the choice or the `n_contents`
    /// contents.
    pub fn decision(&self, n_contents: usize) -> Result<Option<Decision>, Hresult> {
        let kept = || self.kept(n_contents);
        Ok(Some(match &self.choice {
            PresenterChoice::NoChoice | PresenterChoice::Skip => return Ok(None),
            PresenterChoice::KeepOne => match kept()? {
                one if one.len() == 1 => Decision::KeepItems(one),
                _ => return Err(Hresult::InvalidArgument),
            },
            PresenterChoice::KeepMultiple => match kept()? {
                several if several.len() > 1 => Decision::KeepItems(several),
                _ => return Err(Hresult::InvalidArgument),
            },
            PresenterChoice::KeepRecent => Decision::KeepRecent,
            PresenterChoice::RemoveFromSyncSet => Decision::RemoveFromSyncSet,
            PresenterChoice::KeepOther(other) => Decision::KeepOther(other.clone()),
        }))
    }

    fn kept(&self, n_contents: usize) -> Result<Vec<KeptItem>, Hresult> {
        let mut kept: Vec<KeptItem> = Vec::with_capacity(self.items.len());
        for (at, index) in self.items.iter().enumerate() {
            let is_twice = kept.iter().any(|other| other.index == *index);
            if *index >= n_contents || is_twice {
                return Err(Hresult::InvalidArgument);
            }
            kept.push(KeptItem {
                index: *index,
                name: self.names.get(at).cloned().flatten(),
            });
        }
        Ok(kept)
    }
}

/// How a person wants to go on after a failure (spec 154).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proceed {
    /// Show it, and try, again.
    Retry,
    /// Leave this one and go on.
    Skip,
    /// Leave all the others too.
    Cancel,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(choice: PresenterChoice, items: &[usize]) -> Result<Option<Decision>, Hresult> {
        let mut info = ResolveInfo::default();
        info.set_choice(choice, false);
        info.set_item_choices(items);
        info.decision(2)
    }

    fn items(indexes: &[usize]) -> Result<Option<Decision>, Hresult> {
        let kept = indexes.iter().map(|index| KeptItem {
            index: *index,
            name: None,
        });
        Ok(Some(Decision::KeepItems(kept.collect())))
    }

    /// spec 144–148: what a choice and the indexes of contents make together.
    #[test]
    fn choices_make_decisions() {
        use PresenterChoice as P;
        let wrong = Err(Hresult::InvalidArgument);
        let other = Substitute::Bytes(b"merged".to_vec());
        let table = [
            (P::NoChoice, &[][..], Ok(None)),
            (P::Skip, &[0], Ok(None)),
            (P::KeepOne, &[1], items(&[1])),
            (P::KeepOne, &[], wrong.clone()),
            (P::KeepOne, &[0, 1], wrong.clone()),
            (P::KeepOne, &[2], wrong.clone()),
            (P::KeepMultiple, &[1, 0], items(&[1, 0])),
            (P::KeepMultiple, &[1], wrong.clone()),
            (P::KeepMultiple, &[1, 1], wrong),
            (P::KeepRecent, &[], Ok(Some(Decision::KeepRecent))),
            (
                P::RemoveFromSyncSet,
                &[],
                Ok(Some(Decision::RemoveFromSyncSet)),
            ),
            (
                P::KeepOther(other.clone()),
                &[],
                Ok(Some(Decision::KeepOther(other))),
            ),
        ];
        for (choice, indexes, expected) in table {
            assert_eq!(
                decided(choice.clone(), indexes),
                expected,
                "{choice:?} {indexes:?}"
            );
        }
    }

    /// spec 143: the abilities that choices need, with the numbers of the original.
    #[test]
    fn abilities_and_numbers() {
        let all = [
            (PresenterChoice::NoChoice, 0, 0),
            (PresenterChoice::KeepOne, 1, 0),
            (PresenterChoice::KeepMultiple, 2, 0x10),
            (PresenterChoice::KeepRecent, 3, 0x2),
            (PresenterChoice::RemoveFromSyncSet, 4, 0x4),
            (PresenterChoice::Skip, 5, 0),
            (PresenterChoice::KeepOther(Substitute::Merge), 6, 0x1),
        ];
        for (choice, number, needs) in all {
            assert_eq!((choice.number(), choice.needs().bits()), (number, needs));
        }
        assert_eq!(Abilities::all().bits(), 0x1f);
        let feedback = [Feedback::Continue, Feedback::Refresh, Feedback::Cancel];
        assert_eq!(feedback.map(Feedback::number), [0, 1, 2]);
        let steps = [NextStep::Continue, NextStep::Default, NextStep::Cancel];
        assert_eq!(steps.map(NextStep::number), [0, 1, 2]);
    }
}
