// The RCMS adapter: requests out, answers in, tolerant wherever RCMS's documentation is silent. It holds no
// state and decides nothing about the mirror.

import type { Result } from "../../core/failure.ts";
import { type Kind, type Ref, recordId } from "../../core/ids.ts";
import { isoInstant, parseInstant } from "../../core/instant.ts";
import { isJsonObject, type Json, type JsonObject, property } from "../../core/json.ts";
import { limits } from "../../core/limits.ts";
import { contentOf, minimise } from "../../core/minimise.ts";
import type { Snapshot } from "../../core/record.ts";
import { verifySignature } from "../signature.ts";
import {
  type Account,
  badAnswer,
  type Digest,
  type Send,
  type Source,
  type Upstream,
  type UpstreamAnswer,
} from "../source.ts";
import { readDeliveries } from "./deliveries.ts";
import { EVENT_TYPES, parseRcmsDelivery } from "./events.ts";
import { kinds } from "./kinds.ts";

const HOSTS = { live: "api.measurerecovery.com", test: "api-sandbox.measurerecovery.com" } as const;

export const rcms: Source = {
  id: "rcms",
  kinds,
  eventSlackMs: 5_000,
  // "Within a few seconds" is all RCMS says; the same words, generously, for what a reader is promised.
  writeLagMs: 5_000,
  visibilityLagMs: 10_000,
  accountProblem,
  verify: (delivery, secrets, nowMs) =>
    verifySignature(delivery.header("x-rcms-signature"), delivery.body, secrets, nowMs),
  parse: parseRcmsDelivery,
  open: openRcms,
};

function accountProblem({ baseUrl, apiKey }: Account): string | undefined {
  const host = new URL(baseUrl).host;
  if (apiKey.startsWith("rcms_live_") && host === HOSTS.test) {
    return "api_key is a production key (rcms_live_…) but base_url is the sandbox";
  }
  if (apiKey.startsWith("rcms_test_") && host === HOSTS.live) {
    return "api_key is a sandbox key (rcms_test_…) but base_url is production";
  }
  return undefined;
}

function openRcms(account: Account, send: Send, digest: Digest): Upstream {
  const snapshot = (kind: Kind, record: JsonObject, of: Asked, ref?: Ref, organizationId?: string) =>
    toSnapshot({ kind, record, of, ref, organizationId, account, digest });

  return {
    async fetchOne(ref, hint) {
      const path = kinds[ref.kind].single?.(ref.id);
      if (path === undefined) throw new Error(`kind ${ref.kind} is never fetched`);
      const reply = await send({ method: "GET", target: path });
      if (!reply.ok) return reply;
      const { status, json, startedAt, asOf } = reply.value;
      if (status === 404 || status === 410 || status === 405) {
        const routeMissing = status === 405;
        const gone = { kind: "gone", ref, fetchedAt: startedAt, routeMissing } as const;
        return { ok: true, value: { ...gone, ...(asOf === undefined ? {} : { asOf }) } };
      }
      const record = unwrap(json);
      const seen = record && snapshot(ref.kind, record, reply.value, ref, hint?.organizationId);
      return seen ? { ok: true, value: { kind: "record", snapshot: seen } } : badAnswer("shape");
    },

    async listChanged(kind, since, pageUrl) {
      const path = kinds[kind].list?.path;
      if (path === undefined) throw new Error(`kind ${kind} has no list`);
      const query = since === undefined ? {} : { updated_after: isoInstant(since) };
      const reply = await send(
        pageUrl === undefined ? { method: "GET", target: path, query } : { method: "GET", target: pageUrl },
      );
      if (!reply.ok) return reply;
      const { json, status, upstreamNow, asOf } = reply.value;
      if (status >= 400) return { ok: false, failure: { kind: "refused", status } };
      const rows = isJsonObject(json) ? property(json, "data") : undefined;
      if (!isJsonObject(json) || !Array.isArray(rows)) return badAnswer("shape");
      const snapshots = (rows as readonly Json[])
        .map((row) => (isJsonObject(row) ? snapshot(kind, row, reply.value) : undefined))
        .filter((row) => row !== undefined);
      const meta = property(json, "meta");
      const nextUrl = isJsonObject(meta) ? property(meta, "next_url") : undefined;
      return {
        ok: true,
        value: {
          snapshots,
          unreadable: rows.length - snapshots.length,
          ...(typeof nextUrl === "string" && nextUrl !== "" ? { nextUrl } : {}),
          ...(upstreamNow === undefined ? {} : { upstreamNow }),
          ...(asOf === undefined ? {} : { asOf }),
        },
      };
    },

    async registerWebhook({ url, events, description, idempotencyKey }) {
      const reply = await send({
        method: "POST",
        target: "/webhooks",
        body: { url, events: [...(events ?? Object.keys(EVENT_TYPES))], description },
        idempotencyKey,
      });
      if (!reply.ok) return reply;
      if (reply.value.status >= 400) return refused(reply.value.status);
      const webhook = unwrap(reply.value.json);
      const id = webhook && recordId(property(webhook, "id"));
      const signingSecret = webhook && property(webhook, "signing_secret");
      if (id === undefined || typeof signingSecret !== "string" || signingSecret === "")
        return badAnswer("shape");
      return { ok: true, value: { id, signingSecret } };
    },

    deliveries: (webhookId) => readDeliveries(send, webhookId),

    async sendTest(webhookId) {
      const id = recordId(webhookId);
      if (id === undefined) return badAnswer("shape");
      const reply = await send({ method: "POST", target: `/webhooks/${id}/test` });
      if (!reply.ok) return reply;
      return reply.value.status >= 400 ? refused(reply.value.status) : { ok: true, value: undefined };
    },

    async removeWebhook(webhookId) {
      const id = recordId(webhookId);
      if (id === undefined) return badAnswer("shape");
      const reply = await send({ method: "DELETE", target: `/webhooks/${id}` });
      if (!reply.ok) return reply;
      return reply.value.status === 405 ? refused(405) : { ok: true, value: undefined };
    },
  };
}

function refused(status: number): Result<never> {
  return { ok: false, failure: { kind: "refused", status } };
}

/** `{data:{…}}` or the bare object. */
function unwrap(json: Json | undefined): JsonObject | undefined {
  if (!isJsonObject(json)) return undefined;
  const data = property(json, "data");
  return isJsonObject(data) ? data : json;
}

type Asked = Pick<UpstreamAnswer, "startedAt" | "asOf">;

/** @returns undefined when the record has no id we could know it by, or is larger than a row may be */
function toSnapshot(from: {
  readonly kind: Kind;
  readonly record: JsonObject;
  readonly of: Asked;
  readonly ref: Ref | undefined;
  readonly organizationId: string | undefined;
  readonly account: Account;
  readonly digest: Digest;
}): Snapshot | undefined {
  const { kind, record, of, ref, account, digest } = from;
  const id = kinds[kind].idFromRef && ref ? ref.id : recordId(property(record, "id"));
  if (id === undefined) return undefined;
  const updatedAt = parseInstant(property(record, "updated_at"));
  const organizationId =
    kind === "organizations" ? id : (recordId(property(record, "organization_id")) ?? from.organizationId);
  // A status document asked for by a client's other id may name the client by the one it is known by.
  const named = kind === "clients" ? id : recordId(property(record, "client_id"));
  const clientId = named ?? (kind === "assessment-status" ? id : undefined);
  const content = contentOf(minimise(record, account.fields[kind]), updatedAt, digest);
  if (content.body.length > limits.recordChars) return undefined;
  return {
    kind,
    id,
    fetchedAt: of.startedAt,
    ...(of.asOf === undefined ? {} : { asOf: of.asOf }),
    ...(updatedAt === undefined ? {} : { updatedAt }),
    ...(organizationId === undefined ? {} : { organizationId }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(account.fieldsVersion ? { fieldsVersion: account.fieldsVersion } : {}),
    terminal: kinds[kind].isTerminal(record),
    ...content,
  };
}
