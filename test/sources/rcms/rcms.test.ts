// The RCMS adapter over a fake `send`: what it asks, and what it makes of the answers.

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Result } from "../../../src/core/failure.ts";
import type { Json } from "../../../src/core/json.ts";
import { rcms } from "../../../src/sources/rcms/rcms.ts";
import type { Account, UpstreamAnswer, UpstreamRequest } from "../../../src/sources/source.ts";
import { refOf } from "../../core/samples.ts";
import { delivery, SECRET, SENT_AT } from "../signed.ts";

const ACCOUNT: Account = { baseUrl: "https://api.measurerecovery.com/v1", apiKey: "rcms_live_x", fields: {} };
const STARTED = 1_000_000;
const digest = (text: string) => createHash("sha256").update(text).digest("hex");

function opened(answer: Partial<UpstreamAnswer> | Result<never>, fields: Account["fields"] = {}) {
  const requests: UpstreamRequest[] = [];
  const upstream = rcms.open(
    { ...ACCOUNT, fields },
    async (request) => {
      requests.push(request);
      return "ok" in answer ? answer : { ok: true, value: { status: 200, startedAt: STARTED, ...answer } };
    },
    digest,
  );
  return { upstream, requests };
}

const CLIENT = {
  id: "c1",
  updated_at: "2026-01-31T12:00:00Z",
  organization_id: 7,
  status: "active",
  first_name: "Ada",
};

async function look(
  json: Json,
  fields?: Account["fields"],
  ref = refOf("c1"),
  hint?: { organizationId: string },
) {
  const looked = await opened({ json }, fields).upstream.fetchOne(ref, hint);
  return looked.ok && looked.value.kind === "record" ? looked.value.snapshot : looked;
}

describe("one record", () => {
  it("WR3 is a snapshot as of when its fetch started, with the columns it is found by", async () => {
    const { upstream, requests } = opened({ json: { data: CLIENT } });
    expect(await upstream.fetchOne(refOf("c1"))).toEqual({
      ok: true,
      value: {
        kind: "record",
        snapshot: {
          kind: "clients",
          id: "c1",
          fetchedAt: STARTED,
          updatedAt: Date.UTC(2026, 0, 31, 12),
          organizationId: "7",
          clientId: "c1",
          status: "active",
          terminal: false,
          hash: expect.stringMatching(/^[0-9a-f]{64}$/),
          body: JSON.stringify(CLIENT),
        },
      },
    });
    expect(requests).toEqual([{ method: "GET", target: "/clients/c1" }]);
  });

  it("RD1 is understood with and without the data envelope, alike", async () => {
    expect(await look(CLIENT)).toEqual(await look({ data: CLIENT }));
  });

  it("WR4 has the same hash in whatever order its keys come, and another when anything differs", async () => {
    const hash = async (json: Json) => {
      const seen = await look(json);
      return "hash" in seen ? seen.hash : undefined;
    };
    const turned = Object.fromEntries(Object.entries(CLIENT).reverse());
    expect(await hash(turned)).toBe(await hash(CLIENT));
    expect(await hash({ ...CLIENT, first_name: "Eda" })).not.toBe(await hash(CLIENT));
    expect(await hash({ ...CLIENT, updated_at: "2026-01-31T12:00:01Z" })).not.toBe(await hash(CLIENT));
  });

  it("WR7 404, 410 and 405 say that nothing is there, 405 that the route itself may be missing", async () => {
    const gone = { kind: "gone", ref: refOf("c1"), fetchedAt: STARTED };
    for (const [status, routeMissing] of [
      [404, false],
      [410, false],
      [405, true],
    ] as const) {
      const looked = await opened({ status }).upstream.fetchOne(refOf("c1"));
      expect(looked).toEqual({ ok: true, value: { ...gone, routeMissing } });
    }
  });

  it("WR7 a failure stays a failure: it never looks like a record that is gone", async () => {
    for (const kind of ["key_rejected", "forbidden", "paused", "interrupted"] as const) {
      const failed = { ok: false, failure: { kind } } as const;
      expect(await opened(failed).upstream.fetchOne(refOf("c1"))).toEqual(failed);
    }
  });

  it("WR8 an answer without a record in it is a bad answer", async () => {
    for (const json of [
      null,
      [],
      "x",
      {},
      { data: null },
      { data: [CLIENT] },
      { data: { name: "x" } },
      { id: "a/b" },
    ]) {
      expect(await look(json), JSON.stringify(json)).toEqual({
        ok: false,
        failure: { kind: "bad_answer", why: "shape" },
      });
    }
    expect(await opened({}).upstream.fetchOne(refOf("c1"))).toMatchObject({ failure: { why: "shape" } });
  });

  it("WR1 is known by the id it gives itself when that is another than asked", async () => {
    expect(await look({ ...CLIENT, id: "c2" })).toMatchObject({ id: "c2", clientId: "c2" });
  });

  it("RD1 a status document is known by its client, and by the organization its asker knows of", async () => {
    const ref = refOf("c1", "assessment-status");
    const { upstream, requests } = opened({ json: { status: "locked", id: "a1" } });
    await upstream.fetchOne(ref);
    expect(requests[0]?.target).toBe("/clients/c1/assessment-status");
    const seen = await look({ status: "locked", id: "a1" }, {}, ref, { organizationId: "o1" });
    expect(seen).toMatchObject({ id: "c1", clientId: "c1", organizationId: "o1", terminal: true });
  });

  it("RD6 an organization belongs to itself", async () => {
    expect(
      await look({ id: "o1", organization_id: "other" }, {}, refOf("o1", "organizations")),
    ).toMatchObject({
      organizationId: "o1",
    });
  });

  it("RM1 a reminder is never fetched", async () => {
    await expect(opened({}).upstream.fetchOne(refOf("r1", "reminders"))).rejects.toThrow("never fetched");
  });

  it("RD1 discharged, deactivated and locked with nothing scheduled are terminal", async () => {
    const terminal = async (kind: "clients" | "staff" | "assessment-status", json: Json) => {
      const seen = await look(json, {}, refOf("x1", kind));
      return "terminal" in seen && seen.terminal;
    };
    expect(await terminal("clients", { id: "x1", status: "Discharged" })).toBe(true);
    expect(await terminal("clients", { id: "x1", status: "active" })).toBe(false);
    expect(await terminal("staff", { id: "x1", status: "deactivated" })).toBe(true);
    expect(await terminal("assessment-status", { latest_assessment: { status: "locked" } })).toBe(true);
    expect(await terminal("assessment-status", { status: "locked", next_assessment_at: "2026-02-01" })).toBe(
      false,
    );
    expect(await terminal("assessment-status", { status: "locked", next_assessment_at: null })).toBe(true);
  });
});

describe("field minimisation", () => {
  it("PR3 happens before hashing: what may not be kept cannot be told from the hash or the body", async () => {
    const fields = { clients: ["updated_at", "status"] };
    const ada = await look(CLIENT, fields);
    const eda = await look({ ...CLIENT, first_name: "Eda" }, fields);
    expect(ada).toEqual(eda);
    expect(JSON.stringify(ada)).not.toContain("first_name");
    expect(ada).toMatchObject({
      body: JSON.stringify({ id: "c1", updated_at: CLIENT.updated_at, status: "active" }),
    });
  });

  it("WR3 the upstream's clock counts even where its field may not be kept", async () => {
    const seen = await look(CLIENT, { clients: [] });
    expect(seen).toMatchObject({ updatedAt: Date.UTC(2026, 0, 31, 12), body: '{"id":"c1"}' });
  });

  it("PR3 a status that may not be kept is not kept in a column either", async () => {
    expect(await look(CLIENT, { clients: ["first_name"] })).not.toHaveProperty("status");
  });

  it("PR3 limits one kind and leaves the others whole", async () => {
    const seen = await look({ id: "s1", name: "Eve" }, { clients: [] }, refOf("s1", "staff"));
    expect(seen).toMatchObject({ body: '{"id":"s1","name":"Eve"}' });
  });
});

describe("the account", () => {
  const problem = (baseUrl: string, apiKey: string) => rcms.accountProblem({ baseUrl, apiKey, fields: {} });

  it("SUB1 a key of the one environment with the host of the other is told before anything is called", () => {
    expect(problem("https://api-sandbox.measurerecovery.com/v1", "rcms_live_1")).toContain("production key");
    expect(problem("https://api.measurerecovery.com/v1", "rcms_test_1")).toContain("sandbox key");
    expect(problem("https://api.measurerecovery.com/v1", "rcms_live_1")).toBeUndefined();
    expect(problem("http://localhost:4010/v1", "rcms_test_1")).toBeUndefined();
  });

  it("IN2 a delivery is judged by its X-RCMS-Signature header", async () => {
    const now = SENT_AT * 1_000;
    expect(await rcms.verify(delivery("{}"), [SECRET], now)).toEqual({ authentic: true });
    expect(await rcms.verify(delivery("{}", null), [SECRET], now)).toEqual({
      authentic: false,
      why: "missing",
    });
  });
});
