// One record by its id, for a key this isolate knows: answered before the router, whose middlewares cost as much as the
// answer. What is out of the ordinary is left to the router, and its answer is the same to the byte.
//
// A fresh copy this isolate holds (RD5) is answered without a promise and without a trip anywhere.

import { type Kind, type Ref, recordId } from "../core/ids.ts";
import type { MirrorRecord } from "../core/record.ts";
import { isExpired, mayRead, maySee, takeRation } from "./auth.ts";
import { ageSeconds } from "./cache-headers.ts";
import type { ApiDeps } from "./deps.ts";
import { errorAnswer, refusalOf } from "./errors.ts";
import { type Prepared, prepared } from "./prepared.ts";
import { type Reader, readVisible } from "./reading.ts";
import { requestIdOf } from "./request-id.ts";
import { type Found, recordBody, recordHeaders, recordResponse } from "./wire.ts";

/** A query, a longer path, an escape: not here. */
const PATH = /^https?:\/\/[^/?#]+\/v1\/(organizations|staff|clients)\/([^/?#]+)$/;

/** As nearly everybody writes it. */
const BEARER = "Bearer ";

/** Request headers that a copy's plain answer would not do for. A bookmark leads to a replica: not where a copy is held. */
const ASKING = ["if-none-match", "if-modified-since", "cache-control", "mirror-min-seq"] as const;

/** @returns undefined where the router has to answer */
export type SingleReads = (
  request: Request,
  keepAlive: (work: Promise<unknown>) => void,
) => Response | Promise<Response> | undefined;

export function singleReads(deps: ApiDeps): SingleReads {
  const hotRead = hotReads(deps);
  return (request, keepAlive) => {
    if (request.method !== "GET") return undefined;
    const [, kindNamed, idNamed] = PATH.exec(request.url) ?? [];
    const id = recordId(idNamed);
    if (id === undefined) return undefined;
    const ref = { kind: kindNamed as Kind, id };
    const { headers } = request;
    const authorization = headers.get("authorization");
    if (!authorization?.startsWith(BEARER)) return undefined;
    const key = deps.heldKey(authorization.slice(BEARER.length));
    const now = deps.now();
    if (key === undefined || isExpired(key, now) || !mayRead(key, ref.kind)) return undefined;

    const reader = { key, headers, keepAlive };
    const requestId = requestIdOf(headers.get("x-request-id"), deps.newId);
    const hot = hotRead(reader, ref, requestId, now);
    if (hot === undefined) return coldRead(deps, reader, ref, request, requestId);
    note(deps, reader, ref, now, 200);
    return hot;
  };
}

/** What the middlewares and the route do for the router. */
async function coldRead(
  deps: ApiDeps,
  reader: Reader,
  ref: Ref,
  request: Request,
  requestId: string,
): Promise<Response> {
  let response: Response;
  try {
    await takeRation(deps, reader.key);
    response = recordResponse(request, deps.now(), await readVisible(deps, reader, ref.kind, ref.id));
    response.headers.set("x-request-id", requestId);
  } catch (error) {
    response = errorAnswer(refusalOf(deps.log, error, requestId), requestId);
  }
  note(deps, reader, ref, deps.now(), response.status);
  return response;
}

/** As `recordAccess` notes what the router answers. */
function note(
  deps: ApiDeps,
  { key, keepAlive }: Reader,
  { kind, id }: Ref,
  at: number,
  status: number,
): void {
  const entry = { connection: key.connection, at, keyId: key.id, status } as const;
  deps.recordAccess?.({ ...entry, action: "read", kind, recordId: id }, keepAlive);
}

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

/**
 * The key's ration (RL1) spares the database: nothing here reaches it.
 * @returns undefined where no copy will do as it is
 */
function hotReads(deps: ApiDeps) {
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

  return ({ key, headers }: Reader, ref: Ref, requestId: string, now: number): Response | undefined => {
    const visible = ({ organizationId }: MirrorRecord) => maySee(key, organizationId);
    const found = deps.readKept(key.connection, { ref, visible });
    if (found === undefined || ASKING.some((name) => headers.has(name))) return undefined;
    const { body, answer } = readingOf(found, now);
    return answer(body, requestId);
  };
}
