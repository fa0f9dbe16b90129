// `npm run parity -- --histories 5000 --seed 1`: that many histories, from that seed on, told to both mirrors.

import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { histories: { type: "string", default: "500" }, seed: { type: "string", default: "1" } },
});
for (const [name, value] of Object.entries(values)) {
  if (/^[1-9]\d{0,8}$/.test(value)) continue;
  console.error(`--${name} must be a whole number from 1`);
  process.exit(2);
}
const arguments_ = ["run", "--project", "workerd", "test/parity/odd", "test/parity/even"];
const { status } = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", ...arguments_], {
  stdio: "inherit",
  env: { ...process.env, PARITY_HISTORIES: values.histories, PARITY_SEED: values.seed },
});
process.exit(status ?? 1);
