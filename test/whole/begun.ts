// A request of which only the beginning is ever sent, through a real socket.

import { connect } from "node:net";

/** @returns the status of the answer, given although the body, sent in chunks, never ended */
export function statusOfBegun(url: string, sentBytes: number): Promise<number> {
  const { hostname, port, pathname } = new URL(url);
  const piece = " ".repeat(50_000);
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
    const host = `host: ${hostname}:${port}`;
    socket.write(`POST ${pathname} HTTP/1.1\r\n${host}\r\ntransfer-encoding: chunked\r\n\r\n`);
    for (let sent = 0; sent < sentBytes; sent += piece.length)
      socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
  });
}
