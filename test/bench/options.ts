// The command line of `npm run bench`.

import { parseArgs } from "node:util";

export interface BenchOptions {
  /** Undefined: all. */
  readonly only?: readonly string[];
  readonly quick: boolean;
  readonly form: "text" | "json" | "markdown";
  /** The table also replaces the one in README.md. */
  readonly readme: boolean;
  /** How the machine is told of; undefined: as it tells of itself. */
  readonly machine?: string;
  readonly peer: boolean;
}

const help = (
  names: readonly string[],
) => `npm run bench                measures everything and prints one table; twenty minutes
npm run bench -- --quick     smaller and fewer runs: to see that it works, not to believe the figures

  --only NAME[,NAME]   of: ${names.join(", ")}
  --json               one JSON document instead of the table
  --markdown           the table as Markdown
  --readme             puts the table into README.md, in place of the one there
  --machine TEXT       what the table says of the machine, e.g. "2 shared cores, 24 GB"
  --peer               measures @supabase/stripe-sync-engine beside the mirror, instead of everything else; needs
                       PEER_DATABASE_URL, an empty PostgreSQL database, and npm's registry
  --help               this

Without --readme nothing is written into the project. Everything else lies in a temporary folder, removed at the end.`;

/** Ends the process on `--help` and on what it does not understand. */
export function readOptions(args: string[], names: readonly string[]): BenchOptions {
  try {
    const { values } = parseArgs({
      args,
      options: {
        only: { type: "string" },
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        markdown: { type: "boolean", default: false },
        readme: { type: "boolean", default: false },
        machine: { type: "string" },
        peer: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      console.log(help(names));
      process.exit(0);
    }
    const only = values.only?.split(",");
    const unknown = only?.find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw new Error(`there is no measurement "${unknown}"; there are ${names.join(", ")}`);
    const form = values.json ? "json" : values.markdown ? "markdown" : "text";
    return {
      ...(only === undefined ? {} : { only }),
      ...(values.machine === undefined ? {} : { machine: values.machine }),
      ...{ quick: values.quick, form, readme: values.readme, peer: values.peer },
    };
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    console.error("`npm run bench -- --help` shows what can be asked for.");
    process.exit(1);
  }
}
