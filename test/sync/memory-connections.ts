// Connections, their signing secrets and their problems in memory.

import type { ConnectionId } from "../../src/core/ids.ts";
import type { Connection, ConnectionHead, ConnectionStore } from "../../src/sync/stores.ts";
import type { OwnedRows } from "./memory.ts";

interface Secret {
  readonly secret: string;
  readonly createdAt: number;
  readonly expiresAt?: number;
}

interface Row extends Connection {
  readonly nonce: string;
  readonly secrets: readonly Secret[];
  /** Name → reason, oldest first. */
  readonly problems: ReadonlyMap<string, string>;
}

/** @param owned tables whose rows go with their connection; may grow after the call */
export function connectionMemory(owned: readonly OwnedRows[]) {
  const rows = new Map<ConnectionId, Row>();

  function change(id: ConnectionId, changed: (row: Row) => Row): void {
    const row = rows.get(id);
    if (row) rows.set(id, changed(row));
  }

  const store: ConnectionStore = {
    async get(id) {
      const row = rows.get(id);
      if (row === undefined) return undefined;
      const { nonce: _nonce, secrets: _secrets, problems: _problems, ...connection } = row;
      return { ...connection, ...toHead(row) };
    },

    async list() {
      return [...rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1)).map(toHead);
    },

    async receiver(id, now) {
      const row = rows.get(id);
      if (row === undefined) return undefined;
      const signingSecrets = row.secrets
        .filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now)
        .sort((a, b) => b.createdAt - a.createdAt)
        .map(({ secret }) => secret);
      return { id, source: row.source, signingSecrets };
    },

    async begin(connection) {
      if (rows.has(connection.id)) return false;
      const { webhookEvents, ...rest } = connection;
      rows.set(connection.id, {
        ...rest,
        ...(webhookEvents === undefined ? {} : { webhookEvents }),
        fieldsVersion: 0,
        status: "connecting",
        secrets: [],
        problems: new Map(),
      });
      return true;
    },

    async unfinished(id) {
      const row = rows.get(id);
      return row?.status === "connecting" ? row.nonce : undefined;
    },

    async activate(id, webhook) {
      change(id, (row) => ({
        ...row,
        status: "active",
        ...(webhook.id === undefined ? {} : { webhookId: webhook.id }),
        ...(webhook.url === "" ? {} : { webhookUrl: webhook.url }),
      }));
    },

    async addSecret(id, secret, now, olderUntil) {
      change(id, (row) => {
        const older = row.secrets
          .filter((one) => one.secret !== secret)
          .map((one) => ({ ...one, expiresAt: Math.min(one.expiresAt ?? olderUntil, olderUntil) }));
        return { ...row, secrets: [...older, { secret, createdAt: now }] };
      });
    },

    async pause(id, reason) {
      change(id, (row) =>
        row.status === "active" ? { ...row, status: "paused", statusReason: reason } : row,
      );
    },

    async unpause(id) {
      change(id, ({ statusReason: _reason, ...row }) =>
        row.status === "paused" ? { ...row, status: "active" } : row,
      );
    },

    async raise(id, { name, reason }) {
      change(id, (row) => ({ ...row, problems: new Map([...row.problems, [name, reason]]) }));
    },

    async clear(id, problemName) {
      change(id, (row) => ({
        ...row,
        problems: new Map([...row.problems].filter(([name]) => name !== problemName)),
      }));
    },

    async noteTest(id, now) {
      change(id, (row) => ({ ...row, webhookTestedAt: now }));
    },

    async setApiKey(id, apiKey) {
      change(id, (row) => ({ ...row, apiKey }));
    },

    async remove(id) {
      const { secrets, problems } = rows.get(id) ?? { secrets: [], problems: new Map() };
      rows.delete(id);
      return {
        ...Object.fromEntries(owned.map((table) => [table.table, table.forget(id)])),
        signingSecrets: secrets.length,
        problems: problems.size,
      };
    },
  };
  return {
    ...store,
    exists: (id: ConnectionId) => rows.has(id),
    /** @returns false when the list is of another version */
    setFields(id: ConnectionId, fields: Connection["fields"], from: number): boolean {
      if (rows.get(id)?.fieldsVersion !== from) return false;
      change(id, (row) => ({ ...row, fields, fieldsVersion: from + 1 }));
      return true;
    },
    fieldsVersion: (id: ConnectionId) => rows.get(id)?.fieldsVersion,
  };
}

/** A pause says more than any problem; a problem makes an active connection degraded. */
function toHead(row: Row): ConnectionHead {
  const { id, source, baseUrl, status, statusReason, webhookId, webhookUrl, createdAt, problems } = row;
  const head = {
    id,
    source,
    baseUrl,
    status,
    createdAt,
    ...(statusReason === undefined ? {} : { statusReason }),
    ...(webhookId === undefined ? {} : { webhookId }),
    ...(webhookUrl === undefined ? {} : { webhookUrl }),
  };
  if (status !== "active" || problems.size === 0) return head;
  return { ...head, status: "degraded", statusReason: [...problems.values()].join(" ") };
}
