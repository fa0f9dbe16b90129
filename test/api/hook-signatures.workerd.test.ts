// Hostile signature headers. Every one gets the same answer; none gets a hint, and none gets through.

import { describe, expect, it } from "vitest";
import { isolateTests, NOW } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId, secretOf } from "../support/mirror.ts";
import { hmacHex, signatureHeader } from "../support/sign.ts";

isolateTests();

const T = NOW / 1_000;
const id = newConnectionId();
const body = JSON.stringify({ ...event("client.updated", { client_id: "client_1" }), created_at: "x" });
const mac = hmacHex(secretOf(id), `${T}.${body}`);
const signed = (t: string | number, secret = secretOf(id)) => hmacHex(secret, `${t}.${body}`);
const zeros = "0".repeat(64);

const hostile: readonly (readonly [what: string, header: string | undefined])[] = [
  ["no header", undefined],
  ["an empty one", ""],
  ["only a time", `t=${T}`],
  ["only a signature", `v1=${mac}`],
  ["nothing but commas", ",,,,"],
  ["nothing but equals signs", "===="],
  ["an empty time", `t=,v1=${signed("")}`],
  ["an empty signature", `t=${T},v1=`],
  ["a wrong signature", `t=${T},v1=${zeros}`],
  ["another secret", `t=${T},v1=${signed(T, "whsec_another")}`],
  ["the secret without its prefix", `t=${T},v1=${signed(T, secretOf(id).replace("whsec_", ""))}`],
  ["a signature of the body alone", `t=${T},v1=${hmacHex(secretOf(id), body)}`],
  ["an empty secret's signature", `t=${T},v1=${signed(T, "")}`],
  ["another time than signed", `t=${T + 1},v1=${mac}`],
  ["a time too old", `t=${T - 301},v1=${signed(T - 301)}`],
  ["a time too new", `t=${T + 301},v1=${signed(T + 301)}`],
  ["a time in milliseconds", `t=${NOW},v1=${signed(NOW)}`],
  ["a negative time", `t=-${T},v1=${signed(`-${T}`)}`],
  ["a time with a plus", `t=+${T},v1=${signed(`+${T}`)}`],
  ["a time with a fraction", `t=${T}.0,v1=${signed(`${T}.0`)}`],
  ["a time with an exponent", `t=${T / 1e9}e9,v1=${signed(`${T / 1e9}e9`)}`],
  ["a time in hexadecimal", `t=0x${T.toString(16)},v1=${signed(`0x${T.toString(16)}`)}`],
  ["a time with a leading zero", `t=0${T},v1=${signed(`0${T}`)}`],
  ["a time that is none", `t=NaN,v1=${signed("NaN")}`],
  ["an infinite time", `t=Infinity,v1=${signed("Infinity")}`],
  ["two times", `t=${T},t=${T},v1=${mac}`],
  ["two times around the signature", `t=${T},v1=${mac},t=${T - 9_000}`],
  ["white space after the comma", `t=${T}, v1=${mac}`],
  ["white space around equals", `t= ${T},v1=${mac}`],
  ["a tab within", `t=${T},\tv1=${mac}`],
  ["capital names", `T=${T},V1=${mac}`],
  ["capital hexadecimal", `t=${T},v1=${mac.toUpperCase()}`],
  ["a signature cut short", `t=${T},v1=${mac.slice(0, 63)}`],
  ["a signature with more", `t=${T},v1=${mac}0`],
  ["a signature that is not hexadecimal", `t=${T},v1=${"g".repeat(64)}`],
  ["a signature in base64", `t=${T},v1=${btoa(mac)}`],
  ["only an older scheme", `t=${T},v0=${mac}`],
  ["only a newer scheme", `t=${T},v2=${mac}`],
  ["six signatures, the last right", `t=${T}${`,v1=${zeros}`.repeat(5)},v1=${mac}`],
  ["a trailing comma", `t=${T},v1=${mac},`],
  ["a leading comma", `,t=${T},v1=${mac}`],
  ["semicolons", `t=${T};v1=${mac}`],
  ["quotes", `t="${T}",v1="${mac}"`],
  ["more than a kilobyte", `t=${T},v1=${mac},${"a=b,".repeat(300)}c=d`],
  ["sixty kilobytes", `t=${T},v1=${mac},x=${"y".repeat(60_000)}`],
  ["a foreign pair with capitals", `t=${T},v1=${mac},Evil=1`],
  ["prototype names", `t=${T},__proto__=1,v1=${mac}`],
];

describe("a hostile signature header", () => {
  it("IN2 whatever is wrong, the answer is the same 401 and nothing is queued", async () => {
    const mirror = createMirror();
    await mirror.connect(id);
    const answers = new Map<string, string[]>();
    for (const [what, header] of hostile) {
      const headers = { "x-request-id": "request-1", ...(header ? { "x-rcms-signature": header } : {}) };
      const response = await mirror.fetch(`/hooks/${id}`, { method: "POST", headers, body });
      const heads = [...response.headers].map(([name, value]) => `${name}: ${value}`);
      const answer = [response.status, ...heads, await response.text()].join("\n");
      answers.set(answer, [...(answers.get(answer) ?? []), what]);
    }
    expect([...answers.values()].map((whats) => whats.length)).toEqual([hostile.length]);
    const [answer = ""] = answers.keys();
    expect(answer).toMatch(/^401\n/);
    expect(answer).toContain('"code":"signature_invalid"');
    expect(mirror.events).toEqual([]);
  });

  it("IN2 the header as RCMS writes it passes, also among foreign pairs and other signatures", async () => {
    const mirror = createMirror();
    const honest = [
      signatureHeader(secretOf(id), T, body),
      `v1=${zeros},v1=${mac},t=${T}`,
      `t=${T},v0=anything,v1=${mac},kid=7`,
    ];
    for (const header of honest) {
      const headers = { "x-rcms-signature": header };
      const response = await mirror.fetch(`/hooks/${id}`, { method: "POST", headers, body });
      expect([header, response.status]).toEqual([header, 202]);
    }
  });

  it("IN2 repeated headers join into one and are refused", async () => {
    const mirror = createMirror();
    const headers = new Headers();
    headers.append("x-rcms-signature", `t=${T},v1=${mac}`);
    headers.append("x-rcms-signature", `t=${T},v1=${mac}`);
    const response = await mirror.fetch(`/hooks/${id}`, { method: "POST", headers, body });
    expect(response.status).toBe(401);
  });
});
