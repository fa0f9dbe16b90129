// A delivery as RCMS sends it: signed with node's own crypto, not with the code under test.

import { createHmac } from "node:crypto";
import type { Delivery } from "../../src/sources/source.ts";

export const SECRET = "whsec_test_0123456789abcdef";
/** Unix seconds of the deliveries here. */
export const SENT_AT = 1_900_000_000;

export function hmacHex(secret: string, t: string | number, body: string | Uint8Array): string {
  return createHmac("sha256", secret).update(`${t}.`).update(body).digest("hex");
}

export function signatureHeader(
  body: string | Uint8Array,
  t: string | number = SENT_AT,
  secret = SECRET,
): string {
  return `t=${t},v1=${hmacHex(secret, t, body)}`;
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function delivery(body: string | Uint8Array, signature?: string | null): Delivery {
  const raw = typeof body === "string" ? bytes(body) : body;
  const header = signature === undefined ? signatureHeader(raw) : signature;
  return { body: raw, header: (name) => (name.toLowerCase() === "x-rcms-signature" ? header : null) };
}
