// The access log at the rim: its messages, and the table they end in. A message is text, a line an entry: written and
// read for a fraction of what as many objects cost.

import { type ConnectionId, KINDS, type Kind, type RecordId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Log } from "../sync/ports.ts";
import { ACTIONS, type AccessAction, type AccessEntry, type AccessStore } from "../sync/privacy-stores.ts";

/** Stands where an entry has nothing to say; no id holds it. */
const NONE = "~";

const oneOf = (names: readonly string[]) => names.join("|");
const LINE = new RegExp(
  [
    /^(?<connection>[a-z0-9-]{1,32})/,
    /(?<id>(?<at>\d{13})-[A-Za-z0-9-]{1,64})/,
    /(?<keyId>[A-Za-z0-9-]{1,64})/,
    new RegExp(`(?<action>${oneOf(ACTIONS)})`),
    /(?<status>\d{3})/,
    new RegExp(`(?:~|(?<kind>${oneOf(KINDS)}))`),
    /(?:~|(?<recordId>[A-Za-z0-9_-]{1,64}))/,
    /(?:~|(?<records>\d{1,9}))$/,
  ]
    .map(({ source }) => source)
    .join(" "),
);

function toLine({ connection, id, keyId, action, status, kind, recordId, records }: AccessEntry): string {
  return `${connection} ${id} ${keyId} ${action} ${status} ${kind ?? NONE} ${recordId ?? NONE} ${records ?? NONE}`;
}

/** @returns undefined for what this version did not write */
function fromLine(line: string): AccessEntry | undefined {
  const said = LINE.exec(line)?.groups;
  if (said === undefined) return undefined;
  const { connection, id = "", at, keyId = "", action, status, kind, recordId, records } = said;
  return {
    ...{ id, connection: connection as ConnectionId, at: Number(at), keyId },
    ...{ action: action as AccessAction, status: Number(status) },
    ...(kind === undefined ? {} : { kind: kind as Kind }),
    ...(recordId === undefined ? {} : { recordId: recordId as RecordId }),
    ...(records === undefined ? {} : { records: Number(records) }),
  };
}

export const isAccessMessage = (body: unknown): body is { readonly access: unknown } =>
  typeof body === "object" && body !== null && "access" in body;

/** @returns undefined unless every line is an entry */
function parseMessage(body: unknown): readonly AccessEntry[] | undefined {
  if (!isAccessMessage(body) || typeof body.access !== "string") return undefined;
  const entries = body.access.split("\n").map(fromLine);
  return entries.every((entry) => entry !== undefined) ? entries : undefined;
}

/** One message per batch of entries. */
export async function sendAccess(queue: Queue, batches: readonly (readonly AccessEntry[])[]): Promise<void> {
  const bodies = batches.map((entries) => ({ access: entries.map(toLine).join("\n") }));
  const [only] = bodies;
  if (only !== undefined && bodies.length === 1) await queue.send(only);
  else await queue.sendBatch(bodies.map((body) => ({ body })));
}

/** A batch is one statement, its entries of one minute one row. What fails comes back whole: added twice is told once. */
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
