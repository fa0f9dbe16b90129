-- When a record was fetched by the earlier of the two clocks, ours and the upstream's; NULL: the upstream told no time.
ALTER TABLE records ADD COLUMN as_of INTEGER;

-- Refreshes of aged records, so that a page many look at asks for one.
CREATE TABLE refreshes (
  connection_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  claimed_at INTEGER NOT NULL,
  PRIMARY KEY (connection_id, kind, id)
) WITHOUT ROWID;
