//! The desk with real conflicts.

use std::collections::BTreeMap;

use syncmgr_center::desk::{Batch, Decided};
use syncmgr_host::decide::{Chosen, Desk};
use syncmgr_model::conflict::Address;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::request::Work;
use syncmgr_model::resolution::{
    Abilities, Feedback, NextStep, PresenterChoice, Proceed, ResolveInfo, Substitute,
};
use syncmgr_model::trouble::Trouble;
use syncmgr_sdk::{ConflictPresenter, ConflictView};

use crate::keeper::{Held, Keeper, Shape, no};
use crate::world::{World, id};

const HANDLER: Shape = Shape {
    of_handler: (false, true),
    of_items: (false, false),
};

fn world(keeper: &std::sync::Arc<Keeper>, ids: &[&'static str]) -> World {
    let held = ids.iter().map(|id| Held {
        item: Some("one"),
        id,
        kind: "x",
    });
    keeper.things().conflicts = held.collect();
    World::new(&[keeper])
}

/// Decides all conflicts of the keeper.
fn decide(world: &World, usual: &mut dyn ConflictPresenter) -> Vec<Decided> {
    let items = world.items("k");
    let views = world.host.conflicts(&id("k"), &items, None).unwrap();
    let set: Vec<_> = views.into_iter().map(|view| (id("k"), view)).collect();
    let desk = Desk::new(&world.host, BTreeMap::from([(id("k"), items)]));
    desk.resolve(&set, usual, &mut |batch: &Batch| {
        let item = batch.item.as_str();
        let outcome = world.run(
            batch.handler.as_str(),
            &[item],
            Work::Resolve(batch.choices.clone()),
        );
        match outcome.status {
            ProgressStatus::Succeeded => Ok(()),
            _ => Err(no("the session failed")),
        }
    })
}

fn chosen(choice: PresenterChoice, items: &[usize]) -> Chosen {
    Chosen {
        choice,
        items: items.to_vec(),
    }
}

/// spec 144–147: each decision reaches its handler; contents kept beside others get their names.
#[test]
fn decisions_reach_the_handler() {
    let merged = PresenterChoice::KeepOther(Substitute::Merge);
    for (mut usual, log) in [
        (chosen(PresenterChoice::KeepOne, &[1]), "a keep 1"),
        (
            chosen(PresenterChoice::KeepMultiple, &[0, 1]),
            "a keep 0, 1 as copy from there",
        ),
        (chosen(PresenterChoice::KeepRecent, &[]), "a keep recent"),
        (chosen(merged, &[]), "a keep Merge"),
        (
            chosen(PresenterChoice::RemoveFromSyncSet, &[]),
            "a remove from sync set",
        ),
    ] {
        let keeper = Keeper::new("k", HANDLER);
        let world = world(&keeper, &["a"]);
        assert_eq!(decide(&world, &mut usual), [Decided::Done]);
        assert_eq!(keeper.take_log(), [log]);
    }
}

/// spec 143, 148: skipping does nothing; what the handler is not able to do is not asked of it.
#[test]
fn what_is_not_done() {
    let keeper = Keeper::new("k", HANDLER);
    let world = world(&keeper, &["a", "b"]);
    let skipped = decide(&world, &mut chosen(PresenterChoice::Skip, &[]));
    assert_eq!(skipped, [Decided::Skipped, Decided::Skipped]);
    keeper.things().abilities = Abilities::empty();
    let failed = decide(&world, &mut chosen(PresenterChoice::KeepRecent, &[]));
    assert!(
        failed
            .iter()
            .all(|decided| matches!(decided, Decided::Failed(_)))
    );
    assert!(keeper.take_log().is_empty());
    assert_eq!(world.host.conflicts(&id("k"), &[], None).unwrap().len(), 2);
}

/// spec 152: what a handler decides in sessions becomes one session for all.
#[test]
fn a_hundred_decisions_are_one_session() {
    let keeper = Keeper::new("k", HANDLER);
    let world = world(&keeper, &["a", "b", "c"]);
    keeper.things().works_in_sessions = true;
    let mut n_sessions = 0;
    let items = world.items("k");
    let views = world.host.conflicts(&id("k"), &items, None).unwrap();
    let set: Vec<_> = views.into_iter().map(|view| (id("k"), view)).collect();
    let desk = Desk::new(&world.host, BTreeMap::from([(id("k"), items)]));
    let mut usual = chosen(PresenterChoice::KeepRecent, &[]);
    let outcomes = desk.resolve(&set, &mut usual, &mut |batch: &Batch| {
        n_sessions += 1;
        world.run(
            "k",
            &[batch.item.as_str()],
            Work::Resolve(batch.choices.clone()),
        );
        Ok(())
    });
    assert_eq!(outcomes, [Decided::Done, Decided::Done, Decided::Done]);
    assert_eq!(n_sessions, 1);
    let log = [
        "session: a KeepNewest",
        "session: b KeepNewest",
        "session: c KeepNewest",
    ];
    assert_eq!(keeper.take_log(), log);
}

/// spec 159: a conflict that shows itself does; nobody does its work again.
#[test]
fn a_conflict_resolves_itself() {
    let keeper = Keeper::new("k", HANDLER);
    let world = world(&keeper, &["a"]);
    keeper.things().resolves_itself = true;
    keeper.things().has_presenter = true;
    let outcomes = decide(&world, &mut chosen(PresenterChoice::Skip, &[]));
    assert_eq!(outcomes, [Decided::Done]);
    assert_eq!(keeper.take_log(), ["a resolves itself"]);
}

/// spec 160: the presenter a handler brings is used instead of the usual one.
#[test]
fn a_handler_brings_its_presenter() {
    let keeper = Keeper::new("k", HANDLER);
    let world = world(&keeper, &["a", "b"]);
    keeper.things().has_presenter = true;
    let outcomes = decide(&world, &mut chosen(PresenterChoice::Skip, &[]));
    assert_eq!(outcomes, [Decided::Done, Decided::Done]);
    let log = [
        "own presenter: a",
        "a keep 1",
        "own presenter: b",
        "b keep 1",
    ];
    assert_eq!(keeper.take_log(), log);
}

/// A person who says one thing after the other.
struct Person {
    says: Vec<(PresenterChoice, NextStep)>,
    proceeds: Vec<Proceed>,
    saw: Vec<(usize, usize, usize)>,
    troubles: Vec<Trouble>,
}

impl ConflictPresenter for Person {
    fn present(
        &mut self,
        conflict: &dyn ConflictView,
        info: &mut ResolveInfo,
    ) -> Result<(), Trouble> {
        let i = info.iteration();
        self.saw.push((i.index, i.n_total, i.n_remaining));
        assert_eq!(conflict.contents()?.len(), 2);
        let (choice, step) = self.says.remove(0);
        info.set_choice(choice, false);
        info.set_item_choices(&[0]);
        info.set_next_step(step);
        Ok(())
    }

    fn failed(&mut self, _conflict: &dyn ConflictView, trouble: &Trouble) -> Proceed {
        self.troubles.push(trouble.clone());
        self.proceeds.remove(0)
    }
}

/// spec 149, 150, 151, 153, 154: feedback, steps and failures of real objects steer the loop.
#[test]
fn a_person_goes_through_a_set() {
    let keeper = Keeper::new("k", HANDLER);
    let world = world(&keeper, &["a", "b", "c", "d"]);
    keeper.things().feedback = vec![
        Ok(Feedback::Refresh),
        Ok(Feedback::Continue),
        Err(no("full")),
    ];
    let keep = || (PresenterChoice::KeepOne, NextStep::Continue);
    let mut person = Person {
        says: vec![
            keep(),
            keep(),
            keep(),
            (PresenterChoice::NoChoice, NextStep::Cancel),
        ],
        proceeds: vec![Proceed::Skip],
        saw: Vec::new(),
        troubles: Vec::new(),
    };
    let outcomes = decide(&world, &mut person);
    assert_eq!(
        outcomes,
        [
            Decided::Done,
            Decided::Failed(no("full")),
            Decided::Skipped,
            Decided::Untouched
        ]
    );
    assert_eq!(person.saw, [(0, 4, 3), (0, 4, 3), (1, 4, 2), (2, 4, 1)]);
    assert_eq!(person.troubles, [no("full")]);
    assert_eq!(keeper.take_log(), ["a keep 0", "a keep 0", "b keep 0"]);
}

/// spec 154, 155: a conflict that is gone when its turn comes is named, and the others are decided.
#[test]
fn a_conflict_that_is_gone_is_named() {
    let keeper = Keeper::new("k", HANDLER);
    let world = world(&keeper, &["a", "b"]);
    let items = world.items("k");
    let views = world.host.conflicts(&id("k"), &items, None).unwrap();
    keeper.things().conflicts.remove(0);
    let set: Vec<_> = views.into_iter().map(|view| (id("k"), view)).collect();
    let desk = Desk::new(&world.host, BTreeMap::from([(id("k"), items)]));
    let mut usual = chosen(PresenterChoice::KeepRecent, &[]);
    let outcomes = desk.resolve(&set, &mut usual, &mut |_: &Batch| Ok(()));
    assert!(matches!(outcomes[0], Decided::Failed(_)));
    assert_eq!(outcomes[1], Decided::Done);
}

/// Ten thousand decisions list the conflicts of an item once, and not for each of them; what is
/// carried out at once is looked at anew.
#[test]
fn many_decisions_that_were_made_beforehand_ask_the_store_once() {
    for (works_in_sessions, n_listed) in [(true, 1), (false, 4)] {
        let keeper = Keeper::new("k", HANDLER);
        keeper.things().works_in_sessions = works_in_sessions;
        let world = world(&keeper, &["a", "b", "c"]);
        let items = world.items("k");
        let addresses: Vec<_> = ["a", "b", "c"]
            .map(|id| Address::parse(&format!("conflict://k/one/{id}")).unwrap())
            .into();
        let desk = Desk::new(&world.host, BTreeMap::from([(id("k"), items)])).quiet();
        keeper.things().n_listed = 0;
        let views = desk
            .bind_all(&addresses.iter().collect::<Vec<_>>())
            .unwrap();
        let set: Vec<_> = views.into_iter().map(|view| (id("k"), view)).collect();
        let mut usual = chosen(PresenterChoice::KeepRecent, &[]);
        let mut n_batches = 0;
        let decided = desk.resolve(&set, &mut usual, &mut |batch: &Batch| {
            n_batches += 1;
            assert_eq!(batch.choices.len(), 3);
            Ok(())
        });
        assert_eq!(decided, [Decided::Done, Decided::Done, Decided::Done]);
        assert_eq!(n_batches, usize::from(works_in_sessions));
        assert_eq!(keeper.things().n_listed, n_listed, "{works_in_sessions}");
        let gone = Address::parse("conflict://k/one/zzz").unwrap();
        assert!(desk.bind_all(&[&gone, &addresses[0]]).is_err());
    }
}
