//! What holds whatever the schedule and however the machine sleeps and its clock jumps: every
//! occurrence is run for, still owed, or reported as missed, and only one of these, once.

use proptest::prelude::*;
use syncmgr_calendar::Between;
use syncmgr_center::agenda::{Cause, End, Look};
use syncmgr_model::catalogue::Retry;
use syncmgr_model::schedule::CatchUp;
use syncmgr_model::time::Timestamp;

use super::desk::Desk;

/// What happens to the machine.
#[derive(Debug, Clone)]
enum Step {
    /// The center looks at its times, and runs what can start.
    Wait(u32),
    /// It looks and starts nothing.
    Idle(u32),
    /// Nobody is there.
    Sleep(u32),
    /// The clock is set back, by less than a day in all.
    Back(u32),
    /// A person runs it.
    ByHand(bool),
    /// External power comes or goes.
    Power(bool),
    /// The pause begins or ends.
    Pause(bool),
    /// The program is killed.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1u32..20_000).prop_map(Step::Wait),
        2 => (1u32..20_000).prop_map(Step::Idle),
        3 => (1u32..200_000).prop_map(Step::Sleep),
        1 => (1u32..7_000).prop_map(Step::Back),
        1 => any::<bool>().prop_map(Step::ByHand),
        1 => any::<bool>().prop_map(Step::Power),
        1 => any::<bool>().prop_map(Step::Pause),
        1 => Just(Step::Restart),
    ]
}

fn desk() -> impl Strategy<Value = Desk> {
    let trigger = prop::sample::select(vec![
        "every 37m",
        "every 5m from 2026-11-20 00:03",
        "every 1d from 2026-01-31 02:30",
        "daily 02:30,11:00,18:00",
        "mon-fri 08:00",
        "cron */20 * * * *",
        "cron 30 2 * * *",
    ]);
    let windows = prop::sample::select(vec![
        None,
        Some("mon-fri 08:00-18:00"),
        Some("daily 22:00-03:00"),
    ]);
    let catch_up = prop::sample::select(vec![CatchUp::Once, CatchUp::All, CatchUp::Skip]);
    let jitter = prop::sample::select(vec![0u64, 90_000, 7_200_000]);
    (trigger, windows, catch_up, jitter).prop_map(|(trigger, window, catch_up, jitter_ms)| {
        Desk::new(&[trigger], |it| {
            it.windows = window.into_iter().map(|it| it.parse().unwrap()).collect();
            it.zone = "Europe/Prague".into();
            it.catch_up = catch_up;
            it.jitter_ms = jitter_ms;
            it.conditions.on_external_power = true;
        })
    })
}

/// Counts what became of the occurrences.
#[derive(Default)]
struct Books {
    n_run: u64,
    n_missed: u64,
    n_caught_up: u64,
    n_to_catch_up: u64,
    is_at_least: bool,
}

impl Books {
    fn note(&mut self, look: &Look) {
        for missed in &look.missed {
            self.n_missed += u64::from(missed.n);
            self.n_to_catch_up += u64::from(missed.n_runs);
            self.is_at_least |= missed.is_at_least;
        }
    }

    fn look(&mut self, desk: &mut Desk) -> Look {
        let look = desk.look();
        self.note(&look);
        look
    }

    fn start(&mut self, desk: &mut Desk, by: Option<&str>) {
        let before = owed(desk);
        desk.agenda.started(desk.now, by);
        let after = owed(desk);
        self.n_run += before.0 - after.0;
        self.n_caught_up += before.1 - after.1;
        assert_eq!(after.0, 0);
    }
}

/// Returns how many occurrences on time are owed, and how many runs to catch up.
fn owed(desk: &Desk) -> (u64, u64) {
    let memory = desk.agenda.memory().schedule("plan").unwrap();
    memory
        .owed
        .iter()
        .fold((0, 0), |(n, runs), it| match it.cause {
            Cause::Time => (n + u64::from(it.n), runs),
            Cause::CatchUp { n_runs } => (n, runs + u64::from(n_runs)),
            Cause::Event(_) | Cause::After(_) => (n, runs),
        })
}

fn wait(desk: &mut Desk, books: &mut Books, secs: u32, starts: bool) {
    let until = Timestamp(desk.now.0 + i64::from(secs) * 1000);
    for _ in 0..500 {
        let look = books.look(desk);
        if starts && look.can_start() {
            books.start(desk, Some("plan"));
            desk.agenda.ended(desk.now, End::Success, &desk.policy);
            continue;
        }
        let Some(at) = look.next_wake.filter(|at| *at < until) else {
            break;
        };
        assert!(at > desk.now, "a look that is due at once would never end");
        desk.now = at;
    }
    desk.now = until;
    books.look(desk);
}

fn play(desk: &mut Desk, books: &mut Books, step: &Step, room_ms: &mut i64) {
    match step {
        Step::Wait(secs) => wait(desk, books, *secs, true),
        Step::Idle(secs) => wait(desk, books, *secs, false),
        Step::Sleep(secs) => {
            desk.now = Timestamp(desk.now.0 + i64::from(*secs) * 1000);
            books.look(desk);
        }
        Step::Back(secs) => {
            let ms = (i64::from(*secs) * 1000).min(*room_ms);
            *room_ms -= ms;
            desk.now = Timestamp(desk.now.0 - ms);
            books.look(desk);
        }
        Step::ByHand(is_fine) => {
            books.look(desk);
            books.start(desk, None);
            let end = if *is_fine {
                End::Success
            } else {
                End::Failed(Retry::Later)
            };
            desk.agenda.ended(desk.now, end, &desk.policy);
        }
        Step::Power(is_on) => desk.machine.is_on_power = Some(*is_on),
        Step::Pause(is_paused) => {
            books.look(desk);
            desk.machine.is_paused = *is_paused;
            books.look(desk);
        }
        Step::Restart => desk.restart(),
    }
}

/// All occurrences from the beginning to where the agenda is.
fn n_occurrences(desk: &Desk, after: Timestamp) -> u64 {
    let until = desk.agenda.memory().schedule("plan").unwrap().handled;
    let it = &desk.schedules[0];
    let between = Between { after, until };
    let times = desk
        .calendar
        .occurrences(&it.triggers[0], &it.zone, between, after, 1_000_000);
    times.len() as u64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_occurrence_is_run_owed_or_reported_once(
        mut desk in desk(),
        steps in prop::collection::vec(step(), 1..25),
    ) {
        let start = desk.now;
        let catch_up = desk.schedules[0].catch_up;
        let mut books = Books::default();
        let mut room_ms = 20 * 3_600_000;
        let mut handled = start;
        for step in &steps {
            play(&mut desk, &mut books, step, &mut room_ms);
            let now = desk.agenda.memory().schedule("plan").unwrap().handled;
            prop_assert!(now >= handled, "nothing is dealt with twice");
            handled = now;
            let plan = desk.agenda.memory().schedule("plan").unwrap();
            prop_assume!(!books.is_at_least && !plan.owed.iter().any(|it| it.is_at_least));
            let (n_owed, n_to_run) = owed(&desk);
            let n_known = books.n_run + n_owed + books.n_missed;
            prop_assert_eq!(n_known, n_occurrences(&desk, start), "after {:?}", step);
            match catch_up {
                CatchUp::Skip => prop_assert_eq!(books.n_caught_up + n_to_run, 0),
                CatchUp::Once => prop_assert!(n_to_run <= 1),
                CatchUp::All => prop_assert!(books.n_caught_up + n_to_run <= books.n_to_catch_up),
            }
            // What is missed and to be caught up is never forgotten.
            let is_promised = books.n_to_catch_up > 0;
            prop_assert!(!is_promised || books.n_caught_up + n_to_run > 0);
        }
    }
}
