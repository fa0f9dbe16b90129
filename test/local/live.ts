// `npm start`: life goes on. First a busy minute that shows every event type, then a calm for ever, with everything
// there to be tried by hand.

import { setTimeout as sleep } from "node:timers/promises";
import { createLife, type Life, OPENING } from "./changes.ts";
import { fireCron } from "./cron.ts";
import { loseWebhooks } from "./outage.ts";
import { heading, line, paint } from "./screen.ts";
import type { Session } from "./session.ts";

const BUSY_CHANGES = 40;
const BUSY_PAUSE_MS = [400, 800] as const;
const CALM_PAUSE_MS = [3_000, 6_000] as const;
const BURST = 5;

/** Never returns. */
export async function live(session: Session): Promise<never> {
  const life = createLife(session.network, Date.now());
  line();
  heading("Changes happen upstream. Each is shown once the mirror's read API returns it, with");
  heading("the time from the webhook being sent to the record being readable:");
  line();
  await busy(life);
  await untilQuiet(session);
  await session.untimed(() => loseWebhooks(session, life));
  for (const text of invitation(session)) line(text);
  showAgainOnEnter(session);
  fireCron(session.system.workerUrl);
  for (;;) {
    await pause(CALM_PAUSE_MS);
    life.anything();
  }
}

async function busy(life: Life): Promise<void> {
  for (const type of OPENING) {
    life.next(type);
    await pause(BUSY_PAUSE_MS);
  }
  // One record changing faster than it can be fetched: the mirror need not fetch it as often.
  await life.again("client.updated", BURST, () => sleep(20));
  for (let made = OPENING.length + BURST; made < BUSY_CHANGES; made++) {
    await pause(BUSY_PAUSE_MS);
    life.anything();
  }
}

/** What was made is shown before the invitation, if it arrives soon. */
async function untilQuiet(session: Session): Promise<void> {
  for (let waited = 0; waited < 2_000; waited += 50) {
    await sleep(50);
    if (session.waiting() === 0) return;
  }
}

function invitation({ system, network, connected }: Session): string[] {
  const { workerUrl, fake, logPath } = system;
  const admin = `${fake.adminUrl}/networks/${network.id}`;
  const statuses = network.parts.records.allNewest("assessment-status");
  const id = statuses.toSorted(byUpdatedAt).at(-1)?.client_id;
  const read = (path: string) => `curl -s -H 'Authorization: Bearer ${connected.key}' '${workerUrl}${path}'`;
  const change = JSON.stringify({ action: "updateClient", id });
  const row = (label: string, text: string) => `  ${label.padEnd(24)} ${text}`;
  const tries: readonly (readonly [string, string])[] = [
    ["clients, oldest change first", read("/v1/clients?limit=2")],
    ["one client", read(`/v1/clients/${id}`)],
    ["its assessment status", read(`/v1/clients/${id}/assessment-status`)],
    ["reminders nobody has acknowledged yet", read("/v1/reminders?status=open")],
    ["is the mirror well?", `curl -s '${workerUrl}/healthz'`],
    ["change that client upstream, and see it arrive here", `curl -s '${admin}/changes' -d '${change}'`],
  ];
  return [
    "",
    paint("bold", "Life goes on, more calmly. Ctrl-C ends everything."),
    "",
    row("the mirror", workerUrl),
    row("an app key", connected.key),
    row("the local RCMS", fake.url),
    row("its admin port", admin),
    row("the worker's log", logPath),
    "",
    paint("bold", "Try, in another terminal:"),
    "",
    ...tries.flatMap(([what, command]) => [paint("dim", `  # ${what}`), `  ${command}`]),
    "",
  ];
}

function showAgainOnEnter(session: Session): void {
  if (!process.stdin.isTTY) return;
  line(paint("dim", "  Enter shows these lines again."));
  line();
  process.stdin.on("data", () => {
    for (const text of invitation(session)) line(text);
  });
}

function byUpdatedAt(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): number {
  return String(a.updated_at).localeCompare(String(b.updated_at));
}

function pause([least, most]: readonly [number, number]): Promise<void> {
  return sleep(least + Math.random() * (most - least));
}
