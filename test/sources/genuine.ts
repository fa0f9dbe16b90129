// Deliveries that are genuine, in every shape RCMS may give them: the stock that hostile ones are made from. Signed
// with node's own crypto, written by a renderer of our own: no code is shared with what is tested.

import { between, pick, type Random, shuffled } from "../fake-rcms/random.ts";
import { hmacHex } from "./signed.ts";

/** All that the verdict depends on. */
export interface Attempt {
  readonly header: string | null;
  readonly body: Uint8Array;
  readonly secrets: readonly string[];
  readonly nowMs: number;
}

export interface Genuine {
  readonly t: number;
  readonly body: Uint8Array;
  /** The active ones, those that signed among them. */
  readonly secrets: readonly string[];
  /** One per secret that signed: a single one, or the old and the new while they rotate. */
  readonly good: readonly string[];
  readonly signers: readonly string[];
  readonly nowMs: number;
}

const encode = (text: string) => new TextEncoder().encode(text);
const NAMES = ["Ada", "Žofie", "李雷", "أحمد", "O'Neil", "e\u0301lise", "😀", "\u202eevil", "\\u0041", ""];

export function someGenuine(random: Random, maxBodyBytes: number): Genuine {
  const t = between(random, [1_700_000_000, 1_999_999_999]);
  const secrets = Array.from({ length: random() < 0.9 ? 1 : pick(random, [2, 3]) }, () => someSecret(random));
  const signers = random() < 0.9 ? [pick(random, secrets)] : secrets;
  const body = someBody(random, maxBodyBytes);
  return {
    t,
    body,
    secrets,
    signers,
    good: signers.map((secret) => hmacHex(secret, t, body)),
    // Anywhere in the 601 seconds that are let in, to the millisecond.
    nowMs: (t + between(random, [-300, 300])) * 1_000 + between(random, [0, 999]),
  };
}

/** Letters and digits: never one that HMAC takes for another (it pads a key with zero bytes). */
export function someSecret(random: Random): string {
  const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
  return `whsec_${Array.from({ length: between(random, [16, 40]) }, () => pick(random, [...letters])).join("")}`;
}

/** Each has a number of its own in it, the empty one excepted. */
function someBody(random: Random, maxBytes: number): Uint8Array {
  const id = Math.floor(random() * 2 ** 52);
  const dice = random();
  if (dice < 0.02) return new Uint8Array();
  if (dice < 0.12) {
    const size = between(random, [9, Math.min(maxBytes, 600)]);
    const bytes = Uint8Array.from({ length: size }, () => Math.floor(random() * 256));
    bytes.set(encode(id.toString(36)).subarray(0, 9));
    return bytes;
  }
  if (dice < 0.15) return encode(`${id}\r\n${"\u2028.".repeat(between(random, [0, 40]))}`);
  const data = { client_id: `client_${id}`, first_name: pick(random, NAMES), n: random() };
  const text = JSON.stringify(
    { id: `evt_${id}`, type: "client.updated", data },
    null,
    pick(random, [0, 0, 2]),
  );
  const padding = random() < 0.02 ? Math.max(0, maxBytes - encode(text).length) : 0;
  return encode(text + " ".repeat(padding));
}

/** The header as RCMS writes it: nothing in it but the time and one signature. */
export const bare = ({ t, good }: Pick<Genuine, "t" | "good">) => `t=${t},v1=${good[0] ?? ""}`;

/** The same said in any way the grammar allows: other order, other pairs, wrong signatures beside the good. */
export function dressed(random: Random, { t, good }: Pick<Genuine, "t" | "good">): string {
  // Each costs an HMAC, so most have none.
  const beside = random() < 0.9 ? 0 : pick(random, [1, 5]);
  const wrong = Array.from({ length: Math.min(beside, 5 - good.length) }, () => someHex(random));
  const foreign = Array.from({ length: pick(random, [0, 0, 1, 3]) }, () =>
    pick(random, [
      "v0=anything/=+%",
      `v2=${someHex(random)}`,
      "kid=",
      "kid=7",
      "0=t=1",
      "tt=1900000000",
      "v11=x",
    ]),
  );
  return shuffled(random, [`t=${t}`, ...[...good, ...wrong].map((hex) => `v1=${hex}`), ...foreign]).join(",");
}

export function someHex(random: Random): string {
  const word = () =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  return word() + word() + word() + word() + word() + word() + word() + word();
}

export const attempt = (of: Genuine, header: string | null = bare(of)): Attempt => ({
  header,
  body: of.body,
  secrets: of.secrets,
  nowMs: of.nowMs,
});
