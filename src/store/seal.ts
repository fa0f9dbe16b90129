// Secrets at rest: AES-GCM under the operator's key, bound to the row they belong to, so that a sealed text
// copied into another row does not open (PR2).

import { base64, base64Bytes } from "../core/base64.ts";

export interface Seal {
  /** @param place table, row and column, e.g. `connections/rcms/api_key` */
  seal(plain: string, place: string): Promise<string>;
  /** @throws when no key opens it: the message names the place, never the content */
  open(sealed: string, place: string): Promise<string>;
}

const VERSION = "s1";
const IV_BYTES = 12;
const encoder = new TextEncoder();

/**
 * @param key 32 bytes; seals and opens
 * @param previousKey only opens: what was sealed before the key was changed
 */
export async function createSeal(key: Uint8Array, previousKey?: Uint8Array): Promise<Seal> {
  const current = await importKey(key);
  const keys = previousKey ? [current, await importKey(previousKey)] : [current];
  return {
    async seal(plain, place) {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const algorithm = { name: "AES-GCM", iv, additionalData: encoder.encode(place) };
      const sealed = await crypto.subtle.encrypt(algorithm, current, encoder.encode(plain));
      return `${VERSION}.${base64(iv)}.${base64(new Uint8Array(sealed))}`;
    },
    async open(sealed, place) {
      const [version, ivText, text] = sealed.split(".");
      const iv = base64Bytes(ivText ?? "");
      const bytes = base64Bytes(text ?? "");
      if (version !== VERSION || iv === undefined || bytes === undefined)
        throw new Error(`${place} is not sealed text`);
      for (const candidate of keys) {
        try {
          const algorithm = { name: "AES-GCM", iv, additionalData: encoder.encode(place) };
          return new TextDecoder().decode(await crypto.subtle.decrypt(algorithm, candidate, bytes));
        } catch {
          // Sealed under the other key, or not for this place.
        }
      }
      throw new Error(`${place} does not open: SEALING_KEY is not the key it was sealed with`);
    },
  };
}

function importKey(bytes: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}
