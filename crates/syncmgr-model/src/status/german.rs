//! The German words of statuses and of the headline.

use super::{Counts, Facts, Status};
use crate::format::german_plural;
use crate::progress::Progress;

pub(super) fn words(status: Status, facts: &Facts) -> String {
    let left = facts.last.map(|(_, summary)| summary).unwrap_or_default();
    match status {
        Status::Off => "ausgeschaltet".to_owned(),
        Status::Paused => "pausiert".to_owned(),
        Status::Unknown => "keine Antwort".to_owned(),
        Status::Held => "wartet auf dein OK".to_owned(),
        Status::Syncing => match facts.running.as_ref().and_then(Progress::percent) {
            Some(percent) => format!("gleicht ab, {percent} %"),
            None => "gleicht ab".to_owned(),
        },
        Status::Checking => "sieht nach".to_owned(),
        Status::Failed => "fehlgeschlagen".to_owned(),
        Status::Conflicts => german_plural(left.n_conflicts, "Konflikt", "Konflikte"),
        Status::Overdue => "verpasst".to_owned(),
        Status::Offline => "nicht erreichbar".to_owned(),
        Status::Waiting => "wartet".to_owned(),
        Status::Never => "noch nie abgeglichen".to_owned(),
        Status::Warnings => "auf dem neuesten Stand, mit Warnungen".to_owned(),
        Status::Ok => "auf dem neuesten Stand".to_owned(),
    }
}

pub(super) fn headline(counts: &Counts) -> String {
    if counts.n_all == 0 {
        return "Noch nichts abzugleichen".to_owned();
    }
    if counts.n_fine == counts.n_all {
        return "Alles ist auf dem neuesten Stand".to_owned();
    }
    let mut parts = Vec::new();
    if counts.n_needing > 0 {
        let verb = by_number(counts.n_needing, "braucht", "brauchen");
        let syncs = german_plural(counts.n_needing, "Abgleich", "Abgleiche");
        parts.push(format!("{syncs} {verb} dich"));
    }
    for (n, one, many) in [
        (counts.n_running, "läuft", "laufen"),
        (
            counts.n_fine,
            "auf dem neuesten Stand",
            "auf dem neuesten Stand",
        ),
        (
            counts.n_never,
            "noch nie abgeglichen",
            "noch nie abgeglichen",
        ),
        (counts.n_waiting, "wartet", "warten"),
        (counts.n_paused, "pausiert", "pausiert"),
        (counts.n_off, "ausgeschaltet", "ausgeschaltet"),
    ] {
        if n > 0 {
            parts.push(format!("{n} {}", by_number(n, one, many)));
        }
    }
    parts.join(" · ")
}

fn by_number(n: u64, one: &'static str, many: &'static str) -> &'static str {
    if n == 1 { one } else { many }
}
