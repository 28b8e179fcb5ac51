//! Whether the machine runs on its battery, as UPower says.

use crate::bus::{Bus, Properties, Service};

/// Reads it; none where UPower does not run or does not answer.
pub(crate) async fn read(bus: &Bus) -> Option<bool> {
    let path = "/org/freedesktop/UPower";
    let all = bus.properties(Service::Power, path, "org.freedesktop.UPower");
    is_on_power(&all.await?)
}

fn is_on_power(all: &Properties) -> Option<bool> {
    all.truth("OnBattery").map(|it| !it)
}
