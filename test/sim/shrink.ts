// The shortest history that still breaks the same promise: deeds are left out by halves, then one by one, faults one
// by one, as long as the violation stays.

import { FAULT_NAMES, type Faults } from "./faults.ts";
import { type Told, tellPlan } from "./history.ts";
import type { Plan } from "./plan.ts";

/** What is left of a drawn history. */
export interface Rest {
  /** Places in the drawn list of deeds. */
  readonly deeds: readonly number[];
  /** Faults that do not happen. */
  readonly without: readonly (keyof Faults)[];
}

/** Histories told in search of a shorter one: some twenty seconds at most. */
const TRIES = 400;

export function everything(plan: Plan): Rest {
  return { deeds: plan.deeds.map((_, place) => place), without: [] };
}

/** The drawn history, cut down. */
export function cut(plan: Plan, { deeds, without }: Rest): Plan {
  return {
    ...plan,
    deeds: deeds.flatMap((place) => plan.deeds[place] ?? []),
    faults: { ...plan.faults, ...Object.fromEntries(without.map((name) => [name, 0])) },
  };
}

export const nameOfViolation = (violation: string | undefined) => violation?.split(":")[0] ?? "";

/** @param tell tells a history */
export async function shortest(
  plan: Plan,
  broken: Told,
  tell: (plan: Plan) => Promise<Told> = tellPlan,
): Promise<{ readonly rest: Rest; readonly told: Told }> {
  const wanted = nameOfViolation(broken.violations[0]);
  let rest = everything(plan);
  let told = broken;
  let tries = TRIES;

  async function keepIf(next: Rest): Promise<boolean> {
    if (tries-- <= 0) return false;
    const retold = await tell(cut(plan, next));
    if (!retold.violations.some((violation) => nameOfViolation(violation) === wanted)) return false;
    [rest, told] = [next, retold];
    return true;
  }

  for (let size = Math.ceil(rest.deeds.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < rest.deeds.length; ) {
      const deeds = rest.deeds.filter((_, place) => place < from || place >= from + size);
      if (!(await keepIf({ ...rest, deeds }))) from += size;
    }
  }
  for (const name of FAULT_NAMES) {
    const idle = plan.faults[name] === 0 || (name === "drop" && plan.profile === "sweep-only");
    if (!idle) await keepIf({ ...rest, without: [...rest.without, name] });
  }
  // What a fault had needed may be needless without it.
  for (const place of rest.deeds) await keepIf({ ...rest, deeds: rest.deeds.filter((one) => one !== place) });
  return { rest, told };
}

/** The one command that tells exactly this history again. */
export function command({ seed, profile, deeds: all }: Plan, { deeds, without }: Rest): string {
  return [
    `npm run sim -- --profile ${profile} --seeds 1 --seed ${seed}`,
    ...(deeds.length === all.length ? [] : [`--deeds ${deeds.length === 0 ? "none" : deeds.join(",")}`]),
    ...(without.length === 0 ? [] : [`--without ${without.join(",")}`]),
  ].join(" ");
}
