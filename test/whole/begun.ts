// A request of which only the beginning is ever sent, through a real socket.

import { connect } from "node:net";

/**
 * @param framing how the length is told: in advance, or chunk by chunk
 * @returns the status of the answer, given although the body never ended
 */
export function statusOfBegun(
  url: string,
  framing: { readonly announced: number } | "chunked",
  sentBytes: number,
): Promise<number> {
  const { hostname, port, pathname } = new URL(url);
  const length =
    framing === "chunked" ? "transfer-encoding: chunked" : `content-length: ${framing.announced}`;
  const piece = " ".repeat(50_000);
  const framed = framing === "chunked" ? `${piece.length.toString(16)}\r\n${piece}\r\n` : piece;
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let answer = "";
    socket.once("error", reject);
    socket.once("close", () => reject(new Error(`closed after: ${answer.slice(0, 200)}`)));
    socket.on("data", (data) => {
      answer += data.toString("latin1");
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1];
      if (status === undefined) return;
      resolve(Number(status));
      socket.destroy();
    });
    socket.write(`POST ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n${length}\r\n\r\n`);
    for (let sent = 0; sent < sentBytes; sent += piece.length) socket.write(framed);
  });
}
