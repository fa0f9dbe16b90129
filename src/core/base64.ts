// Bytes as text: plain base64 for secrets of the environment and sealed columns.

export function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** @returns undefined when the text is not base64 */
export function base64Bytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** Base64url without padding: for cursors and keys, which live in URLs and headers. */
export function base64Url(bytes: Uint8Array): string {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @returns undefined when the text is not base64url */
export function base64UrlBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  return /^[A-Za-z0-9_-]*$/.test(text)
    ? base64Bytes(text.replaceAll("-", "+").replaceAll("_", "/"))
    : undefined;
}
