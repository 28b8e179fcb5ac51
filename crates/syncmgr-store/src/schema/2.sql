-- The whole center: many items in a session, what is kept of handlers and items from one start to
-- the next, and events that have an id, a handler and, where there is one, a link.

-- The same item id may exist in two handlers.
ALTER TABLE item RENAME TO item_1;
CREATE TABLE item (
    handler  TEXT NOT NULL,
    id       TEXT NOT NULL,
    name     TEXT,
    settings TEXT NOT NULL,
    PRIMARY KEY (handler, id)
) STRICT, WITHOUT ROWID;
INSERT INTO item SELECT handler, id, name, settings FROM item_1;
DROP TABLE item_1;

-- The items of a session; `n` is their order, late additions last.
CREATE TABLE session_item (
    session TEXT NOT NULL,
    n       INTEGER NOT NULL,
    handler TEXT NOT NULL,
    item    TEXT NOT NULL,
    status  TEXT,
    summary TEXT NOT NULL,
    PRIMARY KEY (session, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_item_by_item ON session_item (handler, item, session);
INSERT INTO session_item SELECT id, 0, handler, item, status, summary FROM session;

-- Why it began: a word, and the name that goes with some of them.
ALTER TABLE session ADD COLUMN origin TEXT NOT NULL DEFAULT 'manual';
ALTER TABLE session ADD COLUMN origin_name TEXT;
DROP INDEX session_by_item;
ALTER TABLE session DROP COLUMN item;

-- Results. `level` is the number of syncmgr.h: 1 information, 2 warning, 3 error.
ALTER TABLE event RENAME TO event_1;
CREATE TABLE event (
    id             INTEGER PRIMARY KEY,
    handler        TEXT NOT NULL,
    item           TEXT,
    session        TEXT,
    at             INTEGER NOT NULL,
    level          INTEGER NOT NULL,
    code           TEXT NOT NULL,
    params         TEXT NOT NULL,
    paths          TEXT NOT NULL,
    link_text      TEXT,
    link_reference TEXT,
    context        TEXT
) STRICT;
INSERT INTO event (id, handler, item, session, at, level, code, params, paths)
    SELECT seq,
           coalesce((SELECT handler FROM session WHERE session.id = event_1.session),
                    (SELECT handler FROM item WHERE item.id = event_1.item),
                    'files'),
           item, session, at,
           CASE level WHEN 'error' THEN 3 WHEN 'warning' THEN 2 ELSE 1 END,
           code, params, paths
    FROM event_1;
DROP TABLE event_1;
CREATE INDEX event_by_session ON event (session, id) WHERE session IS NOT NULL;
CREATE INDEX event_by_item ON event (item, id) WHERE item IS NOT NULL;
CREATE INDEX event_by_handler ON event (handler, id);
CREATE INDEX event_by_time ON event (at);
-- Warnings and errors are few, so these are short.
CREATE INDEX event_warning ON event (id) WHERE level >= 2;
CREATE INDEX event_error ON event (id) WHERE level >= 3;

-- What is kept of a handler from one start to the next.
CREATE TABLE handler_memory (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    kind         INTEGER NOT NULL,
    type_label   TEXT NOT NULL,
    comment      TEXT NOT NULL,
    last_sync    INTEGER,
    capabilities INTEGER NOT NULL,
    policies     INTEGER NOT NULL,
    is_active    INTEGER NOT NULL,
    is_enabled   INTEGER NOT NULL,
    is_connected INTEGER NOT NULL,
    is_hidden    INTEGER NOT NULL,
    was_loaded   INTEGER NOT NULL,
    -- Whose collection listed it, and whether it was registered at run time.
    collection    TEXT,
    is_registered INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is kept of an item. `status` and `summary` are those of the last session that says something
-- about its state; `reason` is a JSON object.
CREATE TABLE item_memory (
    handler      TEXT NOT NULL,
    item         TEXT NOT NULL,
    name         TEXT NOT NULL,
    type_label   TEXT NOT NULL,
    comment      TEXT NOT NULL,
    capabilities INTEGER NOT NULL,
    policies     INTEGER NOT NULL,
    is_enabled   INTEGER NOT NULL,
    is_connected INTEGER NOT NULL,
    is_hidden    INTEGER NOT NULL,
    last_sync    INTEGER,
    last_session TEXT,
    status       TEXT,
    summary      TEXT,
    reason       TEXT,
    paused_until INTEGER,
    n_errors     INTEGER NOT NULL,
    is_gone      INTEGER NOT NULL,
    PRIMARY KEY (handler, item)
) STRICT, WITHOUT ROWID;

-- Numbers. `last_event`: the largest id of an event that was removed; ids are never used twice.
CREATE TABLE number (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
