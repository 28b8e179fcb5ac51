//! The German words of the catalogue: what happened. What it means and what can be done is in
//! [`meaning`] and [`actions`].
//!
//! One match over all codes each, so that a new code does not compile before it has German words.
//! Form: short and calm, "du", the words of the page: Abgleich (sync), Lauf (run), Ergebnis
//! (result), Handler, Zeitplan, "wartet auf dein OK".

mod actions;
mod meaning;
pub(crate) mod phrases;

use std::borrow::Cow;

use self::phrases::{phrase, phrases};
use crate::alarm::AlarmKind;
use crate::catalogue::Words;
use crate::format::{duration, german_plural, number, without_os_numbers};
use crate::trouble::{Code, Trouble};

/// Makes the words for a trouble.
pub(super) fn words(t: &Trouble) -> Words {
    (what(t), meaning::meaning(t), actions::actions(t))
}

/// Returns a fact, or a word that reads well in its place.
fn fact<'t>(t: &'t Trouble, key: &str) -> &'t str {
    t.params.get(key).map_or("unbekannt", String::as_str)
}

/// Returns the cause as German words, where it is one of ours.
fn detail(t: &Trouble) -> String {
    phrase(&without_os_numbers(fact(t, "detail"))).into_owned()
}

/// Returns the folder, which may be both.
fn folder(t: &Trouble) -> Cow<'_, str> {
    phrase(fact(t, "folder"))
}

/// Returns the name of the handler.
fn handler(t: &Trouble) -> Cow<'_, str> {
    phrase(fact(t, "handler"))
}

fn files(n: u64) -> String {
    german_plural(n, "Datei", "Dateien")
}

/// Chooses by whether it is one.
fn by_number(t: &Trouble, one: &'static str, many: &'static str) -> &'static str {
    if t.number("n") == 1 { one } else { many }
}

fn what(t: &Trouble) -> String {
    let n = t.number("n");
    match t.code {
        Code::FolderMissing => format!("Der Ordner {} ist weg.", folder(t)),
        Code::FolderUnusable => format!(
            "Der Ordner {} kann nicht benutzt werden: {}.",
            folder(t),
            detail(t)
        ),
        Code::SideEmptied => format!(
            "{} ist plötzlich leer; in {} {} {}.",
            fact(t, "empty"),
            fact(t, "kept"),
            if t.number("n_files") == 1 {
                "war"
            } else {
                "waren"
            },
            files(t.number("n_files"))
        ),
        Code::TooManyDeletions => format!(
            "Dieser Lauf würde {} von {} in {} löschen.",
            number(t.number("n_deletions")),
            files(t.number("n_files")),
            folder(t)
        ),
        Code::TooManyChanges => format!(
            "Dieser Lauf würde {} von {} in {} überschreiben.",
            number(t.number("n_changes")),
            files(t.number("n_files")),
            folder(t)
        ),
        Code::FolderReplaced => format!(
            "{} ist nicht mehr der Ordner vom letzten Lauf.",
            fact(t, "empty")
        ),
        Code::FirstMirror => format!(
            "Der erste Lauf dieser Spiegelung würde {} löschen, die nur {} hat.",
            files(t.number("n_deletions")),
            folder(t)
        ),
        Code::TakenBack => format!(
            "Dieser Lauf würde {} noch einmal nach {} kopieren, obwohl der Lauf davor zurückgenommen wurde.",
            german_plural(t.number("n_changes"), "Eintrag", "Einträge"),
            folder(t)
        ),
        Code::LeftApart => format!(
            "{} in {} {} dort; zurückgenommen wird nur, was von dort kopiert wurde.",
            german_plural(n, "Eintrag", "Einträge"),
            folder(t),
            by_number(t, "bleibt", "bleiben")
        ),
        Code::DiskFull => format!(
            "Nicht genug Platz in {}: {} {} nicht kopiert werden.",
            folder(t),
            files(n),
            by_number(t, "konnte", "konnten")
        ),
        Code::PermissionDenied => format!(
            "{} in {} {} nicht gelesen oder geschrieben werden: Zugriff verweigert.",
            german_plural(n, "Datei oder Ordner", "Dateien oder Ordner"),
            folder(t),
            by_number(t, "kann", "können")
        ),
        Code::ReadOnly => format!(
            "{} ist schreibgeschützt: {} {} dort nicht geändert werden.",
            folder(t),
            files(n),
            by_number(t, "konnte", "konnten")
        ),
        Code::NameNotAllowed => format!(
            "{} {} in {} nicht unter {} Namen gespeichert werden.",
            files(n),
            by_number(t, "kann", "können"),
            folder(t),
            by_number(t, "ihrem", "ihren")
        ),
        Code::NotStorable => format!(
            "{} {} in {} nicht gespeichert werden: {}.",
            files(n),
            by_number(t, "kann", "können"),
            folder(t),
            detail(t)
        ),
        Code::NamesCollide => {
            let (files, folder) = (files(n), folder(t));
            match n {
                1 => {
                    format!("{files} hat einen Namen, der in {folder} nicht zu unterscheiden ist.")
                }
                _ => format!("{files} haben Namen, die in {folder} nicht zu unterscheiden sind."),
            }
        }
        Code::FileChangedDuringCopy => format!(
            "{} {} während des Laufs geändert.",
            files(n),
            by_number(t, "wurde", "wurden")
        ),
        Code::ChangedSince => format!(
            "{} {} seit diesem Lauf geändert oder schon zurückgenommen.",
            files(n),
            by_number(t, "wurde", "wurden")
        ),
        Code::Unsyncable => format!(
            "{} in {} {}.",
            files(n),
            folder(t),
            by_number(
                t,
                "ist eine Pipe, ein Socket oder ein Gerät",
                "sind Pipes, Sockets oder Geräte"
            )
        ),
        Code::HoldsExcluded => format!(
            "{} in {} {} weg, {} aber noch ausgeschlossene Dateien.",
            german_plural(n, "Ordner", "Ordner"),
            folder(t),
            by_number(t, "soll", "sollen"),
            by_number(t, "enthält", "enthalten")
        ),
        Code::MountChanged => format!(
            "An {} in {} wurde ein Datenträger eingehängt oder entfernt.",
            german_plural(n, "Stelle", "Stellen"),
            folder(t)
        ),
        Code::ReadWriteFailed => format!(
            "{} in {} {} nicht gelesen oder geschrieben werden: {}.",
            files(n),
            folder(t),
            by_number(t, "konnte", "konnten"),
            detail(t)
        ),
        Code::Blocked => format!(
            "{} {} nicht abgeglichen werden, weil es mit ihrem Ordner nicht ging.",
            files(n),
            by_number(t, "konnte", "konnten")
        ),
        Code::NotReached => format!(
            "{} {} nicht mehr erreicht, bevor der Lauf angehalten wurde.",
            files(n),
            by_number(t, "wurde", "wurden")
        ),
        Code::Busy => match t.params.get("pid") {
            Some(pid) => format!(
                "Ein anderer Lauf arbeitet an {} (Prozess {pid}).",
                folder(t)
            ),
            None => format!("Ein anderer Lauf arbeitet an {}.", folder(t)),
        },
        Code::SameFolder => "Beide Seiten sind derselbe Ordner.".to_owned(),
        Code::NestedFolders => format!(
            "Ein Ordner liegt im anderen: {} ist in {}.",
            fact(t, "inner"),
            fact(t, "outer")
        ),
        Code::StateDamaged => {
            "Das Gedächtnis dieses Abgleichs war beschädigt; es wurde beiseitegelegt und neu \
             aufgebaut."
                .to_owned()
        }
        Code::HistoryUnusable => format!(
            "Der Verlauf der Läufe kann nicht geschrieben werden: {}.",
            detail(t)
        ),
        Code::StateUnusable => format!(
            "Das Gedächtnis dieses Abgleichs kann nicht benutzt werden: {}.",
            detail(t)
        ),
        Code::SettingUnusable => match t.params.get("value") {
            None => format!(
                "Die Einstellungen in {} können nicht benutzt werden: {}.",
                fact(t, "key"),
                detail(t)
            ),
            Some(value) => format!(
                "Die Einstellung {} = {value} kann nicht benutzt werden: {}.",
                fact(t, "key"),
                detail(t)
            ),
        },
        Code::NotFound => {
            let name = t.params.get("name").map_or("", String::as_str);
            let thing = format!("{} {name}", thing(fact(t, "what")));
            format!("Es gibt {} nicht.", thing.trim_end())
        }
        Code::PlanChanged => format!(
            "Die wartenden Änderungen sind nicht mehr die aus Plan {}.",
            fact(t, "plan")
        ),
        Code::StateChanged => format!(
            "{} hat sich geändert, seit es gezeigt wurde.",
            fact(t, "path")
        ),
        Code::NotPossible => format!("Das ist nicht möglich: {}.", detail(t)),
        Code::Interrupted => {
            "Der Lauf wurde unterbrochen: Das Programm oder der Computer ist ausgegangen."
                .to_owned()
        }
        Code::Stopped => "Der Lauf wurde von dir angehalten.".to_owned(),
        Code::HandlerStopped if t.params.contains_key("wait") => format!(
            "Der Handler {} hat sich unerwartet beendet und startet von selbst frühestens in {} \
             wieder: {}.",
            handler(t),
            german_plural(t.number("wait"), "Sekunde", "Sekunden"),
            detail(t)
        ),
        Code::HandlerStopped => format!(
            "Der Handler {} hat sich unerwartet beendet: {}.",
            handler(t),
            detail(t)
        ),
        Code::HandlerUnknown => {
            format!("Der Handler {} ist nicht installiert.", handler(t))
        }
        Code::ProtocolFault => format!(
            "Der Handler {} hat gegen die Regeln verstoßen: {}.",
            handler(t),
            detail(t)
        ),
        Code::HandlerSilent => {
            format!("Der Handler {} antwortet nicht: {}.", handler(t), detail(t))
        }
        Code::HandlerAbandoned => format!(
            "Der Handler {} hat nicht binnen {} Sekunden angehalten.",
            handler(t),
            fact(t, "seconds")
        ),
        // Words of its own, whatever their language.
        Code::HandlerSays => t.param("name").to_owned(),
        Code::NotSetUp => format!("Der Handler {} ist nicht eingerichtet.", handler(t)),
        Code::TurnedOff => format!("{} ist ausgeschaltet.", fact(t, "name")),
        Code::Paused => match fact(t, "until") {
            "you resume it" => "Angehalten, bis du den Abgleich fortsetzt.".to_owned(),
            until => format!("Angehalten bis {until}."),
        },
        Code::Disconnected => format!("{} ist nicht erreichbar.", fact(t, "name")),
        Code::Prevented => format!(
            "Der Handler lässt {} von {} nicht zu: {}.",
            doing(fact(t, "what")),
            fact(t, "name"),
            match t.params.get("comment") {
                Some(comment) => phrase(comment),
                None => Cow::Borrowed("er nennt keinen Grund"),
            }
        ),
        Code::WaitsForHandler => {
            format!("Wartet auf einen anderen Lauf von {}.", handler(t))
        }
        Code::WaitsForItself => format!(
            "{} läuft gerade; das ist der nächste Lauf.",
            fact(t, "name")
        ),
        Code::WaitsForFolders => format!(
            "Wartet auf {}, weil beide an denselben Ordnern arbeiten.",
            fact(t, "name")
        ),
        Code::WaitsForTurn => format!(
            "Wartet, weil {} zugleich {}.",
            german_plural(n, "Abgleich", "Abgleiche"),
            by_number(t, "läuft", "laufen")
        ),
        Code::WaitsForCondition => format!("Wartet auf {}.", phrases(fact(t, "detail"))),
        Code::MissedRun => format!(
            "Der Lauf von {} hat nicht stattgefunden: {}.",
            fact(t, "at"),
            match t.params.get("detail") {
                Some(_) => detail(t),
                None => "der Computer oder syncmgr war aus".to_owned(),
            }
        ),
        Code::WatchIncomplete => format!(
            "Änderungen in {} können nicht beobachtet werden: {}.",
            folder(t),
            detail(t)
        ),
        Code::AlertFailed => format!(
            "Über {} konnte keine Nachricht gesendet werden: {}.",
            fact(t, "channel"),
            detail(t)
        ),
        Code::AlertTest => "Das ist eine Probenachricht.".to_owned(),
        Code::SignInNeeded => match t.params.get("place") {
            Some(place) => format!("{place} verlangt, dass du dich neu anmeldest."),
            None => "Ein Ort dieses Abgleichs verlangt, dass du dich neu anmeldest.".to_owned(),
        },
        Code::ChangesWait => match n {
            0 => "Änderungen warten auf dein OK.".to_owned(),
            1 => "1 Änderung wartet auf dein OK.".to_owned(),
            n => format!("{} Änderungen warten auf dein OK.", number(n)),
        },
        Code::ConflictsWait => match n {
            0 => "Konflikte warten auf deine Entscheidung.".to_owned(),
            1 => "1 Konflikt wartet auf deine Entscheidung.".to_owned(),
            n => format!("{} Konflikte warten auf deine Entscheidung.", number(n)),
        },
        Code::RunFailed => "Der Lauf ist fehlgeschlagen.".to_owned(),
        Code::RunsMissed => "Ein Lauf hätte stattfinden sollen und hat es nicht.".to_owned(),
        Code::TooOld => match t.number("age_ms") {
            0 => "Der letzte gute Lauf ist länger her, als du erlaubst.".to_owned(),
            age => format!(
                "Der letzte gute Lauf ist {} her, länger, als du erlaubst.",
                duration(age)
            ),
        },
        Code::Recovered => over(t),
        Code::RunStarted => "Ein Lauf hat begonnen.".to_owned(),
        Code::RunSucceeded => "Ein Lauf ist gelungen.".to_owned(),
        Code::ToolMissing => format!("Das Programm {} ist nicht installiert.", fact(t, "tool")),
        Code::ToolFailed => match t.params.get("exit") {
            Some(exit) => format!(
                "{} hat sich mit Code {exit} beendet: {}.",
                fact(t, "tool"),
                detail(t)
            ),
            None => format!("{} ist fehlgeschlagen: {}.", fact(t, "tool"), detail(t)),
        },
        Code::RepairNeeded => format!(
            "{} kommt allein nicht weiter: {}.",
            fact(t, "tool"),
            detail(t)
        ),
        Code::HandlerTooOld => format!(
            "Der Handler {} spricht Protokoll {}; gebraucht wird {}.",
            handler(t),
            fact(t, "speaks"),
            fact(t, "needed")
        ),
        Code::HandlerOff => format!(
            "Der Handler {} hat sich in kurzer Zeit {} Mal unerwartet beendet.",
            handler(t),
            fact(t, "n")
        ),
        Code::HandlerLimit => format!("Der Handler {} wurde beendet: {}.", handler(t), detail(t)),
        Code::NotSandboxed => format!(
            "Der Handler {} läuft ohne Sandbox: {}.",
            handler(t),
            detail(t)
        ),
        Code::FolderKeptOut => format!(
            "Der Handler {} darf nicht in {} arbeiten, was dieser Abgleich braucht.",
            handler(t),
            fact(t, "folder")
        ),
        Code::SecretMissing => format!(
            "`{}` von {} ist nicht gesetzt.",
            fact(t, "key"),
            fact(t, "name")
        ),
        Code::FoldersShared => format!(
            "{} und {} arbeiten am selben Ordner: {}.",
            fact(t, "name"),
            fact(t, "other"),
            fact(t, "folder")
        ),
        Code::FolderRemovable => format!(
            "{} liegt auf einem Datenträger, der abgezogen werden kann.",
            fact(t, "folder")
        ),
        Code::FolderRemote => format!("{} liegt auf einem anderen Rechner.", fact(t, "folder")),
        Code::FolderFoldsCase => format!(
            "{} unterscheidet in Namen nicht zwischen großen und kleinen Buchstaben.",
            fact(t, "folder")
        ),
    }
}

/// Turns the stem of the stable word of a reason into words; `name` is the real name of the side.
pub(super) fn reason(stem: &str, name: &str) -> String {
    match stem {
        "new-on" => format!("neu in {name}"),
        "changed-on" => format!("geändert in {name}"),
        "deleted-on" => format!("gelöscht in {name}"),
        "kind-changed-on" => format!("wurde in {name} zu etwas anderem"),
        "attributes-changed" => "Rechte oder Zeit geändert".to_owned(),
        "rule-chose" => format!("beide geändert, die Regel wählte {name}"),
        "rule-merged" => "beide geändert, von der Regel zusammengeführt".to_owned(),
        "rule-kept-both" => "beide geändert, die Regel behält beide".to_owned(),
        "mirror-of" => format!("angeglichen an {name}"),
        "never-deletes" => "fehlt dort; dieser Abgleich löscht nie".to_owned(),
        "resolved" => "von dir entschieden".to_owned(),
        "undone" => "zurückgenommen".to_owned(),
        "already-equal" => "schon gleich".to_owned(),
        other => other.to_owned(),
    }
}

/// Says what is not there, with the article it takes behind "es gibt".
fn thing(what: &str) -> Cow<'_, str> {
    Cow::Borrowed(match what {
        "sync" | "item" => "den Abgleich",
        "saved sync" => "den gespeicherten Abgleich",
        "sync to add" => "den Abgleich zum Übernehmen",
        "run" => "den Lauf",
        "run that has not ended" => "den laufenden Lauf",
        "running session" => "den laufenden Lauf",
        "open run of a program" | "session of another program" => {
            "den laufenden Lauf eines anderen Programms"
        }
        "handler" => "den Handler",
        "collection of handlers" => "die Sammlung von Handlern",
        "conflict" => "den Konflikt",
        "result" => "das Ergebnis",
        "schedule" => "den Zeitplan",
        "secret" => "das Geheimnis",
        "preview" => "die Vorschau",
        "content" => "den Inhalt",
        "version" => "die Version",
        "version of run" => "die Version des Laufs",
        "path" => "den Pfad",
        "folder" => "den Ordner",
        "file" => "die Datei",
        "password file" => "die Passwortdatei",
        "pair" => "das Paar",
        "storage" => "den Speicherort",
        "clone" => "den Klon",
        other => return Cow::Owned(format!("„{other}“")),
    })
}

/// Says what somebody wanted to do.
fn doing(what: &str) -> Cow<'_, str> {
    Cow::Borrowed(match what {
        "start" => "das Starten",
        "stop" => "das Anhalten",
        "enable" => "das Einschalten",
        "disable" => "das Ausschalten",
        "delete" => "das Entfernen",
        other => return Cow::Owned(format!("„{other}“")),
    })
}

/// Says what is over, one sentence for each kind.
fn over(t: &Trouble) -> String {
    let sentences: Vec<_> = t
        .param("ended")
        .split(' ')
        .filter_map(AlarmKind::parse)
        .filter_map(|kind| match kind {
            AlarmKind::Held => Some("Nichts wartet mehr auf dein OK."),
            AlarmKind::SignIn => Some("Die Anmeldung klappt wieder."),
            AlarmKind::Failed => Some("Läufe gelingen wieder."),
            AlarmKind::TooOld => Some("Es wurde wieder abgeglichen."),
            AlarmKind::Overdue => Some("Läufe finden wieder statt."),
            AlarmKind::Conflicts => Some("Es gibt keinen Konflikt mehr."),
            AlarmKind::Recovered
            | AlarmKind::Test
            | AlarmKind::RunStarted
            | AlarmKind::RunSucceeded
            | AlarmKind::RunFailed => None,
        })
        .collect();
    if sentences.is_empty() {
        "Alles ist wieder gut.".to_owned()
    } else {
        sentences.join(" ")
    }
}
