//! Conflicts of every handler as a command sees them: looked at and decided here, or by the daemon.

use std::ffi::OsString;

use syncmgr_api::wire::desk::{Resolve, ResolveOne, Resolved};
use syncmgr_api::wire::{Decision, ListedConflict};
use syncmgr_center::desk::{Batch, Decided};
use syncmgr_model::conflict::Address;
use syncmgr_model::item::Item;
use syncmgr_model::request::{Intent, Work};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_server::desk::{Chosen, Compared, Found};

use super::{App, Begun, Core, Wish, key};
use crate::conflicts;
use crate::error::CliError;

/// Most bytes of one content that are compared on a terminal.
const TEXT_MAX: usize = 4 << 20;

/// A conflict with its sync.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The sync; `None`: it is one of the handler itself.
    pub(crate) item: Option<Item>,
    /// The conflict.
    pub(crate) listed: ListedConflict,
}

/// The conflicts of all syncs, and the syncs that could not be asked.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    /// Conflicts, those of one sync together.
    pub(crate) cases: Vec<Case>,
    /// Syncs that have conflicts, as far as is known, and could not be asked.
    pub(crate) silent: Vec<(String, Trouble)>,
}

/// Whose conflicts are not known, and why.
type Unasked = (String, Option<String>, Trouble);

/// What a decision is carried out by: the work of one sync in a run that may have begun.
pub(crate) enum Carried<'a> {
    /// It is to be run here.
    Work(&'a Item, Work),
    /// The daemon runs it.
    Begun(&'a Item, Begun),
}

/// Carries out what one sync has to do, and says how it went.
pub(crate) type CarryOut<'a> = dyn FnMut(&mut App, Carried<'_>) -> Result<(), CliError> + 'a;

impl App {
    /// Collects the conflicts of one or all syncs.
    ///
    /// # Errors
    /// When nobody can be asked.
    pub(crate) fn conflicts(&mut self, only: Option<&OsString>) -> Result<Cases, CliError> {
        let items = match only {
            Some(name) => vec![self.named(name)?],
            None => self.known()?,
        };
        let (listed, unasked) = self.list_conflicts()?;
        let is_of = |item: &Item, handler: &str, id: Option<&str>| {
            item.handler.as_str() == handler && id == Some(item.id.as_str())
        };
        let mut cases = Cases::default();
        for item in &items {
            let its = |it: &&ListedConflict| is_of(item, &it.handler, it.item.as_deref());
            let its = listed.iter().filter(its);
            let mut its: Vec<_> = its.cloned().collect();
            its.sort_by(|a, b| a.name.cmp(&b.name));
            cases.cases.extend(its.into_iter().map(|listed| Case {
                item: Some(item.clone()),
                listed,
            }));
        }
        if only.is_none() {
            let of_handlers = listed.iter().filter(|it| it.item.is_none());
            cases.cases.extend(
                of_handlers
                    .cloned()
                    .map(|listed| Case { item: None, listed }),
            );
        }
        for (handler, id, trouble) in unasked {
            let item = items.iter().find(|it| is_of(it, &handler, id.as_deref()));
            match item {
                Some(item) if self.matters(item, only.is_some())? => {
                    cases.silent.push((self.command_words(item), trouble));
                }
                None if id.is_none() && only.is_none() => cases.silent.push((handler, trouble)),
                Some(_) | None => {}
            }
        }
        Ok(cases)
    }

    /// Says whether it matters that an item could not be asked: a disk that is away does only when
    /// something waits on it.
    fn matters(&mut self, item: &Item, is_named: bool) -> Result<bool, CliError> {
        let last = self.state(item)?.last;
        // One that never ran cannot have any.
        Ok(last.is_some_and(|last| is_named || last.summary.n_conflicts > 0))
    }

    fn list_conflicts(&mut self) -> Result<(Vec<ListedConflict>, Vec<Unasked>), CliError> {
        let Some(places) = self.places_here()? else {
            let Core::There(there) = self.core()? else {
                return Ok(Default::default());
            };
            let (listed, silent) = there.conflicts()?;
            let unasked = silent.into_iter().map(|it| {
                let trouble = Trouble::try_from(&it.notice);
                let trouble = trouble.map_err(syncmgr_api::client::ClientError::from)?;
                Ok((it.handler, it.item, trouble))
            });
            return Ok((listed, unasked.collect::<Result<_, CliError>>()?));
        };
        let (mut found, silent) = conflicts::find_all(&self.host, &places);
        conflicts::complete(&self.host, &places, &mut found);
        let unasked = silent.into_iter().map(|(handler, item, trouble)| {
            let item = item.map(|item| item.to_string());
            (handler.to_string(), item, trouble)
        });
        Ok((found.iter().map(Found::listed).collect(), unasked.collect()))
    }

    /// Returns the contents of a conflict.
    ///
    /// # Errors
    /// `not-found`, or why they cannot be read.
    pub(crate) fn compare(&mut self, conflict: &ListedConflict) -> Result<Compared, CliError> {
        let Some(places) = self.places_here()? else {
            let Core::There(there) = self.core()? else {
                return Ok(Compared::default());
            };
            return there.compare(&conflict.address);
        };
        let address = address(conflict)?;
        Ok(conflicts::compare(&self.host, &places, &address, TEXT_MAX)?)
    }

    /// Decides conflicts, each in its way; what sessions carry out goes to `carry_out`. Returns what
    /// became of each.
    ///
    /// # Errors
    /// `state-changed` when one is not what was listed any more: then nothing is done. When nobody
    /// can be asked.
    pub(crate) fn decide(
        &mut self,
        picks: &[(Case, Decision)],
        is_dry: bool,
        carry_out: &mut CarryOut<'_>,
    ) -> Result<Vec<Resolved>, CliError> {
        match self.places_here()? {
            Some(places) => self.decide_here(&places, picks, is_dry, carry_out),
            None => self.decide_there(picks, is_dry, carry_out),
        }
    }

    fn decide_here(
        &mut self,
        places: &syncmgr_center::desk::Places,
        picks: &[(Case, Decision)],
        is_dry: bool,
        carry_out: &mut CarryOut<'_>,
    ) -> Result<Vec<Resolved>, CliError> {
        let host = self.host.clone();
        let mut set: Vec<Chosen> = Vec::with_capacity(picks.len());
        let addresses: Vec<_> = picks
            .iter()
            .map(|(case, _)| address(&case.listed))
            .collect::<Result<_, CliError>>()?;
        let found = conflicts::find_these(&host, places, &addresses)?;
        for (((case, decision), address), now) in picks.iter().zip(addresses).zip(found) {
            if now.listed() != case.listed {
                let changed = Trouble::new(Code::StateChanged).with("path", &case.listed.name);
                return Err(changed.into());
            }
            let pick = decision.pick();
            let pick = pick.map_err(syncmgr_api::client::ClientError::from)?;
            set.push(Chosen {
                address,
                state: now.state,
                pick: Some(pick),
            });
        }
        let mut runs = |batch: &Batch| {
            let is_its = |it: &&Item| it.handler == batch.handler && it.id == batch.item;
            let mut items = picks.iter().filter_map(|(case, _)| case.item.as_ref());
            let Some(item) = items.find(is_its) else {
                return Err(Trouble::new(Code::NotFound).with("what", "sync"));
            };
            let work = Work::Resolve(batch.choices.clone());
            carry_out(self, Carried::Work(item, work)).map_err(trouble_of)
        };
        let decided = conflicts::decide(&host, places, &set, is_dry, &mut runs)?;
        let all = picks.iter().zip(set.iter().zip(&decided));
        Ok(all
            .map(|((case, _), (chosen, decided))| resolved(chosen, decided, &case.listed))
            .collect())
    }

    fn decide_there(
        &mut self,
        picks: &[(Case, Decision)],
        is_dry: bool,
        carry_out: &mut CarryOut<'_>,
    ) -> Result<Vec<Resolved>, CliError> {
        let one = |(case, decision): &(Case, Decision)| ResolveOne {
            conflict: case.listed.address.clone(),
            seen: case.listed.seen.clone(),
            decision: Some(decision.clone()),
            for_all: false,
        };
        let asked = Resolve {
            decisions: picks.iter().map(one).collect(),
            matching: None,
            preview: is_dry,
        };
        self.hears_signals(true)?;
        let Core::There(there) = self.core()? else {
            return Ok(Vec::new());
        };
        let answer = there.decide(&asked)?;
        for (taken, of) in answer.runs.into_iter().zip(answer.syncs) {
            let mut items = picks.iter().filter_map(|(case, _)| case.item.as_ref());
            if let Some(item) = items.find(|item| key(item).to_string() == of) {
                carry_out(self, Carried::Begun(item, Begun::There(Box::new(taken))))?;
            }
        }
        self.hears_signals(false)?;
        Ok(answer.outcomes)
    }

    /// Waits for a preview that the daemon makes.
    ///
    /// # Errors
    /// When it could not be made.
    pub(crate) fn previewed(
        &mut self,
        item: &Item,
        begun: Begun,
    ) -> Result<syncmgr_model::preview::Preview, CliError> {
        let work = Work::Resolve(Vec::new());
        let waited = self.wait(item, &work, Intent::Preview, Wish::default(), begun)?;
        let preview = match &waited {
            super::Waited::Ended(outcome) => outcome.preview().cloned(),
            super::Waited::GoesOn(_) => None,
        };
        preview.ok_or_else(|| Trouble::new(Code::Stopped).into())
    }
}

fn address(conflict: &ListedConflict) -> Result<Address, CliError> {
    Address::parse(&conflict.address).ok_or_else(|| {
        let name = crate::ui::safe(&conflict.name);
        CliError::not_found(format!("the conflict `{name}` has no address"))
    })
}

fn resolved(chosen: &Chosen, decided: &Decided, listed: &ListedConflict) -> Resolved {
    let (outcome, notice) = match decided {
        Decided::Done => ("done", None),
        Decided::Skipped => ("skipped", None),
        Decided::Untouched => ("untouched", None),
        Decided::Failed(trouble) => ("failed", Some(trouble.into())),
    };
    let pick = chosen.pick.as_ref();
    Resolved::of(
        chosen.address.to_string(),
        outcome,
        notice,
        pick,
        &listed.versions,
    )
}

fn trouble_of(error: CliError) -> Trouble {
    error
        .trouble
        .unwrap_or_else(|| Trouble::new(Code::NotPossible).with("detail", error.message))
}
