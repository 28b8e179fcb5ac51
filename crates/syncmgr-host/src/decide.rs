//! Decides real conflicts at the desk of the center: shows each by itself, by the presenter of its
//! handler or by the usual one, and carries decisions out by its handler or in sessions.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::Arc;

use syncmgr_center::desk::{self, Batch, By, Carried, Case, Decided, Known, Presenter, Resolver};
use syncmgr_model::conflict::{Address, ConflictId};
use syncmgr_model::escape::escape;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::resolution::{
    Abilities, Decision, Feedback, KeptItem, NextStep, Pick, PresenterChoice, Proceed, ResolveInfo,
};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{ConflictPresenter, ConflictView};

use crate::in_process::{InProcess, silent};
use crate::seen::state_of;
use crate::stores::guarded_trouble;

/// Whose a conflict is: of an item, or of the handler itself.
type Owner = (HandlerId, Option<ItemId>);

/// Carries a batch of decisions out in one session, and waits for its end.
pub type Session<'a> = dyn FnMut(&Batch) -> Result<(), Trouble> + 'a;

/// Where conflicts of any handler are decided.
pub struct Desk<'a> {
    host: &'a InProcess,
    /// All items of the handlers that are concerned.
    items: BTreeMap<HandlerId, Vec<Item>>,
    /// Nobody is there to be shown anything.
    is_quiet: bool,
    /// Nothing is carried out but by previews of sessions.
    is_rehearsal: bool,
    /// The states that were decided on, by index; one that has none was not seen before.
    states: Vec<String>,
    /// The folders of the items whose conflicts were looked at.
    folders: RefCell<BTreeMap<Owner, Vec<PathBuf>>>,
}

impl std::fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk")
            .field("items", &self.items)
            .finish_non_exhaustive()
    }
}

impl<'a> Desk<'a> {
    /// Opens the desk for handlers, each with all its items.
    #[must_use]
    pub fn new(host: &'a InProcess, items: BTreeMap<HandlerId, Vec<Item>>) -> Self {
        Self {
            host,
            items,
            is_quiet: false,
            is_rehearsal: false,
            states: Vec::new(),
            folders: RefCell::default(),
        }
    }

    /// Carries out only what is still in the state that was decided on ([`state_of`]), by index.
    #[must_use]
    pub fn on_states(mut self, states: Vec<String>) -> Self {
        self.states = states;
        self
    }

    /// Shows nothing that handlers bring: all was chosen beforehand, by somebody elsewhere.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// Carries nothing out: `session` is given what sessions would do, and what handlers do by
    /// themselves is left. Quiet as well, because what is shown may act by itself.
    #[must_use]
    pub fn rehearsing(mut self) -> Self {
        self.is_rehearsal = true;
        self.quiet()
    }

    /// Finds a conflict again.
    ///
    /// # Errors
    /// As [`InProcess::bind_conflict`].
    pub fn bind(
        &self,
        address: &Address,
        extra: Option<Vec<u8>>,
    ) -> Result<Arc<dyn ConflictView>, Trouble> {
        let items = self
            .items
            .get(&address.handler)
            .map_or(&[][..], Vec::as_slice);
        self.host.bind_conflict(address, extra, items)
    }

    /// Finds conflicts again, in their order; each item is asked once.
    ///
    /// # Errors
    /// As [`InProcess::bind_conflict`], for the first one that is not found.
    pub fn bind_all(&self, addresses: &[&Address]) -> Result<Vec<Arc<dyn ConflictView>>, Trouble> {
        if let [address] = addresses {
            return Ok(vec![self.bind(address, None)?]);
        }
        let mut of_item: BTreeMap<(&HandlerId, Option<&ItemId>), BTreeMap<Vec<u8>, _>> =
            BTreeMap::new();
        let bound = addresses.iter().map(|address| {
            let (handler, item) = (&address.handler, address.item.as_ref());
            let known = match of_item.entry((handler, item)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let items = self.items.get(handler).map_or(&[][..], Vec::as_slice);
                    let views = self.host.conflicts(handler, items, item)?;
                    place.insert(views.into_iter().map(|view| (view.id().id, view)).collect())
                }
            };
            known.get(&address.id).map(Arc::clone).ok_or_else(|| {
                Trouble::new(Code::NotFound)
                    .with("what", "conflict")
                    .with("name", escape(&address.id))
            })
        });
        bound.collect()
    }

    fn state(&self, address: &Address, view: &dyn ConflictView) -> Result<String, Trouble> {
        let of: Owner = (address.handler.clone(), address.item.clone());
        let mut folders = self.folders.borrow_mut();
        let folders = folders.entry(of).or_insert_with(|| {
            let items = self.items.get(&address.handler).into_iter().flatten();
            let item = items
                .into_iter()
                .find(|item| address.item.as_ref() == Some(&item.id));
            item.map(|item| self.host.paths(item)).unwrap_or_default()
        });
        Ok(state_of(&view.contents()?, folders))
    }

    /// Decides conflicts, one after the other; returns what became of each, in their order. The
    /// `usual` presenter shows those for which nobody else does, and what goes wrong; `session`
    /// carries out what a handler does in sessions. Blocks until all is decided.
    pub fn resolve(
        &self,
        conflicts: &[(HandlerId, Arc<dyn ConflictView>)],
        usual: &mut dyn ConflictPresenter,
        session: &mut Session<'_>,
    ) -> Vec<Decided> {
        let set: Vec<_> = conflicts
            .iter()
            .enumerate()
            .map(|(index, (handler, view))| Seat {
                id: view.id(),
                address: view.card(handler).address,
                view: Arc::clone(view),
                state: self.states.get(index).cloned(),
            })
            .collect();
        let cases = set.iter().map(|seat| Case {
            address: seat.address.clone(),
            kind: seat.view.kind(),
        });
        let cases = cases.collect();
        let shared = RefCell::new(set);
        let mut shows = Shows {
            desk: self,
            set: &shared,
            usual,
        };
        let mut does = Does {
            desk: self,
            set: &shared,
            session,
        };
        desk::resolve(cases, &mut shows, &mut does)
    }
}

/// A conflict of the set.
struct Seat {
    id: ConflictId,
    address: Address,
    view: Arc<dyn ConflictView>,
    /// The state a decision is about; `None` until it was looked at.
    state: Option<String>,
}

type Set = RefCell<Vec<Seat>>;

fn view_of(set: &Set, index: usize) -> Result<(HandlerId, Arc<dyn ConflictView>), Trouble> {
    let set = set.borrow();
    let seat = set
        .get(index)
        .ok_or_else(|| Trouble::new(Code::NotFound).with("what", "conflict"))?;
    Ok((seat.address.handler.clone(), Arc::clone(&seat.view)))
}

struct Shows<'a> {
    desk: &'a Desk<'a>,
    set: &'a Set,
    usual: &'a mut dyn ConflictPresenter,
}

impl Shows<'_> {
    /// Lets the conflict show itself (spec 159), or else the presenter of its handler (spec 160).
    fn own(
        &self,
        handler: &HandlerId,
        view: &dyn ConflictView,
        info: &mut ResolveInfo,
    ) -> Result<(), Trouble> {
        guarded_trouble(handler, || match view.resolve(info) {
            Err(Hresult::NotImplemented) => match self.desk.host.handler(handler)?.presenter() {
                Some(mut presenter) => presenter.present(view, info),
                None => {
                    info.set_next_step(NextStep::Default);
                    Ok(())
                }
            },
            Err(error) => Err(silent(handler, &error.to_string())),
            Ok(()) => Ok(()),
        })
    }
}

impl Presenter for Shows<'_> {
    fn present(&mut self, index: usize, by: By, info: &mut ResolveInfo) -> Result<(), Trouble> {
        let (handler, view) = view_of(self.set, index)?;
        match by {
            By::Own => self.own(&handler, &*view, info),
            By::Usual => self.usual.present(&*view, info),
        }
    }

    fn failed(&mut self, index: usize, trouble: &Trouble) -> Proceed {
        match view_of(self.set, index) {
            Ok((_, view)) => self.usual.failed(&*view, trouble),
            Err(_) => Proceed::Skip,
        }
    }
}

struct Does<'a> {
    desk: &'a Desk<'a>,
    set: &'a Set,
    session: &'a mut Session<'a>,
}

impl Does<'_> {
    /// Finds a conflict again, in the state that a decision is about.
    /// With `is_anew` its store is asked once more, which may list all of them for it.
    fn again(
        &self,
        index: usize,
        is_anew: bool,
    ) -> Result<(Address, Arc<dyn ConflictView>, String), Trouble> {
        let (address, extra, seen, found) = {
            let set = self.set.borrow();
            let seat = set.get(index);
            let seat = seat.ok_or_else(|| Trouble::new(Code::NotFound).with("what", "conflict"))?;
            let extra = seat.id.extra.clone();
            let found = Arc::clone(&seat.view);
            (seat.address.clone(), extra, seat.state.clone(), found)
        };
        let view = if is_anew {
            self.desk.bind(&address, extra)?
        } else {
            found
        };
        let state = guarded_trouble(&address.handler, || self.desk.state(&address, &*view))?;
        if seen.is_some_and(|seen| seen != state) {
            let name = view.card(&address.handler).name;
            return Err(Trouble::new(Code::StateChanged).with("path", name));
        }
        Ok((address, view, state))
    }
}

impl Resolver for Does<'_> {
    /// Finds the conflict again, because it may have changed since the set was chosen. Where nobody
    /// is waited for, that was a moment ago.
    fn look(&mut self, index: usize) -> Result<Known, Trouble> {
        let (address, view, state) = self.again(index, !self.desk.is_quiet)?;
        let known = guarded_trouble(&address.handler, || {
            Ok(Known {
                abilities: view.resolution().abilities().unwrap_or(Abilities::empty()),
                n_contents: view.contents()?.len(),
                // Whoever has nothing to show says so when asked.
                has_own: !self.desk.is_quiet,
            })
        })?;
        if let Some(seat) = self.set.borrow_mut().get_mut(index) {
            seat.view = view;
            seat.state = Some(state);
        }
        Ok(known)
    }

    fn carry_out(&mut self, index: usize, decision: &Decision) -> Result<Carried, Trouble> {
        let is_work = |view: &dyn ConflictView| {
            let decision = with_names(decision, view)?;
            Ok(view.resolution().as_work(&decision)?.is_some())
        };
        // A person may have thought about it for an hour. What goes with others is looked at once
        // more by the session that carries it out.
        let is_anew = !self.desk.is_quiet || {
            let (handler, view) = view_of(self.set, index)?;
            !guarded_trouble(&handler, || is_work(&*view))?
        };
        let (address, view, state) = self.again(index, is_anew)?;
        guarded_trouble(&address.handler, || {
            let decision = with_names(decision, &*view)?;
            let resolution = view.resolution();
            let is_rehearsal = self.desk.is_rehearsal;
            match resolution.as_work(&decision)? {
                Some(_) if is_rehearsal && !resolution.can_rehearse() => {
                    Ok(Carried::Now(Feedback::Continue))
                }
                Some(choice) => Ok(Carried::Later(choice, state)),
                None if is_rehearsal => Ok(Carried::Now(Feedback::Continue)),
                None => resolution.carry_out(&decision).map(Carried::Now),
            }
        })
    }

    fn carry_out_all(&mut self, batch: &Batch) -> Result<(), Trouble> {
        (self.session)(batch)
    }
}

/// Gives contents that are kept beside others the names they must have then, unless a person chose
/// one (spec 145).
fn with_names(decision: &Decision, view: &dyn ConflictView) -> Result<Decision, Trouble> {
    let Decision::KeepItems(items) = decision else {
        return Ok(decision.clone());
    };
    if items.len() < 2 {
        return Ok(decision.clone());
    }
    let contents = view.contents()?;
    let named = items.iter().map(|item| KeptItem {
        index: item.index,
        name: item.name.clone().or_else(|| {
            let content = contents.get(item.index);
            content.and_then(|content| content.alternate_name.clone())
        }),
    });
    Ok(Decision::KeepItems(named.collect()))
}

/// The usual presenter of a program: it shows nothing, the same choice was made for all beforehand.
/// What fails is left, and the next one comes.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// What was chosen.
    pub choice: PresenterChoice,
    /// Which contents are kept, by their indexes.
    pub items: Vec<usize>,
}

impl ConflictPresenter for Chosen {
    fn present(
        &mut self,
        _conflict: &dyn ConflictView,
        info: &mut ResolveInfo,
    ) -> Result<(), Trouble> {
        info.set_choice(self.choice.clone(), true);
        info.set_item_choices(&self.items);
        Ok(())
    }
}

/// The usual presenter of a program for which each conflict of the set was decided beforehand, at
/// the same index. One without a choice is left, unless what was chosen for one before it applies.
#[derive(Debug, Clone, Default)]
pub struct Picked(pub Vec<Option<Pick>>);

impl ConflictPresenter for Picked {
    fn present(
        &mut self,
        _conflict: &dyn ConflictView,
        info: &mut ResolveInfo,
    ) -> Result<(), Trouble> {
        match self.0.get(info.iteration().index).and_then(Option::as_ref) {
            Some(pick) => {
                info.set_choice(pick.choice.clone(), pick.applies_to_all);
                info.set_item_choices(&pick.items);
            }
            None => info.set_choice(PresenterChoice::Skip, false),
        }
        Ok(())
    }
}
