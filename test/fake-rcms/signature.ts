// The signature of a delivery: HMAC-SHA256 over "<t>.<raw body>", keyed by the secret's whole text.

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";

export function hmacHex(secret: string, message: string): string {
  // "whsec_" is part of the key, and what follows it is not base64 to be decoded.
  return createHmac("sha256", Buffer.from(secret, "utf8")).update(message, "utf8").digest("hex");
}

export function signatureHeader(secret: string, unixSeconds: number, rawBody: string): string {
  return `t=${unixSeconds},v1=${hmacHex(secret, `${unixSeconds}.${rawBody}`)}`;
}
