-- When the phases of the work on an item began, as [["checking", 0], ["copying", 1200]]: milliseconds
-- after the session did. None are known of older ones.
ALTER TABLE session_item ADD COLUMN phases TEXT NOT NULL DEFAULT '[]';
