// The body of a request or an answer: never larger than its bound, and where nothing tells its length counted while it
// is read.

/**
 * A told length is how the message is framed: the runtime hands over that many bytes and no more, so that one look at
 * it bounds what is read. Unless the body was encoded: then it is the length of something else.
 * @returns undefined when it is larger than `maxBytes`; the rest is then not read
 */
export async function boundedBytes(
  message: Pick<Body, "body" | "arrayBuffer"> & { readonly headers: Headers },
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const told = toldLength(message.headers);
  if (told === undefined)
    return message.body === null ? new Uint8Array() : countedBytes(message.body, maxBytes);
  if (told > maxBytes) {
    await message.body?.cancel();
    return undefined;
  }
  // Whole: a stream's reader costs more than the check of a signature.
  const bytes = new Uint8Array(await message.arrayBuffer());
  return bytes.length > maxBytes ? undefined : bytes;
}

function toldLength(headers: Headers): number | undefined {
  const length = headers.get("content-length") ?? "";
  return /^\d+$/.test(length) && !headers.has("content-encoding") ? Number(length) : undefined;
}

async function countedBytes(body: ReadableStream, maxBytes: number): Promise<Uint8Array | undefined> {
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(chunks, size);
    size += value.byteLength;
    if (size > maxBytes) {
      await reader.cancel();
      return undefined;
    }
    chunks.push(value);
  }
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
