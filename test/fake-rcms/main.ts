// The command line: starts the fake with one ready network named "default" and says where everything is.

import process from "node:process";
import { parseArgs } from "node:util";
import { type FakeRcms, startFakeRcms } from "./server.ts";

await main();

async function main(): Promise<void> {
  const { port, adminPort, speed, clients } = readOptions();
  const fake = await startFakeRcms({ port, adminPort, speed }).catch(
    (error: Error & { code?: string; port?: number }) =>
      fail(
        error.code === "EADDRINUSE"
          ? `Port ${error.port} is already in use; choose others with --port and --admin-port.`
          : error.message,
      ),
  );
  const { apiKey } = fake.createNetwork({
    id: "default",
    seed: { organizations: 6, staff: 40, clients },
  });
  console.log(`RCMS API    ${fake.url}`);
  console.log(`Admin port  ${fake.adminUrl}/networks/default`);
  console.log(`API key     ${apiKey}`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void leave(fake));
}

async function leave(fake: FakeRcms): Promise<void> {
  await fake.close();
  process.exit(0);
}

function readOptions() {
  const text = { type: "string" } as const;
  try {
    const { values } = parseArgs({
      options: { port: text, "admin-port": text, speed: text, "seed-clients": text },
    });
    return {
      port: numberIn("--port", values.port ?? "8788", 0, 65_535),
      adminPort: numberIn("--admin-port", values["admin-port"] ?? "8789", 0, 65_535),
      speed: numberIn("--speed", values.speed ?? "1", 0.001, 1e9),
      clients: numberIn("--seed-clients", values["seed-clients"] ?? "250", 0, 200_000),
    };
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function numberIn(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  const whole = name === "--speed" || Number.isInteger(value);
  if (text.trim() === "" || !whole || !(value >= min && value <= max))
    return fail(`${name} must be a number from ${min} to ${max}, not "${text}".`);
  return value;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
