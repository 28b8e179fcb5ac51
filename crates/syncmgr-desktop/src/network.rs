//! Which networks are connected, as NetworkManager says.

use std::collections::BTreeSet;

use syncmgr_model::schedule::SystemEvent;

use crate::bus::{Bus, Properties, Service};

/// Where NetworkManager has its connections that are in use.
pub(crate) const ACTIVE: &str = "/org/freedesktop/NetworkManager/ActiveConnection";

/// Most connections that are looked at: more is no desktop, and each costs a question.
const CONNECTIONS_MAX: usize = 32;
/// Longest name of a network, in characters; a Wi-Fi name has 32 bytes.
const NAME_MAX: usize = 128;

/// `NM_STATE_DISCONNECTING`.
const DISCONNECTING: u32 = 30;
/// `NM_STATE_CONNECTED_LOCAL`, the least that is a network.
const CONNECTED: u32 = 50;
/// `NM_ACTIVE_CONNECTION_STATE_ACTIVATED`.
const ACTIVATED: u32 = 2;
/// `NM_ACTIVE_CONNECTION_STATE_DEACTIVATING`.
const DEACTIVATING: u32 = 3;

/// What NetworkManager says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Network {
    /// None while it does not know itself.
    pub(crate) is_online: Option<bool>,
    pub(crate) is_unmetered: Option<bool>,
    /// All of them are about to go.
    is_leaving: bool,
    /// The names of what is connected, also of what is about to go.
    pub(crate) connected: BTreeSet<String>,
    /// Those of them that are about to go.
    leaving: BTreeSet<String>,
}

/// Reads it; none where NetworkManager does not run or does not answer.
pub(crate) async fn read(bus: &Bus) -> Option<Network> {
    let path = "/org/freedesktop/NetworkManager";
    let all = bus.properties(Service::Network, path, "org.freedesktop.NetworkManager");
    let all = all.await?;
    let mut network = Network::of(&all);
    for path in all.paths("ActiveConnections").iter().take(CONNECTIONS_MAX) {
        let interface = "org.freedesktop.NetworkManager.Connection.Active";
        // One that is gone by now is not connected.
        if let Some(one) = bus.properties(Service::Network, path, interface).await {
            network.add(&one);
        }
    }
    Some(network)
}

impl Network {
    fn of(all: &Properties) -> Self {
        let state = all.number("State").filter(|it| *it != 0);
        Self {
            is_online: state.map(|it| it >= CONNECTED || it == DISCONNECTING),
            is_unmetered: match all.number("Metered") {
                // Yes, and it looks like it.
                Some(1 | 3) => Some(false),
                Some(2 | 4) => Some(true),
                _ => None,
            },
            is_leaving: state == Some(DISCONNECTING),
            ..Self::default()
        }
    }

    fn add(&mut self, one: &Properties) {
        let state = one.number("State");
        let is_there = matches!(state, Some(ACTIVATED | DEACTIVATING));
        // The machine's line to itself is no network.
        if !is_there || one.text("Type") == Some("loopback") {
            return;
        }
        let name = clean(one.text("Id").unwrap_or_default());
        if state == Some(DEACTIVATING) {
            self.leaving.insert(name.clone());
        }
        self.connected.insert(name);
    }

    /// Returns what happened since `before`.
    pub(crate) fn since(&self, before: &Self) -> Vec<SystemEvent> {
        let came = self.connected.difference(&before.connected);
        let mut out: Vec<_> = came
            .map(|name| SystemEvent::Connect(Some(name.clone())))
            .collect();
        let is_back = self.is_online == Some(true) && before.is_online == Some(false);
        if out.is_empty() && is_back {
            out.push(SystemEvent::Connect(None));
        }
        let goes = self.leaving.difference(&before.leaving).next().is_some();
        if goes || (self.is_leaving && !before.is_leaving) {
            out.push(SystemEvent::PendingDisconnect);
        }
        out
    }
}

/// Makes one line of a name that anybody nearby may have chosen.
fn clean(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|it| if it.is_control() { ' ' } else { it })
        .take(NAME_MAX)
        .collect();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(names: &[&str]) -> Network {
        Network {
            is_online: Some(!names.is_empty()),
            connected: names.iter().map(|it| (*it).to_owned()).collect(),
            ..Network::default()
        }
    }

    #[test]
    fn a_network_that_came_is_named() {
        let (none, home) = (network(&[]), network(&["Home"]));
        let came = SystemEvent::Connect(Some("Home".to_owned()));
        assert_eq!(home.since(&none), [came]);
        assert_eq!(none.since(&home), []);
        assert_eq!(home.since(&home), []);
    }

    #[test]
    fn a_network_without_a_name_comes_too() {
        let mut back = network(&[]);
        back.is_online = Some(true);
        assert_eq!(back.since(&network(&[])), [SystemEvent::Connect(None)]);
        // What was not known before did not come.
        assert_eq!(back.since(&Network::default()), []);
    }

    #[test]
    fn a_network_that_is_about_to_go_is_told_once() {
        let home = network(&["Home"]);
        let mut going = home.clone();
        going.leaving.insert("Home".to_owned());
        assert_eq!(going.since(&home), [SystemEvent::PendingDisconnect]);
        assert_eq!(going.since(&going), []);
        let mut all = home.clone();
        all.is_leaving = true;
        assert_eq!(all.since(&home), [SystemEvent::PendingDisconnect]);
    }

    #[test]
    fn a_hostile_name_is_one_short_line() {
        assert_eq!(clean(" a\n\u{1b}[2Jb\0 "), "a  [2Jb");
        assert_eq!(clean(&"x".repeat(5000)).len(), NAME_MAX);
    }
}
