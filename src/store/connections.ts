// Connections and their signing secrets. API keys and secrets are sealed on the way in and opened on the way
// out; nothing outside this file sees the sealed text.

import { and, asc, desc, eq, getTableColumns, gt, isNull, or, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { ConnectionId } from "../core/ids.ts";
import type { Connection, ConnectionHead, ConnectionStore, NewConnection } from "../sync/stores.ts";
import {
  accessLog,
  aliases,
  apiKeys,
  assessmentsTaken,
  backfills,
  connections,
  deadLetters,
  departures,
  events,
  kindState,
  minimisations,
  problems,
  rebuilds,
  records,
  refreshes,
  seqFloors,
  signingSecrets,
  suppressions,
} from "./schema.ts";
import type { Seal } from "./seal.ts";

// Selecting from the connection writes nothing for one that was removed meanwhile.
const ADD_SECRET = `
INSERT INTO signing_secrets (connection_id, created_at, digest, secret)
SELECT id, ?2, ?3, ?4 FROM connections WHERE id = ?1
ON CONFLICT (connection_id, digest) DO UPDATE SET expires_at = NULL, created_at = excluded.created_at`;

const EXPIRE_OLDER = `
UPDATE signing_secrets SET expires_at = ?3
WHERE connection_id = ?1 AND digest <> ?2 AND (expires_at IS NULL OR expires_at > ?3)`;

export function connectionStore(
  d1: D1Database,
  db: DrizzleD1Database,
  seal: () => Promise<Seal>,
  digest: (text: string) => string,
): ConnectionStore {
  const apiKeyPlace = (id: ConnectionId) => `connections/${id}/api_key`;
  const secretPlace = (id: ConnectionId) => `signing_secrets/${id}/secret`;
  // Read for every batch of events and every call of a writer: built once, when it is first asked for.
  const prepareOne = () =>
    withProblems(db)
      .where(eq(connections.id, sql.placeholder("id")))
      .prepare();
  let one: ReturnType<typeof prepareOne> | undefined;

  return {
    async get(id) {
      one ??= prepareOne();
      const [row] = await one.all({ id });
      if (row === undefined) return undefined;
      const { open } = await seal();
      const fields = row.fields as Connection["fields"];
      return {
        ...toHead(row),
        fields,
        fieldsVersion: row.fieldsVersion,
        apiKey: await open(row.apiKey, apiKeyPlace(id)),
        ...(row.webhookEvents === null ? {} : { webhookEvents: row.webhookEvents }),
        ...(row.webhookTestedAt === null ? {} : { webhookTestedAt: row.webhookTestedAt }),
      };
    },

    list: async () => (await withProblems(db).orderBy(asc(connections.id))).map(toHead),

    async receiver(id, now) {
      const rows = await db
        .select({ source: connections.source, secret: signingSecrets.secret })
        .from(connections)
        .leftJoin(
          signingSecrets,
          and(
            eq(signingSecrets.connectionId, connections.id),
            or(isNull(signingSecrets.expiresAt), gt(signingSecrets.expiresAt, now)),
          ),
        )
        .where(eq(connections.id, id))
        .orderBy(desc(signingSecrets.createdAt));
      const [first] = rows;
      if (first === undefined) return undefined;
      const { open } = await seal();
      const sealed = rows.flatMap(({ secret }) => secret ?? []);
      const opened = await Promise.all(sealed.map((secret) => open(secret, secretPlace(id))));
      return { id, source: first.source, signingSecrets: opened };
    },

    async begin(connection: NewConnection) {
      const { id, source, baseUrl, fields, nonce, createdAt } = connection;
      const webhookEvents = connection.webhookEvents ? [...connection.webhookEvents] : null;
      const apiKey = await (await seal()).seal(connection.apiKey, apiKeyPlace(id));
      const written = await db
        .insert(connections)
        .values({
          id,
          source,
          baseUrl,
          apiKey,
          fields,
          webhookEvents,
          nonce,
          createdAt,
          status: "connecting",
          seqFloor: sql`coalesce((SELECT seq FROM seq_floors WHERE seq_floors.id = ${id}), 0)`,
        })
        .onConflictDoNothing()
        .returning({ id: connections.id });
      return written.length > 0;
    },

    async unfinished(id) {
      const [row] = await db
        .select({ nonce: connections.nonce })
        .from(connections)
        .where(and(eq(connections.id, id), eq(connections.status, "connecting")));
      return row?.nonce;
    },

    async activate(id, webhook) {
      await db
        .update(connections)
        .set({ status: "active", webhookId: webhook.id ?? null, webhookUrl: webhook.url || null })
        .where(eq(connections.id, id));
    },

    async addSecret(id, secret, now, olderUntil) {
      const secretDigest = digest(`${id} ${secret}`);
      const sealed = await (await seal()).seal(secret, secretPlace(id));
      // One transaction: there is no instant at which neither the old nor the new secret is valid.
      await d1.batch([
        d1.prepare(ADD_SECRET).bind(id, now, secretDigest, sealed),
        d1.prepare(EXPIRE_OLDER).bind(id, secretDigest, olderUntil),
      ]);
    },

    async pause(id, reason) {
      await db
        .update(connections)
        .set({ status: "paused", statusReason: reason })
        .where(and(eq(connections.id, id), eq(connections.status, "active")));
    },

    async unpause(id) {
      await db
        .update(connections)
        .set({ status: "active", statusReason: null })
        .where(and(eq(connections.id, id), eq(connections.status, "paused")));
    },

    async raise(id, { name, reason }, now) {
      await db.run(sql`
        INSERT INTO problems (connection_id, name, reason, since)
        SELECT id, ${name}, ${reason}, ${now} FROM connections WHERE id = ${id}
        ON CONFLICT (connection_id, name) DO UPDATE SET reason = excluded.reason
        WHERE problems.reason <> excluded.reason`);
    },

    async clear(id, problemName) {
      await db.delete(problems).where(and(eq(problems.connectionId, id), eq(problems.name, problemName)));
    },

    async noteTest(id, now) {
      await db.update(connections).set({ webhookTestedAt: now }).where(eq(connections.id, id));
    },

    async setApiKey(id, apiKey) {
      const sealed = await (await seal()).seal(apiKey, apiKeyPlace(id));
      await db.update(connections).set({ apiKey: sealed }).where(eq(connections.id, id));
    },

    async remove(id) {
      const owned = {
        records,
        departures,
        aliases,
        kindState,
        problems,
        backfills,
        rebuilds,
        refreshes,
        events,
        assessmentsTaken,
        deadLetters,
        apiKeys,
        signingSecrets,
        suppressions,
        minimisations,
        accessLog,
      };
      const names = Object.keys(owned) as (keyof typeof owned)[];
      // The connection itself goes first: from then on the guarded statement writes no row for it. Only its last
      // seq stays, so that a follower of a connection made again under this id never takes new for known.
      const removals: [BatchItem<"sqlite">, ...BatchItem<"sqlite">[]] = [
        db
          .insert(seqFloors)
          .select(
            db
              .select({ id: connections.id, seq: lastSeq(id) })
              .from(connections)
              .where(eq(connections.id, id)),
          )
          .onConflictDoUpdate({ target: seqFloors.id, set: { seq: sql`excluded.seq` } }),
        db.delete(connections).where(eq(connections.id, id)),
        ...names.map((name) => db.delete(owned[name]).where(eq(owned[name].connectionId, id))),
      ];
      const results = (await db.batch(removals)) as D1Result[];
      return Object.fromEntries(names.map((name, i) => [name, results[i + 2]?.meta.changes ?? 0]));
    },
  };
}

/** The last `seq` of a connection given out, whether or not its row is still there. */
function lastSeq(id: ConnectionId) {
  const held = sql`(SELECT max(seq) FROM ${records} WHERE connection_id = ${id})`;
  return sql<number>`max(${connections.seqFloor}, coalesce(${held}, 0))`.as("seq");
}

/** A connection's row, and beside it what is wrong with it, oldest first. */
function withProblems(db: DrizzleD1Database) {
  const wrong = sql<string | null>`(
    SELECT group_concat(reason, ' ' ORDER BY since) FROM ${problems} WHERE connection_id = ${connections.id})`;
  return db.select({ ...getTableColumns(connections), wrong }).from(connections);
}

type Row = typeof connections.$inferSelect & { readonly wrong: string | null };

/** A pause says more than any problem; a problem makes an active connection degraded. */
function toHead(row: Row): ConnectionHead {
  const degraded = row.status === "active" && row.wrong !== null;
  const reason = degraded ? row.wrong : row.statusReason;
  return {
    id: row.id as ConnectionId,
    source: row.source,
    baseUrl: row.baseUrl,
    status: degraded ? "degraded" : row.status,
    createdAt: row.createdAt,
    ...(reason === null ? {} : { statusReason: reason }),
    ...(row.webhookId === null ? {} : { webhookId: row.webhookId }),
    ...(row.webhookUrl === null ? {} : { webhookUrl: row.webhookUrl }),
  };
}
