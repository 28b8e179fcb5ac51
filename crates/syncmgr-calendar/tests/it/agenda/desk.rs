//! One item, its agenda, and a clock that the test moves.

use syncmgr_calendar::Calendar;
use syncmgr_center::agenda::{Agenda, Due, End, Look, Rules, Situation, seed_of};
use syncmgr_model::id::ItemId;
use syncmgr_model::schedule::text::parse_duration;
use syncmgr_model::schedule::{ChangeRule, RunPolicy, Schedule, SystemEvent};
use syncmgr_model::time::Timestamp;

use crate::tables::utc;

/// A Friday.
pub(super) const START: &str = "2026-11-20T10:00:00Z";

/// An item at a machine.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) agenda: Agenda,
    pub(super) schedules: Vec<Schedule>,
    pub(super) policy: RunPolicy,
    pub(super) calendar: Calendar,
    pub(super) machine: Situation,
    pub(super) now: Timestamp,
    pub(super) seed: u64,
}

impl Desk {
    /// An item with one schedule of these triggers; the agenda has begun to follow it.
    pub(super) fn new(triggers: &[&str], change: impl Fn(&mut Schedule)) -> Self {
        let mut schedule = Schedule::new("plan");
        schedule.triggers = triggers.iter().map(|it| it.parse().unwrap()).collect();
        change(&mut schedule);
        let now = utc(START);
        let mut desk = Self {
            agenda: Agenda::new(now),
            schedules: vec![schedule],
            policy: RunPolicy {
                change: ChangeRule {
                    quiet_ms: 5_000,
                    most_wait_ms: 120_000,
                    gap_ms: 10_000,
                },
                ..RunPolicy::default()
            },
            calendar: Calendar::in_zone("UTC").unwrap(),
            machine: Situation {
                is_online: true,
                is_on_power: Some(true),
                is_unmetered: Some(true),
                idle_ms: Some(0),
                ..Situation::default()
            },
            now,
            seed: seed_of(&ItemId::new("photos").unwrap()),
        };
        desk.look();
        desk
    }

    pub(super) fn look(&mut self) -> Look {
        let rules = Rules {
            schedules: &self.schedules,
            policy: &self.policy,
            calendar: &self.calendar,
            seed: self.seed,
        };
        self.agenda.look(self.now, rules, &self.machine)
    }

    /// The center is there all the time and looks whenever it said it would.
    pub(super) fn wait(&mut self, length: &str) -> Look {
        let until = Timestamp(self.now.0 + i64::try_from(parse_duration(length).unwrap()).unwrap());
        loop {
            let look = self.look();
            match look.next_wake {
                Some(at) if at < until => self.now = at,
                Some(_) | None => break,
            }
        }
        self.now = until;
        self.look()
    }

    /// Nobody looks: the machine sleeps, the program is off, or the clock leaps.
    pub(super) fn sleep(&mut self, length: &str) -> Look {
        self.now = Timestamp(self.now.0 + i64::try_from(parse_duration(length).unwrap()).unwrap());
        self.look()
    }

    /// The clock is set back.
    pub(super) fn set_back(&mut self, length: &str) -> Look {
        self.now = Timestamp(self.now.0 - i64::try_from(parse_duration(length).unwrap()).unwrap());
        self.look()
    }

    pub(super) fn happened(&mut self, event: &SystemEvent) {
        let rules = Rules {
            schedules: &self.schedules,
            policy: &self.policy,
            calendar: &self.calendar,
            seed: self.seed,
        };
        self.agenda.happened(event, self.now, rules);
    }

    pub(super) fn succeeded(&mut self, item: &str) {
        let rules = Rules {
            schedules: &self.schedules,
            policy: &self.policy,
            calendar: &self.calendar,
            seed: self.seed,
        };
        self.agenda.succeeded(item, self.now, rules);
    }

    pub(super) fn changed(&mut self) {
        self.agenda.changed(self.now, &self.policy);
    }

    /// Runs what is due, in no time.
    #[track_caller]
    pub(super) fn run(&mut self, end: End) -> Due {
        let look = self.look();
        assert!(look.can_start(), "{look:#?}");
        let due = look.due.unwrap();
        self.agenda.started(self.now, Some(&due.schedule));
        self.agenda.ended(self.now, end, &self.policy);
        due
    }

    /// The program is killed and starts again; what was saved is all that is left.
    pub(super) fn restart(&mut self) {
        self.agenda = Agenda::load(self.agenda.memory().clone(), &self.policy);
    }
}

/// Says when, as `2026-11-20T18:00:00Z`.
pub(super) fn at(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "never".to_owned(), Timestamp::rfc3339)
}
