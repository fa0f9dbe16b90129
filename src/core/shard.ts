// Which writer owns a ref. Stable for ever: the same ref must reach the same writer from every isolate.

import { type Ref, refKey } from "./ids.ts";

/** FNV-1a over the ref's text. @returns 0 … shards−1 */
export function shardOf(ref: Ref, shards: number): number {
  let hash = 0x811c9dc5;
  const text = refKey(ref);
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % shards;
}
