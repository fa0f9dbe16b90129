// The consumer's path: a batch of events in, one settlement per message out. Top to bottom: drop what is done,
// look at each record once, write the ledger, and only then let go of the messages.

import { afterFailure, describeFailure } from "../core/failure.ts";
import { type Kind, type RecordId, type Ref, refKey } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Version } from "../core/record.ts";
import type { Source } from "../sources/source.ts";
import { isChanged, type Known, refsIn, subjectOf } from "./batch.ts";
import { type BurstDeps, bursts, listBurst, listInTurn, sameTime } from "./burst.ts";
import { ACK, type Changed, type EventMessage, type Queued, type Settlement } from "./messages.ts";
import type { Log, Looked } from "./ports.ts";
import { isAsNew, lookAgainSeconds, shows } from "./settled.ts";
import type { Connection, EventOutcome, Ledger, LedgerEntry, RecordStore } from "./stores.ts";

export interface HydrateDeps extends Omit<BurstDeps, "versions"> {
  readonly now: () => number;
  readonly random: () => number;
  readonly source: Source;
  readonly ledger: Pick<Ledger, "record">;
  readonly records: Pick<RecordStore, "versions">;
  /** Keeps a full payload; resolves once it is stored. */
  readonly keepReminder: (message: EventMessage) => Promise<void>;
  /** An assessment was taken: the client needs no reminding of it any more. */
  readonly closeReminders: (message: EventMessage) => Promise<void>;
  /** The client is back: its next login hydrates it anew. */
  readonly clearBackfills: (clientId: RecordId) => Promise<void>;
  readonly log: Log;
}

type Message = Queued<EventMessage>;

/**
 * Guarantee: a message is acknowledged only after its event is in the ledger, and the ledger is written only
 * after the record was committed. Dying anywhere before repeats the work and loses nothing.
 * @param messages all of one connection
 * @param known what was known of them once they were here
 */
export async function hydrate(
  deps: HydrateDeps,
  connection: Connection,
  messages: readonly Message[],
  known: Known,
): Promise<readonly Settlement[]> {
  const { done, suppressed, versions } = known;
  const seen = new Set(done);
  const fresh = messages.filter(({ body }) => {
    const first = !seen.has(body.eventId);
    seen.add(body.eventId);
    return first;
  });
  const isOfPurged = ({ body }: Message) => {
    const subject = subjectOf(body);
    return subject !== undefined && suppressed.has(refKey(subject));
  };

  const kept = fresh.filter((message) => !isOfPurged(message));
  const lookedFrom = deps.now();
  const looks = await lookAll(deps, connection, kept.filter(isChanged), versions);
  const entries: LedgerEntry[] = [];
  const settlements = new Map<Message, Settlement>();
  const spokenOf = new Set<string>();
  for (const message of fresh) {
    const { settlement, outcome } = isOfPurged(message)
      ? OF_PURGED
      : await settle(deps, message, looks, lookedFrom, spokenOf);
    settlements.set(message, settlement);
    if (outcome) entries.push(toEntry(deps, message, outcome));
  }
  if (entries.length > 0) await deps.ledger.record(connection.id, entries);
  // What is not fresh is done already, or a second copy within the batch: the first one carries the event.
  return messages.map((message) => settlements.get(message) ?? ACK);
}

/**
 * Looks at every ref of the batch at most once. Cheapest first: what a look after the event already shows,
 * then one delta list for many refs of a kind, then single fetches.
 */
async function lookAll(
  deps: HydrateDeps,
  connection: Connection,
  messages: readonly Changed[],
  versions: ReadonlyMap<string, Version>,
): Promise<ReadonlyMap<string, Looked>> {
  const byRef = Map.groupBy(messages, ({ body }) => refKey(body.what.ref));
  const looks = alreadyShown(byRef, versions);

  const listing = {
    ...deps,
    versions: (refs: readonly Ref[]) => deps.records.versions(connection.id, refs),
  };
  const open = () => [...byRef].filter(([key]) => !settles(looks.get(key)));
  const burstOf = (kind: Kind) => sameTime(bursts(deps.source, open()).get(kind) ?? []);
  for (const kind of bursts(deps.source, open()).keys()) {
    if (burstOf(kind).length < limits.burstRefs) continue;
    await listInTurn(listing, kind, looks, async () => {
      const shown = alreadyShown(byRef, await listing.versions(refsIn(messages)));
      for (const [key] of open().filter(([one]) => shown.has(one))) looks.set(key, shown.get(key) as Looked);
      return burstOf(kind);
    });
  }

  const single = open().filter(
    ([key]) => !looks.has(key) || looks.get(key)?.ok === false || hasDoubt(looks.get(key)),
  );
  const asks = single.map(([, [first]]) => ({
    ref: (first as Changed).body.what.ref,
    class: "event" as const,
    organizationId: first?.body.organizationId,
  }));
  const looked = asks.length === 0 ? [] : await deps.writers.look(asks);
  single.forEach(([key], i) => {
    looks.set(key, looked[i] as Looked);
  });

  // A kind whose single route has never answered is read by its list instead.
  const unproven = open().filter(([key]) => isUnproven(looks.get(key)));
  for (const [kind, burst] of bursts(deps.source, unproven)) await listBurst(listing, kind, burst, looks);
  return looks;
}

/**
 * A list or another event's look, started after these events came in, has brought what they speak of already.
 * Only for a first delivery: one that comes back waits for a lag to pass and wants a look of its own.
 */
function alreadyShown(
  byRef: ReadonlyMap<string, readonly Changed[]>,
  versions: ReadonlyMap<string, Version>,
): Map<string, Looked> {
  const looks = new Map<string, Looked>();
  for (const [key, events] of byRef) {
    const version = versions.get(key);
    if (version?.updatedAt === undefined || version.deletedAt !== undefined) continue;
    const { updatedAt, fetchedAt } = version;
    const shown = events.every(
      ({ attempts, body: { createdAt, receivedAt } }) =>
        attempts === 1 && fetchedAt > receivedAt && createdAt !== undefined && isAsNew(updatedAt, createdAt),
    );
    if (shown) looks.set(key, { ok: true, decision: "unchanged", version });
  }
  return looks;
}

const settles = (looked: Looked | undefined) => looked?.ok === true && !looked.doubt && !looked.unproven;
const hasDoubt = (looked: Looked | undefined) => looked?.ok === true && looked.doubt !== undefined;
const isUnproven = (looked: Looked | undefined) => looked?.ok === true && looked.unproven === true;

interface Settled {
  readonly settlement: Settlement;
  /** Present when the ledger is to know of it. */
  readonly outcome?: EventOutcome;
}

const OF_PURGED: Settled = { settlement: ACK, outcome: "suppressed" };

async function settle(
  deps: HydrateDeps,
  message: Message,
  looks: ReadonlyMap<string, Looked>,
  lookedFrom: number,
  /** Refs that earlier messages of the batch were about. */
  spokenOf: Set<string>,
): Promise<Settled> {
  const { what } = message.body;
  switch (what.is) {
    case "test":
      return { settlement: ACK, outcome: "test" };
    case "unknown":
      return { settlement: ACK, outcome: what.why === "type" ? "unknown_type" : "unusable" };
    case "record":
      return storeOr(deps, message, "insert", () => deps.keepReminder(message.body));
    case "changed": {
      const key = refKey(what.ref);
      const looked = looks.get(key) ?? { ok: false, failure: { kind: "interrupted" } };
      const settled = settleChanged(deps, message, looked, lookedFrom, !spokenOf.has(key));
      spokenOf.add(key);
      if (settled.settlement.result !== "ack" || !settled.outcome) return settled;
      if (settled.outcome === "suppressed") return settled;
      return storeOr(deps, message, settled.outcome, async () => {
        if (what.assessmentTaken) await deps.closeReminders(message.body);
        if (what.readmitted) await deps.clearBackfills(what.ref.id);
      });
    }
  }
}

async function storeOr(
  deps: HydrateDeps,
  message: Message,
  outcome: EventOutcome,
  store: () => Promise<void>,
): Promise<Settled> {
  try {
    await store();
    return { settlement: ACK, outcome };
  } catch {
    return settleFailure(deps, message, { ok: false, failure: { kind: "interrupted" } });
  }
}

function settleChanged(
  deps: HydrateDeps,
  message: Message,
  looked: Looked,
  lookedFrom: number,
  first: boolean,
): Settled {
  if (!looked.ok) return settleFailure(deps, message, looked);
  if (looked.suppressed) return OF_PURGED;
  const { receivedAt, type } = message.body;
  if (shows(looked, message.body, lookedFrom, deps.source, first)) {
    return { settlement: ACK, outcome: looked.version === undefined ? "gone" : looked.decision };
  }
  const again = lookAgainSeconds(receivedAt, deps.now());
  if (again !== undefined) return { settlement: { result: "retry", delaySeconds: again } };
  if (looked.doubt) {
    const confirmAt = looked.doubt.since + limits.confirmAfterMs;
    const delaySeconds = Math.max(1, Math.ceil((confirmAt - deps.now()) / 1_000));
    return { settlement: { result: "retry", delaySeconds } };
  }
  deps.log("warn", "event_lagging", { type });
  return { settlement: ACK, outcome: "lagging" };
}

function settleFailure(deps: HydrateDeps, message: Message, looked: Extract<Looked, { ok: false }>): Settled {
  const after = afterFailure(looked.failure, message.attempts, deps.random());
  if (after.result === "retry") return { settlement: after };
  deps.log("error", "event_parked", { type: message.body.type, reason: describeFailure(looked.failure) });
  return { settlement: after, outcome: "parked" };
}

function toEntry(deps: HydrateDeps, { body, attempts }: Message, outcome: EventOutcome): LedgerEntry {
  const { eventId, type, createdAt, receivedAt, what } = body;
  return {
    eventId,
    type,
    receivedAt,
    outcome,
    attempts,
    ...("ref" in what && outcome !== "suppressed" ? { ref: what.ref } : {}),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(outcome === "parked" ? {} : { doneAt: deps.now() }),
  };
}
