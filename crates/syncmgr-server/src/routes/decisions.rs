//! Decisions on conflicts: all go through the one desk of the center.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use syncmgr_api::wire::desk::{
    ConflictVersion, Resolve, ResolveAnswer, ResolveMatching, ResolveOne, Resolved,
};
use syncmgr_api::wire::run::{Mode, RunAccepted};
use syncmgr_center::center::NotStarted;
use syncmgr_center::command::{Control, Scope, StartOptions, Taken};
use syncmgr_center::desk::{Batch, Decided};
use syncmgr_model::conflict::Address;
use syncmgr_model::request::Work;
use syncmgr_model::resolution::Pick;
use syncmgr_model::trouble::{Code, Trouble};

use super::conflicts::{Row, address, complete, keep_fitting, look, name_of, read_filter};
use super::sessions::{answer_taken, intent};
use crate::answer::Refusal;
use crate::center::{Api, aside, not_started, places, refused};
use crate::desk::{Chosen, Places};
use crate::extract::{Json, json};
use crate::previews::Place;
use crate::words::accepted;

/// Most conflicts decided by one request.
const DECISIONS_MAX: usize = 10_000;

/// What is to be decided, in this order, with the contents that were seen.
type Picks = Vec<(Chosen, Vec<ConflictVersion>)>;

/// Decides conflicts, or says what that would do. When one is not what the person saw any more,
/// nothing is done and the answer is 409 `state-changed`. Decisions of one sync are one run.
#[utoipa::path(post, path = "/api/v1/conflicts/resolve", tag = "conflicts",
    request_body = Resolve, responses((status = 202, body = ResolveAnswer), Refusal))]
pub(super) async fn resolve(
    State(api): State<Api>,
    Json(resolve): Json<Resolve>,
) -> Result<Response, Refusal> {
    let places = api.read(|state, store, _| places(state, store)).await?;
    let is_preview = resolve.preview;
    let (picks, seen) = match (&resolve.matching, &*resolve.decisions) {
        (None, []) => return Err(Refusal::field("decisions", "missing", "at least one")),
        (None, decisions) => named(&api, &places, decisions).await?,
        (Some(matching), []) => matched(&api, &places, matching, is_preview).await?,
        (Some(_), _) => {
            let words = "either some that are named, or all that fit";
            return Err(Refusal::field("matching", "unusable", words));
        }
    };
    let chosen = picks.iter().map(|(chosen, _)| chosen.clone()).collect();
    let (runs, outcomes) = carry_out(&api, places, chosen, is_preview).await?;
    let outcomes = resolved(&picks, &outcomes);
    let (syncs, runs): (Vec<_>, Vec<_>) = runs.into_iter().unzip();
    let location = runs.first().map(|run: &RunAccepted| run.run.clone());
    let body = json(&ResolveAnswer {
        runs,
        syncs,
        outcomes,
        seen,
    });
    Ok(answer_taken(body, location.as_deref()))
}

fn resolved(picks: &Picks, outcomes: &[Decided]) -> Vec<Resolved> {
    let mut for_all = None;
    let one = |((chosen, versions), decided): (&(Chosen, Vec<ConflictVersion>), &Decided)| {
        if let Some(rule) = chosen.pick.as_ref().filter(|pick| pick.applies_to_all) {
            for_all = Some(rule.clone());
        }
        let pick = chosen.pick.as_ref().or(for_all.as_ref());
        let (outcome, notice) = match decided {
            Decided::Done => ("done", None),
            Decided::Skipped => ("skipped", None),
            Decided::Untouched => ("untouched", None),
            Decided::Failed(trouble) => ("failed", Some(trouble.into())),
        };
        Resolved::of(chosen.address.to_string(), outcome, notice, pick, versions)
    };
    picks.iter().zip(outcomes).map(one).collect()
}

/// Reads decisions on named conflicts, and compares what was seen with what there is.
async fn named(
    api: &Api,
    places: &Places,
    decisions: &[ResolveOne],
) -> Result<(Picks, String), Refusal> {
    if decisions.len() > DECISIONS_MAX {
        return Err(Refusal::field("decisions", "unusable", "at most 10000"));
    }
    let wanted = decisions
        .iter()
        .enumerate()
        .map(|(n, one)| Ok((address(&one.conflict)?, pick(n, one)?)))
        .collect::<Result<Vec<_>, Refusal>>()?;
    let rows = rows_of(api, places, &wanted).await?;
    let mut all = Vec::with_capacity(rows.len());
    let mut known = BTreeSet::new();
    for ((n, one), (row, (address, pick))) in
        decisions.iter().enumerate().zip(rows.iter().zip(wanted))
    {
        check_seen(row, &one.seen)?;
        if !known.insert(address.clone()) {
            let field = format!("decisions[{n}].conflict");
            return Err(Refusal::field(&field, "unusable", "it is decided twice"));
        }
        all.push(Asked {
            n,
            kind: row.listed.kind.clone(),
            state: row.found.state.clone(),
            versions: row.listed.versions.clone(),
            address,
            pick,
        });
    }
    Ok((in_order(all)?, name_of_all(&rows)))
}

/// Looks at named conflicts, each place only once.
async fn rows_of(
    api: &Api,
    places: &Places,
    wanted: &[(Address, Option<Pick>)],
) -> Result<Vec<Row>, Refusal> {
    if let [(address, _)] = wanted {
        let (places, address) = (places.clone(), address.clone());
        let found = api
            .ask(move |desk| desk.find_conflict(&places, &address))
            .await?;
        return Ok(vec![Row::of(found)]);
    }
    let mut meant = places.clone();
    meant.retain(|id, _| wanted.iter().any(|(address, _)| address.handler == *id));
    let (mut found, silent) = look(api, meant.clone()).await?;
    let addresses: BTreeSet<_> = wanted.iter().map(|(address, _)| address).collect();
    found.retain(|one| addresses.contains(&one.card.address));
    let rows = complete(api, meant, found).await?;
    let mut known: BTreeMap<Address, Row> = rows
        .into_iter()
        .map(|row| (row.found.card.address.clone(), row))
        .collect();
    let mut taken = Vec::with_capacity(wanted.len());
    for (address, _) in wanted {
        if let Some(row) = known.remove(address) {
            taken.push(row);
            continue;
        }
        let of_it = silent.iter().find(|(handler, item, _)| {
            *handler == address.handler && (item.is_none() || *item == address.item)
        });
        if let Some((.., trouble)) = of_it {
            return Err(refused(trouble));
        }
        // Whether it is gone, or another one now, its handler says.
        let (places, address) = (places.clone(), address.clone());
        let found = api
            .ask(move |desk| desk.find_conflict(&places, &address))
            .await?;
        taken.push(Row::of(found));
    }
    Ok(taken)
}

/// A decision that was asked for.
struct Asked {
    /// Its place in the request.
    n: usize,
    address: Address,
    kind: String,
    state: String,
    versions: Vec<ConflictVersion>,
    pick: Option<Pick>,
}

impl Asked {
    fn chosen(self, pick: Option<Pick>) -> (Chosen, Vec<ConflictVersion>) {
        let chosen = Chosen {
            address: self.address,
            state: self.state,
            pick,
        };
        (chosen, self.versions)
    }
}

/// Brings decisions into an order in which a choice for all meets only those without one of their
/// own: these come behind it.
fn in_order(all: Vec<Asked>) -> Result<Picks, Refusal> {
    let (own, mut rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|it| it.pick.is_some());
    let (rules, own): (Vec<_>, Vec<_>) = own
        .into_iter()
        .partition(|it| it.pick.as_ref().is_some_and(|pick| pick.applies_to_all));
    let own_choice = |it: Asked| {
        let pick = it.pick.clone();
        it.chosen(pick)
    };
    let mut picks: Picks = own.into_iter().map(own_choice).collect();
    for rule in rules {
        let is_like =
            |it: &Asked| it.kind == rule.kind && it.address.handler == rule.address.handler;
        let (like, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_like);
        rest = others;
        picks.push(own_choice(rule));
        picks.extend(like.into_iter().map(|it| it.chosen(None)));
    }
    match rest.first() {
        Some(left) => {
            let field = format!("decisions[{}].decision", left.n);
            let words = "no other decision applies to conflicts of this kind and handler";
            Err(Refusal::field(&field, "missing", words))
        }
        None => Ok(picks),
    }
}

fn pick(n: usize, one: &ResolveOne) -> Result<Option<Pick>, Refusal> {
    let field = format!("decisions[{n}].decision");
    match &one.decision {
        Some(decision) => {
            let pick = decision
                .pick()
                .map_err(|fault| Refusal::field(&field, "unusable", fault.to_string()))?;
            Ok(Some(Pick {
                applies_to_all: one.for_all,
                ..pick
            }))
        }
        None if one.for_all => Err(Refusal::field(&field, "missing", "it is to apply to all")),
        None => Ok(None),
    }
}

/// Finds all that fit, and compares them with what a preview showed.
async fn matched(
    api: &Api,
    places: &Places,
    matching: &ResolveMatching,
    is_preview: bool,
) -> Result<(Picks, String), Refusal> {
    let filter = read_filter("matching.filter", &matching.filter)?;
    let pick = matching
        .decision
        .pick()
        .map_err(|fault| Refusal::field("matching.decision", "unusable", fault.to_string()))?;
    if matching.seen.is_none() && !is_preview {
        let words = "a preview of the same filter gives it";
        return Err(Refusal::field("matching.seen", "missing", words));
    }
    // Who cannot be asked is left as it is: it is not among those that were seen either.
    let (mut found, _) = look(api, places.clone()).await?;
    keep_fitting(&mut found, &filter, places);
    if found.len() > DECISIONS_MAX {
        let words = "more than 10000 conflicts fit; choose fewer at once";
        return Err(Refusal::field("matching.filter", "unusable", words));
    }
    found.sort_by(|a, b| a.card.address.cmp(&b.card.address));
    let rows = complete(api, places.clone(), found).await?;
    let seen = name_of_all(&rows);
    if matching
        .seen
        .as_ref()
        .is_some_and(|of_then| *of_then != seen)
    {
        return Err(changed(&matching.filter));
    }
    let picks = rows.into_iter().map(|row| {
        let chosen = Chosen {
            address: row.found.card.address,
            state: row.found.state,
            pick: Some(pick.clone()),
        };
        (chosen, row.listed.versions)
    });
    Ok((picks.collect(), seen))
}

/// Compares what a person saw with what there is.
fn check_seen(row: &Row, seen: &str) -> Result<(), Refusal> {
    if row.listed.seen == seen {
        return Ok(());
    }
    let path = row
        .found
        .file
        .as_ref()
        .map(|file| syncmgr_model::escape::escape(&file.path));
    Err(changed(&path.unwrap_or_else(|| row.listed.name.clone())))
}

fn changed(path: &str) -> Refusal {
    let refusal = refused(&Trouble::new(Code::StateChanged).with("path", path));
    debug_assert_eq!(refusal.0.status, StatusCode::CONFLICT.as_u16());
    refusal
}

fn name_of_all(rows: &[Row]) -> String {
    let mut names: Vec<_> = rows
        .iter()
        .map(|row| format!("{} {}\n", row.listed.address, row.listed.seen))
        .collect();
    names.sort();
    name_of(names.concat().as_bytes())
}

/// Decides; the runs are only begun, and history has how they end. When nothing at all could be
/// done, the answer is why.
async fn carry_out(
    api: &Api,
    places: Places,
    chosen: Vec<Chosen>,
    is_preview: bool,
) -> Result<(Vec<(String, RunAccepted)>, Vec<Decided>), Refusal> {
    let api = api.clone();
    aside(move || {
        let mut runs = Vec::new();
        let mut refusals = Vec::new();
        let mut place = if is_preview {
            Some(api.previews.reserve()?)
        } else {
            None
        };
        let mut begin = |batch: &Batch| match start(&api, batch, place.as_mut()) {
            Ok(run) => {
                runs.push((format!("{}/{}", batch.handler, batch.item), run));
                Ok(())
            }
            Err((refusal, trouble)) => {
                refusals.push(refusal);
                Err(trouble)
            }
        };
        let outcomes = api
            .desk
            .decide(&places, &chosen, is_preview, &mut begin)
            .map_err(|trouble| refused(&trouble))?;
        if let Some(place) = place {
            place.wait();
        }
        let first = outcomes.first().cloned();
        let is_failed = |it: &Decided| matches!(it, Decided::Failed(_));
        match first {
            Some(Decided::Failed(trouble)) if outcomes.iter().all(is_failed) => {
                let refusal = refusals.into_iter().next();
                Err(refusal.unwrap_or_else(|| refused(&trouble)))
            }
            Some(_) | None => Ok((runs, outcomes)),
        }
    })
    .await
}

/// Begins the run that carries out the decisions of one item; with a place for previews, the preview
/// of it.
fn start(
    api: &Api,
    batch: &Batch,
    previews: Option<&mut Place>,
) -> Result<RunAccepted, (Refusal, Trouble)> {
    let is_preview = previews.is_some();
    let no = |refusal: Refusal| {
        let detail = refusal.0.title.clone();
        (
            refusal,
            Trouble::new(Code::NotPossible).with("detail", detail),
        )
    };
    let mode = if is_preview {
        Mode::Preview
    } else {
        Mode::Sync
    };
    let options = StartOptions {
        work: Work::Resolve(batch.choices.clone()),
        intent: intent(mode),
        joins: !is_preview,
        ..StartOptions::default()
    };
    let scope = Scope::Items(batch.handler.clone(), vec![batch.item.clone()]);
    let control = Control::Start(scope, Box::new(options));
    let pending = api.center.start(control).map_err(|error| match &error {
        NotStarted::Refused(refusal) => (not_started(&error), refusal.trouble.clone()),
        NotStarted::Gone => no(not_started(&error)),
    })?;
    // It enters no history: a run that is named but never was would be looked for in vain.
    if let (Taken::Nothing, Some((_, why))) =
        (pending.accepted.taken, pending.accepted.dropped.first())
    {
        return Err((refused(why), why.clone()));
    }
    let taken = match previews {
        Some(place) => place.add(pending),
        // History has the outcome.
        None => pending.accepted,
    };
    Ok(accepted(&taken))
}
