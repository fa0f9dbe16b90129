-- What the change feed needs to be exact for keys bound to organizations.

-- Where records were before they moved to another organization: for a key that sees only the old one, the record is
-- gone at this position of the feed. Written only when a record moves; the same seq as the record's own write.
CREATE TABLE departures (
  connection_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  organization_id TEXT NOT NULL,        -- the one it left
  seq INTEGER NOT NULL,
  left_at INTEGER NOT NULL,             -- start of the fetch that showed it
  PRIMARY KEY (connection_id, kind, id, organization_id)
) WITHOUT ROWID;
CREATE INDEX departures_by_seq ON departures (connection_id, seq);

-- The last seq of a removed connection: one made again under its id goes on from there.
CREATE TABLE seq_floors (
  id TEXT PRIMARY KEY,                  -- the connection's
  seq INTEGER NOT NULL
) WITHOUT ROWID;

-- From here on a per-client document always has its client's organization, none while the client is not there.
UPDATE records SET organization_id = (
  SELECT k.organization_id FROM records k
  WHERE k.connection_id = records.connection_id AND k.kind = 'clients' AND k.id = records.id AND k.deleted_at IS NULL
) WHERE kind = 'assessment-status';
