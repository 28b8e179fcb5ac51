//! What a person can do, as short sentences. Commands stay as they are typed.

use super::{fact, phrase};
use crate::trouble::{Code, Trouble};

const ALLOW: &str = "sieh dir die Liste an, dann erlaube genau diese Änderungen, wenn sie stimmen";
const CHECK_STATE: &str =
    "prüfe den freien Platz und die Rechte des Ordners, in dem syncmgr seinen Stand ablegt";
const NOTHING_TO_DO: &str = "es ist nichts zu tun";
const WAIT_OR_STOP: &str = "warte, oder halte den anderen Lauf mit `syncmgr stop` an";
const SEE_WHY: &str =
    "sieh mit `syncmgr status` nach, worauf der Abgleich wartet, oder gleiche jetzt ab";
const AGAIN: &str = "gleiche noch einmal ab";

pub(super) fn actions(t: &Trouble) -> Vec<String> {
    let one = |text: &str| vec![text.to_owned()];
    let two = |first: &str, second: &str| vec![first.to_owned(), second.to_owned()];
    let (name, handler, log) = (fact(t, "name"), fact(t, "handler"), fact(t, "log"));
    match t.code {
        Code::FolderMissing => {
            one("hänge den Ordner ein oder lege ihn an, oder wähle mit `syncmgr set` einen anderen")
        }
        Code::FolderUnusable => {
            one("prüfe den Ordner und seine Rechte, dann gleiche noch einmal ab")
        }
        Code::SideEmptied => two(
            ALLOW,
            "wenn der Ordner nicht leer sein soll, bring seine Dateien oder seinen Datenträger \
             zurück und gleiche noch einmal ab",
        ),
        Code::TooManyDeletions => two(
            ALLOW,
            "wenn sie aus Versehen gelöscht wurden, hole sie auf der anderen Seite zurück und \
             gleiche noch einmal ab",
        ),
        Code::TooManyChanges => two(
            ALLOW,
            "wenn etwas deine Dateien aus Versehen neu geschrieben hat, stelle sie zuerst auf \
             jener Seite wieder her",
        ),
        Code::FolderReplaced => two(
            ALLOW,
            "wenn dort ein anderer Datenträger eingehängt ist, hänge den richtigen ein und \
             gleiche noch einmal ab",
        ),
        Code::FirstMirror => two(
            ALLOW,
            "wenn sie bleiben sollen, nimm den Modus two-way oder add-only",
        ),
        Code::TakenBack => two(
            ALLOW,
            "wenn sie nur auf einer Seite sein sollen, verschiebe sie oder schließe sie aus",
        ),
        Code::LeftApart => one("sieh dir den nächsten Lauf vorher mit `syncmgr preview` an"),
        Code::DiskFull => {
            one("schaffe Platz oder schließe Ordner mit --exclude aus, dann gleiche noch einmal ab")
        }
        Code::PermissionDenied => {
            one("verschaffe dir Zugriff darauf, oder schließe sie mit --exclude aus")
        }
        Code::ReadOnly => one("hänge es beschreibbar ein, oder spiegle in die andere Richtung"),
        Code::NameNotAllowed => one("benenne sie um, oder schließe sie mit --exclude aus"),
        Code::NotStorable => one("schließe sie mit --exclude aus"),
        Code::NamesCollide => one("benenne je eine der beiden um, dann gleiche noch einmal ab"),
        Code::FileChangedDuringCopy => {
            one("gleiche noch einmal ab, wenn sie zur Ruhe gekommen sind")
        }
        Code::ChangedSince => {
            one("sieh mit `syncmgr versions list PATH` nach, was von einer Datei aufgehoben ist")
        }
        Code::Unsyncable => {
            one("schließe sie mit --exclude aus, um diese Warnung nicht mehr zu sehen")
        }
        Code::HoldsExcluded => one("lösche sie selbst, oder nimm den Ausschluss zurück"),
        Code::MountChanged => one("hänge es ein wie zuvor, dann gleiche noch einmal ab"),
        Code::ReadWriteFailed => {
            one("prüfe den Datenträger oder die Verbindung, dann gleiche noch einmal ab")
        }
        Code::Blocked => one("löse zuerst die anderen Probleme, dann gleiche noch einmal ab"),
        Code::NotReached | Code::Interrupted | Code::Stopped => one(AGAIN),
        Code::Busy => one("warte, bis er fertig ist, dann gleiche noch einmal ab"),
        Code::SameFolder => one("wähle zwei verschiedene Ordner"),
        Code::NestedFolders => one("wähle zwei Ordner, die einander nicht enthalten"),
        Code::StateDamaged => vec![format!(
            "die beschädigten Daten liegen in {}",
            fact(t, "aside")
        )],
        Code::HistoryUnusable | Code::StateUnusable => one(CHECK_STATE),
        Code::SettingUnusable if !t.params.contains_key("value") => one(
            "verbessere die Datei mit `syncmgr config edit` und prüfe sie mit `syncmgr config check`",
        ),
        Code::SettingUnusable => {
            one("ändere sie mit `syncmgr set` oder in der Konfigurationsdatei")
        }
        Code::NotFound => one("sieh nach, was es gibt, dann versuche es noch einmal"),
        Code::PlanChanged => {
            one("sieh dir die Vorschau neu an und erlaube den Plan, den sie nennt")
        }
        Code::StateChanged => one("gleiche zuerst ab, sieh noch einmal hin, dann entscheide"),
        Code::NotPossible => vec![t.params.get("advice").cloned().unwrap_or_else(|| {
            "wähle einen anderen Weg, oder ändere zuerst, was diesem im Weg steht".to_owned()
        })],
        Code::HandlerStopped if t.params.contains_key("wait") => vec![
            format!("starte ihn jetzt mit `syncmgr handler restart {log}`"),
            format!("sieh mit `syncmgr handler logs {log}` nach, warum er sich beendet hat"),
        ],
        Code::HandlerStopped if t.params.contains_key("log") => vec![
            format!("sieh mit `syncmgr handler logs {log}` nach, warum"),
            "gleiche noch einmal ab; geschieht es wieder, melde es dem Autor des Handlers"
                .to_owned(),
        ],
        Code::HandlerStopped => one(
            "gleiche noch einmal ab; geschieht es wieder, prüfe die Installation mit \
             `syncmgr doctor` und melde es",
        ),
        Code::HandlerUnknown => two(
            "sieh mit `syncmgr handler list` nach, was es gibt, und installiere ihn mit \
             `syncmgr handler install`",
            "oder entferne den Abgleich mit `syncmgr remove`",
        ),
        Code::ProtocolFault => one("melde das dem Autor des Handlers"),
        Code::HandlerSilent => {
            one("starte ihn mit `syncmgr handler restart` neu, oder sieh in sein Protokoll")
        }
        Code::HandlerAbandoned if t.params.contains_key("log") => vec![
            format!("sieh mit `syncmgr handler logs {log}` nach, was er getan hat"),
            "sieh dir die Dateien an, an denen er gearbeitet hat, dann gleiche noch einmal ab"
                .to_owned(),
        ],
        Code::HandlerAbandoned => one(
            "warte, bis er loslässt, dann gleiche noch einmal ab; tut er es nie, starte syncmgr neu",
        ),
        Code::HandlerSays => Vec::new(),
        Code::NotSetUp => one("richte ihn zuerst ein"),
        Code::TurnedOff => vec![match t.params.get("handler") {
            Some(handler) => format!("schalte ihn mit `syncmgr handler on {handler}` ein"),
            None => format!("schalte es mit `syncmgr on {name}` ein"),
        }],
        Code::Paused => one("setze ihn mit `syncmgr resume` fort"),
        Code::Disconnected => one(
            "schließe den Datenträger, das Gerät oder das Netzwerk an; es wird von selbst wieder \
             versucht",
        ),
        Code::Prevented => one("nimm das Programm, zu dem es gehört"),
        Code::WaitsForHandler | Code::WaitsForFolders => one(WAIT_OR_STOP),
        Code::WaitsForItself => one("warte, oder halte den laufenden mit `syncmgr stop` an"),
        Code::WaitsForTurn => {
            one("warte, oder lass mit der Einstellung `max-running` mehr zugleich laufen")
        }
        Code::WaitsForCondition => {
            one("gleiche jetzt mit `syncmgr sync` ab, wenn du nicht warten willst")
        }
        Code::MissedRun => one("gleiche jetzt mit `syncmgr sync` ab"),
        Code::WatchIncomplete => one("sieh mit `syncmgr doctor` nach, wie du die Grenze anhebst"),
        Code::AlertFailed => one(mend(t.param("cause"))),
        Code::AlertTest | Code::Recovered | Code::RunStarted | Code::RunSucceeded => {
            one(NOTHING_TO_DO)
        }
        Code::SignInNeeded => one("melde dich an, dann gleiche noch einmal ab"),
        Code::ChangesWait => one(ALLOW),
        Code::ConflictsWait => one("sieh sie dir mit `syncmgr conflicts` an, dann entscheide"),
        Code::RunFailed => {
            one("sieh dir die Ergebnisse des Laufs an, und mit `syncmgr status` seinen Abgleich")
        }
        Code::RunsMissed | Code::TooOld => one(SEE_WHY),
        Code::ToolMissing => vec![match t.params.get("package") {
            Some(package) => format!("installiere es, etwa mit `apt install {package}`"),
            None => "installiere es, oder schreib seinen ganzen Pfad in die Einstellungen des \
                     Abgleichs"
                .to_owned(),
        }],
        Code::ToolFailed => vec![match t.params.get("advice") {
            Some(advice) => phrase(advice).into_owned(),
            None => "sieh mit `syncmgr results` nach, was es ausgegeben hat, dann gleiche noch \
                     einmal ab"
                .to_owned(),
        }],
        Code::RepairNeeded => vec![match t.params.get("advice") {
            Some(advice) => phrase(advice).into_owned(),
            None => "sieh mit `syncmgr preview` nach, was eine Reparatur tun würde".to_owned(),
        }],
        Code::HandlerTooOld => vec![
            "aktualisiere den Handler".to_owned(),
            format!("oder entferne ihn mit `syncmgr handler remove {handler}`"),
        ],
        Code::HandlerOff => vec![
            format!("sieh mit `syncmgr handler logs {handler}` nach, warum"),
            format!("starte ihn mit `syncmgr handler restart {handler}` neu"),
        ],
        Code::HandlerLimit => vec![format!(
            "sieh mit `syncmgr handler logs {handler}` nach, was er getan hat"
        )],
        Code::NotSandboxed => one("nimm nur Handler, denen du vertraust"),
        Code::SecretMissing => vec![format!(
            "setze es mit `syncmgr secret set {name} {}`",
            fact(t, "key")
        )],
        Code::FolderKeptOut => vec![
            format!(
                "lass den Handler mit `syncmgr handler install --allow {} -- COMMAND` in den Ordner",
                fact(t, "folder")
            ),
            format!("sieh seinen Befehl mit `syncmgr handler show {handler}` nach"),
        ],
        Code::FoldersShared => one("lass nur einen von ihnen diesen Ordner abgleichen"),
        Code::FolderRemovable => {
            one("lass den Abgleich laufen, wenn der Datenträger da ist, oder lass ihn angesteckt")
        }
        Code::FolderRemote => one("gib dem Abgleich einen Zeitplan mit Uhrzeiten"),
        Code::FolderFoldsCase => one("benenne einen von beiden um, wo das vorkommt"),
    }
}

/// Says how to mend a channel, by the stable word of the cause.
fn mend(cause: &str) -> &'static str {
    match cause {
        "secret" => {
            "mach die Datei nur für dich lesbar (`chmod 600`), dann sende eine Probenachricht"
        }
        "certificate" => {
            "prüfe den Namen des Servers; hat er eine eigene Zertifizierungsstelle, nenne deren \
             Zertifikat in `ca_file`"
        }
        "unencrypted" => "wähle eine verschlüsselte Verbindung, oder sende ohne Passwort",
        "sign-in" => {
            "prüfe den Benutzer und das Passwort oder Token, dann sende eine Probenachricht"
        }
        "unreachable" => "prüfe die Adresse und die Verbindung, dann sende eine Probenachricht",
        "command" => "probiere den Befehl von Hand, dann sende eine Probenachricht",
        _ => "prüfe die Einstellungen dieses Kanals, dann sende eine Probenachricht",
    }
}
