// Many hostile deliveries and many genuine ones through the real check, drawn from one seed. What is counted tells
// that every way was tried and that enough of them came as far as the HMAC.

import { verifySignature } from "../../src/sources/signature.ts";
import { pick, seededRandom } from "../fake-rcms/random.ts";
import { attempt, dressed, type Genuine, someGenuine } from "./genuine.ts";
import { MISSPELLINGS } from "./header-mutations.ts";
import { FORGERIES, type Mutation, REPLAYS, type Why } from "./mutations.ts";

/** So many genuine deliveries are drawn; each is spoiled in many ways. */
const STOCK = 2_000;
/** The share that is well spelled and timely: only the HMAC refuses those, and it is what takes the time. */
const FORGED = 0.31;
/** Checks under way at a time: the HMAC runs beside the thread that makes the next. */
const AT_ONCE = 64;

const SPOILED: readonly Mutation[] = [...MISSPELLINGS, ...REPLAYS];

export interface HostileRun {
  readonly pairs: number;
  readonly seed: number;
  /** How often each was the reason. */
  readonly refused: Readonly<Record<Why, number>>;
  /** How often each way was tried. */
  readonly tried: Readonly<Record<string, number>>;
  /** What was let in, was refused for a reason that cannot be, or threw: none, or the first few. */
  readonly wrong: readonly string[];
}

export async function hostileRun(pairs: number, seed: number): Promise<HostileRun> {
  const random = seededRandom(seed);
  const stock = Array.from({ length: STOCK }, () => someGenuine(random, 2_048));
  const refused = { missing: 0, malformed: 0, too_old: 0, too_new: 0, wrong: 0 };
  const tried = new Map<string, number>();
  const wrong: string[] = [];
  let made = 0;

  async function some(): Promise<void> {
    while (made < pairs && wrong.length < 10) {
      const number = made++;
      const mutation = pick(random, random() < FORGED ? FORGERIES : SPOILED);
      const of = pick(random, stock);
      const { header, body, secrets, nowMs } = mutation.make(random, of, another(stock, of, random));
      tried.set(mutation.name, (tried.get(mutation.name) ?? 0) + 1);
      const found = await verdictOf(header, body, secrets, nowMs);
      if (found !== "accepted" && found !== "thrown") refused[found]++;
      if (!mutation.why.some((why) => why === found)) {
        wrong.push(`${mutation.name} (pair ${number} of seed ${seed}): ${found}: ${JSON.stringify(header)}`);
      }
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, some));
  return { pairs: made, seed, refused, tried: Object.fromEntries(tried), wrong };
}

/** @returns the headers of those that were not let in: none, or the first few */
export async function genuineRun(pairs: number, seed: number, maxBodyBytes: number): Promise<string[]> {
  const random = seededRandom(seed);
  const wrong: string[] = [];
  let made = 0;
  async function some(): Promise<void> {
    while (made < pairs && wrong.length < 10) {
      made++;
      const of = someGenuine(random, maxBodyBytes);
      const { header, body, secrets, nowMs } = attempt(of, dressed(random, of));
      const found = await verdictOf(header, body, secrets, nowMs);
      if (found !== "accepted") wrong.push(`${found}: ${header}`);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  return wrong;
}

async function verdictOf(...[header, body, secrets, nowMs]: Parameters<typeof verifySignature>) {
  try {
    const verdict = await verifySignature(header, body, secrets, nowMs);
    return verdict.authentic ? "accepted" : verdict.why;
  } catch {
    return "thrown";
  }
}

/** Of other secrets and another body. */
function another(stock: readonly Genuine[], of: Genuine, random: () => number): Genuine {
  for (;;) {
    const found = pick(random, stock);
    if (found !== of && Buffer.compare(found.body, of.body) !== 0) return found;
  }
}
