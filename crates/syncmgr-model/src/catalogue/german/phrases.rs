//! Set phrases: causes, remarks and help that our own parts say in English as a fact of a message.
//!
//! The facts of a message are stored and handed on as they are; here they are told in German. What
//! is not in the list was said by a tool, the system or a foreign handler, and stays as it was said.

use std::borrow::Cow;

/// Returns a phrase in German where it is one of ours, otherwise the text as it is.
pub(crate) fn phrase(text: &str) -> Cow<'_, str> {
    if let Some(german) = known(text) {
        return Cow::Borrowed(german);
    }
    let with_a_name = PATTERNS.iter().find_map(|(english, german)| {
        let (before, after) = english.split_once("{}")?;
        let name = text.strip_prefix(before)?.strip_suffix(after)?;
        Some(german.replace("{}", name))
    });
    with_a_name.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Returns several phrases with commas between them; a phrase may have a comma of its own.
pub(crate) fn phrases(text: &str) -> String {
    let parts: Vec<_> = text.split(", ").collect();
    let mut rest = &parts[..];
    let mut out = Vec::new();
    while let [first, others @ ..] = rest {
        let longest = (1..=rest.len()).rev().find_map(|n| {
            let (part, after) = rest.split_at_checked(n)?;
            Some((known(&part.join(", "))?, after))
        });
        let (words, after) = match longest {
            Some((words, after)) => (Cow::Borrowed(words), after),
            None => (phrase(first), others),
        };
        out.push(words);
        rest = after;
    }
    out.join(", ")
}

fn known(text: &str) -> Option<&'static str> {
    cause(text)
        .or_else(|| refused(text))
        .or_else(|| help(text))
        .or_else(|| daemon(text))
}

/// What the settings of the daemon take, and their help.
fn daemon(text: &str) -> Option<&'static str> {
    Some(match text {
        "a port on this computer, or \"off\"" => "ein Port auf diesem Computer, oder \"off\"",
        "true or false" => "true oder false",
        "1 to 64" => "1 bis 64",
        "1 to 36500" => "1 bis 36500",
        "a duration" => "eine Dauer",
        "where the page and the API are" => "wo die Seite und die API zu finden sind",
        "figures for Prometheus" => "Zahlen für Prometheus",
        "so many syncs run at once" => "so viele Abgleiche laufen zugleich",
        "how long a handler has to stop before it is given up" => {
            "wie lange ein Handler zum Anhalten hat, bevor er aufgegeben wird"
        }
        "then a scheduled run goes before newer ones of people" => {
            "dann geht ein geplanter Lauf vor neueren, um die jemand bat"
        }
        "then a session of another program counts as broken off" => {
            "dann gilt der Lauf eines anderen Programms als abgebrochen"
        }
        "when nothing is sent, as `22:00-07:00` or `sat,sun 00:00-24:00` (never)" => {
            "wann nichts gesendet wird, etwa `22:00-07:00` oder `sat,sun 00:00-24:00` (nie)"
        }
        "failed runs in a row until it is told (3)" => {
            "so viele Läufe schlagen nacheinander fehl, bis es gemeldet wird (3)"
        }
        "how long something fails or is overdue until it is told (1h)" => {
            "wie lange etwas fehlschlägt oder überfällig ist, bis es gemeldet wird (1h)"
        }
        "when to remind of what still lasts, at least 1h (never)" => {
            "wann an das erinnert wird, was noch andauert, mindestens 1h (nie)"
        }
        "how long runs and results are kept" => "wie lange Läufe und Ergebnisse aufgehoben werden",
        _ => return None,
    })
}

/// Phrases around one name or number.
const PATTERNS: &[(&str, &str)] = &[
    (
        "the computer to be idle for {}",
        "{} ohne Benutzung des Computers",
    ),
    ("the network {}", "das Netzwerk {}"),
    (
        "it comes and goes with the collection {}",
        "er kommt und geht mit der Sammlung {}",
    ),
    (
        "these folders are saved already, as {}",
        "diese Ordner sind schon gespeichert, als {}",
    ),
    (
        "the handler {} keeps no conflicts",
        "der Handler {} bewahrt keine Konflikte auf",
    ),
    (
        "its handler offers no way to {} it",
        "sein Handler bietet keinen Weg dafür an ({})",
    ),
    (
        "not installed; {} brings it",
        "nicht installiert; {} bringt es",
    ),
    (
        "cannot read its log: {}",
        "sein Protokoll ist nicht lesbar: {}",
    ),
    ("there is a token {} already", "es gibt schon ein Token {}"),
    ("there are {} tokens already", "es gibt schon {} Token"),
    (
        "the file of tokens {} is open to others",
        "die Datei {} mit den Token ist für andere offen",
    ),
    (
        "cannot use the file of tokens {}",
        "die Datei {} mit den Token kann nicht benutzt werden",
    ),
];

/// Why something is not so.
fn cause(text: &str) -> Option<&'static str> {
    Some(match text {
        // The system.
        "Permission denied" | "permission denied" => "Zugriff verweigert",
        "No such file or directory" => "Datei oder Ordner nicht vorhanden",
        "Not a directory" => "kein Ordner",
        "Is a directory" => "ein Ordner",
        "No space left on device" => "kein Platz mehr auf dem Datenträger",
        "Disk quota exceeded" => "Speicherkontingent überschritten",
        "Read-only file system" => "Dateisystem nur zum Lesen",
        "Input/output error" => "Ein-/Ausgabefehler",
        "Transport endpoint is not connected" => "die Verbindung zum Datenträger ist weg",
        "Stale file handle" => "der Ordner auf dem Server ist nicht mehr derselbe",
        "Device or resource busy" | "Resource busy" => "gerade in Benutzung",
        "Connection refused" => "Verbindung abgelehnt",
        "Connection timed out" => "keine Antwort in der Zeit",
        "Too many open files" => "zu viele offene Dateien",
        "Operation not permitted" => "nicht erlaubt",
        "File name too long" => "der Name ist zu lang",
        // What is waited for.
        "the run that is going on" => "das Ende des laufenden Laufs",
        "the end of the pause" => "das Ende der Pause",
        "the allowed hours" => "die erlaubten Zeiten",
        "allowed hours, which never come; change its windows" => {
            "erlaubte Zeiten, die nie kommen; ändere seine Zeitfenster"
        }
        "an idle computer, which cannot be seen on this one" => {
            "einen unbenutzten Computer, was sich auf diesem nicht erkennen lässt"
        }
        "external power" => "Netzstrom",
        "external power, which cannot be seen on this computer" => {
            "Netzstrom, was sich auf diesem Computer nicht erkennen lässt"
        }
        "a network that is not metered" => "ein Netzwerk, das nicht nach Menge kostet",
        "a network that is known not to be metered" => {
            "ein Netzwerk, das bekanntlich nicht nach Menge kostet"
        }
        // The center and the host.
        "both folders" => "beiden Ordnern",
        "its handler wants it decided again and again" => {
            "sein Handler will ihn immer wieder entschieden haben"
        }
        "this conflict cannot be decided in this way" => {
            "dieser Konflikt lässt sich so nicht entscheiden"
        }
        "it was not said which of its contents to keep" => {
            "es wurde nicht gesagt, welcher Inhalt bleiben soll"
        }
        "it is not one of these" => "er ist keiner von diesen",
        "a conflict of no item has no session" => "ein Konflikt ohne Abgleich hat keinen Lauf",
        "it is being synced; stop it first" => "er läuft gerade; halte ihn zuerst an",
        "syncmgr is shutting down; nothing new begins" => {
            "syncmgr fährt herunter; es beginnt nichts Neues"
        }
        "the handler refused" => "der Handler hat abgelehnt",
        "its handler shows nothing here" => "sein Handler zeigt hier nichts",
        "the handler could not show it" => "der Handler konnte es nicht zeigen",
        "this result has no link that can be followed" => {
            "dieses Ergebnis hat keinen Verweis, dem man folgen kann"
        }
        "it returned without a final status" => "er kam ohne ein Ende zurück",
        "it could not be read" => "er konnte nicht gelesen werden",
        "the program it told to work did not begin" => {
            "das beauftragte Programm hat nicht begonnen"
        }
        "it broke down while it was asked" => "er ist bei der Frage zusammengebrochen",
        "it was restarted" => "er wurde neu gestartet",
        "one of its runs was given up" => "einer seiner Läufe wurde aufgegeben",
        "its conflicts go away when they are decided" => {
            "seine Konflikte verschwinden, wenn sie entschieden sind"
        }
        "the handler of this sync cannot say beforehand what it would do" => {
            "der Handler dieses Abgleichs kann nicht vorher sagen, was er tun würde"
        }
        "another run of this handler works, and it has to start anew to reach these folders" => {
            "ein anderer Lauf dieses Handlers arbeitet, und für diese Ordner muss er neu starten"
        }
        "there is nobody who decides conflicts" => "niemand entscheidet hier Konflikte",
        "runs of other programs are not recorded here" => {
            "Läufe anderer Programme werden hier nicht aufgeschrieben"
        }
        "there is nobody who looks for syncs" => "niemand sucht hier nach Abgleichen",
        "changes of the file are taken over when they are noticed" => {
            "Änderungen der Datei werden übernommen, sobald sie bemerkt werden"
        }
        "no secrets are kept here" => "hier werden keine Geheimnisse aufbewahrt",
        "there is no such folder" => "diesen Ordner gibt es nicht",
        "it is a secret, and set apart" => "das ist ein Geheimnis und wird gesondert gesetzt",
        "started by a crontab, a script or another program, not from here"
        | "it is started by a crontab, a script or another program, not from here" => {
            "von einer Crontab, einem Skript oder einem anderen Programm gestartet, nicht von hier"
        }
        // The handlers.
        "it is empty" => "ist leer",
        "it is not set" => "ist nicht gesetzt",
        "it begins with `-`" => "beginnt mit `-`",
        "it begins with `-`, `.` or `~`" => "beginnt mit `-`, `.` oder `~`",
        "it is longer than 127 characters" => "ist länger als 127 Zeichen",
        "it has a space, a control character or one of / : \\ = \"" => {
            "enthält ein Leerzeichen, ein Steuerzeichen oder eines von / : \\ = \""
        }
        "it is no folder" => "das ist kein Ordner",
        "it is the source" => "das ist die Quelle",
        "it must be an absolute path or begin with ~/" => {
            "es muss ein vollständiger Pfad sein oder mit ~/ beginnen"
        }
        "it is not a whole path" => "das ist kein vollständiger Pfad",
        "it is neither a whole path nor HOST:FOLDER" => {
            "das ist weder ein vollständiger Pfad noch HOST:FOLDER"
        }
        "it is neither a whole path nor REMOTE:FOLDER" => {
            "das ist weder ein vollständiger Pfad noch REMOTE:FOLDER"
        }
        "it is neither backup nor check" => "es ist weder backup noch check",
        "it is no number of bytes" => "das ist keine Zahl von Bytes",
        "it is no number of bytes, as 10M" => "das ist keine Zahl von Bytes, etwa 10M",
        "it is no part, as 5%, 1/10 or 100M" => "das ist kein Teil, etwa 5%, 1/10 oder 100M",
        "it is no text that restic can read" => "diesen Text kann restic nicht lesen",
        "it is none of ask, newest, left, right, both, merge" => {
            "es ist nichts von ask, newest, left, right, both, merge"
        }
        "it is none of copy, sync and bisync" => "es ist nichts von copy, sync und bisync",
        "it is none of two-way, mirror, mirror-back, add-only" => {
            "es ist nichts von two-way, mirror, mirror-back, add-only"
        }
        "a backup needs at least one" => "eine Sicherung braucht mindestens einen",
        "one of source and target is inside the other" => {
            "von Quelle und Ziel liegt eines im anderen"
        }
        "there are two contents to choose from" => "es gibt zwei Inhalte zur Wahl",
        "exclude the path in the settings of the sync instead"
        | "leave the path out in the settings of the sync instead" => {
            "schließe den Pfad stattdessen in den Einstellungen des Abgleichs aus"
        }
        "the name of the second content is made by syncmgr" => {
            "den Namen des zweiten Inhalts macht syncmgr"
        }
        "the name of the second content cannot be chosen" => {
            "der Name des zweiten Inhalts lässt sich nicht wählen"
        }
        "this disk cannot store links" => "dieser Datenträger kann keine Verknüpfungen speichern",
        "a fifo, socket or device has this name on the other side" => {
            "eine Pipe, ein Socket oder ein Gerät hat auf der anderen Seite diesen Namen"
        }
        "there is no home folder for the listings of bisync" => {
            "es gibt kein Home-Verzeichnis für die Listen von bisync"
        }
        "vdirsyncer cannot say beforehand what it would do, and nothing waits for you" => {
            "vdirsyncer kann nicht vorher sagen, was es tun würde, und nichts wartet auf dich"
        }
        "a lock file is left in the clone, by another git or by one that was cut off" => {
            "im Klon liegt eine Sperrdatei, von einem anderen git oder einem, das abgebrochen wurde"
        }
        "if no other git works in the clone, remove the file that it names, then sync again" => {
            "wenn kein anderes git im Klon arbeitet, entferne die genannte Datei, dann gleiche \
             noch einmal ab"
        }
        // Notices.
        "the server's certificate is not trusted" => {
            "dem Zertifikat des Servers wird nicht vertraut"
        }
        _ => return None,
    })
}

/// What is wrong with a field of a request.
fn refused(text: &str) -> Option<&'static str> {
    Some(match text {
        "the body broke off" => "der Inhalt bricht ab",
        "this field is not known" => "dieses Feld ist nicht bekannt",
        "this field is needed" => "dieses Feld wird gebraucht",
        "1 to 64 letters, digits, spaces, `-`, `_` or `.`" => {
            "1 bis 64 Buchstaben, Ziffern, Leerzeichen, `-`, `_` oder `.`"
        }
        "`information`, `warning` or `error`" => "`information`, `warning` oder `error`",
        "`left` or `right`" => "`left` oder `right`",
        "`once`, `all` or `skip`" => "`once`, `all` oder `skip`",
        "a preview of the same filter gives it" => "eine Vorschau mit demselben Filter nennt es",
        "a time as 2026-12-24T18:00:00Z" => "eine Zeit wie 2026-12-24T18:00:00Z",
        "an id of a run" => "die Kennung eines Laufs",
        "at least one sync" => "mindestens ein Abgleich",
        "at least one" => "mindestens eine",
        "at most 10000" => "höchstens 10000",
        "either some that are named, or all that fit" => {
            "entweder einzelne mit Namen oder alle, die passen"
        }
        "from 1 to 100" => "von 1 bis 100",
        "from 1 to 1000 names" => "1 bis 1000 Namen",
        "from 1 to 1000" => "von 1 bis 1000",
        "from 1 to 500" => "von 1 bis 500",
        "at most 200 bytes" => "höchstens 200 Bytes",
        "status words" => "Wörter für den Stand",
        "from 0 to 60" => "von 0 bis 60",
        "`name`, `severity`, `last` or `next`" => "`name`, `severity`, `last` oder `next`",
        "it is decided twice" => "darüber wird zweimal entschieden",
        "it is of another list" => "es gehört zu einer anderen Liste",
        "it is to apply to all" => "es soll für alle gelten",
        "one key of 1 to 128 visible letters" => "ein Schlüssel aus 1 bis 128 sichtbaren Zeichen",
        "one of the status words" => "eines der Wörter für den Stand",
        "what is held is let go for one sync at a time" => {
            "was wartet, wird für einen Abgleich nach dem anderen freigegeben"
        }
        "a text, a whole number, or a list of texts" => {
            "ein Text, eine ganze Zahl oder eine Liste von Texten"
        }
        "no other decision applies to conflicts of this kind and handler" => {
            "keine andere Entscheidung gilt für Konflikte dieser Art und dieses Handlers"
        }
        "more than 10000 conflicts fit; choose fewer at once" => {
            "mehr als 10000 Konflikte passen; wähle weniger auf einmal"
        }
        "the name or id of a sync" => "der Name oder die Kennung eines Abgleichs",
        "a run with this id is over" => "ein Lauf mit dieser Kennung ist vorbei",
        "several handlers keep a result under this id" => {
            "mehrere Handler haben ein Ergebnis unter dieser Kennung"
        }
        "cannot make a secret" => "es lässt sich kein Geheimnis erzeugen",
        "too many listen to the stream" => "zu viele hören dem Strom zu",
        _ => return None,
    })
}

/// The names of our own handlers and the help of their settings.
fn help(text: &str) -> Option<&'static str> {
    Some(match text {
        // Names of handlers
        "Two folders" => "Zwei Ordner",
        "Commands" => "Befehle",
        "Any command" => "Beliebiger Befehl",
        "Mail (mbsync)" => "E-Mail (mbsync)",
        "Calendars and contacts (vdirsyncer)" => "Kalender und Kontakte (vdirsyncer)",
        // files
        "one folder" => "der eine Ordner",
        "the other folder" => "der andere Ordner",
        "how the folders relate (two-way)" => "wie sich die Ordner zueinander verhalten (two-way)",
        "what to do when both changed (ask)" => "was geschieht, wenn beide geändert sind (ask)",
        "what to leave out, gitignore syntax" => {
            "was ausgeschlossen wird, geschrieben wie in .gitignore"
        }
        "most bytes copied per second (no limit)" => {
            "höchstens so viele Bytes je Sekunde kopieren (ohne Grenze)"
        }
        "days a replaced or deleted version is kept (30)" => {
            "Tage, die eine ersetzte oder gelöschte Version aufgehoben wird (30)"
        }
        "bytes of versions kept on each side (10GiB)" => {
            "Bytes an Versionen, die auf jeder Seite aufgehoben werden (10GiB)"
        }
        // Of all tools
        "whole path of the program, when it is not on the search path" => {
            "ganzer Pfad des Programms, wenn es nicht im Suchpfad liegt"
        }
        "names of environment variables the program also gets" => {
            "Namen von Umgebungsvariablen, die das Programm auch bekommt"
        }
        "most bytes per second (no limit)" => "höchstens so viele Bytes je Sekunde (ohne Grenze)",
        "most bytes sent per second (no limit)" => {
            "höchstens so viele Bytes je Sekunde senden (ohne Grenze)"
        }
        // rclone
        "copy adds and updates, sync also deletes in the target, bisync goes both ways" => {
            "copy ergänzt und ersetzt, sync löscht auch im Ziel, bisync geht in beide Richtungen"
        }
        "of copy and sync: a folder or REMOTE:FOLDER" => {
            "für copy und sync: ein Ordner oder REMOTE:FOLDER"
        }
        "of bisync: a folder or REMOTE:FOLDER, its path1" => {
            "für bisync: ein Ordner oder REMOTE:FOLDER, dort path1"
        }
        "of bisync: a folder or REMOTE:FOLDER, its path2" => {
            "für bisync: ein Ordner oder REMOTE:FOLDER, dort path2"
        }
        "most deletions without asking: files of sync (100), per cent of bisync (50)" => {
            "höchste Zahl an Löschungen ohne Rückfrage: Dateien bei sync (100), Prozent bei bisync \
             (50)"
        }
        "days that replaced and deleted files stay in .syncmgr-kept of a local folder (30)" => {
            "Tage, die ersetzte und gelöschte Dateien in .syncmgr-kept eines lokalen Ordners \
             bleiben (30)"
        }
        "what to leave out, patterns of rclone" => "was ausgeschlossen wird, Muster von rclone",
        "file with filter rules: --filters-file of bisync, otherwise --filter-from" => {
            "Datei mit Filterregeln: --filters-file bei bisync, sonst --filter-from"
        }
        "configuration file of rclone (its own default)" => {
            "Konfigurationsdatei von rclone (wie rclone selbst)"
        }
        "password of an encrypted configuration file" => {
            "Passwort einer verschlüsselten Konfigurationsdatei"
        }
        "where bisync keeps its listings (its own default)" => {
            "wo bisync seine Listen ablegt (wie bisync selbst)"
        }
        "further options of rclone, one text each" => "weitere Optionen von rclone, je ein Text",
        // git
        "where the clones are" => "wo die Klone liegen",
        "how many folders deep clones are looked for (3)" => {
            "wie viele Ordner tief nach Klonen gesucht wird (3)"
        }
        "single clones, instead of a folder" => "einzelne Klone statt eines Ordners",
        "also push commits that only this machine has (no)" => {
            "auch Commits hochladen, die nur dieser Computer hat (no)"
        }
        "run hooks and other programs that the repositories themselves name (no)" => {
            "Hooks und andere Programme ausführen, die die Repositorys selbst nennen (no)"
        }
        // restic
        "where the backups lie: a folder, or as restic writes it (rest:, sftp:, s3: ...)" => {
            "wo die Sicherungen liegen: ein Ordner, oder wie restic es schreibt (rest:, sftp:, \
             s3: ...)"
        }
        "make a backup, or check the repository (backup)" => {
            "eine Sicherung machen oder das Repository prüfen (backup)"
        }
        "what is backed up" => "was gesichert wird",
        "what to leave out, patterns of restic" => "was ausgeschlossen wird, Muster von restic",
        "password of the repository" => "Passwort des Repositorys",
        "file with the password, in place of `password`" => {
            "Datei mit dem Passwort, statt `password`"
        }
        "tags of the snapshots" => "Schlagwörter der Schnappschüsse",
        "after a backup, forget all but so many of these snapshots (forgets none)" => {
            "nach einer Sicherung nur so viele dieser Schnappschüsse behalten (vergisst keine)"
        }
        "keep the last snapshot of so many days (forgets none)" => {
            "den letzten Schnappschuss von so vielen Tagen behalten (vergisst keine)"
        }
        "keep the last snapshot of so many weeks (forgets none)" => {
            "den letzten Schnappschuss von so vielen Wochen behalten (vergisst keine)"
        }
        "keep the last snapshot of so many months (forgets none)" => {
            "den letzten Schnappschuss von so vielen Monaten behalten (vergisst keine)"
        }
        "free the space of forgotten snapshots (no)" => {
            "den Platz vergessener Schnappschüsse freigeben (no)"
        }
        "how much of the data a check reads, as 5% or 100M (none)" => {
            "wie viel von den Daten eine Prüfung liest, etwa 5% oder 100M (nichts)"
        }
        "further options of restic, one text each" => "weitere Optionen von restic, je ein Text",
        // rsync
        "what is copied: a folder, HOST:FOLDER or rsync://HOST/MODULE" => {
            "was kopiert wird: ein Ordner, HOST:FOLDER oder rsync://HOST/MODULE"
        }
        "where it is copied to: a folder, HOST:FOLDER or rsync://HOST/MODULE" => {
            "wohin kopiert wird: ein Ordner, HOST:FOLDER oder rsync://HOST/MODULE"
        }
        "also delete in the target what is not in the source (no)" => {
            "auch im Ziel löschen, was nicht in der Quelle ist (no)"
        }
        "most files deleted without asking (100)" => {
            "höchste Zahl an Dateien, die ohne Rückfrage gelöscht werden (100)"
        }
        "days that replaced and deleted files stay in .syncmgr-kept of a local target (30)" => {
            "Tage, die ersetzte und gelöschte Dateien in .syncmgr-kept eines lokalen Ziels bleiben \
             (30)"
        }
        "what to leave out, patterns of rsync" => "was ausgeschlossen wird, Muster von rsync",
        "how to connect to a host (ssh -o BatchMode=yes -o ConnectTimeout=15)" => {
            "wie ein Rechner erreicht wird (ssh -o BatchMode=yes -o ConnectTimeout=15)"
        }
        "further options of rsync, one text each" => "weitere Optionen von rsync, je ein Text",
        // mbsync and vdirsyncer
        "channel or group of the configuration, also with mailboxes as `work:INBOX` (all channels)" => {
            "Kanal oder Gruppe der Konfiguration, auch mit Postfächern wie `work:INBOX` (alle \
             Kanäle)"
        }
        "configuration of mbsync, another one than ~/.mbsyncrc" => {
            "Konfiguration von mbsync, eine andere als ~/.mbsyncrc"
        }
        "pair of the configuration (all pairs)" => "Paar der Konfiguration (alle Paare)",
        "only this collection of the pair" => "nur diese Sammlung des Paars",
        "configuration of vdirsyncer, another one than the usual" => {
            "Konfiguration von vdirsyncer, eine andere als die übliche"
        }
        // command and run
        "the program and its arguments, one text each; no shell looks at them" => {
            "das Programm und seine Argumente, je ein Text; keine Shell sieht sie an"
        }
        "regular expression that finds progress in a line, with groups as (?P<percent>[0-9]+)" => {
            "regulärer Ausdruck, der den Fortschritt in einer Zeile findet, mit Gruppen wie \
             (?P<percent>[0-9]+)"
        }
        "what exit codes mean, as 24=warning (0=ok, all others failed)" => {
            "was Exit-Codes bedeuten, etwa 24=warning (0=ok, alle anderen failed)"
        }
        "folders it works on: no other sync works there at the same time" => {
            "Ordner, an denen er arbeitet: kein anderer Abgleich arbeitet zugleich dort"
        }
        "folder it is started in" => "Ordner, in dem er gestartet wird",
        "what runs, for people; is never started from here" => {
            "was läuft, zum Lesen; wird nie von hier gestartet"
        }
        // unison and syncthing
        "the profile of Unison: the name of its .prf file without .prf" => {
            "das Profil von Unison: der Name seiner .prf-Datei ohne .prf"
        }
        "the id of the folder, as the page of Syncthing shows it" => {
            "die Kennung des Ordners, wie die Seite von Syncthing sie zeigt"
        }
        "where Syncthing keeps its config.xml (its usual places)" => {
            "wo Syncthing seine config.xml hat (die üblichen Orte)"
        }
        "minutes without progress after which a run ends (10)" => {
            "Minuten ohne Fortschritt, nach denen ein Lauf endet (10)"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_of_ours_is_told_in_german() {
        assert_eq!(phrase("Permission denied"), "Zugriff verweigert");
        assert_eq!(phrase("the network home"), "das Netzwerk home");
        assert_eq!(phrase("figures for Prometheus"), "Zahlen für Prometheus");
        assert_eq!(phrase("bash: no such thing"), "bash: no such thing");
    }

    #[test]
    fn several_phrases_keep_their_own_commas() {
        assert_eq!(
            phrases("the allowed hours, external power, which cannot be seen on this computer, x"),
            "die erlaubten Zeiten, Netzstrom, was sich auf diesem Computer nicht erkennen lässt, x"
        );
        assert_eq!(
            phrases("the network home, external power"),
            "das Netzwerk home, Netzstrom"
        );
    }
}
