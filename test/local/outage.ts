// The second act: webhooks get lost for a while, nothing arrives, and one sweep repairs what was missed.

import { setTimeout as sleep } from "node:timers/promises";
import type { EventType } from "../fake-rcms/events.ts";
import type { Life } from "./changes.ts";
import { heading, line, paint } from "./screen.ts";
import type { Session } from "./session.ts";
import { lastLines, Trouble } from "./trouble.ts";

// Kinds whose lists say what changed: a sweep finds these by itself.
const MISSED: readonly EventType[] = [
  "client.enrolled",
  "client.updated",
  "client.updated",
  "staff.updated",
  "organization.updated",
  "client.discharged",
];
const APART_MS = 10;
const UNHEARD_MS = 1_500;
const REPAIRED_WITHIN_MS = 30_000;

interface Swept {
  readonly kind: string;
  readonly seen: number;
  readonly drifted: number;
}

export async function loseWebhooks(session: Session, life: Life): Promise<void> {
  const { network } = session;
  line();
  heading(`Now RCMS's webhooks get lost. ${MISSED.length} changes happen, and nothing is delivered:`);
  line();
  network.patchSettings({ deliver: { drop_rate: 1 } });
  for (const type of MISSED) {
    life.next(type);
    // Two versions of one record within a millisecond could not be told apart by their time.
    await sleep(APART_MS);
  }
  await sleep(UNHEARD_MS);
  network.patchSettings({ deliver: { drop_rate: 0 } });
  line(`  ${session.waiting()} of ${MISSED.length} changes are not in the mirror`);
  line();
  heading("A sweep asks RCMS what changed since the last one. Every 15 minutes; here, now:");
  line();
  const swept = await sweep(session);
  await untilRepaired(session);
  if (session.waiting() > 0) line(paint("red", `  ${session.waiting()} changes were not repaired in time`));
  for (const { kind, seen, drifted } of swept.filter((one) => one.seen > 0)) {
    line(paint("dim", `  ${kind.padEnd(24)} ${seen} changed since, ${drifted} missed and repaired`));
  }
}

async function sweep({ system, connected }: Session): Promise<readonly Swept[]> {
  const answer = await fetch(`${system.workerUrl}/admin/connections/${connected.connection}/sweep`, {
    method: "POST",
    headers: { authorization: `Bearer ${system.adminToken}` },
    body: JSON.stringify({ kinds: ["organizations", "staff", "clients"] }),
  });
  if (!answer.ok)
    throw new Trouble(`The worker answered ${answer.status} to a sweep:`, lastLines(system.logPath, 5));
  return ((await answer.json()) as { data: Swept[] }).data;
}

async function untilRepaired(session: Session): Promise<void> {
  for (let waited = 0; session.waiting() > 0 && waited < REPAIRED_WITHIN_MS; waited += 50) await sleep(50);
}
