// The Hono app of one environment, wired to the services. Caches live here: one set per isolate.

import { timingSafeEqual } from "node:crypto";
import type { Hono } from "hono";
import { createApp } from "../api/app.ts";
import type { ApiDeps, AppEnv } from "../api/deps.ts";
import { errorAnswer } from "../api/errors.ts";
import { type Deliveries, deliveries } from "../api/hooks.ts";
import { type SingleReads, singleReads } from "../api/single-read.ts";
import { base64Url } from "../core/base64.ts";
import type { ConnectionId, Kind } from "../core/ids.ts";
import { accessRecorder } from "../sync/access.ts";
import { login } from "../sync/backfill.ts";
import { addSecret, type ConnectDeps, connect, disconnect, resume } from "../sync/connect.ts";
import { changeFields } from "../sync/fields.ts";
import { replay } from "../sync/park.ts";
import { purgeClient } from "../sync/purge.ts";
import { readKept, readOne } from "../sync/read.ts";
import { orderRebuild, rebuiltKinds } from "../sync/rebuild.ts";
import { type ReceiveDeps, receive } from "../sync/receive.ts";
import { acknowledgeReminder } from "../sync/reminders.ts";
import { readDeliveryReport } from "../sync/subscription.ts";
import { sweptKinds } from "../sync/sweep.ts";
import { nextRuns, runSweeps } from "../sync/sweeps.ts";
import { sendAccess } from "./access.ts";
import {
  absentCache,
  completeCache,
  keyCache,
  lastSeqCache,
  rations,
  receiverCache,
  refreshGuard,
  shownCache,
  vouchCache,
} from "./caches.ts";
import type { Services } from "./compose.ts";
import { BadEnvironment } from "./env.ts";

interface Front {
  readonly app: Hono<AppEnv>;
  readonly delivered: Deliveries;
  readonly singleRead: SingleReads;
}

const fronts = new WeakMap<Services, Front>();

function frontOf(services: Services): Front {
  let front = fronts.get(services);
  if (front === undefined) {
    const deps = apiDeps(services);
    front = { app: createApp(deps), delivered: deliveries(deps), singleRead: singleReads(deps) };
    fronts.set(services, front);
  }
  return front;
}

export function answer(
  services: Services,
  request: Request,
  context: ExecutionContext,
): Response | Promise<Response> {
  const { app, delivered, singleRead } = frontOf(services);
  return (
    singleRead(request, (work) => context.waitUntil(work)) ??
    delivered(request) ??
    app.fetch(request, services.env, context)
  );
}

/** @returns 500 `bad_environment` with the one clear line; anything else is thrown on */
export function badEnvironment(error: unknown): Response {
  if (!(error instanceof BadEnvironment)) throw error;
  console.error(error.message);
  return errorAnswer({ code: "bad_environment", message: error.message }, crypto.randomUUID());
}

function apiDeps(services: Services): ApiDeps {
  const { connections, digest, keys, now, queues, settings, source } = services;
  const receivers = receiverCache(now, (id) => connections.receiver(id, now()));
  const knownKeys = keyCache(now, (key) => keys.find(digest(key)));
  const absent = absentCache(now);
  const { visibilityLagMs, kinds: specs } = source("rcms");
  const ttlMs = (kind: Kind) => (specs[kind].upkeep.ttlSeconds ?? settings.RECORD_TTL_SECONDS) * 1_000;
  const vouch = vouchCache(now, services.cursors);
  const refreshes = refreshGuard(now, services.refreshes);
  const { copies, records, replica, sleep, writers } = services;
  const world = { now, records, replica, queues, writers, sleep, copies };
  // Copied for every read: no more than a read needs.
  const reading = { ...world, absent, refreshes, shown: shownCache(), vouch, ttlMs, visibilityLagMs };
  const receiving: ReceiveDeps = { now, source, digest, receivers, send: queues.sendEvents };
  const adminDigest = Buffer.from(digest(settings.ADMIN_TOKEN));
  const connecting: ConnectDeps = { ...services, newNonce: services.newId };

  return {
    ...services,
    allowHttpUpstream: settings.ALLOW_HTTP_UPSTREAM,
    receive: (id, delivery) => receive(receiving, id, delivery),
    // Digests have one length, so the comparison takes the same time for every guess.
    isAdmin: (token) => timingSafeEqual(Buffer.from(digest(token)), adminDigest),
    findKey: knownKeys.get,
    heldKey: knownKeys.held,
    admit: rations((keyId) => admit(services, keyId)),
    lastSeq: lastSeqCache(now, services.records.lastSeq),
    mintKey: () => {
      const key = `rmk_${base64Url(services.randomBytes(32))}`;
      return { key, hash: digest(key) };
    },
    forgetKeys: knownKeys.clear,
    forgetConnection: (id) => {
      receivers.forget(id);
      services.copies.clear();
    },
    readOne: (connection, asked, keepAlive) => readOne({ ...reading, keepAlive }, connection, asked),
    readKept: (connection, asked) => readKept(reading, connection, asked),
    acknowledgeReminder: (connection, id) => acknowledgeReminder(services, connection, id),
    sweep: (id, kinds) => sweepNow(services, id, kinds),
    login: (connection, userId, clientId) => login(services, connection, userId, clientId),
    recordAccess:
      settings.ACCESS_LOG_DAYS === 0
        ? undefined
        : accessRecorder({
            ...services,
            windowMs: settings.ACCESS_WINDOW_MS,
            send: (parts) => sendAccess(services.env.ACCESS, parts),
          }),
    // What this isolate holds a copy of may be just what has to go.
    changeFields: (id, fields) => changeFields(services, id, fields).finally(services.copies.clear),
    purgeClient: (connection, clientId) =>
      purgeClient(services, connection, clientId).finally(services.copies.clear),
    orderRebuild: async (id, kinds) => {
      const connection = await connections.get(id);
      if (connection === undefined) return undefined;
      await orderRebuild(services, connection, kinds ?? rebuiltKinds(source(connection.source)));
      return true;
    },
    readDeliveries: async (id) => {
      const connection = await connections.get(id);
      return connection && readDeliveryReport(services.of(connection, "interactive"), connection);
    },
    isComplete: completeCache(now, services.kinds.isComplete),
    vouch,
    ttlMs,
    visibilityLagMs,
    ...services.tuning,
    accountProblem: (request) => source(request.source).accountProblem(request.account),
    connect: (request) => connect(connecting, request),
    disconnect: (id, force) =>
      disconnect(connecting, id, { force, clearState: () => clearState(services, id) }),
    resume: (id, apiKey) => resume(connecting, id, apiKey),
    addSecret: (id, secret) => addSecret(connecting, id, secret),
    replay: (which) => replay(services, which),
  };
}

/** The limit protects the database; it is no permission, so where it cannot be asked nobody is refused. */
async function admit({ env, log }: Services, keyId: string): Promise<boolean> {
  try {
    return (await env.READS.limit({ key: keyId })).success;
  } catch {
    log("warn", "rate_limit_unavailable");
    return true;
  }
}

/** An operator's sweep: what one run cannot finish goes on through the queue. */
async function sweepNow(services: Services, id: ConnectionId, kinds?: readonly Kind[]) {
  const connection = await services.connections.get(id);
  if (connection === undefined) return undefined;
  const deps = services.of(connection, "sweep");
  const results = await runSweeps(deps, connection, kinds ?? sweptKinds(deps.source));
  for (const { kinds: open, delaySeconds, failures } of nextRuns(results, 0, services.random())) {
    await services.queues.sendJobs([{ job: "sweep", connection: id, kinds: open, failures }], delaySeconds);
  }
  return results;
}

/** What of a connection lives outside its database. */
async function clearState({ cursors, clearWriters }: Services, id: ConnectionId): Promise<void> {
  await cursors.removeAll(id);
  await clearWriters(id);
}
