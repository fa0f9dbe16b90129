// The verification cases of two published verifiers, stripe-node (test/Webhook.spec.ts) and standard-webhooks (the
// reference libraries' test vectors), told in our header. Where we are stricter than they are, the case says so.

import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type SignatureProblem, verifySignature } from "../../src/sources/signature.ts";
import { bytes, hmacHex, SECRET, SENT_AT, signatureHeader } from "./signed.ts";

interface Case {
  readonly header: string | null;
  readonly body?: string | Uint8Array;
  readonly secrets?: readonly string[];
  /** Seconds between the signature's time and ours; positive: it is older. */
  readonly age?: number;
  /** Undefined: it is let in. */
  readonly refused?: SignatureProblem;
}

const PAYLOAD = '{"id":"evt_test_webhook","object":"event"}';
const GOOD = hmacHex(SECRET, SENT_AT, PAYLOAD);
const genuine = signatureHeader(PAYLOAD);
const over = (body: string, t: string | number = SENT_AT, secret = SECRET) =>
  signatureHeader(body, t, secret);

const STRIPE: Readonly<Record<string, Case>> = {
  "a valid payload and header": { header: genuine },
  "a payload that is no JSON is authentic all the same": {
    header: over("} I am not valid JSON; 123["),
    body: "} I am not valid JSON; 123[",
  },
  "a valid payload and an invalid header": { header: "bad_header", refused: "malformed" },
  "a header that is not of the expected format": {
    header: "I'm not even a real signature header",
    refused: "malformed",
  },
  "an empty header": { header: "", refused: "malformed" },
  "no header": { header: null, refused: "missing" },
  "a header given twice": { header: `${genuine}, ${genuine}`, refused: "malformed" },
  "no signature of the expected scheme": { header: genuine.replace("v1=", "v0="), refused: "malformed" },
  "no valid signature for the payload (of another form, too: stricter)": {
    header: `t=${SENT_AT},v1=bad_signature`,
    refused: "malformed",
  },
  "no valid signature for the payload": { header: `t=${SENT_AT},v1=${"ab".repeat(32)}`, refused: "wrong" },
  "another payload": { header: genuine, body: PAYLOAD.replace("event", "Event"), refused: "wrong" },
  "no payload": { header: genuine, body: "", refused: "wrong" },
  "an empty payload that was signed": { header: over(""), body: "" },
  "another secret": { header: genuine, secrets: ["whsec_another"], refused: "wrong" },
  "an empty secret": { header: genuine, secrets: [""], refused: "wrong" },
  "a secret with white space behind it": { header: genuine, secrets: [`${SECRET} `], refused: "wrong" },
  "a time outside the tolerance": { header: genuine, age: 301, refused: "too_old" },
  "a time within the tolerance": { header: genuine, age: 299 },
  "a time received at a given instant, within the tolerance": { header: genuine, age: 300 },
  "a time off with no tolerance given (there is always one: stricter)": {
    header: over(PAYLOAD, 1_234_567_890),
    refused: "too_old",
  },
  "a time in the future (stricter)": { header: genuine, age: -301, refused: "too_new" },
  "a time that is no number": { header: `t=abc,v1=${hmacHex(SECRET, "abc", PAYLOAD)}`, refused: "malformed" },
  "no time": { header: `v1=${GOOD}`, refused: "malformed" },
  "at least one valid signature, beside a wrong one": { header: `${genuine},v1=${"0".repeat(64)}` },
  "at least one valid signature, beside v1=potato (stricter)": {
    header: `${genuine},v1=potato`,
    refused: "malformed",
  },
  "a valid signature of an older scheme beside it": { header: `${genuine},v0=${GOOD}` },
  "payload and header as bytes": { header: String.fromCharCode(...bytes(genuine)), body: bytes(PAYLOAD) },
  "a payload with characters of several bytes": {
    header: over('{"name":"Žofie 😀"}'),
    body: '{"name":"Žofie 😀"}',
  },
  "a payload that was parsed and written anew": {
    header: genuine,
    body: JSON.stringify(JSON.parse(PAYLOAD), null, 2),
    refused: "wrong",
  },
};

/** The one vector they publish: `msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}`, their base64. */
const VECTOR = {
  key: Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64"),
  signed: 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}',
  signature: "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
};
const TEST = '{"test": 2432232314}';
const vectorHeader = signatureHeader(TEST);
const standard = (one: Omit<Case, "body">): Case => ({ body: TEST, ...one });
const JUNK = Buffer.from("Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=", "base64").toString("hex");

const STANDARD: Readonly<Record<string, Case>> = {
  "valid signature is valid": standard({ header: vectorHeader }),
  "missing timestamp": standard({ header: vectorHeader.replace(/^t=\d+,/, ""), refused: "malformed" }),
  "invalid timestamp": standard({ header: vectorHeader.replace(/^t=\d+/, "t=hello"), refused: "malformed" }),
  "missing signature": standard({ header: `t=${SENT_AT}`, refused: "malformed" }),
  "missing headers": standard({ header: null, refused: "missing" }),
  "invalid signature": standard({ header: `t=${SENT_AT},v1=dawfeoifkpqwoekfpqoekf`, refused: "malformed" }),
  "wrong signature": standard({ header: `t=${SENT_AT},v1=${JUNK}`, refused: "wrong" }),
  "partial signature": standard({ header: vectorHeader.slice(0, -8), refused: "malformed" }),
  "partial signature, nothing of it left": standard({ header: `t=${SENT_AT},v1=`, refused: "malformed" }),
  "partial signature, the rest zeros": standard({
    header: `${vectorHeader.slice(0, -8)}00000000`,
    refused: "wrong",
  }),
  "old timestamp": standard({ header: vectorHeader, age: 301, refused: "too_old" }),
  "new timestamp": standard({ header: vectorHeader, age: -301, refused: "too_new" }),
  "valid multi signature": standard({
    header: `t=${SENT_AT},v1=${JUNK},v2=${JUNK},${vectorHeader.split(",")[1]},v2=${JUNK}`,
  }),
  "a signature of an unknown version alone": standard({
    header: vectorHeader.replace("v1=", "v2="),
    refused: "malformed",
  }),
  "the secret without its prefix (one spelling is the key: stricter)": standard({
    header: vectorHeader,
    secrets: [SECRET.replace("whsec_", "")],
    refused: "wrong",
  }),
  "the secret as base64 (its text is the key: stricter)": standard({
    header: vectorHeader,
    secrets: [Buffer.from(SECRET).toString("base64")],
    refused: "wrong",
  }),
  "an empty key": standard({ header: vectorHeader, secrets: [""], refused: "wrong" }),
  "no key": standard({ header: vectorHeader, secrets: [], refused: "wrong" }),
  "their separators, a space between signatures": standard({
    header: `t=${SENT_AT},v1=${JUNK} v1=${GOOD}`,
    refused: "malformed",
  }),
  "their way of writing a signature, v1 and a comma": standard({
    header: `t=${SENT_AT},v1,${GOOD}`,
    refused: "malformed",
  }),
};

describe.each([
  ["stripe-node", STRIPE],
  ["standard-webhooks", STANDARD],
])("the cases of %s", (_whose, cases) => {
  it.each(Object.entries(cases))(
    "IN2 %s",
    async (_what, { header, body = PAYLOAD, secrets = [SECRET], age = 0, refused }) => {
      const raw = typeof body === "string" ? bytes(body) : body;
      const verdict = await verifySignature(header, raw, secrets, (SENT_AT + age) * 1_000);
      expect(verdict).toEqual(
        refused === undefined ? { authentic: true } : { authentic: false, why: refused },
      );
    },
  );
});

it("IN3 the digest is the one their vector has, under another way of writing key and message", () => {
  expect(createHmac("sha256", VECTOR.key).update(VECTOR.signed).digest("base64")).toBe(VECTOR.signature);
});

it("IN3 299, 300 and 301 seconds on either side, to the millisecond", async () => {
  const at = async (ms: number) =>
    (await verifySignature(genuine, bytes(PAYLOAD), [SECRET], SENT_AT * 1_000 + ms)).authentic;
  const letIn = [
    0, 1, 298_999, 299_000, 299_999, 300_000, 300_001, 300_999, -1, -299_000, -299_001, -299_999, -300_000,
  ];
  const kept = [301_000, 301_001, -300_001, -300_999, -301_000, -301_001, 86_400_000, -86_400_000];
  for (const ms of letIn) expect([ms, await at(ms)]).toEqual([ms, true]);
  for (const ms of kept) expect([ms, await at(ms)]).toEqual([ms, false]);
});
