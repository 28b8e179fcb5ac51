-- What the agenda of an item remembers, a JSON object: due runs, missed ones, retries.
CREATE TABLE agenda (
    handler TEXT NOT NULL,
    item    TEXT NOT NULL,
    memory  TEXT NOT NULL,
    PRIMARY KEY (handler, item)
) STRICT, WITHOUT ROWID;

-- What is the matter with whom, and what was told of it, a JSON object each.
CREATE TABLE alarm (
    item      TEXT NOT NULL,
    kind      TEXT NOT NULL,
    condition TEXT NOT NULL,
    PRIMARY KEY (item, kind)
) STRICT, WITHOUT ROWID;
