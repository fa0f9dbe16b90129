// npm run hostile -- --pairs 1000000 --seed 1: hostile deliveries against the signature check, one line of JSON.

import { parseArgs } from "node:util";
import { hostileRun } from "./hostile-run.ts";

const { values } = parseArgs({
  options: { pairs: { type: "string", default: "1000000" }, seed: { type: "string", default: "1" } },
});
const startedAt = performance.now();
const { tried, ...run } = await hostileRun(Number(values.pairs), Number(values.seed));
const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
console.log(JSON.stringify({ ...run, ways: Object.keys(tried).length, seconds }));
process.exitCode = run.wrong.length > 0 ? 1 : 0;
