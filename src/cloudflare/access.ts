// The access log at the rim: its messages, and the table they end in.

import * as z from "zod/mini";
import { type AccessPart, isPartText } from "../core/access.ts";
import { connectionId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { once } from "../core/once.ts";
import { runsOf } from "../core/runs.ts";
import type { Log } from "../sync/ports.ts";
import type { AccessStore } from "../sync/privacy-stores.ts";
import { branded } from "./messages.ts";

const message = once(() =>
  z.object({
    access: z.array(
      z.object({
        connection: branded(connectionId, "a connection id"),
        minute: z.int().check(z.nonnegative()),
        id: z.string().check(z.regex(/^[A-Za-z0-9-]{1,64}$/)),
        text: z.string().check(z.refine(isPartText)),
      }),
    ),
  }),
);

export const isAccessMessage = (body: unknown): boolean =>
  typeof body === "object" && body !== null && "access" in body;

/** As few messages as the platform's bound on one allows: nearly always one. */
export async function sendAccess(queue: Queue, parts: readonly AccessPart[]): Promise<void> {
  const sizeOf = (part: AccessPart) => JSON.stringify(part).length;
  for (const access of runsOf(parts, sizeOf, { size: limits.accessMessageChars }))
    await queue.send({ access });
}

/** A batch is one transaction, its parts of one minute one row. What fails comes back whole: added twice is told once. */
export async function keepAccess(
  { access, log }: { readonly access: AccessStore; readonly log: Log },
  messages: readonly Message[],
): Promise<void> {
  const parts = messages.flatMap(({ body }): readonly AccessPart[] => {
    const parsed = message().safeParse(body);
    if (!parsed.success) log("error", "message_unreadable", { queue: "access" });
    return parsed.data?.access ?? [];
  });
  try {
    await access.add(parts);
    for (const one of messages) one.ack();
  } catch {
    log("error", "batch_failed", { queue: "access", messages: messages.length });
    for (const one of messages) one.retry({ delaySeconds: retrySeconds(one.attempts) });
  }
}

const retrySeconds = (attempts: number) =>
  Math.min(limits.retryBaseSeconds * 2 ** Math.min(attempts, 10), limits.retryCapSeconds);
