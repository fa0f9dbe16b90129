-- The access log, many entries a row: a row is what D1 bills, and every read made one. Entries of one minute of one
-- connection lie together; within a minute neither the rows nor what is in them have an order.
CREATE TABLE access_log_packed (
  connection_id TEXT NOT NULL,
  minute INTEGER NOT NULL,              -- of its entries' time, counted since 1970
  id TEXT NOT NULL,                     -- a digest of its entries' ids: packed twice alike is one row
  entries TEXT NOT NULL,                -- JSON array: id, at, keyId, action, status, and kind, recordId, records or none
  PRIMARY KEY (connection_id, minute, id)
) WITHOUT ROWID;

-- By the first digits of what is random in an entry's id, so that no row becomes too large.
INSERT INTO access_log_packed (connection_id, minute, id, entries)
SELECT connection_id, at / 60000, substr(id, 15, 2), json_group_array(json_object(
  'id', id, 'at', at, 'keyId', key_id, 'action', action, 'kind', kind, 'recordId', record_id, 'records', records,
  'status', status))
FROM access_log GROUP BY connection_id, at / 60000, substr(id, 15, 2);

DROP TABLE access_log;
ALTER TABLE access_log_packed RENAME TO access_log;
