// The command line of `npm run sim`.

import { parseArgs } from "node:util";
import { FAULT_NAMES, type Faults, PROFILES, type Profile } from "./faults.ts";

const HELP = `npm run sim -- --seeds N --profile full|hooks-only|sweep-only [--seed S]

  --seeds N      histories to run (default 200)
  --profile P    full: webhooks and sweeps; hooks-only, sweep-only: one of them, so that neither heals the other
  --seed S       the first seed (default 1); with --seeds 1 it replays exactly that history
  --first        ends at the first broken promise
  --deeds LIST   with --seeds 1: only these of the history's deeds, by number (none: no deed at all)
  --without LIST with --seeds 1: these faults do not happen
`;

export interface Options {
  readonly first: number;
  readonly seeds: number;
  readonly profile: Profile;
  readonly endAtFirst: boolean;
  readonly deeds: readonly number[] | undefined;
  readonly without: readonly (keyof Faults)[];
}

/** Ends the process when there is nothing to run. */
export function readOptions(args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      options: {
        seeds: { type: "string", default: "200" },
        seed: { type: "string", default: "1" },
        profile: { type: "string", default: "full" },
        first: { type: "boolean", default: false },
        deeds: { type: "string" },
        without: { type: "string", default: "" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const profile = PROFILES.find((name) => name === values.profile);
    if (profile === undefined) throw new Error(`--profile must be one of ${PROFILES.join(", ")}`);
    const deeds = values.deeds === "none" ? [] : values.deeds?.split(",");
    return {
      first: whole("--seed", values.seed, 0),
      seeds: whole("--seeds", values.seeds, 1),
      profile,
      endAtFirst: values.first,
      deeds: deeds?.map((one) => whole("--deeds", one, 0)),
      without: values.without === "" ? [] : values.without.split(",").map(fault),
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    process.exit(2);
  }
}

function whole(name: string, text: string, min: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= min && value < 2 ** 32) return value;
  throw new Error(`${name} must be a whole number from ${min} to 4294967295`);
}

function fault(text: string): keyof Faults {
  const found = FAULT_NAMES.find((name) => name === text);
  if (found === undefined) throw new Error(`--without knows ${FAULT_NAMES.join(", ")}`);
  return found;
}
