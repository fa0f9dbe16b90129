// `npm start -- --once`: a fixed set of changes, then the proof. Everything the changes touched is compared, record
// by record, with the upstream's truth.

import { setTimeout as sleep } from "node:timers/promises";
import { EVENT_TYPES } from "../fake-rcms/events.ts";
import type { Announced } from "./announced.ts";
import { createLife, type Life, OPENING } from "./changes.ts";
import { type Comparison, compare } from "./compare.ts";
import { loseWebhooks } from "./outage.ts";
import { during, heading, line, paint } from "./screen.ts";
import type { Session } from "./session.ts";
import { percentile } from "./tally.ts";

const SEED = 1;
// Slower than one change takes, so that the latencies outside the bursts are those of single changes.
const PAUSE_MS = 250;
const BURST_PAUSE_MS = 10;
// A reminder is closed right after the assessment that answers it became readable; that is not waited for elsewhere.
const EQUAL_WITHIN_MS = 20_000;
const DIFFERENCES_SHOWN = 50;

/** @param changes what was announced so far; grows while the changes are made @returns whether the mirror equals the upstream */
export async function once(session: Session, changes: readonly Announced[]): Promise<boolean> {
  line();
  heading("A fixed set of changes happens upstream. Each is shown once the mirror's read API");
  heading("returns it, with the time from the webhook being sent to the record being readable:");
  line();
  const life = createLife(session.network, SEED);
  await eachTypeOnce(life);
  await bursts(life);
  await eachTypeOnce(life);
  await sleep(100);
  await during("waiting until everything has arrived", async () => {
    while (session.waiting() > 0) await sleep(20);
  });
  await session.untimed(() => loseWebhooks(session, life));
  const comparison = await during("comparing the mirror with the upstream", () =>
    untilEqual(session, changes),
  );
  summarise(session, comparison);
  return comparison.differences.length === 0 && session.totals().late === 0;
}

async function eachTypeOnce(life: Life): Promise<void> {
  for (const type of OPENING) {
    life.next(type);
    await sleep(PAUSE_MS);
  }
}

/** Faster than fetches: on one record of every kind, and on many records in the same instant. */
async function bursts(life: Life): Promise<void> {
  const pause = () => sleep(BURST_PAUSE_MS);
  await life.again("client.updated", 6, pause);
  await life.again("staff.updated", 5, pause);
  await life.again("organization.updated", 5, pause);
  life.next("client.enrolled");
  for (const type of ["scheduled", "due_soon", "submitted", "scored", "locked"] as const) {
    life.next(`assessment.${type}`);
    await pause();
  }
  life.toMany("client.updated", 12);
  await sleep(PAUSE_MS);
}

async function untilEqual(session: Session, changes: readonly Announced[]): Promise<Comparison> {
  const deadline = performance.now() + EQUAL_WITHIN_MS;
  for (;;) {
    const comparison = await compare(session.mirror, session.network, changes);
    if (comparison.differences.length === 0 || performance.now() > deadline) return comparison;
    await sleep(250);
  }
}

function summarise({ network, totals }: Session, { compared, differences }: Comparison): void {
  const { byType, changes, late, latencies } = totals();
  const ms = (share: number) => `${percentile(latencies, share) ?? "–"} ms`;
  const calls = network.log.read().requests.filter(({ path }) => !path.startsWith("/v1/webhooks")).length;
  const records = [...compared.values()].reduce((sum, count) => sum + count, 0);

  line();
  heading("Summary");
  line();
  for (const type of EVENT_TYPES) line(`  ${type.padEnd(26)} ${String(byType.get(type) ?? 0).padStart(4)}`);
  line(`  ${"changes in all".padEnd(26)} ${String(changes).padStart(4)}`);
  line();
  for (const [kind, count] of compared)
    line(`  ${`${kind} compared`.padEnd(26)} ${String(count).padStart(4)}`);
  line(`  ${"records compared in all".padEnd(26)} ${String(records).padStart(4)}`);
  line();
  line(`  webhook → readable         p50 ${ms(0.5)}, p95 ${ms(0.95)}, max ${ms(1)}`);
  line(`  upstream calls             ${calls} for ${changes} changes`);
  if (late > 0) line(paint("red", `  did not arrive in time     ${late}`));
  line();
  if (differences.length === 0 && late === 0) {
    line(paint("green", `The mirror equals the upstream: ${records} records compared, no difference.`));
    return;
  }
  line(paint("red", `The mirror does not equal the upstream. Differences: ${differences.length}.`));
  for (const { kind, id, what } of differences.slice(0, DIFFERENCES_SHOWN)) line(`  ${kind} ${id} ${what}`);
  if (differences.length > DIFFERENCES_SHOWN) line(`  … and ${differences.length - DIFFERENCES_SHOWN} more`);
}
