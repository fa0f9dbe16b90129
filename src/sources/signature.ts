// The check that lets a delivery in. Ours, with no dependency: `t=<unix seconds>,v1=<hex>` over the bytes
// `t + "." + body`, HMAC-SHA256. One spelling is accepted; everything else is refused for a reason that is
// logged and never answered.

import { limits } from "../core/limits.ts";

export type SignatureProblem =
  | "missing"
  | "malformed"
  | "too_old"
  | "too_new"
  /** Well formed and timely, but no active secret made it. */
  | "wrong";

export type Verdict =
  | { readonly authentic: true }
  | { readonly authentic: false; readonly why: SignatureProblem };

export interface SignatureHeader {
  /** Unix seconds, as signed. */
  readonly t: string;
  readonly v1: readonly string[];
}

const TIME = /^[1-9][0-9]{9}$/;
const V1 = /^[0-9a-f]{64}$/;
const FOREIGN = /^[a-z0-9]+=\S*$/;

/** HMAC-SHA256. */
const SIGNATURE_BYTES = 32;

const encoder = new TextEncoder();
const { subtle } = crypto;

/**
 * The order of checks is part of the contract: nothing is computed for a header that is not well formed and
 * timely, and nothing of the body is read before its signature is proven.
 * @param body the raw bytes as received
 * @param secrets every active secret, whole text (`whsec_` included); any of them may match
 * @param nowMs the receiver's clock
 */
export async function verifySignature(
  header: string | null,
  body: Uint8Array,
  secrets: readonly string[],
  nowMs: number,
): Promise<Verdict> {
  if (header === null) return { authentic: false, why: "missing" };
  const parsed = parseSignatureHeader(header);
  if (parsed === undefined) return { authentic: false, why: "malformed" };
  const ageSeconds = Math.floor(nowMs / 1_000) - Number(parsed.t);
  if (ageSeconds > limits.signatureToleranceSeconds) return { authentic: false, why: "too_old" };
  if (-ageSeconds > limits.signatureToleranceSeconds) return { authentic: false, why: "too_new" };

  const { signed, signatures } = bytesOf(parsed, body);
  for (const key of keysOf.get(secrets) ?? (await importKeys(secrets))) {
    for (const signature of signatures) {
      // `verify` compares in constant time.
      if (await subtle.verify("HMAC", key, signature, signed)) return { authentic: true };
    }
  }
  return { authentic: false, why: "wrong" };
}

/** Grammar: exactly one `t`, one to five `v1`, other lower-case pairs ignored, no white space, ≤ 1 KiB. */
export function parseSignatureHeader(header: string): SignatureHeader | undefined {
  if (header.length > limits.signatureHeaderBytes) return undefined;
  let t: string | undefined;
  const v1: string[] = [];
  for (const part of header.split(",")) {
    const split = part.indexOf("=");
    const value = part.slice(split + 1);
    switch (part.slice(0, split)) {
      case "t":
        if (t !== undefined || !TIME.test(value)) return undefined;
        t = value;
        break;
      case "v1":
        if (!V1.test(value)) return undefined;
        v1.push(value);
        break;
      default:
        if (!FOREIGN.test(part)) return undefined;
    }
  }
  if (t === undefined || v1.length === 0 || v1.length > limits.signaturesPerHeader) return undefined;
  return { t, v1 };
}

/** Importing costs more than verifying. The keys live as long as the list of secrets they were made from. */
const keysOf = new WeakMap<readonly string[], readonly CryptoKey[]>();

async function importKeys(secrets: readonly string[]): Promise<readonly CryptoKey[]> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  // What anybody could sign with is no secret, and no key either.
  const used = secrets.filter((secret) => secret !== "");
  const keys = await Promise.all(
    used.map((secret) => subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["verify"])),
  );
  keysOf.set(secrets, keys);
  return keys;
}

/** What is signed, and the signatures, in one buffer: making a buffer costs more than filling it. */
function bytesOf({ t, v1 }: SignatureHeader, body: Uint8Array) {
  const start = SIGNATURE_BYTES * v1.length;
  // Digits and a point: a byte each.
  const bytes = new Uint8Array(start + t.length + 1 + body.length);
  for (let i = 0; i < t.length; i++) bytes[start + i] = t.charCodeAt(i);
  bytes[start + t.length] = 0x2e;
  bytes.set(body, start + t.length + 1);
  const signatures = v1.map((hex, n) => {
    const signature = bytes.subarray(SIGNATURE_BYTES * n, SIGNATURE_BYTES * (n + 1));
    // Already matched against the grammar.
    for (let i = 0; i < SIGNATURE_BYTES; i++) signature[i] = 16 * digit(hex, 2 * i) + digit(hex, 2 * i + 1);
    return signature;
  });
  return { signed: bytes.subarray(start), signatures };
}

/** `0`–`9` and `a`–`f`. */
function digit(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  return code < 0x61 ? code - 0x30 : code - 0x57;
}
