-- The ledger in order of the days of receipt. What has to be told by time (the newest events, the oldest to purge) is
-- found by the key itself: an index beside it would be a second billed row per event.
CREATE TABLE events_by_day (
  connection_id TEXT NOT NULL,
  day INTEGER NOT NULL,                 -- of received_at, days since 1970, UTC
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  kind TEXT,
  record_id TEXT,
  created_at INTEGER,
  received_at INTEGER NOT NULL,
  done_at INTEGER,
  outcome TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  PRIMARY KEY (connection_id, day, event_id)
) WITHOUT ROWID;
INSERT INTO events_by_day
SELECT connection_id, received_at / 86400000, event_id, type, kind, record_id, created_at, received_at, done_at, outcome,
       attempts
FROM events;
DROP TABLE events;
ALTER TABLE events_by_day RENAME TO events;
