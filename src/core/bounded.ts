// The body of a request or an answer, read while it is counted: nothing reads more than its bound, whatever is told.

/**
 * @returns undefined when it is larger than `maxBytes`; the rest is then not read
 */
export async function boundedBytes(
  { headers, body }: Pick<Body, "body"> & { readonly headers: Headers },
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const length = headers.get("content-length") ?? "";
  const told = /^\d+$/.test(length) ? Number(length) : undefined;
  if (body === null) return new Uint8Array();
  if (told !== undefined && told > maxBytes) {
    await body.cancel();
    return undefined;
  }
  const first = told === undefined ? undefined : await readAtOnce(body, told + 1);
  if (told !== undefined && first !== undefined && first.byteLength <= told) return first;
  return countedBytes(body, maxBytes, first);
}

/**
 * One wait instead of one for every piece and one more for the end: half of what a delivery costs. One byte more than
 * was told is asked for, so that fewer are the whole.
 * @returns undefined for a stream that can only be read by pieces
 */
async function readAtOnce(body: ReadableStream, bytes: number): Promise<Uint8Array | undefined> {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    return undefined;
  }
  // The platform's own; other runtimes read by pieces.
  if (!("readAtLeast" in reader)) {
    (reader as ReadableStreamBYOBReader).releaseLock();
    return undefined;
  }
  const { value } = await reader.readAtLeast(bytes, new Uint8Array(bytes));
  reader.releaseLock();
  return value ?? new Uint8Array();
}

async function countedBytes(
  body: ReadableStream,
  maxBytes: number,
  first: Uint8Array = new Uint8Array(),
): Promise<Uint8Array | undefined> {
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  const chunks = [first];
  let size = first.byteLength;
  for (;;) {
    if (size > maxBytes) {
      await reader.cancel();
      return undefined;
    }
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    chunks.push(value);
  }
  return joined(chunks, size);
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
