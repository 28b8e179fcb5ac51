//! What keeps a run that is due from starting.

use std::fmt::{self, Display, Formatter};

use syncmgr_model::schedule::Schedule;
use syncmgr_model::schedule::text::duration;
use syncmgr_model::time::Timestamp;

use super::{Rules, Situation, ms};

/// One thing that a run which is due waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// The run that is going on.
    Running,
    /// The end of the pause.
    Paused,
    /// A window of the schedule.
    Window {
        /// When it opens; none when it never does.
        opens: Option<Timestamp>,
    },
    /// That nobody uses the machine.
    Idle {
        /// For so long, milliseconds.
        for_ms: u64,
        /// How long it is idle now; none when the machine cannot tell.
        idle_ms: Option<u64>,
    },
    /// External power.
    Power {
        /// The machine can tell.
        is_known: bool,
    },
    /// A network that costs nothing by the byte.
    Unmetered {
        /// The machine can tell.
        is_known: bool,
    },
    /// The network with this name.
    Connection(String),
}

/// Says what is waited for, as the end of "waiting for …".
impl Display for Waiting {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("the run that is going on"),
            Self::Paused => f.write_str("the end of the pause"),
            Self::Window { opens: Some(_) } => f.write_str("the allowed hours"),
            Self::Window { opens: None } => {
                f.write_str("allowed hours, which never come; change its windows")
            }
            Self::Idle {
                for_ms,
                idle_ms: Some(_),
            } => write!(f, "the computer to be idle for {}", duration(*for_ms)),
            Self::Idle { idle_ms: None, .. } => {
                f.write_str("an idle computer, which cannot be seen on this one")
            }
            Self::Power { is_known: true } => f.write_str("external power"),
            Self::Power { is_known: false } => {
                f.write_str("external power, which cannot be seen on this computer")
            }
            Self::Unmetered { is_known: true } => f.write_str("a network that is not metered"),
            Self::Unmetered { is_known: false } => {
                f.write_str("a network that is known not to be metered")
            }
            Self::Connection(name) => write!(f, "the network {name}"),
        }
    }
}

/// Returns all that keeps runs of a schedule from starting now.
pub(super) fn gate(
    schedule: &Schedule,
    now: Timestamp,
    rules: Rules<'_>,
    machine: &Situation,
) -> Vec<Waiting> {
    let wanted = &schedule.conditions;
    let mut out = Vec::new();
    let calendar = rules.calendar;
    let opens = calendar.next_open(&schedule.windows, &schedule.zone, now);
    if opens != Some(now) {
        out.push(Waiting::Window { opens });
    }
    if let Some(for_ms) = wanted.idle_at_least_ms {
        let idle_ms = machine.idle_ms;
        if idle_ms.is_none_or(|it| it < for_ms) {
            out.push(Waiting::Idle { for_ms, idle_ms });
        }
    }
    if wanted.on_external_power && machine.is_on_power != Some(true) {
        let is_known = machine.is_on_power.is_some();
        out.push(Waiting::Power { is_known });
    }
    let is_free = machine.is_online && machine.is_unmetered == Some(true);
    if wanted.on_unmetered_network && !is_free {
        let is_known = !machine.is_online || machine.is_unmetered.is_some();
        out.push(Waiting::Unmetered { is_known });
    }
    if let Some(name) = &wanted.on_connection
        && !machine.connections.contains(name)
    {
        out.push(Waiting::Connection(name.clone()));
    }
    out
}

/// Returns when it is worth looking again; none when the machine will say so itself.
pub(super) fn look_again(waiting: &Waiting, now: Timestamp) -> Option<Timestamp> {
    match waiting {
        Waiting::Window { opens } => *opens,
        Waiting::Idle { for_ms, idle_ms } => {
            let left_ms = for_ms.saturating_sub((*idle_ms)?);
            Some(Timestamp(now.0.saturating_add(ms(left_ms))))
        }
        Waiting::Running
        | Waiting::Paused
        | Waiting::Power { .. }
        | Waiting::Unmetered { .. }
        | Waiting::Connection(_) => None,
    }
}
