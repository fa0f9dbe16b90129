// The command line of `npm start`.

import { parseArgs } from "node:util";

export interface StartOptions {
  readonly runOnce: boolean;
  readonly port: number;
  readonly rcmsPort: number;
  readonly rcmsAdminPort: number;
}

const HELP = `npm start                    a local RCMS and the mirror, living, until Ctrl-C
npm start -- --once          make a fixed set of changes, compare the mirror with the upstream, and end:
                             exit code 0 only if they are equal

  --port N                   the mirror's port (default 8787)
  --rcms-port N              the local RCMS's port (default 8788); its admin port is the next one
  --help                     this

DEBUG=1 shows the stack of an unexpected error; NO_COLOR=1 leaves colours out.`;

/** Ends the process on `--help` and on what it does not understand. */
export function readOptions(args: string[]): StartOptions {
  try {
    const { values } = parseArgs({
      args,
      options: {
        once: { type: "boolean", default: false },
        port: { type: "string", default: "8787" },
        "rcms-port": { type: "string", default: "8788" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const port = portIn("--port", values.port);
    const rcmsPort = portIn("--rcms-port", values["rcms-port"]);
    const rcmsAdminPort = rcmsPort + 1;
    if (port === rcmsPort || port === rcmsAdminPort)
      throw new Error(
        `--port ${port} is one of the local RCMS's two ports (${rcmsPort} and ${rcmsAdminPort}).`,
      );
    return { runOnce: values.once, port, rcmsPort, rcmsAdminPort };
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    console.error("`npm start -- --help` shows what can be asked for.");
    process.exit(1);
  }
}

function portIn(name: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_534) return port;
  throw new Error(`${name} must be a port from 1 to 65534, not "${text}".`);
}
