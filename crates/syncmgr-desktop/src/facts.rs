//! All that is known of the machine: what services say, and for the rest what is known without them.

use syncmgr_center::agenda::Situation;
use syncmgr_model::time::Timestamp;

use crate::network::Network;

/// Whether somebody uses the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idle {
    /// Somebody does.
    InUse,
    /// Nobody since then.
    Since(Timestamp),
}

/// What services say; none where they say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) idle: Option<Idle>,
    pub(crate) is_on_power: Option<bool>,
    pub(crate) network: Option<Network>,
}

impl Facts {
    /// Completes what is known without services.
    pub(crate) fn complete(&self, mut machine: Situation, now: Timestamp) -> Situation {
        match self.idle {
            Some(Idle::InUse) => machine.idle_ms = Some(0),
            // At least one: zero means that somebody is there.
            Some(Idle::Since(at)) => machine.idle_ms = Some(now.ms_since(at).max(1)),
            None => {}
        }
        machine.is_on_power = self.is_on_power.or(machine.is_on_power);
        if let Some(network) = &self.network {
            machine.is_online = network.is_online.unwrap_or(machine.is_online);
            machine.is_unmetered = network.is_unmetered.or(machine.is_unmetered);
            machine.connections = network.connected.iter().cloned().collect();
        }
        machine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_service_says_stays() {
        let machine = Situation {
            is_on_power: Some(false),
            is_online: true,
            ..Situation::default()
        };
        let known = Facts::default().complete(machine.clone(), Timestamp(5));
        assert_eq!(known, machine);
        let unsure = Facts {
            network: Some(Network::default()),
            ..Facts::default()
        };
        assert_eq!(unsure.complete(machine.clone(), Timestamp(5)), machine);
    }

    #[test]
    fn idle_is_counted_from_when_it_began() {
        let idle = |idle| Facts {
            idle: Some(idle),
            ..Facts::default()
        };
        let ms = |facts: &Facts| facts.complete(Situation::default(), Timestamp(70)).idle_ms;
        assert_eq!(ms(&idle(Idle::InUse)), Some(0));
        assert_eq!(ms(&idle(Idle::Since(Timestamp(50)))), Some(20));
        // A clock that is set back does not bring anybody.
        assert_eq!(ms(&idle(Idle::Since(Timestamp(90)))), Some(1));
    }
}
