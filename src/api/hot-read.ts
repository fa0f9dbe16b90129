// A fresh copy this isolate holds (RD5), for a key it knows: answered before the router, without a promise and without
// a trip anywhere. It is the router's answer, byte for byte; whatever is out of the ordinary is left to the router.

import { type Kind, recordId } from "../core/ids.ts";
import type { MirrorRecord } from "../core/record.ts";
import { isExpired, mayRead, maySee } from "./auth.ts";
import { ageSeconds } from "./cache-headers.ts";
import type { ApiDeps } from "./deps.ts";
import { requestIdOf } from "./request-id.ts";
import { type Found, recordBody, recordHeaders } from "./wire.ts";

/** A query, a longer path, an escape: not here. */
const PATH = /^https?:\/\/[^/?#]+\/v1\/(organizations|staff|clients)\/([^/?#]+)$/;

/** As nearly everybody writes it. */
const BEARER = "Bearer ";

/** Request headers that the plain answer would not do for. A bookmark leads to a replica: not where a copy is held. */
const ASKING = ["if-none-match", "if-modified-since", "cache-control", "mirror-min-seq"] as const;

/** What is the same for all who read one copy within one second of its age. */
interface Prepared {
  readonly asOf: number;
  /** Seconds. */
  readonly age: number;
  readonly body: string;
  /** Status and headers, as they are in every answer: the platform copies them for less than it makes new ones. */
  readonly head: Response;
}

/** @returns undefined where the router has to answer */
export type HotRead = (request: Request, keepAlive: (work: Promise<unknown>) => void) => Response | undefined;

/** The key's ration (RL1) spares the database: nothing here reaches it. The access log notes these reads like all. */
export function hotReads(
  deps: Pick<ApiDeps, "now" | "newId" | "heldKey" | "readKept" | "recordAccess">,
): HotRead {
  // They go with the copy itself, whose bounds count them in.
  const preparations = new WeakMap<MirrorRecord, Prepared>();

  function prepare(found: Found, now: number): Prepared {
    const { record, asOf } = found;
    const age = ageSeconds(now - asOf);
    const before = preparations.get(record);
    if (before?.asOf === asOf && before.age === age) return before;
    const head = new Response(null, { headers: recordHeaders(now, found) });
    const prepared = { asOf, age, head, body: before?.body ?? recordBody(record) };
    preparations.set(record, prepared);
    return prepared;
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

    const { body, head } = prepare(found, now);
    // Nothing can come between here and the copy: what is set is this answer's own.
    head.headers.set("x-request-id", requestIdOf(headers.get("x-request-id"), deps.newId));
    const response = new Response(body, head);
    const subject = { action: "read", kind, recordId: id, status: 200 } as const;
    deps.recordAccess?.({ connection: key.connection, at: now, keyId: key.id, ...subject }, keepAlive);
    return response;
  };
}
