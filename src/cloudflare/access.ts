// The access log at the rim: its messages, and the table they end in. A message is text, a line an entry, and what
// entries have in common is said once: a tenth of what as many objects cost to send.

import * as z from "zod/mini";
import { type ConnectionId, KINDS, type Kind, type RecordId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { type AccessBatch, named, type Unnamed } from "../sync/access.ts";
import type { Log } from "../sync/ports.ts";
import { ACTIONS, type AccessAction, type AccessEntry, type AccessStore } from "../sync/privacy-stores.ts";

/** Stands where an entry has nothing to say; no id holds it. */
const NONE = "~";

const oneOf = (names: readonly string[]) => names.join("|");
/** What the entries below have in common. */
const HEAD = new RegExp(
  `^=([a-z0-9-]{1,32}) ([A-Za-z0-9-]{1,64}) (${oneOf(ACTIONS)}) (\\d{3}) (?:~|(${oneOf(KINDS)}))$`,
);
/** ms since the batch began, record, count. */
const ENTRY = /^(-?\d{1,12}) (?:~|([A-Za-z0-9_-]{1,64})) (?:~|(\d{1,9}))$/;

const message = z.object({
  access: z.object({
    origin: z.string().check(z.regex(/^[A-Za-z0-9-]{1,48}$/)),
    first: z.int().check(z.nonnegative()),
    since: z.int(),
    lines: z.string(),
  }),
});

function toMessage({ origin, first, entries }: AccessBatch): z.infer<typeof message> {
  const since = entries[0]?.at ?? 0;
  const lines: string[] = [];
  let above: Unnamed | undefined;
  for (const entry of entries) {
    const { connection, keyId, action, status, kind, at, recordId, records } = entry;
    if (above === undefined || !haveOneHead(above, entry)) {
      lines.push(`=${connection} ${keyId} ${action} ${status} ${kind ?? NONE}`);
    }
    above = entry;
    lines.push(`${at - since} ${recordId ?? NONE} ${records ?? NONE}`);
  }
  return { access: { origin, first, since, lines: lines.join("\n") } };
}

function haveOneHead(a: Unnamed, b: Unnamed): boolean {
  const who = a.keyId === b.keyId && a.connection === b.connection;
  return who && a.action === b.action && a.kind === b.kind && a.status === b.status;
}

type Head = Pick<AccessEntry, "connection" | "keyId" | "action" | "status" | "kind">;

/** @returns undefined for what this version did not write */
function parseMessage(body: unknown): readonly AccessEntry[] | undefined {
  const parsed = message.safeParse(body);
  if (!parsed.success) return undefined;
  const { origin, first, since, lines } = parsed.data.access;
  const entries: Unnamed[] = [];
  let head: Head | undefined;
  for (const line of lines.split("\n")) {
    if (line.startsWith("=")) head = toHead(line);
    else {
      const said = ENTRY.exec(line);
      if (said === null || head === undefined) return undefined;
      const [, after, recordId, records] = said;
      entries.push({
        ...head,
        at: since + Number(after),
        ...(recordId === undefined ? {} : { recordId: recordId as RecordId }),
        ...(records === undefined ? {} : { records: Number(records) }),
      });
    }
    if (head === undefined) return undefined;
  }
  return named({ origin, first, entries });
}

function toHead(line: string): Head | undefined {
  const said = HEAD.exec(line);
  if (said === null) return undefined;
  const [, connection, keyId = "", action, status, kind] = said;
  return {
    ...{ connection: connection as ConnectionId, keyId },
    ...{ action: action as AccessAction, status: Number(status) },
    ...(kind === undefined ? {} : { kind: kind as Kind }),
  };
}

export const isAccessMessage = (body: unknown): boolean =>
  typeof body === "object" && body !== null && "access" in body;

/** One message per batch. */
export async function sendAccess(queue: Queue, batches: readonly AccessBatch[]): Promise<void> {
  const [only, ...rest] = batches.map(toMessage);
  if (only === undefined) return;
  if (rest.length === 0) await queue.send(only);
  else await queue.sendBatch([only, ...rest].map((body) => ({ body })));
}

/** A batch is one transaction, its entries of one minute one row. What fails comes back whole: added twice is told once. */
export async function keepAccess(
  { access, log }: { readonly access: AccessStore; readonly log: Log },
  messages: readonly Message[],
): Promise<void> {
  const entries = messages.flatMap(({ body }): readonly AccessEntry[] => {
    const parsed = parseMessage(body);
    if (parsed === undefined) log("error", "message_unreadable", { queue: "access" });
    return parsed ?? [];
  });
  try {
    await access.add(entries);
    for (const one of messages) one.ack();
  } catch {
    log("error", "batch_failed", { queue: "access", messages: messages.length });
    for (const one of messages) one.retry({ delaySeconds: retrySeconds(one.attempts) });
  }
}

const retrySeconds = (attempts: number) =>
  Math.min(limits.retryBaseSeconds * 2 ** Math.min(attempts, 10), limits.retryCapSeconds);
