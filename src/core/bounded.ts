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
  const reader = told === undefined ? undefined : wholeReader(body);
  if (told === undefined || reader === undefined) return countedBytes(body, maxBytes);
  // One wait instead of one for every piece and one more for the end: half of what a delivery costs. One byte more
  // than was told is asked for, so that fewer are the whole.
  const { value: first = new Uint8Array() } = await reader.readAtLeast(told + 1, new Uint8Array(told + 1));
  // Nobody reads on: the stream stays locked, which spares what unlocking it costs.
  if (first.byteLength <= told) return first;
  reader.releaseLock();
  return countedBytes(body, maxBytes, first);
}

/** @returns undefined for a stream that can only be read by pieces: only the platform's own know another way */
function wholeReader(body: ReadableStream): ReadableStreamBYOBReader | undefined {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    return undefined;
  }
  if ("readAtLeast" in reader) return reader;
  (reader as ReadableStreamBYOBReader).releaseLock();
  return undefined;
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
