//! The sensors against the services they hear, played on a bus of their own.
//!
//! The services are those of Debian's python3-dbusmock. Where it is missing the tests say so and
//! pass; on a machine of CI they fail.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

mod services;
mod told;

use std::time::Duration;

use services::Services;
use syncmgr_model::schedule::SystemEvent;
use told::Told;

/// Everything is there, and nothing is connected.
fn desktop() -> Option<(Services, Told)> {
    let mut services = Services::start()?;
    for name in ["logind", "upower", "networkmanager"] {
        services.order(&format!("start {name}"));
    }
    services.order(&format!("session 1 {}", rustix::process::getuid().as_raw()));
    let told = Told::start(&services.address);
    told.until(|it| it.idle_ms == Some(0) && it.is_on_power == Some(true) && !it.is_online);
    Some((services, told))
}

#[test]
fn power_is_told_as_it_changes() {
    let Some((mut services, told)) = desktop() else {
        return;
    };
    services.order("battery on");
    told.until(|it| it.is_on_power == Some(false));
    services.order("battery off");
    told.until(|it| it.is_on_power == Some(true));
    told.nothing_more();
}

#[test]
fn a_lock_is_told_once_whoever_says_it() {
    let Some((mut services, told)) = desktop() else {
        return;
    };
    services.order("wish 1 Lock");
    told.happens(SystemEvent::Lock);
    services.order("locked 1 yes");
    services.order("locked 1 no");
    told.happens(SystemEvent::Unlock);
    services.order("locked 1 yes");
    told.happens(SystemEvent::Lock);
    services.order("wish 1 Unlock");
    told.happens(SystemEvent::Unlock);
    told.nothing_more();
}

#[test]
fn sessions_of_others_are_not_ours() {
    let Some((mut services, told)) = desktop() else {
        return;
    };
    services.order("session 7 4000000000");
    services.order("wish 7 Lock");
    services.order("locked 7 yes");
    services.order("leave 7");
    told.nothing_more();
    services.order("leave 1");
    told.happens(SystemEvent::LogOff);
    services.order(&format!("session 2 {}", rustix::process::getuid().as_raw()));
    told.happens(SystemEvent::LogOn);
    services.order("shutdown");
    told.happens(SystemEvent::LogOff);
    told.nothing_more();
}

#[test]
fn waking_up_is_told() {
    let Some((mut services, told)) = desktop() else {
        return;
    };
    services.order("sleep begin");
    told.nothing_more();
    services.order("sleep end");
    told.leaps();
    // Everything is looked at again.
    told.until(|it| it.is_on_power == Some(true));
    told.nothing_more();
}

#[test]
fn idle_is_counted_from_when_it_began() {
    let Some((mut services, told)) = desktop() else {
        return;
    };
    let since_ms = told::NOW_MS - 60_000;
    services.order(&format!("idle {}", since_ms * 1000));
    told.until(|it| it.idle_ms == Some(60_000));
    services.order("idle 0");
    told.until(|it| it.idle_ms == Some(0));
    told.nothing_more();
}

#[test]
fn networks_are_told_as_they_come_and_go() {
    let Some((mut services, told)) = desktop() else {
        return;
    };
    services.order("connect 1 1 Home");
    told.nothing_more();
    services.order("turn 1 2");
    told.until(|it| it.connections == ["Home"]);
    told.happens(SystemEvent::Connect(Some("Home".to_owned())));
    services.order("state 70");
    told.until(|it| it.is_online && it.is_unmetered == Some(true));
    told.happens(SystemEvent::Connect(None));
    services.order("metered 1");
    told.until(|it| it.is_unmetered == Some(false));
    services.order("metered 0");
    told.until(|it| it.is_unmetered.is_none());
    services.order("turn 1 3");
    told.until(|it| it.connections == ["Home"]);
    told.happens(SystemEvent::PendingDisconnect);
    services.order("gone 1");
    told.until(|it| it.connections.is_empty());
    services.order("state 20");
    told.until(|it| !it.is_online);
    told.nothing_more();
}

#[test]
fn a_hostile_name_is_text() {
    let Some((mut services, told)) = desktop() else {
        return;
    };
    services.order(r"connect 1 2 a\n\x1b]0;x\x07$(reboot)\u202e%s");
    let name = "a  ]0;x $(reboot)\u{202e}%s";
    told.until(|it| it.connections == [name]);
    told.happens(SystemEvent::Connect(Some(name.to_owned())));
}

#[test]
fn only_the_service_itself_is_believed() {
    let Some((mut services, told)) = desktop() else {
        return;
    };
    services.order("forge_to_all");
    told.nothing_more();
    services.order("shutdown");
    told.happens(SystemEvent::LogOff);
}

#[test]
fn a_service_that_goes_leaves_what_is_known_without_it() {
    let Some((mut services, told)) = desktop() else {
        return;
    };
    services.order("battery on");
    told.until(|it| it.is_on_power == Some(false));
    services.order("stop upower");
    told.until(|it| it.is_on_power.is_none());
    services.order("stop networkmanager");
    told.until(|it| it.is_online);
    services.order("start upower");
    services.order("battery off");
    told.until(|it| it.is_on_power == Some(true));
    services.order("stop logind");
    told.until(|it| it.idle_ms.is_none());
    told.nothing_more();
}

#[test]
fn a_service_that_does_not_answer_holds_up_nobody_for_long() {
    let Some((mut services, told)) = desktop() else {
        return;
    };
    services.order("freeze logind");
    told.look_again();
    services.order("battery on");
    told.until_within(Duration::from_secs(8), |it| {
        it.is_on_power == Some(false) && it.idle_ms.is_none()
    });
    services.order("thaw logind");
}

#[test]
fn a_bus_that_goes_and_comes_back_is_used_again() {
    let Some((mut services, told)) = desktop() else {
        return;
    };
    services.order("battery on");
    told.until(|it| it.is_on_power == Some(false));
    let address = services.address.clone();
    drop(services);
    told.until(|it| it.is_on_power.is_none() && it.is_online);
    let Some(mut services) = Services::at(&address) else {
        return;
    };
    services.order("start upower");
    services.order("battery off");
    told.until_within(Duration::from_secs(5), |it| it.is_on_power == Some(true));
}

#[test]
fn without_a_bus_nothing_is_said_and_it_ends_at_once() {
    let told = Told::start("unix:path=/nonexistent/bus");
    told.nothing_more();
    told.look_again();
    told.until(|it| it.is_online && it.is_on_power.is_none());
    assert_eq!(told.n_notes(), 1);
}
