// The tables as drizzle sees them. The migrations are the truth; a test holds the two together.

import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const connections = sqliteTable("connections", {
  id: text("id").primaryKey(),
  source: text("source").notNull(),
  baseUrl: text("base_url").notNull(),
  apiKey: text("api_key").notNull(),
  fields: text("fields", { mode: "json" }).notNull(),
  status: text("status", { enum: ["connecting", "active", "degraded", "paused"] }).notNull(),
  statusReason: text("status_reason"),
  nonce: text("nonce").notNull(),
  webhookId: text("webhook_id"),
  webhookUrl: text("webhook_url"),
  webhookEvents: text("webhook_events", { mode: "json" }).$type<string[]>(),
  webhookTestedAt: integer("webhook_tested_at"),
  createdAt: integer("created_at").notNull(),
  seqFloor: integer("seq_floor").notNull().default(0),
  fieldsVersion: integer("fields_version").notNull().default(0),
});

export const signingSecrets = sqliteTable(
  "signing_secrets",
  {
    connectionId: text("connection_id").notNull(),
    createdAt: integer("created_at").notNull(),
    digest: text("digest").notNull(),
    secret: text("secret").notNull(),
    expiresAt: integer("expires_at"),
  },
  (table) => [primaryKey({ columns: [table.connectionId, table.digest] })],
);

export const records = sqliteTable(
  "records",
  {
    connectionId: text("connection_id").notNull(),
    kind: text("kind").notNull(),
    id: text("id").notNull(),
    seq: integer("seq").notNull(),
    updatedAt: integer("updated_at").notNull(),
    fetchedAt: integer("fetched_at").notNull(),
    hash: text("hash").notNull(),
    organizationId: text("organization_id"),
    clientId: text("client_id"),
    status: text("status"),
    terminal: integer("terminal").notNull(),
    deletedAt: integer("deleted_at"),
    body: text("body").notNull(),
    asOf: integer("as_of"),
  },
  (table) => [
    primaryKey({ columns: [table.connectionId, table.kind, table.id] }),
    index("records_by_updated").on(table.connectionId, table.kind, table.updatedAt, table.id),
    index("records_by_seq").on(table.connectionId, table.seq),
    index("records_by_organization")
      .on(table.connectionId, table.kind, table.organizationId, table.updatedAt, table.id)
      .where(sql`deleted_at IS NULL AND organization_id IS NOT NULL`),
  ],
);

export const departures = sqliteTable(
  "departures",
  {
    connectionId: text("connection_id").notNull(),
    kind: text("kind").notNull(),
    id: text("id").notNull(),
    organizationId: text("organization_id").notNull(),
    seq: integer("seq").notNull(),
    leftAt: integer("left_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.connectionId, table.kind, table.id, table.organizationId] }),
    index("departures_by_seq").on(table.connectionId, table.seq),
  ],
);

export const seqFloors = sqliteTable("seq_floors", {
  id: text("id").primaryKey(),
  seq: integer("seq").notNull(),
});

export const aliases = sqliteTable(
  "aliases",
  {
    connectionId: text("connection_id").notNull(),
    kind: text("kind").notNull(),
    alias: text("alias").notNull(),
    id: text("id").notNull(),
  },
  (table) => [primaryKey({ columns: [table.connectionId, table.kind, table.alias] })],
);

export const kindState = sqliteTable(
  "kind_state",
  {
    connectionId: text("connection_id").notNull(),
    kind: text("kind").notNull(),
    singleProven: integer("single_proven").notNull().default(0),
    complete: integer("complete").notNull().default(0),
    driftMissed: integer("drift_missed").notNull().default(0),
    driftLate: integer("drift_late").notNull().default(0),
    driftRewritten: integer("drift_rewritten").notNull().default(0),
    driftDeleted: integer("drift_deleted").notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.connectionId, table.kind] })],
);

export const problems = sqliteTable(
  "problems",
  {
    connectionId: text("connection_id").notNull(),
    name: text("name").notNull(),
    reason: text("reason").notNull(),
    since: integer("since").notNull(),
  },
  (table) => [primaryKey({ columns: [table.connectionId, table.name] })],
);

export const events = sqliteTable(
  "events",
  {
    connectionId: text("connection_id").notNull(),
    day: integer("day").notNull(),
    eventId: text("event_id").notNull(),
    type: text("type").notNull(),
    kind: text("kind"),
    recordId: text("record_id"),
    createdAt: integer("created_at"),
    receivedAt: integer("received_at").notNull(),
    doneAt: integer("done_at"),
    outcome: text("outcome").notNull(),
    attempts: integer("attempts").notNull(),
  },
  (table) => [primaryKey({ columns: [table.connectionId, table.day, table.eventId] })],
);

export const assessmentsTaken = sqliteTable(
  "assessments_taken",
  {
    connectionId: text("connection_id").notNull(),
    clientId: text("client_id").notNull(),
    takenAt: integer("taken_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.connectionId, table.clientId] })],
);

export const backfills = sqliteTable(
  "backfills",
  {
    connectionId: text("connection_id").notNull(),
    userId: text("user_id").notNull(),
    clientId: text("client_id").notNull(),
    id: text("id").notNull().unique(),
    status: text("status", { enum: ["queued", "running", "done", "failed"] }).notNull(),
    reason: text("reason"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.connectionId, table.userId, table.clientId] }),
    index("backfills_by_client").on(table.connectionId, table.clientId),
  ],
);

export const refreshes = sqliteTable(
  "refreshes",
  {
    connectionId: text("connection_id").notNull(),
    kind: text("kind").notNull(),
    id: text("id").notNull(),
    claimedAt: integer("claimed_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.connectionId, table.kind, table.id] })],
);

export const rebuilds = sqliteTable(
  "rebuilds",
  {
    connectionId: text("connection_id").notNull(),
    kind: text("kind").notNull(),
    status: text("status", { enum: ["queued", "running", "done", "failed", "cancelled"] }).notNull(),
    reason: text("reason"),
    run: text("run", { mode: "json" }).notNull(),
    recordsBefore: integer("records_before").notNull(),
    startedAt: integer("started_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.connectionId, table.kind] })],
);

export const apiKeys = sqliteTable("api_keys", {
  id: text("id").primaryKey(),
  keyHash: text("key_hash").notNull().unique(),
  connectionId: text("connection_id").notNull(),
  name: text("name").notNull(),
  organizations: text("organizations", { mode: "json" }).$type<string[]>(),
  kinds: text("kinds", { mode: "json" }).$type<string[]>(),
  createdAt: integer("created_at").notNull(),
  expiresAt: integer("expires_at"),
});

export const deadLetters = sqliteTable(
  "dead_letters",
  {
    id: text("id").primaryKey(),
    connectionId: text("connection_id"),
    queue: text("queue", { enum: ["events", "jobs"] }).notNull(),
    type: text("type").notNull(),
    kind: text("kind"),
    recordId: text("record_id"),
    reason: text("reason").notNull(),
    attempts: integer("attempts").notNull(),
    since: integer("since").notNull(),
    parkedAt: integer("parked_at").notNull(),
    message: text("message", { mode: "json" }).notNull(),
  },
  (table) => [index("dead_letters_by_connection").on(table.connectionId, table.parkedAt)],
);

export const suppressions = sqliteTable(
  "suppressions",
  {
    connectionId: text("connection_id").notNull(),
    clientId: text("client_id").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.connectionId, table.clientId] })],
);

export const minimisations = sqliteTable(
  "minimisations",
  {
    connectionId: text("connection_id").notNull(),
    kind: text("kind").notNull(),
    version: integer("version").notNull(),
    orderedAt: integer("ordered_at").notNull(),
    cutFrom: text("cut_from"),
    refetch: integer("refetch").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.connectionId, table.kind] })],
);

export const accessLog = sqliteTable(
  "access_log",
  {
    connectionId: text("connection_id").notNull(),
    minute: integer("minute").notNull(),
    id: text("id").notNull(),
    entries: text("entries").notNull(),
  },
  (table) => [primaryKey({ columns: [table.connectionId, table.minute, table.id] })],
);
