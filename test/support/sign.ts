// Signatures as RCMS makes them.

import { createHmac } from "node:crypto";

export function hmacHex(secret: string, signed: string | Uint8Array): string {
  return createHmac("sha256", secret).update(signed).digest("hex");
}

export function signatureHeader(secret: string, unixSeconds: number, body: string): string {
  return `t=${unixSeconds},v1=${hmacHex(secret, `${unixSeconds}.${body}`)}`;
}
