//! When syncs run by themselves. Every rule is a short text that people can type.

use serde::{Deserialize, Serialize};
use syncmgr_model::schedule::text::{duration, parse_duration};
use syncmgr_model::schedule::{self, CatchUp, Conditions, ScheduleItems, StopWhen, Zone};
use utoipa::ToSchema;

use super::Unreadable;

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// The same in a sentence.
    pub sentence: String,
    /// What it says.
    pub rules: ScheduleRules,
}

/// What a schedule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleRules {
    /// Names of the syncs it is for; null: all of them.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub items: Option<Vec<String>>,
    /// It is turned on.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// When to run: `every 15m`, `daily 18:00`, `cron 30 2 * * *`, `on change`, `after NAME`, …
    #[serde(default)]
    #[schema(max_items = 64)]
    pub triggers: Vec<String>,
    /// Only within these: `mon-fri 08:00-18:00`.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub windows: Vec<String>,
    /// The time zone, as `Europe/Berlin`; null: that of the machine.
    #[serde(default)]
    pub zone: Option<String>,
    /// Starts are spread over so long: `5m`.
    #[serde(default)]
    pub jitter: Option<String>,
    /// What to do about missed runs: `once`, `all` or `skip`.
    #[serde(default)]
    pub catch_up: Option<String>,
    /// Only while nobody has used the machine for so long: `10m`.
    #[serde(default)]
    pub idle: Option<String>,
    /// Only with external power.
    #[serde(default)]
    pub on_external_power: bool,
    /// Only on a network that costs nothing by amount.
    #[serde(default)]
    pub on_unmetered_network: bool,
    /// Only on this network.
    #[serde(default)]
    pub on_connection: Option<String>,
    /// May wake the machine.
    #[serde(default)]
    pub may_wake: bool,
    /// A run stops when somebody uses the machine again.
    #[serde(default)]
    pub stop_when_used: bool,
    /// A run stops when the external power goes.
    #[serde(default)]
    pub stop_on_battery: bool,
    /// A person is asked before each run.
    #[serde(default)]
    pub asks_first: bool,
}

fn yes() -> bool {
    true
}

impl From<&schedule::Schedule> for Schedule {
    fn from(s: &schedule::Schedule) -> Self {
        Self {
            name: s.name.clone(),
            sentence: schedule::sentence::sentence(s),
            rules: ScheduleRules::from(s),
        }
    }
}

impl From<&schedule::Schedule> for ScheduleRules {
    fn from(s: &schedule::Schedule) -> Self {
        Self {
            items: match &s.items {
                ScheduleItems::All => None,
                ScheduleItems::Named(names) => Some(names.clone()),
            },
            enabled: s.is_enabled,
            triggers: s.triggers.iter().map(ToString::to_string).collect(),
            windows: s.windows.iter().map(ToString::to_string).collect(),
            zone: match &s.zone {
                Zone::System => None,
                Zone::Named(name) => Some(name.clone()),
            },
            jitter: (s.jitter_ms > 0).then(|| duration(s.jitter_ms)),
            catch_up: Some(s.catch_up.as_str().to_owned()),
            idle: s.conditions.idle_at_least_ms.map(duration),
            on_external_power: s.conditions.on_external_power,
            on_unmetered_network: s.conditions.on_unmetered_network,
            on_connection: s.conditions.on_connection.clone(),
            may_wake: s.conditions.may_wake,
            stop_when_used: s.stop_when.idle_ends,
            stop_on_battery: s.stop_when.power_lost,
            asks_first: s.asks_first,
        }
    }
}

impl ScheduleRules {
    /// Reads the rules of the schedule with this name.
    ///
    /// # Errors
    /// Every field whose text is no rule, and why.
    pub fn read(&self, name: &str) -> Result<schedule::Schedule, Vec<Fault>> {
        let mut faults = Vec::new();
        let read = schedule::Schedule {
            name: name.to_owned(),
            items: match &self.items {
                None => ScheduleItems::All,
                Some(names) => ScheduleItems::Named(names.clone()),
            },
            is_enabled: self.enabled,
            triggers: all("triggers", &self.triggers, &mut faults),
            zone: match &self.zone {
                None => Zone::System,
                Some(name) => Zone::Named(name.clone()),
            },
            windows: all("windows", &self.windows, &mut faults),
            jitter_ms: time("jitter", self.jitter.as_deref(), &mut faults).unwrap_or(0),
            catch_up: match self.catch_up.as_deref().map(CatchUp::parse) {
                None => CatchUp::default(),
                Some(Some(word)) => word,
                Some(None) => {
                    let words = "`once`, `all` or `skip`".to_owned();
                    faults.push(("catch_up".to_owned(), words));
                    CatchUp::default()
                }
            },
            conditions: Conditions {
                idle_at_least_ms: time("idle", self.idle.as_deref(), &mut faults),
                on_external_power: self.on_external_power,
                on_unmetered_network: self.on_unmetered_network,
                on_connection: self.on_connection.clone(),
                may_wake: self.may_wake,
            },
            stop_when: StopWhen {
                idle_ends: self.stop_when_used,
                power_lost: self.stop_on_battery,
            },
            asks_first: self.asks_first,
        };
        if faults.is_empty() {
            Ok(read)
        } else {
            Err(faults)
        }
    }
}

/// A field, and what is wrong with it.
pub type Fault = (String, String);

/// Reads every text of a list.
fn all<T>(field: &str, texts: &[String], faults: &mut Vec<Fault>) -> Vec<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let read = |(n, text): (usize, &String)| {
        let read = text.parse();
        read.map_err(|error: T::Err| faults.push((format!("{field}[{n}]"), error.to_string())))
            .ok()
    };
    texts.iter().enumerate().filter_map(read).collect()
}

fn time(field: &str, text: Option<&str>, faults: &mut Vec<Fault>) -> Option<u64> {
    let read = parse_duration(text?);
    read.map_err(|error| faults.push((field.to_owned(), error.to_string())))
        .ok()
}

impl TryFrom<&Schedule> for schedule::Schedule {
    type Error = Unreadable;

    fn try_from(s: &Schedule) -> Result<Self, Unreadable> {
        s.rules.read(&s.name).map_err(|faults| Unreadable {
            what: "a schedule",
            text: faults
                .into_iter()
                .map(|(_, text)| text)
                .next()
                .unwrap_or_default(),
        })
    }
}

/// The coming runs of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextRuns {
    /// The schedule.
    pub name: String,
    /// When, the earliest first.
    pub at: Vec<String>,
}

/// What a schedule would be, were it saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleChecked {
    /// What it says, in a sentence.
    pub sentence: String,
    /// When it would start runs, at most five, the earliest first; none where it is no time.
    pub next: Vec<String>,
}

/// Planned runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Agenda {
    /// The runs, the earliest first.
    pub items: Vec<PlannedRun>,
}

/// A planned run of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedRun {
    /// When it is due.
    pub at: String,
    /// The schedule.
    pub schedule: String,
    /// The first syncs it runs, at most 20.
    pub items: Vec<PlannedItem>,
    /// How many syncs it runs.
    pub total: u64,
}

/// A sync that a schedule runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedItem {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_read_back() {
        let mut schedule = schedule::Schedule::new("evening");
        schedule.triggers = vec!["daily 18:00".parse().unwrap(), "on change".parse().unwrap()];
        schedule.windows = vec!["mon-fri 08:00-18:00".parse().unwrap()];
        schedule.jitter_ms = 300_000;
        schedule.conditions.on_external_power = true;
        let wire = Schedule::from(&schedule);
        assert_eq!(schedule::Schedule::try_from(&wire), Ok(schedule));
        let mut bad = wire.rules;
        bad.triggers.push("at lunch".into());
        bad.idle = Some("long".into());
        let faults = bad.read("evening").unwrap_err();
        let fields: Vec<_> = faults.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["triggers[2]", "idle"]);
    }
}
