-- The mirror. Times are integer milliseconds since 1970; booleans are 0 or 1.

CREATE TABLE connections (
  id TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  base_url TEXT NOT NULL,
  api_key TEXT NOT NULL,                -- sealed
  fields TEXT NOT NULL,                 -- JSON: kind -> allowed fields
  status TEXT NOT NULL,
  status_reason TEXT,
  nonce TEXT NOT NULL,                  -- makes registering the webhook idempotent
  webhook_id TEXT,
  webhook_url TEXT,
  webhook_events TEXT,                  -- JSON array of event types chosen; NULL: all
  webhook_tested_at INTEGER,            -- when silence made us ask for a test delivery
  created_at INTEGER NOT NULL,
  seq_floor INTEGER NOT NULL DEFAULT 0  -- rows removed for good had seq up to here: never given out again
) WITHOUT ROWID;

CREATE TABLE signing_secrets (
  connection_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  digest TEXT NOT NULL,                 -- tells equal secrets apart from new ones
  secret TEXT NOT NULL,                 -- sealed
  expires_at INTEGER,
  PRIMARY KEY (connection_id, digest)
) WITHOUT ROWID;

-- Also the change feed: ordered by seq, each record appears once, at its latest change.
CREATE TABLE records (
  connection_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,          -- 0 where the upstream gives none
  fetched_at INTEGER NOT NULL,
  hash TEXT NOT NULL,
  organization_id TEXT,
  client_id TEXT,
  status TEXT,
  terminal INTEGER NOT NULL,
  deleted_at INTEGER,
  body TEXT NOT NULL,                   -- opaque to SQL
  PRIMARY KEY (connection_id, kind, id)
) WITHOUT ROWID;
CREATE INDEX records_by_updated ON records (connection_id, kind, updated_at, id);
CREATE INDEX records_by_seq ON records (connection_id, seq);

-- Ids the upstream was asked by, where it answers with another.
CREATE TABLE aliases (
  connection_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  alias TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (connection_id, kind, alias)
) WITHOUT ROWID;

-- Per kind: what is known of the upstream's routes, and drift (mirror differs from upstream) by cause.
CREATE TABLE kind_state (
  connection_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  single_proven INTEGER NOT NULL DEFAULT 0,
  complete INTEGER NOT NULL DEFAULT 0,        -- a rebuild has read the whole kind
  drift_missed INTEGER NOT NULL DEFAULT 0,    -- no webhook came in time
  drift_late INTEGER NOT NULL DEFAULT 0,      -- the sweep was faster than the webhook
  drift_rewritten INTEGER NOT NULL DEFAULT 0, -- changed upstream under the same updated_at
  drift_deleted INTEGER NOT NULL DEFAULT 0,   -- gone upstream, which no webhook tells
  PRIMARY KEY (connection_id, kind)
) WITHOUT ROWID;

-- What is wrong with a connection now, one row per problem; none: active.
CREATE TABLE problems (
  connection_id TEXT NOT NULL,
  name TEXT NOT NULL,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (connection_id, name)
) WITHOUT ROWID;

-- The ledger: event ids already done.
CREATE TABLE events (
  connection_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  kind TEXT,
  record_id TEXT,
  created_at INTEGER,
  received_at INTEGER NOT NULL,
  done_at INTEGER,
  outcome TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  PRIMARY KEY (connection_id, event_id)
) WITHOUT ROWID;
CREATE INDEX events_by_received ON events (connection_id, received_at);

CREATE TABLE assessments_taken (
  connection_id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  taken_at INTEGER NOT NULL,
  PRIMARY KEY (connection_id, client_id)
) WITHOUT ROWID;

-- One hydration per user and client, ordered by a login.
CREATE TABLE backfills (
  connection_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,                 -- queued, running, done, failed
  reason TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (connection_id, user_id, client_id)
) WITHOUT ROWID;
CREATE INDEX backfills_by_client ON backfills (connection_id, client_id);

-- An operator's pull of everything, one row per kind.
CREATE TABLE rebuilds (
  connection_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,                 -- queued, running, done, failed, cancelled
  reason TEXT,
  run TEXT NOT NULL,                    -- JSON: where it stands
  records_before INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (connection_id, kind)
) WITHOUT ROWID;

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  key_hash TEXT NOT NULL UNIQUE,        -- SHA-256 of the key, never the key
  connection_id TEXT NOT NULL,
  name TEXT NOT NULL,
  organizations TEXT,                   -- JSON array; NULL: all
  kinds TEXT,                           -- JSON array; NULL: all
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) WITHOUT ROWID;

CREATE TABLE dead_letters (
  id TEXT PRIMARY KEY,
  connection_id TEXT,
  queue TEXT NOT NULL,
  type TEXT NOT NULL,
  kind TEXT,
  record_id TEXT,
  reason TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  since INTEGER NOT NULL,
  parked_at INTEGER NOT NULL,
  message TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX dead_letters_by_connection ON dead_letters (connection_id, parked_at);
