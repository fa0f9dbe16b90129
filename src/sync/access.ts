// The access log's way from a read to its row: off the read's path, and never silently lost. Reads of one isolate
// that come close together share one message, and two of them stay alive (`waitUntil`) until it was sent.

import { type Access, type AccessPart, partsOf } from "../core/access.ts";
import { limits } from "../core/limits.ts";
import type { Log } from "./ports.ts";
import type { AccessStore } from "./privacy-stores.ts";

export interface AccessDeps {
  readonly send: (parts: readonly AccessPart[]) => Promise<void>;
  readonly access: Pick<AccessStore, "add">;
  readonly sleep: (ms: number) => Promise<void>;
  readonly newId: () => string;
  /** How long entries wait for others. 0: each is sent at once. */
  readonly windowMs: number;
  readonly log: Log;
}

/** @param keepAlive lets work finish after the reader was answered */
export type RecordAccess = (entry: Access, keepAlive: (work: Promise<void>) => void) => void;

/** Plain data, shared by the reads of an isolate; never a promise of another read's. */
interface Window {
  readonly since: number;
  /** The number of its first entry. */
  readonly first: number;
  readonly entries: Access[];
  /** Reads that stay until it is sent. */
  staying: number;
  state: "open" | "taken" | "sent";
}

/**
 * Guarantee: an entry is on the queue or in the table, or a line says that it was lost, unless the isolate dies or
 * both reads that stay for its window do. The first one's wait over, it sends the window; the second one waits until
 * that is done and, if the first died on the way, sends it itself: twice sent is told once. A window whose reads both
 * died before sending is sent by those who come later.
 */
export function accessRecorder(deps: AccessDeps): RecordAccess {
  let open: Window | undefined;
  let unsent = 0;
  // One random part for all entries of the isolate: drawing one for each would cost more than the rest.
  const origin = deps.newId();
  let count = 0;

  async function stay(window: Window): Promise<void> {
    if (deps.windowMs > 0 && !isFull(window)) await deps.sleep(deps.windowMs);
    for (let turns = 0; window.state === "taken" && turns < limits.accessTurns; turns++) {
      await deps.sleep(limits.accessTurnMs);
    }
    if (window.state === "sent") return;
    window.state = "taken";
    if (open === window) open = undefined;
    await keep(deps, origin, window);
    // Read anew: the other one may have sent it too.
    if (isSent(window)) return;
    window.state = "sent";
    unsent -= window.entries.length;
  }

  return (entry, keepAlive) => {
    const number = count++;
    if (unsent >= limits.accessWaiting) {
      keepAlive(keep(deps, origin, { first: number, entries: [entry] }));
      return;
    }
    unsent++;
    open ??= { since: entry.at, first: number, entries: [], staying: 0, state: "open" };
    open.entries.push(entry);
    const overdue = entry.at - open.since > 2 * deps.windowMs;
    if (open.staying < limits.accessStaying || overdue || isFull(open)) {
      open.staying++;
      keepAlive(stay(open));
    }
  };
}

const isFull = ({ entries }: Window) => entries.length >= limits.accessWindowEntries;
const isSent = ({ state }: Window) => state === "sent";

/** The queue first; the table itself when the queue refuses; a line with their number when both do. */
async function keep(
  deps: AccessDeps,
  origin: string,
  { first, entries }: Pick<Window, "first" | "entries">,
): Promise<void> {
  const parts = partsOf(origin, first, entries);
  try {
    await deps.send(parts);
  } catch {
    try {
      await deps.access.add(parts);
    } catch {
      deps.log("error", "access_lost", { entries: entries.length });
    }
  }
}
