// What happens in a drawn history, as data: so that a history can be told, printed, and shortened deed by deed.

import type { Apps, ReadPlan } from "./apps.ts";
import type { NetworkKind } from "./network.ts";
import type { Simulation } from "./simulation.ts";
import { rebuild } from "./story.ts";

/** `at`: after the beginning, ms; also into the peace that ends the history. `who`: which record, by number. */
export type Deed = { readonly at: number } & (
  | { readonly do: "change"; readonly kind: NetworkKind; readonly who: number }
  | { readonly do: "move" | "remind" | "mention" | "return"; readonly who: number }
  | { readonly do: "vanish"; readonly kind: NetworkKind; readonly who: number }
  | { readonly do: "enroll" | "rebuild" }
  /** An authentic delivery that nobody can make sense of. */
  | { readonly do: "babble"; readonly text: string }
  | ({ readonly do: "read" } & ReadPlan)
  | {
      readonly do: "list";
      readonly kind: "clients" | "staff" | "organizations";
      readonly isolate: number;
      readonly changedWithinMs?: number;
    }
  | { readonly do: "login"; readonly user: string; readonly who: number }
  | { readonly do: "acknowledge"; readonly who: number; readonly times: number }
  /** The worker is away, the API fails, or it answers 429. */
  | { readonly do: "outage"; readonly of: "worker" | "api" | "rate"; readonly forMs: number }
  | { readonly do: "webhook"; readonly how: "disable" | "remove" }
  /** The API key is revoked, and replaced after so long. */
  | { readonly do: "revoke"; readonly forMs: number }
);

/** How often an operator repeats what was not answered, and how far apart. */
const TRIES = 8;
const TRY_EVERY_MS = 2_000;

/** Puts a deed into the clock's list. */
export function schedule(sim: Simulation, apps: Apps, deed: Deed): void {
  const from = sim.clock.now() + deed.at;
  sim.clock.at(from, () => perform(sim, apps, deed));
}

function perform(sim: Simulation, apps: Apps, deed: Deed): void {
  switch (deed.do) {
    case "change":
      sim.change(deed.kind, deed.who);
      break;
    case "move":
      sim.move(deed.who);
      break;
    case "remind":
      sim.remind(deed.who);
      break;
    case "mention":
      sim.mention(deed.who);
      break;
    case "return":
      sim.returnOne(deed.who);
      break;
    case "vanish":
      sim.vanish(deed.kind, deed.who);
      break;
    case "enroll":
      sim.enroll();
      break;
    case "rebuild":
      insist(sim, () => rebuild(sim));
      break;
    case "babble":
      sim.webhooks.fireText(deed.text);
      break;
    case "read":
      void apps.read(deed).catch(failed);
      break;
    case "list":
      void apps.list(deed.kind, deed.isolate, deed.changedWithinMs).catch(failed);
      break;
    case "login":
      void apps.logIn(deed.user, deed.who).catch(failed);
      break;
    case "acknowledge":
      void apps.acknowledge(deed.who, deed.times).catch(failed);
      break;
    case "outage":
      outage(sim, deed.of, deed.forMs);
      break;
    case "webhook":
      sim.webhooks.break(deed.how);
      break;
    case "revoke":
      revoke(sim, deed.forMs);
      break;
  }
}

/** A request that failed was answered with an error: the app asks another time. */
const failed = () => {};

function outage(sim: Simulation, of: "worker" | "api" | "rate", forMs: number): void {
  const { clock } = sim;
  const [from, until] = [clock.now(), clock.now() + forMs];
  if (of !== "worker") {
    sim.api.spells.push({ from, until, how: of === "api" ? "down" : "rate_limited" });
    return;
  }
  sim.mirror.down();
  clock.at(until, () => sim.mirror.back());
}

function revoke(sim: Simulation, forMs: number): void {
  const { api, clock, mirror } = sim;
  api.keys.delete("key-1");
  clock.at(clock.now() + forMs, () => {
    api.keys.add("key-2");
    insist(sim, () => mirror.resume("key-2"));
  });
}

/** An operator repeats an order until it is answered. */
function insist(sim: Simulation, order: () => Promise<true | undefined | boolean>, tries = TRIES): void {
  const { clock } = sim;
  void order().then((answer) => {
    if (answer === undefined && tries > 1)
      clock.at(clock.now() + TRY_EVERY_MS, () => insist(sim, order, tries - 1));
  });
}

/** One line for a person. */
export function describe(deed: Deed): string {
  const { at, do: what, ...rest } = deed;
  const minutes = (at / 60_000).toFixed(2);
  return `${minutes} min: ${what} ${Object.entries(rest)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ")}`.trimEnd();
}
