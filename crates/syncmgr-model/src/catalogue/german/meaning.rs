//! What it means for the files.

use crate::trouble::{Code, Trouble};

const REST_IS_DONE: &str = "Auf beiden Seiten unberührt; alles andere wurde abgeglichen.";
const NOTHING_DONE: &str = "Es wurde nichts geändert.";
const KEPT: &str =
    "Änderungen bleiben erhalten und werden später abgeglichen; keine Datei ist betroffen.";

pub(super) fn meaning(t: &Trouble) -> &'static str {
    match t.code {
        Code::FolderMissing => "Auf der anderen Seite wurde nichts geändert.",
        Code::SettingUnusable if !t.params.contains_key("value") => {
            "Die Einstellungen von vorher gelten weiter."
        }
        Code::FolderUnusable
        | Code::SameFolder
        | Code::SettingUnusable
        | Code::NotFound
        | Code::NotPossible
        | Code::Prevented
        | Code::ToolMissing
        | Code::SecretMissing => NOTHING_DONE,
        Code::SideEmptied => "Angehalten, bevor sie auch auf der anderen Seite gelöscht werden.",
        Code::TooManyDeletions | Code::FirstMirror => {
            "Keine davon wurde gelöscht; alles andere wurde abgeglichen."
        }
        Code::TakenBack => {
            "Sie bleiben, wo sie geschrieben wurden; alles andere wurde abgeglichen."
        }
        Code::LeftApart => {
            "Nichts, was dort geschrieben wurde, wird gelöscht. Der nächste Lauf fragt, bevor er es \
             noch einmal kopiert."
        }
        Code::TooManyChanges => "Keine davon wurde überschrieben; alles andere wurde abgeglichen.",
        Code::FolderReplaced => "Deswegen wurde nichts gelöscht oder überschrieben.",
        Code::DiskFull => "Kopierte Dateien sind vollständig; die anderen warten noch.",
        Code::PermissionDenied | Code::ReadWriteFailed | Code::Blocked => REST_IS_DONE,
        Code::ReadOnly => "Nichts ging verloren; die andere Seite behält ihre Dateien.",
        Code::NameNotAllowed | Code::NotStorable => "Sie bleiben nur dort, wo sie sind.",
        Code::NamesCollide => {
            "Beide Dateien bleiben, wie sie sind; keine wurde über die andere geschrieben."
        }
        Code::FileChangedDuringCopy => {
            "Der nächste Lauf sieht sie sich wieder an; es wurde nichts überschrieben."
        }
        Code::ChangedSince => "Auf beiden Seiten so gelassen, wie sie sind.",
        Code::Unsyncable => "Kein Werkzeug kann so etwas abgleichen; alles andere ist abgeglichen.",
        Code::HoldsExcluded => "Sie bleiben, weil ausgeschlossene Dateien nie angerührt werden.",
        Code::MountChanged => "Darunter wurde nichts angerührt.",
        Code::NotReached => "Fertige Dateien sind vollständig; der nächste Lauf macht weiter.",
        Code::Busy => {
            "Zwei Läufe arbeiten nie zugleich an denselben Dateien; dieser hat nichts geändert."
        }
        Code::NestedFolders => {
            "Ein Abgleich würde den Ordner ohne Ende in sich selbst kopieren; es wurde nichts \
             geändert."
        }
        Code::StateDamaged => {
            "Deine Dateien sind nicht betroffen. Dieser Lauf löscht nichts; Dateien, die \
             voneinander abweichen, sind Konflikte."
        }
        Code::HistoryUnusable => {
            "Nichts beginnt, was nicht aufgeschrieben werden kann; deine Dateien sind nicht \
             betroffen."
        }
        Code::StateUnusable => {
            "Deine Dateien sind nicht betroffen. Ohne das Gedächtnis wird nichts abgeglichen."
        }
        Code::PlanChanged => "Es wurde nichts erlaubt, denn es wäre nicht, was du gesehen hast.",
        Code::StateChanged => {
            "Es wurde nichts geändert, denn du hast über eine andere Fassung entschieden."
        }
        Code::Interrupted | Code::Stopped => {
            "Dateien sind vollständig; was übrig blieb, erledigt der nächste Lauf."
        }
        Code::HandlerStopped if t.params.contains_key("wait") => "Dieser Lauf hat nicht begonnen.",
        Code::HandlerStopped if t.params.contains_key("log") => {
            "Dieser Lauf wurde beendet; eine Datei, die er gerade schrieb, ist vielleicht nicht ganz."
        }
        Code::HandlerStopped => "Dieser Lauf wurde beendet; fertige Dateien sind vollständig.",
        Code::HandlerUnknown => {
            "Seine Abgleiche laufen nicht; ihre Einstellungen und Dateien bleiben, wie sie sind."
        }
        Code::ProtocolFault => "Die Meldung wurde nicht beachtet.",
        Code::HandlerSilent => {
            "Seine Abgleiche laufen nicht, bis er es tut; deine Dateien sind nicht betroffen."
        }
        Code::HandlerAbandoned if t.params.contains_key("log") => {
            "Er wurde beendet, mit allem, was er gestartet hat; eine Datei, die er gerade schrieb, ist vielleicht nicht ganz."
        }
        Code::HandlerAbandoned => {
            "Sein Lauf wurde aufgegeben, und nichts, was er noch meldet, zählt."
        }
        // It has words of its own.
        Code::HandlerSays => "",
        Code::NotSetUp => "Seine Abgleiche laufen nicht.",
        Code::TurnedOff
        | Code::Paused
        | Code::Disconnected
        | Code::WaitsForHandler
        | Code::WaitsForItself
        | Code::WaitsForTurn
        | Code::WaitsForCondition
        | Code::MissedRun => KEPT,
        Code::WaitsForFolders => "Zwei Läufe arbeiten nie zugleich an denselben Dateien.",
        Code::WatchIncomplete => {
            "Der nächste Lauf, der alles ansieht, findet sie; sie werden später abgeglichen, als \
             es sein könnte."
        }
        Code::AlertFailed => "Deine Dateien sind nicht betroffen, aber niemand hat davon erfahren.",
        Code::AlertTest => "Es ist alles in Ordnung: Nachrichten kommen hier an.",
        Code::SignInNeeded => {
            "Bis dahin wird nichts abgeglichen; beide Seiten behalten ihre Dateien."
        }
        Code::ChangesWait => "Sie wurden nicht ausgeführt.",
        Code::ConflictsWait => {
            "Beide Fassungen bleiben, wie sie sind; alles andere wird abgeglichen."
        }
        Code::RunFailed => {
            "Fertige Dateien sind vollständig; was übrig blieb, erledigt der nächste Lauf, der \
             gelingt."
        }
        Code::RunsMissed | Code::TooOld => {
            "Die beiden Seiten können sich in dem unterscheiden, was sich seither geändert hat."
        }
        Code::Recovered => "Was dir vorher gesagt wurde, gilt nicht mehr.",
        Code::RunStarted => "Es ist alles in Ordnung.",
        Code::RunSucceeded => "Beide Seiten sind abgeglichen.",
        Code::ToolFailed => {
            "Was es fertig hatte, ist erledigt; syncmgr selbst hat keine Datei geändert."
        }
        Code::RepairNeeded => {
            "Es wurde nichts gelöscht. Bis es repariert ist, läuft dieser Abgleich nicht."
        }
        Code::HandlerTooOld => "Keiner seiner Abgleiche läuft; ihre Dateien bleiben, wie sie sind.",
        Code::HandlerOff => {
            "Er wird nicht von selbst wieder gestartet; bis dahin läuft keiner seiner Abgleiche."
        }
        Code::HandlerLimit => "Dieser Lauf wurde beendet; andere Abgleiche sind nicht betroffen.",
        Code::NotSandboxed => "Er kann alles lesen und ändern, was du lesen und ändern kannst.",
        Code::FolderKeptOut => "Seine Sandbox hält ihn draußen: dort wurde nichts geändert.",
        Code::FoldersShared => {
            "Sie laufen nie zugleich, aber jeder kann rückgängig machen, was der andere getan hat."
        }
        Code::FolderRemovable => "Solange er fehlt, wird nichts abgeglichen und nichts gelöscht.",
        Code::FolderRemote => "Was sich dort ändert, findet der nächste Lauf, nicht sofort.",
        Code::FolderFoldsCase => {
            "Von zwei Namen, die sich nur darin unterscheiden, bleibt einer unberührt."
        }
    }
}
