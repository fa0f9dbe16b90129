-- Purged clients: nothing of theirs is written again, whoever brings it. Outlives every other row of the client.
CREATE TABLE suppressions (
  connection_id TEXT NOT NULL,
  client_id TEXT NOT NULL,              -- every id the client was known by has a row
  created_at INTEGER NOT NULL,
  PRIMARY KEY (connection_id, client_id)
) WITHOUT ROWID;

-- Counts the changes of `fields`: what was cut to an outdated list is not stored.
ALTER TABLE connections ADD COLUMN fields_version INTEGER NOT NULL DEFAULT 0;

-- A changed field list still to be brought to what is stored, one row per kind.
CREATE TABLE minimisations (
  connection_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  version INTEGER NOT NULL,             -- connections.fields_version when it was ordered last
  ordered_at INTEGER NOT NULL,
  cut_from TEXT,                        -- records up to this id are cut; NULL: nothing to cut
  refetch INTEGER NOT NULL,             -- fields were added: records must be fetched again
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (connection_id, kind)
) WITHOUT ROWID;

-- Which key read what, and when: ids and counts, no content.
CREATE TABLE access_log (
  connection_id TEXT NOT NULL,
  id TEXT NOT NULL,                     -- begins with the time: the order of the log, and of its purge
  at INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  action TEXT NOT NULL,                 -- read, list, changes, ack, login, backfill, other
  kind TEXT,
  record_id TEXT,                       -- of a single record
  records INTEGER,                      -- how many a list brought
  status INTEGER NOT NULL,
  PRIMARY KEY (connection_id, id)
) WITHOUT ROWID;
