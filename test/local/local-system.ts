// The whole system on one machine: a migrated local D1, a local RCMS in this process and the worker in real
// workerd. Prints nothing, so that tests and benchmarks can start the same thing.

import { rmSync } from "node:fs";
import { type FakeRcms, startFakeRcms } from "../fake-rcms/server.ts";
import { ensureDevVars, localAdminToken } from "./dev-vars.ts";
import { freePort } from "./ports.ts";
import { startWorker } from "./worker.ts";
import { migrateLocally } from "./wrangler.ts";

export interface LocalSystemOptions {
  /** Wiped first: the system begins empty. One running system per folder. */
  readonly persistTo: string;
  readonly logPath: string;
  /** Absent or 0: any free port. */
  readonly port?: number;
  readonly rcmsPort?: number;
  readonly rcmsAdminPort?: number;
  /** The worker's vars, over those of `.dev.vars`. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Called around each step that takes a while. */
  readonly step?: Step;
}

export type Step = <T>(name: StepName, work: () => Promise<T>) => Promise<T>;
export type StepName = "database" | "rcms" | "worker";

export interface LocalSystem {
  /** `http://127.0.0.1:P` */
  readonly workerUrl: string;
  readonly adminToken: string;
  readonly fake: FakeRcms;
  readonly logPath: string;
  /** Resolves when the worker's process has ended, whoever ended it. */
  readonly workerEnded: Promise<void>;
  stop(): Promise<void>;
}

/** @throws Trouble with a sentence for a person; nothing is left running then */
export async function startLocalSystem(options: LocalSystemOptions): Promise<LocalSystem> {
  const { persistTo, logPath, rcmsPort = 0, rcmsAdminPort = 0, step = justDo } = options;
  ensureDevVars();
  const adminToken = localAdminToken();
  rmSync(persistTo, { recursive: true, force: true });
  rmSync(logPath, { force: true });
  await step("database", () => migrateLocally(persistTo));
  const fake = await step("rcms", () => startFakeRcms({ port: rcmsPort, adminPort: rcmsAdminPort }));
  try {
    const worker = await step("worker", async () =>
      startWorker({
        port: options.port || (await freePort()),
        persistTo,
        logPath,
        vars: { ALLOW_HTTP_UPSTREAM: "true", ...options.vars },
      }),
    );
    return {
      workerUrl: worker.url,
      adminToken,
      fake,
      logPath,
      workerEnded: worker.ended,
      async stop() {
        await Promise.all([worker.stop(), fake.close()]);
      },
    };
  } catch (error) {
    await fake.close();
    throw error;
  }
}

const justDo: Step = (_name, work) => work();
