// The Worker's entry points. Each parses the environment first: a bad one stops everything with a clear line.

import { compose, composeOrLog } from "./cloudflare/compose.ts";
import { scheduled } from "./cloudflare/cron.ts";
import type { Env } from "./cloudflare/env.ts";
import { answer, badEnvironment } from "./cloudflare/http.ts";
import { consumeOrWait } from "./cloudflare/queue.ts";

export { RecordWriter } from "./cloudflare/record-writer.ts";
export { UpstreamGate } from "./cloudflare/upstream-gate.ts";

export default {
  fetch(request, env, ctx) {
    try {
      return answer(compose(env), request, ctx);
    } catch (error) {
      return badEnvironment(error);
    }
  },
  async queue(batch, env) {
    await consumeOrWait(env, batch);
  },
  async scheduled(controller, env) {
    await scheduled(composeOrLog(env), controller.cron);
  },
} satisfies ExportedHandler<Env>;
