// HTTP/1.1 over kept-alive sockets, one request in flight on each: little more than bytes out and bytes in, so that
// what is measured is the server. Every response is checked, status and body.

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

export interface Asked {
  /** The whole request, head and body. */
  readonly bytes: Uint8Array;
  readonly status: number;
  /** The whole body, or what it has to contain. */
  readonly body?: string;
  readonly contains?: string;
}

export interface Loaded {
  readonly elapsedMs: number;
  /** One per request, in the order of their answers. */
  readonly latenciesMs: readonly number[];
}

/** @throws when any answer is not the one expected */
export async function load(port: number, connections: number, asked: readonly Asked[]): Promise<Loaded> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const latenciesMs: number[] = [];
  let next = 0;
  const startedAt = performance.now();
  try {
    await Promise.all(
      sockets.map(async (socket) => {
        for (let one = asked[next++]; one !== undefined; one = asked[next++]) {
          const sentAt = performance.now();
          const answer = await socket.ask(one.bytes);
          latenciesMs.push(performance.now() - sentAt);
          check(one, answer);
        }
      }),
    );
    return { elapsedMs: performance.now() - startedAt, latenciesMs };
  } finally {
    for (const socket of sockets) socket.close();
  }
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

function check(asked: Asked, { status, body }: Answer): void {
  const right =
    status === asked.status &&
    (asked.body === undefined || body.toString() === asked.body) &&
    (asked.contains === undefined || body.includes(asked.contains));
  if (right) return;
  const request = Buffer.from(asked.bytes).toString().split("\r\n")[0];
  throw new Error(
    `${request} was answered ${status} ${body.toString().slice(0, 300)}, not ${asked.status} ${(asked.body ?? asked.contains ?? "").slice(0, 300)}`,
  );
}

async function open(port: number) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  const answers = reading(socket);
  return {
    ask(bytes: Uint8Array): Promise<Answer> {
      const answer = answers();
      socket.write(bytes);
      return answer;
    },
    close: () => socket.destroy(),
  };
}

/** @returns what waits for the next answer */
function reading(socket: Socket): () => Promise<Answer> {
  let received: Buffer = Buffer.alloc(0);
  let waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;
  socket.on("data", (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const parsed = parse(received);
    if (parsed === undefined) return;
    received = received.subarray(parsed.end);
    waiting?.resolve(parsed.answer);
    waiting = undefined;
  });
  const fail = () => waiting?.reject(new Error("the connection was closed before an answer"));
  socket.on("error", fail);
  socket.on("close", fail);
  return () =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject };
    });
}

/** @returns undefined while it is not whole */
function parse(bytes: Buffer): { readonly answer: Answer; readonly end: number } | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const head = bytes.toString("latin1", 0, headEnd);
  const status = Number(head.slice(9, 12));
  const start = headEnd + 4;
  if (status === 304 || status === 204) return { answer: { status, body: Buffer.alloc(0) }, end: start };
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) return parseChunks(bytes, start, status);
  const end = start + Number(length);
  return bytes.length < end ? undefined : { answer: { status, body: bytes.subarray(start, end) }, end };
}

function parseChunks(bytes: Buffer, from: number, status: number): ReturnType<typeof parse> {
  const parts: Buffer[] = [];
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (bytes.length < end) return undefined;
    if (size === 0) return { answer: { status, body: Buffer.concat(parts) }, end };
    parts.push(bytes.subarray(lineEnd + 2, end - 2));
    at = end;
  }
}
