// A fresh copy this isolate holds (RD5), for a key it knows: answered before the router, without a promise and without
// a trip anywhere. It is the router's answer, byte for byte; whatever is out of the ordinary is left to the router.

import { type Kind, recordId } from "../core/ids.ts";
import type { MirrorRecord } from "../core/record.ts";
import { isExpired, mayRead, maySee } from "./auth.ts";
import { ageSeconds } from "./cache-headers.ts";
import type { ApiDeps } from "./deps.ts";
import { type Prepared, prepared } from "./prepared.ts";
import { requestIdOf } from "./request-id.ts";
import { type Found, recordBody, recordHeaders } from "./wire.ts";

/** A query, a longer path, an escape: not here. */
const PATH = /^https?:\/\/[^/?#]+\/v1\/(organizations|staff|clients)\/([^/?#]+)$/;

/** As nearly everybody writes it. */
const BEARER = "Bearer ";

/** Request headers that the plain answer would not do for. A bookmark leads to a replica: not where a copy is held. */
const ASKING = ["if-none-match", "if-modified-since", "cache-control", "mirror-min-seq"] as const;

const utf8 = new TextEncoder();

/** What is the same for all who read one copy within one second of its age. */
interface Reading {
  readonly asOf: number;
  /** Seconds. */
  readonly age: number;
  /** As it is sent: a text would be encoded, and copied, for every answer. */
  readonly body: Uint8Array;
  readonly answer: Prepared;
}

/** @returns undefined where the router has to answer */
export type HotRead = (request: Request, keepAlive: (work: Promise<unknown>) => void) => Response | undefined;

/** The key's ration (RL1) spares the database: nothing here reaches it. The access log notes these reads like all. */
export function hotReads(
  deps: Pick<ApiDeps, "now" | "newId" | "heldKey" | "readKept" | "recordAccess">,
): HotRead {
  // They go with the copy itself, whose bounds count them in.
  const readings = new WeakMap<MirrorRecord, Reading>();

  function readingOf(found: Found, now: number): Reading {
    const { record, asOf } = found;
    const age = ageSeconds(now - asOf);
    const before = readings.get(record);
    if (before?.asOf === asOf && before.age === age) return before;
    const answer = prepared(200, { ...recordHeaders(now, found), "content-type": "application/json" });
    const reading = { asOf, age, body: before?.body ?? utf8.encode(recordBody(record)), answer };
    readings.set(record, reading);
    return reading;
  }

  return (request, keepAlive) => {
    if (request.method !== "GET") return undefined;
    const [, kindNamed, idNamed] = PATH.exec(request.url) ?? [];
    const id = recordId(idNamed);
    if (id === undefined) return undefined;
    const kind = kindNamed as Kind;
    const { headers } = request;
    const authorization = headers.get("authorization");
    if (!authorization?.startsWith(BEARER)) return undefined;
    const key = deps.heldKey(authorization.slice(BEARER.length));
    const now = deps.now();
    if (key === undefined || isExpired(key, now) || !mayRead(key, kind)) return undefined;
    for (const name of ASKING) if (headers.has(name)) return undefined;
    const visible = ({ organizationId }: MirrorRecord) => maySee(key, organizationId);
    const found = deps.readKept(key.connection, { ref: { kind, id }, visible });
    if (found === undefined) return undefined;

    const { body, answer } = readingOf(found, now);
    const response = answer(body, requestIdOf(headers.get("x-request-id"), deps.newId));
    const subject = { action: "read", kind, recordId: id, status: 200 } as const;
    deps.recordAccess?.({ connection: key.connection, at: now, keyId: key.id, ...subject }, keepAlive);
    return response;
  };
}
