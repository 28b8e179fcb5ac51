//! What became of runs, and what was said of them, is found by every condition.

use syncmgr_center::port::Saying;
use syncmgr_model::outcome::Outcome;

use super::*;

/// A run of some items that began at a minute, with what became of each.
fn run_at(minute: i64, items: &[(&str, ProgressStatus, Summary)]) -> SessionRecord {
    let at = minutes(minute).unwrap();
    let (_, status, _) = items[0];
    let results = items.iter().map(|(item, status, summary)| ItemResult {
        item: id(item),
        status: Some(*status),
        summary: *summary,
        phases: Vec::new(),
    });
    SessionRecord {
        id: SessionId::at(at, 0),
        items: results.collect(),
        started: at,
        ended: Some(at),
        status: Some(status),
        summary: items
            .iter()
            .fold(Summary::default(), |all, (_, _, one)| all.plus(one)),
        ..record("x")
    }
}

/// A message that runs of an item were missed at a minute.
fn missed_at(number: u64, minute: i64, item: &str, n: u64) -> Event {
    Event {
        at: minutes(minute).unwrap(),
        item: Some(id(item)),
        session: None,
        trouble: Said::new(Code::MissedRun).with("n", n),
        ..event(number, EventLevel::Warning)
    }
}

fn minutes(n: i64) -> Option<Timestamp> {
    Some(Timestamp(1_800_000_000_000 + n * 60_000))
}

/// A store with runs and messages, and all that is in it.
fn with_runs() -> (
    tempfile::TempDir,
    SqliteStore,
    Vec<SessionRecord>,
    Vec<Event>,
) {
    use ProgressStatus::{Canceled, Disconnected, Failed, Succeeded};
    let (dir, mut store) = store();
    let nothing = Summary::default();
    let warnings = Summary {
        n_warnings: 1,
        ..nothing
    };
    let sessions = vec![
        run_at(1, &[("a", Succeeded, summary())]),
        run_at(2, &[("a", Failed, nothing), ("b", Succeeded, warnings)]),
        run_at(3, &[("b", Canceled, nothing)]),
        run_at(5, &[("a", Succeeded, nothing)]),
        run_at(6, &[("a", Disconnected, nothing)]),
    ];
    let events = vec![
        missed_at(1, 0, "b", 1),
        missed_at(2, 4, "a", 7),
        Event {
            at: minutes(6).unwrap(),
            ..event(3, EventLevel::Error)
        },
    ];
    let saves = sessions.iter().cloned().map(Save::Ended);
    let saves = saves.chain(events.iter().cloned().map(Save::Event));
    store.save(&saves.collect::<Vec<_>>()).unwrap();
    (dir, store, sessions, events)
}

#[test]
fn sessions_are_found_by_what_became_of_them_and_when() {
    let (_dir, mut store, sessions, _) = with_runs();
    for item in [None, Some(key("a")), Some(key("b"))] {
        for outcomes in [vec![], vec![Outcome::Failed], Outcome::ALL[..2].to_vec()] {
            for (since, until) in [(None, None), (minutes(2), None), (None, minutes(2))] {
                let query = SessionQuery {
                    item: item.clone(),
                    outcomes: outcomes.clone(),
                    since,
                    until,
                    ..SessionQuery::default()
                };
                let wanted = sessions.iter().rev().filter(|it| query.fits(it));
                let wanted: Vec<_> = wanted.cloned().collect();
                assert_eq!(store.sessions(&query).unwrap(), wanted, "{query:?}");
            }
        }
    }
}

#[test]
fn the_last_runs_are_told_with_those_that_were_missed() {
    use Outcome::{Conflicts, Failed, Missed, Ok, Stopped, Warnings};
    let (_dir, mut store, sessions, events) = with_runs();
    let keys = [key("b"), key("a"), key("none")];
    let past = store.past(&keys, 3).unwrap();
    let words = |past: &[Past]| past.iter().map(|it| it.outcome).collect::<Vec<_>>();
    assert_eq!(words(&past[0]), [Missed, Warnings, Stopped]);
    assert_eq!(words(&past[1]), [Missed, Ok, Missed]);
    assert_eq!(past[1][0].at, events[1].at);
    assert_eq!(past[1][2].session, Some(sessions[4].id.clone()));
    assert!(past[2].is_empty());
    let all = store.reader().unwrap().past(&keys, 60).unwrap();
    assert_eq!(words(&all[1]), [Conflicts, Failed, Missed, Ok, Missed]);

    let activity = store.activity(minutes(2).unwrap()).unwrap();
    assert_eq!((activity.n_ok, activity.n_failed), (1, 1));
    assert_eq!((activity.n_missed, activity.n_stopped), (8, 1));
    let whole = store.activity(minutes(0).unwrap()).unwrap();
    assert_eq!((whole.n_files.left, whole.n_files.right), (3, 0));
}

#[test]
fn events_are_found_by_what_they_contain_and_until_when() {
    let (_dir, mut store, _, events) = with_runs();
    let saying = |text: &str| Saying {
        text: text.to_owned(),
        ..Saying::default()
    };
    let until = |until| EventQuery {
        until,
        ..EventQuery::default()
    };
    let mut queries = vec![until(minutes(-1)), until(minutes(4)), until(minutes(9))];
    let of_code = Saying {
        codes: vec![Code::MissedRun],
        ..saying("no")
    };
    let of_item = Saying {
        items: vec![key("b")],
        ..saying("no")
    };
    let texts = ["14", "A/B", "n", "%", "\""].map(saying);
    for saying in texts.into_iter().chain([of_code, of_item]) {
        queries.push(EventQuery {
            saying: Some(saying),
            ..EventQuery::default()
        });
    }
    for query in queries {
        let wanted = events.iter().rev().filter(|it| query.fits(it));
        let wanted: Vec<_> = wanted.cloned().collect();
        assert_eq!(store.events(&query).unwrap(), wanted, "{query:?}");
    }
}
