-- Items that were ever run, so that `conflicts`, `history` and `why` find folders that were synced
-- without being saved. `settings` is a JSON object of the handler's own keys.
CREATE TABLE item (
    id       TEXT PRIMARY KEY,
    handler  TEXT NOT NULL,
    name     TEXT,
    settings TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Sessions; `owner` names the lock file of the process that runs it, until it ends.
-- Times are milliseconds since 1970, UTC. `summary` is a JSON object of counts.
CREATE TABLE session (
    id      TEXT PRIMARY KEY,
    handler TEXT NOT NULL,
    item    TEXT NOT NULL,
    kind    TEXT NOT NULL,
    started INTEGER NOT NULL,
    ended   INTEGER,
    status  TEXT,
    owner   TEXT,
    summary TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_item ON session (item, id);
CREATE INDEX session_open ON session (id) WHERE ended IS NULL;

-- Results; the words are made from code and params when they are shown.
CREATE TABLE event (
    seq     INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    item    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    level   TEXT NOT NULL,
    code    TEXT NOT NULL,
    params  TEXT NOT NULL,
    paths   TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_session ON event (session, seq);
