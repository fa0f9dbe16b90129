// What a signature lets in. Everything it keeps out is in signature-hostile.test.ts.

import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { verifySignature } from "../../src/sources/signature.ts";
import { bytes, hmacHex, SECRET, SENT_AT, signatureHeader } from "./signed.ts";

const NOW = SENT_AT * 1_000;
const BODY = bytes('{"id":"evt_1"}');
const AUTHENTIC = { authentic: true };
const refused = (why: string) => ({ authentic: false, why });

describe("known answers", () => {
  it("IN3 the HMAC is the one published: key test_secret, three messages", () => {
    const hex = (message: string) => createHmac("sha256", "test_secret").update(message).digest("hex");
    expect(hex("")).toBe("f7f9bd47fb987337b5796fdc1fdb9ba221d0d5396814bfcaf9521f43fd8927fd");
    expect(hex('{"obj1":"hello","obj2":"world"}')).toBe(
      "bebb1a643997f419b315ddba19e6f5411e1ce7f810ba6d3617ce72823092f363",
    );
    expect(hex("😀")).toBe("837da296d05c4fe31f61d5d7ead035099d9585a5bcde87de952012a78f0b0c43");
  });

  it.each(["", '{"obj1":"hello","obj2":"world"}', "😀"])(
    "IN3 a delivery of %j signed with test_secret is let in",
    async (body) => {
      const header = `t=${SENT_AT},v1=${hmacHex("test_secret", SENT_AT, body)}`;
      expect(await verifySignature(header, bytes(body), ["test_secret"], NOW)).toEqual(AUTHENTIC);
    },
  );

  it("IN3 an answer worked out once and for all is let in", async () => {
    // HMAC-SHA256 of `1900000000.{"obj1":"hello","obj2":"world"}` under test_secret, by openssl.
    const header = "t=1900000000,v1=b4d9a78bc11f3b5a75af4daa9b31ba0ba7d2ce4f94d7d2294727816c5ad4ba4d";
    expect(
      await verifySignature(header, bytes('{"obj1":"hello","obj2":"world"}'), ["test_secret"], NOW),
    ).toEqual(AUTHENTIC);
  });

  it("IN3 bytes that are no text are signed as they are", async () => {
    const body = Uint8Array.from([0xff, 0x00, 0xc3, 0x28, 0x0d, 0x0a]);
    expect(await verifySignature(signatureHeader(body), body, [SECRET], NOW)).toEqual(AUTHENTIC);
  });

  it("IN3 the key is the whole secret, its prefix included", async () => {
    const without = signatureHeader(BODY, SENT_AT, SECRET.replace("whsec_", ""));
    expect(await verifySignature(without, BODY, [SECRET], NOW)).toEqual(refused("wrong"));
  });
});

describe("time", () => {
  const at = (secondsLater: number, millis = 0) =>
    verifySignature(signatureHeader(BODY), BODY, [SECRET], (SENT_AT + secondsLater) * 1_000 + millis);

  it("IN3 300 s are tolerated in either direction, 301 are not", async () => {
    expect(await at(300)).toEqual(AUTHENTIC);
    expect(await at(-300)).toEqual(AUTHENTIC);
    expect(await at(301)).toEqual(refused("too_old"));
    expect(await at(-301)).toEqual(refused("too_new"));
  });

  it("IN3 fractions of our second do not shift the bounds by more than themselves", async () => {
    expect(await at(299, 999)).toEqual(AUTHENTIC);
    expect(await at(301, 999)).toEqual(refused("too_old"));
    expect(await at(-301, 0)).toEqual(refused("too_new"));
    expect(await at(-301, 999)).toEqual(refused("too_new"));
    expect(await at(-300, 1)).toEqual(AUTHENTIC);
  });

  it("IN3 the time is signed: another one over the same signature is refused", async () => {
    const header = signatureHeader(BODY).replace(`t=${SENT_AT}`, `t=${SENT_AT + 1}`);
    expect(await verifySignature(header, BODY, [SECRET], NOW)).toEqual(refused("wrong"));
  });
});

describe("rotation", () => {
  it("IN4 any active secret may have signed, wherever it stands", async () => {
    for (const secret of ["one", "two", "three"]) {
      const header = signatureHeader(BODY, SENT_AT, secret);
      expect(await verifySignature(header, BODY, ["one", "two", "three"], NOW)).toEqual(AUTHENTIC);
    }
  });

  it("IN4 a connection without a secret lets nothing in", async () => {
    expect(await verifySignature(signatureHeader(BODY), BODY, [], NOW)).toEqual(refused("wrong"));
  });

  it("IN4 a secret that is no longer active lets nothing in", async () => {
    expect(await verifySignature(signatureHeader(BODY, SENT_AT, "old"), BODY, ["new"], NOW)).toEqual(
      refused("wrong"),
    );
  });
});

describe("the order of checks", () => {
  const oldTime = String(SENT_AT - 1_000);

  it("IN2 missing comes before everything, malformed before the time, the time before the HMAC", async () => {
    expect(await verifySignature(null, BODY, [SECRET], NOW)).toEqual(refused("missing"));
    expect(await verifySignature(`t=${oldTime},v1=potato`, BODY, [SECRET], NOW)).toEqual(
      refused("malformed"),
    );
    expect(await verifySignature(`t=${oldTime},v1=${"0".repeat(64)}`, BODY, [SECRET], NOW)).toEqual(
      refused("too_old"),
    );
    expect(await verifySignature(`t=${SENT_AT},v1=${"0".repeat(64)}`, BODY, [SECRET], NOW)).toEqual(
      refused("wrong"),
    );
  });

  it("IN5 an empty or unreadable body is judged like any other, by its signature alone", async () => {
    for (const body of [new Uint8Array(), Uint8Array.from([0xff]), bytes("not json")]) {
      expect(await verifySignature(signatureHeader(body), body, [SECRET], NOW)).toEqual(AUTHENTIC);
    }
  });
});

it("IN3 whatever of the header or body is changed after signing, it is not let in", async () => {
  const header = signatureHeader(BODY);
  const flip = (at: number, by: number, of: Uint8Array) =>
    of.map((byte, i) => (i === at % of.length ? byte ^ by : byte));
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), async (at, by, inBody) => {
      const changedBody = inBody ? flip(at, by, BODY) : BODY;
      const changedHeader = inBody ? header : String.fromCharCode(...flip(at, by, bytes(header)));
      const verdict = await verifySignature(changedHeader, changedBody, [SECRET], NOW);
      expect(verdict.authentic).toBe(false);
    }),
    { numRuns: 500 },
  );
});

it("IN3 no body is let in under another's signature, however alike", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 64 }),
      fc.uint8Array({ maxLength: 64 }),
      async (signed, sent) => {
        const same = Buffer.compare(signed, sent) === 0;
        const verdict = await verifySignature(signatureHeader(signed), sent, [SECRET], NOW);
        expect(verdict.authentic).toBe(same);
      },
    ),
  );
});

it("IN3 checks that run at once know nothing of each other, whatever their sizes", async () => {
  const secrets = ["one", "two", "three"];
  const delivery = fc.record({
    size: fc.integer({ min: 0, max: 6_000 }),
    fill: fc.nat(255),
    forged: fc.boolean(),
    signer: fc.constantFrom(...secrets),
    others: fc.nat(4),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(delivery, { minLength: 2, maxLength: 12 }), async (deliveries) => {
      const checks = deliveries.map(async ({ size, fill, forged, signer, others }) => {
        const body = new Uint8Array(size).fill(fill);
        const right = hmacHex(forged ? "nobody's" : signer, SENT_AT, body);
        const wrong = Array.from({ length: others }, (_, n) => `v1=${String(n).repeat(64)},`).join("");
        return verifySignature(`t=${SENT_AT},${wrong}v1=${right}`, body, secrets, NOW);
      });
      const verdicts = await Promise.all(checks);
      expect(verdicts.map(({ authentic }) => authentic)).toEqual(deliveries.map(({ forged }) => !forged));
    }),
  );
});
