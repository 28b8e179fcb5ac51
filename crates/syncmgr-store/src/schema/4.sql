-- How sessions and their items came out, in one word, and when, so that lists of runs and strips of
-- the last ones are read from an index alone.
ALTER TABLE session ADD COLUMN outcome TEXT;
ALTER TABLE session_item ADD COLUMN outcome TEXT;
ALTER TABLE session_item ADD COLUMN started INTEGER NOT NULL DEFAULT 0;
UPDATE session SET outcome = CASE
    WHEN status = 'canceled' THEN 'stopped'
    WHEN coalesce(json_extract(summary, '$.held'), 0) > 0 THEN 'held'
    WHEN status = 'failed' OR coalesce(json_extract(summary, '$.failures'), 0) > 0 THEN 'failed'
    WHEN coalesce(json_extract(summary, '$.conflicts'), 0) > 0 THEN 'conflicts'
    WHEN status = 'disconnected' THEN 'missed'
    WHEN coalesce(json_extract(summary, '$.warnings'), 0) > 0 THEN 'warnings'
    ELSE 'ok' END
    WHERE status IN ('succeeded', 'failed', 'canceled', 'disconnected') AND json_valid(summary);
UPDATE session_item SET outcome = CASE
    WHEN status = 'canceled' THEN 'stopped'
    WHEN coalesce(json_extract(summary, '$.held'), 0) > 0 THEN 'held'
    WHEN status = 'failed' OR coalesce(json_extract(summary, '$.failures'), 0) > 0 THEN 'failed'
    WHEN coalesce(json_extract(summary, '$.conflicts'), 0) > 0 THEN 'conflicts'
    WHEN status = 'disconnected' THEN 'missed'
    WHEN coalesce(json_extract(summary, '$.warnings'), 0) > 0 THEN 'warnings'
    ELSE 'ok' END
    WHERE status IN ('succeeded', 'failed', 'canceled', 'disconnected') AND json_valid(summary);
UPDATE session_item SET started =
    coalesce((SELECT started FROM session WHERE session.id = session_item.session), 0);
DROP INDEX session_item_by_item;
CREATE INDEX session_item_by_item ON session_item (handler, item, session, outcome, started);
CREATE INDEX session_by_time ON session (id, started, outcome);

-- Runs that did not take place are few, so this is short.
CREATE INDEX event_missed ON event (item, handler, id, at) WHERE code = 'missed-run';
