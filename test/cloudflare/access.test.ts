// The messages of the access log: bounded, and all that was to be sent is in them.

import { describe, expect, it } from "vitest";
import { sendAccess } from "../../src/cloudflare/access.ts";
import { type Access, type AccessPart, partsOf } from "../../src/core/access.ts";
import type { ConnectionId, RecordId } from "../../src/core/ids.ts";
import { limits } from "../../src/core/limits.ts";

/** What one message of a queue may have, by the platform's limits. */
const MESSAGE_BYTES = 128_000;

async function sent(entries: readonly Access[]) {
  const bodies: { readonly access: readonly AccessPart[] }[] = [];
  const queue = { send: async (body: (typeof bodies)[number]) => void bodies.push(body) };
  const parts = partsOf("5b1f7d5e-0f8e-4a55-9d0b-0a1b2c3d4e5f", 1_000_000, entries);
  await sendAccess(queue as unknown as Queue, parts);
  expect(bodies.flatMap(({ access }) => access)).toEqual(parts);
  return bodies.map((body) => new TextEncoder().encode(JSON.stringify(body)).length);
}

const read = (n: number, keyId: string, idLength = 64): Access => ({
  connection: "c".repeat(32) as ConnectionId,
  at: 1_800_000_000_000 + n,
  keyId,
  action: "read",
  kind: "assessment-status",
  recordId: `${n}`.padStart(idLength, "x") as RecordId,
  records: 200,
  status: 200,
});

describe("messages of the access log", () => {
  it.each([
    ["one", 16, 1],
    ["two with the longest ids", 64, 2],
  ])("PR6 a full window of one app is %s", async (_what, idLength, messages) => {
    const window = Array.from({ length: limits.accessWindowEntries }, (_, n) => read(n, "key", idLength));
    const sizes = await sent(window);
    expect(sizes).toHaveLength(messages);
    expect(Math.max(...sizes)).toBeLessThan(MESSAGE_BYTES);
  });

  it("PR6 a window of as many keys as reads is several, none larger than a queue takes", async () => {
    const window = Array.from({ length: limits.accessWindowEntries }, (_, n) =>
      read(n, `k${n}`.padEnd(36, "0")),
    );
    const sizes = await sent(window);
    expect(sizes.length).toBeGreaterThan(2);
    expect(Math.max(...sizes)).toBeLessThan(MESSAGE_BYTES);
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(limits.accessMessageChars / 2);
  });
});
