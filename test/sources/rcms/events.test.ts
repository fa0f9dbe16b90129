// RCMS's envelope: which record each of its events speaks of, and what becomes of what is no envelope.

import { describe, expect, it } from "vitest";
import { EVENT_TYPES, parseRcmsDelivery } from "../../../src/sources/rcms/events.ts";
import { bytes, delivery } from "../signed.ts";

const AT = "2026-01-31T12:00:00.000Z";
const HEAD = { createdAt: Date.UTC(2026, 0, 31, 12), id: "evt_1", organizationId: "org_9" };

function envelope(type: string, data: unknown, more: Record<string, unknown> = {}): string {
  return JSON.stringify({ id: "evt_1", type, created_at: AT, organization_id: "org_9", data, ...more });
}

const parse = (body: string | Uint8Array) => parseRcmsDelivery(delivery(body));
const parsed = (type: string, data: unknown, more?: Record<string, unknown>) =>
  parse(envelope(type, data, more));

/** The sixteen types RCMS documents, with the data it shows, and the record each speaks of. */
const TYPES: readonly (readonly [type: string, data: Record<string, unknown>, kind: string, id: string])[] = [
  ["client.enrolled", { client_id: "c1" }, "clients", "c1"],
  ["client.updated", { client_id: "c1" }, "clients", "c1"],
  ["client.discharged", { client_id: "c1" }, "clients", "c1"],
  ["client.readmitted", { client_id: "c1" }, "clients", "c1"],
  ["client.intake_incomplete", { client_id: "c1" }, "clients", "c1"],
  ["assessment.scheduled", { id: "a1", client_id: "c1" }, "assessment-status", "c1"],
  ["assessment.submitted", { id: "a1", client_id: "c1" }, "assessment-status", "c1"],
  ["assessment.scored", { id: "a1", client_id: "c1", score: 7 }, "assessment-status", "c1"],
  ["assessment.locked", { id: "a1", client_id: "c1" }, "assessment-status", "c1"],
  ["assessment.due_soon", { id: "a1", client_id: "c1" }, "reminders", "evt_1"],
  ["assessment.overdue", { id: "a1", client_id: "c1" }, "reminders", "evt_1"],
  ["staff.created", { staff_id: "s1" }, "staff", "s1"],
  ["staff.updated", { staff_id: "s1" }, "staff", "s1"],
  ["staff.deactivated", { staff_id: "s1" }, "staff", "s1"],
  ["organization.created", { organization_id: "o1" }, "organizations", "o1"],
  ["organization.updated", { organization_id: "o1" }, "organizations", "o1"],
];

describe("the sixteen types", () => {
  it.each(TYPES)("IN7 %s names its record", (type, data, kind, id) => {
    expect(parsed(type, data)).toMatchObject([{ ...HEAD, type, ref: { kind, id } }]);
  });

  it("IN7 they are all there are", () => {
    expect(Object.keys(EVENT_TYPES).sort()).toEqual(TYPES.map(([type]) => type).sort());
  });

  it("IN9 a thin event carries nothing of its data but the id", () => {
    expect(parsed("client.updated", { client_id: "c1", first_name: "CANARY" })).toEqual([
      { ...HEAD, type: "client.updated", what: "changed", ref: { kind: "clients", id: "c1" } },
    ]);
  });

  it("RM1 submitted and scored say that the client took its assessment; scheduled and locked do not", () => {
    const taken = (type: string) =>
      parsed(type, { client_id: "c1" }).map((event) => "assessmentTaken" in event);
    expect(["assessment.submitted", "assessment.scored"].flatMap(taken)).toEqual([true, true]);
    expect(["assessment.scheduled", "assessment.locked"].flatMap(taken)).toEqual([false, false]);
  });

  it("RM1 a reminder is the event itself, its payload kept whole and its client spelled as text", () => {
    const data = { assessment_id: "a1", client_id: 260, due_at: AT, extra: { kept: [1] } };
    expect(parsed("assessment.due_soon", data)).toEqual([
      {
        ...HEAD,
        type: "assessment.due_soon",
        what: "record",
        ref: { kind: "reminders", id: "evt_1" },
        payload: { ...data, client_id: "260" },
      },
    ]);
  });

  it("RM1 a reminder is kept whatever its event's id looks like, as long as it is one", () => {
    const [event] = parsed("assessment.due_soon", { client_id: "c1" }, { id: "evt:2026.1" });
    expect(event).toMatchObject({ id: "evt:2026.1", what: "record", payload: { client_id: "c1" } });
  });
});

describe("variants", () => {
  it("IN7 the id may also stand in data.id, except for an assessment, whose own id names no record here", () => {
    expect(parsed("client.updated", { id: "c1" })).toMatchObject([{ ref: { kind: "clients", id: "c1" } }]);
    expect(parsed("staff.updated", { id: "s1" })).toMatchObject([{ ref: { kind: "staff", id: "s1" } }]);
    expect(parsed("organization.updated", { id: "o1" })).toMatchObject([
      { ref: { kind: "organizations", id: "o1" } },
    ]);
    expect(parsed("assessment.scored", { id: "a1" })).toMatchObject([{ what: "unknown", why: "envelope" }]);
    expect(parsed("client.updated", { id: "x", client_id: "c1" })).toMatchObject([{ ref: { id: "c1" } }]);
  });

  it("IN7 ids may be numbers", () => {
    expect(parsed("client.updated", { client_id: 260 })).toMatchObject([
      { ref: { kind: "clients", id: "260" } },
    ]);
    expect(parsed("client.updated", { client_id: "c1" }, { organization_id: 7 })).toMatchObject([
      { organizationId: "7" },
    ]);
  });

  it("IN7 an organization may be named by the envelope alone", () => {
    for (const data of [{}, { name: "x" }, null, undefined]) {
      expect(parsed("organization.updated", data)).toMatchObject([
        { ref: { kind: "organizations", id: "org_9" } },
      ]);
    }
  });

  it("IN7 a time or organization that cannot be read is left out, and the event still counts", () => {
    const [event] = parsed(
      "client.updated",
      { client_id: "c1" },
      { created_at: "yesterday", organization_id: "a/b" },
    );
    expect(event).toEqual({
      id: "evt_1",
      type: "client.updated",
      what: "changed",
      ref: { kind: "clients", id: "c1" },
    });
  });

  it("IN7 the trial delivery is known as one", () => {
    expect(parsed("webhook.test", {})).toEqual([{ ...HEAD, type: "webhook.test", what: "test" }]);
  });
});

describe("what cannot be used", () => {
  it("IN7 a type nobody told us of is unknown, not an error", () => {
    for (const type of ["client.merged", "invoice.paid", "a.b.c.d"]) {
      expect(parsed(type, { client_id: "c1" })).toEqual([{ ...HEAD, type, what: "unknown", why: "type" }]);
    }
  });

  it("PR1 a type that is no word of RCMS's is not repeated anywhere", () => {
    for (const type of [
      "CANARY",
      "Ada Lovelace",
      "client.updated ",
      "x".repeat(65),
      "",
      5,
      null,
      "__proto__",
      "constructor",
    ]) {
      expect(parse(JSON.stringify({ id: "evt_1", type, data: { client_id: "c1" } }))).toEqual([
        { id: "evt_1", type: "unreadable", what: "unknown", why: "type" },
      ]);
    }
  });

  const unreadable: readonly (readonly [string, string | Uint8Array])[] = [
    ["nothing", ""],
    ["no JSON", "client.updated"],
    ["half of one", envelope("client.updated", { client_id: "c1" }).slice(0, -1)],
    ["an array", `[${envelope("client.updated", { client_id: "c1" })}]`],
    ["null", "null"],
    ["text", '"evt_1"'],
    ["a number of many digits", "12345678901234567890"],
    [
      "a byte order mark",
      Uint8Array.from([0xef, 0xbb, 0xbf, ...bytes(envelope("client.updated", { client_id: "c1" }))]),
    ],
    ["bad UTF-8", Uint8Array.from([...bytes('{"id":"evt_1","type":"'), 0xff, 0xfe, ...bytes('"}')])],
    ["half a surrogate", Uint8Array.from([...bytes('{"id":"'), 0xed, 0xa0, 0x80, ...bytes('"}')])],
    ["arrays without end", `{"id":"evt_1","type":"client.updated","data":${"[".repeat(100_000)}`],
    ["nesting too deep", envelope("client.updated", JSON.parse(`${"[".repeat(70)}${"]".repeat(70)}`))],
  ];
  it.each(unreadable)("IN7 %s is kept as an unusable envelope", (_what, body) => {
    expect(parse(body)).toEqual([{ what: "unknown", why: "envelope", type: "unreadable" }]);
  });

  const lacking: readonly (readonly [string, string])[] = [
    ["no id", JSON.stringify({ type: "client.updated", data: { client_id: "c1" } })],
    ["an id that is none", envelope("client.updated", { client_id: "c1" }, { id: "a b" })],
    ["no data", envelope("client.updated", undefined)],
    ["data that is a list", envelope("client.updated", [{ client_id: "c1" }])],
    ["no client_id", envelope("client.updated", { staff_id: "s1" })],
    ["a client_id that climbs", envelope("client.updated", { client_id: "../admin" })],
    ["a client_id that is an object", envelope("client.updated", { client_id: { id: "c1" } })],
    ["a reminder of nobody", envelope("assessment.due_soon", { id: "a1" })],
    ["a trial without id", JSON.stringify({ type: "webhook.test" })],
    [
      "an id inherited from nowhere",
      '{"id":"evt_1","type":"client.updated","data":{"__proto__":{"client_id":"c1"}}}',
    ],
  ];
  it.each(lacking)("IN7 an envelope with %s is kept as unusable", (_what, body) => {
    expect(parse(body)).toMatchObject([{ what: "unknown", why: "envelope" }]);
  });
});
